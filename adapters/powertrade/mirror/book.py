"""One instrument's book, order by order: who came first at the better price trades first. Prices may be negative."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Protocol

from attrs import frozen

from tickwright.adapters.powertrade.mirror.listing import Listed
from tickwright.adapters.powertrade.mirror.orders import MARKET, Order


class Watcher(Protocol):
    """Who is told of each change of a book, as it happens."""

    def added(self, order: Order) -> None: ...

    def deleted(self, order: Order) -> None: ...

    def updated(self, order: Order, was: int) -> None:
        """It has another size, and `was` its id; it may still be."""

    def executed(self, order: Order, lots: int) -> None: ...


@frozen
class Match:
    """A taker met a resting order, at the latter's price."""

    maker: Order
    lots: int
    ticks: int


class Market:
    """The resting orders of one instrument, by side and price, each queue in the order they came."""

    def __init__(self, listed: Listed, watcher: Watcher) -> None:
        self.listed = listed
        self.last_ticks = listed.start_ticks
        self._watcher = watcher
        self._queues: dict[tuple[int, int], dict[int, Order]] = {}
        self._prices: dict[int, list[int]] = {1: [], -1: []}  # times minus the side, so that the best comes first

    def best(self, side: int) -> int:
        """The best price of a side in ticks, 0 where it is empty."""
        keys = self._prices[side]
        return -side * keys[0] if keys else 0

    def empty(self, side: int) -> bool:
        return not self._prices[side]

    def orders(self, side: int) -> Iterator[Order]:
        """Those that rest on a side, the best and oldest first."""
        for key in self._prices[side]:
            yield from self._queues[side, -side * key].values()

    def levels(self, side: int) -> list[tuple[int, int]]:
        """(ticks, lots) of a side, best first."""
        prices = [-side * key for key in self._prices[side]]
        return [(ticks, sum(order.leaves for order in self._queues[side, ticks].values())) for ticks in prices]

    def take(self, order: Order) -> Iterator[Match]:
        """Trade an order against what rests, one meeting at a time, until nothing fits."""
        while order.leaves > 0:
            keys = self._prices[-order.side]
            if not keys:
                return
            ticks = order.side * keys[0]
            if order.kind != MARKET and order.side * (order.ticks - ticks) < 0:
                return
            maker = next(iter(self._queues[-order.side, ticks].values()))
            lots = min(order.leaves, maker.leaves)
            order.executed += lots
            maker.executed += lots
            self.last_ticks = ticks
            if maker.leaves == 0:
                self._drop(maker)
            self._watcher.executed(maker, lots)
            yield Match(maker, lots, ticks)

    def rest(self, order: Order) -> None:
        """What is left of an order joins the queue at its price."""
        queue = self._queues.setdefault((order.side, order.ticks), {})
        if not queue:
            insort(self._prices[order.side], -order.side * order.ticks)
        queue[order.id] = order
        self._watcher.added(order)

    def remove(self, order: Order) -> bool:
        """Take an order out of the book; False where it does not rest."""
        if not self._drop(order):
            return False
        self._watcher.deleted(order)
        return True

    def resize(self, order: Order, lots: int, display: int) -> None:
        """A resting order now has `lots` left: smaller it keeps its place and its id, larger it goes to the back under
        the id `display`.
        """
        was = order.display
        queue = self._queues[order.side, order.ticks]
        if lots > order.leaves:
            queue[order.id] = queue.pop(order.id)
            order.display = display
        order.lots = order.executed + lots
        self._watcher.updated(order, was)

    def _drop(self, order: Order) -> bool:
        place = (order.side, order.ticks)
        queue = self._queues.get(place, {})
        if queue.pop(order.id, None) is None:
            return False
        if not queue:
            del self._queues[place]
            keys = self._prices[order.side]
            del keys[bisect_left(keys, -order.side * order.ticks)]
        return True
