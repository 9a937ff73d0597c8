"""One seed decides everything: in which order tasks run, which names are drawn, what the disk says.

trio shuffles the tasks of each turn on purpose; told to be deterministic, it does so from a source that can be seeded.
Deadlines that fall together are not covered by that, so nothing that matters may hang on their order. With it, and with
virtual time and streams in memory, a run repeats to the last record, in this process, in another, and whatever
PYTHONHASHSEED is.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import trio._core._run as scheduler

from tickwright.engine.journal_folder import Disk
from tickwright.engine.journal_reading import open_reading, picked

FREE_BYTES = 1 << 40
"""What the disk has left: the real figure is in every decision, and another one the next moment."""


@contextmanager
def determined(seed: int) -> Iterator[None]:
    """What runs within is the same for the same seed."""
    dice = Random(seed)
    before = scheduler._ALLOW_DETERMINISTIC_SCHEDULING
    real = Disk.random, Disk.free_bytes
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True
    scheduler._r.seed(seed)
    Disk.random = lambda self, count: dice.randbytes(count)  # type: ignore[method-assign]
    Disk.free_bytes = lambda self, file: FREE_BYTES  # type: ignore[method-assign]
    try:
        yield
    finally:
        scheduler._ALLOW_DETERMINISTIC_SCHEDULING = before
        Disk.random, Disk.free_bytes = real  # type: ignore[method-assign]


def print_of(stack: Any, folder: Path) -> str:
    """A run in sixteen letters: its journal, what reached the venue and when, what was said, which faults struck."""
    total = hashlib.sha256()
    for line in story(stack):
        total.update(line.replace(str(folder), "").encode())
    return total.hexdigest()[:16]


def story(stack: Any) -> Iterator[str]:
    """The same as lines. How a run is called and where it lies is not part of it."""
    with open_reading(stack.run.config.state_folder) as reader:
        for record in picked(reader, 0, None):
            yield f"{record.seq} {record.ts} {record.kind} {b'' if record.kind == 'run' else record.body!r}\n"
    reader.close()
    for kept in (stack.venue.received, stack.said, stack.venue.faults.fired):
        yield from (f"{each!r}\n" for each in kept)
