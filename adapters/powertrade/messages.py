"""What the venue's frames mean, as values. Prices are ticks, sizes lots, times nanoseconds UTC (0: not said).

Numbers of orders are decimals still: which instrument they belong to is for `requests.py` to say.
"""

from decimal import Decimal

from attrs import field, frozen

from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import Liquidity, Side


@frozen(kw_only=True)
class Listed:
    """An instrument and the venue's id of it (empty where only its symbol is known)."""

    instrument: Instrument
    entity_id: str = ""


@frozen(kw_only=True)
class Heard:
    """A heartbeat: nothing but a sign of life, and the venue's clock."""

    venue_ts: int = 0


@frozen(kw_only=True)
class Replied:
    """The plain answer to a request: yes with `code` 0, else no. A `code` of -1 is one that is no number."""

    code: int
    text: str
    user_tag: str


@frozen(kw_only=True)
class Failed:
    """An error that answers nothing in particular; on a socket the connection is of no more use."""

    code: str
    text: str


@frozen(kw_only=True)
class BookStated:
    """A whole book: (order id, side, ticks, lots). Ids may be empty where the venue sums orders up."""

    instrument: str
    orders: tuple[tuple[str, int, int, int], ...]
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderShown:
    """A new order rests in a book."""

    instrument: str
    order_id: str
    side: int
    ticks: int
    lots: int
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderGone:
    instrument: str
    order_id: str
    side: int
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderMoved:
    """An order was replaced by another, maybe under the same id."""

    instrument: str
    old_id: str
    new_id: str
    side: int
    ticks: int
    lots: int
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderTaken:
    """A trade took `lots` at `ticks` from a resting order."""

    instrument: str
    order_id: str
    side: int
    ticks: int
    lots: int
    venue_ts: int = 0


@frozen(kw_only=True)
class LevelsChanged:
    """New sizes of levels: (side, ticks, lots); a size of 0 is a level that is gone."""

    instrument: str
    changes: tuple[tuple[int, int, int], ...]
    venue_ts: int = 0


@frozen(kw_only=True)
class LevelsStated:
    """The best levels of a book, as REST tells them: (side, ticks, lots), bids first, each side from its best."""

    symbol: str
    levels: tuple[tuple[int, int, int], ...]


@frozen(kw_only=True)
class PublicTrade:
    instrument: str
    trade_id: str
    ticks: int
    lots: int
    venue_ts: int = 0


@frozen(kw_only=True)
class Rfq:
    """Somebody asks for quotes of one instrument or package; its side is the asker's, its price often unsaid."""

    order_id: str
    symbol: str
    entity_id: str
    side: Side
    qty: Decimal
    price: Decimal | None = None
    venue_ts: int = 0


@frozen(kw_only=True)
class RfqsStated:
    """All RFQs of one instrument or package; none of it is a firm book."""

    symbol: str
    entity_id: str
    rfqs: tuple[Rfq, ...]


@frozen(kw_only=True)
class RfqShown:
    """A new RFQ, or one that takes the place of another (`replaces` its id, maybe the same)."""

    rfq: Rfq
    replaces: str = ""


@frozen(kw_only=True)
class RfqGone:
    """An RFQ was withdrawn, or has run out."""

    symbol: str
    entity_id: str
    order_id: str


@frozen(kw_only=True)
class Accepted:
    """An order of ours stands; the venue's id may be missing where it has legs."""

    client_order_id: str
    venue_order_id: str
    venue_ts: int = 0


@frozen(kw_only=True)
class Rejected:
    client_order_id: str
    reason: str
    venue_ts: int = 0


@frozen(kw_only=True)
class Executed:
    """One execution of ours. `state` is the order's state after it, in the venue's word."""

    trade_id: str
    venue_order_id: str
    client_order_id: str
    symbol: str
    entity_id: str
    side: Side
    price: Decimal
    qty: Decimal
    liquidity: Liquidity | None
    state: str
    venue_ts: int = 0


@frozen(kw_only=True)
class CancelStated:
    """An order of ours was cancelled, or a cancel was refused: `reason` tells which. `filled` is cumulative."""

    client_order_id: str
    venue_order_id: str
    reason: str
    filled: Decimal | None = None
    venue_ts: int = 0


@frozen(kw_only=True)
class PassedOn:
    """A bulk of orders, or a cancel of all, was passed on; what becomes of each order is said for each."""

    name: str
    user_tag: str
    reason: str
    client_order_ids: tuple[str, ...]


@frozen(kw_only=True)
class Refreshed:
    """What became of keeping an RFQ of ours alive; `reason` is ``success`` or why not."""

    user_tag: str
    client_order_id: str
    venue_order_id: str
    reason: str


@frozen(kw_only=True)
class HistoryStated:
    """Executions of ours, as asked for."""

    user_tag: str
    executions: tuple[Executed, ...]


@frozen(kw_only=True)
class ReferenceStated:
    """The venue's instruments, as far as they can be read; `faults` says of each other why not."""

    user_tag: str
    listed: tuple[Listed, ...]
    faults: tuple[str, ...] = ()
    venue_ts: int = 0


@frozen(kw_only=True)
class Held:
    """A position; `size` is signed."""

    symbol: str
    size: Decimal
    product: str
    average: Decimal | None = None


@frozen(kw_only=True)
class PositionsStated:
    user_tag: str
    positions: tuple[Held, ...]


@frozen(kw_only=True)
class BalancesStated:
    """Cash by asset, whatever part of it is tied up."""

    user_tag: str
    cash: tuple[tuple[str, Decimal], ...]


@frozen(kw_only=True)
class OrderInfo:
    """How an order stands when it is asked for, with everything that was executed of it."""

    client_order_id: str
    venue_order_id: str
    market_id: str
    symbol: str
    entity_id: str
    side: Side
    qty: Decimal
    price: Decimal | None
    state: str
    cancel_state: str
    executions: tuple[Executed, ...] = field(factory=tuple)
    venue_ts: int = 0


@frozen(kw_only=True)
class OrdersStated:
    """Every open order."""

    orders: tuple[OrderInfo, ...]


@frozen(kw_only=True)
class OrderMissing:
    """The venue does not find an order, in its own words."""

    reason: str


@frozen(kw_only=True)
class SettlementStated:
    """A position was closed, since its instrument has ended."""

    symbol: str
    settlement_id: str
    price: Decimal
    venue_ts: int = 0


@frozen(kw_only=True)
class FundingStated:
    """Funding was paid to us, or (below zero) by us."""

    symbol: str
    funding_id: str
    amount: Decimal
    asset: str
    venue_ts: int = 0


@frozen(kw_only=True)
class Ignored:
    """Known, and not for us: an instrument that is not ours, or a name in the list of those out of scope."""

    name: str
    about: str = ""


@frozen(kw_only=True)
class Unrecognised:
    """A message's name that is in no document."""

    name: str


BookMessage = BookStated | OrderShown | OrderGone | OrderMoved | OrderTaken | LevelsChanged
RfqMessage = RfqsStated | RfqShown | RfqGone
OwnMessage = Accepted | Rejected | Executed | CancelStated
PaymentMessage = SettlementStated | FundingStated
AnswerMessage = (
    LevelsStated
    | PassedOn
    | Refreshed
    | HistoryStated
    | ReferenceStated
    | PositionsStated
    | BalancesStated
    | OrderInfo
    | OrdersStated
    | OrderMissing
)
Message = (
    Heard
    | Replied
    | Failed
    | BookMessage
    | PublicTrade
    | RfqMessage
    | OwnMessage
    | PaymentMessage
    | AnswerMessage
    | Ignored
    | Unrecognised
)
