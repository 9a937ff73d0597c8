"""One control's outcome, as people read it."""

from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

from attrs import frozen

_WIDE: Final = Context(prec=60)
_ENDLESS: Final = Context(prec=12)


@frozen
class Finding:
    """One control's outcome; `value` and `limit` in the units that people read, None where there is no number.

    `at_least`: the limit is a floor, not a ceiling."""

    control: str
    code: str
    ok: bool
    value: Decimal | None
    limit: Decimal | None
    scope: str
    text: str
    at_least: bool = False

    @property
    def headroom(self) -> Decimal | None:
        """How much was left, negative where there was too little (or where a control let pass what did not grow)."""
        if self.value is None or self.limit is None:
            return None
        return self.value - self.limit if self.at_least else self.limit - self.value


def decimal(value: Fraction | int) -> Decimal:
    """A fraction for people: exact where 60 digits hold it, else 12 digits of it."""
    exact = Fraction(value)
    wide = _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return wide.normalize(_WIDE if Fraction(wide) == exact else _ENDLESS)
