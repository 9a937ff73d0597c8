"""Ours beside hftbacktest's jitted strategy, in one interleaved run: medians and their ratio.

``python benchmarks/compare.py --peer PEER_PYTHON [--rounds 5]``, where PEER_PYTHON is an interpreter that has
hftbacktest. A shared machine changes its speed from minute to minute: only ratios within one run say something.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tape import generate

HERE = Path(__file__).parent


def run(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", required=True, help="an interpreter with hftbacktest installed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument(
        "--wake", default="touch", help="how our W2 is woken: touch (its price moved) or every (message)"
    )
    arguments = parser.parse_args()
    rates: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        tape = str(Path(folder, "tape.npy"))
        np.save(tape, generate(arguments.events))
        ours = [sys.executable, str(HERE / "throughput.py"), "--data", tape, "--wake", arguments.wake, "--only"]
        theirs = [arguments.peer, str(HERE / "peer_hftbacktest.py"), "--data", tape, "--workload"]
        for _ in range(arguments.rounds):
            for workload in ("W1", "W2", "W3"):
                for who, command in (("ours", ours), ("peer", theirs)):
                    row = run([*command, workload])
                    rates.setdefault((workload, who), []).append(row["events_per_s"])
                    print(json.dumps({"who": who, **row}), flush=True)
    for workload in ("W1", "W2", "W3"):
        us = statistics.median(rates[workload, "ours"])
        them = statistics.median(rates[workload, "peer"])
        print(json.dumps({"workload": workload, "ours": us, "peer": them, "ratio": round(us / them, 3)}))


if __name__ == "__main__":
    main()
