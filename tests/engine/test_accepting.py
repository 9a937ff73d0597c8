"""A proven loss is told, and given up only by a person's word; what is kept is what was written."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tickwright.engine.accepting import Loss, accept, assess
from tickwright.engine.chain import JournalDamaged, JournalRefused
from tickwright.engine.journal import Journal
from tickwright.engine.journal_folder import Disk, Folder
from tickwright.engine.journal_reading import read_journal, verify_journal


class Still:
    """A clock that stands."""

    def now(self) -> int:
        return 1_700_000_000_000_000_000


def opened(folder: Path) -> Journal:
    return Journal.open(folder, clock=Still())


def entered(folder: Path) -> Folder:
    place = Folder(folder, Disk())
    place.enter()
    place.take()
    return place


def assessed(folder: Path) -> Loss:
    place = entered(folder)
    try:
        return assess(place)
    finally:
        place.leave()


def given_up(folder: Path) -> str:
    place = entered(folder)
    return accept(place, assess(place), Still(), "me", "the power went")


@pytest.fixture(params=["one file", "two files"])
def cut(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A journal whose last three commits a power cut took, but not the head that names them."""
    folder = tmp_path / "state"
    journal = opened(folder)
    for number in range(20):
        if number == 5 and request.param == "two files":
            assert journal.rotate({})
        journal.append("note", {"n": number}, number)
        journal.number_used(number + 1)
        assert journal.commit()
    journal.close()
    connection = sqlite3.connect(folder / "journal.db")
    connection.execute("DELETE FROM records WHERE seq > (SELECT max(seq) FROM records) - 4")
    connection.commit()
    connection.close()
    return folder


def numbers(folder: Path) -> list[int]:
    return [record.plain()["n"] for record in read_journal(folder) if record.kind == "note"]


def test_a_lost_end_is_told_and_changes_nothing_until_it_is_accepted(cut: Path) -> None:
    files = {path.name: path.read_bytes() for path in cut.iterdir() if path.stat().st_size}
    with pytest.raises(JournalDamaged, match="expected records up to"):
        opened(cut)
    loss = assessed(cut)
    assert (loss.lost, loss.whole) == (4, False)
    assert "found the end at" in loss.reason
    left = {path.name: path.read_bytes() for path in cut.iterdir() if path.stat().st_size}
    assert {name: left[name] for name in files} == files
    assert set(left) - set(files) <= {"journal.db-shm"}


def test_what_is_kept_is_what_was_written_and_the_loss_is_on_record(cut: Path) -> None:
    loss = assessed(cut)
    before = list(read_journal(cut))
    damaged = (cut / "journal.db").read_bytes()
    aside = given_up(cut)
    assert (cut / aside / "journal.db").read_bytes() == damaged
    assert verify_journal(cut).seq > loss.kept.seq
    after = list(read_journal(cut))
    assert after[: len(before)] == before
    said = next(record for record in after if record.kind == "loss").plain()
    assert said == {
        "after": loss.kept.seq,
        "records": 4,
        "reason": loss.reason,
        "by": "me",
        "why": "the power went",
        "set_aside": aside,
    }
    journal = opened(cut)
    assert journal.next_order_number > 20 + 4, "a lost record may have used them"
    assert journal.prefix == before[0].plain()["prefix"]
    journal.append("note", {"n": 99}, 1)
    journal.close()
    assert numbers(cut)[-1] == 99


def test_a_whole_journal_has_nothing_to_give_up(tmp_path: Path) -> None:
    opened(tmp_path / "state").close()
    assert assessed(tmp_path / "state").whole


@pytest.mark.parametrize("harm", ["head gone", "head damaged", "record changed", "page torn", "another head"])
def test_other_damage_can_be_gone_on_from_too(tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "state"
    journal = opened(folder)
    for number in range(300):
        journal.append("note", {"n": number, "text": "x" * 200}, number)
    journal.close()
    last = verify_journal(folder).seq
    head = (folder / "journal.head").read_bytes()
    match harm:
        case "head gone":
            (folder / "journal.head").unlink()
        case "head damaged":
            (folder / "journal.head").write_bytes(head[:-5])
        case "another head":
            (folder / "journal.head").write_bytes(head[:30] + b"0000" + head[34:])
        case "record changed":
            connection = sqlite3.connect(folder / "journal.db")
            connection.execute("UPDATE records SET ts = ts + 1 WHERE seq = 250")
            connection.commit()
            connection.close()
        case "page torn":
            text = bytearray((folder / "journal.db").read_bytes())
            text[-12_288:-8_192] = bytes(4096)
            (folder / "journal.db").write_bytes(text)
    with pytest.raises(JournalDamaged):
        opened(folder)
    loss = assessed(folder)
    assert not loss.whole
    given_up(folder)
    kept = numbers(folder)
    assert kept == list(range(len(kept)))
    assert len(kept) >= (240 if harm != "page torn" else 100)
    if "head" in harm:
        assert (loss.lost, loss.kept.seq) == (-1, last)
    opened(folder).close()


def test_nothing_is_begun_anew_where_nothing_can_be_kept(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    opened(folder).close()
    for text in (b"", b"no database", bytes(8192)):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(folder, tmp_path / "copy")
        (tmp_path / "copy").chmod(0o700)
        (tmp_path / "copy" / "journal.db").write_bytes(text)
        with pytest.raises(JournalRefused, match=r"nothing of journal\.db can be kept"):
            assessed(tmp_path / "copy")
    (tmp_path / "copy" / "journal.db").unlink()
    with pytest.raises(JournalRefused, match="nothing to go on from"):
        assessed(tmp_path / "copy")


def test_a_journal_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    journal = opened(tmp_path / "state")
    with pytest.raises(JournalRefused.__mro__[1], match="expected to be alone"):
        entered(tmp_path / "state")
    journal.close()
