"""A journal's records as a Parquet table, written in pieces so that any journal fits the memory."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from tickwright.engine.chain import Record

ROWS: Final = 50_000
"""Records of one row group."""

SCHEMA: Final = pa.schema(
    [
        ("seq", pa.int64()),
        ("ts", pa.int64()),
        ("kind", pa.dictionary(pa.int32(), pa.string())),
        ("body", pa.string()),
    ]
)


def write_table(records: Iterable[Record], path: Path) -> int:
    """Write records to a Parquet file; how many. The file is there only once it is whole."""
    rest = iter(records)
    part = path.with_name(f"{path.name}.part")
    count = 0
    try:
        with pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
            while rows := list(islice(rest, ROWS)):
                count += len(rows)
                columns = [
                    [row.seq for row in rows],
                    [row.ts for row in rows],
                    [row.kind for row in rows],
                    [row.body.decode() for row in rows],
                ]
                arrays = [pa.array(column, each.type) for column, each in zip(columns, SCHEMA, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count
