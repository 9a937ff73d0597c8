"""Market data takes time to arrive: each row twice, once when it happened and once when strategies hear of it.

The simulated venue lives at the time of the tape, as market `m`. What strategies see is the same rows as market
`markets + m`, later by one latency for each message. News does not overtake news of its own market: a row is heard
no earlier than the row before it. Order: by time; at one time the venue's rows first, then what is heard; within
these, as they came.

Latencies are drawn in the order in which messages begin, one for each, whatever the blocks: the same seed gives the
same run. What has happened and is not yet heard is held, as many rows as fit in the longest latency under way.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from attrs import frozen

from tickwright.adapters.tape.batch import BATCH, Ints
from tickwright.adapters.tape.blocks import Block, cut, join

LONGEST = 86_400_000_000_000
"""A latency is at most a day, in nanoseconds: beyond that a model is a mistake, and sums must not wrap."""


class Latency(Protocol):
    """A source of latencies."""

    def draw(self, n: int) -> Ints:
        """The next `n`, in nanoseconds; drawing twice and joining equals drawing once."""
        ...


@frozen
class FixedLatency:
    """Always the same."""

    ns: int

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.ns <= LONGEST:
            raise ValueError(f"latency: expected 0 to {LONGEST} ns, received {self.ns}")

    def draw(self, n: int) -> Ints:
        return np.full(n, self.ns, np.int64)


@frozen(eq=False)
class LognormalLatency:
    """Lognormal: half of them under `median_ns`; `sigma` is the spread of the logarithm. Longer than a day is a day."""

    median_ns: int
    sigma: float
    random: np.random.Generator

    def __attrs_post_init__(self) -> None:
        if not 0 < self.median_ns <= LONGEST:
            raise ValueError(f"latency: expected a median of 1 to {LONGEST} ns, received {self.median_ns}")
        if not 0 <= self.sigma <= 10:
            raise ValueError(f"latency: expected a sigma of 0 to 10, received {self.sigma}")

    def draw(self, n: int) -> Ints:
        drawn = self.random.lognormal(np.log(self.median_ns), self.sigma, n)
        return np.rint(np.minimum(drawn, LONGEST)).astype(np.int64)


class Releases:
    """When strategies hear of each row; remembers each market's message under way and its latest release."""

    __slots__ = ("closed", "current", "latency", "latest")

    def __init__(self, latency: Latency, markets: int) -> None:
        self.latency = latency
        self.closed = np.ones(markets, bool)
        self.current = np.zeros(markets, np.int64)
        self.latest = np.zeros(markets, np.int64)

    def times(self, block: Block) -> Ints:
        """Release times of the next rows."""
        places: list[Ints | slice] = [slice(None)]
        if len(self.closed) > 1:
            places = [np.flatnonzero(block.market == market) for market in range(len(self.closed))]
        begins = np.empty(block.n, bool)
        for market, rows in enumerate(places):
            last = block.last[rows]
            if len(last):
                begins[rows] = np.concatenate((self.closed[market : market + 1], last[:-1] == 1))
        drawn = np.zeros(block.n, np.int64)
        drawn[begins] = self.latency.draw(int(np.count_nonzero(begins)))
        times = np.empty(block.n, np.int64)
        for market, rows in enumerate(places):
            last = block.last[rows]
            if len(last):
                times[rows] = self.hear(market, block.ts[rows], drawn[rows], begins[rows])
                self.closed[market] = last[-1] == 1
        return times

    def hear(self, market: int, ts: Ints, drawn: Ints, begins: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ints:
        """One market's rows: a message keeps the latency of its first row; never before the row before."""
        message = np.cumsum(begins)
        latencies = np.concatenate((self.current[market : market + 1], drawn[begins]))[message]
        times: Ints = np.maximum(np.maximum.accumulate(ts + latencies), self.latest[market])
        self.current[market] = latencies[-1]
        self.latest[market] = times[-1]
        return times


def delay(blocks: Iterator[Block], latency: Latency, markets: int, size: int = BATCH) -> Iterator[Block]:
    """The stream of what happens and what is heard, from a merged stream of `markets` markets."""
    releases = Releases(latency, markets)
    unheard: list[Block] = []
    for block in blocks:
        if not block.n:
            continue
        times = releases.times(block)
        heard = Block(times, block.market + markets, block.kind, block.side, block.px, block.qty, block.last)
        pending = join([*unheard, heard])
        if (pending.ts[1:] < pending.ts[:-1]).any():
            pending = pending.pick(np.argsort(pending.ts, kind="stable"))
        # Rows of this very time may still come from the venue, and those go first.
        due = int(np.searchsorted(pending.ts, block.ts[-1], "left"))
        both = join([block, pending.rows(0, due)])
        yield from cut(both.pick(np.argsort(both.ts, kind="stable")), size)
        unheard = [pending.rows(due, pending.n).pick(np.arange(pending.n - due))]
    for rest in unheard:
        yield from cut(rest, size)
