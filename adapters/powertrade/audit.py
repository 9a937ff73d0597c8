"""Holds a book against the one that REST tells, now and then: a message that was lost leaves no gap to be seen.

The two are told at different moments, so a difference counts only where our book stood still while REST was asked, and
only if it is there again the next time. Then the book is lost and read anew, like one that contradicted itself.
"""

from typing import Final

from tickwright.adapters.powertrade.messages import LevelsStated
from tickwright.engine.book import Book

DEPTH: Final = 10

Levels = tuple[tuple[int, int, int], ...]


def best(book: Book, depth: int = DEPTH) -> Levels:
    """The best levels of both sides: side, ticks, lots."""
    bids = [(1, key) for key in reversed(book.bids.all_keys())][:depth]
    asks = [(-1, -key) for key in reversed(book.asks.all_keys())][:depth]
    return tuple((side, ticks, book.size_at(side, ticks)) for side, ticks in bids + asks)


class Audit:
    """Remembers in which books a difference was seen."""

    def __init__(self) -> None:
        self.suspected: set[str] = set()
        self.made = 0

    def differs(self, instrument: str, before: Levels, told: LevelsStated, after: Levels) -> str:
        """What is wrong with a book, empty where nothing is, or nothing that counts yet."""
        self.made += 1
        if before != after:
            return ""
        if told.levels == before:
            self.suspected.discard(instrument)
            return ""
        if instrument not in self.suspected:
            self.suspected.add(instrument)
            return ""
        self.suspected.discard(instrument)
        wrong = next(level for level in sorted({*told.levels} ^ {*before}))
        side = "buy" if wrong[0] > 0 else "sell"
        return f"{instrument}: the book differs from the one of REST, first in the {side} level of {wrong[1]} ticks"
