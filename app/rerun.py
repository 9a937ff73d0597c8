"""Makes a backtest again and holds it against the first one, or stops in the middle of it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from attrs import define, evolve, field, frozen

from tickwright.adapters.tape import Block
from tickwright.adapters.tape.blocks import FIELDS
from tickwright.backtesting import Progress, Run
from tickwright.code import changed, code_of
from tickwright.config import load
from tickwright.engine.errors import TickwrightError
from tickwright.engine.times import as_text
from tickwright.origin import read_origin
from tickwright.plugins import load_checks, load_strategies
from tickwright.reports.diff import Parting, first_difference, rows_of
from tickwright.reports.run_folder import RunFolder
from tickwright.stand_ins import Calls
from tickwright.stopping import Debugger, Stop, StopError, row_time, standing


class RerunError(TickwrightError):
    """A backtest that cannot be made again; the message says why."""


@frozen(kw_only=True)
class Rerun:
    """What came of it: the hashes of both, the first difference, rows that are equal up to there, changed code.
    `stopped` says in lines what was seen where it was stopped; it is not compared then."""

    recorded: str
    replayed: str
    parting: Parting | None
    equal: int
    changed: list[str]
    stopped: list[str]


@define
class Stopping(Run):
    """A backtest that does something before the first row of a `number`, or of a `time`."""

    number: int = -1
    time: int = -1
    played: int = 0
    todo: Callable[[], None] | None = field(default=None)

    def play_block(self, block: Block, progress: Progress | None) -> None:
        if self.todo is None:
            super().play_block(block, progress)
            return
        at = self.number - 1 - self.played if self.time < 0 else int(np.searchsorted(block.ts, self.time))
        self.played += block.n
        if at >= block.n:
            super().play_block(block, progress)
            return
        ts, market, kind, side, px, qty, last = (memoryview(getattr(block, name)) for name in FIELDS)
        self.parts.loop.play(ts, market, kind, side, px, qty, last, 0, at)
        todo, self.todo = self.todo, None
        todo()
        if not self.interrupted:
            self.parts.loop.play(ts, market, kind, side, px, qty, last, at, block.n)


def rerun(run: RunFolder, stop: Stop | None = None, debug: bool = False) -> Rerun:
    """Make a backtest again from the config in its folder and the tapes that it names.

    Raises:
        RerunError: its tapes were in memory, or its folder does not say where it was made.
        StopError: the run does not come to where it is to stop.
        ConfigError: its config cannot be run any more (a tape or a strategy is gone, for one).
        RunError: its folder is not whole.
    """
    origin = read_origin(run.path)
    if origin is None:
        raise RerunError(f"{run.path}: expected to find where its config lay, found no origin.json")
    if origin.in_memory:
        raise RerunError(f"{run.path}: its tapes were in memory and are in no file; it cannot be replayed")
    recorded = str(run.summary["run_hash"])
    calls = Calls()
    with tempfile.TemporaryDirectory(prefix="tickwright-replay-") as folder:
        config = load(run.path / "config.yaml", mode="backtest", base=Path(origin.base))
        now = code_of(load_strategies(config), load_checks(config))
        ready = Stopping.prepare(evolve(config, runs=folder), {}, calls.watched)
        stopped = arrange(ready, run, stop, debug, calls)
        result = ready.go()
        cut = bool(stopped)
        parting, equal = (None, 0) if cut else first_difference(run, result.run)
    if stop is not None and ready.todo is not None:
        raise StopError(f"{run.run_id}: expected to come to {stop.kind} {stop.text}, came to the end")
    return Rerun(
        recorded=recorded,
        replayed=result.run_hash,
        parting=parting,
        equal=equal,
        changed=changed(origin.code, now),
        stopped=stopped,
    )


def arrange(ready: Stopping, run: RunFolder, stop: Stop | None, debug: bool, calls: Calls) -> list[str]:
    """Have a backtest stop; returns the list that what is seen there will be in."""
    seen: list[str] = []
    core = ready.parts.core
    debugger = Debugger()
    if stop is None:
        calls.hook = debugger.hook if debug else None
        return seen
    if stop.kind == "event":
        ready.number = int(stop.text)
    else:
        when = row_time(stop, rows_of(run))
        if when is None:
            raise StopError(f"{run.run_id}: expected {stop.kind} {stop.text} in its records, found none")
        ready.time = when

    def reached() -> None:
        if debug:
            calls.hook = debugger.hook
            return
        seen.extend([f"stopped at {as_text(core.now)}, after {ready.parts.loop.events:,} rows", *standing(core)])
        ready.interrupt()

    ready.todo = reached
    return seen
