"""What every local venue is, whatever protocol it speaks: its record, its tasks, its faults, its ways in.

A venue derives from `LocalVenue` and adds what its protocol is about: `answer` to a REST request, `guest` for a client
that comes in by a socket, and what happens when one has `left`.

Time and randomness are passed in. Nothing in here waits on anything but trio's clock, so that a venue behind memory
streams runs on a virtual clock.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic

import trio

from tickwright.adapters.fault_rules import Deed, FaultScript, Rule
from tickwright.adapters.faults import Faults
from tickwright.adapters.local.crowd import Crowd
from tickwright.adapters.local.deeds import EVERYWHERE, Deeds, check_script
from tickwright.adapters.local.house import HOST, Guest, HttpAnswer, HttpRequest, Tongue
from tickwright.adapters.local.record import Done, Received, Record
from tickwright.adapters.local.server import serve_stream
from tickwright.adapters.local.sockets import Socket
from tickwright.engine.errors import LocalError
from tickwright.engine.times import SECOND


class LocalVenue(Generic[Done]):
    """A venue on this machine.

    `received` and `executed` are its own record of what clients asked and what it did, which no restart forgets.
    `wall` tells the time in nanoseconds UTC, `script` holds the faults, `actions` what they may want of this venue.

    Raises:
        OptionError: the script asks for what this venue cannot do.
    """

    feeds: Any = None
    """Who is told of the street's orders, where the exchange itself does not tell."""

    def __init__(
        self, wall: Callable[[], int], tongue: Tongue, script: FaultScript, actions: Sequence[str] = EVERYWHERE
    ) -> None:
        check_script(script, actions)
        self.now = wall
        self.tongue = tongue
        self.record: Record[Done] = Record()
        self.sockets: set[Socket] = set()
        self.connections: set[trio.CancelScope] = set()
        self.crowds: list[Crowd] = []
        self.faults = Faults(script)
        self.deeds = Deeds(self)
        self.port = 0
        self._nursery: trio.Nursery | None = None

    # --- what a venue of its own says ------------------------------------------------------------------------------

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """One REST request."""
        return self.tongue.refusal(404, "there is nothing here")

    def guest(self, send: Callable[[str, str], None]) -> Guest:
        """A client comes in by a socket; `send` takes a text and its kind, as fault scripts call it."""
        raise NotImplementedError  # each venue has clients of its own kind

    def left(self, guest: Any) -> None:
        """A client's connection has ended."""

    def expire_tokens(self) -> None:
        """Take back every proof that was given."""

    def restart(self, memory: bool) -> None:
        """Connections have ended; without memory all is as at the beginning."""

    def act(self, action: str) -> None:
        """What fault scripts may want of this venue beside what all can."""

    def pulse(self, at: int) -> None:
        """Do what is due by time, every `pulse_ns`."""

    pulse_ns = SECOND // 10

    # --- what others read ------------------------------------------------------------------------------------------

    @property
    def received(self) -> list[Received]:
        return self.record.received

    @property
    def executed(self) -> list[Done]:
        return self.record.executed

    @property
    def ws_url(self) -> str:
        return f"ws://{HOST}:{self.port}{self.tongue.stream_path}"

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def down(self) -> bool:
        """Whether it is away, and takes no connection."""
        return self.deeds.down

    def mono(self) -> int:
        """Nanoseconds of a clock that no wall clock moves."""
        return int(trio.current_time() * SECOND)

    # --- ways in ---------------------------------------------------------------------------------------------------

    def open_stream(self) -> trio.abc.Stream:
        """The client's end of a connection in memory, for HTTP or for a WebSocket."""
        from trio.testing import memory_stream_pair

        ours, theirs = memory_stream_pair()
        self.start(serve_stream, self, ours)
        return theirs

    def do(self, deed: Deed) -> None:
        """Do what a fault script would have done, now."""
        self.deeds.do(deed)

    def inject(self, rule: Rule) -> None:
        """One rule of faults more, its times counted from now."""
        self.faults.add(rule, self.mono())
        self.deeds.wake()

    # --- running ---------------------------------------------------------------------------------------------------

    def start(self, task: Callable[..., Any], *arguments: object) -> None:
        """A task of its own."""
        if self._nursery is None:
            raise LocalError("local venue: expected one that runs, received one that was not started")
        self._nursery.start_soon(task, *arguments)

    async def run(self, nursery: trio.Nursery, port: int | None) -> None:
        """Start every task in `nursery`, and listen where a port is given (0: any that is free)."""
        self._nursery = nursery
        self.faults.start(self.mono())
        nursery.start_soon(self.deeds.run)
        for crowd in self.crowds:
            crowd.open(self.now(), self.feeds)
        nursery.start_soon(self._beat)
        if port is not None:
            listeners = await trio.open_tcp_listeners(port, host=HOST)
            self.port = listeners[0].socket.getsockname()[1]
            nursery.start_soon(partial(trio.serve_listeners, partial(serve_stream, self), listeners))

    async def _beat(self) -> None:
        """The market's bouts and the pulses, in one task, so that the same seed gives the same market."""
        pulse = trio.current_time()
        bouts = [pulse] * len(self.crowds)
        while True:
            # Each is reckoned from its last due time, so that a late one does not shift those that follow.
            await trio.sleep_until(min(pulse, *bouts) if bouts else pulse)
            now, at = trio.current_time(), self.now()
            for number, crowd in enumerate(self.crowds):
                if bouts[number] <= now:
                    crowd.act(at, self.feeds)
                    bouts[number] = max(bouts[number] + crowd.pause(at) / SECOND, now)
            if now >= pulse:
                self.pulse(at)
                pulse = max(pulse + self.pulse_ns / SECOND, now)
