"""The hedger: what is executed at one venue is hedged at the other, once, within a price, and until it is done."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright import OrderState, TimeInForce
from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument, Kind
from tickwright.strategies.hedger import Hedger
from tickwright.strategies.testing import Bench, MemoryStore

MAKE, TAKE = "BTC/CHF.TDX", "BTC-USD-PERPETUAL.PT"
LOTS = Decimal("0.01")


def make(*, accepts=False, limits=None, store=None, take=None, on_error="raise", **params):
    """A bench on which both markets stand at 100, the quoted one in CHF, the hedge in USD; both quotes are out."""
    given = {"size": Decimal(1), "max_position": Decimal(5), "behind_ticks": 1, "max_unhedged": Decimal(3)} | params
    quoted = Instrument(id=MAKE, tick_size=Decimal("0.5"), lot_size=Decimal("0.1"), base="BTC", quote="CHF")
    terms = {"tick_size": Decimal("0.5"), "lot_size": LOTS, "kind": Kind.LINEAR, "base": "BTC", "quote": "USD"}
    hedge = Instrument(id=TAKE, **(terms | (take or {})))
    bench = Bench(
        Hedger(**given), [quoted, hedge], rates={"USD/CHF": Decimal(1)}, accepts=accepts, limits=limits, store=store,
        on_error=on_error,
    )  # fmt: skip
    books(bench)
    bench.book("99.5 x 50 | 100.5 x 50", MAKE)
    return bench


def books(bench, quoted="99 x 50 | 101 x 50", hedge="99 x 50 | 101 x 50"):
    """Both books, and the time until the hedge's is looked at."""
    bench.book(quoted, MAKE)
    bench.book(hedge, TAKE)
    bench.advance("100ms")


def quotes(bench):
    return [order for order in bench.open if order.instrument.id == MAKE]


def hedges(bench):
    return [order for order in bench.sent if order.instrument.id == TAKE]


def traded(bench, name="BUY", qty=None):
    """Somebody trades with our quote of a side."""
    (mine,) = [order for order in quotes(bench) if order.side.name == name]
    if mine.state is OrderState.PENDING_NEW:
        bench.accept(mine)
    bench.fill(mine, qty)
    return mine


def shown(order):
    return order.side.name, order.qty, order.price, order.time_in_force


def test_it_quotes_around_what_the_hedge_costs_in_the_quoted_prices():
    bench = make(size=Decimal("0.1"))
    assert [(order.side.name, order.price) for order in quotes(bench)] == [("BUY", 99.0), ("SELL", 101.0)]
    # The hedge falls by more than two: the bid follows, though the best one of its own market stands still.
    for order in quotes(bench):
        bench.accept(order)
    books(bench, "99 x 50 | 102 x 50", "97 x 50 | 98.5 x 50")
    for order in list(bench.cancels):
        bench.canceled(order)
    assert {order.side.name: order.price for order in quotes(bench)} == {"BUY": 97.0, "SELL": 102.0}


@pytest.mark.parametrize(("name", "expected"), [("BUY", ("SELL", 1.0, 98.5)), ("SELL", ("BUY", 1.0, 101.5))])
def test_a_fill_is_hedged_at_once_immediate_or_cancel_within_the_slippage(name, expected):
    bench = make(slippage_bps=Decimal(51))
    traded(bench, name)
    (hedge,) = hedges(bench)
    assert shown(hedge) == (*expected, TimeInForce.IOC)
    bench.accept(hedge)
    bench.fill(hedge, price="99" if name == "BUY" else "101", taker=True)
    bench.advance("5s")
    assert len(hedges(bench)) == 1
    assert bench.position(MAKE).qty == -bench.position(TAKE).qty


def test_fills_while_a_hedge_is_out_wait_for_it_and_are_hedged_together():
    bench = make(size=Decimal(1))
    bid = traded(bench, "BUY", "0.3")
    (first,) = hedges(bench)
    assert first.qty == 0.3
    bench.fill(bid, "0.2")
    bench.fill(bid, "0.5")
    bench.advance("1s")
    assert hedges(bench) == [first]
    bench.accept(first)
    bench.fill(first, "0.1", taker=True)
    bench.canceled(first)
    _, second = hedges(bench)
    assert (second.side.name, second.qty) == ("SELL", 0.9)


