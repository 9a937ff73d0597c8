"""The core: one step for each thing that happens, the same on tape, on paper and live.

A step applies what happened, asks the strategies that want to know, takes their intents through the gate in order,
and hands what passed to the venue, recorded first. It never waits, never reads a clock and never logs: time comes in
with what happened.

Order of things. At one moment market data comes first, then what venues have to say, then timers, each in order of
arrival. What a strategy hears for one event: `on_order`, then `on_fill`. Its intents are taken when the handler has
returned; a denial, and the order's own first steps, are told after that. A venue without latency answers within the
step that sent the order.
"""

from typing import Any

from tickwright.engine.book import Book
from tickwright.engine.desk import EVERY, INTERVAL, SILENT, TOUCH, Desk, Watch
from tickwright.engine.errors import LocalError
from tickwright.engine.market import Market
from tickwright.engine.marks import CHANGED, CRIT, FILLED_EVENT, HALT, RETRY_CANCEL, SEND_CANCEL
from tickwright.engine.order import Order
from tickwright.engine.ports import Store, TapeVenue
from tickwright.engine.saved import plain_state
from tickwright.engine.terms import LIVE, MAKER, NO_TIME, ONE_SIDED, ROUNDS_MAX, TAKER, Health
from tickwright.engine.trade import make_trade
from tickwright.engine.traffic import Traffic

MARK_NS = 1_000_000_000
"""Positions are valued, and losses judged, once a second of the run's clock."""

ATTENTION = CRIT | HALT | SEND_CANCEL | RETRY_CANCEL
"""The marks of the order manager that the core has to see to, beside telling the strategy."""


