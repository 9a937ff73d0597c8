"""Asks one venue about the account: everything now and then, and each order in doubt until it is settled.

Part of the live driver (`engine/live.py`): it awaits answers, and applies each in one go, like a step.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Protocol

import trio

from tickwright.engine.core import Core
from tickwright.engine.intake import Link
from tickwright.engine.market import Market
from tickwright.engine.order import Order
from tickwright.engine.sweep import PAUSES_NS, Sweep, touched
from tickwright.engine.times import SECOND
from tickwright.engine.wire import Clock, OrderFacts, PositionFacts, QueryFailed, TradeFacts, Wire
from tickwright.engine.witness import Witness, applied

PASS_NS: Final = 30 * SECOND
"""Between two passes while nothing is in doubt."""

ASK_S: Final = 0.25
QUERY_S: Final = 10.0
ASKED_AT_ONCE: Final = 8
KEEN_NS: Final = 30 * SECOND
"""So long after an alarm everything is asked for each second, to open again soon what the alarm closed."""


class Driver(Protocol):
    """What the asker needs of the run."""

    core: Core

    @property
    def clock(self) -> Clock: ...

    @property
    def witness(self) -> Witness | None: ...

    def applied(self) -> None:
        """Answers were applied: record, commit, let commands leave."""
        ...

    def tell(self, text: str) -> None: ...

    def reduce_only(self, instrument: str, reason: str) -> None: ...

    def closed(self) -> Mapping[str, tuple[int, str]]:
        """The instruments that faults have closed to all that does not reduce: since when, and why."""
        ...

    def reopen(self, instrument: str, reason: str) -> None: ...


class Asker:
    """Asks one venue. `next_pass` is when all is asked for again."""

    def __init__(self, driver: Driver, wire: Wire, link: Link, sweep: Sweep) -> None:
        self.driver = driver
        self.wire = wire
        self.link = link
        self.sweep = sweep
        self.next_pass = 0
        self.last_pass = 0
        self.failed = 0

    @property
    def place(self) -> str:
        return self.wire.venue

    @property
    def witness(self) -> Witness | None:
        return self.driver.witness

    def now(self) -> int:
        """The run's time; the core's never goes back."""
        core = self.driver.core
        core.now = max(self.driver.clock.now(), core.now)
        return core.now

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            if self.link.up:
                if self.pass_due():
                    await self.whole_pass()
                for order in self.doubtful():
                    await self.ask_for(order)
                if self.sweep.strangers.strays:
                    self.settle_strays()
            await trio.sleep(ASK_S)

    @applied
    def pass_due(self) -> bool:
        """Whether it is time to ask for everything."""
        self.hurry()
        self.close_ended(self.now())
        return self.now() >= self.next_pass

    @applied
    def doubtful(self) -> list[Order]:
        """The orders to ask for now."""
        return self.sweep.doubtful(self.now())[:ASKED_AT_ONCE]

    @applied
    def settle_strays(self) -> None:
        """Executions that nobody claimed in time are adopted."""
        self.sweep.settle_strays(self.now())
        self.driver.applied()

    # --- everything ---------------------------------------------------------------------------------------------------

    async def whole_pass(self) -> None:
        """Ask for executions, live orders and holdings, and apply the answers together."""
        asked = self.begin_asking()
        since = self.sweep.since
        try:
            with trio.fail_after(QUERY_S):
                trades = await self.wire.trades(since)
                live = await self.wire.open_orders()
                holdings = await self.wire.holdings()
                positions = await self.wire.positions() if self.sweep.has_derivatives else None
        except (QueryFailed, trio.TooSlowError) as error:
            self.unanswered(str(error) or "no answer in time")
        else:
            self.answered(trades, live, holdings, since, asked, positions)

    @applied
    def begin_asking(self) -> int:
        """A question leaves: the time, from which on its answer counts."""
        return self.now()

    @applied
    def unanswered(self, reason: str) -> None:
        """The venue did not answer, or not wholly: nothing follows, but that it is asked again."""
        self.last_pass = self.now()
        self.next_pass = self.last_pass + PAUSES_NS[min(self.failed, len(PAUSES_NS) - 1)]
        self.failed += 1
        self.driver.core.recorder.note(1, f"{self.wire.venue}: reconciliation inconclusive: {reason}", self.now())
        self.driver.applied()

    @applied
    def answered(
        self,
        trades: tuple[TradeFacts, ...],
        live: tuple[OrderFacts, ...],
        holdings: Mapping[str, Decimal] | None,
        since: int,
        asked: int,
        positions: Mapping[str, PositionFacts] | None = None,
    ) -> None:
        """The venue said everything that it was asked."""
        sweep = self.sweep
        self.failed = 0
        self.last_pass = asked
        now = self.now()
        sweep.traded(trades, since, asked, now)
        sweep.listed(live, asked, now)
        stated = holdings is not None or positions is not None
        for asset in sweep.held(holdings, now, positions) if stated else ():
            self.mismatch(asset, now)
        self.conclude(now)
        self.reopen(asked, now, compared=not stated or sweep.compared)
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

    def close_ended(self, now: int) -> None:
        """Let nothing but a settlement, or a person, change positions in instruments that have ended."""
        for instrument, text in self.sweep.intake.payments.unsettled(self.wire.venue, now):
            self.driver.reduce_only(instrument, text)
            self.driver.tell(text)
            self.driver.applied()

    def closed(self) -> list[tuple[Market, int, str]]:
        """This venue's markets that faults have closed: since when, and why."""
        held = self.driver.closed()
        mine = [market for market in self.driver.core.markets if market.venue_name == self.wire.venue]
        return [(market, *held[market.instrument.id]) for market in mine if market.instrument.id in held]

    def hurry(self) -> None:
        """After an alarm the next pass is not far: as soon as its answers count."""
        grace = self.driver.core.orders.timeouts.grace
        for _, since, _ in self.closed():
            if self.last_pass < since + grace:
                self.next_pass = min(self.next_pass, since + grace)

    def reopen(self, asked: int, now: int, *, compared: bool) -> None:
        """What an alarm closed opens again when a whole pass after it found nothing in doubt there."""
        for market, since, why in self.closed():
            counts = compared and asked - since >= self.driver.core.orders.timeouts.grace
            if counts and self.sweep.agrees(market):
                self.driver.reopen(market.instrument.id, f"the venue agrees with us after: {why}")
            elif now - since < KEEN_NS:
                self.next_pass = min(self.next_pass, now + SECOND)

    def mismatch(self, asset: str, now: int) -> None:
        """The account holds other than we think: nothing is invented, but nothing may grow there either."""
        gap = self.sweep.mismatched[asset]
        text = f"{self.wire.venue}: POSITION_MISMATCH in {asset}: the venue holds {gap} more than our fills explain"
        core = self.driver.core
        core.recorder.note(2, text, now)
        self.driver.tell(text)
        for market in core.markets:
            if market.venue_name == self.wire.venue and asset in touched(market.instrument):
                self.driver.reduce_only(market.instrument.id, text)

    # --- one order, and the end ---------------------------------------------------------------------------------------

    async def ask_for(self, order: Order) -> None:
        """Ask for one order in doubt."""
        asked = self.begin_asking_for(order.client_order_id)
        since = min(self.sweep.since, order.sent_ts)
        try:
            with trio.fail_after(QUERY_S):
                facts = await self.wire.order(order)
                trades = await self.wire.trades(since)
        except (QueryFailed, trio.TooSlowError):
            return
        self.answered_for(order.client_order_id, facts, trades, since, asked)

    @applied
    def begin_asking_for(self, client_order_id: str) -> int:
        """A question about one order leaves: the time, from which on its answer counts."""
        asked = self.now()
        order = self.driver.core.orders.by_client_order_id(client_order_id)
        if order is not None:
            self.sweep.asked(order, asked)
        return asked

    @applied
    def answered_for(
        self,
        client_order_id: str,
        facts: OrderFacts | None,
        trades: tuple[TradeFacts, ...],
        since: int,
        asked: int,
    ) -> None:
        """The venue said what it knows of one order."""
        now = self.now()
        self.sweep.traded(trades, since, asked, now)
        order = self.driver.core.orders.by_client_order_id(client_order_id)
        if order is not None:
            self.sweep.order(order, facts, asked, now)
        self.driver.applied()

    async def none_left(self, leaving: Callable[[str], bool]) -> bool:
        """Whether the venue's own list has none of our orders but those that may stay."""
        asked = self.begin_asking()
        try:
            with trio.fail_after(QUERY_S):
                live = await self.wire.open_orders()
        except (QueryFailed, trio.TooSlowError):
            return False
        self.listed(live, asked)
        prefix = f"{self.sweep.strangers.prefix}-"
        return not any(
            facts.client_order_id.startswith(prefix) and not leaving(facts.client_order_id) for facts in live
        )

    @applied
    def listed(self, live: tuple[OrderFacts, ...], asked: int) -> None:
        """The venue listed the live orders."""
        self.sweep.listed(live, asked, self.now())
        self.driver.applied()
