"""Starts the process that the live benchmarks trade with, and the run that trades with it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import trio

from tickwright.config import Config, load
from tickwright.engine.terms import Health
from tickwright.trading import TradingRun

HERE = Path(__file__).parent
ID = "BTC/CHF.TDX"
WIDE = (
    "max_intent_age_ms",
    "max_data_age_ms",
    "max_spread_bps",
    "vol_pause_bps",
    "max_impact_bps",
    "collar_bps",
    "max_rejects",
    "otr_max",
    "otr_alert",
)
MUCH = (
    "max_order_qty",
    "max_position",
    "max_strategy_position",
    "max_order_notional",
    "max_gross_notional",
    "max_traded_notional",
    "max_daily_loss",
    "max_strategy_loss",
    "max_orders_per_s",
    "max_messages_per_s",
)


class Peer:
    """`local_peer.py` in a process of its own; what it says first is in `served`."""

    def __init__(self, levels: int) -> None:
        command = [sys.executable, str(HERE / "local_peer.py"), json.dumps({"levels": levels})]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.served: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.served = self._line()
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.wait(10)

    async def ask(self, what: Mapping[str, Any]) -> dict[str, Any]:
        """Have it do something, and wait until it is done."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return await trio.to_thread.run_sync(self._line)

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found = json.loads(self.process.stdout.readline())
        assert isinstance(found, dict)
        return found


async def ready(run: TradingRun) -> None:
    """Wait until orders may be sent and the book is there."""
    link, book = run.parts.floor.venues["TDX"], run.parts.core.markets[0].book
    while not (link.reconciled and book.health is Health.LIVE):  # noqa: ASYNC110 - nobody rings for this
        await trio.sleep(0.05)


def live_config(folder: Path, use: str, durability: str, mode: str = "live") -> Config:
    """A live run on the local venue, its limits far away."""
    return load(
        {
            "name": "bench",
            "mode": mode,
            "account": {"currency": "CHF", "balances": {"CHF": "10000000", "BTC": "100"}},
            "venues": {
                "tdx": {
                    "adapter": "tdx",
                    "local": {"seed": 1},
                    "messages_per_s": 100_000,
                    "fees": {"maker": "0.001", "taker": "0.001"},
                }
            },
            "strategies": {"bench": {"use": use, "instruments": [ID], "allow": [ID]}},
            "risk": dict.fromkeys(WIDE, "none")
            | dict.fromkeys(MUCH, "1e9")
            | {"orders_burst": 1000, "duplicate_window_ms": "none", "max_open_orders": 1000},
            "journal": {"durability": durability},
            "runs": str(folder / "runs"),
            "state": str(folder / "state"),
        }
    )
