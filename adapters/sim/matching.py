"""How our orders trade in a market that was recorded without them.

The book on show holds everybody but us. So each own order keeps what a venue would know and the recording cannot
say: how many lots stand before it in the queue. Three things fill it:

1. A print at its price, taken from its side: first what stands ahead is used up, the rest is ours.
2. A print strictly through its price: whoever took there would have met our order first, so our level is gone and
   the whole remainder fills, at our price.
3. A level of the other side that appears at our price or through it: it would have traded with us, so we fill up to
   the size it shows.

An order that arrives marketable walks the displayed book instead. What it took stays taken until the level's next
row. Prices run both ways, so everything is compared by *key*: the price for bids, minus the price for asks. On
either side a higher key is the better price, and one piece of code serves both.

Trades are printed before the level rows that show them, so a print and the decrease that it causes are two views of
one thing: the print moves the queue, and the decrease counts only as far as prints since the last row leave it
unexplained. `docs/simulator.md` states each rule and which way it errs.

A matcher serves one account in one instrument; the matchers of an account share its `Desk`.
"""

from tickwright.adapters.sim.tickets import (
    NOWHERE,
    OPTIMISTIC,
    PESSIMISTIC,
    PROBABILISTIC,
    Desk,
    Line,
    Ticket,
    Trace,
)
from tickwright.engine.book import Book
from tickwright.engine.errors import LocalError, TickwrightError
from tickwright.engine.levels import Levels
from tickwright.engine.terms import DAY, FOK, GTD, IOC, MARKET, NO_TIME

MOST = 4_611_686_018_427_387_904
"""2**62: sizes and positions stay below, so that a sum of two fits 64 bits."""

NS_PER_DAY = 86_400_000_000_000

BY_REQUEST = "requested"
NO_LIQUIDITY = "immediate_with_insufficient_liquidity"
SELF_MATCH = "self_match_prevention"
REDUCED = "reduce_only"
WOULD_TAKE = "post_only_would_take"
WOULD_INCREASE = "reduce_only_would_increase"


