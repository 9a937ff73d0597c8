"""Momentum from the order flow: when takers press one way, go with them for a while, with a stop.

The pressure is the signed volume of recent trades over their total volume, each trade fading with its age. A position
is entered with an immediate-or-cancel limit order at the far touch, and left when the price has moved against it by
`stop_ticks`, for it by `target_ticks`, or after `hold`.
"""

from decimal import Decimal
from math import exp

from attrs import define, field

from tickwright.engine.book import Book
from tickwright.engine.order import Order
from tickwright.engine.terms import TimeInForce
from tickwright.engine.times import interval_ns
from tickwright.engine.trade import Trade
from tickwright.strategies.base import Strategy


@define(kw_only=True)
class OrderFlow(Strategy):
    """Follows the imbalance of aggressive buying and selling."""

    size: Decimal = Decimal("0.01")
    """How much is bought or sold at a time."""
    window: str = "5s"
    """The time in which a trade's weight falls to 1/e."""
    threshold: float = 0.6
    """The imbalance, between 0 and 1, from which pressure counts."""
    min_volume: float = 0.5
    """Faded volume below which there is no signal."""
    stop_ticks: int = 500
    """Leave when the price has gone this far against the position."""
    target_ticks: int = 1000
    """Leave when the price has gone this far with it."""
    hold: str = "30s"
    """Leave after this time in any case."""
    allow_short: bool = False
    """Whether it may sell what it does not hold."""

    _signed: float = field(default=0.0, init=False, repr=False)
    _volume: float = field(default=0.0, init=False, repr=False)
    _faded_at: int = field(default=0, init=False, repr=False)
    _entered_at: int = field(default=0, init=False, repr=False)
    _order: Order | None = field(default=None, init=False, repr=False)

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.watch(instrument, book="100ms", trades=True)

    def on_trade(self, trade: Trade) -> None:
        self.fade(trade.time)
        self._signed += trade.size * trade.side
        self._volume += trade.size

    def fade(self, now: int) -> None:
        """Let what was counted lose the weight of the time since."""
        keep = exp(-(now - self._faded_at) / interval_ns(self.window)) if self._faded_at else 0.0
        self._signed *= keep
        self._volume *= keep
        self._faded_at = now

    @property
    def imbalance(self) -> float:
        """Signed over total faded volume, from -1 to 1; zero while there was too little trade."""
        return self._signed / self._volume if self._volume >= self.min_volume else 0.0

    def on_book(self, book: Book) -> None:
        if book.bid is None or book.ask is None or (self._order is not None and self._order.is_open):
            return
        self.fade(self.now)
        position = self.position(book.instrument)
        if position.qty == 0.0:
            self.maybe_enter(book)
        elif position.avg_px is not None:
            self.maybe_leave(book, position.qty, position.avg_px)

    def maybe_enter(self, book: Book) -> None:
        now = TimeInForce.IOC
        if self.imbalance >= self.threshold:
            self._order = self.buy(book.instrument, self.size, book.ask, time_in_force=now, tag="enter")
        elif self.imbalance <= -self.threshold and self.allow_short:
            self._order = self.sell(book.instrument, self.size, book.bid, time_in_force=now, tag="enter")
        else:
            return
        self._entered_at = self.now

    def maybe_leave(self, book: Book, held: float, paid: float) -> None:
        """Close the position at the touch once stop, target or time says so."""
        if book.bid is None or book.ask is None:
            return
        gain = (book.bid - paid) / book.tick if held > 0 else (paid - book.ask) / book.tick
        late = self.now - self._entered_at >= interval_ns(self.hold)
        if late or gain <= -self.stop_ticks or gain >= self.target_ticks:
            tag = "stop" if gain <= -self.stop_ticks else "target" if gain >= self.target_ticks else "time"
            leave = self.sell if held > 0 else self.buy
            price = book.bid if held > 0 else book.ask
            self._order = leave(
                book.instrument, abs(held), price, time_in_force=TimeInForce.IOC, reduce_only=True, tag=tag
            )
