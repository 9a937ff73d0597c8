"""How long a peer asks us to wait: `Retry-After` and `Date` of RFC 9110."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from tickwright.engine.times import SECOND

WAIT_MAX_S: Final = 3600.0
"""Nobody makes us wait for longer than this at a time."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def http_date(text: str | None) -> int | None:
    """An HTTP date in nanoseconds UTC, or None where it is none."""
    if text is None or len(text) > 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    past = moment - _EPOCH
    return (past.days * 86_400 + past.seconds) * SECOND


def wait_seconds(text: str | None, wall: int) -> float:
    """The seconds behind a `Retry-After`, given as a number or as a date; 0 where it says nothing useful."""
    if text is None:
        return 0.0
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), WAIT_MAX_S)
    until = http_date(text)
    if until is None:
        return 0.0
    return min(max((until - wall) / SECOND, 0.0), WAIT_MAX_S)
