"""Folders that are not as they must be, disks that fail, processes that die: the journal says so, and loses nothing."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tickwright.engine import journal as journals
from tickwright.engine.chain import JournalLocked, JournalRefused
from tickwright.engine.journal import Journal
from tickwright.engine.journal_folder import Disk

MS = 1_000_000


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 1_700_000_000_000_000_000

    def now(self) -> int:
        return self.time


class Wired:
    """A connection that lets `before` see each statement first."""

    def __init__(self, real: sqlite3.Connection, before: Callable[[str], None]) -> None:
        self.real = real
        self.before = before

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        self.before(statement)
        return self.real.execute(statement, *values)

    def executemany(self, statement: str, rows: object) -> sqlite3.Cursor:
        self.before(statement)
        return self.real.executemany(statement, rows)  # type: ignore[arg-type]

    def close(self) -> None:
        self.real.close()


class Wires(Disk):
    """A disk whose writing connection is wired."""

    def __init__(self, before: Callable[[str], None]) -> None:
        super().__init__(self.open)  # type: ignore[arg-type]
        self.before = before

    def open(self, path: str, **how: object) -> object:
        real = sqlite3.connect(path, **how)  # type: ignore[arg-type]
        return real if how.get("uri") else Wired(real, self.before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def opened(folder: Path, disk: Disk | None = None, clock: Hand | None = None) -> Journal:
    return Journal.open(folder, clock=clock or Hand(), disk=disk)


def notes(folder: Path) -> list[int]:
    journal = opened(folder)
    found = [record.plain()["n"] for record in journal.records(kinds=["note"])]
    journal.close()
    return found


# --- folders and files ------------------------------------------------------------------------------------------------


def test_everything_is_ours_alone(folder: Path) -> None:
    journal = opened(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert files == dict.fromkeys(
        ["journal.db", "journal.db-wal", "journal.db-shm", "journal.head", "journal.lock"], 0o600
    )
    journal.close()


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_folder_that_others_may_enter_is_refused(folder: Path, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(JournalRefused, match=rf"state: expected mode 0700, found {mode:04o}; .*chmod 700"):
        opened(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["journal.db", "journal.head", "journal.lock"])
def test_a_file_that_others_may_read_is_refused(folder: Path, name: str) -> None:
    opened(folder).close()
    (folder / name).chmod(0o644)
    with pytest.raises(JournalRefused, match=rf"{name}: expected mode 0600, found 0644"):
        opened(folder)


def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalRefused, match="expected a folder of ours, found a symbolic link"):
        opened(folder)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["journal.db", "journal.head", "journal.lock"])
def test_a_file_that_is_a_link_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    opened(folder).close()
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalRefused, match=rf"{name}: expected a file that we may write, found a symbolic link"):
        opened(folder)


def test_what_is_no_folder_or_no_file_is_refused(folder: Path) -> None:
    folder.touch()
    with pytest.raises(JournalRefused, match="expected a folder of ours, found not a directory"):
        opened(folder)
    folder.unlink()
    folder.mkdir(0o700)
    (folder / "journal.db").mkdir()
    with pytest.raises(JournalRefused, match=r"journal\.db: expected a file that we may write, found is a directory"):
        opened(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(folder: Path) -> None:
    folder.mkdir(0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(JournalRefused, match="expected owner 0, found 65534"):
        opened(folder)


def test_a_folder_that_cannot_be_written_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(0o700)
    real = os.open

    def locked(path: str, flags: int, *more: int, **how: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(30, "Read-only file system")
        return real(path, flags, *more, **how)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", locked)
        with pytest.raises(JournalRefused, match="expected a folder that we may write to: Read-only file system"):
            opened(folder)
    assert list(folder.iterdir()) == []


def test_a_refused_start_holds_nothing(folder: Path) -> None:
    opened(folder).close()
    head = (folder / "journal.head").read_bytes()
    (folder / "journal.head").write_bytes(b"x")
    for _ in range(3):
        with pytest.raises(journals.JournalDamaged):
            opened(folder)
    (folder / "journal.head").write_bytes(head)
    opened(folder).close()


# --- disks ------------------------------------------------------------------------------------------------------------


def test_a_full_disk_kills_the_journal_and_what_was_committed_stays(folder: Path) -> None:
    class Small(Disk):
        def __init__(self) -> None:
            super().__init__(self.open)

        def open(self, path: str, **how: object) -> sqlite3.Connection:
            connection = sqlite3.connect(path, **how)  # type: ignore[arg-type]
            connection.execute("PRAGMA max_page_count = 20")
            return connection

    journal = opened(folder, Small())
    number = 0
    while journal.healthy:
        number += 1
        assert number < 10_000
        journal.append("note", {"n": number, "text": "x" * 500}, number)
        journal.commit()
    assert journal.dead
    assert "disk is full" in journal.reason
    assert not journal.commit()
    for _ in range(3):
        journal.append("note", {"n": -1}, 0)
    assert journal.pending == []
    assert not journal.commit()
    journal.close()
    assert notes(folder) == list(range(1, number))


@pytest.mark.parametrize(("failing", "count"), [("INSERT", 1), ("BEGIN IMMEDIATE", 20), ("INSERT", 20), ("COMMIT", 20)])
def test_a_write_that_failed_is_not_tried_again(folder: Path, failing: str, count: int) -> None:
    said: list[str] = []
    armed = False

    def before(statement: str) -> None:
        if armed:
            said.append(statement)
            if statement.startswith(failing):
                raise sqlite3.OperationalError("disk I/O error")

    journal = opened(folder, Wires(before))
    journal.append("note", {"n": 1}, 1)
    assert journal.commit()
    armed = True
    for _ in range(count):
        journal.append("note", {"n": 2}, 2)
    assert not journal.commit()
    assert journal.reason == "OperationalError: disk I/O error"
    tries = len(said)
    journal.append("note", {"n": 3}, 3)
    assert not journal.commit()
    assert journal.counter("nonce").take() == 1, "a request can still be signed, to cancel"
    journal.close()
    assert len(said) == tries
    assert said[-1].startswith(failing)
    assert notes(folder) == [1]


def test_a_head_that_cannot_be_written_kills_the_journal(folder: Path) -> None:
    class Stuck(Disk):
        stuck = False

        def overwrite(self, file: int, text: bytes) -> None:
            if self.stuck:
                raise OSError(28, "No space left on device")
            super().overwrite(file, text)

    disk = Stuck()
    journal = opened(folder, disk)
    disk.stuck = True
    journal.append("note", {"n": 1}, 1)
    assert not journal.commit()
    assert "No space left" in journal.reason
    journal.close()
    assert notes(folder) == [1], "it was committed, though nothing followed from it"


def test_a_slow_write_makes_the_journal_late_until_a_fast_one(folder: Path) -> None:
    clock = Hand()
    takes = 0

    def before(statement: str) -> None:
        clock.time += takes if statement.startswith("INSERT") else 0

    journal = opened(folder, Wires(before), clock)
    for takes, healthy in ((250 * MS, True), (251 * MS, False), (10_000 * MS, False), (1 * MS, True)):
        journal.append("note", {"n": takes}, 1)
        assert journal.commit() is healthy
        assert journal.lag_ns == takes
        assert journal.reason == (
            "" if healthy else f"the last write took {takes // MS} ms, at most 250 ms are allowed"
        )
        assert not journal.dead
    journal.close()
    assert len(notes(folder)) == 4


@pytest.mark.parametrize(("durability", "level"), [("process", 1), ("power", 2)])
def test_a_commit_is_synced_where_it_must_outlive_the_power(folder: Path, durability: str, level: int) -> None:
    """At SQLite's level 2 every commit is synced; at 1 only what is moved into the database."""
    journal = Journal.open(folder, durability=durability, clock=Hand())
    assert journal.connection.execute("PRAGMA synchronous").fetchone()[0] == level
    journal.close()


