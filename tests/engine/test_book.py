"""The book against a dict that cannot be wrong, over every grid, and whatever a feed may bring."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tickwright.engine.book import Book
from tickwright.engine.compiled import why_interpreted
from tickwright.engine.errors import LocalError, RemoteError, UnitError
from tickwright.engine.instrument import Instrument
from tickwright.engine.levels import MAX_LEVELS
from tickwright.engine.terms import BUY, GRID_END, SELL, Health

GRIDS = ["0.01", "0.1", "0.05", "0.25", "2.5", "1e-8", "1e-18", "1e-27", "7e9", "1"]
NEAR = st.integers(1, 8)
FAR = st.sampled_from([1, 2, 9_007_199_254, 10**12, 10**12 + 1, 2**53 + 1, GRID_END - 1])
PRICES = NEAR | FAR | st.integers(-3, 3)
LOTS = st.sampled_from([0, 0, 1, 2, 3, 10**9, 2**53 + 1, GRID_END - 1])
SIDES = st.sampled_from([BUY, SELL])
Make = Callable[..., Instrument]
Half = dict[int, int]


def grid(tick: str, lot: str) -> Instrument:
    return Instrument(id="BTC/CHF.TDX", tick_size=Decimal(tick), lot_size=Decimal(lot))


def ranked(half: Half, side: int) -> list[tuple[int, int]]:
    """The levels of the model, best first."""
    return sorted(half.items(), reverse=side == BUY)


class Model:
    """The slow obvious book: a dict a side, and exact fractions."""

    def __init__(self, instrument: Instrument) -> None:
        self.tick = Fraction(instrument.tick_size)
        self.lot = Fraction(instrument.lot_size)
        self.halves: dict[int, Half] = {BUY: {}, SELL: {}}
        self.pin: tuple[Health, str] | None = None
        self.health = Health.SYNCING

    def apply(self, side: int, ticks: int, lots: int) -> bool:
        half = self.halves[side]
        before = half.get(ticks, 0)
        half[ticks] = lots
        if lots == 0:
            del half[ticks]
        return before != lots

    def touch(self, side: int) -> tuple[int, int] | None:
        levels = ranked(self.halves[side], side)
        return levels[0] if levels else None

    def judged(self) -> Health:
        bid, ask = self.touch(BUY), self.touch(SELL)
        if bid is None or ask is None:
            return Health.ONE_SIDED
        return Health.LIVE if bid[0] < ask[0] else Health.CROSSED


def same(read: float | None, exact: Fraction | None) -> bool:
    return read is None if exact is None else read == float(exact)


def assert_reads_agree(book: Book, model: Model) -> None:
    """Every float a strategy reads is the double nearest to the exact value."""
    bid, ask = model.touch(BUY), model.touch(SELL)
    assert same(book.bid, bid and bid[0] * model.tick)
    assert same(book.ask, ask and ask[0] * model.tick)
    assert same(book.bid_size, bid and bid[1] * model.lot)
    assert same(book.ask_size, ask and ask[1] * model.lot)
    if bid is None or ask is None:
        assert book.mid is None
        assert book.spread is None
        assert book.microprice is None
        assert book.touch is None
        return
    assert book.touch == (book.bid, book.bid_size, book.ask, book.ask_size)
    assert same(book.mid, (bid[0] + ask[0]) * model.tick / 2)
    assert same(book.spread, (ask[0] - bid[0]) * model.tick)
    weighted = Fraction(bid[0] * ask[1] + ask[0] * bid[1], bid[1] + ask[1])
    assert same(book.microprice, weighted * model.tick)


def assert_depth_agrees(book: Book, model: Model, depth: int) -> None:
    sums = {}
    for side in (BUY, SELL):
        best = ranked(model.halves[side], side)[:depth]
        prices, sizes = book.levels(side, depth)
        assert prices.dtype == sizes.dtype == np.float64
        assert prices.tolist() == [float(ticks * model.tick) for ticks, _ in best]
        assert sizes.tolist() == [float(lots * model.lot) for _, lots in best]
        sums[side] = sum(lots for _, lots in best)
    total = sums[BUY] + sums[SELL]
    assert same(book.imbalance(depth), Fraction(sums[BUY] - sums[SELL], total) if total else None)


class BookAgainstDict(RuleBasedStateMachine):
    @initialize(tick=st.sampled_from(GRIDS), lot=st.sampled_from(GRIDS))
    def begin(self, tick: str, lot: str) -> None:
        instrument = grid(tick, lot)
        self.book = Book(instrument, 3)
        self.model = Model(instrument)
        self.clock = 0

    @rule(side=SIDES, ticks=PRICES, lots=LOTS)
    def a_level_changes(self, side: int, ticks: int, lots: int) -> None:
        assert self.book.apply(side, ticks, lots) == self.model.apply(side, ticks, lots)

    @rule(side=SIDES, base=st.integers(-(10**12), 10**12), count=st.integers(1, 60), lots=st.integers(0, 3))
    def a_ladder_comes(self, side: int, base: int, count: int, lots: int) -> None:
        for ticks in range(base, base + count):
            assert self.book.apply(side, ticks, lots) == self.model.apply(side, ticks, lots)

    @rule(side=SIDES, ticks=st.sampled_from([GRID_END, -GRID_END, 2**63 - 1, -(2**63), 2**64]), lots=LOTS.filter(bool))
    def a_price_beyond_62_bits_is_refused(self, side: int, ticks: int, lots: int) -> None:
        with pytest.raises((UnitError, OverflowError)):
            self.book.apply(side, ticks, lots)

    @rule(side=SIDES, ticks=NEAR, lots=st.sampled_from([GRID_END, 2**63 - 1, 2**64, -1, -(2**63)]))
    def a_size_beyond_62_bits_is_refused(self, side: int, ticks: int, lots: int) -> None:
        with pytest.raises((UnitError, OverflowError)):
            self.book.apply(side, ticks, lots)

    @rule()
    def the_message_is_complete(self) -> None:
        self.clock += 1
        if self.model.pin is None:
            self.model.health = self.model.judged()
        assert self.book.settle(self.clock) == self.model.health
        assert self.book.time == self.clock

    @rule(health=st.sampled_from([Health.GAPPED, Health.STALE, Health.SYNCING]), reason=st.sampled_from(["gap", "old"]))
    def it_is_pinned(self, health: Health, reason: str) -> None:
        self.book.pin(health, reason)
        self.model.pin = health, reason
        self.model.health = health

    @rule()
    def it_is_cleared(self) -> None:
        self.book.clear()
        self.model.halves = {BUY: {}, SELL: {}}
        self.model.pin = None
        self.model.health = Health.SYNCING

    @rule(side=SIDES, ticks=PRICES)
    def a_size_is_looked_up(self, side: int, ticks: int) -> None:
        assert self.book.size_at(side, ticks) == self.model.halves[side].get(ticks, 0)

    @rule(depth=st.sampled_from([0, 1, 2, 5, 10**6]))
    def depth_is_read(self, depth: int) -> None:
        assert_depth_agrees(self.book, self.model, depth)

    @invariant()
    def both_agree(self) -> None:
        if not hasattr(self, "book"):
            return
        assert self.book.bids.n == len(self.model.halves[BUY])
        assert self.book.asks.n == len(self.model.halves[SELL])
        assert self.book.health is self.model.health
        if self.model.pin is not None:
            assert self.book.reason == self.model.pin[1]
        assert_reads_agree(self.book, self.model)


TestBookAgainstDict = BookAgainstDict.TestCase


@given(
    tick=st.sampled_from(GRIDS),
    bid=st.integers(-(2**61), 2**61),
    gap=st.integers(1, 2**61) | st.integers(1, 100),
    bid_lots=st.integers(1, GRID_END - 1) | st.integers(1, 10**7),
    ask_lots=st.integers(1, GRID_END - 1) | st.integers(1, 10**7),
)
def test_every_read_is_the_nearest_double(tick: str, bid: int, gap: int, bid_lots: int, ask_lots: int) -> None:
    instrument = grid(tick, "1e-18")
    book, model = Book(instrument), Model(instrument)
    for side, ticks, lots in ((BUY, bid, bid_lots), (SELL, bid + gap, ask_lots)):
        book.apply(side, ticks, lots)
        model.apply(side, ticks, lots)
    assert book.settle(1) == Health.LIVE
    assert_reads_agree(book, model)
    assert_depth_agrees(book, model, 1)
    assert book.tick == float(model.tick)
    assert book.lot == float(model.lot)


@pytest.mark.parametrize("order", ["away", "towards", "scattered"])
def test_ten_thousand_levels_a_side(instrument: Make, order: str) -> None:
    """A deep book built in any order and taken down again, level by level.

    Interpreted, moving what lies nearer the touch takes minutes, so there only the cheap order is that deep.
    """
    levels = 10_000 if order == "towards" or not why_interpreted() else 500
    offsets = {
        "away": range(levels),
        "towards": range(levels)[::-1],
        "scattered": [i * 7919 % levels for i in range(levels)],
    }[order]
    book = Book(instrument(tick="1e-8"))
    for i in offsets:
        assert book.apply(BUY, 10**12 - i * 10**8, i + 1)
        assert book.apply(SELL, 10**12 + 1 + i * 10**8, i + 1)
    assert book.settle(1) == Health.LIVE
    assert (book.bids.n, book.asks.n) == (levels, levels)
    assert (book.bid_ticks(), book.ask_ticks()) == (10**12, 10**12 + 1)
    prices, sizes = book.levels(SELL, levels)
    assert (np.diff(prices) > 0).all()
    assert sizes[-1] == levels / 1000
    assert book.imbalance(levels) == 0.0
    for i in sorted(offsets):
        assert book.size_at(BUY, 10**12 - i * 10**8) == i + 1
        assert book.apply(BUY, 10**12 - i * 10**8, 0)
    assert book.settle(2) == Health.ONE_SIDED
    assert book.reason == "no bids"


@pytest.mark.slow
def test_a_side_stops_growing_at_its_bound(instrument: Make) -> None:
    """One level too many is the feed's fault: refused by name, the levels it had stay."""
    book = Book(instrument())
    for i in range(MAX_LEVELS):
        book.apply(SELL, MAX_LEVELS - i, 1)
    with pytest.raises(RemoteError, match=r"BTC/CHF\.TDX asks: expected at most 131072 levels"):
        book.apply(SELL, MAX_LEVELS + 1, 1)
    assert book.asks.n == MAX_LEVELS
    assert book.ask_ticks() == 1
    assert book.size_at(SELL, MAX_LEVELS + 1) == 0
    assert book.apply(SELL, MAX_LEVELS, 5)
    assert book.apply(SELL, 1, 0)
    assert book.apply(SELL, MAX_LEVELS + 1, 1)


