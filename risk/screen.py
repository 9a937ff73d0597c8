"""The fast way through the controls: straight-line comparisons between integers, in the order of the controls.

Each group writes what it looked at into the evidence and says whether all of its controls obviously hold. "No" means
only "not obviously": the slow way (`risk/verdict.py`) then measures with unbounded integers and has the last word.
Products are 128 bits wide when compiled; each line carries the bounds within which they cannot wrap.
"""

from array import array
from typing import TYPE_CHECKING

from tickwright.engine.market import Seat
from tickwright.engine.order import Order
from tickwright.engine.ports import Gate
from tickwright.engine.records import Recorder
from tickwright.engine.terms import GTD, LIVE, NO_TIME
from tickwright.risk.state import Line, Rules, Tally

if TYPE_CHECKING:
    from tickwright.risk.check import Check
    from tickwright.risk.floor import Floor
    from tickwright.risk.kill import Latch
    from tickwright.risk.losses import Losses

BPS = 10_000_000_000
"""A ratio of one, in millionths of a basis point."""

TOKEN = 1_000_000_000_000
HALF_BITS = 62
LOW_HALF = 4_611_686_018_427_387_903
QUICK = 1_000_000_000_000
"""Sizes and prices below this walk the book in 128 bits."""

PROTECT = 1
ALLOW = 2
POST_ONLY = 1
REDUCE_ONLY = 2
HAS_PRICE = 4
GROWS = 8


