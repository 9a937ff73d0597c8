"""Single fields: times, sides and quantities; what is not one is refused with the field's name."""

import re
from decimal import Decimal
from typing import Final

from tickwright.adapters.bad_message import BadMessage, shown
from tickwright.adapters.decimals import TIME_MAX, Grid, amount, in_nanoseconds
from tickwright.adapters.powertrade import wire
from tickwright.adapters.powertrade.wire import said
from tickwright.engine.terms import Side

_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}


def needed(text: str, field: str, topic: str = "") -> str:
    if not text:
        raise BadMessage(field, "it", "nothing", topic)
    return text


def side_of(text: str, field: str, topic: str = "") -> Side:
    found = _SIDES.get(text)
    if found is None:
        raise BadMessage(field, "buy or sell", shown(text), topic)
    return found


def positive(grid: Grid, text: str, field: str, topic: str) -> int:
    lots = grid.size(text, field, topic)
    if lots == 0:
        raise BadMessage(field, "a quantity above zero", shown(text), topic)
    return lots


def above_zero(text: str, field: str) -> Decimal:
    number = amount(text, field)
    if not number:
        raise BadMessage(field, "a quantity above zero", shown(text))
    return number


def moment(text: str, field: str, topic: str = "") -> int:
    """A time in nanoseconds, its unit told by its length; 0 where there is none."""
    if not said(text):
        return 0
    value = in_nanoseconds(int(text)) if _DIGITS.fullmatch(text) else -1
    if not 0 <= value <= TIME_MAX:
        raise BadMessage(field, "a time from 1970 to 2262 in digits", shown(text), topic)
    return value


def stamp_of(
    told: wire.BookOrderData | wire.TradeData | wire.OrderData | wire.ExecutionData, field: str, topic: str = ""
) -> int:
    """When it happened at the venue; where that is not said, when it was sent."""
    happened = moment(told.utc_timestamp, f"{field}.utc_timestamp", topic)
    return happened or moment(told.server_utc_timestamp, f"{field}.server_utc_timestamp", topic)
