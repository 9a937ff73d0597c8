"""What can happen, as values: what adapters decode from the wire and tests feed by hand.

On tape the rows go straight into the core, without a value each; everywhere else `Core.apply` takes these. Prices are
ticks, sizes lots, times nanoseconds UTC: `ts` when we received it, `venue_ts` what the venue stamped (0 where it does
not say). A stated cumulative quantity of -1 means that the venue did not state one.
"""

from decimal import Decimal

from attrs import frozen

from tickwright.engine.errors import LocalError
from tickwright.engine.terms import Health, Liquidity, Refusal, Side


@frozen(kw_only=True)
class BookChanged:
    """One whole message of level changes; a `snapshot` replaces the book. Changes are (side, ticks, lots)."""

    instrument: str
    changes: tuple[tuple[int, int, int], ...]
    snapshot: bool = False
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class BookLost:
    """The feed of a book cannot be trusted until the next snapshot; `health` is SYNCING, GAPPED or STALE.

    Raises:
        LocalError: another health, which levels alone can mend.
    """

    instrument: str
    health: Health
    reason: str
    ts: int

    def __attrs_post_init__(self) -> None:
        if self.health not in (Health.SYNCING, Health.GAPPED, Health.STALE):
            raise LocalError(f"{self.instrument}: expected a book SYNCING, GAPPED or STALE, received {self.health!r}")


@frozen(kw_only=True)
class Traded:
    """Somebody traded; `taker` is the side that took, None where the venue does not say."""

    instrument: str
    taker: Side | None
    ticks: int
    lots: int
    trade_id: str = ""
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderAccepted:
    client_order_id: str
    venue_order_id: str
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderRejected:
    """`duplicate` says that the venue knows the id already, which is no word on the first order of that id."""

    client_order_id: str
    reason: str
    duplicate: bool = False
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderExecuted:
    """One execution. Either order id may be empty where the venue does not say it; `fee` is None where not stated."""

    instrument: str = ""
    client_order_id: str
    venue_order_id: str
    trade_id: str
    side: Side
    lots: int
    ticks: int
    liquidity: Liquidity
    fee: Decimal | None = None
    fee_currency: str = ""
    stated_cum: int = -1
    cause: int = 0
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderCanceled:
    client_order_id: str
    reason: str
    stated_cum: int = -1
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class CancelRejected:
    client_order_id: str
    refusal: Refusal
    reason: str = ""
    stated_cum: int = -1
    request_id: int = 0
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderReplaced:
    client_order_id: str
    lots: int
    ticks: int
    request_id: int = 0
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class ReplaceRejected:
    client_order_id: str
    refusal: Refusal
    reason: str = ""
    stated_cum: int = -1
    request_id: int = 0
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class OrderExpired:
    client_order_id: str
    stated_cum: int = -1
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class LinkChanged:
    """The connection to a venue came up, or went down with a reason."""

    venue: str
    up: bool
    reason: str = ""
    ts: int


@frozen(kw_only=True)
class SendFailed:
    """A frame of an order may not have left whole: a new order's, or (`cancel`) that of its cancel."""

    client_order_id: str
    cancel: bool = False
    reason: str
    ts: int


@frozen(kw_only=True)
class QueryWanted:
    """The adapter saw something that only asking can settle: about one order, or (an empty id) all of the venue's."""

    venue: str
    client_order_id: str = ""
    reason: str
    ts: int


@frozen(kw_only=True)
class MessageRefused:
    """A frame, or a part of one, that was refused and dropped: `field` names what was wrong in it."""

    venue: str
    field: str
    reason: str
    ts: int


@frozen(kw_only=True)
class BackOff:
    """The venue told us to wait; nothing new is sent there before `until`."""

    venue: str
    until: int
    reason: str
    ts: int


@frozen(kw_only=True)
class ClockMeasured:
    """The venue's wall clock minus ours, in nanoseconds, lies between these two."""

    venue: str
    low: int
    high: int
    ts: int


@frozen(kw_only=True)
class RequestForQuote:
    """Somebody asks for prices of an instrument or (`legs`: ids and ratios) a package; `side` is what the asker wants.

    It is answered with an ordinary order of the other side in the same instrument. `expires` is when it runs out if
    the asker does not keep it alive (0: not known); with `withdrawn` it has ended. `price` is None where unsaid.
    """

    venue: str
    request_id: str
    instrument: str
    legs: tuple[tuple[str, int], ...] = ()
    side: Side
    qty: Decimal
    price: Decimal | None = None
    expires: int = 0
    withdrawn: bool = False
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class QuotesAsked:
    """What became of a request for quotes of our own: the venue has it (`open`), or it is over, and why."""

    venue: str
    client_order_id: str
    open: bool
    reason: str = ""
    ts: int


@frozen(kw_only=True)
class Settled:
    """The venue closed a position, since its instrument has ended: at `price`, in price units and on any step.

    `settlement_id` names the settlement, so that one that is told again is known; it may come long after the fact.
    """

    instrument: str
    price: Decimal
    settlement_id: str
    ts: int
    venue_ts: int = 0


@frozen(kw_only=True)
class Funded:
    """The venue paid funding for a position, or took it (an `amount` below zero), in `currency`."""

    instrument: str
    amount: Decimal
    currency: str
    funding_id: str
    ts: int
    venue_ts: int = 0


OrderReport = (
    OrderAccepted
    | OrderRejected
    | OrderExecuted
    | OrderCanceled
    | CancelRejected
    | OrderReplaced
    | ReplaceRejected
    | OrderExpired
)

VenueReport = LinkChanged | SendFailed | QueryWanted | MessageRefused | BackOff | ClockMeasured

Payment = Settled | Funded

Event = BookChanged | BookLost | Traded | RequestForQuote | QuotesAsked | OrderReport | VenueReport | Payment
