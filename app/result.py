"""What a run came to, for notebooks and tests."""

import traceback
from pathlib import Path
from typing import Any

from attrs import frozen

from tickwright.engine.times import as_text
from tickwright.engine.traffic import Failure
from tickwright.reports.run_folder import RunFolder
from tickwright.risk.kill import Latch

NOTHING_PLAYED = "the data have no rows between data.start and data.end: nothing was played"

COMPILED = str(Path("build", "cython", "tickwright", ""))
"""Compiled modules name the staged copy they were built from in a trace."""


@frozen
class Result:
    """A finished run. Tables are pyarrow tables, read from the run folder when asked for.

    `failures` are what strategies raised, `latches` the kills that hold at the end.
    """

    run: RunFolder
    summary: dict[str, Any]
    failures: tuple[Failure, ...] = ()
    latches: tuple[Latch, ...] = ()

    @property
    def folder(self) -> Path:
        return self.run.path

    @property
    def run_id(self) -> str:
        return self.run.run_id

    @property
    def run_hash(self) -> str:
        """The same for the same code, config, data and seed."""
        return str(self.summary["run_hash"])

    @property
    def orders(self) -> Any:
        """The order log: one row an event of an order."""
        return self.run.table("orders")

    @property
    def fills(self) -> Any:
        return self.run.table("fills")

    @property
    def positions(self) -> Any:
        return self.run.table("positions")

    @property
    def equity(self) -> Any:
        return self.run.table("equity")


def rounded_text(id: str, levels: int, first_row: int) -> str:
    """What a person should know of level sizes that were no whole lots."""
    count = f"{levels:,} level size{'s' * (levels > 1)}"
    return f"{id}: {count} off the lot, rounded to whole lots, the first in row {first_row} of the tape"


def failure_line(failure: Failure) -> str:
    """A strategy's error in one line: what was raised, and where in its author's files."""
    last = _theirs(failure)[-1:]
    where = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    said = " ".join(str(failure.error).split())
    return f"strategy {failure.strategy}: {failure.handler} raised {type(failure.error).__name__}: {said}{where}"


def failure_text(failure: Failure) -> str:
    """A strategy's error as its author wants to see it: the trace through his own files alone, then the error."""
    lines = [
        f"strategy {failure.strategy}: {failure.handler} raised at {as_text(failure.ts)}\n",
        *traceback.format_list(_theirs(failure) or traceback.extract_tb(failure.error.__traceback__)),
    ]
    lines += traceback.format_exception_only(failure.error)
    return "".join(lines)


def _theirs(failure: Failure) -> list[traceback.FrameSummary]:
    """The part of the trace that runs through the author's files."""
    frames = traceback.extract_tb(failure.error.__traceback__)
    ours = Path(__file__).resolve().parent
    rooms = {ours, *(ours.parent / room for room in ("engine", "strategies"))}
    return [
        each
        for each in frames
        if Path(each.filename).resolve().parent not in rooms and not each.filename.startswith(COMPILED)
    ]
