"""What the gate keeps between orders: limits as plain numbers, rate buckets, sums, and the health that drivers report.

Everything here is read on every order, so it is laid out for that: one object for each market, venue, strategy and
seat, with numbers only. Limits that are off are `HUGE` (or `WIDE` for products), so that no comparison asks whether
there is a limit.
"""

from array import array
from collections import deque
from typing import Final

from tickwright.engine.balance import Balance
from tickwright.engine.market import Market
from tickwright.engine.order import Working
from tickwright.engine.position import Position
from tickwright.engine.terms import NO_TIME

HUGE: Final = 1 << 62
WIDE: Final = 1 << 126
TOKEN: Final = 1_000_000_000_000
"""One event in a bucket: a thousandth of an event per second times a nanosecond is a millionth of a millionth."""

BUCKET_MAX: Final = 4_000_000_000_000_000_000
"""The fullest bucket: four million events at once. With one refill on top it still fits 64 bits."""

SECOND: Final = 1_000_000_000
HALF_BITS = 62
LOW_HALF = 4_611_686_018_427_387_903


class Bucket:
    """A token bucket of integers: `pace` thousandths of an event per second, `size` at most."""

    __slots__ = ("label", "level", "pace", "reserve", "size", "ts")

    def __init__(self, label: str, pace: int, burst: int, reserve: int = 0) -> None:
        self.label = label
        self.reserve = reserve
        self.pace = pace
        self.size = min(burst * SECOND, BUCKET_MAX)
        self.level = self.size
        self.ts = 0

    def refill(self, now: int) -> int:
        """Let time pass; the level afterwards."""
        passed = now - self.ts
        if passed > 0:
            if self.pace > 0:
                if passed > (self.size - self.level) // self.pace:
                    self.level = self.size
                else:
                    self.level += passed * self.pace
            self.ts = now
        return self.level

    def take(self) -> int:
        """Use one; the level may fall below zero where a kill's cancels go out regardless."""
        self.level -= TOKEN
        return self.level


class VenueState:
    """What drivers report of one venue, healthy until they say otherwise (so in a backtest).

    `heard_ts` is when the link last heard anything, NO_TIME where nobody watches; `clock_offset_ns` the estimated
    offset to the venue's clock; `backoff_until` the end of a back-off it asked for.
    """

    __slots__ = ("backoff_until", "clock_offset_ns", "heard_ts", "lines", "name", "quiet_books", "reconciled", "up")

    def __init__(self, name: str) -> None:
        self.name = name
        self.up = True
        self.reconciled = True
        self.quiet_books = False
        self.heard_ts = NO_TIME
        self.clock_offset_ns = 0
        self.backoff_until = 0
        self.lines: list[Line] = []


class Purse:
    """One currency's balance, in the grains in which what orders need of it is counted."""

    __slots__ = ("cash", "currency", "grain", "lines")

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.cash = 0
        self.grain = 1
        self.lines: list[Line] = []

    def covers(self, own: "Line", need: int, side: int, added: int, dear: int, seen: "array[int]") -> bool:
        """C10: the purse covers the worst case of all its lines."""
        total = 0
        for line in self.lines:
            working = line.working
            held = line.position.lots
            extra = added if line is own else 0
            if held == 0 and working.buy_lots == 0 and working.sell_lots == 0 and extra == 0:
                continue
            if line.inverse:
                return False
            price = line.price()
            high = held + working.buy_lots
            low = held - working.sell_lots
            if price <= 0 or price > line.safe_price or dear > own.safe_price:
                return False
            if high + extra > line.safe_lots or extra - low > line.safe_lots or held > line.safe_lots:
                return False
            part = line.need
            if line.spot:
                total = total + part * price * working.buy_lots
                if extra > 0 and side > 0:
                    part = need
                    total = total + part * dear * extra
            else:
                if extra > 0:
                    part = need
                    if side > 0:
                        high = high + extra
                    else:
                        low = low - extra
                worst = high if high > -low else -low
                total = total + part * price * worst
        seen[39] = total >> HALF_BITS
        seen[40] = total & LOW_HALF
        seen[41] = self.cash >> HALF_BITS
        seen[42] = self.cash & LOW_HALF
        return total <= self.cash


