"""A run in one call: the benchmark's tape, a config that trades a lot, and what came of it as bytes."""

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tickwright import Result, backtest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ACTORS = HERE / "e2e_actors.py"
ID = "BTC/USD.SIM"
LOGS = ("orders", "fills", "decisions", "equity", "positions", "notes")
Tape = np.ndarray[Any, Any]


@cache
def generate(rows: int, seed: int = 7) -> Tape:
    """The first rows of the benchmark's tape; read-only, since it is shared."""
    spec = importlib.util.spec_from_file_location("benchmark_tape", ROOT / "benchmarks" / "tape.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tape: Tape = module.generate(rows, seed)
    tape.flags.writeable = False
    return tape


def config(use: str = "Churn", **changes: Any) -> dict[str, Any]:
    """A config for one instrument on the benchmark's grid; dotted keys are written with two underscores."""
    made: dict[str, Any] = {
        "name": "e2e",
        "mode": "backtest",
        "account": {"currency": "USD", "balances": {"USD": "1000000", "BTC": "1000"}},
        "venues": {"sim": {"adapter": "sim", "fees": {"maker": "-0.0001", "taker": "0.0005"}}},
        "instruments": {ID: {"tick": "0.01", "lot": "0.01", "base": "BTC", "quote": "USD"}},
        "simulator": {"latency": "3ms", "seed": "7"},
        "strategies": {"one": {"use": f"{ACTORS}:{use}", "instruments": [ID]}},
        "risk": {
            "max_order_qty": "100",
            "max_order_notional": "1000000",
            "max_position": "1000",
            "collar_bps": "5000",
            "max_orders_per_s": "1000",
            "orders_burst": "2000",
            "max_daily_loss": "100000",
        },
    }
    for dotted, value in changes.items():
        *path, name = dotted.split("__")
        inside = made
        for key in path:
            inside = inside[key]
        inside[name] = value
    return made


def play(tape: Tape | dict[str, Tape], made: dict[str, Any] | None = None) -> Result:
    tapes = tape if isinstance(tape, dict) else {ID: tape}
    return backtest(made or config(), tapes=tapes)


def logs(result: Result) -> dict[str, bytes]:
    """What must be the same when the run is the same, byte for byte."""
    return {name: (result.folder / f"{name}.parquet").read_bytes() for name in LOGS}


CHILD = """
import hashlib, json, sys
import numpy as np
from tickwright import backtest
from tickwright.engine.compiled import why_interpreted
told = json.load(sys.stdin)
out = []
for made in told["configs"]:
    tapes = {name: np.load(told["tapes"][name]) for name in made["instruments"]}
    result = backtest(made, tapes=tapes)
    sums = {}
    for name in told["logs"]:
        sums[name] = hashlib.sha256((result.folder / f"{name}.parquet").read_bytes()).hexdigest()
    out.append([result.run_hash, sums, result.summary["fills"]])
print(json.dumps([not why_interpreted(), out]))
"""


def elsewhere(
    folder: Path, tapes: dict[str, Tape], configs: list[dict[str, Any]], **environment: str
) -> tuple[bool, list[tuple[str, dict[str, str], int]]]:
    """Run configs in another process: whether it ran compiled, and hash, digests of the logs and fills of each."""
    paths = {}
    for number, (name, tape) in enumerate(tapes.items()):
        paths[name] = str(folder / f"tape{number}.npy")
        np.save(paths[name], tape)
    told = json.dumps({"configs": configs, "tapes": paths, "logs": LOGS})
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=told,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    compiled, runs = json.loads(done.stdout)
    return compiled, [(run_hash, sums, fills) for run_hash, sums, fills in runs]
