"""The columns that follow a decision in the records: every figure that a control used, passed or not.

Figures that may need more than 64 bits take two columns, `x_hi` and `x_lo`, with x = x_hi * 2**62 + x_lo. Quantities
are in lots, prices in ticks, times in nanoseconds, sums in grains (see `risk/limits.py`), rates in millionths of a
millionth of an event.
"""

from collections.abc import Mapping
from typing import Final

BASE: Final = (
    "side", "type", "time_in_force", "flags", "lots", "added", "ticks", "expire_ts",
    "position", "buys", "sells", "own_position", "own_buys", "own_sells", "open_orders", "own_open_orders",
    "venue_open_orders", "venue_own_open_orders", "venue_unknown_orders",
    "state", "venue_flags", "link_age", "clock_offset", "intent_age", "loop_lag", "queue", "journal_lag",
    "journal_free_mb", "health", "bid", "ask", "reference2", "median2", "data_age", "paused_until",
    "taken", "paid_hi", "paid_lo", "holding", "need_hi", "need_lo", "cash_hi", "cash_lo",
    "order_tokens", "message_tokens", "duplicate_age", "self_match", "repeats", "rejects", "messages", "fills",
    "parent_used", "parent_lots", "backoff_until", "loss_hi", "loss_lo", "own_loss_hi", "own_loss_lo",
    "drawdown_hi", "drawdown_lo", "gross_reference2",
)  # fmt: skip
SUMS: Final = ("gross", "net", "open", "traded")
LOW: Final = (1 << 62) - 1
WORDS: Final = 1 << 63


def first_slot() -> int:
    """Where the sums start."""
    return len(BASE)


def columns(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """All columns of a run whose aggregate limits are stated in scopes of these kinds."""
    sums = (f"{kind}_{name}_{half}" for kind in kinds for name in SUMS for half in ("hi", "lo"))
    return (*BASE, *sums)


def whole(row: Mapping[str, int]) -> dict[str, int]:
    """A row with its halves put together."""
    found = {}
    for name, value in row.items():
        if name.endswith("_hi"):
            found[name[:-3]] = int(value) * (LOW + 1) + int(row[f"{name[:-3]}_lo"])
        elif not name.endswith("_lo"):
            found[name] = int(value)
    return found


def split(facts: Mapping[str, int], names: tuple[str, ...]) -> list[int]:
    """Facts as the row of these columns; what does not fit 64 bits is cut at its edge."""
    row = []
    for name in names:
        value = int(facts.get(name[:-3] if name.endswith(("_hi", "_lo")) else name, 0))
        if name.endswith("_hi"):
            value >>= 62
        elif name.endswith("_lo"):
            value &= LOW
        row.append(max(-WORDS, min(WORDS - 1, value)))
    return row
