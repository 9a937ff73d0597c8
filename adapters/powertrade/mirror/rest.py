"""The REST side: one request in, one answer out. No socket, no task."""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.local.house import HttpAnswer, HttpRequest
from tickwright.adapters.powertrade.mirror import shapes
from tickwright.adapters.powertrade.mirror.client import SIZE_MAX, check_texts, chosen_order
from tickwright.adapters.powertrade.mirror.desk import NO_OPEN_ORDERS, Desk
from tickwright.adapters.powertrade.mirror.entry import unreadable
from tickwright.adapters.powertrade.mirror.keys import UNAUTHORIZED, Account, Unauthorized
from tickwright.adapters.powertrade.mirror.orders import Failed, Order, Rejected, live_at
from tickwright.adapters.strict import checked, strict_json

PREFIX: Final = "/v1/api"
UNAUTHORIZED_CODE: Final = 14
_CREDENTIALS: Final = "credentials_secret"

Query = dict[str, str]
Answer = tuple[str, object]


def json_answer(status: int, value: object, headers: tuple[tuple[str, str], ...] = ()) -> HttpAnswer:
    return HttpAnswer(status=status, body=json.dumps(value, separators=(",", ":")).encode(), headers=headers)


def http_refusal(status: int, message: str) -> HttpAnswer:
    """An answer that no route gave."""
    code = {401: UNAUTHORIZED_CODE, 403: UNAUTHORIZED_CODE}.get(status, 16 if status < 500 else 8)
    return json_answer(status, {"error": {"error_code": str(code), "message": message}})


def request_kind(request: HttpRequest) -> str:
    """What a request is about, for fault scripts."""
    if request.method == "DELETE":
        return "cancel"
    return "new" if request.method == "POST" and request.path.rstrip("/") == f"{PREFIX}/order" else "query"


