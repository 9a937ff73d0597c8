"""The simulator and the local venues across the wire make the same of the same orders in the same market."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from trio.testing import MockClock

from tickwright.adapters.conformance.parity import asked, check_parity, simulated
from tickwright.adapters.conformance.script import Cancel, Levels, Place, Print, Replace, script
from tickwright.adapters.conformance.under_test import VenueUnderTest
from tickwright.adapters.tdx.mirror import assumed
from tickwright.engine.terms import FOK, GTC, IOC

SEEDS = range(20)
FAST = {"messages_per_s": 100_000, "requests_per_s": 1000}
NO_SAMPLES = {"samples": Path("none"), "readers": {}, "expected": {}, "encode": lambda sample: ""}
TDX = VenueUnderTest(
    adapter="tdx",
    symbol="BTC/CHF",
    options={"self_trade": "cancel_taker"},
    settings=FAST,
    maker_fee=assumed.FEE,
    taker_fee=assumed.FEE,
    **NO_SAMPLES,
)
POWERTRADE = VenueUnderTest(
    adapter="powertrade",
    symbol="BTC-USD",
    options={"pairs": ("BTC-USD",), "rfqs": False, "maker_fee": Decimal("0.0002"), "taker_fee": Decimal("0.0005")},
    settings=FAST,
    maker_fee="0.0002",
    taker_fee="0.0005",
    **NO_SAMPLES,
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_simulator_and_wire_agree(autojump_clock: MockClock, tmp_path: Path, seed: int) -> None:
    """Order by order and row by row; the account's position, profit and fees too, to the last digit."""
    await check_parity(TDX, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_powertrade_and_the_simulator_agree(autojump_clock: MockClock, tmp_path: Path, seed: int) -> None:
    await check_parity(POWERTRADE, tmp_path, seed)


@pytest.mark.slow
async def test_another_rule_of_the_queue_is_noticed(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Who stands in front of everybody fills sooner than at a venue: the comparison can fail."""
    known = await asked(TDX, tmp_path / "ask")
    events = script(3)
    one = await simulated(TDX, tmp_path / "one", events, known, queue="optimistic")
    other = await simulated(TDX, tmp_path / "other", events, known)
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
