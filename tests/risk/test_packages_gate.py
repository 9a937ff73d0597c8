"""Packages before the gate: every leg at its worst, net prices of any sign, distances by what the legs are worth."""

from decimal import Decimal

import pytest

from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.order import Approved
from tickwright.engine.terms import MARKET
from tickwright.risk.explain import explain
from tickwright.risk.limits import loads
from tickwright.risk.packages import worth

GRID = {"tick_size": Decimal(1), "lot_size": Decimal("0.1"), "kind": Kind.LINEAR, "base": "BTC", "quote": "USDT"}
CALL = Instrument(id="CALL.BINANCE", **GRID)
PUT = Instrument(id="PUT.BINANCE", **GRID)
NET = Instrument(id="CALL@1/PUT@-2.BINANCE", legs=(("CALL.BINANCE", 1), ("PUT.BINANCE", -2)), **GRID)
PACKAGE = 2


@pytest.fixture
def desk(world):
    """Legs at 1000 and 600: the package is worth -200, its legs 2200. Its own book is empty."""

    def build(risk=None, **more):
        found = world(risk, instruments=(CALL, PUT, NET), **more)
        found.quote(999, 1001, market=0)
        found.quote(599, 601, market=1)
        found.quote(0, 0, market=PACKAGE)
        return found

    return build


def codes(verdict):
    return () if isinstance(verdict, Approved) else verdict.codes


@pytest.mark.parametrize(
    ("side", "ticks", "expected"),
    [
        (1, -200, ()),
        (1, -179, ()),  # 21 of 2200 beyond: 95 bps
        (1, -177, ("PRICE_COLLAR",)),
        (1, -420, ()),  # behind, up to ten times that
        (1, -421, ("PRICE_COLLAR",)),
        (-1, -221, ()),
        (-1, -223, ("PRICE_COLLAR",)),
        (-1, 0, ()),
    ],
)
def test_a_net_price_is_measured_by_what_the_legs_are_worth(desk, side, ticks, expected):
    assert codes(desk().judge(side, 1, ticks, seat=PACKAGE)) == expected


def test_without_a_price_of_every_leg_there_is_no_reference(desk):
    found = desk()
    found.quote(0, 0, market=1)
    assert "REFERENCE_MISSING" in codes(found.judge(1, 1, -200, seat=PACKAGE))


@pytest.mark.parametrize(
    ("risk", "lots", "expected"),
    [
        ({"max_order_notional": "2200"}, 10, ()),
        ({"max_order_notional": "2199"}, 10, ("MAX_ORDER_NOTIONAL",)),
        ({"max_gross_notional": "2200"}, 10, ()),
        ({"max_gross_notional": "2199"}, 10, ("MAX_GROSS_NOTIONAL", "MAX_OPEN_NOTIONAL")),
        ({"max_gross_notional": "9999", "max_net_notional": "1200"}, 10, ()),
        ({"max_gross_notional": "9999", "max_net_notional": "1199"}, 10, ("MAX_NET_NOTIONAL",)),
        ({"max_gross_notional": "9999", "max_open_notional": "2199"}, 10, ("MAX_OPEN_NOTIONAL",)),
        ({"max_position": "2"}, 10, ()),
        ({"max_position": "1.9"}, 10, ("MAX_POSITION",)),  # of the put, two of which are sold
        ({"max_strategy_position": "1.9"}, 10, ("MAX_STRATEGY_POSITION",)),
        ({"allow_short": False}, 1, ("SHORT_NOT_ALLOWED",)),
    ],
)
def test_every_leg_counts_at_its_worst(desk, risk, lots, expected):
    assert codes(desk(risk).judge(1, lots, -200, seat=PACKAGE)) == expected


def test_what_works_in_a_package_counts_for_orders_in_its_legs(desk):
    found = desk({"max_position": "3"})
    found.working(1, 10, -200, seat=PACKAGE)  # sells two puts at worst
    assert codes(found.judge(-1, 10, 600, seat=1)) == ()
    assert codes(found.judge(-1, 11, 600, seat=1)) == ("MAX_POSITION",)
    assert codes(found.judge(1, 6, -200, seat=PACKAGE)) == ("MAX_POSITION",)


def test_the_purse_bears_every_leg(desk):
    found = desk({"balance_buffer_pct": "0"})
    found.money.balances["USDT"] = Decimal(2200)
    assert codes(found.judge(1, 10, -200, seat=PACKAGE)) == ()
    assert codes(found.judge(1, 11, -200, seat=PACKAGE)) == ("BALANCE_INSUFFICIENT",)


def test_market_orders_in_packages_are_protected_by_nothing(desk):
    assert codes(desk().judge(1, 1, 0, seat=PACKAGE, kind=MARKET)) == ("MARKET_ORDER_UNPROTECTED",)
    assert codes(desk({"market_orders": "allow"}).judge(1, 1, 0, seat=PACKAGE, kind=MARKET)) == ()


def test_a_decision_about_a_package_weighs_the_same_from_its_record(desk):
    found = desk({"max_order_notional": "2199"})
    denial = found.judge(1, 10, -200, seat=PACKAGE)
    row, _ = found.decisions()[-1]
    limits = next(each for each in loads(found.floor.describe()) if each.instrument == NET.id and each.strategy)
    again = [each for each in explain(row, limits) if each[1] == "MAX_ORDER_NOTIONAL"]
    assert again == [("C2", denial.code, denial.value, denial.limit, Decimal(-1))]
    assert worth(found.floor, found.floor.lines[PACKAGE], 10) == 2200 * found.floor.book.grain
