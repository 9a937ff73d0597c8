"""The sockets in the core's wall: who judges, who trades, who is told, who keeps the money.

Each is a small base class rather than a Protocol, because the hot modules call them through C; what is left out
raises, since a port half implemented is a bug. The rooms `risk` and `adapters` fill them in.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from tickwright.engine.order import Approved, Denial, Fill, Order
from tickwright.engine.terms import NO_TIME

if TYPE_CHECKING:
    from tickwright.engine.asking import Inquiry
    from tickwright.engine.market import Seat


class Latched(Protocol):
    """A kill that was latched: what it covers, and whether positions are to be closed."""

    @property
    def flatten(self) -> bool: ...

    def covers(self, strategy: str, instrument: str, venue: str) -> bool: ...


class Store(Protocol):
    """Keeps what strategies save, by the strategy's name."""

    def load(self, strategy: str) -> dict[str, Any] | None:
        """What was saved last; None where nothing was."""
        ...

    def save(self, strategy: str, state: dict[str, Any]) -> None: ...


class Gate:
    """The last gate before an order leaves. `to_cancel` lists own orders that a verdict wants out of the way."""

    __slots__ = ("to_cancel",)

    to_cancel: list[Order]

    def judge(self, order: Order, now: int) -> Approved | Denial:
        """Decide on a new order; the decision and its inputs are recorded by the gate."""
        raise NotImplementedError(type(self).__name__)

    def judge_replace(self, order: Order, lots: int, ticks: int, now: int) -> Approved | Denial:
        """Decide on changing `order` to a new total and price."""
        raise NotImplementedError(type(self).__name__)

    def cancel_allowed(self, order: Order, now: int) -> bool:
        """Whether the message budget, its reserve included, lets one cancel leave now; it is counted if so."""
        raise NotImplementedError(type(self).__name__)

    def filled(self, order: Order, fill: Fill, now: int) -> None:
        """A fill was booked."""
        raise NotImplementedError(type(self).__name__)

    def rejected(self, order: Order, now: int) -> None:
        """The venue refused an order."""
        raise NotImplementedError(type(self).__name__)

    def mark(self, now: int) -> None:
        """A second has passed: sample references, evaluate losses, roll the day."""
        raise NotImplementedError(type(self).__name__)

    def disable(self, strategy_index: int, reason: str, now: int) -> None:
        """From now on nothing of this strategy passes but cancels."""
        raise NotImplementedError(type(self).__name__)

    def latched(self) -> Sequence[Latched]:
        """Kills raised since the last call: everything they cover is to be cancelled now."""
        raise NotImplementedError(type(self).__name__)

    def let_exit(self, order: Order) -> None:
        """Let one reduce-only order of the core pass a kill that flattens."""
        raise NotImplementedError(type(self).__name__)

    def asking_refusal(self, seat: "Seat", lots: int, now: int) -> str:
        """Why a strategy may not ask for quotes now; empty where it may, and it is then counted as a message."""
        raise NotImplementedError(type(self).__name__)

    def alarm(self, order: Order, halt: bool, code: str, now: int) -> None:
        """The order manager met what must not be: the instrument may only be reduced, or (halt) all stops."""
        raise NotImplementedError(type(self).__name__)


