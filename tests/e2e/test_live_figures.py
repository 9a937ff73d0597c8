"""The benchmarks of live runs: real sockets, a venue in another process, for a few seconds each."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def lines(script: str, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments], capture_output=True, text=True, timeout=110
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["live", "paper"])
def test_a_burst_loses_nothing_and_keeps_nothing(mode: str) -> None:
    code, (row,), said = lines("bursts.py", "--seconds", "5", "--rates", "2000", "--mode", mode)
    assert code == 0, said
    assert row["level_changes_sent"] == 10_000
    assert row["level_changes_taken"] >= 9_000
    assert (row["lost"], row["left"], row["status"]) == (0, [], "done")
    assert row["orders"] > 50
    assert row["fills"] > 0
    assert row["lag_ms"]["p50"] < 100, "far from the figure of a quiet machine, and yet a bound"


@pytest.mark.slow
def test_the_latency_of_an_order_is_told() -> None:
    code, (row,), said = lines("latency.py", "--rounds", "40")
    assert code == 0, said
    assert row["rounds"] >= 40
    assert 0 < row["share"]["p50"] <= row["share"]["p99"]
    assert row["share"]["p50"] < row["trip"]["p50"]
    assert row["echo"]["p50"] > 0
