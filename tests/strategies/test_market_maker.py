"""The market maker does what its text promises."""

from decimal import Decimal

import pytest

from tickwright import OrderState
from tickwright.engine.capability import Capability
from tickwright.strategies.market_maker import MarketMaker
from tickwright.strategies.testing import Bench

ID = "BTC/CHF.TDX"


def make(*, accepts=True, capability=None, **params):
    given = {"size": Decimal(1), "max_position": Decimal(2), "behind_ticks": 1, "requote_ticks": 2} | params
    return Bench(MarketMaker(**given), ID, tick="0.5", lot="0.1", accepts=accepts, capability=capability)


def quotes(bench):
    return {order.side.name: order.price for order in bench.open}


def test_it_quotes_both_sides_of_the_microprice_and_never_through_the_touch():
    bench = make(behind_ticks=2)
    bench.book("99 x 1 | 101 x 1")
    assert quotes(bench) == {"BUY": 99.0, "SELL": 101.0}
    assert all(order.post_only and order.qty == 1.0 for order in bench.sent)
    bench = make(behind_ticks=1)
    bench.book("99 x 30 | 101 x 10")  # the heavy side pushes the microprice to 100.5
    assert quotes(bench) == {"BUY": 99.0, "SELL": 101.0}
    bench = make(behind_ticks=3)
    bench.book("99 x 30 | 101 x 10")
    assert quotes(bench) == {"BUY": 99.0, "SELL": 102.0}


@pytest.mark.parametrize(
    ("bought", "expected"), [("1", {"BUY": 97.5, "SELL": 101.5}), ("0.5", {"BUY": 98.0, "SELL": 102.0})]
)
def test_what_it_holds_leans_both_quotes(bought, expected):
    bench = make(behind_ticks=4, skew_ticks=2.0, requote_ticks=1)
    bench.book("100 x 1 | 101 x 1")
    assert quotes(bench) == {"BUY": 98.5, "SELL": 102.5}
    bid = bench.sent[0]
    bench.fill(bid, bought)
    bench.book("100 x 2 | 101.5 x 2")  # the touch moves, and it looks again
    bench.book("100 x 1 | 101 x 1")
    assert quotes(bench) == expected


@pytest.mark.parametrize(("side", "left"), [("BUY", "SELL"), ("SELL", "BUY")])
def test_at_the_largest_position_it_only_quotes_the_side_that_reduces(side, left):
    bench = make(skew_ticks=0.0)
    for tick in range(2):
        bench.book(f"99 x 1 | {101 + tick} x 1")
        (order,) = [order for order in bench.open if order.side.name == side]
        bench.fill(order)
    assert abs(bench.position().qty) == 2.0
    bench.book("99 x 1 | 101 x 1")
    assert list(quotes(bench)) == [left]


def test_a_quote_stays_until_its_place_has_moved_far_enough():
    bench = make(behind_ticks=0)
    bench.book("99 x 1 | 101 x 1")
    first = bench.look()
    bench.book("99 x 1 | 101.5 x 1")
    assert bench.look() == type(first)([], [], [])
    bench.book("102 x 1 | 104 x 1")
    seen = bench.look()
    assert set(seen.cancels) == set(first.sent)
    assert {order.side.name: order.price for order in seen.sent} == {"BUY": 102.0, "SELL": 104.0}


def test_a_new_quote_waits_until_the_old_one_is_gone():
    bench = make(accepts=False)
    bench.book("99 x 1 | 101 x 1")
    bid, ask = bench.look().sent
    bench.accept(bid)
    bench.accept(ask)
    bench.book("104 x 1 | 106 x 1")
    assert bench.look().sent == []
    bench.canceled(bid)
    assert bench.look().sent == []  # a bid at 104 would meet our own ask at 101
    bench.canceled(ask)
    assert [(order.side.name, order.price) for order in bench.look().sent] == [("BUY", 104.0), ("SELL", 106.0)]
    assert bench.denied == []


def test_a_cancel_that_is_not_answered_is_not_asked_for_again():
    bench = make(accepts=False)
    bench.book("99 x 1 | 101 x 1")
    for order in bench.look().sent:
        bench.accept(order)
    bench.book("104 x 1 | 106 x 1")
    bench.advance("10s")
    asked = len(bench.cancels)
    assert all(order.state is OrderState.UNKNOWN for order in bench.open)
    for tick in range(20):
        bench.book(f"104 x 1 | {107 + tick} x 1")
    assert len(bench.cancels) == asked


def test_a_fill_while_the_cancel_travels_counts():
    bench = make(accepts=False, max_position=Decimal(1))
    bench.book("99 x 1 | 101 x 1")
    bid, ask = bench.look().sent
    bench.book("94 x 1 | 96 x 1")
    bench.fill(bid)
    bench.canceled(ask)
    assert [(order.side.name, order.price) for order in bench.look().sent] == [("SELL", 96.0)]
    assert bench.denied == []


def test_a_denied_quote_is_not_tried_again_before_the_touch_moves():
    bench = Bench(MarketMaker(size=Decimal(1), max_position=Decimal(2)), ID, tick="0.5", lot="0.1",
                  limits={"max_order_qty": "0.5"})  # fmt: skip
    bench.book("99 x 1 | 101 x 1")
    assert len(bench.denied) == 2
    bench.advance("10s")
    assert len(bench.denied) == 2


def test_where_the_venue_has_no_post_only_it_says_which_param_to_set(capsys):
    bench = make(capability=Capability(post_only=False))
    bench.book("99 x 1 | 101 x 1")
    assert [order.denial.code for order in bench.denied] == ["FLAG_UNSUPPORTED"] * 2
    assert "TDX has no post-only orders; set the param post_only: false" in capsys.readouterr().out


def test_without_post_only_it_quotes_all_the_same_and_never_through_the_touch():
    bench = make(capability=Capability(post_only=False), post_only=False, behind_ticks=-5)
    bench.book("99 x 1 | 101 x 1")
    assert quotes(bench) == {"BUY": 99.0, "SELL": 101.0}
    assert not any(order.post_only for order in bench.sent)


def test_two_markets_are_quoted_each_on_its_own():
    bench = Bench(MarketMaker(size=Decimal(1), max_position=Decimal(2)), [ID, "ETH/CHF.TDX"], tick="0.5", lot="0.1")
    bench.book("99 x 1 | 101 x 1", ID)
    bench.book("9 x 1 | 11 x 1", "ETH/CHF.TDX")
    assert [(order.instrument.symbol, order.price) for order in bench.sent] == [
        ("BTC/CHF", 99.0),
        ("BTC/CHF", 101.0),
        ("ETH/CHF", 9.0),
        ("ETH/CHF", 11.0),
    ]
