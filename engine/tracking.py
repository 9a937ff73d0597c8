"""What every event of an order is made of: showing its state, counting it in the sums, booking its executions.

The idea
--------
An order is a handful of facts (acknowledged, sent, filled so far, a cancel on its way, a cause for doubt), and its
state is derived from them, in this order: the terminal state; UNKNOWN while there is a cause for doubt; PENDING_SEND
until sent; PENDING_CANCEL and PENDING_REPLACE while an answer is awaited; PENDING_NEW until acknowledged;
PARTIALLY_FILLED once something is filled; else OPEN. An event changes facts, then the state is shown anew, then the
sums of working orders follow by the difference, then one row is written.

Money first: an execution is booked before anybody asks whether it makes sense, because the position at the venue has
moved whatever we think of it. What does not make sense rings an alarm and leaves the order in doubt.
"""

from typing import TYPE_CHECKING

from tickwright.engine.errors import RemoteError
from tickwright.engine.marks import (
    ACK_LATE,
    CHANGED,
    CONTRADICTION,
    CRIT,
    DUP_ID,
    E_ACK_TIMEOUT,
    E_BUST,
    E_CANCEL_REJ,
    E_CANCEL_REQ,
    E_FILL,
    E_FILL_TIMEOUT,
    FILLED_EVENT,
    HALT,
    LINK_LOST,
    NO_CAUSE,
    QUERY,
    RECONCILE,
    REPLACE_LATE,
    RESTARTED,
    SEND_CANCEL,
    SEND_FAILED,
    VENUE_UNKNOWN_ORDER,
    WARN,
)
from tickwright.engine.order import Fill, Order, Working
from tickwright.engine.ports import Ledger
from tickwright.engine.records import Recorder
from tickwright.engine.terms import (
    CANCELED,
    EXPIRED,
    FILLED,
    OPEN,
    PARTIALLY_FILLED,
    PENDING_CANCEL,
    PENDING_NEW,
    PENDING_REPLACE,
    PENDING_SEND,
    UNKNOWN,
)
from tickwright.engine.timers import Timeouts

if TYPE_CHECKING:
    from tickwright.engine.inferring import Inferring

LOTS_END = 4_611_686_018_427_387_904
"""2**62: no size reaches it, so that a sum of two fits 64 bits."""


