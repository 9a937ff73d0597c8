"""The live driver against a venue in memory, on a virtual clock: reconcile, trade, lose the link, kill, stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
import trio
from attrs import evolve
from live_rig import ID, WALL, Bench
from trio.testing import MockClock

from tickwright.engine.book import Book
from tickwright.engine.capability import Capability
from tickwright.engine.errors import TickwrightError
from tickwright.engine.events import (
    CancelRejected,
    ClockMeasured,
    LinkChanged,
    OrderAccepted,
    OrderCanceled,
    OrderExecuted,
    OrderRejected,
    SendFailed,
    Settled,
)
from tickwright.engine.live import DONE, FAILED, JOURNAL_REFUSED, ORDERS_LEFT, Ending
from tickwright.engine.order import Fill, Order
from tickwright.engine.terms import Liquidity, OrderState, Refusal, Side
from tickwright.engine.times import SECOND
from tickwright.engine.wire import PositionFacts
from tickwright.strategies.base import Strategy


class Buyer(Strategy):
    """Buys once when told, and remembers what it hears."""

    def __init__(self, qty: str = "1") -> None:
        self.qty = qty
        self.wants = 0
        self.heard: list[str] = []
        self.fills: list[Fill] = []
        self.links: list[bool] = []
        self.mine: list[Order] = []

    def on_start(self) -> None:
        self.watch(ID, book="every")

    def on_book(self, book: Book) -> None:
        if self.wants:
            self.wants -= 1
            self.mine.append(self.buy(ID, self.qty, price="50000"))

    def on_order(self, order: Order) -> None:
        self.heard.append(order.code or order.state.name)

    def on_fill(self, order: Order, fill: Fill) -> None:
        self.fills.append(fill)

    def on_link(self, venue: str, up: bool) -> None:
        self.links.append(up)


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[list[Ending]]:
    """The run beside the test; its ending is in the list afterwards."""
    ends: list[Ending] = []

    async def go() -> None:
        ends.append(await bench.live.run())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(go)
        yield ends
        if not ends:
            bench.live.stop("the test is over")


async def one_order(bench: Bench, buyer: Buyer) -> Order:
    """A reconciled run with one order of the strategy on its way."""
    await bench.ready()
    buyer.wants = 1
    bench.book()
    await trio.sleep(0.1)
    return buyer.mine[-1]


async def test_nothing_leaves_before_the_venue_is_reconciled(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    bench.wire.failing = "maintenance"
    async with running(bench):
        await bench.ready()
        buyer.wants = 1
        bench.book()
        await trio.sleep(0.1)
        assert buyer.heard == ["NOT_RECONCILED"]
        assert bench.wire.sent == []
        bench.wire.failing = ""
        await trio.sleep(20)
        assert bench.link.reconciled
        buyer.wants = 1
        bench.book()
        await trio.sleep(0.1)
        assert [order.state for order in bench.wire.sent] == [OrderState.OPEN]


async def test_an_order_leaves_after_its_records_and_once(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    seen: list[int] = []
    bench.wire.on_submit = lambda order: seen.append(bench.records.commits)
    async with running(bench):
        before = bench.records.commits
        order = await one_order(bench, buyer)
        assert len(seen) == 1
        assert seen[0] > before
        remote = bench.live.ports[0].remote
        assert remote is not None
        remote.submit(order, 0)
        remote.release(True)
        assert bench.wire.sent == [order]
        assert bench.blocked_orders == [f"{order.client_order_id} SEND_BLOCKED: it has left before"]


async def test_a_dead_journal_lets_cancels_out_but_no_order_and_ends_the_run(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench) as ends:
        await one_order(bench, buyer)
        bench.records.fail()
        buyer.wants = 1
        bench.book()
        await trio.sleep(30)
    assert len(bench.wire.sent) == 1
    assert buyer.mine[0].client_order_id in bench.wire.cancels
    assert ends[0].code == JOURNAL_REFUSED


@pytest.mark.parametrize(("name", "bad", "good"), [("lag_ns", 2 * SECOND, 0), ("free_mb", 1, 10_000)])
async def test_a_slow_journal_or_a_disk_nearly_full_denies_until_it_is_not(
    autojump_clock: MockClock, name: str, bad: int, good: int
) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench):
        await bench.ready()
        for value, state in ((bad, OrderState.DENIED), (good, OrderState.OPEN)):
            setattr(bench.records, name, value)
            await trio.sleep(2)
            buyer.wants = 1
            bench.book()
            await trio.sleep(0.1)
            assert buyer.mine[-1].state is state
        assert buyer.mine[0].code == "JOURNAL_UNAVAILABLE"


async def test_a_fill_that_the_stream_dropped_is_found_by_the_next_pass(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench):
        order = await one_order(bench, buyer)
        bench.wire.execute(order.client_order_id, 400, told=False)
        await trio.sleep(35)
        assert order.filled_qty == 0.4
        assert [fill.recovered for fill in buyer.fills] == [True]
        bench.wire.execute(order.client_order_id, 600)
        await trio.sleep(40)
        assert order.state is OrderState.FILLED
        assert len(buyer.fills) == 2
        assert bench.core.books.portfolio.position(0).lots == 1000


async def test_a_lost_ack_is_asked_for_and_the_order_is_not_sent_again(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    bench.wire.silent = True
    async with running(bench):
        order = await one_order(bench, buyer)
        assert order.state is OrderState.PENDING_NEW
        await trio.sleep(3.1)
        assert "UNKNOWN" in buyer.heard
        await trio.sleep(10)
        assert order.state is OrderState.OPEN
        assert len(bench.wire.sent) == 1
        bench.wire.silent = False


async def test_an_old_order_that_the_venue_lost_is_over_once_that_is_proven(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench):
        order = await one_order(bench, buyer)
        await trio.sleep(200)
        assert order.state is OrderState.OPEN
        bench.wire.live.clear()
        await trio.sleep(60)
        assert order.state is OrderState.CANCELED


async def test_an_execution_that_waited_for_its_order_s_name_is_booked_once(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    bench.wire.silent = True
    async with running(bench):
        order = await one_order(bench, buyer)
        bench.wire.execute(order.client_order_id, order.lots, told=False)
        whole = bench.wire.executed[0]
        bench.wire.executed[0] = evolve(whole, client_order_id="")
        answer = bench.wire.order

        async def nothing(_: Order) -> None:
            bench.wire.executed[0] = whole  # by the time of the second answer the wire knows whose it is

        bench.wire.order = nothing  # type: ignore[method-assign, assignment]
        bench.live.wanted("TDX", None)
        await trio.sleep(5)
        assert not bench.strangers.strays
        bench.wire.order = answer  # type: ignore[method-assign]
        await trio.sleep(20)
        assert order.state is OrderState.FILLED
        assert [fill.trade_id for fill in buyer.fills] == ["t0"]
        assert bench.core.books.portfolio.position(0).lots == order.lots
        bench.wire.silent = False


async def test_a_run_that_is_stopped_before_it_begins_ends(autojump_clock: MockClock) -> None:
    bench = Bench(Buyer())
    bench.live.stop("at once")
    with trio.fail_after(30):
        ending = await bench.live.run()
    assert (ending.code, ending.reason) == (DONE, "at once")


async def test_cancels_asked_for_again_and_again_do_not_keep_answers_from_counting(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench):
        order = await one_order(bench, buyer)
        bench.wire.silent = True
        for _ in range(60):
            bench.core.cancel(order)
            bench.live.applied()
            no = CancelRejected(
                client_order_id=order.client_order_id,
                refusal=Refusal.UNKNOWN_ORDER,
                reason="not open",
                request_id=order.cancel_id,
                ts=0,
            )
            bench.wire.put(no)
            await trio.sleep(0.3)
        assert order.state is OrderState.CANCELED
        bench.wire.silent = False


async def test_executions_told_before_their_order_is_named_are_heard_of_each_and_cost_what_the_venue_says(
    autojump_clock: MockClock,
) -> None:
    buyer = Buyer()
    bench = Bench(buyer)

    def early(order: Order) -> None:
        for number in (1, 2):
            bench.wire.put(
                OrderExecuted(
                    instrument=ID,
                    client_order_id="",
                    venue_order_id="v1",
                    trade_id=f"t{number}",
                    side=order.side,
                    lots=100,
                    ticks=100_000,
                    liquidity=Liquidity.TAKER,
                    stated_cum=100 * number,
                    fee=Decimal(number),
                    fee_currency="CHF",
                    ts=0,
                )
            )
        bench.wire.put(OrderAccepted(client_order_id=order.client_order_id, venue_order_id="v1", ts=0))

    async with running(bench):
        bench.wire.on_submit = early
        await bench.ready()
        held = bench.core.books.portfolio.balance("CHF")
        buyer.wants = 1
        bench.book()
        await trio.sleep(0.2)
        assert [fill.trade_id for fill in buyer.fills] == ["t1", "t2"]
        assert bench.core.books.portfolio.balance("CHF") == held - 10_000 - 3
        bench.wire.on_submit = None
        facts = OrderCanceled(client_order_id=buyer.mine[0].client_order_id, reason="test", stated_cum=200, ts=0)
        bench.wire.put(facts)
        await trio.sleep(0.2)


async def test_an_order_that_never_arrived_fails_only_when_that_is_proven(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    bench.wire.on_submit = lambda order: None
    async with running(bench):
        order = await one_order(bench, buyer)
        await trio.sleep(6)
        assert order.state is OrderState.UNKNOWN
        await trio.sleep(30)
        assert order.state is OrderState.FAILED


async def test_answers_that_fail_prove_nothing(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    bench.wire.on_submit = lambda order: None
    async with running(bench) as ends:
        order = await one_order(bench, buyer)
        bench.wire.failing = "503"
        await trio.sleep(120)
        assert order.state is OrderState.UNKNOWN
    assert ends[0].code == ORDERS_LEFT
    assert ends[0].left == (order,)


async def test_a_lost_link_makes_everything_doubtful_until_it_is_reconciled(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench):
        order = await one_order(bench, buyer)
        bench.wire.put(LinkChanged(venue="TDX", up=False, reason="cut", ts=0))
        await trio.sleep(0.1)
        assert order.state is OrderState.UNKNOWN
        assert bench.core.markets[0].book.health.name == "STALE"
        assert not bench.link.reconciled
        bench.wire.execute(order.client_order_id, 250, told=False)
        await trio.sleep(5)
        bench.wire.put(LinkChanged(venue="TDX", up=True, ts=0))
        await trio.sleep(10)
        assert bench.link.reconciled
        assert order.filled_qty == 0.25
        assert order.state is OrderState.CANCELED
        assert bench.wire.cancels == [order.client_order_id]
        assert buyer.links == [True, False, True]


async def test_a_send_that_failed_is_doubtful_and_asked_for(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)

    def fail(order: Order) -> None:
        bench.wire.put(SendFailed(client_order_id=order.client_order_id, reason="cut", ts=0))

    bench.wire.on_submit = fail
    async with running(bench):
        order = await one_order(bench, buyer)
        assert order.state is OrderState.UNKNOWN
        assert order.cause.name == "SEND_ERROR"
        await trio.sleep(40)
        assert order.state is OrderState.FAILED


async def test_a_kill_cancels_what_rests_and_holds(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench):
        order = await one_order(bench, buyer)
        bench.live.kill("global", "", "cancel", "enough", "test")
        await trio.sleep(1)
        assert order.state is OrderState.CANCELED
        buyer.wants = 1
        bench.book()
        await trio.sleep(0.1)
        assert buyer.heard[-1] == "KILL_SWITCH_ACTIVE"
        bench.live.rearm("global", "", "all is well", "test")
        buyer.wants = 1
        bench.book()
        await trio.sleep(0.1)
        assert buyer.mine[-1].state is OrderState.OPEN


async def test_a_stop_cancels_and_asks_the_venue_before_it_says_so(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench) as ends:
        order = await one_order(bench, buyer)
        bench.live.stop("enough")
        buyer.wants = 5
        bench.book()
    assert order.state is OrderState.CANCELED
    assert len(bench.wire.sent) == 1
    assert ends[0].code == DONE
    assert "all orders cancelled, verified with the venue" in bench.said
    assert bench.wire.asked[-1] == "open_orders"


async def test_a_stop_that_cannot_cancel_lists_what_is_left(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench) as ends:
        order = await one_order(bench, buyer)
        bench.wire.answers = False
        bench.live.stop("enough")
    assert ends[0].code == ORDERS_LEFT
    assert ends[0].left == (order,)


async def test_a_task_that_dies_ends_the_run_in_order(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench) as ends:
        order = await one_order(bench, buyer)

        def broken(since: int) -> Any:
            raise ZeroDivisionError("a bug")

        bench.wire.trades = broken  # type: ignore[method-assign]
        await trio.sleep(60)
    assert ends[0].code == FAILED
    assert order.state is OrderState.CANCELED
    assert any("ZeroDivisionError" in text for text in bench.said)


async def test_an_order_of_our_prefix_that_we_do_not_know_halts_everything(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench):
        order = await one_order(bench, buyer)
        facts = bench.wire.live[order.client_order_id]
        bench.wire.live["tw01-999"] = evolve(facts, client_order_id="tw01-999", venue_order_id="v999")
        await trio.sleep(40)
        assert bench.strangers.locked
        buyer.wants = 1
        bench.book()
        await trio.sleep(0.1)
        assert buyer.heard[-1] == "KILL_SWITCH_ACTIVE"


async def test_holdings_that_our_fills_do_not_explain_close_the_instrument(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    bench.wire.holding = {"BTC": Decimal("10"), "CHF": Decimal("1000000")}
    async with running(bench):
        order = await one_order(bench, buyer)
        await trio.sleep(40)
        assert not bench.sweep.mismatched
        bench.wire.holding = {"BTC": Decimal("9"), "CHF": Decimal("1000000")}
        await trio.sleep(70)
        assert bench.sweep.mismatched == {"BTC": Decimal(-1)}
        assert bench.core.books.portfolio.position(0).lots == 0
        buyer.wants = 1
        bench.book()
        await trio.sleep(0.1)
        assert buyer.heard[-1] != "OPEN"
        assert order.state is OrderState.OPEN
        with pytest.raises(TickwrightError, match="expected a mismatch there, found BTC"):
            bench.live.adopt("TDX", "CHF", "a slip", "test")
        bench.live.adopt("TDX", "BTC", "sent to cold storage", "test")
        assert bench.core.books.portfolio.balance("BTC") == 9
        buyer.wants = 1
        bench.book()
        await trio.sleep(0.1)
        assert buyer.heard[-1] == "OPEN"
        await trio.sleep(70)
        assert not bench.sweep.mismatched


async def wants_one_more(bench: Bench, buyer: Buyer) -> str:
    """What becomes of an order that increases the position."""
    buyer.wants = 1
    bench.book()
    await trio.sleep(0.1)
    return buyer.heard[-1]


def stranger(trade_id: str = "z1") -> OrderExecuted:
    """Somebody bought on our account, in an order that was not sent from here."""
    return OrderExecuted(
        instrument=ID,
        client_order_id="",
        venue_order_id="elsewhere",
        trade_id=trade_id,
        side=Side.BUY,
        lots=1000,
        ticks=100_000,
        liquidity=Liquidity.TAKER,
        ts=0,
    )


@pytest.mark.parametrize("explained", [True, False])
async def test_a_stranger_s_execution_closes_the_instrument_until_the_venue_agrees(
    autojump_clock: MockClock, explained: bool
) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    bench.wire.holding = {"BTC": Decimal("10"), "CHF": Decimal("1000000")}
    async with running(bench):
        await bench.ready()
        bench.wire.put(stranger())
        if explained:
            bench.wire.holding = {"BTC": Decimal("11"), "CHF": Decimal("950000")}
        await trio.sleep(1.5)
        assert bench.core.books.portfolio.position(0).lots == 1000
        assert await wants_one_more(bench, buyer) == "REDUCE_ONLY_MODE"
        await trio.sleep(5)
        if explained:
            assert await wants_one_more(bench, buyer) == "OPEN"
            assert any("open again" in text and "FILL_OF_UNKNOWN_ORDER" in text for text in bench.said)
            return
        assert await wants_one_more(bench, buyer) == "REDUCE_ONLY_MODE"
        await trio.sleep(60)
        assert await wants_one_more(bench, buyer) == "REDUCE_ONLY_MODE"
        bench.wire.holding = {"BTC": Decimal("11"), "CHF": Decimal("950000")}
        await trio.sleep(40)
        assert await wants_one_more(bench, buyer) == "OPEN", "it had been told late, and agrees now"


async def test_a_contradiction_that_was_settled_opens_its_instrument_again(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    async with running(bench):
        order = await one_order(bench, buyer)
        bench.wire.put(OrderRejected(client_order_id=order.client_order_id, reason="no", ts=0))
        bench.wire.put(OrderAccepted(client_order_id=order.client_order_id, venue_order_id="v1", ts=0))
        del bench.wire.live[order.client_order_id]
        await trio.sleep(0.1)
        assert order.state is OrderState.UNKNOWN
        assert await wants_one_more(bench, buyer) == "REDUCE_ONLY_MODE"
        await trio.sleep(30)
        assert order.state is OrderState.CANCELED
        assert await wants_one_more(bench, buyer) == "OPEN"


async def test_a_strategy_works_beside_trading(autojump_clock: MockClock) -> None:
    class Slow(Buyer):
        async def background(self) -> None:
            await trio.sleep(5)
            self.mine.append(self.buy(ID, "1", price="50000"))
            await trio.sleep_forever()

    slow = Slow()
    bench = Bench(slow)
    async with running(bench):
        await bench.ready()
        await trio.sleep(5)
        assert slow.mine[0].state is OrderState.OPEN


async def test_a_background_that_raises_is_its_strategys_error(autojump_clock: MockClock) -> None:
    class Breaks(Buyer):
        async def background(self) -> None:
            await trio.sleep(1)
            raise ValueError("no model")

    breaks, other = Breaks(), Buyer()
    bench = Bench(breaks, other)
    async with running(bench):
        await trio.sleep(2)
        assert [failure.handler for failure in bench.core.failures] == ["background"]
        order = await one_order(bench, other)
        assert order.state is OrderState.OPEN


async def test_what_waited_for_the_start_does_not_say_that_the_loop_is_behind(autojump_clock: MockClock) -> None:
    bench = Bench(Buyer())
    now = bench.clock.now()
    await trio.sleep(3)
    bench.bell.put(ClockMeasured(venue="TDX", low=0, high=0, ts=now))
    async with running(bench):
        await bench.ready()
        assert not [text for text in bench.said if "behind" in text]
        bench.bell.put(ClockMeasured(venue="TDX", low=0, high=0, ts=bench.clock.now() - SECOND))
        await trio.sleep(0.1)
        assert "the loop is 1000 ms behind" in bench.said


async def test_time_comes_from_trios_clock_and_the_wall_only_at_the_start(autojump_clock: MockClock) -> None:
    class Ticker(Buyer):
        def on_start(self) -> None:
            self.every("1s", "tick")

        def on_timer(self, name: str) -> None:
            self.heard.append(str((self.now - WALL) // SECOND))

    ticker = Ticker()
    bench = Bench(ticker)
    async with running(bench):
        await trio.sleep(3.5)
        assert ticker.heard == ["1", "2", "3"]


async def test_a_late_ack_of_an_order_asked_for_changes_nothing_more(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer)
    bench.wire.silent = True
    async with running(bench):
        order = await one_order(bench, buyer)
        await trio.sleep(10)
        count = len(buyer.heard)
        bench.wire.put(OrderAccepted(client_order_id=order.client_order_id, venue_order_id=f"v{order.number}", ts=0))
        await trio.sleep(0.1)
        assert len(buyer.heard) == count
        bench.wire.silent = False


async def test_a_silent_book_is_read_anew_where_the_venue_is_not_quiet_by_itself(autojump_clock: MockClock) -> None:
    bench = Bench(Buyer())
    async with running(bench):
        await bench.ready()
        await trio.sleep(15)
        assert not any(text.startswith("resync") for text in bench.wire.asked)
        bench.wire.capability = Capability(quiet_books=False)
        await trio.sleep(5)
        assert sum(text.startswith(f"resync {ID}: silent for") for text in bench.wire.asked) == 1
        await trio.sleep(10)
        assert sum(text.startswith("resync") for text in bench.wire.asked) == 2


async def test_who_was_denied_before_the_venue_was_reconciled_is_asked_again(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    buyer.wants = 2
    bench = Bench(buyer)
    bench.wire.failing = "maintenance"
    async with running(bench):
        await bench.ready()
        assert buyer.heard == ["NOT_RECONCILED"]
        bench.wire.failing = ""
        await trio.sleep(20)
        assert buyer.mine[-1].state is OrderState.OPEN, "the book has not moved since"


async def test_a_strategy_that_runs_into_the_gate_again_and_again_is_disabled(autojump_clock: MockClock) -> None:
    class Flood(Buyer):
        def on_book(self, book: Book) -> None:
            for _ in range(3_000):
                self.buy(ID, "100", price="50000")

    flood, other = Flood(), Buyer()
    bench = Bench(flood, other)
    async with running(bench):
        order = await one_order(bench, other)
        assert order.state is OrderState.OPEN
        assert len(bench.wire.sent) == 1
        assert [failure.strategy for failure in bench.core.failures] == ["s0"]
        assert "1000 denials within a second" in str(bench.core.failures[0].error)
        assert not bench.core.desks[0].enabled


async def test_positions_of_derivatives_are_compared_to_the_lot_and_adopted(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer, kind="linear")
    bench.wire.placed = {}
    async with running(bench):
        await one_order(bench, buyer)
        await trio.sleep(40)
        assert not bench.sweep.mismatched
        bench.wire.placed = {ID: PositionFacts(lots=3, average=Decimal(50_000))}
        await trio.sleep(70)
        assert bench.sweep.mismatched == {ID: Decimal(3)}
        assert await wants_one_more(bench, buyer) != "OPEN"
        bench.live.adopt("TDX", ID, "held before", "test")
        assert bench.core.books.portfolio.position(0).lots == 3
        assert bench.core.books.portfolio.position(0).realized == 0
        assert await wants_one_more(bench, buyer) == "OPEN"
        await trio.sleep(70)
        assert not bench.sweep.mismatched


async def test_money_and_positions_agree_whatever_a_close_is_reckoned_against(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer, kind="linear")
    async with running(bench):
        await trio.sleep(1)
        portfolio = bench.core.books.portfolio
        portfolio.fill(0, -1, 1, 20, 100_000, 1)  # 0.02 at 50000
        portfolio.fill(0, -1, -1, 10, 110_000, 1)  # 0.01 at 55000
        # The venue closed what had come last at 49000, and says so by the average that is left.
        bench.wire.placed = {ID: PositionFacts(lots=10, average=Decimal(51_000))}
        bench.wire.holding = {"BTC": Decimal(10), "CHF": Decimal(1_000_000 + 60)}
        await trio.sleep(70)
        assert not bench.sweep.mismatched
        bench.wire.holding = {"BTC": Decimal(10), "CHF": Decimal("1000060.001")}
        await trio.sleep(70)
        assert bench.sweep.mismatched == {"CHF": Decimal("0.001")}


async def test_a_position_in_what_has_ended_may_only_be_settled_or_adopted(autojump_clock: MockClock) -> None:
    buyer = Buyer()
    bench = Bench(buyer, kind="linear", expiry_ns=WALL + 30 * SECOND)
    bench.wire.placed = {ID: PositionFacts(lots=5, average=Decimal(50_000))}
    async with running(bench):
        bench.core.books.portfolio.fill(0, -1, 1, 5, 100_000, 1)
        await trio.sleep(40)
        assert bench.intake.payments.waiting == {0}
        assert any("waits for the venue's settlement" in text for text in bench.said)
        bench.wire.put(Settled(instrument=ID, price=Decimal("50123.25"), settlement_id="7", ts=bench.clock.now()))
        bench.wire.placed = {}
        await trio.sleep(70)
        assert (bench.intake.payments.waiting, bench.core.books.portfolio.position(0).lots) == (set(), 0)
        assert bench.core.books.portfolio.position(0).realized == Decimal("0.61625")
        assert not bench.sweep.mismatched


async def test_without_derivatives_nobody_asks_for_positions(autojump_clock: MockClock) -> None:
    bench = Bench(Buyer())
    bench.wire.holding = {"BTC": Decimal(10), "CHF": Decimal(1_000_000)}
    async with running(bench):
        await trio.sleep(40)
        assert "holdings" in bench.wire.asked
        assert "positions" not in bench.wire.asked
