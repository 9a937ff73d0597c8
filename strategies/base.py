"""What every strategy is: handlers that the engine calls, and words to say what it would like.

A strategy is one class with typed fields; the fields are its parameters, filled from the YAML file. Handlers are
plain methods: they see a world that does not change under them, and nothing they ask for is sent before they return.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tickwright.engine.asking import ASK, WITHDRAW, Inquiry, inquiry_of
from tickwright.engine.book import Book
from tickwright.engine.door import Door, Number, lifetime
from tickwright.engine.errors import LocalError
from tickwright.engine.events import RequestForQuote
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Fill, Order
from tickwright.engine.parent import Parent
from tickwright.engine.terms import BUY, GTC, SELL, Side, TimeInForce
from tickwright.engine.times import as_ns
from tickwright.engine.trade import Trade

if TYPE_CHECKING:
    from tickwright.engine.desk import Desk
    from tickwright.engine.position import Position

Which = Instrument | str
"""An instrument, or its id such as ``BTC/CHF.TDX``."""


class Strategy:
    """The base of every strategy.

    Write a subclass with ``attrs.define(kw_only=True)``; override the handlers you want. Raising in a handler is an
    error of this strategy alone: what follows is the run's ``on_error``.

    Names that begin with ``_tickwright_`` are the framework's; every other is free for your own fields and methods.
    """

    __slots__ = ("_tickwright_desk", "_tickwright_door")

    # --- handlers -----------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Called once, before the first event: say here what to watch."""

    def on_book(self, book: Book) -> None:
        """A watched book changed as asked for in `watch`."""

    def on_trade(self, trade: Trade) -> None:
        """Somebody traded in an instrument watched with ``trades=True``."""

    def on_order(self, order: Order) -> None:
        """One of our orders changed its state; a denial's reason is ``order.denial``."""

    def on_fill(self, order: Order, fill: Fill) -> None:
        """One of our orders was executed, in part or whole; called after `on_order` for the same event."""

    def on_timer(self, name: str) -> None:
        """A timer made with `every` or `at` is due."""

    def on_rfq(self, request: RequestForQuote) -> None:
        """Somebody at a venue that we trade at asks for prices, or (``request.withdrawn``) does so no more."""

    def on_link(self, venue: str, up: bool) -> None:
        """The connection to a venue came up or went down."""

    def on_stop(self) -> None:
        """The run ends: the last chance to look; orders made here are not sent."""

    def save(self) -> dict[str, Any]:
        """What to remember across restarts, as plain data (text, numbers, truth values, lists, mappings).

        Called at the end, and in a long run now and then. What was executed after the last time, until a crash, is told
        again after the next `on_start`, by `on_fill` with `replaying` set; orders made there lapse.
        """
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Take back what `save` returned; called before `on_start`."""

    async def background(self) -> None:
        """Slow work beside trading, in paper and live only; a run on tape refuses a strategy that overrides it."""

    # --- asking to be woken -------------------------------------------------------------------------------------

    def watch(
        self, instrument: Which, *, book: str | None = "touch", trades: bool = False, one_sided: bool = False
    ) -> None:
        """Say when to be woken for an instrument.

        Args:
            instrument: one of this strategy's instruments.
            book: ``"every"`` (each message of the venue), ``"touch"`` (the best bid's or ask's price moved),
                an interval such as ``"100ms"`` (at most once in that time, if anything changed), or None.
            trades: whether `on_trade` is called.
            one_sided: also call `on_book` while one side is empty (then its `bid` or `ask` is None).
        """
        self._tickwright_entrance()
        self._tickwright_desk.watch(instrument, book, trades, one_sided)

    def every(self, interval: str, name: str = "timer") -> None:
        """Call ``on_timer(name)`` every `interval` (``"1s"``, ``"250ms"``), counted from now."""
        self._tickwright_entrance()
        self._tickwright_desk.every(interval, name)

    def at(self, when: int | str | datetime, name: str = "timer") -> None:
        """Call ``on_timer(name)`` once: nanoseconds UTC, ``"2024-08-09T00:00:00Z"``, or an aware datetime."""
        self._tickwright_entrance()
        self._tickwright_desk.at(as_ns(when), name)

    # --- intents ------------------------------------------------------------------------------------------------

    def buy(
        self,
        instrument: Which,
        qty: Number,
        price: Number | None = None,
        *,
        time_in_force: TimeInForce | int = GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        expire: int | str | datetime | None = None,
        parent: Parent | None = None,
        tag: str = "",
    ) -> Order:
        """Ask to buy `qty` at `price` or better, or at the market where `price` is None.

        Returns the order's record at once; it is sent, or denied, after the handler has returned.
        """
        return self._tickwright_ask(
            BUY, instrument, qty, price, time_in_force, post_only, reduce_only, expire, parent, tag
        )

    def sell(
        self,
        instrument: Which,
        qty: Number,
        price: Number | None = None,
        *,
        time_in_force: TimeInForce | int = GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        expire: int | str | datetime | None = None,
        parent: Parent | None = None,
        tag: str = "",
    ) -> Order:
        """Ask to sell; as `buy`."""
        return self._tickwright_ask(
            SELL, instrument, qty, price, time_in_force, post_only, reduce_only, expire, parent, tag
        )

    def _tickwright_ask(
        self,
        side: int,
        instrument: object,
        qty: Number,
        price: Number | None,
        time_in_force: int,
        post_only: bool,
        reduce_only: bool,
        expire: object,
        parent: Parent | None,
        tag: str,
    ) -> Order:
        door = self._tickwright_entrance()
        if time_in_force == GTC and expire is None:
            return door.enter(side, instrument, qty, price, GTC, post_only, reduce_only, 0, parent, tag)
        expire_ts = 0 if expire is None else as_ns(expire)
        tif, until = lifetime(TimeInForce(time_in_force), expire_ts, door.now)
        return door.enter(side, instrument, qty, price, tif, post_only, reduce_only, until, parent, tag)

    def cancel(self, order: Order) -> None:
        """Ask to cancel one order; nothing happens to one that is done."""
        self._tickwright_entrance().cancel(order)

    def cancel_all(self, instrument: Which | None = None) -> None:
        """Ask to cancel every open order of this strategy, in one instrument or in all."""
        self._tickwright_entrance().cancel_all(instrument)

    def replace(self, order: Order, *, qty: Number | None = None, price: Number | None = None) -> None:
        """Ask for a new total quantity, a new price, or both.

        Where the venue has no such message the order is cancelled, and a new one is made with what is left once
        the cancel is confirmed; it appears in `orders` with `replaces` naming the old one.
        """
        self._tickwright_entrance().replace(order, qty, price)

    def ask_quotes(self, instrument: Which, side: Side, qty: Number, *, minutes: int = 30) -> Inquiry:
        """Ask others at the venue for quotes, live, where the adapter can: `side` is what we want to do.

        Nothing is bought or sold by it: answers are orders in the instrument's book, taken with an ordinary order.
        Returns the request's record at once; it is sent, or denied, after the handler has returned, and is taken back
        after `minutes`, with `withdraw_quotes`, by a kill, and at the run's end. `over` and `reason` tell of its end.
        """
        door = self._tickwright_entrance()
        seat = door.seat(instrument)
        inquiry = inquiry_of(seat.market.instrument, side, qty, minutes)
        door.intents.append((ASK, inquiry, seat))
        return inquiry

    def withdraw_quotes(self, inquiry: Inquiry) -> None:
        """Take a request for quotes back; nothing happens to one that is over."""
        self._tickwright_entrance().intents.append((WITHDRAW, inquiry, None))

    # --- looking around -------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The strategy's name in the run."""
        return self._tickwright_entrance().name

    @property
    def now(self) -> int:
        """The run's time in nanoseconds UTC."""
        return self._tickwright_entrance().now

    @property
    def warming_up(self) -> bool:
        """Whether what is seen now is a recording, played before trading begins; orders made meanwhile lapse."""
        return self._tickwright_entrance().warming

    @property
    def replaying(self) -> bool:
        """Whether `on_fill` tells of an execution from before this run, which `load` may not know of: see `save`."""
        return self._tickwright_entrance().replaying

    @property
    def orders(self) -> list[Order]:
        """This strategy's open orders, oldest first."""
        self._tickwright_entrance()
        return self._tickwright_desk.orders()

    @property
    def instruments(self) -> list[Instrument]:
        """The instruments this strategy may trade, in the order of the YAML file."""
        self._tickwright_entrance()
        return self._tickwright_desk.instruments()

    @property
    def log(self) -> Any:
        """A structured logger that knows the run and the strategy."""
        self._tickwright_entrance()
        return self._tickwright_desk.log

    def book(self, instrument: Which) -> Book:
        """The book of an instrument as it is now."""
        return self._tickwright_entrance().seat(instrument).market.book

    def position(self, instrument: Which) -> "Position":
        """This strategy's own position in an instrument."""
        return self._tickwright_entrance().seat(instrument).position

    def parent(self, instrument: Which, qty: Number, name: str = "") -> Parent:
        """A quantity to work off in slices: pass it to `buy` or `sell`, and the gate bounds their sum."""
        seat = self._tickwright_entrance().seat(instrument)
        return Parent(name or self.name, seat.market.instrument.lots(qty))

    def _tickwright_entrance(self) -> Door:
        try:
            door = self._tickwright_door
        except AttributeError:
            door = None
        if door is None:
            raise LocalError(f"{type(self).__name__}: not part of a run yet; use on_start instead of __init__")
        return door

    def _tickwright_attach(self, door: Door, desk: "Desk") -> None:
        self._tickwright_door = door
        self._tickwright_desk = desk


HANDLERS = ("on_book", "on_trade", "on_order", "on_fill", "on_timer", "on_rfq", "on_link")


def handlers(strategy: Strategy) -> dict[str, Any]:
    """The handlers that a strategy overrides, bound; the others are never called."""
    kind = type(strategy)
    return {name: getattr(strategy, name) for name in HANDLERS if getattr(kind, name) is not getattr(Strategy, name)}
