"""Time-weighted execution: a parent quantity in equal slices over a span of time.

Each slice first rests at the near touch; when its time is over, what is left of it joins the next slice, and the last
one takes what it needs from the far touch. The slices are children of one parent order: the risk gate holds their sum,
executed and working together, within the parent's quantity, whatever this code gets wrong.
"""

from decimal import Decimal
from typing import Literal

from attrs import define, field

from tickwright.engine.order import Order
from tickwright.engine.parent import Parent
from tickwright.engine.terms import TimeInForce
from tickwright.engine.times import interval_ns
from tickwright.strategies.base import Strategy


@define(kw_only=True)
class Twap(Strategy):
    """Works off a quantity in one instrument, slice by slice."""

    side: Literal["buy", "sell"] = "buy"
    """Which way."""
    qty: Decimal = Decimal("0.1")
    """The whole quantity."""
    slices: int = 10
    """In how many equal parts."""
    every: str = "10s"
    """One part each so often."""

    _parent: Parent | None = field(default=None, init=False, repr=False)
    _orders: list[Order] = field(factory=list, init=False, repr=False)
    _slice: int = field(default=0, init=False, repr=False)
    _wanted: bool = field(default=False, init=False, repr=False)

    def on_start(self) -> None:
        instrument = self.instruments[0]
        self._parent = self.parent(instrument, self.qty)
        step = interval_ns(self.every)
        for number in range(self.slices + 1):
            self.at(self.now + 1 + number * step, "slice")

    def on_timer(self, name: str) -> None:
        """A slice's time has come: take back what the last one left, and ask for what is due by now."""
        self._slice += 1
        self._wanted = True
        for order in self._orders:
            if order.is_open:
                self.cancel(order)
        self.next_slice()

    def on_order(self, order: Order) -> None:
        """When the last slice's rest is out of the way, the next one may go in."""
        self.next_slice()

    def next_slice(self) -> None:
        """Send one slice, once its time has come and nothing of the earlier ones works any more."""
        if not self._wanted or any(order.is_open for order in self._orders):
            return
        self._wanted = False
        book = self.book(self.instruments[0])
        due = self.due_qty()
        if due <= 0 or book.bid is None or book.ask is None or self._parent is None:
            return
        buying = self.side == "buy"
        last = self._slice > self.slices
        near, far = (book.bid, book.ask) if buying else (book.ask, book.bid)
        ask = self.buy if buying else self.sell
        order = ask(
            book.instrument,
            due,
            far if last else near,
            time_in_force=TimeInForce.IOC if last else TimeInForce.GTC,
            parent=self._parent,
            tag=f"slice {self._slice}",
        )
        self._orders.append(order)

    def due_qty(self) -> Decimal:
        """What should be done by the end of this slice, less what is done; on the lot grid."""
        instrument = self.instruments[0]
        total = instrument.lots(self.qty)
        done = self._parent.executed_lots if self._parent else 0
        wanted = total * min(self._slice, self.slices) // self.slices
        return instrument.qty(max(wanted - done, 0))
