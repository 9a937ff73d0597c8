"""What the difference between the profits of two runs is made of.

The executions of both are laid side by side, instrument by instrument, strategy by strategy and side by side, in the
order of time: two that lie within a window of each other are the same execution, as far as their sizes reach. What an
execution earned is its size times the way from its price to the run's last mark, less its fee. So a difference is

    the same executions, worth other marks at the end     (`matched`)
  + the same executions at other prices                   (`price`)
  + the same executions for other fees                    (`fee`)
  - what executions earned that the second run lacks      (`missing`)
  + what executions earned that the first run lacks       (`extra`)
  + what is no execution                                  (`other`: funding, positions to begin with, roundings)

All is counted exactly, so the parts add up to the difference to the last digit.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from attrs import define, field, frozen

from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.money import decimal_of, from_atoms, half_even, plain
from tickwright.reports.decimals import total_of
from tickwright.reports.run_folder import RunFolder

WINDOW_NS: Final = 1_000_000_000
"""Executions of two runs that lie no farther apart may be the same one."""

DIGITS: Final = 18
"""Decimals to which a part of a fee, and the worth of an inverse contract, is counted."""

PARTS: Final = ("matched", "price", "fee", "missing", "extra", "other")

ZERO: Final = Decimal(0)


@define
class Execution:
    """One execution, or what of it was not matched yet: `side` 1 or -1, `fee` that of `qty`."""

    ts: int
    side: int
    qty: Decimal
    price: Decimal
    fee: Decimal

    def take(self, qty: Decimal) -> "Execution":
        """Split off some of it with its share of the fee; the shares add up to the whole."""
        fee = self.fee if qty == self.qty else _rounded(Fraction(self.fee) * Fraction(qty) / Fraction(self.qty))
        self.qty = total_of([self.qty, qty.copy_negate()])
        self.fee = total_of([self.fee, fee.copy_negate()])
        return Execution(self.ts, self.side, qty, self.price, fee)


@frozen
class Ended:
    """How an instrument ended in one run: profit after fees, and the mark that it was valued at."""

    total: Decimal
    mark: Decimal | None


@define
class Split:
    """The parts of one difference, in one currency. `fills` counts executions: matched, missing, extra."""

    parts: dict[str, Decimal] = field(factory=lambda: dict.fromkeys(PARTS, ZERO))
    fills: dict[str, int] = field(factory=lambda: dict.fromkeys(("matched", "missing", "extra"), 0))

    @property
    def difference(self) -> Decimal:
        return total_of(self.parts.values())

    def add(self, part: str, amount: Decimal) -> None:
        self.parts[part] = total_of([self.parts[part], amount])

    def plain(self) -> dict[str, Any]:
        """As plain data, amounts as text."""
        parts = {name: plain(amount) for name, amount in self.parts.items()}
        return {"difference": plain(self.difference), **parts, "fills": dict(self.fills)}


def split_profit(left: RunFolder, right: RunFolder, window_ns: int = WINDOW_NS) -> dict[str, Split]:
    """The difference of the second run's profit to the first's, after fees, split for each currency.

    Raises:
        RunError: a table is missing or cannot be read.
    """
    found: dict[str, Split] = {}
    ends = ended(left), ended(right)
    executions = executed(left), executed(right)
    instruments: dict[str, Instrument] = {**left.instruments, **right.instruments}
    for id, instrument in instruments.items():
        split = found.setdefault(instrument.settle_currency, Split())
        last = tuple(each.get(id, Ended(ZERO, None)) for each in ends)
        owners = [key for key in {**executions[0], **executions[1]} if key[0] == id]
        sides = [[each.get(key, []) for key in owners] for each in executions]
        compare(split, instrument, (last[0], last[1]), sides[0], sides[1], window_ns)
    return found


def compare(
    split: Split,
    instrument: Instrument,
    ends: tuple[Ended, Ended],
    left: Iterable[list[Execution]],
    right: Iterable[list[Execution]],
    window_ns: int = WINDOW_NS,
) -> None:
    """Add to the parts what one instrument gives; `left` and `right` are the executions of each owner and side."""
    marks = _marks(ends, [*left], [*right])
    before = split.difference
    for mine, theirs in zip(left, right, strict=True):
        _match(split, instrument, marks, deque(mine), deque(theirs), window_ns)
    gained = total_of([split.difference, before.copy_negate()])
    split.add("other", total_of([ends[1].total, ends[0].total.copy_negate(), gained.copy_negate()]))


def _match(
    split: Split,
    instrument: Instrument,
    marks: tuple[Decimal, Decimal],
    mine: deque[Execution],
    theirs: deque[Execution],
    window_ns: int,
) -> None:
    while mine and theirs:
        one, other = mine[0], theirs[0]
        if one.ts + window_ns < other.ts:
            _alone(split, "missing", instrument, marks[0], mine.popleft())
        elif other.ts + window_ns < one.ts:
            _alone(split, "extra", instrument, marks[1], theirs.popleft())
        else:
            qty = min(one.qty, other.qty)
            _pair(split, instrument, marks, one.take(qty), other.take(qty))
            if not one.qty:
                mine.popleft()
            if not other.qty:
                theirs.popleft()
    for one in mine:
        _alone(split, "missing", instrument, marks[0], one)
    for other in theirs:
        _alone(split, "extra", instrument, marks[1], other)


def _pair(
    split: Split, instrument: Instrument, marks: tuple[Decimal, Decimal], one: Execution, other: Execution
) -> None:
    split.fills["matched"] += 1
    split.add("matched", earned(instrument, one.side, one.qty, marks[0], marks[1]))
    split.add("price", earned(instrument, one.side, one.qty, other.price, one.price))
    split.add("fee", total_of([one.fee, other.fee.copy_negate()]))


def _alone(split: Split, part: str, instrument: Instrument, mark: Decimal, lone: Execution) -> None:
    split.fills[part] += 1
    worth = total_of([earned(instrument, lone.side, lone.qty, lone.price, mark), lone.fee.copy_negate()])
    split.add(part, worth if part == "extra" else worth.copy_negate())


def earned(instrument: Instrument, side: int, qty: Decimal, price: Decimal, mark: Decimal) -> Decimal:
    """What a size earns on the way from a price to another, in the currency that the instrument settles in."""
    size = side * Fraction(qty) * Fraction(instrument.multiplier)
    if instrument.kind is Kind.INVERSE:
        return total_of([_worth(size, price), _worth(size, mark).copy_negate()])
    return decimal_of(size * (Fraction(mark) - Fraction(price)))


def _worth(size: Fraction, price: Decimal) -> Decimal:
    """The worth of an inverse contract: rounded for each price by itself, so that differences still add up."""
    return _rounded(size / Fraction(price)) if price else ZERO


def _rounded(amount: Fraction) -> Decimal:
    return from_atoms(half_even(amount.numerator * 10**DIGITS, amount.denominator), DIGITS)


def _marks(
    ends: tuple[Ended, Ended], left: list[list[Execution]], right: list[list[Execution]]
) -> tuple[Decimal, Decimal]:
    """The marks of both runs; where one has none, the other's, else any price: then nothing is held."""
    prices = [execution.price for each in (*left, *right) for execution in each]
    spare = next((end.mark for end in ends if end.mark is not None), prices[0] if prices else ZERO)
    first, second = (spare if end.mark is None else end.mark for end in ends)
    return first, second