class Core(Traffic):
    """Everything that decides, in one place, without waiting."""

    __slots__ = ()

    # --- joining --------------------------------------------------------------------------------------------------

    def add_venue(self, venue: TapeVenue, markets: list[Market]) -> None:
        self.venues.append(venue)
        for market in markets:
            market.venue_index = len(self.venues) - 1

    def add_desk(self, desk: Desk) -> None:
        self.desks.append(desk)

    def add_watch(self, watch: Watch, every_ns: int) -> None:
        market = self.markets[watch.market]
        watches = market.watches
        for known in watches:
            if known.desk is watch.desk:
                known.dirty = False
        market.watches = [known for known in watches if known.desk is not watch.desk] + [watch]
        if every_ns:
            self.add_timer(self.now + every_ns, watch.desk, "", every_ns, watch)

    def add_timer(self, due: int, desk: Desk | None, name: str, step: int, watch: Watch | None = None) -> None:
        self.timers.add(due, desk, name, step, watch)
        self.refresh_due()

    # --- beginning and end ----------------------------------------------------------------------------------------

    def start(self, now: int) -> None:
        """The run's first moment: every strategy gets back what it saved, and then its `on_start`."""
        self.now = now
        self.running = not any(desk.door.warming for desk in self.desks)
        self.add_timer((now // MARK_NS + 1) * MARK_NS, None, "mark", MARK_NS)
        for desk in self.desks:
            state = self.store.load(desk.name) if self.store is not None else None
            if state is not None:
                self.call(desk, "load", desk.strategy.load, (state,))
            if desk.enabled:
                self.call(desk, "on_start", desk.strategy.on_start, ())

    def warm_up(self, now: int) -> None:
        """Begin with a recording of the past: strategies see it and are told so, and nothing they ask for is done."""
        for desk in self.desks:
            desk.door.warming = True
        self.start(now)

    def resume(self, now: int) -> None:
        """The recording is over and the present begins: timers go on from here, books are to be read anew."""
        self.timers.shift(now - self.now)
        self.now = now
        for market in self.markets:
            market.book.clear()
            market.book.pin(Health.SYNCING, "waits for the venue")
        for desk in self.desks:
            desk.door.warming = False
        self.running = True
        self.refresh_due()

    def stop(self, now: int) -> None:
        """The run ends: last marks, `on_stop` (intents made there are not sent), and what is to be remembered."""
        self.now = now
        self.mark(now)
        self.stopping = True
        self.running = False
        for desk in self.desks:
            if desk.enabled:
                self.call(desk, "on_stop", desk.strategy.on_stop, ())
            if self.store is not None and desk.enabled:
                self.call(desk, "save", self.save, (desk, self.store))

    def save(self, desk: Desk, store: Store) -> None:
        """Keep what a strategy wants remembered; one that failed keeps what it saved before."""
        store.save(desk.name, plain_state(desk.name, desk.strategy.save()))

    # --- market data ----------------------------------------------------------------------------------------------

    def message(self, market: Market, ts: int) -> None:
        """A whole message has been applied to the market's book."""
        self.now = ts
        book = market.book
        live = book.health_code == LIVE
        health = book.settle(ts)
        if health != LIVE:
            self.not_live(market, live)
            return
        for watch in market.watches:
            mode = watch.mode
            if mode == TOUCH:
                bid = book.bid_ticks()
                ask = book.ask_ticks()
                if bid == watch.last_bid and ask == watch.last_ask:
                    continue
                watch.last_bid = bid
                watch.last_ask = ask
            elif mode != EVERY:
                watch.dirty = True
                continue
            desk = watch.desk
            if desk.enabled:
                self.wake(desk, book)

    def wake_again(self, market: Market, now: int) -> None:
        """Ask those who watch a book about it once more, although it stands as it stood: something else has changed."""
        self.now = now
        if market.book.health_code != LIVE:
            return
        for watch in list(market.watches):
            if watch.mode == INTERVAL:
                watch.dirty = True
            elif watch.mode != SILENT and watch.desk.enabled:
                self.wake(watch.desk, market.book)

    def not_live(self, market: Market, was_live: bool) -> None:
        """A book that may not be traded on: what rests there is cancelled, unless the config leaves it; and nobody is
        asked, but for those who want one side alone."""
        book = market.book
        if was_live:
            self.recorder.note(1, f"{market.instrument.id}: book {book.health.name}: {book.reason}", self.now)
        if not self.leaves_invalid:
            self.clear_market(market)
        if book.health_code != ONE_SIDED:
            return
        for watch in market.watches:
            if watch.one_sided and watch.mode != SILENT and watch.desk.enabled:
                if watch.mode == INTERVAL:
                    watch.dirty = True
                elif watch.mode == EVERY or self.touch_moved(watch, book):
                    self.wake(watch.desk, book)

    def clear_market(self, market: Market) -> None:
        """Cancel what rests in a market whose book may not be traded on, and in every package that it is a part of.

        Not only when the book turns: an adapter may have pinned it between two messages. A package's own book says
        nothing: it is worth what its legs are.
        """
        if market.working.open_orders > 0 and not market.legs:
            self.cancel_market(market)
            self.drain()
        for package in market.packages:
            if package.working.open_orders > 0:
                self.cancel_market(package)
                self.drain()

    def touch_moved(self, watch: Watch, book: Book) -> bool:
        """Whether the best prices are others than the watch saw last; an empty side counts as a price of its own."""
        bid = book.bid_ticks() if book.bids.n else NO_TIME
        ask = book.ask_ticks() if book.asks.n else NO_TIME
        moved = bid != watch.last_bid or ask != watch.last_ask
        watch.last_bid = bid
        watch.last_ask = ask
        return moved

    def wake(self, desk: Desk, book: Book) -> None:
        """Call one strategy's `on_book` and take what it asks for."""
        self.wakes += 1
        door = desk.door
        door.now = self.now
        try:
            desk.on_book(book)
        except BaseException as error:  # whatever a strategy raises is its own: see `fail`
            self.fail(desk, "on_book", error)
        if door.intents:
            self.flush(desk)
            self.drain()

    def trade(self, market: Market, taker: int, ticks: int, lots: int, ts: int) -> None:
        """Somebody traded."""
        self.now = ts
        market.traded(ticks, ts)
        for watch in market.watches:
            desk = watch.desk
            if watch.trades and desk.enabled:
                self.wakes += 1
                door = desk.door
                door.now = ts
                try:
                    desk.on_trade(make_trade(market.book, taker, ticks, lots, ts))
                except BaseException as error:  # whatever a strategy raises is its own: see `fail`
                    self.fail(desk, "on_trade", error)
                if door.intents:
                    self.flush(desk)
                    self.drain()

    # --- time -----------------------------------------------------------------------------------------------------

    def catch_up(self, until: int) -> None:
        """Let everything happen that is due before `until`, in order of time."""
        while self.due < until:
            now = self.due
            self.now = now
            for venue in self.venues:
                if venue.next_due <= now:
                    venue.advance(now)
            self.drain()
            while self.timers.due <= now:
                self.fire()
            if self.waiting_due <= now:
                self.look_at_waiting()
            if self.hold_due <= now:
                self.let_go()
            self.refresh_due()

    def hear(self, now: int) -> None:
        """The row just played gave a venue something to do or say."""
        self.now = now
        self.drain()

    def drain(self) -> None:
        """Let venues without latency answer now."""
        rounds = 0
        for venue in self.venues:
            while venue.instant and venue.next_due <= self.now:
                venue.advance(self.now)
                rounds += 1
                if rounds > ROUNDS_MAX:
                    raise LocalError(f"a venue without latency still had answers after {ROUNDS_MAX} rounds")
        self.refresh_due()

    def refresh_due(self) -> None:
        due = self.timers.due
        for venue in self.venues:
            if venue.next_due < due:
                due = venue.next_due
        if self.waiting_due < due:
            due = self.waiting_due
        if self.hold_due < due:
            due = self.hold_due
        self.due = due

    def fire(self) -> None:
        """One timer."""
        _, _, desk, name, _, watch = self.timers.pop()
        if desk is None:
            self.mark(self.now)
        elif watch is None:
            if desk.enabled:
                self.wakes += 1
                self.call(desk, "on_timer", desk.on_timer, (name,))
        elif desk.enabled and watch.dirty:
            watch.dirty = False
            book = self.markets[watch.market].book
            if book.health_code == LIVE or (watch.one_sided and book.health_code == ONE_SIDED):
                self.wake(desk, book)

    def mark(self, now: int) -> None:
        """Value everything and let the gate look at losses and references."""
        self.books.mark(now)
        self.gate.mark(now)
        self.carry_out()
        for waiting in list(self.replacing.values()):
            self.step_replacement(waiting.order)
        self.orders.tidy()

    def look_at_waiting(self) -> None:
        """Orders whose answer is overdue become UNKNOWN."""
        now = self.now
        still: list[Order] = []
        self.waiting_due = NO_TIME
        for order in self.waiting:
            due = self.orders.due(order)
            if due <= now:
                self.tell(order, self.orders.timeout(order, now))
                due = self.orders.due(order)
            if due != NO_TIME:
                still.append(order)
                self.waiting_due = min(self.waiting_due, due)
        self.waiting = still

    # --- intents --------------------------------------------------------------------------------------------------

    def call(self, desk: Desk, name: str, handler: Any, arguments: tuple[Any, ...]) -> None:
        """Call one handler and take what the strategy asks for."""
        desk.door.now = self.now
        try:
            handler(*arguments)
        except BaseException as error:  # whatever a strategy raises is its own: see `fail`
            self.fail(desk, name, error)
        if desk.door.intents:
            self.flush(desk)
            self.drain()

    # --- what venues say ------------------------------------------------------------------------------------------

    def accepted(self, client_order_id: str, venue_order_id: str, ts: int) -> None:
        order = self.orders.by_client_order_id(client_order_id)
        if order is not None:
            self.tell(order, self.orders.ack(order, venue_order_id, ts))

    def refused(self, client_order_id: str, reason: str, ts: int) -> None:
        order = self.orders.by_client_order_id(client_order_id)
        if order is not None:
            marks = self.orders.reject(order, reason, ts)
            self.gate.rejected(order, ts)
            if order.replaces:
                self.replacement_lost(order)
            self.tell(order, marks)

    def executed(
        self, client_order_id: str, trade_id: str, lots: int, ticks: int, maker: bool, cause: int, ts: int
    ) -> None:
        order = self.orders.by_client_order_id(client_order_id)
        if order is not None:
            liquidity = MAKER if maker else TAKER
            marks = self.orders.fill(order, trade_id, lots, ticks, order.side_code, liquidity, cause, ts, ts)
            self.carry_out()
            self.tell(order, marks)

    def canceled(self, client_order_id: str, stated_cum: int, reason: str, ts: int) -> None:
        order = self.orders.by_client_order_id(client_order_id)
        if order is not None:
            self.tell(order, self.orders.cancel_ack(order, stated_cum, reason, ts))

    def cancel_refused(self, client_order_id: str, kind: int, stated_cum: int, request_id: int, ts: int) -> None:
        order = self.orders.by_client_order_id(client_order_id)
        if order is not None:
            self.tell(order, self.orders.cancel_rej(order, kind, stated_cum, request_id, ts))

    def expired(self, client_order_id: str, stated_cum: int, ts: int) -> None:
        order = self.orders.by_client_order_id(client_order_id)
        if order is not None:
            self.tell(order, self.orders.expire(order, stated_cum, ts))

    def tell(self, order: Order, marks: int) -> None:
        """Let the strategy hear of its order, and see to what the order manager asks for."""
        if marks & ATTENTION:
            self.attend(order, marks)
        if order.strategy_index < 0:
            return
        self.tell_desk(order, marks)
        if self.replacing and order.client_order_id in self.replacing:
            self.step_replacement(order)
        if self.notices:
            self.tell_notices()

    def tell_desk(self, order: Order, marks: int) -> None:
        """The handlers of the strategy that owns an order: first its state, then its fill."""
        desk = self.desks[order.strategy_index]
        if not desk.enabled:
            return
        door = desk.door
        door.now = self.now
        fill = self.orders.last_fill if marks & FILLED_EVENT else None
        if marks & CHANGED and desk.on_order is not None:
            try:
                desk.on_order(order)
            except BaseException as error:  # whatever a strategy raises is its own: see `fail`
                self.fail(desk, "on_order", error)
            if door.intents:
                self.flush(desk)
        if fill is not None and desk.on_fill is not None and desk.enabled:
            try:
                desk.on_fill(order, fill)
            except BaseException as error:  # whatever a strategy raises is its own: see `fail`
                self.fail(desk, "on_fill", error)
            if door.intents:
                self.flush(desk)

    # --- the rare things ------------------------------------------------------------------------------------------

    def attend(self, order: Order, marks: int) -> None:
        """Alarms, and cancels that the order manager wants sent (again)."""
        if marks & (CRIT | HALT):
            self.alarm(order, marks)
        if marks & SEND_CANCEL:
            self.send_cancel(order)
        elif marks & RETRY_CANCEL:
            self.hold(order)
