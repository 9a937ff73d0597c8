"""A currency's balance in units of a reader's own, at the price of a few products after each fill.

A balance is an opening sum and what fills moved: whole numbers of value units and lots. Where a unit of the reader's
is a fraction of them, the sum is kept as that fraction's numerator, with the opening sum divided out once. Everything
is exact: `read` gives what dividing the whole balance would give, or says that it cannot.
"""

from math import gcd

from tickwright.engine.position import Position

MOST_BITS = 121
"""Sums stay below this many bits, so that one more of the same kind fits 128."""

READ_BITS = 61
"""Traded values up to this many bits are read the quick way."""


Term = tuple[Position, int, int, int, int]
"""What one line moves, in atoms: its record; per value unit that flowed, traded as maker, as taker; per lot held."""


class Part:
    """A term in the reader's units."""

    __slots__ = ("flow", "lots", "maker", "position", "taker")

    def __init__(self, position: Position, flow: int, maker: int, taker: int, lots: int) -> None:
        self.position = position
        self.flow = flow
        self.maker = maker
        self.taker = taker
        self.lots = lots


class Balance:
    """One balance. `whole` is its last reading: ``num / den`` of the balance, rounded down.

    Args:
        terms: what each line moves; the fees of a line are taken off.
        atoms: the opening sum.
    """

    __slots__ = ("base", "bottom", "common", "den", "fits", "most", "num", "parts", "rest", "total", "whole")

    def __init__(self, terms: list[Term], atoms: int, num: int, den: int) -> None:
        scaled = [[each * num for each in term[1:]] for term in terms]
        common = gcd(den, *(each for row in scaled for each in row))
        rows = [[each // common for each in row] for row in scaled]
        widest = max((abs(each) for row in rows for each in row), default=0)
        bits = MOST_BITS - widest.bit_length() - (4 * len(rows)).bit_length()
        self.most = (1 << min(bits, READ_BITS)) - 1 if bits > 0 else -1
        self.parts = [Part(term[0], *row) for term, row in zip(terms, rows, strict=True)] if bits > 0 else []
        self.num = num
        self.den = den
        self.common = common
        self.total = 0
        self.whole = 0
        self.move(atoms)

    def move(self, atoms: int) -> None:
        """Add a sum that no fill explains."""
        self.total += atoms
        base, rest = divmod(self.total * self.num, self.den)
        bottom = self.den // self.common
        edge = 1 << MOST_BITS
        self.fits = self.most >= 0 and bottom < edge and -edge < base < edge
        self.bottom = bottom if self.fits else 1
        self.base = base if self.fits else 0
        self.rest = rest // self.common if self.fits else 0

    def read(self) -> bool:
        """Take a reading; false where figures are too large, or where a line holds sums that this way does not see."""
        if not self.fits:
            return False
        most = self.most
        sum = self.rest
        for part in self.parts:
            line = part.position
            if line.far or line.flow > most or -line.flow > most or line.maker_value > most or line.taker_value > most:
                return False
            if line.lots > most or -line.lots > most:
                return False
            sum = sum + part.flow * line.flow + part.lots * line.lots
            sum = sum - part.maker * line.maker_value - part.taker * line.taker_value
        if self.bottom > 1:
            sum = sum // self.bottom
        self.whole = self.base + sum
        return True


def cash_term(position: Position) -> Term:
    """What a spot line moves in its quote currency: the value of its fills, and fees."""
    return position, position.unit_atoms, position.maker_atoms, position.taker_atoms, 0


def size_term(position: Position, atoms: int) -> Term:
    """What a spot line moves in its base currency: `atoms` for each lot."""
    return position, 0, 0, 0, atoms