def test_a_hedge_that_is_in_doubt_is_not_sent_again():
    bench = make()
    traded(bench, "BUY")
    (hedge,) = hedges(bench)
    bench.advance("10s")  # no answer: it may have been executed
    assert hedge.state is OrderState.UNKNOWN
    assert hedges(bench) == [hedge]
    bench.fill(hedge, taker=True)  # as it turns out
    bench.advance("10s")
    assert hedges(bench) == [hedge]
    assert bench.position(TAKE).qty == -1.0


def test_a_hedge_of_which_nothing_is_heard_is_cancelled_once_and_waited_for():
    bench = make()
    traded(bench, "BUY")
    (hedge,) = hedges(bench)
    bench.accept(hedge)
    bench.advance("2500ms")
    assert hedge not in bench.cancels
    bench.advance("10s")
    assert bench.cancels.count(hedge) == 1
    assert hedges(bench) == [hedge]
    bench.fill(hedge, taker=True)
    bench.advance("5s")
    assert hedges(bench) == [hedge]


def test_a_late_fill_of_a_dead_hedge_is_hedged_back():
    bench = make()
    traded(bench, "BUY")
    (first,) = hedges(bench)
    bench.accept(first)
    bench.canceled(first)
    bench.advance("1s")
    second = hedges(bench)[1]
    bench.accept(second)
    bench.fill(second, taker=True)
    bench.fill(first, "1", taker=True)  # it was executed after all: now twice as much is hedged
    third = hedges(bench)[2]
    assert (third.side.name, third.qty) == ("BUY", 1.0)


@pytest.mark.parametrize("how", ["reject", "nobody"])
def test_a_hedge_that_fails_is_tried_again_with_pauses_that_double_up_to_a_bound(how):
    bench = make(retry="250ms", limits={"max_rejects": None})
    traded(bench, "BUY")
    at = []
    for _ in range(10):
        hedge = hedges(bench)[-1]
        at.append(bench.now)
        if how == "reject":
            bench.reject(hedge, "exchange down")
        else:
            bench.accept(hedge)
            bench.canceled(hedge)
        waited = 0
        while hedges(bench)[-1] is hedge and waited < 400:
            bench.advance("50ms")
            waited += 1
    pauses = [round((b - a) / 1e6) for a, b in pairwise(at)]
    assert pauses == [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000]


def test_failures_are_said_and_forgotten_with_the_first_success(capsys):
    bench = make()
    traded(bench, "BUY")
    bench.reject(hedges(bench)[-1], "exchange down")
    assert "a hedge was refused" in (said := capsys.readouterr().out)
    assert "exchange down" in said
    bench.advance("250ms")
    bench.accept(hedges(bench)[-1])
    bench.fill(hedges(bench)[-1], "0.4", taker=True)
    bench.canceled(hedges(bench)[-1])
    assert hedges(bench)[-1].qty == 0.6, "at once, since the one before found somebody"


def test_a_denied_hedge_is_tried_again_no_more_often_than_a_rejected_one():
    bench = make(accepts=True, limits={f"instrument:{TAKE}": {"max_order_qty": "0.5"}})
    traded(bench, "BUY")
    bench.advance("60s")
    assert 6 <= len(bench.denied) <= 10
    assert quotes(bench) == []


def test_nothing_is_quoted_while_hedges_fail_or_too_much_is_missing():
    bench = make(accepts=True, max_unhedged=Decimal("0.5"))
    assert len(quotes(bench)) == 2
    traded(bench, "BUY", "0.6")
    books(bench, "98.5 x 50 | 101 x 50")
    assert quotes(bench) == []
    hedge = hedges(bench)[-1]
    bench.fill(hedge, taker=True)
    books(bench)
    assert len(quotes(bench)) == 2


@pytest.mark.parametrize("hedge", ["| 101 x 50", "99 x 50 |"])
def test_nothing_is_quoted_or_hedged_by_a_book_that_cannot_be_relied_on(hedge):
    bench = make(accepts=True)
    bid = quotes(bench)[0]
    bench.book(hedge, TAKE)
    bench.fill(bid)
    bench.book("98.5 x 50 | 101 x 50", MAKE)
    bench.advance("5s")
    assert hedges(bench) == []
    assert quotes(bench) == []
    books(bench)
    assert len(hedges(bench)) == 1


