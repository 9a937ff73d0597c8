"""What the venue answers to cancels and replaces, and what follows when it does not answer.

An answer counts only for the last request of its kind; an older one changes nothing. "Too late" is the hard answer:
the order is over at the venue, mostly because it was executed, but no execution is invented here. The order waits in
doubt for its fills, up to the figure that the venue stated, else up to its whole quantity.
"""

from tickwright.engine.marks import (
    ACK_LATE,
    CANCEL_LATE,
    CHANGED,
    CONTRADICTION,
    E_ACK_TIMEOUT,
    E_CANCEL_REJ,
    E_CANCEL_TIMEOUT,
    E_DISCONNECT,
    E_FILL_TIMEOUT,
    E_REPLACE_REJ,
    E_REPLACE_TIMEOUT,
    E_REPLACED,
    E_RESTART,
    FILL_EXPECTED,
    LINK_LOST,
    NO_CAUSE,
    QUERY,
    REPLACE_LATE,
    RESTARTED,
    RETRY_CANCEL,
    STALE_REPLY,
    T_ACK,
    T_CANCEL,
    T_FILL,
    T_NONE,
    T_REPLACE,
    TOO_LATE,
    TRANSIENT,
    UNKNOWN_ORDER,
    VENUE_UNKNOWN_ORDER,
)
from tickwright.engine.order import Order
from tickwright.engine.terms import (
    FAILED,
    FILLED,
    NO_TIME,
    PENDING_CANCEL,
    PENDING_NEW,
    PENDING_REPLACE,
    PENDING_SEND,
    UNKNOWN,
)
from tickwright.engine.tracking import Tracker


