"""Makes a market at one venue and hedges what it is traded with at another.

The idea
--------
The first instrument is quoted as `market_maker` quotes, but around a price that the second one gives: its middle times
the slow average of how many times dearer the first one is. The average carries the difference between two currencies,
a basis, or anything else that moves slowly.

Hedging looks at positions, never at single fills. What should be held of the second instrument is the position in the
first times the ratio, the other way round; what is missing is bought or sold there, whatever made it missing: a quote
that was executed in part, a fill that came late or was found after a restart, a hedge that was executed in part. So
nothing is hedged twice and nothing is forgotten, and there is no state to lose: positions are the run's own, which its
journal remembers.

One hedge is out at a time. Until it is over, known to be executed or known to be dead, nothing more is sent: an order
that is in doubt after a cut link may have been executed. A hedge takes at once or not at all (immediate or cancel), at
a price that is at most so much worse than the touch. One of which nothing is heard any more is cancelled: it cannot
rest, and what the venue says to that tells what became of it.

A hedge that was denied, rejected or found nobody is tried again after a pause that doubles from time to time, and that
is said. While more is unhedged than allowed, while hedges fail, and while the second book cannot be relied on, nothing
is quoted.
"""

from decimal import Decimal
from math import ceil, exp, floor
from typing import Any, Final

from attrs import define, field
from attrs.validators import ge, gt

from tickwright.engine.book import Book
from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Fill, Order
from tickwright.engine.terms import Health, OrderState, Side, TimeInForce
from tickwright.engine.times import SECOND, interval_ns
from tickwright.strategies.market_maker import MarketMaker

HEDGE: Final = "hedge"
"""The tag of hedging orders, and the name of the timer that looks after them."""

DOUBLINGS_MAX: Final = 6
"""A pause doubles so often at most: from a quarter of a second to sixteen."""

SILENT_NS: Final = 3 * SECOND
"""An order that is immediate or nothing is over sooner than this, unless word of it was lost."""

BPS: Final = Decimal(10_000)


