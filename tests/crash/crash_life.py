"""One life of a trading process: it takes over from the last one, shows what it knows, trades, and dies where told.

It is the whole program but for its command line: config, journal, gate, wire, over real sockets to a venue in another
process. Only waits are shorter, so that what takes half a minute in earnest takes a second here.
"""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import trio
from crash_points import EARLY, Mine

from tickwright.build import join_core
from tickwright.config import load
from tickwright.engine import asker, sweep, tracking
from tickwright.engine.chain import JournalError
from tickwright.engine.door import Names
from tickwright.engine.journal_reading import read_journal
from tickwright.engine.keeping import facts
from tickwright.engine.order import Order
from tickwright.engine.recall import recall
from tickwright.engine.scribe import KeptPortfolio, Scribe
from tickwright.engine.terms import UNKNOWN
from tickwright.engine.timers import Timeouts
from tickwright.plugins import load_strategies
from tickwright.rolling import rotate
from tickwright.trading import TradingRun, opened, sole

MS = 1_000_000
INSTRUMENTS = {"tdx": "BTC/CHF.TDX", "powertrade": "BTC-USD.POWERTRADE"}
CURRENCIES = {"tdx": "CHF", "powertrade": "USD"}
RISK = {
    "max_order_qty": "0.1",
    "max_order_notional": "100000",
    "max_position": "2",
    "max_gross_notional": "1000000",
    "max_traded_notional": "100000000",
    "max_daily_loss": "10000000",
    "max_orders_per_s": 100,
    "orders_burst": 200,
    "max_rejects": 1000,
    "max_repeats": 100000,
    "max_unknown_orders": 50,
    "vol_pause_bps": 100000,
    "collar_window_bps": 100000,
    "collar_bps": 5000,
    "max_spread_bps": 5000,
    "journal_min_free_mb": 0,
}


class Quick:
    """`Absence` with answers that may come a twentieth of a second apart rather than two seconds."""

    def __init__(self) -> None:
        self.answers = 0
        self.last_ts = 0
        self.scanned = False

    def unknown(self, ts: int) -> None:
        if ts - self.last_ts >= 50 * MS:
            self.answers += 1
            self.last_ts = ts

    def no_trades(self) -> None:
        self.scanned = True

    @property
    def proven(self) -> bool:
        return self.scanned and self.answers >= 3


def hurry() -> None:
    """Shorten every wait of the reconciliation."""
    tracking.Timeouts = partial(  # type: ignore[misc,assignment]
        Timeouts, ack=500 * MS, cancel=500 * MS, replace=500 * MS, fill=200 * MS, grace=100 * MS, orphan=200 * MS
    )
    asker.ASK_S = 0.02  # type: ignore[misc]
    asker.SECOND = 100 * MS  # type: ignore[misc]
    asker.PASS_NS = 1000 * MS  # type: ignore[misc]
    asker.PAUSES_NS = sweep.PAUSES_NS = (60 * MS,)  # type: ignore[misc,assignment]
    sweep.Absence = Quick  # type: ignore[misc,assignment]
    sweep.MISMATCH_NS = 500 * MS  # type: ignore[misc]


def config_in(folder: Path, venue: str, seed: int, served: dict[str, Any]) -> Path:
    """The config of every life in a folder, at a venue that says this of itself."""
    id = INSTRUMENTS[venue]
    files = {"private_key": served.get("private_key_file", "")}
    for name in ("username", "password", "totp_secret", "api_key"):
        if name in served and (venue, name) != ("tdx", "api_key"):
            files[name] = str(folder / name)
            Path(files[name]).touch(0o600)
            Path(files[name]).write_text(served[name])
    where = {
        "url": served["ws_url"],
        "http_url": served["http_url"],
        "allow_insecure_loopback": True,
        "local_credentials": {name: f"${{file:{path}}}" for name, path in files.items() if path},
    }
    if "sub_account_id" in served:
        where["sub_account_id"] = served["sub_account_id"]
    raw: dict[str, Any] = {
        "name": "crashes",
        "mode": "live",
        "account": {"currency": CURRENCIES[venue]},
        "venues": {venue: {"adapter": venue, **where, "messages_per_s": 200, "requests_per_s": 200}},
        "strategies": {
            "one": {
                "use": "./crash_trader.py:Trader",
                "instruments": [id],
                "allow": [id],
                "params": {"seed": seed},
                "risk": {"max_strategy_position": "2", "max_strategy_loss": "10000000"},
            }
        },
        "risk": RISK,
        "journal": {"durability": "power" if seed % 2 else "process"},
        "runs": str(folder / "runs"),
        "state": str(folder / "state"),
    }
    path = folder / "run.yaml"
    path.write_text(json.dumps(raw))
    (folder / "crash_trader.py").write_text((Path(__file__).parent / "crash_trader.py").read_text())
    return path


