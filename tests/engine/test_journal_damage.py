"""A journal that was harmed gives what was written, or a proven part of it with the loss said, or nothing at all."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tickwright.engine.chain import Head, JournalDamaged, JournalError, JournalRefused, Record, link
from tickwright.engine.journal import Journal
from tickwright.engine.journal_reading import read_journal, verify_journal

EVERY = os.environ.get("DAMAGE") == "all"
"""Whether every bit is turned and every cut made, as `make damage` does; a sample otherwise."""

WHOLE = 40
"""Records that the harmed journals hold beside their own first ones."""


class Still:
    """A clock that stands."""

    def now(self) -> int:
        return 1_700_000_000_000_000_000


def opened(folder: Path) -> Journal:
    return Journal.open(folder, clock=Still())


def copy(folder: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    to.chmod(0o700)
    return to


def kept(folder: Path) -> list[Record]:
    """What a journal gives when it is opened, without what opening adds."""
    journal = opened(folder)
    try:
        found = list(journal.records())
        assert bool(journal.loss) == any(record.kind == "loss" for record in found)
        return [record for record in found if record.kind == "note"]
    finally:
        journal.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal closed in order: everything is in the database."""
    folder = tmp_path_factory.mktemp("journals") / "closed"
    journal = opened(folder)
    for number in range(WHOLE):
        journal.append("note", {"n": number, "text": "some words " * (number % 4)}, number)
        journal.commit()
    journal.close()
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal as a crash leaves it: the last records are in SQLite's log alone."""
    root = tmp_path_factory.mktemp("journals")
    journal = opened(root / "open")
    for number in range(WHOLE):
        journal.append("note", {"n": number, "text": "some words " * (number % 4)}, number)
        journal.commit()
    copied = copy(root / "open", root / "crashed")
    journal.close()
    return copied


