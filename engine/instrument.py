"""An instrument: its grid, its bounds, its fees, and the exact way between a venue's decimals and our integers.

Inside, a price is a whole number of ticks and a size a whole number of lots. Both conversions happen here and only
here. ``price = ticks * tick_num / tick_den`` with integers, then one division: the result is the nearest double of
the decimal that the venue sent.

The way in is strict. A `Decimal`, a text and an `int` must lie on the grid exactly. A `float` is the nearest double
of something a person computed (``bid - 2 * tick``), so it may miss the grid by a millionth of a tick or by 8 of its
own units in the last place, whichever is more, and never by more than a hundredth of a tick.
"""

import math
import re
from decimal import Context, Decimal
from enum import Enum
from fractions import Fraction
from operator import index
from typing import Final, SupportsIndex

from attrs import field, frozen

from tickwright.engine.errors import UnitError
from tickwright.engine.money import EXACT

GRID_BITS: Final = 62
"""Ticks and lots must stay within 2**62, so that a sum of two still fits 64 bits."""

GRID_MAX: Final = 1 << GRID_BITS

Number = Decimal | str | float | SupportsIndex
"""What a price or a size may be given as."""

_TEXT: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_EXPONENT_MAX: Final = 60
_INT_BITS_MAX: Final = 200
_FLOAT_ULPS: Final = 8
_SHOWN: Final = Context(prec=9)


