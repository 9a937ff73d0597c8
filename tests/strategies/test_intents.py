"""What a strategy may ask for, in which words, and what becomes of it."""

from decimal import Decimal

import pytest
from attrs import define, field

from tickwright import OrderState, OrderType, Strategy, TimeInForce
from tickwright.engine.errors import TickwrightError, UnitError
from tickwright.engine.times import interval_ns
from tickwright.strategies.testing import Bench

ID = "BTC/CHF.TDX"


@define(kw_only=True)
class Puppet(Strategy):
    """Does at its next timer what a test says; what that returned is in `made`."""

    act: object = None
    made: object = field(default=None, init=False)
    changes: list[tuple[str, str, str]] = field(factory=list, init=False)

    def on_timer(self, name: str) -> None:
        self.made = self.act(self)  # type: ignore[operator]

    def on_order(self, order: object) -> None:
        self.changes.append((order.client_order_id, order.state.name, order.code))  # type: ignore[attr-defined]


@pytest.fixture
def bench():
    bench = Bench(Puppet(), ID, tick="0.5", lot="0.1", limits={"duplicate_window_ms": None})
    bench.book("99 x 20, 98.5 x 50 | 100 x 10, 100.5 x 30")
    return bench


def do(bench, act):
    """Let the strategy act, and return what its act returned."""
    puppet = bench.core.desks[0].strategy
    puppet.act = act
    puppet.at(bench.now + 1)
    bench.advance("1us")
    return puppet.made


# --- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qty", [Decimal("1.5"), "1.5", 1.5, Decimal("1.50")])
@pytest.mark.parametrize("price", [Decimal("99.5"), "99.5", 99.5, 98.5 + 2 * 0.5])
def test_decimals_texts_and_floats_say_the_same(bench, qty, price):
    order = do(bench, lambda s: s.buy(ID, qty, price))
    assert bench.sent == [order]
    assert (order.qty, order.price, int(order.lots), int(order.ticks)) == (1.5, 99.5, 15, 199)


def test_whole_numbers_may_be_ints(bench):
    order = do(bench, lambda s: s.sell(ID, 2, 101))
    assert (order.qty, order.price) == (2.0, 101.0)


def test_the_float_of_a_sum_is_taken_and_a_float_between_two_ticks_is_not(bench):
    near = do(bench, lambda s: s.buy(ID, 0.1 + 0.2, 99))
    off = do(bench, lambda s: s.buy(ID, "0.3", 99.2))
    assert (near.state, near.lots) == (OrderState.PENDING_NEW, 3)
    assert off.denial.code == "PRICE_OFF_TICK"


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("qty", "price", "code"),
    [
        ("0.15", "99", "QTY_OFF_LOT"),
        ("1", "99.25", "PRICE_OFF_TICK"),
        ("0", "99", "NUMBER_INVALID"),
        ("-1", "99", "NUMBER_INVALID"),
        (-1.0, 99.0, "NUMBER_INVALID"),
        (NAN, "99", "NUMBER_INVALID"),
        ("1", NAN, "NUMBER_INVALID"),
        (INF, "99", "NUMBER_INVALID"),
        ("1", -INF, "NUMBER_INVALID"),
        (Decimal("NaN"), "99", "NUMBER_INVALID"),
        ("1", Decimal("sNaN"), "NUMBER_INVALID"),
        (True, "99", "NUMBER_INVALID"),
        ("1", True, "NUMBER_INVALID"),
        ("1", 0, "NUMBER_INVALID"),
        ("1", -99.0, "NUMBER_INVALID"),
        ("1e3", "99", "NUMBER_INVALID"),
        ("", "99", "NUMBER_INVALID"),
        (None, "99", "NUMBER_INVALID"),
        ([1], "99", "NUMBER_INVALID"),
        (Decimal("1e40"), "99", "NUMBER_INVALID"),
        ("1", 1e300, "NUMBER_INVALID"),
        ("1", 10**100, "NUMBER_INVALID"),
        (Decimal("1e-50"), "99", "QTY_OFF_LOT"),
    ],
)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_what_is_no_number_on_the_grid_is_denied_and_never_sent(bench, side, qty, price, code):
    order = do(bench, lambda s: getattr(s, side)(ID, qty, price))
    assert bench.sent == []
    assert (order.state, order.denial.code) == (OrderState.DENIED, code)
    assert order.denial.text
    assert bench.core.desks[0].strategy.changes == [("t-1", "DENIED", code)]


