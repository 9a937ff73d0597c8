"""A venue across a wire, as the core sees it: commands are held until the records of their step are safe.

The core hands over a command in the middle of a step; the driver lets the commands of a step go when everything that
the step wrote is in the journal. So an order's intent and the start of its sending are on record before its first
byte, at the price of one commit. What leaves here is checked once more: an order leaves once, and only as an order
that has just been sent by the order manager.
"""

from array import array
from collections import OrderedDict
from collections.abc import Callable
from typing import cast

from tickwright.engine.asking import Inquiry
from tickwright.engine.intake import Link
from tickwright.engine.order import Order
from tickwright.engine.ports import TapeVenue
from tickwright.engine.terms import NO_TIME, PENDING_NEW
from tickwright.engine.wire import AskingWire, Wire

LEFT_KEPT = 65_536
"""Names of orders that left, youngest last: an order is sent within seconds of being made."""


class RemoteVenue(TapeVenue):
    """The core's end of one wire. `blocked` is called with an order that tried to leave without right."""

    native_replace = False

    def __init__(self, wire: Wire, link: Link, markets: int, blocked: Callable[[Order, str], None]) -> None:
        self.next_due = NO_TIME
        self.instant = False
        self.resting = array("q", bytes(8 * markets))
        self.event = 0
        self.wire = wire
        self.link = link
        self.blocked = blocked
        self.orders: list[Order] = []
        self.cancels: list[tuple[Order, int]] = []
        self.inquiries: list[tuple[Inquiry, bool]] = []
        self.left: OrderedDict[str, None] = OrderedDict()

    def submit(self, order: Order, now: int) -> None:
        self.orders.append(order)

    def cancel(self, order: Order, request_id: int, now: int) -> None:
        self.cancels.append((order, request_id))

    def asks_quotes(self) -> bool:
        return self.wire.capability.rfqs

    def ask_quotes(self, inquiry: Inquiry) -> None:
        self.inquiries.append((inquiry, True))

    def withdraw_quotes(self, inquiry: Inquiry) -> None:
        self.inquiries.append((inquiry, False))

    def advance(self, now: int) -> None:
        """Nothing happens here but by events."""

    def release(self, recorded: bool) -> list[Order]:
        """Let go what was held: new orders only if what was recorded of them is safe, cancels in any case.

        Cancels that the link cannot carry lapse here: they stay wanted, and leave first once it is up again. Returns
        the orders that were kept back.
        """
        orders, self.orders = self.orders, []
        cancels, self.cancels = self.cancels, []
        for order in orders if recorded else ():
            name = order.client_order_id
            if name in self.left:
                self.blocked(order, "SEND_BLOCKED: it has left before")
            elif not order.sent or order.state_code < PENDING_NEW:
                self.blocked(order, f"SEND_BLOCKED: expected an order being sent, received {order.state.name}")
            else:
                self.left[name] = None
                if len(self.left) > LEFT_KEPT:
                    self.left.popitem(last=False)
                self.wire.submit(order)
        for order, request_id in cancels if self.link.up else ():
            self.wire.cancel(order, request_id)
        inquiries, self.inquiries = self.inquiries, []
        for inquiry, asks in inquiries:
            wire = cast("AskingWire", self.wire)
            if not asks:
                wire.withdraw_quotes(inquiry)
            elif recorded and not inquiry.over:
                wire.ask_quotes(inquiry)
        return [] if recorded else orders
