"""The journal: every decision, order event, fill and kill, written down before anything follows from it.

The idea
--------
One SQLite database in WAL mode, one writing connection, used where the core runs (a thread would cost more than a
commit). Records are gathered while a batch of events is worked through; `commit` writes them in one transaction,
then the head (see `chain.py`), and only when it has returned may what was decided leave. With durability `process` a
commit survives the end of this process however it comes; with `power` also that of the machine.

A write that failed is not tried again: after a failed sync nobody knows what the disk holds. The journal is dead from
then on, says so, and takes records without keeping them, so that cancels can still be sent. A sync that was slow makes
it late, until the next one that is not.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from tickwright.engine.chain import (
    GENESIS,
    VERSION,
    Head,
    JournalDamaged,
    JournalError,
    JournalRefused,
    Known,
    Record,
    encode,
    link,
)
from tickwright.engine.journal_folder import Disk, Folder
from tickwright.engine.journal_layout import (
    DURABILITIES,
    close_quietly,
    connect,
    count_lost,
    lay_out,
    prove,
    upgrade,
)
from tickwright.engine.journal_reading import End, open_reading, picked
from tickwright.engine.rotation import begin_file, exchange_files, retire

LATE_NS: Final = 250_000_000
"""A commit that takes longer makes the journal late."""

CHECKPOINT_BYTES: Final = 4 << 20
"""So much is written before it is moved from the log into the database: 4 MiB, some milliseconds' work."""

PENDING_MAX: Final = 1_000_000
"""Records that may wait for one commit: at 300 bytes 300 MB. More is a loop that never commits."""

AHEAD: Final = 10_000
"""So many order numbers are reserved at a time; a crash skips what is left of them, so that none is used twice."""

LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
INSERT: Final = "INSERT INTO records (seq, ts, kind, body, hash) VALUES "
ROW: Final = "(?, ?, ?, CAST(? AS TEXT), ?)"
INSERTS: Final = [INSERT + ", ".join([ROW] * count) for count in range(17)]
"""One statement for so many records, which is a transaction by itself: a fifth less time than three statements."""

FILE_BYTES: Final = 32 << 20
"""At this size the next file is due: a hundred thousand records or so, which take a second to read."""

REMEMBERED: Final = frozenset(("journal", "run", "baseline"))
"""Kinds of records that a checkpoint repeats."""


class Clock(Protocol):
    """Tells the run's time, in nanoseconds."""

    def now(self) -> int: ...


