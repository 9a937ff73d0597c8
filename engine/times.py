"""Times and lengths of time as people write them, in nanoseconds."""

import re
from datetime import UTC, datetime
from typing import Final

from tickwright.engine.errors import UnitError

SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND

_UNITS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY}
_LENGTH: Final = re.compile(r"(\d{1,15})(?:\.(\d{1,9}))?(ns|us|ms|s|m|h|d)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def interval_ns(text: str) -> int:
    """A length of time such as ``100ms``, ``1.5s``, ``1h``.

    Raises:
        UnitError: no number with a unit, zero, or a fraction of a nanosecond.
    """
    match = _LENGTH.fullmatch(str(text))  # a bare number has no unit, so what is not text is refused as well
    if match is None:
        raise UnitError(f"expected a length of time such as '100ms', '1.5s' or '1h', received {text!r}")
    whole, part, unit = match.groups()
    part = part or ""
    scaled = int(whole + part) * _UNITS[unit]
    scale: int = 10 ** len(part)
    value, rest = divmod(scaled, scale)
    if rest or value == 0:
        raise UnitError(f"expected a length of at least one whole nanosecond, received {text!r}")
    return value


def as_ns(when: object) -> int:
    """A moment as nanoseconds UTC: an int as it is, ISO text with a zone, or an aware datetime.

    Raises:
        UnitError: text that is no such time, or a datetime without a zone.
    """
    if isinstance(when, int) and not isinstance(when, bool):
        return when
    moment = when
    if isinstance(when, str):
        try:
            moment = datetime.fromisoformat(when)
        except ValueError:
            raise UnitError(f"expected a time such as '2024-08-09T00:00:00Z', received {when!r}") from None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise UnitError(f"expected a time with its zone such as '2024-08-09T00:00:00Z', received {when!r}")
    past = moment - _EPOCH
    return (past.days * 86_400 + past.seconds) * SECOND + past.microseconds * 1_000


def as_text(ns: int) -> str:
    """A moment as ``2024-08-09T00:00:00.123456789Z``."""
    seconds, rest = divmod(ns, SECOND)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
