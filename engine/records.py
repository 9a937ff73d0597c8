"""What the core writes down: decisions, order events, fills, notes.

A record is a row of 64-bit integers, and a text where a number will not do. Rows are written one after the other into
a block; a full block goes to the sink (a Parquet writer in a backtest, nothing when only counting). One running
number orders the rows of all tables, so that the whole run can be told in the order in which it happened. Rows are
hashed as they are handed over: the hash covers order log and fills, and so is the same wherever the run was made.
"""

import hashlib
from array import array
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import numpy as np

from tickwright.engine.order import Fill, Order

BLOCK_ROWS: Final = 8192
"""Rows a block holds before it is handed over: at 32 columns, 2 MiB."""

ORDERS: Final = (
    "seq", "ts", "order", "market", "strategy", "event", "state", "side", "type", "time_in_force", "post_only",
    "reduce_only", "ticks", "lots", "cum", "cause",
)  # fmt: skip
FILLS: Final = (
    "seq", "ts", "order", "market", "strategy", "side", "liquidity", "ticks", "lots", "cause", "recovered", "inferred",
    "taken_back",
)  # fmt: skip
DECISIONS: Final = ("seq", "ts", "order", "market", "strategy", "verdict", "action")
NOTES: Final = ("seq", "ts", "severity")
EQUITY: Final = ("seq", "ts", "market", "strategy", "position_lots", "double_mark")


PACKED: Final = 7
"""Words of an order row while it waits: seq, ts, order, the small columns in one word, ticks, lots, cum."""

SMALL: Final = (
    ("cause", 4, 0),
    ("reduce_only", 1, 0),
    ("post_only", 1, 0),
    ("time_in_force", 3, 0),
    ("type", 1, 0),
    ("side", 2, 1),
    ("state", 4, 0),
    ("event", 5, 0),
    ("strategy", 16, 1),
    ("market", 24, 0),
)
"""The small columns from the lowest bit up: name, bits, and what was added to keep them from being negative."""


Rows = np.ndarray[tuple[int], np.dtype[np.int64]]
"""Rows one after the other, in one flat array."""


class Sink(Protocol):
    """Takes full blocks of one table: `rows` row after row, `texts` one per row (empty where a table has none)."""

    def block(self, table: str, columns: tuple[str, ...], rows: "Rows", texts: list[str]) -> None: ...


def unpack(part: "Rows", width: int) -> "Rows":
    """Order rows as the sink takes them: every small column in a word of its own."""
    packed = part.reshape(-1, width)
    names = dict(zip(("seq", "ts", "order", "bits", "ticks", "lots", "cum"), packed.T, strict=True))
    bits = names.pop("bits").copy()
    for name, size, lift in SMALL:
        names[name] = (bits & ((1 << size) - 1)) - lift
        bits >>= size
    rows = np.empty((len(packed), len(ORDERS)), np.int64)
    for place, name in enumerate(ORDERS):
        rows[:, place] = names[name]
    return rows.reshape(-1)


class Later(Protocol):
    """Does a block's work, which holds `size` bytes, when it comes to it: every work once, in the order given."""

    def __call__(self, size: int, work: Callable[[], None]) -> None: ...


class Table:
    """One table's block under construction."""

    __slots__ = ("at", "columns", "hasher", "later", "name", "rows", "sink", "texts", "total", "width")

    def __init__(
        self,
        name: str,
        columns: tuple[str, ...],
        sink: Sink | None,
        later: Later | None,
        hashed: bool = False,
        width: int = 0,
    ) -> None:
        self.name = name
        self.columns = columns
        self.width = width or len(columns)
        self.sink = sink
        self.later = later
        self.rows = array("q", bytes(8 * self.width * BLOCK_ROWS))
        self.texts: list[str] = []
        self.at = 0
        self.total = 0
        self.hasher = hashlib.sha256() if hashed else None

    def flush(self) -> None:
        """Hand over what there is, or have it handed over later."""
        if self.at == 0:
            return
        size = self.at
        rows = np.frombuffer(self.rows, np.int64)[:size]
        texts = self.texts
        self.total += size // self.width
        self.texts = []
        self.at = 0
        if self.later is None:
            self.hand_over(rows if self.name == "orders" else rows.copy(), texts)
        else:
            self.rows = array("q", bytes(8 * self.width * BLOCK_ROWS))
            self.later(8 * size, partial(self.hand_over, rows, texts))

    def hand_over(self, rows: "Rows", texts: list[str]) -> None:
        """Hash a block, and give it to the sink."""
        if self.hasher is not None:
            self.hasher.update(rows.data)
            self.hasher.update("\n".join(texts).encode())
            self.hasher.update(b"\n")
        if self.sink is not None:
            self.sink.block(self.name, self.columns, unpack(rows, self.width) if self.name == "orders" else rows, texts)