def test_a_bad_size_does_not_spoil_the_next_order(bench):
    size = "0.15"
    first, second, third = do(bench, lambda s: [s.buy(ID, size, "99"), s.buy(ID, size, "99"), s.buy(ID, "1", "99")])
    assert [order.state.name for order in (first, second, third)] == ["DENIED", "DENIED", "PENDING_NEW"]


@pytest.mark.parametrize("instrument", ["ETH/CHF.TDX", "", None, 7, ["BTC/CHF.TDX"]])
def test_an_unknown_instrument_is_an_error_in_the_strategy(bench, instrument):
    with pytest.raises(TickwrightError, match=r"strategy strategy: expected one of its instruments \(BTC/CHF.TDX\)"):
        do(bench, lambda s: s.buy(instrument, "1", "99"))


def test_an_instrument_may_be_given_as_itself(bench):
    order = do(bench, lambda s: s.buy(s.instruments[0], "1", "99"))
    assert bench.sent == [order]


# --- the form of an order -------------------------------------------------------------------------------------------


def test_flags_tags_and_times_travel_with_the_order(bench):
    day = interval_ns("1d")
    orders = do(
        bench,
        lambda s: [
            s.buy(ID, "1", "98", post_only=True, tag="deep"),
            s.buy(ID, "1", "100", time_in_force=TimeInForce.IOC),
            s.buy(ID, "1", "97", expire="2024-01-02T00:01:00Z"),
            s.buy(ID, "1", "96", time_in_force=TimeInForce.DAY),
            s.buy(ID, "1"),
        ],
    )
    assert bench.sent == orders
    deep, now, until, day_order, market = orders
    assert (deep.post_only, deep.tag) == (True, "deep")
    assert now.time_in_force is TimeInForce.IOC
    assert (until.time_in_force, until.expire_ts - bench.now // day * day) == (TimeInForce.GTD, interval_ns("1m"))
    assert (day_order.time_in_force, day_order.expire_ts) == (TimeInForce.DAY, (bench.now // day + 1) * day)
    assert (market.order_type, market.price) == (OrderType.MARKET, None)


@pytest.mark.parametrize("word", ["IOC", 7, None])
def test_a_time_in_force_that_is_none_is_an_error_in_the_strategy(bench, word):
    with pytest.raises((ValueError, TypeError), match=r"is not a valid TimeInForce|an integer is required"):
        do(bench, lambda s: s.buy(ID, "1", "99", time_in_force=word))


def test_an_expiry_in_the_past_is_denied_and_one_without_a_zone_is_an_error(bench):
    order = do(bench, lambda s: s.buy(ID, "1", "99", expire="2020-01-01T00:00:00Z"))
    assert order.denial.code == "EXPIRY_IN_PAST"
    with pytest.raises(UnitError, match="with its zone"):
        do(bench, lambda s: s.buy(ID, "1", "99", expire="2025-01-01T00:00:00"))


def test_a_reduce_only_order_may_not_add(bench):
    order = do(bench, lambda s: s.buy(ID, "1", "99", reduce_only=True))
    assert order.denial.code == "REDUCE_ONLY_INCREASES"


# --- order, and cancels ---------------------------------------------------------------------------------------------


def test_intents_are_taken_in_the_order_of_asking(bench):
    first = do(bench, lambda s: s.buy(ID, "1", "99"))
    bench.accept(first)

    def act(strategy):
        second = strategy.buy(ID, "1", "98")
        strategy.cancel(first)
        third = strategy.sell(ID, "1", "101")
        assert bench.sent == [first]  # nothing leaves before the handler returns
        return [second, third]

    second, third = do(bench, act)
    puppet = bench.core.desks[0].strategy
    assert [(name, state) for name, state, _ in puppet.changes[-3:]] == [
        ("t-2", "PENDING_NEW"),
        ("t-1", "PENDING_CANCEL"),
        ("t-3", "PENDING_NEW"),
    ]
    assert bench.sent == [first, second, third]


def test_a_cancel_of_what_is_done_or_already_being_cancelled_does_nothing(bench):
    order = do(bench, lambda s: s.buy(ID, "1", "99"))
    bench.accept(order)
    do(bench, lambda s: [s.cancel(order), s.cancel(order)])
    assert bench.cancels == [order]
    bench.canceled(order)
    do(bench, lambda s: s.cancel(order))
    assert bench.cancels == [order]


def test_an_order_cancelled_in_the_handler_that_made_it_is_cancelled_at_the_venue(bench):
    def act(strategy):
        order = strategy.buy(ID, "1", "99")
        strategy.cancel(order)
        return order

    order = do(bench, act)
    assert (bench.sent, bench.cancels) == ([order], [order])


def test_replace_cancels_waits_and_sends_what_is_left(bench):
    order = do(bench, lambda s: s.buy(ID, "1", "99"))
    bench.accept(order)
    do(bench, lambda s: s.replace(order, qty="2", price="98.5"))
    assert (bench.sent, bench.cancels) == ([order], [order])
    bench.fill(order, "0.4")
    assert bench.sent == [order]
    bench.canceled(order)
    old, new = bench.sent
    assert (new.replaces, new.qty, new.price) == (old.client_order_id, 1.6, 98.5)


def test_a_replace_off_the_grid_is_an_error_in_the_strategy(bench):
    order = do(bench, lambda s: s.buy(ID, "1", "99"))
    with pytest.raises(UnitError, match="tick"):
        do(bench, lambda s: s.replace(order, price="98.7"))


# --- handles --------------------------------------------------------------------------------------------------------


def test_a_handle_follows_the_orders_life(bench):
    order = do(bench, lambda s: s.buy(ID, "1", "99"))
    life = [(order.state.name, order.filled_qty, order.leaves_qty, order.is_open)]
    for step in (
        lambda: bench.accept(order),
        lambda: bench.fill(order, "0.3"),
        lambda: bench.fill(order, price="98.5"),
    ):
        step()
        life.append((order.state.name, order.filled_qty, order.leaves_qty, order.is_open))
    assert life == [
        ("PENDING_NEW", 0.0, 1.0, True),
        ("OPEN", 0.0, 1.0, True),
        ("PARTIALLY_FILLED", 0.3, 0.7, True),
        ("FILLED", 1.0, 0.0, False),
    ]
    assert order.avg_px == pytest.approx(0.3 * 99 + 0.7 * 98.5)
    assert [lots for lots, _, _ in order.trades.values()] == [3, 7]


@pytest.mark.parametrize(
    "name", ["state", "side", "price", "qty", "filled_qty", "leaves_qty", "is_open", "terminal", "avg_px", "wish"]
)
def test_what_a_handle_shows_cannot_be_set(bench, name):
    order = do(bench, lambda s: s.buy(ID, "1", "99"))
    with pytest.raises(AttributeError):
        setattr(order, name, 1)


def test_orders_lists_the_open_ones_oldest_first(bench):
    first, second = do(bench, lambda s: [s.buy(ID, "1", "99"), s.sell(ID, "1", "101")])
    puppet = bench.core.desks[0].strategy
    assert puppet.orders == [first, second]
    bench.fill(first)
    assert puppet.orders == [second]


# --- parents --------------------------------------------------------------------------------------------------------


def test_children_stay_within_their_parents_quantity(bench):
    def act(strategy):
        parent = strategy.parent(ID, "2")
        return parent, [strategy.buy(ID, "1.5", "99", parent=parent), strategy.buy(ID, "1", "98", parent=parent)]

    parent, (first, second) = do(bench, act)
    assert second.denial.code == "PARENT_QTY_EXCEEDED"
    bench.fill(first, "1")
    bench.canceled(first)
    assert parent.executed_lots == 10
    third, fourth = do(bench, lambda s: [s.buy(ID, "1", "98", parent=parent), s.buy(ID, "0.1", "97", parent=parent)])
    assert third.state is OrderState.PENDING_NEW
    assert fourth.denial.code == "PARENT_QTY_EXCEEDED"


# --- mistakes in the use of the API ---------------------------------------------------------------------------------


def test_a_strategy_outside_a_run_says_so():
    with pytest.raises(TickwrightError, match=r"Puppet: not part of a run yet; use on_start"):
        Puppet().buy(ID, "1", "99")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda s: s.watch(ID), "watches the book of BTC/CHF.TDX without on_book"),
        (lambda s: s.watch(ID, book=None, trades=True), "watches trades of BTC/CHF.TDX without on_trade"),
        (lambda s: s.watch("X.Y"), "expected one of its instruments"),
        (lambda s: s.every("1"), "expected a length of time"),
        (lambda s: s.every("0s"), "at least one whole nanosecond"),
        (lambda s: s.at(s.now), "expected a time after now for timer timer"),
        (lambda s: s.at("tomorrow"), "expected a time such as"),
    ],
)
def test_a_word_out_of_place_is_an_error_that_says_what_was_expected(bench, act, message):
    with pytest.raises(TickwrightError, match=message):
        do(bench, act)
