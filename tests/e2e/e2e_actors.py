"""Strategies that whole runs are tested with: each does one thing, the same way every time."""

from decimal import Decimal

from attrs import define, field

from tickwright import Book, Fill, Order, Strategy, TimeInForce, Trade


@define(kw_only=True)
class Churn(Strategy):
    """Makes and takes all the time: quotes at the touch, cancels, and sometimes crosses the spread or replaces."""

    size: Decimal = Decimal("0.5")
    replaces: bool = True

    _wakes: int = field(default=0, init=False)

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.watch(instrument, book="every")

    def on_book(self, book: Book) -> None:
        self._wakes += 1
        if book.bid is None or book.ask is None or self._wakes % 5:
            return
        turn = self._wakes // 5 % 8
        held = self.position(book.instrument).qty
        if turn == 0:
            self.cancel_all(book.instrument)
        elif turn == 1:
            self.buy(book.instrument, self.size, book.bid)
        elif turn == 2:
            self.sell(book.instrument, self.size, book.ask, post_only=True)
        elif turn == 3 and self.replaces and self.orders:
            self.replace(self.orders[0], price=self.orders[0].price)
        elif turn == 4:
            self.buy(book.instrument, 3 * self.size, book.ask, time_in_force=TimeInForce.IOC)
        elif turn == 5:
            self.sell(book.instrument, self.size, time_in_force=TimeInForce.IOC)
        elif turn == 6 and held:
            close = self.sell if held > 0 else self.buy
            close(book.instrument, abs(held), time_in_force=TimeInForce.IOC, reduce_only=True)
        elif turn == 7:
            self.sell(book.instrument, 2 * self.size, book.bid, time_in_force=TimeInForce.FOK)


@define(kw_only=True)
class Rest(Strategy):
    """Rests an order to buy every `every`th book and never looks back: the same orders whatever fills."""

    size: Decimal = Decimal("0.5")
    every: int = 20

    _wakes: int = field(default=0, init=False)

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.watch(instrument, book="every")

    def on_book(self, book: Book) -> None:
        self._wakes += 1
        if book.bid is None or book.ask is None or self._wakes % self.every:
            return
        # No two alike, or the gate would take them for doubles.
        size = self.size + book.instrument.lot_size * (self._wakes // self.every)
        self.buy(book.instrument, size, book.bid - book.tick, expire=self.now + 300_000_000)


@define(kw_only=True)
class Witness(Strategy):
    """Writes down everything it hears, and trades a little."""

    path: str
    size: Decimal = Decimal("0.5")

    _lines: list[str] = field(factory=list, init=False)

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.watch(instrument, book="every", trades=True)
        self.every("50ms", "tick")

    def note(self, *said: object) -> None:
        self._lines.append(" ".join(map(str, (self.now, *said))))

    def on_book(self, book: Book) -> None:
        self.note("book", book.instrument.id, book.bid, book.bid_size, book.ask, book.ask_size, book.imbalance(3))

    def on_trade(self, trade: Trade) -> None:
        self.note("trade", trade.side, trade.price, trade.size)

    def on_timer(self, name: str) -> None:
        for instrument in self.instruments:
            book = self.book(instrument)
            if len(self.orders) > 6:
                self.cancel_all(instrument)
            if book.bid is not None and book.ask is not None:
                self.buy(instrument, self.size, book.bid)
                self.sell(instrument, self.size, book.ask)
                self.buy(instrument, self.size, book.ask, time_in_force=TimeInForce.IOC)

    def on_order(self, order: Order) -> None:
        self.note("order", order.client_order_id, order.state.name, order.filled_qty)

    def on_fill(self, order: Order, fill: Fill) -> None:
        self.note("fill", order.client_order_id, fill.price, fill.qty, self.position(order.instrument).qty)

    def on_stop(self) -> None:
        with open(self.path, "w") as file:
            file.write("\n".join(self._lines))
