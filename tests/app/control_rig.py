"""A run that the control socket can be pointed at, and a snapshot of it."""

from collections.abc import Callable
from typing import Any

import trio

from tickwright.engine.errors import TickwrightError
from tickwright.snapshot import Snapshot


def snapshot(**changed: Any) -> Snapshot:
    """A run that trades one pair on one venue."""
    made: Snapshot = {
        "run_id": "20261122T050000Z-quotes-0badcafe",
        "run_folder": "runs/20261122T050000Z-quotes-0badcafe",
        "name": "quotes",
        "mode": "paper",
        "status": "trading",
        "now": "2026-11-22T05:00:00Z",
        "uptime_s": 3725.4,
        "pid": 4711,
        "venues": [
            {
                "name": "TDX",
                "link": "up",
                "reason": "",
                "reconciled": True,
                "frames": 12_345,
                "bad_messages": 0,
                "clock_offset_ms": 12.5,
            }
        ],
        "books": [
            {
                "instrument": "BTC/CHF.TDX",
                "health": "LIVE",
                "reason": "",
                "bid": "61250.5",
                "ask": "61251",
                "age_ms": 80.0,
            }
        ],
        "strategies": [
            {
                "name": "maker",
                "enabled": True,
                "reason": "",
                "positions": {"BTC/CHF.TDX": "0.25"},
                "pnl": "12.5",
                "open_orders": 1,
            }
        ],
        "orders": [
            {
                "client_order_id": "k7tw-12",
                "strategy": "maker",
                "instrument": "BTC/CHF.TDX",
                "side": "BUY",
                "qty": "0.01",
                "price": "61240",
                "state": "OPEN",
                "filled_qty": "0",
            }
        ],
        "open_orders": 1,
        "money": {
            "currency": "CHF",
            "pnl": "12.5",
            "realised": "10",
            "unrealised": "3.5",
            "fees": "1",
            "equity": "100012.5",
        },
        "denials": [
            {
                "ts": "2026-11-22T04:59:58Z",
                "code": "PRICE_COLLAR",
                "text": "61900 beyond 61863.0",
                "strategy": "maker",
            }
        ],
        "latches": [],
        "loop_lag_ms": {"p50": 0.1, "p99": 1.5, "max": 12.0},
        "journal": {"healthy": True, "reason": "", "lag_ms": 0.4, "records": 5000},
        "counters": {
            "events": 90_000,
            "wakes": 7_000,
            "orders": 40,
            "fills": 3,
            "denied": 2,
            "rejected": 0,
            "merged": 11,
        },
    }
    made.update(changed)  # type: ignore[typeddict-item]
    return made


async def until(happened: Callable[[], object]) -> None:
    """Wait for what another thread does, which no event of trio's tells."""
    with trio.fail_after(5):
        while not happened():
            await trio.sleep(0.005)


class Run:
    """Remembers what was asked of it; refuses to kill what is called ``nobody``."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.shown = 0
        self.answer: dict[str, Any] = dict(snapshot())

    def snapshot(self) -> dict[str, Any]:
        self.shown += 1
        return self.answer

    def stop(self, reason: str) -> None:
        self.asked.append(("stop", reason))

    def kill(self, level: str, name: str, mode: str, reason: str, by: str) -> None:
        if name == "nobody":
            raise TickwrightError("kill strategy 'nobody': expected a strategy of this run")
        self.asked.append(("kill", level, name, mode, reason, by))

    def rearm(self, level: str, name: str, reason: str, by: str) -> None:
        self.asked.append(("rearm", level, name, reason, by))

    def adopt(self, venue: str, asset: str, reason: str, by: str) -> None:
        self.asked.append(("adopt", venue, asset, reason, by))
