"""A market maker: one quote on each side of the microprice, leaning against what it holds.

The microprice is where the next trade is likelier to print than the mid. Holding a long position moves both quotes
down, so that the selling one is met sooner, and the other way round; at the largest position the side that would add
to it is not quoted at all.

A quote moves in two steps: the old one is cancelled, and the new one sent when the venue has confirmed that, since the
old one may be executed until then. For the same reason no quote is sent that would meet our own other one.
"""

from decimal import Decimal
from math import ceil, floor

from attrs import define, field

from tickwright.engine.book import Book
from tickwright.engine.order import Order
from tickwright.engine.terms import Health, OrderState, Side
from tickwright.strategies.base import Strategy

BUY, SELL = Side.BUY, Side.SELL


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
    post_only: bool = True
    """Whether the venue is told to keep quotes from taking; false where it has no such flag. No quote is sent through
    the touch in either case, but without it one that meets a market that has moved meanwhile takes."""

    _quotes: dict[tuple[str, Side], Order] = field(factory=dict, init=False, repr=False)

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.watch(instrument, book="touch")
        for order in self.orders:
            self.take_over(order)

    def take_over(self, order: Order) -> None:
        """A quote that outlived its run is a quote still; a second one of its side is one too many."""
        mine = self._quotes.setdefault((order.instrument.id, order.side), order)
        if mine is not order:
            self.cancel(order)

    def on_book(self, book: Book) -> None:
        self.requote(book)

    def on_order(self, order: Order) -> None:
        """Once a quote is out of the way, its successor may go in; after a fill it waits for the touch to move."""
        if order.state is OrderState.CANCELED:
            self.requote(self.book(order.instrument))
        elif order.denial is not None and order.denial.code == "FLAG_UNSUPPORTED" and order.post_only:
            venue = order.instrument.venue
            self.log.error(f"{venue} has no post-only orders; set the param post_only: false", denial=order.denial.text)

    def fair_price(self, book: Book) -> float | None:
        """The price that both quotes stand around, None for no quotes now."""
        return book.microprice

    def requote(self, book: Book) -> None:
        """Bring both quotes to where they should be."""
        fair_price = self.fair_price(book)
        if fair_price is None or book.bid is None or book.ask is None or book.health is not Health.LIVE:
            return
        size = float(self.size)
        held = self.position(book.instrument).qty / size
        most = float(self.max_position) / size + 1e-9  # a hair, since these are floats
        fair = fair_price / book.tick - self.skew_ticks * held
        bid = min(floor(fair) - self.behind_ticks, round(book.bid / book.tick))
        ask = max(ceil(fair) + self.behind_ticks, round(book.ask / book.tick))
        self.quote(book, BUY, bid, held + 1 <= most)
        self.quote(book, SELL, ask, held - 1 >= -most)

    def quote(self, book: Book, side: Side, ticks: int, wanted: bool) -> None:
        """Keep one order of a side at a price: leave it, make it, or take it away (its successor follows later)."""
        mine = self._quotes.get((book.instrument.id, side))
        if mine is not None and mine.is_open:
            if not wanted or abs(ticks_of(mine, book) - ticks) >= self.requote_ticks:
                self.take_away(mine)
            return
        other = self._quotes.get((book.instrument.id, Side(-side)))
        crosses = other is not None and other.is_open and (ticks - ticks_of(other, book)) * side >= 0
        if wanted and not crosses:
            ask = self.buy if side is BUY else self.sell
            price = ticks * book.tick
            self._quotes[book.instrument.id, side] = ask(book.instrument, self.size, price, post_only=self.post_only)

    def take_away(self, order: Order) -> None:
        """Cancel a quote, once: while the venue does not answer, asking again says nothing new."""
        if not (order.cancel_outstanding or order.cancel_wanted):
            self.cancel(order)


def ticks_of(order: Order, book: Book) -> int:
    """A quote's price in ticks."""
    return round((order.price or 0.0) / book.tick)
