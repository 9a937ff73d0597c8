"""Two in the market beside its crowd: who asks for quotes on options and packages and takes those that are fair, and
who changes the size of resting orders.
"""

from decimal import Decimal
from random import Random
from typing import Final

from attrs import define

from tickwright.adapters.powertrade.mirror.exchange import Exchange
from tickwright.adapters.powertrade.mirror.holdings import worth
from tickwright.adapters.powertrade.mirror.listing import Listed
from tickwright.adapters.powertrade.mirror.orders import SUPERVISORY, Order
from tickwright.engine.times import SECOND

ASKS_WITHIN_NS: Final = (4 * SECOND, 12 * SECOND)
TAKES_AFTER_NS: Final = 2 * SECOND
LIVES_NS: Final = (30 * SECOND, 90 * SECOND)
TOLERANCE: Final = Decimal("0.1")
"""How much worse than the middle of its legs a quote may be, as a part of what the legs are worth together."""
SIZE_MAX: Final = 10
REVISES_WITHIN_NS: Final = (SECOND // 2, 3 * SECOND)


@define(eq=False)
class _Asked:
    order: Order
    takes_at: int
    ends_at: int


class Asker:
    """Asks now and then, waits for quotes, takes one or goes."""

    def __init__(self, exchange: Exchange, rng: Random) -> None:
        self._exchange = exchange
        self._rng = rng
        self._next = 0
        self._asked: list[_Asked] = []
        self._options = [each for each in exchange.listed.values() if each.product == "option" and each.start_ticks]

    def forget(self) -> None:
        """Know of no question any more."""
        self._asked.clear()

    def act(self, at: int) -> None:
        """What is due by now."""
        if not self._options:
            return
        if self._next == 0:
            self._next = at + SECOND
        if at >= self._next:
            self._next = at + self._rng.randrange(*ASKS_WITHIN_NS)
            self._ask(at)
        for asked in list(self._asked):
            if asked.order.ended or asked.order.id not in self._exchange.live:
                self._asked.remove(asked)
            elif at >= asked.ends_at or (at >= asked.takes_at and self._take(asked, at)):
                self._asked.remove(asked)
                self._exchange.cancel(asked.order, SUPERVISORY, at)

    def _ask(self, at: int) -> None:
        rng = self._rng
        first = rng.choice(self._options)
        listed = self._package(first) or first
        lots = int(rng.randint(1, SIZE_MAX) / listed.instrument.lot_size)
        order = self._exchange.ask(listed, rng.choice((1, -1)), lots, at)
        ends = at + rng.randrange(*LIVES_NS)
        self._asked.append(_Asked(order, at + TAKES_AFTER_NS, ends))

    def _package(self, first: Listed) -> Listed | None:
        """Two options of one expiry: a spread of one kind, or one of each kind together."""
        stem, kind = first.symbol.rpartition("-")[0], first.symbol[-1]
        others = [each for each in self._options if each.symbol.startswith(stem) and each is not first]
        if not others or self._rng.random() < 0.2:
            return None
        second = self._rng.choice(others)
        low, high = sorted((first, second), key=lambda each: each.entity_id)
        return self._exchange.package(((low, 1), (high, -1 if second.symbol[-1] == kind else 1)))

    def _take(self, asked: _Asked, at: int) -> bool:
        """Trade with the best quote, if there is a fair one of a client."""
        order, listed = asked.order, asked.order.listed
        market = self._exchange.markets[listed.symbol]
        quote = next(market.orders(-order.side), None)
        if quote is None or quote.account is None:
            return False
        marks = [(worth(self._exchange.markets[part.symbol]), ratio) for part, ratio in listed.legs]
        marks = marks or [(worth(market), 1)]
        fair = sum((mark * ratio for mark, ratio in marks), Decimal(0))
        room = TOLERANCE * sum((abs(mark * ratio) for mark, ratio in marks), Decimal(0))
        if order.side * (listed.instrument.price(quote.ticks) - fair) > room:
            return False
        lots = min(order.lots, quote.leaves)
        self._exchange.street(listed.symbol, order.side, lots, quote.ticks, at, None, rests=False)
        return True


class Reviser:
    """Makes some resting order of the market smaller or larger, now and then."""

    def __init__(self, exchange: Exchange, rng: Random) -> None:
        self._exchange = exchange
        self._rng = rng
        self._next = 0

    def act(self, at: int) -> None:
        """What is due by now: one order in every spot pair, perpetual and future."""
        if at < self._next:
            return
        self._next = at + self._rng.randrange(*REVISES_WITHIN_NS)
        for market in list(self._exchange.markets.values()):
            if market.listed.product in ("option", "package"):
                continue
            orders = [each for each in market.orders(self._rng.choice((1, -1))) if each.account is None]
            if orders:
                chosen = self._rng.choice(orders)
                lots = max(int(chosen.leaves * self._rng.choice((0.5, 1.5))), 1)
                if lots != chosen.leaves:
                    self._exchange.revise(chosen, lots)