class Tracker:
    """The common steps of the order manager's events. Times in nanoseconds, sizes in lots, prices in ticks."""

    __slots__ = ("alarm", "inferring", "last_fill", "ledger", "recorder", "refusal", "timeouts")

    def __init__(self, recorder: Recorder, ledger: Ledger, timeouts: Timeouts | None = None) -> None:
        self.recorder = recorder
        self.ledger = ledger
        self.inferring: Inferring
        self.timeouts = Timeouts() if timeouts is None else timeouts
        self.alarm = ""
        self.refusal = ""
        self.last_fill: Fill | None = None

    # --- showing, counting, writing -------------------------------------------------------------------------------

    def show(self, order: Order) -> int:
        """Derive the shown state from the facts; a terminal one stays."""
        if order.state_code >= FILLED:
            return 0
        if order.cause_code != NO_CAUSE:
            order.state_code = UNKNOWN
        elif not order.sent:
            order.state_code = PENDING_SEND
        elif order.cancel_outstanding:
            order.state_code = PENDING_CANCEL
        elif order.replace_lots >= 0:
            order.state_code = PENDING_REPLACE
        elif not order.acked:
            order.state_code = PENDING_NEW
        elif order.cum > 0:
            order.state_code = PARTIALLY_FILLED
        else:
            order.state_code = OPEN
        return 0

    def count(self, order: Order) -> int:
        """Carry what changed of an order's worst case into the sums of its strategy and of the account."""
        worst = order.worst_lots()
        is_open = 1 if order.state_code < FILLED else 0
        unknown = 1 if order.state_code == UNKNOWN else 0
        lots = worst - order.counted_lots
        opened = is_open - order.counted_open
        doubted = unknown - order.counted_unknown
        if lots == 0 and opened == 0 and doubted == 0:
            return 0
        order.counted_lots = worst
        order.counted_open = is_open
        order.counted_unknown = unknown
        if order.working is not None:
            self.shift(order.working, order, lots, opened, doubted)
        if order.account_working is not None:
            self.shift(order.account_working, order, lots, opened, doubted)
        return 0

    def shift(self, working: Working, order: Order, lots: int, opened: int, doubted: int) -> int:
        """Move one line's sums by an order's difference."""
        if order.side_code > 0:
            working.buy_lots += lots
        else:
            working.sell_lots += lots
        if working.limbs is not None:
            self.shift_limbs(working, order.side_code, lots)
        working.unknown_orders += doubted
        if opened > 0:
            working.open_orders += 1
            working.orders[order.client_order_id] = order
        elif opened < 0:
            working.open_orders -= 1
            del working.orders[order.client_order_id]
        return 0

    def shift_limbs(self, working: Working, side: int, lots: int) -> int:
        """Move the sums of a package's legs by what an order in the package may still do to them."""
        assert working.limbs is not None
        leg: Working
        for leg, factor in working.limbs:
            if side * factor > 0:
                leg.buy_lots += lots * abs(factor)
            else:
                leg.sell_lots += lots * abs(factor)
        return 0

    def write(self, order: Order, event: int, ts: int) -> int:
        """Put one row into the order log.

        A wait that ran out, a cut link, a cancel and its refusal are no news of the order itself: a strategy that asks
        for a cancel again and again must not keep the answers to questions about the order from counting.
        """
        order.updated_ts = ts
        if (event < E_ACK_TIMEOUT or event > E_FILL_TIMEOUT) and event != E_CANCEL_REQ and event != E_CANCEL_REJ:
            order.heard_ts = ts
        self.recorder.order(order, event, ts)
        return 0

    def close(self, order: Order, event: int, marks: int, ts: int) -> int:
        """The end of every event that changed something."""
        self.show(order)
        self.count(order)
        self.write(order, event, ts)
        return marks

    def ring(self, order: Order, mark: int, code: str, text: str, ts: int) -> int:
        """Sound an alarm: CRIT or HALT; the note says what was expected and what came."""
        self.alarm = code
        self.recorder.note(3 if mark == HALT else 2, f"{order.client_order_id}: {code}: {text}", ts)
        return HALT | CRIT if mark == HALT else mark

    # --- facts ----------------------------------------------------------------------------------------------------

    def finish(self, order: Order, state: int) -> int:
        """End an order. An increase still unanswered is remembered: late fills may yet prove it."""
        order.state_code = state
        order.cause_code = NO_CAUSE
        order.cancel_outstanding = False
        order.cancel_wanted = False
        order.expected_cum = -1
        order.expected_stated = False
        order.ending_code = 0
        if state != CANCELED and state != EXPIRED:
            order.replace_lots = -1
        return 0

    def doubt(self, order: Order, cause: int) -> int:
        """Set the cause of doubt, unless the one there is weighs more."""
        had = order.cause_code
        if order.state_code >= FILLED:
            order.state_code = UNKNOWN
            order.settled_cum = False
        elif had == CONTRADICTION or ((had in (LINK_LOST, RESTARTED)) and cause != CONTRADICTION):
            return 0
        order.cause_code = cause
        return 0

    def contradict(self, order: Order, code: str, text: str, ts: int) -> int:
        """What the venue says cannot be: in doubt until reconciled; worse where we never sent the order at all."""
        mark = CRIT if order.sent else HALT
        self.doubt(order, CONTRADICTION)
        return self.ring(order, mark, code, text, ts) | QUERY | CHANGED

    def revive(self, order: Order, ts: int) -> int:
        """The venue has the order: it counts as acknowledged, and doubts about its arrival end.

        A cancel that could not be sent or was not understood before goes out now.
        """
        fresh = not order.acked
        order.acked = True
        cause = order.cause_code
        if cause in (ACK_LATE, SEND_FAILED, DUP_ID, VENUE_UNKNOWN_ORDER):
            order.cause_code = NO_CAUSE
            fresh = True
        if fresh and order.cancel_wanted and order.cause_code == NO_CAUSE:
            return self.ask_cancel(order, ts)
        return 0

    def ask_cancel(self, order: Order, ts: int) -> int:
        """Put a cancel on record; the caller sends it."""
        order.requests += 1
        order.cancel_id = order.requests
        order.cancel_outstanding = True
        order.cancel_wanted = False
        order.cancel_ts = ts
        self.show(order)
        self.write(order, E_CANCEL_REQ, ts)
        return SEND_CANCEL

    def expect(self, order: Order, stated: int, ts: int) -> int:
        """Expect fills up to what the venue stated, else up to the whole quantity, which is a guess.

        A stated figure is never lowered, and never gives way to a guess.
        """
        if stated >= 0:
            if not order.expected_stated or stated > order.expected_cum:
                order.expected_cum = stated
                order.expected_stated = True
                order.expected_ts = ts
        elif not order.expected_stated and order.expected_cum < order.lots:
            order.expected_cum = order.lots
            order.expected_ts = ts
        return 0

    def prove(self, order: Order, cum: int) -> int:
        """A quantity filled beyond the old total proves an outstanding increase."""
        if order.replace_lots > order.lots and cum > order.lots:
            order.lots = order.replace_lots
            order.ticks = order.replace_ticks
            order.replace_lots = -1
            if order.cause_code == REPLACE_LATE:
                order.cause_code = NO_CAUSE
        return 0

    def settle(self, order: Order) -> int:
        """End the order if it is complete, or if the fills that its end was waiting for have come."""
        state = order.state_code
        if state >= FILLED and state != CANCELED and state != EXPIRED:
            return 0
        cum = order.cum
        if cum >= order.lots and cum >= order.replace_lots:
            self.finish(order, FILLED)
        elif order.ending_code != 0 and cum >= order.expected_cum and order.cause_code != CONTRADICTION:
            order.settled_cum = True
            self.finish(order, order.ending_code)
        return 0

    # --- executions -----------------------------------------------------------------------------------------------

    def fill(
        self,
        order: Order,
        trade_id: str,
        lots: int,
        ticks: int,
        side: int,
        liquidity: int,
        cause: int,
        venue_ts: int,
        ts: int,
    ) -> int:
        """An execution from the venue's stream. A trade id counts once per order.

        Raises:
            RemoteError: a size that is not positive or does not fit the grid.
        """
        return self.trade(order, trade_id, lots, ticks, side, liquidity, cause, -1, False, venue_ts, ts)

    def fill_stated(
        self,
        order: Order,
        trade_id: str,
        lots: int,
        ticks: int,
        side: int,
        liquidity: int,
        stated_cum: int,
        recovered: bool,
        venue_ts: int,
        ts: int,
    ) -> int:
        """An execution with the venue's own sum after it (-1: not stated), or one learnt by reconciliation.

        Where that sum is more than ours, something was missed: QUERY.
        """
        marks = self.trade(order, trade_id, lots, ticks, side, liquidity, 0, stated_cum, recovered, venue_ts, ts)
        if stated_cum > order.cum:
            marks |= QUERY
        return marks

    def trade(
        self,
        order: Order,
        trade_id: str,
        lots: int,
        ticks: int,
        side: int,
        liquidity: int,
        cause: int,
        stated_cum: int,
        recovered: bool,
        venue_ts: int,
        ts: int,
    ) -> int:
        """Check an execution against those known, then book it."""
        if lots <= 0 or lots >= LOTS_END:
            raise RemoteError(f"{order.client_order_id}: expected a trade of 1 to 2**62 lots, received {lots}")
        if order.busted is not None and trade_id in order.busted:
            return 0
        if order.fills is None:
            order.fills = {}
        elif trade_id in order.fills:
            known: Fill = order.fills[trade_id]
            if known.lots == lots and known.ticks == ticks and (side == 0 or side == order.side_code):
                return 0
            text = f"expected {known.lots} lots at {known.ticks} for trade {trade_id}, received {lots} at {ticks}"
            return self.ring(order, CRIT, "TRADE_ID_CONFLICT", text, ts) | RECONCILE
        if side != 0 and side != order.side_code:
            text = f"expected side {order.side_code} for trade {trade_id}, received {side}; not booked"
            return self.ring(order, CRIT, "FILL_SIDE_CONFLICT", text, ts) | RECONCILE
        if order.inferred is not None:
            return self.inferring.absorb(
                order, trade_id, lots, ticks, liquidity, cause, stated_cum, recovered, venue_ts, ts
            )
        self.book(order, trade_id, lots, ticks, liquidity, cause, recovered, False, venue_ts, ts)
        return self.filled(order, ts)

    def book(
        self,
        order: Order,
        trade_id: str,
        lots: int,
        ticks: int,
        liquidity: int,
        cause: int,
        recovered: bool,
        inferred: bool,
        venue_ts: int,
        ts: int,
    ) -> int:
        """Move the money: the order's sum and value, and the ledger."""
        fill = Fill.__new__(Fill)
        fill.order = order
        fill.trade_id = trade_id
        fill.lots = lots
        fill.ticks = ticks
        fill.liquidity_code = liquidity
        fill.ts = venue_ts
        fill.cause = cause
        fill.recovered = recovered
        fill.inferred = inferred
        assert order.fills is not None
        order.fills[trade_id] = fill
        order.cum += lots
        worth = lots
        worth = worth * ticks
        order.value += worth
        self.last_fill = fill
        self.ledger.book(order, fill)
        self.recorder.fill(fill, order.side_code, ts)
        return 0

    def filled(self, order: Order, ts: int) -> int:
        """What a booked execution does to its order."""
        state = order.state_code
        marks = FILLED_EVENT | CHANGED
        if (state in (OPEN, PARTIALLY_FILLED, PENDING_CANCEL)) and (order.replace_lots < 0 and order.cum <= order.lots):
            order.acked = True
            if order.cum == order.lots:
                self.finish(order, FILLED)
            elif state == OPEN:
                order.state_code = PARTIALLY_FILLED
            self.count(order)
            self.write(order, E_FILL, ts)
            return marks
        if state >= FILLED:
            marks |= self.filled_late(order, ts)
        elif state == PENDING_SEND:
            order.acked = True
            marks |= self.contradict(order, "NEVER_SENT", "expected silence, received a fill", ts)
            self.settle(order)
        else:
            over = order.cum - (order.replace_lots if order.replace_lots > order.lots else order.lots)
            self.prove(order, order.cum)
            if over > 0:
                marks |= self.overfill(order, over, ts)
            marks |= self.revive(order, ts)
            self.settle(order)
        return self.close(order, E_FILL, marks, ts)

    def filled_late(self, order: Order, ts: int) -> int:
        """An execution of an order that was over."""
        state = order.state_code
        order.acked = True
        if state == FILLED:
            return self.overfill(order, order.cum - order.lots, ts)
        complete = order.cum >= order.lots
        if not order.sent:
            marks = self.ring(order, HALT, "NEVER_SENT", "expected silence, received a fill", ts)
        elif state in (CANCELED, EXPIRED):
            over = order.cum - (order.replace_lots if order.replace_lots > order.lots else order.lots)
            self.prove(order, order.cum)
            self.settle(order)
            return self.overfill(order, over, ts) if over > 0 else 0
        else:
            text = f"expected no fill of an order {order.state.name}, received one"
            marks = self.ring(order, CRIT, "FILL_AFTER_REJECT", text, ts)
        if complete:
            self.finish(order, FILLED)
            return marks
        self.doubt(order, CONTRADICTION)
        return marks | QUERY

    def overfill(self, order: Order, over: int, ts: int) -> int:
        """More was executed than asked for: it is booked, and somebody must look."""
        text = f"expected at most {order.cum - over} lots, received {order.cum}"
        return self.ring(order, CRIT, "OVERFILL", text, ts)

    def bust(self, order: Order, trade_id: str, ts: int) -> int:
        """The venue took an execution back. One that we do not know yet is ignored when it comes."""
        if order.busted is None:
            order.busted = set()
        elif trade_id in order.busted:
            return 0
        order.busted.add(trade_id)
        if order.fills is None or trade_id not in order.fills:
            self.write(order, E_BUST, ts)
            return 0
        fill: Fill = order.fills.pop(trade_id)
        order.cum -= fill.lots
        worth = fill.lots
        worth = worth * fill.ticks
        order.value -= worth
        self.last_fill = fill
        self.ledger.take_back(order, fill)
        self.recorder.fill(fill, -order.side_code, ts)
        self.recorder.note(1, f"{order.client_order_id}: trade {trade_id} of {fill.lots} lots was taken back", ts)
        if order.state_code == FILLED and order.cum < order.lots:
            self.finish(order, CANCELED)
        return self.close(order, E_BUST, CHANGED | FILLED_EVENT | WARN | RECONCILE, ts)

    def correct(self, order: Order, trade_id: str, ticks: int, ts: int) -> int:
        """The venue corrected the price of an execution that we booked; an unknown one is asked for."""
        if order.fills is None or trade_id not in order.fills:
            return QUERY
        fill: Fill = order.fills[trade_id]
        if fill.ticks == ticks:
            return 0
        self.reprice(order, fill.lots, fill.ticks, ticks)
        fill.ticks = ticks
        self.last_fill = fill
        self.recorder.note(1, f"{order.client_order_id}: trade {trade_id} corrected to {ticks} ticks", ts)
        self.write(order, E_FILL, ts)
        return CHANGED | WARN | RECONCILE

    def reprice(self, order: Order, lots: int, old_ticks: int, new_ticks: int) -> int:
        """Move money from one price to another; the position stays."""
        worth = new_ticks - old_ticks
        worth = worth * lots
        order.value += worth
        self.ledger.correct(order, lots, old_ticks, new_ticks)
        return 0
