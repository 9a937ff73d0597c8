"""F1 to F3: how much may be lost, by the account and by each strategy."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from attrs import define

from tickwright.risk.limits import LimitBook, Limits
from tickwright.risk.money import Money
from tickwright.risk.state import Desk


@define
class Losses:
    """One loss limit, and what was measured last. `strategy` is empty for the account."""

    control: str
    code: str
    key: str
    strategy: str
    index: int
    limit: Decimal
    scope: str
    value: Decimal = Decimal(0)

    def look(self, money: Money) -> bool:
        """Measure; whether more is lost than the limit."""
        self.value = money.drawdown(self.index) if self.control == "F3" else -money.day_pnl(self.index)
        return self.breached

    @property
    def breached(self) -> bool:
        return self.value > self.limit

    def text(self) -> str:
        whose = f"strategy {self.strategy}" if self.strategy else "the account"
        what = "drawdown" if self.control == "F3" else "loss since the UTC day's start"
        return (
            f"{self.code}: {whose}: {what} {self.value.normalize():f} is over {self.key} {self.limit:f} ({self.scope})"
        )

    @classmethod
    def of(cls, book: LimitBook, limits: Mapping[tuple[int, int], Limits], desks: Mapping[int, Desk]) -> "list[Losses]":
        """Every loss limit that is on: F1 and F3 for the account, F1 (its own scope) and F2 for each strategy."""
        found: dict[tuple[str, int], Losses] = {}
        grain = book.grain
        for (index, _), item in limits.items():
            for control, code, key in (
                ("F1", "DAILY_LOSS", "max_daily_loss"),
                ("F2", "STRATEGY_LOSS", "max_strategy_loss"),
                ("F3", "DRAWDOWN", "max_drawdown"),
            ):
                if key not in item.values:
                    continue
                own = item.scopes[key].startswith("strategy") or control == "F2"
                if own != (index >= 0):
                    continue
                value = Fraction(item.values[key], grain)
                limit = Decimal(value.numerator) / Decimal(value.denominator)
                name = desks[index].name if own else ""
                found[control, index] = cls(control, code, key, name, index if own else -1, limit, item.scopes[key])
        return list(found.values())
