"""Where a process dies: the journal's crash points J1 to J16, each a place in the program at which it is killed.

Most points are calls: the wrapped call counts down and the process sends itself SIGKILL before, within or after it.
Points inside a write are real torn writes: the size that files may have is limited in the middle of what is about to
be written, so that the kernel itself ends the process within its system call, with a part of the bytes on the disk.
"""

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tickwright import assembling
from tickwright.adapters.guard import Guard
from tickwright.adapters.powertrade.venue import PowerTradeVenue
from tickwright.adapters.tdx.venue import TdxVenue
from tickwright.engine import journal as journals
from tickwright.engine.events import OrderAccepted, OrderExecuted
from tickwright.engine.intake import Intake
from tickwright.engine.journal import Journal, States
from tickwright.engine.journal_folder import Disk, Folder
from tickwright.engine.live import Live
from tickwright.engine.recall import Memory
from tickwright.reports.parquet import RunWriter

POINTS = tuple(f"J{number}" for number in range(1, 17))
WIRES = (TdxVenue, PowerTradeVenue)
EARLY = ("J13", "J16")
"""Points before a run trades: they are armed before it is opened."""


class Mine:
    """Lies at one point and kills the process there, the `nth` time that it is passed; inactive until `armed`.

    `tell` is called with the order at which it died, if it is at one.
    """

    def __init__(self, point: str, rng: Random, tell: Callable[[str], None]) -> None:
        self.point = point
        self.rng = rng
        self.tell = tell
        self.armed = False
        self.nth = rng.randrange(1, 4)
        self.victim = ""
        lay(self)

    def passed(self, victim: str = "") -> None:
        """The point is passed: die, if it is time."""
        if self.due():
            self.die(victim)

    def due(self) -> bool:
        if not self.armed:
            return False
        self.nth -= 1
        return self.nth == 0

    def die(self, victim: str = "") -> None:
        self.tell(victim)
        os.kill(os.getpid(), signal.SIGKILL)

    def tear(self, path: Path, room: int, write: Callable[[], Any]) -> None:
        """Carry out a write, and die within it if it grows or rewrites the file beyond a random place.

        `room` is how far beyond the file's end that place may be; 0: anywhere before the end.
        """
        size = path.stat().st_size if path.exists() else 0
        limit = size + self.rng.randrange(1, room) if room else self.rng.randrange(1, max(size, 2))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        before = signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            write()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)


