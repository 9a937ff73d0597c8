"""The benchmark's three strategies, in plain Python: the work is the same for every framework that is measured.

W1 reads both touches at every message and every trade. W2 keeps one order on each side, a tick behind the touch, and
moves both when either touch has moved by two ticks or more. W3 does the same, but looks every 100 ms only.
"""

from decimal import Decimal

from attrs import define, field

from tickwright import Book, Order, Strategy, Trade

ID = "X.BENCH"
ONE = Decimal(1)
TWO_TICKS = 0.015
"""Between one and two ticks of 0.01, so that a float's last digit does not matter."""


@define(kw_only=True)
class Observe(Strategy):
    """W1: adds bid x size and takes away ask x size, woken at every message and trade."""

    _book: Book | None = field(default=None, init=False)
    checksum: float = field(default=0.0, init=False)

    def on_start(self) -> None:
        self.watch(ID, book="every", trades=True)
        self._book = self.book(ID)

    def on_book(self, book: Book) -> None:
        bid, bid_size, ask, ask_size = book.touch
        self.checksum += bid * bid_size - ask * ask_size

    def on_trade(self, trade: Trade) -> None:
        bid, bid_size, ask, ask_size = self._book.touch
        self.checksum += bid * bid_size - ask * ask_size

    def on_stop(self) -> None:
        self.log.info("observed", checksum=round(self.checksum, 2))


@define(kw_only=True)
class Maker(Strategy):
    """W2: requotes both sides when the touch has moved; `wake` is what `watch` takes."""

    wake: str = "touch"
    _bid_at: float = field(default=-1.0, init=False)
    _ask_at: float = field(default=-1.0, init=False)
    _bid: Order | None = field(default=None, init=False)
    _ask: Order | None = field(default=None, init=False)

    def on_start(self) -> None:
        self.watch(ID, book=self.wake)

    def on_book(self, book: Book) -> None:
        bid = book.bid
        ask = book.ask
        if abs(bid - self._bid_at) < TWO_TICKS and abs(ask - self._ask_at) < TWO_TICKS:
            return
        if self._bid is not None:
            self.cancel(self._bid)
            self.cancel(self._ask)
        tick = book.tick
        self._bid = self.buy(ID, ONE, bid - tick, post_only=True)
        self._ask = self.sell(ID, ONE, ask + tick, post_only=True)
        self._bid_at = bid
        self._ask_at = ask


@define(kw_only=True)
class TimerMaker(Maker):
    """W3: the same, woken by a timer every 100 ms of the run's time."""

    _book: Book | None = field(default=None, init=False)

    def on_start(self) -> None:
        self._book = self.book(ID)
        self.every("100ms")

    def on_timer(self, name: str) -> None:
        self.on_book(self._book)
