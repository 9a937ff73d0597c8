"""What a run begins with: the journal's word where it is of the same mode, and never paper for real."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from tickwright.engine.chain import JournalError
from tickwright.engine.journal import Journal
from tickwright.taking_over import opening


class Clock:
    def now(self) -> int:
        return 1_700_000_000 * 10**9


class Wire:
    venue = "TDX"

    async def holdings(self):
        return {"CHF": Decimal(7)}


def config(mode: str, folder, local=None):
    return SimpleNamespace(
        mode=mode,
        name="quotes",
        state_folder=folder,
        account=SimpleNamespace(balances={"CHF": Decimal(1000)}),
        venues={"tdx": SimpleNamespace(local=local)},
    )


async def begun(mode: str, folder, local=None):
    journal = Journal.open(folder, clock=Clock())
    try:
        return await opening(config(mode, folder, local), [Wire()], journal)
    finally:
        journal.close()


@pytest.mark.parametrize(("mode", "held"), [("paper", 1000), ("live", 7)])
async def test_a_run_goes_on_where_the_last_of_its_mode_ended(tmp_path, mode, held):
    first = await begun(mode, tmp_path / "state")
    again = await begun(mode, tmp_path / "state")
    assert first == again
    assert first.balances == {"CHF": held}


@pytest.mark.parametrize(("earlier", "later"), [("paper", "live"), ("live", "paper")])
async def test_simulated_orders_and_real_ones_never_share_a_journal(tmp_path, earlier, later):
    await begun(earlier, tmp_path / "state")
    with pytest.raises(JournalError, match=f"expected records of runs in {later}, received some of runs in {earlier}"):
        await begun(later, tmp_path / "state")


@pytest.mark.parametrize(("earlier", "later", "held"), [("paper", "live", 7), ("live", "paper", 1000)])
async def test_at_venues_served_for_the_run_another_mode_begins_anew(tmp_path, earlier, later, held):
    first = await begun(earlier, tmp_path / "state", local=object())
    second = await begun(later, tmp_path / "state", local=object())
    assert second.balances == {"CHF": held}
    assert second.seq > first.seq
