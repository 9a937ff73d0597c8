"""Bars conserve volume, keep their bounds and the order of time, and close where they say."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwright.engine.bars import Bar, Bars, TickBars, TimeBars, VolumeBars
from tickwright.engine.book import Book
from tickwright.engine.errors import LocalError
from tickwright.engine.instrument import Instrument
from tickwright.engine.trade import make_trade

Make = Callable[..., Instrument]
Print = tuple[int, int, int, int]
TRADES = st.lists(
    st.tuples(
        st.integers(-5, 50) | st.sampled_from([10**12, 2**62 - 1]),
        st.integers(1, 12) | st.sampled_from([999]),
        st.sampled_from([1, -1]),
        st.integers(0, 20) | st.sampled_from([10**6]),
    ),
    max_size=40,
)
BUILDERS: dict[str, Callable[[Instrument, int], Bars]] = {
    "time": lambda instrument, n: TimeBars(instrument, interval_ns=n * 10),
    "tick": lambda instrument, n: TickBars(instrument, count=n),
    "volume": lambda instrument, n: VolumeBars(instrument, lots=n * 3),
}


def in_order(trades: list[Print]) -> list[Print]:
    """The drawn gaps become times; the first lies before the epoch."""
    now, out = -30, []
    for ticks, lots, taker, gap in trades:
        now += gap
        out.append((ticks, lots, taker, now))
    return out


def build(builder: Bars, trades: list[Print]) -> list[Bar]:
    bars = [bar for trade in trades for bar in builder.trade(*trade)]
    return bars + builder.flush()


@pytest.mark.parametrize("kind", BUILDERS)
@given(trades=TRADES.map(in_order), n=st.integers(1, 4))
def test_nothing_is_lost_and_bounds_hold(instrument: Make, kind: str, trades: list[Print], n: int) -> None:
    bars = build(BUILDERS[kind](instrument(), n), trades)
    assert sum(bar.lots for bar in bars) == sum(lots for _, lots, _, _ in trades)
    assert sum(bar.bought_lots for bar in bars) == sum(lots for _, lots, taker, _ in trades if taker > 0)
    assert sum(bar.turnover for bar in bars) == sum(ticks * lots for ticks, lots, _, _ in trades)
    for bar in bars:
        assert bar.low_ticks <= min(bar.open_ticks, bar.close_ticks)
        assert bar.high_ticks >= max(bar.open_ticks, bar.close_ticks)
        assert bar.low <= bar.vwap <= bar.high
        assert bar.start <= bar.end
        assert 0 <= bar.bought_lots <= bar.lots
        assert bar.trades > 0
    assert all(one.end <= other.start for one, other in pairwise(bars))
    if bars:
        assert bars[0].open_ticks == trades[0][0]
        assert bars[-1].close_ticks == trades[-1][0]
        assert max(bar.high_ticks for bar in bars) == max(trade[0] for trade in trades)
        assert min(bar.low_ticks for bar in bars) == min(trade[0] for trade in trades)


@given(trades=TRADES.map(in_order), n=st.integers(1, 4))
def test_each_kind_closes_where_it_says(instrument: Make, trades: list[Print], n: int) -> None:
    interval = 10 * n
    by_interval: dict[int, list[Print]] = {}
    for trade in trades:
        by_interval.setdefault(trade[3] // interval * interval, []).append(trade)
    bars = build(BUILDERS["time"](instrument(), n), trades)
    assert [(bar.start, bar.end, bar.trades) for bar in bars] == [
        (start, start + interval, len(within)) for start, within in by_interval.items()
    ]
    assert [bar.trades for bar in build(BUILDERS["tick"](instrument(), n), trades)][:-1] == [n] * (
        (len(trades) - 1) // n if trades else 0
    )
    assert all(bar.lots == 3 * n for bar in build(BUILDERS["volume"](instrument(), n), trades)[:-1])


def test_a_trade_on_the_edge_opens_the_new_bar_and_silence_makes_none(instrument: Make) -> None:
    builder = TimeBars(instrument(), interval_ns=1_000)
    assert builder.trade(100, 1, 1, 5_000) == []
    assert builder.trade(103, 2, -1, 5_999) == []
    (first,) = builder.trade(90, 4, 1, 6_000)
    assert (first.start, first.end, first.open, first.high, first.close) == (5_000, 6_000, 1.0, 1.03, 1.03)
    assert (first.volume, first.lots, first.bought_lots, first.vwap) == (0.003, 3, 1, 1.02)
    (second,) = builder.trade(91, 1, 1, 60_000)
    assert (second.start, second.lots) == (6_000, 4)
    (third,) = builder.flush()
    assert third.start == 60_000
    assert builder.flush() == []


def test_a_volume_bar_takes_its_part_of_a_large_trade(instrument: Make) -> None:
    builder = VolumeBars(instrument(), lots=10)
    assert builder.trade(100, 7, 1, 1) == []
    first, second = builder.trade(105, 14, -1, 2)
    assert (first.lots, first.bought_lots, first.turnover, first.close_ticks) == (10, 7, 1015, 105)
    assert (second.lots, second.bought_lots, second.open_ticks, second.trades) == (10, 0, 105, 1)
    (rest,) = builder.flush()
    assert rest.lots == 1
    with pytest.raises(LocalError, match="expected a trade of at most 100000 bars of 10 lots"):
        builder.trade(105, 10**15, 1, 3)


def test_it_takes_a_strategy_s_trade(instrument: Make) -> None:
    btc = instrument(tick="0.05")
    builder = TickBars(btc, count=2)
    assert builder.add(make_trade(Book(btc), 1, 100, 3, 7)) == []
    (bar,) = builder.add(make_trade(Book(btc), -1, 101, 1, 9))
    assert (bar.open, bar.close, bar.start, bar.end, bar.lots) == (5.0, 5.05, 7, 9, 4)
    with pytest.raises(LocalError, match=r"bars of BTC/CHF\.TDX: expected its own trades, received <Trade ETH"):
        builder.add(make_trade(Book(instrument(id="ETH/CHF.TDX")), 1, 100, 3, 10))


def test_what_is_no_trade_is_refused(instrument: Make) -> None:
    builder = TickBars(instrument(), count=2)
    with pytest.raises(LocalError, match="expected a positive size, received 0 lots"):
        builder.trade(1, 0, 1, 1)
    builder.trade(1, 1, 1, 5)
    with pytest.raises(LocalError, match="expected trades in order of time, received 4 after 5"):
        builder.trade(1, 1, 1, 4)
    for make in (
        lambda: TimeBars(instrument(), interval_ns=0),
        lambda: TickBars(instrument(), count=-1),
        lambda: VolumeBars(instrument(), lots=0),
    ):
        with pytest.raises(LocalError, match="expected a positive"):
            make()
