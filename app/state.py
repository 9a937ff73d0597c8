"""The state folder of a run in paper or live: what lies in it, who may see it, how a verb finds it.

It outlives runs: the journal, its lock, the ``KILL`` file, the control socket. It is ours alone (0700), is never
reached through a symbolic link, and so is every file in it (0600).

A socket's path may have 107 bytes, a folder's many more. Where it does not fit, a link in a private folder with a
short name leads to the state folder for the moment that binding or connecting takes; the socket itself always lies in
the state folder.
"""

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import frozen

from tickwright.document import Node, Scalar, Table, read_file
from tickwright.engine.errors import TickwrightError
from tickwright.engine.journal_folder import LOCK
from tickwright.kinds import SLUG, Reading

SOCKET: Final = "control.sock"
KILL: Final = "KILL"
LOG: Final = "log.jsonl"
POINTER: Final = "state.txt"
"""In a run folder: the path of the run's state folder."""

SOCKET_BYTES: Final = 107
"""What `sun_path` holds on Linux beside its final zero (on macOS 103, hence the least of both is used)."""
_FITS: Final = 103


class StateError(TickwrightError):
    """A state folder that is not as it must be, or cannot be found."""


@frozen
class StateFolder:
    """The paths in one state folder. `make` and `open` check the folder itself."""

    path: Path

    @classmethod
    def make(cls, path: Path) -> "StateFolder":
        """The folder, made where it is missing.

        Raises:
            StateError: it is a link, no folder, not ours, open to others, or cannot be made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(path):
                path.mkdir(mode=0o700)
        except OSError as error:
            raise StateError(f"{path}: expected a state folder that can be made: {error.strerror}") from None
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "StateFolder":
        """The folder as it is.

        Raises:
            StateError: it is missing, a link, no folder, not ours, or open to others.
        """
        try:
            found = path.lstat()
        except OSError as error:
            raise StateError(f"{path}: expected a state folder: {error.strerror}") from None
        mode = stat.S_IMODE(found.st_mode)
        if stat.S_ISLNK(found.st_mode):
            raise StateError(f"{path}: expected a folder, found a symbolic link; name the folder itself")
        if not stat.S_ISDIR(found.st_mode):
            raise StateError(f"{path}: expected a folder, found a file")
        if found.st_uid != os.geteuid():
            raise StateError(f"{path}: expected a folder of user {os.geteuid()}, found one of user {found.st_uid}")
        if mode & 0o077:
            wrong = f"expected a folder that only its owner can enter (0700), found {mode:04o}"
            raise StateError(f"{path}: {wrong} (chmod 700 makes it right)")
        return cls(path)

    @property
    def socket_path(self) -> Path:
        return self.path / SOCKET

    @property
    def kill_file(self) -> Path:
        return self.path / KILL

    @property
    def log(self) -> Path:
        """The log of the runs of this folder, JSON lines."""
        return self.path / LOG

    def holder(self) -> str:
        """The number of the process that holds the journal; empty where none does."""
        import fcntl

        try:
            file = os.open(self.path / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
        else:
            return ""
        finally:
            os.close(file)

    def free_mb(self) -> int:
        """What may still be written on the folder's disk."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize >> 20

    def connect(self, timeout: float) -> socket.socket:
        """A connection to the control socket.

        Raises:
            OSError: nobody listens there, or not in time.
        """
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(timeout)
        try:
            with short(self.socket_path) as address:
                client.connect(address)
        except OSError:
            client.close()
            raise
        return client

    def listen(self, backlog: int = 16) -> socket.socket:
        """The listening control socket, mode 0600; what a process that died left there is taken away.

        Raises:
            StateError: another process answers there, or something else lies there.
        """
        try:
            self.connect(1).close()
        except OSError:
            pass
        else:
            raise StateError(f"{self.path}: expected to be alone, found a process that answers on its control socket")
        if self.socket_path.is_symlink() or (self.socket_path.exists() and not self.socket_path.is_socket()):
            raise StateError(f"{self.socket_path}: expected a socket or nothing, found something else")
        self.socket_path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short(self.socket_path) as address:
                # The folder is ours alone already, so nobody else connects between these two lines.
                server.bind(address)
            self.socket_path.chmod(0o600)
            server.listen(backlog)
        except OSError as error:
            server.close()
            raise StateError(
                f"{self.socket_path}: expected a socket that can be bound: {error.strerror or error}"
            ) from None
        return server

    def point(self, run_folder: Path) -> None:
        """Leave word in a run folder which state folder is its."""
        (run_folder / POINTER).write_text(f"{self.path.resolve()}\n")


@contextmanager
def short(path: Path) -> Iterator[str]:
    """A path of a socket that fits: itself, or one through a link that is there for as long as this lasts."""
    whole = os.fsencode(path.absolute())
    if len(whole) <= _FITS:
        yield str(path)
        return
    # The ordinary place for temporary files may be deep itself.
    above = next(each for each in (tempfile.gettempdir(), "/tmp", "/var/tmp") if len(os.fsencode(each)) < 60)
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir=above))
    try:
        link = folder / "s"
        link.symlink_to(path.parent.absolute())
        yield str(link / path.name)
    finally:
        shutil.rmtree(folder)


def private_file(path: Path, flags: int = os.O_WRONLY | os.O_APPEND) -> int:
    """Open a file of ours for writing, made with 0600 where it is missing, never through a link.

    Raises:
        StateError: it is a link, or cannot be written.
    """
    try:
        return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        what = "a symbolic link" if path.is_symlink() else (error.strerror or str(error)).lower()
        raise StateError(f"{path}: expected a file that we may write, found {what}") from None


# --- finding a folder -------------------------------------------------------------------------------------------------


def find_state(text: str) -> StateFolder:
    """The state folder that a verb means: of a config, of a run folder, or the folder itself.

    Of a config only ``name`` and ``state`` are read, so that a run can be stopped where its secrets are not known.

    Raises:
        ConfigError: the config cannot be read, or says neither.
        StateError: there is no such folder, or it is not as it must be.
    """
    path = Path(text)
    if not path.is_dir():
        folder = state_of_config(path)
        if not os.path.lexists(folder):
            raise StateError(f"{text}: not running (there is no state folder {folder})")
        return StateFolder.open(folder)
    pointer = path / POINTER
    if pointer.is_file():
        return StateFolder.open(Path(pointer.read_text().strip()))
    return StateFolder.open(path)


def state_of_config(path: Path) -> Path:
    """Where the state folder of a config is, the rest of the config left unread."""
    from tickwright.document import ConfigError
    from tickwright.kinds import BAD, Text

    table = read_file(path)
    reading = Reading()
    stated = table.items.get("state")
    kind, node = (Text("a path"), stated) if stated is not None else (SLUG, _name(table))
    value = kind.read(node, reading)
    if value is BAD:
        raise ConfigError(reading.ordered())
    return path.parent / Path(value if stated is not None else f"state/{value}").expanduser()


def _name(table: Table) -> Node:
    return table.items.get("name") or Scalar(table.place.under("name"), "")
