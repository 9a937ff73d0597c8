"""Frames to messages, commands to frames; no state, no time, no I/O.

A frame is one JSON object: event `e`, topic `t`, data `d`. Market data is told by its topic and goes through the typed
decoder at once. Everything else is parsed again with duplicate keys refused, and then told in this order: a name that
means refusal, an order or fill by shape, a name that means confirmation, a balance or price by topic. What is left is
`Unrecognised`, and what is known but out of scope is `Ignored`, by the list below.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

from tickwright.adapters.bad_message import BadMessage, shown
from tickwright.adapters.decimals import Grid, decimal, maybe_decimal
from tickwright.adapters.strict import checked, malformed, mistyped, strict_json, typed
from tickwright.adapters.tdx import assumed
from tickwright.adapters.tdx.fields import moment, side
from tickwright.adapters.tdx.messages import (
    Acknowledged,
    Cancel,
    CancelOnDisconnect,
    Command,
    Confirmed,
    Depth,
    Ignored,
    Message,
    Pair,
    Place,
    PriceStated,
    PublicTrade,
    Refused,
    Subscribe,
    Unrecognised,
    Unsubscribe,
    Unsubscribed,
)
from tickwright.adapters.tdx.own import (
    balance_stated,
    is_order,
    is_trade,
    order_stated,
    trade_stated,
    unwrapped,
)
from tickwright.adapters.tdx.topics import Channel, Topic, orders_topic, parse_topic
from tickwright.adapters.tdx.wire import SIZE_MAX, TEXT_MAX, BookData, Envelope, Levels, PriceData, ReplyData, TradeData
from tickwright.engine.errors import LocalError
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import BUY, DAY, FOK, GTC, IOC, SELL, Side

T = TypeVar("T")

SUBSCRIBE: Final = "tdx:subscribe"
UNSUBSCRIBE: Final = "tdx:unsubscribe"
ORDER_CREATE: Final = "tdx:order_create"
ORDER_CANCEL: Final = "tdx:order_cancel"
CANCEL_ON_DISCONNECT: Final = "tdx:cancel_on_disconnect"

CONFIRMED: Final = frozenset(("tdx:subscription_received", assumed.CONFIRMED_ALSO))
UNSUBSCRIBED: Final = frozenset(("tdx:unsubscription_succeeded", "tdx:unsubscribe_succeeded"))
CONTROL: Final = "tdx:"

OUT_OF_SCOPE: Final = frozenset(
    (
        "market-schedules",
        "balance-agg",
        "exposures",
        "subaccount-otc-orders",
        "otc-trades",
        "otc-depth-snapshots",
        "otc-listings",
        "quotes",
        "accept",
        "stop",
    )
)
"""Categories of topics that the venue documents, mostly by name only, and that a trading adapter does not need."""

_TIMES_IN_FORCE: Final = {
    GTC: "TIME_IN_FORCE_GTC",
    IOC: "TIME_IN_FORCE_IOC",
    FOK: "TIME_IN_FORCE_FOK",
    DAY: "TIME_IN_FORCE_DAY",
}
_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_ENCODER: Final = msgspec.json.Encoder()
_TRADE: Final = msgspec.json.Decoder(TradeData)
_BOOK: Final = msgspec.json.Decoder(BookData)


class Codec:
    """Both directions of the wire, for a set of instruments and, where orders are sent, one sub-account."""

    def __init__(self, pairs: Iterable[Pair], sub_account_id: str = "") -> None:
        self._pairs = {pair.instrument.id: pair for pair in pairs}
        self._grids = {pair.instrument.symbol: Grid(pair.instrument) for pair in self._pairs.values()}
        self._by_venue_id = {pair.pair_id: pair.instrument for pair in self._pairs.values() if pair.pair_id}
        self._orders_topic = orders_topic(sub_account_id) if sub_account_id else ""

    @property
    def orders_topic(self) -> str:
        """The private topic that orders go to; empty without a sub-account."""
        return self._orders_topic

    def instrument(self, pair_id: str, symbol: str = "") -> Instrument | None:
        """The instrument behind the venue's id of a pair, or behind its symbol; None where it is not ours."""
        found = self._by_venue_id.get(pair_id)
        if found is None and symbol in self._grids:
            found = self._grids[symbol].instrument
        return found

    def decode(self, frame: str | bytes) -> tuple[Message, ...]:
        """Everything that one frame says.

        Raises:
            BadMessage: the frame is dropped whole; the error names the field, what was expected and what was received.
        """
        data = checked(frame, SIZE_MAX)
        try:
            envelope = _ENVELOPE.decode(data)
        except msgspec.ValidationError as error:
            bad = mistyped(error, "")
            field = "frame" if bad.field == "d" else bad.field.removeprefix("d.")
            raise BadMessage(field, bad.expected, bad.received) from None
        except msgspec.DecodeError as error:
            raise malformed(error) from None
        name, topic = envelope.e, parse_topic(envelope.t or "")
        if topic is not None and not name.startswith(CONTROL) and not _is_failure(name):
            if topic.channel is Channel.DEPTH:
                return (self._depth(envelope.d, name, topic),)
            if topic.channel is Channel.TRADES:
                return (self._trade(envelope.d, name, topic),)
        return self._other(data, topic)

    def _depth(self, raw: msgspec.Raw, name: str, topic: Topic) -> Message:
        grid = self._grids.get(topic.target)
        if grid is None:
            return Ignored(topic=topic.name, kind=topic.target)
        if "book" not in name.lower() and "depth" not in name.lower():
            return Unrecognised(topic=topic.name, name=name)
        told = _quick(_BOOK, raw, topic.name)
        if told.U is not None and told.u > told.U:
            raise BadMessage("d.U", f"at least u = {told.u}", str(told.U), topic.name)
        changes: list[tuple[int, int, int]] = []
        for taken, levels, field in ((BUY, told.b, "d.b"), (SELL, told.a, "d.a")):
            changes += _levels(grid, taken, levels or [], field, topic.name)
        return Depth(
            topic=topic.name,
            instrument=grid.instrument.id,
            first=told.u,
            last=told.U,
            named_update=_is_update(name),
            changes=tuple(changes),
        )

    def _trade(self, raw: msgspec.Raw, name: str, topic: Topic) -> Message:
        grid = self._grids.get(topic.target)
        if grid is None:
            return Ignored(topic=topic.name, kind=topic.target)
        if name != "trade":
            return Unrecognised(topic=topic.name, name=name)
        told = _quick(_TRADE, raw, topic.name)
        lots = grid.size(told.q, "d.q", topic.name)
        if lots == 0:
            raise BadMessage("d.q", "a quantity above zero", shown(told.q), topic.name)
        return PublicTrade(
            topic=topic.name,
            instrument=grid.instrument.id,
            trade_id=told.i,
            ticks=grid.price(told.p, "d.p", topic.name),
            lots=lots,
            taker=None if told.a is None else side(told.a, "d.a", topic.name),
            venue_ts=moment(told.d, "d.d", topic.name),
        )

    def _other(self, data: bytes, topic: Topic | None) -> tuple[Message, ...]:
        """Every frame that is not market data: few and small, so they are read the strict way."""
        frame = strict_json(data)
        if not isinstance(frame, dict):
            raise BadMessage("frame", "an object", shown(frame))
        name, label, payload = frame["e"], frame.get("t") or "", frame.get("d")
        category = label.partition("@")[2].partition("@")[0]
        if category in OUT_OF_SCOPE:
            return (Ignored(topic=label, kind=category),)
        if _is_failure(name):
            return (_refused(label, name, payload),)
        if name in CONFIRMED:
            return (Confirmed(topic=label),)
        if name in UNSUBSCRIBED:
            return (Unsubscribed(topic=label),)
        if topic is not None and topic.channel is Channel.ORDERS:
            return tuple(_private(name, part, topic.name) for part in unwrapped(payload))
        if name.startswith(CONTROL):
            return (_acknowledged(label, name, payload),)
        if topic is not None and topic.channel is Channel.BALANCES:
            parts = payload if isinstance(payload, list) else [payload]
            return tuple(balance_stated(part, topic.name) for part in parts)
        if topic is not None and topic.channel is Channel.PRICES:
            return (_price(payload, topic.name),)
        return (Unrecognised(topic=label, name=name),)

    def encode(self, command: Command, token: str = "") -> str:
        """A command as the text of a frame; `token` goes along where one is given.

        Raises:
            LocalError: the venue has no words for it, or a sub-account or a pair's id is missing. Nothing is sent.
        """
        match command:
            case Subscribe(topic=topic):
                return envelope(SUBSCRIBE, topic, token=token)
            case Unsubscribe(topic=topic):
                return envelope(UNSUBSCRIBE, topic, token=token)
            case Place():
                return envelope(ORDER_CREATE, self._private_topic(), self.order_body(command), token)
            case Cancel():
                ids = {"id": command.venue_order_id, "clientOrderId": command.client_order_id}
                known = {name: value for name, value in ids.items() if value}
                return envelope(ORDER_CANCEL, self._private_topic(), known, token)
            case CancelOnDisconnect():
                return envelope(CANCEL_ON_DISCONNECT, token=token)

    def order_body(self, order: Place) -> dict[str, str]:
        """A new order in the fields that the REST page documents, which the socket's are taken to be too."""
        pair = self._pairs.get(order.instrument)
        if pair is None or not pair.pair_id:
            raise LocalError(f"{order.instrument}: expected the venue's id of the pair, received none; nothing is sent")
        if order.time_in_force not in _TIMES_IN_FORCE:
            raise LocalError(
                f"{order.client_order_id}: expected GTC, IOC, FOK or DAY, received {order.time_in_force}; "
                "this venue has no other, and nothing is sent"
            )
        if order.post_only and order.ticks is None:
            raise LocalError(
                f"{order.client_order_id}: expected a price with post_only, received none; nothing is sent"
            )
        kind = "TYPE_MARKET" if order.ticks is None else "TYPE_POST_ONLY" if order.post_only else "TYPE_LIMIT"
        body = {
            "clientOrderId": order.client_order_id,
            "pairId": pair.pair_id,
            "side": "SIDE_BUY" if order.side is Side.BUY else "SIDE_SELL",
            "type": kind,
            "timeInForce": _TIMES_IN_FORCE[order.time_in_force],
            "quantity": plain(pair.instrument.qty(order.lots)),
        }
        if order.ticks is not None:
            body["price"] = plain(pair.instrument.price(order.ticks))
        return body

    def _private_topic(self) -> str:
        if not self._orders_topic:
            raise LocalError("TDX: expected a sub-account to send orders to, received none; nothing is sent")
        return self._orders_topic


