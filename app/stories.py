"""Where the life of an order is told from: the run folder where that has it whole, else the journal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tickwright.backtesting import CODES
from tickwright.controls import controls, limits_in, read_limits
from tickwright.engine.journal_folder import RECORDS
from tickwright.reports.order_journal import TABLES, JournalOrders
from tickwright.reports.parquet import RUN
from tickwright.reports.run_folder import RunError, RunFolder
from tickwright.reports.why import Story, why
from tickwright.state import POINTER, StateError, StateFolder, find_state, state_of_config

BEGINNINGS: Final = ("INTENT", "DENIED", "ADOPT")
"""What an order's first event can be; one that was taken over from an earlier run has another."""


def story(run: str, client_order_id: str, runs: Path) -> Story:
    """The life of an order of `run`: a run folder or its name under `runs`, a config, or a state folder.

    Raises:
        RunError: no such run, or no such order in it.
        StateError: the state folder is not as it must be.
        JournalError: the journal cannot be read.
    """
    path = Path(run)
    if path.is_file():
        state = state_of_config(path)
        if not (state / RECORDS).is_file():
            raise RunError(f"{run}: expected a run in paper or live, found no journal in {state}; name a run folder")
        return from_journal(StateFolder.open(state), client_order_id, [runs])
    if (path / RECORDS).is_file() and not (path / RUN).is_file():
        return from_journal(StateFolder.open(path), client_order_id, [runs])
    folder = RunFolder.open(run, runs)
    if (folder.path / POINTER).is_file() and not has_whole(folder, client_order_id):
        try:
            found = find_state(str(folder.path))
        except StateError:
            pass  # moved or taken away: what the run folder says is what there is
        else:
            return from_journal(found, client_order_id, [folder.path.parent, runs])
    return why(folder, client_order_id, controls, read_limits(folder.path))


def has_whole(folder: RunFolder, client_order_id: str) -> bool:
    """Whether the tables can be read and have the order from its beginning, or not at all."""
    try:
        events, *_ = [folder.rows(table, client_order_id) for table in TABLES.values()]
    except RunError:
        return False
    return not events or events[0]["event"] in BEGINNINGS


def from_journal(state: StateFolder, client_order_id: str, roots: list[Path]) -> Story:
    """The life of an order as the journal has it; each decision is weighed by the limits of its own run."""
    source = JournalOrders(state.path, CODES, roots)

    def explain(row: Mapping[str, Any], _: Mapping[str, Any]) -> list[dict[str, Any]]:
        limits = source.limits_at(row["seq"])
        folder = source.folder_at(row["seq"])
        return controls(row, limits_in(limits) if limits else read_limits(folder) if folder else {})

    return why(source, client_order_id, explain)
