"""Peak memory of whole runs of growing length, streamed from Parquet tapes: it must not grow with events or orders.

``python benchmarks/memory.py --events 1,5,20`` (millions) prints one JSON line for each length: peak resident MiB of a
process that made nothing but that run, events, orders, fills. ``--orders-every N`` places an order every N-th book.
The tape is the benchmark's market, its first stretch played again and again with later times.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attrs import define, field

from tickwright import Book, Strategy, TimeInForce

ID = "X.BENCH"
MILLION = 1_000_000
STRETCH = 200_000


@define(kw_only=True)
class NowAndThen(Strategy):
    """Asks for a lot every `every`th book, one way and then the other, and takes it every `takes`th time."""

    every: int = 1000
    takes: int = 20
    _wakes: int = field(default=0, init=False)

    def on_start(self) -> None:
        self.watch(self.instruments[0], book="every")

    def on_book(self, book: Book) -> None:
        self._wakes += 1
        if self._wakes % self.every or book.bid is None or book.ask is None:
            return
        turn = self._wakes // self.every
        away = 0 if turn % self.takes < 2 else 5 * book.tick
        if turn % 2:
            self.buy(book.instrument, "0.01", book.ask - away, time_in_force=TimeInForce.IOC)
        else:
            self.sell(book.instrument, "0.01", book.bid + away, time_in_force=TimeInForce.IOC)


def stretches(events: int) -> Iterator[dict[str, Any]]:
    """The same stretch again and again, each time from an emptied book and later."""
    from tape import generate

    tape = generate(STRETCH)
    span = int(tape["ts"][-1] - tape["ts"][0]) + 1_000_000
    levels: set[tuple[int, float]] = set()
    for row in tape[tape["kind"] == 0]:
        key = (int(row["side"]), float(row["price"]))
        (levels.add if row["qty"] else levels.discard)(key)
    wipe = np.zeros(len(levels), tape.dtype)
    wipe["side"], wipe["price"] = (list(column) for column in zip(*sorted(levels), strict=True))
    wipe["last"][-1] = 1
    played = shift = 0
    while played < events:
        part = tape.copy()
        part["ts"] += shift
        wipe["ts"] = part["ts"][-1]
        for rows in (part, wipe.copy()):
            yield {name: rows[name] for name in tape.dtype.names or ()}
        played += len(part) + len(wipe)
        shift += span


def write(folder: Path, events: int) -> Path:
    from tickwright.adapters.tape import write_tape

    path = folder / f"{events}.parquet"
    write_tape(path, stretches(events))
    return path


def config(tape: Path, every: int) -> dict[str, Any]:
    # E2 and E4 would stop a strategy that asks this often; nothing else is widened beyond need.
    big = dict.fromkeys(("max_order_qty", "max_order_notional", "max_position", "max_daily_loss"), "1e9")
    return {
        "name": "memory",
        "mode": "backtest",
        "account": {"currency": "USD", "balances": {"USD": "1e9", "X": "1e9"}},
        "venues": {"bench": {"adapter": "sim"}},
        "instruments": {ID: {"tick": "0.01", "lot": "0.01", "base": "X", "quote": "USD"}},
        "data": {"tapes": {ID: str(tape)}},
        "simulator": {"latency": "1ms"},
        "strategies": {"one": {"use": f"{__file__}:NowAndThen", "instruments": [ID], "params": {"every": every}}},
        "risk": big
        | {
            "collar_bps": "9000",
            "max_orders_per_s": "1e6",
            "orders_burst": "1e6",
            "max_messages_per_s": "1e6",
            "max_repeats": 1_000_000,
        },
        "runs": str(tape.parent / "runs"),
    }


def measure(tape: Path, every: int) -> None:
    from tickwright import backtest

    summary = backtest(config(tape, every)).summary
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {name: summary[name] for name in ("compiled", "events", "orders", "fills", "denied", "wall_s")}
    print(json.dumps({"peak_mib": round(peak, 1), **told}))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the peak memory of runs of growing length.")
    parser.add_argument("--events", default="1,5,20", help="millions of events, with commas")
    parser.add_argument("--orders-every", type=int, default=1000)
    parser.add_argument("--tape", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.tape:
        measure(Path(arguments.tape), arguments.orders_every)
        return
    with tempfile.TemporaryDirectory() as folder:
        for millions in arguments.events.split(","):
            tape = write(Path(folder), round(float(millions) * MILLION))
            command = [sys.executable, __file__, "--tape", str(tape), "--orders-every", str(arguments.orders_every)]
            subprocess.run(command, check=True)
            tape.unlink()


if __name__ == "__main__":
    main()
