"""Texts of numbers as ticks, lots and decimals, exactly; what is not one is refused with the field's name."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from tickwright.adapters.bad_message import BadMessage, OffGrid, shown
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import GRID_MAX, Instrument
from tickwright.engine.times import SECOND

TIME_MAX: Final = (1 << 63) - 1

_SIGNED: Final = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_UNSIGNED: Final = re.compile(r"([0-9]{1,30})(?:\.([0-9]{1,30}))?")
_UNIT_BANDS: Final = ((10**11, SECOND), (10**14, 1_000_000), (10**17, 1_000))
"""Below the first, seconds; then milliseconds; then microseconds; beyond, nanoseconds. Right from 1973 to 5138."""


class Grid:
    """Texts of one instrument as ticks and lots, exactly.

    The same rule as `Instrument.ticks`, by whole numbers alone, and the same refusal; a book frame has hundreds of
    these and most of them were seen before.
    """

    def __init__(self, instrument: Instrument, *, signed: bool = False) -> None:
        self.instrument = instrument
        self.signed = signed
        # 4096 texts: the prices in play around the touch, a few hundred bytes each.
        self.ticks = lru_cache(maxsize=4096)(self._ticks)
        self.lots = lru_cache(maxsize=4096)(self._lots)

    def price(self, text: str, field: str, topic: str) -> int:
        """A price in ticks: above zero, unless the grid is `signed` (the net price of several legs).

        Raises:
            BadMessage: no plain decimal above zero. OffGrid: between two ticks, or beyond 62 bits.
        """
        try:
            if self.signed:
                return -self.ticks(text[1:]) if text.startswith("-") else self.ticks(text)
            ticks = self.ticks(text)
        except UnitError as error:
            raise self._refusal(error, text, field, topic) from None
        if ticks <= 0:
            raise BadMessage(field, "a price above zero", shown(text), topic)
        return ticks

    def size(self, text: str, field: str, topic: str) -> int:
        """A quantity of zero or more, in lots; raises as `price` does."""
        try:
            return self.lots(text)
        except UnitError as error:
            raise self._refusal(error, text, field, topic) from None

    def _ticks(self, text: str) -> int:
        count = _count(text, self.instrument.tick_num, self.instrument.tick_den)
        return self.instrument.ticks(text) if count is None else count

    def _lots(self, text: str) -> int:
        count = _count(text, self.instrument.lot_num, self.instrument.lot_den)
        return self.instrument.lots(text) if count is None else count

    def _refusal(self, error: UnitError, text: str, field: str, topic: str) -> BadMessage:
        if not _UNSIGNED.fullmatch(text):
            return BadMessage(field, "a plain decimal without sign", shown(text), topic)
        return OffGrid(field, f"a multiple of the grid of {self.instrument.id}", shown(text), topic, error.code)


def _count(text: str, num: int, den: int) -> int | None:
    """How many steps of num/den a plain decimal is, or None where it is no whole number of them.

    Raises:
        UnitError: no plain decimal, or one with a sign.
    """
    match = _UNSIGNED.fullmatch(text)
    if match is None:
        raise UnitError("expected a plain decimal without sign")
    whole, part = match[1], match[2] or ""
    count, rest = divmod(int(whole + part) * den, num * 10 ** len(part))
    return count if rest == 0 and count <= GRID_MAX else None


def decimal(text: str | None, field: str, topic: str = "") -> Decimal:
    """An exact number of at most 30 digits on either side of the point.

    Raises:
        BadMessage: anything else, NaN, exponents, spaces and digits of other scripts included.
    """
    if text is None or not _SIGNED.fullmatch(text):
        raise BadMessage(field, "a plain decimal as text", shown(text), topic)
    return Decimal(text)


def maybe_decimal(text: str | None, field: str, topic: str = "") -> Decimal | None:
    """As `decimal`; None where the field is absent or null."""
    return None if text is None else decimal(text, field, topic)


def amount(text: str | None, field: str, topic: str = "") -> Decimal:
    """As `decimal`, and not below zero."""
    number = decimal(text, field, topic)
    if number.is_signed():
        raise BadMessage(field, "a decimal of zero or more", shown(text), topic)
    return number


def maybe_amount(text: str | None, field: str, topic: str = "") -> Decimal | None:
    """As `amount`; None where the field is absent, null or empty (market orders have such prices)."""
    return None if text is None or text == "" else amount(text, field, topic)


def in_nanoseconds(value: int) -> int:
    """A time since 1970 in nanoseconds, whose unit its size tells; what is no such time comes back beyond bounds."""
    for bound, unit in _UNIT_BANDS:
        if value < bound:
            return value * unit
    return value
