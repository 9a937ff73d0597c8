"""A trade that somebody else made, as the venue printed it."""

from tickwright.engine.book import Book
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import Side

_BUYER = Side.BUY
_SELLER = Side.SELL


class Trade:
    """One print: `price` and `size` in the instrument's units, `side` who took, `time` in nanoseconds UTC."""

    __slots__ = ("book", "lots", "taker", "ticks", "ts")

    book: Book
    taker: int
    ticks: int
    lots: int
    ts: int

    @property
    def instrument(self) -> Instrument:
        return self.book.instrument

    @property
    def price(self) -> float:
        return self.book.as_price(self.ticks)

    @property
    def size(self) -> float:
        return self.book.as_size(self.lots)

    @property
    def side(self) -> Side:
        return _BUYER if self.taker > 0 else _SELLER

    @property
    def time(self) -> int:
        return self.ts

    def __repr__(self) -> str:
        return f"<Trade {self.instrument.id} {self.side.name} {self.size} @ {self.price}>"


def make_trade(book: Book, taker: int, ticks: int, lots: int, ts: int) -> Trade:
    """Build a trade from units; `taker` is +1 where the buyer took."""
    trade = Trade.__new__(Trade)
    trade.book = book
    trade.taker = taker
    trade.ticks = ticks
    trade.lots = lots
    trade.ts = ts
    return trade
