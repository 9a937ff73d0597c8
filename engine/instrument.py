"""An instrument: its grid, its bounds, its fees, and the exact way between a venue's decimals and our integers.

Inside, a price is a whole number of ticks and a size a whole number of lots. Both conversions happen here and only
here. ``price = ticks * tick_num / tick_den`` with integers, then one division: the result is the nearest double of
the decimal that the venue sent.
"""

from decimal import Decimal
from enum import Enum
from fractions import Fraction

from attrs import field, frozen

from tickwright.engine.errors import UnitError

GRID_BITS = 62
"""Ticks and lots must stay below 2**62, so that a sum of two still fits 64 bits."""


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
    ``settle_currency``. Fees are fractions of traded value and may be negative for makers.

    Raises:
        UnitError: a grid that is not positive, or a largest price or size that needs more than 62 bits on its grid.
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

    tick_num: int = field(init=False, eq=False, repr=False)
    tick_den: int = field(init=False, eq=False, repr=False)
    lot_num: int = field(init=False, eq=False, repr=False)
    lot_den: int = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for name in ("tick", "lot"):
            size = Fraction(getattr(self, f"{name}_size"))
            if size <= 0:
                raise UnitError(f"{self.id}: expected a positive {name}_size, received {size}")
            object.__setattr__(self, f"{name}_num", size.numerator)
            object.__setattr__(self, f"{name}_den", size.denominator)

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def symbol(self) -> str:
        return self.id.rpartition(".")[0]

    @property
    def venue(self) -> str:
        return self.id.rpartition(".")[2]

    @property
    def settle_currency(self) -> str:
        return self.base if self.kind is Kind.INVERSE else self.quote

    def price(self, ticks: int) -> Decimal:
        """The exact price of a number of ticks."""
        return self.tick_size * ticks

    def qty(self, lots: int) -> Decimal:
        """The exact size of a number of lots."""
        return self.lot_size * lots
