"""What the core knows about one instrument (`Market`), and what one strategy has in it (`Seat`)."""

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tickwright.engine.book import Book
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Working
from tickwright.engine.terms import LIVE

if TYPE_CHECKING:
    from tickwright.engine.desk import Watch
    from tickwright.engine.position import Position


class Leg:
    """One part of a package: where it is traded, how many of its lots are in one lot of the package, and how many ticks
    of the package's price one of its own makes. Both are below zero for a part that is sold.
    """

    __slots__ = ("lots", "market", "ticks")

    def __init__(self, market: "Market", lots: int, ticks: int) -> None:
        self.market = market
        self.lots = lots
        self.ticks = ticks


class Market:
    """One instrument's state: book, last trade, the account's position and its working orders.

    `legs` are the parts of a package, `packages` the packages that this market is a part of.
    """

    __slots__ = (
        "book",
        "has_trade",
        "index",
        "instrument",
        "last_ticks",
        "last_ts",
        "legs",
        "packages",
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
        self.legs: list[Leg] = []
        self.packages: list[Market] = []

    def traded(self, ticks: int, ts: int) -> None:
        """Remember the last trade."""
        self.has_trade = True
        self.last_ticks = ticks
        self.last_ts = ts

    def double_reference(self) -> int:
        """Twice the reference price in ticks: the mid of a live book, else the last trade; zero where there is none.

        That of a package is the net price of its legs, which may be below zero; zero where one of them has none.
        """
        if self.legs:
            return self.net_reference()
        book = self.book
        if book.health_code == LIVE:
            bids = book.bids
            asks = book.asks
            return bids.keys[bids.n - 1] - asks.keys[asks.n - 1]
        return 2 * self.last_ticks if self.has_trade else 0

    def net_reference(self) -> int:
        """Twice the net reference of a package's legs, in its ticks."""
        total = 0
        for leg in self.legs:
            reference = leg.market.double_reference()
            if reference == 0:
                return 0
            total += leg.ticks * reference
        return int(total)

    def gross_reference(self) -> int:
        """Twice what a package's legs are worth without their signs, in its ticks; zero where one has no price."""
        total = 0
        for leg in self.legs:
            reference = leg.market.double_reference()
            if reference == 0:
                return 0
            total += abs(leg.ticks) * reference
        return int(total)

    def join(self, legs: "list[Leg]") -> None:
        """This market is a package of these legs."""
        self.legs = legs
        for leg in legs:
            leg.market.packages.append(self)


def leg_of(package: Instrument, market: Market, ratio: int) -> Leg:
    """A market as `ratio` parts of a package.

    Raises:
        UnitError: a step of the package's price or size is no whole number of the leg's.
    """
    part = market.instrument
    lots = Fraction(package.lot_size) * abs(ratio) / Fraction(part.lot_size)
    ticks = Fraction(part.tick_size) * abs(ratio) / Fraction(package.tick_size)
    if lots.denominator != 1 or ticks.denominator != 1:
        raise UnitError(
            f"{package.id}: expected a tick and a lot of which {abs(ratio)} x {part.id} makes whole ones, received "
            f"{package.tick_size} and {package.lot_size} for {part.tick_size} and {part.lot_size}"
        )
    sign = 1 if ratio > 0 else -1
    return Leg(market, sign * int(lots), sign * int(ticks))


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


def join_packages(markets: list[Market], seats: list[Seat]) -> None:
    """Tell every package of its legs, and let orders in it count in theirs: for the account, and for each strategy.

    Raises:
        UnitError: steps that do not fit, or legs that the run, or a strategy of the package, does not trade.
    """
    by_id = {market.instrument.id: market for market in markets}
    sitting = {(seat.strategy_index, seat.market.instrument.id): seat for seat in seats}
    for package in markets:
        named = package.instrument.legs
        if not named:
            continue
        owners = [seat for seat in seats if seat.market is package]
        for id, _ in named:
            if id not in by_id or any((seat.strategy_index, id) not in sitting for seat in owners):
                raise UnitError(f"{package.instrument.id}: expected its leg {id} to be traded beside it")
        legs = [leg_of(package.instrument, by_id[id], ratio) for id, ratio in named]
        package.join(legs)
        package.working.carry([(leg.market.working, leg.lots) for leg in legs])
        for seat in owners:
            own = [sitting[seat.strategy_index, id].working for id, _ in named]
            seat.working.carry([(working, leg.lots) for working, leg in zip(own, legs, strict=True)])
