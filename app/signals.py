"""What the operating system's signals do to a run.

    SIGINT, SIGTERM    the first: an orderly stop; the second: out at once
    SIGHUP             an orderly stop, and never the second one: a closing terminal sends it beside others
    SIGUSR1            a kill of everything

Before the run has begun the first one gives its beginning up, and a kill waits for it.

The handlers are plain ones, not trio's receiver, because the second signal must work while a strategy's code holds the
loop. Whatever touches the run is handed to the loop; only `force` is called where the signal strikes.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final, Protocol

import trio

if TYPE_CHECKING:
    from tickwright.snapshot import Snapshot

ENDING: Final = (signal.SIGINT, signal.SIGTERM)
ALL: Final = (*ENDING, signal.SIGHUP, signal.SIGUSR1)

FORCED: Final = 4
"""The exit code of a process that was told twice to end."""

Said = Callable[[str], object]
"""Told the name of the signal."""


class Signalled(Protocol):
    """A run, as far as signals reach it."""

    def stop_by(self, signal: str) -> None: ...

    def leave_by(self, signal: str) -> None: ...

    def kill_by(self, signal: str) -> None: ...


class Ends:
    """Whom signals and the view reach: the run once there is one; before, whoever opens it."""

    def __init__(self, give_up: Callable[[], None]) -> None:
        self.early = ""
        self._give_up = give_up
        self._run: Signalled | None = None
        self._killed = ""
        self._snapshot: Callable[[], Snapshot] | None = None

    def begun(self, run: Signalled, snapshot: "Callable[[], Snapshot]") -> None:
        """From now on there is a run; a kill that came before it holds from its first moment."""
        self._run, self._snapshot = run, snapshot
        if self._killed:
            run.kill_by(self._killed)

    def snapshot(self) -> "Snapshot | None":
        return None if self._snapshot is None else self._snapshot()

    def stop(self, signal: str) -> None:
        if self._run is not None:
            self._run.stop_by(signal)
        else:
            self.early = signal
            self._give_up()

    def kill(self, signal: str) -> None:
        if self._run is not None:
            self._run.kill_by(signal)
        else:
            self._killed = signal

    def force(self, signal: str) -> None:
        if self._run is not None:
            self._run.leave_by(signal)
        os.write(2, f"tickwright: {signal} again: out at once; nothing was sent\n".encode())
        os._exit(FORCED)


async def signals(
    stop: Said, force: Said, kill: Said, task_status: "trio.TaskStatus[None]" = trio.TASK_STATUS_IGNORED
) -> None:
    """Listen to signals until cancelled; in the main thread only.

    `stop` and `kill` are called in the loop. `force` is called at once, between two instructions of whatever runs: it
    prints what may be left and ends the process (`os._exit`), and must not wait for anything.
    """
    token = trio.lowlevel.current_trio_token()
    ended = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal ended
        name = signal.Signals(number).name
        if number == signal.SIGUSR1:
            token.run_sync_soon(kill, name)
        elif ended and number in ENDING:
            force(name)
        else:
            ended = ended or number in ENDING
            token.run_sync_soon(stop, name)

    with handlers(handle):
        task_status.started()
        await trio.sleep_forever()


@contextmanager
def handlers(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handle) for number in ALL}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
