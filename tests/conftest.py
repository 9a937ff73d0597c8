"""What all tests share: one deterministic hypothesis profile, and a way to an instrument in one line."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings

from tickwright.engine.instrument import Instrument

# Derandomized, so that a red run is red again on another machine; set HYPOTHESIS_PROFILE=explore to look for more.
settings.register_profile(
    "ci",
    derandomize=True,
    print_blob=True,
    deadline=None,
    max_examples=40,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, print_blob=True, max_examples=2000, stateful_step_count=100)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def instrument() -> Callable[..., Instrument]:
    """A factory: `instrument(tick="0.05", lot="0.001", id="BTC/CHF.TDX", maker_fee=Decimal("0"))`."""

    def make(tick: str = "0.01", lot: str = "0.001", **given: object) -> Instrument:
        terms: dict[str, object] = {"id": "BTC/CHF.TDX", "base": "BTC", "quote": "CHF"}
        return Instrument(tick_size=Decimal(tick), lot_size=Decimal(lot), **(terms | given))  # type: ignore[arg-type]

    return make
