"""What the venue says is held is compared to the last digit, but where derivatives settle."""

from decimal import Decimal
from typing import cast

import pytest

from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.intake import Intake
from tickwright.engine.strangers import Strangers
from tickwright.engine.sweep import MISMATCH_NS, Sweep
from tickwright.strategies.base import Strategy
from tickwright.strategies.testing import PLENTY, Bench


def sweep_of(kind: Kind) -> tuple[Bench, Sweep]:
    instrument = Instrument(
        id="BTC-USD.PT", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"), kind=kind, base="BTC", quote="USD"
    )
    bench = Bench(Strategy(), instrument)
    strangers = Strangers(bench.core.orders, "t", "adopt")
    return bench, Sweep(bench.core, cast("Intake", None), "PT", strangers, 0)


def told(sweep: Sweep, now: int, usd: str, btc: str = "0") -> list[str]:
    """What newly does not agree, once the same was said for long enough."""
    held = {"USD": PLENTY + Decimal(usd), "BTC": PLENTY + Decimal(btc)}
    assert sweep.held(held, now) == []
    return sweep.held(held, now + MISMATCH_NS)


@pytest.mark.parametrize("kind", [Kind.SPOT, Kind.LINEAR])
@pytest.mark.parametrize("usd", ["1", "-0.00001"])
def test_a_difference_that_stays_is_told(kind: Kind, usd: str) -> None:
    bench, sweep = sweep_of(kind)
    assert told(sweep, bench.now, usd) == ["USD"]
    assert sweep.mismatched == {"USD": Decimal(usd)}


@pytest.mark.parametrize("usd", ["0.000000666", "-0.000001"])
def test_profits_of_derivatives_are_rounded_by_everybody_in_his_own_way(usd: str) -> None:
    bench, sweep = sweep_of(Kind.LINEAR)
    assert told(sweep, bench.now, usd) == []
    assert told(sweep, bench.now, "0", "0.000000001") == ["BTC"], "nothing settles in that"
    bench, sweep = sweep_of(Kind.SPOT)
    assert told(sweep, bench.now, usd) == ["USD"]
