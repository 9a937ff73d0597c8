"""The folder that a journal lives in: who may see it, who holds it, and the file with the head.

The folder is ours alone (0700) and so is every file in it (0600). Nothing is opened through a symbolic link: who could
place one there could make us write somewhere else.
"""

import fcntl
import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tickwright.engine.chain import Head, JournalLocked, JournalRefused

RECORDS: Final = "journal.db"
NEXT: Final = "journal.next"
"""A file that is being begun: nothing before it has taken the place of `RECORDS`."""
HEAD: Final = "journal.head"
LOCK: Final = "journal.lock"


def older_files(folder: Path) -> list[Path]:
    """The journal's files that others follow, oldest first; each is named after its last record.

    The latest file under a second name is none: a process died, or is, between two steps of beginning the next.
    """
    try:
        latest = (folder / RECORDS).stat()
    except FileNotFoundError:
        return named_older(folder)
    return [path for path in named_older(folder) if not is_file(path, latest)]


def is_file(path: Path, known: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), known)
    except FileNotFoundError:  # taken away in this very moment
        return True


def named_older(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("journal-*.db") if last_of(path) > 0)


def older_name(last: int) -> str:
    return f"journal-{last:012d}.db"


def last_of(path: Path) -> int:
    """The last record of a file that others follow; 0 where the name is another file's."""
    digits = path.name[len("journal-") : -len(".db")]
    return int(digits) if len(digits) == 12 and digits.isdigit() else 0


class Disk:
    """What the journal does to the machine beside SQLite. A test passes one that fails.

    `connect` opens the database: `sqlite3.connect`, or something that takes the same arguments.
    """

    def __init__(self, connect: Callable[..., sqlite3.Connection] = sqlite3.connect) -> None:
        self.connect = connect

    def overwrite(self, file: int, text: bytes) -> None:
        """Put `text` in the place of what the file holds; it is as long as that."""
        written = os.pwrite(file, text, 0)
        if written != len(text):
            raise OSError(f"expected {len(text)} bytes written, received {written}")

    def sync(self, file: int) -> None:
        """Return once the file, or folder, is on the disk."""
        os.fsync(file)

    def free_bytes(self, file: int) -> int:
        """What an ordinary user may still write on the disk of an open file."""
        found = os.fstatvfs(file)
        return found.f_bavail * found.f_frsize

    def random(self, count: int) -> bytes:
        return os.urandom(count)

    def link(self, old: str, new: str, place: int) -> None:
        """Give a file of a folder a second name."""
        os.link(old, new, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)

    def replace(self, old: str, new: str, place: int) -> None:
        """Give a file of a folder the name of another, which is gone from then on; all at once."""
        os.replace(old, new, src_dir_fd=place, dst_dir_fd=place)

    def remove(self, name: str, place: int) -> None:
        """Take a file out of a folder, if it is there."""
        try:
            os.unlink(name, dir_fd=place)
        except FileNotFoundError:
            return


class Folder:
    """A state folder that this process has opened and, after `take`, holds."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self.disk = disk
        self.place = -1
        self.lock = -1
        self.head = -1

    @property
    def records(self) -> Path:
        return self.path / RECORDS

    def enter(self) -> None:
        """Open the folder, making it where it is missing.

        Raises:
            JournalRefused: it is a link, no folder, not ours, or open to others.
        """
        if not os.path.lexists(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.mkdir(self.path, 0o700)
            self.sync_parent()
        try:
            self.place = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            what = "a symbolic link" if self.path.is_symlink() else (error.strerror or str(error)).lower()
            raise JournalRefused(f"{self.path}: expected a folder of ours, found {what}") from None
        self.check(self.place, self.path, 0o700)

    def tidy(self) -> None:
        """Take away what a process left that died while it began the next file."""
        for name in (NEXT, f"{NEXT}-wal", f"{NEXT}-shm", f"{NEXT}-journal"):
            self.disk.remove(name, self.place)
        older = older_files(self.path)
        for path in named_older(self.path):
            if path not in older:
                self.disk.remove(path.name, self.place)

    def sync_parent(self) -> None:
        above = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.disk.sync(above)
        finally:
            os.close(above)

    def check(self, file: int, path: Path, mode: int) -> None:
        """Refuse what belongs to somebody else or is open to them."""
        found = os.fstat(file)
        if found.st_uid != os.geteuid():
            raise JournalRefused(f"{path}: expected owner {os.geteuid()}, found {found.st_uid}")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise JournalRefused(
                f"{path}: expected mode {mode:04o}, found {stat.S_IMODE(found.st_mode):04o}; others could read orders "
                f"and states there (chmod {mode:o} makes it right)"
            )

    def file(self, name: str, *, make: bool) -> tuple[int, bool]:
        """Open one of our files, and whether it was made just now; -1 where it is missing and not to be made."""
        path = self.path / name
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        made = False
        try:
            file = os.open(name, flags, dir_fd=self.place)
        except FileNotFoundError:
            if not make:
                return -1, False
            file = self.make(name, flags)
            made = True
        except OSError as error:
            what = "a symbolic link" if path.is_symlink() else (error.strerror or str(error)).lower()
            raise JournalRefused(f"{path}: expected a file that we may write, found {what}") from None
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise JournalRefused(f"{path}: expected a file, found something else")
        self.check(file, path, 0o600)
        return file, made

    def make(self, name: str, flags: int) -> int:
        try:
            file = os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self.place)
        except OSError as error:
            raise JournalRefused(f"{self.path}: expected a folder that we may write to: {error.strerror}") from None
        self.disk.sync(self.place)
        return file

    def take(self) -> None:
        """Hold the folder until the process ends.

        Raises:
            JournalLocked: another process holds it.
        """
        self.lock, _ = self.file(LOCK, make=True)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self.lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise JournalLocked(
                f"{self.path}: expected to be alone, found process {holder} running with this folder"
            ) from None
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, b"%d\n" % os.getpid(), 0)

    def read_head(self) -> "tuple[Head | None, bool]":
        """The head as written last (None: damaged), and whether there is one at all."""
        self.head, _ = self.file(HEAD, make=False)
        if self.head < 0:
            return None, False
        return Head.parse(os.pread(self.head, 200, 0)), True

    def write_head(self, head: Head) -> None:
        """Name the last record, at once for every other process; synced by `sync_head`."""
        if self.head < 0:
            self.head, _ = self.file(HEAD, make=True)
        self.disk.overwrite(self.head, head.text())

    def forget_head(self) -> None:
        """The head is to be a new file from now on, in place of the one that is there."""
        if self.head >= 0:
            os.close(self.head)
            self.head = -1
        self.disk.remove(HEAD, self.place)

    def sync_head(self) -> None:
        if self.head >= 0:
            self.disk.sync(self.head)

    def close_file(self, file: int) -> None:
        os.close(file)

    def leave(self) -> None:
        """Let go of everything; the lock last."""
        for file in (self.head, self.place, self.lock):
            if file >= 0:
                os.close(file)
        self.head = self.place = self.lock = -1