def wrap(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    setattr(owner, name, make(getattr(owner, name)))


def lay(mine: Mine) -> None:
    """Wrap what the mine's point needs."""
    LAYERS[int(mine.point[1:])](mine)


def at_append(event: str) -> Callable[[Mine], None]:
    """Before the record of an order's event is handed to the journal."""

    def layer(mine: Mine) -> None:
        def make(append: Any) -> Any:
            def appending(self: Any, kind: str, body: Any, ts: int) -> None:
                if kind == "order" and body["event"] == event:
                    mine.passed(body["id"])
                append(self, kind, body, ts)

            return appending

        wrap(assembling.CleanJournal, "append", make)

    return layer


def has(pending: list[tuple[int, str, bytes]], kind: str, event: str = "") -> bool:
    mark = f'"event":"{event}"'.encode() if event else b""
    return any(each == kind and mark in body for _, each, body in pending)


def within_commit(event: str) -> Callable[[Mine], None]:
    """Within the commit that has an order's event: torn at a random byte of the log, or before the head."""

    def layer(mine: Mine) -> None:
        between = event == "SEND_START" and mine.rng.random() < 0.4
        writing = []

        def make(write: Any) -> Any:
            def committing(self: Journal, pending: Any) -> None:
                if mine.armed and has(pending, "order", event):
                    mine.nth -= 1
                    if mine.nth <= 0:
                        log = self.folder.path / "journal.db-wal"
                        if between:
                            writing.append(True)
                            write(self, pending)
                        else:
                            mine.tell("")
                            mine.tear(log, 4000 * mine.rng.choice((1, 1, 2)), lambda: write(self, pending))
                        return
                write(self, pending)

            return committing

        def heading(write_head: Any) -> Any:
            def before(self: Folder, head: Any) -> None:
                if writing:
                    mine.die()
                write_head(self, head)

            return before

        wrap(Journal, "_write", make)
        wrap(Folder, "write_head", heading)

    return layer


def submitted(mine: Mine) -> None:
    """J5: the commit is over, no byte has left."""
    for wire in WIRES:

        def make(submit: Any) -> Any:
            def submitting(self: Any, order: Any) -> None:
                mine.passed(order.client_order_id)
                submit(self, order)

            return submitting

        wrap(wire, "submit", make)


def written(whole: bool) -> Callable[[Mine], None]:
    """J6, J7: in the middle of an order's frame, or right after it."""

    def layer(mine: Mine) -> None:
        for wire in WIRES:

            def make(submit: Any) -> Any:
                def submitting(self: Any, order: Any) -> None:
                    if mine.due():
                        mine.victim = order.client_order_id
                    submit(self, order)

                return submitting

            wrap(wire, "submit", make)

        def sending(send_all: Any) -> Any:
            async def send(self: Guard, data: Any) -> None:
                if mine.victim and len(data) > 60:
                    part = data if whole else bytes(data)[: mine.rng.randrange(1, len(data))]
                    await self._stream.send_all(part)
                    mine.die(mine.victim)
                await send_all(self, data)

            return send

        wrap(Guard, "send_all", sending)

    return layer


def heard(kind: type) -> Callable[[Mine], None]:
    """J8, J9: what the venue said was read, and is not yet in the journal."""

    def layer(mine: Mine) -> None:
        def make(apply: Any) -> Any:
            def applying(self: Any, event: Any) -> None:
                if isinstance(event, kind):
                    mine.passed(event.client_order_id)
                apply(self, event)

            return applying

        wrap(Intake, "apply", make)

    return layer


def booked(mine: Mine) -> None:
    """J10: an execution is in the journal, and nothing followed from it yet."""

    def make(write: Any) -> Any:
        def writing(self: Journal, pending: Any) -> None:
            write(self, pending)
            if mine.armed and has(pending, "fill"):
                mine.passed()

        return writing

    wrap(Journal, "_write", make)


def rotated(mine: Mine) -> None:
    """J11: while the snapshot is made that begins the next file."""
    mine.nth = mine.rng.randrange(1, 8)
    torn = mine.rng.random() < 0.4
    inside = []

    def make(rotate: Any) -> Any:
        def rotating(self: Journal, *arguments: Any) -> Any:
            if not mine.armed:
                return rotate(self, *arguments)
            inside.append(True)
            if torn:
                mine.tell("")
                mine.tear(self.folder.path / "journal.next", 30_000, lambda: rotate(self, *arguments))
                return None
            done = rotate(self, *arguments)
            mine.die()
            return done

        return rotating

    def step(name: str) -> None:
        def make(call: Any) -> Any:
            def calling(self: Disk, *arguments: Any) -> Any:
                if inside and not torn:
                    mine.passed()
                return call(self, *arguments)

            return calling

        wrap(Disk, name, make)

    wrap(Journal, "rotate", make)
    for name in ("link", "replace", "remove", "sync", "overwrite"):
        step(name)


def checkpointed(mine: Mine) -> None:
    """J12: while SQLite moves its log into the database."""
    journals.CHECKPOINT_BYTES = 30_000  # type: ignore[misc]

    def make(checkpoint: Any) -> Any:
        def checkpointing(self: Journal) -> None:
            if mine.due():
                mine.tell("")
                mine.tear(self.folder.records, 0, lambda: checkpoint(self))
                mine.nth = 1
            else:
                checkpoint(self)

        return checkpointing

    wrap(Journal, "checkpoint", make)


def asked(mine: Mine) -> None:
    """J13: while the venue is asked: before a question, or with its answer in hand."""
    mine.nth = mine.rng.randrange(1, 9)
    for wire in WIRES:
        for name in ("trades", "open_orders", "holdings", "order"):

            def make(question: Any) -> Any:
                async def asking(self: Any, *arguments: Any) -> Any:
                    mine.passed()
                    answer = await question(self, *arguments)
                    mine.passed()
                    return answer

                return asking

            wrap(wire, name, make)


def killed(mine: Mine) -> None:
    """J14: while a kill cancels everything."""
    mine.nth = mine.rng.randrange(1, 5)

    def make(cancel: Any) -> Any:
        def cancelling(self: Any, order: Any, request_id: int) -> None:
            mine.passed(order.client_order_id)
            cancel(self, order, request_id)

        return cancelling

    for wire in WIRES:
        wrap(wire, "cancel", make)

    def latched(write_now: Any) -> Any:
        def writing(self: Journal, kind: str, body: Any) -> bool:
            done = write_now(self, kind, body)
            if mine.armed and kind == "latches" and mine.nth == 1:
                mine.die()
            return bool(done)

        return writing

    wrap(Journal, "write_now", latched)


def shut_down(mine: Mine) -> None:
    """J15: while a run that was stopped writes what is left."""
    mine.nth = mine.rng.randrange(1, 9)

    def step(owner: Any, name: str) -> None:
        def make(call: Any) -> Any:
            def calling(self: Any, *arguments: Any) -> Any:
                mine.passed()
                done = call(self, *arguments)
                mine.passed()
                return done

            return calling

        wrap(owner, name, make)

    step(States, "save")
    step(RunWriter, "close")
    step(Journal, "close")
    step(Folder, "sync_head")
    if hasattr(Live, "end"):
        step(Live, "end")


def recovering(mine: Mine) -> None:
    """J16: while the journal is read back, and while the first things are written."""
    mine.nth = mine.rng.choice((1, 2, 5, 20, 60, 200))

    def step(owner: Any, name: str) -> None:
        def make(call: Any) -> Any:
            def calling(self: Any, *arguments: Any) -> Any:
                mine.passed()
                return call(self, *arguments)

            return calling

        wrap(owner, name, make)

    step(Memory, "read")
    step(Memory, "settle")
    step(Journal, "append")
    step(Journal, "commit")
    step(Folder, "write_head")


def full(mine: Mine) -> None:
    """F34: the disk is full: no file may grow any more, and writes fail."""

    def make(write: Any) -> Any:
        def writing(self: Journal, pending: Any) -> None:
            if mine.due():
                mine.tell("")
                size = (self.folder.path / "journal.db-wal").stat().st_size
                _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (size + mine.rng.randrange(1, 4000), hard))
            write(self, pending)

        return writing

    wrap(Journal, "_write", make)


LAYERS: dict[int, Callable[[Mine], None]] = {
    1: at_append("INTENT"),
    2: within_commit("INTENT"),
    3: at_append("SEND_START"),
    4: within_commit("SEND_START"),
    5: submitted,
    6: written(False),
    7: written(True),
    8: heard(OrderAccepted),
    9: heard(OrderExecuted),
    10: booked,
    11: rotated,
    12: checkpointed,
    13: asked,
    14: killed,
    15: shut_down,
    16: recovering,
    34: full,
}
