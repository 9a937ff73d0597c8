"""A venue that is wrong itself: about holdings, prices and sides; and the end of a cycle in which orders live."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from grounds import POWERTRADE, Ground
from stack import Stack, Tap, check_invariants, settle, stacked, venue_executed
from trio.testing import MockClock

from tickwright.engine.events import Event, OrderExecuted
from tickwright.engine.order import Order
from tickwright.engine.terms import Side

TERMINAL = {"FILLED", "CANCELED", "EXPIRED", "REJECTED", "FAILED", "DENIED"}


async def test_f45_what_the_account_holds_is_stated_wrongly(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
        await stack.ready()
        await trio.sleep(8)
        stack.trader.trades = False
        ground.misstate(stack.venue, "BTC", Decimal("0.5"))
        await stack.until(lambda: stack.heard("POSITION_MISMATCH"), 75, "the difference is told")
        position = stack.run.parts.core.markets[0].position.lots
        assert position == sum(lots * side for lots, side in venue_executed(stack).values()), "no trade is invented"
        entered = len([each for each in stack.venue.received if each.kind == "new"])
        for side in (1, -1):
            if side * position >= 0:
                enter = stack.trader.buy if side > 0 else stack.trader.sell
                enter(stack.id, "0.01", price=stack.book.bid if side > 0 else stack.book.ask)
        stack.run.parts.core.flush(stack.run.parts.core.desks[0])
        stack.run.live.applied()
        await trio.sleep(2)
        assert len([each for each in stack.venue.received if each.kind == "new"]) == entered, "nothing may grow"
        ground.misstate(stack.venue, "BTC", Decimal("-0.5"))
        await settle(stack, within=60)
        check_invariants(stack)


async def test_f46_executions_worse_than_the_limit_are_booked_and_ring(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
        await stack.ready()
        fair = ground.overcharge(stack.venue, 7)
        await stack.until(lambda: bool(stack.notes("FILL_IMPLAUSIBLE")), 60, "a fill beyond its limit rings")
        assert stack.notes("FILL_IMPLAUSIBLE")[0][1] == "crit"
        fair()
        await settle(stack, within=60)
        check_invariants(stack)


async def test_f46_an_execution_of_the_wrong_side_is_not_booked(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Tap.put

    def twice(self: Tap, event: Event) -> None:
        put(self, event)
        if isinstance(event, OrderExecuted):
            put(self, evolve(event, side=Side(-event.side), trade_id=f"{event.trade_id}0", stated_cum=-1))

    async with stacked(tmp_path, ground=ground) as stack:
        await stack.ready()
        monkeypatch.setattr(Tap, "put", twice)
        await stack.until(lambda: bool(stack.notes("FILL_SIDE_CONFLICT")), 60, "a fill of the wrong side rings")
        monkeypatch.setattr(Tap, "put", put)
        await settle(stack, within=60)
        check_invariants(stack)


def entered(stack: Stack, enter: Any, size: str, price: float) -> Order:
    """An order of ours that leaves now."""
    order: Order = enter(stack.id, size, price=price)
    stack.run.parts.core.flush(stack.run.parts.core.desks[0])
    stack.run.live.applied()
    return order


SHUFFLED = "{fault: reorder, kinds: [order, fill, refusal], direction: out, window: 4}"
TWICE = "{fault: duplicate, kinds: [order, fill, refusal], direction: out}"


@pytest.mark.parametrize("reports", ["", SHUFFLED, TWICE], ids=["in-order", "shuffled", "twice"])
@pytest.mark.parametrize("cancel_first", [True, False], ids=["cancel-first", "expiry-first"])
async def test_f51_expiry_cancel_and_fill_in_one_instant_at_the_end_of_a_cycle(
    autojump_clock: MockClock, tmp_path: Path, cancel_first: bool, reports: str
) -> None:
    """A bid that is filled in part and an offer that is filled whole, both cancelled by us as their cycle ends."""
    settings = {"order_life_minutes": 1}
    async with stacked(tmp_path, reports, ground=POWERTRADE, settings=settings, trades=False, early_s=70) as stack:
        await stack.ready()
        venue, core = stack.venue, stack.run.parts.core
        for crowd in venue.crowds:
            crowd.rest(venue.now() + 120 * 10**9)
        tick = stack.book.tick
        orders = [
            entered(stack, stack.trader.buy, "0.05", stack.book.bid + tick),
            entered(stack, stack.trader.sell, "0.02", stack.book.ask - tick),
        ]
        await trio.sleep_until(69.95)
        theirs = {each.client_order_id: each for each in venue.exchange.open_orders(venue.accounts[0])}
        assert len(theirs) == 2
        names = [order.client_order_id for order in orders]
        symbol = stack.id.rpartition(".")[0]
        for name, lots in zip(names, (200, 200), strict=True):
            order = theirs[name]
            venue.exchange.street(symbol, -order.side, lots, order.ticks, venue.now(), venue.feeds, rests=False)
        if not cancel_first:
            venue.exchange.expire(venue.now() + 10**8)
        for order in orders:
            core.cancel(order)
        stack.run.live.applied()
        await trio.sleep(1)
        assert venue.exchange.open_orders(venue.accounts[0]) == []
        known = len([each for each in venue.received if each.kind == "new"])
        await trio.sleep(15)
        assert len([each for each in venue.received if each.kind == "new"]) == known, "nothing is entered again"
        ends = [[state for name, state in stack.trader.heard if name == each and state in TERMINAL] for each in names]
        assert [len(set(each)) for each in ends] == [1, 1], "one end each"
        part = "CANCELED" if cancel_first else "EXPIRED"
        assert [(order.state.name, int(order.cum)) for order in orders] == [(part, 200), ("FILLED", 200)]
        for crowd in venue.crowds:
            crowd.rest(venue.now())
        await settle(stack)
        check_invariants(stack)
