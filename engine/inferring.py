"""Executions that the venue confirms in sum but cannot name, and the real trades that later take their place.

When the venue says that an order has executed seven lots, we have booked four, and its trades cannot be had, the three
are booked as one inferred execution, so that the position is right. Its name is made of the two sums, and so the same
interval is never inferred twice, not even by another process. When real trades of that interval arrive late, they
replace it piece by piece: the position stays, the price is corrected. A trade that is new is booked as ever.
"""

from fractions import Fraction

from tickwright.engine.marks import CHANGED, E_FILL, QUERY, WARN
from tickwright.engine.order import Fill, Order
from tickwright.engine.tracking import Tracker

Held = tuple[str, int, int, int, int, bool]
"""A real trade that waits for the venue's sum: id, lots, ticks, liquidity, cause, recovered."""


class Interval:
    """One inferred execution: from which sum to which, and how much of it no real trade has replaced yet."""

    __slots__ = ("as_of", "cum_from", "cum_to", "open_lots", "trade_id")

    def __init__(self, trade_id: str, cum_from: int, cum_to: int, as_of: int) -> None:
        self.trade_id = trade_id
        self.cum_from = cum_from
        self.cum_to = cum_to
        self.as_of = as_of
        self.open_lots = cum_to - cum_from

    def covers(self, stated_cum: int, venue_ts: int) -> bool | None:
        """Whether a real trade belongs here: by the venue's sum after it, else by its time; None where neither tells.

        `stated_cum` is -1 and `venue_ts` 0 where unknown.
        """
        if stated_cum >= 0:
            return stated_cum <= self.cum_to
        if venue_ts > 0 and self.as_of > 0:
            return venue_ts <= self.as_of
        return None


class Inferring:
    """Works on the records of its tracker."""

    __slots__ = ("tracker",)

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def infer(self, order: Order, cum: int, average_ticks: Fraction | None, as_of: int, ts: int) -> int:
        """Book what is missing up to the venue's `cum`, at what the venue's average leaves for it, else at the limit.

        `as_of` is the venue's time of the answer that stated `cum` (0: unknown). Nothing happens where nothing is
        missing; a market order without an average price cannot be priced, and is asked for again.
        """
        tracker = self.tracker
        had = order.cum
        if cum <= had:
            return 0
        if average_ticks is not None:
            ticks = round((average_ticks * cum - order.value) / (cum - had))
        elif order.has_price:
            ticks = order.ticks
        else:
            return QUERY
        trade_id = f"recon:{order.instrument.venue}:{order.venue_order_id}:{had}-{cum}"
        if order.fills is None:
            order.fills = {}
        if order.inferred is None:
            order.inferred = []
        order.inferred.append(Interval(trade_id, had, cum, as_of))
        tracker.book(order, trade_id, cum - had, ticks, 1, 0, True, True, as_of if as_of > 0 else ts, ts)
        text = f"{order.client_order_id}: {cum - had} lots inferred at {ticks} ticks, the venue counts {cum}"
        tracker.recorder.note(1, text, ts)
        return tracker.filled(order, ts) | WARN

    def absorb(
        self,
        order: Order,
        trade_id: str,
        lots: int,
        ticks: int,
        liquidity: int,
        cause: int,
        stated_cum: int,
        recovered: bool,
        venue_ts: int,
        ts: int,
    ) -> int:
        """A real trade of an order with inferred ones; QUERY where it must wait for the venue's sum."""
        belongs = 0
        for interval in order.inferred or ():
            if interval.open_lots > 0:
                verdict = interval.covers(stated_cum, venue_ts)
                if verdict is None:
                    return self.hold(order, trade_id, lots, ticks, liquidity, cause, recovered, ts)
                if verdict:
                    belongs += interval.open_lots
        taken = lots if lots < belongs else belongs
        return self.place(order, trade_id, lots, ticks, liquidity, cause, recovered, taken, venue_ts, ts)

    def hold(
        self, order: Order, trade_id: str, lots: int, ticks: int, liquidity: int, cause: int, recovered: bool, ts: int
    ) -> int:
        """Keep a trade that may be new or may not until the venue says its sum."""
        if order.held is None:
            order.held = []
        if trade_id in [held[0] for held in order.held]:
            return 0
        order.held.append((trade_id, lots, ticks, liquidity, cause, recovered))
        self.tracker.write(order, E_FILL, ts)
        return QUERY

    def release(self, order: Order, cum: int, ts: int) -> int:
        """The venue's sum is `cum`: what goes beyond ours in the trades held is new, the rest was inferred."""
        marks = 0
        waiting = order.held or []
        order.held = None
        for trade_id, lots, ticks, liquidity, cause, recovered in waiting:
            if order.busted is not None and trade_id in order.busted:
                continue
            missing = cum - order.cum
            fresh = lots if missing > lots else missing if missing > 0 else 0
            marks |= self.place(order, trade_id, lots, ticks, liquidity, cause, recovered, lots - fresh, ts, ts)
        return marks

    def place(
        self,
        order: Order,
        trade_id: str,
        lots: int,
        ticks: int,
        liquidity: int,
        cause: int,
        recovered: bool,
        taken: int,
        venue_ts: int,
        ts: int,
    ) -> int:
        """Book a real trade, `taken` lots of it in the place of inferred ones."""
        tracker = self.tracker
        left = self.replace(order, trade_id, taken, ticks, venue_ts, ts)
        fresh = lots - taken + left
        if fresh > 0:
            tracker.book(order, trade_id, fresh, ticks, liquidity, cause, recovered, False, venue_ts, ts)
        assert order.fills is not None
        order.fills[trade_id] = self.piece(order, trade_id, lots, ticks, venue_ts, False)
        if fresh > 0:
            return tracker.filled(order, ts)
        return tracker.close(order, E_FILL, CHANGED, ts)

    def replace(self, order: Order, trade_id: str, lots: int, ticks: int, venue_ts: int, ts: int) -> int:
        """Correct the price of so many inferred lots, oldest first; what could not be found is left over."""
        tracker = self.tracker
        fills = order.fills
        assert fills is not None
        left = lots
        for interval in order.inferred or ():
            take = left if left < interval.open_lots else interval.open_lots
            if take == 0 or interval.trade_id not in fills:
                continue
            name = interval.trade_id
            old: Fill = fills[name]
            old_ticks = old.ticks
            tracker.reprice(order, take, old_ticks, ticks)
            tracker.recorder.fill(self.piece(order, name, take, old_ticks, venue_ts, True), -order.side_code, ts)
            tracker.recorder.fill(self.piece(order, trade_id, take, ticks, venue_ts, False), order.side_code, ts)
            interval.open_lots -= take
            left -= take
            if interval.open_lots == 0:
                del fills[name]
            else:
                fills[name] = self.piece(order, name, interval.open_lots, old_ticks, venue_ts, True)
        return left

    def piece(self, order: Order, trade_id: str, lots: int, ticks: int, venue_ts: int, inferred: bool) -> Fill:
        """A fill that stands for part of another one."""
        fill = Fill.__new__(Fill)
        fill.order = order
        fill.trade_id = trade_id
        fill.lots = lots
        fill.ticks = ticks
        fill.liquidity_code = 1
        fill.ts = venue_ts
        fill.cause = 0
        fill.recovered = True
        fill.inferred = inferred
        return fill
