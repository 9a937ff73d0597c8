"""Instruments out of the venue's rows, what symbols say, and packages of legs."""

import json
from decimal import Decimal

import pytest

from tickwright.adapters.powertrade.codec import Codec
from tickwright.adapters.powertrade.entry import Place, order_fields
from tickwright.adapters.powertrade.reference import Product, package, read_legs, read_symbol
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Kind
from tickwright.engine.terms import GTC, Side
from tickwright.engine.times import SECOND, as_ns

CODEC = Codec("POWERTRADE")
ROW = {
    "symbol": "BTC-USD", "tradeable_entity_id": "4", "status": "active", "base_asset": "BTC", "quote_asset": "USD",
    "minimum_quantity": "0.0001", "maximum_quantity": "100.0", "minimum_value": "0.00001",
    "maximum_value": "100000000.0", "quantity_step": "0.0001", "price_step": "0.1", "tags": ["spot"],
}  # fmt: skip


def read(*rows: dict):
    told = CODEC.decode(json.dumps({"entities_and_rules_response": {
        "server_utc_timestamp": "1760000000200000", "symbols": [{**ROW, **row} for row in rows],
    }}))  # fmt: skip
    return {one.instrument.symbol: one for one in told.listed}, told.faults


def derivative(symbol: str, entity: str, tags: list[str], **said) -> dict:
    return {"symbol": symbol, "base_asset": symbol, "tradeable_entity_id": entity, "tags": tags, **said}


PUT = derivative("BTC-20270326-80000P", "51", ["BTC", "option", "month"], price_step="1.0")
CALL = derivative("BTC-20270326-90000C", "52", ["BTC", "option", "month"], price_step="0.5", minimum_quantity="0.0003")
FUTURE = derivative("BTC-20261225", "60", ["BTC", "future", "week"], quantity_step="0.001")


@pytest.mark.parametrize(
    ("symbol", "product", "expiry", "strike", "right"),
    [
        ("BTC-USD", Product.SPOT, 0, None, ""),
        ("PTF-USD", Product.SPOT, 0, None, ""),
        ("BTC-USD-PERPETUAL", Product.PERPETUAL, 0, None, ""),
        ("BTC-USD-INDEX", Product.INDEX, 0, None, ""),
        ("ETH-20221216", Product.FUTURE, as_ns("2022-12-16T08:00:00Z"), None, ""),
        ("BTC-20230630-22000C", Product.OPTION, as_ns("2023-06-30T08:00:00Z"), Decimal(22000), "C"),
        ("SOL-20230630-12.5P", Product.OPTION, as_ns("2023-06-30T08:00:00Z"), Decimal("12.5"), "P"),
    ],
)
def test_a_symbol_says_what_it_names(symbol, product, expiry, strike, right):
    named = read_symbol(symbol)
    assert named is not None
    assert (named.product, named.expiry_ns, named.strike, named.right) == (product, expiry, strike, right)


@pytest.mark.parametrize(
    "symbol",
    ["", "BTC", "BTC-20221301", "BTC-20230230-1C", "BTC-USD-PERP", "btc-usd", "BTC-20230630-22000X", "A@1/B@1"],
)
def test_other_symbols_say_nothing(symbol):
    assert read_symbol(symbol) is None


def test_every_kind_of_row_becomes_an_instrument():
    found, faults = read(
        {},
        derivative("BTC-USD-PERPETUAL", "16", ["BTC", "future", "perpetual"], price_step="0.5"),
        PUT,
        FUTURE,
        derivative("BTC-USD-INDEX", "2", ["index"]),
        derivative("BTC-20251003", "61", ["BTC", "future"]),
        {"symbol": "ETH-USD", "status": "suspended", "tradeable_entity_id": "5"},
    )
    assert faults == ()
    spot, perpetual, put = (found[name].instrument for name in ("BTC-USD", "BTC-USD-PERPETUAL", PUT["symbol"]))
    assert (spot.kind, spot.base, spot.quote, spot.tick_size) == (Kind.SPOT, "BTC", "USD", Decimal("0.1"))
    assert (spot.min_qty, spot.max_qty, spot.max_notional) == (Decimal("0.0001"), Decimal(100), Decimal(100_000_000))
    assert (perpetual.kind, perpetual.base, perpetual.expiry_ns) == (Kind.LINEAR, "BTC", None)
    assert (put.kind, put.base, put.expiry_ns) == (Kind.LINEAR, "BTC", as_ns("2027-03-26T08:00:00Z"))
    assert found[FUTURE["symbol"]].entity_id == "60"
    tradable = {name for name, one in found.items() if one.instrument.tradable}
    assert tradable == {"BTC-USD", "BTC-USD-PERPETUAL", PUT["symbol"], FUTURE["symbol"]}


