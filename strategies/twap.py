"""Time-weighted execution: a parent quantity in equal slices over a span of time.

Each slice rests at the near touch; when its time is over, what is left of it joins the next slice. After the last one,
what is still left is taken from the far touch, step by step until all is done. The slices are children of one parent
order: the risk gate holds their sum, executed and working together, within the parent's quantity, whatever this code
gets wrong.
"""

from decimal import Decimal
from typing import Literal

from attrs import define, field

from tickwright.engine.order import Order
from tickwright.engine.parent import Parent
from tickwright.engine.terms import TimeInForce
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
    step: str = "10s"
    """One part each so often."""

    _parent: Parent | None = field(default=None, init=False, repr=False)
    _order: Order | None = field(default=None, init=False, repr=False)
    _slice: int = field(default=0, init=False, repr=False)
    _wanted: bool = field(default=False, init=False, repr=False)

    def on_start(self) -> None:
        self._parent = self.parent(self.instruments[0], self.qty)
        self.at(self.now + 1, "slice")
        self.every(self.step, "slice")

    def on_timer(self, name: str) -> None:
        """A slice's time has come: take back what the last one left, and ask for what is due by now."""
        self._slice += 1
        self._wanted = True
        if self._order is not None and self._order.is_open:
            self.cancel(self._order)
        self.next_slice()

    def on_order(self, order: Order) -> None:
        """When the last slice's rest is out of the way, the next one may go in."""
        self.next_slice()

    def next_slice(self) -> None:
        """Send one slice, once its time has come and nothing of the earlier one works any more."""
        if not self._wanted or (self._order is not None and self._order.is_open):
            return
        self._wanted = False  # whatever becomes of it, the next try is the next slice's
        book = self.book(self.instruments[0])
        due = self.due_qty()
        if due == 0 or book.bid is None or book.ask is None:
            return
        buying = self.side == "buy"
        late = self._slice > self.slices
        near, far = (book.bid, book.ask) if buying else (book.ask, book.bid)
        ask = self.buy if buying else self.sell
        self._order = ask(
            book.instrument,
            due,
            far if late else near,
            time_in_force=TimeInForce.IOC if late else TimeInForce.GTC,
            parent=self._parent,
            tag=f"slice {self._slice}",
        )

    def due_qty(self) -> Decimal:
        """What should be done by the end of this slice, less what is done; on the lot grid."""
        instrument = self.instruments[0]
        done = self._parent.executed_lots if self._parent else 0
        wanted = instrument.lots(self.qty) * min(self._slice, self.slices) // self.slices
        return instrument.qty(max(wanted - done, 0))
