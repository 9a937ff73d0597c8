"""One WebSocket client's side of the protocol: a frame comes in, frames go out. No socket, no task.

Whatever a client sends, it gets an answer: a failure event for what cannot be read or done, and the connection stays
open.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from attrs import define

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.strict import checked, strict_json
from tickwright.adapters.tdx.codec import CANCEL_ON_DISCONNECT, ORDER_CANCEL, ORDER_CREATE, SUBSCRIBE, UNSUBSCRIBE
from tickwright.adapters.tdx.mirror import assumed, shapes
from tickwright.adapters.tdx.mirror.accounts import Account
from tickwright.adapters.tdx.mirror.desk import Desk
from tickwright.adapters.tdx.mirror.orders import Order, Refused, forbidden, invalid, missing
from tickwright.adapters.tdx.topics import Channel, Topic, parse_topic
from tickwright.adapters.tdx.wire import SIZE_MAX

_TOPIC: Final = re.compile(r'"t"\s*:\s*"([^"]{0,200})"')
SUBSCRIPTIONS_MAX: Final = 1000
_KINDS: Final = {
    SUBSCRIBE: "subscribe",
    UNSUBSCRIBE: "unsubscribe",
    ORDER_CREATE: "new",
    ORDER_CANCEL: "cancel",
    CANCEL_ON_DISCONNECT: "cod",
}
_FAILURES: Final = {
    SUBSCRIBE: assumed.SUBSCRIPTION_FAILED,
    UNSUBSCRIBE: assumed.UNSUBSCRIPTION_FAILED,
    ORDER_CREATE: assumed.ORDER_CREATE_FAILED,
    ORDER_CANCEL: assumed.ORDER_CANCEL_FAILED,
    CANCEL_ON_DISCONNECT: assumed.CANCEL_ON_DISCONNECT_FAILED,
}


def frame_kind(text: str) -> str:
    """What a client's frame is about, for fault scripts; told without reading it whole."""
    for event, kind in _KINDS.items():
        if f'"{event}"' in text:
            return kind
    return "other"


def topic_of(text: str) -> str:
    """The topic of a frame, told without reading it whole."""
    found = _TOPIC.search(text)
    return found[1] if found else ""


@define(eq=False)
class Subscription:
    """A topic that a client hears; a private one with the end of the token that it was asked with."""

    topic: Topic
    token_ends: int = 0


