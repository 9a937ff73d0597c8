"""Where two runs part: the first row of their records that is not the same, and what sort of difference that is.

The rows of both runs are read in the order in which they were written and laid side by side. Names that differ from
run to run for no reason of the market (ids, their prefix) are left out. Whatever came after the first difference may
follow from it; so only that one is named.
"""

import heapq
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import frozen

from tickwright.reports.columns import PASS
from tickwright.reports.run_folder import RunFolder

TABLES: Final = ("orders", "fills", "decisions", "equity")
NAMES: Final = frozenset(("seq", "client_order_id", "trade_id", "denial"))
"""Columns that say the same in other words, or differ for no reason of the market."""

MARKET: Final = frozenset(("bid", "ask", "reference2", "median2", "health", "mark"))
ASKED: Final = frozenset(("side", "type", "order_type", "time_in_force", "flags", "post_only", "reduce_only", "lots",
                          "ticks", "price", "qty", "action", "expire_ts"))  # fmt: skip
TIMES: Final = frozenset(("ts", "link_age", "intent_age", "loop_lag", "queue", "journal_lag", "journal_free_mb",
                          "data_age", "clock_offset", "duplicate_age", "order_tokens", "message_tokens",
                          "backoff_until", "paused_until"))  # fmt: skip
COST: Final = frozenset(("need_hi", "need_lo", "cash_hi", "cash_lo", "paid_hi", "paid_lo"))
"""What an order may cost and what there is for it: alone, these differ by what is paid for executions."""

REFUSED: Final = frozenset(("DENIED", "REJECT", "REJECT_DUP", "REFUSED"))
ASKING: Final = frozenset(("INTENT", "CANCEL_REQ", "REPLACE_REQ"))

DATA, TIMING, DECISION, FILL, FEE, REJECTION = "data", "timing", "decision", "fill", "fee", "rejection"

Row = Mapping[str, Any]


@frozen(kw_only=True)
class Parting:
    """The first difference: its sort, the number of rows that were the same before, and the row of either run (None
    where one run has no more). `columns` are those that differ; none where the rows are of different things."""

    kind: str
    equal: int
    columns: tuple[str, ...]
    left: dict[str, Any] | None
    right: dict[str, Any] | None


def first_difference(left: RunFolder, right: RunFolder) -> tuple[Parting | None, int]:
    """The first difference between two runs, None where there is none, and how many rows they share before it.

    Raises:
        RunError: a table is missing or cannot be read.
    """
    equal = 0
    mine, theirs = rows_of(left), rows_of(right)
    while True:
        one, other = next(mine, None), next(theirs, None)
        if one is None and other is None:
            return None, equal
        columns = differing(one, other)
        if one is None or other is None or columns:
            kind = sort_of(one, other, columns)
            parting = Parting(kind=kind, equal=equal, columns=columns, left=shown(one), right=shown(other))
            return parting, equal
        equal += 1


def rows_of(run: RunFolder) -> Iterator[dict[str, Any]]:
    """All rows of a run in the order in which they were written, each with the `table` it is of."""
    return heapq.merge(*(table_rows(run, table) for table in TABLES), key=lambda row: row["seq"])


def table_rows(run: RunFolder, table: str) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    with run.parquet(table) as file:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            at = rows.schema.get_field_index("ts")
            for row in rows.set_column(at, "ts", rows["ts"].cast(pa.int64())).to_pylist():
                row["table"] = table
                yield row


def differing(one: Row | None, other: Row | None) -> tuple[str, ...]:
    """The columns in which two rows differ; all that they say where they are of different tables."""
    if one is None or other is None:
        return ()
    if one["table"] != other["table"]:
        return ("table",)
    return tuple(name for name in one if name not in NAMES and one[name] != other.get(name))


def sort_of(one: Row | None, other: Row | None, columns: tuple[str, ...]) -> str:
    """What sort of difference it is between two rows that should be the same."""
    if one is None or other is None or "table" in columns or "event" in columns or owner(one) != owner(other):
        return sort_of_missing(one, other)
    changed = set(columns)
    if changed & MARKET:
        return DATA
    if changed <= TIMES:
        return TIMING
    if one["table"] == "fills":
        return FEE if changed <= {"fee"} | TIMES else FILL
    if changed & ASKED:
        return DECISION
    if "verdict" in changed:
        return REJECTION
    if changed <= COST | TIMES:
        return FEE
    if one["table"] == "orders" and "filled_qty" in changed:
        return FILL
    return DECISION if one["table"] == "decisions" else TIMING


def owner(row: Row) -> tuple[Any, ...]:
    return row["table"], row["instrument"], row["strategy"]


def sort_of_missing(one: Row | None, other: Row | None) -> str:
    """The sort of something that happened in one run alone: of the two, what happened first."""
    both = [row for row in (one, other) if row is not None]
    if any(row.get("event") in REFUSED or row.get("verdict", PASS) != PASS for row in both):
        return REJECTION
    first = min(both, key=lambda row: row["ts"])
    if first["table"] == "equity":
        return DATA
    if first["table"] == "fills" or first.get("event") == "FILL":
        return FILL
    if first["table"] == "decisions" or first.get("event") in ASKING:
        return DECISION
    return TIMING


def shown(row: Row | None) -> dict[str, Any] | None:
    """A row as plain data."""
    if row is None:
        return None
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in row.items()}
