"""What time it is in a run on a live market; the only place of the engine that reads a clock."""

import time
from collections.abc import Callable

import trio

from tickwright.engine.times import SECOND


class RunClock:
    """The two times of a run, see `Clock`: trio's clock moves the one, and so tests move it as well."""

    __slots__ = ("begun_mono", "begun_wall", "wall_ns")

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self.wall_ns = wall_ns
        self.begun_wall = wall_ns()
        self.begun_mono = trio.current_time()

    def now(self) -> int:
        return self.begun_wall + round((trio.current_time() - self.begun_mono) * SECOND)

    def wall(self) -> int:
        return self.wall_ns()

    def trio_time(self, ns: int) -> float:
        """A moment of the run as a deadline."""
        return self.begun_mono + (ns - self.begun_wall) / SECOND
