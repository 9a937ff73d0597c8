"""One instrument's price levels, and what they are worth.

Each side is a `Levels`, whose keys grow towards the best: a bid's key is its price, an ask's is minus its price.

Nothing is prepared for the strategy: `bid` and the like are computed when read, because a strategy that is woken a
thousand times reads a few of them, and each prepared figure would be paid for at every change. `touch` alone is kept
from one reading to the next, since it seldom changes between two and is four floats and a tuple.
"""

from typing import TYPE_CHECKING

import numpy as np

from tickwright.engine.errors import LocalError
from tickwright.engine.instrument import Instrument
from tickwright.engine.levels import Levels
from tickwright.engine.terms import CROSSED, GAPPED, LIVE, ONE_SIDED, STALE, SYNCING, Health

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT_DOUBLE = 9_007_199_254_740_992
"""Below 2**53 every integer is a double, so that one division of two gives the nearest double of their ratio."""

HEALTHS = tuple(Health)


def double_ratio(num: int, den: int) -> tuple[int, float, int]:
    """What `n * num / den` needs to be the nearest double in one division: `num`, `den`, and the largest such `n`.

    The product must stay below 2**53 and `den` be a double (10**22 still is). Else the largest is -1: no `n` will do.
    """
    if num < EXACT_DOUBLE and den < 10**300 and int(float(den)) == den:
        return num, float(den), (EXACT_DOUBLE - 1) // num
    return 1, 1.0, -1


