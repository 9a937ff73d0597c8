"""What a scalar's text means, by the type that is wanted; never by what it looks like.

Each reader takes a `Scalar` and gives the value, or raises `Refused` with what it expected. Numbers may be plain or
quoted; texts that some YAML version would take for something else must be quoted; truth values must be plain.
"""

import re
from calendar import timegm
from decimal import Decimal
from typing import Final

from tickwright.document import Scalar

NUMBER: Final = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?"
INTEGER: Final = r"-?(0|[1-9][0-9]*)"
DURATION: Final = r"(0|[1-9][0-9]*)(\.[0-9]+)?(ns|us|ms|s|m|h|d)"
UTC_TIME: Final = r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?Z"
DIGITS_MAX: Final = 40
"""Decimal places before and after the point: 10^15 with 18 decimals fits twice over."""

UNITS_NS: Final = {
    "d": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
NS_MAX: Final = 1 << 62

# Whatever YAML 1.1 or 1.2 takes for a truth value, nothing, a number or a date, when it is not quoted.
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "", "=", "<<"})
_OTHER: Final = re.compile(
    r"""[-+]?(
        [0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?      # 1  1_000  1.5  1e6  012
      | \.[0-9_]+([eE][-+]?[0-9]+)?                     # .5
      | 0b[01_]+ | 0o[0-7_]+ | 0x[0-9a-fA-F_]+          # 0x1F  0o17
      | [0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?         # 12:30:45
      | \.(inf|Inf|INF)
      )
    | \.(nan|NaN|NAN)
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt\s].*)?         # 2024-01-01
    """,
    re.VERBOSE,
)


class Refused(ValueError):
    """A text that does not mean what is wanted: ``expected`` says what would, ``hint`` what to do."""

    def __init__(self, expected: str, hint: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.hint = hint


def ambiguous(text: str) -> bool:
    """Whether a plain (unquoted) text would be something else than text in one YAML version or another."""
    return text.lower() in _WORDS or _OTHER.fullmatch(text) is not None


def text(scalar: Scalar, expected: str = "text") -> str:
    if not scalar.quoted and ambiguous(scalar.text):
        raise Refused(expected, "" if scalar.text == "" else "quote it")
    if "${" in scalar.text:
        raise Refused(expected, "${...} is read only under venues.<name>.credentials")
    return scalar.text


def number(scalar: Scalar, expected: str = "a decimal") -> Decimal:
    """An exact decimal from its text; ``1e6`` is a million."""
    if not re.fullmatch(NUMBER, scalar.text):
        raise Refused(expected, _number_hint(scalar))
    value = Decimal(scalar.text)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if value and not (value.adjusted() < DIGITS_MAX and exponent >= -DIGITS_MAX):
        raise Refused(f"{expected} of at most {DIGITS_MAX} digits on each side of the point")
    return value


def integer(scalar: Scalar, expected: str = "an integer") -> int:
    """A whole number; ``1e6`` and ``2.0`` are whole, too."""
    value = number(scalar, expected)
    if value != value.to_integral_value():
        raise Refused(expected)
    return int(value)


def truth(scalar: Scalar, expected: str = "true or false") -> bool:
    if scalar.quoted or scalar.text not in ("true", "false"):
        written = scalar.text.lower()
        hint = "remove the quotes" if scalar.text in ("true", "false") else ""
        if written in ("y", "yes", "on", "true") and not hint:
            hint = "write true"
        elif written in ("n", "no", "off", "false") and not hint:
            hint = "write false"
        raise Refused(expected, hint)
    return scalar.text == "true"


def duration(scalar: Scalar, expected: str = "a duration such as 5ms, 250us or 1s") -> int:
    """Nanoseconds; a bare 0 needs no unit."""
    if scalar.text == "0":
        return 0
    found = re.fullmatch(DURATION, scalar.text)
    if not found:
        raise Refused(expected, "add a unit: ns, us, ms, s, m, h, d" if re.fullmatch(NUMBER, scalar.text) else "")
    nanos = Decimal(found[1] + (found[2] or "")) * UNITS_NS[found[3]]
    if nanos != nanos.to_integral_value() or nanos >= NS_MAX:
        raise Refused(f"{expected}, a whole number of nanoseconds below 146 years")
    return int(nanos)


def utc_time(scalar: Scalar, expected: str = "a UTC time such as 2024-08-09T00:00:00Z") -> int:
    """Nanoseconds since 1970-01-01T00:00:00Z."""
    found = re.fullmatch(UTC_TIME, scalar.text)
    if not found:
        raise Refused(expected)
    fields = tuple(int(part) for part in found.groups()[:6])
    seconds = timegm((*fields, 0, 0, 0)) if _is_date(fields) else None
    if seconds is None:
        raise Refused(expected)
    fraction = (found[7] or ".0")[1:].ljust(9, "0")
    return seconds * 1_000_000_000 + int(fraction)


def _is_date(fields: tuple[int, ...]) -> bool:
    from datetime import datetime

    try:
        datetime(*fields[:6])  # type: ignore[arg-type] # six integers: the time zone's place is never reached
    except ValueError:
        return False
    return 1970 <= fields[0] < 2200


def _number_hint(scalar: Scalar) -> str:
    written = scalar.text
    if re.fullmatch(r"-?0[0-9]+(\.[0-9]+)?", written):
        return "no leading zeros"
    if "_" in written:
        return "no underscores"
    if written.startswith(("+", ".", "-.")) and re.search("[0-9]", written):
        return "write it as -0.5 or 0.5, without a plus sign"
    if "," in written:
        return "no commas"
    return "" if scalar.quoted or not ambiguous(written) or not written else "YAML versions differ on what it is"


def show_number(value: Decimal) -> str:
    """The one text of a decimal, without exponent or idle zeros, so that 1e6 and 1000000 are the same config."""
    if not value:
        return "0"
    shown = format(value, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def show_duration(nanos: int) -> str:
    """The shortest exact text of a duration: ``1500us``, ``5ms``, ``1s``; ``0`` for none."""
    if not nanos:
        return "0"
    unit = next(name for name, size in UNITS_NS.items() if nanos % size == 0)
    return f"{nanos // UNITS_NS[unit]}{unit}"


def show_utc_time(nanos: int) -> str:
    from datetime import UTC, datetime

    seconds, rest = divmod(nanos, 1_000_000_000)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"
