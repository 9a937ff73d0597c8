"""What answers us: accepted and refused orders, executions, cancels, and whatever was asked for."""

import re
from typing import Final

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.decimals import amount, decimal
from tickwright.adapters.powertrade import wire
from tickwright.adapters.powertrade.fields import above_zero, moment, needed, side_of, stamp_of
from tickwright.adapters.powertrade.messages import (
    Accepted,
    BalancesStated,
    CancelStated,
    Executed,
    Failed,
    FundingStated,
    Heard,
    Held,
    HistoryStated,
    Message,
    OrderInfo,
    OrderMissing,
    OrdersStated,
    PassedOn,
    PositionsStated,
    Refreshed,
    Rejected,
    Replied,
    SettlementStated,
)
from tickwright.adapters.powertrade.wire import said
from tickwright.adapters.strict import typed
from tickwright.engine.terms import Liquidity

_CODE: Final = re.compile(r"[0-9]{1,9}")
_LIQUIDITIES: Final = {
    "added": Liquidity.MAKER,
    "maker": Liquidity.MAKER,
    "taken": Liquidity.TAKER,
    "taker": Liquidity.TAKER,
}


def heartbeat(body: object) -> Message:
    told = typed(body, wire.HeartbeatData, "", "heartbeat")
    return Heard(venue_ts=moment(told.server_utc_timestamp, "heartbeat.server_utc_timestamp"))


def replied(body: object) -> Message:
    told = typed(body, wire.ReplyData, "", "command_response")
    code = int(told.error_code) if _CODE.fullmatch(told.error_code) else -1
    return Replied(code=code, text=told.error_text, user_tag=told.user_tag)


def failed(body: object) -> Message:
    told = typed(body, wire.FailureData, "", "error")
    return Failed(code=told.error_code, text=told.message)


def accepted(body: object) -> Message:
    told = typed(body, wire.OrderData, "", "order_accepted")
    return Accepted(
        client_order_id=needed(told.client_order_id, "order_accepted.client_order_id"),
        venue_order_id=told.order_id,
        venue_ts=stamp_of(told, "order_accepted"),
    )


def rejected(body: object) -> Message:
    told = typed(body, wire.OrderData, "", "order_rejected")
    return Rejected(
        client_order_id=needed(told.client_order_id, "order_rejected.client_order_id"),
        reason=told.reason,
        venue_ts=stamp_of(told, "order_rejected"),
    )


def execution(body: object) -> Message:
    return _executed(typed(body, wire.ExecutionData, "", "execution"), "execution")


def _executed(told: wire.ExecutionData, field: str) -> Executed:
    if not told.order_id and not told.client_order_id:
        raise BadMessage(f"{field}.order_id", "either id of the order", "neither")
    return Executed(
        trade_id=told.trade_id,
        venue_order_id=told.order_id,
        client_order_id=told.client_order_id,
        symbol=told.symbol,
        entity_id=told.tradeable_entity_id,
        side=side_of(told.side, f"{field}.side"),
        price=decimal(told.executed_price, f"{field}.executed_price"),
        qty=above_zero(told.executed_quantity, f"{field}.executed_quantity"),
        liquidity=_LIQUIDITIES.get(told.liquidity_flag),
        state=told.order_state,
        venue_ts=stamp_of(told, field),
    )


def cancel(body: object) -> Message:
    told = typed(body, wire.OrderData, "", "cancel_order")
    if not told.order_id and not told.client_order_id:
        raise BadMessage("cancel_order.order_id", "either id of the order", "neither")
    filled = said(told.filled_quantity)
    return CancelStated(
        client_order_id=told.client_order_id,
        venue_order_id=told.order_id,
        reason=told.reason,
        filled=amount(filled, "cancel_order.filled_quantity") if filled else None,
        venue_ts=stamp_of(told, "cancel_order"),
    )


def settlement(body: object) -> Message:
    told = typed(body, wire.PaymentData, "", "settlement")
    return SettlementStated(
        symbol=told.symbol,
        settlement_id=needed(told.settlement_id, "settlement.settlement_id"),
        price=amount(told.price, "settlement.price"),
        venue_ts=moment(told.utc_timestamp, "settlement.utc_timestamp"),
    )


