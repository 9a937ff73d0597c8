"""The record of one order: what the order manager knows of it, and what a strategy may read.

The object that `Strategy.buy` returns is this record itself. Only the order manager writes it (and, before the gate
has spoken, the strategy's door); everybody else reads the properties below. Quantities inside are lots, prices ticks.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import frozen

from tickwright.engine.book import Book
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import (
    FILLED,
    PENDING_SEND,
    Cause,
    Liquidity,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)

if TYPE_CHECKING:
    from tickwright.engine.inferring import Held, Interval
    from tickwright.engine.market import Seat
    from tickwright.engine.parent import Parent


@frozen(kw_only=True)
class Denial:
    """Why the gate refused an intent.

    `code` is the first control that failed and `codes` all of them; `value` was measured, `limit` allowed, over
    `scope` (`global`, `venue binance`, `instrument BTC/CHF.TDX`, `strategy maker`); `text` says it in words.
    """

    code: str
    codes: tuple[str, ...]
    limit: Decimal | None
    value: Decimal | None
    scope: str
    text: str


class Working:
    """Sums over the working orders of one line (a strategy's, or the account's) in one instrument.

    `buy_lots` and `sell_lots` are worst cases: all that may still be executed. They are kept by the order manager at
    every event of an order, so that the gate reads them and computes nothing. `limbs`, where the instrument is a
    package, are the sums of its legs, each with how many of its lots are in one of the package's (below zero: sold).
    """

    __slots__ = ("buy_lots", "limbs", "open_orders", "orders", "sell_lots", "unknown_orders")

    def __init__(self) -> None:
        self.buy_lots = 0
        self.sell_lots = 0
        self.open_orders = 0
        self.unknown_orders = 0
        self.orders: dict[str, Order] = {}
        self.limbs: list[tuple[Working, int]] | None = None

    def carry(self, limbs: "list[tuple[Working, int]]") -> None:
        """From now on orders here count in the legs' sums, too."""
        self.limbs = limbs


class Order:
    """One order's life. Read-only for everyone but the order manager."""

    __slots__ = (
        "account_working",
        "acked",
        "book",
        "busted",
        "cancel_id",
        "cancel_outstanding",
        "cancel_ts",
        "cancel_wanted",
        "cause_code",
        "client_order_id",
        "code",
        "counted_lots",
        "counted_open",
        "counted_unknown",
        "created_ts",
        "cum",
        "denial",
        "ending_code",
        "expected_cum",
        "expected_stated",
        "expected_ts",
        "expire_ts",
        "external",
        "fills",
        "has_price",
        "heard_ts",
        "held",
        "inferred",
        "instrument",
        "local",
        "lots",
        "malformed",
        "market",
        "number",
        "parent",
        "post_only",
        "reason",
        "reduce_only",
        "replace_lots",
        "replace_ticks",
        "replace_ts",
        "replaced_id",
        "replaces",
        "request_id",
        "requests",
        "seat",
        "sent",
        "sent_ts",
        "settled_cum",
        "side_code",
        "state_code",
        "strategy",
        "strategy_index",
        "tag",
        "ticks",
        "tif_code",
        "type_code",
        "updated_ts",
        "value",
        "venue_order_id",
        "working",
    )

    book: Book
    instrument: Instrument
    market: int
    client_order_id: str
    number: int
    venue_order_id: str
    strategy: str
    strategy_index: int
    seat: "Seat | None"
    working: Working | None
    account_working: Working | None
    side_code: int
    type_code: int
    tif_code: int
    post_only: bool
    reduce_only: bool
    has_price: bool
    ticks: int
    lots: int
    expire_ts: int
    parent: "Parent | None"
    tag: str
    replaces: str
    external: bool
    state_code: int
    cause_code: int
    cum: int
    value: int
    fills: "dict[str, Fill] | None"
    busted: set[str] | None
    acked: bool
    sent: bool
    local: bool
    cancel_outstanding: bool
    cancel_wanted: bool
    replace_lots: int
    replace_ticks: int
    expected_cum: int
    expected_stated: bool
    request_id: int
    cancel_id: int
    requests: int
    replaced_id: int
    ending_code: int
    settled_cum: bool
    sent_ts: int
    heard_ts: int
    cancel_ts: int
    replace_ts: int
    expected_ts: int
    inferred: "list[Interval] | None"
    held: "list[Held] | None"
    counted_lots: int
    counted_open: int
    counted_unknown: int
    created_ts: int
    updated_ts: int
    code: str
    reason: str
    malformed: str
    denial: Denial | None

    # --- identity and terms ---------------------------------------------------------------------------------------

    @property
    def side(self) -> Side:
        return Side(self.side_code)

    @property
    def order_type(self) -> OrderType:
        return OrderType(self.type_code)

    @property
    def time_in_force(self) -> TimeInForce:
        return TimeInForce(self.tif_code)

    @property
    def price(self) -> float | None:
        """The limit price, or None for a market order."""
        return self.book.as_price(self.ticks) if self.has_price else None

    @property
    def qty(self) -> float:
        """The total quantity that the venue has confirmed, or that was asked for until it has."""
        return self.book.as_size(self.lots)

    # --- life -----------------------------------------------------------------------------------------------------

    @property
    def state(self) -> OrderState:
        return OrderState(self.state_code)

    @property
    def terminal(self) -> bool:
        """Whether the order's life is over (late fills still count)."""
        return self.state_code >= FILLED

    @property
    def is_open(self) -> bool:
        """Whether the order may still execute, as far as we know."""
        return self.state_code < FILLED

    @property
    def cause(self) -> Cause:
        """Why the order is UNKNOWN, NONE where it is not."""
        return Cause(self.cause_code)

    @property
    def filled_qty(self) -> float:
        return self.book.as_size(self.cum)

    @property
    def leaves_lots(self) -> int:
        """What may still execute by the confirmed quantity, in lots; zero once terminal."""
        if self.state_code >= FILLED or self.cum >= self.lots:
            return 0
        return self.lots - self.cum

    @property
    def leaves_qty(self) -> float:
        return self.book.as_size(self.leaves_lots)

    @property
    def overfill_lots(self) -> int:
        return self.cum - self.lots if self.cum > self.lots else 0

    @property
    def avg_px(self) -> float | None:
        """The average price of the fills, or None before the first."""
        if self.cum == 0:
            return None
        top = int(self.value) * int(self.instrument.tick_num)
        return top / (int(self.cum) * int(self.instrument.tick_den))

    @property
    def trades(self) -> dict[str, tuple[int, int, int]]:
        """The booked trades: id to (lots, ticks, side)."""
        side = int(self.side_code)
        return {name: (fill.lots, fill.ticks, side) for name, fill in (self.fills or {}).items()}

    def worst_lots(self) -> int:
        """The most that may still be executed: what every limit counts."""
        if self.state_code >= FILLED:
            return 0
        most = self.lots
        if self.replace_lots > most:
            most = self.replace_lots
        if self.expected_cum > most:
            most = self.expected_cum
        return most - self.cum if most > self.cum else 0

    def __repr__(self) -> str:
        price = "MARKET" if not self.has_price else self.price
        return (
            f"<Order {self.client_order_id} {self.side.name} {self.qty} {self.instrument.id} @ {price} "
            f"{self.state.name} filled={self.filled_qty}>"
        )


