# cython: boundscheck=False
"""One side of a book: keys rising towards the best, and the size at each.

A side is two parallel arrays, worst level first and best last, so that the changes that happen most, near the touch,
move the fewest elements. Keys grow towards the best on both sides: a bid's key is its price, an ask's is minus its
price, and so one piece of code serves both.

Compiled, indexes are not checked here, because moving levels is half of what a book costs. What holds instead:
``0 <= n <= len(keys) == len(sizes)`` always, `find` returns a place in ``[0, n]``, and every place that is read or
written below lies in ``[0, n]`` with ``n < len(keys)`` wherever `n` itself is written. Interpreted, Python checks all.
"""

from array import array

from tickwright.engine.errors import RemoteError, UnitError
from tickwright.engine.terms import GRID_END

MAX_LEVELS = 131_072
"""A side may hold this many levels (2 MiB); more is a broken feed, not a market."""


class Levels:
    """One side of a book: keys rising towards the best, and the size at each. `name` stands in its errors."""

    __slots__ = ("keys", "n", "name", "sizes")

    def __init__(self, name: str) -> None:
        self.name = name
        self.n = 0
        self.keys = array("q", bytes(8 * 64))
        self.sizes = array("q", bytes(8 * 64))

    def find(self, key: int) -> int:
        """How many levels have a key below `key`: where it stands, or would stand."""
        i = self.n
        if i == 0 or self.keys[i - 1] < key:
            return i
        # Keys are whole and differ, so at most `top - key` of them lie between `key` and the best: no place is nearer
        # to the worst than `low`, and in a market without gaps that is the very place.
        top = self.keys[i - 1]
        low = 0
        if key > top - i:
            low = i - 1 - (top - key)
            near = low + 12
            while low < near:
                if self.keys[low] >= key:
                    return low
                low += 1
            i -= 1
        else:
            near = i - 8 if i > 8 else 0
            while i > near and self.keys[i - 1] >= key:
                i -= 1
            if i > near:
                return i
        while low < i:
            middle = (low + i) // 2
            if self.keys[middle] < key:
                low = middle + 1
            else:
                i = middle
        return i

    def set(self, key: int, size: int) -> bool:
        """Set the size at `key`, zero removing the level; tell whether anything changed.

        What is refused changes nothing. The bounds are looked at where they can first be broken: a known level's key
        was in bounds when it came.
        """
        n = self.n
        i = self.find(key)
        if i < n and self.keys[i] == key:
            if size > 0:
                if self.sizes[i] == size:
                    return False
                if size >= GRID_END:
                    self.refuse(key, size)
                self.sizes[i] = size
                return True
            if size < 0:
                self.refuse(key, size)
            n -= 1
            self.n = n
            while i < n:
                self.keys[i] = self.keys[i + 1]
                self.sizes[i] = self.sizes[i + 1]
                i += 1
            return True
        if size <= 0 or size >= GRID_END or key >= GRID_END or key <= -GRID_END:
            if size != 0:
                self.refuse(key, size)
            return False
        if n == len(self.keys):
            self.grow()
        j = n
        while j > i:
            self.keys[j] = self.keys[j - 1]
            self.sizes[j] = self.sizes[j - 1]
            j -= 1
        self.keys[i] = key
        self.sizes[i] = size
        self.n = n + 1
        return True

    def at(self, key: int) -> int:
        """The size at `key`, zero where there is no level."""
        i = self.find(key)
        if i < self.n and self.keys[i] == key:
            size = self.sizes[i]
            return size
        return 0

    def all_keys(self) -> list[int]:
        """The key of every level, rising."""
        return list(self.keys[: self.n])

    def refuse(self, key: int, size: int) -> None:
        raise UnitError(
            f"{self.name}: expected a price within 2**62 ticks and a size from 0 to below 2**62 lots, "
            f"received {abs(int(key))} ticks and {size} lots; the level is not taken"
        )

    def grow(self) -> None:
        if self.n >= MAX_LEVELS:
            raise RemoteError(f"{self.name}: expected at most {MAX_LEVELS} levels, received one more")
        self.keys = array("q", bytes(self.keys) * 2)
        self.sizes = array("q", bytes(self.sizes) * 2)
