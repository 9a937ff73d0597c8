"""What the venue says, as JSON values: books, trades, orders, balances, lists; spelled as the switches ask."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from tickwright.adapters.tdx.mirror import assumed
from tickwright.adapters.tdx.mirror.accounts import Account, Holding
from tickwright.adapters.tdx.mirror.listing import Asset, Pair, stable_id
from tickwright.adapters.tdx.mirror.options import Options
from tickwright.adapters.tdx.mirror.orders import MARKET, Execution, Order, PublicTrade, Refused
from tickwright.adapters.tdx.mirror.tokens import Grant
from tickwright.engine.money import plain
from tickwright.engine.times import as_text

LISTED_AT = "2023-01-01T00:00:00Z"
_SIDES = {1: "BUY", -1: "SELL"}


def text(value: object) -> str:
    """A JSON value as it goes over the wire."""
    return json.dumps(value, separators=(",", ":"))


def frame(event: str, topic: str = "", data: object = None) -> str:
    """One message to a client; what is empty is left out."""
    message: dict[str, object] = {"e": event}
    if topic:
        message["t"] = topic
    if data is not None:
        message["d"] = data
    return text(message)


def moment(at: int) -> str:
    """RFC 3339 in UTC to the millisecond."""
    return as_text(at)[:-7] + "Z"


class Shapes:
    """The shapes of one venue, by its options."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._statuses = assumed.STATUSES[options.status_style]

    def levels(self, pair: Pair, levels: Iterable[tuple[int, int]]) -> list[list[str]]:
        """Levels of one side, given best first or in any order, as [price, quantity]."""
        instrument = pair.instrument
        rows = sorted(levels, reverse=self._options.book_order == "descending")
        return [[plain(instrument.price(ticks)), plain(instrument.qty(lots))] for ticks, lots in rows]

    def public_trade(self, trade: PublicTrade) -> dict[str, Any]:
        told: dict[str, Any] = {
            "d": trade.at // 1_000_000 * (1_000_000 if self._options.legacy_ns else 1),
            "p": plain(trade.pair.instrument.price(trade.ticks)),
            "q": plain(trade.pair.instrument.qty(trade.lots)),
            "i": trade.id,
        }
        if self._options.legacy_ns:
            told["i"] = base64.b64encode(hashlib.sha256(trade.id.encode()).digest()).decode()
        if not (self._options.legacy_ns or self._options.omit_aggressor):
            told["a"] = _SIDES[trade.side]
        return told

    def order(self, order: Order) -> dict[str, Any]:
        account = order.account
        assert account is not None
        instrument = order.pair.instrument
        told: dict[str, Any] = {
            "id": order.id,
            "subAccountId": account.sub_account_id,
            "userId": account.user_id,
            "pairId": order.pair.id,
            "clientOrderId": order.client_order_id,
            "side": f"SIDE_{_SIDES[order.side]}",
            "quantity": plain(instrument.qty(order.lots)),
            "executedQuantity": plain(instrument.qty(order.executed)),
            "price": plain(instrument.price(order.ticks)),
            "status": self._statuses[order.status],
            "type": order.kind,
            "symbol": order.pair.symbol,
            "timeInForce": order.time_in_force,
            "createdAt": moment(order.created),
            "updatedAt": moment(order.updated),
        }
        if order.kind == MARKET:
            del told["price"]
        return told

    def execution(self, execution: Execution) -> dict[str, Any]:
        order = execution.order
        account, instrument = order.account, order.pair.instrument
        assert account is not None
        return {
            "id": execution.id,
            "orderId": order.id,
            "pairId": order.pair.id,
            "subAccountId": account.sub_account_id,
            "clientAccountId": account.client_account_id,
            "userId": account.user_id,
            "side": f"SIDE_{_SIDES[order.side]}",
            "quantity": plain(instrument.qty(execution.lots)),
            "originalQuantity": plain(instrument.qty(order.lots)),
            "cumulativeQuantity": plain(instrument.qty(execution.cumulative)),
            "price": plain(instrument.price(execution.ticks)),
            "grossAmount": plain(execution.gross),
            "transactionFee": plain(execution.fee),
            "swissStampTax": plain(execution.tax),
            "executedAt": moment(execution.at),
            "isTaker": execution.taker,
        }

    def listed(self, rows: Sequence[object], cursors: dict[str, str]) -> dict[str, Any]:
        """One page of a list."""
        return {self._options.wrap: list(rows), "pagination": {"cursors": cursors}}


def balance(asset: Asset, holding: Holding) -> dict[str, str]:
    """What is held of one asset, as the stream says it."""
    return {"i": asset.id, "a": plain(holding.available), "o": plain(holding.reserved), "w": "0", "c": "0"}


def long_balance(account: Account, asset: Asset, holding: Holding) -> dict[str, str]:
    """The same as REST says it."""
    return {
        "id": stable_id("balance", f"{account.sub_account_id}:{asset.symbol}"),
        "subAccountId": account.sub_account_id,
        "instrumentId": asset.id,
        "available": plain(holding.available),
        "ordersReserved": plain(holding.reserved),
        "withdrawalReserved": "0",
        "credit": "0",
    }


def instrument(asset: Asset) -> dict[str, Any]:
    return {
        "id": asset.id,
        "symbol": asset.symbol,
        "type": asset.kind,
        "decimals": asset.decimals,
        "depositEnabled": True,
        "withdrawalEnabled": True,
        "createdAt": LISTED_AT,
        "updatedAt": LISTED_AT,
    }


def pair(listed: Pair) -> dict[str, Any]:
    on = listed.instrument
    told = {
        "id": listed.id,
        "symbol": listed.symbol,
        "baseInstrumentId": listed.base.id,
        "quoteInstrumentId": listed.quote.id,
        "minOrderQuantity": plain(on.min_qty),
        "maxOrderQuantity": None if on.max_qty is None else plain(on.max_qty),
        "quantityTicks": plain(on.lot_size),
        "priceTicks": plain(on.tick_size),
        "otcTradable": False,
    }
    return {name: value for name, value in told.items() if value is not None}


def sub_account(account: Account) -> dict[str, Any]:
    return {"id": account.sub_account_id, "name": account.username, "venue": "VENUE_MARKETPLACE", "pairs": []}


def grant(given: Grant) -> dict[str, str]:
    return {
        "accessToken": given.access_token,
        "refreshToken": given.refresh_token,
        "accessExpiresAt": moment(given.access_ends),
        "sessionExpiresAt": moment(given.session_ends),
    }


def refusal(refused: Refused, client_order_id: str | None = None) -> dict[str, Any]:
    """A refusal as the socket says it; `client_order_id` None where it concerns no order."""
    told: dict[str, Any] = {
        "code": refused.code,
        "status": refused.status,
        "message": refused.message,
        assumed.REASON: refused.reason,
        "details": [],
    }
    return told if client_order_id is None else {"clientOrderId": client_order_id, **told}


def rest_refusal(refused: Refused) -> dict[str, Any]:
    return {
        "code": refused.code,
        "message": refused.message,
        "status": refused.status,
        "details": [{assumed.REASON: refused.reason}],
    }
