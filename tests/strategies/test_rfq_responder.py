"""The responder prices, answers within limits, and takes its answers back when nobody asks any more."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright import OrderState, Side
from tickwright.engine.events import RequestForQuote
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.times import SECOND, as_ns
from tickwright.strategies.black76 import CALL, PUT, black_76
from tickwright.strategies.rfq_responder import RfqResponder
from tickwright.strategies.testing import Bench

START = "2027-01-01T08:00:00Z"
FUTURE = "BTC-20270326.PT"
CALL_60, PUT_60 = "BTC-20270326-60000C.PT", "BTC-20270326-60000P.PT"
YEARS = (as_ns("2027-03-26T08:00:00Z") - as_ns(START)) / (365 * 86_400 * SECOND)
WORTH = float(black_76(60_000, 60_000, YEARS, 0.6, CALL))


SPREAD = "BTC-20270326-54000C@1/BTC-20270326-66000C@-1.PT"
STRADDLE = "BTC-20270326-60000C@1/BTC-20270326-60000P@2.PT"
EXPIRY = as_ns("2027-03-26T08:00:00Z")


def instrument(id):
    """An instrument as its symbol says: an option, a package, a future, a perpetual, or a spot pair."""
    symbol = id.rpartition(".")[0]
    terms = {"tick_size": Decimal(1), "lot_size": Decimal("0.1"), "base": "BTC", "quote": "USD"}
    if "@" in symbol:
        legs = tuple(
            (f"{name}.PT", int(ratio)) for name, _, ratio in (part.partition("@") for part in symbol.split("/"))
        )
        return Instrument(id=id, kind=Kind.LINEAR, legs=legs, expiry_ns=EXPIRY, **terms)
    if symbol[-1] in "CP":
        strike = Decimal(symbol.rpartition("-")[2][:-1])
        return Instrument(id=id, kind=Kind.LINEAR, strike=strike, right=symbol[-1], expiry_ns=EXPIRY, **terms)
    if "2027" in symbol:
        return Instrument(id=id, kind=Kind.LINEAR, expiry_ns=EXPIRY, **terms)
    return Instrument(id=id, kind=Kind.SPOT if symbol == "BTC-USD" else Kind.LINEAR, **terms)


def make(*more, accepts=True, limits=None, **params):
    """A bench with a future at 60,000 and an option on it that has a market of its own."""
    ids = [FUTURE, CALL_60, PUT_60, *more]
    given = {"max_qty": Decimal(2), "max_position": Decimal(5)} | params
    listed = [instrument(id) for id in ids]
    bench = Bench(RfqResponder(**given), listed, accepts=accepts, limits=limits, start=START)
    bench.book("59990 x 5 | 60010 x 5", FUTURE)
    for id in ids[1:]:
        if "@" not in id:
            bench.book("5000 x 5 | 6000 x 5", id)
    return bench


def asks(bench, side=Side.BUY, qty="1", id=CALL_60, name="R1", **more):
    """Somebody asks."""
    given = {"expires": bench.now + 1800 * SECOND, "ts": bench.now} | more
    bench.request(RequestForQuote(venue="PT", request_id=name, instrument=id, side=side, qty=Decimal(qty), **given))


def leaves(bench, side=Side.BUY, id=CALL_60, name="R1"):
    """Who asked does so no more."""
    asks(bench, side, "1", id, name, withdrawn=True)


def stand(bench):
    return [(order.side.name, order.qty, order.price) for order in bench.open]


@pytest.mark.parametrize(
    ("side", "expected"),
    [(Side.BUY, ("SELL", -(-WORTH * 1.03 // 1))), (Side.SELL, ("BUY", WORTH * 0.97 // 1))],
)
def test_the_answer_is_firm_and_better_than_fair_by_the_edge(side, expected):
    bench = make()
    asks(bench, side)
    ((name, qty, price),) = stand(bench)
    assert (name, price, qty) == (*expected, 1.0)
    (order,) = bench.sent
    assert order.expire_ts == bench.now + 60 * SECOND
    assert not order.post_only


def test_a_package_is_worth_its_legs_times_their_ratios():
    bench = make(STRADDLE, edge=0.01, limits={"collar_bps": None})
    asks(bench, id=STRADDLE)
    ((_, _, price),) = stand(bench)
    fair = WORTH + 2 * float(black_76(60_000, 60_000, YEARS, 0.6, PUT))
    assert price == -(-fair * 1.01 // 1)


def test_the_edge_of_a_spread_is_a_part_of_both_legs_and_not_of_their_difference():
    legs = [id.partition("@")[0] for id in SPREAD.split("/")]
    bench = make(*(f"{leg}.PT" for leg in legs), SPREAD, edge=0.02, limits={"collar_bps": None})
    asks(bench, Side.SELL, id=SPREAD)
    low, high = (float(each) for each in black_76(60_000, [54_000, 66_000], YEARS, 0.6, CALL))
    assert [price for _, _, price in stand(bench)] == [(low - high - 0.02 * (low + high)) // 1]


def test_it_answers_at_most_what_its_limits_allow():
    bench = make(max_qty=Decimal("1.5"), max_position=Decimal(2))
    asks(bench, qty="10")
    assert [qty for _, qty, _ in stand(bench)] == [1.5]
    bench.fill(bench.open[0])
    asks(bench, qty="10", name="R2")
    assert [qty for _, qty, _ in stand(bench)] == [0.5]
    bench.fill(bench.open[0])
    asks(bench, qty="10", name="R3")
    assert stand(bench) == []
    asks(bench, Side.SELL, qty="10", name="R4")
    assert [(name, qty) for name, qty, _ in stand(bench)] == [("BUY", 1.5)]


def test_answers_that_stand_count_against_the_bound_of_every_leg():
    bench = make(STRADDLE, max_qty=Decimal(3), max_position=Decimal(4), limits={"collar_bps": None})
    asks(bench, qty="10", id=CALL_60)
    assert [qty for _, qty, _ in stand(bench)] == [3.0]
    asks(bench, qty="10", id=STRADDLE, name="R2")
    assert [qty for _, qty, _ in stand(bench)] == [3.0, 1.0], "four calls at most"
    asks(bench, qty="10", id=PUT_60, name="R3")
    assert [qty for _, qty, _ in stand(bench)] == [3.0, 1.0, 2.0], "the package has two of the puts"
    asks(bench, Side.SELL, qty="10", id=PUT_60, name="R4")
    assert [qty for _, qty, _ in stand(bench)] == [3.0, 1.0, 2.0, 3.0], "the other way is another matter"


def test_what_was_executed_in_a_package_counts_against_the_bound_of_every_leg():
    bench = make(STRADDLE, max_qty=Decimal(3), max_position=Decimal(4), limits={"collar_bps": None})
    asks(bench, Side.SELL, qty="10", id=STRADDLE)
    (answer,) = bench.open
    assert answer.qty == 2.0
    bench.fill(answer)
    assert (bench.position(CALL_60).qty, bench.position(PUT_60).qty) == (2.0, 4.0)
    asks(bench, Side.SELL, qty="10", id=STRADDLE, name="R2")
    assert stand(bench) == [], "four puts are held"
    asks(bench, Side.SELL, qty="10", id=CALL_60, name="R3")
    assert [(name, qty) for name, qty, _ in stand(bench)] == [("BUY", 2.0)]


def test_who_takes_a_package_may_be_paid_for_it():
    other_way = "BTC-20270326-60000P@1/BTC-20270326-60000C@-2.PT"
    bench = make(other_way, limits={"collar_bps": None})
    asks(bench, id=other_way)
    ((name, _, price),) = stand(bench)
    assert name == "SELL"
    assert price < 0


def test_so_many_answers_stand_at_one_time_and_no_more():
    bench = make(max_answers=1)
    asks(bench)
    asks(bench, id=PUT_60, name="R2")
    assert len(stand(bench)) == 1
    leaves(bench)
    bench.advance("1s")
    bench.advance("1s")
    assert [order.instrument.id for order in bench.open] == [PUT_60]


def test_an_answer_goes_when_nobody_asks_any_more():
    bench = make()
    asks(bench)
    asks(bench, name="R2")
    assert len(stand(bench)) == 1, "one order for both"
    leaves(bench)
    assert len(stand(bench)) == 1
    leaves(bench, name="R2")
    assert stand(bench) == []


def test_an_answer_is_not_given_again_once_its_life_is_over():
    bench = make(life="5s")
    asks(bench)
    (order,) = bench.open
    bench.advance("5s")
    if order.is_open:
        bench.expire(order)
    bench.advance("2s")
    assert stand(bench) == []
    assert len(bench.sent) == 1


def test_whoever_was_traded_with_is_served():
    bench = make(accepts=False)
    asks(bench, qty="2")
    (order,) = bench.open
    bench.accept(order)
    bench.fill(order, "0.5")
    assert bench.cancels == [order]
    bench.canceled(order)
    assert len(bench.sent) == 1


def test_an_answer_follows_the_forward_once_the_old_one_is_gone():
    bench = make(accepts=False)
    asks(bench)
    (first,) = bench.open
    bench.accept(first)
    bench.book("60040 x 5 | 60060 x 5", FUTURE)
    bench.advance("1s")
    assert bench.cancels == [], "a small move changes nothing"
    bench.book("60990 x 5 | 61010 x 5", FUTURE)
    bench.advance("1s")
    assert bench.cancels == [first]
    assert len(bench.sent) == 1
    bench.canceled(first)
    (second,) = bench.open
    assert second.price > first.price


def test_without_a_forward_to_rely_on_nothing_stands():
    bench = make()
    asks(bench)
    bench.book("| 60010 x 5", FUTURE)
    bench.advance("1s")
    assert stand(bench) == []
    asks(bench, name="R2")
    assert stand(bench) == []
    bench.book("59990 x 5 | 60010 x 5", FUTURE)
    bench.advance("1s")
    assert len(stand(bench)) == 1


def test_a_refused_answer_is_not_tried_again_for_the_same_request():
    bench = make(accepts=False)
    asks(bench)
    (order,) = bench.open
    bench.reject(order, "insufficient_account_balance")
    bench.advance("5s")
    assert len(bench.sent) == 1
    asks(bench, name="R2")
    assert len(bench.sent) == 2


@pytest.mark.parametrize("limits", [{"max_order_qty": "0.5"}])
def test_a_denied_answer_is_not_tried_again_for_the_same_request(limits):
    bench = make(limits=limits)
    asks(bench)
    bench.book("59980 x 5 | 60010 x 5", FUTURE)
    bench.advance("5s")
    assert len(bench.denied) == 1
    assert bench.sent == []


@pytest.mark.parametrize("id", ["BTC-20270326-99000C.PT", FUTURE])
def test_what_it_cannot_price_or_trade_it_leaves_alone(id, capsys):
    bench = make()
    for name in ("R1", "R2"):
        asks(bench, id=id, name=name)
    assert bench.sent == bench.denied == []
    assert capsys.readouterr().out.count(f"{id}: asked for and not answered") == 1


def test_options_without_their_forward_are_not_priced(capsys):
    bench = Bench(RfqResponder(), [instrument(CALL_60)], start=START)
    asks(bench)
    assert bench.sent == []
    assert "no future to price it by is among the instruments" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("forward", "id"), [("perpetual", "BTC-USD-PERPETUAL.PT"), ("spot", "BTC-USD.PT"), ("future", FUTURE)]
)
def test_the_forward_is_the_book_that_the_params_name(forward, id):
    bench = Bench(RfqResponder(forward=forward), [instrument(id), instrument(CALL_60)], start=START, accepts=True)
    bench.book("59990 x 5 | 60010 x 5", id)
    bench.book("5000 x 5 | 6000 x 5", CALL_60)
    asks(bench)
    assert [price for _, _, price in stand(bench)] == [-(-WORTH * 1.03 // 1)]


def test_an_expired_option_is_not_answered():
    bench = make()
    bench.core.now = as_ns("2027-03-26T08:00:00Z")
    asks(bench)
    assert bench.sent == []


def test_answers_of_an_earlier_run_are_taken_back():
    bench = make()
    asks(bench)
    strategy = bench.core.desks[0].strategy
    bench.core.call(bench.core.desks[0], "on_start", strategy.on_start, ())
    assert len(bench.cancels) == 1


acts = st.lists(
    st.tuples(st.sampled_from(["ask", "leave", "fill", "reject", "move", "wait"]), st.integers(0, 3), st.booleans()),
    max_size=30,
)


@given(acts)
@settings(max_examples=30, deadline=None)
def test_whatever_happens_it_stays_within_its_limits_and_ends_with_its_askers(script):
    bench = make(max_qty=Decimal(1), max_position=Decimal(2), max_answers=3)
    asked = {}
    for act, number, flag in script:
        id, side = (CALL_60, PUT_60)[number % 2], Side.BUY if flag else Side.SELL
        if act == "ask":
            asked[f"R{number}{flag}"] = (side, id)
            asks(bench, side, str(number + 1), id, f"R{number}{flag}")
        elif act == "leave" and f"R{number}{flag}" in asked:
            leaves(bench, *asked[f"R{number}{flag}"], f"R{number}{flag}")
        elif act in ("fill", "reject") and bench.open:
            order = bench.open[number % len(bench.open)]
            if act == "fill":
                bench.fill(order, "0.1" if flag else None)
            elif order.state is OrderState.PENDING_NEW:
                bench.reject(order)
        elif act == "move":
            middle = 58_000 + 1_000 * number
            bench.book(f"{middle - 10} x 5 | {middle + 10} x 5", FUTURE)
        else:
            bench.advance(f"{number + 1}s")
        assert len(bench.open) <= 3
        assert all(order.qty <= 1.0 for order in bench.sent)
        assert all(abs(bench.position(one).qty) <= 2.0 for one in (CALL_60, PUT_60))
    for name, (side, id) in asked.items():
        leaves(bench, side, id, name)
    assert bench.open == []
    assert bench.denied == []
