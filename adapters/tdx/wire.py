"""Shapes of the wire, as the typed decoder checks them. Fields that are not named here are ignored.

Prices, quantities and amounts are JSON strings on this venue and are taken as nothing else. Every text that is kept
is bounded; integers must fit 64 bits.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

SIZE_MAX: Final = 1 << 20
"""Bytes of one message. A whole book of 10,000 levels takes about 300 kB."""

TEXT_MAX: Final = 1024

Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Id = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
Token = Annotated[str, Meta(min_length=1, max_length=8192)]
Sequence = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Stamp = Sequence | Text
"""A time: an integer whose unit its size tells, its digits as text, or RFC 3339."""

Levels = list[tuple[str, str]]


class Envelope(Struct):
    """One frame: event, topic, data."""

    e: Text
    t: Text | None = None
    d: msgspec.Raw = msgspec.Raw()


class TradeData(Struct):
    d: Stamp
    p: Text
    q: Text
    i: Id
    a: Text | None = None


class BookData(Struct):
    u: Sequence
    U: Sequence | None = None
    b: Levels | None = None
    a: Levels | None = None


class PriceData(Struct):
    v: Text
    c: Text | None = None
    C: Text | None = None


class BalanceData(Struct):
    i: Id
    a: Text
    o: Text | None = None
    w: Text | None = None
    c: Text | None = None


class LongBalanceData(Struct, rename="camel"):
    """The same under its long names, as REST says it."""

    instrument_id: Id
    available: Text
    orders_reserved: Text | None = None
    withdrawal_reserved: Text | None = None
    credit: Text | None = None


class OrderData(Struct, rename="camel"):
    id: Id
    client_order_id: Text | None = None
    pair_id: Text | None = None
    symbol: Text | None = None
    side: Text | None = None
    quantity: Text | None = None
    executed_quantity: Text | None = None
    price: Text | None = None
    status: Text | None = None
    created_at: Stamp | None = None
    updated_at: Stamp | None = None


class OwnTradeData(Struct, rename="camel"):
    id: Id
    order_id: Id
    side: Text
    quantity: Text
    price: Text
    client_order_id: Text | None = None
    pair_id: Text | None = None
    cumulative_quantity: Text | None = None
    transaction_fee: Text | None = None
    swiss_stamp_tax: Text | None = None
    executed_at: Stamp | None = None
    is_taker: bool | None = None


class ReplyData(Struct, rename="camel"):
    """The ids that an acknowledgement or a refusal may carry."""

    client_order_id: Text | None = None
    id: Text | None = None
    order_id: Text | None = None