def test_what_is_refused_says_who_and_what(instrument: Make) -> None:
    book = Book(instrument())
    book.apply(SELL, 7, 1)
    with pytest.raises(UnitError, match=r"BTC/CHF\.TDX asks: expected .*received 4611686018427387904 ticks and 1 lots"):
        book.apply(SELL, GRID_END, 1)
    with pytest.raises(UnitError, match=r"received 7 ticks and -1 lots"):
        book.apply(SELL, 7, -1)
    assert book.size_at(SELL, 7) == 1


def test_deletes_of_unknown_levels_change_nothing(instrument: Make) -> None:
    book = Book(instrument())
    assert not book.apply(BUY, 100, 0)
    book.apply(BUY, 100, 5)
    for ticks in (99, 101, -100, GRID_END - 1):
        assert not book.apply(BUY, ticks, 0)
    assert not book.apply(SELL, 100, 0)
    assert not book.apply(BUY, 100, 5)
    assert book.bid_size == 0.005


def test_health_follows_the_levels(instrument: Make) -> None:
    """SYNCING, no levels, one-sided, live, locked, crossed, live again; pinned it stays until cleared."""
    book = Book(instrument())
    assert (book.health, book.reason) == (Health.SYNCING, "no snapshot yet")
    told = []
    for side, ticks, lots in [
        (BUY, 10, 0), (BUY, 10, 1), (SELL, 12, 1), (SELL, 10, 1), (SELL, 9, 1), (BUY, 10, 0), (BUY, 8, 1),
    ]:  # fmt: skip
        book.apply(side, ticks, lots)
        book.settle(1)
        told.append((book.health.name, book.reason))
    assert told == [
        ("ONE_SIDED", "no levels"),
        ("ONE_SIDED", "no asks"),
        ("LIVE", ""),
        ("CROSSED", "bid 0.1 is not below ask 0.1"),
        ("CROSSED", "bid 0.1 is not below ask 0.09"),
        ("ONE_SIDED", "no bids"),
        ("LIVE", ""),
    ]
    book.pin(Health.GAPPED, "BTC/CHF.TDX: expected sequence 1042, received 1047")
    assert book.settle(2) == Health.GAPPED
    assert book.reason == "BTC/CHF.TDX: expected sequence 1042, received 1047"
    book.clear()
    assert (book.health, book.reason, book.bid, book.ask) == (Health.SYNCING, "no snapshot yet", None, None)


