"""Strategies that hold everything up: one loop does all, and while a strategy's code runs nothing else happens.

A handler that takes too long is an error of its strategy once it is over. So is a step of its `background`: what it
does between two of its awaits. Nobody can take the loop from code that does not give it back; a second signal ends
the process even then.
"""

import time
from collections.abc import Coroutine, Generator
from typing import Any, Final

import trio

from tickwright.engine.desk import Desk
from tickwright.engine.errors import TickwrightError

SLOW_S: Final = 1.0
"""What takes longer is an error: nothing else happens meanwhile."""


class SlowHandler(TickwrightError):
    """A strategy's code blocked the loop."""


def too_slow(name: str, took: float) -> SlowHandler:
    return SlowHandler(f"{name} took {took:.1f} s, expected at most {SLOW_S:g} s: everything waited for it")


def timed(strategy: str, name: str, handler: Any) -> Any:
    """A handler that is an error where it takes too long."""
    clock = time.perf_counter

    def called(*arguments: Any) -> None:
        begun = clock()
        handler(*arguments)
        took = clock() - begun
        if took > SLOW_S:
            raise too_slow(name, took)

    return called


async def background(desk: Desk) -> None:
    """A strategy's `background`, given up after a step that took too long.

    Raises:
        SlowHandler: such a step; beside whatever the strategy raises.
    """
    steps = Steps(desk.strategy.background())
    with steps.scope:
        await steps
    if steps.slow:
        raise too_slow("a step of background", steps.slow)


class Steps:
    """An awaitable that looks at the clock around each step of another; after a slow one it cancels `scope`."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self.work = work
        self.scope = trio.CancelScope()
        self.slow = 0.0

    def __await__(self) -> Generator[Any, Any, None]:
        given: Any = None
        raised: BaseException | None = None
        while True:
            begun = time.perf_counter()
            try:
                asked = self.work.send(given) if raised is None else self.work.throw(raised)
            except StopIteration:
                self.look(begun)
                return
            self.look(begun)
            given, raised = None, None
            try:
                given = yield asked
            except BaseException as error:  # handed to the work, whatever it is
                raised = error

    def look(self, begun: float) -> None:
        took = time.perf_counter() - begun
        if took > SLOW_S:
            self.slow = took
            self.scope.cancel()
