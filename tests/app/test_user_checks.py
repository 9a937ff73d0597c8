"""Users' own checks of orders: named in the config, asked after ours, and able only to refuse."""

import json
from pathlib import Path

import numpy as np
import pytest

import tickwright
from tickwright.cli import run
from tickwright.config import load
from tickwright.document import ConfigError
from tickwright.plugins import load_checks

START = 1_723_161_600_000_000_000
ROW = np.dtype([("ts", "<i8"), ("kind", "u1"), ("side", "i1"), ("price", "<f8"), ("qty", "<f8"), ("last", "u1")])
CONFIG = """\
name: checked
mode: backtest
account:
  currency: USD
  balances: {USD: "100000"}
venues:
  venue: {adapter: sim}
instruments:
  X.VENUE: {tick: "1", lot: "1", base: X, quote: USD}
data:
  tapes: {X.VENUE: small.npy}
simulator: {latency: 0}
checks:
  - ./rules.py:Even
strategies:
  mine:
    use: ./mine.py:Mine
    instruments: [X.VENUE]
"""
STRATEGY = """\
from tickwright import Strategy

class Mine(Strategy):
    def on_start(self):
        self.watch("X.VENUE", book="every")
        self.size = 0

    def on_book(self, book):
        self.size += 1
        self.buy(book.instrument, self.size, book.ask)
"""
RULES = """\
from decimal import Decimal
from tickwright import Objection

class Even:
    def check(self, order, view):
        if view["lots"] % 2:
            return Objection("ODD_LOTS", f"{view['lots']} lots are odd", Decimal(view["lots"]))
        return None

class Raises:
    def check(self, order, view):
        if view["lots"] == 2:
            raise ValueError("no opinion")

class Writes:
    def check(self, order, view):
        view["lots"] = 1

class Babbles:
    def check(self, order, view):
        return "no"

class Vague:
    def check(self, order, view):
        return Objection("VAGUE", "much", value=1.5)

class Asks:
    def __init__(self, limit):
        pass

    def check(self, order, view):
        pass

class Nothing:
    pass
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = []
    for number in range(4):
        ts = START + number * 1_000_000_000
        rows += [(ts, 0, 1, 1000.0, 50.0 + number, 0), (ts, 0, -1, 1001.0, 50.0 + number, 1)]
    np.save(tmp_path / "small.npy", np.array(rows, ROW))
    Path("rules.py").write_text(RULES)
    Path("mine.py").write_text(STRATEGY)
    Path("run.yaml").write_text(CONFIG)


def played(*uses: str) -> tickwright.Result:
    return tickwright.backtest("run.yaml", overrides=[f"checks=[{', '.join(uses)}]"])


def denials(result: tickwright.Result) -> list[dict]:
    rows = result.run.table("decisions")["denial"].to_pylist()
    return [json.loads(row) for row in rows if row]


def test_a_check_denies_with_its_own_code():
    result = tickwright.backtest("run.yaml")
    assert result.summary["denials"] == {"ODD_LOTS": 2}
    assert (result.summary["orders"], result.summary["status"]) == (2, "done")
    assert denials(result)[0] == {
        "code": "ODD_LOTS",
        "codes": ["ODD_LOTS"],
        "limit": None,
        "value": "1",
        "scope": "check Even",
        "text": "1 lots are odd",
    }


def test_ours_come_first_and_every_code_is_named():
    result = tickwright.backtest("run.yaml", overrides=["risk.max_order_qty=2"])
    assert result.summary["denials"] == {"MAX_ORDER_QTY": 2, "ODD_LOTS": 1}
    assert [one["codes"] for one in denials(result)] == [["ODD_LOTS"], ["MAX_ORDER_QTY", "ODD_LOTS"], ["MAX_ORDER_QTY"]]


@pytest.mark.parametrize(
    ("name", "count", "text"),
    [
        ("Raises", 1, "Raises raised ValueError: no opinion (rules.py:13)"),
        ("Writes", 4, "Writes raised TypeError"),
        ("Babbles", 4, "Babbles raised AttributeError"),
        ("Vague", 4, "Vague: expected finite Decimals or None"),
    ],
)
def test_a_check_that_fails_lets_nothing_pass_and_the_run_goes_on(name, count, text):
    result = played(f"./rules.py:{name}")
    assert result.summary["denials"] == {"USER_CHECK_ERROR": count}
    assert (result.summary["orders"], result.summary["status"]) == (4 - count, "done")
    assert all(text in one["text"] for one in denials(result))
    notes = result.run.table("notes").to_pylist()
    assert [text in note["text"] for note in notes if note["severity"] == "CRIT"] == [True] * count


@pytest.mark.parametrize(
    ("use", "told"),
    [
        ("./rules.py:Evan", "expected a class Evan in ./rules.py, got none (checks there: "),
        ("./rules.py:Nothing", "expected a class with check(order, view) at ./rules.py:Nothing, got class Nothing"),
        ("./gone.py:Even", "expected a file at ./gone.py, got none"),
        ("evne", "expected an installed check, package.module:Class or ./file.py:Class, got 'evne'"),
        ("./rules.py:Asks", "Asks cannot be made: "),
    ],
)
def test_what_cannot_be_loaded_is_one_line(use, told):
    config = load("run.yaml", [f"checks=[{use}]"])
    with pytest.raises(ConfigError) as caught:
        load_checks(config)
    assert [told in str(fault) for fault in caught.value.faults] == [True]
    assert ": checks: " in str(caught.value)


def test_the_verb_check_imports_and_shows_them(capsys):
    assert run(["check", "run.yaml", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [name.rpartition(":")[2] for name in shown["checks"]] == ["Even"]
    assert shown["config"]["checks"] == ["./rules.py:Even"]
    assert shown["origins"]["checks"] == "run.yaml:14"
    assert run(["check", "run.yaml", "--set", "checks=[./rules.py:Nope]"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
