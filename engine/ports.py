"""The sockets in the core's wall: who judges, who trades, who is told, who keeps the money.

Each is a small base class rather than a Protocol, because the hot modules call them through C; what is left out
raises, since a port half implemented is a bug. The rooms `risk` and `adapters` fill them in.
"""

from tickwright.engine.order import Approved, Denial, Fill, Order


class Gate:
    """The last gate before an order leaves."""

    def judge(self, order: Order, now: int) -> Approved | Denial:
        """Decide on a new order; the decision and its inputs are recorded by the gate."""
        raise NotImplementedError(type(self).__name__)

    def judge_replace(self, order: Order, lots: int, ticks: int, now: int) -> Approved | Denial:
        """Decide on changing `order` to a new total and price."""
        raise NotImplementedError(type(self).__name__)

    def cancel_allowed(self, order: Order, now: int) -> bool:
        """Whether the message budget, its reserve included, lets one cancel leave now; it is counted if so."""
        raise NotImplementedError(type(self).__name__)

    def filled(self, order: Order, fill: Fill, now: int) -> None:
        """A fill was booked."""
        raise NotImplementedError(type(self).__name__)

    def rejected(self, order: Order, now: int) -> None:
        """The venue refused an order."""
        raise NotImplementedError(type(self).__name__)

    def mark(self, now: int) -> None:
        """A second has passed: sample references, evaluate losses, roll the day."""
        raise NotImplementedError(type(self).__name__)


class Venue:
    """Where orders go: the simulator, or the link to a real one.

    Commands return nothing; answers come back through the `Reports` the venue was given, never inside the call.
    """

    def submit(self, order: Order, now: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def cancel(self, order: Order, request_id: int, now: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def replace(self, order: Order, request_id: int, lots: int, ticks: int, now: int) -> None:
        """Only called where `native_replace` is true."""
        raise NotImplementedError(type(self).__name__)


class Reports:
    """Who hears what the venue says of our orders, by `client_order_id`. Quantities in lots; -1 means not stated."""

    def accepted(self, client_order_id: str, venue_order_id: str, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def refused(self, client_order_id: str, reason: str, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def executed(
        self, client_order_id: str, trade_id: str, lots: int, ticks: int, maker: bool, cause: int, ts: int
    ) -> None:
        raise NotImplementedError(type(self).__name__)

    def canceled(self, client_order_id: str, stated_cum: int, reason: str, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def cancel_refused(self, client_order_id: str, kind: int, stated_cum: int, request_id: int, ts: int) -> None:
        """`kind` is one of `Refusal`."""
        raise NotImplementedError(type(self).__name__)

    def replaced(self, client_order_id: str, lots: int, ticks: int, request_id: int, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def replace_refused(self, client_order_id: str, kind: int, stated_cum: int, request_id: int, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)

    def expired(self, client_order_id: str, stated_cum: int, ts: int) -> None:
        raise NotImplementedError(type(self).__name__)


class Ledger:
    """Who moves money when the order manager books, takes back or corrects an execution."""

    def book(self, order: Order, fill: Fill) -> None:
        raise NotImplementedError(type(self).__name__)

    def take_back(self, order: Order, fill: Fill) -> None:
        """A bust: the execution never was."""
        raise NotImplementedError(type(self).__name__)

    def correct(self, order: Order, lots: int, old_ticks: int, new_ticks: int) -> None:
        """A real trade takes the place of an inferred one: same quantity, another price."""
        raise NotImplementedError(type(self).__name__)
