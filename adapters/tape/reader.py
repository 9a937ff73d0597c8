"""Opens a tape wherever it lies, and streams it in batches.

Parquet is decoded page by page through a read buffer, so that neither the file nor one of its row groups is ever
held whole, however large the recorder made them.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen

from tickwright.adapters.tape.batch import BATCH, COLUMNS, Batch, TapeError, as_columns, check_names, check_type
from tickwright.adapters.tape.metadata import INSTRUMENT, parse_instrument, parse_origin
from tickwright.adapters.tape.numpy_files import memory_tape, npy_tape, npz_tape
from tickwright.engine.instrument import Instrument

SAMPLES = Path(__file__).resolve().parent / "sample"
PACKAGE = "package:"
PAGE_BUFFER = 1 << 18
"""Bytes read ahead for each Parquet column."""

Source = str | Path | Mapping[str, Any] | np.ndarray[Any, Any]


@frozen(eq=False)
class Tape:
    """A tape that was opened: its columns are there and of the right types; its values come as `batches`.

    `instrument` is what the tape says of itself, where it does. Reading can begin again and again.
    """

    name: str
    rows: int
    read: Callable[[int], Iterator[Batch]] = field(repr=False)
    instrument: Instrument | None = None
    origin: Mapping[str, str] = field(factory=dict)

    def batches(self, size: int = BATCH) -> Iterator[Batch]:
        """All rows in order, at most `size` at a time, types checked and values not."""
        if size < 1:
            raise ValueError(f"{self.name}: expected a batch of at least 1 row, received {size}")
        return self.read(size)


def open_tape(source: Source) -> Tape:
    """Open a `.parquet`, `.npz` or `.npy` file, a sample of this package (`package:demo`), or columns in memory.

    Columns in memory are a structured array, or a mapping from column name to a one-dimensional array.

    Raises:
        TapeError: no such file, a column missing, or one of the wrong type.
    """
    if isinstance(source, np.ndarray):
        fields = {column: source[column] for column in source.dtype.names or ()}
        return Tape("array", *memory_tape(as_columns("array", fields)))
    if isinstance(source, Mapping):
        return Tape("columns", *memory_tape(as_columns("columns", source)))
    path = sample_path(source) if isinstance(source, str) and source.startswith(PACKAGE) else Path(source)
    if not path.is_file():
        raise TapeError(f"{source}: expected a tape, received {'a folder' if path.is_dir() else 'no such file'}")
    if path.suffix == ".npy":
        return Tape(path.name, *npy_tape(path))
    if path.suffix == ".npz":
        return Tape(path.name, *npz_tape(path))
    if path.suffix == ".parquet":
        return parquet_tape(path)
    raise TapeError(f"{source}: expected a name that ends in .parquet, .npz or .npy, received {path.suffix or 'none'}")


def sample_path(source: str) -> Path:
    """Where a sample of the package lies."""
    path = SAMPLES / f"{source.removeprefix(PACKAGE)}.parquet"
    if path.parent != SAMPLES or not path.is_file():
        there = " ".join(sorted(PACKAGE + sample.stem for sample in SAMPLES.glob("*.parquet")))
        raise TapeError(f"{source}: expected a sample of this package, received an unknown name; there are: {there}")
    return path


def parquet_tape(path: Path) -> Tape:
    """Read schema and metadata; the rows come later."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = path.name
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise TapeError(f"{name}: expected a Parquet file, received one that cannot be read: {error}") from error
    check_names(name, schema.names)
    for column in COLUMNS:
        kind = schema.field(column).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise TapeError(f"{name}: column {column}: expected numbers, received {kind}")
        check_type(name, column, np.dtype(kind.to_pandas_dtype()))
    metadata = schema.metadata or {}
    instrument = parse_instrument(name, metadata[INSTRUMENT]) if INSTRUMENT in metadata else None
    return Tape(name, rows, lambda size: parquet_batches(path, size), instrument, parse_origin(name, metadata))


def parquet_batches(path: Path, size: int) -> Iterator[Batch]:
    """Decode the six columns, `size` rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = 0
    try:
        with pq.ParquetFile(path, buffer_size=PAGE_BUFFER, pre_buffer=False) as file:
            for part in file.iter_batches(batch_size=size, columns=list(COLUMNS), use_threads=False):
                yield Batch(first, *(column_values(path.name, first, name, part.column(name)) for name in COLUMNS))
                first += part.num_rows
    except (pa.ArrowException, OSError) as error:
        raise TapeError(f"{path.name}: row {first}: expected more rows, received a broken file: {error}") from error


def column_values(tape: str, first: int, name: str, column: Any) -> np.ndarray[Any, Any]:
    """One column as numpy; a missing value is refused, because numpy has no way to say it."""
    if column.null_count:
        row = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise TapeError(f"{tape}: row {first + row}: {name}: expected a number, received nothing (null)")
    values: np.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False)
    return values
