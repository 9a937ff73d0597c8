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
from tickwright.engine.journal_folder import HEAD, RECORDS

ALL: Final = "SELECT seq, ts, kind, body, hash FROM records WHERE seq > ? ORDER BY seq"


class End(NamedTuple):
    """Where a journal ends: its last good record and, where records after it are damaged, how many rows were lost."""

    seq: int
    hash: bytes
    lost: int


def connect_reading(path: Path, connect: Callable[..., sqlite3.Connection]) -> sqlite3.Connection:
    """Open a database so that nothing in it can be changed."""
    return connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None)


def open_reading(folder: Path) -> sqlite3.Connection:
    """A connection that can only read.

    Raises:
        JournalRefused: there is no journal in the folder, or it cannot be read.
    """
    path = folder / RECORDS
    if not path.is_file():
        raise JournalRefused(f"{folder}: expected a journal, found no {RECORDS}")
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
    seq = lost = 0
    hash = GENESIS
    try:
        for record, hash in chained(connection):
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
    if seq < least:
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
    """The stored hash of one record; the genesis of none."""
    found = connection.execute("SELECT hash FROM records WHERE seq = ?", (seq,)).fetchone()
    return bytes(found[0]) if found is not None else GENESIS


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

    May be used while another process writes.

    Raises:
        JournalRefused: there is no journal, or it is of a newer program.
        JournalDamaged: a record is not the one that was written.
    """
    connection = open_reading(folder)
    try:
        refuse_newer(connection, folder)
        for record, _ in chained(connection, after, hash_before(connection, after)):
            yield record
    finally:
        connection.close()


def verify_journal(folder: Path) -> End:
    """Prove a journal, also while another process writes it; nothing is changed.

    Raises:
        JournalRefused: there is no journal, or it is of a newer program.
        JournalDamaged: a record up to the head is missing or is not the one that was written.
    """
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
    count = 0
    for record in read_journal(folder):
        out.write(encode(describe_record(record)).decode())
        out.write("\n")
        count += 1
    return count
