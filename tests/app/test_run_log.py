"""What the run's log shows to a person: its own words, and whatever is critical, each once a minute."""

import numpy as np

from tickwright.run_log import RunLog

COLUMNS = ("event", "ts", "severity")


def test_what_is_critical_is_shown_and_not_again_within_a_minute():
    shown: list[str] = []
    now = [1_000_000_000]
    log = RunLog(lambda: now[0], echo=shown.append)

    def note(severity: int, text: str) -> None:
        log.block("notes", COLUMNS, np.array([0, now[0], severity]), [text])

    note(1, "a warning is for the file")
    note(2, "an overfill")
    note(2, "an overfill")
    note(3, "a halt")
    log.told("a mismatch")
    note(2, "a mismatch")
    assert shown == ["an overfill", "a halt", "a mismatch"]
    now[0] += 61_000_000_000
    note(2, "an overfill")
    assert shown[3:] == ["an overfill"]
