"""The records of a run as Parquet files that anybody can open, written while the run goes on.

The recorder hands over blocks of 64-bit integers. They are gathered until a row group is full, turned into columns
(`columns.py`) and written, so memory stays flat however long the run is. Nothing in a file says when, where or under
which name it was made: the same records give the same bytes. A Parquet file opens only once its end is written, so
`close` belongs into a ``finally``.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
from attrs import asdict, fields, frozen

from tickwright.engine.instrument import Instrument
from tickwright.engine.records import BLOCK_ROWS, DECISIONS, EQUITY, FILLS, NOTES, ORDERS
from tickwright.reports.columns import Built, Frame, Layout
from tickwright.reports.decimals import Ints
from tickwright.reports.equity import write_equity


@frozen(kw_only=True)
class Gathering:
    """How much to gather before writing: `rows` of a row group, `held` bytes of blocks before the thread starts.

    The thread takes the interpreter from the run now and then, so what is held back is written after a short run's last
    event, and beside a long one.
    """

    rows: int
    held: int


BULK: Final = Gathering(rows=8 * BLOCK_ROWS, held=32 << 20)
"""For a backtest: at 32 columns a row group holds 16 MiB. However rows come in, groups are cut at the same rows."""

STEADY: Final = Gathering(rows=BLOCK_ROWS, held=1 << 20)
"""For a run that goes on for days: a few MiB in all."""

SAMPLES: Final = "equity.samples"
RUN: Final = "run.json"
RISING: Final = {
    "seq": "DELTA_BINARY_PACKED",
    "ts": "DELTA_BINARY_PACKED",
    "order": "DELTA_BINARY_PACKED",
    "client_order_id": "DELTA_BYTE_ARRAY",
    "trade_id": "DELTA_BYTE_ARRAY",
}
"""Columns that mostly grow: written as differences from the row before."""

PENDING: Final = 8
"""Blocks that may be under way on the thread: of the widest table 40 MiB at most."""


def open_table(path: Path, schema: Any) -> Any:
    """A Parquet writer with this project's encodings."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[field.name for field in schema if pa.types.is_dictionary(field.type) or field.name == "denial"],
        column_encoding={name: kind for name, kind in RISING.items() if name in schema.names},
        write_statistics=True,
    )


def as_table(built: Built) -> Any:
    import pyarrow as pa

    return pa.table({name: pa.array(values) for name, values in built})


class _Behind:
    """Turns rows into columns and writes them on one thread of its own, in the order in which they were handed over.

    NumPy and compression need no interpreter for most of it, so the run goes on meanwhile.
    """

    def __init__(self, held: int) -> None:
        self.held_most = held
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="run-writer")
        self.held: deque[tuple[int, Callable[[], None]]] = deque()
        self.held_bytes = 0
        self.waiting: deque[Future[None]] = deque()

    def write(self, size: int, work: Callable[[], None]) -> None:
        """Do the work, which holds `size` bytes, when the thread comes to it; waits where it lags behind.

        Raises what an earlier work raised.
        """
        self.held.append((size, work))
        self.held_bytes += size
        while self.held_bytes > self.held_most:
            self.submit()

    def submit(self) -> None:
        """Give the oldest work to the thread."""
        while len(self.waiting) >= PENDING:
            self.waiting.popleft().result()
        size, work = self.held.popleft()
        self.held_bytes -= size
        self.waiting.append(self.pool.submit(work))

    def wait(self) -> None:
        """Return once everything is written; raises what a work raised."""
        while self.held:
            self.submit()
        while self.waiting:
            self.waiting.popleft().result()


class _File:
    """One table's file: gathers blocks, writes row groups."""

    def __init__(self, path: Path, columns: tuple[str, ...], build: Any, behind: _Behind, group: int) -> None:
        self.behind = behind
        self.group = group
        self.columns = columns
        self.build = build
        self.parts: list[Ints] = []
        self.texts: list[str] = []
        self.writer = open_table(path, as_table(build(Frame(columns, np.empty(0, np.int64), []))).schema)

    def gather(self, rows: Ints, texts: list[str]) -> None:
        """Take a block, and write row groups while there are enough rows."""
        self.parts.append(np.frombuffer(rows, np.int64))
        self.texts.extend(texts)
        while len(self.texts) >= self.group:
            self.write(self.group)

    def write(self, count: int) -> None:
        """Write the first `count` rows as one row group."""
        cut = count * len(self.columns)
        rows = np.concatenate(self.parts)
        self.parts = [rows[cut:]]
        texts, self.texts = self.texts[:count], self.texts[count:]
        self.writer.write_table(as_table(self.build(Frame(self.columns, rows[:cut], texts))))

    def close(self) -> None:
        try:
            self.behind.wait()
            if self.texts:
                self.write(len(self.texts))
        finally:
            self.end()

    def end(self) -> None:
        """Write the file's end. A writer that failed to would try again when it is collected: it is told not to."""
        try:
            self.writer.close()
        finally:
            self.writer.is_open = False


