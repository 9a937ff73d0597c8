"""Where a run ended: each line of the portfolio, as a table, as text, and summed."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from attrs import frozen

from tickwright.engine.money import decimals_of, plain
from tickwright.engine.portfolio import Portfolio
from tickwright.reports.decimals import total_of
from tickwright.reports.parquet import open_table

LEAST_SCALE: Final = 12
"""Realised profit is counted to 1e-12."""


@frozen(kw_only=True)
class PositionLine:
    """One instrument as one owner holds it at the end; `strategy` None is the account. Money in `currency`, exact.

    `realized_pnl` and `unrealized_pnl` are before fees; `avg_px` is None without a position.
    """

    instrument: str
    strategy: str | None
    currency: str
    position: Decimal
    avg_px: float | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal


def final_lines(portfolio: Portfolio, strategies: Sequence[str]) -> list[PositionLine]:
    """Every line of a portfolio at its latest marks, the account's first, then each strategy's."""
    lines = []
    owners = [(None, portfolio.account), *zip(strategies, portfolio.ledgers, strict=True)]
    for name, ledger in owners:
        for line, instrument, mark in zip(ledger.lines, portfolio.instruments, portfolio.marks, strict=True):
            lines.append(
                PositionLine(
                    instrument=instrument.id,
                    strategy=name,
                    currency=instrument.settle_currency,
                    position=instrument.qty(line.lots),
                    avg_px=line.avg_px,
                    realized_pnl=line.realized,
                    unrealized_pnl=Decimal(0) if mark is None else line.unrealized(mark),
                    fees=line.fees,
                )
            )
    return lines


def portfolio_lines(lines: Iterable[PositionLine]) -> list[str]:
    """The exact text of the final portfolio that goes into the run hash, in one fixed order."""
    return sorted(
        f"{line.instrument} {line.strategy or '-'} {plain(line.position)} {plain(line.realized_pnl)} "
        f"{plain(line.unrealized_pnl)} {plain(line.fees)} {line.currency}"
        for line in lines
    )


def by_currency(lines: Iterable[PositionLine], field: str) -> dict[str, str]:
    """The account's sum of one money field per currency, as exact text."""
    sums: dict[str, list[Decimal]] = {}
    for line in lines:
        if line.strategy is None:
            sums.setdefault(line.currency, []).append(getattr(line, field))
    return {currency: plain(total_of(amounts)) for currency, amounts in sorted(sums.items())}


def write_positions(folder: Path, lines: Sequence[PositionLine]) -> None:
    """Write ``positions.parquet``; a null strategy is the account."""
    import pyarrow as pa

    def money(amounts: list[Decimal]) -> object:
        scale = max([LEAST_SCALE, *(decimals_of(Fraction(amount)) for amount in amounts)])
        return pa.array(amounts, pa.decimal256(76, scale))

    table = pa.table(
        {
            "instrument": pa.array([line.instrument for line in lines], pa.string()),
            "strategy": pa.array([line.strategy for line in lines], pa.string()),
            "currency": pa.array([line.currency for line in lines], pa.string()),
            "position": money([line.position for line in lines]),
            "avg_px": pa.array([line.avg_px for line in lines], pa.float64()),
            "realized_pnl": money([line.realized_pnl for line in lines]),
            "unrealized_pnl": money([line.unrealized_pnl for line in lines]),
            "fees": money([line.fees for line in lines]),
        }
    )
    with open_table(folder / "positions.parquet", table.schema) as writer:
        writer.write_table(table)