class Line:
    """One market as risk sees it.

    `weight` is what one cell is worth in grains of account currency (-1: unknown), `need` what it takes of the
    purse. Products are safe in 128 bits while quantities and prices stay below the two bounds; beyond them the slow
    way counts with unbounded integers.
    """

    __slots__ = (
        "cash",
        "held",
        "holding",
        "index",
        "inverse",
        "market",
        "need",
        "position",
        "purse",
        "safe_lots",
        "safe_price",
        "seen",
        "spot",
        "venue",
        "weight",
        "working",
    )

    def __init__(self, market: Market, venue: VenueState, purse: Purse) -> None:
        self.market = market
        self.index = market.index
        self.venue = venue
        self.purse = purse
        self.position: Position = market.position
        self.working: Working = market.working
        self.spot = True
        self.inverse = False
        self.weight = -1
        self.need = 0
        self.safe_lots = 0
        self.safe_price = 0
        self.seen = 0
        self.holding = 0
        self.cash: Balance | None = None
        self.held: Balance | None = None

    def renew(self) -> bool:
        """Read the balances behind this line the quick way; false where it cannot."""
        cash = self.cash
        if cash is None or not cash.read():
            return False
        if self.spot:
            held = self.held
            if held is None or not held.read() or held.whole >= HUGE or held.whole <= -HUGE:
                return False
            self.holding = held.whole
        self.purse.cash = cash.whole
        return True

    def price(self) -> int:
        """Twice the price at which quantities are valued, in ticks: the reference, else the last one seen, else 0."""
        if self.inverse:
            return 2
        reference = self.market.double_reference()
        return reference if reference > 0 else self.seen


class Member:
    """One line's part in a sum: the account's or one strategy's."""

    __slots__ = ("line", "position", "working")

    def __init__(self, line: Line, position: Position, working: Working) -> None:
        self.line = line
        self.position = position
        self.working = working


class Tally:
    """The aggregate limits of one scope and what they are measured over, in grains.

    Traded value is kept by the second, so that a window of an hour holds at most 3,600 entries whatever is traded; a
    second counts until all of it has left the window.
    """

    __slots__ = (
        "column", "gross", "kind", "label", "members", "net", "next_drop", "opened", "seconds", "traded", "traded_max",
        "window",
    )  # fmt: skip

    def __init__(self, kind: str, label: str, column: int) -> None:
        self.kind = kind
        self.column = column
        self.label = label
        self.gross = WIDE
        self.net = WIDE
        self.opened = WIDE
        self.traded_max = WIDE
        self.traded = 0
        self.window = 0
        self.next_drop = NO_TIME
        self.seconds: deque[list[int]] = deque()
        self.members: list[Member] = []

    def add(self, value: int, now: int) -> None:
        """Count executed value."""
        second = now // SECOND
        last = self.seconds[len(self.seconds) - 1] if self.seconds else None
        if last is not None and last[0] >= second:
            last[1] += value
        else:
            self.seconds.append([second, value])
        self.traded += value
        self.next_drop = (self.seconds[0][0] + 1) * SECOND + self.window

    def drop(self, now: int) -> None:
        """Forget the seconds that have left the window."""
        while self.seconds and (self.seconds[0][0] + 1) * SECOND + self.window <= now:
            self.traded -= self.seconds.popleft()[1]
        self.next_drop = (self.seconds[0][0] + 1) * SECOND + self.window if self.seconds else NO_TIME

    def fits(self, own: Line, side: int, added: int, seen: "array[int]") -> bool:
        """The aggregates of one scope with the order in them."""
        gross = 0
        high_sum = 0
        low_sum = 0
        opened = 0
        fresh = 0
        for member in self.members:
            line = member.line
            held = member.position.lots
            buys = member.working.buy_lots
            sells = member.working.sell_lots
            if held == 0 and buys == 0 and sells == 0 and line is not own:
                continue
            price = line.price()
            if line is own:
                if side > 0:
                    buys = buys + added
                else:
                    sells = sells + added
            if (
                price <= 0
                or price > line.safe_price
                or line.weight < 0
                or buys > line.safe_lots
                or sells > line.safe_lots
            ):
                return False
            if held > line.safe_lots or -held > line.safe_lots:
                return False
            unit = line.weight
            unit = unit * price
            high = held + buys
            low = held - sells
            worst = high if high > -low else -low
            gross = gross + unit * worst
            high_sum = high_sum + unit * high
            low_sum = low_sum + unit * low
            opened = opened + unit * (buys + sells)
            if line is own:
                fresh = unit * added
        net = high_sum if high_sum > -low_sum else -low_sum
        traded = self.traded + fresh
        i = self.column
        seen[i] = gross >> HALF_BITS
        seen[i + 1] = gross & LOW_HALF
        seen[i + 2] = net >> HALF_BITS
        seen[i + 3] = net & LOW_HALF
        seen[i + 4] = opened >> HALF_BITS
        seen[i + 5] = opened & LOW_HALF
        seen[i + 6] = traded >> HALF_BITS
        seen[i + 7] = traded & LOW_HALF
        return gross <= self.gross and net <= self.net and opened <= self.opened and traded <= self.traded_max