def live(config: Path, point: str, seed: int, commands: int, answers: int) -> None:
    """Live until killed, or until told to stop; never returns."""

    def tell(what: str, **said: Any) -> None:
        text = json.dumps({"what": what, **said}).encode() + b"\n"
        while text:
            text = text[os.write(answers, text) :]

    code = 1
    try:
        hurry()
        mine = Mine(point, Random(seed), lambda victim: tell("dying", victim=victim)) if point else None
        if mine is not None and point in EARLY:
            mine.armed = True
        try:
            trio.run(_live, config, mine, commands, tell)
        except BaseExceptionGroup as group:
            error = sole(group)
            if not isinstance(error, JournalError):
                raise
            tell("ended", code=5, said=[str(error)])
        code = 0
    except BaseException as error:  # whatever it is, the parent is told
        import traceback

        tell("failed", error="".join(traceback.format_exception(error)))
    os._exit(code)


async def _live(config: Path, mine: Mine | None, commands: int, tell: Callable[..., None]) -> None:
    checked = load(config)
    said: list[str] = []
    async with opened(checked, {}, said.append) as run:
        tell("opened", **shown(run), digests=digests(run))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(conduct, run, mine, commands, tell)
            ending, _ = await run.go()
            nursery.cancel_scope.cancel()
    tell("ended", code=ending.code, said=said[-5:])


async def conduct(run: TradingRun, mine: Mine | None, commands: int, tell: Callable[..., None]) -> None:
    """Do what the parent says."""
    strategy: Any = run.parts.core.desks[0].strategy
    waiting = b""
    async with trio.lowlevel.FdStream(commands) as stream:
        while data := await stream.receive_some(65536):
            waiting += data
            while b"\n" in waiting:
                line, _, waiting = waiting.partition(b"\n")
                wanted = json.loads(line)
                if mine is not None and wanted.get("arm"):
                    mine.armed = True
                match wanted["do"]:
                    case "trade":
                        strategy.trades = True
                    case "rest":
                        strategy.trades = False
                    case "rotate":
                        rotate(run)
                    case "kill":
                        run.live.kill("global", "", "cancel", "a crash test", "test")
                    case "rearm":
                        run.live.rearm("global", "", "a crash test", "test")
                    case "stop":
                        run.live.stop("the test is over")
                tell("shown", **shown(run))


def shown(run: TradingRun) -> dict[str, Any]:
    """What the process knows."""
    core = run.parts.core
    orders = [
        [one.client_order_id, one.state.name, one.cum, one.lots, one.cum + one.worst_lots()]
        for one in core.orders.by_id.values()
    ]
    strategy: Any = core.desks[0].strategy
    return {
        "orders": orders,
        "open": {one.client_order_id: one.cum for one in core.orders.open_orders()},
        "unknown": sum(one.state_code == UNKNOWN for one in core.orders.open_orders()),
        "position": core.markets[0].position.lots,
        "reconciled": all(port.link.reconciled and port.link.up for port in run.live.ports),
        "book": core.markets[0].book.health.name,
        "latches": len(run.parts.floor.kill.latches),
        "dead": run.journal.dead,
        "heard": getattr(strategy, "fills", []),
        "replays": getattr(strategy, "replays", []),
        "known": getattr(strategy, "given", {}).get("known", []),
        "runs": str(run.folder),
    }


class Nowhere:
    """Keeps no records."""

    def append(self, kind: str, body: object, ts: int) -> None:
        return

    def number_used(self, number: int) -> None:
        return


def digests(run: TradingRun) -> list[str]:
    """The state as this process has it, as the present file gives it once more, and as the whole journal does (V6)."""
    folder = run.journal.folder.path
    found = [digest(run.parts)]
    for records in (list(run.journal.records()), list(read_journal(folder))):
        parts = join_core(
            run.config,
            run.parts.instruments,
            load_strategies(run.config),
            ids=Names("x-", 0),
            balances=opening_of(records),
            recorder=Scribe(Nowhere()),
            books_of=KeptPortfolio,
        )
        recall(
            records,
            orders=parts.core.orders,
            portfolio=parts.portfolio,
            markets=parts.core.markets,
            seats=parts.floor.seats,
            now=run.live.clock.now(),
        )
        found.append(digest(parts))
    return found


def opening_of(records: Any) -> Any:
    from decimal import Decimal

    for record in records:
        if record.kind == "baseline":
            return {name: Decimal(amount) for name, amount in record.plain()["balances"].items()}
        if record.kind == "checkpoint":
            return {name: Decimal(amount) for name, amount in record.plain()["known"]["baseline"]["balances"].items()}
    return None


def digest(parts: Any) -> str:
    """Orders, money and positions in one text."""
    orders = [said(order) for order in parts.core.orders.by_id.values()]
    orders.sort(key=lambda one: str(one["id"]))
    book = parts.portfolio
    lines = [
        [line.lots, line.fills, str(line.cash), str(line.fees), str(line.realized), line.avg_px, str(line.total(1000))]
        for ledger in (book.account, *book.ledgers)
        for line in ledger.lines
    ]
    balances = {name: str(amount) for name, amount in book.balances().items()}
    return json.dumps([orders, lines, balances, str(book.equity)], sort_keys=True)


def said(order: Order) -> dict[str, Any]:
    told = dict(facts(order, 0, True))
    # An order that is told twice of a restart is told at another time.
    for name in ("heard_ts", "event"):
        told.pop(name, None)
    return told
