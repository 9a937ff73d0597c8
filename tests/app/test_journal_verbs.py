"""``tickwright journal``: a person proves, exports and mends a journal from the command line."""

import json
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tickwright.cli import run as tickwright
from tickwright.engine.journal import Journal


class Still:
    """A clock that stands."""

    def now(self) -> int:
        return 1_700_000_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    journal = Journal.open(path, clock=Still())
    for number in range(6):
        journal.append("note", {"n": number}, 1_700_000_000_000_000_000 + number)
        if number == 3:
            journal.rotate({})
    journal.close()
    return path


def cut(folder: Path, count: int) -> None:
    connection = sqlite3.connect(folder / "journal.db")
    connection.execute("DELETE FROM records WHERE seq > (SELECT max(seq) FROM records) - ?", (count,))
    connection.commit()
    connection.close()


def test_verify_proves_every_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tickwright(["journal", "verify", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["files"], told["lost"]) == (2, 0)
    cut(folder, 1)
    assert tickwright(["journal", "verify", str(folder)]) == 5
    assert f"expected records up to {told['records']}" in capsys.readouterr().err


def test_export_writes_the_same_records_as_lines_and_as_a_table(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, table = tmp_path / "j.jsonl", tmp_path / "j.parquet"
    assert tickwright(["journal", "export", str(folder), "--out", str(lines)]) == 0
    assert tickwright(["journal", "export", str(folder), "--format", "parquet", "--out", str(table)]) == 0
    said = [json.loads(line) for line in lines.read_text().splitlines()]
    rows = pq.read_table(table).to_pylist()
    assert len(said) == len(rows) > 6
    for one, row in zip(said, rows, strict=True):
        assert (one.pop("seq"), one.pop("ts"), one.pop("kind")) == (row["seq"], row["ts"], row["kind"])
        assert one == json.loads(row["body"])
    capsys.readouterr()
    assert tickwright(["journal", "export", str(folder), "--kind", "note", "--after", "3", "--out", "-"]) == 0
    notes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["kind"] for one in notes} == {"note"}
    assert all(one["seq"] > 3 for one in notes)
    assert tickwright(["journal", "export", str(folder), "--format", "parquet", "--out", "-"]) == 2


def test_a_loss_is_accepted_by_its_number_and_a_reason_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tickwright(["journal", "accept-loss", str(folder)]) == 0
    assert "nothing is lost" in capsys.readouterr().out
    cut(folder, 2)
    before = (folder / "journal.db").read_bytes()
    assert tickwright(["journal", "accept-loss", str(folder)]) == 5
    out = capsys.readouterr().out
    assert "2 records are lost" in out
    assert "The next start asks the venue" in out
    keep = out.partition("--keep ")[2].split()[0]
    wrong = str(int(keep) + 1)
    assert tickwright(["journal", "accept-loss", str(folder), "--keep", wrong, "--reason", "power"]) == 2
    assert tickwright(["journal", "accept-loss", str(folder), "--keep", keep]) == 2
    assert (folder / "journal.db").read_bytes() == before
    assert tickwright(["journal", "accept-loss", str(folder), "--keep", keep, "--reason", "power"]) == 0
    assert f"goes on after record {keep}" in capsys.readouterr().out
    assert tickwright(["journal", "verify", str(folder)]) == 0


def test_a_journal_in_use_is_not_touched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal.open(folder, clock=Still())
    assert tickwright(["journal", "accept-loss", str(folder)]) == 5
    assert "expected to be alone" in capsys.readouterr().err
    assert tickwright(["journal", "verify", str(folder)]) == 0
    journal.close()
