"""What the journal is made of: records, each bound to the one before it by a hash, and the head that names the last.

The idea
--------
A record's hash is taken over the hash before it and over all that the record says, so a record that was changed,
taken out, put in or moved breaks the chain at its place, and can be named. What the chain cannot see is an end that
was cut off. For that there is the head: a second, small file with the last record's number and hash, written after
each commit and before anything is done about what was committed. A journal that ends before its head has lost
something that was acted upon, and is refused. One that ends after it was cut down by a crash between the two writes;
what lies beyond the head was never acted upon.

This finds accidents and casual edits, not somebody who can rewrite all of it.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from tickwright.engine.errors import TickwrightError

VERSION: Final = 2
"""The layout of the journal that this program writes. It reads every one up to this."""

CHECKPOINT: Final = "checkpoint"
"""The first record of a file that follows another: everything that those before it are still needed for."""

GENESIS: Final = bytes(32)
"""The hash before the first record."""


class JournalError(TickwrightError):
    """The journal cannot be used; the program ends with exit code 5."""


class JournalLocked(JournalError):
    """Another process holds it."""


class JournalRefused(JournalError):
    """The folder or a file in it is not as it must be: a link, somebody else's, open to others, not writable, or of a
    newer program."""


class JournalDamaged(JournalError):
    """The records are not the ones that were written, from number `sequence` on. Nothing is repaired."""

    def __init__(self, sequence: int, what: str) -> None:
        super().__init__(f"journal damaged at record {sequence}: {what}; nothing was changed")
        self.sequence = sequence


class Record(NamedTuple):
    """One record: its running number from 1, the run's time in nanoseconds, what it is, and its body as JSON."""

    seq: int
    ts: int
    kind: str
    body: bytes

    def plain(self) -> dict[str, Any]:
        """The body as plain data."""
        found = msgspec.json.decode(self.body)
        assert isinstance(found, dict)
        return found


def link(before: bytes, seq: int, ts: int, kind: str, body: bytes) -> bytes:
    """The hash that binds a record to the one before it."""
    return sha256(b"%b%d %d %b %b" % (before, seq, ts, kind.encode(), body)).digest()


encode = msgspec.json.Encoder().encode
"""A body as JSON: mappings, msgspec structures, numbers below 2**64, texts."""


class Head(NamedTuple):
    """The last record that may have been acted upon."""

    seq: int
    hash: bytes

    def text(self) -> bytes:
        """One line of fixed length. It needs no sum over itself: the record it names has that hash, or is not it."""
        return b"%020d %b\n" % (self.seq, self.hash.hex().encode())

    @classmethod
    def parse(cls, text: bytes) -> "Head | None":
        """The head that a line names; None where the line is not as it was written."""
        parts = text.rstrip(b"\n").split(b" ")
        if len(parts) != 2 or not parts[0].isdigit() or len(parts[1]) != 64:
            return None
        try:
            head = cls(int(parts[0]), bytes.fromhex(parts[1].decode("ascii")))
        except ValueError:
            return None
        return head if head.text() == text else None


class Known:
    """What the journal itself has to remember, gathered from its records.

    `states` and `latches` are what was saved last, `counters` how far each is reserved, `prefix` begins our order ids;
    `run` is the latest of so many `runs`' first record, `baseline` what the account held at first, and `since` is as in
    `Recalled`.
    """

    __slots__ = ("baseline", "counters", "latches", "prefix", "run", "runs", "since", "states", "version")

    def __init__(self) -> None:
        self.prefix = ""
        self.version = 0
        self.latches = ""
        self.states: dict[str, dict[str, Any]] = {}
        self.counters: dict[str, int] = {}
        self.run: dict[str, Any] = {}
        self.runs = 0
        self.since = 0
        self.baseline: dict[str, Any] = {}

    def learn(self, record: Record) -> None:
        """Take in the next record; most are of no interest here."""
        kind = record.kind
        if kind == "counter":
            said = record.plain()
            self.counters[said["name"]] = said["reserved"]
        elif kind == "state":
            said = record.plain()
            self.states[said["strategy"]] = said["state"]
        elif kind == "latches":
            self.latches = record.plain()["text"]
        elif kind == "journal":
            said = record.plain()
            self.prefix = said["prefix"]
            self.version = said["version"]
        elif kind == "run":
            self.run = record.plain()
            self.runs += 1
        elif kind == "baseline":
            self.baseline = {**record.plain(), "ts": record.ts}
        elif kind == CHECKPOINT:
            said = record.plain()["known"]
            self.prefix, self.version, self.latches = said["prefix"], said["version"], said["latches"]
            self.states, self.counters = said["states"], said["counters"]
            self.run, self.baseline = said["run"], said["baseline"]
            self.runs, self.since = said["runs"], said["since"]

    def plain(self) -> dict[str, Any]:
        """All of it, as a checkpoint says it."""
        return {name: getattr(self, name) for name in self.__slots__}


def describe_record(record: Record) -> Mapping[str, Any]:
    """A record as one flat mapping, for people and their programs."""
    return {"seq": record.seq, "ts": record.ts, "kind": record.kind, **record.plain()}
