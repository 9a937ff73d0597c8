"""A new order as a client states it: read field by field, refused with a reason code, never coerced."""

import re
from decimal import Decimal
from typing import Final

from attrs import frozen

from tickwright.adapters.tdx.mirror.listing import Pair
from tickwright.adapters.tdx.mirror.orders import (
    DAY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    invalid,
    missing,
    unmet,
)
from tickwright.engine.errors import UnitError

_DECIMAL: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_SIDES: Final = {"SIDE_BUY": 1, "SIDE_SELL": -1}
_KINDS: Final = (LIMIT, MARKET, POST_ONLY)
_TIMES: Final = (GTC, DAY, IOC, FOK)
CLIENT_ORDER_ID_MAX: Final = 128
PARAMETER: Final = "INCORRECT_PARAMETER_VALUE"


@frozen(kw_only=True)
class Wanted:
    """A new order that could be: its pair exists, its numbers are on the grid and within the pair's bounds."""

    pair: Pair
    client_order_id: str
    side: int
    kind: str
    time_in_force: str
    lots: int
    ticks: int


def read_order(data: object, pairs: dict[str, Pair]) -> Wanted:
    """The order that `data` asks for; `pairs` by id.

    Raises:
        Refused: with the status and the reason code of what is wrong.
    """
    if not isinstance(data, dict):
        raise invalid("expected an object with the order's fields")
    pair_id = _text(data, "pairId")
    pair = pairs.get(pair_id)
    if pair is None:
        raise missing(f"unknown pair {pair_id[:60]}")
    kind = _choice(data, "type", _KINDS)
    ticks = 0 if kind == MARKET else _ticks(pair, _text(data, "price"))
    return Wanted(
        pair=pair,
        client_order_id=_client_order_id(data),
        side=_SIDES[_choice(data, "side", tuple(_SIDES))],
        kind=kind,
        time_in_force=_time_in_force(data, kind),
        lots=_lots(pair, _text(data, "quantity")),
        ticks=ticks,
    )


def _text(data: dict[str, object], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"{name}: expected a text, got {'nothing' if value is None else type(value).__name__}")
    return value


def _choice(data: dict[str, object], name: str, allowed: tuple[str, ...]) -> str:
    value = _text(data, name)
    if value not in allowed:
        raise invalid(f"{name}: expected {' or '.join(allowed)}, got {value[:60]!r}", PARAMETER)
    return value


def _time_in_force(data: dict[str, object], kind: str) -> str:
    """What is not said is as on the venue's FIX line: day for limit orders, at once for market orders."""
    if data.get("timeInForce") is None:
        return IOC if kind == MARKET else DAY
    chosen = _choice(data, "timeInForce", _TIMES)
    if kind == POST_ONLY and chosen in (IOC, FOK):
        raise invalid("timeInForce: a post-only order cannot be immediate", PARAMETER)
    return chosen


def _client_order_id(data: dict[str, object]) -> str:
    value = data.get("clientOrderId", "")
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > CLIENT_ORDER_ID_MAX or not value.isprintable():
        raise invalid(f"clientOrderId: expected a printable text of at most {CLIENT_ORDER_ID_MAX} characters")
    return value


def _decimal(name: str, text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise invalid(f"{name}: expected a plain decimal as text, got {text[:60]!r}", PARAMETER)
    number = Decimal(text)
    if not number:
        raise invalid(f"Invalid {name}: must be positive", PARAMETER)
    return number


def _ticks(pair: Pair, text: str) -> int:
    price = _decimal("price", text)
    try:
        return pair.instrument.ticks(price)
    except UnitError:
        step = pair.instrument.tick_size
        raise invalid(f"price: expected a multiple of {step:f}, got {text[:60]}", PARAMETER) from None


def _lots(pair: Pair, text: str) -> int:
    quantity = _decimal("quantity", text)
    least, most = pair.instrument.min_qty, pair.instrument.max_qty
    if quantity < least:
        raise unmet("CLIP_SIZE_TOO_SMALL", f"quantity: expected at least {least:f}, got {text[:60]}")
    if most is not None and quantity > most:
        raise unmet("CLIP_SIZE_TOO_LARGE", f"quantity: expected at most {most:f}, got {text[:60]}")
    try:
        return pair.instrument.lots(quantity)
    except UnitError:
        step = pair.instrument.lot_size
        raise invalid(f"quantity: expected a multiple of {step:f}, got {text[:60]}", PARAMETER) from None
