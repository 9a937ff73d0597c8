"""How runs end that do not end well: Ctrl+C, strategies that fail or hang, disks that are full."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from e2e_rig import ID, LOGS, config, generate, play

from tickwright.reports.run_folder import RunFolder

LIMIT_S = 60


def write(folder: Path, strategy: str, rows: int = 2000, **changes: Any) -> Path:
    """A folder with tape, strategy and config; returns the config. (JSON is YAML.)"""
    np.save(folder / "tape.npy", generate(rows))
    head = "import sys, time\nfrom tickwright import Strategy\n"
    (folder / "own.py").write_text(head + textwrap.dedent(strategy))
    made = config(data={"tapes": {ID: "tape.npy"}}, **changes)
    made["strategies"]["one"]["use"] = "./own.py:Own"
    path = folder / "own.yaml"
    path.write_text(json.dumps(made, indent=1))
    return path


def start(path: Path, before: str = "") -> "subprocess.Popen[str]":
    code = f"{before}\nimport sys\nfrom tickwright.cli import run\nsys.exit(run(['run', {str(path)!r}]))"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=path.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )


def wait_for(path: Path) -> None:
    """Until the strategy has said by a file that it is where the test wants it."""
    until = time.monotonic() + LIMIT_S
    while not path.exists():
        assert time.monotonic() < until, f"no {path.name}"
        time.sleep(0.01)


def only_run(folder: Path) -> RunFolder:
    (path,) = (folder / "runs").iterdir()
    return RunFolder(path)


BUSY = """
    class Own(Strategy):
        def on_start(self):
            self.n = 0
            self.watch(self.instruments[0], book="every")
        def on_book(self, book):
            self.n += 1
            if self.n % 10 == 0:
                self.buy(book.instrument, 1 + self.n / 100, book.bid - book.tick)
            if self.n == 100:
                open("here", "w").close()
            if self.n >= 100:
                time.sleep(0.003)
"""


def test_ctrl_c_ends_the_run_in_order(tmp_path: Path) -> None:
    child = start(write(tmp_path, BUSY, 40_000))
    wait_for(tmp_path / "here")
    child.send_signal(signal.SIGINT)
    sent = time.monotonic()
    out, err = child.communicate(timeout=LIMIT_S)
    assert time.monotonic() - sent < 10, "it ends after the row being played, not after thousands"
    assert child.returncode == 1, err
    assert "interrupted" in err
    assert "Traceback" not in err
    run = only_run(tmp_path)
    assert run.summary["status"] == "interrupted"
    assert 0 < run.summary["events"] < 40_000
    tables = {name: run.table(name) for name in LOGS}
    assert tables["orders"].num_rows > 10
    assert (run.path / "report.html").is_file()
    assert "interrupted" in out


def test_a_second_ctrl_c_ends_a_strategy_that_never_returns(tmp_path: Path) -> None:
    hang = """
        class Own(Strategy):
            def on_start(self):
                self.watch(self.instruments[0], book="every")
            def on_book(self, book):
                self.buy(book.instrument, 1, book.bid)
                if self.orders:
                    open("here", "w").close()
                    while True:
                        pass
    """
    child = start(write(tmp_path, hang))
    wait_for(tmp_path / "here")
    child.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 1, err
    assert "Traceback" not in err
    run = only_run(tmp_path)
    assert run.table("orders").num_rows > 0
    assert run.summary["status"] == "interrupted"


@pytest.mark.parametrize(
    ("statement", "said"),
    [("raise ValueError('third')", "ValueError: third"), ("sys.exit(0)", "SystemExit: 0"), ("1 / 0", "ZeroDivision")],
)
def test_a_strategy_that_fails(tmp_path: Path, statement: str, said: str) -> None:
    failing = f"""
        class Own(Strategy):
            def on_start(self):
                self.n = 0
                self.watch(self.instruments[0], book="every")
            def on_book(self, book):
                self.n += 1
                if self.n < 3:
                    self.buy(book.instrument, self.n, book.bid - 5 * book.tick)
                if self.n == 3:
                    {statement}
    """
    child = start(write(tmp_path, failing, simulator__latency="0ms"))
    _, err = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 1, err
    assert said in err
    assert "own.py" in err
    assert "engine/" not in err, "frames of ours say nothing to the author"
    run = only_run(tmp_path)
    assert run.summary["status"] == "failed"
    assert run.summary["events"] == 2000
    assert run.summary["outcomes"] == {"CANCELED": 2}, "cancel_and_halt takes its orders out of the market"


def test_other_strategies_go_on(tmp_path: Path) -> None:
    path = write(tmp_path, "class Own(Strategy):\n    def on_start(self):\n        raise KeyError('mine')\n")
    made = json.loads(path.read_text())
    made["strategies"]["two"] = config()["strategies"]["one"]
    path.write_text(json.dumps(made))
    child = start(path)
    _, err = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 1
    assert "strategy one: on_start raised" in err
    fills = only_run(tmp_path).table("fills")
    assert set(fills["strategy"].to_pylist()) == {"two"}


def test_orders_made_at_the_end_are_not_sent(tmp_path: Path) -> None:
    late = """
        class Own(Strategy):
            def on_start(self):
                self.watch(self.instruments[0], book="every")
            def on_book(self, book):
                self.book_ = book
            def on_stop(self):
                self.buy(self.instruments[0], 1)
    """
    child = start(write(tmp_path, late, simulator__latency="0ms"))
    _, err = child.communicate(timeout=LIMIT_S)
    run = only_run(tmp_path)
    assert (run.summary["orders"], run.summary["fills"]) == (0, 0)
    assert child.returncode == 0, err


def test_a_runs_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    path = write(tmp_path, BUSY, runs="taken")
    child = start(path)
    _, err = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 2
    assert re.search(r"\.yaml:\d+: runs: ", err), err
    assert "Traceback" not in err


@pytest.mark.parametrize("size", [200, 30_000])
def test_a_disk_that_is_full(tmp_path: Path, size: int) -> None:
    """No file of the child may grow beyond `size`: writing fails as it does on a full disk."""
    path = write(tmp_path, BUSY.replace("0.003", "0"), 3000)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    child = start(path, limit)
    _, err = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 1, err
    assert "Traceback" not in err, err
    assert "tickwright: " in err
    assert "File too large" in err


def test_the_callers_signal_handler_comes_back() -> None:
    """Handlers of signals belong to the program that calls us: they are as before afterwards."""
    mine = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        play(generate(200))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, mine)