class Book:
    """One instrument's book as a strategy, the risk gate and the simulator see it.

    Prices and sizes read here are floats nearest to the venue's decimals, in price and size units; `None` where the
    side is empty. `health` says whether the book may be traded on and `reason` why not.
    """

    __slots__ = (
        "asks",
        "bids",
        "health_code",
        "index",
        "instrument",
        "lot_den",
        "lot_num",
        "pin_reason",
        "pinned",
        "quick_lots",
        "quick_ticks",
        "seen",
        "seen_ask",
        "seen_ask_lots",
        "seen_bid",
        "seen_bid_lots",
        "tick_den",
        "tick_num",
        "ts",
    )

    def __init__(self, instrument: Instrument, index: int = 0) -> None:
        self.instrument = instrument
        self.index = index
        self.bids = Levels(f"{instrument.id} bids")
        self.asks = Levels(f"{instrument.id} asks")
        self.ts = 0
        self.pinned = False
        self.health_code = SYNCING
        self.pin_reason = ""
        self.seen: tuple[float, float, float, float] | None = None
        self.seen_bid = self.seen_ask = self.seen_bid_lots = self.seen_ask_lots = 0
        self.tick_num, self.tick_den, self.quick_ticks = double_ratio(instrument.tick_num, instrument.tick_den)
        self.lot_num, self.lot_den, self.quick_lots = double_ratio(instrument.lot_num, instrument.lot_den)

    # --- changes -----------------------------------------------------------------------------------------------

    def apply(self, side: int, ticks: int, lots: int) -> bool:
        """Set one level (side +1 bid, -1 ask), no lots removing it; tell whether the book changed.

        The book may be inconsistent until `settle`.

        Raises:
            UnitError: a price or size outside 62 bits, or a negative size; the level is left as it was.
            RemoteError: more than `MAX_LEVELS` levels on one side.
        """
        if side > 0:
            return self.bids.set(ticks, lots)
        return self.asks.set(-ticks, lots)

    def settle(self, ts: int) -> int:
        """The message is complete: judge the book and return its health as an integer of `Health`."""
        self.ts = ts
        if self.pinned:
            return self.health_code
        if self.bids.n == 0 or self.asks.n == 0:
            self.health_code = ONE_SIDED
        elif self.bids.keys[self.bids.n - 1] + self.asks.keys[self.asks.n - 1] >= 0:
            self.health_code = CROSSED
        else:
            self.health_code = LIVE
        return self.health_code

    def pin(self, health: Health, reason: str) -> None:
        """Hold the book in a state that levels alone cannot mend (SYNCING, GAPPED, STALE) until `clear`."""
        code = int(health)
        if code not in (SYNCING, GAPPED, STALE):
            raise LocalError(f"{self.instrument.id}: expected SYNCING, GAPPED or STALE to pin, received {health!r}")
        self.pinned = True
        self.health_code = code
        self.pin_reason = reason

    def clear(self) -> None:
        """Forget every level and any pin: a snapshot follows."""
        self.bids.n = 0
        self.asks.n = 0
        self.pinned = False
        self.health_code = SYNCING
        self.pin_reason = ""

    def release(self) -> None:
        """Take away a pin: the levels are the venue's again."""
        self.pinned = False
        self.pin_reason = ""

    # --- reading in ticks and lots (for the hot modules) ---------------------------------------------------------

    def bid_ticks(self) -> int:
        """Best bid in ticks; only meaningful while `bids.n` is not zero."""
        return self.bids.keys[self.bids.n - 1]

    def ask_ticks(self) -> int:
        """Best ask in ticks; only meaningful while `asks.n` is not zero."""
        return -self.asks.keys[self.asks.n - 1]

    def size_at(self, side: int, ticks: int) -> int:
        """Displayed lots at a price of one side."""
        if side > 0:
            return self.bids.at(ticks)
        return self.asks.at(-ticks)

    def as_price(self, ticks: int) -> float:
        """The nearest double of a number of ticks; a sum of two prices may be given too."""
        if -self.quick_ticks <= ticks <= self.quick_ticks:
            return ticks * self.tick_num / self.tick_den
        return int(ticks) * int(self.instrument.tick_num) / int(self.instrument.tick_den)

    def as_size(self, lots: int) -> float:
        """The nearest double of a number of lots."""
        if -self.quick_lots <= lots <= self.quick_lots:
            return lots * self.lot_num / self.lot_den
        return int(lots) * int(self.instrument.lot_num) / int(self.instrument.lot_den)

    # --- reading for people ------------------------------------------------------------------------------------

    @property
    def health(self) -> Health:
        return HEALTHS[self.health_code]

    @property
    def reason(self) -> str:
        """Why the book may not be traded on; empty while it is LIVE."""
        if self.pinned:
            return self.pin_reason
        if self.health_code == SYNCING:
            return "no snapshot yet"
        if self.health_code == ONE_SIDED:
            return "no bids" if self.asks.n else "no asks" if self.bids.n else "no levels"
        if self.health_code == CROSSED:
            return f"bid {self.bid} is not below ask {self.ask}"
        return ""

    @property
    def time(self) -> int:
        """When the book last changed, in nanoseconds UTC."""
        return self.ts

    @property
    def bid(self) -> float | None:
        if self.bids.n == 0:
            return None
        return self.as_price(self.bids.keys[self.bids.n - 1])

    @property
    def ask(self) -> float | None:
        if self.asks.n == 0:
            return None
        return self.as_price(-self.asks.keys[self.asks.n - 1])

    @property
    def bid_size(self) -> float | None:
        if self.bids.n == 0:
            return None
        return self.as_size(self.bids.sizes[self.bids.n - 1])

    @property
    def ask_size(self) -> float | None:
        if self.asks.n == 0:
            return None
        return self.as_size(self.asks.sizes[self.asks.n - 1])

    @property
    def touch(self) -> tuple[float, float, float, float] | None:
        """Best bid, its size, best ask, its size, read at once; None unless both sides are there."""
        return self.read_touch()

    def read_touch(self) -> tuple[float, float, float, float] | None:
        """`touch`, of which only what changed is made anew: mostly one figure of the four."""
        if self.bids.n == 0 or self.asks.n == 0:
            return None
        bid = self.bids.keys[self.bids.n - 1]
        ask = self.asks.keys[self.asks.n - 1]
        bid_lots = self.bids.sizes[self.bids.n - 1]
        ask_lots = self.asks.sizes[self.asks.n - 1]
        seen = self.seen
        if seen is None:
            seen = (self.as_price(bid), self.as_size(bid_lots), self.as_price(-ask), self.as_size(ask_lots))
        else:
            if (
                bid_lots == self.seen_bid_lots
                and ask_lots == self.seen_ask_lots
                and bid == self.seen_bid
                and ask == self.seen_ask
            ):
                return seen
            bid_price, bid_size, ask_price, ask_size = seen
            if bid != self.seen_bid:
                bid_price = self.as_price(bid)
            if bid_lots != self.seen_bid_lots:
                bid_size = self.as_size(bid_lots)
            if ask != self.seen_ask:
                ask_price = self.as_price(-ask)
            if ask_lots != self.seen_ask_lots:
                ask_size = self.as_size(ask_lots)
            seen = (bid_price, bid_size, ask_price, ask_size)
        self.seen = seen
        self.seen_bid = bid
        self.seen_ask = ask
        self.seen_bid_lots = bid_lots
        self.seen_ask_lots = ask_lots
        return seen

    @property
    def tick(self) -> float:
        """The price grid as a float."""
        return self.as_price(1)

    @property
    def lot(self) -> float:
        """The size grid as a float."""
        return self.as_size(1)

    @property
    def mid(self) -> float | None:
        """Halfway between the touches, the nearest double of the exact value."""
        if self.bids.n == 0 or self.asks.n == 0:
            return None
        return self.as_price(self.bid_ticks() + self.ask_ticks()) / 2

    @property
    def spread(self) -> float | None:
        if self.bids.n == 0 or self.asks.n == 0:
            return None
        return self.as_price(self.ask_ticks() - self.bid_ticks())

    @property
    def microprice(self) -> float | None:
        """The touches weighted by the size on the other side: where the next trade is likelier to print."""
        if self.bids.n == 0 or self.asks.n == 0:
            return None
        return self.weighted()

    def weighted(self) -> float:
        """The nearest double of the microprice of two sides that are there."""
        bid_lots = self.bids.sizes[self.bids.n - 1]
        ask_lots = self.asks.sizes[self.asks.n - 1]
        total = bid_lots + ask_lots
        top = bid_lots * self.ask_ticks() + ask_lots * self.bid_ticks()
        bottom = total * self.tick_den
        if -self.quick_ticks <= top <= self.quick_ticks and bottom < EXACT_DOUBLE:
            return top * self.tick_num / bottom
        return int(top) * int(self.instrument.tick_num) / (int(total) * int(self.instrument.tick_den))

    def imbalance(self, depth: int = 1) -> float | None:
        """(bid size - ask size) / (bid size + ask size) over the best `depth` levels, from -1 to 1."""
        bid_lots = self.depth_lots(self.bids, depth)
        ask_lots = self.depth_lots(self.asks, depth)
        total = bid_lots + ask_lots
        if total == 0:
            return None
        if total < EXACT_DOUBLE:
            return (bid_lots - ask_lots) / total
        return int(bid_lots - ask_lots) / int(total)

    def depth_lots(self, levels: Levels, depth: int) -> int:
        total = 0
        i = levels.n
        end = i - depth if i > depth else 0
        while i > end:
            i -= 1
            total += levels.sizes[i]
        return total

    def levels(self, side: int, depth: int = 10) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
        """Prices and sizes of the best `depth` levels of a side, best first, as two new float arrays."""
        levels = self.bids if side > 0 else self.asks
        n = min(depth, levels.n)
        prices = np.empty(n)
        sizes = np.empty(n)
        to_prices = prices
        to_sizes = sizes
        for i in range(n):
            key = levels.keys[levels.n - 1 - i]
            to_prices[i] = self.as_price(key if side > 0 else -key)
            to_sizes[i] = self.as_size(levels.sizes[levels.n - 1 - i])
        return prices, sizes

    def __repr__(self) -> str:
        return f"<Book {self.instrument.id} {self.health.name} bid={self.bid} ask={self.ask}>"
