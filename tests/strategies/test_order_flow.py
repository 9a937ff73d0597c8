"""The momentum strategy does what its text promises."""

from decimal import Decimal

import pytest

from tickwright import TimeInForce
from tickwright.engine.capability import Capability
from tickwright.strategies.order_flow import OrderFlow
from tickwright.strategies.testing import Bench

ID = "BTC/CHF.TDX"
BOOK = "99.5 x 5 | 100 x 5"


def make(instruments=ID, capability=None, **params):
    given = {"size": Decimal(1), "min_volume": 3.0, "stop_ticks": 4, "target_ticks": 6, "hold": "30s"} | params
    return Bench(OrderFlow(**given), instruments, tick="0.5", lot="0.1", accepts=True, capability=capability)


def show(bench, text=BOOK):
    bench.book(text)
    bench.advance("100ms")


def press(bench, *trades):
    for trade in trades:
        bench.trade(trade)
    show(bench)


def entered(**params):
    """A bench whose strategy has bought 1 at 100."""
    bench = make(**params)
    press(bench, "buy 5 @ 100")
    bench.fill(bench.look().sent[0], taker=True)
    return bench


@pytest.mark.parametrize("told", [True, False])
def test_leaving_is_told_to_reduce_only_where_the_venue_has_a_flag_for_it(told, capsys):
    bench = entered(reduce_only=told, capability=Capability(reduce_only=False))
    bench.advance("31s")
    show(bench, "99.5 x 5 | 100 x 6")
    assert [order.tag for order in bench.sent] == (["enter"] if told else ["enter", "time"])
    assert ("set the param reduce_only: false" in capsys.readouterr().out) is told


def test_it_goes_with_the_takers_at_the_far_touch_immediately_or_not_at_all():
    bench = make()
    press(bench, "buy 4 @ 100", "sell 1 @ 99.5")
    (order,) = bench.sent
    assert (order.side.name, order.qty, order.price, order.tag) == ("BUY", 1.0, 100.0, "enter")
    assert order.time_in_force is TimeInForce.IOC


@pytest.mark.parametrize(
    "trades",
    [
        ("buy 2.9 @ 100",),  # too little
        ("buy 3 @ 100", "sell 1 @ 99.5"),  # not one-sided enough
        ("sell 5 @ 99.5",),  # would be a short position
    ],
)
def test_without_a_clear_signal_it_stays_out(trades):
    bench = make()
    press(bench, *trades)
    assert bench.sent == []


def test_it_sells_short_where_that_is_allowed():
    bench = make(allow_short=True)
    press(bench, "sell 5 @ 99.5")
    assert [(order.side.name, order.price) for order in bench.sent] == [("SELL", 99.5)]


def test_old_trades_fade():
    bench = make()
    bench.trade("buy 5 @ 100")
    bench.advance("5s")
    show(bench)
    assert bench.sent == []


def test_one_order_at_a_time():
    bench = make()
    press(bench, "buy 9 @ 100")
    show(bench)
    assert len(bench.sent) == 1
    bench.canceled(bench.sent[0])
    show(bench)
    assert len(bench.sent) == 2


@pytest.mark.parametrize(
    ("book", "tag", "price"),
    [("98 x 5 | 98.5 x 5", "stop", 98.0), ("103 x 5 | 103.5 x 5", "target", 103.0)],
)
def test_it_leaves_at_stop_and_target(book, tag, price):
    bench = entered()
    show(bench, "98.5 x 5 | 99 x 5")
    show(bench, "102.5 x 5 | 103 x 5")
    assert bench.look().sent == []
    show(bench, book)
    (order,) = bench.look().sent
    assert (order.side.name, order.qty, order.price, order.tag) == ("SELL", 1.0, price, tag)
    assert order.reduce_only


def test_it_leaves_when_its_time_is_over_with_what_it_holds():
    bench = make()
    press(bench, "buy 5 @ 100")
    order = bench.look().sent[0]
    bench.fill(order, "0.4", taker=True)
    bench.canceled(order)
    bench.advance("29s")
    show(bench)
    assert bench.look().sent == []
    bench.advance("1s")
    show(bench)
    (leave,) = bench.look().sent
    assert (leave.qty, leave.tag) == (0.4, "time")


def test_an_exit_that_found_nobody_is_tried_again():
    bench = entered()
    show(bench, "98 x 5 | 98.5 x 5")
    bench.canceled(bench.look().sent[0])
    show(bench, "97 x 5 | 98 x 5")
    (again,) = bench.look().sent
    assert again.price == 97.0
    bench.fill(again, taker=True)
    show(bench)
    assert bench.position().qty == 0.0


def test_pressure_in_one_market_moves_no_other():
    bench = make([ID, "ETH/CHF.TDX"])
    bench.trade("buy 9 @ 100", ID)
    for instrument in (ID, "ETH/CHF.TDX"):
        bench.book(BOOK, instrument)
    bench.advance("100ms")
    assert [order.instrument.id for order in bench.sent] == [ID]
