"""Replacing an order at a venue that cannot: cancel A, wait until its sum is final, then create B for the rest.

A and B are never live together. B is created only when A is over and what A executed is final: stated by the
acknowledgement of the cancel with every fill booked, or confirmed by asking. The wish lapses where A is not settled in
time; the cancel of A does not.
"""

from enum import Enum

from attrs import frozen

from tickwright.engine.order import Order
from tickwright.engine.terms import DENIED, FAILED, FILLED, REJECTED
from tickwright.engine.timers import SECOND


class Wait(Enum):
    """A is not settled yet."""

    WAIT = "wait"


@frozen
class Create:
    """Create B with so many lots, at the price asked for, through the gate like any other order."""

    lots: int
    ticks: int


@frozen
class Drop:
    """There is no B; the strategy is told `code`: TOO_LATE, REPLACE_BELOW_FILLED or REPLACE_LOST."""

    code: str


class Replacement:
    """The wish to replace `order` by a new total and price, asked for at `ts`.

    The cancel of the order is the caller's to send, before the first step.
    """

    __slots__ = ("deadline", "lots", "order", "outcome", "ticks")

    def __init__(self, order: Order, lots: int, ticks: int, ts: int, patience: int = 3 * SECOND) -> None:
        self.order = order
        self.lots = lots
        self.ticks = ticks
        self.deadline = ts + patience
        self.outcome: Create | Drop | None = None

    def step(self, ts: int) -> Wait | Create | Drop:
        """What to do now; to be asked after each event of the order, and at the deadline.

        The answer that ends the wish is given once and for all: asked again, the answer is Drop, so that no event that
        comes twice can create two orders.
        """
        if self.outcome is not None:
            return Drop("REPLACE_DONE") if isinstance(self.outcome, Create) else self.outcome
        verdict = self.judge(ts)
        if not isinstance(verdict, Wait):
            self.outcome = verdict
        return verdict

    def judge(self, ts: int) -> Wait | Create | Drop:
        order = self.order
        if order.state_code == FILLED:
            return Drop("TOO_LATE")
        if order.state_code in (REJECTED, DENIED, FAILED):
            return Drop("REPLACE_LOST")
        if order.terminal and order.settled_cum:
            rest = self.lots - order.cum
            return Create(rest, self.ticks) if rest > 0 else Drop("REPLACE_BELOW_FILLED")
        if ts >= self.deadline:
            return Drop("REPLACE_LOST")
        return Wait.WAIT

    def lost(self) -> Drop:
        """B was denied or rejected."""
        self.outcome = Drop("REPLACE_LOST")
        return self.outcome
