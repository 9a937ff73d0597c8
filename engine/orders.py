"""The order manager: the only writer of an order's record.

It is a function of (record, event): the caller tells it what was asked, what was sent and what the venue said, with
the time as an argument, and acts on the marks that come back. It never calls a strategy or a venue. What makes it safe
is that nothing is assumed: an order whose answer is missing becomes UNKNOWN, counts at its worst, and stays so until
there is evidence. The usual life of an order takes the first branch of each method; what is late, doubled,
contradictory or impossible comes behind it.
"""

from tickwright.engine.answers import Answers
from tickwright.engine.inferring import Inferring
from tickwright.engine.marks import (
    CHANGED,
    CONTRADICTION,
    CRIT,
    DUP_ID,
    E_ACK,
    E_CANCEL_ACK,
    E_CANCEL_REQ,
    E_DENIED,
    E_EXPIRE,
    E_INTENT,
    E_REJECT,
    E_REJECT_DUP,
    E_REPLACE_REQ,
    E_SEND_ABORT,
    E_SEND_ERROR,
    E_SEND_START,
    FILL_EXPECTED,
    HALT,
    LINK_LOST,
    NO_CAUSE,
    QUERY,
    REFUSED,
    RESTARTED,
    SEND_CANCEL,
    SEND_FAILED,
    SEND_REPLACE,
)
from tickwright.engine.order import Approved, Denial, Fill, Order
from tickwright.engine.ports import Ledger
from tickwright.engine.records import Recorder
from tickwright.engine.terms import (
    CANCELED,
    DENIED,
    EXPIRED,
    FAILED,
    FILLED,
    OPEN,
    PARTIALLY_FILLED,
    PENDING_CANCEL,
    PENDING_NEW,
    PENDING_REPLACE,
    PENDING_SEND,
    REJECTED,
    UNKNOWN,
)
from tickwright.engine.timers import Timeouts
from tickwright.engine.tracking import Tracker

KEPT = 4096
"""So many of the youngest orders are never forgotten by `OrderManager.tidy`."""


def complete(order: Order) -> bool:
    """Whether nothing more can be executed of a finished order, by what its venue said."""
    state = order.state_code
    return bool(order.settled_cum) or (state != CANCELED and state != EXPIRED)


