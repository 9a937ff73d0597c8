"""A recorded market instead of a random one: a tape's levels and trades as orders of the street.

Each level of the tape is one resting order, so that a client's order at the same price waits behind what was there
when it came, and is taken when the tape's trades get that far. A trade takes clients at better prices, then whoever
stands at its own price; what is missing there is printed all the same, so that every trade of the tape is seen. Levels
of the tape never trade with each other: a tape whose book is crossed for a moment has a crossed book here.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

import trio
from attrs import evolve, frozen

from tickwright.adapters.local.house import OptionError
from tickwright.adapters.tape import Rounded, Tape, read_blocks
from tickwright.adapters.tape.batch import TRADE
from tickwright.adapters.tdx.mirror.exchange import Exchange, Outlet
from tickwright.adapters.tdx.mirror.listing import VENUE, Pair, pair
from tickwright.adapters.tdx.mirror.market import NOWHERE
from tickwright.adapters.tdx.mirror.orders import Order
from tickwright.engine.times import SECOND


@frozen
class Row:
    """One row of a tape, in ticks and lots."""

    ts: int
    kind: int
    side: int
    ticks: int
    lots: int


def tape_pair(tape: Tape) -> Pair:
    """The pair that a tape is a recording of, listed here under its base and quote.

    Raises:
        OptionError: the tape does not say its instrument.
    """
    told = tape.instrument
    if told is None or not (told.base and told.quote):
        raise OptionError(f"{tape.name}: expected a tape that names its instrument, received one that does not")
    instrument = evolve(
        told,
        id=f"{told.base}/{told.quote}.{VENUE}",
        min_qty=max(told.min_qty, told.lot_size),
        max_qty=told.max_qty or told.lot_size * Decimal(10**9),
    )
    return pair(instrument)


class Replay:
    """A tape played into one pair, from its beginning and at a multiple of its own speed."""

    def __init__(self, exchange: Exchange, tape: Tape, listed: Pair, speed: float) -> None:
        self._exchange = exchange
        self._tape = tape
        self._speed = speed
        self.pair = listed
        self._levels: dict[tuple[int, int], Order] = {}

    async def run(self, now: Callable[[], int], outlet: Outlet) -> None:
        """Play to the end; the book then stays as it is."""
        start, first = trio.current_time(), -1
        for message in self.messages():
            if first < 0:
                first = message[0].ts
            await trio.sleep_until(start + (message[0].ts - first) / SECOND / self._speed)
            self.apply(message, now(), outlet)

    def messages(self) -> Iterator[list[Row]]:
        """The rows of the tape, those of one message of its venue together."""
        rows: list[Row] = []
        for block in read_blocks(self._tape, self.pair.instrument, rounded=Rounded()):
            columns = (block.ts, block.kind, block.side, block.px, block.qty, block.last)
            for ts, kind, side, px, qty, last in zip(*(column.tolist() for column in columns), strict=True):
                rows.append(Row(ts, kind, side, px, qty))
                if last:
                    yield rows
                    rows = []
        if rows:
            yield rows

    def apply(self, message: list[Row], at: int, outlet: Outlet) -> None:
        """The rows of one message, in their order."""
        for row in message:
            if row.kind == TRADE:
                self._trade(row, at, outlet)
            else:
                self._level(row, at, outlet)

    def _trade(self, row: Row, at: int, outlet: Outlet) -> None:
        symbol = self.pair.symbol
        order = self._exchange.street(
            symbol, row.side, row.lots, row.ticks, at, outlet, rests=False, street_at=row.ticks
        )
        if order.leaves:
            self._exchange.print_trade(symbol, row.side, order.leaves, row.ticks, at, outlet)

    def _level(self, row: Row, at: int, outlet: Outlet) -> None:
        market = self._exchange.markets[self.pair.symbol]
        place = (row.side, row.ticks)
        order = self._levels.pop(place, None)
        if order is not None and order.id in market.orders:
            if row.lots:
                if row.lots != order.leaves:
                    market.resize(order, row.lots)
                self._levels[place] = order
            else:
                market.remove(order)
        elif row.lots:
            placed = self._exchange.street(
                self.pair.symbol, row.side, row.lots, row.ticks, at, outlet, rests=True, street_at=NOWHERE
            )
            if placed.leaves:
                self._levels[place] = placed
