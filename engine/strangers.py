"""Orders and executions at the venue that nobody here knows: foreign ones, doubled ones, lost ones.

They count: a position moves whoever ordered it, and a resting order of a stranger on our account can execute. So they
are adopted as external orders of no strategy, in the account's sums only.
"""

from collections.abc import Callable

from tickwright.engine.market import Market
from tickwright.engine.marks import CHANGED, CRIT, E_ADOPT, HALT, QUERY, WARN
from tickwright.engine.order import Order, priced_order
from tickwright.engine.orders import OrderManager
from tickwright.engine.reconcile import VenueTrade
from tickwright.engine.terms import OPEN, PARTIALLY_FILLED

MAX_STRAYS = 10_000
"""Trades that may wait for their order's name at once, one second each: more is a broken feed."""


def free(order: Order, trade: VenueTrade) -> None:
    """Nothing is known to be charged."""


class Strangers:
    """Adopts what is not ours into a manager's books.

    `policy` says what happens to live orders of others: `adopt`, `cancel` or `halt`. `prefix` begins the names of our
    own orders. `locked` is set once an order of ours turns up that our journal does not know: no new order may leave
    until an operator has looked. `charge` is called with an order and an execution of it that is about to be booked,
    for what the venue takes for it.
    """

    __slots__ = ("adopted", "charge", "locked", "manager", "policy", "prefix", "strays")

    def __init__(self, manager: OrderManager, prefix: str = "", policy: str = "adopt") -> None:
        if policy not in ("adopt", "cancel", "halt"):
            raise ValueError(f"external_orders: expected adopt, cancel or halt, received {policy!r}")
        self.manager = manager
        self.prefix = prefix
        self.policy = policy
        self.adopted = 0
        self.charge = free
        self.locked = False
        self.strays: list[tuple[Market, str, int, VenueTrade, int]] = []

    def adopt(
        self,
        market: Market,
        client_order_id: str,
        venue_order_id: str,
        side: int,
        lots: int,
        ticks: int,
        cum: int,
        ts: int,
    ) -> tuple[Order, int]:
        """Take an order into the books that is live at the venue and not in our journal; `cum` was executed before.

        It counts in the account's sums and belongs to no strategy. One that bears our own prefix means that the
        journal lost something, or that a second process trades: HALT.
        """
        manager = self.manager
        order = self.external(market, client_order_id, venue_order_id, side, lots, ticks)
        order.cum = cum
        worth = cum
        worth = worth * ticks
        order.value = worth
        order.state_code = PARTIALLY_FILLED if cum > 0 else OPEN
        marks = manager.admit(order, E_ADOPT, CHANGED, ts)
        name = f"{venue_order_id} ({client_order_id or 'without a name'})"
        if self.prefix and client_order_id.startswith(f"{self.prefix}-"):
            self.locked = True
            text = f"expected every order of prefix {self.prefix} in the journal, received {name}"
            return order, marks | manager.ring(order, HALT, "FOREIGN_INSTANCE_OR_JOURNAL_LOSS", text, ts)
        text = f"expected no order of others in {market.instrument.id}, received {name}; policy {self.policy}"
        if self.policy == "halt":
            return order, marks | manager.ring(order, HALT, "EXTERNAL_ORDER", text, ts)
        manager.recorder.note(1, text, ts)
        if self.policy == "cancel":
            marks |= manager.cancel_req(order, ts)
        return order, marks | WARN

    def external(
        self, market: Market, client_order_id: str, venue_order_id: str, side: int, lots: int, ticks: int
    ) -> Order:
        """The record of an order that was not sent from here."""
        self.adopted += 1
        name = client_order_id
        if not name or self.manager.by_client_order_id(name) is not None:
            name = f"ext-{market.venue_name}-{venue_order_id}"
        order = priced_order(market.book, name, -self.adopted, side, lots, ticks, None, market.working)
        order.venue_order_id = venue_order_id
        order.external = True
        order.sent = True
        order.acked = True
        return order

    def adopt_doubles(self, market_of: Callable[[str], Market], ts: int) -> list[tuple[Order, int]]:
        """Adopt and cancel the second orders that the venue acknowledged under names of ours."""
        manager = self.manager
        found = []
        for first, venue_order_id in manager.doubles:
            market = market_of(first.instrument.id)
            order = self.external(market, "", venue_order_id, first.side_code, first.lots, first.ticks)
            order.state_code = OPEN
            marks = manager.admit(order, E_ADOPT, CHANGED, ts)
            found.append((order, marks | manager.cancel_req(order, ts)))
        manager.doubles.clear()
        return found

    def stray_fill(
        self, market: Market, venue_order_id: str, side: int, trade: VenueTrade, ts: int
    ) -> tuple[Order | None, int]:
        """An execution named by the venue's order id only: booked if we know it, else held for a moment.

        Returns the order that it was booked to, None while it is held, and the marks.
        """
        order = self.manager.by_venue_order_id(market.venue_name, venue_order_id)
        if order is not None:
            return order, self.book_stray(order, trade, ts)
        stray = (market, venue_order_id, side, trade, ts)
        same = [held for held in self.strays if held[1] == venue_order_id and held[3].trade_id == trade.trade_id]
        if not same:
            if len(self.strays) >= MAX_STRAYS:
                return self.adopt_fill(stray, ts)
            self.strays.append(stray)
        return None, QUERY

    def book_stray(self, order: Order, trade: VenueTrade, ts: int) -> int:
        """Book an execution whose order is known after all."""
        self.charge(order, trade)
        return self.manager.fill_stated(
            order,
            trade.trade_id,
            trade.lots,
            trade.ticks,
            trade.side,
            trade.liquidity,
            trade.stated_cum,
            False,
            trade.venue_ts,
            ts,
        )

    def claim(self, order: Order, ts: int) -> int:
        """An acknowledgement named the order: book what was held for it."""
        marks = 0
        for trade in self.claimed(order):
            marks |= self.book_stray(order, trade, ts)
        return marks

    def claimed(self, order: Order) -> list[VenueTrade]:
        """Hand out what was held for an order whose name is known by now."""
        found = []
        rest = []
        for stray in self.strays:
            if stray[1] == order.venue_order_id and stray[0].venue_name == order.instrument.venue:
                found.append(stray[3])
            else:
                rest.append(stray)
        self.strays = rest
        return found

    def overdue(self, ts: int) -> list[tuple[Market, str, int, VenueTrade, int]]:
        """Take out what nobody claimed in time, for `settle`.

        While an order of ours that was sent before has no name of the venue's yet, an execution on its side may be its
        own and goes on waiting: that order is being asked for, and twice would be worse than late.
        """
        nameless: dict[tuple[str, int], int] = {}
        for own in self.manager.open_orders():
            if own.sent and not own.venue_order_id:
                key = (own.instrument.id, own.side_code)
                nameless[key] = min(nameless.get(key, own.sent_ts), own.sent_ts)
        late = [
            stray
            for stray in self.strays
            if ts - stray[4] >= self.manager.timeouts.orphan
            and nameless.get((stray[0].instrument.id, stray[3].side or stray[2]), ts) > stray[4]
        ]
        self.strays = [stray for stray in self.strays if stray not in late]
        return late

    def settle(self, stray: tuple[Market, str, int, VenueTrade, int], ts: int) -> tuple[Order, int]:
        """Book what was held too long: to its order if that is known by now, else as a stranger's.

        Returns the order and the marks, of which one alarm at most is in `OrderManager.alarm`: tell of one before the
        next is settled.
        """
        order = self.manager.by_venue_order_id(stray[0].venue_name, stray[1])
        if order is None:
            return self.adopt_fill(stray, ts)
        return order, self.book_stray(order, stray[3], ts)

    def adopt_fill(self, stray: tuple[Market, str, int, VenueTrade, int], ts: int) -> tuple[Order, int]:
        """An execution of an order that nobody here knows: the position has moved, so it is booked."""
        market, venue_order_id, side, trade, _ = stray
        manager = self.manager
        order = self.external(market, "", venue_order_id, trade.side or side, trade.lots, trade.ticks)
        order.state_code = OPEN
        marks = manager.admit(order, E_ADOPT, CHANGED, ts)
        text = f"expected executions of known orders, received trade {trade.trade_id} of venue order {venue_order_id}"
        marks |= manager.ring(order, CRIT, "FILL_OF_UNKNOWN_ORDER", text, ts) | QUERY
        return order, marks | self.book_stray(order, trade, ts)
