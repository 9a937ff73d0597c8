"""Whole numbers of small steps become exact decimal columns, without a Python loop over the rows.

A price is ticks times the tick size. For a column that spans instruments, all tick sizes are written as whole numbers
of one power of ten (the column's scale), and the product of two 64-bit numbers may then need 128 or 256 bits, which
numpy does not have. So magnitudes are split into limbs of 32 bits held in 64-bit arrays: a limb times a limb plus two
carries is at most 2**64 - 1, and long multiplication works as on paper, a whole column at a time.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from tickwright.engine.errors import UnitError
from tickwright.engine.money import EXACT, decimals_of

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]

_LOW: Final = np.uint64(0xFFFF_FFFF)
_HALF: Final = np.uint64(32)
WORST_COUNT: Final = 1 << 63
"""No count of ticks or lots has a larger magnitude."""


@frozen
class Grid:
    """How one decimal column counts: `factors` turn a count of each step into units of ``10**-scale``."""

    scale: int
    factors: tuple[int, ...]
    wide: bool

    @classmethod
    def of(cls, steps: Sequence[Fraction], worst: int = WORST_COUNT) -> "Grid":
        """The grid of some steps, in 128 bits where every multiple up to `worst` fits them.

        Raises:
            UnitError: the steps need more decimals than the 76 digits of a 256-bit decimal.
        """
        scale = max((decimals_of(step) for step in steps), default=0)
        factors = tuple(int(step * 10**scale) for step in steps)
        largest = max((abs(factor) for factor in factors), default=1) * worst
        if scale > 76:
            raise UnitError(f"expected steps of at most 76 decimals, received {min(steps)}, which has {scale}")
        return cls(scale, factors, scale > 38 or largest >= 10**38)

    def widened(self, scale: int) -> "Grid":
        """The same steps in at least so many decimals, in 256 bits."""
        if scale <= self.scale:
            return Grid(self.scale, self.factors, True)
        return Grid(scale, tuple(factor * 10 ** (scale - self.scale) for factor in self.factors), True)

    @property
    def type(self) -> Any:
        """The arrow type of such a column: 128 bits where they suffice, else 256."""
        import pyarrow as pa

        return pa.decimal256(76, self.scale) if self.wide else pa.decimal128(38, self.scale)


def split(values: Ints) -> tuple[list[Words], Flags]:
    """Magnitudes as two limbs, low first, and which values are negative."""
    negative = values < 0
    size = np.where(negative, ~values, values).view(np.uint64) + negative.astype(np.uint64)
    return [size & _LOW, size >> _HALF], negative


def split_big(values: Sequence[int]) -> list[Words]:
    """Limbs, low first, of a few big magnitudes (a table of factors, the rows of an inverse contract)."""
    count = max(1, (max(values, default=0).bit_length() + 31) // 32)
    return [np.array([value >> (32 * k) & 0xFFFF_FFFF for value in values], np.uint64) for k in range(count)]


def multiply(left: list[Words], right: list[Words]) -> list[Words]:
    """Long multiplication, row by row, of two columns of limbs."""
    out = [np.zeros_like(left[0]) for _ in range(len(left) + len(right))]
    for i, x in enumerate(left):
        carry = np.zeros_like(x)
        for j, y in enumerate(right):
            total = out[i + j] + x * y + carry
            out[i + j] = total & _LOW
            carry = total >> _HALF
        out[i + len(right)] = carry
    return out


def pack(limbs: list[Words], negative: Flags, grid: Grid, missing: Flags | None = None) -> Any:
    """An arrow decimal column of magnitudes and signs; rows flagged as `missing` are null."""
    import pyarrow as pa

    width = 8 if grid.wide else 4
    if any(limb.any() for limb in limbs[width:]):
        raise OverflowError(f"a decimal column of {32 * width} bits: an amount does not fit")
    rows = len(negative)
    out = np.zeros((rows, width), "<u4")
    flip = np.where(negative, _LOW, np.uint64(0))
    carry = negative.astype(np.uint64)
    zero = np.zeros(rows, np.uint64)
    for k in range(width):
        total = ((limbs[k] if k < len(limbs) else zero) ^ flip) + carry
        out[:, k] = total & _LOW
        carry = total >> _HALF
    return pa.Array.from_buffers(grid.type, rows, [_validity(missing), pa.py_buffer(out)])


def scaled(limbs: list[Words], negative: Flags, which: Ints, grid: Grid, missing: Flags | None = None) -> Any:
    """Magnitudes counted in steps as an arrow decimal column; `which` names each row's step in the grid."""
    table = split_big([abs(factor) for factor in grid.factors])
    signs = np.array([factor < 0 for factor in grid.factors])
    return pack(multiply(limbs, [words[which] for words in table]), negative ^ signs[which], grid, missing)


def column(values: Ints, which: Ints, grid: Grid, missing: Flags | None = None) -> Any:
    """Counts of steps (ticks, lots) as an arrow decimal column."""
    largest = max((abs(factor) for factor in grid.factors), default=1)
    if not grid.wide and len(values) and max(int(values.max()), -int(values.min())) * largest < WORST_COUNT:
        return _short(values, which, grid, missing)
    limbs, negative = split(values)
    return scaled(limbs, negative, which, grid, missing)


def _short(values: Ints, which: Ints, grid: Grid, missing: Flags | None) -> Any:
    """The same where every product fits 64 bits: one multiplication, then the sign filled up to 128 bits."""
    import pyarrow as pa

    out = np.empty((len(values), 2), "<i8")
    np.multiply(values, np.array(grid.factors, np.int64)[which], out=out[:, 0])
    np.right_shift(out[:, 0], 63, out=out[:, 1])
    return pa.Array.from_buffers(grid.type, len(values), [_validity(missing), pa.py_buffer(out)])


def _validity(missing: Flags | None) -> Any:
    """Arrow's bitmap of rows that are not null, or None where all are there."""
    import pyarrow as pa

    if missing is None or not missing.any():
        return None
    return pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())


def to_ints(decimals: Any) -> NDArray[np.object_]:
    """A decimal column without nulls as Python integers of ``10**-scale``: for sums that must stay exact."""
    width = decimals.type.bit_width // 8
    raw = decimals.buffers()[1]
    words = np.frombuffer(raw, "<u8", len(decimals) * width // 8, decimals.offset * width).reshape(-1, width // 8)
    total = words[:, -1].view("<i8").astype(object)
    for k in range(width // 8 - 2, -1, -1):
        total = total * (1 << 64) + words[:, k].astype(object)
    return total


def plain_units(units: int, scale: int) -> str:
    """A whole number of ``10**-scale`` as canonical decimal text, whatever its number of digits."""
    whole, part = divmod(abs(units), 10**scale)
    text = f"{whole}.{part:0{scale}d}".rstrip("0").rstrip(".") if scale else str(whole)
    return f"-{text}" if units < 0 else text


def total_of(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of amounts, exact whatever their number of digits."""
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
