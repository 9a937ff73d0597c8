"""What an adapter has to tell the engine, as events into its inbox; shared by all venues."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from tickwright.engine.events import BackOff, ClockMeasured, Event, MessageRefused, QueryWanted, SendFailed
from tickwright.engine.wire import Clock, Inbox

HELD_MAX: Final = 1024
"""Kept while nobody listens yet; what comes on top is dropped. Before `run` only questions are asked."""

_NOBODY: Final = nullcontext()


class Teller:
    """Puts events into the inbox; before there is one, keeps a few."""

    def __init__(self, venue: str, clock: Clock) -> None:
        self._venue, self._clock = venue, clock
        self._inbox: Inbox | None = None
        self._held: list[Event] = []
        self._during: Any = None

    def attach(self, inbox: Inbox) -> None:
        """From now on there is an inbox."""
        self._inbox = inbox
        self._during = getattr(inbox, "during", None)
        self.put(self._held)
        self._held = []

    def during(self, what: str, at: int, content: str | bytes = "") -> AbstractContextManager[None]:
        """What is told within this comes of `what` the connection gave: where the run is captured, it is written down
        as it came, and `again` of the venue can take it in once more."""
        if self._during is None:
            return _NOBODY
        heard: AbstractContextManager[None] = self._during(self._venue, what, at, content)
        return heard

    async def room(self) -> None:
        if self._inbox is not None:
            await self._inbox.room()

    def put(self, events: Iterable[Event]) -> None:
        for event in events:
            if self._inbox is not None:
                self._inbox.put(event)
            elif len(self._held) < HELD_MAX:
                self._held.append(event)

    def want(self, client_order_id: str, reason: str) -> None:
        """Something that only asking can settle."""
        now = self._clock.now()
        self.put([QueryWanted(venue=self._venue, client_order_id=client_order_id, reason=reason, ts=now)])

    def send_failed(self, client_order_id: str, cancel: bool, reason: str) -> None:
        """A request that may not have left whole."""
        now = self._clock.now()
        self.put([SendFailed(client_order_id=client_order_id, cancel=cancel, reason=reason, ts=now)])

    def refused(self, field: str, reason: str) -> None:
        """Something from the venue that was not taken."""
        self.put([MessageRefused(venue=self._venue, field=field, reason=reason, ts=self._clock.now())])

    def back_off(self, until: int, reason: str) -> None:
        """The venue wants us to wait."""
        self.put([BackOff(venue=self._venue, until=until, reason=reason, ts=self._clock.now())])

    def measured(self, low: int, high: int) -> None:
        """The venue's wall clock minus ours lies between these."""
        self.put([ClockMeasured(venue=self._venue, low=low, high=high, ts=self._clock.now())])
