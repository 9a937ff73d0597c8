"""The ``KILL`` file: a kill that needs no process to answer, and holds over a start.

Any file of that name in the state folder stops everything, empty or not: a person under stress types ``touch KILL``.
The lines that `write_kill` writes are JSON and may mean less than everything. What cannot be understood is taken as a
kill of everything.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import trio
from attrs import asdict, frozen

from tickwright.state import StateFolder, private_file

KILL_BYTES: Final = 1 << 16
"""More of a KILL file than that is not read; one kill takes 200 bytes."""


LEVELS: Final = ("strategy", "instrument", "venue", "global")
MODES: Final = ("pause", "cancel", "flatten")


@frozen(kw_only=True)
class KillOrder:
    """One kill that is asked for: what it covers, how far it goes, why, and who asks."""

    level: str = "global"
    name: str = ""
    mode: str = "cancel"
    reason: str = "a KILL file in the state folder"
    by: str = "file"


def write_kill(folder: StateFolder, order: KillOrder) -> None:
    """Add a kill to the KILL file; it is there whole when this returns, or not at all."""
    # What a person wrote there before may lack the end of its line.
    line = "\n" + json.dumps({**asdict(order), "ts": time.time_ns()}) + "\n"
    file = private_file(folder.kill_file)
    try:
        os.write(file, line.encode())
        os.fsync(file)
    finally:
        os.close(file)


def read_kills(path: Path) -> list[KillOrder]:
    """What a KILL file asks for: a line of ours each, anything else a kill of everything; empty where it is missing.

    A file that cannot be read asks for everything, too: it is there.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            text = file.read(KILL_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    except OSError:
        return [KillOrder()]
    lines = [line for line in text.splitlines() if line.strip()]
    asked: dict[tuple[str, str, str], KillOrder] = {}
    for order in [_read_kill(line) for line in lines] or [KillOrder()]:
        asked.setdefault((order.level, order.name, order.mode), order)
    return list(asked.values())


def _read_kill(line: str) -> KillOrder:
    """One line: JSON with known words, else whatever a person wrote there is the reason to stop everything."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        words = "".join(char for char in line if char.isprintable())[:200].strip()
        return KillOrder(reason=words or KillOrder().reason)
    parts = [told.get(name) for name in ("level", "name", "mode", "reason", "by")]
    level, name, mode, reason, by = (word if isinstance(word, str) else "" for word in parts)
    order = KillOrder(level=level, name=name, mode=mode, reason=reason.strip() or KillOrder().reason, by=by)
    sound = level in LEVELS and (level == "global") == (not name) and mode in MODES
    return order if sound else KillOrder(reason=order.reason)


def clear_kill(path: Path, level: str, name: str) -> None:
    """Take the kills of one scope out of the KILL file, so that a start does not raise them again."""

    def meant(order: KillOrder) -> bool:
        # Venues are spelled in small letters in a config and in capitals in ids.
        return order.level == level and (
            order.name == name or (level == "venue" and order.name.upper() == name.upper())
        )

    left = [order for order in read_kills(path) if not meant(order)]
    if not left:
        path.unlink(missing_ok=True)
        return
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    file = private_file(beside, os.O_WRONLY | os.O_EXCL)
    try:
        os.write(file, "".join(json.dumps(asdict(order)) + "\n" for order in left).encode())
        os.fsync(file)
    finally:
        os.close(file)
    beside.replace(path)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


async def watch_kill_file(
    path: Path,
    on_kill: Callable[[KillOrder], None],
    every_s: float = 0.5,
    task_status: "trio.TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Hand over every kill of the KILL file, and again whenever the file changes.

    What is there already has been handed over when `nursery.start` returns.
    """
    seen = None
    begun = False
    while True:
        now = _stamp(path)
        if now != seen:
            for order in read_kills(path):
                on_kill(order)
        seen = now
        if not begun:
            begun = True
            task_status.started()
        await trio.sleep(every_s)
