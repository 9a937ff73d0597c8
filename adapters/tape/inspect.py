"""What a tape holds and what is wrong with it, without refusing any of it.

Playing stops at the first thing that is wrong; a person who wonders about a recording wants all of it, counted. Rows
that are wrong are counted and left out of the book.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict, define, field, frozen

from tickwright.adapters.tape.batch import LEVEL, TRADE, Batch, TapeError
from tickwright.adapters.tape.check import Mask, faults, off_grid, time_steps
from tickwright.adapters.tape.reader import Source, open_tape
from tickwright.engine.instrument import Instrument

GAP_NS = 10_000_000_000
"""A silence of more than this is a gap."""
JUMP_NS = 3_600_000_000_000
"""A step of more than this is a clock that jumped, or two recordings put together."""
HELD = 100_000
"""Rows of one message that are held to compare it with the next."""

Progress = Callable[[int, int], None]


@frozen
class Problem:
    """One kind of thing that is wrong: how often, and where first (-1: nowhere in particular)."""

    what: str
    count: int
    first_row: int


@frozen(kw_only=True)
class Inspection:
    """What was found. Times are nanoseconds UTC; rows are counted from 0; -1 says there is no such row.

    `crossed` counts messages after which the best bid is not below the best ask; `duplicates` messages equal to the
    one before in every column, time included. `problems` are what playing the tape would refuse.
    """

    name: str
    rows: int
    first_ts: int | None
    last_ts: int | None
    level_changes: int
    messages: int
    trades: int
    bid_levels: int
    ask_levels: int
    most_bid_levels: int
    most_ask_levels: int
    gaps: int
    longest_gap_ns: int
    longest_gap_row: int
    jumps_back: int
    jumps_ahead: int
    crossed: int
    first_crossed_row: int
    duplicates: int
    first_duplicate_row: int
    whole: bool
    instrument: str | None
    origin: dict[str, str]
    problems: tuple[Problem, ...]

    @property
    def span_ns(self) -> int:
        """From the first row to the last."""
        return 0 if self.first_ts is None or self.last_ts is None else self.last_ts - self.first_ts

    def as_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        return {**asdict(self), "span_ns": self.span_ns}


class Levels:
    """One side of a book, as seen from its best price: a dict, and a heap that may hold what has gone."""

    __slots__ = ("heap", "most", "prices", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.prices: dict[float, float] = {}
        self.heap: list[float] = []
        self.most = 0

    def set(self, price: float, qty: float) -> None:
        if not qty:
            self.prices.pop(price, None)
            return
        if price not in self.prices:
            heappush(self.heap, self.sign * price)
        self.prices[price] = qty
        if len(self.prices) > self.most:
            self.most = len(self.prices)
        if len(self.heap) > 2 * len(self.prices) + 1000:
            self.heap = [self.sign * price for price in self.prices]
            heapify(self.heap)

    def best(self) -> float | None:
        while self.heap and self.sign * self.heap[0] not in self.prices:
            heappop(self.heap)
        return self.sign * self.heap[0] if self.heap else None


@define(eq=False)
class Books:
    """What only a walk row by row can tell: the book after each message, and messages that repeat."""

    bids: Levels = field(factory=lambda: Levels(-1))
    asks: Levels = field(factory=lambda: Levels(1))
    crossed: int = 0
    first_crossed: int = -1
    duplicates: int = 0
    first_duplicate: int = -1
    message: list[tuple[Any, ...]] = field(factory=list)
    before: list[tuple[Any, ...]] = field(factory=list)

    def walk(self, batch: Batch, sound: Mask) -> None:
        columns = (batch.ts, batch.kind, batch.side, batch.price, batch.qty, batch.last, sound)
        bids, asks, message = self.bids, self.asks, self.message
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for row, values in enumerate(rows, batch.first):
            _, kind, side, price, qty, last, usable = values
            if len(message) <= HELD:
                message.append(values)
            if usable and kind == LEVEL:
                (bids if side == 1 else asks).set(price, qty)
            if last == 1:
                if kind == LEVEL:
                    self.judge(row)
                if message == self.before and len(message) <= HELD:
                    self.first_duplicate = row if self.first_duplicate < 0 else self.first_duplicate
                    self.duplicates += 1
                self.before, self.message = message, []
                message = self.message

    def judge(self, row: int) -> None:
        bid, ask = self.bids.best(), self.asks.best()
        if bid is not None and ask is not None and bid >= ask:
            self.first_crossed = row if self.first_crossed < 0 else self.first_crossed
            self.crossed += 1


@define(eq=False)
class Tally:
    """What whole columns tell."""

    instrument: Instrument | None
    rows: int = 0
    first_ts: int | None = None
    last_ts: int | None = None
    level_changes: int = 0
    messages: int = 0
    trades: int = 0
    gaps: int = 0
    longest_gap: int = 0
    longest_gap_row: int = -1
    back: int = 0
    ahead: int = 0
    whole: bool = True
    problems: dict[str, Problem] = field(factory=dict)

    def add(self, batch: Batch) -> Mask:
        """Count a batch; says which of its rows are sound."""
        sound = np.ones(batch.n, bool)
        for column, (wrong, _, expected) in faults(batch).items():
            self.problem(f"{column}: expected {expected}", batch, wrong)
            sound &= ~wrong
        if self.instrument is not None:
            good = np.flatnonzero(sound)
            usable = batch.pick(good)
            for column, wrong in zip(("price", "qty"), off_grid(usable, self.instrument), strict=True):
                spread = np.zeros(batch.n, bool)
                spread[good] = wrong
                self.problem(f"{column}: expected a value on the grid of {self.instrument.id}", batch, spread)
        steps = time_steps(batch, self.last_ts)
        self.problem("ts: expected a time not before the row before", batch, steps < 0)
        self.back += int(np.count_nonzero(steps < 0))
        self.ahead += int(np.count_nonzero(steps > JUMP_NS))
        self.gaps += int(np.count_nonzero(steps > GAP_NS))
        longest = int(np.argmax(steps))
        if steps[longest] > self.longest_gap:
            self.longest_gap, self.longest_gap_row = int(steps[longest]), batch.first + longest
        self.first_ts = int(batch.ts[0]) if self.first_ts is None else self.first_ts
        self.last_ts = int(batch.ts[-1])
        self.rows += batch.n
        self.level_changes += int(np.count_nonzero(batch.kind == LEVEL))
        self.trades += int(np.count_nonzero(batch.kind == TRADE))
        self.messages += int(np.count_nonzero((batch.kind == LEVEL) & (batch.last == 1)))
        self.whole = bool(batch.last[-1] == 1)
        return sound

    def problem(self, what: str, batch: Batch, wrong: Mask) -> None:
        if wrong.any():
            old = self.problems.get(what) or Problem(what, 0, batch.first + int(np.argmax(wrong)))
            self.problems[what] = Problem(what, old.count + int(np.count_nonzero(wrong)), old.first_row)

    def note(self, what: str, row: int) -> None:
        self.problems[what] = Problem(what, 1, row)


def inspect_tape(
    source: Source, *, instrument: Instrument | None = None, progress: Progress | None = None
) -> Inspection:
    """Look through a whole tape.

    `instrument` (else the tape's own) gives the grid to hold it to. `progress` is called with rows done and rows in
    all after each batch. Whatever is wrong with the tape, its columns or its file is reported as a problem.
    """
    books = Books()
    tally = Tally(instrument)
    name, origin = str(source) if isinstance(source, str | Path) else "columns", {}
    try:
        tape = open_tape(source)
        name, origin = tape.name, dict(tape.origin)
        tally.instrument = instrument or tape.instrument
        for batch in tape.batches():
            if batch.n:
                books.walk(batch, tally.add(batch))
            if progress is not None:
                progress(tally.rows, tape.rows)
    except TapeError as error:
        tally.note(str(error), -1)
    else:
        if not tally.rows:
            tally.note("expected at least one row, received none", -1)
    if not tally.whole:
        tally.note("last: expected 1 on the last row: the last message is not whole", tally.rows - 1)
    return found(name, origin, tally, books)


def found(name: str, origin: dict[str, str], tally: Tally, books: Books) -> Inspection:
    return Inspection(
        name=name,
        rows=tally.rows,
        first_ts=tally.first_ts,
        last_ts=tally.last_ts,
        level_changes=tally.level_changes,
        messages=tally.messages,
        trades=tally.trades,
        bid_levels=len(books.bids.prices),
        ask_levels=len(books.asks.prices),
        most_bid_levels=books.bids.most,
        most_ask_levels=books.asks.most,
        gaps=tally.gaps,
        longest_gap_ns=tally.longest_gap,
        longest_gap_row=tally.longest_gap_row,
        jumps_back=tally.back,
        jumps_ahead=tally.ahead,
        crossed=books.crossed,
        first_crossed_row=books.first_crossed,
        duplicates=books.duplicates,
        first_duplicate_row=books.first_duplicate,
        whole=tally.whole,
        instrument=None if tally.instrument is None else tally.instrument.id,
        origin=origin,
        problems=tuple(tally.problems.values()),
    )