def envelope(event: str, topic: str = "", data: dict[str, Any] | None = None, token: str = "") -> str:
    """The text of one frame to the venue; what is empty is left out."""
    frame: dict[str, Any] = {"e": event}
    if topic:
        frame["t"] = topic
    if data is not None:
        frame["d"] = data
    if token:
        frame["a"] = token
    return _ENCODER.encode(frame).decode()


def plain(number: Decimal) -> str:
    """A decimal as the venue writes it: no exponent."""
    return f"{number:f}"


def _quick(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, topic: str) -> T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise mistyped(error, topic) from None
    except msgspec.DecodeError as error:
        raise malformed(error, topic) from None


def _levels(grid: Grid, taken: int, levels: Levels, field: str, topic: str) -> list[tuple[int, int, int]]:
    return [(taken, grid.price(price, field, topic), grid.size(size, field, topic)) for price, size in levels]


@lru_cache(maxsize=256)
def _is_failure(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in assumed.FAILURE_WORDS)


@lru_cache(maxsize=256)
def _is_update(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in assumed.UPDATE_WORDS)


def _private(name: str, part: object, topic: str) -> Message:
    """One thing on the private topic, by its shape."""
    if isinstance(part, dict):
        if is_trade(part):
            return trade_stated(part, topic)
        if is_order(part):
            return order_stated(part, topic)
        if name.startswith(CONTROL):
            return _acknowledged(topic, name, part)
        if "clientOrderId" in part and any(isinstance(part.get(key), str) for key in assumed.FAILURE_TEXTS):
            return _refused(topic, name, part)
        return Unrecognised(topic=topic, name=name)
    if part is None and name.startswith(CONTROL):
        return Acknowledged(topic=topic, name=name)
    raise BadMessage("d", "an order, a fill or a reply", shown(part), topic)