class Matcher:
    """One account's orders in one instrument, matched against a book that others make.

    `position` is the account's, in lots, by the fills made here (reduce-only orders are held to it). `n_resting` and
    `n_taken` tell whether market data matters at all; `next_expiry` is no later than the first order to expire.
    """

    __slots__ = (
        "asks",
        "bids",
        "book",
        "desk",
        "n_resting",
        "n_taken",
        "next_expiry",
        "position",
        "reports",
        "taken_asks",
        "taken_bids",
    )

    def __init__(self, book: Book, desk: Desk) -> None:
        self.book = book
        self.desk = desk
        self.reports = desk.reports
        self.bids = Line()
        self.asks = Line()
        self.taken_bids = Trace()
        self.taken_asks = Trace()
        self.n_resting = 0
        self.n_taken = 0
        self.next_expiry: int = NO_TIME
        self.position = 0

    # --- orders arriving ----------------------------------------------------------------------------------------

    def submit(self, ticket: Ticket, ts: int, event: int) -> None:
        """An order arrives: it is refused, or accepted and then traded, rested or ended."""
        ticket.leaves = ticket.lots
        floor = -ticket.ticks if ticket.side > 0 else ticket.ticks
        ticket.key = -floor
        if ticket.type_code == MARKET:
            floor = NOWHERE
        reason = self.objection(ticket, floor, ts)
        if reason:
            self.reports.refused(ticket.client_order_id, reason, ts)
            return
        self.desk.enter(ticket)
        if not ticket.known:
            self.reports.accepted(ticket.client_order_id, f"S{ticket.number}", ts)
        other = self.asks if ticket.side > 0 else self.bids
        levels = self.book.asks if ticket.side > 0 else self.book.bids
        if other.best >= floor or (levels.n > 0 and levels.keys[levels.n - 1] >= floor):
            self.cross(ticket, floor, ts, event)
        if ticket.live:
            if ticket.type_code == MARKET or ticket.tif_code == IOC or ticket.tif_code == FOK:
                self.end(ticket, NO_LIQUIDITY, ts)
            else:
                self.rest(ticket, ts)

    def hold(self, position: int) -> None:
        """Begin with a position, in lots: the account's, by what happened before this venue was made."""
        self.position = position

    def why_not(self, ticket: Ticket, ts: int) -> str:
        """Why an order of an earlier run cannot rest here any more, or an empty string."""
        return self.objection(ticket, -ticket.ticks if ticket.side > 0 else ticket.ticks, ts)

    def objection(self, ticket: Ticket, floor: int, ts: int) -> str:
        """Why the venue refuses the order, or an empty string."""
        market = ticket.type_code == MARKET
        if ticket.lots <= 0 or ticket.lots >= MOST:
            return "invalid_quantity"
        if not market and (ticket.ticks <= 0 or ticket.ticks >= MOST):
            return "invalid_price"
        if self.desk.find(ticket.client_order_id) is not None:
            return "duplicate"
        if self.desk.open >= self.desk.max_open:
            return "too_many_open_orders"
        if ticket.tif_code == GTD and ticket.expire_ts <= ts:
            return "expire_time_passed"
        if ticket.post_only:
            if market or ticket.tif_code == IOC or ticket.tif_code == FOK:
                return "post_only_immediate"
            other = self.asks if ticket.side > 0 else self.bids
            if other.best >= floor or self.depth(ticket.side, floor, 1) > 0:
                return WOULD_TAKE
        if ticket.reduce_only and self.room(ticket) <= 0:
            return WOULD_INCREASE
        return ""

    def depth(self, side: int, floor: int, want: int) -> int:
        """What a taker of `side` finds at keys from `floor` up, net of what we took already; `want` is enough."""
        levels = self.book.asks if side > 0 else self.book.bids
        i = levels.n - 1
        total = 0
        while i >= 0 and total < want and levels.keys[i] >= floor:
            total += self.left_at(levels, i, side)
            i -= 1
        return total

    def left_at(self, levels: Levels, i: int, side: int) -> int:
        """What is left for a taker of `side` at the i-th level of the other side."""
        lots = levels.sizes[i]
        if self.n_taken:
            taken = self.taken_of(-side).levels.get(levels.keys[i])
            if taken is not None:
                lots -= taken.lots
        return lots if lots > 0 else 0

    def cross(self, ticket: Ticket, floor: int, ts: int, event: int) -> None:
        """A marketable order takes level by level, but never past an own order: there its remainder is ended."""
        other = self.asks if ticket.side > 0 else self.bids
        blocked = other.n > 0 and other.best >= floor
        if blocked:
            floor = other.best + 1
        if ticket.tif_code == FOK:
            lots = ticket.lots
            if (ticket.reduce_only and self.room(ticket) < lots) or self.depth(ticket.side, floor, lots) < lots:
                self.end(ticket, SELF_MATCH if blocked else NO_LIQUIDITY, ts)
                return
        levels = self.book.asks if ticket.side > 0 else self.book.bids
        i = levels.n - 1
        while ticket.live and i >= 0 and levels.keys[i] >= floor:
            lots = self.left_at(levels, i, ticket.side)
            if lots > 0:
                if lots > ticket.leaves:
                    lots = ticket.leaves
                ticks = -levels.keys[i] if ticket.side > 0 else levels.keys[i]
                lots = self.fill(ticket, lots, ticks, False, ts, event)
                self.note_taken(-ticket.side, levels.keys[i], lots, levels.sizes[i])
            i -= 1
        if blocked and ticket.live:
            self.end(ticket, SELF_MATCH, ts)

    def rest(self, ticket: Ticket, ts: int) -> None:
        """Join the queue at the price."""
        model = self.desk.model
        ticket.shown = self.book.size_at(ticket.side, ticket.ticks)
        ticket.traded = 0
        ticket.ahead = 0 if model == OPTIMISTIC else ticket.shown
        if ticket.tif_code == DAY:
            ticket.expire_ts = (ts // NS_PER_DAY + 1) * NS_PER_DAY
        elif ticket.tif_code != GTD:
            ticket.expire_ts = NO_TIME
        if ticket.expire_ts < self.next_expiry:
            self.next_expiry = ticket.expire_ts
        if ticket.side > 0:
            self.bids.insert(ticket)
        else:
            self.asks.insert(ticket)
        self.n_resting += 1

    def cancel(self, ticket: Ticket, ts: int) -> None:
        """End a live order as its owner asked."""
        if not ticket.live:
            raise LocalError(f"{ticket.client_order_id}: expected a live order to cancel, received one that has ended")
        self.end(ticket, BY_REQUEST, ts)

    def expire(self, now: int) -> None:
        """End the orders whose time is up, the earliest first and the older first at one time."""
        while self.next_expiry <= now and self.next_expiry < NO_TIME:
            first: Ticket | None = None
            nearest = NO_TIME
            for line in (self.bids, self.asks):
                ticket = line.head
                while ticket is not None:
                    if ticket.expire_ts < nearest or (
                        first is not None and ticket.expire_ts == nearest and ticket.number < first.number
                    ):
                        first = ticket
                        nearest = ticket.expire_ts
                    ticket = ticket.newer
            self.next_expiry = nearest
            if first is not None and nearest <= now:
                self.drop(first)
                self.reports.expired(first.client_order_id, first.cum, nearest)

    # --- the market moving --------------------------------------------------------------------------------------

    def level(self, side: int, ticks: int, lots: int, ts: int, event: int) -> bool:
        """A level of the book becomes `lots`; whether the book holds it yet does not matter.

        Says whether more than places in a queue may have changed: orders, reports, or what we took.
        """
        key = ticks if side > 0 else -ticks
        own = self.bids if side > 0 else self.asks
        if own.best >= key >= own.worst:
            self.requeue(own, key, lots)
        other = self.asks if side > 0 else self.bids
        if other.best >= -key:
            self.meet(other, side, key, lots, ts, event)
            return True
        return self.forget(side, key)

    def requeue(self, own: Line, key: int, lots: int) -> None:
        """What is ahead of our orders at a level that changed."""
        model = self.desk.model
        ticket = own.head
        while ticket is not None and ticket.key >= key:
            if ticket.key == key:
                if model == PROBABILISTIC:
                    # The displayed lots that prints have not explained away are equally likely to have been the ones
                    # cancelled; rounding favours those ahead.
                    shown = ticket.shown - ticket.traded
                    if shown > lots:
                        ticket.ahead -= int(shown - lots) * int(ticket.ahead) // int(shown)
                if ticket.ahead > lots:
                    ticket.ahead = lots
                ticket.shown = lots
                ticket.traded = 0
            ticket = ticket.newer

    def meet(self, own: Line, side: int, key: int, lots: int, ts: int, event: int) -> None:
        """A level of the other side stands at our prices or through them: what is new of it trades with us."""
        taken = self.taken_of(side).levels.get(key) if self.n_taken else None
        fresh = lots if taken is None else lots - taken.shown
        least = -key
        if self.desk.model == PESSIMISTIC:
            least += 1
        used = 0
        ticket = own.head
        while ticket is not None and ticket.key >= least and used < fresh:
            after = ticket.newer
            most = fresh - used
            used += self.fill(ticket, ticket.leaves if ticket.leaves < most else most, ticket.ticks, True, ts, event)
            ticket = after
        self.forget(side, key)
        if lots > 0 and (used > 0 or own.best >= -key):
            self.note_taken(side, key, used, lots)

    def trade(self, taker: int, ticks: int, lots: int, ts: int, event: int) -> None:
        """A print: `taker` is +1 where the buyer took, so that our asks may fill."""
        own = self.asks if taker > 0 else self.bids
        key = -ticks if taker > 0 else ticks
        if own.best >= key:
            self.hit(own, key, lots, ts, event)

    def hit(self, own: Line, key: int, lots: int, ts: int, event: int) -> None:
        """Share a print among our orders by price and time; each lot of it is used once."""
        model = self.desk.model
        used = 0
        ticket = own.head
        while ticket is not None and ticket.key >= key:
            after = ticket.newer
            if ticket.key > key:
                used += self.fill(ticket, ticket.leaves, ticket.ticks, True, ts, event)
                if used > lots:
                    used = lots
            elif model != PESSIMISTIC:
                ticket.traded += lots
                if ticket.traded > ticket.shown:
                    ticket.traded = ticket.shown
                passed = lots - used - ticket.ahead
                if passed > 0:
                    ticket.ahead = 0
                    if passed > ticket.leaves:
                        passed = ticket.leaves
                    used += self.fill(ticket, passed, ticket.ticks, True, ts, event)
                else:
                    ticket.ahead = -passed
            ticket = after

    # --- what happens to one order ------------------------------------------------------------------------------

    def room(self, ticket: Ticket) -> int:
        """How far a reduce-only order may still go."""
        return -self.position if ticket.side > 0 else self.position

    def fill(self, ticket: Ticket, lots: int, ticks: int, maker: bool, ts: int, event: int) -> int:
        """Execute, and end what is complete or may go no further; return the lots that traded."""
        room = NO_TIME
        if ticket.reduce_only:
            room = self.room(ticket)
            if room < lots:
                lots = room
        if lots > 0:
            self.move(ticket, lots)
            desk = self.desk
            desk.trades += 1
            self.reports.executed(ticket.client_order_id, str(desk.trades), lots, ticks, maker, event, ts)
            if ticket.leaves == 0:
                self.drop(ticket)
                return lots
        if room <= lots:
            self.end(ticket, REDUCED, ts)
        return lots if lots > 0 else 0

    def move(self, ticket: Ticket, lots: int) -> None:
        ticket.cum += lots
        ticket.leaves -= lots
        position = self.position + (lots if ticket.side > 0 else -lots)
        if position >= MOST or position <= -MOST:
            raise TickwrightError(
                f"{self.book.instrument.id}: expected a position below 2**62 lots, received {position}; the run ends"
            )
        self.position = position

    def end(self, ticket: Ticket, reason: str, ts: int) -> None:
        """Cancel what is left."""
        self.drop(ticket)
        self.reports.canceled(ticket.client_order_id, ticket.cum, reason, ts)

    def drop(self, ticket: Ticket) -> None:
        """The order's life is over."""
        ticket.live = False
        self.desk.open -= 1
        if ticket.linked:
            self.n_resting -= 1
            if ticket.side > 0:
                self.bids.remove(ticket)
            else:
                self.asks.remove(ticket)

    # --- what we took -------------------------------------------------------------------------------------------

    def taken_of(self, side: int) -> Trace:
        return self.taken_bids if side > 0 else self.taken_asks

    def note_taken(self, side: int, key: int, lots: int, shown: int) -> None:
        """Remember what we took from a level of `side` until its next row."""
        trace = self.taken_of(side)
        taken = trace.note(key)
        taken.lots += lots
        taken.shown = shown
        self.n_taken = len(self.taken_bids.levels) + len(self.taken_asks.levels)

    def forget(self, side: int, key: int) -> bool:
        """A level's next row is here; whether we had taken from it."""
        if self.n_taken and self.taken_of(side).forget(key):
            self.n_taken -= 1
            return True
        return False
