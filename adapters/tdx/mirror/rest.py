"""The REST side: one request in, one answer out. No socket, no task.

Paths are taken with and without the prefix ``/api/rest/v1``. Proof is a bearer token or a signed request; pairs and
instruments need one as everything but the login does.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.local.house import HttpAnswer, HttpRequest
from tickwright.adapters.strict import checked, strict_json
from tickwright.adapters.tdx.mirror import assumed, shapes
from tickwright.adapters.tdx.mirror.accounts import Account
from tickwright.adapters.tdx.mirror.desk import Desk
from tickwright.adapters.tdx.mirror.orders import Refused, as_of, forbidden, invalid, missing
from tickwright.adapters.tdx.mirror.paging import Query, one_page
from tickwright.adapters.tdx.mirror.tokens import SignedRequest, bearer
from tickwright.adapters.tdx.rest import LOGIN_PATH
from tickwright.adapters.tdx.signing import SCHEME
from tickwright.adapters.tdx.wire import SIZE_MAX

PREFIX: Final = "/api/rest/v1"
_ID: Final = r"([0-9a-zA-Z-]{1,64})"


_STATUSES: Final = {404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}


def json_answer(status: int, value: object, headers: tuple[tuple[str, str], ...] = ()) -> HttpAnswer:
    return HttpAnswer(status=status, body=shapes.text(value).encode(), headers=headers)


def http_refusal(status: int, message: str) -> HttpAnswer:
    """An answer that no route gave."""
    named = _STATUSES.get(status, "INVALID_ARGUMENT" if status < 500 else "UNKNOWN")
    reason = {"INVALID_ARGUMENT": "INVALID_ARGUMENTS", "NOT_FOUND": "RESOURCE_NOT_FOUND"}.get(named, named)
    return json_answer(status, shapes.rest_refusal(Refused(status, named, reason, message)))


def bare_path(path: str) -> str:
    """A path without its prefix, however often it was put before it, and without a slash at its end."""
    while path.startswith(PREFIX + "/"):
        path = path.removeprefix(PREFIX)
    return path.rstrip("/") or "/"


def request_kind(request: HttpRequest) -> str:
    """What a request is about, for fault scripts."""
    path = bare_path(request.path)
    if path == LOGIN_PATH:
        return "login"
    if path in assumed.REFRESH_PATHS:
        return "refresh"
    if request.method == "POST" and path == "/orders":
        return "new"
    return "cancel" if request.method == "DELETE" else "query"


class Rest:
    """The routes of one venue."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._shapes = shapes.Shapes(desk.options)
        orders = rf"/orders/by-sub-account/{_ID}"
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., object]]] = [
            (method, re.compile(path), handler)
            for method, path, handler in (
                ("GET", r"/sub-accounts/mine", self._sub_accounts),
                ("GET", rf"/sub-accounts/{_ID}", self._sub_account),
                ("GET", r"/users/me", self._user),
                ("GET", r"/client-accounts/mine", self._client_accounts),
                ("GET", r"/instruments", self._instruments),
                ("GET", r"/pairs", self._pairs),
                ("POST", r"/orders", self._create),
                ("GET", orders, self._orders),
                ("DELETE", rf"{orders}/by-pair/{_ID}", self._cancel_pair),
                ("GET", rf"{orders}/{_ID}", self._order),
                ("DELETE", rf"{orders}/{_ID}", self._cancel),
                ("GET", r"/trades", self._trades),
                ("GET", rf"/trades/{_ID}", self._trade),
                ("GET", r"/balances", self._balances),
                ("GET", rf"/balances/{_ID}", self._balance),
            )
        ]

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Carry out one request, or say why not; never raises."""
        try:
            return json_answer(200, self._result(request))
        except Refused as refused:
            return json_answer(refused.code, shapes.rest_refusal(refused))

    def _result(self, request: HttpRequest) -> object:
        path = bare_path(request.path)
        if path == LOGIN_PATH or path in assumed.REFRESH_PATHS:
            if request.method != "POST":
                raise Refused(405, "INVALID_ARGUMENT", "INVALID_ARGUMENTS", "expected POST")
            tokens = self._desk.tokens
            grant = tokens.login if path == LOGIN_PATH else tokens.refresh
            return {"result": shapes.grant(grant(_json(request), self._desk.now()))}
        account = self._account(request)
        known = False
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            known = True
            if method == request.method:
                return handler(account, request, *match.groups())
        if known:
            raise Refused(405, "INVALID_ARGUMENT", "INVALID_ARGUMENTS", f"{request.method[:20]} is not for this path")
        raise missing("no such path")

    def _account(self, request: HttpRequest) -> Account:
        at = self._desk.now()
        header = request.headers.get("authorization", "")
        if not header.startswith(SCHEME):
            return self._desk.tokens.account(bearer(request.headers), at)[0]
        signed = SignedRequest(
            method=request.method,
            host=request.headers.get("host", ""),
            path=request.path,
            query=request.query_text,
            content_type=request.headers.get("content-type", ""),
            body=request.body,
        )
        return self._desk.tokens.signed(header, signed, at)

    # --- who and what ---------------------------------------------------------------------------------------------

    def _sub_accounts(self, account: Account, request: HttpRequest) -> object:
        return self._page(request, [(1, shapes.sub_account(account))])

    def _sub_account(self, account: Account, request: HttpRequest, sub_account_id: str) -> object:
        _check_owner(account, sub_account_id)
        return {"result": shapes.sub_account(account)}

    def _user(self, account: Account, request: HttpRequest) -> object:
        return {"result": {"id": account.user_id, "username": account.username, "type": "FRONT_OFFICE"}}

    def _client_accounts(self, account: Account, request: HttpRequest) -> object:
        return self._page(request, [(1, {"id": account.client_account_id, "name": account.username})])

    def _instruments(self, account: Account, request: HttpRequest) -> object:
        assets = self._desk.exchange.assets.values()
        return self._page(request, enumerate((shapes.instrument(asset) for asset in assets), 1))

    def _pairs(self, account: Account, request: HttpRequest) -> object:
        pairs = self._desk.exchange.pairs.values()
        return self._page(request, enumerate((shapes.pair(pair) for pair in pairs), 1))

    # --- orders ---------------------------------------------------------------------------------------------------

    def _create(self, account: Account, request: HttpRequest) -> object:
        data = _json(request)
        if isinstance(data, dict):
            named = data.get("subAccountId")
            if not isinstance(named, str):
                raise invalid("subAccountId: expected a text")
            _check_owner(account, named)
        order = self._desk.create(account, data, "rest", None)
        return {"result": self._shapes.order(order)}

    def _orders(self, account: Account, request: HttpRequest, sub_account_id: str) -> object:
        _check_owner(account, sub_account_id)
        exchange = self._desk.exchange
        found = exchange.live if self._desk.options.orders_list == "open" else exchange.orders
        mine = [order for order in found.values() if order.account is account]
        if self._desk.options.list_lag_ns:
            until = self._desk.now() - self._desk.options.list_lag_ns
            mine = [as_of(order, until) for order in mine if order.created <= until]
        return self._page(request, ((order.number, order) for order in mine), self._shapes.order)

    def _order(self, account: Account, request: HttpRequest, sub_account_id: str, order_id: str) -> object:
        _check_owner(account, sub_account_id)
        return {"result": self._shapes.order(self._desk.exchange.find(account, order_id))}

    def _cancel(self, account: Account, request: HttpRequest, sub_account_id: str, order_id: str) -> object:
        _check_owner(account, sub_account_id)
        return {"result": self._shapes.order(self._desk.cancel(account, order_id, "", "rest"))}

    def _cancel_pair(self, account: Account, request: HttpRequest, sub_account_id: str, pair_id: str) -> object:
        _check_owner(account, sub_account_id)
        if pair_id not in self._desk.exchange.pairs:
            raise missing(f"unknown pair {pair_id}")
        ended = [
            self._desk.cancel(account, order.id, "", "rest")
            for order in self._desk.exchange.open_orders(account)
            if order.pair.id == pair_id
        ]
        return {"result": [self._shapes.order(order) for order in ended]}

    # --- trades and balances --------------------------------------------------------------------------------------

    def _trades(self, account: Account, request: HttpRequest) -> object:
        self._check_filter(account, request, assumed.TRADES_FILTER)
        mine = [each for each in self._desk.exchange.executions if each.order.account is account]
        return self._page(request, ((each.number, each) for each in mine), self._shapes.execution)

    def _trade(self, account: Account, request: HttpRequest, trade_id: str) -> object:
        for each in self._desk.exchange.executions:
            if each.id == trade_id and each.order.account is account:
                return {"result": self._shapes.execution(each)}
        raise missing("trade is not known")

    def _balances(self, account: Account, request: HttpRequest) -> object:
        self._check_filter(account, request, assumed.BALANCES_FILTER)
        return self._page(request, enumerate(self._held(account), 1))

    def _balance(self, account: Account, request: HttpRequest, balance_id: str) -> object:
        for row in self._held(account):
            if row["id"] == balance_id:
                return {"result": row}
        raise missing("balance is not known")

    def _held(self, account: Account) -> list[dict[str, str]]:
        assets = self._desk.exchange.assets
        return [shapes.long_balance(account, asset, account.holding(symbol)) for symbol, asset in assets.items()]

    def _check_filter(self, account: Account, request: HttpRequest, names: Sequence[str]) -> None:
        """The required filter by sub-account: named, and the caller's own."""
        query = _query(request)
        given = [part for name in names for value in query.get(name, []) for part in value.split(",")]
        if not given:
            raise invalid(f"{names[0]}: expected the id of a sub-account")
        for sub_account_id in given:
            _check_owner(account, sub_account_id)

    def _page(
        self,
        request: HttpRequest,
        rows: Iterable[tuple[int, Any]],
        shape: Callable[[Any], object] = lambda row: row,
    ) -> object:
        """One page of rows that come with their numbers."""
        page, cursors = one_page(_query(request), rows)
        return self._shapes.listed([shape(row) for row in page], cursors)


def _check_owner(account: Account, sub_account_id: str) -> None:
    if sub_account_id != account.sub_account_id:
        raise forbidden("the sub-account is not yours")


def _json(request: HttpRequest) -> object:
    try:
        return strict_json(checked(request.body, SIZE_MAX))
    except BadMessage as error:
        raise invalid(f"{error.field}: expected {error.expected}, got {error.received}") from None


def _query(request: HttpRequest) -> Query:
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(request.query_text, keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        raise invalid("query: expected names and values in UTF-8") from None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
