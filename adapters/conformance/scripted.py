"""The strategy of a trial: it does what it is told, and writes down what becomes of it."""

from tickwright import Book, Order, Strategy
from tickwright.adapters.conformance.script import Cancel, Command, Place, Replace

Row = tuple[str, str, float, float | None, str]
"""The number in an order's id, its state, what of it is filled, at which average price, and a code."""


class Scripted(Strategy):
    """Does what it is told, and notes every row of its orders that says more than that something was heard."""

    def on_start(self) -> None:
        self.watch(self.instruments[0], book="every", trades=True)
        self.asked: list[Order] = []
        self.heirs: dict[str, Order] = {}
        self.rows: list[Row] = []
        self.known: dict[str, float] = {}
        self.late: Cancel | Replace | None = None
        self.shown: list[str] = []

    def on_book(self, book: Book) -> None:
        if book.health.name != "LIVE":
            self.shown.append(f"a book that is {book.health.name}")
        self.come_late()

    def on_trade(self, trade: object) -> None:
        self.come_late()

    def come_late(self) -> None:
        if self.late is not None:
            late, self.late = self.late, None
            self.do(late)

    def do(self, command: Command) -> None:
        instrument = self.instruments[0]
        match command:
            case Place(side=side, ticks=ticks, lots=lots, time_in_force=tif, post_only=post_only):
                enter = self.buy if side > 0 else self.sell
                price = None if ticks is None else instrument.price(ticks)
                qty = instrument.qty(lots)
                self.asked.append(enter(instrument, qty, price, time_in_force=tif, post_only=post_only))
            case Cancel(which=which):
                self.cancel(self.youngest(which))
            case Replace(which=which, ticks=ticks, lots=lots):
                self.replace(
                    self.youngest(which),
                    qty=None if lots is None else instrument.qty(lots),
                    price=None if ticks is None else instrument.price(ticks),
                )

    def youngest(self, which: int) -> Order:
        order = self.asked[which]
        while order.client_order_id in self.heirs:
            order = self.heirs[order.client_order_id]
        return order

    def on_order(self, order: Order) -> None:
        name = order.client_order_id
        if order.replaces:
            self.heirs[order.replaces] = order
        if order.terminal or order.state.name == "UNKNOWN" or order.filled_qty != self.known.get(name, 0.0):
            self.known[name] = order.filled_qty
            number = name.rpartition("-")[2]
            self.rows.append((number, order.state.name, order.filled_qty, order.avg_px, order.code))
