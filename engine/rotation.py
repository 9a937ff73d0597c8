"""How a journal's next file is begun, so that no file grows without end and opening one takes a moment.

The idea
--------
The first record of the new file is a checkpoint: all that earlier records are still needed for. It lies in the chain
like any other record. The file is made beside the old one, whole and synced, and then takes the old one's name in one
move, while the old one has been given a second name before. So at every moment there is one file of that name, either
the old one with all its records or the new one; what a process leaves that dies in between is tidied up by the next.
"""

import sqlite3
from collections.abc import Callable

from tickwright.engine.chain import CHECKPOINT, Head, link
from tickwright.engine.journal_folder import NEXT, RECORDS, Folder, older_files, older_name


def begin_file(
    folder: Folder, head: Head, ts: int, body: bytes, lay_out: Callable[[sqlite3.Connection, Head], object], insert: str
) -> Head:
    """Make the next file with its checkpoint, complete and on the disk, under a name of its own; its first head.

    Raises:
        OSError, sqlite3.Error: it cannot be made; the journal is as it was.
    """
    folder.tidy()
    file, _ = folder.file(NEXT, make=True)
    path = folder.path / NEXT
    connection = folder.disk.connect(str(path), isolation_level=None, timeout=1.0)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        lay_out(connection, head)
        first = Head(head.seq + 1, link(head.hash, head.seq + 1, ts, CHECKPOINT, body))
        connection.execute(insert, (first.seq, ts, CHECKPOINT, body, first.hash))
    finally:
        connection.close()
        folder.close_file(file)
    return first


def exchange_files(folder: Folder, last: int) -> None:
    """Let the new file take the place of the old one, whose connection is closed and whose log is empty."""
    disk, place = folder.disk, folder.place
    disk.link(RECORDS, older_name(last), place)
    for ending in ("-wal", "-shm"):
        # A reader may still hold them; what it reads no longer changes.
        disk.remove(RECORDS + ending, place)
    disk.replace(NEXT, RECORDS, place)
    disk.sync(place)


def retire(folder: Folder, keep_bytes: int) -> list[str]:
    """Take away the oldest files until the rest has a size; which."""
    sizes = {path.name: path.stat().st_size for path in older_files(folder.path)}
    gone = []
    for name in list(sizes):
        if sum(sizes.values()) <= keep_bytes:
            break
        del sizes[name]
        folder.disk.remove(name, folder.place)
        gone.append(name)
    return gone
