"""A strategy for storms: orders, cancels and replaces at random from a seed, and a memory of all it was shown."""

import math
from random import Random

from attrs import define

from tickwright import Book, Fill, Order, Strategy

STEP = "0.01"
MOST = 8
"""Open orders at once."""


@define(kw_only=True, slots=False)
class Trader(Strategy):
    """At its pace: a bid or an offer near the touch or through it, a cancel, or a replace."""

    seed: int = 1
    pace: str = "250ms"
    trades: bool = True

    def on_start(self) -> None:
        self.random = Random(self.seed)
        self.wrong: list[str] = []
        self.heard: list[tuple[str, str]] = []
        self.fills: list[tuple[str, str]] = []
        self.links: list[bool] = []
        self.books = 0
        self.id = self.instruments[0].id
        self.watch(self.id, book="every", trades=True)
        self.every(self.pace, "act")

    def on_book(self, book: Book) -> None:
        self.books += 1
        if not (math.isfinite(book.bid) and math.isfinite(book.ask) and 0 < book.bid < book.ask):
            self.wrong.append(f"a book of {book.bid} to {book.ask}")
        if book.health.name != "LIVE":
            self.wrong.append(f"a book that is {book.health.name}")

    def on_trade(self, trade: object) -> None:
        price, size = trade.price, trade.size  # type: ignore[attr-defined]
        if not (math.isfinite(price) and math.isfinite(size) and size > 0):
            self.wrong.append(f"a trade of {size} at {price}")

    def on_order(self, order: Order) -> None:
        self.heard.append((order.client_order_id, order.code or order.state.name))

    def on_fill(self, order: Order, fill: Fill) -> None:
        self.fills.append((order.client_order_id, fill.trade_id))

    def on_link(self, venue: str, up: bool) -> None:
        self.links.append(up)

    def on_timer(self, name: str) -> None:
        if not self.trades:
            return
        book = self.book(self.id)
        if book.health.name != "LIVE":
            return
        draw = self.random.random()
        mine = [order for order in self.orders if order.is_open]
        if mine and (draw < 0.25 or len(mine) >= MOST):
            self.cancel(self.random.choice(mine))
        elif mine and draw < 0.35:
            order = self.random.choice(mine)
            self.replace(order, qty="0.03", price=order.price)
        else:
            self.enter(book)

    def enter(self, book: Book) -> None:
        size = self.random.choice(("0.01", "0.02", "0.05"))
        away = self.random.choice((-60, 0, 1, 2, 4, 8)) * book.tick
        position = float(self.position(self.id).qty)
        buys = self.random.random() < 0.5 - 0.2 * max(-1.0, min(1.0, position))
        if buys:
            self.buy(self.id, size, price=book.bid - away)
        else:
            self.sell(self.id, size, price=book.ask + away)