class Client:
    """One connection: its subscriptions and what it asked for."""

    def __init__(self, desk: Desk, send: Callable[[str, str], None]) -> None:
        self._desk = desk
        self._send = send
        self.subscriptions: dict[str, Subscription] = {}
        self.cancels_for: dict[str, Account] = {}
        self._handlers = {
            SUBSCRIBE: self._subscribe,
            UNSUBSCRIBE: self._unsubscribe,
            ORDER_CREATE: self._create,
            ORDER_CANCEL: self._cancel,
            CANCEL_ON_DISCONNECT: self._cancel_on_disconnect,
        }

    def send(self, text: str, kind: str) -> None:
        """Queue a frame to the client."""
        self._send(text, kind)

    def receive(self, frame: str | bytes) -> None:
        """Carry out one frame, or say why not."""
        if isinstance(frame, bytes):
            self._fail(assumed.REQUEST_FAILED, "", invalid("expected a text frame, got a binary one"))
            return
        try:
            message = strict_json(checked(frame, SIZE_MAX))
        except BadMessage as error:
            said = f"{error.field}: expected {error.expected}, got {error.received}"
            self._fail(assumed.REQUEST_FAILED, "", invalid(said))
            return
        if not isinstance(message, dict):
            self._fail(assumed.REQUEST_FAILED, "", invalid("expected a JSON object"))
            return
        event, label = message.get("e"), message.get("t")
        name = label if isinstance(label, str) else ""
        handler = self._handlers.get(event) if isinstance(event, str) else None
        if handler is None or not isinstance(event, str):
            self._fail(assumed.REQUEST_FAILED, name[:200], invalid("e: unknown event"))
            return
        try:
            handler(message, name)
        except Refused as refused:
            self._fail(_FAILURES[event], name[:200], refused, _client_order_id(event, message))

    def close(self) -> None:
        """The connection has ended, for whatever reason."""
        for subscription in self.subscriptions.values():
            self._desk.feeds.leave(subscription.topic, self)
        self.subscriptions.clear()

    def end_expired(self, at: int) -> None:
        """End the private subscriptions whose token has ended, where the venue does that."""
        for name, subscription in list(self.subscriptions.items()):
            if subscription.token_ends and subscription.token_ends <= at:
                del self.subscriptions[name]
                self._desk.feeds.leave(subscription.topic, self)
                expired = Refused(401, "UNAUTHENTICATED", "UNAUTHENTICATED", "the token has expired")
                self._fail(assumed.SUBSCRIPTION_FAILED, name, expired)

    # --- one event each -------------------------------------------------------------------------------------------

    def _subscribe(self, message: dict[str, Any], name: str) -> None:
        desk = self._desk
        topic = self._topic(name)
        account, ends = None, 0
        if topic.private:
            account, ends = desk.owner(topic, message.get("a"))
        if name not in self.subscriptions and len(self.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Refused(429, "RESOURCE_EXHAUSTED", "CONSTRAINT_IN_PLACE", "too many subscriptions")
        self.subscriptions[name] = Subscription(topic, ends)
        confirmed = name
        if topic.target == "*" and desk.options.concrete_wildcards:
            confirmed = f"{next(iter(desk.exchange.markets))}@{topic.category}"
        self._send(shapes.frame("tdx:subscription_received", confirmed), "control")
        desk.feeds.join(topic, self, desk.now())
        if account is not None and topic.channel is Channel.ORDERS and desk.options.orders_on_subscribe:
            desk.feeds.open_orders(account, self)

    def _unsubscribe(self, message: dict[str, Any], name: str) -> None:
        topic = self._topic(name)
        if self.subscriptions.pop(name, None) is not None:
            self._desk.feeds.leave(topic, self)
        short = topic.channel in (Channel.PRICES, Channel.BALANCES)
        event = "tdx:unsubscribe_succeeded"
        if short is self._desk.options.alt_unsubscribe_name:
            event = "tdx:unsubscription_succeeded"
        self._send(shapes.frame(event, name), "control")

    def _create(self, message: dict[str, Any], name: str) -> None:
        account = self._orders_account(message, name)
        data = message.get("d")

        def received(client_order_id: str) -> None:
            said = shapes.frame(assumed.ORDER_CREATE_RECEIVED, name, {"clientOrderId": client_order_id})
            self._send(said, "ack")

        self._desk.create(account, data, "ws", self, received)

    def _cancel(self, message: dict[str, Any], name: str) -> None:
        account = self._orders_account(message, name)
        data = message.get("d")
        if not isinstance(data, dict):
            raise invalid("d: expected an object with id or clientOrderId")
        ids = {key: data.get(key, "") for key in ("id", "clientOrderId")}
        for key, value in ids.items():
            if not isinstance(value, str):
                raise invalid(f"{key}: expected a text")

        def received(order: Order) -> None:
            known = {"id": order.id, "clientOrderId": order.client_order_id}
            self._send(shapes.frame(assumed.ORDER_CANCEL_RECEIVED, name, known), "ack")

        self._desk.cancel(account, ids["id"], ids["clientOrderId"], "ws", received)

    def _cancel_on_disconnect(self, message: dict[str, Any], name: str) -> None:
        account, _ = self._desk.tokens.account(message.get("a"), self._desk.now())
        self.cancels_for[account.user_id] = account
        self._send(shapes.frame(assumed.CANCEL_ON_DISCONNECT_RECEIVED), "control")

    # --- what they share ------------------------------------------------------------------------------------------

    def _topic(self, name: str) -> Topic:
        topic = parse_topic(name) if len(name) <= 200 else None
        if topic is None:
            raise invalid("t: expected a topic such as BTC/CHF@depth@100ms")
        listed = self._desk.exchange.markets
        if not topic.private and topic.target != "*" and topic.target not in listed:
            raise missing(f"unknown pair {topic.target}")
        return topic

    def _orders_account(self, message: dict[str, Any], name: str) -> Account:
        topic = self._topic(name)
        if topic.channel is not Channel.ORDERS:
            raise invalid("t: expected <subAccountId>@subaccount-orders")
        account, _ = self._desk.owner(topic, message.get("a"))
        data = message.get("d")
        if isinstance(data, dict) and data.get("subAccountId", account.sub_account_id) != account.sub_account_id:
            raise forbidden("subAccountId: expected the one of the topic")
        return account

    def _fail(self, event: str, topic: str, refused: Refused, client_order_id: str | None = None) -> None:
        self._send(shapes.frame(event, topic, shapes.refusal(refused, client_order_id)), "refusal")


def _client_order_id(event: str, message: dict[str, Any]) -> str | None:
    """The id that a refusal of an order or a cancel names."""
    if event not in (ORDER_CREATE, ORDER_CANCEL):
        return None
    data = message.get("d")
    value = data.get("clientOrderId", "") if isinstance(data, dict) else ""
    return value if isinstance(value, str) and len(value) <= 200 else ""
