"""All lines of one strategy, or of the account, summed in the account's currency, with the day's start and peak.

Sums are integers of ``10**-digits`` of the account's currency, so a limit is turned into the same integers once
(`Portfolio.atoms`) and each comparison is exact. Only the line that changed is valued again.
"""

from decimal import Decimal
from typing import Final

from tickwright.engine.money import from_atoms
from tickwright.engine.position import Position

RATE_DIGITS: Final = 18
"""Rates between currencies are numbers with at most this many decimals."""


class Ledger:
    """The sum of one owner's lines.

    ``total_atoms`` is the profit since the start, ``day_atoms`` since the start of the UTC day, ``drawdown_atoms``
    how far it stands below the day's peak (never negative); all after fees, as of the latest mark.

    Args:
        name: the strategy's name, or an empty text for the account.
        lines: one position per market, all counting money with the same digits.
        rates: per market, what one unit of its settle currency is worth, in 1e-18 of the account's currency; shared
            with the portfolio, which changes it in place.
    """

    __slots__ = (
        "digits",
        "lines",
        "name",
        "opened",
        "peak",
        "rates",
        "total_atoms",
        "worth",
    )

    def __init__(self, name: str, lines: list[Position], rates: list[int]) -> None:
        self.name = name
        self.lines = lines
        self.rates = rates
        self.digits = lines[0].digits + RATE_DIGITS if lines else RATE_DIGITS
        self.worth = [0] * len(lines)
        self.total_atoms = self.opened = self.peak = 0

    def mark(self, market: int, mark2: int) -> int:
        """Value one market's line at a mark (twice the price in ticks)."""
        line = self.lines[market]
        if line.fills == 0:
            return 0
        rate = self.rates[market]
        worth = line.total_atoms(mark2) * rate
        self.total_atoms += worth - self.worth[market]
        self.worth[market] = worth
        return 0

    def settle(self) -> int:
        """Compare with the day's peak, once every market that moved is marked."""
        if self.total_atoms > self.peak:
            self.peak = self.total_atoms
        return 0

    def roll(self) -> int:
        """Begin a new day at the last known total, so that no move falls between two days."""
        self.opened = self.peak = self.total_atoms
        return 0

    @property
    def day_atoms(self) -> int:
        """Profit since the UTC day began."""
        return int(self.total_atoms - self.opened)

    @property
    def drawdown_atoms(self) -> int:
        """How far the total stands below the day's peak."""
        return int(self.peak - self.total_atoms)

    @property
    def total(self) -> Decimal:
        """Profit since the start, in account currency."""
        return from_atoms(self.total_atoms, self.digits)

    @property
    def day_pnl(self) -> Decimal:
        """Profit since the UTC day began, in account currency."""
        return from_atoms(self.day_atoms, self.digits)

    @property
    def drawdown(self) -> Decimal:
        """How far the total stands below the day's peak, in account currency; zero or positive."""
        return from_atoms(self.drawdown_atoms, self.digits)
