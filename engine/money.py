"""Exact money: decimals that never round in silence, and the two roundings that are declared.

Python's default decimal context keeps 28 digits and rounds the rest without a word, which a size with 27 decimals
times a price reaches at once. Everything here works on whole numbers of a small unit ("atoms", powers of ten) and
turns them into `Decimal` only for people. To add amounts outside this package, use `EXACT.add`, not ``+``.
"""

from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, Rounded, Underflow
from fractions import Fraction
from typing import Final

EXACT: Final = Context(
    prec=1000,
    Emin=-100_000,
    Emax=100_000,
    traps=[InvalidOperation, DivisionByZero, Overflow, Underflow, Inexact, Rounded, Clamped],
)
"""Decimal arithmetic that raises instead of rounding; 1000 digits are far beyond any sum of 64-bit products."""


def half_even(numerator: int, denominator: int) -> int:
    """The whole number nearest to a quotient, ties to the even one; `denominator` is positive."""
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and whole & 1):
        return whole + 1
    return whole


def decimals_of(value: Fraction) -> int:
    """How many decimals write `value` exactly.

    Raises:
        ValueError: its decimal expansion never ends (one third).
    """
    twos = fives = 0
    rest = value.denominator
    while rest % 2 == 0:
        rest //= 2
        twos += 1
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    if rest != 1:
        raise ValueError(f"expected a finite decimal, received {value}")
    return max(twos, fives)


def from_atoms(atoms: int, digits: int) -> Decimal:
    """``atoms * 10**-digits`` as an exact decimal without trailing zeros."""
    while digits > 0 and atoms % 10 == 0:
        if atoms == 0:
            return Decimal(0)
        atoms //= 10
        digits -= 1
    return EXACT.scaleb(Decimal(atoms), -digits)


def to_atoms(amount: Decimal, digits: int) -> int:
    """An amount as a whole number of ``10**-digits``.

    Raises:
        ValueError: the amount is not finite, or has more decimals than `digits`.
    """
    if not amount.is_finite():
        raise ValueError(f"expected a finite amount, received {amount}")
    scaled: Fraction = Fraction(amount) * 10**digits
    if scaled.denominator != 1:
        raise ValueError(f"expected at most {digits} decimals, received {amount}")
    return scaled.numerator


def decimal_of(value: Fraction) -> Decimal:
    """A fraction whose decimal expansion ends, as that decimal; raises ValueError for any other."""
    digits = decimals_of(value)
    return from_atoms(value.numerator * (10**digits // value.denominator), digits)


def plain(amount: Decimal) -> str:
    """An amount as one canonical text: no exponent, no trailing zeros, no negative zero."""
    if amount == 0:
        return "0"
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
