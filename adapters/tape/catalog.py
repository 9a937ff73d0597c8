"""Writes tapes as Parquet: lz4, prices by dictionary, times as differences, origin and instrument in the metadata."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tickwright.adapters.tape.batch import COLUMNS, Array, Batch, as_columns
from tickwright.adapters.tape.check import Checker
from tickwright.adapters.tape.metadata import INSTRUMENT, ORIGIN, instrument_text, origin_text
from tickwright.engine.instrument import Instrument

ROW_GROUP = 1 << 18
"""Rows of a row group, and so the most that writing holds: about 8 MB."""

TYPES = {"ts": np.int64, "kind": np.int8, "side": np.int8, "price": np.float64, "qty": np.float64, "last": np.int8}


def write_tape(
    path: str | Path,
    parts: Iterable[Batch | Mapping[str, Any]],
    *,
    instrument: Instrument | None = None,
    origin: Mapping[str, str] | None = None,
    row_group: int = ROW_GROUP,
) -> int:
    """Write batches, or mappings of columns, one after the other as one tape; returns the number of rows.

    The rows are held to what playing asks of them, and to the grid of the instrument if one is given. The file
    appears under its name only when it is whole; until then it is called `NAME.partial`.

    Raises:
        TapeError: the first thing wrong; nothing is left behind then.
    """
    import pyarrow.parquet as pq

    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    schema = tape_schema(instrument, origin)
    checker = Checker(path.name)
    held: list[Batch] = []
    rows = waiting = 0
    try:
        with pq.ParquetWriter(
            partial,
            schema,
            compression="lz4",
            use_dictionary=["kind", "side", "price", "qty", "last"],
            column_encoding={"ts": "DELTA_BINARY_PACKED"},
        ) as writer:
            for part in parts:
                batch = as_batch(path.name, part, rows)
                checker.check(batch)
                if instrument is not None:
                    checker.steps(batch, instrument)
                for begin in range(0, batch.n, row_group):
                    piece = batch.rows(begin, min(begin + row_group, batch.n))
                    if waiting + piece.n > row_group:
                        flush(writer, schema, held)
                        waiting = 0
                    held.append(piece)
                    waiting += piece.n
                rows += batch.n
            checker.finish()
            flush(writer, schema, held)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return rows


def tape_schema(instrument: Instrument | None, origin: Mapping[str, str] | None) -> Any:
    """The Arrow schema, with what the tape says of itself."""
    import pyarrow as pa

    metadata = {}
    if instrument is not None:
        metadata[INSTRUMENT] = instrument_text(instrument).encode()
    if origin is not None:
        metadata[ORIGIN] = origin_text(origin).encode()
    return pa.schema([(name, pa.from_numpy_dtype(np.dtype(TYPES[name]))) for name in COLUMNS], metadata=metadata)


def as_batch(tape: str, part: Batch | Mapping[str, Any], first: int) -> Batch:
    """The part as a batch that begins at row `first` of what is written."""
    columns: Mapping[str, Array]
    columns = {name: getattr(part, name) for name in COLUMNS} if isinstance(part, Batch) else as_columns(tape, part)
    return Batch(first, *(columns[name] for name in COLUMNS))


def flush(writer: Any, schema: Any, held: list[Batch]) -> None:
    """Write what is held as one row group."""
    import pyarrow as pa

    if held:
        columns = [np.concatenate([getattr(batch, name) for batch in held]).astype(TYPES[name]) for name in COLUMNS]
        writer.write_table(pa.table(columns, schema=schema), row_group_size=len(columns[0]))
        held.clear()


def head(batches: Iterable[Batch], span_ns: int) -> Iterator[Batch]:
    """The beginning of a tape: the whole messages of its first `span_ns` nanoseconds, to be written elsewhere."""
    begin: int | None = None
    whole = False
    for batch in batches:
        if not batch.n:
            continue
        begin = int(batch.ts[0]) if begin is None else begin
        starts = np.concatenate(([whole], batch.last[:-1] == 1))
        late = np.flatnonzero((batch.ts >= begin + span_ns) & starts)
        if len(late):
            if late[0]:
                yield batch.rows(0, int(late[0]))
            return
        whole = bool(batch.last[-1] == 1)
        yield batch
