"""Asks one venue about the account: everything now and then, and each order in doubt until it is settled.

Part of the live driver (`engine/live.py`): it awaits answers, and applies each in one go, like a step.
"""

from collections.abc import Callable
from typing import Final, Protocol

import trio

from tickwright.engine.core import Core
from tickwright.engine.intake import Link
from tickwright.engine.order import Order
from tickwright.engine.sweep import PAUSES_NS, Sweep
from tickwright.engine.times import SECOND
from tickwright.engine.wire import Clock, QueryFailed, Wire

PASS_NS: Final = 30 * SECOND
"""Between two passes while nothing is in doubt."""

ASK_S: Final = 0.25
QUERY_S: Final = 10.0
ASKED_AT_ONCE: Final = 8


class Driver(Protocol):
    """What the asker needs of the run."""

    core: Core

    @property
    def clock(self) -> Clock: ...

    def applied(self) -> None:
        """Answers were applied: record, commit, let commands leave."""
        ...

    def tell(self, text: str) -> None: ...

    def reduce_only(self, instrument: str, reason: str) -> None: ...


class Asker:
    """Asks one venue. `next_pass` is when all is asked for again."""

    def __init__(self, driver: Driver, wire: Wire, link: Link, sweep: Sweep) -> None:
        self.driver = driver
        self.wire = wire
        self.link = link
        self.sweep = sweep
        self.next_pass = 0
        self.failed = 0

    def now(self) -> int:
        """The run's time; the core's never goes back."""
        core = self.driver.core
        core.now = max(self.driver.clock.now(), core.now)
        return core.now

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            if self.link.up:
                if self.now() >= self.next_pass:
                    await self.whole_pass()
                for order in self.sweep.doubtful(self.now())[:ASKED_AT_ONCE]:
                    await self.ask_for(order)
                if self.sweep.strangers.strays:
                    self.sweep.settle_strays(self.now())
                    self.driver.applied()
            await trio.sleep(ASK_S)

    async def whole_pass(self) -> None:
        """Ask for executions, live orders and holdings, and apply the answers together."""
        asked = self.now()
        sweep = self.sweep
        since = sweep.since
        try:
            with trio.fail_after(QUERY_S):
                trades = await self.wire.trades(since)
                live = await self.wire.open_orders()
                holdings = await self.wire.holdings()
        except (QueryFailed, trio.TooSlowError) as error:
            self.next_pass = self.now() + PAUSES_NS[min(self.failed, len(PAUSES_NS) - 1)]
            self.failed += 1
            reason = str(error) or "no answer in time"
            self.driver.core.recorder.note(1, f"{self.wire.venue}: reconciliation inconclusive: {reason}", self.now())
            self.driver.applied()
            return
        self.failed = 0
        now = self.now()
        sweep.traded(trades, since, asked, now)
        sweep.listed(live, asked, now)
        for asset in sweep.held(holdings, now) if holdings is not None else ():
            self.mismatch(asset, now)
        self.conclude(now)
        self.driver.applied()

    def conclude(self, now: int) -> None:
        """After a pass: the venue is reconciled once nothing of the break is in doubt."""
        sweep = self.sweep
        pending = not sweep.settled or bool(sweep.differs)
        self.next_pass = now + (SECOND if pending else PASS_NS)
        if sweep.settled and not sweep.strangers.locked and self.link.up and not self.link.reconciled:
            self.link.reconciled = True
            self.driver.core.recorder.note(0, f"{self.wire.venue}: reconciled", now)
            self.driver.tell(f"{self.wire.venue}: reconciled")
            # What a strategy asked for before was denied; on a market that stands still nobody would ask it again.
            for market in self.driver.core.markets:
                if market.venue_name == self.wire.venue:
                    self.driver.core.wake_again(market, now)

    def mismatch(self, asset: str, now: int) -> None:
        """The account holds other than we think: nothing is invented, but nothing may grow there either."""
        gap = self.sweep.mismatched[asset]
        text = f"{self.wire.venue}: POSITION_MISMATCH in {asset}: the venue holds {gap} more than our fills explain"
        core = self.driver.core
        core.recorder.note(2, text, now)
        self.driver.tell(text)
        for market in core.markets:
            if market.venue_name == self.wire.venue and asset in (market.instrument.base, market.instrument.quote):
                self.driver.reduce_only(market.instrument.id, text)

    async def ask_for(self, order: Order) -> None:
        """Ask for one order in doubt."""
        asked = self.now()
        self.sweep.asked(order, asked)
        since = min(self.sweep.since, order.sent_ts)
        try:
            with trio.fail_after(QUERY_S):
                facts = await self.wire.order(order)
                trades = await self.wire.trades(since)
        except (QueryFailed, trio.TooSlowError):
            return
        now = self.now()
        self.sweep.traded(trades, since, asked, now)
        self.sweep.order(order, facts, asked, now)
        self.driver.applied()

    async def none_left(self, leaving: Callable[[str], bool]) -> bool:
        """Whether the venue's own list has none of our orders but those that may stay."""
        asked = self.now()
        try:
            with trio.fail_after(QUERY_S):
                live = await self.wire.open_orders()
        except (QueryFailed, trio.TooSlowError):
            return False
        self.sweep.listed(live, asked, self.now())
        self.driver.applied()
        prefix = f"{self.sweep.strangers.prefix}-"
        return not any(
            facts.client_order_id.startswith(prefix) and not leaving(facts.client_order_id) for facts in live
        )
