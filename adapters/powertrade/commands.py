"""What we say to the venue: one function for each kind of frame, from texts to the text of the frame.

Every argument is a text and every scalar on the wire is one: `framed` looks at each before anything is written, and
refuses whatever else got past the types. A field that is empty is left out.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from tickwright.engine.errors import LocalError

FIRM: Final = "0"
INDICATIVE: Final = "none"
"""The market of RFQs, which never match."""

WINDOW_MAX: Final = 65_534
"""Cycles that an order may live at most."""

TAG_MAX: Final = 64
LEGS_MAX: Final = 10

_TAG: Final = re.compile(rf"[\x20-\x7e]{{1,{TAG_MAX}}}")
_CLIENT_ORDER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")

Field = str | Sequence["Fields"]
Fields = Mapping[str, Field]


def framed(name: str, fields: Fields) -> str:
    """One frame: the message's name over its fields.

    Raises:
        LocalError: something in it is no text, or a tag or an order id breaks the venue's rules. Nothing is sent.
    """
    body = _texts(name, fields)
    tag = body.get("user_tag")
    if tag is not None and not _TAG.fullmatch(str(tag)):
        raise LocalError(f"{name}: expected a user_tag of 1 to {TAG_MAX} bytes, received {tag!r}; nothing is sent")
    return json.dumps({name: body}, separators=(",", ":"))


def _texts(path: str, fields: Fields) -> dict[str, object]:
    body: dict[str, object] = {}
    for key, value in fields.items():
        if type(value) is str:
            if value:
                body[key] = value
        elif isinstance(value, list | tuple):
            body[key] = [_texts(f"{path}.{key}", row) for row in value]
        else:
            raise LocalError(f"{path}.{key}: expected a text, received {type(value).__name__}; nothing is sent")
    said = body.get("client_order_id")
    if said is not None and not _CLIENT_ORDER_ID.fullmatch(str(said)):
        raise LocalError(
            f"{path}: expected a client_order_id of 1 to 32 letters, digits, _ or -, received {said!r}; nothing is sent"
        )
    return body


def fraction(number: Decimal) -> str:
    """A decimal as the venue likes it best: no exponent, at least one digit after the point, none that says nothing."""
    text = f"{number:f}"
    if "." not in text:
        return f"{text}.0"
    text = text.rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def heartbeat(timestamp_us: str) -> str:
    return framed("heartbeat", {"timestamp": timestamp_us})


def authenticate(token: str, tag: str) -> str:
    return framed("authenticate", {"credentials_secret": token, "user_tag": tag})


def asked(name: str, tag: str) -> str:
    """A request without more to say: reference data, balances, positions, and whether RFQs are wanted."""
    return framed(name, {"user_tag": tag})


def subscribe(kind: str, tag: str, *, symbol: str = "", entity_id: str = "", interval_ms: str = "0") -> str:
    """A subscription to one firm book, or (`kind` ``trades``, which has no interval) to its trades."""
    return framed(
        "subscribe",
        {
            "market_id": FIRM,
            "symbol": symbol,
            "type": kind,
            "tradeable_entity_id": entity_id,
            "interval": "" if kind == "trades" else interval_ms,
            "user_tag": tag,
        },
    )


def order_fields(
    *,
    side: str,
    kind: str,
    time_in_force: str,
    quantity: str,
    client_order_id: str,
    price: str = "",
    recv_window: str = "",
    symbol: str = "",
    entity_id: str = "",
    legs: Sequence[tuple[str, str]] = (),
    market_id: str = FIRM,
    timestamp_us: str = "",
) -> dict[str, Field]:
    """The fields of one new order; `legs` are symbols and ratios.

    Raises:
        LocalError: not exactly one of symbol, id and legs, a price that a market order must not have, or too many legs.
    """
    if (bool(symbol), bool(entity_id), bool(legs)).count(True) != 1 or len(legs) > LEGS_MAX:
        raise LocalError(
            f"{client_order_id}: expected one of symbol, id and 1 to {LEGS_MAX} legs, received another number of them; "
            "nothing is sent"
        )
    if kind == "MARKET" and (price or recv_window):
        raise LocalError(f"{client_order_id}: expected a market order without price and life; nothing is sent")
    fields: dict[str, Field] = {
        "market_id": market_id,
        "side": side,
        "quantity": quantity,
        "type": kind,
        "time_in_force": time_in_force,
        "client_order_id": client_order_id,
        "price": price,
        "recv_window": recv_window,
        "timestamp": timestamp_us,
        "symbol": symbol,
        "tradeable_entity_id": entity_id,
    }
    if legs:
        fields["legs"] = [{"ratio": ratio, "sym": leg} for leg, ratio in legs]
    return fields


def new_order(fields: Fields, tag: str) -> str:
    return framed("new_order", {**fields, "user_tag": tag})


def new_bulk_order(orders: Sequence[Fields], tag: str) -> str:
    return framed("new_bulk_order", {"orders": list(orders), "user_tag": tag})


def cancel_order(tag: str, *, order_id: str = "", client_order_id: str = "") -> str:
    """A cancel, by the venue's id or by ours."""
    return _of_order("cancel_order", tag, order_id, client_order_id)


def refresh_interest(tag: str, *, order_id: str = "", client_order_id: str = "") -> str:
    """Keep an RFQ of ours alive for another half hour."""
    return _of_order("refresh_interest", tag, order_id, client_order_id)


def _of_order(name: str, tag: str, order_id: str, client_order_id: str) -> str:
    if bool(order_id) == bool(client_order_id):
        raise LocalError(f"{name}: expected either id of an order, received both or none; nothing is sent")
    return framed(name, {"order_id": order_id, "client_order_id": client_order_id, "user_tag": tag})


def cancel_all_orders(tag: str, *, symbol: str = "", entity_id: str = "") -> str:
    """Cancel every order of the account, or those in one instrument."""
    return framed("cancel_all_orders", {"symbol": symbol, "tradeable_entity_id": entity_id, "user_tag": tag})


def trade_history_request(tag: str, *, since_us: str = "", count: str = "") -> str:
    """Our executions since a time, or the last so many."""
    return framed("trade_history_request", {"trade_time": since_us, "trade_count": count, "user_tag": tag})
