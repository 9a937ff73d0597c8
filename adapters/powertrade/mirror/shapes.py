"""What the venue says, message by message: one key on top, and nothing but texts below."""

import json
from typing import Final

from tickwright.adapters.powertrade.mirror.listing import Listed, fraction
from tickwright.adapters.powertrade.mirror.orders import LIMIT, NAMES, Execution, Order, Rejected, Trade

Message = dict[str, object]

UNKNOWN: Final = "exchange order id or client order id not found in order cache"
CANCEL_UNKNOWN: Final = "exchange order_id or client_order_id not found in order cache"


def text(name: str, body: object) -> str:
    return json.dumps({name: body}, separators=(",", ":"))


def stamp(at: int) -> str:
    """A time in microseconds, as almost everywhere."""
    return str(at // 1000)


def legs(listed: Listed) -> list[dict[str, str]]:
    return [
        {"tradeable_entity_id": str(part.entity_id), "symbol": part.symbol, "ratio": str(ratio)}
        for part, ratio in listed.legs
    ]


def reply(code: int, words: str, tag: str) -> Message:
    return {"error_code": str(code), "error_text": words, "user_tag": tag}


def named(listed: Listed) -> Message:
    return {"tradeable_entity_id": str(listed.entity_id), "symbol": listed.symbol}


# --- books ----------------------------------------------------------------------------------------------------------


def book_row(order: Order) -> dict[str, str]:
    return {
        "utc_timestamp": stamp(order.created),
        "price": _shown_price(order),
        "quantity": fraction(order.listed.instrument.qty(order.leaves)),
        "order_id": str(order.display),
    }


def snapshot(listed: Listed, market_id: str, buy: list[dict[str, str]], sell: list[dict[str, str]], at: int) -> Message:
    head: Message = {"server_utc_timestamp": stamp(at), "market_id": market_id}
    return head | named(listed) | {"buy": buy, "sell": sell}


def book_event(order: Order, at: int) -> Message:
    """What all changes of a book by order have; whole as ``order_deleted``."""
    head: Message = {"server_utc_timestamp": stamp(at), "utc_timestamp": stamp(at), "market_id": order.market_id}
    return head | named(order.listed) | {"side": NAMES[order.side], "order_id": str(order.display)}


def added(order: Order, at: int) -> Message:
    row = book_row(order)
    return book_event(order, at) | {"price": row["price"], "quantity": row["quantity"]}


def updated(order: Order, was: int, at: int) -> Message:
    body, row = book_event(order, at), book_row(order)
    del body["order_id"]
    numbers = {"old_order_id": str(was), "new_order_id": row["order_id"]}
    return body | numbers | {"price": row["price"], "quantity": row["quantity"]}


def executed(order: Order, lots: int, at: int) -> Message:
    grid = order.listed.instrument
    return book_event(order, at) | {"price": fraction(grid.price(order.ticks)), "quantity": fraction(grid.qty(lots))}


def trade(done: Trade, at: int) -> Message:
    grid = done.maker.listed.instrument
    buyer, seller = (done.maker, done.taker) if done.maker.side > 0 else (done.taker, done.maker)
    return {
        "server_utc_timestamp": stamp(at),
        "utc_timestamp": stamp(done.at),
        "market_id": "0",
        "symbol": done.maker.listed.symbol,
        "tradeable_entity_id": str(done.maker.listed.entity_id),
        "trade_id": str(done.id),
        "price": fraction(grid.price(done.ticks)),
        "quantity": fraction(grid.qty(done.lots)),
        "buy_display_order_id": str(buyer.display),
        "sell_display_order_id": str(seller.display),
    }


def level(listed: Listed, ticks: int, lots: int) -> dict[str, str]:
    return {"price": fraction(listed.instrument.price(ticks)), "quantity": fraction(listed.instrument.qty(lots))}


# --- orders of a client ---------------------------------------------------------------------------------------------


def accepted(order: Order, at: int, *, with_id: bool = True) -> Message:
    body: Message = {"server_utc_timestamp": stamp(at), "utc_timestamp": stamp(at), "market_id": order.market_id}
    body |= {"legs": legs(order.listed)} if order.listed.legs else named(order.listed)
    body |= {"type": order.kind, "order_id": str(order.id), "client_order_id": order.client_order_id}
    if order.listed.legs and not with_id:
        del body["order_id"]
    return body | {"quantity": order.quantity, "price": order.price, "reason": "success"}


def rejected(rejection: Rejected, at: int) -> Message:
    head: Message = {"server_utc_timestamp": stamp(at), "utc_timestamp": stamp(at)}
    return head | rejection.said | {"reason": rejection.reason}


def execution(done: Execution, at: int) -> Message:
    order = done.order
    grid = order.listed.instrument
    head: Message = {"server_utc_timestamp": stamp(at), "utc_timestamp": stamp(done.at)}
    return (
        head
        | named(order.listed)
        | {
            "trade_id": str(done.trade_id),
            "order_id": str(order.id),
            "client_order_id": order.client_order_id,
            "executed_price": fraction(grid.price(done.ticks)),
            "executed_quantity": fraction(grid.qty(done.lots)),
            "liquidity_flag": "taken" if done.taker else "added",
            "price": order.price,
            "side": NAMES[order.side],
            "order_state": done.state,
        }
    )


def history_row(done: Execution) -> Message:
    body = execution(done, done.at)
    body["order_price"] = body.pop("price")
    del body["symbol"]
    return body


def cancelled(order: Order, reason: str, at: int) -> Message:
    head: Message = {"server_utc_timestamp": stamp(at), "utc_timestamp": stamp(at)}
    return head | named(order.listed) | ids(order) | {"filled_quantity": fraction(order.filled), "reason": reason}


def ids(order: Order) -> Message:
    return {"order_id": str(order.id), "client_order_id": order.client_order_id}


def order_info(order: Order) -> Message:
    """An order as REST tells it."""
    body: Message = {"market_id": order.market_id}
    body |= named(order.listed) | {"type": order.kind} | ids(order)
    body |= {"quantity": order.quantity, "price": order.price, "side": NAMES[order.side], "order_state": order.state}
    body["cancel_state"] = "cancelled" if order.cancelled else "none"
    if order.listed.legs:
        body["legs"] = legs(order.listed)
    body["executions"] = [_execution_row(done) for done in order.executions]
    return body


def _execution_row(done: Execution) -> Message:
    grid = done.order.listed.instrument
    return {
        "utc_timestamp": str(done.at),
        "executed_price": fraction(grid.price(done.ticks)),
        "executed_quantity": fraction(grid.qty(done.lots)),
        "trade_id": str(done.trade_id),
        "liquidity_flag": "taken" if done.taker else "added",
    }


def _shown_price(order: Order) -> str:
    if order.market_id == "0" or (order.kind == LIMIT and order.ticks):
        return fraction(order.listed.instrument.price(order.ticks))
    return "none"
