"""Where runs are put, and how they are found again."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tickwright.reports.run_folder import RunError, RunFolder, make_run_folder, run_hash, write_summary

NOON = datetime(2024, 8, 9, 14, 0, 0, tzinfo=timezone(timedelta(hours=2)))
HASH = "0123456789abcdef"


def make(root: Path, name: str = "demo", config_hash: str = HASH) -> Path:
    folder = make_run_folder(root, name, "name: demo\n", config_hash, NOON)
    (folder / "run.json").write_text('{"prefix": "bt", "strategies": [], "instruments": []}')
    return folder


def test_a_folder_is_named_after_utc_name_and_config(tmp_path: Path) -> None:
    folder = make(tmp_path / "runs")
    assert folder.name == "20240809T120000Z-demo-01234567"
    assert (folder / "config.yaml").read_text() == "name: demo\n"
    assert NOON.astimezone(UTC).hour == 12


def test_runs_of_one_second_get_a_number(tmp_path: Path) -> None:
    names = [make(tmp_path).name for _ in range(3)]
    assert names == [f"20240809T120000Z-demo-01234567{end}" for end in ("", "-2", "-3")]


@pytest.mark.parametrize(
    ("name", "safe"), [("../../etc", "etc"), ("a b/c", "a_b_c"), ("", "run"), ("x" * 300, "x" * 64)]
)
def test_a_name_cannot_leave_the_root(tmp_path: Path, name: str, safe: str) -> None:
    folder = make(tmp_path, name)
    assert folder.parent == tmp_path
    assert folder.name == f"20240809T120000Z-{safe}-01234567"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(RunError, match=r"runs.*cannot be made"):
        make(tmp_path / "runs")


def test_a_run_is_found_by_path_by_id_and_by_a_unique_part(tmp_path: Path) -> None:
    folder = make(tmp_path)
    other = make(tmp_path, "other", "fedcba9876543210")
    for wanted in (folder, str(folder), folder.name, "20240809T120000Z-demo", "01234567"):
        assert RunFolder.open(wanted, tmp_path).path == folder
    assert RunFolder.open("fedcba98", tmp_path).run_id == other.name


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path)
    make(tmp_path)
    with pytest.raises(RunError, match="expected one run, found 2"):
        RunFolder.open("20240809T12", tmp_path)
    with pytest.raises(RunError, match=r"run nope: expected a folder, or the id of a run in .*; the latest are 2024"):
        RunFolder.open("nope", tmp_path)
    with pytest.raises(RunError, match="which holds no runs"):
        RunFolder.open("nope", tmp_path / "none")
    (tmp_path / "bare").mkdir()
    with pytest.raises(RunError, match=r"bare: expected a run folder, found no run\.json"):
        RunFolder.open(tmp_path / "bare")
    run = RunFolder.open(folder)
    with pytest.raises(RunError, match=r"orders\.parquet is missing"):
        run.table("orders")
    with pytest.raises(RunError, match="one of the tables"):
        run.table("trades")
    with pytest.raises(RunError, match=r"summary\.json is missing"):
        _ = run.summary
    (folder / "orders.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(RunError, match="expected a whole Parquet file"):
        run.table("orders")
    (folder / "summary.json").write_text("{")
    with pytest.raises(RunError, match="expected JSON"):
        _ = run.summary


def test_a_summary_is_read_back(tmp_path: Path) -> None:
    folder = make(tmp_path)
    write_summary(folder, {"orders": 3, "name": "größer"})
    assert RunFolder(folder).summary == {"orders": 3, "name": "größer"}
    assert not (folder / "summary.json.part").exists()


def test_instruments_come_back_as_they_were(open_run, btc, xbt) -> None:
    writer, _ = open_run(instruments=(btc, xbt))
    writer.close()
    assert list(RunFolder(writer.folder).instruments.values()) == [btc, xbt]


def test_the_run_hash_depends_on_log_and_portfolio_only() -> None:
    assert run_hash("aa", ["x 1", "y 2"]) == run_hash("aa", iter(["x 1", "y 2"]))
    assert len({run_hash("aa", ["x"]), run_hash("ab", ["x"]), run_hash("aa", ["y"]), run_hash("aa", [])}) == 4
