"""What the operating system's signals do to a run.

    SIGINT, SIGTERM    the first: an orderly stop; the second: out at once
    SIGHUP             an orderly stop, and never the second one: a closing terminal sends it beside others
    SIGUSR1            a kill of everything

The handlers are plain ones, not trio's receiver, because the second signal must work while a strategy's code holds the
loop. Whatever touches the run is handed to the loop; only `force` is called where the signal strikes.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import trio

ENDING: Final = (signal.SIGINT, signal.SIGTERM)
ALL: Final = (*ENDING, signal.SIGHUP, signal.SIGUSR1)

Said = Callable[[str], object]
"""Told the name of the signal."""


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
