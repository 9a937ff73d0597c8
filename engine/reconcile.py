"""What the venue says of our orders when it is asked.

Asking is slower than the stream, so an answer can be older than what the stream has told since. Therefore an answer
counts only if it was asked for when the order had been quiet for a while (`Timeouts.grace`); any other changes
nothing, like every answer that failed. A counted answer wins over what we believe, with two exceptions: what is in
flight is settled by its own answer or by its own wait, and an execution that we booked stays booked until the venue
takes it back. A trade is never invented to explain a position.
"""

from decimal import Decimal
from fractions import Fraction

from attrs import frozen

from tickwright.engine.marks import (
    CHANGED,
    CONTRADICTION,
    CRIT,
    E_RECON_DONE,
    E_RECON_LIVE,
    E_RECON_NOT_FOUND,
    HALT,
    NO_CAUSE,
    QUERY,
    RECHECK,
)
from tickwright.engine.order import Order
from tickwright.engine.orders import OrderManager
from tickwright.engine.terms import (
    CANCELED,
    FAILED,
    FILLED,
    OPEN,
    PARTIALLY_FILLED,
    PENDING_CANCEL,
    PENDING_REPLACE,
    PENDING_SEND,
    REJECTED,
    UNKNOWN,
)


@frozen(kw_only=True)
class VenueTrade:
    """One execution as the venue reports it.

    `stated_cum` is the order's sum after it (-1: not stated), `venue_ts` the venue's time (0: unknown).
    """

    trade_id: str
    lots: int
    ticks: int
    side: int = 0
    liquidity: int = 1
    stated_cum: int = -1
    venue_ts: int = 0
    fee: Decimal | None = None
    fee_currency: str = ""


@frozen(kw_only=True)
class VenueView:
    """The venue's answer about one order.

    `cum` is what it counts as executed, `lots` its total (-1: not stated), `average_ticks` its average price over
    `cum`, `trades` what it lists of the order's executions. `asked_ts` is our time when we asked, `venue_ts` the
    venue's time of the answer (0: unknown).
    """

    cum: int
    asked_ts: int
    lots: int = -1
    average_ticks: Fraction | None = None
    trades: tuple[VenueTrade, ...] = ()
    venue_ts: int = 0


class Absence:
    """Counts the answers that do not know an order, until they prove that it is not there.

    Proof is three answers at least two seconds apart from a query that is documented to cover the order, and a look
    through the trades since it was sent that found none of it.
    """

    __slots__ = ("answers", "last_ts", "scanned")

    def __init__(self) -> None:
        self.answers = 0
        self.last_ts = 0
        self.scanned = False

    def unknown(self, ts: int) -> None:
        """One more answer without the order; one that comes too soon after the last does not count."""
        if self.answers == 0 or ts - self.last_ts >= 2_000_000_000:
            self.answers += 1
            self.last_ts = ts

    def no_trades(self) -> None:
        """The venue's trades since the order was sent were looked through: none is of this order."""
        self.scanned = True

    @property
    def proven(self) -> bool:
        return self.scanned and self.answers >= 3


