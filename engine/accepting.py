"""Going on without the end of a journal: what is lost is told, and given up only when a person says so.

The idea
--------
A journal that ends before its head, or has a record that is not the one that was written, is refused (see `chain.py`).
Here it is read as far as it can be proven. What can be is copied into a new file; the damaged one is set aside whole,
beside it, and the next record says who gave up what. Numbers of orders that the lost records may have used are skipped.
"""

import os
import sqlite3
from typing import Final, NamedTuple

from attrs import frozen

from tickwright.engine.chain import Head, JournalDamaged, JournalRefused, Known
from tickwright.engine.journal import AHEAD, INSERTS, Clock, Journal
from tickwright.engine.journal_folder import HEAD, NEXT, RECORDS, Folder
from tickwright.engine.journal_layout import lay_out
from tickwright.engine.journal_reading import chained, connect_reading, origin_of, refuse_newer

BLOCK: Final = 10_000
"""Numbers that one lost record may have reserved of a counter, and then some."""


UNKNOWN: Final = 1_000_000
"""So many records are taken to be lost where nothing can tell."""


class Kept(NamedTuple):
    """The last record that can be proven, its hash and time."""

    seq: int
    hash: bytes
    ts: int


@frozen
class Loss:
    """What is wrong with a journal. `lost` is how many records are missing up to the head, -1 where none can tell."""

    kept: Kept
    lost: int
    reason: str
    whole: bool


def assess(folder: Folder) -> Loss:
    """Read a journal as far as it can be proven; nothing is changed. The folder must be held.

    Raises:
        JournalRefused: there is nothing that can be kept, or a newer program wrote it.
    """
    head, _ = folder.read_head()
    if not folder.records.is_file():
        raise JournalRefused(f"{folder.path}: found no {RECORDS}, so there is nothing to go on from")
    connection = connect_reading(folder.records, folder.disk.connect)
    try:
        kept, reason = proven(connection, folder)
        check = ""
        if not reason:
            try:
                check = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            except sqlite3.Error as error:
                check = str(error)
    finally:
        connection.close()
    if head is None:
        return Loss(kept, -1, reason or "the head is missing or unreadable", False)
    if kept.seq == head.seq and kept.hash != head.hash:
        return Loss(kept, -1, f"the head names another record {head.seq} than the file has", False)
    lost = max(0, head.seq - kept.seq)
    if not reason and not lost and check not in ("ok", "b'ok'"):
        return Loss(kept, 0, f"all records are right, but the file is not: {check}", False)
    return Loss(kept, lost, reason or f"expected records up to {head.seq}, found the end at {kept.seq}", not lost)


def proven(connection: sqlite3.Connection, folder: Folder) -> tuple[Kept, str]:
    """The last record of the part that can be proven, and what is wrong after it."""
    kept = Kept(0, b"", 0)
    known = Known()
    reason = ""
    try:
        refuse_newer(connection, folder.path)
        for record, hash in chained(connection, *origin_of(connection)):
            known.learn(record)
            kept = Kept(record.seq, hash, record.ts)
    except JournalDamaged as damage:
        reason = str(damage)
    except sqlite3.Error as error:
        reason = f"cannot be read: {error}"
    if not known.version:
        raise JournalRefused(
            f"{folder.path}: nothing of {RECORDS} can be kept ({reason or 'it is empty'}); put a copy of the folder "
            "back, or begin with another state folder"
        )
    return kept, reason


def accept(folder: Folder, loss: Loss, clock: Clock, by: str, why: str) -> str:
    """Go on with what can be proven; the name of the folder in which the rest is set aside. The folder must be held,
    and is let go of.

    Raises:
        JournalRefused: the disk does not let us.
    """
    now = clock.now()
    aside = f"damaged-{now // 1_000_000_000}"
    try:
        copy_proven(folder, loss.kept.seq)
        os.mkdir(aside, 0o700, dir_fd=folder.place)
        for name in (RECORDS, f"{RECORDS}-wal", f"{RECORDS}-shm", HEAD):
            if (folder.path / name).exists():
                folder.disk.link(name, f"{aside}/{name}", folder.place)
        for ending in ("-wal", "-shm"):
            folder.disk.remove(RECORDS + ending, folder.place)
        folder.disk.replace(NEXT, RECORDS, folder.place)
        # A new file, since the old one is set aside under another name.
        folder.forget_head()
        folder.write_head(Head(loss.kept.seq, loss.kept.hash))
        folder.sync_head()
        folder.disk.sync(folder.place)
    except (OSError, sqlite3.Error) as error:
        raise JournalRefused(f"{folder.path}: the loss cannot be accepted: {error}") from None
    finally:
        folder.leave()
    journal = Journal.open(folder.path, durability="power", clock=clock)
    try:
        records = loss.lost if loss.lost >= 0 else UNKNOWN
        said = {"after": loss.kept.seq, "records": loss.lost, "reason": loss.reason, "by": by, "why": why}
        journal.append("loss", {**said, "set_aside": aside}, now)
        for name, reserved in journal.known.counters.items():
            skipped = reserved + BLOCK * (records + 1)
            if name == "order":
                journal.number_used(reserved + AHEAD + records)
            else:
                journal.append("counter", {"name": name, "reserved": skipped}, now)
        journal.commit()
        if journal.dead:
            raise JournalRefused(f"{folder.path}: the loss cannot be recorded: {journal.dead}")
    finally:
        journal.close()
    return aside


def copy_proven(folder: Folder, last: int) -> None:
    """Make the file that goes on: all records up to one, and no more."""
    folder.tidy()
    file, _ = folder.file(NEXT, make=True)
    source = connect_reading(folder.records, folder.disk.connect)
    target = folder.disk.connect(str(folder.path / NEXT), isolation_level=None, timeout=1.0)
    try:
        origin = origin_of(source)
        target.execute("PRAGMA journal_mode = DELETE")
        target.execute("PRAGMA synchronous = FULL")
        lay_out(target, Head(*origin))
        target.execute("BEGIN IMMEDIATE")
        for record, hash in chained(source, *origin):
            target.execute(INSERTS[1], (*record, hash))
            if record.seq == last:
                break
        target.execute("COMMIT")
    finally:
        source.close()
        target.close()
        folder.close_file(file)
