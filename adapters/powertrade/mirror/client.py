"""One WebSocket client's side of the protocol: a frame comes in, frames go out. No socket, no task.

Whatever a client sends, it gets an answer, and the connection stays open.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.powertrade.mirror import shapes
from tickwright.adapters.powertrade.mirror.desk import NO_OPEN_ORDERS, Desk
from tickwright.adapters.powertrade.mirror.entry import TAG_MAX
from tickwright.adapters.powertrade.mirror.feeds import FULL, TRADES, TYPES
from tickwright.adapters.powertrade.mirror.keys import UNAUTHORIZED, Account, Unauthorized
from tickwright.adapters.powertrade.mirror.listing import Listed
from tickwright.adapters.powertrade.mirror.orders import USER_CANCELLED, Failed, Rejected
from tickwright.adapters.strict import checked, strict_json
from tickwright.engine.times import SECOND

SIZE_MAX: Final = 1 << 20
SUBSCRIPTIONS_MAX: Final = 1000
BULK_MAX: Final = 1000
HEARTBEAT_NS: Final = 5 * SECOND
_NAME: Final = re.compile(r'\s*\{\s*"(\w{1,40})"')
_SYMBOL: Final = re.compile(r'"symbol"\s*:\s*"([^"]{0,400})"')
_KINDS: Final = {
    "authenticate": "login",
    "heartbeat": "heartbeat",
    "subscribe": "subscribe",
    "register_for_rfqs": "subscribe",
    "unsubscribe": "unsubscribe",
    "deregister_for_rfqs": "unsubscribe",
    "new_order": "new",
    "new_bulk_order": "new",
    "cancel_order": "cancel",
    "cancel_all_orders": "cancel",
}


def frame_kind(text: str) -> str:
    """What a client's frame is about, for fault scripts; told without reading it whole."""
    found = _NAME.match(text)
    return _KINDS.get(found[1], "query") if found else "other"


def topic_of(text: str) -> str:
    """The instrument of a frame, told without reading it whole."""
    found = _SYMBOL.search(text)
    return found[1] if found else ""


def check_texts(value: object) -> None:
    """Every scalar is a text.

    Raises:
        Failed: one is something else.
    """
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str():
                pass
            case dict(found):
                waiting += found.values()
            case list(found):
                waiting += found
            case other:
                raise Failed(16, f"invalid parameters, expected texts alone, got {type(other).__name__}")


