"""What the connection has to tell that is no event of the market or of an order: for whoever runs the link."""

from attrs import frozen

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.tdx.messages import (
    BalanceStated,
    OrderStated,
    PriceStated,
    Refused,
    TradeStated,
    Unrecognised,
)
from tickwright.adapters.tdx.sequence import BookGap


@frozen(kw_only=True)
class SubscriptionFailed:
    """A channel was refused or stayed silent `tries` times in a row; it is tried on."""

    topic: str
    reason: str
    tries: int


@frozen(kw_only=True)
class LoginWanted:
    """The venue did not take the token: refresh it, then reconcile."""

    reason: str


@frozen(kw_only=True)
class ReconcileWanted:
    """Something about orders may have been missed: compare with the venue."""

    reason: str


@frozen(kw_only=True)
class OrderWanted:
    """What the venue says of one order does not fit: ask for it. Either id may be empty."""

    client_order_id: str
    venue_order_id: str
    reason: str


@frozen(kw_only=True)
class TradesWanted:
    """The venue counts more executed than we were told: ask for the order's trades."""

    client_order_id: str
    venue_order_id: str
    reason: str


@frozen(kw_only=True)
class InDoubt:
    """A reply that says neither yes nor no: the request may have been carried out."""

    client_order_id: str
    request: str
    reason: str


@frozen(kw_only=True)
class Unattributed:
    """A refusal that names no request, while not exactly one was under way."""

    refused: Refused


@frozen(kw_only=True)
class ExternalOrder:
    """An order of the account that we did not send, or an execution of one."""

    stated: OrderStated | TradeStated


Notice = (
    BadMessage
    | BookGap
    | SubscriptionFailed
    | LoginWanted
    | ReconcileWanted
    | OrderWanted
    | TradesWanted
    | InDoubt
    | Unattributed
    | ExternalOrder
    | BalanceStated
    | PriceStated
    | Unrecognised
)
