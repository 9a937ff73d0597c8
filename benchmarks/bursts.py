"""A live run under bursts of level changes, one JSON line for each rate: what was lost, how far it lagged, its memory.

``python benchmarks/bursts.py [--seconds 60] [--rates 2000,20000] [--mode live|paper] [--lag-ms 100]``

The local venue, in another process, changes so many levels a second of one book, in ten messages a second as the
protocol batches them, while the run quotes both sides and is traded with. Every order event must arrive: live, what the
venue executed is compared with what the run booked; on paper, how each order ended with its fills. ``lag_ms`` is how
long events had waited when they were taken, ``rss_mb`` the process's memory after the first third and at the end.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import trio
from peer import Peer, live_config, ready

from tickwright import Order, Strategy
from tickwright.engine.compiled import why_interpreted
from tickwright.trading import TradingRun, opened

PAGE_KB = 4
SLACK_MB = 24.0
ORDER_MB = 0.002
"""Memory may move so much between a third of the run and its end: what the Parquet library takes for itself with the
first row group that it writes (16 MB, once) and what the allocator keeps; and for each order what is remembered of it,
and the rows that are gathered until they fill a row group."""

ENDED = ("FILLED", "CANCELED", "REJECTED", "EXPIRED", "DENIED", "FAILED")


class Quotes(Strategy):
    """Quotes one lot on each side, and anew every 50 ms."""

    def on_start(self) -> None:
        self.watch(self.instruments[0], book="every", trades=True)
        self.every("50ms", "quote")
        self.sent = 0
        self.quotes: list[Order] = []

    def on_book(self, book: object) -> None: ...

    def on_trade(self, trade: object) -> None: ...

    def on_timer(self, name: str) -> None:
        book = self.book(self.instruments[0])
        if book.bid is None:
            return
        for order in self.quotes:
            self.cancel(order)
        middle = 52_000
        bid = self.buy(book.instrument, "0.0001", middle - 3)
        ask = self.sell(book.instrument, "0.0001", middle + 3)
        self.quotes = [bid, ask]
        self.sent += 2


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * PAGE_KB / 1024, 1)


def unaccounted(orders: Any, fills: Any) -> int:
    """How many orders had no end, or an end that does not agree with their fills."""
    booked: dict[str, Any] = {}
    for name, qty in zip(fills["client_order_id"].to_pylist(), fills["qty"].to_pylist(), strict=True):
        booked[name] = booked.get(name, 0) + qty
    rows = zip(*(orders[name].to_pylist() for name in ("client_order_id", "state", "filled_qty")), strict=True)
    ends = {name: (state, filled) for name, state, filled in rows}
    return sum(state not in ENDED or filled != booked.get(name, 0) for name, (state, filled) in ends.items())


async def watch(run: TradingRun, lags: list[int], memory: list[float]) -> None:
    """Once a second: the lags since the last time, and the memory."""
    while True:
        await trio.sleep(1)
        lags.extend(run.live.lags)
        run.live.lags.clear()
        memory.append(rss_mb())


async def measure(mode: str, rate: int, seconds: float, served: dict[str, Any], peer: Peer) -> dict[str, Any]:
    """One rate for so many seconds."""
    lags: list[int] = []
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        config = live_config(Path(name), f"{__file__}:Quotes", "process", mode)
        async with opened(config, {"tdx": served}, lambda text: None) as run, trio.open_nursery() as nursery:
            ended: list[Any] = []
            over = trio.Event()

            async def go() -> None:
                ended.append(await run.go())
                over.set()

            nursery.start_soon(go)
            await ready(run)
            nursery.start_soon(watch, run, lags, memory)
            asked = {"do": "bursts", "rate": rate, "seconds": seconds, "seed": rate, "printed": mode == "paper"}
            told = await peer.ask(asked)
            merged = run.live.bell.mailbox.merged
            session = run.wires[0].statistics()[1]  # type: ignore[attr-defined] # T-DX's own figures
            run.live.stop("the bursts are over")
            await over.wait()
            nursery.cancel_scope.cancel()
        result = ended[0][1]
        counts = run.live.intake.counts
        fills = result.fills.num_rows
        lost = told["executed"] - fills if mode == "live" else unaccounted(result.orders, result.fills)
    third = memory[len(memory) // 3 :]
    return {
        "mode": mode,
        "rate": rate,
        "seconds": told["seconds"],
        "compiled": not why_interpreted(),
        "level_changes_sent": told["changes"],
        "level_changes_taken": counts.book_changes,
        "messages_merged": merged,
        "link_lost": [session.failures, session.last_reason],
        "feeder_behind_ms": told["behind_ms"],
        "lag_ms": {f"p{part}": round(quantile(lags, part / 100) / 1e6, 2) for part in (50, 99)},
        "rss_mb": [third[0], third[-1]],
        "orders": result.summary["orders"],
        "fills": fills,
        "executed_at_venue": told["executed"],
        "left": result.summary["left"],
        "status": result.summary["status"],
        "denials": result.summary["denials"],
        "lost": lost,
        "flat": third[-1] - third[0] <= SLACK_MB + ORDER_MB * result.summary["orders"],
    }


def quantile(figures: list[int], part: float) -> int:
    return sorted(figures)[min(int(len(figures) * part), len(figures) - 1)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a live run under bursts of level changes.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rates", default="2000,20000")
    parser.add_argument("--mode", choices=("live", "paper"), default="live")
    parser.add_argument("--lag-ms", type=float, help="fail where the 99th percentile of the lag is not below this")
    options = parser.parse_args()
    good = True
    for rate in map(int, options.rates.split(",")):
        with Peer(levels=50) as peer:
            row = trio.run(measure, options.mode, rate, options.seconds, peer.served, peer)
        print(json.dumps(row), flush=True)
        good &= row["lost"] == 0 and row["flat"] and row["status"] == "done" and not row["left"]
        good &= options.lag_ms is None or row["lag_ms"]["p99"] < options.lag_ms
        good &= bool(row["messages_merged"]) or row["level_changes_taken"] >= row["level_changes_sent"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
