"""What has happened and was not looked at yet: one queue for the whole run, in order of arrival.

While the core keeps up, every event is taken as it came. Once it is behind, level changes of a book that wait here
are merged: the newest quantity of each level wins, at the place of the first. Trades and whatever concerns orders are
never merged and never dropped; when too many of them wait, the readers are asked to wait instead (`full`), so that
the network holds the rest.
"""

from collections import deque

from tickwright.engine.events import BookChanged, BookLost, Event

MERGE_FROM = 32
"""So many events may wait before level changes are merged."""

MOST = 16_384
"""So many events may wait before readers pause: some 10 MiB. Merged books are bounded by their levels."""


class Merged:
    """Level changes of one book that wait together."""

    __slots__ = ("first", "levels", "snapshot", "ts", "venue_ts")

    def __init__(self, first: BookChanged) -> None:
        self.first = first
        self.snapshot = first.snapshot
        self.levels: dict[tuple[int, int], int] = {}
        self.add(first)

    def add(self, event: BookChanged) -> None:
        if event.snapshot:
            self.snapshot = True
            self.levels.clear()
        for side, ticks, lots in event.changes:
            self.levels[side, ticks] = lots
        self.ts = event.ts
        self.venue_ts = event.venue_ts

    def event(self) -> BookChanged:
        return BookChanged(
            instrument=self.first.instrument,
            changes=tuple((side, ticks, lots) for (side, ticks), lots in self.levels.items()),
            snapshot=self.snapshot,
            ts=self.ts,
            venue_ts=self.venue_ts,
        )


class Mailbox:
    """The queue. `merged` counts the messages that were merged into one that waited."""

    __slots__ = ("merged", "queue", "waiting")

    def __init__(self) -> None:
        self.queue: deque[Event | Merged] = deque()
        self.waiting: dict[str, Merged] = {}
        self.merged = 0

    def __len__(self) -> int:
        return len(self.queue)

    @property
    def full(self) -> bool:
        return len(self.queue) >= MOST

    def put(self, event: Event) -> None:
        """Add one event."""
        if isinstance(event, BookChanged):
            waits = self.waiting.get(event.instrument)
            if waits is not None:
                waits.add(event)
                self.merged += 1
                return
            if len(self.queue) >= MERGE_FROM:
                first = Merged(event)
                self.waiting[event.instrument] = first
                self.queue.append(first)
                return
        elif isinstance(event, BookLost):
            self.waiting.pop(event.instrument, None)
        self.queue.append(event)

    def take(self) -> Event:
        """The oldest event."""
        first = self.queue.popleft()
        if isinstance(first, Merged):
            if self.waiting.get(first.first.instrument) is first:
                del self.waiting[first.first.instrument]
            return first.event()
        return first
