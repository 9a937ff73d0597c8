"""What leaves is on record first, and an end is called clean only when the venue was heard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from live_rig import ID, Bench
from trio.testing import MockClock

from tickwright.engine.book import Book
from tickwright.engine.live import DONE, JOURNAL_REFUSED, ORDERS_LEFT, Ending
from tickwright.engine.order import Order
from tickwright.engine.terms import DENIED_MAX, OrderState
from tickwright.strategies.base import Strategy


class Once(Strategy):
    """Buys once when told."""

    wants = False

    def on_start(self) -> None:
        self.mine: list[Order] = []
        self.watch(ID, book="every")

    def on_book(self, book: Book) -> None:
        if self.wants:
            self.wants = False
            self.mine.append(self.buy(ID, "1", price="50000"))


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[list[Ending]]:
    ends: list[Ending] = []

    async def go() -> None:
        ends.append(await bench.live.run())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(go)
        await bench.ready()
        yield ends
        if not ends:
            bench.live.stop("the test is over")


async def ask(bench: Bench, once: Once) -> None:
    once.wants = True
    bench.book()
    await trio.sleep(0.1)


async def test_the_start_of_sending_is_committed_before_the_order_reaches_the_wire(autojump_clock: MockClock) -> None:
    once = Once()
    bench = Bench(once)
    story: list[str] = []

    def commit() -> None:
        story.append("committed" if any(order.sent for order in once.mine) else "")

    bench.records.commit = commit  # type: ignore[method-assign]
    bench.wire.on_submit = lambda order: story.append("left")
    async with running(bench):
        await ask(bench, once)
    assert story[story.index("left") - 1] == "committed"


async def test_an_order_whose_own_commit_failed_never_leaves(autojump_clock: MockClock) -> None:
    once = Once()
    bench = Bench(once)

    def commit() -> None:
        if any(order.sent for order in once.mine):
            bench.records.fail()

    bench.records.commit = commit  # type: ignore[method-assign]
    async with running(bench) as ends:
        await ask(bench, once)
        assert once.mine[0].state is OrderState.UNKNOWN, "whether it was durable is not known"
    assert bench.wire.sent == []
    assert ends[0].code == JOURNAL_REFUSED


@pytest.mark.parametrize(("traded", "code"), [(True, ORDERS_LEFT), (False, DONE)])
async def test_an_end_that_no_venue_could_verify_is_not_called_clean(
    autojump_clock: MockClock, traded: bool, code: int
) -> None:
    once = Once()
    bench = Bench(once)
    async with running(bench) as ends:
        if traded:
            await ask(bench, once)
        bench.wire.failing = "maintenance"
        bench.live.stop("enough")
    assert not bench.core.orders.open_orders()
    assert not any("verified with the venue" in text for text in bench.said)
    assert ends[0].code == code


@pytest.mark.parametrize(("failing", "code"), [("", DONE), ("maintenance", ORDERS_LEFT)])
async def test_orders_that_are_left_on_purpose_are_verified_and_listed(
    autojump_clock: MockClock, failing: str, code: int
) -> None:
    once = Once()
    bench = Bench(once)
    bench.live.on_stop = "leave"
    async with running(bench) as ends:
        await ask(bench, once)
        bench.wire.failing = failing
        bench.live.stop("enough")
    assert ends[0].left == (once.mine[0],)
    assert bench.wire.cancels == []
    assert ends[0].code == code


async def test_a_kill_cancels_what_is_in_doubt_too(autojump_clock: MockClock) -> None:
    once = Once()
    bench = Bench(once)
    bench.wire.silent = True
    async with running(bench):
        await ask(bench, once)
        bench.wire.failing = "maintenance"
        await trio.sleep(3.2)
        order = once.mine[0]
        assert order.state is OrderState.UNKNOWN
        assert bench.wire.cancels == []
        bench.live.kill("global", "", "cancel", "enough", "test")
        await trio.sleep(0.1)
        assert bench.wire.cancels == [order.client_order_id]
        bench.wire.failing = ""


async def test_a_whole_book_takes_away_the_levels_that_it_does_not_name(autojump_clock: MockClock) -> None:
    bench = Bench(Once())
    async with running(bench):
        bench.book(100_000, 100_010)
        bench.book(99_990, 100_020)
        await trio.sleep(0.1)
        book = bench.core.markets[0].book
        assert (book.size_at(1, 100_000), book.size_at(-1, 100_010)) == (0, 0)
        assert (book.bid_ticks(), book.ask_ticks()) == (99_990, 100_020)


@pytest.mark.parametrize(("count", "enabled"), [(DENIED_MAX - 1, True), (DENIED_MAX, False)])
async def test_a_strategy_is_disabled_at_the_promised_number_of_denials(
    autojump_clock: MockClock, count: int, enabled: bool
) -> None:
    class Flood(Once):
        def on_book(self, book: Book) -> None:
            for _ in range(count if self.wants else 0):
                self.buy(ID, "100", price="50000")
            self.wants = False

    flood = Flood()
    bench = Bench(flood)
    async with running(bench):
        await ask(bench, flood)
        assert bench.core.desks[0].enabled is enabled
