"""Requests for quotes on their way to strategies: to those that trade at the venue that asks, and into no book."""

from decimal import Decimal

import trio
from live_rig import ID, Bench
from trio.testing import MockClock

from tickwright.engine.book import Book
from tickwright.engine.events import RequestForQuote
from tickwright.engine.order import Order
from tickwright.engine.terms import Side
from tickwright.strategies.base import Strategy


class Quoter(Strategy):
    """Answers each request with one order on the other side."""

    def __init__(self) -> None:
        self.heard: list[RequestForQuote] = []
        self.sent: list[Order] = []
        self.books = 0

    def on_start(self) -> None:
        self.watch(ID, book="every")

    def on_book(self, book: Book) -> None:
        self.books += 1

    def on_rfq(self, request: RequestForQuote) -> None:
        self.heard.append(request)
        if not request.withdrawn:
            quote = self.sell if request.side is Side.BUY else self.buy
            self.sent.append(quote(ID, str(request.qty), price="50000"))


async def test_a_request_reaches_the_strategies_of_its_venue_and_is_answered_with_an_order(
    autojump_clock: MockClock,
) -> None:
    quoter = Quoter()
    bench = Bench(quoter)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.live.run)
        await bench.ready()
        books = quoter.books
        request = RequestForQuote(
            venue="TDX", request_id="70", instrument=ID, side=Side.SELL, qty=Decimal("0.5"), ts=bench.clock.now()
        )
        bench.wire.put(request)
        await trio.sleep(0.1)
        assert quoter.heard == [request]
        (order,) = bench.wire.sent
        assert (order.side, order.lots) == (Side.BUY, 500)
        bench.wire.put(
            RequestForQuote(
                venue="TDX", request_id="70", instrument=ID, side=Side.SELL, qty=Decimal("0.5"), withdrawn=True,
                ts=bench.clock.now(),
            )
        )  # fmt: skip
        bench.wire.put(
            RequestForQuote(venue="OTHER", request_id="1", instrument=ID, side=Side.SELL, qty=Decimal(1), ts=0)
        )
        await trio.sleep(0.1)
        assert [one.withdrawn for one in quoter.heard] == [False, True]
        assert quoter.books == books
        bench.live.stop("the test is over")
