"""What the connection has to tell that is no event of the market or of an order: for whoever runs the link."""

from attrs import frozen

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.powertrade.messages import AnswerMessage, Replied, Unrecognised


@frozen(kw_only=True)
class Reconnect:
    """This connection is of no more use: end it, and make the next one. `chosen` says that it is a good one, which is
    given up for the sake of a book."""

    reason: str
    chosen: bool = False


@frozen(kw_only=True)
class LoginFailed:
    """The venue did not take the token; the connection ends."""

    reason: str


@frozen(kw_only=True)
class SubscriptionFailed:
    """A subscription was refused or stayed unanswered `tries` times in a row; it is tried on."""

    symbol: str
    reason: str
    tries: int


@frozen(kw_only=True)
class ReconcileWanted:
    """Something about orders may have been missed: compare with the venue."""

    reason: str


@frozen(kw_only=True)
class OrderWanted:
    """What the venue says of one order does not fit, or it says nothing: ask for it and its executions."""

    client_order_id: str
    reason: str


@frozen(kw_only=True)
class InDoubt:
    """A reply that says neither yes nor no: the new order may have been carried out."""

    client_order_id: str
    reason: str


@frozen(kw_only=True)
class Unattributed:
    """A refusal whose tag is of no request under way."""

    reply: Replied


@frozen(kw_only=True)
class ExternalOrder:
    """Something about an order of the account that we did not send."""

    client_order_id: str
    venue_order_id: str


@frozen(kw_only=True)
class Answered:
    """The answer to a question that was asked over the socket."""

    user_tag: str
    message: AnswerMessage | Replied


@frozen(kw_only=True)
class Unanswered:
    """A question that got no answer in time, or whose connection is gone."""

    user_tag: str
    reason: str


Notice = (
    BadMessage
    | Reconnect
    | LoginFailed
    | SubscriptionFailed
    | ReconcileWanted
    | OrderWanted
    | InDoubt
    | Unattributed
    | ExternalOrder
    | Answered
    | Unanswered
    | Unrecognised
)
