"""The slicing strategy does what its text promises."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright import OrderState, TimeInForce
from tickwright.strategies.testing import Bench
from tickwright.strategies.twap import Twap

ID = "BTC/CHF.TDX"
BOOK = "99 x 5 | 101 x 5"


def make(side="buy", accepts=True, limits=None, **params):
    """A bench at the moment of the first slice's order."""
    strategy = Twap(**({"side": side, "qty": Decimal(1), "slices": 4, "step": "10s"} | params))
    bench = Bench(strategy, ID, tick="0.5", lot="0.1", accepts=accepts, limits=limits)
    bench.book(BOOK)
    bench.advance("1ms")
    return bench


def asked(bench):
    return [(order.qty, order.price, order.tag) for order in bench.look().sent]


@pytest.mark.parametrize(("side", "near"), [("buy", 99.0), ("sell", 101.0)])
def test_each_slice_rests_at_the_near_touch(side, near):
    bench = make(side)
    done = []
    for _ in range(4):
        (order,) = bench.look().sent
        done.append((order.side.name.lower(), order.qty, order.price))
        bench.fill(order)
        bench.advance("10s")
    assert done == [(side, 0.2, near), (side, 0.3, near), (side, 0.2, near), (side, 0.3, near)]
    bench.advance("1m")
    assert bench.look().sent == []
    assert abs(bench.position().qty) == 1.0


def test_what_a_slice_leaves_joins_the_next_one():
    bench = make()
    (first,) = bench.look().sent
    bench.fill(first, "0.1")
    bench.advance("10s")
    assert bench.cancels == [first]
    assert asked(bench) == [(0.4, 99.0, "slice 2")]


def test_the_next_slice_waits_until_the_rest_is_out_of_the_way():
    bench = make(accepts=False)
    (first,) = bench.look().sent
    bench.accept(first)
    bench.advance("10s")
    assert asked(bench) == []
    bench.fill(first, "0.1")  # while the cancel is under way
    bench.canceled(first)
    assert asked(bench) == [(0.4, 99.0, "slice 2")]


def test_after_the_last_slice_the_rest_is_taken_until_all_is_done():
    bench = make()
    bench.advance("30s")
    bench.look()
    bench.advance("10s")
    (take,) = bench.look().sent
    assert (take.qty, take.price, take.time_in_force) == (1.0, 101.0, TimeInForce.IOC)
    bench.fill(take, "0.6", taker=True)
    bench.canceled(take)
    bench.book("100 x 5 | 102 x 5")
    bench.advance("10s")
    (rest,) = bench.look().sent
    assert (rest.qty, rest.price) == (0.4, 102.0)
    bench.fill(rest, taker=True)
    bench.advance("1m")
    assert bench.look().sent == []


def test_a_slice_without_a_market_is_made_up_for_by_the_next():
    bench = make()
    bench.fill(bench.look().sent[0])
    bench.book("| 101 x 5")
    bench.advance("10s")
    assert asked(bench) == []
    bench.book(BOOK)
    bench.advance("10s")
    assert asked(bench) == [(0.5, 99.0, "slice 3")]


def test_a_denial_waits_for_the_next_slice():
    bench = make(limits={"max_order_qty": "0.1"})
    assert len(bench.denied) == 1
    bench.advance("10s")
    assert len(bench.denied) == 2


answers = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), max_size=40)


@given(answers)
@settings(max_examples=25)
def test_the_bound_holds_whatever_the_venue_does(script):
    """Orders are filled late, in part, cancelled, refused or left alone: never more than the parent's quantity."""
    bench = make(accepts=False)
    for act, lots in script:
        for order in bench.open[-1:]:
            if act == 0:
                bench.accept(order)
            elif act == 1:
                bench.fill(order, bench.instruments[0].qty(min(lots, int(order.leaves_lots) or 1)))
            elif act == 2:
                bench.canceled(order)
            elif act == 3 and order.state is OrderState.PENDING_NEW and order.filled_qty == 0:
                bench.reject(order)
        bench.advance(f"{lots}s")
        assert abs(bench.position().qty) + sum(order.leaves_qty for order in bench.open) <= 1.0 + 1e-9
    assert bench.core.failures == []
