"""The simulator and the local venue across the wire make the same of the same orders in the same market."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve
from parity_rig import SYMBOL, across_the_wire, simulated
from parity_script import Cancel, Levels, Place, Print, Replace, script
from trio.testing import MockClock

from tickwright.adapters.tdx.mirror import assumed
from tickwright.adapters.tdx.mirror.listing import listed_pairs
from tickwright.engine.terms import FOK, GTC, IOC

SEEDS = range(20)
(LISTED,) = listed_pairs([SYMBOL])
INSTRUMENT = evolve(LISTED.instrument, maker_fee=Decimal(assumed.FEE), taker_fee=Decimal(assumed.FEE))


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_simulator_and_wire_agree(autojump_clock: MockClock, tmp_path: Path, seed: int) -> None:
    """Order by order and row by row; the account's position, profit and fees too, to the last digit."""
    events = script(seed)
    self_match = ("deny_new", "cancel_old")[seed % 2]
    one = await simulated(tmp_path / "one", events, self_match, INSTRUMENT, assumed.FEE)
    other = await across_the_wire(tmp_path / "other", events, self_match, assumed.FEE)
    assert one.rows == other.rows
    assert one == other
    assert one.alarms == ["stop: the script is over"]
    assert len({row[1] for row in one.rows}) >= 3


@pytest.mark.slow
async def test_another_rule_of_the_queue_is_noticed(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Who stands in front of everybody fills sooner than at a venue: the comparison can fail."""
    events = script(3)
    one = await simulated(tmp_path / "one", events, "deny_new", INSTRUMENT, assumed.FEE, queue="optimistic")
    other = await simulated(tmp_path / "other", events, "deny_new", INSTRUMENT, assumed.FEE)
    assert one.rows != other.rows


def test_the_scripts_have_every_kind_of_order_and_event() -> None:
    kinds: Counter[object] = Counter()
    for seed in SEEDS:
        for event in script(seed):
            kinds[type(event)] += 1
            if isinstance(event, Place):
                kinds[event.time_in_force, event.ticks is None, event.post_only] += 1
            elif isinstance(event, Levels | Print) and event.late is not None:
                kinds[type(event), type(event.late)] += 1
    limits = [(GTC, False, False), (GTC, False, True), (IOC, False, False), (FOK, False, False), (IOC, True, False)]
    late = [(event, command) for event in (Levels, Print) for command in (Cancel, Replace)]
    missing = [kind for kind in (*limits, *late, Place, Cancel, Replace, Levels, Print) if kinds[kind] < len(SEEDS)]
    assert missing == []
