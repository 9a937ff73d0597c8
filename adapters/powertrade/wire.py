"""Shapes of the wire, as the decoder checks them: texts, lists and objects, since this venue has nothing else.

Fields that are not named here are ignored, once it is known that they, too, hold texts alone. What is not always sent
is empty by default; ``none`` and the empty text are both the venue's null, see `said`.
"""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

SIZE_MAX: Final = 1 << 24
"""Bytes of one message. The list of all instruments takes several megabytes, a whole book far less."""

TEXT_MAX: Final = 1024
"""A symbol of ten legs has about 300 characters."""

Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Id = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]


def said(text: str) -> str:
    """What a field says, with the venue's null as an empty text."""
    return "" if text == "none" else text


class HeartbeatData(Struct):
    server_utc_timestamp: Text = ""
    timestamp: Text = ""


class ReplyData(Struct):
    error_code: Text
    error_text: Text = ""
    user_tag: Text = ""


class FailureData(Struct):
    error_code: Text = ""
    message: Text = ""


class RowData(Struct):
    """One resting order; its id has three spellings, and none where orders are summed up."""

    price: Text
    quantity: Text
    order_id: Text = ""
    orderid: Text = ""
    ordered: Text = ""
    utc_timestamp: Text = ""


class SnapshotData(Struct):
    market_id: Text
    buy: list[RowData]
    sell: list[RowData]
    symbol: Text = ""
    tradeable_entity_id: Text = ""
    server_utc_timestamp: Text = ""


class LevelsData(Struct):
    """The best levels of a book over REST."""

    symbol: Id
    buy: list[RowData]
    sell: list[RowData]
    server_utc_timestamp: Text = ""


class BookOrderData(Struct):
    """Any of the four changes of an order-by-order book."""

    market_id: Text
    side: Text
    symbol: Text = ""
    tradeable_entity_id: Text = ""
    order_id: Text = ""
    old_order_id: Text = ""
    new_order_id: Text = ""
    price: Text = ""
    quantity: Text = ""
    utc_timestamp: Text = ""
    server_utc_timestamp: Text = ""


class DeltasData(Struct):
    buy: dict[str, Any]
    sell: dict[str, Any]
    market_id: Text = "0"
    symbol: Text = ""
    tradeable_entity_id: Text = ""
    server_utc_timestamp: Text = ""


class TradeData(Struct):
    price: Text
    quantity: Text
    trade_id: Id
    market_id: Text = "0"
    symbol: Text = ""
    tradeable_entity_id: Text = ""
    utc_timestamp: Text = ""
    server_utc_timestamp: Text = ""


class OrderData(Struct):
    """What accepts, refuses or cancels an order of ours."""

    client_order_id: Text = ""
    order_id: Text = ""
    reason: Text = ""
    filled_quantity: Text = ""
    utc_timestamp: Text = ""
    server_utc_timestamp: Text = ""
    timestamp: Text = ""
    user_tag: Text = ""


class ExecutionData(Struct):
    """An execution of ours, as it happens or in the list of them."""

    trade_id: Id
    executed_price: Text
    executed_quantity: Text
    side: Text
    order_id: Text = ""
    client_order_id: Text = ""
    tradeable_entity_id: Text = ""
    symbol: Text = ""
    liquidity_flag: Text = ""
    order_state: Text = ""
    utc_timestamp: Text = ""
    server_utc_timestamp: Text = ""


class HistoryData(Struct):
    executions: list[ExecutionData]
    user_tag: Text = ""


class PartData(Struct):
    """One execution inside an order's state."""

    executed_price: Text
    executed_quantity: Text
    trade_id: Id
    liquidity_flag: Text = ""
    utc_timestamp: Text = ""


class OrderInfoData(Struct):
    order_id: Id
    quantity: Text
    side: Text
    order_state: Text
    client_order_id: Text = ""
    market_id: Text = "0"
    tradeable_entity_id: Text = ""
    symbol: Text = ""
    type: Text = ""
    price: Text = ""
    cancel_state: Text = ""
    utc_timestamp: Text = ""
    executions: list[PartData] = []


class MissingData(Struct):
    error: Text
    reason: Text = ""


class OpenOrdersData(Struct):
    open_orders: list[OrderInfoData]
    utc_timestamp: Text = ""


class SymbolData(Struct):
    """One instrument of the reference data."""

    symbol: Id
    tradeable_entity_id: Id
    price_step: Text
    quantity_step: Text
    status: Text = "active"
    base_asset: Text = ""
    quote_asset: Text = ""
    minimum_quantity: Text = ""
    maximum_quantity: Text = ""
    minimum_value: Text = ""
    maximum_value: Text = ""
    tags: list[Text] = []


class ReferenceData(Struct):
    symbols: list[Any]
    user_tag: Text = ""
    server_utc_timestamp: Text = ""


class PositionData(Struct):
    symbol: Id
    side: Text
    size: Text
    product_type: Text = ""
    average_entry_price: Text = ""
    timestamp: Text = ""


class PositionsData(Struct):
    positions: list[PositionData]
    user_tag: Text = ""


class BalanceData(Struct):
    symbol: Id
    cash_balance: Text
    available_balance: Text = ""
    reserved_balance: Text = ""
    deliverable_id: Text = ""
    timestamp: Text = ""


class BalancesData(Struct):
    balances: list[BalanceData]
    user_tag: Text = ""


class PaymentData(Struct):
    """A settlement, or funding: the local venue tells of them, no document does."""

    symbol: Id
    tradeable_entity_id: Text = ""
    settlement_id: Text = ""
    funding_id: Text = ""
    price: Text = ""
    amount: Text = ""
    asset: Text = ""
    utc_timestamp: Text = ""
    server_utc_timestamp: Text = ""


class ResultData(Struct):
    client_order_id: Text = ""
    order_state: Text = ""


class ResultsData(Struct):
    """What answers a bulk of orders, or a cancel of all: that they were passed on, no more."""

    user_tag: Text = ""
    reason: Text = ""
    results: list[ResultData] = []
    timestamp: Text = ""
