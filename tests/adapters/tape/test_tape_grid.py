"""From doubles to ticks and lots."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.adapters.tape.grid import FITS, OFF_GRID, PRICE_SLACK, TOO_LARGE, to_steps
from tickwright.engine.instrument import Instrument

SIZES = ["0.01", "0.1", "0.05", "0.25", "2.5", "0.00000001"]


def grid(size: str) -> tuple[int, int]:
    instrument = Instrument(id="A.B", tick_size=Decimal(size), lot_size=Decimal(1))
    return instrument.tick_num, instrument.tick_den


@pytest.mark.parametrize("size", SIZES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_nearest_double_of_a_multiple_finds_its_way_back(size: str, data: st.DataObject) -> None:
    ticks = data.draw(st.lists(st.integers(0, 10**14), min_size=1, max_size=20))
    values = np.array([float(Decimal(size) * n) for n in ticks])
    steps, verdict = to_steps(values, *grid(size), PRICE_SLACK)
    assert steps.tolist() == ticks
    assert not verdict.any()


@pytest.mark.parametrize("size", SIZES)
@settings(max_examples=60, deadline=None)
@given(ticks=st.integers(0, 10**9), part=st.floats(0.001, 0.999))
def test_what_lies_between_two_steps_is_off_the_grid(size: str, ticks: int, part: float) -> None:
    value = float(Decimal(size) * ticks + Decimal(size) * Decimal(part))
    for slack in (0.0, PRICE_SLACK):
        assert to_steps(np.array([value]), *grid(size), slack)[1][0] == OFF_GRID


def test_prices_have_a_slack_and_sizes_have_none() -> None:
    value = np.array([100 + 0.5e-6])
    assert to_steps(value, 1, 1, PRICE_SLACK)[1][0] == FITS
    assert to_steps(value, 1, 1)[1][0] == OFF_GRID
    assert to_steps(np.array([100 + 2e-6]), 1, 1, PRICE_SLACK)[1][0] == OFF_GRID


def test_a_few_ulp_are_the_same_number() -> None:
    assert to_steps(np.array([0.1 + 0.2]), 1, 10)[0][0] == 3
    assert to_steps(np.array([0.1 + 0.2]), 1, 10)[1][0] == FITS


def test_many_decimals_go_through_exact_integers() -> None:
    """18 and 27 decimals: a quotient of doubles would be wrong by hundreds of steps."""
    steps, verdict = to_steps(np.array([1.5, 0.1, 1e-18, 4.1]), 1, 10**18)
    assert steps.tolist() == [15 * 10**17, 10**17, 1, 41 * 10**17]
    assert not verdict.any()
    steps, verdict = to_steps(np.array([1e-27, 3.3e-9, 1.0]), 1, 10**27)
    assert steps.tolist() == [1, 33 * 10**17, 0]
    assert verdict.tolist() == [FITS, FITS, TOO_LARGE]


def test_the_largest_that_fits_62_bits() -> None:
    steps, verdict = to_steps(np.array([2.0**62 - 1024, 2.0**62, 1e300]), 1, 1)
    assert float(steps[0]) == 2.0**62 - 1024
    assert verdict.tolist() == [FITS, TOO_LARGE, TOO_LARGE]


def test_off_the_grid_above_the_fast_range() -> None:
    """Half a step of 2.5 at 4e12 steps is far more than the noise of a double there."""
    assert to_steps(np.array([1e13 + 1.25]), 5, 2, PRICE_SLACK)[1][0] == OFF_GRID
    assert to_steps(np.array([1e13]), 5, 2, PRICE_SLACK)[0][0] == 4 * 10**12
