"""Single fields: times, sides and words of state; what is not one is refused with the field's name."""

import re
from datetime import UTC, datetime
from typing import Final

from tickwright.adapters.bad_message import BadMessage, shown
from tickwright.adapters.decimals import TIME_MAX, in_nanoseconds
from tickwright.adapters.tdx.messages import Status
from tickwright.engine.terms import Side
from tickwright.engine.times import SECOND

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,30}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SIDES: Final = {"BUY": Side.BUY, "SIDE_BUY": Side.BUY, "SELL": Side.SELL, "SIDE_SELL": Side.SELL}

_STATUSES: Final = {
    **dict.fromkeys(("PENDING", "NEW", "CREATED", "RECEIVED", "ACCEPTED", "PENDING_NEW"), Status.SUBMITTED),
    **dict.fromkeys(("OPEN", "ACTIVE", "WORKING", "PLACED"), Status.OPEN),
    **dict.fromkeys(("PARTIALLY_FILLED", "PARTIAL", "PARTIALLY_EXECUTED"), Status.PARTIALLY_FILLED),
    **dict.fromkeys(("FILLED", "EXECUTED", "DONE", "COMPLETED", "CLOSED"), Status.FILLED),
    **dict.fromkeys(("CANCELLED", "CANCELED", "PARTIALLY_CANCELLED", "PARTIALLY_CANCELED"), Status.CANCELED),
    **dict.fromkeys(("REJECTED", "REFUSED", "FAILED"), Status.REJECTED),
    "EXPIRED": Status.EXPIRED,
}


def moment(value: int | str | None, field: str, topic: str = "") -> int:
    """A time of this venue in nanoseconds UTC; 0 where absent.

    Raises:
        BadMessage: neither an integer, its digits nor RFC 3339, or a time outside of 1970 to 2262.
    """
    if value is None:
        return 0
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            return _rfc3339(value, field, topic)
        value = int(value)
    value = in_nanoseconds(value)
    if not 0 <= value <= TIME_MAX:
        raise BadMessage(field, "a time from 1970 to 2262", shown(value), topic)
    return value


def _rfc3339(text: str, field: str, topic: str) -> int:
    bad = BadMessage(field, "a time as an integer or RFC 3339", shown(text), topic)
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise bad
    day, clock, part, zone = match.groups()
    try:
        past = datetime.fromisoformat(f"{day}T{clock}{zone.upper()}") - _EPOCH
    except (ValueError, OverflowError):
        raise bad from None
    ns = (past.days * 86_400 + past.seconds) * SECOND + int((part or "0")[:9].ljust(9, "0"))
    if not 0 <= ns <= TIME_MAX:
        raise bad
    return ns


def side(text: str, field: str, topic: str = "") -> Side:
    """A side under its short or its long name."""
    found = _SIDES.get(text)
    if found is None:
        raise BadMessage(field, "BUY or SELL", shown(text), topic)
    return found


def status(text: str | None) -> Status:
    """Where an order stands, by any spelling of the venue's family of names."""
    if text is None:
        return Status.UNKNOWN
    return _STATUSES.get(text.upper().removeprefix("ORDER_").removeprefix("STATUS_"), Status.UNKNOWN)
