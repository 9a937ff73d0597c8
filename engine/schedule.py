"""What is due when: the strategies' timers, the intervals of their watches, and the core's own seconds."""

from heapq import heappop, heappush, heapreplace

from tickwright.engine.desk import Desk, Watch
from tickwright.engine.terms import NO_TIME


class Schedule:
    """A heap by time, then by the order in which the timers were made."""

    __slots__ = ("due", "heap", "made")

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, Desk | None, str, int, Watch | None]] = []
        self.made = 0
        self.due = NO_TIME

    def add(self, due: int, desk: Desk | None, name: str, step: int, watch: Watch | None) -> None:
        self.made += 1
        heappush(self.heap, (due, self.made, desk, name, step, watch))
        self.due = self.heap[0][0]

    def pop(self) -> tuple[int, int, Desk | None, str, int, Watch | None]:
        """Take the earliest; one that repeats is put back for its next time."""
        first = self.heap[0]
        due, _, desk, name, step, watch = first
        if step:
            self.made += 1
            heapreplace(self.heap, (due + step, self.made, desk, name, step, watch))
        else:
            heappop(self.heap)
        self.due = self.heap[0][0] if self.heap else NO_TIME
        return first

    def shift(self, by: int) -> None:
        """Move every timer by so much, as a run does that goes over from a recording to the present."""
        self.heap = [(due + by, made, desk, name, step, watch) for due, made, desk, name, step, watch in self.heap]
        self.due = self.heap[0][0] if self.heap else NO_TIME
