"""The grid: exact conversions, what a float may miss it by, and what is refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import GRID_MAX, Instrument, Kind


def grid(tick: str = "0.05", lot: str = "0.001", **more: object) -> Instrument:
    return Instrument(id="X.V", tick_size=Decimal(tick), lot_size=Decimal(lot), **more)


GRIDS = st.sampled_from(("0.01", "0.1", "0.05", "0.25", "2.5", "1e-8", "1e-18", "1e-27", "1000"))
COUNTS = st.one_of(st.integers(-100, 100), st.integers(-GRID_MAX, GRID_MAX))


@settings(max_examples=100, deadline=None)
@given(GRIDS, COUNTS)
def test_ticks_and_decimals_convert_both_ways_without_loss(tick: str, ticks: int) -> None:
    each = grid(tick, tick)
    price = each.price(ticks)
    assert Fraction(price) == ticks * Fraction(tick)
    assert each.ticks(price) == each.lots(each.qty(ticks)) == ticks
    assert each.ticks(format(price, "f")) == ticks
    assert each.price_float(ticks) == each.qty_float(ticks) == float(price)


@settings(max_examples=100, deadline=None)
@given(GRIDS, st.integers(1, 10**9), st.integers(-50, 50))
def test_floats_that_people_compute_are_on_the_grid(tick: str, ticks: int, away: int) -> None:
    each = grid(tick)
    assert each.ticks(each.price_float(ticks) + away * each.price_float(1)) == ticks + away


@pytest.mark.parametrize(
    ("price", "on"),
    [
        (100.0 + 0.99e-6 * 0.25, True),
        (100.0 + 1.01e-6 * 0.25, False),
        (100.12, False),
        (Decimal("100.0000000001"), False),
        ("100.0000000001", False),
        (Decimal("100.25"), True),
        ("-100.25", True),
        (100, True),
        (-0.0, True),
    ],
)
def test_only_a_float_may_miss_the_tick_and_by_a_millionth(price: Decimal | str | float, on: bool) -> None:
    if on:
        assert grid("0.25").ticks(price) == round(float(price) / 0.25)
        return
    with pytest.raises(UnitError, match=r"X\.V: expected a price on the tick of 0\.25, received ") as refused:
        grid("0.25").ticks(price)
    assert refused.value.code == "PRICE_OFF_TICK"


def test_a_float_too_coarse_for_the_grid_is_refused_rather_than_guessed() -> None:
    each = grid("1e-8")
    assert each.ticks(12345.00000001) == 1234500000001
    with pytest.raises(UnitError) as refused:
        each.ticks(123456789.000000015)
    assert refused.value.code == "PRICE_OFF_TICK"
    with pytest.raises(UnitError) as refused:
        grid().lots("0.0005")
    assert refused.value.code == "QTY_OFF_LOT"


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        b"1",
        [],
        "",
        "1e5",
        "1_0",
        " 1",
        "1.",
        ".5",
        "+1",
        "\u0661",
        "nan",
        "1" * 31,
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("-Infinity"),
        Decimal("1e999999"),
        Decimal("1e-999999"),
        10**400,
        1e300,
        Decimal(GRID_MAX),
    ],
)
def test_what_is_no_number_or_does_not_fit_is_refused(value: object) -> None:
    with pytest.raises(UnitError, match=r"X\.V: (expected a finite price|price .* more than 2\^62)") as refused:
        grid().ticks(value)
    assert refused.value.code == "NUMBER_INVALID"
    assert len(str(refused.value)) < 200


def test_decimals_may_have_an_exponent() -> None:
    assert grid().ticks(Decimal("1e3")) == 20_000


def test_an_instrument_that_does_not_fit_is_refused_with_the_arithmetic() -> None:
    with pytest.raises(UnitError) as refused:
        grid(lot="1e-18", max_qty=Decimal(10**9))
    assert str(refused.value) == (
        "X.V: max_qty 1000000000 on lots of 1e-18 needs 10^27 lots, more than 2^62 = 4.6e18; the instrument is refused"
    )
    with pytest.raises(UnitError, match=r"max_price 1500000000000 on ticks of 1e-8 needs 1\.5.*e\+20 ticks"):
        grid(tick="1e-8", max_price=Decimal("1.5e12"))
    assert grid(tick="1", max_price=Decimal(GRID_MAX)).max_price == GRID_MAX
    with pytest.raises(UnitError):
        grid(tick="1", max_price=Decimal(GRID_MAX + 1))


@pytest.mark.parametrize("name", ["tick_size", "lot_size", "multiplier"])
@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity"])
def test_a_grid_is_a_positive_number(name: str, amount: str) -> None:
    fields = {"tick_size": Decimal(1), "lot_size": Decimal(1), name: Decimal(amount)}
    with pytest.raises(UnitError, match=rf"X\.V: expected a (positive|finite) {name}, received"):
        Instrument(id="X.V", **fields)


def test_value_is_exact_for_every_kind() -> None:
    linear = grid(multiplier=Decimal("0.3"), kind=Kind.LINEAR)
    assert linear.notional(7, 3) == Fraction("0.007") * Fraction("0.15") * Fraction("0.3")
    inverse = grid(lot="1", multiplier=Decimal(100), kind=Kind.INVERSE)
    assert inverse.notional(7, 3) == Fraction(700) / Fraction("0.15")
    with pytest.raises(UnitError, match="expected a positive price"):
        inverse.notional(1, 0)


def test_names() -> None:
    each = Instrument(id="BTC.X/CHF.TDX", tick_size=Decimal(1), lot_size=Decimal(1), base="BTC", quote="CHF")
    assert (each.symbol, each.venue, each.settle_currency) == ("BTC.X/CHF", "TDX", "CHF")
    assert hash(each) == hash("BTC.X/CHF.TDX")
