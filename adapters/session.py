"""The one socket loop, shared by all venues: connect, stay connected, read, write, and start over.

A connection is four tasks. The library's own reader answers pings and hands over messages, of which it can hold a
few; it answers nothing while nobody takes them, so our reader only drains, stamps and hands on. One writer owns every
write of ours, so that nobody else's cancellation can cut a frame in half. The heartbeat asks whether the peer is still
there, which TCP alone would not tell for many minutes. When one of them ends, the connection ends, the owner hears
of it, and after a pause that grows the next one is made.

What became of a frame is told in one way only: a frame of an order that was not wholly handed to the socket, for
whatever reason, is reported to the owner as failed. That does not mean that it was not sent.
"""

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import Random
from ssl import SSLContext
from typing import Any, Final, NoReturn, Protocol, cast

import h11
import trio
from attrs import define, field, frozen
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, WebSocketConnection, wrap_client_stream
from wsproto.frame_protocol import FrameProtocol
from wsproto.utilities import ProtocolError

from tickwright.adapters.address import Address, Dial, UnsafeAddress, connect, forget_unsent
from tickwright.adapters.guard import Guard
from tickwright.adapters.outbox import STALE_S, Frame, Outbox, Rate
from tickwright.adapters.patience import wait_seconds
from tickwright.engine.wire import Clock

MESSAGES_HELD: Final = 64
"""Messages that the library may hold for us: with 1 MiB each, at most 64 MiB; usually a few hundred bytes each."""

RECEIVE_BYTES: Final = 1 << 16
CLOSE_S: Final = 1.0
"""How long a farewell may take."""

AT_ONCE: Final = 64
"""Frames of one write at most; where it fails, nobody can say which of them left."""

_LONG_S: Final = 0.5
"""A wait for room as long as this one may have kept a pong from being read."""

_ASKED_TO_WAIT: Final = (429, 503)
_TRY_LATER: Final = 1013
_LATER_S: Final = 5.0


@frozen(kw_only=True)
class Timing:
    """Deadlines and intervals, in seconds.

    A ping goes out every `ping_every` and once nothing was heard for `quiet`; the link is dead when `pong_within`
    passes after it with nothing heard, or without a pong from a peer that has answered pings before.
    """

    connect: float = 10.0
    handshake: float = 10.0
    write: float = 5.0
    ping_every: float = 15.0
    quiet: float = 5.0
    pong_within: float = 10.0
    pause_least: float = 0.5
    pause_most: float = 30.0
    steady: float = 30.0
    """A connection that held so long was a good one: the next pause is the shortest again."""


class Owner(Protocol):
    """Who the connection is for. No method but the first two may wait."""

    async def prepare(self) -> None:
        """Before each connection: log in. What it raises ends `Session.run`."""
        ...

    async def room(self) -> None:
        """Wait until the next frame can be taken."""
        ...

    def opened(self) -> None:
        """The connection stands; frames can be sent."""
        ...

    def receive(self, message: str | bytes, at: int) -> None:
        """One message, received at `at`."""
        ...

    def failed(self, frame: Frame, reason: str) -> None:
        """This frame was not wholly handed to the socket."""
        ...

    def closed(self, reason: str) -> None:
        """The connection is gone; called once for each `opened`."""
        ...

    def told_to_wait(self, seconds: float, reason: str) -> None:
        """The peer refused the connection for now."""
        ...


@frozen(kw_only=True)
class SessionStatistics:
    """Counts since the start."""

    connections: int
    failures: int
    frames_in: int
    frames_out: int
    frames_failed: int
    pings_dropped: int
    waiting: int
    last_reason: str


