"""Bodies of REST requests and answers, without the requests: who sends them, and with what proof, is not known here.

Answers come as ``{"result": ...}``, ``{"items": [...]}``, a bare array or a bare object, with a cursor of the next page
beside; all four are read. Orders and fills have the same fields as on the socket.
"""

from typing import Any, Final

from attrs import field, frozen
from msgspec import Struct

from tickwright.adapters.bad_message import BadMessage, shown
from tickwright.adapters.decimals import amount
from tickwright.adapters.strict import checked, strict_json, typed
from tickwright.adapters.tdx import assumed
from tickwright.adapters.tdx.codec import Codec
from tickwright.adapters.tdx.fields import moment
from tickwright.adapters.tdx.messages import BalanceStated, OrderStated, Place, Refused, TradeStated
from tickwright.adapters.tdx.own import balance_stated, order_stated, trade_stated
from tickwright.adapters.tdx.wire import SIZE_MAX, Id, Stamp, Text, Token
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument

LOGIN_PATH: Final = "/users/authentication/login"
PAGE_MAX: Final = 500
_REASON: Final = "reason"


class _Login(Struct, rename="camel"):
    access_token: Token
    refresh_token: Token
    access_expires_at: Stamp
    session_expires_at: Stamp


class _Asset(Struct, rename="camel"):
    id: Id
    symbol: Text
    decimals: int | None = None


class _Pair(Struct, rename="camel"):
    id: Id
    symbol: Text | None = None
    name: Text | None = None
    base_instrument_id: Text | None = None
    quote_instrument_id: Text | None = None
    price_ticks: Text | None = None
    quantity_ticks: Text | None = None
    min_order_quantity: Text | None = None
    max_order_quantity: Text | None = None


@frozen(kw_only=True)
class Session:
    """What a login gives; times in nanoseconds UTC. The tokens are in no `repr`."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_ends: int
    session_ends: int


@frozen(kw_only=True)
class Asset:
    """One asset, which balances name by `id`."""

    id: str
    symbol: str


@frozen(kw_only=True)
class Page:
    """Some entries of a list, and the cursor of those that follow (empty on the last page)."""

    entries: tuple[object, ...]
    next_cursor: str


def login_body(username: str, password: str, code: str = "", device_id: str = "") -> dict[str, str]:
    """A login; `code` is the one-time code where the account has two factors."""
    body = {"username": username, "password": password, "challenge": code, "deviceId": device_id}
    return {name: value for name, value in body.items() if value}


def refresh_body(refresh_token: str) -> dict[str, str]:
    return {"refreshToken": refresh_token}


def order_body(codec: Codec, sub_account_id: str, order: Place) -> dict[str, str]:
    """A new order."""
    return {"subAccountId": sub_account_id, **codec.order_body(order)}


def read_session(body: bytes) -> Session:
    """The answer to a login or a refresh.

    Raises:
        BadMessage: a field is missing or of a wrong type; no value of it is shown.
    """
    told = typed(_one(body), _Login, "login")
    return Session(
        access_token=told.access_token,
        refresh_token=told.refresh_token,
        access_ends=moment(told.access_expires_at, "d.accessExpiresAt", "login"),
        session_ends=moment(told.session_expires_at, "d.sessionExpiresAt", "login"),
    )


def read_page(body: bytes) -> Page:
    """One page of a list, its entries still as JSON."""
    answer = strict_json(checked(body, SIZE_MAX))
    entries: object = answer
    cursor: object = ""
    if isinstance(answer, dict):
        if answer.get("error"):
            raise BadMessage("error", "none", shown(answer["error"]), "REST")
        entries = answer.get("result", answer.get("items", answer))
        cursor = _inside(answer, "pagination", "cursors", "next")
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list):
        raise BadMessage("result", "an array or an object", shown(entries), "REST")
    if cursor is None:
        cursor = ""
    if not isinstance(cursor, str):
        raise BadMessage("pagination.cursors.next", "a text", shown(cursor), "REST")
    return Page(entries=tuple(entries), next_cursor=cursor)


def read_orders(page: Page) -> list[OrderStated]:
    return [order_stated(entry, "orders") for entry in page.entries]


def read_trades(page: Page) -> list[TradeStated]:
    return [trade_stated(entry, "trades") for entry in page.entries]


def read_balances(page: Page) -> list[BalanceStated]:
    return [balance_stated(entry, "balances") for entry in page.entries]


def read_assets(page: Page) -> list[Asset]:
    found = [typed(entry, _Asset, "instruments") for entry in page.entries]
    return [Asset(id=asset.id, symbol=asset.symbol) for asset in found]


def read_pairs(page: Page, assets: list[Asset], venue: str) -> dict[str, Instrument]:
    """The venue's pairs as instruments, by the venue's id of each.

    A pair whose symbol or grid is not stated, or whose grid is none, is left out: nothing is traded on a guess.
    """
    symbols = {asset.id: asset.symbol for asset in assets}
    found: dict[str, Instrument] = {}
    for entry in page.entries:
        pair = typed(entry, _Pair, "pairs")
        base, quote = symbols.get(pair.base_instrument_id or ""), symbols.get(pair.quote_instrument_id or "")
        symbol = pair.symbol or pair.name or (f"{base}/{quote}" if base and quote else "")
        if "/" not in symbol or pair.price_ticks is None or pair.quantity_ticks is None:
            continue
        try:
            found[pair.id] = _instrument(f"{symbol}.{venue}", pair.price_ticks, pair.quantity_ticks, pair)
        except UnitError:
            continue
    return found


def read_refusal(body: bytes, http_status: int) -> Refused:
    """Why a request was refused; a body that says nothing useful leaves the status alone to speak."""
    try:
        answer = strict_json(checked(body, SIZE_MAX))
    except BadMessage:
        answer = None
    said: dict[str, Any] = answer if isinstance(answer, dict) else {}
    texts = [said[key] for key in assumed.FAILURE_TEXTS if isinstance(said.get(key), str)]
    status = said.get("status")
    return Refused(
        topic="",
        name=f"HTTP {http_status}",
        code=http_status,
        status=status if isinstance(status, str) else "",
        reason=_reason(said),
        text=texts[0] if texts else "",
    )


def _instrument(name: str, tick: str, lot: str, pair: _Pair) -> Instrument:
    base, quote = name.rpartition(".")[0].split("/", 1)
    largest = pair.max_order_quantity
    return Instrument(
        id=name,
        tick_size=amount(tick, "d.priceTicks", "pairs"),
        lot_size=amount(lot, "d.quantityTicks", "pairs"),
        base=base,
        quote=quote,
        min_qty=amount(pair.min_order_quantity or "0", "d.minOrderQuantity", "pairs"),
        max_qty=None if largest is None else amount(largest, "d.maxOrderQuantity", "pairs"),
    )


def _reason(said: dict[str, Any]) -> str:
    """The venue's reason code: its place is not documented, so `reason` and then each detail are looked at."""
    details = said.get("details")
    places = [said, *(details if isinstance(details, list) else [])]
    for place in places:
        reason = place.get(_REASON) if isinstance(place, dict) else place
        if isinstance(reason, str):
            return reason
    return ""


def _one(body: bytes) -> object:
    answer = strict_json(checked(body, SIZE_MAX))
    return answer["result"] if isinstance(answer, dict) and "result" in answer else answer


def _inside(value: object, *path: str) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
