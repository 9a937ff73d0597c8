"""One WebSocket connection on a stream that the HTTP side has accepted: frames in and out, pings, closing.

Reading and writing are two tasks. What is to be sent waits in a bounded queue; a client that does not read is closed
rather than waited for.
"""

from collections import deque
from typing import TYPE_CHECKING, Final

import trio
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from tickwright.adapters.tdx.mirror.client import Client, frame_kind
from tickwright.adapters.tdx.strict import SIZE_MAX

if TYPE_CHECKING:
    from tickwright.adapters.tdx.mirror.venue import Venue

QUEUE_MAX: Final = 20_000
"""Messages that may wait for a client: ten seconds of a very busy market."""
BATCH: Final = 64
READ_BYTES: Final = 65_536
CLOSE_WAIT_S: Final = 2.0
_TOO_BIG: Final = 1009
_TOO_SLOW: Final = 1013
_GOING: Final = 1001


class Socket:
    """A connection from its handshake to its end."""

    def __init__(self, venue: "Venue", stream: trio.abc.Stream, trailing: bytes) -> None:
        self._venue = venue
        self._stream = stream
        self._ws = Connection(ConnectionType.SERVER, trailing_data=trailing)
        self._out: deque[Event] = deque()
        self._wake = trio.Event()
        self._closing = False
        self._parts: list[str | bytes | bytearray] = []
        self._size = 0
        self.client = Client(venue.desk, self.queue)

    async def run(self) -> None:
        """Serve until either side ends it."""
        self._venue.sockets.add(self)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, nursery.cancel_scope)
                await self._read()
                self._end()
                nursery.cancel_scope.deadline = trio.current_time() + CLOSE_WAIT_S
        finally:
            self._venue.sockets.discard(self)
            self.client.close()
            self._venue.disconnected(self.client)

    def queue(self, text: str, kind: str) -> None:
        """Send a message as soon as the client takes it."""
        if len(self._out) >= QUEUE_MAX:
            self._out.clear()
            self.close(_TOO_SLOW, "messages were not read")
        if not self._closing:
            self._put(TextMessage(data=text))

    def close(self, code: int = _GOING, reason: str = "") -> None:
        """Say goodbye and end."""
        if not self._closing:
            self._put(CloseConnection(code=code, reason=reason))
            self._closing = True

    def _put(self, event: Event) -> None:
        self._out.append(event)
        self._wake.set()

    def _end(self) -> None:
        """Nothing more is said; what waits is still sent."""
        self._closing = True
        self._wake.set()

    # --- reading --------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Until the stream ends or a goodbye comes."""
        while True:
            for event in self._ws.events():
                if not self._handle(event):
                    return
            if self._closing and self._ws.state is ConnectionState.CLOSED:
                return
            try:
                data = await self._stream.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not data:
                return
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
        if self._size > SIZE_MAX:
            self._parts.clear()
            self.close(_TOO_BIG, f"at most {SIZE_MAX} bytes")
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
        self._receive(text, frame_kind(text))

    def _receive(self, frame: str | bytes, kind: str) -> None:
        self.client.receive(frame)

    # --- writing --------------------------------------------------------------------------------------------------

    async def _write(self, reading: trio.CancelScope) -> None:
        """Send what waits, several frames at a time, until the connection is closing and nothing waits."""
        while True:
            data = b"".join(self._encoded(self._out.popleft()) for _ in range(min(BATCH, len(self._out))))
            if data:
                try:
                    await self._stream.send_all(data)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    reading.cancel()
                    return
            elif self._closing and not self._out:
                # The other side may still say goodbye, for a moment.
                reading.deadline = min(reading.deadline, trio.current_time() + CLOSE_WAIT_S)
                return
            else:
                self._wake = trio.Event()
                await self._wake.wait()

    def _encoded(self, event: Event) -> bytes:
        try:
            return self._ws.send(event)
        except LocalProtocolError:
            return b""  # it came after the goodbye
