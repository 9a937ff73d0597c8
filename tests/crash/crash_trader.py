"""A strategy that lives in a process which will be killed: orders, cancels and replaces at random, and a memory."""

from random import Random
from typing import Any

from attrs import define

from tickwright import Book, Fill, Order, Strategy

MOST = 6
"""Open orders at once."""


@define(kw_only=True, slots=False)
class Trader(Strategy):
    """Many times a second while it may: a bid or an offer near the touch or through it, a cancel, or a replace."""

    seed: int = 1
    size: str = "0.01"

    def on_start(self) -> None:
        self.random = Random(self.seed)
        self.trades = False
        self.fills: list[str] = []
        self.replays: list[str] = []
        self.given: dict[str, Any] = getattr(self, "given", {})
        (self.id,) = [each.id for each in self.instruments]
        self.watch(self.id, book="touch")
        self.every("20ms", "act")

    def on_book(self, book: Book) -> None: ...

    def on_order(self, order: Order) -> None: ...

    def on_fill(self, order: Order, fill: Fill) -> None:
        kept = self.replays if getattr(self, "replaying", False) else self.fills
        kept.append(f"{order.client_order_id} {fill.trade_id}")

    def save(self) -> dict[str, Any]:
        return {"known": sorted({*self.given.get("known", ()), *self.replays, *self.fills})}

    def load(self, state: dict[str, Any]) -> None:
        self.given = state

    def on_timer(self, name: str) -> None:
        book = self.book(self.id)
        if not self.trades or book.health.name != "LIVE" or book.bid is None or book.ask is None:
            return
        draw = self.random.random()
        mine = [order for order in self.orders if order.is_open]
        if mine and (draw < 0.25 or len(mine) >= MOST):
            self.cancel(self.random.choice(mine))
        elif mine and draw < 0.35:
            order = self.random.choice(mine)
            self.replace(order, qty=order.qty, price=order.price - self.random.choice((-1, 1)) * book.tick)
        else:
            self.enter(book)

    def enter(self, book: Book) -> None:
        away = self.random.choice((-40, -40, 0, 1, 2, 4)) * book.tick
        held = float(self.position(self.id).qty) / (10 * float(self.size))
        if self.random.random() < 0.5 - 0.4 * max(-1.0, min(1.0, held)):
            self.buy(self.id, self.size, price=book.bid - away)
        else:
            self.sell(self.id, self.size, price=book.ask + away)
