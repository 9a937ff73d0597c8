"""Exact decimals: nothing rounds in silence."""

from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwright.engine.money import EXACT, decimal_of, decimals_of, from_atoms, half_even, plain, to_atoms

BIG = st.integers(-(10**60), 10**60)


@given(BIG, st.integers(1, 10**40))
def test_half_even_is_the_rounding_of_fractions(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@pytest.mark.parametrize(("twice", "whole"), [(-3, -2), (-1, 0), (1, 0), (3, 2), (5, 2)])
def test_ties_go_to_the_even_number(twice: int, whole: int) -> None:
    assert half_even(twice, 2) == whole


@given(BIG, st.integers(0, 60))
def test_atoms_and_decimals_convert_both_ways(atoms: int, digits: int) -> None:
    amount = from_atoms(atoms, digits)
    assert Fraction(amount) == Fraction(atoms, 10**digits)
    assert to_atoms(amount, digits) == atoms
    assert decimal_of(Fraction(atoms, 10**digits)) == amount


@given(BIG, st.integers(0, 60))
def test_plain_text_is_canonical_and_exact(atoms: int, digits: int) -> None:
    text = plain(Decimal(atoms).scaleb(-digits, EXACT))
    assert text == plain(from_atoms(atoms, digits))
    assert Fraction(text) == Fraction(atoms, 10**digits)
    assert "E" not in text
    assert not ("." in text and text.endswith("0"))


@pytest.mark.parametrize(
    ("amount", "text"),
    [("-0.00", "0"), ("1E+3", "1000"), ("100", "100"), ("1.50", "1.5"), ("-1e-20", f"-0.{'0' * 19}1")],
)
def test_plain_text(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


def test_what_cannot_be_exact_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a finite decimal, received 1/3"):
        decimals_of(Fraction(1, 3))
    with pytest.raises(ValueError, match=r"expected at most 2 decimals, received 0\.001"):
        to_atoms(Decimal("0.001"), 2)
    with pytest.raises(ValueError, match="expected a finite amount"):
        to_atoms(Decimal("NaN"), 2)
    with pytest.raises(Inexact):
        EXACT.divide(Decimal(1), Decimal(3))
