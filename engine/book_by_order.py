"""A book kept order by order: for venues that send each resting order rather than each level (L3).

Every order is remembered with its side, price and size, and each change of it moves its level in an ordinary `Book`,
which is all that strategies, risk and simulator see. Orders at one price stand in the order in which they came; a
larger size, or a new price, sends an order to the back, as venues do.

Such feeds often have no sequence numbers, so what cannot be is the only sign of a lost message: an order that comes
twice, one that is not there, more taken from an order than it had. The book is then pinned GAPPED with that reason
and a `SequenceGap` is raised; whoever reads the feed asks for a new snapshot and calls `clear`.
"""

from typing import NoReturn

from tickwright.engine.book import Book
from tickwright.engine.errors import SequenceGap
from tickwright.engine.terms import GRID_END, Health

MAX_ORDERS = 1_000_000
"""Resting orders a book may hold, about 0.3 GB; more is a broken feed, not a market."""


class BookByOrder:
    """Resting orders by id, added up on `book`. Sizes in lots, prices in ticks, `side` +1 bid, -1 ask.

    Every change raises `SequenceGap` where it contradicts what is known; nothing is changed then, but the book is
    pinned GAPPED until `clear`. The message's last change is followed by `settle`.
    """

    __slots__ = ("book", "orders", "queues")

    def __init__(self, book: Book) -> None:
        self.book = book
        self.orders: dict[str, tuple[int, int, int]] = {}
        self.queues: dict[tuple[int, int], dict[str, int]] = {}

    def add(self, order_id: str, side: int, ticks: int, lots: int) -> None:
        """A new order rests at the back of its level."""
        if order_id in self.orders:
            self.contradict(f"order {order_id}: expected a new order", "one that rests already")
        if len(self.orders) >= MAX_ORDERS:
            self.contradict(f"order {order_id}: expected at most {MAX_ORDERS} resting orders", "one more")
        if side not in (1, -1):
            self.contradict(f"order {order_id}: expected side 1 or -1", f"{side}")
        if not -GRID_END < ticks < GRID_END:
            self.contradict(f"order {order_id}: expected a price within 2**62 ticks", f"{ticks} ticks")
        self.check_level(order_id, side, ticks, lots, 0)
        self.orders[order_id] = side, ticks, lots
        self.queues.setdefault((side, ticks), {})[order_id] = lots
        self.level_moves(side, ticks, lots)

    def change(self, order_id: str, lots: int) -> None:
        """An order's size is now `lots`: smaller it keeps its place, larger it goes to the back."""
        side, ticks, before = self.known(order_id)
        self.check_level(order_id, side, ticks, lots, before)
        queue = self.queues[side, ticks]
        if lots > before:
            del queue[order_id]
        queue[order_id] = lots
        self.orders[order_id] = side, ticks, lots
        self.level_moves(side, ticks, lots - before)

    def reduce(self, order_id: str, lots: int) -> None:
        """An execution or a partial cancel took `lots`; an order of which nothing is left goes."""
        _, _, before = self.known(order_id)
        if not 0 < lots <= before:
            self.contradict(f"order {order_id}: expected a reduction of 1 to {before} lots", f"{lots}")
        if lots == before:
            self.delete(order_id)
        else:
            self.change(order_id, before - lots)

    def delete(self, order_id: str) -> None:
        """An order rests no more."""
        side, ticks, lots = self.known(order_id)
        del self.orders[order_id]
        queue = self.queues[side, ticks]
        del queue[order_id]
        if not queue:
            del self.queues[side, ticks]
        self.level_moves(side, ticks, -lots)

    def settle(self, ts: int) -> int:
        """The message is complete: judge the book, as `Book.settle` does."""
        return self.book.settle(ts)

    def clear(self) -> None:
        """Forget every order and level: a snapshot follows."""
        self.orders.clear()
        self.queues.clear()
        self.book.clear()

    def queue(self, side: int, ticks: int) -> tuple[tuple[str, int], ...]:
        """The orders at one price, first in line first, each as (id, lots)."""
        return tuple(self.queues.get((side, ticks), {}).items())

    # --- what each change is checked against --------------------------------------------------------------------

    def known(self, order_id: str) -> tuple[int, int, int]:
        order = self.orders.get(order_id)
        if order is None:
            self.contradict("expected the id of a resting order", f"{order_id}")
        return order

    def check_level(self, order_id: str, side: int, ticks: int, lots: int, before: int) -> None:
        """An order has a size, and its level stays within 62 bits."""
        if lots <= 0:
            self.contradict(f"order {order_id}: expected a positive size", f"{lots} lots")
        total = self.book.size_at(side, ticks) - before + lots
        if total >= GRID_END:
            self.contradict(f"order {order_id}: expected its level to stay below 2**62 lots", f"{total}")

    def level_moves(self, side: int, ticks: int, lots: int) -> None:
        self.book.apply(side, ticks, self.book.size_at(side, ticks) + lots)

    def contradict(self, expected: str, received: str) -> NoReturn:
        reason = f"{self.book.instrument.id}: {expected}, received {received}; a snapshot is needed"
        self.book.pin(Health.GAPPED, reason)
        raise SequenceGap(reason)