@define(kw_only=True)
class Hedger(MarketMaker):
    """Quotes the first of its two instruments and hedges in the second."""

    ratio: Decimal = field(default=Decimal(1), validator=gt(Decimal(0)))
    """How much of the second instrument hedges one of the first."""
    slippage_bps: Decimal = field(default=Decimal(20), validator=ge(Decimal(0)))
    """How much worse than the touch a hedge may be, in hundredths of a percent."""
    max_unhedged: Decimal = field(default=Decimal("0.05"), validator=gt(Decimal(0)))
    """Nothing is quoted while more than this of the second instrument is missing."""
    max_hedge: Decimal = field(default=Decimal(1), validator=gt(Decimal(0)))
    """The largest quantity of one hedge; more follows when it is executed."""
    retry: str = "250ms"
    """The pause after the first hedge that failed; it doubles up to six times."""
    memory: str = "30s"
    """The time in which an old ratio of the two prices loses all but 1/e of its weight."""

    _average: float = field(default=0.0, init=False, repr=False)
    _averaged_at: int = field(default=0, init=False, repr=False)
    _hedge: Order | None = field(default=None, init=False, repr=False)
    _chased: Order | None = field(default=None, init=False, repr=False)
    _failures: int = field(default=0, init=False, repr=False)
    _again_at: int = field(default=0, init=False, repr=False)

    def on_start(self) -> None:
        if len(self.instruments) != 2:
            listed = ", ".join(each.id for each in self.instruments)
            raise TickwrightError(
                f"{self.name}: expected two instruments, one to quote and one to hedge in, got {listed}"
            )
        self.watch(self.quoted, book="touch")
        self.watch(self.hedged, book="100ms")
        self.every("1s", HEDGE)
        for order in self.orders:
            if order.instrument == self.hedged:
                self._hedge = order
            else:
                self.take_over(order)

    @property
    def quoted(self) -> Instrument:
        return self.instruments[0]

    @property
    def hedged(self) -> Instrument:
        return self.instruments[1]

    # --- what happens -----------------------------------------------------------------------------------------------

    def on_book(self, book: Book) -> None:
        if book.instrument == self.hedged:
            self.learn(book)
            self.hedge()
        self.requote(self.book(self.quoted))

    def on_order(self, order: Order) -> None:
        if order.instrument == self.quoted:
            super().on_order(order)
        elif order is self._hedge and not order.is_open:
            self._hedge = None
            self.judge(order)
            self.look()

    def on_fill(self, order: Order, fill: Fill) -> None:
        self.look()

    def on_timer(self, name: str) -> None:
        self.look()

    def on_link(self, venue: str, up: bool) -> None:
        self.look()

    def look(self) -> None:
        """Hedge what is missing, and hold the quotes back where they have nothing to rely on."""
        self.hedge()
        self.hold_back()

    # --- the hedge --------------------------------------------------------------------------------------------------

    @property
    def missing_lots(self) -> int:
        """What is missing of the second instrument in its lots, to be bought above zero, to be sold below; less than a
        lot is nothing."""
        held = self.quoted.qty(int(self.position(self.quoted).lots)) * self.ratio
        lots = int(-held / self.hedged.lot_size)  # towards zero: never more than the position
        return lots - int(self.position(self.hedged).lots)

    def hedge(self) -> None:
        """Send one hedge, if one is missing, none is out, and the pause after a failure is over."""
        if self._hedge is not None:
            self.chase(self._hedge)
            return
        if self.now < self._again_at or self.warming_up:
            return
        missing, instrument = self.missing_lots, self.hedged
        side = Side.BUY if missing > 0 else Side.SELL
        lots = min(abs(missing), instrument.lots(self.max_hedge))
        price = self.price(side)
        if price is None or lots == 0 or not self.large_enough(lots, price):
            return
        ask = self.buy if side is Side.BUY else self.sell
        self._hedge = ask(
            instrument, instrument.qty(lots), instrument.price(price), time_in_force=TimeInForce.IOC, tag=HEDGE
        )

    def chase(self, order: Order) -> None:
        """Cancel a hedge of which nothing is heard any more, once."""
        if self._chased is not order and self.now - order.created_ts >= SILENT_NS:
            self._chased = order
            self.cancel(order)

    def price(self, side: Side) -> int | None:
        """The worst price in ticks that a hedge may have, None while the book cannot be relied on."""
        book = self.book(self.hedged)
        if book.health is not Health.LIVE:
            return None
        touch = int(book.ask_ticks() if side is Side.BUY else book.bid_ticks())
        worst = touch * (1 + side * self.slippage_bps / BPS)
        return max(floor(worst) if side is Side.BUY else ceil(worst), 1)

    def large_enough(self, lots: int, ticks: int) -> bool:
        """Whether the venue takes an order that small; what it does not take waits until there is more."""
        instrument = self.hedged
        least = Decimal(instrument.min_notional)
        return instrument.qty(lots) >= instrument.min_qty and instrument.notional(lots, ticks) >= least

    def judge(self, order: Order) -> None:
        """What a hedge that is over means for the next one."""
        if order.filled_qty > 0:
            self._failures = 0
            self._again_at = 0
            return
        pause = interval_ns(self.retry) << min(self._failures, DOUBLINGS_MAX)
        self._failures += 1
        self._again_at = self.now + pause
        self.at(self._again_at, HEDGE)
        why = order.denial.text if order.denial is not None else order.reason or order.state.name
        text = "a hedge found nobody" if order.state is OrderState.CANCELED else "a hedge was refused"
        self.log.warning(text, reason=why, failures=self._failures, missing=self.missing_lots, again_s=pause / 1e9)

    # --- the quotes -------------------------------------------------------------------------------------------------

    def learn(self, book: Book) -> None:
        """Let the present ratio of both middles into the average."""
        mine, theirs = self.book(self.quoted), book.mid
        if mine.health is not Health.LIVE or mine.mid is None or not theirs:
            return
        now, ratio = self.now, mine.mid / theirs
        keep = exp((self._averaged_at - now) / interval_ns(self.memory)) if self._average else 0.0
        self._average = keep * self._average + (1.0 - keep) * ratio
        self._averaged_at = now

    def fair_price(self, book: Book) -> float | None:
        """What the hedge would cost, in the quoted instrument's prices; None while there is none to rely on."""
        hedge = self.book(self.hedged)
        unhedged = self.hedged.qty(abs(self.missing_lots))
        if hedge.health is not Health.LIVE or hedge.mid is None or not self._average:
            return None
        if unhedged > self.max_unhedged or self._failures:
            return None
        return hedge.mid * self._average

    def hold_back(self) -> bool:
        """Whether nothing may be quoted now; then nothing is left standing either."""
        if self.fair_price(self.book(self.quoted)) is not None:
            return False
        for order in self.orders:
            if order.instrument == self.quoted:
                self.take_away(order)
        return True

    def requote(self, book: Book) -> None:
        """As the market maker does, where there is something to rely on."""
        if not self.hold_back():
            super().requote(book)

    # --- across restarts --------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        return {"average": self._average}

    def load(self, state: dict[str, Any]) -> None:
        self._average = float(state.get("average", 0.0))
