"""What the core knows about one instrument (`Market`), and what one strategy has in it (`Seat`)."""

from typing import TYPE_CHECKING, Any

from tickwright.engine.book import Book
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Working
from tickwright.engine.terms import LIVE

if TYPE_CHECKING:
    from tickwright.engine.desk import Watch
    from tickwright.engine.position import Position


class Market:
    """One instrument's state: book, last trade, the account's position and its working orders."""

    __slots__ = (
        "book",
        "has_trade",
        "index",
        "instrument",
        "last_ticks",
        "last_ts",
        "position",
        "venue_index",
        "venue_name",
        "watches",
        "working",
    )

    def __init__(self, instrument: Instrument, index: int, position: "Position") -> None:
        self.instrument = instrument
        self.index = index
        self.book = Book(instrument, index)
        self.position = position
        self.working = Working()
        self.venue_index = 0
        self.venue_name = instrument.venue
        self.has_trade = False
        self.last_ticks = 0
        self.last_ts = 0
        self.watches: list[Watch] = []  # who wants to be woken, kept by the core

    def traded(self, ticks: int, ts: int) -> None:
        """Remember the last trade."""
        self.has_trade = True
        self.last_ticks = ticks
        self.last_ts = ts

    def double_reference(self) -> int:
        """Twice the reference price in ticks: the mid of a live book, else the last trade; zero where there is none."""
        book = self.book
        if book.health_code == LIVE:
            bids = book.bids
            asks = book.asks
            return bids.keys[bids.n - 1] - asks.keys[asks.n - 1]
        return 2 * self.last_ticks if self.has_trade else 0


class Seat:
    """One strategy's place in one market: its own position and working orders, and what risk resolved for it."""

    __slots__ = ("limits", "market", "position", "strategy", "strategy_index", "working")

    def __init__(self, strategy: str, strategy_index: int, market: Market, position: "Position") -> None:
        self.strategy = strategy
        self.strategy_index = strategy_index
        self.market = market
        self.position = position
        self.working = Working()
        self.limits: Any = None  # what the gate keeps here, the engine does not look at
