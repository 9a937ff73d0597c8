"""The control socket of a running process: what others may see and ask of it.

One Unix socket, mode 0600, in a folder that is ours alone. A client writes lines of JSON and gets a line for each:

    {"do": "status"}                                      {"ok": true, "snapshot": {...}}
    {"do": "follow", "per_s": 4}                          a snapshot each time, until the client goes
    {"do": "stop", "reason": "..."}                       {"ok": true}
    {"do": "kill", "level": "global", "reason": "..."}    {"ok": true}, once nothing new can leave
    {"do": "rearm", "level": "global", "reason": "..."}   {"ok": true}
    {"do": "adopt", "venue": "TDX", "asset": "BTC", "reason": "..."}   {"ok": true}
    anything else                                         {"ok": false, "error": "..."}

No client can hold up the run. Lines, clients and commands per second are bounded; a snapshot is made ten times a second
at most, whoever asks; who does not read is dropped after two seconds, and nothing is kept for him meanwhile: followers
get the newest snapshot, not every one.
"""

import errno
import os
import socket
import struct
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
import trio

from tickwright.engine.errors import TickwrightError
from tickwright.kill_file import clear_kill
from tickwright.state import StateFolder

LINE_BYTES: Final = 4096
"""The longest command: a kill with a reason of 500 characters, six bytes each at worst, takes 3,200."""

CLIENTS_MAX: Final = 16
"""A dashboard, some terminals, a verb now and then."""

SNAPSHOT_S: Final = 0.1
"""A snapshot is used for so long; with 5 ms of work each that is at most a twentieth of the time."""

PAUSE_S: Final = 0.05
"""Between two commands of one client, so at most 320 a second of all."""

WRITE_S: Final = 2.0
IDLE_S: Final = 60.0
LAST_WORD_S: Final = 0.5

_CROWDED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED)

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]
Name = Annotated[str, msgspec.Meta(max_length=128)]
Level = Literal["strategy", "instrument", "venue", "global"]


class Controlled(Protocol):
    """The run, as far as the outside may operate it. Each call returns at once; a `TickwrightError` refuses it."""

    def snapshot(self) -> Mapping[str, Any]:
        """How it stands, as `tickwright.snapshot.Snapshot`: plain data that can be JSON."""
        ...

    def stop(self, reason: str) -> None:
        """Begin an orderly stop; asked again, nothing more happens."""
        ...

    def kill(self, level: str, name: str, mode: str, reason: str, by: str) -> None:
        """Latch a kill; when it returns nothing covered leaves any more. `mode` is pause, cancel or flatten."""
        ...

    def rearm(self, level: str, name: str, reason: str, by: str) -> None:
        """Take a latch away."""
        ...

    def adopt(self, venue: str, asset: str, reason: str, by: str) -> None:
        """Take a venue's word for what the account holds of an asset that did not agree with our fills."""
        ...


class _Command(msgspec.Struct, tag_field="do", forbid_unknown_fields=True):
    pass


class Status(_Command, tag="status"):
    pass


class Follow(_Command, tag="follow"):
    per_s: Annotated[int, msgspec.Meta(ge=1, le=10)] = 4


class Stop(_Command, tag="stop"):
    reason: Reason
    by: Name = ""


class Kill(_Command, tag="kill"):
    reason: Reason
    level: Level = "global"
    name: Name = ""
    mode: Literal["pause", "cancel", "flatten"] = "cancel"
    by: Name = ""


class Rearm(_Command, tag="rearm"):
    reason: Reason
    level: Level = "global"
    name: Name = ""
    by: Name = ""


class Adopt(_Command, tag="adopt"):
    venue: Name
    asset: Name
    reason: Reason
    by: Name = ""


Command = Status | Follow | Stop | Kill | Rearm | Adopt
_READ: Final = msgspec.json.Decoder(Command)


