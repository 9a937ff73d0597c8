"""A random market in one pair: orders that come and go around a wandering middle, and takers who meet them.

It trades as anybody does: its takers hit whoever stands first, clients included, and its makers' orders may be taken by
clients. Everything is drawn from the random source that it is given.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any, Final, Protocol

from tickwright.engine.times import SECOND


class StreetOrder(Protocol):
    """An order of the crowd, as far as it looks at one."""

    @property
    def leaves(self) -> int: ...

    @property
    def ticks(self) -> int: ...

    @property
    def side(self) -> int: ...

    @property
    def account(self) -> object:
        """Whose it is; None of the street's own."""


class StreetMarket(Protocol):
    """One book, as the crowd trades in it."""

    def best(self, side: int) -> int:
        """The best price of a side in ticks, 0 where it is empty."""

    def remove(self, order: Any) -> bool: ...


class StreetExchange(Protocol):
    """Where a crowd trades."""

    @property
    def markets(self) -> Mapping[str, StreetMarket]: ...

    def street(
        self, symbol: str, side: int, lots: int, ticks: int, at: int, outlet: Any, *, rests: bool
    ) -> StreetOrder: ...

    def resting(self, symbol: str) -> Sequence[StreetOrder]:
        """What rests in a book, clients' orders among it; at each price in the order of the queue."""

    def revise(self, order: Any, lots: int) -> None:
        """An order of the street that rests now has so many lots left: with fewer it keeps its place."""


class StreetGrid(Protocol):
    """Steps of price and size."""

    @property
    def lot_size(self) -> Decimal: ...

    def price(self, ticks: int) -> Decimal: ...


class StreetPair(Protocol):
    """What a crowd trades in, and around which price it begins."""

    @property
    def symbol(self) -> str: ...

    @property
    def instrument(self) -> StreetGrid: ...

    @property
    def start_ticks(self) -> int: ...


FEWEST: Final = 15
"""Orders on each side that it does not go below, if it can help it."""
MOST: Final = 40
PAUSE_NS: Final = SECOND // 50
"""Between two bouts, at high rates; at low rates it is one order at a time."""
TRADE_WITHIN_NS: Final = (SECOND // 4, 5 * SECOND // 2)
"""The next trade comes after between these."""
VALUE: Final = 10_000
"""What an order is typically worth, in the quote currency."""


class Crowd:
    """Everybody who trades in one pair and is no client."""

    def __init__(self, exchange: StreetExchange, pair: StreetPair, rate: float, rng: Random) -> None:
        self._exchange = exchange
        self._pair = pair
        self._rng = rng
        self._orders: dict[int, list[StreetOrder]] = {1: [], -1: []}
        self._start = self._middle = pair.start_ticks
        self._scale = max(pair.start_ticks // 20_000, 2)
        price = float(pair.instrument.price(pair.start_ticks) * pair.instrument.lot_size)
        self._lots = max(int(VALUE / price), 2)
        self._trade_at = 0
        self._owed = 0.0
        self._acted = 0
        self._clock = 0
        self._rate = rate
        self._hurried = (0.0, 0)
        self._rests_until = 0

    def open(self, at: int, outlet: Any) -> None:
        """Fill the book before anybody looks."""
        while min(len(orders) for orders in self._orders.values()) < FEWEST:
            for side in (1, -1):
                self._add(side, at, outlet)
        self._acted = at
        self._trade_at = self._clock + self._rng.randrange(*TRADE_WITHIN_NS)

    def forget(self) -> None:
        """Know of no order any more: the book was emptied."""
        self._orders = {1: [], -1: []}

    def hurry(self, rate: float, until: int) -> None:
        """Send and take back so many orders per second until a time."""
        self._hurried = (rate, until)

    def rest(self, until: int) -> None:
        """Do nothing until a time."""
        self._rests_until = until

    def pause(self, at: int) -> int:
        """How long until the next bout, in ns."""
        return max(int(SECOND / self._rate_at(at)), PAUSE_NS)

    def act(self, at: int, outlet: Any) -> None:
        """What happens in one bout, and a trade where one is due."""
        # By its own clock, which no rounding of another can shift: the same seed then does the same. Only where it was
        # kept waiting does it catch up.
        step, waited = self.pause(at), at - self._acted
        self._acted = at
        if waited > 2 * step:
            step = min(waited, SECOND)
        self._clock += step
        if at < self._rests_until:
            return
        self._owed += self._rate_at(at) * step / SECOND
        while self._owed >= 1.0:
            self._owed -= 1.0
            self._one(at, outlet)
        if self._clock >= self._trade_at:
            self._trade_at = self._clock + self._rng.randrange(*TRADE_WITHIN_NS)
            self._take(at, outlet)

    def _rate_at(self, at: int) -> float:
        rate, until = self._hurried
        return rate if at < until and rate > 0 else self._rate

    def _one(self, at: int, outlet: Any) -> None:
        rng = self._rng
        if rng.random() < 0.2:
            self._middle += rng.choice((-1, 1)) * rng.randint(0, self._scale)
            self._middle = min(max(self._middle, self._start * 3 // 4), self._start * 5 // 4)
        side = rng.choice((1, -1))
        orders = self._orders[side]
        if len(orders) < FEWEST or (len(orders) < MOST and rng.random() < 0.5):
            self._add(side, at, outlet)
            return
        # Half of those that leave are the farthest away, so that the book follows the middle.
        far = max(range(len(orders)), key=lambda i: abs(orders[i].ticks - self._middle))
        chosen = far if rng.random() < 0.5 else rng.randrange(len(orders))
        self._exchange.markets[self._pair.symbol].remove(orders.pop(chosen))

    def _add(self, side: int, at: int, outlet: Any) -> None:
        rng = self._rng
        away = 1 + int(rng.expovariate(1 / (4 * self._scale)))
        ticks = max(self._middle - side * away, 1)
        lots = rng.randint(max(self._lots // 5, 1), 2 * self._lots)
        order = self._exchange.street(self._pair.symbol, side, lots, ticks, at, outlet, rests=True)
        if order.leaves:
            self._orders[side].append(order)
        self._sweep(-side)

    def _take(self, at: int, outlet: Any) -> None:
        """A trade: somebody takes a part of what is best."""
        side = self._rng.choice((1, -1))
        market = self._exchange.markets[self._pair.symbol]
        if market.best(-side) == 0:
            self._add(-side, at, outlet)
        if market.best(-side):
            lots = self._rng.randint(1, self._lots)
            self._exchange.street(self._pair.symbol, side, lots, market.best(-side), at, outlet, rests=False)
        self._sweep(-side)

    def _sweep(self, side: int) -> None:
        """Forget orders that were taken, by whomever."""
        self._orders[side] = [order for order in self._orders[side] if order.leaves]
