"""Indexes: shown as books of two rows around what their spot pair is worth, and traded by nobody."""

from typing import Final

from tickwright.adapters.powertrade.mirror.exchange import Exchange
from tickwright.adapters.powertrade.mirror.holdings import worth
from tickwright.adapters.powertrade.mirror.listing import Listed
from tickwright.adapters.powertrade.mirror.orders import Order
from tickwright.engine.times import SECOND

SUFFIX: Final = "-INDEX"
EVERY_NS: Final = SECOND


class Indexes:
    """Every index that is listed and whose spot pair is."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rows: dict[str, list[Order]] = {}
        self._next = 0
        self._listed = [
            each
            for each in exchange.listed.values()
            if each.product == "index" and each.symbol.removesuffix(SUFFIX) in exchange.listed
        ]

    def forget(self) -> None:
        """Know of no row any more: the books were emptied."""
        self._rows.clear()
        self._next = 0

    def act(self, at: int) -> None:
        """Show what has moved, once a second."""
        if at < self._next:
            return
        self._next = at + EVERY_NS
        for listed in self._listed:
            self._show(listed, at)

    def _show(self, listed: Listed, at: int) -> None:
        markets = self._exchange.markets
        price = worth(markets[listed.symbol.removesuffix(SUFFIX)])
        ticks = int(price / listed.instrument.tick_size)
        rows = self._rows.get(listed.symbol, [])
        if rows and rows[0].ticks == ticks:
            return
        for row in rows:
            markets[listed.symbol].remove(row)
        places = ((1, ticks), (-1, ticks + 1))
        self._rows[listed.symbol] = [
            self._exchange.street(listed.symbol, side, 1, place, at, None, rests=True) for side, place in places
        ]