class Venue:
    """Where orders go: the simulator, or the link to a real one.

    Commands return nothing; answers come back through the `Reports` the venue was given, never inside the call.
    """

    def submit(self, order: Order, now: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def cancel(self, order: Order, request_id: int, now: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def replace(self, order: Order, request_id: int, lots: int, ticks: int, now: int) -> None:
        """Only called where `native_replace` is true."""
        raise NotImplementedError(type(self).__name__)

    def asks_quotes(self) -> bool:
        """Whether others can be asked for quotes here; where they cannot, the next two are never called."""
        return False

    def ask_quotes(self, inquiry: "Inquiry") -> None:
        raise NotImplementedError(type(self).__name__)

    def withdraw_quotes(self, inquiry: "Inquiry") -> None:
        raise NotImplementedError(type(self).__name__)


class Stake:
    """The prices at which a venue has something at stake in one market, so that the tape loop compares two numbers.

    In ticks: own bids rest, or levels were taken from, from `bid_low` to `bid_high`; the same for asks. A level
    matters within its own side's prices, and where it reaches the other side's; a trade where it reaches the side it
    was taken from. A venue for which every row matters says so with `everything`.
    """

    __slots__ = ("ask_high", "ask_low", "bid_high", "bid_low")

    def __init__(self) -> None:
        self.nothing()

    def nothing(self) -> None:
        """No row matters."""
        self.bid_low = self.ask_low = NO_TIME
        self.bid_high = self.ask_high = -NO_TIME

    def everything(self) -> None:
        """Every row matters."""
        self.bid_low = self.ask_low = -NO_TIME
        self.bid_high = self.ask_high = NO_TIME

    def level(self, side: int, ticks: int) -> bool:
        """Whether a row for a level matters."""
        if side > 0:
            return ticks >= self.ask_low or self.bid_low <= ticks <= self.bid_high
        return ticks <= self.bid_high or self.ask_low <= ticks <= self.ask_high

    def trade(self, taker: int, ticks: int) -> bool:
        """Whether a trade matters."""
        return ticks >= self.ask_low if taker > 0 else ticks <= self.bid_high


class TapeVenue(Venue):
    """A venue that lives on the same market data as the strategies: the simulator.

    `next_due` is when it next has something to do or to say (NO_TIME while idle); `instant` says that nothing it does
    takes time; `stakes[market]` says which rows it must be told of, and stays the same object. The loop numbers market
    rows from 1 and keeps the last one's in `event`: fills name it.
    """

    __slots__ = ("event", "instant", "next_due", "stakes")

    event: int
    instant: bool
    next_due: int
    stakes: list[Stake]

    def advance(self, now: int) -> None:
        """Do and say everything due up to `now`."""
        raise NotImplementedError(type(self).__name__)

    def level(self, market: int, side: int, ticks: int, lots: int, ts: int, event: int) -> None:
        """A level becomes `lots` in the venue's book, changed or confirmed; needed where `stakes` say so."""
        raise NotImplementedError(type(self).__name__)

    def trade(self, market: int, taker: int, ticks: int, lots: int, ts: int, event: int) -> None:
        """Somebody traded, `taker` +1 where the buyer took; needed where `stakes` say so."""
        raise NotImplementedError(type(self).__name__)


class Reports:
    """Who hears what the venue says of our orders, by `client_order_id`. Quantities in lots; -1 means not stated."""

    def accepted(self, client_order_id: str, venue_order_id: str, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def refused(self, client_order_id: str, reason: str, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def executed(
        self, client_order_id: str, trade_id: str, lots: int, ticks: int, maker: bool, cause: int, ts: int
    ) -> None:
        raise NotImplementedError(type(self).__name__)

    def canceled(self, client_order_id: str, stated_cum: int, reason: str, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def cancel_refused(self, client_order_id: str, kind: int, stated_cum: int, request_id: int, ts: int) -> None:
        """`kind` is one of `Refusal`."""
        raise NotImplementedError(type(self).__name__)

    def replaced(self, client_order_id: str, lots: int, ticks: int, request_id: int, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def replace_refused(self, client_order_id: str, kind: int, stated_cum: int, request_id: int, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def expired(self, client_order_id: str, stated_cum: int, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)


class Ledger:
    """Who moves money when the order manager books, takes back or corrects an execution."""

    def book(self, order: Order, fill: Fill) -> None:
        raise NotImplementedError(type(self).__name__)

    def take_back(self, order: Order, fill: Fill) -> None:
        """A bust: the execution never was."""
        raise NotImplementedError(type(self).__name__)

    def correct(self, order: Order, lots: int, old_ticks: int, new_ticks: int) -> None:
        """A real trade takes the place of an inferred one: same quantity, another price."""
        raise NotImplementedError(type(self).__name__)