def test_records_that_nobody_commits_have_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "PENDING_MAX", 3)
    journal = opened(folder)
    for number in range(4):
        journal.append("note", {"n": number}, number)
    assert journal.reason == "3 records wait for a commit, at most 3 may"
    journal.close()
    assert notes(folder) == []


def test_the_log_is_moved_into_the_database_now_and_then(folder: Path) -> None:
    moved = []
    journal = opened(folder, Wires(lambda statement: moved.append(statement) if "checkpoint(" in statement else None))
    for number in range(6000):
        journal.append("note", {"n": number, "text": "x" * 1000}, number)
        if number % 100 == 0:
            journal.commit()
    assert len(moved) == 1
    assert (folder / "journal.db-wal").stat().st_size < 3 * journals.CHECKPOINT_BYTES
    assert journal.free_mb > 0
    journal.close()
    assert len(notes(folder)) == 6000


# --- processes --------------------------------------------------------------------------------------------------------

WRITER = """
import sys, time
from pathlib import Path
from tickwright.engine.journal import Journal

class Clock:
    now = staticmethod(time.time_ns)

journal = Journal.open(Path(sys.argv[1]), clock=Clock())
orders = journal.next_order_number
number = int(sys.argv[2])
while True:
    for _ in range(number % 5 + 1):
        number += 1
        journal.number_used(orders + number)
        journal.append("note", {"n": number, "text": "x" * (number % 900), "order": orders + number}, number)
    assert journal.commit()
    print(number, flush=True)
"""


def writing(folder: Path, number: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(number)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_what_was_acknowledged_outlives_a_killed_process(folder: Path) -> None:
    last = 0
    used: set[int] = set()
    for life in range(3):
        process = writing(folder, last)
        assert process.stdout is not None
        told = last
        for _ in range(50 + 37 * life):
            told = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        told = int(rest.split()[-2]) if len(rest.split()) > 1 else told
        journal = opened(folder)
        found = [record.plain() for record in journal.records(kinds=["note"])]
        assert [each["n"] for each in found] == list(range(1, len(found) + 1))
        assert len(found) >= told > last
        orders = {each["order"] for each in found}
        assert len(orders) == len(found), "an order number was used twice"
        assert journal.next_order_number > max(orders)
        used |= orders
        last = len(found)
        assert journal.loss == ""
        journal.close()


@pytest.mark.slow
def test_a_second_process_is_refused_at_once_and_the_first_goes_on(folder: Path) -> None:
    process = writing(folder, 0)
    assert process.stdout is not None
    assert int(process.stdout.readline()) > 0
    begun = time.monotonic()
    with pytest.raises(JournalLocked, match=f"found process {process.pid} running with this folder"):
        opened(folder)
    assert time.monotonic() - begun < 1
    for _ in range(10):
        assert int(process.stdout.readline()) > 0
    process.kill()
    process.communicate()
    opened(folder).close()
