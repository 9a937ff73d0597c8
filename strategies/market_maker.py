"""A market maker: one quote on each side of the microprice, leaning against what it holds.

The microprice is where the next trade is likelier to print than the mid. Holding a long position moves both quotes
down, so that the selling one is met sooner, and the other way round; at the largest position the side that would add
to it is not quoted at all.
"""

from decimal import Decimal
from math import ceil, floor

from attrs import define, field

from tickwright.engine.book import Book
from tickwright.engine.order import Order
from tickwright.engine.terms import BUY, SELL
from tickwright.strategies.base import Strategy


@define(kw_only=True)
class MarketMaker(Strategy):
    """Quotes both sides around the microprice, skewed by inventory."""

    size: Decimal = Decimal("0.01")
    """How much each quote offers."""
    behind_ticks: int = 1
    """How far a quote stays from the microprice, in ticks."""
    skew_ticks: float = 1.0
    """How many ticks both quotes lean for each `size` held."""
    max_position: Decimal = Decimal("0.1")
    """At this position the side that would add to it is not quoted."""
    requote_ticks: int = 2
    """A quote stays where it is while its place has moved by less than this."""

    _quotes: dict[tuple[str, int], Order] = field(factory=dict, init=False, repr=False)

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.watch(instrument, book="touch")

    def on_book(self, book: Book) -> None:
        microprice = book.microprice
        if microprice is None or book.bid is None or book.ask is None:
            return
        held = self.position(book.instrument).qty
        fair = microprice / book.tick - self.skew_ticks * held / float(self.size)
        bid = min(floor(fair) - self.behind_ticks, round(book.bid / book.tick))
        ask = max(ceil(fair) + self.behind_ticks, round(book.ask / book.tick))
        self.quote(book, BUY, bid, held + float(self.size) <= float(self.max_position))
        self.quote(book, SELL, ask, held - float(self.size) >= -float(self.max_position))

    def quote(self, book: Book, side: int, ticks: int, wanted: bool) -> None:
        """Keep one order of a side at a price: leave it, move it, or take it away."""
        key = (book.instrument.id, side)
        order = self._quotes.get(key)
        price = ticks * book.tick
        if order is not None and order.is_open:
            near = order.price is not None and abs(order.price - price) < self.requote_ticks * book.tick
            if wanted and near:
                return
            self.cancel(order)
        if wanted:
            ask = self.buy if side == BUY else self.sell
            self._quotes[key] = ask(book.instrument, self.size, price, post_only=True)
