"""Packages of legs: what they are worth, how their orders count in the legs, how their executions are booked."""

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.engine.books import Books
from tickwright.engine.draft import draft
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.market import Market, Seat, join_packages
from tickwright.engine.order import approval
from tickwright.engine.orders import OrderManager
from tickwright.engine.portfolio import EXTERNAL, Portfolio
from tickwright.engine.ports import Gate
from tickwright.engine.records import Recorder
from tickwright.engine.terms import MAKER, TAKER

T0 = 1_760_000_000 * 10**9


def option(name, tick, lot, **more):
    grid = {"tick_size": Decimal(tick), "lot_size": Decimal(lot)}
    return Instrument(id=f"{name}.V", kind=Kind.LINEAR, base="BTC", quote="USD", **grid, **more)


FEES = {"maker_fee": Decimal("-0.0001"), "taker_fee": Decimal("0.0005")}
CALL = option("CALL", "5", "0.1", strike=Decimal(60000), right="C", expiry_ns=T0)
PUT = option("PUT", "0.5", "0.2", strike=Decimal(60000), right="P", expiry_ns=T0)
BOTH = option("CALL@3/PUT@-2", "0.5", "0.1", legs=(("CALL.V", 3), ("PUT.V", -2)), **FEES)


class Open(Gate):
    """Lets everything happen."""

    def filled(self, order, fill, now):
        pass


class Desk:
    """One strategy that trades both legs and the package, and the books behind it."""

    def __init__(self):
        instruments = (CALL, PUT, BOTH)
        self.portfolio = Portfolio(instruments, ["one"], currency="USD", balances={"USD": Decimal(10**6)})
        self.markets = [Market(each, i, self.portfolio.position(i)) for i, each in enumerate(instruments)]
        self.seats = [Seat("one", 0, market, self.portfolio.position(market.index, 0)) for market in self.markets]
        join_packages(self.markets, self.seats)
        recorder = Recorder()
        self.books = Books(self.portfolio, self.markets, 1, Open(), recorder)
        self.orders = OrderManager(recorder, self.books)
        self.made = 0

    def order(self, market, side, lots, ticks):
        self.made += 1
        seat = self.seats[market]
        order = draft(seat.market.book, f"o{self.made}", self.made, side, lots, ticks, seat=seat)
        self.orders.register(approval(order, T0), T0)
        self.orders.send_start(order, T0)
        self.orders.ack(order, f"v{self.made}", T0)
        return order

    def quote(self, market, bid, ask):
        book = self.markets[market].book
        book.clear()
        book.apply(1, bid, 10)
        book.apply(-1, ask, 10)
        book.settle(T0)

    def fill(self, order, trade_id, lots, ticks, liquidity=MAKER):
        self.orders.fill(order, trade_id, lots, ticks, order.side_code, liquidity, 0, T0, T0)


def test_a_package_is_worth_what_its_legs_are():
    desk = Desk()
    package = desk.markets[2]
    assert (package.double_reference(), package.gross_reference()) == (0, 0)
    desk.quote(0, 100, 102)  # 505 USD
    assert package.double_reference() == 0
    desk.quote(1, 1000, 1004)  # 501 USD
    assert package.double_reference() == 2 * (3 * 505 - 2 * 501) * 2
    assert package.gross_reference() == 2 * (3 * 505 + 2 * 501) * 2
    desk.quote(0, 60, 62)  # 305 USD
    assert package.double_reference() == 2 * (3 * 305 - 2 * 501) * 2 < 0
    assert [market.instrument.product for market in desk.markets] == ["option", "option", "package"]


def test_an_order_in_a_package_counts_in_every_leg_at_its_worst():
    desk = Desk()
    order = desk.order(2, 1, 7, -30)
    call, put, both = ([seat.working, seat.market.working] for seat in desk.seats)
    assert [(each.buy_lots, each.sell_lots) for each in both] == [(7, 0)] * 2
    assert [(each.buy_lots, each.sell_lots) for each in call] == [(21, 0)] * 2
    assert [(each.buy_lots, each.sell_lots) for each in put] == [(0, 7)] * 2
    assert [each.open_orders for each in (*call, *put, *both)] == [0, 0, 0, 0, 1, 1]
    desk.fill(order, "t1", 3, -30)
    assert (call[0].buy_lots, put[1].sell_lots) == (12, 4)
    desk.orders.cancel_ack(order, 3, "", T0)
    assert not any(each.buy_lots or each.sell_lots for each in (*call, *put, *both))


@settings(max_examples=60, deadline=None)
@given(
    marks=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
    trades=st.lists(
        st.tuples(
            st.sampled_from((1, -1)),
            st.integers(1, 10**6),
            st.integers(-(10**7), 10**7),
            st.sampled_from((MAKER, TAKER)),
        ),
        min_size=1,
        max_size=8,
    ),
    taken_back=st.integers(0, 7),
)
def test_executions_of_packages_move_legs_and_money_to_the_last_digit(marks, trades, taken_back):
    desk = Desk()
    cash = fees = Fraction(0)
    held = [0, 0]
    unit = Fraction("0.5") * Fraction("0.1")
    for number, (side, lots, ticks, liquidity) in enumerate(trades):
        for market, mark in enumerate(marks):
            desk.quote(market, mark + number, mark + number + 2)
        order = desk.order(2, side, lots, ticks)
        desk.fill(order, "t", lots, ticks, liquidity)
        if number == taken_back:
            desk.orders.bust(order, "t", T0)
            continue
        rate = Fraction(FEES["maker_fee"] if liquidity == MAKER else FEES["taker_fee"])
        cash -= side * lots * ticks * unit
        fees += abs(lots * ticks) * unit * rate
        held = [held[0] + side * 3 * lots, held[1] - side * lots]
    assert [desk.portfolio.position(market).lots for market in range(3)] == [*held, 0]
    for owner in (EXTERNAL, 0):
        lines = [desk.portfolio.position(market, owner) for market in range(3)]
        assert sum(Fraction(line.cash) for line in lines) == cash - fees
        assert sum(Fraction(line.fees) for line in lines) == fees
        worth = sum((Fraction(line.total(2 * mark)) for line, mark in zip(lines, marks, strict=False)), Fraction(0))
        value = held[0] * marks[0] * Fraction("0.5") + held[1] * marks[1] * Fraction("0.1")
        assert worth == cash - fees + value
        for line, mark in zip(lines, marks, strict=False):
            assert line.realized + line.unrealized(2 * mark) - line.fees == line.total(2 * mark)


@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        ((("CALL.V", 1), ("OTHER.V", -1)), "its leg OTHER.V"),
        ((("PUT.V", 1), ("CALL.V", 1)), "expected a tick and a lot"),
    ],
)
def test_a_package_needs_its_legs_and_steps_that_fit(legs, expected):
    package = option("P", "0.5", "0.1", legs=legs)
    markets = [Market(each, i, SimpleNamespace()) for i, each in enumerate((CALL, PUT, package))]
    with pytest.raises(UnitError, match=expected):
        join_packages(markets, [])


def test_a_strategy_without_a_leg_may_not_trade_the_package():
    markets = [Market(each, i, SimpleNamespace()) for i, each in enumerate((CALL, PUT, BOTH))]
    seats = [Seat("one", 0, market, SimpleNamespace()) for market in markets[1:]]
    with pytest.raises(UnitError, match=r"its leg CALL\.V"):
        join_packages(markets, seats)
