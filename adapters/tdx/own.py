"""Orders and fills of the account, told apart by their shape.

No public page names the events on the private topic, so the name is not asked. What has an `orderId` and one of the
fields that only executions have is a fill; what has an `id` and one of the fields that only orders have is an order.
Both may come wrapped in a key, and in arrays.
"""

from collections.abc import Iterator
from typing import Any, Final

from tickwright.adapters.bad_message import BadMessage, shown
from tickwright.adapters.decimals import amount, decimal, maybe_amount
from tickwright.adapters.strict import typed
from tickwright.adapters.tdx import assumed
from tickwright.adapters.tdx.fields import moment, side, status
from tickwright.adapters.tdx.messages import BalanceStated, OrderStated, TradeStated
from tickwright.adapters.tdx.wire import BalanceData, LongBalanceData, OrderData, OwnTradeData
from tickwright.engine.money import EXACT
from tickwright.engine.terms import Liquidity

_TRADE_ONLY: Final = frozenset(("executedAt", "isTaker", "grossAmount", "cumulativeQuantity"))
_ORDER_ONLY: Final = frozenset(("executedQuantity", "status", "timeInForce"))
_PARTS_MAX: Final = 10_000
"""Of one message: 1 MiB holds fewer orders than this."""


def is_trade(data: dict[str, Any]) -> bool:
    return "orderId" in data and not _TRADE_ONLY.isdisjoint(data)


def is_order(data: dict[str, Any]) -> bool:
    return "id" in data and not _ORDER_ONLY.isdisjoint(data)


def unwrapped(data: object) -> Iterator[object]:
    """The single things that a payload consists of, wrapping keys and arrays taken off."""
    waiting = [data]
    for _ in range(_PARTS_MAX):
        if not waiting:
            return
        part = waiting.pop()
        if isinstance(part, list):
            waiting += reversed(part)
            continue
        if isinstance(part, dict) and not is_trade(part) and not is_order(part):
            inner = [value for key, value in part.items() if key in assumed.ORDER_HOLDERS and _holds(value)]
            others = [
                key for key, value in part.items() if isinstance(value, dict) and key not in assumed.ORDER_HOLDERS
            ]
            if inner and not others:
                waiting += reversed(inner)
                continue
        yield part
    raise BadMessage("d", f"at most {_PARTS_MAX} parts", "more")


def _holds(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and all(isinstance(item, dict) for item in value))


def order_stated(data: object, topic: str) -> OrderStated:
    """One order's whole state.

    Raises:
        BadMessage: a field of a wrong type, a number that is none, a side in no list.
    """
    told = typed(data, OrderData, topic)
    return OrderStated(
        topic=topic,
        venue_order_id=told.id,
        client_order_id=told.client_order_id or "",
        pair_id=told.pair_id or "",
        symbol=told.symbol or "",
        side=None if told.side is None else side(told.side, "d.side", topic),
        qty=maybe_amount(told.quantity, "d.quantity", topic),
        executed=maybe_amount(told.executed_quantity, "d.executedQuantity", topic),
        price=maybe_amount(told.price, "d.price", topic),
        status=status(told.status),
        status_text=told.status or "",
        updated_ts=moment(told.updated_at, "d.updatedAt", topic) or moment(told.created_at, "d.createdAt", topic),
    )


def trade_stated(data: object, topic: str) -> TradeStated:
    """One execution; raises as `order_stated` does. Fee and stamp tax are one cost, exactly added."""
    told = typed(data, OwnTradeData, topic)
    qty, price = amount(told.quantity, "d.quantity", topic), amount(told.price, "d.price", topic)
    for name, number, text in (("d.quantity", qty, told.quantity), ("d.price", price, told.price)):
        if not number:
            raise BadMessage(name, "a decimal above zero", shown(text), topic)
    costs = [
        decimal(text, name, topic)
        for name, text in (("d.transactionFee", told.transaction_fee), ("d.swissStampTax", told.swiss_stamp_tax))
        if text is not None
    ]
    liquidity = None if told.is_taker is None else Liquidity.TAKER if told.is_taker else Liquidity.MAKER
    return TradeStated(
        topic=topic,
        trade_id=told.id,
        venue_order_id=told.order_id,
        client_order_id=told.client_order_id or "",
        pair_id=told.pair_id or "",
        side=side(told.side, "d.side", topic),
        qty=qty,
        price=price,
        cumulative=maybe_amount(told.cumulative_quantity, "d.cumulativeQuantity", topic),
        cost=EXACT.add(costs[0], costs[-1]) if len(costs) == 2 else costs[0] if costs else None,
        liquidity=liquidity,
        executed_ts=moment(told.executed_at, "d.executedAt", topic),
    )


def balance_stated(data: object, topic: str) -> BalanceStated:
    """What is held of one asset, under short or long names."""
    if isinstance(data, dict) and "instrumentId" in data:
        long = typed(data, LongBalanceData, topic)
        asset, parts = (
            long.instrument_id,
            (
                ("d.available", long.available),
                ("d.ordersReserved", long.orders_reserved),
                ("d.withdrawalReserved", long.withdrawal_reserved),
                ("d.credit", long.credit),
            ),
        )
    else:
        told = typed(data, BalanceData, topic)
        asset, parts = told.i, (("d.a", told.a), ("d.o", told.o), ("d.w", told.w), ("d.c", told.c))
    numbers = [decimal("0" if text is None else text, name, topic) for name, text in parts]
    return BalanceStated(
        topic=topic,
        asset_id=asset,
        available=numbers[0],
        reserved=numbers[1],
        withdrawing=numbers[2],
        credit=numbers[3],
    )
