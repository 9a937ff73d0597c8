"""What the gate keeps between orders: limits as plain numbers, rate buckets, sums, and the health that drivers report.

Everything here is read on every order, so it is laid out for that: one object for each market, venue, strategy and
seat, with numbers only. Limits that are off are `HUGE` (or `WIDE` for products), so that no comparison asks whether
there is a limit.
"""

from collections import deque
from typing import Final

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


class Line:
    """One market as risk sees it.

    `weight` is what one cell is worth in grains of account currency (-1: unknown), `need` what it takes of the
    purse. Products are safe in 128 bits while quantities and prices stay below the two bounds; beyond them the slow
    way counts with unbounded integers.
    """

    __slots__ = (
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