class Client:
    """One connection: who it is, what it hears, what it asked for."""

    def __init__(self, desk: Desk, send: Callable[[str, str], None]) -> None:
        self._desk = desk
        self._send = send
        self._heard = self._beaten = desk.now()
        self.account: Account | None = None
        self.subscriptions: set[tuple[str, str]] = set()
        self._handlers: dict[str, Callable[[dict[str, Any], str], None]] = {
            "authenticate": self._authenticate,
            "entities_and_rules_request": self._entities,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "register_for_rfqs": self._register,
            "deregister_for_rfqs": self._deregister,
        }
        self._private: dict[str, Callable[[Account, dict[str, Any], str], None]] = {
            "refresh_interest": self._refresh,
            "new_order": self._new_order,
            "new_bulk_order": self._new_bulk_order,
            "cancel_order": self._cancel,
            "cancel_all_orders": self._cancel_all,
            "positions": self._positions,
            "position_info": self._positions,
            "balances": self._balances,
            "trade_history_request": self._history,
        }

    def send(self, name: str, body: object, kind: str) -> None:
        """Queue a message to the client."""
        self._send(shapes.text(name, body), kind)

    def receive(self, frame: str | bytes) -> None:
        """Carry out one frame, or say why not."""
        self._heard = self._beaten = self._desk.now()
        tag = ""
        try:
            name, body = _message(frame)
            if name == "heartbeat":
                return
            said = body.get("user_tag")
            tag = said if isinstance(said, str) else ""
            check_texts(body)
            if not 1 <= len(tag.encode()) <= TAG_MAX or not tag.isascii():
                raise Failed(7, f"invalid user tag, expected 1 to {TAG_MAX} bytes of ASCII")
            if name in self._handlers:
                self._handlers[name](body, tag)
            elif name not in self._private:
                raise Failed(16, f"invalid parameters, unknown message {name[:40]}")
            elif self.account is None:
                raise Failed(12, "not authenticated")
            else:
                self._private[name](self.account, body, tag)
        except Failed as failed:
            self.send("command_response", shapes.reply(failed.code, failed.text, tag[:TAG_MAX]), "refusal")

    def close(self) -> None:
        """The connection has ended, for whatever reason."""
        for symbol, kind in self.subscriptions:
            self._desk.feeds.leave(symbol, kind, self)
        self.subscriptions.clear()
        self._desk.feeds.hide_interests(self)

    def beat(self, at: int) -> None:
        """Say that the venue lives, where the client has been silent for 5 s."""
        if at - self._beaten >= HEARTBEAT_NS:
            self._beaten = at
            self.send("heartbeat", {"server_utc_timestamp": shapes.stamp(at)}, "heartbeat")

    def silent(self, at: int) -> int:
        """For how long it has said nothing, in ns."""
        return at - self._heard

    # --- what anybody may ask -------------------------------------------------------------------------------------

    def _authenticate(self, body: dict[str, Any], tag: str) -> None:
        if self.account is not None:
            raise Failed(11, "already authenticated")
        try:
            self.account = self._desk.keys.account(body.get("credentials_secret"), self._desk.now())
        except Unauthorized:
            raise Failed(10, UNAUTHORIZED) from None
        self._desk.feeds.own(self.account, self)
        self._confirm(tag)
        self._desk.feeds.remind(self.account, self)

    def _entities(self, body: dict[str, Any], tag: str) -> None:
        at = self._desk.now()
        rows = [each.row(at) for each in self._desk.exchange.listed.values() if not each.legs]
        told = {"server_utc_timestamp": shapes.stamp(at), "user_tag": tag, "symbols": rows}
        self.send("entities_and_rules_response", told, "query")

    def _subscribe(self, body: dict[str, Any], tag: str) -> None:
        listed, kind = self._wanted(body)
        interval = _interval(body, kind)
        key = (listed.symbol, kind)
        if key in self.subscriptions:
            raise Failed(5, "add subscription failed, already subscribed")
        if len(self.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Failed(5, "add subscription failed, too many subscriptions")
        self.subscriptions.add(key)
        self._confirm(tag)
        self._desk.feeds.join(listed, kind, interval, self)

    def _unsubscribe(self, body: dict[str, Any], tag: str) -> None:
        listed, kind = self._wanted(body)
        key = (listed.symbol, kind)
        if key not in self.subscriptions:
            raise Failed(15 if kind == TRADES else 6, "remove subscription failed, not subscribed")
        self.subscriptions.remove(key)
        self._desk.feeds.leave(listed.symbol, kind, self)
        self._confirm(tag)

    def _register(self, body: dict[str, Any], tag: str) -> None:
        self._confirm(tag)
        self._desk.feeds.show_interests(self)

    def _deregister(self, body: dict[str, Any], tag: str) -> None:
        self._desk.feeds.hide_interests(self)
        self._confirm(tag)

    # --- what needs a key -----------------------------------------------------------------------------------------

    def _new_order(self, account: Account, body: dict[str, Any], tag: str) -> None:
        try:
            self._desk.create(account, body, "ws")
        except Rejected as rejected:
            self.send("order_rejected", shapes.rejected(rejected, self._desk.now()), "refusal")

    def _new_bulk_order(self, account: Account, body: dict[str, Any], tag: str) -> None:
        orders = body.get("orders")
        if not isinstance(orders, list) or not orders or len(orders) > BULK_MAX:
            raise Failed(12, f"error parsing new order request, expected a list of 1 to {BULK_MAX} orders")
        named = [each.get("client_order_id") if isinstance(each, dict) else None for each in orders]
        if not all(isinstance(each, str) for each in named):
            raise Failed(12, "error parsing new order request, client_order_id: expected a text")
        results = [{"client_order_id": each, "order_state": "pending_new"} for each in named]
        self.send("new_bulk_order_response", {"user_tag": tag, "results": results}, "ack")
        for each in orders:
            try:
                self._desk.create(account, each, "ws")
            except (Rejected, Failed) as no:
                # Of an order that cannot be read nothing but its id is sure to be of use.
                reason, said = ("invalid_fields", {}) if isinstance(no, Failed) else (no.reason, no.said)
                told = {"client_order_id": each["client_order_id"], **said}
                self.send("order_rejected", shapes.rejected(Rejected(reason, told), self._desk.now()), "refusal")

    def _cancel(self, account: Account, body: dict[str, Any], tag: str) -> None:
        order_id, client_order_id = chosen_order(body)
        order, reason = self._desk.cancel(account, order_id, client_order_id, "ws")
        if reason == USER_CANCELLED:
            return  # everybody who hears of the account's orders was told, this client among them
        at = self._desk.now()
        if order is not None:
            self.send("cancel_order", shapes.cancelled(order, reason, at), "refusal")
            return
        told = {"server_utc_timestamp": shapes.stamp(at), "utc_timestamp": shapes.stamp(at), "order_id": order_id}
        self.send("cancel_order", {**told, "client_order_id": client_order_id, "reason": reason}, "refusal")

    def _cancel_all(self, account: Account, body: dict[str, Any], tag: str) -> None:
        listed, orders = self._desk.chosen(account, body.get("symbol"), body.get("tradeable_entity_id"))
        now = shapes.stamp(self._desk.now())
        reason = "success" if orders else NO_OPEN_ORDERS
        told: shapes.Message = {"server_utc_timestamp": now, "timestamp": now, "user_tag": tag, "reason": reason}
        told["results"] = [
            {"client_order_id": order.client_order_id, "order_state": "pending_cancel"} for order in orders
        ]
        if listed is not None:
            told |= shapes.named(listed)
        self.send("cancel_all_orders_response", told, "ack")
        self._desk.cancel_all(account, orders, "ws")

    def _refresh(self, account: Account, body: dict[str, Any], tag: str) -> None:
        order_id, client_order_id = chosen_order(body)
        reason = self._desk.refresh(account, order_id, client_order_id)
        told = {"server_utc_timestamp": shapes.stamp(self._desk.now()), "order_id": order_id}
        told |= {"client_order_id": client_order_id, "user_tag": tag, "reason": reason}
        self.send("refresh_response", told, "ack")

    def _positions(self, account: Account, body: dict[str, Any], tag: str) -> None:
        at, exchange = self._desk.now(), self._desk.exchange
        rows = exchange.holdings.positions(account, exchange.markets, at)
        told = {"server_utc_timestamp": shapes.stamp(at), "user_tag": tag, "positions": rows}
        self.send("positions_response", told, "query")

    def _balances(self, account: Account, body: dict[str, Any], tag: str) -> None:
        at, exchange = self._desk.now(), self._desk.exchange
        rows = exchange.holdings.balances(account, exchange.open_orders(account), at)
        told = {"server_utc_timestamp": shapes.stamp(at), "user_tag": tag, "balances": rows}
        self.send("balances_response", told, "query")

    def _history(self, account: Account, body: dict[str, Any], tag: str) -> None:
        count, since = (_said(body, name) for name in ("trade_count", "trade_time"))
        rows = [shapes.history_row(each) for each in self._desk.history(account, count, since)]
        told = {"server_utc_timestamp": shapes.stamp(self._desk.now()), "user_tag": tag, "executions": rows}
        self.send("trade_history_response", told, "query")

    # --- what they share ------------------------------------------------------------------------------------------

    def _confirm(self, tag: str) -> None:
        self.send("command_response", shapes.reply(0, "", tag), "control")

    def _wanted(self, body: dict[str, Any]) -> tuple[Listed, str]:
        """The instrument and the type of a subscription."""
        kind, exchange = body.get("type"), self._desk.exchange
        if kind not in TYPES or not isinstance(kind, str):
            raise Failed(3, "invalid subscription type")
        if body.get("market_id", "0") != "0":
            raise Failed(16, "invalid parameters, market_id: expected 0")
        symbol, entity_id = (_said(body, name) for name in ("symbol", "tradeable_entity_id"))
        if not symbol and not entity_id:
            raise Failed(1, "invalid symbol")
        found = {exchange.by_symbol(symbol)} if symbol else set()
        found |= {exchange.by_id(entity_id)} if entity_id else set()
        listed = found.pop()
        if listed is None or found:
            raise Failed(4, "symbol not found")
        return listed, kind


def chosen_order(body: dict[str, Any]) -> tuple[str, str]:
    """The two ids by which a request may name an order; one of them is there.

    Raises:
        Failed: neither is, or the venue's is no number.
    """
    order_id, client_order_id = (_said(body, name) for name in ("order_id", "client_order_id"))
    if order_id and not order_id.isdecimal():
        raise Failed(16, "optional exchange order_id must be numeric")
    if not order_id and not client_order_id:
        raise Failed(16, "invalid parameters, expected order_id or client_order_id")
    return order_id, client_order_id


def _message(frame: str | bytes) -> tuple[str, dict[str, Any]]:
    """The name and the body of a frame."""
    if isinstance(frame, bytes):
        raise Failed(16, "invalid parameters, expected a text frame")
    try:
        found = strict_json(checked(frame, SIZE_MAX))
    except (BadMessage, RecursionError):
        raise Failed(16, "invalid parameters, expected JSON in which each key is said once") from None
    if not isinstance(found, dict) or len(found) != 1:
        raise Failed(16, "invalid parameters, expected an object with exactly one key")
    name, body = next(iter(found.items()))
    if not isinstance(body, dict):
        raise Failed(16, f"invalid parameters, {name[:40]}: expected an object")
    return name, body


def _said(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Failed(16, f"invalid parameters, {name}: expected a text")
    return value


def _interval(body: dict[str, Any], kind: str) -> int:
    """Milliseconds between two messages of a book."""
    if kind == TRADES:
        return 0
    said = _said(body, "interval")
    interval = int(said) if said.isdecimal() and len(said) < 10 else -1
    right = interval == 0 if kind == FULL else interval > 0 and interval % 100 == 0
    if not right:
        raise Failed(2, "invalid interval")
    return interval
