"""Bars made of trades: by time, by number of trades, by volume.

A builder is fed every trade and hands back the bars that it finished. Nothing is closed by a clock: a time bar is
finished by the first trade at or after its end (or by `flush`), so that the same trades give the same bars wherever
they come from. An interval without a trade makes no bar.
"""

from fractions import Fraction

from attrs import define, field, frozen

from tickwright.engine.errors import LocalError
from tickwright.engine.instrument import Instrument
from tickwright.engine.trade import Trade


@frozen(kw_only=True)
class Bar:
    """One finished bar. Prices and `volume` are floats nearest to the decimal; the exact figures lie beside them.

    `start` and `end` are nanoseconds UTC: of a time bar the edges of its interval (`end` is not in it), of the
    others the times of its first and last trade. `bought_lots` is the part of `lots` where the buyer took;
    `turnover` the sum of ticks times lots; `trades` how many trades took part (one that a volume bar splits counts
    in each).
    """

    instrument: Instrument
    start: int
    end: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    lots: int
    bought_lots: int
    turnover: int
    trades: int

    @property
    def open(self) -> float:
        return self.as_price(self.open_ticks)

    @property
    def high(self) -> float:
        return self.as_price(self.high_ticks)

    @property
    def low(self) -> float:
        return self.as_price(self.low_ticks)

    @property
    def close(self) -> float:
        return self.as_price(self.close_ticks)

    @property
    def volume(self) -> float:
        return self.lots * self.instrument.lot_num / self.instrument.lot_den

    @property
    def vwap(self) -> float:
        """The average price weighted by size, the nearest double of the exact one."""
        return float(Fraction(self.turnover * self.instrument.tick_num, self.lots * self.instrument.tick_den))

    def as_price(self, ticks: int) -> float:
        return ticks * self.instrument.tick_num / self.instrument.tick_den


@define
class Growing:
    """A bar under construction."""

    start: int
    end: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    lots: int = 0
    bought_lots: int = 0
    turnover: int = 0
    trades: int = 0

    def take(self, ticks: int, lots: int, taker: int) -> None:
        self.high_ticks = max(self.high_ticks, ticks)
        self.low_ticks = min(self.low_ticks, ticks)
        self.close_ticks = ticks
        self.lots += lots
        self.bought_lots += lots if taker > 0 else 0
        self.turnover += ticks * lots
        self.trades += 1


@define
class Bars:
    """What the three builders share: the bar under construction, and the order of time."""

    instrument: Instrument
    growing: Growing | None = field(default=None, init=False)
    last_ts: int = field(default=-(2**63), init=False)

    def add(self, trade: Trade) -> list[Bar]:
        """Take one trade of a feed; return the bars it finished, oldest first."""
        if trade.instrument is not self.instrument and trade.instrument != self.instrument:
            raise LocalError(f"bars of {self.instrument.id}: expected its own trades, received {trade!r}")
        return self.trade(trade.ticks, trade.lots, trade.taker, trade.ts)

    def trade(self, ticks: int, lots: int, taker: int, ts: int) -> list[Bar]:
        """Take one trade in units; `taker` is +1 where the buyer took.

        Raises:
            LocalError: a size that is not positive, or a time before the last trade's.
        """
        if lots <= 0:
            raise LocalError(f"bars of {self.instrument.id}: expected a positive size, received {lots} lots")
        if ts < self.last_ts:
            raise LocalError(
                f"bars of {self.instrument.id}: expected trades in order of time, received {ts} after {self.last_ts}"
            )
        self.last_ts = ts
        return self.grow(ticks, lots, taker, ts)

    def flush(self) -> list[Bar]:
        """Finish the bar under construction, if there is one, as at the end of a run."""
        return [] if self.growing is None else [self.finish(self.growing)]

    def grow(self, ticks: int, lots: int, taker: int, ts: int) -> list[Bar]:
        """Take one trade, in the way of each kind of bar; the base has none."""
        raise NotImplementedError(type(self).__name__)  # each kind of bar says how; one that leaves it out is a bug

    def opened(self, ticks: int, start: int, end: int) -> Growing:
        """The bar under construction, a new one where there is none."""
        if self.growing is None:
            self.growing = Growing(start, end, ticks, ticks, ticks, ticks)
        return self.growing

    def finish(self, bar: Growing) -> Bar:
        self.growing = None
        return Bar(
            instrument=self.instrument,
            start=bar.start,
            end=bar.end,
            open_ticks=bar.open_ticks,
            high_ticks=bar.high_ticks,
            low_ticks=bar.low_ticks,
            close_ticks=bar.close_ticks,
            lots=bar.lots,
            bought_lots=bar.bought_lots,
            turnover=bar.turnover,
            trades=bar.trades,
        )


def positive(bars: Bars, what: str, value: int) -> None:
    if value <= 0:
        raise LocalError(f"bars of {bars.instrument.id}: expected a positive {what}, received {value}")


@define
class TimeBars(Bars):
    """One bar an interval, the intervals counted from the epoch; a trade on an edge opens the new bar."""

    interval_ns: int = field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        positive(self, "interval", self.interval_ns)

    def grow(self, ticks: int, lots: int, taker: int, ts: int) -> list[Bar]:
        done = [self.finish(self.growing)] if self.growing is not None and ts >= self.growing.end else []
        start = ts // self.interval_ns * self.interval_ns
        self.opened(ticks, start, start + self.interval_ns).take(ticks, lots, taker)
        return done


@define
class TickBars(Bars):
    """One bar every `count` trades."""

    count: int = field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        positive(self, "number of trades", self.count)

    def grow(self, ticks: int, lots: int, taker: int, ts: int) -> list[Bar]:
        bar = self.opened(ticks, ts, ts)
        bar.take(ticks, lots, taker)
        bar.end = ts
        return [self.finish(bar)] if bar.trades == self.count else []


MAX_BARS_PER_TRADE = 100_000
"""A trade that would fill more volume bars than this is a mistake in the configured size."""


@define
class VolumeBars(Bars):
    """One bar every `lots` lots, to the lot: a trade that is too large for one bar goes on in the next."""

    lots: int = field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        positive(self, "volume in lots", self.lots)

    def grow(self, ticks: int, lots: int, taker: int, ts: int) -> list[Bar]:
        if lots // self.lots > MAX_BARS_PER_TRADE:
            raise LocalError(
                f"bars of {self.instrument.id}: expected a trade of at most {MAX_BARS_PER_TRADE} bars of {self.lots} "
                f"lots, received {lots} lots"
            )
        done = []
        while lots > 0:
            bar = self.opened(ticks, ts, ts)
            part = min(lots, self.lots - bar.lots)
            bar.take(ticks, part, taker)
            bar.end = ts
            lots -= part
            if bar.lots == self.lots:
                done.append(self.finish(bar))
        return done
