"""The exact equity curve: cash from the fills, plus the position at its mark.

A sample in the records holds a position and a mark. What it is worth follows from every fill before it (rows of all
tables share one running number): cash = minus the sum of signed traded values, minus fees; total = cash + position x
mark x multiplier. An inverse contract is worth minus size x multiplier / price, rounded half to even to 1e-18 of its
base, fill by fill and mark by mark. Sums are Python integers of one small unit, so nothing is rounded on the way.

What a line held when the run began, taken over from an earlier one or given by the config, was in no fill of this run:
it counts as bought at the line's first mark, so that the curve begins at nothing and shows what this run did.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tickwright.engine.instrument import Kind
from tickwright.reports.columns import INVERSE_DIGITS, SIDES, Layout
from tickwright.reports.decimals import Grid, Ints, Words, pack, split, split_big, to_ints

Objects = NDArray[np.object_]
SMALL: Final = 1 << 63


def write_equity(samples: Path, folder: Path, layout: Layout, open_table: Callable[[Path, Any], Any]) -> None:
    """Write ``equity.parquet``: the samples with `cash` and `total`, each in the instrument's settle currency."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    money = money_grid(layout)
    with pq.ParquetFile(samples) as source, pq.ParquetFile(folder / "fills.parquet") as fills:
        schema = source.schema_arrow.append(pa.field("cash", money.type)).append(pa.field("total", money.type))
        with open_table(folder / "equity.parquet", schema) as out:
            flows = _Flows(fills, layout, money)
            for group in range(source.num_row_groups):
                table = source.read_row_group(group)
                cash, total = flows.value(table)
                for name, amounts in (("cash", cash), ("total", total)):
                    table = table.append_column(pa.field(name, money.type), _decimals(amounts, money))
                out.write_table(table.cast(schema))


def money_grid(layout: Layout) -> Grid:
    """The grid that holds fill values, half ticks and fees of every instrument; wide, since sums have no bound."""
    return Grid(min(max(layout.value.scale + 1, layout.fee.scale), 76), (1,), True)


def _decimals(amounts: Objects, grid: Grid) -> Any:
    values = amounts.tolist()
    if values and min(values) > -SMALL and max(values) < SMALL:
        return pack(*split(np.array(values, np.int64)), grid)
    limbs: list[Words] = split_big([abs(value) for value in values])
    return pack(limbs, np.array([value < 0 for value in values], np.bool_), grid)


def codes_of(column: Any, names: Sequence[str]) -> Ints:
    """Where each row's name stands in `names`; -1 for null and for a name that is not among them."""
    combined = column.combine_chunks()
    place = {name: index for index, name in enumerate(names)}
    places = [place.get(name, -1) for name in combined.dictionary.to_pylist()]
    return np.array([*places, -1], np.int64)[np.asarray(combined.indices.fill_null(-1), np.int64)]