class Reconciler:
    """Brings a manager's orders in line with the venue's confirmed answers.

    `trade_query` tells whether the venue can be asked for trades; where it can, they are asked for a while
    (`Timeouts.inferred`) before an execution is inferred.
    """

    __slots__ = ("manager", "missing", "trade_query")

    def __init__(self, manager: OrderManager, *, trade_query: bool = True) -> None:
        self.manager = manager
        self.trade_query = trade_query
        self.missing: dict[str, int] = {}

    def too_fresh(self, order: Order, asked_ts: int) -> bool:
        """Whether the order has moved so lately that the answer may be older than what we know."""
        return asked_ts - order.heard_ts < self.manager.timeouts.grace

    def recon_live(self, order: Order, view: VenueView, ts: int) -> int:
        """The venue lists the order as live."""
        manager = self.manager
        if self.too_fresh(order, view.asked_ts):
            return 0
        state = order.state_code
        if state == PENDING_SEND:
            return self.never_sent(order, E_RECON_LIVE, ts)
        if state >= FILLED:
            text = f"expected an order {order.state.name}, received one that is live"
            marks = manager.contradict(order, "LIVE_AFTER_END", text, ts) | manager.ask_cancel(order, ts)
            return manager.close(order, E_RECON_LIVE, marks, ts)
        marks = self.backfill(order, view, ts)
        if order.state_code >= FILLED or view.cum != order.cum:
            return marks | self.uneven(order, view)
        self.missing.pop(order.client_order_id, None)
        if state in (PENDING_CANCEL, PENDING_REPLACE):
            order.acked = True
            return marks
        if state in (OPEN, PARTIALLY_FILLED):
            if view.lots < 0 or view.lots == order.lots:
                return marks
            order.lots = view.lots if view.lots > order.cum else order.cum
            manager.settle(order)
            return manager.close(order, E_RECON_LIVE, marks | CHANGED, ts)
        return marks | self.settle_live(order, view, ts)

    def settle_live(self, order: Order, view: VenueView, ts: int) -> int:
        """An order in doubt, or not yet acknowledged, is live with the sum that we know."""
        manager = self.manager
        if view.lots < 0 and order.replace_lots >= 0:
            return QUERY
        if order.ending_code != 0:
            text = "expected an order that the venue had ended, received one that is live"
            order.ending_code = 0
            marks = manager.contradict(order, "LIVE_AFTER_END", text, ts) | manager.ask_cancel(order, ts)
            return manager.close(order, E_RECON_LIVE, marks, ts)
        order.sent = True
        order.acked = True
        order.cause_code = NO_CAUSE
        order.expected_cum = -1
        order.expected_stated = False
        if view.lots >= 0:
            if order.replace_lots == view.lots:
                order.ticks = order.replace_ticks
            order.replace_lots = -1
            order.lots = view.lots if view.lots > order.cum else order.cum
        marks = CHANGED
        if order.cancel_wanted:
            marks |= manager.ask_cancel(order, ts)
        manager.settle(order)
        return manager.close(order, E_RECON_LIVE, marks, ts)

    def recon_done(self, order: Order, label: int, view: VenueView, ts: int) -> int:
        """The venue says how the order ended: `label` is FILLED, CANCELED, EXPIRED or REJECTED."""
        manager = self.manager
        if self.too_fresh(order, view.asked_ts):
            return 0
        state = order.state_code
        if state == PENDING_SEND:
            return self.never_sent(order, E_RECON_DONE, ts)
        marks = 0
        if state >= FILLED and state != FILLED and not order.sent:
            text = f"expected an order never sent, received one that ended with {view.cum} lots"
            marks = manager.ring(order, HALT, "NEVER_SENT", text, ts)
        elif state == FAILED:
            text = "expected an order that was never there, received its end"
            marks = manager.ring(order, CRIT, "FOUND_AFTER_FAILED", text, ts)
        marks |= self.backfill(order, view, ts)
        if view.cum > order.cum:
            self.await_trades(order, label, view.cum, ts)
        if view.cum != order.cum:
            return marks | self.uneven(order, view)
        self.missing.pop(order.client_order_id, None)
        return marks | self.settle_done(order, label, view, state, ts)

    def await_trades(self, order: Order, label: int, cum: int, ts: int) -> int:
        """The order is over with more executed than we know: it waits for its trades."""
        manager = self.manager
        if order.state_code < FILLED and order.cause_code != CONTRADICTION:
            manager.await_fills(order, CANCELED if label == FILLED else label, cum, ts)
            manager.close(order, E_RECON_DONE, 0, ts)
        return 0

    def settle_done(self, order: Order, label: int, view: VenueView, before: int, ts: int) -> int:
        """All trades are booked: take the venue's total and label."""
        manager = self.manager
        state = order.state_code
        if before >= FILLED and before != FILLED and not order.sent:
            return 0
        order.settled_cum = True
        lots = view.lots if view.lots >= 0 else order.lots
        if label == FILLED or lots < order.cum:
            lots = order.cum
        end = FILLED if order.cum >= lots else label
        if state == end and order.lots == lots:
            return 0
        if state == REJECTED and end != FILLED:
            return 0
        order.lots = lots
        order.replace_lots = -1
        if order.state_code < FILLED:
            order.sent = True
        manager.finish(order, end)
        return manager.close(order, E_RECON_DONE, CHANGED, ts)

    def recon_not_found(self, order: Order, asked_ts: int, ts: int) -> int:
        """It is proven (see `Absence`) that the venue has no such order, nor trades of it that we do not know."""
        manager = self.manager
        if self.too_fresh(order, asked_ts):
            return 0
        state = order.state_code
        if state != OPEN and state != PARTIALLY_FILLED and state != UNKNOWN:
            return 0
        if order.expected_stated and order.expected_cum > order.cum:
            return QUERY
        order.settled_cum = True
        if order.cum >= order.lots:
            manager.finish(order, FILLED)
        elif not order.acked and order.cum == 0:
            manager.finish(order, FAILED)
        else:
            manager.finish(order, order.ending_code if order.ending_code != 0 else CANCELED)
        return manager.close(order, E_RECON_NOT_FOUND, CHANGED, ts)

    def recon_inconclusive(self, order: Order, ts: int) -> int:
        """The query failed, or its answer covers too little: nothing is known that was not known before."""
        return 0

    def never_sent(self, order: Order, event: int, ts: int) -> int:
        """The venue knows an order that has not been sent."""
        marks = self.manager.contradict(order, "NEVER_SENT", "expected nothing at the venue, received an order", ts)
        return self.manager.close(order, event, marks, ts)

    def backfill(self, order: Order, view: VenueView, ts: int) -> int:
        """Book the trades that the answer lists, then what has been missing for too long."""
        manager = self.manager
        marks = 0
        for trade in view.trades:
            marks |= manager.fill_stated(
                order,
                trade.trade_id,
                trade.lots,
                trade.ticks,
                trade.side,
                trade.liquidity,
                trade.stated_cum,
                True,
                trade.venue_ts,
                ts,
            )
        if order.held is not None:
            marks |= manager.inferring.release(order, view.cum, ts)
        if view.cum > order.cum:
            since = self.missing.setdefault(order.client_order_id, ts)
            if not self.trade_query or ts - since >= manager.timeouts.inferred:
                marks |= manager.inferring.infer(order, view.cum, view.average_ticks, view.venue_ts, ts)
        if view.cum == order.cum:
            marks &= ~QUERY
        return marks

    def uneven(self, order: Order, view: VenueView) -> int:
        """The venue's sum is not ours: its trades are missing, or its answer is behind. Ours is never lowered."""
        if view.cum > order.cum:
            return QUERY
        return RECHECK if view.cum < order.cum else 0
