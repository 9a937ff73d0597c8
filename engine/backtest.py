# cython: boundscheck=False
"""The tape loop: rows of a recording, one after the other, through books, venue and core.

A row goes to the books it belongs to; a message's last row wakes whoever watches. Between rows the loop compares one
number, the time of whatever is due next. Nothing is allocated and no Python is called for a row that nobody asked
for. A channel is one stream of rows of one instrument: as the venue sees it, as the strategies see it, or (without a
delay between the two) both at once.

Compiled, indexes are not checked row by row: `play` looks once whether all columns hold the rows it is asked for.
"""

from typing import TYPE_CHECKING

from tickwright.engine.book import Book
from tickwright.engine.core import Core
from tickwright.engine.errors import LocalError
from tickwright.engine.market import Market
from tickwright.engine.ports import Stake, TapeVenue

if TYPE_CHECKING:
    from collections.abc import Sequence


class Channel:
    """Where the rows of one stream go: `venue` is None for what strategies alone see, `market` for the venue alone."""

    __slots__ = ("asks", "bids", "book", "index", "market", "stake", "venue")

    def __init__(self, book: Book, index: int, market: Market | None, venue: TapeVenue | None) -> None:
        self.book = book
        self.bids = book.bids
        self.asks = book.asks
        self.index = index
        self.market = market
        self.venue = venue
        self.stake = Stake() if venue is None else venue.stakes[index]


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
        if first < 0 or n > min(len(ts), len(market), len(kind), len(side), len(px), len(qty), len(last)):
            raise LocalError(f"expected columns with rows {first} to {n}, received {len(ts)} rows")
        core = self.core
        channels = self.channels
        current = 0
        channel = channels[0]
        venue, target, stake = channel.venue, channel.market, channel.stake
        bids, asks = channel.bids, channel.asks
        i = first
        while i < n:
            now = ts[i]
            if core.due < now:
                core.catch_up(now)
                if core.stopping:
                    break
            if market[i] != current:
                current = market[i]
                if not 0 <= current < len(channels):
                    raise LocalError(f"expected market 0 to {len(channels) - 1}, received {current}")
                channel = channels[current]
                venue, target, stake = channel.venue, channel.market, channel.stake
                bids, asks = channel.bids, channel.asks
            if venue is not None:
                self.events += 1
                venue.event = self.events
            way, ticks, lots, whole = side[i], px[i], qty[i], last[i]
            if kind[i] == 0:
                # Where the venue has a stake: as `Stake.level` says, in place, because this is every row.
                if way > 0:
                    if venue is not None and (ticks >= stake.ask_low or stake.bid_low <= ticks <= stake.bid_high):
                        venue.level(channel.index, way, ticks, lots, now, self.events)
                    bids.set(ticks, lots)
                else:
                    if venue is not None and (ticks <= stake.bid_high or stake.ask_low <= ticks <= stake.ask_high):
                        venue.level(channel.index, way, ticks, lots, now, self.events)
                    asks.set(-ticks, lots)
                if whole:
                    if target is not None:
                        core.message(target, now)
                    else:
                        channel.book.settle(now)
            else:
                if venue is not None and stake.trade(way, ticks):
                    venue.trade(channel.index, way, ticks, lots, now, self.events)
                if target is not None:
                    core.trade(target, way, ticks, lots, now)
            if whole and venue is not None and venue.next_due < core.due:
                core.hear(now)
            i += 1
            if core.stopping:
                break
        return i - first
