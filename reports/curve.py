"""Equity over time, as sampled each second: exact totals per currency, and how far they fell from their peak."""

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from tickwright.reports.decimals import Ints, plain_units, to_ints
from tickwright.reports.equity import Objects, codes_of
from tickwright.reports.run_folder import RunFolder


@frozen(eq=False)
class Curve:
    """Profit after fees of one owner in one currency: `total` in units of ``10**-scale`` at times `ts`."""

    ts: Ints
    total: Objects
    scale: int

    @property
    def values(self) -> NDArray[np.float64]:
        """The totals as the nearest floats, for drawing."""
        values: NDArray[np.float64] = (self.total / 10**self.scale).astype(np.float64)
        return values

    @property
    def fallen(self) -> Objects:
        """How far each total stands below the highest before it; the run starts at zero."""
        if not len(self.total):
            return self.total
        fallen: Objects = np.maximum(np.maximum.accumulate(self.total), 0) - self.total
        return fallen

    @property
    def max_drawdown(self) -> str:
        """The largest fall from a peak, as exact text."""
        return plain_units(max(self.fallen.tolist(), default=0), self.scale)


def curves(run: RunFolder, strategy: str | None = None) -> dict[str, Curve]:
    """The equity curve per settle currency of the account, or of one strategy.

    Instruments that settle in one currency are added up: each sample moves the sum by what its own line moved.
    """
    currency_of = {name: instrument.settle_currency for name, instrument in run.instruments.items()}
    samples: dict[str, list[tuple[Ints, Objects, Ints]]] = {}
    scale = 0
    with run.parquet("equity") as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["ts", "instrument", "strategy", "total"])
            scale = table.schema.field("total").type.scale
            _gather(table, strategy, currency_of, samples)
    return {currency: _sum(parts, scale) for currency, parts in sorted(samples.items())}


def _gather(
    table: Any, strategy: str | None, currency_of: dict[str, str], samples: dict[str, list[tuple[Ints, Objects, Ints]]]
) -> None:
    """Pick one owner's rows and lay them beside their currency's earlier ones."""
    import pyarrow.compute as pc

    ids = list(currency_of)
    owned = table["strategy"].combine_chunks()
    mine = owned.is_null() if strategy is None else pc.equal(owned, strategy).fill_null(False)
    rows = np.flatnonzero(np.asarray(mine))
    market = codes_of(table["instrument"], ids)[rows]
    ts = np.asarray(table["ts"].cast("int64"))[rows]
    total = to_ints(table["total"].combine_chunks())[rows]
    for currency in {currency_of[ids[m]] for m in set(market.tolist())}:
        settled = np.isin(market, [m for m, name in enumerate(ids) if currency_of[name] == currency])
        samples.setdefault(currency, []).append((ts[settled], total[settled], market[settled]))


def _sum(parts: list[tuple[Ints, Objects, Ints]], scale: int) -> Curve:
    ts, total, market = (np.concatenate(column) for column in zip(*parts, strict=True))
    moved = total.copy()
    for each in np.unique(market):
        rows = np.flatnonzero(market == each)
        moved[rows[1:]] = total[rows[1:]] - total[rows[:-1]]
    summed = np.cumsum(moved)
    last = np.flatnonzero(np.append(ts[1:] != ts[:-1], True))
    return Curve(ts[last], summed[last], scale)
