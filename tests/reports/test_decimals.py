"""Counts become exact decimals, whatever their size, sign and grid."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.engine.errors import UnitError
from tickwright.engine.money import EXACT
from tickwright.reports.decimals import Grid, column, pack, plain_units, split_big, to_ints

STEPS = ["0.01", "0.1", "0.05", "0.25", "2.5", "1e-8", "1e-18", "1e-27", "1000"]
COUNTS = st.integers(-(2**63) + 1, 2**63 - 1)


def times(step: str, count: int) -> Decimal:
    return EXACT.multiply(Decimal(step), Decimal(count))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3, unique=True), st.data())
def test_a_column_holds_count_times_step_to_the_last_digit(steps: list[str], data: st.DataObject) -> None:
    """Short and wide columns alike: 128 bits where they suffice, 256 where not."""
    grid = Grid.of([Fraction(step) for step in steps])
    rows = data.draw(st.lists(st.tuples(COUNTS, st.integers(0, len(steps) - 1)), max_size=8))
    counts = np.array([count for count, _ in rows], np.int64)
    which = np.array([index for _, index in rows], np.int64)
    made = column(counts, which, grid)
    made.validate(full=True)
    assert made.to_pylist() == [times(steps[index], count) for count, index in rows]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(10**70), 10**70), min_size=1, max_size=6))
def test_integers_come_back_from_wide_decimals(values: list[int]) -> None:
    grid = Grid(5, (1,), True)
    made = pack(split_big([abs(value) for value in values]), np.array([value < 0 for value in values]), grid)
    assert to_ints(made).tolist() == values
    assert to_ints(made.slice(1)).tolist() == values[1:]


def test_a_grid_takes_256_bits_only_where_it_must() -> None:
    assert not Grid.of([Fraction("0.01"), Fraction("1e-18")]).wide
    assert Grid.of([Fraction("1000"), Fraction("1e-27")]).wide


def test_flagged_rows_are_null_in_short_and_long_columns() -> None:
    missing = np.array([False, True, False])
    for counts in ([1, 0, 3], [2**62, 0, 3]):
        made = column(np.array(counts, np.int64), np.zeros(3, np.int64), Grid.of([Fraction("0.01")]), missing)
        assert made.to_pylist() == [times("0.01", counts[0]), None, Decimal("0.03")]


def test_what_does_not_fit_is_refused_not_wrapped() -> None:
    with pytest.raises(OverflowError, match="does not fit"):
        pack(split_big([1 << 300]), np.array([False]), Grid(0, (1,), True))
    with pytest.raises(UnitError, match="76 decimals"):
        Grid.of([Fraction(1, 10**77)])


@given(st.integers(), st.integers(0, 40))
def test_plain_units_say_the_exact_amount(units: int, scale: int) -> None:
    text = plain_units(units, scale)
    assert Fraction(text) == Fraction(units, 10**scale)
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith(("0", ".")))
