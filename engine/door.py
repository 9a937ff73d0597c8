"""A strategy's door to the core: what it says in prices and sizes becomes orders in ticks and lots.

Nothing is sent here. An order made in a handler is put on the door's list of intents; when the handler has returned,
the core takes them one by one through the gate. What cannot be said on the instrument's grid, or is no number at all,
still makes an order: the gate denies it with the reason, and the strategy hears of it like of any other denial.
"""

from decimal import Decimal

from tickwright.engine.book import Book
from tickwright.engine.errors import TickwrightError, UnitError
from tickwright.engine.instrument import Instrument
from tickwright.engine.market import Seat
from tickwright.engine.order import Order, new_order
from tickwright.engine.parent import Parent
from tickwright.engine.terms import ASKED_MAX, DAY, GTC, GTD, LIMIT, MARKET

CANCEL = 1
CANCEL_ALL = 2
REPLACE = 3

HAIR = 1e-7
"""A float this near to the grid, in ticks, is on it; the exact way allows a little more and decides the rest."""

Number = Decimal | str | int | float
"""What a strategy may pass as a price or a size: exact kinds exactly, a float within a hair of the grid."""


class Names:
    """Makes `client_order_id`s: a prefix and a number that is never used again. One for the whole run."""

    __slots__ = ("number", "prefix")

    def __init__(self, prefix: str, number: int = 0) -> None:
        self.prefix = prefix
        self.number = number


class Door:
    """One strategy's way in. `intents` holds new orders, and tuples for cancels and replaces, in order of asking.

    `warming` says that what the strategy sees is a recording of the past, played to warm it up, `replaying` that it is
    told again of what happened before this run.
    """

    __slots__ = (
        "asked",
        "asked_at",
        "index",
        "intents",
        "last_key",
        "last_lots",
        "last_qty",
        "last_seat",
        "name",
        "names",
        "now",
        "replaying",
        "seats",
        "warming",
    )

    def __init__(self, name: str, index: int, names: Names) -> None:
        self.name = name
        self.index = index
        self.names = names
        self.now = 0
        self.warming = False
        self.replaying = False
        self.asked = 0
        self.asked_at = -1
        self.seats: dict[object, Seat] = {}
        self.intents: list[Order | tuple[object, ...]] = []
        self.last_key: object = None
        self.last_seat: Seat | None = None
        self.last_qty: object = None
        self.last_lots = 0

    def add_seat(self, seat: Seat) -> None:
        """Let the strategy into a market."""
        self.seats[seat.market.instrument.id] = seat
        self.seats[seat.market.instrument] = seat

    def seat(self, instrument: object) -> Seat:
        """The strategy's seat in an instrument, given as itself or by its id."""
        if instrument is self.last_key:
            found = self.last_seat
            if found is not None:
                return found
        seat = self.seats.get(instrument) if isinstance(instrument, (str, Instrument)) else None
        if seat is None:
            raise TickwrightError(
                f"strategy {self.name}: expected one of its instruments ({', '.join(self.ids())}), "
                f"received {instrument!r}"
            )
        self.last_key = instrument
        self.last_seat = seat
        self.last_qty = None
        return seat

    def prefix(self) -> str:
        """What the names of the run's orders begin with."""
        return self.names.prefix

    def ids(self) -> list[str]:
        """The instruments the strategy may trade."""
        return sorted(key for key in self.seats if isinstance(key, str))

    def enter(
        self,
        side: int,
        instrument: object,
        qty: Number,
        price: Number | None,
        tif: int,
        post_only: bool,
        reduce_only: bool,
        expire_ts: int,
        parent: Parent | None,
        tag: str,
    ) -> Order:
        """Make the intent to buy or sell; `price` None means a market order."""
        seat = self.seat(instrument)
        if self.now != self.asked_at:
            self.asked_at = self.now
            self.asked = 0
        self.asked += 1
        if self.asked > ASKED_MAX:
            self.refuse_more()
        names = self.names
        names.number += 1
        order = new_order(seat.market.book, f"{names.prefix}{names.number}", names.number)
        order.seat = seat
        order.strategy = self.name
        order.strategy_index = self.index
        order.working = seat.working
        order.account_working = seat.market.working
        order.side_code = side
        order.tif_code = tif
        order.post_only = post_only
        order.reduce_only = reduce_only
        order.expire_ts = expire_ts
        order.tag = tag
        order.created_ts = self.now
        order.updated_ts = self.now
        if qty is self.last_qty:
            order.lots = self.last_lots
        else:
            self.size(order, seat, qty)
        if price is None:
            order.type_code = MARKET
        else:
            order.type_code = LIMIT
            order.has_price = True
            order.ticks = self.ticks(order, seat.market.book, price)
        if parent is not None:
            order.parent = parent
        self.intents.append(order)
        return order

    def refuse_more(self) -> None:
        raise TickwrightError(
            f"strategy {self.name}: expected at most {ASKED_MAX} orders at one moment, received one more; "
            "it asks for orders without end"
        )

    def size(self, order: Order, seat: Seat, qty: Number) -> None:
        """Convert a size; the same object in the next call is not converted again (a param seldom changes)."""
        try:
            lots = seat.market.instrument.lots(qty)
        except UnitError as error:
            self.spoil(order, error)
            return
        order.lots = lots
        if type(qty) is Decimal or type(qty) is str:
            self.last_qty = qty
            self.last_lots = lots

    def ticks(self, order: Order, book: Book, price: Number) -> int:
        """Convert a price; a float is tried against the grid with two divisions before the exact way is taken."""
        if type(price) is float:
            value = price
            if 0.0 < value < 1e15 and book.tick_den < 1_000_000_000_000:
                guess = int(value * book.tick_den / book.tick_num + 0.5)
                rest = value - book.as_price(guess)
                if -HAIR < rest * book.tick_den / book.tick_num < HAIR:
                    return guess
        try:
            exact = book.instrument.ticks(price)
        except UnitError as error:
            self.spoil(order, error)
            return 0
        return exact

    def spoil(self, order: Order, error: UnitError) -> None:
        """Mark an intent that the gate will deny as not well formed; the first reason stands."""
        if not order.malformed:
            order.malformed = error.code
            order.reason = str(error)

    def cancel(self, order: Order) -> None:
        self.intents.append((CANCEL, order))

    def cancel_all(self, instrument: object) -> None:
        """Cancel every open order of this strategy, in one instrument or (None) in all."""
        seat = None if instrument is None else self.seat(instrument)
        self.intents.append((CANCEL_ALL, seat))

    def replace(self, order: Order, qty: Number | None, price: Number | None) -> None:
        """Ask for a new total quantity and price; what is None stays as it is.

        Raises:
            UnitError: a quantity or price off the instrument's grid.
        """
        instrument = order.instrument
        lots = int(order.lots) if qty is None else instrument.lots(qty)
        ticks = int(order.ticks) if price is None else instrument.ticks(price)
        self.intents.append((REPLACE, order, lots, ticks))


def lifetime(time_in_force: int, expire_ts: int, now: int) -> tuple[int, int]:
    """The time in force and expiry that a strategy's words amount to: an expiry time makes a GTC order GTD."""
    if time_in_force == GTC and expire_ts:
        return GTD, expire_ts
    if time_in_force == DAY:
        day = 86_400_000_000_000
        return DAY, (now // day + 1) * day
    return time_in_force, expire_ts