class RunWriter:
    """The recorder's sink: ``orders``, ``fills``, ``decisions``, ``notes`` and ``equity`` as Parquet in `folder`.

    Args:
        folder: the run folder; must exist.
        instruments: the markets, by their index in the rows.
        strategies: the names of the strategies, by their index in the rows.
        prefix: what the ids of our orders begin with (``bt`` gives ``bt-1``).
        codes: the gate's denial code of each verdict number; number 0 is a pass.
        evidence: the gate's inputs that follow a decision's own columns.
        stated: fees that venues stated, by order number and trade id, as they come in (paper, live).
        gathering: how much is gathered before it is written.
    """

    def __init__(
        self,
        folder: Path,
        instruments: Sequence[Instrument],
        strategies: Sequence[str],
        prefix: str,
        codes: Sequence[str] = (),
        evidence: Sequence[str] = (),
        stated: Mapping[tuple[int, str], Decimal] | None = None,
        gathering: Gathering = BULK,
    ) -> None:
        self.folder = folder
        self.instruments = tuple(instruments)
        self.strategies = tuple(strategies)
        self.closed = False
        self.behind = _Behind(gathering.held)
        layout = Layout(instruments, strategies, prefix, codes, stated)
        self.layout = layout
        named = (
            ("orders", ORDERS, "orders.parquet"),
            ("fills", FILLS, "fills.parquet"),
            ("decisions", (*DECISIONS, *evidence), "decisions.parquet"),
            ("notes", NOTES, "notes.parquet"),
            ("equity", EQUITY, SAMPLES),
        )
        (folder / RUN).write_text(describe(instruments, strategies, prefix))
        self.files = {
            table: _File(folder / file, columns, layout.builders[table], self.behind, gathering.rows)
            for table, columns, file in named
        }

    def block(self, table: str, columns: tuple[str, ...], rows: Ints, texts: list[str]) -> None:
        """Take one block of rows; a run does so on the thread behind it, by `later`.

        Raises:
            ValueError: the columns are not those the file was opened with.
        """
        file = self.files[table]
        if columns != file.columns:
            raise ValueError(f"table {table}: expected columns {file.columns}, received {columns}")
        file.gather(rows, texts)

    def later(self, size: int, work: Callable[[], None]) -> None:
        """Do some work, which holds `size` bytes and may give us blocks, on the thread behind the run."""
        self.behind.write(size, work)

    def close(self) -> None:
        """Finish every file; may be called twice. Whatever was handed over can be read afterwards."""
        if self.closed:
            return
        self.closed = True
        failed: list[Exception] = []
        for file in self.files.values():
            try:
                file.close()
            except (OSError, ValueError, OverflowError) as error:
                failed.append(error)
        self.behind.pool.shutdown()
        if failed:
            raise failed[0]
        write_equity(self.folder / SAMPLES, self.folder, self.layout, open_table)
        with suppress(FileNotFoundError):
            (self.folder / SAMPLES).unlink()

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def describe(instruments: Sequence[Instrument], strategies: Sequence[str], prefix: str) -> str:
    """What a reader needs to know beside the tables: the instruments as they were, names, the id prefix."""
    kept = {field.name for field in fields(Instrument) if field.init}
    rows = []
    for each in instruments:
        values = asdict(each, filter=lambda attribute, _: attribute.name in kept)
        values["kind"] = each.kind.value
        rows.append({name: str(value) if _is_decimal(value) else value for name, value in values.items()})
    return json.dumps({"prefix": prefix, "strategies": list(strategies), "instruments": rows}, indent=1) + "\n"


def _is_decimal(value: object) -> bool:
    return isinstance(value, Decimal)