def executed(run: RunFolder) -> dict[tuple[str, str, int], list[Execution]]:
    """The executions of a run by instrument, strategy and side, in order; one taken back is one of the other side."""
    import pyarrow as pa

    found: dict[tuple[str, str, int], list[Execution]] = defaultdict(list)
    columns = ["ts", "instrument", "strategy", "side", "price", "qty", "fee"]
    with run.parquet("fills") as file:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=columns)
            at = rows.schema.get_field_index("ts")
            for row in rows.set_column(at, "ts", rows["ts"].cast(pa.int64())).to_pylist():
                side = 1 if row["side"] == "BUY" else -1
                execution = Execution(row["ts"], side, row["qty"], row["price"], row["fee"] or ZERO)
                found[row["instrument"], row["strategy"] or "", side].append(execution)
    return found


def ended(run: RunFolder) -> Mapping[str, Ended]:
    """How each instrument ended for the account."""
    marks: dict[str, Decimal] = {}
    for row in run.table("equity", ["instrument", "mark"]).to_pylist():
        if row["mark"] is not None:
            marks[row["instrument"]] = row["mark"]
    found = {}
    for row in run.table("positions").to_pylist():
        if row["strategy"] is None:
            total = total_of([row["realized_pnl"], row["unrealized_pnl"], row["fees"].copy_negate()])
            found[row["instrument"]] = Ended(total, marks.get(row["instrument"]))
    return found
