"""The journal keeps what it was given, in order, for itself and for others, and continues where it stopped."""

import io
import json
import re
from pathlib import Path

import pytest

from tickwright.engine.chain import Head, JournalDamaged, JournalError, JournalRefused
from tickwright.engine.journal import AHEAD, Journal
from tickwright.engine.journal_reading import export_jsonl, read_journal, verify_journal


class Ticking:
    """A clock that moves by a microsecond whenever it is asked."""

    def __init__(self) -> None:
        self.time = 1_700_000_000_000_000_000

    def now(self) -> int:
        self.time += 1000
        return self.time


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def opened(folder: Path, durability: str = "process") -> Journal:
    return Journal.open(folder, durability=durability, clock=Ticking())


def said(folder: Path, kind: str = "note") -> list[dict[str, object]]:
    return [record.plain() for record in read_journal(folder) if record.kind == kind]


@pytest.mark.parametrize("durability", ["process", "power"])
def test_what_is_committed_is_there_after_a_restart_in_its_order(folder: Path, durability: str) -> None:
    journal = opened(folder, durability)
    for number in range(5):
        journal.append("note", {"n": number}, 10 + number)
    assert journal.commit()
    journal.append("note", {"n": 5}, 15)
    journal.close()
    again = opened(folder, durability)
    found = list(again.records(kinds=["note"]))
    assert [(record.ts, record.plain()["n"]) for record in found] == [(10 + n, n) for n in range(6)]
    assert [record.seq for record in again.records()] == list(range(1, again.seq + 1))
    assert [record.seq for record in again.records(after=3)] == list(range(4, again.seq + 1))
    assert again.healthy
    assert again.loss == ""
    again.close()


def test_what_is_not_committed_is_not_there(folder: Path) -> None:
    journal = opened(folder)
    journal.append("note", {"n": 1}, 1)
    assert said(folder) == []
    journal.commit()
    assert said(folder) == [{"n": 1}]
    journal.close()


def test_another_reader_sees_the_records_while_they_are_written(folder: Path) -> None:
    journal = opened(folder)
    journal.append("note", {"n": 1}, 1)
    journal.commit()
    reading = read_journal(folder)
    first = next(reading)
    journal.append("note", {"n": 2}, 2)
    assert journal.commit()
    assert [first.seq, *(record.seq for record in reading)] == list(range(1, journal.seq))
    assert said(folder) == [{"n": 1}, {"n": 2}]
    journal.close()


def test_the_prefix_of_our_order_ids_is_made_once(folder: Path, tmp_path: Path) -> None:
    journal = opened(folder)
    prefix = journal.prefix
    journal.close()
    again = opened(folder)
    assert again.prefix == prefix
    assert prefix.isalnum()
    assert prefix.islower()
    assert len(prefix) == 6
    again.close()
    other = opened(tmp_path / "other")
    assert other.prefix != prefix
    other.close()


def test_an_order_number_is_never_used_twice(folder: Path) -> None:
    journal = opened(folder)
    assert journal.next_order_number == 1
    for number in range(1, 3 * AHEAD, 7):
        journal.number_used(number)
    used = journal.used
    journal.commit()
    journal.close()
    again = opened(folder)
    assert again.next_order_number == used + 1
    again.connection.close()  # a crash: nothing was given back
    again.folder.leave()
    crashed = opened(folder)
    assert used + 1 < crashed.next_order_number <= used + 1 + AHEAD
    crashed.close()


def test_a_counter_only_rises(folder: Path) -> None:
    journal = opened(folder)
    nonce = journal.counter("nonce", ahead=10)
    assert [nonce.take() for _ in range(3)] == [1, 2, 3]
    assert nonce.take(least=1000) == 1000
    assert nonce.take(least=5) == 1001
    journal.connection.close()
    journal.folder.leave()
    again = opened(folder)
    assert again.counter("nonce").take() > 1001
    assert again.counter("other").take() == 1
    with pytest.raises(JournalError, match="numbers the orders"):
        again.counter("order")
    again.close()


def test_a_counter_does_not_commit_half_of_a_batch(folder: Path) -> None:
    journal = opened(folder)
    journal.append("note", {"n": 1}, 1)
    journal.counter("nonce").take()
    journal.latch_store().save("[]")
    assert said(folder) == []
    assert len(said(folder, "latches")) == 1
    journal.close()
    assert said(folder) == [{"n": 1}]


def test_strategies_and_the_kill_switch_get_back_what_they_saved_last(folder: Path) -> None:
    journal = opened(folder)
    store = journal.store()
    assert store.load("maker") is None
    state = {"seen": [1, 2], "name": "x"}
    store.save("maker", {"seen": []})
    store.save("maker", state)
    store.save("taker", {})
    journal.latch_store().save('[{"level": "global"}]')
    journal.close()
    again = opened(folder)
    assert again.store().load("maker") == state
    assert again.store().load("maker") is not again.store().load("maker")
    assert again.store().load("taker") == {}
    assert again.latch_store().load() == '[{"level": "global"}]'
    again.close()


def test_an_export_has_one_line_for_each_record(folder: Path) -> None:
    journal = opened(folder)
    journal.append("note", {"text": "Grüezi"}, 7)
    journal.close()
    out = io.StringIO()
    count = export_jsonl(folder, out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(lines) == count == journal.seq
    assert {"ts": 7, "kind": "note", "text": "Grüezi"}.items() <= lines[-2].items()


def test_the_example_in_the_documentation_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "journal.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    journal = opened(tmp_path / "state" / "demo")
    journal.append("order", {"id": "x-1", "event": "ACK", "state": "OPEN"}, 9)
    journal.close()
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    assert capsys.readouterr().out == "9 x-1 ACK OPEN\n"
    assert len((tmp_path / "journal.jsonl").read_text().splitlines()) == journal.seq


def test_a_journal_proves_itself_to_a_reader(folder: Path) -> None:
    journal = opened(folder)
    assert verify_journal(folder)[:2] == (journal.seq, journal.hash)
    journal.append("note", {"n": 1}, 1)
    journal.commit()
    assert verify_journal(folder)[:2] == (journal.seq, journal.hash)
    journal.close()
    (folder / "journal.head").write_bytes(Head(journal.seq + 1, journal.hash).text())
    with pytest.raises(JournalDamaged, match=f"expected records up to {journal.seq + 1}, found the end"):
        verify_journal(folder)
    (folder / "journal.head").unlink()
    with pytest.raises(JournalDamaged, match=r"expected journal\.head to name the last record"):
        verify_journal(folder)


def test_only_known_durabilities_are_taken(folder: Path) -> None:
    with pytest.raises(JournalRefused, match="expected process or power, received 'some'"):
        opened(folder, "some")
