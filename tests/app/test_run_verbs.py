"""The verbs that run and look: run, backtest, why, data inspect. Real runs of a small tape, in-process."""

import json
import re
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tickwright.cli import run
from tickwright.commands import run as run_module

START = 1_723_161_600_000_000_000
ROW = np.dtype([("ts", "<i8"), ("kind", "u1"), ("side", "i1"), ("price", "<f8"), ("qty", "<f8"), ("last", "u1")])
CONFIG = """\
name: small
mode: backtest
account:
  currency: USD
  balances: {USD: "100000", X: "10"}
venues:
  venue: {adapter: sim, fees: {maker: "0.001", taker: "0.002"}}
instruments:
  X.VENUE: {tick: "0.5", lot: "0.1", kind: spot, base: X, quote: USD}
data:
  tapes: {X.VENUE: small.npy}
simulator: {latency: 1ms, queue: back, seed: 1}
strategies:
  mine:
    use: ./mine.py:Mine
    instruments: [X.VENUE]
risk:
  max_order_qty: "5"
  max_order_notional: "10000"
  max_position: "50"
  collar_bps: 1000
  max_orders_per_s: 100
  max_daily_loss: "1000"
"""
STRATEGY = """\
from decimal import Decimal
from attrs import define
from tickwright import Book, Strategy

@define(kw_only=True)
class Mine(Strategy):
    size: Decimal = Decimal("1")
    seen: int = 0

    def on_start(self):
        self.watch("X.VENUE", book="every")

    def on_book(self, book: Book):
        self.seen += 1
        {body}
"""
TRADES = "self.buy(book.instrument, self.size if self.seen < 5 else 9, book.ask)"
SUMMARY = {
    "run_id": str, "run_hash": str, "compiled": bool, "events": int, "wakes": int, "orders": int, "fills": int,
    "denied": int, "rejected": int, "position": dict, "realized_pnl": dict, "unrealized_pnl": dict, "fees": dict,
    "events_per_second": (int, float), "wall_s": (int, float),
}  # fmt: skip


