"""Makes a backtest again and holds it against the first one."""

import tempfile
from pathlib import Path

from attrs import evolve, frozen

from tickwright.backtesting import Run
from tickwright.code import changed, code_of
from tickwright.config import load
from tickwright.engine.errors import TickwrightError
from tickwright.origin import read_origin
from tickwright.plugins import load_checks, load_strategies
from tickwright.reports.diff import Parting, first_difference
from tickwright.reports.run_folder import RunFolder


class RerunError(TickwrightError):
    """A backtest that cannot be made again; the message says why."""


@frozen(kw_only=True)
class Rerun:
    """What came of it: the hashes of both, the first difference, rows that are equal up to there, changed code."""

    recorded: str
    replayed: str
    parting: Parting | None
    equal: int
    changed: list[str]


def rerun(run: RunFolder) -> Rerun:
    """Make a backtest again from the config in its folder and the tapes that it names.

    Raises:
        RerunError: its tapes were in memory, or its folder does not say where it was made.
        ConfigError: its config cannot be run any more (a tape or a strategy is gone, for one).
        RunError: its folder is not whole.
    """
    origin = read_origin(run.path)
    if origin is None:
        raise RerunError(f"{run.path}: expected to find where its config lay, found no origin.json")
    if origin.in_memory:
        raise RerunError(f"{run.path}: its tapes were in memory and are in no file; it cannot be replayed")
    recorded = str(run.summary["run_hash"])
    with tempfile.TemporaryDirectory(prefix="tickwright-replay-") as folder:
        config = load(run.path / "config.yaml", mode="backtest", base=Path(origin.base))
        now = code_of(load_strategies(config), load_checks(config))
        ready = Run.prepare(evolve(config, runs=folder), {})
        result = ready.go()
        parting, equal = first_difference(run, result.run)
    return Rerun(
        recorded=recorded,
        replayed=result.run_hash,
        parting=parting,
        equal=equal,
        changed=changed(origin.code, now),
    )
