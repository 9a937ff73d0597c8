"""The parts of a difference in profit add up to it, to the last digit, whatever the executions were."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.engine.instrument import Instrument, Kind
from tickwright.reports.pnl_split import Ended, Execution, Split, compare

LINEAR = Instrument(
    id="X.V", tick_size=Decimal("0.01"), lot_size=Decimal("0.001"), multiplier=Decimal("0.1"), base="X", quote="USD"
)
SECOND = 1_000_000_000

executions = st.lists(
    st.builds(
        lambda ts, side, lots, ticks, fee: Execution(
            ts * SECOND // 2, side, Decimal(lots) / 1000, Decimal(ticks) / 100, Decimal(fee).scaleb(-7)
        ),
        st.integers(0, 12),
        st.sampled_from((1, -1)),
        st.integers(1, 7),
        st.integers(9_990, 10_010),
        st.integers(-30, 300),
    ),
    max_size=8,
)


def sides(found: list[Execution]) -> list[list[Execution]]:
    ordered = sorted(found, key=lambda one: one.ts)
    return [[one for one in ordered if one.side == side] for side in (1, -1)]


def earned(found: list[Execution], mark: Decimal) -> Decimal:
    """The profit after fees of these executions, counted straight from the definition."""
    worth = Fraction(0)
    for one in found:
        size = one.side * Fraction(one.qty) * Fraction(LINEAR.multiplier)
        worth += size * (Fraction(mark) - Fraction(one.price)) - Fraction(one.fee)
    return Decimal(worth.numerator) / Decimal(worth.denominator)


def split(left: list[Execution], right: list[Execution], ends: tuple[Ended, Ended], instrument: Any = LINEAR) -> Split:
    found = Split()
    compare(found, instrument, ends, sides(left), sides(right))
    return found


@settings(max_examples=150, deadline=None)
@given(executions, executions, st.integers(9_980, 10_020), st.integers(9_980, 10_020))
def test_parts_add_up_and_nothing_is_left_unexplained(
    left: list[Execution], right: list[Execution], first: int, second: int
) -> None:
    marks = Decimal(first) / 100, Decimal(second) / 100
    ends = Ended(earned(left, marks[0]), marks[0]), Ended(earned(right, marks[1]), marks[1])
    found = split(left, right, ends)
    assert found.difference == ends[1].total - ends[0].total
    assert found.parts["other"] == 0
    assert sum(found.parts.values()) == found.difference


@settings(max_examples=50, deadline=None)
@given(executions, executions, st.decimals("-5", "5", places=9))
def test_what_is_no_execution_is_other(left: list[Execution], right: list[Execution], funding: Decimal) -> None:
    mark = Decimal(100)
    ends = Ended(earned(left, mark), mark), Ended(earned(right, mark) + funding, mark)
    found = split(left, right, ends)
    assert found.parts["other"] == funding
    assert found.parts["matched"] == 0


@settings(max_examples=50, deadline=None)
@given(executions)
def test_a_run_does_not_differ_from_itself(found: list[Execution]) -> None:
    mark = Decimal(100)
    end = Ended(earned(found, mark), mark)
    twin = [Execution(one.ts, one.side, one.qty, one.price, one.fee) for one in found]
    assert split(found, twin, (end, end)).parts == dict.fromkeys(Split().parts, 0)


def at(ts: int, qty: str, price: str, fee: str, side: int = 1) -> Execution:
    return Execution(ts, side, Decimal(qty), Decimal(price), Decimal(fee))


def test_each_part_says_what_it_is() -> None:
    mark = Decimal(102)
    left = [at(0, "3", "100", "0.3"), at(5 * SECOND, "1", "101", "0.1")]
    right = [at(SECOND, "2", "99", "0.1"), at(20 * SECOND, "1", "100", "0")]
    ends = Ended(earned(left, mark), mark), Ended(earned(right, mark), mark)
    found = split(left, right, ends)
    assert found.parts["price"] == Decimal("0.2"), "two at 99 instead of 100, a tenth each"
    assert found.parts["fee"] == Decimal("0.1"), "two thirds of 0.3 less 0.1"
    assert found.parts["missing"] == -(Decimal("0.2") - Decimal("0.1")) - (Decimal("0.1") - Decimal("0.1"))
    assert found.parts["extra"] == Decimal("0.2")
    assert found.fills == {"matched": 1, "missing": 2, "extra": 1}


@pytest.mark.parametrize("other", [Decimal("0"), Decimal("0.25")])
def test_an_inverse_contract_adds_up(other: Decimal) -> None:
    inverse = Instrument(
        id="X.V", tick_size=Decimal("0.5"), lot_size=Decimal(1), kind=Kind.INVERSE, base="BTC", quote="USD"
    )
    left, right = [at(0, "7", "30000", "0")], [at(0, "7", "29999.5", "0"), at(1, "3", "31000", "0.001", side=-1)]
    mark = Decimal(30500)
    ends = Ended(Decimal("0.01"), mark), Ended(Decimal("0.02") + other, mark)
    found = split(left, right, ends, inverse)
    assert found.difference == Decimal("0.01") + other
    assert Decimal("3.8E-9") < found.parts["price"] < Decimal("3.9E-9")