class Journal:
    """The open journal of one state folder.

    `prefix` begins the ids of our orders, `next_order_number` is the first number that was never used. `healthy` tells
    whether the last commit reached the disk in time, `reason` why not; `lag_ns` how long it took. `loss` says what of
    the journal's end was given up when it was opened, empty where nothing was.
    """

    def __init__(self, folder: Folder, connection: sqlite3.Connection, clock: Clock, end: End, known: Known) -> None:
        self.folder = folder
        self.connection = connection
        self.clock = clock
        self.seq = end.seq
        self.hash = end.hash
        self.known = known
        self.pending: list[tuple[int, str, bytes]] = []
        self.written = 0
        self.dead = ""
        self.late = ""
        self.lag_ns = 0
        self.loss = ""
        self.prefix = known.prefix
        self.next_order_number = known.counters.get("order", 0) + 1
        self.reserved = self.next_order_number - 1
        self.used = self.reserved
        self.durability = "process"
        self.file_bytes = FILE_BYTES
        self.keep_bytes = 0
        self.size = folder.records.stat().st_size

    # --- opening ------------------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, folder: Path, *, durability: str = "process", clock: Clock, disk: Disk | None = None) -> "Journal":
        """Open the journal of a state folder, making both where they are missing, and hold it until `close`.

        Raises:
            JournalLocked: another process holds it.
            JournalRefused: the folder or a file is not as it must be, or a newer program wrote the journal.
            JournalDamaged: a record is not the one that was written.
        """
        if durability not in DURABILITIES:
            raise JournalRefused(f"journal.durability: expected process or power, received {durability!r}")
        place = Folder(Path(folder), disk or Disk())
        try:
            place.enter()
            place.take()
            return cls._open(place, durability, clock)
        except OSError as error:
            place.leave()
            raise JournalRefused(f"{folder}: the journal cannot be opened: {error.strerror or error}") from None
        except BaseException:  # raised again: the lock is given back, whatever the reason
            place.leave()
            raise

    @classmethod
    def _open(cls, folder: Folder, durability: str, clock: Clock) -> "Journal":
        head, has_head = folder.read_head()
        if has_head and head is None:
            raise JournalDamaged(1, "the head file is not as it was written, so the journal's end cannot be proven")
        folder.tidy()
        file, _ = folder.file(folder.records.name, make=not head or head.seq == 0)
        if file < 0:
            assert head is not None
            raise JournalDamaged(1, f"expected records up to {head.seq}, found no {folder.records.name}")
        connection = None
        try:
            known = Known()
            end = prove(folder, head, known)
            connection = connect(folder, durability)
            if end is None:
                end = lay_out(connection)
            upgrade(connection)
            journal = cls(folder, connection, clock, end, known)
            journal.durability = durability
            journal._begin(head)
        except sqlite3.Error as error:
            close_quietly(connection)
            raise JournalDamaged(1, f"expected a database in good order: {error}") from None
        except BaseException:  # raised again: the database is closed, whatever the reason
            close_quietly(connection)
            raise
        return journal

    def _begin(self, head: Head | None) -> None:
        """What the first moments add: the name of the journal, what was lost, the numbers that may be used."""
        now = self.clock.now()
        if head is None:
            self.folder.write_head(Head(0, GENESIS))
            self.folder.sync_head()
        if self.known.version == 0:
            token = "".join(LETTERS[byte % len(LETTERS)] for byte in self.folder.disk.random(6))
            self.prefix = token if token[0].isalpha() else f"t{token[1:]}"
            self.append("journal", {"version": VERSION, "prefix": self.prefix}, now)
        lost = count_lost(self.connection, self.seq)
        if lost:
            self.loss = (
                f"{self.folder.path}: {lost} records after number {self.seq} were damaged and are given up; nothing "
                "had been done because of them"
            )
            self.append("loss", {"after": self.seq, "records": lost}, now)
        self.number_used(self.used)
        self.commit()
        if "readonly" in self.dead:  # the files can be written: it is the database that says otherwise
            raise JournalDamaged(self.seq + 1, f"all records up to here are right, but: {self.dead}")
        if self.dead:
            raise JournalRefused(f"{self.folder.path}: the journal cannot be written: {self.dead}")

    # --- writing ------------------------------------------------------------------------------------------------------

    @property
    def healthy(self) -> bool:
        return not self.dead and not self.late

    @property
    def reason(self) -> str:
        return self.dead or self.late

    def append(self, kind: str, body: Mapping[str, Any] | msgspec.Struct, ts: int) -> None:
        """Put one record on the list for the next commit."""
        if self.dead:
            return
        if len(self.pending) >= PENDING_MAX:
            self._die(f"{len(self.pending)} records wait for a commit, at most {PENDING_MAX} may")
            return
        said = encode(body)
        if kind in REMEMBERED:
            self.known.learn(Record(0, ts, kind, said))
        self.pending.append((ts, kind, said))

    def number_used(self, number: int) -> None:
        """An order has this number. More are reserved well before they run out."""
        if number > self.used:
            self.used = number
        if self.used + AHEAD // 2 > self.reserved:
            self.reserved = self.used + AHEAD
            self.append("counter", {"name": "order", "reserved": self.reserved}, self.clock.now())

    def commit(self) -> bool:
        """Make durable whatever was appended; whether the journal is healthy. Nothing decided may leave before."""
        if self.pending:
            pending, self.pending = self.pending, []
            self._write(pending)
        return self.healthy

    def write_now(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Make one record durable ahead of those that wait: half a batch is never committed."""
        self._write([(self.clock.now(), kind, encode(body))])
        return self.healthy

    def _write(self, pending: list[tuple[int, str, bytes]]) -> None:
        if self.dead:
            return
        began = self.clock.now()
        seq = self.seq
        hash = self.hash
        values: list[Any] = []
        size = 0
        for ts, kind, body in pending:
            seq += 1
            hash = link(hash, seq, ts, kind, body)
            values += (seq, ts, kind, body, hash)
            size += len(body)
        connection = self.connection
        try:
            if len(pending) < len(INSERTS):
                connection.execute(INSERTS[len(pending)], values)
            else:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(INSERTS[1], zip(*[iter(values)] * 5, strict=True))
                connection.execute("COMMIT")
            self.seq = seq
            self.hash = hash
            self.folder.write_head(Head(seq, hash))
            size += 128 * len(pending)
            self.written += size
            self.size += size
            if self.written >= CHECKPOINT_BYTES:
                self.checkpoint()
        except (sqlite3.Error, OSError) as error:
            self._die(f"{type(error).__name__}: {error}")
            return
        self.lag_ns = self.clock.now() - began
        late = self.lag_ns > LATE_NS
        self.late = f"the last write took {self.lag_ns // 1_000_000} ms, at most 250 ms are allowed" if late else ""

    def _die(self, reason: str) -> None:
        """From here on nothing is kept: what the disk holds after a failed write is not known, so none is repeated."""
        self.dead = reason
        self.pending.clear()

    def checkpoint(self) -> None:
        """Move what was committed from SQLite's log into the database, as far as readers allow.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        self.written = 0
        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    @property
    def full(self) -> bool:
        """Whether the next file is due."""
        return 0 < self.file_bytes <= self.size and not self.dead

    def bound(self, file_bytes: int, keep_bytes: int) -> None:
        """How large a file may grow, and how many bytes of earlier ones are kept; 0 for no bound."""
        self.file_bytes, self.keep_bytes = file_bytes, keep_bytes

    def rotate(self, carried: Mapping[str, Any]) -> bool:
        """Begin the next file with what earlier records are still needed for; whether it was begun.

        It is not where a reader holds on to SQLite's log, or where the disk refuses the new file: then all goes on in
        the old one, and it is tried again once that has grown by half.
        """
        self.commit()
        if self.dead:
            return False
        self.size = self.file_bytes // 2
        now = self.clock.now()
        self.known.counters["order"] = self.reserved
        body = encode({**carried, "known": self.known.plain()})
        try:
            self.connection.execute("PRAGMA busy_timeout = 0")  # nothing may wait for who reads
            busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self.connection.execute("PRAGMA busy_timeout = 1000")
            if busy:
                return False
            head = begin_file(self.folder, Head(self.seq, self.hash), now, body, lay_out, INSERTS[1])
        except (sqlite3.Error, OSError):
            return False  # nothing was changed
        try:
            self.connection.close()
            exchange_files(self.folder, self.seq)
            self.connection = connect(self.folder, self.durability)
            self.seq, self.hash = head
            self.folder.write_head(head)
            self.size = len(body)
            self.written = 0
            gone = retire(self.folder, self.keep_bytes) if self.keep_bytes else []
        except (sqlite3.Error, OSError, JournalRefused) as error:
            self._die(f"the next file could not be begun: {type(error).__name__}: {error}")
            return False
        for name in gone:
            self.append("retired", {"file": name}, now)
        self.commit()
        return True

    @property
    def free_mb(self) -> int:
        """What is left on the disk, in megabytes."""
        return self.folder.disk.free_bytes(self.folder.place) // 1_000_000

    def close(self) -> None:
        """Commit, give back the order numbers not used, and let go of the folder. May be called twice."""
        if self.folder.lock < 0:
            return
        if not self.dead:
            if self.reserved != self.used:
                self.append("counter", {"name": "order", "reserved": self.used}, self.clock.now())
            self.commit()
        close_quietly(self.connection)
        if not self.dead:
            self.folder.sync_head()
        self.folder.leave()

    # --- reading ------------------------------------------------------------------------------------------------------

    def records(self, after: int = 0, kinds: Iterable[str] | None = None) -> Iterator[Record]:
        """Committed records after a number, oldest first, of some kinds or all."""
        connection = open_reading(self.folder.path)
        try:
            yield from picked(connection, after, kinds)
        finally:
            connection.close()

    # --- what is kept for others --------------------------------------------------------------------------------------

    def counter(self, name: str, ahead: int = 1000) -> "Counter":
        """A number that only rises, over restarts and crashes too."""
        if name == "order":
            raise JournalError("counter order: expected another name, this one numbers the orders")
        return Counter(self, name, self.known.counters.get(name, 0), ahead)

    def store(self) -> "States":
        """Where strategies keep their state."""
        return States(self)

    def latch_store(self) -> "Latches":
        """Where the kill switch keeps its latches."""
        return Latches(self)


class Counter:
    """Hands out numbers that rise and are never used again. They are reserved in blocks, so that most cost nothing."""

    def __init__(self, journal: Journal, name: str, reserved: int, ahead: int) -> None:
        self.journal = journal
        self.name = name
        self.value = reserved
        self.reserved = reserved
        self.ahead = ahead

    def take(self, least: int = 0) -> int:
        """The next number, `least` or more; durable as used before it is returned, as long as the journal lives."""
        self.value = max(self.value + 1, least)
        if self.value > self.reserved:
            self.reserved = self.value + self.ahead
            self.journal.known.counters[self.name] = self.reserved
            self.journal.write_now("counter", {"name": self.name, "reserved": self.reserved})
        return self.value


class States:
    """Strategies' saved states, kept as records; durable with the next commit."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def load(self, strategy: str) -> dict[str, Any] | None:
        """What was saved last; None where nothing was."""
        found = self.journal.known.states.get(strategy)
        # A copy, as a store of files would give: what the strategy changes is not what was saved.
        return msgspec.json.decode(encode(found)) if found is not None else None

    def save(self, strategy: str, state: dict[str, Any]) -> None:
        self.journal.known.states[strategy] = state
        self.journal.append("state", {"strategy": strategy, "state": state}, self.journal.clock.now())


class Latches:
    """The kill switch's latches, kept as records."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def load(self) -> str:
        return self.journal.known.latches

    def save(self, text: str) -> None:
        """Keep the latches, at once: a kill has to hold even if this process dies before its next commit."""
        self.journal.known.latches = text
        self.journal.write_now("latches", {"text": text})
