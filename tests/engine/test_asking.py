"""Requests for quotes of our own: when they leave, when they do not, and when they are taken back."""

from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from live_rig import ID, Bench
from trio.testing import MockClock

from tickwright import Side
from tickwright.engine.asking import OPEN_MAX, Inquiry
from tickwright.engine.capability import Capability
from tickwright.engine.events import QuotesAsked
from tickwright.strategies.base import Strategy


class Asker(Strategy):
    """Does what a test tells it, at its next timer."""

    def __init__(self) -> None:
        self.todo: list[Callable[[], Any]] = []
        self.made: list[Inquiry] = []

    def on_start(self) -> None:
        self.every("100ms")

    def on_timer(self, name: str) -> None:
        while self.todo:
            self.todo.pop(0)()

    def wish(self, qty: str = "0.5", minutes: int = 30) -> None:
        self.todo.append(lambda: self.made.append(self.ask_quotes(ID, Side.BUY, qty, minutes=minutes)))


class Quotes:
    """What the wire was asked to do about requests."""

    def __init__(self, bench: Bench) -> None:
        self.asked: list[Inquiry] = []
        self.withdrawn: list[Inquiry] = []
        wire: Any = bench.wire
        wire.capability = Capability(quiet_books=True, rfqs=True)
        wire.ask_quotes, wire.withdraw_quotes = self.asked.append, self.withdrawn.append


@asynccontextmanager
async def running(**risk: Any) -> Iterator[tuple[Asker, Bench, Quotes]]:
    asker = Asker()
    bench = Bench(asker, **risk)
    quotes = Quotes(bench)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.live.run)
        await bench.ready()
        yield asker, bench, quotes
        bench.live.stop("the test is over")


def told(bench: Bench, inquiry: Inquiry, is_open: bool, reason: str = "") -> None:
    name = inquiry.client_order_id
    bench.wire.put(QuotesAsked(venue="TDX", client_order_id=name, open=is_open, reason=reason, ts=bench.clock.now()))


async def test_a_request_goes_to_the_wire_and_touches_no_order(autojump_clock: MockClock) -> None:
    async with running() as (asker, bench, quotes):
        asker.wish()
        asker.wish()
        await trio.sleep(0.3)
        first, second = asker.made
        assert quotes.asked == [first, second]
        assert (first.instrument.id, first.side, first.lots, first.over) == (ID, Side.BUY, 500, False)
        assert first.client_order_id.startswith("tw01q-")
        assert first.client_order_id != second.client_order_id
        assert bench.core.orders.open_orders() == []
        told(bench, first, True)
        told(bench, second, False, "invalid_legs")
        await trio.sleep(0.3)
        assert first.open
        assert (second.open, second.over, second.reason) == (False, True, "invalid_legs")
        asker.todo.append(lambda: asker.withdraw_quotes(first))
        asker.todo.append(lambda: asker.withdraw_quotes(first))
        asker.todo.append(lambda: asker.withdraw_quotes(second))
        await trio.sleep(0.3)
        assert quotes.withdrawn == [first]
        assert (first.over, bench.wire.sent) == (True, [])


def kill(bench: Bench) -> None:
    bench.live.kill("global", "", "cancel", "test", "somebody")


def unreconcile(bench: Bench) -> None:
    bench.link.reconciled = False


def fail_journal(bench: Bench) -> None:
    bench.parts.gate.journal_ok = False


def cut(bench: Bench) -> None:
    bench.link.up = False


def halt(bench: Bench) -> None:
    bench.parts.floor.disable(0, "test", bench.clock.now())


def close(bench: Bench) -> None:
    bench.live.reduce_only(ID, "test")


def forget(bench: Bench) -> None:
    bench.wire.capability = Capability(quiet_books=True)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (kill, "KILL_SWITCH_ACTIVE"),
        (unreconcile, "NOT_RECONCILED"),
        (fail_journal, "JOURNAL_UNAVAILABLE"),
        (cut, "VENUE_DISCONNECTED"),
        (halt, "STRATEGY_DISABLED"),
        (close, "REDUCE_ONLY_MODE"),
        (forget, "RFQ_UNSUPPORTED"),
    ],
)
async def test_what_forbids_new_orders_forbids_requests(
    autojump_clock: MockClock, spoil: Callable[[Bench], None], code: str
) -> None:
    async with running() as (asker, bench, quotes):
        asker.todo.append(lambda: spoil(bench))
        asker.wish()
        await trio.sleep(0.3)
        (made,) = asker.made
        assert (made.over, made.reason.partition(":")[0]) == (True, code)
        assert quotes.asked == []


@pytest.mark.parametrize(
    ("qty", "minutes", "code"),
    [
        ("0.0001", 30, "QTY_OFF_LOT"),
        ("6", 30, "MAX_ORDER_QTY"),
        ("0.5", 0, "EXPIRY_INVALID"),
        ("nan", 30, "NUMBER_INVALID"),
    ],
)
async def test_a_request_that_cannot_be_is_denied(autojump_clock: MockClock, qty: str, minutes: int, code: str) -> None:
    async with running() as (asker, _, quotes):
        asker.wish(qty, minutes)
        await trio.sleep(0.3)
        (made,) = asker.made
        assert (made.over, made.reason.partition(":")[0]) == (True, code)
        assert quotes.asked == []


async def test_a_strategy_has_so_many_open_and_no_more(autojump_clock: MockClock) -> None:
    async with running(max_messages_per_s=1000) as (asker, _, quotes):
        for _ in range(OPEN_MAX + 1):
            asker.wish()
        await trio.sleep(0.3)
        assert [one.over for one in asker.made] == [False] * OPEN_MAX + [True]
        assert len(quotes.asked) == OPEN_MAX


async def test_requests_count_as_messages(autojump_clock: MockClock) -> None:
    async with running(max_messages_per_s=5) as (asker, _, quotes):
        for _ in range(OPEN_MAX):
            asker.wish()
        await trio.sleep(0.2)
        assert 0 < len(quotes.asked) < OPEN_MAX
        assert asker.made[-1].reason == "MESSAGE_RATE"


async def test_a_kill_takes_requests_back(autojump_clock: MockClock) -> None:
    async with running() as (asker, bench, quotes):
        asker.wish()
        await trio.sleep(0.3)
        bench.live.kill("instrument", ID, "cancel", "test", "somebody")
        assert quotes.withdrawn == asker.made
        assert asker.made[0].reason == "killed"


async def test_a_strategy_that_raises_has_its_requests_taken_back(autojump_clock: MockClock) -> None:
    async with running() as (asker, _, quotes):
        asker.wish()
        await trio.sleep(0.3)
        asker.todo.append(lambda: 1 // 0)
        await trio.sleep(0.3)
        assert quotes.withdrawn == asker.made


async def test_the_end_of_a_run_takes_requests_back(autojump_clock: MockClock) -> None:
    async with running() as (asker, _, quotes):
        asker.wish()
        await trio.sleep(0.3)
        (made,) = quotes.asked
    assert quotes.withdrawn == [made]
    assert made.over


async def test_a_journal_that_dies_with_the_request_keeps_it_back(autojump_clock: MockClock) -> None:
    async with running() as (asker, bench, quotes):
        asker.todo.append(bench.records.fail)
        asker.wish()
        await trio.sleep(0.3)
        assert quotes.asked == []
        assert asker.made[0].over
