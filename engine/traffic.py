"""What leaves: strategies' intents through the gate, cancels that wait for their turn, strategies that failed.

The lower half of the core (see `engine/core.py`), which decides nothing of its own about when.
"""

from typing import Any

from attrs import frozen

from tickwright.engine.asking import Asking
from tickwright.engine.books import Books
from tickwright.engine.desk import Desk, OnError
from tickwright.engine.door import CANCEL, CANCEL_ALL, REPLACE
from tickwright.engine.errors import TickwrightError
from tickwright.engine.market import Market, Seat
from tickwright.engine.marks import CHANGED, HALT, SEND_CANCEL
from tickwright.engine.order import Approved, Order
from tickwright.engine.orders import OrderManager
from tickwright.engine.ports import Gate, Latched, Reports, Store, TapeVenue
from tickwright.engine.records import Recorder
from tickwright.engine.replacing import Drop, Replacement, Wait
from tickwright.engine.schedule import Schedule
from tickwright.engine.terms import BUY, DENIED_MAX, IOC, NO_TIME, ROUNDS_MAX, SELL

SECOND = 1_000_000_000
HOLD_NS = 50_000_000
"""A cancel that the message budget held back is tried again after this."""


@frozen
class Failure:
    """A strategy raised: which one, in which handler, when, what."""

    strategy: str
    handler: str
    ts: int
    error: BaseException