class OrderManager(Tracker):
    """Follows every order from intent to end. See `engine/marks.py` for what the methods return."""

    __slots__ = ("answers", "by_id", "by_venue_id", "crowd", "doubles", "fresh_ids", "gone_ts")

    def __init__(self, recorder: Recorder, ledger: Ledger, timeouts: Timeouts | None = None) -> None:
        Tracker.__init__(self, recorder, ledger, timeouts)
        self.inferring = Inferring(self)
        self.answers = Answers(self)
        self.by_id: dict[str, Order] = {}
        self.by_venue_id: dict[tuple[str, str], Order] = {}
        self.fresh_ids: list[Order] = []
        self.doubles: list[tuple[Order, str]] = []
        self.crowd = 2 * KEPT
        self.gone_ts = 0

    # --- finding --------------------------------------------------------------------------------------------------

    def by_client_order_id(self, client_order_id: str) -> Order | None:
        """The order of that name, finished or not."""
        return self.by_id.get(client_order_id)

    def by_venue_order_id(self, venue: str, venue_order_id: str) -> Order | None:
        """The order that a venue calls so, by its first name or an alias."""
        for order in self.fresh_ids:
            self.by_venue_id[order.instrument.venue, order.venue_order_id] = order
        self.fresh_ids.clear()
        return self.by_venue_id.get((venue, venue_order_id))

    def alias(self, order: Order, venue_order_id: str) -> None:
        """Learn a venue's name for an order that we know by ours.

        One that is over has no event any more that would put its name on record: it is written down here.
        """
        if not order.venue_order_id:
            order.venue_order_id = venue_order_id
            if order.state_code >= FILLED:
                self.recorder.order(order, E_ACK, order.updated_ts)
        self.by_venue_id[order.instrument.venue, venue_order_id] = order

    def open_orders(self) -> list[Order]:
        """Every order that may still execute, oldest first."""
        return [order for order in self.by_id.values() if order.is_open]

    def forget(self, order: Order) -> bool:
        """Drop a finished order, to bound memory in a long run; a late fill of it would come as a stranger's."""
        if order.state_code < FILLED:
            return False
        self.by_venue_order_id("", "")
        for name in [key for key, value in self.by_venue_id.items() if value is order]:
            del self.by_venue_id[name]
        return self.by_id.pop(order.client_order_id, None) is not None

    def tidy(self) -> int:
        """Forget old orders whose story is complete, once there are many; returns how many.

        Complete: filled, denied, rejected, or over with every execution booked that the venue counts. Old: followed by
        `KEPT` younger orders. What is open, uncertain or still owed a fill stays, however old. For venues whose reports
        do not overtake each other, so that nothing can come for such an order any more.
        """
        if len(self.by_id) <= self.crowd:
            return 0
        old = list(self.by_id.values())[:-KEPT]
        gone = [order for order in old if order.state_code >= FILLED and complete(order)]
        self.by_venue_order_id("", "")
        for order in gone:
            del self.by_id[order.client_order_id]
            if order.updated_ts > self.gone_ts:
                self.gone_ts = order.updated_ts
            self.let_go(order)
        self.by_venue_id = {
            key: order for key, order in self.by_venue_id.items() if order.client_order_id in self.by_id
        }
        self.crowd = max(2 * KEPT, 2 * len(self.by_id))
        return len(gone)

    def let_go(self, order: Order) -> int:
        """Part a forgotten order from its fills, which point back at it, so that its memory returns at once.

        What it tells of its trades stays, for who still holds it.
        """
        if order.fills is not None:
            kept: dict[str, Fill] = {}
            for name, fill in order.fills.items():
                bare = Fill.__new__(Fill)
                bare.trade_id = fill.trade_id
                bare.lots = fill.lots
                bare.ticks = fill.ticks
                bare.liquidity_code = fill.liquidity_code
                bare.ts = fill.ts
                bare.cause = fill.cause
                bare.recovered = fill.recovered
                bare.inferred = fill.inferred
                kept[name] = bare
            order.fills = kept
        return 0

    def admit(self, order: Order, event: int, marks: int, ts: int) -> int:
        """Take an order that was not sent by us into the books."""
        self.by_id[order.client_order_id] = order
        if order.venue_order_id:
            self.fresh_ids.append(order)
        order.created_ts = ts
        return self.close(order, event, marks, ts)

    # --- ours: intent, denial, sending ------------------------------------------------------------------------------

    def register(self, approved: Approved, ts: int) -> int:
        """An intent has passed the gate: on record, and counted at its worst, before anything is sent."""
        order = approved.order
        self.by_id[order.client_order_id] = order
        order.created_ts = ts
        order.state_code = PENDING_SEND
        self.count(order)
        self.write(order, E_INTENT, ts)
        return CHANGED

    def deny(self, order: Order, denial: Denial, ts: int) -> int:
        """The gate refused: the order ends before it begins."""
        self.by_id[order.client_order_id] = order
        order.created_ts = ts
        order.denial = denial
        order.code = denial.code
        order.reason = denial.text
        order.local = True
        self.finish(order, DENIED)
        self.write(order, E_DENIED, ts)
        return CHANGED

    def send_start(self, order: Order, ts: int) -> int:
        """The last moment before the first byte; allowed once in an order's life."""
        if order.state_code == PENDING_SEND:
            order.sent = True
            order.sent_ts = ts
            order.state_code = PENDING_NEW
            self.write(order, E_SEND_START, ts)
            return CHANGED
        self.refusal = "SEND_BLOCKED"
        text = f"expected PENDING_SEND to send, received {order.state.name}; nothing was sent"
        return self.ring(order, CRIT, "SEND_BLOCKED", text, ts)

    def send_abort(self, order: Order, ts: int) -> int:
        """No byte left: the order never was."""
        if order.state_code != PENDING_SEND:
            return 0
        order.local = True
        self.finish(order, FAILED)
        return self.close(order, E_SEND_ABORT, CHANGED, ts)

    def send_error(self, order: Order, ts: int) -> int:
        """The write failed half way: perhaps it arrived."""
        if order.state_code != PENDING_NEW:
            return 0
        self.doubt(order, SEND_FAILED)
        return self.close(order, E_SEND_ERROR, CHANGED | QUERY, ts)

    def cancel_req(self, order: Order, ts: int) -> int:
        """A cancel is wanted. SEND_CANCEL: send `order.cancel_id`; an order not yet sent simply ends here."""
        state = order.state_code
        if OPEN <= state <= PARTIALLY_FILLED or state in (PENDING_NEW, PENDING_REPLACE):
            order.requests += 1
            order.cancel_id = order.requests
            order.cancel_outstanding = True
            order.cancel_wanted = False
            order.cancel_ts = ts
            order.state_code = PENDING_CANCEL
            self.write(order, E_CANCEL_REQ, ts)
            return CHANGED | SEND_CANCEL
        if state == UNKNOWN:
            return self.ask_cancel(order, ts) | CHANGED
        if state == PENDING_SEND:
            order.local = True
            self.finish(order, CANCELED)
            return self.close(order, E_CANCEL_REQ, CHANGED, ts)
        self.refusal = "CANCEL_PENDING" if state == PENDING_CANCEL else "ORDER_DONE"
        return REFUSED

    def replace_req(self, order: Order, lots: int, ticks: int, ts: int) -> int:
        """A new total and price are wanted. SEND_REPLACE: send `order.request_id`, at venues that can."""
        code = self.replace_refusal(order, lots)
        if code:
            self.refusal = code
            return REFUSED
        order.requests += 1
        order.request_id = order.requests
        order.replace_lots = lots
        order.replace_ticks = ticks
        order.replace_ts = ts
        return self.close(order, E_REPLACE_REQ, CHANGED | SEND_REPLACE, ts)

    def replace_refusal(self, order: Order, lots: int) -> str:
        """Why an order cannot be replaced by a new total now, or an empty string: asked before the gate is."""
        state = order.state_code
        if state in (PENDING_SEND, PENDING_NEW):
            return "NOT_ACKED"
        if state == PENDING_CANCEL:
            return "CANCEL_PENDING"
        if state == PENDING_REPLACE:
            return "REPLACE_PENDING"
        if state == UNKNOWN:
            return "ORDER_UNCERTAIN"
        if state >= FILLED:
            return "ORDER_DONE"
        if order.cancel_wanted:
            return "CANCEL_PENDING"
        return "REPLACE_BELOW_FILLED" if lots <= order.cum else ""

    # --- the venue's: acceptance and rejection ------------------------------------------------------------------------

    def ack(self, order: Order, venue_order_id: str, ts: int) -> int:
        """The venue has the order, under the name given (empty: not stated)."""
        known = order.venue_order_id
        if order.state_code == PENDING_NEW and not known and not order.cancel_wanted:
            order.acked = True
            order.state_code = OPEN
            if venue_order_id:
                order.venue_order_id = venue_order_id
                self.fresh_ids.append(order)
            self.write(order, E_ACK, ts)
            return CHANGED
        if venue_order_id and venue_order_id != known:
            if known and self.by_venue_order_id(order.instrument.venue, venue_order_id) is not order:
                return self.second_order(order, venue_order_id, ts)
            self.alias(order, venue_order_id)
        named = bool(venue_order_id) and not known
        state = order.state_code
        if state >= FILLED:
            if state == FILLED or (order.sent and (state in (CANCELED, EXPIRED))):
                return self.write(order, E_ACK, ts) if named else 0
            order.acked = True
            marks = self.contradict(order, "ACK_AFTER_END", f"expected silence after {order.state.name}", ts)
            return self.close(order, E_ACK, marks, ts)
        if state == PENDING_SEND:
            order.acked = True
            marks = self.contradict(order, "NEVER_SENT", "expected silence, received an acknowledgement", ts)
            return self.close(order, E_ACK, marks, ts)
        if order.acked and order.cause_code == NO_CAUSE:
            return self.write(order, E_ACK, ts) if named else 0
        before = order.cause_code
        fresh = not order.acked
        marks = self.revive(order, ts)
        if not fresh and before == order.cause_code:
            if named:
                self.write(order, E_ACK, ts)
            return marks
        return self.close(order, E_ACK, marks | CHANGED, ts)

    def second_order(self, order: Order, venue_order_id: str, ts: int) -> int:
        """A second order at the venue under one name of ours: whoever reconciles adopts and cancels it."""
        if (order, venue_order_id) not in self.doubles:
            self.doubles.append((order, venue_order_id))
        text = f"expected venue order {order.venue_order_id}, received a second, {venue_order_id}"
        return self.ring(order, HALT, "DUPLICATE_SEND", text, ts) | QUERY

    def reject(self, order: Order, reason: str, ts: int) -> int:
        """The venue refused the order."""
        state = order.state_code
        if state >= FILLED:
            if order.sent or state == FILLED:
                return 0
            return self.ring(order, HALT, "NEVER_SENT", "expected silence, received a reject", ts)
        if state == PENDING_SEND:
            marks = self.contradict(order, "NEVER_SENT", "expected silence, received a reject", ts)
        elif order.cause_code == CONTRADICTION:
            return 0
        elif order.cum > 0:
            text = f"expected an order with {order.cum} lots filled to stand, received a reject: {reason}"
            marks = self.contradict(order, "REJECT_AFTER_FILL", text, ts)
        else:
            marks = CHANGED
            self.finish(order, REJECTED)
        order.reason = reason
        return self.close(order, E_REJECT, marks, ts)

    def reject_dup(self, order: Order, ts: int) -> int:
        """The venue already had an order of this name: it says nothing of the first one, and much of us."""
        state = order.state_code
        if state == PENDING_SEND:
            marks = self.contradict(order, "NEVER_SENT", "expected silence, received a duplicate reject", ts)
        elif state == UNKNOWN:
            marks = QUERY
        elif order.acked or state >= FILLED:
            text = f"expected one send, received a duplicate reject in state {order.state.name}"
            return self.ring(order, HALT, "DUPLICATE_SEND", text, ts)
        else:
            self.doubt(order, DUP_ID)
            text = "expected an acknowledgement, received a duplicate reject"
            marks = self.ring(order, CRIT, "DUPLICATE_ID", text, ts) | QUERY | CHANGED
        return self.close(order, E_REJECT_DUP, marks, ts)

    # --- answers to cancels and replaces, timers, sessions: see `engine/answers.py` -----------------------------------

    def cancel_rej(self, order: Order, kind: int, stated_cum: int, request_id: int, ts: int) -> int:
        """The venue would not cancel; `kind` is one of `Refusal`, `request_id` -1 where the venue names none."""
        return self.answers.cancel_rej(order, kind, stated_cum, request_id, ts)

    def replaced(self, order: Order, lots: int, ticks: int, request_id: int, ts: int) -> int:
        """The order has a new total and price (`ticks` -1: as asked for)."""
        return self.answers.replaced(order, lots, ticks, request_id, ts)

    def replace_rej(self, order: Order, kind: int, stated_cum: int, request_id: int, ts: int) -> int:
        """The venue would not replace."""
        return self.answers.replace_rej(order, kind, stated_cum, request_id, ts)

    def due(self, order: Order) -> int:
        """When the order's wait is over, in nanoseconds; `NO_TIME` where nothing is awaited."""
        return self.answers.due(order)

    def next_timer(self, order: Order) -> tuple[int, int]:
        """Which wait runs (`T_ACK`, `T_CANCEL`, `T_REPLACE`, `T_FILL`, `T_NONE`), and when it is over."""
        return self.answers.timer(order), self.answers.due(order)

    def timeout(self, order: Order, ts: int) -> int:
        """Let pass whichever wait of the order is over by `ts`; nothing happens where none is."""
        return self.answers.timeout(order, ts)

    def ack_timeout(self, order: Order, ts: int) -> int:
        """No answer to the order within its wait."""
        return self.answers.ack_timeout(order, ts)

    def cancel_timeout(self, order: Order, ts: int) -> int:
        """No answer to the cancel within its wait."""
        return self.answers.cancel_timeout(order, ts)

    def replace_timeout(self, order: Order, ts: int) -> int:
        """No answer to the replace within its wait."""
        return self.answers.replace_timeout(order, ts)

    def fill_timeout(self, order: Order, ts: int) -> int:
        """The fills that the venue announced have not come within their wait."""
        return self.answers.fill_timeout(order, ts)

    def disconnect(self, order: Order, ts: int) -> int:
        """The session that carried the order is gone."""
        return self.answers.cut(order, LINK_LOST, ts)

    def restart(self, order: Order, ts: int) -> int:
        """The process that sent the order is gone; this one has read its journal."""
        return self.answers.cut(order, RESTARTED, ts)

    # --- the venue's: the end -----------------------------------------------------------------------------------------

    def cancel_ack(self, order: Order, stated_cum: int, reason: str, ts: int) -> int:
        """The venue cancelled the order, of its own or at our wish; `stated_cum` is what it had executed by then."""
        return self.ended(order, CANCELED, stated_cum, reason, E_CANCEL_ACK, ts)

    def expire(self, order: Order, stated_cum: int, ts: int) -> int:
        """The order's time was over."""
        return self.ended(order, EXPIRED, stated_cum, "", E_EXPIRE, ts)

    def ended(self, order: Order, label: int, stated_cum: int, reason: str, event: int, ts: int) -> int:
        """Cancelled or expired: at once, or once the fills that the venue counts have come."""
        state = order.state_code
        if state < FILLED and state != PENDING_SEND and order.cause_code != CONTRADICTION:
            marks = CHANGED
            if reason:
                order.reason = reason
            if stated_cum > order.cum:
                marks |= self.await_fills(order, label, stated_cum, ts)
            else:
                order.settled_cum = stated_cum >= 0
                self.finish(order, label)
            return self.close(order, event, marks, ts)
        if state >= FILLED:
            if not order.sent and state != FILLED:
                return self.ring(order, HALT, "NEVER_SENT", "expected silence, received an end", ts)
            if stated_cum == order.cum:
                order.settled_cum = True
            return QUERY if stated_cum > order.cum else 0
        if state == PENDING_SEND:
            marks = self.contradict(order, "NEVER_SENT", "expected silence, received an end", ts)
            return self.close(order, event, marks, ts)
        return 0

    def await_fills(self, order: Order, label: int, stated_cum: int, ts: int) -> int:
        """The order is over, but not all of its fills have come."""
        self.prove(order, stated_cum)
        self.expect(order, stated_cum, ts)
        order.ending_code = label
        order.cancel_outstanding = False
        order.cancel_wanted = False
        order.cause_code = FILL_EXPECTED
        return QUERY
