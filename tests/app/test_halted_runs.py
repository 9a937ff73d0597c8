"""A run that loses more than it may: orders cancelled, only the way out left open, and everybody told."""

import json
from pathlib import Path

import numpy as np
import pytest

import tickwright
from tickwright.cli import run

START = 1_723_161_600_000_000_000
ROW = np.dtype([("ts", "<i8"), ("kind", "u1"), ("side", "i1"), ("price", "<f8"), ("qty", "<f8"), ("last", "u1")])
CONFIG = """\
name: losing
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
strategies:
  loser: {use: ./mine.py:Loser, instruments: [X.VENUE]}
  other: {use: ./mine.py:Other, instruments: [X.VENUE]}
risk:
  collar_bps: 2000
  collar_window_bps: 2000
  self_match: allow
"""
NAMES = dict(
    zip((f"bt-{n}" for n in range(1, 7)), ("first", "resting", "resting too", "more", "out", "another's"), strict=True)
)
STRATEGY = """\
from tickwright import Strategy

class Loser(Strategy):
    def on_start(self):
        self.watch("X.VENUE", book="every")
        self.seen = 0

    def on_book(self, book):
        self.seen += 1
        if self.seen == 1:
            self.buy(book.instrument, 10, book.ask)
        if self.seen == 2:
            self.buy(book.instrument, 1, book.bid - 50)
        if self.seen == 5:
            self.buy(book.instrument, 1, book.ask)
            self.sell(book.instrument, 10, book.bid)

class Other(Strategy):
    def on_start(self):
        self.watch("X.VENUE", book="every")
        self.seen = 0

    def on_book(self, book):
        self.seen += 1
        if self.seen == 2:
            self.buy(book.instrument, 1, book.bid - 51)
        if self.seen == 5:
            self.buy(book.instrument, 1, book.ask)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """1000 / 1001 at first, and 30 lower from the third second on: ten bought at 1001 lose 310 or a little less."""
    monkeypatch.chdir(tmp_path)
    rows = []
    for number in range(6):
        ts, top = START + number * 1_000_000_000, 1000.0 - 30 * (number > 2)
        if number == 3:
            rows += [(ts, 0, 1, 1000.0, 0.0, 0), (ts, 0, -1, 1001.0, 0.0, 0)]
        rows += [(ts, 0, 1, top, 50.0 + number, 0), (ts, 0, -1, top + 1, 50.0 + number, 1)]
    np.save(tmp_path / "small.npy", np.array(rows, ROW))
    Path("mine.py").write_text(STRATEGY)
    Path("run.yaml").write_text(CONFIG)


def orders(result: tickwright.Result) -> dict[str, tuple[str, str]]:
    """The last state of every order, and what it was denied with, by the name that the tests give it."""
    rows = result.run.table("decisions").to_pylist()
    codes = {row["client_order_id"]: json.loads(row["denial"])["code"] for row in rows if row["denial"]}
    found = {}
    for row in result.orders.to_pylist():
        id = row["client_order_id"]
        found[NAMES[id]] = (row["state"], codes.get(id, ""))
    return found


@pytest.mark.parametrize(
    ("stated", "code", "scope"),
    [
        ("risk.max_daily_loss=300", "DAILY_LOSS", "account"),
        ("risk.max_drawdown=300", "DRAWDOWN", "account"),
        ("risk.max_strategy_loss=300", "STRATEGY_LOSS", "strategy loser"),
        ("strategies.loser.risk.max_daily_loss=300", "DAILY_LOSS", "strategy loser"),
    ],
)
def test_a_breach_cancels_and_leaves_only_the_way_out(stated, code, scope):
    result = tickwright.backtest("run.yaml", overrides=[stated])
    found = orders(result)
    whole = scope == "account"
    assert result.summary["status"] == "halted"
    assert found["first"][0] == "FILLED"
    assert found["resting"][0] == "CANCELED"
    assert found["more"] == ("DENIED", "REDUCE_ONLY_MODE")
    assert found["out"][0] == "FILLED"
    assert found["resting too"][0] == ("CANCELED" if whole else "OPEN")
    assert found["another's"][0] == ("DENIED" if whole else "FILLED")
    notes = [row["text"] for row in result.run.table("notes").to_pylist() if row["severity"] == "CRIT"]
    assert len(notes) == 1
    assert notes[0].startswith(f"{code}: ")
    assert scope in notes[0]


def test_a_loss_of_exactly_the_limit_is_no_breach():
    # Ten from 1001 to 970, and two bought at 971 that are valued at the mid of 970.5.
    assert tickwright.backtest("run.yaml", overrides=["risk.max_daily_loss=311"]).summary["status"] == "done"
    assert tickwright.backtest("run.yaml", overrides=["risk.max_daily_loss=310.9"]).summary["status"] == "halted"


def test_the_verb_says_so_and_ends_with_8(capsys):
    assert run(["run", "run.yaml", "--json", "--set", "risk.max_daily_loss=300"]) == 8
    out, err = capsys.readouterr()
    assert json.loads(out)["status"] == "halted"
    assert "tickwright: halted: DAILY_LOSS: the account: " in err
    assert run(["run", "run.yaml", "--json"]) == 0
    assert "halted" not in capsys.readouterr().err
