"""Events a second of three workloads through the public API, one JSON line each, with what must come out.

``python benchmarks/throughput.py [--events N] [--rounds R] [--data events.npy]``

Everything is on: risk gate, order manager, portfolio, recorder; latency and fees are zero. The tape is in memory and
converted before the clock starts, which runs from the first event to the last. ``expected`` holds what an independent
implementation finds on the same tape of a million events: callbacks and checksum of W1, orders of W2 and W3.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tape import generate

from tickwright.backtesting import Run
from tickwright.config import load

HERE = Path(__file__).parent
WORKLOADS = {"W1": "Observe", "W2": "Maker", "W3": "TimerMaker"}
EXPECTED = {
    "W1": {"callbacks": 423_545, "checksum": 1_198_173.44},
    "W2": {"orders": 48_514},
    "W3": {"callbacks": 9_755, "orders": 13_922},
}
MILLION = 1_000_000


def calibrate() -> float:
    """Nanoseconds for one turn of an empty loop: how fast this machine is at the moment."""
    best = 1e9
    for _ in range(3):
        begun = time.process_time()
        for _ in range(MILLION):
            pass
        best = min(best, (time.process_time() - begun) * 1e3)
    return round(best, 1)


def measure(name: str, tape: "np.ndarray[tuple[int], np.dtype[np.void]]", runs: str, wake: str) -> dict[str, object]:
    """One run of one workload."""
    overrides = [f"strategies.bench.use=./workloads.py:{WORKLOADS[name]}", f"runs={runs}"]
    if name == "W2":
        overrides.append(f"strategies.bench.params.wake={wake}")
    run = Run.prepare(load(HERE / "throughput.yaml", overrides), {"X.BENCH": tape})
    before = calibrate()
    result = run.go()
    for failure in result.failures:
        raise failure.error
    strategy = run.parts.core.desks[0].strategy
    got: dict[str, object] = {"callbacks": result.summary["wakes"], "orders": result.summary["orders"]}
    if name == "W1":
        got |= {"checksum": round(strategy.checksum, 2)}
    row: dict[str, object] = {
        "workload": name,
        "wake": wake if name == "W2" else {"W1": "every, trades", "W3": "100ms"}[name],
        "events": result.summary["events"],
        "events_per_s": result.summary["events_per_second"],
        "run_s": result.summary["wall_s"],
        "compiled": result.summary["compiled"],
        "calib_ns": [before, calibrate()],
        "fills": result.summary["fills"],
        **got,
    }
    if len(tape) == MILLION:
        row["expected"] = EXPECTED[name]
        row["agrees"] = all(row[key] == value for key, value in EXPECTED[name].items())
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the backtest's throughput.")
    parser.add_argument("--events", type=int, default=MILLION)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--data", help="the tape as a .npy file, instead of making it")
    parser.add_argument("--only", default="W1,W2,W3")
    parser.add_argument("--wake", default="touch", help="how W2 is woken: touch (its price moved) or every (message)")
    arguments = parser.parse_args()
    tape = np.load(arguments.data)[: arguments.events].copy() if arguments.data else generate(arguments.events)
    tape["last"][-1] = 1
    wrong = False
    with tempfile.TemporaryDirectory() as runs:
        for _ in range(arguments.rounds):
            for name in arguments.only.split(","):
                row = measure(name, tape, runs, arguments.wake)
                wrong = wrong or row.get("agrees") is False
                print(json.dumps(row), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
