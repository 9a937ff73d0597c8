"""Processes that are killed, a few of each kind; `make crash` kills many more."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from crash_points import LAYERS, POINTS
from crashes import Broken, Crashes, Journalled, dealt

HERE = Path(__file__).parent


def crash(venue: str, todo: str) -> str:
    """The line that a campaign ends with."""
    command = [sys.executable, str(HERE / "crashes.py"), "--venue", venue, "--todo", todo]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_killed_in_a_snapshot_then_with_a_full_disk() -> None:
    told = crash("tdx", "J11,F34")
    assert "J11 1" in told
    assert "F34 1" in told


@pytest.mark.slow
def test_killed_in_a_commit_and_with_an_execution_unread() -> None:
    told = crash("powertrade", "J4,J9")
    assert "J4 1" in told
    assert "J9 1" in told


def test_every_point_has_its_place_and_its_share() -> None:
    assert {f"J{number}" for number in LAYERS} >= set(POINTS)
    shares = Counter(dealt(91, [*POINTS, "F34"]))
    assert min(shares[point] for point in POINTS) >= 3
    assert shares[""] >= 40


# --- breaches that must be seen ---------------------------------------------------------------------------------------


class Exchange:
    """What a venue would say."""

    def __init__(self, **said: Any) -> None:
        self.said = {"live": {}, "executed": [], "received": [], **said}

    def ask(self, **what: Any) -> dict[str, Any]:
        return self.said


def crashes(tmp_path: Path, **said: Any) -> Crashes:
    made = Crashes.__new__(Crashes)
    made.exchange = Exchange(**said)  # type: ignore[assignment]
    made.journal = Journalled(tmp_path)
    made.dying = ("", "")
    made.killed = False
    made.replayed = 0
    return made


def knows(journal: Journalled, name: str) -> None:
    journal.intents.add(name)
    journal.passed.add(name)
    journal.starts[name] = 1


LIFE: dict[str, Any] = {
    "digests": ["a", "a", "a"],
    "latches": 0,
    "dead": "",
    "orders": [],
    "open": {},
    "position": 0,
    "known": [],
    "replays": [],
    "heard": [],
}


def test_an_order_received_twice_or_unknown_to_the_journal_is_seen(tmp_path: Path) -> None:
    twice = crashes(tmp_path, received=["x-1", "x-1"])
    knows(twice.journal, "x-1")
    with pytest.raises(Broken, match="V1: x-1 was received 2 times"):
        twice.check_received()
    for gone, what in (("intents", "intent"), ("passed", "passing")):
        unknown = crashes(tmp_path, received=["x-1"])
        knows(unknown.journal, "x-1")
        getattr(unknown.journal, gone).clear()
        with pytest.raises(Broken, match=f"V2: the venue received x-1, whose {what} is not in the journal"):
            unknown.check_received()
    started = crashes(tmp_path, received=["x-1"])
    knows(started.journal, "x-1")
    started.journal.starts["x-1"] = 2
    with pytest.raises(Broken, match="V1: x-1 began to be sent 2 times"):
        started.check_received()


def test_other_orders_positions_and_executions_are_seen(tmp_path: Path) -> None:
    venue = {"live": {"x-1": [1, 2, 1]}, "executed": [["t", "x-1", 1, 1]], "received": ["x-1"]}
    one = crashes(tmp_path, **venue)
    right = {**LIFE, "open": {"x-1": 1}, "position": 1, "orders": [["x-1", "OPEN", 1, 3, 3]]}
    assert one.differences(right, venue) == []
    assert one.differences({**right, "position": 0}, venue) == ["position 0 here, 1 there"]
    assert one.differences({**right, "open": {}}, venue) == ["open here {}, there {'x-1': 1}"]
    assert one.differences({**right, "orders": [["x-1", "OPEN", 2, 3, 3]]}, venue)
    with pytest.raises(Broken, match="V4: the booked executions make 0, the position is 1"):
        one.check_settled(right, venue)
    one.journal.booked["x-1 t"] = 2
    with pytest.raises(Broken, match="V4: x-1 t is booked 2 times"):
        one.check_settled(right, venue)


def test_an_order_that_is_counted_for_too_little_is_seen(tmp_path: Path) -> None:
    venue = {"live": {"x-1": [1, 2, 1]}, "executed": [["t", "x-1", 1, 1]]}
    one = crashes(tmp_path, **venue)
    with pytest.raises(Broken, match=r"V5: x-1 \(UNKNOWN\) may execute 3, counted are 2"):
        one.check_opened({**LIFE, "orders": [["x-1", "UNKNOWN", 0, 3, 2]]})
    one.check_opened({**LIFE, "orders": [["x-1", "UNKNOWN", 0, 3, 3]]})
    with pytest.raises(Broken, match="V6: the whole journal gives another state"):
        one.check_opened({**LIFE, "digests": ["a", "a", "b"], "orders": [["x-1", "UNKNOWN", 0, 3, 3]]})


def test_what_cannot_have_left_and_is_at_the_venue_is_seen(tmp_path: Path) -> None:
    one = crashes(tmp_path)
    one.dying = ("J5", "x-1")
    with pytest.raises(Broken, match="J5: the venue received x-1"):
        one.check_victim(LIFE, {"received": ["x-1"]})
    with pytest.raises(Broken, match="J5: expected x-1 to be FAILED, it is OPEN"):
        one.check_victim({**LIFE, "orders": [["x-1", "OPEN", 0, 3, 3]]}, {"received": []})
    one.dying = ("J1", "x-1")
    with pytest.raises(Broken, match="J1: x-1 is in the journal, as FAILED"):
        one.check_victim({**LIFE, "orders": [["x-1", "FAILED", 0, 3, 0]]}, {"received": []})


def test_executions_that_a_strategy_was_told_of_twice_or_never_are_seen(tmp_path: Path) -> None:
    one = crashes(tmp_path)
    one.journal.booked["x-1 t"] = 1
    one.check_strategy({**LIFE, "replays": ["x-1 t"]})
    for told in ({}, {"known": ["x-1 t"], "replays": ["x-1 t"]}, {"replays": ["x-1 t", "x-1 t"]}):
        with pytest.raises(Broken, match="J10"):
            one.check_strategy({**LIFE, **told})