def harmed(folder: Path, to: Path, name: str, places: "range | list[int]") -> Iterator[tuple[int, Path]]:
    """Copies with one bit turned in one file."""
    original = (folder / name).read_bytes()
    for place in places:
        spoilt = bytearray(original)
        spoilt[place // 8] ^= 1 << place % 8
        path = copy(folder, to)
        (path / name).write_bytes(spoilt)
        (path / name).chmod(0o600)
        yield place, path


def files(folder: Path) -> dict[str, bytes]:
    """What the records lie in."""
    texts = {path.name: path.read_bytes() for path in folder.glob("journal.db*") if not path.name.endswith("-shm")}
    return {name: text for name, text in texts.items() if text}


def outcome(path: Path, whole: list[Record]) -> str:
    """How a harmed journal opens; anything but the allowed ways fails. One that is refused stays as it is."""
    before = files(path)
    problem: JournalError | None = None
    found: list[Record] = []
    try:
        found = kept(path)
    except JournalError as error:
        problem = error
    if problem is None:
        assert found == whole
        return "whole"
    assert files(path) == before
    if isinstance(problem, JournalDamaged):
        assert f"record {problem.sequence}" in str(problem)
        assert 1 <= problem.sequence <= WHOLE + 10
    else:  # a version number that no program has written yet cannot be told from a newer program's
        assert "a newer program wrote it" in str(problem)
    return "refused"


@pytest.mark.parametrize("name", ["journal.db", "journal.head"])
def test_a_turned_bit_changes_nothing_or_is_found(written: Path, tmp_path: Path, name: str) -> None:
    whole = kept(copy(written, tmp_path / "whole"))
    assert len(whole) == WHOLE
    size = 8 * (written / name).stat().st_size
    dice = Random(name)
    every = [*range(0, min(size, 800), 3), *(dice.randrange(size) for _ in range(300))] if not EVERY else range(size)
    seen = [outcome(path, whole) for _, path in harmed(written, tmp_path / "harmed", name, every)]
    assert seen.count("refused") > len(seen) // 10
    if name == "journal.head":
        assert set(seen) == {"refused"}


def test_a_turned_bit_in_the_log_is_found(running: Path, tmp_path: Path) -> None:
    whole = kept(copy(running, tmp_path / "whole"))
    assert len(whole) == WHOLE
    size = 8 * (running / "journal.db-wal").stat().st_size
    dice = Random("wal")
    places = [*range(0, 512, 5), *(dice.randrange(size) for _ in range(300))] if not EVERY else range(size)
    seen = [outcome(path, whole) for _, path in harmed(running, tmp_path / "harmed", "journal.db-wal", places)]
    assert "refused" in seen


def test_a_log_that_was_cut_is_refused_below_the_head(running: Path, tmp_path: Path) -> None:
    whole = kept(copy(running, tmp_path / "whole"))
    log = (running / "journal.db-wal").read_bytes()
    frame = 24 + 4096
    cuts = [*range(1, 40), frame - 1, frame, frame + 1, 2 * frame + 5, 3 * frame] if not EVERY else range(1, 3 * frame)
    for cut in [*cuts, len(log)]:
        path = copy(running, tmp_path / "cut")
        (path / "journal.db-wal").write_bytes(log[: len(log) - cut])
        (path / "journal.db-wal").chmod(0o600)
        assert outcome(path, whole) == "refused", f"{cut} bytes of the log are gone"


def test_an_end_that_nothing_followed_from_may_be_missing(running: Path, tmp_path: Path) -> None:
    """Between the commit and the head: the head names an earlier record than the last."""
    whole = kept(copy(running, tmp_path / "whole"))
    path = copy(running, tmp_path / "behind")
    set_head(path, -1)
    assert kept(path) == whole
    path = copy(running, tmp_path / "cut")
    set_head(path, -3)
    log = (path / "journal.db-wal").read_bytes()
    (path / "journal.db-wal").write_bytes(log[:-100])
    found = kept(path)
    assert found == whole[: len(found)]
    assert WHOLE - 3 <= len(found) < WHOLE


def set_head(folder: Path, step: int) -> int:
    """Let the head name the record so many before the last."""
    records = list(hashes(folder))
    seq, hash = records[step - 1]
    (folder / "journal.head").write_bytes(Head(seq, hash).text())
    return seq


def hashes(folder: Path) -> Iterator[tuple[int, bytes]]:
    """Numbers and hashes of the records, read from a copy: looking changes the files."""
    connection = sqlite3.connect(copy(folder, folder.with_name("looked-at")) / "journal.db")
    yield from connection.execute("SELECT seq, hash FROM records ORDER BY seq").fetchall()
    connection.close()


def change(folder: Path, statement: str) -> Path:
    connection = sqlite3.connect(folder / "journal.db")
    connection.execute(statement)
    connection.commit()
    connection.close()
    return folder


LAST = "(SELECT max(seq) FROM records)"


@pytest.mark.parametrize(
    ("statement", "sequence"),
    [
        ("UPDATE records SET body = replace(body, 'words', 'works') WHERE seq = 9", 9),
        ("UPDATE records SET ts = ts + 1 WHERE seq = 12", 12),
        ("UPDATE records SET kind = 'nota' WHERE seq = 5", 5),
        ("UPDATE records SET ts = 'x' WHERE seq = 6", 6),
        ("UPDATE records SET hash = randomblob(32) WHERE seq = 3", 3),
        ("UPDATE records SET seq = 1000 WHERE seq = 20", 20),
        ("DELETE FROM records WHERE seq = 30", 30),
        (f"DELETE FROM records WHERE seq = {LAST}", 43),
        (
            "UPDATE records SET (ts, kind, body, hash) = (SELECT ts, kind, body, hash FROM records WHERE seq = 21) "
            "WHERE seq = 20",
            20,
        ),
        ("DELETE FROM records", 1),
    ],
)
def test_what_was_changed_is_named(written: Path, tmp_path: Path, statement: str, sequence: int) -> None:
    path = change(copy(written, tmp_path / "changed"), statement)
    before = (path / "journal.db").read_bytes()
    with pytest.raises(JournalDamaged, match=f"at record {sequence}: .*; nothing was changed") as caught:
        opened(path)
    assert caught.value.sequence == sequence
    assert (path / "journal.db").read_bytes() == before


def test_a_damaged_end_beyond_the_head_is_given_up_and_said(written: Path, tmp_path: Path) -> None:
    path = copy(written, tmp_path / "end")
    good = set_head(path, -2)
    change(path, f"UPDATE records SET body = '{{}}' WHERE seq = {good + 1}")
    journal = opened(path)
    assert f"2 records after number {good} were damaged and are given up" in journal.loss
    assert [record.plain() for record in journal.records(kinds=["loss"])] == [{"after": good, "records": 2}]
    aside = journal.connection.execute("SELECT seq FROM lost").fetchall()
    assert aside == [(good + 1,), (good + 2,)]
    journal.close()
    again = opened(path)
    assert again.loss == ""
    again.close()


def test_an_old_copy_put_back_is_refused(written: Path, tmp_path: Path) -> None:
    path = copy(written, tmp_path / "old")
    journal = opened(path)
    journal.append("note", {"n": 0}, 0)
    journal.close()
    shutil.copy(written / "journal.db", path / "journal.db")
    with pytest.raises(JournalDamaged, match=r"expected records up to .* found the end at"):
        opened(path)


def test_another_history_of_the_same_length_is_refused(written: Path, tmp_path: Path) -> None:
    path = copy(written, tmp_path / "forged")
    records = list(read_journal(path))
    last = records[-1]
    forged = link(next(hash for seq, hash in hashes(path) if seq == last.seq - 1), last.seq, 5, "note", b"{}")
    change(
        path, f"UPDATE records SET ts = 5, kind = 'note', body = '{{}}', hash = x'{forged.hex()}' WHERE seq = {LAST}"
    )
    with pytest.raises(JournalDamaged, match=f"at record {last.seq}: .* as in the head"):
        opened(path)


@pytest.mark.parametrize("gone", ["journal.db", "journal.head"])
def test_a_missing_file_is_no_empty_journal(written: Path, tmp_path: Path, gone: str) -> None:
    path = copy(written, tmp_path / "gone")
    (path / gone).unlink()
    with pytest.raises(JournalDamaged, match=r"found no journal\.db|found none"):
        opened(path)
    assert not (path / gone).exists()


def test_a_first_start_that_died_early_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir(0o700)
    (path / "journal.db").touch(0o600)
    journal = opened(path)
    assert journal.seq > 0
    journal.close()
    kept(path)


def test_a_newer_journal_is_left_alone(written: Path, tmp_path: Path) -> None:
    path = change(copy(written, tmp_path / "newer"), "PRAGMA user_version = 3")
    before = (path / "journal.db").read_bytes()
    message = "expected a journal of version 2 or older, found version 3: a newer program wrote it"
    with pytest.raises(JournalRefused, match=message):
        opened(path)
    with pytest.raises(JournalRefused, match=message):
        list(read_journal(path))
    with pytest.raises(JournalRefused, match=message):
        verify_journal(path)
    assert (path / "journal.db").read_bytes() == before


def test_an_unknown_kind_of_record_is_kept_and_handed_out(written: Path, tmp_path: Path) -> None:
    path = copy(written, tmp_path / "kinds")
    journal = opened(path)
    journal.append("from-the-future", {"x": [1]}, 1)
    journal.close()
    again = opened(path)
    assert [record.plain() for record in again.records(kinds=["from-the-future"])] == [{"x": [1]}]
    again.close()


@pytest.mark.parametrize("text", [b"no database", b"SQLite format 3\0" + bytes(200), b""])
def test_what_is_no_database_is_refused(written: Path, tmp_path: Path, text: bytes) -> None:
    path = copy(written, tmp_path / "other")
    (path / "journal.db").write_bytes(text)
    with pytest.raises(JournalError, match="at record 1"):
        opened(path)
    assert (path / "journal.db").read_bytes() in (text, b"") or text == b""
