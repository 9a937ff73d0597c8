"""A live run through faults, captured, is replayed equal: every record, and every frame through codec and link."""

import gzip
from pathlib import Path

import pytest
import trio
from grounds import GROUNDS
from stack import stacked
from test_scripted_faults import CASES, Case
from trio.testing import MockClock

from tickwright.adapters.tdx.settings import TDX
from tickwright.capture import CAPTURE
from tickwright.replaying import open_replay
from tickwright.reports.run_folder import RunFolder

SECRETS = frozenset(TDX.credentials) - {"username", "sub_account_id"}
REPLAYED = {
    "tdx": ("F03-ack-lost", "F05-not-cancelled", "F14-gaps", "F18-damaged", "F25-tokens-expire", "F26-unavailable"),
    "powertrade": ("F05-not-cancelled", "F14-gaps"),
}
TRIED = [
    pytest.param(venue, case, id=f"{venue}-{case.name}")
    for venue, names in REPLAYED.items()
    for case in CASES
    if case.name in names and case.only in ("", venue)
]


@pytest.mark.parametrize(("venue", "case"), TRIED)
async def test_a_run_through_faults_is_replayed_equal(
    autojump_clock: MockClock, tmp_path: Path, venue: str, case: Case
) -> None:
    how = {"options": case.options, "settings": case.settings, "cod": case.cod, "ground": GROUNDS[venue]}
    async with stacked(tmp_path, case.script, capture=True, **how) as stack:
        await stack.ready()
        await trio.sleep(15)
        stack.venue.faults.stop()
        await trio.sleep(5)
        folder = stack.run.folder
        secrets = [str(held) for name, held in stack.venue.announcement().items() if name in SECRETS and held]
    replay = open_replay(RunFolder(folder))
    assert replay.go(), replay.difference
    assert replay.finished
    assert replay.run_hash() == replay.run.summary["run_hash"]
    assert replay.comparison.equal > 100
    assert replay.proven > 50 or case.settings or venue == "powertrade", "there orders' answers are not decoded again"
    text = gzip.decompress((folder / CAPTURE).read_bytes()).decode()
    assert len(secrets) > 1 or venue == "powertrade"
    assert not [secret for secret in secrets if secret in text]
    assert "eyJ" not in text
