"""`docs/live.md` says the bounds that the code has."""

import re
from pathlib import Path

from tickwright.engine.live import BATCH, LAG_ALARM_NS
from tickwright.engine.mailbox import MERGE_FROM, MOST
from tickwright.slow import SLOW_S

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "live.md").read_text()


def test_the_bounds_are_those_of_the_code():
    assert f"at most {BATCH} events" in TEXT
    assert f"Below {MERGE_FROM} waiting events" in TEXT
    assert f"when {MOST:,} events wait" in TEXT
    assert f"{LAG_ALARM_NS // 1_000_000} ms is told" in TEXT
    assert SLOW_S == 1.0
    assert "longer than a second" in TEXT


def test_what_it_names_is_there():
    for name in re.findall(r"`python (\S+)`", TEXT) + re.findall(r"\]\((\w+\.md)\)", TEXT):
        assert (ROOT / name).exists() or (ROOT / "docs" / name).exists(), name
    assert (ROOT / "tests" / "parity").is_dir()
