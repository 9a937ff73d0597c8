"""Positions against the slow model, with grids chosen to break floats and 28-digit decimals."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import GRID_MAX, Instrument, Kind
from tickwright.engine.position import Position

TICKS = ("0.01", "0.1", "0.05", "0.25", "2.5", "1e-8", "1", "1000")
LOTS = ("1", "0.1", "0.00001", "1e-18", "1e-27", "100", "0.25")
FEES = (("0", "0"), ("-0.0001", "0.0005"), ("0.00025", "0.00075"), ("-0.000125", "0.00000001"))


def rounded(value: Fraction, digits: int) -> Fraction:
    """Half to even at a number of decimals; Python's own rounding of fractions is that."""
    return Fraction(round(value * 10**digits), 10**digits)


class SlowPosition:
    """The slow, obvious model: fractions, and every fill kept; values as `tickwright.engine.position` defines them."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.fills: list[tuple[int, int, int, int, Fraction | None]] = []
        self.realized = Fraction(0)
        self.held = 0
        self.cost = Fraction(0)
        self.exact_cost = Fraction(0)

    def value(self, lots: int, ticks: int | Fraction) -> Fraction:
        each = self.instrument
        size, price = lots * Fraction(each.lot_size) * Fraction(each.multiplier), ticks * Fraction(each.tick_size)
        return -rounded(size / price, 18) if each.kind is Kind.INVERSE else size * price

    @property
    def grain(self) -> Fraction:
        """The unit that the cost of what is open is rounded to at a partial close."""
        each = self.instrument
        unit = Fraction(1, 10**18) if each.kind is Kind.INVERSE else self.value(1, 1)
        return unit / 10**24

    def fill(self, side: int, lots: int, ticks: int, maker: int, fee: Fraction | None = None) -> None:
        self.fills.append((side, lots, ticks, maker, fee))
        value = side * self.value(lots, ticks)
        closing = min(lots, abs(self.held)) if self.held * side < 0 else 0
        rest = side * self.value(lots - closing, ticks) if closing < lots else Fraction(0)
        if closing:
            share = round(self.cost * closing / abs(self.held) / self.grain) * self.grain
            self.exact_cost -= self.exact_cost * closing / abs(self.held)
            self.realized += rounded(-(value - rest) - share, 12)
            self.cost -= share
        self.cost += rest
        self.exact_cost += rest
        self.held += side * lots

    def fees(self) -> Fraction:
        rates = {1: Fraction(self.instrument.maker_fee), 0: Fraction(self.instrument.taker_fee)}
        return sum(
            (
                abs(self.value(lots, ticks)) * rates[maker] if fee is None else fee
                for _, lots, ticks, maker, fee in self.fills
            ),
            Fraction(0),
        )

    def cash(self) -> Fraction:
        flows = (-side * self.value(lots, ticks) for side, lots, ticks, _, _ in self.fills)
        return sum(flows, Fraction(0)) - self.fees()

    def total(self, mark2: int) -> Fraction:
        side = 1 if self.held > 0 else -1
        worth = side * self.value(abs(self.held), Fraction(mark2, 2)) if self.held else Fraction(0)
        return self.cash() + worth


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    kind = draw(st.sampled_from(Kind))
    maker, taker = draw(st.sampled_from(FEES))
    return Instrument(
        id="X.V",
        kind=kind,
        base="B",
        quote="Q",
        tick_size=Decimal(draw(st.sampled_from(TICKS))),
        lot_size=Decimal(draw(st.sampled_from(LOTS))),
        multiplier=Decimal(1) if kind is Kind.SPOT else Decimal(draw(st.sampled_from(("1", "0.001", "100", "0.3")))),
        maker_fee=Decimal(maker),
        taker_fee=Decimal(taker),
    )


SIZES = st.one_of(st.integers(1, 12), st.integers(1, 10**6), st.integers(1, 1 << 58))
PRICES = st.one_of(st.integers(1, 50), st.integers(1, 10**7), st.integers(1, 1 << 61))
STATED = st.one_of(st.none(), st.none(), st.decimals(-1000, 1000, places=12))
FILLS = st.lists(st.tuples(st.sampled_from((1, -1)), SIZES, PRICES, st.integers(0, 1), STATED), max_size=12)
SMALL_FILLS = st.lists(
    st.tuples(st.sampled_from((1, -1)), st.integers(1, 9), st.integers(1, 99), st.integers(0, 1), st.none()),
    max_size=40,
)
MARKS = st.integers(1, 1 << 62)


def book(instrument: Instrument, fills: list) -> tuple[Position, SlowPosition]:
    fast, slow = Position(instrument), SlowPosition(instrument)
    for side, lots, ticks, maker, fee in fills:
        fast.fill(side, lots, ticks, maker, fee)
        slow.fill(side, lots, ticks, maker, None if fee is None else Fraction(fee))
    return fast, slow


def agree(fast: Position, slow: SlowPosition, mark2: int) -> None:
    assert fast.lots == slow.held
    assert Fraction(fast.cash) == slow.cash()
    assert Fraction(fast.fees) == slow.fees()
    assert Fraction(fast.total(mark2)) == slow.total(mark2)
    parts = Fraction(fast.realized) + Fraction(fast.unrealized(mark2)) - Fraction(fast.fees)
    assert parts == Fraction(fast.total(mark2))


@settings(max_examples=150, deadline=None)
@given(instruments(), st.one_of(FILLS, SMALL_FILLS), MARKS)
def test_every_amount_equals_the_slow_model(instrument: Instrument, fills: list, mark2: int) -> None:
    fast, slow = book(instrument, fills)
    agree(fast, slow, mark2)
    assert Fraction(fast.realized) == slow.realized
    assert fast.fills == len(fills)
    if slow.held and instrument.kind is not Kind.INVERSE:
        exact = slow.exact_cost / slow.held / Fraction(instrument.lot_size) / Fraction(instrument.multiplier)
        assert fast.avg_px == pytest.approx(float(exact), rel=1e-12)


LONG_RUNS = st.lists(
    st.tuples(st.sampled_from((1, 1, -1)), st.integers(1, 99), PRICES, st.integers(0, 1), st.none()), max_size=60
)


@settings(max_examples=60, deadline=None)
@given(LONG_RUNS, st.sampled_from(("0.01", "0.00000001", "0.00000000025")), MARKS)
def test_many_partial_closes_round_as_the_slow_model_does(fills: list, tick: str, mark2: int) -> None:
    fast, slow = book(spot(tick_size=Decimal(tick)), fills)
    agree(fast, slow, mark2)
    assert Fraction(fast.realized) == slow.realized


@settings(max_examples=60, deadline=None)
@given(instruments(), SMALL_FILLS.filter(len), st.data())
def test_a_bust_leaves_what_would_be_had_the_fill_never_happened(
    instrument: Instrument, fills: list, data: st.DataObject
) -> None:
    which = data.draw(st.integers(0, len(fills) - 1))
    fee = data.draw(STATED)
    fills[which] = (*fills[which][:4], fee)
    fast, _ = book(instrument, fills)
    fast.reverse(*fills[which])
    _, never = book(instrument, fills[:which] + fills[which + 1 :])
    agree(fast, never, 77)
    kept = [abs(never.value(lots, ticks)) for _, lots, ticks, maker, _ in never.fills if maker]
    assert Fraction(fast.maker_traded) == sum(kept)


@settings(max_examples=60, deadline=None)
@given(instruments(), SMALL_FILLS.filter(len))
def test_a_bust_of_the_latest_fill_restores_average_and_realised(instrument: Instrument, fills: list) -> None:
    fast, _ = book(instrument, fills)
    before, _ = book(instrument, fills[:-1])
    fast.reverse(*fills[-1])
    assert abs(Fraction(fast.realized) - Fraction(before.realized)) <= Fraction(1, 10**12)
    if before.avg_px is None:
        assert fast.avg_px is None
    else:
        assert fast.avg_px == pytest.approx(before.avg_px, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(instruments(), SMALL_FILLS.filter(len), st.integers(1, 99), st.data())
def test_a_corrected_price_leaves_the_cash_of_the_real_trade(
    instrument: Instrument, fills: list, ticks: int, data: st.DataObject
) -> None:
    which = data.draw(st.integers(0, len(fills) - 1))
    side, lots, old, maker, _ = fills[which]
    fast, _ = book(instrument, fills)
    fast.reprice(side, lots, old, ticks, maker)
    _, real = book(instrument, [*fills[:which], (side, lots, ticks, maker, None), *fills[which + 1 :]])
    agree(fast, real, 131)


def spot(**changes: Decimal) -> Instrument:
    fields = {"tick_size": Decimal("0.01"), "lot_size": Decimal("0.001"), "base": "BTC", "quote": "USDT", **changes}
    return Instrument(id="BTCUSDT.V", **fields)


def test_average_cost_in_a_round_trip() -> None:
    line = Position(spot(maker_fee=Decimal("-0.0001"), taker_fee=Decimal("0.0005")))
    line.fill(1, 1000, 10_000, 1)
    line.fill(1, 2000, 10_300, 0)
    assert line.avg_px == 102.0
    line.fill(-1, 1500, 10_500, 0)
    assert line.realized == Decimal("4.5")
    assert line.avg_px == 102.0
    assert line.qty == 1.5
    assert line.fees == Decimal("-0.01") + Decimal("0.103") + Decimal("0.07875")
    assert line.cash == Decimal("-148.5") - line.fees
    assert line.unrealized(2 * 10_400) == Decimal(3)
    assert line.total(10_399 + 10_401) == Decimal("7.5") - line.fees
    line.fill(-1, 2500, 10_000, 1)
    assert line.realized == Decimal("1.5")
    assert (line.lots, line.avg_px) == (-1000, 100.0)
    assert line.unrealized(2 * 10_000) == 0


def test_thirds_are_rounded_once_per_closing_fill() -> None:
    line = Position(spot(tick_size=Decimal(1), lot_size=Decimal(1)))
    line.fill(1, 1, 10, 1)
    line.fill(1, 2, 11, 1)
    line.fill(-1, 1, 11, 1)
    assert line.realized == Decimal("0.333333333333")
    line.fill(-1, 2, 11, 1)
    assert line.realized == Decimal("1.000000000000")
    assert line.unrealized(22) == 0


def test_inverse_contracts_gain_base_currency_when_the_price_rises() -> None:
    line = Position(spot(kind=Kind.INVERSE, lot_size=Decimal(1), multiplier=Decimal(100), taker_fee=Decimal("0.001")))
    line.fill(1, 8, 100_000, 0)
    assert line.fees == Decimal("0.0008")
    assert line.avg_px == 1000.0
    assert line.total(2 * 125_000) == Decimal("0.16") - Decimal("0.0008")
    line.fill(-1, 8, 125_000, 0)
    assert line.realized == Decimal("0.16")
    assert line.cash == Decimal("0.16") - Decimal("0.0008") - Decimal("0.00064")


def test_funding_is_realised_profit() -> None:
    line = Position(spot())
    line.fill(1, 1000, 10_000, 1)
    line.adjust(Decimal("-0.123456789012345678"))
    assert line.funding == line.realized == Decimal("-0.123456789012345678")
    assert line.cash == Decimal("-100.123456789012345678")
    assert line.unrealized(20_000) == 0


def test_sums_beyond_128_bits_stay_exact() -> None:
    line, slow = book(spot(), [(1 if n % 2 else -1, 1 << 62, (1 << 62) - n, n % 3 == 0, None) for n in range(60)])
    agree(line, slow, 1 << 62)
    assert Fraction(line.realized) == slow.realized
    opening, slow = book(spot(), [(1, 1, 1 << 62, 1, None)] * 5 + [(1, 1 << 61, 1 << 62, 1, None)])
    agree(opening, slow, 3)


@pytest.mark.parametrize(
    ("side", "lots", "ticks"),
    [(0, 1, 1), (2, 1, 1), (1, 0, 1), (1, -1, 1), (1, GRID_MAX + 1, 1), (1, 1, GRID_MAX + 1), (1, 1, -GRID_MAX - 1)],
)
def test_a_fill_outside_the_grid_is_refused_and_books_nothing(side: int, lots: int, ticks: int) -> None:
    line = Position(spot())
    with pytest.raises(UnitError, match=r"BTCUSDT\.V: a fill of .* expected side 1 or -1"):
        line.fill(side, lots, ticks, 1)
    with pytest.raises(UnitError):
        line.reverse(side, lots, ticks, 1)
    assert (line.lots, line.cash, line.fills) == (0, 0, 0)


def test_a_position_may_not_leave_62_bits() -> None:
    line = Position(spot())
    line.fill(1, GRID_MAX, 1, 1)
    with pytest.raises(UnitError, match="on a position of 4611686018427387904 lots"):
        line.fill(1, 1, 1, 1)
    line.fill(-1, GRID_MAX, 2, 1)
    assert line.lots == 0


def test_inverse_prices_must_be_positive() -> None:
    line = Position(spot(kind=Kind.INVERSE))
    with pytest.raises(UnitError, match="expected a positive price of an inverse contract, received 0 ticks"):
        line.fill(1, 1, 0, 1)
    line.fill(1, 1, 1, 1)
    with pytest.raises(UnitError, match="expected a positive mark"):
        line.total(0)


def test_a_stated_fee_must_be_a_number_that_fits() -> None:
    line = Position(spot())
    for fee in (Decimal("NaN"), Decimal("1e-50")):
        with pytest.raises(UnitError, match=r"BTCUSDT\.V: fee: expected"):
            line.fill(1, 1, 1, 1, fee)
    assert line.lots == 0


def test_negative_prices_of_spreads_pay_fees_on_their_size() -> None:
    line = Position(spot(taker_fee=Decimal("0.01")))
    line.fill(1, 1000, -500, 0)
    assert line.cash == Decimal("5") - Decimal("0.05")
    assert line.taker_traded == Decimal(5)