class Screen(Gate):
    """What the gate has in hand, and the groups of controls on the fast way."""

    __slots__ = (
        "accounts",
        "checks",
        "evidence",
        "floor",
        "grows",
        "journal_free_mb",
        "journal_lag_ns",
        "journal_ok",
        "lines",
        "loop_lag_ns",
        "losses",
        "queue_depth",
        "raised",
        "recorder",
        "stale",
        "traded",
    )

    def __init__(self, floor: "Floor", recorder: Recorder, checks: "tuple[Check, ...]" = ()) -> None:
        self.floor = floor
        self.recorder = recorder
        self.checks = checks
        self.accounts: list[Rules] = floor.accounts
        self.to_cancel: list[Order] = []
        self.evidence = array("q", bytes(8 * len(floor.columns)))
        self.stale = True
        self.lines: list[Line] = floor.lines
        self.traded: list[Tally] = floor.traded
        self.losses: list[Losses] = floor.losses
        self.raised: list[Latch] = floor.kill.raised
        self.grows = True
        self.journal_ok = True
        self.journal_lag_ns = 0
        self.journal_free_mb = NO_TIME
        self.loop_lag_ns = 0
        self.queue_depth = 0
        floor.kill.on_change(floor.refresh_states)

    # --- the fast way -----------------------------------------------------------------------------------------------

    def rules_for(self, order: Order) -> Rules | None:
        """What binds an order: its strategy's rules in the market, or the account's; None for an unknown market."""
        seat: Seat | None = order.seat
        if seat is not None:
            rules: Rules = seat.limits
            return rules
        if 0 <= order.market < len(self.accounts):
            rules = self.accounts[order.market]
            return rules
        return None

    def protective(self, rules: Rules, side: int) -> int:
        """The collar price of a market order, rounded to the tick towards the reference; 0 without a reference, and
        for a package, whose market orders are not protected."""
        reference = rules.line.market.double_reference()
        if reference <= 0 or rules.line.market.legs:
            return 0
        edge = reference
        if side > 0:
            edge = edge * (BPS + rules.collar) // (2 * BPS)
            return edge
        edge = edge * (BPS - rules.collar)
        edge = -(-edge // (2 * BPS))
        return edge if edge > 0 else 1

    def passes(self, rules: Rules, order: Order, lots: int, added: int, ticks: int, now: int, action: int) -> bool:
        """Whether every control obviously holds; what was looked at is in the evidence."""
        if self.checks or not rules.sound or rules.state != 0 or rules.line.market.legs:
            return False
        if self.stale or self.to_cancel:
            self.freshen()
        return (
            self.form(rules, order, lots, added, ticks, now)
            and self.health(rules, order, now)
            and self.sizes(rules, order, lots, added, ticks, action)
            and self.worth(rules, order, added, ticks)
            and self.sums(rules, order.side_code, added, now)
            and self.prices(rules, order, ticks, now)
            and self.impact(rules, order, lots, ticks)
            and self.rates(rules, order, now)
            and self.kin(rules, order, lots, ticks, now, action)
        )

    def freshen(self) -> None:
        """Read the balances that fills have moved."""
        for line in self.lines:
            if not line.renew():
                self.floor.refresh([line])
        self.stale = False
        self.to_cancel.clear()

    def form(self, rules: Rules, order: Order, lots: int, added: int, ticks: int, now: int) -> bool:
        """A2 to A8: what the order is."""
        flags = 0
        if order.post_only:
            flags = POST_ONLY
        if order.reduce_only:
            flags += REDUCE_ONLY
        if order.has_price:
            flags += HAS_PRICE
        seen = self.evidence
        seen[0] = order.side_code
        seen[1] = order.type_code
        seen[2] = order.tif_code
        seen[3] = flags + GROWS if self.grows else flags
        seen[4] = lots
        seen[5] = added
        seen[6] = ticks
        seen[7] = order.expire_ts
        seen[60] = 0
        if order.external or order.malformed != "":
            return False
        if lots < rules.min_lots or lots > rules.max_lots or lots <= 0 or lots >= LOW_HALF:
            return False
        if ticks <= 0 or ticks >= LOW_HALF:
            return False
        if (rules.types >> order.type_code) & 1 == 0 or (rules.tifs >> order.tif_code) & 1 == 0:
            return False
        if (flags & 3) & ~rules.flags:
            return False
        if order.tif_code == GTD and order.expire_ts <= now:
            return False
        return now < rules.expiry

    def health(self, rules: Rules, order: Order, now: int) -> bool:
        """B3 and B6 to B14: who may trade, and whether we are fit to."""
        venue = rules.line.venue
        seen = self.evidence
        age = now - venue.heard_ts if venue.heard_ts != NO_TIME else 0
        offset = venue.clock_offset_ns
        intent = now - order.created_ts
        flags = 0
        if venue.up:
            flags = 1
        if venue.reconciled:
            flags += 2
        if self.journal_ok:
            flags += 4
        seen[19] = rules.state
        seen[20] = flags
        seen[21] = age
        seen[22] = offset
        seen[23] = intent
        seen[24] = self.loop_lag_ns
        seen[25] = self.queue_depth
        seen[26] = self.journal_lag_ns
        seen[27] = self.journal_free_mb
        seen[53] = venue.backoff_until
        if now < rules.open_from or now >= rules.open_until or flags != 7 or now < venue.backoff_until:
            return False
        if age > rules.heartbeat or offset > rules.clock_max or -offset > rules.clock_max:
            return False
        if intent > rules.intent_age or not rules.desk.enabled:
            return False
        if self.loop_lag_ns > rules.loop_lag or self.queue_depth > rules.queue:
            return False
        return self.journal_lag_ns <= rules.journal_lag and self.journal_free_mb >= rules.journal_free

    def sizes(self, rules: Rules, order: Order, lots: int, added: int, ticks: int, action: int) -> bool:
        """A4, B12, C1 to C4, C7, C11 to C13: quantities and counts."""
        line = rules.line
        account = line.working
        own = rules.working
        position = line.position.lots
        mine = rules.position.lots
        seen = self.evidence
        seen[8] = position
        seen[9] = account.buy_lots
        seen[10] = account.sell_lots
        seen[11] = mine
        seen[12] = own.buy_lots
        seen[13] = own.sell_lots
        seen[14] = account.open_orders
        seen[15] = own.open_orders
        seen[38] = line.holding
        seen[51] = 0
        seen[52] = 0
        reach = added
        reach_own = added
        if order.side_code > 0:
            reach = reach + position + account.buy_lots
            reach_own = reach_own + mine + own.buy_lots
        else:
            reach = reach - position + account.sell_lots
            reach_own = reach_own - mine + own.sell_lots
        if lots > rules.max_order_lots or reach > rules.max_position or reach_own > rules.max_strategy:
            return False
        fresh = 1 - action
        if account.open_orders + fresh > rules.max_open or own.open_orders + fresh > rules.max_open_own:
            return False
        if order.reduce_only or order.parent is not None:
            return False
        if order.side_code < 0 and not rules.allow_short:
            held = line.holding if line.spot else position
            reach = account.sell_lots
            reach = reach + added
            if reach > held:
                return False
        return self.crowd(rules, fresh)

    def crowd(self, rules: Rules, fresh: int) -> bool:
        """B12 and C7 over the venue."""
        unknown = 0
        count = 0
        for line in rules.line.venue.lines:
            unknown += line.working.unknown_orders
            count += line.working.open_orders
        own = 0
        for member in rules.crew:
            own += member.working.open_orders
        seen = self.evidence
        seen[16] = count
        seen[17] = own
        seen[18] = unknown
        if unknown > rules.max_unknown:
            return False
        return count + fresh <= rules.max_open_venue and own + fresh <= rules.max_open_venue_own

    def worth(self, rules: Rules, order: Order, added: int, ticks: int) -> bool:
        """A4, C2 and C10: values of this order."""
        line = rules.line
        purse = line.purse
        reference = line.market.double_reference()
        seen = self.evidence
        seen[31] = reference
        if reference <= 0:
            return False
        dear = 2
        if not line.inverse:
            dear = 2 * ticks
            if dear < reference:
                dear = reference
        lots = seen[4]
        cells = lots
        cells = cells * 2 if line.inverse else cells * 2 * ticks
        if cells < rules.min_cells or cells > rules.max_cells:
            return False
        cells = lots
        if cells * dear > rules.max_order_cells:
            return False
        return purse.covers(line, rules.need, order.side_code, added, dear, seen)

    def sums(self, rules: Rules, side: int, added: int, now: int) -> bool:
        """C5, C6, C8, C9 over every scope that limits them."""
        for tally in rules.tallies:
            if now >= tally.next_drop:
                tally.drop(now)
            if not tally.fits(rules.line, side, added, self.evidence):
                return False
        return True

    def prices(self, rules: Rules, order: Order, ticks: int, now: int) -> bool:
        """D1 to D8: the price against the reference, and the reference against the market."""
        market = rules.line.market
        book = market.book
        seen = self.evidence
        seen[28] = book.health_code
        age = now - book.ts
        if rules.line.venue.quiet_books:
            age = 0
        seen[33] = age
        if book.health_code != LIVE or age > rules.data_age:
            return False
        bid = book.bid_ticks()
        ask = book.ask_ticks()
        median = rules.window.median
        seen[29] = bid
        seen[30] = ask
        seen[32] = median
        seen[34] = rules.calm.paused_until
        if now < rules.calm.paused_until:
            return False
        reference = seen[31]
        far = 2 * ticks - reference if order.side_code > 0 else reference - 2 * ticks
        gap = far
        span = reference
        if order.has_price:
            if gap * BPS > span * rules.collar or -gap * BPS > span * rules.collar * 10:
                return False
        elif rules.market_orders != PROTECT:
            return False
        gap = ask - bid
        if gap * 2 * BPS > span * rules.spread:
            return False
        if median > 0:
            gap = reference - median
            span = median
            span = span * rules.window_bps
            if gap * BPS > span or -gap * BPS > span:
                return False
        return True

    def impact(self, rules: Rules, order: Order, lots: int, ticks: int) -> bool:
        """D9 for an order that takes: what it would pay on average, walking the visible book."""
        seen = self.evidence
        seen[35] = 0
        seen[36] = 0
        seen[37] = 0
        if order.side_code > 0:
            if ticks < seen[30] or order.post_only:
                return True
            levels = rules.line.market.book.asks
        else:
            if ticks > seen[29] or order.post_only:
                return True
            levels = rules.line.market.book.bids
        reference = seen[31]
        if lots > QUICK or ticks > QUICK or reference > 2 * QUICK:
            return False
        if rules.desk.took and len(rules.desk.repeats) >= rules.repeats:
            return False
        edge = -ticks if order.side_code > 0 else ticks
        rest = lots - order.cum
        taken = 0
        paid = 0
        i = levels.n - 1
        while i >= 0 and rest > 0 and levels.keys[i] >= edge:
            size = levels.sizes[i]
            if size > rest:
                size = rest
            paid = paid + levels.keys[i] * size
            taken += size
            rest -= size
            i -= 1
        if order.side_code > 0:
            paid = -paid
        seen[35] = taken
        seen[36] = paid >> HALF_BITS
        seen[37] = paid & LOW_HALF
        middle = reference
        gap = 2 * paid - middle * taken
        if order.side_code < 0:
            gap = -gap
        return gap * BPS <= middle * taken * rules.impact

    def rates(self, rules: Rules, order: Order, now: int) -> bool:
        """E1, E2, E5 and E6: how much we say."""
        desk = rules.desk
        seen = self.evidence
        least = LOW_HALF
        for bucket in rules.buckets:
            level = bucket.refill(now)
            if level < least:
                least = level
        seen[43] = least
        if least < TOKEN:
            return False
        least = LOW_HALF
        for bucket in rules.message_buckets:
            level = bucket.refill(now)
            if level - bucket.reserve < least:
                least = level - bucket.reserve
        seen[44] = least
        rejects = len(desk.rejects)
        seen[47] = len(desk.repeats)
        seen[48] = rejects
        seen[49] = desk.messages
        seen[50] = desk.fills
        if least < TOKEN or rejects > rules.rejects:
            return False
        if desk.messages > 100:
            ratio = desk.fills if desk.fills > 0 else 1
            if desk.messages > rules.otr * ratio:
                return False
        return True

    def kin(self, rules: Rules, order: Order, lots: int, ticks: int, now: int, action: int) -> bool:
        """D10 and E3: own working orders that this one would meet, or repeat."""
        seen = self.evidence
        seen[45] = -1
        seen[46] = 0
        account = rules.line.working
        side = order.side_code
        opposite = account.sell_lots if side > 0 else account.buy_lots
        same = rules.working.buy_lots if side > 0 else rules.working.sell_lots
        meets = opposite > 0 and rules.self_match != ALLOW
        repeats = same > 0 and action == 0 and rules.duplicate_ns > 0
        if not meets and not repeats:
            return True
        for other in account.orders.values():
            if other is order:
                continue
            if other.side_code == side:
                if (
                    repeats
                    and other.lots == lots
                    and other.ticks == ticks
                    and other.type_code == order.type_code
                    and other.strategy_index == order.strategy_index
                    and now - other.created_ts < rules.duplicate_ns
                    and not other.cancel_outstanding
                    and not other.cancel_wanted
                ):
                    return False
            elif meets:
                if not other.has_price and other.ticks == 0:
                    return False
                near = other.ticks
                if other.replace_lots >= 0 and (near - other.replace_ticks) * side > 0:
                    near = other.replace_ticks
                if (ticks - near) * side >= 0:
                    return False
        return True

    def peers(self, rules: Rules) -> list[Order]:
        """The account's working orders in a market."""
        return list(rules.line.working.orders.values())

    def opposite(self, rules: Rules, side: int, lots: int) -> list[tuple[int, int]]:
        """Price and size of the levels that an order of `side` would meet, the best first, until `lots` are covered."""
        book = rules.line.market.book
        levels = book.asks if side > 0 else book.bids
        found = []
        i = levels.n - 1
        while i >= 0 and lots > 0:
            found.append((-levels.keys[i] if side > 0 else levels.keys[i], levels.sizes[i]))
            lots -= levels.sizes[i]
            i -= 1
        return found
