"""The tables of a journal's file: made, proven, brought up from an earlier version."""

import sqlite3
from typing import Final

from tickwright.engine.chain import GENESIS, VERSION, Head, JournalDamaged, JournalRefused, Known
from tickwright.engine.journal_folder import Folder
from tickwright.engine.journal_reading import End, check, connect_reading, refuse_newer

DURABILITIES: Final = {"process": "NORMAL", "power": "FULL"}
TABLES: Final = (
    "CREATE TABLE records (seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, "
    "hash BLOB NOT NULL)",
    "CREATE TABLE lost (seq INTEGER, ts INTEGER, kind TEXT, body TEXT, hash BLOB)",
    "CREATE TABLE origin (seq INTEGER NOT NULL, hash BLOB NOT NULL)",
    f"PRAGMA user_version = {VERSION}",
)
UPGRADE: Final = TABLES[2:]
"""What files of the first version lack."""


def connect(folder: Folder, durability: str) -> sqlite3.Connection:
    """The writing connection, with every statement its own transaction unless we begin one."""
    connection = folder.disk.connect(str(folder.records), isolation_level=None, timeout=1.0)
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise JournalRefused(f"{folder.records}: expected a disk that carries SQLite's WAL mode, found mode {mode}")
    connection.execute(f"PRAGMA synchronous = {DURABILITIES[durability]}")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def prove(folder: Folder, head: Head | None, known: Known) -> End | None:
    """Read the journal that is there and prove it; None where there is none yet.

    This connection can only read: closing one that can write would tidy SQLite's log away, with whatever may still be
    found out about a journal that is refused.
    """
    connection = connect_reading(folder.records, folder.disk.connect)
    try:
        version = refuse_newer(connection, folder.path)
        tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        if version and tables:
            end = check(connection, head, known.learn)
            if end.seq and head is None:
                raise JournalDamaged(end.seq, "expected a head that names the last record, found none")
            return end
        if tables or version:
            raise JournalDamaged(1, f"expected version 1 to {VERSION}, found version {version} with {tables} tables")
        if head is not None and head.seq:
            raise JournalDamaged(1, f"expected records up to {head.seq}, found an empty database")
        return None
    finally:
        connection.close()


def lay_out(connection: sqlite3.Connection, after: Head = Head(0, GENESIS)) -> End:  # noqa: B008 a constant
    """Make the tables of an empty database, whose records follow one of another."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in TABLES:
        connection.execute(statement)
    connection.execute("INSERT INTO origin VALUES (?, ?)", after)
    connection.execute("COMMIT")
    return End(after.seq, after.hash, 0)


def upgrade(connection: sqlite3.Connection) -> None:
    """Give a file of an earlier version what it lacks; its records stay as they are."""
    if int(connection.execute("PRAGMA user_version").fetchone()[0]) >= VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in UPGRADE:
        connection.execute(statement)
    connection.execute("INSERT INTO origin VALUES (?, ?)", (0, GENESIS))
    connection.execute("COMMIT")


def count_lost(connection: sqlite3.Connection, seq: int) -> int:
    """Move damaged rows after the last good record aside, into a table of their own; how many."""
    count = int(connection.execute("SELECT count(*) FROM records WHERE seq > ?", (seq,)).fetchone()[0])
    if count:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO lost SELECT seq, ts, kind, body, hash FROM records WHERE seq > ?", (seq,))
        connection.execute("DELETE FROM records WHERE seq > ?", (seq,))
        connection.execute("COMMIT")
    return count


def close_quietly(connection: sqlite3.Connection | None) -> None:
    """Close a connection that may be beyond saving."""
    if connection is not None:
        try:
            connection.close()
        except sqlite3.Error:
            return
