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


@define
class Flow:
    """What is known of one instrument: its faded volumes, and the order and time of our position."""

    window_ns: int
    signed: float = 0.0
    volume: float = 0.0
    at: int = 0
    order: Order | None = None
    entered_at: int = 0

    def add(self, trade: Trade) -> None:
        """Count a trade, positive where the buyer took."""
        self.fade(trade.time)
        self.signed += trade.size * trade.side
        self.volume += trade.size

    def fade(self, now: int) -> None:
        """Let what was counted lose the weight of the time since."""
        keep = exp((self.at - now) / self.window_ns)
        self.signed *= keep
        self.volume *= keep
        self.at = now

    def imbalance(self, now: int, least: float) -> float:
        """Signed over total volume, from -1 to 1; zero while the volume is below `least`."""
        self.fade(now)
        return self.signed / self.volume if self.volume >= least else 0.0


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
    reduce_only: bool = True
    """Whether the venue is told that leaving may only reduce; false where it has no such flag."""

    _flows: dict[str, Flow] = field(factory=dict, init=False, repr=False)

    def on_start(self) -> None:
        for instrument in self.instruments:
            self._flows[instrument.id] = Flow(interval_ns(self.window))
            self.watch(instrument, book="100ms", trades=True)

    def on_order(self, order: Order) -> None:
        if order.denial is not None and order.denial.code == "FLAG_UNSUPPORTED" and order.reduce_only:
            venue, text = order.instrument.venue, order.denial.text
            self.log.error(f"{venue} has no reduce-only orders; set the param reduce_only: false", denial=text)

    def on_trade(self, trade: Trade) -> None:
        self._flows[trade.instrument.id].add(trade)

    def on_book(self, book: Book) -> None:
        flow = self._flows[book.instrument.id]
        if flow.order is not None and flow.order.is_open:
            return
        position = self.position(book.instrument)
        if position.avg_px is None:
            self.maybe_enter(book, flow)
        else:
            self.maybe_leave(book, flow, position.qty, position.avg_px)

    def maybe_enter(self, book: Book, flow: Flow) -> None:
        """Go with the pressure, at the price of those it presses on."""
        imbalance = flow.imbalance(self.now, self.min_volume)
        if imbalance >= self.threshold:
            flow.order = self.buy(book.instrument, self.size, book.ask, time_in_force=TimeInForce.IOC, tag="enter")
        elif imbalance <= -self.threshold and self.allow_short:
            flow.order = self.sell(book.instrument, self.size, book.bid, time_in_force=TimeInForce.IOC, tag="enter")
        else:
            return
        flow.entered_at = self.now

    def maybe_leave(self, book: Book, flow: Flow, held: float, paid: float) -> None:
        """Close the position at the touch once stop, target or time says so."""
        long = held > 0
        price = book.bid if long else book.ask
        if price is None:
            return
        gain = (price - paid) / book.tick * (1 if long else -1)
        if gain <= -self.stop_ticks:
            reason = "stop"
        elif gain >= self.target_ticks:
            reason = "target"
        elif self.now - flow.entered_at >= interval_ns(self.hold):
            reason = "time"
        else:
            return
        leave = self.sell if long else self.buy
        flow.order = leave(
            book.instrument, abs(held), price, time_in_force=TimeInForce.IOC, reduce_only=self.reduce_only, tag=reason
        )
