"""One pair's central limit order book: who came first at the better price trades first, clients and market alike.

The resting orders stand in the engine's order-by-order book, which adds them up to levels. Each change of a level
counts one on `sequence`, and its place is noted for everybody who watches.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from attrs import frozen

from tickwright.adapters.tdx.mirror.listing import Pair
from tickwright.adapters.tdx.mirror.orders import Order
from tickwright.engine.book import Book
from tickwright.engine.book_by_order import BookByOrder
from tickwright.engine.levels import Levels

ANYWHERE: Final = 0
NOWHERE: Final = -1
"""Prices at which a taker meets orders of the market."""

Place = tuple[int, int]
"""A side and a price in ticks."""


@frozen
class Match:
    """A taker met a resting order."""

    taker: Order
    maker: Order
    lots: int
    ticks: int


@frozen
class SelfMatch:
    """A taker met an order of its own account, and the venue does not let them trade."""

    taker: Order
    maker: Order


class Market:
    """The book of one pair and its resting orders. Only what is on the grid of the pair comes here."""

    def __init__(self, pair: Pair, self_trade: bool = True) -> None:
        self.pair = pair
        self.book = Book(pair.instrument)
        self.resting = BookByOrder(self.book)
        self.orders: dict[str, Order] = {}
        self.sequence = 0
        self.watchers: list[set[Place]] = []
        self.last_ticks = 0
        self._self_trade = self_trade

    def best(self, side: int) -> int:
        """The best price of a side in ticks, 0 where it is empty."""
        if self._levels(side).n == 0:
            return 0
        return self.book.bid_ticks() if side > 0 else self.book.ask_ticks()

    def levels(self, side: int, most: int = 0) -> list[tuple[int, int]]:
        """(ticks, lots) of a side, best first; `most` 0 for all."""
        return list(islice(self._from_best(side), most or None))

    def would_trade(self, order: Order) -> bool:
        """Whether an order would meet another at once."""
        best = self.best(-order.side)
        return best != 0 and self._reaches(order, best)

    def offered(self, order: Order, most: int) -> int:
        """How many lots an order could take at once, as far as `most` matters; its own account's count only where
        they may trade.
        """
        total = 0
        for ticks, lots in self._from_best(-order.side):
            if total >= most or not self._reaches(order, ticks):
                break
            if self._self_trade or order.account is None:
                total += lots
                continue
            for order_id, size in self.resting.queue(-order.side, ticks):
                if self.orders[order_id].account is not order.account:
                    total += size
        return total

    def cost(self, order: Order) -> int:
        """What an order that takes at once pays, in lots times ticks, for as much of it as there is."""
        wanted, total = order.lots, 0
        for ticks, lots in self._from_best(-order.side):
            if wanted <= 0 or not self._reaches(order, ticks):
                break
            taken = min(lots, wanted)
            total += taken * ticks
            wanted -= taken
        return total

    def take(self, order: Order, street_at: int = ANYWHERE) -> Iterator[Match | SelfMatch]:
        """Trade an order against what rests, one meeting at a time, until nothing fits; the caller ends one of the two
        after a `SelfMatch`.

        `street_at` is the one price at which orders of the market are met, and not only those of clients.
        """
        while order.leaves > 0 and not order.ended:
            maker = self._first(order) if street_at == ANYWHERE else self._first_of(order, street_at)
            if maker is None:
                return
            if not self._self_trade and order.account is not None and maker.account is order.account:
                yield SelfMatch(order, maker)
                continue
            lots = min(order.leaves, maker.leaves)
            self.resting.reduce(maker.id, lots)
            if lots == maker.leaves:
                del self.orders[maker.id]
            order.executed += lots
            maker.executed += lots
            self.last_ticks = maker.ticks
            self._changed(maker.side, maker.ticks)
            yield Match(order, maker, lots, maker.ticks)

    def _first(self, order: Order) -> Order | None:
        """Whom an order meets: the first in line at the best price."""
        ticks = self.best(-order.side)
        if ticks == 0 or not self._reaches(order, ticks):
            return None
        return self.orders[next(iter(self.resting.queues[-order.side, ticks]))]

    def _first_of(self, order: Order, street_at: int) -> Order | None:
        """The same among clients, and at one price among all."""
        for ticks, _ in self._from_best(-order.side):
            if not self._reaches(order, ticks):
                return None
            for order_id in self.resting.queues[-order.side, ticks]:
                maker = self.orders[order_id]
                if maker.account is not None or ticks == street_at:
                    return maker
        return None

    def rest(self, order: Order) -> None:
        """What is left of an order joins the queue at its price."""
        self.resting.add(order.id, order.side, order.ticks, order.leaves)
        self.orders[order.id] = order
        self._changed(order.side, order.ticks)

    def resize(self, order: Order, lots: int) -> None:
        """A resting order now has `lots` left: smaller it keeps its place, larger it goes to the back."""
        self.resting.change(order.id, lots)
        order.lots = order.executed + lots
        self._changed(order.side, order.ticks)

    def remove(self, order: Order) -> bool:
        """Take an order out of the book; False where it does not rest."""
        if self.orders.pop(order.id, None) is None:
            return False
        self.resting.delete(order.id)
        self._changed(order.side, order.ticks)
        return True

    def _changed(self, side: int, ticks: int) -> None:
        self.sequence += 1
        place = (side, ticks)
        for watcher in self.watchers:
            watcher.add(place)

    def _from_best(self, side: int) -> Iterator[tuple[int, int]]:
        """Levels one by one, as nobody needs all of them."""
        levels = self._levels(side)
        return ((side * key, levels.at(key)) for key in reversed(levels.all_keys()))

    def _levels(self, side: int) -> Levels:
        return self.book.bids if side > 0 else self.book.asks

    @staticmethod
    def _reaches(order: Order, ticks: int) -> bool:
        return order.ticks == 0 or order.side * (order.ticks - ticks) >= 0