class Traffic(Reports):
    """What the core knows of a run, and the way out for orders and cancels."""

    __slots__ = (
        "asking",
        "books",
        "desks",
        "due",
        "failures",
        "gate",
        "held",
        "hold_due",
        "leaves_invalid",
        "markets",
        "notices",
        "now",
        "orders",
        "recorder",
        "replacing",
        "running",
        "stopping",
        "store",
        "timers",
        "venues",
        "waiting",
        "waiting_due",
        "wakes",
    )

    def __init__(
        self, markets: list[Market], orders: OrderManager, gate: Gate, recorder: Recorder, books: Books
    ) -> None:
        self.markets = markets
        self.orders = orders
        self.gate = gate
        self.recorder = recorder
        self.books = books
        self.asking = Asking(self)
        self.venues: list[TapeVenue] = []
        self.desks: list[Desk] = []
        self.timers = Schedule()
        self.failures: list[Failure] = []
        self.notices: list[Order] = []
        self.held: list[Order] = []
        self.replacing: dict[str, Replacement] = {}
        self.hold_due = NO_TIME
        self.waiting: list[Order] = []
        self.waiting_due = NO_TIME
        self.now = 0
        self.due = NO_TIME
        self.wakes = 0
        self.running = False
        self.stopping = False
        self.leaves_invalid = False
        self.store: Store | None = None

    # --- intents ----------------------------------------------------------------------------------------

    def flush(self, desk: Desk) -> None:
        """Take a strategy's intents through the gate, then tell what became of them; after the end they lapse."""
        if not self.running:
            desk.door.intents.clear()
            return
        self.take(desk)
        if self.notices:
            self.tell_notices()

    def take(self, desk: Desk) -> None:
        """The intents of one handler, in the order of asking."""
        intents = desk.door.intents
        i = 0
        while i < len(intents):
            intent = intents[i]
            i += 1
            if isinstance(intent, Order):
                self.place(intent)
                if not desk.enabled:
                    break
            else:
                self.change(desk, intent)
        intents.clear()

    def place(self, order: Order) -> None:
        """One new order: judged, recorded, sent; or denied."""
        now = self.now
        if order.parent is not None:
            order.parent.children.append(order)  # not before its turn: what is asked for later must not deny it
        verdict = self.gate.judge(order, now)
        if isinstance(verdict, Approved):
            if self.gate.to_cancel:
                self.clear_the_way()
            self.orders.register(verdict, now)
            self.orders.send_start(order, now)
            venue = self.venues[self.markets[order.market].venue_index]
            venue.submit(order, now)
            if not venue.instant:
                self.await_answer(order)
        else:
            self.orders.deny(order, verdict, now)
            if order.replaces:
                self.replacement_lost(order)
            self.count_denial(self.desks[order.strategy_index])
        if self.desks[order.strategy_index].on_order is not None:
            self.notices.append(order)

    def count_denial(self, desk: Desk) -> None:
        """A strategy that runs into the gate again and again is out of control: nobody asks it any more."""
        if self.now - desk.denied_since >= SECOND:
            desk.denied_since = self.now
            desk.denied = 0
        desk.denied += 1
        if desk.denied == DENIED_MAX:
            text = f"strategy {desk.name}: expected fewer than {DENIED_MAX} denials within a second, received as many"
            self.fail(desk, "its intents", TickwrightError(text))

    def clear_the_way(self) -> None:
        """Cancel the own orders that the one just approved would meet; before it leaves, so that it never does."""
        olds, self.gate.to_cancel = self.gate.to_cancel, []
        for old in olds:
            self.cancel(old)

    def change(self, desk: Desk, intent: tuple[Any, ...]) -> None:
        """A cancel, a replace, or a request for quotes."""
        kind = intent[0]
        if kind == CANCEL:
            self.cancel(intent[1])
        elif kind == CANCEL_ALL:
            self.cancel_all(desk, intent[1])
        elif kind == REPLACE:
            self.replace(intent[1], intent[2], intent[3])
        elif not self.asking.take(desk, kind, intent[1], intent[2]):
            self.count_denial(desk)

    def replace(self, order: Order, lots: int, ticks: int) -> None:
        """Replace where the venue has no such message: cancel now, a new order once the old one is settled."""
        code = self.orders.replace_refusal(order, lots)
        if not code and order.client_order_id in self.replacing:
            code = "REPLACE_PENDING"
        if code:
            self.tell_replace(order, code)
            return
        self.replacing[order.client_order_id] = Replacement(order, lots, ticks, self.now)
        self.cancel(order)

    def step_replacement(self, order: Order) -> None:
        """Something happened to an order that is being replaced: create the new one, wait on, or drop the wish."""
        verdict = self.replacing[order.client_order_id].step(self.now)
        if isinstance(verdict, Wait):
            return
        del self.replacing[order.client_order_id]
        if isinstance(verdict, Drop):
            self.tell_replace(order, verdict.code)
        else:
            self.create_replacement(order, verdict.lots, verdict.ticks)

    def create_replacement(self, order: Order, lots: int, ticks: int) -> None:
        """The new order, with what is left of the old one, through the gate like any other."""
        desk = self.desks[order.strategy_index]
        instrument = order.instrument
        new = desk.door.enter(
            order.side_code,
            instrument,
            instrument.qty(lots),
            instrument.price(ticks),
            order.tif_code,
            order.post_only,
            order.reduce_only,
            order.expire_ts,
            order.parent,
            order.tag,
        )
        new.replaces = order.client_order_id
        self.flush(desk)

    def replacement_lost(self, new: Order) -> None:
        """The new order was denied or rejected, and the old one is gone."""
        old = self.orders.by_client_order_id(new.replaces)
        if old is not None:
            self.tell_replace(old, "REPLACE_LOST")

    def tell_replace(self, order: Order, code: str) -> None:
        """A replace will not be: the strategy hears of it with the code on the order."""
        order.code = code
        self.recorder.note(0, f"{order.client_order_id}: replace dropped: {code}", self.now)
        if self.desks[order.strategy_index].on_order is not None:
            self.notices.append(order)

    def cancel_all(self, desk: Desk, seat: Seat | None) -> None:
        for place in desk.seats if seat is None else [seat]:
            for order in list(place.working.orders.values()):
                self.cancel(order)

    def cancel_market(self, market: Market) -> None:
        """Cancel every order in a market whose book may not be traded on, whoever's it is."""
        for order in self.orders.open_orders():
            if order.market == market.index and not (order.cancel_outstanding or order.cancel_wanted):
                self.cancel(order)
        if self.notices:
            self.tell_notices()

    def cancel(self, order: Order) -> None:
        """Ask the venue to cancel, as far as the order manager and the message budget allow."""
        marks = self.orders.cancel_req(order, self.now)
        if marks & SEND_CANCEL:
            self.send_cancel(order)
        if marks & CHANGED and order.strategy_index >= 0 and self.desks[order.strategy_index].on_order is not None:
            self.notices.append(order)

    def send_cancel(self, order: Order) -> None:
        venue = self.venues[self.markets[order.market].venue_index]
        if not self.gate.cancel_allowed(order, self.now):
            self.hold(order)
            return
        venue.cancel(order, order.cancel_id, self.now)
        if not venue.instant:
            self.await_answer(order)

    def tell_notices(self) -> None:
        """Tell strategies of what became of their intents; they may answer with more."""
        notices = self.notices
        i = 0
        while i < len(notices):
            order = notices[i]
            i += 1
            desk = self.desks[order.strategy_index]
            if desk.enabled:
                desk.door.now = self.now
                try:
                    desk.on_order(order)
                except BaseException as error:
                    self.fail(desk, "on_order", error)
                if desk.door.intents:
                    self.take(desk)
                if i > ROUNDS_MAX:
                    self.runaway(desk)
        notices.clear()

    # --- alarms, waits, failures ------------------------------------------------------------------------

    def alarm(self, order: Order, marks: int) -> None:
        """What must not be has been: the gate writes it down and closes what it must."""
        self.gate.alarm(order, bool(marks & HALT), self.orders.alarm, self.now)
        self.carry_out()

    def carry_out(self) -> None:
        """Cancel what newly latched kills cover, and close positions where they ask for it."""
        for latch in self.gate.latched():
            self.asking.killed(latch)
            for order in self.orders.open_orders():
                if latch.covers(order.strategy, order.instrument.id, order.instrument.venue):
                    self.cancel(order)
            if latch.flatten:
                self.flatten(latch)

    def flatten(self, latch: Latched) -> None:
        """Close every covered strategy's position with a reduce-only market order."""
        for desk in self.desks:
            for seat in desk.seats:
                instrument = seat.market.instrument
                lots = seat.position.lots
                if lots and latch.covers(desk.name, instrument.id, instrument.venue):
                    side = SELL if lots > 0 else BUY
                    size = instrument.qty(abs(lots))
                    order = desk.door.enter(side, instrument, size, None, IOC, False, True, 0, None, "flatten")
                    self.gate.let_exit(order)
            self.flush(desk)

    def hold(self, order: Order) -> None:
        """Try a cancel again a little later."""
        self.held.append(order)
        self.hold_due = min(self.hold_due, self.now + HOLD_NS)

    def let_go(self) -> None:
        """Cancels that were held back, in their order."""
        held, self.held, self.hold_due = self.held, [], NO_TIME
        for order in held:
            if order.cancel_outstanding:
                self.send_cancel(order)
            elif order.cancel_wanted:
                self.cancel(order)

    def await_answer(self, order: Order) -> None:
        """Look at the order again when its answer would be overdue."""
        self.waiting.append(order)
        due = self.orders.due(order)
        if due < self.waiting_due:
            self.waiting_due = due

    def fail(self, desk: Desk, handler: str, error: BaseException) -> None:
        """A strategy raised: it stays in its seat, but nobody asks it any more; what follows is declared."""
        if isinstance(error, KeyboardInterrupt):
            raise error
        self.failures.append(Failure(desk.name, handler, self.now, error))
        self.halt(desk, f"{handler} raised {type(error).__name__}: {error}")

    def runaway(self, desk: Desk) -> None:
        if desk.enabled:
            text = f"strategy {desk.name}: expected at most {ROUNDS_MAX} changes of orders at one moment, received more"
            self.fail(desk, "on_order", TickwrightError(text))

    def halt(self, desk: Desk, reason: str) -> None:
        """Disable a strategy by its `on_error`."""
        if not desk.enabled:
            return
        desk.enabled = False
        self.gate.disable(desk.index, reason, self.now)
        self.asking.withdraw_all("its strategy was halted", desk)
        if desk.on_error is OnError.STOP_RUN:
            self.stopping = True
        if desk.on_error is not OnError.HALT_STRATEGY:
            self.cancel_all(desk, None)
