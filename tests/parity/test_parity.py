"""The simulator and the local venue across the wire make the same of the same orders in the same market."""

from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve
from parity_rig import SYMBOL, across_the_wire, simulated
from parity_script import script
from trio.testing import MockClock

from tickwright.adapters.tdx.mirror import assumed
from tickwright.adapters.tdx.mirror.listing import default_pairs


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
async def test_simulator_and_wire_agree(autojump_clock: MockClock, tmp_path: Path, seed: int) -> None:
    events = script(seed)
    listed = next(pair.instrument for pair in default_pairs() if pair.symbol == SYMBOL)
    instrument = evolve(listed, maker_fee=Decimal(assumed.FEE), taker_fee=Decimal(assumed.FEE))
    self_match = ("deny_new", "cancel_old")[seed % 2]
    one = await simulated(tmp_path / "one", events, self_match, instrument, assumed.FEE)
    other = await across_the_wire(tmp_path / "other", events, self_match, assumed.FEE)
    assert one == other
