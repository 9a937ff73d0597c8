"""The bench itself: what it refuses, and how it answers."""

from decimal import Decimal

import pytest
from attrs import define

from tickwright import Book, Instrument, OrderState, Strategy
from tickwright.engine.errors import TickwrightError, UnitError
from tickwright.strategies.testing import Bench, Refusal

ID = "BTC/CHF.TDX"


@define(kw_only=True)
class Joiner(Strategy):
    """Joins the best bid with every book."""

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.watch(instrument, book="every")

    def on_book(self, book: Book) -> None:
        self.buy(book.instrument, "1", book.bid)

    def on_order(self, order: object) -> None: ...


def make(**given):
    return Bench(Joiner(), ID, tick="0.5", lot="0.1", **given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("99 x 2", r"expected bids \| asks, such as .*, received '99 x 2'"),
        ("99 x 2 100 x 1 |", "expected a level such as '99.5 x 2', received '99 x 2 100 x 1'"),
        ("99 | 100 x 1", "received '99'"),
        ("99 x two | 100 x 1", "received '99 x two'"),
        ("99 x 2, | 100 x 1", "received '' in '99 x 2,'"),
        ("99 x -2 | 100 x 1", "received '99 x -2'"),
        ("98 x 1, 99 x 1 | 100 x 1", "expected falling bids, best first, received '98 x 1, 99 x 1'"),
        ("99 x 1 | 101 x 1, 101 x 2", "expected rising asks, best first"),
        ("99 x 0 | 100 x 1", "levels of more than nothing"),
        ("99.3 x 1 | 100 x 1", "tick"),
        ("99 x 0.15 | 100 x 1", "lot"),
    ],
)
def test_a_book_that_cannot_be_read_says_what_was_expected_and_changes_nothing(text, message):
    bench = make()
    bench.book("98 x 1 | 102 x 1")
    with pytest.raises(TickwrightError, match=message):
        bench.book(text)
    book = bench.market().book
    assert (book.bid, book.ask, len(bench.sent)) == (98.0, 102.0, 1)


@pytest.mark.parametrize("text", ["buy 1", "1 @ 100", "take 1 @ 100", "buy 1 at 100", "buy -1 @ 100", ""])
def test_a_trade_that_cannot_be_read_says_what_was_expected(text):
    with pytest.raises(TickwrightError, match="expected a trade such as 'buy 1 @ 100'"):
        make().trade(text)


def test_a_book_takes_the_place_of_the_one_before():
    bench = make()
    bench.book("99 x 2, 98.5 x 5 | 100 x 1, 100.5 x 3")
    bench.book("98 x 1 | 100 x 4")
    book = bench.market().book
    assert [(book.bids.n, book.bid, book.bid_size), (book.asks.n, book.ask, book.ask_size)] == [
        (1, 98.0, 1.0),
        (1, 100.0, 4.0),
    ]


def test_look_shows_what_is_new_since_the_last_look():
    bench = make()
    bench.book("99 x 2 | 100 x 1")
    first = bench.look()
    assert (len(first.sent), first.denied, first.cancels) == (1, [], [])
    bench.book("98 x 2 | 100 x 1")
    bench.book("98 x 2 | 100 x 1")
    second = bench.look()
    assert ([order.price for order in second.sent], [order.denial.code for order in second.denied]) == (
        [98.0],
        ["DUPLICATE_ORDER"],
    )
    assert bench.look().sent == []
    assert len(bench.sent) == 2


def test_an_order_that_nobody_answers_is_in_doubt_after_a_while():
    bench = make()
    bench.book("99 x 2 | 100 x 1")
    (order,) = bench.sent
    bench.advance("3s")
    assert order.state is OrderState.UNKNOWN
    bench.accept(order)
    assert order.state is OrderState.OPEN


def test_a_venue_that_accepts_leaves_only_fills_to_be_said():
    bench = make(accepts=True)
    bench.book("99 x 2 | 100 x 1")
    (order,) = bench.sent
    assert order.state is OrderState.OPEN
    bench.fill(order, "0.4", price="98.5")
    assert (order.state, bench.position().qty, bench.position().avg_px) == (OrderState.PARTIALLY_FILLED, 0.4, 98.5)


def test_the_simulator_fills_as_books_and_trades_say():
    bench = make(venue="sim")
    bench.book("99 x 2 | 100 x 1")
    bench.trade("sell 2.5 @ 99")
    assert bench.sent[0].filled_qty == 0.5
    bench.trade("sell 1 @ 98")
    assert bench.sent[0].state is OrderState.FILLED


def test_a_fill_of_a_market_order_wants_a_price():
    @define(kw_only=True)
    class Taker(Joiner):
        def on_book(self, book: Book) -> None:
            self.buy(ID, "1")

    bench = Bench(Taker(), ID, tick="0.5", lot="0.1")
    bench.book("99 x 2 | 100 x 1")
    with pytest.raises(TickwrightError, match="expected a price for a fill of a market order"):
        bench.fill(bench.sent[0])
    fill = bench.fill(bench.sent[0], price="100", taker=True)
    assert (fill.price, fill.liquidity.name, bench.position().qty) == (100.0, "TAKER", 1.0)


def test_limits_balances_and_instruments_are_as_given():
    item = Instrument(id="ETH/CHF.TDX", tick_size=Decimal("0.5"), lot_size=Decimal("0.1"), base="ETH", quote="CHF")
    bench = Bench(Joiner(), item, limits={"max_order_qty": "0.9"}, balances={"CHF": Decimal(5)})
    bench.book("99 x 2 | 100 x 1")
    assert set(bench.denied[0].denial.codes) >= {"MAX_ORDER_QTY", "BALANCE_INSUFFICIENT"}


def test_a_market_must_be_named_where_there_are_several():
    bench = Bench(Joiner(), [ID, "ETH/CHF.TDX"])
    with pytest.raises(TickwrightError, match=r"instruments \(BTC/CHF.TDX, ETH/CHF.TDX\), received None"):
        bench.book("99 x 2 | 100 x 1")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"venue": "paper"}, TickwrightError, "expected venue to be 'hand' or 'sim', received 'paper'"),
        ({"limits": {"max_order_qyt": "1"}}, TickwrightError, "max_order_qyt"),
        ({"on_error": "ignore"}, ValueError, "ignore"),
    ],
)
def test_a_bench_that_cannot_be_built_says_why(given, error, message):
    with pytest.raises(error, match=message):
        make(**given)


def test_prices_of_answers_are_held_to_the_grid():
    bench = make()
    bench.book("99 x 2 | 100 x 1")
    with pytest.raises(UnitError, match="tick"):
        bench.fill(bench.sent[0], price="99.3")


def test_a_refused_cancel_may_have_any_reason():
    bench = make()
    bench.book("99 x 2 | 100 x 1")
    (order,) = bench.sent
    bench.accept(order)
    bench.core.cancel(order)
    bench.refuse_cancel(order, Refusal.OTHER)
    assert order.state is OrderState.OPEN