def tape(messages: int = 8) -> np.ndarray:
    """Both sides set anew, one tick up and down in turn, one message each 100 ms; and a trade after each."""
    rows = []
    for number in range(messages):
        ts, shift = START + number * 100_000_000, 0.5 * (number % 2)
        rows.append((ts, 0, 1, 100.0 + shift, 5.0, 0))
        rows.append((ts, 0, -1, 101.0 + shift, 5.0, int(number == 0)))
        if number:
            rows.append((ts, 0, -1 if shift else 1, 101.0 if shift else 100.5, 0.0, 1))
        rows.append((ts + 50_000_000, 1, -1, 100.0 + shift, 1.0, 1))
    return np.array(rows, ROW)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder to work in, with a config, its strategy and its tape; gives a way to say what `on_book` does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    np.save(tmp_path / "small.npy", tape())
    Path("small.yaml").write_text(CONFIG)

    def write(body: str = TRADES, before: str = "") -> None:
        Path("mine.py").write_text(f"{before}\n{STRATEGY}".replace("{body}", body))

    write()
    return write


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("verb", ["run", "backtest"])
def test_json_is_one_object_with_every_figure_in_its_type(verb, capsys):
    assert run([verb, "small.yaml", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    for name, kind in SUMMARY.items():
        assert isinstance(summary[name], kind), (name, summary[name])
        assert kind is bool or not isinstance(summary[name], bool), name
    assert (summary["events"], summary["wakes"]) == (31, 8)
    assert (summary["orders"], summary["denied"], summary["rejected"]) == (4, 4, 0)
    # Four orders of one each cross the spread, 3 x 101 or 101.5 by turns.
    assert summary["fills"] == 4
    assert summary["position"] == {"X.VENUE": "4"}
    assert re.fullmatch(r"[0-9a-f]{64}", summary["run_hash"])
    for name in ("realized_pnl", "unrealized_pnl", "fees"):
        assert list(summary[name]) == ["USD"]
        assert Decimal(summary[name]["USD"]).is_finite()
    assert Decimal(summary["fees"]["USD"]) == Decimal("0.002") * (2 * 101 + 2 * Decimal("101.5"))


@pytest.mark.usefixtures("small")
def test_people_get_words_on_stdout_and_talk_on_stderr(capsys):
    assert run(["run", "small.yaml"]) == 0
    out, err = capsys.readouterr()
    for word in ("orders", "fills", "fill ratio", "denied by us", "MAX_ORDER_QTY", "realised PnL", "run hash"):
        assert word in out
    assert "\x1b" not in out + err
    folders = list(Path("runs").iterdir())
    assert len(folders) == 1
    assert f"results in {folders[0]}" in err


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("watched", [True, False])
def test_a_bar_moves_only_where_a_person_watches(watched, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: watched)
    with run_module.progress_bar() as progress:
        assert (progress is not None) == watched
        if progress is not None:
            progress(1, 2)
    assert capsys.readouterr().out == ""


def test_an_error_in_the_strategy_shows_its_file_and_line(small, capsys):
    small("if self.seen == 3: raise RuntimeError('on the third')")
    assert run(["run", "small.yaml", "--json"]) == 1
    out, err = capsys.readouterr()
    line = next(n for n, text in enumerate(Path("mine.py").read_text().splitlines(), 1) if "third" in text)
    assert f'mine.py", line {line}, in on_book' in err
    assert "RuntimeError: on the third" in err
    assert "strategy mine: on_book raised at 2024-08-09T00:00:00.200000000Z\n" in err
    assert "engine/core" not in err
    summary = json.loads(out)
    assert (summary["status"], summary["wakes"], summary["events"]) == ("failed", 3, 31)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("small.npy", "gone.npy"), "small.yaml:11: data.tapes.X.VENUE: expected a file or folder, got none"),
        (("small.npy", "mine.py"), "small.yaml:11: data.tapes.X.VENUE: mine.py: expected a name that ends in .parquet"),
        (("small.npy", "package:dem"), "small.yaml:11: data.tapes.X.VENUE: package:dem: expected a sample"),
        (("instruments: [X.VENUE]", "instruments: [Y.VENUE]"), "small.yaml:16: strategies.mine.instruments"),
        (("./mine.py:Mine", "./mine.py:Other"), "small.yaml:15: strategies.mine.use"),
        (("[X.VENUE]", "[X.VENUE]\n    params: {size: small}"), "small.yaml:17: strategies.mine.params.size"),
        (("mode: backtest", "mode: backtset"), "small.yaml:2: mode"),
    ],
)
@pytest.mark.usefixtures("small")
def test_what_cannot_run_is_one_line_and_exit_code_2(change, expected, capsys):
    Path("small.yaml").write_text(CONFIG.replace(*change))
    assert run(["run", "small.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert expected in err
    assert not Path("runs").exists()


def test_a_plugin_that_does_not_import_is_told_with_its_reason(small, capsys):
    small("pass")
    Path("mine.py").write_text("import surely_not_there\n" + Path("mine.py").read_text())
    assert run(["run", "small.yaml"]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert err.startswith("small.yaml:15: strategies.mine.use: ")
    assert "surely_not_there" in err


@pytest.mark.usefixtures("small")
def test_a_missing_config_is_exit_code_2(capsys):
    assert run(["run", "gone.yaml"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures("small")
def test_a_paper_config_is_played_by_backtest_and_a_safer_mode_never_made_more_dangerous(capsys):
    text = CONFIG.replace("mode: backtest", "mode: paper").replace("adapter: sim", "adapter: tdx")
    Path("small.yaml").write_text(text)
    assert run(["backtest", "small.yaml", "--json"]) == 0
    capsys.readouterr()
    assert run(["live", "small.yaml", "--confirm", "small"]) == 2
    assert capsys.readouterr().err.startswith("small.yaml:2: mode: expected live, got paper")
    Path("small.yaml").write_text(CONFIG)
    assert run(["paper", "small.yaml"]) == 2
    assert "expected a mode no riskier than the file's (backtest)" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_why_tells_an_order_s_life(capsys):
    assert run(["run", "small.yaml", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert run(["why", summary["run_id"], "bt-1"]) == 0
    story = capsys.readouterr().out
    assert "bt-1" in story
    assert "FILLED" in story
    assert run(["why", summary["run_id"], "bt-5", "--json"]) == 0
    assert "MAX_ORDER_QTY" in capsys.readouterr().out
    for arguments in ([summary["run_id"], "bt-99"], ["no-such-run", "bt-1"]):
        assert run(["why", *arguments]) != 0
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1


def test_own_orders_in_the_way_are_cancelled_first(small, capsys):
    """`self_match: cancel_old`: the resting buy goes, the sell that would have met it trades with the market."""
    small(
        "if self.seen == 1: self.buy(book.instrument, 1, book.bid, post_only=True)\n"
        "        if self.seen == 2: self.sell(book.instrument, 1, 100)"
    )
    text = CONFIG.replace("risk:\n", "risk:\n  self_match: cancel_old\n")
    Path("small.yaml").write_text(text)
    assert run(["run", "small.yaml", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["orders"], summary["denied"], summary["fills"]) == (2, 0, 1)
    assert summary["position"] == {"X.VENUE": "-1"}
    assert run(["why", summary["run_id"], "bt-1"]) == 0
    assert "CANCELED" in capsys.readouterr().out


@pytest.mark.usefixtures("small")
def test_inspect_says_what_a_tape_holds(capsys):
    assert run(["data", "inspect", "small.npy"]) == 0
    out = capsys.readouterr().out
    rows = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in out.splitlines())
    assert rows["rows"] == "31"
    assert rows["from"] == "2024-08-09T00:00:00.000000000Z"
    assert rows["span"] == "0.75s"
    assert rows["level changes"] == "23 in 8 messages"
    assert rows["trades"] == "8"
    assert rows["crossed books"] == "0"
    assert rows["repeated messages"] == "0"
    assert rows["clock jumps"].startswith("0 back, 0 ahead")
    assert rows["problems"] == "none: a run can play it"


def spoiled(**change: tuple[int, float]) -> np.ndarray:
    rows = tape()
    for column, (row, value) in change.items():
        rows[column][row] = value
    return rows


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("rows", "line", "code"),
    [
        (spoiled(ts=(9, START)), r"^  ts: expected a time not before .* \(row 9 first\)$", 1),
        (spoiled(qty=(4, -1.0)), r"^  qty: expected .* \(row 4 first\)$", 1),
        (tape()[:-2], r"^  last: expected 1 on the last row", 1),
        (spoiled(price=(1, 99.0)), r"^crossed books +\d+; first at row 1$", 0),
        (tape(2)[[0, 1, 2, 2]], r"^repeated messages +1; first at row 3$", 0),
    ],
)
def test_inspect_finds_what_is_wrong(rows, line, code, capsys):
    """What playing would refuse ends with 1; what is odd, and plays, is counted."""
    np.save("odd.npy", rows)
    assert run(["data", "inspect", "odd.npy"]) == code
    out = capsys.readouterr().out
    assert re.search(line, out, re.MULTILINE), out
    assert ("a run would stop" in out) == (code == 1)
    assert run(["data", "inspect", "odd.npy", "--json"]) == code
    assert bool(json.loads(capsys.readouterr().out)["problems"]) == (code == 1)


def test_inspect_of_no_file_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert run(["data", "inspect", str(tmp_path / "gone.npy")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"{tmp_path / 'gone.npy'}: expected a tape, received no such file\n"


def test_what_a_strategy_prints_and_logs_stays_off_stdout(small, capsys):
    small("print('printed'); self.log.info('quoting', level=self.seen)")
    assert run(["backtest", "small.yaml", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["status"] == "done"
    assert "printed\n" in told.err
    assert (
        "at=2024-08-09T00:00:00.100000000Z severity=info strategy_id=mine event=quoting level=2"
        in told.err.splitlines()
    )


def test_check_prints_one_object_although_the_strategy_prints(small, capsys):
    small("pass", before="print('imported')")
    assert run(["check", "small.yaml", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["ok"] is True
    assert told.err == "imported\n"


@pytest.mark.usefixtures("small")
def test_check_opens_the_tapes_and_sets_up_the_limits(capsys):
    assert run(["check", "small.yaml", "--set", "data.tapes.X.VENUE=mine.py"]) == 2
    assert "data.tapes.X.VENUE: mine.py: expected a name that ends in" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_a_window_without_rows_is_told(capsys):
    assert run(["run", "small.yaml", "--set", "data.start=2030-01-01T00:00:00Z"]) == 0
    assert "no rows between data.start and data.end: nothing was played" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_json_of_what_failed_is_an_object_too(capsys):
    assert run(["why", "nothing", "bt-1", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert told["errors"][0].startswith("run nothing: expected a folder")