class Answers:
    """Works on the records of its tracker; waits are read from the tracker's `Timeouts` once."""

    __slots__ = ("ack_wait", "cancel_wait", "fill_wait", "replace_wait", "tracker")

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.ack_wait = tracker.timeouts.ack
        self.cancel_wait = tracker.timeouts.cancel
        self.replace_wait = tracker.timeouts.replace
        self.fill_wait = tracker.timeouts.fill

    # --- answers ------------------------------------------------------------------------------------------------------

    def unsent(self, order: Order, event: int, ts: int) -> int:
        """An answer about an order that was never sent."""
        tracker = self.tracker
        marks = tracker.contradict(order, "NEVER_SENT", "expected silence, received an answer", ts)
        return tracker.close(order, event, marks, ts)

    def too_late(self, order: Order, stated_cum: int, ts: int) -> int:
        """The order is over at the venue: wait for the fills that explain it."""
        tracker = self.tracker
        order.acked = True
        asked = order.replace_lots
        if stated_cum > order.lots:
            tracker.prove(order, stated_cum)
        elif 0 <= asked <= stated_cum < order.lots:
            # Less than the old total and yet over: the decrease had taken effect.
            order.lots = stated_cum if stated_cum > order.cum else order.cum
            order.ticks = order.replace_ticks
            order.replace_lots = -1
        tracker.expect(order, stated_cum, ts)
        tracker.doubt(order, FILL_EXPECTED)
        return QUERY

    def cancel_rej(self, order: Order, kind: int, stated_cum: int, request_id: int, ts: int) -> int:
        """See `OrderManager.cancel_rej`."""
        tracker = self.tracker
        state = order.state_code
        if state == PENDING_SEND:
            return self.unsent(order, E_CANCEL_REJ, ts)
        if request_id >= 0 and request_id != order.cancel_id:
            return STALE_REPLY
        if state >= FILLED:
            return QUERY if kind == TOO_LATE and order.sent and stated_cum > order.cum else 0
        if order.cause_code == CONTRADICTION:
            return 0
        was_out = order.cancel_outstanding
        answered = was_out or order.cause_code == CANCEL_LATE
        marks = CHANGED
        order.cancel_outstanding = False
        if kind == TOO_LATE:
            order.cancel_wanted = False
            marks |= self.too_late(order, stated_cum, ts)
        elif kind == UNKNOWN_ORDER:
            order.cancel_wanted = was_out or order.cancel_wanted
            if state == UNKNOWN:
                marks = QUERY
            elif order.acked:
                tracker.doubt(order, VENUE_UNKNOWN_ORDER)
                marks |= QUERY
            elif not was_out:
                return 0
        else:
            if not answered:
                return 0
            if order.cause_code == CANCEL_LATE:
                order.cause_code = NO_CAUSE
            order.cancel_wanted = kind == TRANSIENT
            if kind == TRANSIENT:
                marks |= RETRY_CANCEL
        tracker.settle(order)
        if order.state_code >= FILLED:
            marks &= ~QUERY
        return tracker.close(order, E_CANCEL_REJ, marks, ts)

    def replaced(self, order: Order, lots: int, ticks: int, request_id: int, ts: int) -> int:
        """See `OrderManager.replaced`."""
        tracker = self.tracker
        state = order.state_code
        if state == PENDING_SEND:
            self.take_terms(order, lots, ticks)
            return self.unsent(order, E_REPLACED, ts)
        if request_id >= 0 and request_id != order.request_id:
            return STALE_REPLY
        if request_id > 0 and request_id == order.replaced_id and order.replace_lots < 0:
            return 0
        if state >= FILLED:
            if state == FILLED and lots <= order.cum:
                return 0
            text = f"expected no answer after {order.state.name}, received a replace to {lots} lots"
            marks = tracker.contradict(order, "REPLACED_AFTER_END", text, ts)
            self.take_terms(order, lots, ticks)
            order.acked = True
            return tracker.close(order, E_REPLACED, marks, ts)
        if order.cause_code == CONTRADICTION and order.lots >= lots and order.replace_lots < 0:
            return 0
        self.take_terms(order, lots, ticks)
        order.replaced_id = order.request_id
        if order.cause_code == REPLACE_LATE:
            order.cause_code = NO_CAUSE
        marks = CHANGED | tracker.revive(order, ts)
        tracker.settle(order)
        return tracker.close(order, E_REPLACED, marks, ts)

    def take_terms(self, order: Order, lots: int, ticks: int) -> int:
        """The venue's new total and price are the order's."""
        order.lots = lots if lots > order.cum else order.cum
        if ticks != -1:
            order.ticks = ticks
        elif order.replace_lots >= 0:
            order.ticks = order.replace_ticks
        order.replace_lots = -1
        return 0

    def replace_rej(self, order: Order, kind: int, stated_cum: int, request_id: int, ts: int) -> int:
        """See `OrderManager.replace_rej`."""
        tracker = self.tracker
        state = order.state_code
        if state == PENDING_SEND:
            return self.unsent(order, E_REPLACE_REJ, ts)
        if request_id >= 0 and request_id != order.request_id:
            return STALE_REPLY
        if order.cause_code == CONTRADICTION or (state >= FILLED and order.replace_lots < 0):
            return 0
        had = order.replace_lots >= 0
        marks = CHANGED
        if state < FILLED:
            if kind == TOO_LATE:
                marks |= self.too_late(order, stated_cum, ts)
            elif kind == UNKNOWN_ORDER:
                if state == UNKNOWN:
                    marks = QUERY
                else:
                    tracker.doubt(order, VENUE_UNKNOWN_ORDER)
                    marks |= QUERY
            elif not had:
                return 0
            elif order.cause_code == REPLACE_LATE:
                order.cause_code = NO_CAUSE
        order.replace_lots = -1
        tracker.settle(order)
        if order.state_code >= FILLED:
            marks &= ~QUERY
        return tracker.close(order, E_REPLACE_REJ, marks, ts)

    # --- waits --------------------------------------------------------------------------------------------------------

    def timer(self, order: Order) -> int:
        """Which wait runs."""
        state = order.state_code
        if state == PENDING_NEW:
            return T_ACK
        if state == PENDING_CANCEL or (state == UNKNOWN and order.cancel_outstanding):
            return T_CANCEL
        if state == PENDING_REPLACE:
            return T_REPLACE
        if state == UNKNOWN and order.cause_code == FILL_EXPECTED and order.expected_ts > 0:
            return T_FILL
        return T_NONE

    def due(self, order: Order) -> int:
        """When the running wait is over."""
        timer = self.timer(order)
        if timer == T_ACK:
            return order.sent_ts + self.ack_wait
        if timer == T_CANCEL:
            return order.cancel_ts + self.cancel_wait
        if timer == T_REPLACE:
            return order.replace_ts + self.replace_wait
        if timer == T_FILL:
            return order.expected_ts + self.fill_wait
        return NO_TIME

    def timeout(self, order: Order, ts: int) -> int:
        """Let the running wait pass if it is over."""
        if ts < self.due(order):
            return 0
        timer = self.timer(order)
        if timer == T_ACK:
            return self.ack_timeout(order, ts)
        if timer == T_CANCEL:
            return self.cancel_timeout(order, ts)
        if timer == T_REPLACE:
            return self.replace_timeout(order, ts)
        return self.fill_timeout(order, ts)

    def ack_timeout(self, order: Order, ts: int) -> int:
        """No answer to the order."""
        if order.state_code != PENDING_NEW:
            return 0
        self.tracker.doubt(order, ACK_LATE)
        return self.tracker.close(order, E_ACK_TIMEOUT, CHANGED | QUERY, ts)

    def cancel_timeout(self, order: Order, ts: int) -> int:
        """No answer to the cancel: it stays wanted."""
        if not order.cancel_outstanding or order.state_code >= FILLED:
            return 0
        marks = 0
        order.cancel_outstanding = False
        order.cancel_wanted = True
        if order.state_code == PENDING_CANCEL:
            self.tracker.doubt(order, CANCEL_LATE)
            marks = CHANGED | QUERY
        return self.tracker.close(order, E_CANCEL_TIMEOUT, marks, ts)

    def replace_timeout(self, order: Order, ts: int) -> int:
        """No answer to the replace: its quantity keeps counting, at worst."""
        if order.state_code != PENDING_REPLACE:
            return 0
        self.tracker.doubt(order, REPLACE_LATE)
        return self.tracker.close(order, E_REPLACE_TIMEOUT, CHANGED | QUERY, ts)

    def fill_timeout(self, order: Order, ts: int) -> int:
        """The fills that the venue announced have not come: ask for its trades."""
        if order.state_code != UNKNOWN or order.cause_code != FILL_EXPECTED or order.expected_ts == 0:
            return 0
        order.expected_ts = 0
        self.tracker.write(order, E_FILL_TIMEOUT, ts)
        return QUERY

    def cut(self, order: Order, cause: int, ts: int) -> int:
        """Link lost or process restarted: what was sent is in doubt, what was not sent never was."""
        tracker = self.tracker
        state = order.state_code
        event = E_DISCONNECT if cause == LINK_LOST else E_RESTART
        if state >= FILLED:
            return 0
        if state == PENDING_SEND:
            order.local = True
            tracker.finish(order, FAILED)
            return tracker.close(order, event, CHANGED, ts)
        had = order.cause_code
        was_out = order.cancel_outstanding
        if was_out:
            order.cancel_outstanding = False
            order.cancel_wanted = True
        if had != LINK_LOST and had != RESTARTED and order.ending_code == 0:
            tracker.doubt(order, cause)
        if had == order.cause_code and not was_out:
            return 0
        return tracker.close(order, event, CHANGED, ts)