class LinkLost(Exception):
    """This connection is over. `pause` is the least time to wait before the next one."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class TriedInVain(LinkLost):
    """The connection was refused with a request to wait."""


_BROKEN: Final = (
    LinkLost,
    ConnectionRejected,
    HandshakeError,
    ConnectionClosed,
    ProtocolError,
    h11.ProtocolError,  # an answer that is no HTTP at all makes the library itself stumble
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    OSError,
)
_GARBLED: Final = (ValueError, LookupError)


@define
class _Connection:
    """What stands while one connection stands."""

    socket: WebSocketConnection
    guard: Guard
    framer: FrameProtocol = field(factory=lambda: FrameProtocol(client=True, extensions=[]))
    roomy: float = -math.inf
    waiting: bool = False


class Session:
    """Keeps one WebSocket connection to one address, for one owner."""

    def __init__(
        self,
        address: Address,
        *,
        clock: Clock,
        random: Random,
        tls: SSLContext,
        subprotocol: str = "",
        size_max: int = 1 << 20,
        messages_per_s: float = 10.0,
        outbox_max: int = 1024,
        timing: Timing | None = None,
        dial: Dial | None = None,
    ) -> None:
        self.address = address
        self._clock, self._random, self._tls, self._dial = clock, random, tls, dial
        self._subprotocol = subprotocol
        self._size_max = size_max
        self._timing = timing or Timing()
        self._outbox = Outbox(Rate(messages_per_s), outbox_max)
        self._wake = trio.Event()
        self._drop = ""
        self._chosen = False
        self._up: _Connection | None = None
        self._connections = self._failures = self._in = self._out = self._failed = self._pings = 0
        self._reason = ""

    async def run(self, owner: Owner) -> NoReturn:
        """Connect, and connect again, until cancelled or until `owner.prepare` raises."""
        failures = 0
        while True:
            await owner.prepare()
            started, pause = trio.current_time(), 0.0
            try:
                await self._connect_once(owner)
            except LinkLost as lost:
                self._failures += 1
                self._reason = lost.reason
                if isinstance(lost, TriedInVain):
                    owner.told_to_wait(lost.pause, lost.reason)
                pause = lost.pause
            good = self._chosen or trio.current_time() - started >= self._timing.steady
            failures, self._chosen = 0 if good else failures + 1, False
            await trio.sleep(max(pause, self._pause(failures)))

    def send(self, owner: Owner, frame: Frame) -> None:
        """Queue a frame; where that is impossible the owner hears at once that it failed."""
        if self._up is None:
            self._fail(owner, frame, "the link is down; nothing was written")
        elif not self._outbox.put(frame, trio.current_time()):
            self._fail(owner, frame, f"{self._outbox.size_max} frames wait already; nothing was written")
        else:
            self._wake.set()

    def drop(self, reason: str, *, chosen: bool = False) -> None:
        """End the present connection; the next one is made as after any other loss, or (`chosen`: nothing is wrong with
        the connection, whoever asks keeps the pauses) as after a good one."""
        if self._up is not None:
            self._drop, self._chosen = reason, chosen
            self._wake.set()

    @property
    def up(self) -> bool:
        return self._up is not None

    def statistics(self) -> SessionStatistics:
        """Counts since the start."""
        now = 0 if self._up is None else self._up.guard.bounds.pings_dropped
        return SessionStatistics(
            connections=self._connections,
            failures=self._failures,
            frames_in=self._in,
            frames_out=self._out,
            frames_failed=self._failed,
            pings_dropped=self._pings + now,
            waiting=len(self._outbox),
            last_reason=self._reason,
        )

    # One connection

    async def _connect_once(self, owner: Owner) -> None:
        stream = await self._stream()
        guard = Guard(stream, self._timing.write)
        try:
            async with self._websocket(guard) as socket:
                self._connections += 1
                self._up = _Connection(socket, guard)
                self._drop = ""
                self._wake = trio.Event()
                reason = "cancelled"
                try:
                    owner.opened()
                    await self._live(self._up, owner)
                except LinkLost as lost:
                    reason = lost.reason
                    raise
                finally:
                    self._up = None
                    self._pings += guard.bounds.pings_dropped
                    for frame in self._outbox.clear():
                        self._fail(owner, frame, f"{reason}; nothing was written")
                    owner.closed(reason)
        finally:
            forget_unsent(stream)
            await trio.aclose_forcefully(stream)

    async def _stream(self) -> trio.abc.Stream:
        try:
            with trio.fail_after(self._timing.connect):
                return await connect(self.address, self._dial, self._tls)
        except trio.TooSlowError:
            raise LinkLost(f"expected a connection within {self._timing.connect:g} s, received none") from None
        except (OSError, trio.BrokenResourceError, UnsafeAddress) as error:
            raise LinkLost(f"no connection: {error.__cause__ or error}") from error

    @asynccontextmanager
    async def _websocket(self, guard: Guard) -> AsyncIterator[WebSocketConnection]:
        """The library's connection over a stream; what its own task raises becomes `LinkLost` too."""
        shaken = False
        try:
            async with trio.open_nursery() as library:
                socket = await self._handshake(library, guard)
                shaken = True
                try:
                    yield socket
                except LinkLost:
                    with trio.move_on_after(CLOSE_S):
                        await socket.aclose()
                    raise
                finally:
                    library.cancel_scope.cancel()
        except BaseExceptionGroup as group:  # a nursery's errors, raised as what they mean: see `_meaning`
            raise self._meaning(group, guard, shaken) from None

    def _meaning(self, group: BaseExceptionGroup, guard: Guard, shaken: bool) -> BaseException:
        """The loss of the connection that a group of errors stands for, or the group where it is our own error."""
        leaves = [leaf for leaf in _leaves(group) if not isinstance(leaf, trio.Cancelled)]
        # Past the handshake the library reads nothing that could garble: then a ValueError is our own.
        expected = _BROKEN if shaken else (*_BROKEN, *_GARBLED)
        if not leaves or not all(isinstance(leaf, expected) for leaf in leaves):
            return group
        for leaf in leaves:
            if isinstance(leaf, LinkLost):
                return leaf
            if isinstance(leaf, ConnectionRejected):
                return _refusal(leaf, self._clock.wall())
        if isinstance(leaves[0], _GARBLED):
            return LinkLost(f"the handshake cannot be read: {leaves[0]!r}")
        return LinkLost(f"broken off: {guard.ended or leaves[0]}")

    async def _handshake(self, library: trio.Nursery, guard: Guard) -> WebSocketConnection:
        socket: WebSocketConnection | None = None
        with trio.move_on_after(self._timing.handshake) as limit:
            async with trio.open_nursery() as waiting:
                waiting.start_soon(_cancel_when, guard.gone, limit)
                socket = await wrap_client_stream(
                    library,
                    cast("Any", guard),  # any stream will do; the annotation says less
                    self.address.authority,
                    self.address.path,
                    subprotocols=[self._subprotocol] if self._subprotocol else None,
                    message_queue_size=MESSAGES_HELD,
                    max_message_size=self._size_max,
                    receive_buffer_size=RECEIVE_BYTES,
                )
                waiting.cancel_scope.cancel()
        if socket is None:
            await trio.lowlevel.checkpoint()
            waited = f"expected a handshake within {self._timing.handshake:g} s, received none"
            raise LinkLost(f"no handshake: {guard.ended}" if guard.ended else waited)
        if (socket.subprotocol or "") != self._subprotocol:
            raise LinkLost(f"expected the subprotocol {self._subprotocol!r}, received {socket.subprotocol!r}")
        return socket

    async def _live(self, up: _Connection, owner: Owner) -> None:
        try:
            async with trio.open_nursery() as tasks:
                tasks.start_soon(self._write, up, owner)
                tasks.start_soon(self._heartbeat, up)
                await self._read(up, owner)
        except BaseExceptionGroup as group:  # a nursery's errors, raised as what they mean: see `_meaning`
            raise self._meaning(group, up.guard, True) from None

    async def _read(self, up: _Connection, owner: Owner) -> NoReturn:
        while True:
            up.waiting, asked = True, trio.current_time()
            await owner.room()
            up.waiting = False
            if trio.current_time() - asked > _LONG_S:
                up.roomy = trio.current_time()
            try:
                message = await up.socket.get_message()
            except ConnectionClosed as closed:
                raise _loss(up.guard, closed) from None
            self._in += 1
            owner.receive(message, self._clock.now())

    async def _write(self, up: _Connection, owner: Owner) -> NoReturn:
        while True:
            if self._drop:
                raise LinkLost(self._drop)
            now = trio.current_time()
            for late in self._outbox.stale(now):
                self._fail(owner, late, f"it waited for more than {STALE_S:g} s; nothing was written")
            frames = self._outbox.take_all(now, AT_ONCE)
            if not frames:
                with trio.move_on_at(self._outbox.due(now)):
                    await self._wake.wait()
                self._wake = trio.Event()
                continue
            written = False
            try:
                await self._put_out(up, frames)
                written = True
            finally:
                if not written:
                    reason = up.guard.ended or "cancelled while it was written"
                    for frame in frames:
                        self._fail(owner, frame, reason)
            self._out += len(frames)

    async def _put_out(self, up: _Connection, frames: list[Frame]) -> None:
        """Write frames in one go, past the library's own lock: it would cost each of them turns of the scheduler.

        `Guard` keeps whole writes apart, so that the library's pongs fall between these and never into one.
        """
        if up.socket.closed is not None:
            raise _loss(up.guard, ConnectionClosed(up.socket.closed))
        try:
            await up.guard.send_all(b"".join([up.framer.send_data(frame.text) for frame in frames]))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise LinkLost(up.guard.ended or str(error.__cause__ or error) or "the connection broke") from None

    async def _heartbeat(self, up: _Connection) -> NoReturn:
        timing = self._timing
        async with trio.open_nursery() as pings:
            pinged = trio.current_time()
            while True:
                due = min(pinged + timing.ping_every, max(pinged, up.guard.heard) + timing.quiet)
                await trio.sleep_until(due)
                if trio.current_time() >= min(pinged + timing.ping_every, max(pinged, up.guard.heard) + timing.quiet):
                    pinged = trio.current_time()
                    pings.start_soon(self._ping, up)

    async def _ping(self, up: _Connection) -> None:
        """One ping and its pong; a wait of our own for room excuses the peer."""
        pinged, answered = trio.current_time(), up.guard.bounds.pongs
        with trio.move_on_after(self._timing.pong_within):
            try:
                await up.socket.ping()
            except ConnectionClosed as closed:
                raise _loss(up.guard, closed) from None
            return
        if up.waiting or up.roomy > pinged:
            return
        if up.guard.heard <= pinged:
            raise LinkLost(f"expected a pong within {self._timing.pong_within:g} s, received nothing at all")
        if answered:
            raise LinkLost(f"expected a pong within {self._timing.pong_within:g} s, received other frames only")

    # Small things

    def _fail(self, owner: Owner, frame: Frame, reason: str) -> None:
        self._failed += 1
        owner.failed(frame, reason)

    def _pause(self, failures: int) -> float:
        """Half to all of a length that doubles with each failure."""
        timing = self._timing
        most = min(timing.pause_most, timing.pause_least * math.ldexp(1, min(failures, 16)))
        return max(timing.pause_least, most * self._random.uniform(0.5, 1.0))


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


def _loss(guard: Guard, closed: ConnectionClosed) -> LinkLost:
    """Why the library says that a connection is over."""
    code = closed.reason.code if closed.reason is not None else 1006
    words = (closed.reason.reason if closed.reason is not None else "") or ""
    if code == 1006 or guard.ended:
        return LinkLost(guard.ended or "the connection broke")
    said = f" {words[:120]!a}" if words else ""
    return LinkLost(f"closed with {code}{said}", _LATER_S if code == _TRY_LATER else 0.0)


def _refusal(rejected: ConnectionRejected, wall: int) -> LinkLost:
    """What an answer other than a switch of protocols means."""
    status = rejected.status_code
    if 300 <= status < 400:
        return LinkLost(f"refused with HTTP {status}: a redirect is not followed", _LATER_S)
    if status in _ASKED_TO_WAIT:
        told = {name.lower(): value.decode("latin-1") for name, value in rejected.headers}
        return TriedInVain(f"refused with HTTP {status}", wait_seconds(told.get(b"retry-after"), wall) or _LATER_S)
    return LinkLost(f"refused with HTTP {status}", _LATER_S)


def _leaves(group: BaseExceptionGroup) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