class Rest:
    """The routes of one venue."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._public: dict[tuple[str, str], Callable[[Query], object]] = {
            ("GET", "/time"): self._time,
            ("GET", "/exchangeInfo"): self._instruments,
            ("GET", "/deliverableInfo"): self._deliverables,
            ("GET", "/orderbook"): self._orderbook,
        }
        self._private: dict[tuple[str, str], Callable[[Account, Query], object]] = {
            ("GET", "/order"): self._order,
            ("DELETE", "/order"): self._cancel,
            ("DELETE", "/allOrders"): self._cancel_all,
            ("GET", "/openOrders"): self._open_orders,
            ("GET", "/positions"): self._positions,
            ("GET", "/balances"): self._balances,
            ("GET", "/balance"): self._balances,
            ("POST", "/refreshInterest"): self._refresh,
        }

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Carry out one request, or say why not; never raises."""
        path = request.path.removeprefix(PREFIX).rstrip("/")
        route = (request.method, path)
        try:
            query = dict(parse_qsl(request.query_text, keep_blank_values=True, max_num_fields=100))
            if route in self._public:
                return json_answer(200, self._public[route](query))
            account = self._account(request)
            if route == ("POST", "/order"):
                return json_answer(200, self._create(account, query, request.body))
            if route in self._private:
                return json_answer(200, self._private[route](account, _with_body(query, request.body)))
            return http_refusal(404, f"unknown path {request.method} {request.path[:100]}")
        except Unauthorized:
            return http_refusal(401, UNAUTHORIZED)
        except Failed as failed:
            return json_answer(400, {"error": {"error_code": str(failed.code), "message": failed.text}})
        except ValueError as error:
            return http_refusal(400, f"invalid parameters, {error}")

    def _account(self, request: HttpRequest) -> Account:
        return self._desk.keys.account(request.headers.get(_CREDENTIALS), self._desk.now())

    # --- public ---------------------------------------------------------------------------------------------------

    def _time(self, query: Query) -> object:
        return {"server_utc_timestamp": shapes.stamp(self._desk.now())}

    def _instruments(self, query: Query) -> object:
        at = self._desk.now()
        rows = [each.row(at) for each in self._desk.exchange.listed.values() if not each.legs]
        return {"entities_and_rules_response": {"server_utc_timestamp": shapes.stamp(at), "symbols": rows}}

    def _deliverables(self, query: Query) -> object:
        wanted = query.get("deliverable_id", "")
        rows = [
            {"symbol": symbol, "deliverable_id": str(number)}
            for symbol, number in self._desk.exchange.holdings.deliverables.items()
            if wanted in ("", str(number))
        ]
        return {"deliverables_response": {"server_utc_timestamp": shapes.stamp(self._desk.now()), "deliverables": rows}}

    def _orderbook(self, query: Query) -> object:
        exchange = self._desk.exchange
        symbol, entity_id = query.get("symbol", ""), query.get("tradeable_entity_id", "")
        listed = exchange.by_symbol(symbol) if symbol else exchange.by_id(entity_id)
        if listed is None:
            raise Failed(4, "symbol not found")
        depth = query.get("depth", "")
        if depth and (not depth.isdecimal() or not 0 < int(depth[:9]) == int(depth)):
            raise Failed(16, "invalid parameters, depth: expected a number of levels")
        market = exchange.markets[listed.symbol]
        sides = {
            name: [shapes.level(listed, *each) for each in market.levels(side)[: int(depth) if depth else None]]
            for name, side in (("buy", 1), ("sell", -1))
        }
        told = {"server_utc_timestamp": shapes.stamp(self._desk.now()), "symbol": listed.symbol}
        return {"orderbook_response": {**told, **sides}}

    # --- private --------------------------------------------------------------------------------------------------

    def _create(self, account: Account, query: Query, body: bytes) -> object:
        told: dict[str, Any] = _body(body) if body.strip() else dict(query)
        data = told.get("new_order", told)
        check_texts(data)
        if not isinstance(data, dict):
            raise unreadable("expected an object")
        try:
            order = self._desk.create(account, data, "rest")
        except Rejected as rejected:
            return {"order_rejected": shapes.rejected(rejected, self._desk.now())}
        return {"order_accepted": shapes.accepted(order, order.created)}

    def _order(self, account: Account, query: Query) -> object:
        order = self._desk.exchange.find(account, *chosen_order(query))
        if order is None:
            return {"query_order_response": {"error": "failed", "reason": shapes.UNKNOWN}}
        now: shapes.Message = {"utc_timestamp": shapes.stamp(self._desk.now())}
        return {"query_order_response": now | shapes.order_info(order)}

    def _cancel(self, account: Account, query: Query) -> object:
        order_id, client_order_id = chosen_order(query)
        order, reason = self._desk.cancel(account, order_id, client_order_id, "rest")
        now = shapes.stamp(self._desk.now())
        if order is None:
            told = {"order_id": order_id, "client_order_id": client_order_id, "timestamp": now, "reason": reason}
            return {"cancel_order_response": told}
        body = shapes.cancelled(order, reason, self._desk.now())
        del body["server_utc_timestamp"], body["utc_timestamp"]
        return {"cancel_order_response": body | {"timestamp": now}}

    def _cancel_all(self, account: Account, query: Query) -> object:
        listed, orders = self._desk.chosen(account, query.get("symbol"), query.get("tradeable_entity_id"))
        told: shapes.Message = {
            "timestamp": shapes.stamp(self._desk.now()),
            "reason": "success" if orders else NO_OPEN_ORDERS,
            "user_tag": "",
            "results": [
                {"client_order_id": order.client_order_id, "order_state": "pending_cancel"} for order in orders
            ],
        }
        self._desk.cancel_all(account, orders, "rest")
        return {"cancel_all_orders_response": told | (shapes.named(listed) if listed else {})}

    def _open_orders(self, account: Account, query: Query) -> object:
        exchange, lag = self._desk.exchange, self._desk.options.list_lag_ns
        found: list[Order] = exchange.open_orders(account)
        if lag:
            mine = (order for order in exchange.orders.values() if order.account is account)
            found = [each for order in mine if (each := live_at(order, self._desk.now() - lag)) is not None]
        rows = [shapes.order_info(order) for order in found]
        now = shapes.stamp(self._desk.now())
        return {"query_open_orders_response": {"utc_timestamp": now, "open_orders": rows}}

    def _positions(self, account: Account, query: Query) -> object:
        at, exchange = self._desk.now(), self._desk.exchange
        rows = exchange.holdings.positions(account, exchange.markets, at)
        return {"positions_response": {"server_utc_timestamp": shapes.stamp(at), "positions": rows}}

    def _balances(self, account: Account, query: Query) -> object:
        exchange = self._desk.exchange
        orders = exchange.open_orders(account)
        return {"balance_response": exchange.holdings.balances(account, orders, self._desk.now())}

    def _refresh(self, account: Account, query: Query) -> object:
        order_id, client_order_id = chosen_order(query)
        reason = self._desk.refresh(account, order_id, client_order_id)
        now = shapes.stamp(self._desk.now())
        told = {"order_id": order_id, "client_order_id": client_order_id, "timestamp": now, "reason": reason}
        return {"refresh_response": told}


def _body(body: bytes) -> dict[str, Any]:
    try:
        found = strict_json(checked(body, SIZE_MAX))
    except (BadMessage, RecursionError):
        raise unreadable("expected JSON in which each key is said once") from None
    if not isinstance(found, dict):
        raise unreadable("expected an object")
    return found


def _with_body(query: Query, body: bytes) -> Query:
    """Parameters of a query, or where there are none those of a JSON body, with or without a name around them."""
    if query or not body.strip():
        return query
    found = _body(body)
    if len(found) == 1 and isinstance(inner := next(iter(found.values())), dict):
        found = inner
    check_texts(found)
    return {name: value for name, value in found.items() if isinstance(value, str)}