class Desk:
    """One strategy's counters. `took` says that its last fill was a taker's and no taking order has followed yet."""

    __slots__ = ("enabled", "fills", "messages", "name", "reason", "rejects", "repeats", "took")

    def __init__(self, name: str) -> None:
        self.name = name
        self.enabled = True
        self.reason = ""
        self.took = False
        self.messages = 0
        self.fills = 0
        self.repeats: deque[int] = deque()
        self.rejects: deque[int] = deque()


class Reading:
    """A market's reference over time, as sampled at each mark: its median, and until when entries pause."""

    __slots__ = ("median", "paused_until", "value")

    def __init__(self) -> None:
        self.median = 0
        self.paused_until = 0
        self.value = 0


class Rules:
    """What binds one strategy (`owner` its index; -1: the account) in one market: the numbers of its `Limits`."""

    __slots__ = (
        "allow_short", "buckets", "calm", "clock_max", "collar", "crew", "data_age", "desk", "duplicate_ns",
        "expiry", "flags", "heartbeat", "impact", "intent_age", "journal_free", "journal_lag", "line", "loop_lag",
        "market_orders", "max_cells", "max_lots", "max_open", "max_open_own", "max_open_venue",
        "max_open_venue_own", "max_order_cells", "max_order_lots", "max_position", "max_strategy", "max_unknown",
        "message_buckets", "min_cells", "min_lots", "need", "open_from", "open_until", "otr", "owner",
        "pace_windows", "position", "queue", "rejects", "repeats", "self_match", "sound", "spread", "state",
        "tallies", "tifs", "types", "window", "window_bps", "working",
    )  # fmt: skip

    def __init__(self, line: Line, desk: Desk) -> None:
        self.line = line
        self.desk = desk
        self.position: Position = line.position
        self.working: Working = line.working
        self.window = Reading()
        self.calm = Reading()
        self.tallies: list[Tally] = []
        self.buckets: list[Bucket] = []
        self.message_buckets: list[Bucket] = []
        self.crew: list[Member] = []
        self.pace_windows = (0, 0)
        self.sound = False
        self.owner = -1
        self.state = 0
        self.allow_short = self.flags = self.market_orders = self.self_match = self.tifs = self.types = 0
        self.clock_max = self.collar = self.data_age = self.duplicate_ns = self.expiry = self.heartbeat = 0
        self.impact = self.intent_age = self.journal_free = self.journal_lag = self.loop_lag = self.max_lots = 0
        self.max_open = self.max_open_own = self.max_open_venue = self.max_open_venue_own = self.max_order_lots = (
            self.max_position
        ) = 0
        self.max_strategy = self.max_unknown = self.min_lots = self.open_from = self.open_until = self.otr = 0
        self.queue = self.rejects = self.repeats = self.spread = self.window_bps = 0
        self.max_cells = self.max_order_cells = self.min_cells = self.need = 0