@pytest.mark.parametrize(
    "bad",
    [
        {"price_step": "0"}, {"price_step": "-1"}, {"price_step": "x"}, {"quantity_step": ""}, {"symbol": ""},
        {"symbol": "BTC-20270326", "tags": ["spot"]}, {"symbol": "odd", "tags": []}, {"maximum_quantity": "9" * 30},
        {"tags": "spot"},
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_left_out_and_told(bad):
    found, faults = read(bad, {"symbol": "ETH-USD", "tradeable_entity_id": "5"})
    assert list(found) == ["ETH-USD"]
    assert len(faults) == 1


def test_a_package_has_the_finest_tick_and_a_lot_that_every_leg_takes():
    found, _ = read(PUT, CALL, FUTURE)
    symbol = f"{PUT['symbol']}@2/{CALL['symbol']}@-3"
    instrument = package(symbol, found, "POWERTRADE").instrument
    assert (instrument.tick_size, instrument.kind, instrument.quote) == (Decimal("0.5"), Kind.LINEAR, "USD")
    assert instrument.id == f"{symbol}.POWERTRADE"
    assert instrument.symbol == symbol
    assert instrument.expiry_ns == as_ns("2027-03-26T08:00:00Z")
    for leg, ratio in read_legs(symbol):
        step = found[leg].instrument.lot_size
        assert instrument.lot_size * abs(ratio) % step == 0
        assert instrument.min_qty * abs(ratio) >= found[leg].instrument.min_qty
        assert instrument.min_qty % instrument.lot_size == 0
    assert instrument.lot_size == Decimal("0.0001")
    assert instrument.ticks("-12.5") == -25


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("A@1/A@1", "different legs"),
        ("A@1", "2 to 10"),
        ("/".join(f"L{number}@1" for number in range(11)), "2 to 10"),
        ("A@2/B@-4", "common factor"),
        ("A@-1/B@1", "above zero"),
        ("A@1/B", "2 to 10"),
        ("A@1/B@0", "2 to 10"),
    ],
)
def test_packages_that_the_venue_would_refuse(symbol, expected):
    with pytest.raises(UnitError, match=expected):
        read_legs(symbol)


def test_legs_must_be_listed_in_order_and_in_one_currency():
    found, _ = read(PUT, CALL, {"symbol": "ETH-EUR", "quote_asset": "EUR", "tradeable_entity_id": "70"})
    put, call = PUT["symbol"], CALL["symbol"]
    for symbol, expected in (
        (f"{call}@1/{put}@1", "ascending order"),
        (f"{put}@1/BTC-20270326-1C@1", "received BTC-20270326-1C"),
        (f"{put}@1/ETH-EUR@1", "one currency"),
    ):
        with pytest.raises(UnitError, match=expected):
            package(symbol, found, "POWERTRADE")
    assert read_legs("BTC-USD") == ()


def test_an_order_in_a_package_names_its_legs_and_may_cost_less_than_nothing():
    found, _ = read(PUT, CALL)
    instrument = package(f"{PUT['symbol']}@1/{CALL['symbol']}@-1", found, "POWERTRADE").instrument
    place = Place(
        client_order_id="x", instrument=instrument.id, side=Side.SELL, lots=10_000, ticks=-25, time_in_force=GTC
    )
    fields = order_fields(place, instrument, 0, 0, 600 * SECOND)
    assert fields["legs"] == [
        {"sym": PUT["symbol"], "ratio": "1"},
        {"sym": CALL["symbol"], "ratio": "-1"},
    ]
    assert (fields["symbol"], fields["price"], fields["quantity"], fields["side"]) == ("", "-12.5", "1.0", "sell")