class Kind(Enum):
    """What is traded. Inverse derivatives are quoted in quote, sized in quote, and settled in base."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"


@frozen(kw_only=True, eq=True, hash=False)
class Instrument:
    """One tradable thing at one venue.

    ``id`` is ``SYMBOL.VENUE``, split at the last dot. ``tick_size`` and ``lot_size`` are the grids of price and
    size; ``multiplier`` turns size times price (linear) or size over price (inverse) into money of
    ``settle_currency``. Fees are fractions of traded value and may be negative for makers. Where ``max_qty`` or
    ``max_price`` is None the bound is what 62 bits hold on the grid, and larger values are refused as they come in.

    ``expiry_ns`` is when it ends (nanoseconds UTC, None: never). An option has a ``strike`` and a ``right`` (``C`` or
    ``P``). A package has ``legs``, the ids of its parts and how many of each (below zero: sold by who buys the
    package); its price is net, for one unit of it, and may be negative.

    Raises:
        UnitError: a grid or multiplier that is not positive, a field that is not a finite decimal, or a largest
            price or size that needs more than 62 bits on its grid.
    """

    id: str
    tick_size: Decimal
    lot_size: Decimal
    kind: Kind = Kind.SPOT
    base: str = ""
    quote: str = ""
    min_qty: Decimal = Decimal(0)
    max_qty: Decimal | None = None
    max_price: Decimal | None = None
    min_notional: Decimal = Decimal(0)
    max_notional: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal(0)
    expiry_ns: int | None = None
    tradable: bool = True
    strike: Decimal | None = None
    right: str = ""
    legs: tuple[tuple[str, int], ...] = ()

    tick_num: int = field(init=False, eq=False, repr=False)
    tick_den: int = field(init=False, eq=False, repr=False)
    lot_num: int = field(init=False, eq=False, repr=False)
    lot_den: int = field(init=False, eq=False, repr=False)
    value_unit: Fraction = field(init=False, eq=False, repr=False)
    """What one lot at one tick is worth, in quote currency, for spot and linear: value = lots * ticks * value_unit."""

    inverse_unit: Fraction = field(init=False, eq=False, repr=False)
    """What one lot is worth in base currency at a price of one tick (inverse): value = lots / ticks * inverse_unit."""

    def __attrs_post_init__(self) -> None:
        for name in _DECIMALS:
            amount = getattr(self, name)
            if amount is not None and not amount.is_finite():
                raise UnitError(f"{self.id}: expected a finite {name}, received {amount}")
        for name in ("tick_size", "lot_size", "multiplier"):
            if getattr(self, name) <= 0:
                raise UnitError(f"{self.id}: expected a positive {name}, received {getattr(self, name)}")
        tick, lot, multiplier = Fraction(self.tick_size), Fraction(self.lot_size), Fraction(self.multiplier)
        for name, value in (
            ("tick_num", tick.numerator),
            ("tick_den", tick.denominator),
            ("lot_num", lot.numerator),
            ("lot_den", lot.denominator),
            ("value_unit", tick * lot * multiplier),
            ("inverse_unit", lot * multiplier / tick),
        ):
            object.__setattr__(self, name, value)
        self._check_fits("max_price", self.max_price, tick, "ticks")
        self._check_fits("max_qty", self.max_qty, lot, "lots")

    def _check_fits(self, name: str, largest: Decimal | None, grid: Fraction, unit: str) -> None:
        if largest is None:
            return
        count = Fraction(largest) / grid
        if count > GRID_MAX:
            step = self.tick_size if unit == "ticks" else self.lot_size
            raise UnitError(
                f"{self.id}: {name} {largest:f} on {unit} of {_short(Fraction(step))} needs {_short(count)} {unit}, "
                f"more than 2^{GRID_BITS} = 4.6e18; the instrument is refused"
            )

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def symbol(self) -> str:
        return self.id.rpartition(".")[0]

    @property
    def venue(self) -> str:
        return self.id.rpartition(".")[2]

    @property
    def product(self) -> str:
        """What it is: ``package``, ``spot``, ``option``, ``future`` (which ends) or ``perpetual`` (which does not)."""
        if self.legs:
            return "package"
        if self.kind is Kind.SPOT:
            return "spot"
        if self.strike is not None:
            return "option"
        return "perpetual" if self.expiry_ns is None else "future"

    @property
    def settle_currency(self) -> str:
        """The currency that cash, fees and profit of this instrument are counted in."""
        return self.base if self.kind is Kind.INVERSE else self.quote

    def price(self, ticks: int) -> Decimal:
        """The exact price of a number of ticks."""
        return EXACT.multiply(self.tick_size, Decimal(ticks))

    def qty(self, lots: int) -> Decimal:
        """The exact size of a number of lots."""
        return EXACT.multiply(self.lot_size, Decimal(lots))

    def price_float(self, ticks: int) -> float:
        """The double nearest to the price of a number of ticks."""
        return ticks * self.tick_num / self.tick_den

    def qty_float(self, lots: int) -> float:
        """The double nearest to the size of a number of lots."""
        return lots * self.lot_num / self.lot_den

    def ticks(self, price: Number) -> int:
        """A price as a whole number of ticks.

        Raises:
            UnitError: with code PRICE_OFF_TICK when the price lies between two ticks, NUMBER_INVALID when it is no
                finite number or needs more than 62 bits.
        """
        return self._count(price, Fraction(self.tick_num, self.tick_den), "price", "tick", "PRICE_OFF_TICK")

    def lots(self, qty: Number) -> int:
        """A size as a whole number of lots.

        Raises:
            UnitError: with code QTY_OFF_LOT when the size lies between two lots, NUMBER_INVALID when it is no
                finite number or needs more than 62 bits.
        """
        return self._count(qty, Fraction(self.lot_num, self.lot_den), "qty", "lot", "QTY_OFF_LOT")

    def notional(self, lots: int, ticks: int) -> Fraction:
        """The exact traded value in `settle_currency`: price x size x multiplier, or size x multiplier / price."""
        if self.kind is not Kind.INVERSE:
            return lots * ticks * self.value_unit
        if ticks <= 0:
            raise UnitError(f"{self.id}: expected a positive price of an inverse contract, received {ticks} ticks")
        return Fraction(lots, ticks) * self.inverse_unit

    def _count(self, value: Number, grid: Fraction, name: str, unit: str, code: str) -> int:
        exact = self._exact(value, name)
        count = exact / grid
        whole = round(count)
        if abs(whole) > GRID_MAX:
            raise UnitError(
                f"{self.id}: {name} {value} needs {_short(abs(count))} {unit}s of {_short(grid)}, "
                f"more than 2^{GRID_BITS} = 4.6e18"
            )
        if whole != count:
            allowed = Fraction(0)
            if isinstance(value, float):
                allowed = min(max(grid / 1_000_000, _FLOAT_ULPS * Fraction(math.ulp(value))), grid / 100)
            if abs(exact - whole * grid) > allowed:
                raise UnitError(
                    f"{self.id}: expected a {name} on the {unit} of {_short(grid)}, received {value!r}", code
                )
        return whole

    def _exact(self, value: Number, name: str) -> Fraction:
        """The number behind `value`, bounded before it is expanded (``Decimal('1e999999')`` would fill memory)."""
        match value:
            case bool():
                pass
            case Decimal() if value.is_finite():
                exponent = int(value.as_tuple().exponent)
                if exponent >= -_EXPONENT_MAX and value.adjusted() <= _EXPONENT_MAX:
                    return Fraction(value)
            case str() if _TEXT.fullmatch(value):
                return Fraction(value)
            case float() if math.isfinite(value):
                return Fraction(value)
            case SupportsIndex():
                whole = index(value)
                if whole.bit_length() <= _INT_BITS_MAX:
                    return Fraction(whole)
                value = f"an integer of {whole.bit_length()} bits"
            case _:
                pass
        shown = repr(value) if len(repr(value)) <= 50 else repr(value)[:47] + "..."
        raise UnitError(f"{self.id}: expected a finite {name}, as a decimal, a number or its text, received {shown}")


_DECIMALS: Final = (
    "tick_size",
    "lot_size",
    "multiplier",
    "min_qty",
    "max_qty",
    "max_price",
    "min_notional",
    "max_notional",
    "maker_fee",
    "taker_fee",
)


def _short(value: Fraction) -> str:
    """A number for a message: 0.01, 1e-18, 10^27, 1.5e+30."""
    if value.denominator == 1 and value >= 10**6:
        power = len(str(value.numerator)) - 1
        if value == 10**power:
            return f"10^{power}"
    return f"{_SHOWN.divide(Decimal(value.numerator), Decimal(value.denominator)):.9g}"
