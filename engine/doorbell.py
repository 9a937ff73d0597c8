"""The inbox of a live run: a mailbox that rings when something is put in, and makes readers wait when it is full."""

import trio

from tickwright.engine.events import Event
from tickwright.engine.mailbox import MOST, Mailbox


class Doorbell:
    """The inbox as adapters see it: a mailbox that rings."""

    __slots__ = ("mailbox", "ring", "space")

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.ring = trio.Event()
        self.space = trio.Event()

    def put(self, event: Event) -> None:
        self.mailbox.put(event)
        self.ring.set()

    async def room(self) -> None:
        while self.mailbox.full:
            self.space = trio.Event()
            await self.space.wait()

    def made_room(self) -> None:
        if len(self.mailbox) < MOST // 2:
            self.space.set()
