"""The inbox of a live run: a mailbox that rings when something is put in, and makes readers wait when it is full."""

from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

import trio

from tickwright.engine.events import Event
from tickwright.engine.mailbox import MOST, Mailbox

NOBODY: Final = nullcontext()


class Listener(Protocol):
    """Hears what comes in, as it comes."""

    def put(self, event: Event) -> None: ...

    def during(self, venue: str, what: str, at: int, content: str | bytes) -> AbstractContextManager[None]: ...


class Doorbell:
    """The inbox as adapters see it: a mailbox that rings. `listener`, where there is one, hears of all that comes."""

    __slots__ = ("listener", "mailbox", "ring", "space")

    def __init__(self) -> None:
        self.listener: Listener | None = None
        self.mailbox = Mailbox()
        self.ring = trio.Event()
        self.space = trio.Event()

    def put(self, event: Event) -> None:
        if self.listener is not None:
            self.listener.put(event)
        self.mailbox.put(event)
        self.ring.set()

    def during(self, venue: str, what: str, at: int, content: str | bytes = "") -> AbstractContextManager[None]:
        """What is put in within this comes of what the adapter was given then: a frame, as it was received."""
        return NOBODY if self.listener is None else self.listener.during(venue, what, at, content)

    async def room(self) -> None:
        while self.mailbox.full:
            self.space = trio.Event()
            await self.space.wait()

    def made_room(self) -> None:
        if len(self.mailbox) < MOST // 2:
            self.space.set()
