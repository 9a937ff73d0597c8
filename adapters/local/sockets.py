"""One WebSocket connection on a stream that the HTTP side has accepted: frames in and out, pings, closing.

Reading and writing are two tasks. What is to be sent waits in a bounded queue; a client that does not read is closed
rather than waited for.
"""

import math
from collections import deque
from typing import Final

import trio
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from tickwright.adapters.fault_lane import Lane
from tickwright.adapters.fault_rules import IN, OPENED, OUT, Cut, Deed, Disconnect, Inject, Passing, Stall, Swallow
from tickwright.adapters.local.house import House
from tickwright.engine.terms import NO_TIME
from tickwright.engine.times import SECOND

QUEUE_MAX: Final = 20_000
"""Messages that may wait for a client: ten seconds of a very busy market."""
BATCH: Final = 64
READ_BYTES: Final = 65_536
CLOSE_WAIT_S: Final = 2.0
NO_LIMIT: Final = 1 << 62
"""Bytes: more than any connection sends."""
WHOLE: Final = -1
"""The connection is reset after all of a message."""
_TOO_BIG: Final = 1009
_TOO_SLOW: Final = 1013
_GOING: Final = 1001


class Socket:
    """A connection from its handshake to its end."""

    def __init__(self, venue: House, stream: trio.abc.Stream, trailing: bytes) -> None:
        self._venue = venue
        self._stream = stream
        self._ws = Connection(ConnectionType.SERVER, trailing_data=trailing)
        self._out: deque[tuple[Event | bytes, int]] = deque()
        self._wake = trio.Event()
        self._closing = False
        self._parts: list[str | bytes | bytearray] = []
        self._size = 0
        self._scope = trio.CancelScope()
        self._lanes = {IN: Lane(venue.faults, IN), OUT: Lane(venue.faults, OUT)}
        self._late = trio.Event()
        self._written = trio.Event()
        self._stalled_until = {IN: 0.0, OUT: 0.0}
        self._bytes_left = NO_LIMIT
        self._swallows = False
        self.client = venue.guest(self.queue)
        self._tongue = venue.tongue

    async def run(self) -> None:
        """Serve until either side ends it."""
        self._venue.sockets.add(self)
        try:
            for deed in self._venue.faults.passing(Passing(direction=IN, kind=OPENED), self._venue.mono()).deeds:
                self.do(deed, OPENED)
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, nursery.cancel_scope)
                    nursery.start_soon(self._deliver_late)
                    if await self._read():
                        self._end()
                        with trio.move_on_after(CLOSE_WAIT_S):
                            await self._written.wait()
                    nursery.cancel_scope.cancel()
        finally:
            self._venue.sockets.discard(self)
            self.client.close()
            self._venue.left(self.client)

    def queue(self, text: str, kind: str) -> None:
        """Send a message as soon as the client takes it, or as the faults will have it."""
        if self._swallows:
            return
        if self._venue.faults.idle:
            self._say(text)
            return
        deeds = self._lanes[OUT].put(kind, text, self._venue.mono(), self._tongue.topic_of(text))
        self._pump(OUT)
        for deed in deeds:
            self.do(deed, kind)

    def close(self, code: int = _GOING, reason: str = "") -> None:
        """Say goodbye and end."""
        if not self._closing:
            self._put(CloseConnection(code=code, reason=reason))
            self._closing = True

    def abort(self) -> None:
        """End without a word."""
        self._scope.cancel()

    def _say(self, text: str) -> None:
        if len(self._out) >= QUEUE_MAX:
            self._out.clear()
            self.close(_TOO_SLOW, "messages were not read")
        if not self._closing:
            self._put(TextMessage(data=text))

    def _put(self, event: Event | bytes) -> None:
        self._out.append((event, NO_LIMIT))
        self._wake.set()

    def _end(self) -> None:
        """Nothing more is said; what waits is still sent."""
        self._closing = True
        self._wake.set()

    # --- faults ---------------------------------------------------------------------------------------------------

    def do(self, deed: Deed, kind: str = "") -> None:
        """Carry out what a fault wants; `kind` is the message's that brought it about, if any."""
        match deed:
            case Cut(size=size) if kind == OPENED:
                self._bytes_left = size
            case Cut(size=size):
                if self._out:
                    self._out[-1] = (self._out[-1][0], size)
            case Stall(direction=direction, length=length):
                until = trio.current_time() + length / SECOND if length else math.inf
                self._stalled_until |= {name: until for name in (IN, OUT) if direction in ("", name)}
            case Disconnect(code=0, performed=True) if self._out:
                self._out[-1] = (self._out[-1][0], WHOLE)
            case Disconnect(code=0):
                self.abort()
            case Disconnect(code=code):
                self.close(code)
            case Inject(text=text, raw=raw, copies=copies):
                for _ in range(copies):
                    self._put(raw or TextMessage(data=text))
            case _:
                self._venue.do(deed)

    def _receive(self, frame: str | bytes, kind: str) -> None:
        """A message has come: carry it out, unless a fault comes between."""
        faults = self._venue.faults
        if faults.idle or isinstance(frame, bytes):
            self.client.receive(frame)
            return
        deeds = self._lanes[IN].put(kind, frame, self._venue.mono(), self._tongue.topic_of(frame))
        ends = [deed for deed in deeds if isinstance(deed, Cut | Disconnect | Swallow)]
        for end in ends:
            lost = isinstance(end, Disconnect) and not end.performed
            if lost or (isinstance(end, Cut) and end.size < len(frame)):
                self.abort()
                return
        self._swallows = bool(ends)
        self._pump(IN)
        self._swallows = False
        if any(not isinstance(end, Swallow) or end.then == "disconnect" for end in ends):
            self.abort()
        for deed in deeds:
            if deed not in ends:
                self.do(deed, kind)

    def _pump(self, direction: str) -> None:
        """Pass on what has arrived in a direction."""
        for _, text in self._lanes[direction].take(self._venue.mono()):
            if direction == IN:
                self.client.receive(text)
            else:
                self._say(text)
        self._late.set()

    async def _deliver_late(self) -> None:
        """Pass on what was delayed, when its time has come."""
        while True:
            self._late = trio.Event()
            due = min(lane.due() for lane in self._lanes.values())
            wait = math.inf if due == NO_TIME else max(due - self._venue.mono(), 0) / SECOND
            with trio.move_on_after(wait):
                await self._late.wait()
            for direction, lane in self._lanes.items():
                if lane.due() <= self._venue.mono():
                    self._pump(direction)

    async def _stall(self, direction: str) -> None:
        await trio.sleep_until(self._stalled_until[direction])

    # --- reading --------------------------------------------------------------------------------------------------

    async def _read(self) -> bool:
        """Until the stream ends or a goodbye comes; whether what waits can still be sent."""
        while True:
            for event in self._ws.events():
                if not self._handle(event):
                    return True
            try:
                data = await self._stream.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return False
            await self._stall(IN)
            if not data:
                return False
            self._ws.receive_data(bytes(data))

    def _handle(self, event: Event) -> bool:
        """One event of the protocol; False where reading ends."""
        if isinstance(event, TextMessage | BytesMessage):
            self._message(event)
        elif isinstance(event, Ping):
            self._put(event.response())
        elif isinstance(event, CloseConnection):
            # Either the client's goodbye, to be echoed, or a breach of the protocol, to be told.
            if not self._closing:
                self._put(event.response() if self._ws.state is ConnectionState.REMOTE_CLOSING else event)
            return False
        return True

    def _message(self, event: TextMessage | BytesMessage) -> None:
        self._size += len(event.data)
        if self._size > self._tongue.size_max:
            self._parts.clear()
            self.close(_TOO_BIG, f"at most {self._tongue.size_max} bytes")
        if self._closing:
            return
        self._parts.append(event.data)
        if not event.message_finished:
            return
        parts, self._parts, self._size = self._parts, [], 0
        if isinstance(event, BytesMessage):
            self._receive(b"", "other")
            return
        text = "".join(part for part in parts if isinstance(part, str))
        self._receive(text, self._tongue.frame_kind(text))

    # --- writing --------------------------------------------------------------------------------------------------

    async def _write(self, reading: trio.CancelScope) -> None:
        """Send what waits, several frames at a time, until the connection is closing and nothing waits."""
        while True:
            data, cut = self._batch()
            if data or cut:
                await self._stall(OUT)
                try:
                    await self._stream.send_all(data)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    reading.cancel()
                    return
                if cut:
                    self.abort()
            elif self._closing and not self._out:
                # The other side may still say goodbye, for a moment.
                self._written.set()
                reading.deadline = min(reading.deadline, trio.current_time() + CLOSE_WAIT_S)
                return
            else:
                self._wake = trio.Event()
                await self._wake.wait()

    def _batch(self) -> tuple[bytes, bool]:
        """The bytes of some of what waits, and whether the connection is reset after them."""
        parts: list[bytes] = []
        for _ in range(min(BATCH, len(self._out))):
            event, limit = self._out.popleft()
            data = event if isinstance(event, bytes) else self._encoded(event)
            limit = min(len(data) if limit == WHOLE else limit, self._bytes_left)
            parts.append(data[:limit])
            if limit <= len(data):
                return b"".join(parts), True
            if self._bytes_left < NO_LIMIT:
                self._bytes_left -= len(data)
        return b"".join(parts), False

    def _encoded(self, event: Event) -> bytes:
        try:
            return self._ws.send(event)
        except LocalProtocolError:
            return b""  # it came after the goodbye