def funding(body: object) -> Message:
    told = typed(body, wire.PaymentData, "", "funding")
    return FundingStated(
        symbol=told.symbol,
        funding_id=needed(told.funding_id, "funding.funding_id"),
        amount=decimal(told.amount, "funding.amount"),
        asset=told.asset,
        venue_ts=moment(told.utc_timestamp, "funding.utc_timestamp"),
    )


def bulk(body: object) -> Message:
    return _passed_on(body, "new_bulk_order")


def cancel_all(body: object) -> Message:
    return _passed_on(body, "cancel_all_orders")


def _passed_on(body: object, name: str) -> Message:
    told = typed(body, wire.ResultsData, "", f"{name}_response")
    ids = tuple(row.client_order_id for row in told.results)
    return PassedOn(name=name, user_tag=told.user_tag, reason=told.reason, client_order_ids=ids)


def refreshed(body: object) -> Message:
    told = typed(body, wire.OrderData, "", "refresh_response")
    return Refreshed(
        user_tag=told.user_tag,
        client_order_id=told.client_order_id,
        venue_order_id=told.order_id,
        reason=told.reason,
    )


def history(body: object) -> Message:
    told = typed(body, wire.HistoryData, "", "trade_history_response")
    executions = tuple(_executed(row, "trade_history_response.executions") for row in told.executions)
    return HistoryStated(user_tag=told.user_tag, executions=executions)


def positions(body: object) -> Message:
    told = typed(body, wire.PositionsData, "", "positions_response")
    held = []
    for row in told.positions:
        size = decimal(row.size, "positions_response.positions.size")
        if row.side == "short" and size > 0:
            size = -size
        average = said(row.average_entry_price)
        price = decimal(average, "positions_response.positions.average_entry_price") if average else None
        held.append(Held(symbol=row.symbol, size=size, product=row.product_type, average=price))
    return PositionsStated(user_tag=told.user_tag, positions=tuple(held))


def balances(body: object) -> Message:
    """Over the socket an object with rows, over REST the rows alone."""
    whole = {"balances": body} if isinstance(body, list) else body
    told = typed(whole, wire.BalancesData, "", "balances_response")
    cash = [(row.symbol, decimal(row.cash_balance, "balances_response.cash_balance")) for row in told.balances]
    return BalancesStated(user_tag=told.user_tag, cash=tuple(cash))


def open_orders(body: object) -> Message:
    told = typed(body, wire.OpenOrdersData, "", "query_open_orders_response")
    stamp = moment(told.utc_timestamp, "query_open_orders_response.utc_timestamp")
    return OrdersStated(orders=tuple(_order_info(row, stamp) for row in told.open_orders))


def order(body: object) -> Message:
    if isinstance(body, dict) and "error" in body:
        missing = typed(body, wire.MissingData, "", "query_order_response")
        return OrderMissing(reason=missing.reason or missing.error)
    return _order_info(typed(body, wire.OrderInfoData, "", "query_order_response"), 0)


def _order_info(told: wire.OrderInfoData, stamp: int) -> OrderInfo:
    side, price = side_of(told.side, "order.side"), said(told.price)
    executions = tuple(
        Executed(
            trade_id=part.trade_id,
            venue_order_id=told.order_id,
            client_order_id=told.client_order_id,
            symbol=told.symbol,
            entity_id=told.tradeable_entity_id,
            side=side,
            price=decimal(part.executed_price, "order.executions.executed_price"),
            qty=above_zero(part.executed_quantity, "order.executions.executed_quantity"),
            liquidity=_LIQUIDITIES.get(part.liquidity_flag),
            state="",
            venue_ts=moment(part.utc_timestamp, "order.executions.utc_timestamp"),
        )
        for part in told.executions
    )
    return OrderInfo(
        client_order_id=told.client_order_id,
        venue_order_id=told.order_id,
        market_id=told.market_id,
        symbol=told.symbol,
        entity_id=told.tradeable_entity_id,
        side=side,
        qty=above_zero(told.quantity, "order.quantity"),
        price=decimal(price, "order.price") if price else None,
        state=told.order_state,
        cancel_state=told.cancel_state,
        executions=executions,
        venue_ts=moment(told.utc_timestamp, "order.utc_timestamp") or stamp,
    )
