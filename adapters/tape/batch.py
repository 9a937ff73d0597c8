"""A stretch of a tape as it was recorded: columns of venue numbers, types checked, values not yet.

| column | type | meaning |
|---|---|---|
| `ts` | integer | nanoseconds UTC, never goes back |
| `kind` | integer | 0 a level of the book (the new quantity there; 0 removes it), 1 a trade |
| `side` | integer | of a level: 1 bid, -1 ask; of a trade: 1 the buyer took, -1 the seller took |
| `price`, `qty` | float64 | the nearest doubles of the decimals that the venue sent |
| `last` | integer | 1 on the last row of one message of the venue: only there is the book whole |

A seventh column, `ts_exch` (the venue's own stamp), may be there; playing does not read it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from tickwright.engine.errors import TickwrightError

BATCH = 65_536
"""Rows handled at a time: large enough that numpy's cost per call vanishes, small enough (4 MB) to forget."""

WHOLE = ("ts", "kind", "side", "last")
DECIMAL = ("price", "qty")
COLUMNS = ("ts", "kind", "side", "price", "qty", "last")
LEVEL = 0
TRADE = 1

Array = NDArray[Any]
Ints = NDArray[np.int64]


class TapeError(TickwrightError):
    """A tape that cannot be played as it stands; nothing of it is repaired or skipped in silence."""


@frozen(eq=False)
class Batch:
    """Rows `first` to `first + n - 1` of a tape; rows are counted from 0."""

    first: int
    ts: Array
    kind: Array
    side: Array
    price: NDArray[np.float64]
    qty: NDArray[np.float64]
    last: Array
    n: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "n", len(self.ts))

    def rows(self, begin: int, end: int) -> "Batch":
        """A part of it, as views, counted from its own beginning."""
        return Batch(self.first + begin, *(getattr(self, name)[begin:end] for name in COLUMNS))

    def pick(self, rows: Ints) -> "Batch":
        """These rows, counted as if they stood at the beginning."""
        return Batch(self.first, *(getattr(self, name)[rows] for name in COLUMNS))


def check_names(tape: str, names: Sequence[str]) -> None:
    """Refuse a tape that lacks a column."""
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise TapeError(
            f"{tape}: expected columns {' '.join(COLUMNS)}, received {' '.join(names) or 'none'}; "
            f"missing: {' '.join(missing)}"
        )


def check_type(tape: str, column: str, dtype: np.dtype[Any]) -> None:
    """Refuse a column whose numbers would have to be guessed at: text, times with a unit, 32-bit floats."""
    if column in DECIMAL:
        if dtype.kind != "f" or dtype.itemsize != 8:
            raise TapeError(f"{tape}: column {column}: expected float64, received {dtype}")
    elif dtype.kind not in "iub":
        raise TapeError(f"{tape}: column {column}: expected integers, received {dtype}")


def as_columns(tape: str, columns: Mapping[str, Any]) -> dict[str, Array]:
    """Columns held in memory, checked for names, types and equal length."""
    check_names(tape, list(columns))
    arrays = {name: np.asarray(columns[name]) for name in COLUMNS}
    for name, array in arrays.items():
        check_type(tape, name, array.dtype)
        if array.ndim != 1:
            raise TapeError(f"{tape}: column {name}: expected one dimension, received {array.ndim}")
        if len(array) != len(arrays["ts"]):
            raise TapeError(f"{tape}: column {name}: expected {len(arrays['ts'])} rows as in ts, received {len(array)}")
    return arrays