def _acknowledged(topic: str, name: str, payload: object) -> Acknowledged:
    if payload is None:
        return Acknowledged(topic=topic, name=name)
    told = typed(payload, ReplyData, topic)
    return Acknowledged(
        topic=topic,
        name=name,
        client_order_id=told.client_order_id or "",
        venue_order_id=told.order_id or told.id or "",
    )


def _refused(topic: str, name: str, payload: object) -> Refused:
    """A refusal, its words looked for wherever they may stand; what is no text is left out, never converted."""
    if isinstance(payload, str):
        return Refused(topic=topic, name=name, text=payload[:TEXT_MAX])
    if not isinstance(payload, dict):
        return Refused(topic=topic, name=name)
    code = payload.get("code")
    numeric = isinstance(code, int) and not isinstance(code, bool) and 0 <= code < 1000
    texts = [payload[key] for key in assumed.FAILURE_TEXTS if isinstance(payload.get(key), str)]
    inner = payload.get("error")
    if isinstance(inner, dict) and isinstance(inner.get("message"), str):
        texts.append(inner["message"])
    status, reason = payload.get("status"), payload.get("reason")
    return Refused(
        topic=topic,
        name=name,
        client_order_id=typed(payload, ReplyData, topic).client_order_id or "",
        code=code if numeric and isinstance(code, int) else 0,
        status=status[:TEXT_MAX] if isinstance(status, str) else "",
        reason=reason[:TEXT_MAX] if isinstance(reason, str) else "",
        text=texts[0][:TEXT_MAX] if texts else "",
    )


def _price(payload: object, topic: str) -> PriceStated:
    told = typed(payload, PriceData, topic)
    return PriceStated(
        topic=topic,
        price=decimal(told.v, "d.v", topic),
        change=maybe_decimal(told.c, "d.c", topic),
        change_percent=maybe_decimal(told.C, "d.C", topic),
    )