class Fill:
    """One execution of one of our orders.

    `price` and `qty` in the instrument's units, `liquidity` maker or taker, `time` in nanoseconds UTC; `cause` names
    the market event that made it in a simulation (0 where unknown). `recovered` was learnt by reconciliation;
    `inferred` stands for trades that the venue confirmed in sum but could not name.
    """

    __slots__ = ("cause", "inferred", "liquidity_code", "lots", "order", "recovered", "ticks", "trade_id", "ts")

    order: Order
    trade_id: str
    lots: int
    ticks: int
    liquidity_code: int
    ts: int
    cause: int
    recovered: bool
    inferred: bool

    @property
    def instrument(self) -> Instrument:
        return self.order.instrument

    @property
    def side(self) -> Side:
        return Side(self.order.side_code)

    @property
    def price(self) -> float:
        return self.order.book.as_price(self.ticks)

    @property
    def qty(self) -> float:
        return self.order.book.as_size(self.lots)

    @property
    def liquidity(self) -> Liquidity:
        return Liquidity(self.liquidity_code)

    @property
    def time(self) -> int:
        return self.ts

    def __repr__(self) -> str:
        return f"<Fill {self.order.client_order_id} {self.side.name} {self.qty} @ {self.price} {self.liquidity.name}>"


class Approved:
    """The gate's word that an order may be sent; the order manager takes nothing else. Only the gate makes one."""

    __slots__ = ("order", "ts")

    order: Order
    ts: int


def new_order(book: Book, client_order_id: str, number: int) -> Order:
    """An order before anything is known of it but its name and market; the door fills in its terms."""
    order = Order.__new__(Order)
    order.book = book
    order.instrument = book.instrument
    order.market = book.index
    order.client_order_id = client_order_id
    order.number = number
    order.venue_order_id = ""
    order.strategy = ""
    order.strategy_index = -1
    order.seat = None
    order.working = None
    order.account_working = None
    order.side_code = 0
    order.type_code = 0
    order.tif_code = 0
    order.post_only = False
    order.reduce_only = False
    order.has_price = False
    order.ticks = 0
    order.lots = 0
    order.expire_ts = 0
    order.parent = None
    order.tag = ""
    order.replaces = ""
    order.external = False
    order.state_code = PENDING_SEND
    order.cause_code = 0
    order.cum = 0
    order.value = 0
    order.fills = None
    order.busted = None
    order.acked = False
    order.sent = False
    order.local = False
    order.cancel_outstanding = False
    order.cancel_wanted = False
    order.replace_lots = -1
    order.replace_ticks = 0
    order.expected_cum = -1
    order.expected_stated = False
    order.request_id = 0
    order.cancel_id = 0
    order.requests = 0
    order.replaced_id = 0
    order.ending_code = 0
    order.settled_cum = False
    order.sent_ts = 0
    order.heard_ts = 0
    order.cancel_ts = 0
    order.replace_ts = 0
    order.expected_ts = 0
    order.inferred = None
    order.held = None
    order.counted_lots = 0
    order.counted_open = 0
    order.counted_unknown = 0
    order.created_ts = 0
    order.updated_ts = 0
    order.code = ""
    order.reason = ""
    order.malformed = ""
    order.denial = None
    return order


def priced_order(
    book: Book,
    client_order_id: str,
    number: int,
    side: int,
    lots: int,
    ticks: int,
    working: Working | None,
    account_working: Working | None,
) -> Order:
    """A limit order from units, counted in the sums given: for adoption, and for tests of those who take orders."""
    order = new_order(book, client_order_id, number)
    order.side_code = side
    order.has_price = True
    order.lots = lots
    order.ticks = ticks
    order.working = working
    order.account_working = account_working
    return order


def approval(order: Order, ts: int) -> Approved:
    """The gate's signature. Nobody else may call this: an order without the gate's approval must not leave."""
    approved = Approved.__new__(Approved)
    approved.order = order
    approved.ts = ts
    return approved
