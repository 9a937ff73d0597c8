"""Reading a journal: record by record with the chain checked, from its own process or from another one.

Readers of other processes open the database read-only and may do so while it is being written; they see what was
committed when they began.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, TextIO
from urllib.parse import quote

import msgspec

from tickwright.engine.chain import (
    CHECKPOINT,
    GENESIS,
    VERSION,
    Head,
    JournalDamaged,
    JournalRefused,
    Known,
    Record,
    describe_record,
    encode,
    link,
)
from tickwright.engine.journal_folder import HEAD, RECORDS, last_of, older_files

ALL: Final = "SELECT seq, ts, kind, body, hash FROM records WHERE seq > ? ORDER BY seq"


class End(NamedTuple):
    """Where a journal ends: its last good record and, where records after it are damaged, how many rows were lost."""

    seq: int
    hash: bytes
    lost: int


class Origin(NamedTuple):
    """What a file of a journal follows: the last record of the file before it, or nothing."""

    seq: int
    hash: bytes


def origin_of(connection: sqlite3.Connection) -> Origin:
    """What a file follows; files of the first version follow nothing.

    Raises:
        JournalDamaged: it does not say.
    """
    try:
        if int(connection.execute("PRAGMA user_version").fetchone()[0]) < 2:
            return Origin(0, GENESIS)
        rows = connection.execute("SELECT seq, hash FROM origin").fetchall()
    except sqlite3.Error as error:
        raise JournalDamaged(1, f"cannot be read: {error}") from None
    if len(rows) != 1 or type(rows[0][0]) is not int or type(rows[0][1]) is not bytes or rows[0][0] < 0:
        raise JournalDamaged(1, "expected one row that says what the file follows")
    found = Origin(*rows[0])
    if (found.seq == 0) != (found.hash == GENESIS):
        raise JournalDamaged(found.seq + 1, "expected a file that follows nothing, or a record")
    return found


def connect_reading(path: Path, connect: Callable[..., sqlite3.Connection]) -> sqlite3.Connection:
    """Open a database so that nothing in it can be changed."""
    return connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None)


def open_reading(folder: Path, name: str = RECORDS) -> sqlite3.Connection:
    """A connection to a file of a journal, which can only read.

    Raises:
        JournalRefused: there is no journal in the folder, or it cannot be read.
    """
    path = folder / name
    if not path.is_file():
        raise JournalRefused(f"{folder}: expected a journal, found no {name}")
    try:
        connection = connect_reading(path, sqlite3.connect)
        connection.execute("SELECT 1 FROM records LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise JournalRefused(f"{path}: expected a journal that can be read: {error}") from None
    return connection


def rows(connection: sqlite3.Connection, after: int) -> Iterator[tuple[Record, bytes]]:
    """Records with their hashes, as they are stored, each of the right types.

    Raises:
        JournalDamaged: a row cannot be read as a record.
    """
    seq = after
    connection.text_factory = bytes
    try:
        for number, ts, kind, body, hash in connection.execute(ALL, (after,)):
            seq += 1
            if number != seq:
                raise JournalDamaged(seq, f"expected number {seq}, found {number}")
            if not (type(ts) is int and type(kind) is type(body) is type(hash) is bytes):
                raise JournalDamaged(seq, "expected a time, a kind, a body and a hash, found other types")
            yield Record(seq, ts, kind.decode("ascii"), body), hash
    except sqlite3.Error as error:
        raise JournalDamaged(seq + 1, f"cannot be read: {error}") from None
    except UnicodeDecodeError:
        raise JournalDamaged(seq, "expected a kind in plain letters, found something else") from None


def chained(connection: sqlite3.Connection, after: int = 0, hash: bytes = GENESIS) -> Iterator[tuple[Record, bytes]]:
    """Records with their hashes, each checked against the one before; `hash` is that of record `after`."""
    for record, stored in rows(connection, after):
        if record.seq == after + 1 and after and (record.kind == CHECKPOINT) != (after == origin_of(connection).seq):
            raise JournalDamaged(record.seq, f"expected a checkpoint at a file's beginning alone, found {record.kind}")
        hash = link(hash, *record)
        if hash != stored:
            raise JournalDamaged(record.seq, f"expected hash {hash.hex()[:16]}, found {stored.hex()[:16]}")
        yield record, hash


def check(connection: sqlite3.Connection, head: Head | None, learn: Callable[[Record], None]) -> End:
    """Read all of a journal and prove it as far as its head; whoever opens it `learn`s on the way.

    A damaged end is lost if the head lies before it: nothing was ever done because of it.

    Raises:
        JournalDamaged: a record up to the head is missing or is not what was written.
    """
    least = head.seq if head is not None else 0
    lost = 0
    origin = origin_of(connection)
    seq, hash = origin
    if origin.seq > least or (head is not None and origin.seq == least and origin.hash != head.hash):
        raise JournalDamaged(least + 1, f"expected a file that goes on from {head}, found one after {origin.seq}")
    try:
        for record, hash in chained(connection, *origin):
            if head is not None and record.seq == least and hash != head.hash:
                raise JournalDamaged(record.seq, f"expected hash {head.hash.hex()[:16]} as in {folder_word(head)}")
            learn(record)
            seq = record.seq
    except JournalDamaged as damage:
        if damage.sequence <= least or head is None or damage.sequence != seq + 1:
            raise
        lost = count_after(connection, seq)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise JournalDamaged(seq + 1, f"cannot be understood: {error}") from None
    if seq < least or (origin.seq and seq == origin.seq):
        least = max(least, origin.seq + 1)
        raise JournalDamaged(seq + 1, f"expected records up to {least}, found the end at {seq}")
    try:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise JournalDamaged(seq + 1, f"cannot be checked: {error}") from None
    if verdict not in ("ok", b"ok"):
        text = verdict.decode("utf-8", "replace") if isinstance(verdict, bytes) else verdict
        raise JournalDamaged(seq + 1, f"all records up to here are right, but the file is not: {text}")
    return End(seq, hash_before(connection, seq) if lost else hash, lost)


def folder_word(head: Head) -> str:
    return f"the head, which names record {head.seq}"


def hash_before(connection: sqlite3.Connection, seq: int) -> bytes:
    """The stored hash of one record, or of the one that the file follows."""
    found = connection.execute("SELECT hash FROM records WHERE seq = ?", (seq,)).fetchone()
    return bytes(found[0]) if found is not None else origin_of(connection).hash


def count_after(connection: sqlite3.Connection, seq: int) -> int:
    """How many rows follow a record."""
    try:
        return int(connection.execute("SELECT count(*) FROM records WHERE seq > ?", (seq,)).fetchone()[0])
    except sqlite3.Error as error:
        raise JournalDamaged(seq + 1, f"cannot be read: {error}") from None


def picked(connection: sqlite3.Connection, after: int, kinds: Iterable[str] | None) -> Iterator[Record]:
    """Records after a number, of some kinds or (None) all, from a journal that was proven when it was opened."""
    connection.text_factory = bytes
    if kinds is None:
        found = connection.execute("SELECT seq, ts, kind, body FROM records WHERE seq > ? ORDER BY seq", (after,))
    else:
        wanted = list(kinds)
        marks = ", ".join("?" * len(wanted))
        found = connection.execute(
            f"SELECT seq, ts, kind, body FROM records WHERE seq > ? AND kind IN ({marks}) ORDER BY seq",
            (after, *wanted),
        )
    for seq, ts, kind, body in found:
        yield Record(seq, ts, kind.decode("ascii"), body)


def read_journal(folder: Path, after: int = 0) -> Iterator[Record]:
    """The records of a journal after a number, oldest first, with the chain checked from there on.

    All files are read, from the oldest that is still there on. May be used while another process writes.

    Raises:
        JournalRefused: there is no journal, or it is of a newer program.
        JournalDamaged: a record is not the one that was written.
    """
    known: bytes | None = None
    while True:
        older = [path for path in older_files(folder) if last_of(path) > after]
        connection = open_reading(folder, older[0].name if older else RECORDS)
        try:
            refuse_newer(connection, folder)
            origin = origin_of(connection)
            if not older and origin.seq > after and any(last_of(path) > after for path in older_files(folder)):
                continue  # the next file was begun in this very moment
            if known is not None and origin != (after, known):
                raise JournalDamaged(after + 1, f"expected a file that follows {after}, found one after {origin.seq}")
            start = max(after, origin.seq)
            for record, hash in chained(connection, start, hash_before(connection, start)):
                after, known = record.seq, hash
                yield record
        finally:
            connection.close()
        if not older:
            return
        if after != last_of(older[0]):
            raise JournalDamaged(after + 1, f"expected records up to {last_of(older[0])} in {older[0].name}")


def verify_journal(folder: Path) -> End:
    """Prove a journal, all its files, also while another process writes it; nothing is changed.

    Raises:
        JournalRefused: there is no journal, or it is of a newer program.
        JournalDamaged: a record up to the head is missing or is not the one that was written.
    """
    for path in older_files(folder):
        connection = open_reading(folder, path.name)
        try:
            refuse_newer(connection, folder)
            origin = origin_of(connection)
            end = check(connection, Head(*origin), lambda record: None)
            if end.lost or end.seq != last_of(path):
                raise JournalDamaged(end.seq + 1, f"expected records up to {last_of(path)} in {path.name}")
        finally:
            connection.close()
    try:
        head = Head.parse((folder / HEAD).read_bytes())
    except FileNotFoundError:
        head = None
    if head is None:
        raise JournalDamaged(1, f"{folder}: expected {HEAD} to name the last record; it is missing or unreadable")
    connection = open_reading(folder)
    try:
        refuse_newer(connection, folder)
        return check(connection, head, Known().learn)
    finally:
        connection.close()


def refuse_newer(connection: sqlite3.Connection, folder: Path) -> int:
    """The layout's version.

    Raises:
        JournalRefused: it is one that this program does not know.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise JournalRefused(
            f"{folder}: expected a journal of version {VERSION} or older, found version {version}: a newer program "
            "wrote it; use that one, nothing was changed"
        )
    return version


def export_jsonl(folder: Path, out: TextIO) -> int:
    """Write every record of a journal as one line of JSON, and return how many; the chain is checked on the way."""
    return write_lines(read_journal(folder), out)


def write_lines(records: Iterable[Record], out: TextIO) -> int:
    """Write records as lines of JSON, and return how many."""
    count = 0
    for record in records:
        out.write(encode(describe_record(record)).decode())
        out.write("\n")
        count += 1
    return count