@pytest.mark.parametrize("health", [Health.LIVE, Health.ONE_SIDED, Health.CROSSED])
def test_what_levels_decide_cannot_be_pinned(instrument: Make, health: Health) -> None:
    book = Book(instrument())
    with pytest.raises(LocalError, match="expected SYNCING, GAPPED or STALE"):
        book.pin(health, "because")
    assert not book.pinned


def test_only_its_own_attributes(instrument: Make) -> None:
    """A misspelt attribute is an error in both forms, not a new attribute."""
    book = Book(instrument())
    for target in (book, book.bids):
        with pytest.raises(AttributeError):
            target.colour = 1  # type: ignore[attr-defined,union-attr]


def test_repr_names_the_market_and_its_health(instrument: Make) -> None:
    book = Book(instrument())
    book.apply(BUY, 6, 1)
    book.settle(1)
    assert repr(book) == "<Book BTC/CHF.TDX ONE_SIDED bid=0.06 ask=None>"


def test_the_touch_is_read_at_once_and_only_whole(instrument) -> None:
    book = Book(instrument(tick="0.05", lot="0.1"))
    book.apply(1, 199, 3)
    assert book.touch is None
    book.apply(-1, 201, 7)
    assert book.touch == (book.bid, book.bid_size, book.ask, book.ask_size) == (9.95, 0.3, 10.05, 0.7)
