"""What the venue can tell us, as values: one frame decodes to one or more of these.

Numbers of a known instrument are already ticks and lots. Orders and fills of an account keep the decimals as stated,
because the venue also tells of orders that are not ours, in pairs that we do not know; whoever knows the order
converts them. Times are nanoseconds UTC, 0 where the venue does not say.
"""

from decimal import Decimal
from enum import Enum

from attrs import field, frozen

from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import Liquidity, Side


@frozen
class Pair:
    """An instrument and the venue's own id of it, which orders are sent with; empty where only data is read."""

    instrument: Instrument
    pair_id: str = ""


class Status(Enum):
    """Where the venue says an order stands."""

    SUBMITTED = "submitted"
    OPEN = "open"
    PARTIALLY_FILLED = "partially filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "a word in no list"


@frozen(kw_only=True)
class Confirmed:
    """A subscription was received."""

    topic: str


@frozen(kw_only=True)
class Unsubscribed:
    """A subscription has ended, by either of the two documented names."""

    topic: str


@frozen(kw_only=True)
class Acknowledged:
    """A request arrived. It says nothing on whether the order stands: only an order state does."""

    topic: str
    name: str
    client_order_id: str = ""
    venue_order_id: str = ""


@frozen(kw_only=True)
class Refused:
    """A subscription, an order or a cancel was refused; `code` is HTTP's where stated, else 0."""

    topic: str
    name: str
    client_order_id: str = ""
    code: int = 0
    status: str = ""
    reason: str = ""
    text: str = ""

    @property
    def words(self) -> str:
        """All that was said, for people."""
        said = (str(self.code) if self.code else "", self.status, self.reason, self.text)
        return " ".join(dict.fromkeys(part for part in said if part)) or self.name


@frozen(kw_only=True)
class Depth:
    """Levels of one book. With `last` None the message carried no upper bound; `changes` are (side, ticks, lots).

    `first` and `last` are the venue's `u` and `U`; `named_update` is true where the event's name says that levels
    change.
    """

    topic: str
    instrument: str
    first: int
    last: int | None
    named_update: bool
    changes: tuple[tuple[int, int, int], ...]


@frozen(kw_only=True)
class PublicTrade:
    """Somebody traded; `taker` is None where the venue does not say who took."""

    topic: str
    instrument: str
    trade_id: str
    ticks: int
    lots: int
    taker: Side | None
    venue_ts: int


@frozen(kw_only=True)
class OrderStated:
    """The whole state of one order of the account. None and "" where not stated."""

    topic: str
    venue_order_id: str
    client_order_id: str = ""
    pair_id: str = ""
    symbol: str = ""
    side: Side | None = None
    qty: Decimal | None = None
    executed: Decimal | None = None
    price: Decimal | None = None
    status: Status = Status.UNKNOWN
    status_text: str = ""
    updated_ts: int = 0


@frozen(kw_only=True)
class TradeStated:
    """One execution of one order of the account. `cost` is fee plus stamp tax, None where neither is stated."""

    topic: str
    trade_id: str
    venue_order_id: str
    client_order_id: str = ""
    pair_id: str = ""
    side: Side
    qty: Decimal
    price: Decimal
    cumulative: Decimal | None = None
    cost: Decimal | None = None
    liquidity: Liquidity | None = None
    executed_ts: int = 0


@frozen(kw_only=True)
class PriceStated:
    """A reference price; changes over 24 h are None where not stated."""

    topic: str
    price: Decimal
    change: Decimal | None = None
    change_percent: Decimal | None = None


@frozen(kw_only=True)
class BalanceStated:
    """What the account holds of one asset, which is named by the venue's id, not by its symbol."""

    topic: str
    asset_id: str
    available: Decimal
    reserved: Decimal = field(default=Decimal(0))
    withdrawing: Decimal = field(default=Decimal(0))
    credit: Decimal = field(default=Decimal(0))


@frozen(kw_only=True)
class Ignored:
    """Out of scope, by name: `kind` is the category of the topic, or the pair that nobody asked for."""

    topic: str
    kind: str


@frozen(kw_only=True)
class Unrecognised:
    """Neither wanted nor known. It is counted and shown once."""

    topic: str
    name: str


Message = (
    Confirmed
    | Unsubscribed
    | Acknowledged
    | Refused
    | Depth
    | PublicTrade
    | OrderStated
    | TradeStated
    | PriceStated
    | BalanceStated
    | Ignored
    | Unrecognised
)


@frozen(kw_only=True)
class Subscribe:
    topic: str


@frozen(kw_only=True)
class Unsubscribe:
    topic: str


@frozen(kw_only=True)
class Place:
    """A new order; `ticks` is None for a market order."""

    client_order_id: str
    instrument: str
    side: Side
    lots: int
    ticks: int | None
    time_in_force: int
    post_only: bool = False


@frozen(kw_only=True)
class Cancel:
    """Take an order back. `venue_order_id` is empty while it is not known; `request_id` comes back with a refusal."""

    client_order_id: str
    venue_order_id: str = ""
    request_id: int = 0


@frozen(kw_only=True)
class CancelOnDisconnect:
    """Ask the venue to cancel our orders when the connection ends. Its scope is not documented: never rely on it."""


Command = Subscribe | Unsubscribe | Place | Cancel | CancelOnDisconnect
