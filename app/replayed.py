"""What a replay found, for people and for programs."""

import json
from pathlib import Path
from typing import Any

import trio
from attrs import asdict, frozen

from tickwright.capture import CAPTURE
from tickwright.captured import Entry, open_captured
from tickwright.engine.times import as_text
from tickwright.replaying import Difference, Replay, open_replay
from tickwright.reports.diff import Parting
from tickwright.reports.run_folder import RunFolder
from tickwright.rerun import Rerun, rerun
from tickwright.stopping import Debugger, Stop, StopError, find, look, stop_lines


@frozen
class Told:
    """What is shown of a replay: in words, and as plain data; `equal` is its verdict."""

    equal: bool
    text: str
    data: dict[str, Any]


def replayed(run: str, runs: Path, stop: Stop | None = None, debug: bool = False) -> Told:
    """`replay_in`, from where nothing is asynchronous: an adapter's parts expect to live in trio."""
    return trio.run(replay_in, run, runs, stop, debug)


async def replay_in(run: str, runs: Path, stop: Stop | None = None, debug: bool = False) -> Told:
    """Replay a run, by its folder or its name under `runs`, to its end or to where it is to stop.

    Raises:
        RunError: no such run.
        ReplayError: it cannot be replayed.
        CaptureError: it was not captured, or the capture is not what was written.
        ConfigError: its config cannot be run any more.
    """
    folder = RunFolder.open(run, runs)
    if not (folder.path / CAPTURE).is_file() and "mode: backtest" in (folder.path / "config.yaml").read_text():
        return rerun_told(folder, rerun(folder, stop, debug))
    replay = open_replay(folder)
    number = None if stop is None else find(stop, open_captured(folder.path).entries)
    if stop is not None and number is None:
        raise StopError(f"{folder.run_id}: expected to come to {stop.kind} {stop.text}, found none in its capture")
    debugger = Debugger()
    replay.calls.hook = debugger.hook if debug and stop is None else None
    equal = replay.same() and replay.go(lambda replay, entry: replay.number == number)
    if number is not None and replay.number == number and replay.same() and replay.last is not None:
        if not debug:
            return stopped_told(replay, replay.last)
        replay.calls.hook = debugger.hook
        replay.apply(replay.last)
        replay.calls.hook = None
        if not debugger.entered:
            look(replay.live.core)
        if debugger.left:
            text = f"left in the middle of input {replay.number}; all was equal up to there"
            return Told(True, text, {"run_id": replay.run.run_id, "equal": True, "stopped": replay.number})
        equal = replay.same() and replay.go()
    return captured_told(replay, equal)


def stopped_told(replay: Replay, entry: Entry) -> Told:
    """What is seen where a captured run was stopped; all was equal up to there."""
    lines = [*changed_lines(replay.changed), *stop_lines(replay.number, entry, replay.live.core)]
    data = {"run_id": replay.run.run_id, "equal": True, "whole": False, "stopped": replay.number, "seen": lines}
    return Told(True, "\n".join(lines), data)


def changed_lines(names: list[str]) -> list[str]:
    return [f"{name}: not what it was when the run was made" for name in names]


def rerun_told(run: RunFolder, again: Rerun) -> Told:
    """The verdict on a backtest."""
    equal = again.parting is None and again.recorded == again.replayed
    data: dict[str, Any] = {
        "run_id": run.run_id,
        "equal": equal,
        "rows": again.equal,
        "changed": again.changed,
        "run_hash": {"recorded": again.recorded, "replayed": again.replayed},
        "difference": None if again.parting is None else asdict(again.parting),
    }
    lines = changed_lines(again.changed)
    if again.stopped:
        return Told(True, "\n".join([*lines, *again.stopped]), {"run_id": run.run_id, "stopped": again.stopped})
    if again.parting is not None:
        lines += parting_lines(again.parting, "recorded", "replayed")
    elif not equal:
        lines.append(f"all rows are equal, but not the end: run_hash {again.recorded}, now {again.replayed}")
    else:
        lines += [f"equal: {again.equal:,} rows", f"run_hash {again.replayed}"]
    return Told(equal, "\n".join(lines), data)


def parting_lines(parting: Parting, left: str, right: str) -> list[str]:
    """Where two runs part, in words."""
    rows = [row for row in (parting.left, parting.right) if row is not None]
    at = as_text(min(row["ts"] for row in rows))
    what = f" in {', '.join(parting.columns)}" if parting.columns and "table" not in parting.columns else ""
    width = max(len(left), len(right))
    return [
        f"different after {parting.equal:,} equal rows, {at}: {parting.kind}{what}",
        f"  {left:<{width}}  {row_text(parting.left, parting.columns)}",
        f"  {right:<{width}}  {row_text(parting.right, parting.columns)}",
    ]


def row_text(row: dict[str, Any] | None, columns: tuple[str, ...]) -> str:
    """A row in one line: what it is of, and what differs; all of it where the two are of different things."""
    if row is None:
        return "nothing more"
    head = " ".join(str(row[name]) for name in ("client_order_id", "instrument", "event") if row.get(name))
    named = [name for name in columns if name in row] if "table" not in columns else []
    if not named:
        named = [name for name in ("verdict", "side", "price", "qty", "ticks", "lots", "state", "mark") if name in row]
    return f"{row['table']}: {head} " + " ".join(f"{name}={row[name]}" for name in named)


def captured_told(replay: Replay, equal: bool) -> Told:
    """The verdict on a captured run."""
    recorded = replay.run.summary.get("run_hash") if (replay.run.path / "summary.json").is_file() else None
    hashed = replay.run_hash() if equal and replay.finished else None
    if hashed is not None and recorded is not None and hashed != recorded:
        equal = False
    data: dict[str, Any] = {
        "run_id": replay.run.run_id,
        "equal": equal,
        "whole": replay.finished,
        "inputs": replay.number,
        "records": replay.comparison.equal,
        "frames": replay.proven,
        "changed": replay.changed,
        "run_hash": {"recorded": recorded, "replayed": hashed},
        "difference": asdict(replay.difference) if replay.difference is not None else None,
    }
    return Told(equal, "\n".join(lines_of(data, replay)), data)


def lines_of(data: dict[str, Any], replay: Replay) -> list[str]:
    found = changed_lines(data["changed"])
    done = f"{data['records']:,} records of {data['inputs']:,} inputs, {data['frames']:,} frames decoded again"
    if replay.difference is not None:
        return [*found, *difference_lines(replay.difference), f"equal up to there: {done}"]
    hashes = data["run_hash"]
    if not data["equal"]:
        return [*found, f"{done} are equal, but not the end: run_hash {hashes['recorded']}, now {hashes['replayed']}"]
    found.append(f"equal: {done}")
    if hashes["replayed"] is not None:
        found.append(f"run_hash {hashes['replayed']}")
    else:
        found.append("the capture ends before the run's end: the process died, or the file was full")
    return found


def difference_lines(difference: Difference) -> list[str]:
    at = as_text(difference.ts)
    return [
        f"different at input {difference.number} ({difference.given}), {at}: {difference.kind}",
        f"  recorded: {side(difference.recorded)}",
        f"  replayed: {side(difference.replayed)}",
    ]


def side(said: dict[str, Any] | None) -> str:
    return "nothing" if said is None else json.dumps(said, ensure_ascii=False)
