"""The tape loop: rows of a recording, one after the other, through books, venue and core.

A row goes to the books it belongs to; a message's last row wakes whoever watches. Between rows the loop compares one
number, the time of whatever is due next. Nothing is allocated and no Python is called for a row that nobody asked
for. A channel is one stream of rows of one instrument: as the venue sees it, as the strategies see it, or (without a
delay between the two) both at once.
"""

from typing import TYPE_CHECKING

from tickwright.engine.book import Book
from tickwright.engine.core import Core
from tickwright.engine.market import Market
from tickwright.engine.ports import TapeVenue

if TYPE_CHECKING:
    from collections.abc import Sequence


class Channel:
    """Where the rows of one stream go: `venue` is None for what strategies alone see, `market` for the venue alone."""

    __slots__ = ("book", "index", "market", "venue")

    def __init__(self, book: Book, index: int, market: Market | None, venue: TapeVenue | None) -> None:
        self.book = book
        self.index = index
        self.market = market
        self.venue = venue


class TapeLoop:
    """Plays blocks of rows. `events` counts the rows of the tape, and names them in the fills they cause."""

    __slots__ = ("channels", "core", "events")

    def __init__(self, core: Core, channels: list[Channel]) -> None:
        self.core = core
        self.channels = channels
        self.events = 0

    def play(
        self,
        ts: "Sequence[int]",
        market: "Sequence[int]",
        kind: "Sequence[int]",
        side: "Sequence[int]",
        px: "Sequence[int]",
        qty: "Sequence[int]",
        last: "Sequence[int]",
        first: int,
        n: int,
    ) -> int:
        """Play rows `first` to `n` of a block; return how many were played: fewer when the run was told to stop."""
        core = self.core
        channels = self.channels
        current = 0
        channel = channels[0]
        index = channel.index
        venue = channel.venue
        target = channel.market
        book = channel.book
        i = first
        while i < n:
            now = ts[i]
            if core.due < now:
                core.catch_up(now)
                if core.stopping:
                    break
            if market[i] != current:
                current = market[i]
                channel = channels[current]
                index = channel.index
                venue = channel.venue
                target = channel.market
                book = channel.book
            if venue is not None:
                self.events += 1
                venue.event = self.events
            if kind[i] == 0:
                if venue is not None and venue.resting[index]:
                    venue.level(index, side[i], px[i], qty[i], now, self.events)
                book.apply(side[i], px[i], qty[i])
                if last[i]:
                    if target is not None:
                        core.message(target, now)
                    else:
                        book.settle(now)
            else:
                if venue is not None and venue.resting[index]:
                    venue.trade(index, side[i], px[i], qty[i], now, self.events)
                if target is not None:
                    core.trade(target, side[i], px[i], qty[i], now)
            if last[i] and venue is not None and venue.next_due < core.due:
                core.hear(now)
            i += 1
            if core.stopping:
                break
        return i - first
