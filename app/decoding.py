"""Takes what the connections of a captured run gave through the venues' codecs and links once more."""

from typing import Any

import msgspec
from attrs import define, field

from tickwright.capture import encode
from tickwright.captured import Heard
from tickwright.engine.events import BackOff, ClockMeasured, Event, MessageRefused, QueryWanted, SendFailed
from tickwright.engine.wire import Wire
from tickwright.redact import Redactor
from tickwright.stand_ins import ReplayedClock


class Gathered:
    """An inbox that only gathers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event) -> None:
        self.events.append(event)

    async def room(self) -> None: ...


@define(eq=False)
class Decoder:
    """One venue's codec and link, which take the captured frames in once more; `proven` counts them."""

    wire: Wire
    clock: ReplayedClock
    inbox: Gathered = field(factory=Gathered)
    proven: int = 0
    able: bool = True
    redactor: Redactor = field(factory=Redactor)

    def again(self, heard: Heard) -> tuple[list[Any], list[Any]] | None:
        """Take one thing in; what came of it then and now, where that differs."""
        again = getattr(self.wire, "again", None)
        if again is None or not self.able:
            return None
        self.clock.times.clear()
        self.clock.last = heard.at
        self.inbox.events.clear()
        self.able = again(heard.what, heard.at, heard.content, self.inbox)
        if not self.able:
            return None
        self.proven += 1
        then = [told(event, self.redactor) for event in heard.events]
        now = [told(event, self.redactor) for event in self.inbox.events]
        return None if then == now else (then, now)


def told(event: Event, redactor: Redactor) -> dict[str, Any]:
    """An event as plain data, without the time at which an adapter came to tell of itself."""
    said: dict[str, Any] = {"event": type(event).__name__, **msgspec.json.decode(encode(event))}
    if isinstance(event, SendFailed | QueryWanted | MessageRefused | BackOff | ClockMeasured):
        del said["ts"]
    if said.get("reason"):
        said["reason"] = redactor.text(said["reason"])
    return said