def test_a_quantity_below_the_least_waits_until_there_is_more():
    bench = make(accepts=True, take={"min_qty": Decimal("0.5")})
    bid = traded(bench, "BUY", "0.3")
    bench.advance("5s")
    assert hedges(bench) == bench.denied == []
    bench.fill(bid, "0.2")
    assert [order.qty for order in hedges(bench)] == [0.5]


def test_a_value_below_the_least_waits_until_there_is_more():
    bench = make(accepts=True, take={"min_notional": Decimal(40)})
    bid = traded(bench, "BUY", "0.3")
    assert hedges(bench) == []
    bench.fill(bid, "0.2")
    assert [order.qty for order in hedges(bench)] == [0.5]


def test_a_large_hedge_goes_in_parts():
    bench = make(accepts=True, max_hedge=Decimal("0.4"))
    traded(bench, "BUY")
    done = []
    while len(hedges(bench)) > len(done):
        done.append(hedges(bench)[-1].qty)
        bench.fill(hedges(bench)[-1], taker=True)
    assert done == [0.4, 0.4, 0.2]


@pytest.mark.parametrize(("ratio", "expected"), [("0.5", 0.5), ("0.333", 0.33), ("2", 2.0)])
def test_the_hedge_is_the_position_times_the_ratio_in_whole_lots_and_never_more(ratio, expected):
    bench = make(accepts=True, ratio=Decimal(ratio), max_hedge=Decimal(10))
    traded(bench, "BUY")
    assert [order.qty for order in hedges(bench)] == [expected]


def test_hedges_that_the_first_run_left_in_doubt_are_waited_for():
    bench = make()
    traded(bench, "BUY")
    (hedge,) = hedges(bench)
    desk = bench.core.desks[0]
    again = Hedger(size=Decimal(1))
    again._tickwright_attach(desk.door, desk)
    again.on_start()
    assert again._hedge is hedge
    again.hedge()
    assert desk.door.intents == []


def test_the_ratio_of_prices_is_remembered():
    store = MemoryStore()
    bench = make(store=store)
    bench.stop()
    assert store.states["strategy"]["average"] == pytest.approx(1.0)
    again = make(store=store)
    assert again.core.desks[0].strategy._average == pytest.approx(1.0)


def test_it_wants_two_instruments():
    with pytest.raises(TickwrightError, match="expected two instruments, one to quote and one to hedge in"):
        Bench(Hedger(), "BTC/CHF.TDX")


acts = st.lists(
    st.tuples(st.sampled_from(["quote", "take", "reject", "accept", "cancel", "wait"]), st.integers(1, 10)), max_size=40
)


@given(acts)
@settings(max_examples=40, deadline=None)
def test_it_is_never_hedged_twice_and_in_the_end_it_is_hedged(script):
    """Quotes and hedges are executed in parts, refused, cancelled and left without an answer, in any order."""
    bench = make(limits={"max_rejects": None, "max_unknown_orders": None, "max_repeats": None}, max_hedge=Decimal(2))
    for act, tenths in script:
        part = Decimal(tenths) / 10
        out = [order for order in bench.open if order.instrument.id == TAKE]
        mine = quotes(bench)
        if act == "quote" and mine:
            order = mine[tenths % len(mine)]
            bench.fill(order, min(part, order.instrument.qty(int(order.leaves_lots))))
        elif act == "take" and out:
            bench.fill(out[0], min(part, out[0].instrument.qty(int(out[0].leaves_lots))), taker=True)
        elif act == "accept" and (out or mine):
            bench.accept((out or mine)[0])
        elif act == "cancel" and (out or mine):
            bench.canceled((out or mine)[0])
        elif act == "reject" and out and out[0].state is OrderState.PENDING_NEW and out[0].filled_qty == 0:
            bench.reject(out[0])
        else:
            bench.advance(f"{tenths * 100}ms")
        out = [order for order in bench.open if order.instrument.id == TAKE]
        assert len(out) <= 1
        held, hedged = bench.position(MAKE).qty, bench.position(TAKE).qty
        worst = hedged + sum(order.leaves_qty * order.side for order in out)
        assert abs(hedged) <= 5.0 + 1e-9
        assert min(0, -held) - 5.0 <= worst <= max(0, -held) + 5.0
    for _ in range(60):
        for order in [order for order in bench.open if order.instrument.id == TAKE]:
            bench.fill(order, taker=True)
        bench.advance("1s")
    assert bench.position(TAKE).qty == pytest.approx(-bench.position(MAKE).qty, abs=1e-9)
