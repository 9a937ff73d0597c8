"""Bounds on what a peer may send over a WebSocket, held at the bytes, below the library.

The library bounds the size of a message. It does not bound how many fragments a message has (empty ones add nothing
to its size), how many bytes may follow a refused handshake, or how many pings want an answer; nor does it bound how
long a write may take, which also blocks the pongs that its reader owes. All of that is kept here, by looking at the
header of each frame on its way in: RFC 6455, section 5.2.
"""

import struct
from typing import Final

import trio

from tickwright.adapters.address import forget_unsent

FRAGMENTS_MAX: Final = 1024
HANDSHAKE_MAX: Final = 1 << 16
"""Bytes before the first frame: the answer's head, or all of a refusal."""

PINGS_PER_S: Final = 10
"""Pings beyond these are taken off the stream unanswered; the protocol asks for a pong to the latest only."""

_HEAD_END: Final = b"\r\n\r\n"
_SWITCHED: Final = b"HTTP/1.1 101"
_CONTINUE: Final = 0x0
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA


class Violation(Exception):
    """A bound was broken: the connection ends with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FrameBounds:
    """The bounds as a value machine: bytes in, the bytes to pass on out."""

    def __init__(self) -> None:
        self.frames = 0
        self.pongs = 0
        self.pings_dropped = 0
        self._switched = False
        self._waiting = b""  # the head of the handshake, or a frame header that has not wholly come
        self._handshake = 0
        self._left = 0  # bytes to come of the present frame
        self._dropping = False
        self._fragments = 0
        self._pings = 0
        self._second = -1

    def feed(self, data: bytes, at: float) -> bytes:
        """What the library may see of these bytes, received at `at` seconds.

        Raises:
            Violation: a bound was broken.
        """
        if not self._switched:
            return self._head(data, at)
        if self._waiting:
            data, self._waiting = self._waiting + data, b""
        kept: list[bytes] = []
        start = place = 0  # what lies between has been looked at and is passed on
        while place < len(data):
            if not self._left:
                size, length, first = _header(data, place)
                if not size:
                    self._waiting = data[place:]
                    break
                drop = self._frame(first, at)
                if drop != self._dropping:
                    if drop:
                        kept.append(data[start:place])
                    start, self._dropping = place, drop
                self._left = size + length
            step = min(self._left, len(data) - place)
            place += step
            self._left -= step
            if not self._left and self._dropping:
                start, self._dropping = place, False
        if not self._dropping:
            kept.append(data[start:place])
        return kept[0] if len(kept) == 1 else b"".join(kept)

    def _head(self, data: bytes, at: float) -> bytes:
        self._handshake += len(data)
        if self._handshake > HANDSHAKE_MAX:
            raise Violation(1002, f"expected at most {HANDSHAKE_MAX} bytes of a handshake, received more")
        self._waiting += data
        end = self._waiting.find(_HEAD_END)
        if end < 0 or not self._waiting.startswith(_SWITCHED):
            return data
        frames, self._waiting = self._waiting[end + len(_HEAD_END) :], b""
        self._switched = True
        return data[: len(data) - len(frames)] + (self.feed(frames, at) if frames else b"")

    def _frame(self, first: int, at: float) -> bool:
        """Count one frame by its first byte; true where it is to be dropped."""
        self.frames += 1
        opcode, final = first & 0x0F, first & 0x80
        if opcode < _CLOSE:
            self._fragments = self._fragments + 1 if opcode == _CONTINUE else 1
            if self._fragments > FRAGMENTS_MAX:
                raise Violation(1009, f"expected at most {FRAGMENTS_MAX} fragments of a message, received more")
            if final:
                self._fragments = 0
        elif opcode == _PONG:
            self.pongs += 1
        elif opcode == _PING:
            if int(at) != self._second:
                self._second, self._pings = int(at), 0
            self._pings += 1
            if self._pings > PINGS_PER_S:
                self.pings_dropped += 1
                return True
        return False


def _header(data: bytes, place: int) -> tuple[int, int, int]:
    """Size of a frame's header, length of what follows it, and the first byte; a size of 0 where it is not all there.

    A mask, which servers must not send, counts as payload.
    """
    if len(data) < place + 2:
        return 0, 0, 0
    first, second = data[place], data[place + 1]
    masked, length, size = 4 * (second >> 7), second & 0x7F, 2
    if length == 126:
        size = 4
    elif length == 127:
        size = 10
    if len(data) < place + size:
        return 0, 0, 0
    if size > 2:
        length = int.from_bytes(data[place + 2 : place + size])
    return size, length + masked, first


class Guard(trio.abc.Stream):
    """A stream that holds the bounds, gives up on writes that take too long, and knows when it last heard something.

    The library closes it after its farewell, on its own; what has not left by then must not leave later.
    `ended` says why it stopped, once it has; `heard` is in seconds of trio's clock.
    """

    def __init__(self, stream: trio.abc.Stream, write_s: float) -> None:
        self.bounds = FrameBounds()
        self.heard = trio.current_time()
        self.ended = ""
        self.gone = trio.Event()
        self._stream = stream
        self._write_s = write_s
        self._lock = trio.StrictFIFOLock()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        with trio.move_on_after(self._write_s) as scope:
            # A lock that is free is taken without a turn of the scheduler, which may be long while books pour in.
            try:
                self._lock.acquire_nowait()
            except trio.WouldBlock:
                await self._lock.acquire()
            try:
                await self._stream.send_all(data)
            finally:
                self._lock.release()
        if scope.cancelled_caught:
            self._end(f"expected a frame to leave within {self._write_s:g} s, received no room for it")
            raise trio.BrokenResourceError(self.ended)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        while True:
            try:
                data = await self._stream.receive_some(max_bytes)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                self._end(str(error.__cause__ or error) or "the connection broke")
                raise
            self.heard = trio.current_time()
            if not data:
                self._end("the peer closed the connection")
                return b""
            try:
                passed = self.bounds.feed(bytes(data), self.heard)
            except Violation as broken:
                self._end(broken.reason)
                await self.send_all(close_frame(broken.code))
                raise trio.BrokenResourceError(broken.reason) from broken
            if passed:
                return passed

    async def aclose(self) -> None:
        self._end("closed by us")
        forget_unsent(self._stream)
        await self._stream.aclose()

    def _end(self, why: str) -> None:
        if not self.ended:
            self.ended = why
            self.gone.set()


def close_frame(code: int) -> bytes:
    """A client's close frame; the mask of zeros is a legal one, and hides nothing that would need hiding."""
    return bytes((0x80 | _CLOSE, 0x80 | 2, 0, 0, 0, 0)) + struct.pack("!H", code)