class Recorder:
    """Writes the rows of a run. `evidence` names the gate's inputs, which follow the decision's own columns."""

    __slots__ = ("decisions", "equity", "fills", "notes", "orders", "seq")

    def __init__(self, sink: Sink | None = None, evidence: tuple[str, ...] = ()) -> None:
        self.seq = 0
        self.open(sink, evidence)

    def open(self, sink: Sink | None, evidence: tuple[str, ...], later: Later | None = None) -> None:
        """Start anew with a sink and the names of the gate's inputs; rows not handed over by then are lost.

        Blocks are hashed and handed over by `later` where it is given, else at once.
        """
        self.orders = Table("orders", ORDERS, sink, later, hashed=True, width=PACKED)
        self.fills = Table("fills", FILLS, sink, later, hashed=True)
        self.decisions = Table("decisions", DECISIONS + evidence, sink, later)
        self.notes = Table("notes", NOTES, sink, later)
        self.equity = Table("equity", EQUITY, sink, later)

    def order(self, order: Order, event: int, ts: int) -> None:
        """One event of one order, with the order as it is after the event; the text is its reason, if any."""
        table = self.orders
        rows = table.rows
        i = table.at
        self.seq += 1
        bits = order.market
        bits = (bits << 16) + order.strategy_index + 1
        bits = (bits << 5) + event
        bits = (bits << 4) + order.state_code
        bits = (bits << 2) + order.side_code + 1
        bits = (bits << 1) + order.type_code
        bits = (bits << 3) + order.tif_code
        bits = (bits << 1) + order.post_only
        bits = (bits << 1) + order.reduce_only
        bits = (bits << 4) + order.cause_code
        rows[i] = self.seq
        rows[i + 1] = ts
        rows[i + 2] = order.number
        rows[i + 3] = bits
        rows[i + 4] = order.ticks
        rows[i + 5] = order.lots
        rows[i + 6] = order.cum
        table.texts.append(order.reason)
        table.at = i + 7
        if table.at == len(rows):
            table.flush()

    def fill(self, fill: Fill, side: int, ts: int) -> None:
        """One booked execution (`side` turned round for one taken back); the text is the trade id."""
        table = self.fills
        rows = table.rows
        i = table.at
        order = fill.order
        self.seq += 1
        rows[i] = self.seq
        rows[i + 1] = ts
        rows[i + 2] = order.number
        rows[i + 3] = order.market
        rows[i + 4] = order.strategy_index
        rows[i + 5] = side
        rows[i + 6] = fill.liquidity_code
        rows[i + 7] = fill.ticks
        rows[i + 8] = fill.lots
        rows[i + 9] = fill.cause
        rows[i + 10] = fill.recovered
        rows[i + 11] = fill.inferred
        rows[i + 12] = side != order.side_code
        table.texts.append(fill.trade_id)
        table.at = i + 13
        if table.at == len(rows):
            table.flush()

    def decision(self, order: Order, verdict: int, action: int, evidence: "array[int]", text: str, ts: int) -> None:
        """One word of the gate: `verdict` 0 passes, else the number of the first control that failed.

        `action` is 0 for a new order, 1 for a replace; `evidence` are the figures the controls used, `text` the
        denial as JSON, empty for a pass.
        """
        table = self.decisions
        rows = table.rows
        i = table.at
        self.seq += 1
        rows[i] = self.seq
        rows[i + 1] = ts
        rows[i + 2] = order.number
        rows[i + 3] = order.market
        rows[i + 4] = order.strategy_index
        rows[i + 5] = verdict
        rows[i + 6] = action
        i += 7
        j = 0
        n = len(evidence)
        while j < n:
            rows[i] = evidence[j]
            i += 1
            j += 1
        table.texts.append(text)
        table.at = i
        if table.at == len(rows):
            table.flush()

    def note(self, severity: int, text: str, ts: int) -> None:
        """Something a person should read: 0 information, 1 warning, 2 CRIT, 3 HALT."""
        table = self.notes
        self.seq += 1
        i = table.at
        table.rows[i] = self.seq
        table.rows[i + 1] = ts
        table.rows[i + 2] = severity
        table.texts.append(text)
        table.at = i + 3
        if table.at == len(table.rows):
            table.flush()

    def sample(self, market: int, strategy: int, position_lots: int, double_mark: int, ts: int) -> None:
        """A position and its mark (twice the price in ticks) at one moment; strategy -1 is the account."""
        table = self.equity
        self.seq += 1
        i = table.at
        rows = table.rows
        rows[i] = self.seq
        rows[i + 1] = ts
        rows[i + 2] = market
        rows[i + 3] = strategy
        rows[i + 4] = position_lots
        rows[i + 5] = double_mark
        table.texts.append("")
        table.at = i + 6
        if table.at == len(rows):
            table.flush()

    def flush(self) -> None:
        """Hand over every unfinished block."""
        for table in (self.orders, self.fills, self.decisions, self.notes, self.equity):
            table.flush()

    def log_hash(self) -> str:
        """SHA-256 over the rows of order log and fills handed over so far."""
        total = hashlib.sha256()
        for table in (self.orders, self.fills):
            if table.hasher is not None:
                total.update(table.hasher.digest())
        return total.hexdigest()
