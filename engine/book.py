"""One instrument's price levels, and what they are worth.

A side is two parallel arrays, worst level first and best last, so that the changes that happen most, near the touch,
move the fewest elements. Keys grow towards the best on both sides: a bid's key is its price, an ask's is minus its
price, and so one piece of code serves both. A level is looked for from the best, a few steps one by one (four out of
five changes are there), then by halving.

Nothing is cached for the strategy: `bid` and the like are computed when read, because a strategy that is woken a
thousand times reads a few of them, and each cached figure would be paid for at every change.
"""

from array import array
from typing import TYPE_CHECKING

import numpy as np

from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import CROSSED, LIVE, ONE_SIDED, SYNCING, Health

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_LEVELS = 131_072
"""A side may hold this many levels (2 MiB); more is a broken feed, not a market."""

EXACT_DOUBLE = 9_007_199_254_740_992
"""Below 2**53 an integer is a double, so one division gives the nearest double of a ratio."""


QUICK_NUM = 9_000_000
QUICK_UNITS = 1_000_000_000
"""Their product stays below 2**53."""


class Levels:
    """One side of a book: keys rising towards the best, and the size at each."""

    __slots__ = ("keys", "n", "sizes")

    def __init__(self) -> None:
        self.n = 0
        self.keys = array("q", bytes(8 * 64))
        self.sizes = array("q", bytes(8 * 64))

    def find(self, key: int) -> int:
        """How many levels have a key below `key`: where it stands, or would stand."""
        keys = self.keys
        i = self.n
        near = i - 24 if i > 24 else 0
        while i > near and keys[i - 1] >= key:
            i -= 1
        if i > near or near == 0:
            return i
        low = 0
        while low < i:
            middle = (low + i) // 2
            if keys[middle] < key:
                low = middle + 1
            else:
                i = middle
        return i

    def set(self, key: int, size: int) -> bool:
        """Set the size at `key`, zero removing the level; tell whether anything changed."""
        keys = self.keys
        sizes = self.sizes
        n = self.n
        i = self.find(key)
        if i < n and keys[i] == key:
            if size > 0:
                if sizes[i] == size:
                    return False
                sizes[i] = size
                return True
            n -= 1
            self.n = n
            while i < n:
                keys[i] = keys[i + 1]
                sizes[i] = sizes[i + 1]
                i += 1
            return True
        if size <= 0:
            return False
        if n == len(keys):
            self.grow()
            keys = self.keys
            sizes = self.sizes
        j = n
        while j > i:
            keys[j] = keys[j - 1]
            sizes[j] = sizes[j - 1]
            j -= 1
        keys[i] = key
        sizes[i] = size
        self.n = n + 1
        return True

    def at(self, key: int) -> int:
        """The size at `key`, zero where there is no level."""
        i = self.find(key)
        if i < self.n and self.keys[i] == key:
            size = self.sizes[i]
            return size
        return 0

    def grow(self) -> None:
        if self.n >= MAX_LEVELS:
            raise TickwrightError(f"a book side holds {self.n} levels, at most {MAX_LEVELS} are allowed")
        self.keys = array("q", bytes(self.keys) * 2)
        self.sizes = array("q", bytes(self.sizes) * 2)


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
        "pinned",
        "reason",
        "tick_den",
        "tick_num",
        "ts",
    )

    def __init__(self, instrument: Instrument, index: int = 0) -> None:
        self.instrument = instrument
        self.index = index
        self.bids = Levels()
        self.asks = Levels()
        self.ts = 0
        self.pinned = False
        self.health_code = SYNCING
        self.reason = "no snapshot yet"
        # Figures too large for the quick division are cut at its bound, which sends them the exact way.
        self.tick_num = min(instrument.tick_num, QUICK_NUM)
        self.tick_den = min(instrument.tick_den, EXACT_DOUBLE)
        self.lot_num = min(instrument.lot_num, QUICK_NUM)
        self.lot_den = min(instrument.lot_den, EXACT_DOUBLE)

    # --- changes -----------------------------------------------------------------------------------------------

    def apply(self, side: int, ticks: int, lots: int) -> bool:
        """Set one level (side +1 bid, -1 ask); the book may be inconsistent until `settle`."""
        if side > 0:
            return self.bids.set(ticks, lots)
        return self.asks.set(-ticks, lots)

    def settle(self, ts: int) -> int:
        """The message is complete: judge the book and return its health as an integer of `Health`."""
        self.ts = ts
        if self.pinned:
            return self.health_code
        if self.bids.n == 0 or self.asks.n == 0:
            self.judge_empty()
        elif self.bids.keys[self.bids.n - 1] + self.asks.keys[self.asks.n - 1] >= 0:
            self.judge_crossed()
        elif self.health_code != LIVE:
            self.health_code = LIVE
            self.reason = ""
        return self.health_code

    def judge_empty(self) -> None:
        self.health_code = ONE_SIDED
        self.reason = "no bids" if self.asks.n else "no asks" if self.bids.n else "no levels"

    def judge_crossed(self) -> None:
        self.health_code = CROSSED
        self.reason = f"bid {self.bid} is not below ask {self.ask}"

    def pin(self, health: Health, reason: str) -> None:
        """Hold the book in a state that levels alone cannot mend (SYNCING, GAPPED, STALE) until `clear`."""
        self.pinned = True
        self.health_code = int(health)
        self.reason = reason

    def clear(self) -> None:
        """Forget every level and any pin: a snapshot follows."""
        self.bids.n = 0
        self.asks.n = 0
        self.pinned = False
        self.health_code = SYNCING
        self.reason = "no snapshot yet"

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
        """The nearest double of a number of ticks."""
        value = ticks
        if -QUICK_UNITS < value < QUICK_UNITS and self.tick_num < QUICK_NUM and self.tick_den < EXACT_DOUBLE:
            top = value * self.tick_num
            return top / self.tick_den
        return int(ticks) * int(self.instrument.tick_num) / int(self.instrument.tick_den)

    def as_size(self, lots: int) -> float:
        """The nearest double of a number of lots."""
        value = lots
        if -QUICK_UNITS < value < QUICK_UNITS and self.lot_num < QUICK_NUM and self.lot_den < EXACT_DOUBLE:
            top = value * self.lot_num
            return top / self.lot_den
        return int(lots) * int(self.instrument.lot_num) / int(self.instrument.lot_den)

    # --- reading for people ------------------------------------------------------------------------------------

    @property
    def health(self) -> Health:
        return Health(self.health_code)

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
        return (self.bid_ticks() + self.ask_ticks()) * int(self.instrument.tick_num) / (2 * self.instrument.tick_den)

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
        bid_lots = self.bids.sizes[self.bids.n - 1]
        ask_lots = self.asks.sizes[self.asks.n - 1]
        bid = self.as_price(self.bid_ticks())
        ask = self.as_price(self.ask_ticks())
        return (bid * ask_lots + ask * bid_lots) / (int(bid_lots) + int(ask_lots))

    def imbalance(self, depth: int = 1) -> float | None:
        """(bid size - ask size) / (bid size + ask size) over the best `depth` levels, from -1 to 1."""
        bid_lots = self.depth_lots(self.bids, depth)
        ask_lots = self.depth_lots(self.asks, depth)
        total = bid_lots + ask_lots
        return (bid_lots - ask_lots) / total if total else None

    def depth_lots(self, levels: Levels, depth: int) -> int:
        total = 0
        for i in range(min(depth, levels.n)):
            total += levels.sizes[levels.n - 1 - i]
        return total

    def levels(self, side: int, depth: int = 10) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
        """Prices and sizes of the best `depth` levels of a side, best first, as two new float arrays."""
        levels = self.bids if side > 0 else self.asks
        n = min(depth, levels.n)
        prices = np.empty(n)
        sizes = np.empty(n)
        for i in range(n):
            key = levels.keys[levels.n - 1 - i]
            prices[i] = self.as_price(key if side > 0 else -key)
            sizes[i] = self.as_size(levels.sizes[levels.n - 1 - i])
        return prices, sizes

    def __repr__(self) -> str:
        return f"<Book {self.instrument.id} {self.health.name} bid={self.bid} ask={self.ask}>"
