"""The benchmark's market: one instrument, level changes and trades, the same for every framework that is measured.

``python benchmarks/tape.py --events 1000000 --out events.npy``

It starts with 50 levels a side. Then, again and again, either the touch is swept by one to three levels (often by
trades, one for each level, best first) and new levels appear far out and behind the move, or a few levels near the
touch change, often after a trade inside the touch. After each message the book is whole and uncrossed. About 85 % of
the rows are level changes; rows come 1 ms apart on average. The same seed gives the same tape everywhere.
"""

import argparse
import hashlib
from random import Random

import numpy as np

ROW = np.dtype([("ts", "<i8"), ("kind", "u1"), ("side", "i1"), ("price", "<f8"), ("qty", "<f8"), ("last", "u1")])
TICK = 0.01
DEPTH = 50
START = 1_640_995_200_000_000_000
MEAN_GAP_NS = 2_300_000.0
MEAN_LOTS = 400.0


class Market:
    """The state from which the tape is drawn. Every draw's place in the sequence is part of the benchmark."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(int(np.random.default_rng(seed).integers(1 << 62)))
        self.now = START
        self.rows: list[tuple[int, int, int, int, int, int]] = []
        self.levels: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self.best = {1: 10_000, -1: 10_001}

    def size(self) -> int:
        return 1 + int(self.draw.expovariate(1 / MEAN_LOTS))

    def coin(self) -> int:
        return 1 if self.draw.random() < 0.5 else -1

    def pass_time(self) -> None:
        self.now += 1 + int(self.draw.expovariate(1 / MEAN_GAP_NS))

    def print_trade(self, taker: int, tick: int, lots: int) -> None:
        self.rows.append((self.now, 1, taker, tick, lots, 1))

    def send(self, changes: list[tuple[int, int, int]]) -> None:
        """One message of level changes."""
        end = len(changes) - 1
        self.rows.extend((self.now, 0, side, tick, lots, int(i == end)) for i, (side, tick, lots) in enumerate(changes))

    def put(self, changes: list[tuple[int, int, int]], side: int, tick: int) -> None:
        """A level with a new size."""
        lots = self.size()
        self.levels[side][tick] = lots
        changes.append((side, tick, lots))

    def find_best(self, side: int) -> None:
        while self.best[side] not in self.levels[side]:
            self.best[side] -= side

    def open(self) -> None:
        changes: list[tuple[int, int, int]] = []
        for i in range(DEPTH):
            for side in (1, -1):
                self.put(changes, side, self.best[side] - side * i)
        self.send(changes)

    def sweep(self, changes: list[tuple[int, int, int]]) -> None:
        """The touch of one side goes, one to three levels deep; the other side often follows."""
        side = self.coin()
        other = -side
        count = 1 if self.draw.random() < 0.75 else (2 if self.draw.random() < 0.7 else 3)
        traded = self.draw.random() < 0.6
        if traded:
            self.pass_time()
        for i in range(count):
            tick = self.best[side]
            lots = self.levels[side].pop(tick)
            if traded:
                if i:
                    self.pass_time()
                self.print_trade(other, tick, lots)
            changes.append((side, tick, 0))
            self.find_best(side)
        edge = self.best[side] - side * (DEPTH - 1)
        for i in range(count):
            if edge + side * i not in self.levels[side]:
                self.put(changes, side, edge + side * i)
        gap = self.best[-1] - self.best[1] - 1
        if gap > 0 and self.draw.random() < 0.85:
            self.follow(changes, other, gap)

    def follow(self, changes: list[tuple[int, int, int]], side: int, gap: int) -> None:
        """Close the gap from one side, and drop what that side now holds too far away."""
        for _ in range(gap):
            self.best[side] += side
            self.put(changes, side, self.best[side])
        limit = self.best[side] - side * (DEPTH + 10)
        book = self.levels[side]
        for tick in [tick for tick in book if (tick - limit) * side < 0]:
            del book[tick]
            changes.append((side, tick, 0))

    def trade_inside(self, changes: list[tuple[int, int, int]]) -> None:
        """A trade that leaves some of the touch."""
        side = self.coin()
        tick = self.best[side]
        have = self.levels[side][tick]
        if have <= 1:
            return
        lots = min(1 + int(self.draw.random() * (have - 1) * 0.6), have - 1)
        self.pass_time()
        self.print_trade(-side, tick, lots)
        self.levels[side][tick] = have - lots
        changes.append((side, tick, have - lots))

    def requote(self, changes: list[tuple[int, int, int]]) -> None:
        """A few levels change, more of them near the touch; a wide spread is sometimes narrowed."""
        for _ in range(1 + int(self.draw.expovariate(1 / 2.0))):
            side = self.coin()
            distance = min(int(self.draw.expovariate(1 / 8.0)), DEPTH - 1)
            tick = self.best[side] - side * distance
            if distance and tick in self.levels[side] and self.draw.random() < 0.25:
                del self.levels[side][tick]
                changes.append((side, tick, 0))
            else:
                self.put(changes, side, tick)
        if self.best[-1] - self.best[1] > 1 and self.draw.random() < 0.3:
            side = self.coin()
            self.best[side] += side
            self.put(changes, side, self.best[side])


def generate(events: int, seed: int = 7) -> "np.ndarray[tuple[int], np.dtype[np.void]]":
    """The first `events` rows of the tape of a seed."""
    market = Market(seed)
    market.open()
    while len(market.rows) < events:
        changes: list[tuple[int, int, int]] = []
        kind = market.draw.random()
        if kind < 0.18:
            market.sweep(changes)
        else:
            if kind < 0.56:
                market.trade_inside(changes)
            market.requote(changes)
        market.pass_time()
        market.send(changes)
    columns = np.array(market.rows[:events], "i8").T
    tape = np.empty(events, ROW)
    for name, column in zip(("ts", "kind", "side"), columns[:3], strict=True):
        tape[name] = column
    tape["price"] = np.round(columns[3] / 100.0, 2)
    tape["qty"] = np.round(columns[4] / 100.0, 2)
    tape["last"] = columns[5]
    tape["last"][-1] = 1
    return tape


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the benchmark's tape as a NumPy file.")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    np.save(arguments.out, generate(arguments.events, arguments.seed))
    with open(arguments.out, "rb") as file:
        print(hashlib.sha256(file.read()).hexdigest())


if __name__ == "__main__":
    main()
