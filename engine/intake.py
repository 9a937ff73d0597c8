"""How events from a wire enter the core: one value, one step.

Time never goes back: an event is taken at its own stamp, or now where the core is later already. Market data goes to
the simulated venue first, where there is one (paper), and to the book after, as on tape. What a venue says of our
orders is matched by our name for them, else by its own; what matches nothing is a stranger's.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Protocol

from tickwright.engine.core import Core
from tickwright.engine.events import (
    BackOff,
    BookChanged,
    BookLost,
    CancelRejected,
    ClockMeasured,
    Event,
    Funded,
    LinkChanged,
    MessageRefused,
    OrderAccepted,
    OrderCanceled,
    OrderExecuted,
    OrderExpired,
    OrderRejected,
    OrderReplaced,
    OrderReport,
    QueryWanted,
    QuotesAsked,
    ReplaceRejected,
    RequestForQuote,
    SendFailed,
    Settled,
    Traded,
)
from tickwright.engine.market import Market
from tickwright.engine.order import Order
from tickwright.engine.paying import Payments
from tickwright.engine.ports import TapeVenue
from tickwright.engine.reconcile import VenueTrade
from tickwright.engine.strangers import Strangers
from tickwright.engine.terms import BUY, LIVE, SELL, Health

BAD_MESSAGES_NOTED = 1000
"""Refused messages that get a note of their own; the rest are counted."""


class Link(Protocol):
    """What the gate knows of one venue; see `VenueState` of the risk room."""

    up: bool
    reconciled: bool
    heard_ts: int
    clock_offset_ns: int
    backoff_until: int


class Counts:
    """What has come in, for people."""

    __slots__ = ("bad_by_venue", "bad_messages", "book_changes", "by_venue", "events", "orders", "trades")

    def __init__(self) -> None:
        self.events = 0
        self.book_changes = 0
        self.trades = 0
        self.orders = 0
        self.bad_messages = 0
        self.by_venue: dict[str, int] = {}
        self.bad_by_venue: dict[str, int] = {}


class Intake:
    """Takes events into a core.

    Args:
        core: the core.
        links: the gate's knowledge of each venue, by its name in capitals.
        strangers: who adopts what nobody here ordered, by venue.
        wanted: called with a venue and an order (None: all of them) whose truth only a query can tell.
        turned: called with a venue when its link came up (True) or went down.
    """

    def __init__(
        self,
        core: Core,
        links: dict[str, Link],
        strangers: dict[str, Strangers],
        wanted: Callable[[str, Order | None], None],
        turned: Callable[[str, bool], None],
    ) -> None:
        self.core = core
        self.links = links
        self.strangers = strangers
        self.wanted = wanted
        self.turned = turned
        self.counts = Counts()
        self.markets: dict[str, Market] = {market.instrument.id: market for market in core.markets}
        self.simulated: dict[int, TapeVenue] = {}
        self.first: dict[int, list[Callable[[Market], None]]] = {}
        self.reasons: dict[str, str] = {}
        self.payments = Payments(core)
        for known in strangers.values():
            known.charge = lambda order, trade: self.charge(order, trade.trade_id, trade.fee, trade.fee_currency)

    def simulate(self, market: Market, venue: TapeVenue) -> None:
        """From now on orders in this market are played against its market data (paper)."""
        self.simulated[market.index] = venue

    def once_live(self, market: Market, todo: Callable[[Market], None]) -> None:
        """Do something when this market's book is first worth something, before anybody hears of it."""
        self.first.setdefault(market.index, []).append(todo)

    def begin_market(self, market: Market, ts: int) -> None:
        """The market's first book, if it is one."""
        if market.book.settle(ts) == LIVE:
            self.core.now = max(self.core.now, ts)
            for todo in self.first.pop(market.index):
                todo(market)

    def open_with(self, market: Market, lots: int) -> None:
        """Book a position that the run begins with at the first price there is, as if it had cost just that (paper).

        What the config says of the balances holds after it; where one strategy alone trades the market, it owns it.
        """
        reference = market.double_reference()
        side = BUY if lots > 0 else SELL
        ticks = reference // 2
        portfolio = self.core.books.portfolio
        owners = [desk.index for desk in self.core.desks if any(seat.market is market for seat in desk.seats)]
        owner = owners[0] if len(owners) == 1 else -1
        instrument = market.instrument
        held = {name: portfolio.balance(name) for name in {instrument.base, instrument.settle_currency} if name}
        portfolio.fill(market.index, owner, side, abs(lots), ticks, 1, Decimal(0))
        for name, amount in held.items():
            portfolio.transfer(name, amount - portfolio.balance(name), "opening position")
        text = f"{instrument.id}: begins with {instrument.qty(lots)}, valued at {instrument.price(ticks)}"
        self.core.recorder.note(0, text, self.core.now)

    def apply(self, event: Event) -> None:
        """Take one event."""
        core = self.core
        self.counts.events += 1
        ts = event.ts if event.ts > core.now else core.now
        core.catch_up(ts)
        match event:
            case BookChanged():
                self.book(event, ts)
            case Traded():
                self.trade(event, ts)
            case BookLost():
                market = self.markets.get(event.instrument)
                if market is not None:
                    self.lose(market, event.health, event.reason, ts)
            case LinkChanged():
                self.link(event, ts)
            case SendFailed():
                self.unsure(event, ts)
            case QueryWanted():
                order = core.orders.by_client_order_id(event.client_order_id) if event.client_order_id else None
                core.recorder.note(0, f"{event.venue}: {event.reason}", ts)
                self.wanted(event.venue, order)
            case MessageRefused():
                self.counts.bad_messages += 1
                self.counts.bad_by_venue[event.venue] = self.counts.bad_by_venue.get(event.venue, 0) + 1
                if self.counts.bad_messages <= BAD_MESSAGES_NOTED:
                    core.recorder.note(1, f"{event.venue}: BAD_MESSAGE {event.field}: {event.reason}", ts)
            case BackOff():
                self.links[event.venue].backoff_until = event.until
                core.recorder.note(1, f"{event.venue}: told to wait: {event.reason}", ts)
            case ClockMeasured():
                self.clock(event)
            case RequestForQuote():
                self.request(event)
            case QuotesAsked():
                core.asking.heard(event, ts)
            case Settled() | Funded():
                self.payments.take(event, ts)
            case _:
                self.report(event, ts)
        core.refresh_due()

    # --- market data ------------------------------------------------------------------------------------------------

    def book(self, event: BookChanged, ts: int) -> None:
        """A whole message of level changes, or a snapshot; a level that a snapshot does not name is gone."""
        market = self.markets.get(event.instrument)
        if market is None:
            return
        self.counts.book_changes += len(event.changes)
        self.counts.by_venue[market.venue_name] = self.counts.by_venue.get(market.venue_name, 0) + 1
        book = market.book
        changes: Iterable[tuple[int, int, int]] = event.changes
        if event.snapshot:
            changes = replaced(market, event.changes)
            book.release()
        venue = self.simulated.get(market.index)
        if venue is None:
            for side, ticks, lots in changes:
                book.apply(side, ticks, lots)
            self.core.message(market, ts)
            return
        venue.event += 1
        for side, ticks, lots in changes:
            if venue.stakes[market.index].level(side, ticks):
                venue.level(market.index, side, ticks, lots, ts, venue.event)
            book.apply(side, ticks, lots)
        if market.index in self.first:
            self.begin_market(market, ts)
        self.core.message(market, ts)
        self.core.hear(ts)

    def trade(self, event: Traded, ts: int) -> None:
        """Somebody traded. Where the venue does not say who took, the price tells: at the ask or above, a buyer."""
        market = self.markets.get(event.instrument)
        if market is None:
            return
        self.counts.trades += 1
        self.counts.by_venue[market.venue_name] = self.counts.by_venue.get(market.venue_name, 0) + 1
        taker = int(event.taker) if event.taker is not None else taker_of(market, event.ticks)
        venue = self.simulated.get(market.index)
        if venue is not None:
            venue.event += 1
            if venue.stakes[market.index].trade(taker, event.ticks):
                venue.trade(market.index, taker, event.ticks, event.lots, ts, venue.event)
        self.core.trade(market, taker, event.ticks, event.lots, ts)
        if venue is not None:
            self.core.hear(ts)

    def lose(self, market: Market, health: Health, reason: str, ts: int) -> None:
        """A book that can no longer be trusted."""
        was_live = market.book.health is Health.LIVE
        market.book.pin(health, reason)
        self.core.now = max(self.core.now, ts)
        self.core.not_live(market, was_live)

    # --- the link ---------------------------------------------------------------------------------------------------

    def link(self, event: LinkChanged, ts: int) -> None:
        """The link came up or went down: nothing sent is certain any more, and no book is."""
        core = self.core
        link = self.links[event.venue]
        if link.up == event.up and core.now:
            return
        link.up = event.up
        link.reconciled = False
        self.reasons[event.venue] = "" if event.up else event.reason
        text = f"{event.venue}: link {'up' if event.up else 'down'}{': ' if event.reason else ''}{event.reason}"
        core.recorder.note(0 if event.up else 1, text, ts)
        mine = [market for market in core.markets if market.venue_name == event.venue]
        if not event.up:
            for order in core.orders.open_orders():
                if order.instrument.venue == event.venue and order.market not in self.simulated:
                    core.tell(order, core.orders.disconnect(order, ts))
            for market in mine:
                self.lose(market, Health.STALE, "link down", ts)
        for desk in core.desks:
            if desk.enabled and any(seat.market in mine for seat in desk.seats):
                core.call(desk, "on_link", desk.strategy.on_link, (event.venue, event.up))
        self.turned(event.venue, event.up)

    def clock(self, event: ClockMeasured) -> None:
        """The nearest to zero that the venue's clock may be off: only what is surely skewed is denied."""
        nearest = event.low if event.low > 0 else min(event.high, 0)
        self.links[event.venue].clock_offset_ns = nearest

    def request(self, event: RequestForQuote) -> None:
        """Somebody asks for prices: every strategy that trades at this venue hears of it."""
        for desk in self.core.desks:
            if desk.enabled and any(seat.market.venue_name == event.venue for seat in desk.seats):
                self.core.call(desk, "on_rfq", desk.strategy.on_rfq, (event,))

    def unsure(self, event: SendFailed, ts: int) -> None:
        """A frame may have left or not."""
        order = self.core.orders.by_client_order_id(event.client_order_id)
        if order is None:
            return
        what = "cancel" if event.cancel else "order"
        self.core.recorder.note(1, f"{event.client_order_id}: its {what} may not have left: {event.reason}", ts)
        if event.cancel:
            self.core.tell(order, self.core.orders.cancel_timeout(order, ts))
        else:
            self.core.tell(order, self.core.orders.send_error(order, ts))

    # --- what venues say of orders ----------------------------------------------------------------------------------

    def report(self, event: OrderReport, ts: int) -> None:
        """One report; see `OrderManager` for what each does."""
        self.counts.orders += 1
        core = self.core
        orders = core.orders
        order = orders.by_client_order_id(event.client_order_id)
        if isinstance(event, OrderExecuted):
            self.executed(event, order, ts)
            return
        if order is None:
            core.recorder.note(1, f"a report of an order that nobody here knows: {event!r}", ts)
            return
        match event:
            case OrderAccepted():
                core.tell(order, orders.ack(order, event.venue_order_id, ts))
                self.claim(order, ts)
            case OrderRejected(duplicate=True):
                core.tell(order, orders.reject_dup(order, ts))
            case OrderRejected():
                core.refused(event.client_order_id, event.reason, ts)
            case OrderCanceled():
                core.canceled(event.client_order_id, event.stated_cum, event.reason, ts)
            case OrderExpired():
                core.expired(event.client_order_id, event.stated_cum, ts)
            case CancelRejected():
                number = event.request_id or order.cancel_id
                core.cancel_refused(event.client_order_id, int(event.refusal), event.stated_cum, number, ts)
            case OrderReplaced():
                core.tell(order, orders.replaced(order, event.lots, event.ticks, event.request_id, ts))
            case ReplaceRejected():
                kind = int(event.refusal)
                core.tell(order, orders.replace_rej(order, kind, event.stated_cum, event.request_id, ts))

    def claim(self, order: Order, ts: int) -> None:
        """A name was learnt: executions held under it are booked, and a second order under one name is cancelled."""
        strangers = self.strangers.get(order.instrument.venue)
        if strangers is None:
            return
        for trade in strangers.claimed(order) if strangers.strays else ():
            market = self.markets[order.instrument.id]
            self.strayed(*strangers.stray_fill(market, order.venue_order_id, trade.side, trade, ts))
        if self.core.orders.doubles:
            for double, more in strangers.adopt_doubles(self.markets.__getitem__, ts):
                self.core.tell(double, more)

    def executed(self, event: OrderExecuted, order: Order | None, ts: int) -> None:
        """An execution: of an order known by our name or the venue's, else held a moment, then adopted."""
        core = self.core
        if order is None and event.instrument:
            venue = event.instrument.rpartition(".")[2]
            order = core.orders.by_venue_order_id(venue, event.venue_order_id)
        if order is None:
            self.stray(event, ts)
            return
        if event.venue_order_id and event.venue_order_id != order.venue_order_id:
            core.orders.alias(order, event.venue_order_id)
        self.charge(order, event.trade_id, event.fee, event.fee_currency)
        marks = core.orders.fill_stated(
            order,
            event.trade_id,
            event.lots,
            event.ticks,
            int(event.side),
            int(event.liquidity),
            event.stated_cum,
            False,
            event.venue_ts or ts,
            ts,
        )
        core.carry_out()
        core.tell(order, marks)

    def charge(self, order: Order, trade_id: str, fee: Decimal | None, currency: str) -> None:
        """Let the books charge what the venue states, where that is in the currency that the instrument settles in."""
        if fee is None or trade_id in order.trades:
            return
        if currency in ("", order.instrument.settle_currency):
            self.core.books.state_fee(order, trade_id, fee)
            return
        self.core.books.state_fee(order, trade_id, Decimal(0))
        self.core.books.portfolio.transfer(currency, -fee, "fee", order.instrument.venue)

    def stray(self, event: OrderExecuted, ts: int) -> None:
        """An execution of an order that is not known (yet)."""
        market = self.markets.get(event.instrument)
        strangers = self.strangers.get(market.venue_name) if market is not None else None
        if market is None or strangers is None:
            self.core.recorder.note(2, f"an execution in no instrument of this run: {event!r}", ts)
            return
        trade = VenueTrade(
            trade_id=event.trade_id,
            lots=event.lots,
            ticks=event.ticks,
            side=int(event.side),
            liquidity=int(event.liquidity),
            stated_cum=event.stated_cum,
            venue_ts=event.venue_ts,
            fee=event.fee,
            fee_currency=event.fee_currency,
        )
        self.strayed(*strangers.stray_fill(market, event.venue_order_id, int(event.side), trade, ts))
        self.wanted(market.venue_name, None)

    def strayed(self, order: Order | None, marks: int) -> None:
        """An execution came without our name: tell of the order that it was booked to, if it was."""
        if order is not None:
            self.core.carry_out()
            self.core.tell(order, marks)


def replaced(market: Market, levels: tuple[tuple[int, int, int], ...]) -> list[tuple[int, int, int]]:
    """The changes that turn a market's book into a snapshot: what is gone, then what is there."""
    book = market.book
    named = {(side, ticks) for side, ticks, lots in levels if lots}
    gone = [(BUY, key, 0) for key in book.bids.all_keys() if (BUY, key) not in named]
    gone += [(SELL, -key, 0) for key in book.asks.all_keys() if (SELL, -key) not in named]
    return [*gone, *levels]


def taker_of(market: Market, ticks: int) -> int:
    """Who took, by the book: a trade nearer to the ask took from sellers."""
    book = market.book
    if book.bids.n and book.asks.n:
        return BUY if 2 * ticks >= book.bid_ticks() + book.ask_ticks() else SELL
    return BUY if book.bids.n == 0 else SELL
