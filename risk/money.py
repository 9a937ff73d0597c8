"""What risk reads of the account's money; the engine's portfolio offers it."""

from decimal import Decimal
from typing import Protocol

from tickwright.engine.balance import Balance


class Money(Protocol):
    """Balances and the day's profit. A strategy of -1 is the account."""

    digits: int
    """Balances are counted in ``10**-digits`` of their currency."""

    def balance_atoms(self, currency: str) -> int: ...

    def meter(self, currency: str, num: int, den: int) -> Balance | None:
        """A quick reading of ``balance_atoms(currency) * num // den``, where the account has one."""
        ...

    def day_pnl(self, strategy: int = -1) -> Decimal:
        """Profit since the UTC day began, realised and unrealised, in account currency."""
        ...

    def drawdown(self, strategy: int = -1) -> Decimal:
        """How far below the day's peak of equity, in account currency."""
        ...
