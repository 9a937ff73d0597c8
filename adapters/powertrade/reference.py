"""Instruments out of the venue's reference data: what a symbol says, and what its row does.

BTC-USD                              spot
BTC-USD-PERPETUAL                    perpetual
ETH-20261225                         dated future, ends at 08:00 UTC
BTC-20270326-90000C                  option
BTC-USD-INDEX                        index, not traded
A@1/B@-2                             a package of legs and their ratios, in the order of the venue's ids
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import reduce
from typing import Final

from attrs import frozen

from tickwright.adapters.bad_message import BadMessage, shown
from tickwright.adapters.decimals import amount
from tickwright.adapters.powertrade.commands import LEGS_MAX
from tickwright.adapters.powertrade.messages import Listed
from tickwright.adapters.powertrade.wire import SymbolData
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.times import SECOND

EXPIRY_HOUR: Final = 8
"""Of the day that a symbol names, UTC."""

_DATED: Final = re.compile(r"([A-Z0-9]{1,20})-([0-9]{8})(?:-([0-9]{1,12}(?:\.[0-9]{1,12})?)([CP]))?", re.ASCII)
_PAIR: Final = re.compile(r"([A-Z0-9]{1,20})-([A-Z0-9]{1,20})(?:-(PERPETUAL|INDEX))?", re.ASCII)
_LEG: Final = re.compile(r"([^@/]{1,100})@(-?[1-9][0-9]{0,5})", re.ASCII)


class Product(Enum):
    """What is traded; in the order in which tags are asked, since a perpetual is tagged as a future, too."""

    PERPETUAL = "perpetual"
    FUTURE = "future"
    OPTION = "option"
    SPOT = "spot"
    INDEX = "index"


@frozen(kw_only=True)
class Named:
    """What a symbol says. `right` is C or P, `expiry_ns` 0 where nothing ends."""

    product: Product
    base: str
    quote: str = ""
    expiry_ns: int = 0
    strike: Decimal | None = None
    right: str = ""


def read_symbol(symbol: str) -> Named | None:
    """What a symbol without legs says; None where it follows no pattern."""
    dated = _DATED.fullmatch(symbol)
    if dated is not None:
        base, day, strike, right = dated.groups()
        expiry = _expiry(day)
        if not expiry:
            return None
        if strike is None:
            return Named(product=Product.FUTURE, base=base, expiry_ns=expiry)
        return Named(product=Product.OPTION, base=base, expiry_ns=expiry, strike=Decimal(strike), right=right)
    pair = _PAIR.fullmatch(symbol)
    if pair is None:
        return None
    products = {None: Product.SPOT, "PERPETUAL": Product.PERPETUAL, "INDEX": Product.INDEX}
    return Named(product=products[pair[3]], base=pair[1], quote=pair[2])


def _expiry(day: str) -> int:
    try:
        ends = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), EXPIRY_HOUR, tzinfo=UTC)
    except ValueError:
        return 0
    return max(int(ends.timestamp()), 0) * SECOND


def instrument_of(row: SymbolData, venue: str, now: int) -> Listed:
    """The instrument of one row; what is suspended, has expired or is an index is not tradable.

    Raises:
        BadMessage: a number that is none, or a symbol that does not say what the tags do.
        UnitError: a grid or a bound that no instrument can have.
    """
    named = read_symbol(row.symbol)
    product = next((kind for kind in Product if kind.value in row.tags), None)
    if product is None and named is not None:
        product = named.product
    if product is None or named is None or (named.product is not product):
        raise BadMessage("symbol", f"a symbol of {product.value if product else 'a known pattern'}", shown(row.symbol))
    ended = bool(named.expiry_ns) and named.expiry_ns <= now
    instrument = Instrument(
        id=f"{row.symbol}.{venue}",
        tick_size=amount(row.price_step, "price_step", row.symbol),
        lot_size=amount(row.quantity_step, "quantity_step", row.symbol),
        kind=Kind.SPOT if product is Product.SPOT else Kind.LINEAR,
        base=(row.base_asset if product is Product.SPOT else "") or named.base,
        quote=row.quote_asset or named.quote,
        min_qty=_amount(row.minimum_quantity, "minimum_quantity", row.symbol) or Decimal(0),
        max_qty=_amount(row.maximum_quantity, "maximum_quantity", row.symbol),
        min_notional=_amount(row.minimum_value, "minimum_value", row.symbol) or Decimal(0),
        max_notional=_amount(row.maximum_value, "maximum_value", row.symbol),
        expiry_ns=named.expiry_ns or None,
        strike=named.strike,
        right=named.right,
        tradable=row.status == "active" and product is not Product.INDEX and not ended,
    )
    return Listed(instrument=instrument, entity_id=row.tradeable_entity_id)


def _amount(text: str, field: str, symbol: str) -> Decimal | None:
    return amount(text, field, symbol) if text else None


def read_legs(symbol: str) -> tuple[tuple[str, int], ...]:
    """The legs of a package's symbol and their ratios; empty where it is no package.

    Raises:
        UnitError: one that the venue would not take: too few legs or too many, one twice, or ratios with a factor.
    """
    parts = symbol.split("/")
    matches = [_LEG.fullmatch(part) for part in parts]
    if all(match is None for match in matches):
        return ()
    legs = [(match[1], int(match[2])) for match in matches if match is not None]
    names = {name for name, _ in legs}
    if len(legs) != len(parts) or not 2 <= len(legs) <= LEGS_MAX or len(names) != len(legs):
        raise UnitError(f"{symbol}: expected 2 to {LEGS_MAX} different legs, each as SYMBOL@RATIO")
    if legs[0][1] < 0 or math.gcd(*(ratio for _, ratio in legs)) != 1:
        raise UnitError(f"{symbol}: expected a first ratio above zero, and ratios without a common factor")
    return tuple(legs)


def package(symbol: str, known: Mapping[str, Listed], venue: str) -> Listed:
    """The instrument that a package of known legs is: a net price, which may be negative, of one unit of it.

    Its grid is the finest price step among the legs, and the smallest size of which every leg gets whole steps.

    Raises:
        UnitError: a leg that is not known, legs out of the order of the venue's ids, or in more than one currency.
    """
    legs = read_legs(symbol)
    missing = [name for name, _ in legs if name not in known]
    if missing or not legs:
        raise UnitError(f"{symbol}: expected legs that the venue lists, received {missing[0] if missing else 'none'}")
    listed = [known[name] for name, _ in legs]
    ids = [int(one.entity_id) if one.entity_id.isascii() and one.entity_id.isdigit() else -1 for one in listed]
    if -1 in ids or ids != sorted(set(ids)):
        raise UnitError(f"{symbol}: expected legs in ascending order of the venue's ids, received {ids}")
    parts = [one.instrument for one in listed]
    if len({part.quote for part in parts}) != 1:
        raise UnitError(f"{symbol}: expected legs in one currency, received {sorted({part.quote for part in parts})}")
    ratios = [abs(ratio) for _, ratio in legs]
    lot = _common([Fraction(part.lot_size) / ratio for part, ratio in zip(parts, ratios, strict=True)])
    least = max(Fraction(part.min_qty) / ratio for part, ratio in zip(parts, ratios, strict=True))
    expiries = [part.expiry_ns for part in parts if part.expiry_ns is not None]
    instrument = Instrument(
        id=f"{symbol}.{venue}",
        tick_size=_decimal(symbol, reduce(_finest, [Fraction(part.tick_size) for part in parts])),
        lot_size=_decimal(symbol, lot),
        kind=Kind.LINEAR,
        base=parts[0].base,
        quote=parts[0].quote,
        min_qty=_decimal(symbol, math.ceil(least / lot) * lot),
        expiry_ns=min(expiries, default=None),
        tradable=all(part.tradable for part in parts),
        legs=tuple((part.id, ratio) for part, (_, ratio) in zip(parts, legs, strict=True)),
    )
    return Listed(instrument=instrument)


def _finest(one: Fraction, other: Fraction) -> Fraction:
    """The largest step of which both are multiples."""
    return Fraction(math.gcd(one.numerator * other.denominator, other.numerator * one.denominator),
                    one.denominator * other.denominator)  # fmt: skip


def _common(steps: Sequence[Fraction]) -> Fraction:
    """The smallest number that is a multiple of every step."""
    return reduce(lambda one, other: one * other / _finest(one, other), steps)


def _decimal(symbol: str, number: Fraction) -> Decimal:
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    if Fraction(exact) != number:
        raise UnitError(f"{symbol}: expected ratios with which a size is a plain decimal, received {number}")
    return exact