class _Flows:
    """Cash and holdings of every line, moved on to the number of each sample."""

    def __init__(self, fills: Any, layout: Layout, money: Grid) -> None:
        self.layout = layout
        self.money = money
        self.cash: dict[tuple[int, int], int] = {}
        self.filled: dict[tuple[int, int], int] = {}
        self.begun: set[tuple[int, int]] = set()
        self.batches = self._read(fills)
        self.pending: list[tuple[int, int, int, int, int]] = []
        self.at = 0

    def _read(self, fills: Any) -> Iterator[list[tuple[int, int, int, int, int]]]:
        """Fills as (seq, market, strategy, cash in money units, signed quantity), a row group at a time."""
        names = ["seq", "instrument", "strategy", "side", "qty", "value", "fee", "price"]
        value_unit = 10 ** (self.money.scale - self.layout.value.scale)
        fee_unit = 10 ** (self.money.scale - self.layout.fee.scale)
        inverse = np.array([kind is Kind.INVERSE for kind in self.layout.kinds], np.bool_)
        for group in range(fills.num_row_groups):
            table = fills.read_row_group(group, columns=names)
            market = codes_of(table["instrument"], self.layout.market_names)
            sign = np.where(codes_of(table["side"], SIDES) == 1, -1, 1)
            moved = -sign.astype(object) * to_ints(table["qty"].combine_chunks())
            sign = np.where(inverse[market], -sign, sign)
            sign = np.where(to_ints(table["price"].combine_chunks()) < 0, -sign, sign).astype(object)
            value = to_ints(table["value"].combine_chunks()) * value_unit
            fee = to_ints(table["fee"].combine_chunks()) * fee_unit
            yield list(
                zip(
                    table["seq"].to_pylist(),
                    market.tolist(),
                    codes_of(table["strategy"], self.layout.strategy_names).tolist(),
                    (sign * value - fee).tolist(),
                    moved.tolist(),
                    strict=True,
                )
            )

    def _advance(self, seq: int) -> None:
        """Book every fill with a smaller number on its strategy's line and on the account's."""
        cash, filled = self.cash, self.filled
        while True:
            if self.at == len(self.pending):
                self.pending = next(self.batches, [])
                self.at = 0
                if not self.pending:
                    return
            number, market, strategy, amount, moved = self.pending[self.at]
            if number > seq:
                return
            for line in ((market, -1), (market, strategy)) if strategy >= 0 else ((market, -1),):
                cash[line] = cash.get(line, 0) + amount
                filled[line] = filled.get(line, 0) + moved
            self.at += 1

    def value(self, table: Any) -> tuple[Objects, Objects]:
        """Cash and total of each sample of one row group."""
        market = codes_of(table["instrument"], self.layout.market_names)
        strategy = codes_of(table["strategy"], self.layout.strategy_names)
        position = to_ints(table["position"].combine_chunks())
        mark = to_ints(table["mark"].combine_chunks())
        cash = np.empty(len(market), object)
        for i, (seq, a, b) in enumerate(zip(table["seq"].to_pylist(), market.tolist(), strategy.tolist(), strict=True)):
            self._advance(seq)
            if (a, b) not in self.begun:
                self._begin((a, b), position[i : i + 1], mark[i : i + 1])
            cash[i] = self.cash.get((a, b), 0)
        held = np.zeros(len(market), object)
        for index in range(len(self.layout.kinds)):
            rows = np.flatnonzero(market == index)
            held[rows] = self._worth(index, position[rows], mark[rows])
        return cash, cash + held

    def _begin(self, line: tuple[int, int], position: Objects, mark: Objects) -> None:
        """The first sample of a line: what no fill explains is bought at its mark."""
        self.begun.add(line)
        opening = position - self.filled.get(line, 0)
        if opening[0]:
            self.cash[line] = self.cash.get(line, 0) - self._worth(line[0], opening, mark)[0]

    def _worth(self, index: int, position: Objects, mark: Objects) -> Objects:
        """What positions in one market are worth at their marks, in money units."""
        layout = self.layout
        if layout.kinds[index] is Kind.INVERSE:
            return self._inverse(position, mark, index)
        unit = Fraction(layout.multipliers[index]) * 10**self.money.scale
        unit /= 10 ** (layout.qty.scale + layout.half_price.scale)
        worth: Objects = position * mark * unit.numerator // unit.denominator
        return worth

    def _inverse(self, position: Objects, mark: Objects, index: int) -> Objects:
        unit = Fraction(self.layout.multipliers[index]) * 10**INVERSE_DIGITS
        unit *= Fraction(10**self.layout.half_price.scale, 10**self.layout.qty.scale)
        fine = 10 ** (self.money.scale - INVERSE_DIGITS)
        out = np.zeros(len(position), object)
        for i, (size, price) in enumerate(zip(position.tolist(), mark.tolist(), strict=True)):
            worth = round(abs(size) * unit / price) * fine if size else 0
            out[i] = -worth if size > 0 else worth
        return out