async def serve_control(
    folder: StateFolder, controlled: Controlled, task_status: "trio.TaskStatus[None]" = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve the control socket of a state folder until cancelled. The folder's lock must be held.

    Raises:
        StateError: the socket cannot be bound, or another process answers there.
    """
    server = Server(folder, controlled)
    listening = trio.SocketListener(trio.socket.from_stdlib_socket(folder.listen()))
    try:
        async with trio.open_nursery() as nursery:
            task_status.started()
            await server.accept(listening, nursery)
    finally:
        with trio.CancelScope(shield=True):
            await listening.aclose()
        folder.socket_path.unlink(missing_ok=True)


class Server:
    """Who is connected, and the latest snapshot."""

    def __init__(self, folder: StateFolder, controlled: Controlled) -> None:
        self.folder = folder
        self.controlled = controlled
        self.clients = 0
        self._line = b""
        self._until = float("-inf")

    async def accept(self, listening: trio.SocketListener, nursery: trio.Nursery) -> None:
        while True:
            try:
                stream = await listening.accept()
            except OSError as error:
                if error.errno not in _CROWDED:
                    raise
                await trio.sleep(SNAPSHOT_S)
                continue
            if self.clients >= CLIENTS_MAX or not _is_ours(stream.socket):
                await trio.aclose_forcefully(stream)
            else:
                self.clients += 1
                nursery.start_soon(self.attend, stream)

    async def attend(self, stream: trio.SocketStream) -> None:
        """One client until it goes, is late, or breaks the rules."""
        try:
            lines = _Lines(stream)
            while (line := await lines.next()) is not None:
                if not await self.answer(line, stream):
                    break
                await trio.sleep(PAUSE_S)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self.clients -= 1
            await trio.aclose_forcefully(stream)

    async def answer(self, line: bytes, stream: trio.SocketStream) -> bool:
        """Carry out one line; False ends the connection."""
        try:
            command = _READ.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return await _write(stream, _refusal(f"expected a command: {error}"))
        if isinstance(command, Follow):
            return await self.follow(stream, command.per_s)
        try:
            reply = self.carry_out(command)
        except TickwrightError as error:
            reply = _refusal(str(error))
        # Who asked for a stop hears that it was taken, though it ends this, too.
        return await _write(stream, reply, LAST_WORD_S, shield=True)

    def carry_out(self, command: Status | Stop | Kill | Rearm | Adopt) -> bytes:
        match command:
            case Status():
                return self.snapshot_line()
            case Stop():
                self.controlled.stop(f"{command.reason} ({command.by})" if command.by else command.reason)
            case Kill():
                self.controlled.kill(command.level, command.name, command.mode, command.reason, command.by)
            case Rearm():
                self.controlled.rearm(command.level, command.name, command.reason, command.by)
                clear_kill(self.folder.kill_file, command.level, command.name)
            case Adopt():
                self.controlled.adopt(command.venue, command.asset, command.reason, command.by)
        # What was asked for shows in the next snapshot, whoever asks for it.
        self._until = float("-inf")
        return b'{"ok":true}\n'

    def snapshot_line(self) -> bytes:
        now = trio.current_time()
        if now >= self._until:
            self._line = b'{"ok":true,"snapshot":' + msgspec.json.encode(self.controlled.snapshot()) + b"}\n"
            self._until = now + SNAPSHOT_S
        return self._line

    async def follow(self, stream: trio.SocketStream, per_s: int) -> bool:
        while True:
            if not await _write(stream, self.snapshot_line()):
                return False
            await trio.sleep(1 / per_s)


class _Lines:
    """The lines of a stream, each of `LINE_BYTES` at most."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._held = b""

    async def next(self) -> bytes | None:
        """The next line; None at the end, after a minute of silence, or when a line is too long."""
        with trio.move_on_after(IDLE_S):
            while b"\n" not in self._held:
                if len(self._held) > LINE_BYTES:
                    await _write(self._stream, _refusal(f"expected a line of at most {LINE_BYTES} bytes, got more"))
                    return None
                chunk = await self._stream.receive_some(LINE_BYTES)
                if not chunk:
                    return None
                self._held += chunk
            line, _, self._held = self._held.partition(b"\n")
            return line
        return None


async def _write(stream: trio.SocketStream, line: bytes, seconds: float = WRITE_S, *, shield: bool = False) -> bool:
    """Write a line; False if the other side did not take it in time."""
    with trio.move_on_after(seconds, shield=shield) as scope:
        await stream.send_all(line)
    return not scope.cancelled_caught


def _refusal(text: str) -> bytes:
    return msgspec.json.encode({"ok": False, "error": text}) + b"\n"


def _is_ours(connection: "trio.socket.SocketType") -> bool:
    """Whether the other side is of our user (or root), where the system tells."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", told)
    return user in (os.geteuid(), 0)
