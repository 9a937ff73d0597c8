"""Tapes as numpy files, streamed.

`.npy` holds one structured array; `.npz` holds one array a column, or one structured array. Both are read front to
back in batches with plain reads, and never mapped: mapped pages count as memory of the process, and a member of a
compressed archive cannot be mapped at all. So an archive of any size, compressed or not, takes one batch.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np

from tickwright.adapters.tape.batch import COLUMNS, Array, Batch, TapeError, check_names, check_type

BROKEN = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)
"""What numpy and zipfile raise on a file that is not what its name says."""

Shape = tuple[np.dtype[Any], int]


def npy_tape(path: Path) -> tuple[int, Callable[[int], Iterator[Batch]]]:
    """Rows, and a way to read them, of a file that holds one structured array."""
    name = path.name
    try:
        with path.open("rb") as file:
            dtype, rows = read_header(name, file)
    except BROKEN as error:
        raise TapeError(f"{name}: expected a .npy file, received one that cannot be read: {error}") from error
    check_fields(name, dtype)

    def read(size: int) -> Iterator[Batch]:
        with path.open("rb") as file:
            yield from structured(name, file, size)

    return rows, read


def npz_tape(path: Path) -> tuple[int, Callable[[int], Iterator[Batch]]]:
    """Rows, and a way to read them, of an archive of columns or of one structured array."""
    name = path.name
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member.removesuffix(".npy") for member in archive.namelist() if member.endswith(".npy")]
            shapes: dict[str, Shape] = {}
            for member in members:
                with archive.open(f"{member}.npy") as file:
                    shapes[member] = read_header(name, file)
    except BROKEN as error:
        raise TapeError(f"{name}: expected a .npz archive, received one that cannot be read: {error}") from error
    if len(members) == 1 and shapes[members[0]][0].names:
        dtype, rows = shapes[members[0]]
        check_fields(name, dtype)
        return rows, lambda size: one_member(path, members[0], size)
    check_names(name, members)
    rows = shapes["ts"][1]
    for column in COLUMNS:
        dtype, length = shapes[column]
        check_type(name, column, dtype)
        if length != rows:
            raise TapeError(f"{name}: column {column}: expected {rows} rows as in ts, received {length}")
    return rows, lambda size: column_members(path, rows, size)


def check_fields(name: str, dtype: np.dtype[Any]) -> None:
    """Refuse an array that is not structured as a tape."""
    check_names(name, dtype.names or ())
    for column in COLUMNS:
        check_type(name, column, dtype[column])


def read_header(name: str, file: IO[bytes]) -> Shape:
    """Type and length of the one-dimensional array that begins here; leaves the file at its first value."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"array format {version}")
    if dtype.hasobject:
        raise TapeError(f"{name}: expected numbers, received Python objects")
    if len(shape) != 1:
        raise TapeError(f"{name}: expected one dimension, received {len(shape)}")
    return dtype, shape[0]


def take(name: str, file: IO[bytes], dtype: np.dtype[Any], rows: int) -> Array:
    """The next `rows` values."""
    wanted = rows * dtype.itemsize
    try:
        data = file.read(wanted)
    except BROKEN as error:
        raise TapeError(f"{name}: expected {wanted} more bytes, received a broken file: {error}") from error
    if len(data) != wanted:
        raise TapeError(f"{name}: expected {wanted} more bytes, received {len(data)}; the file is cut short")
    return np.frombuffer(data, dtype)


def structured(name: str, file: IO[bytes], size: int) -> Iterator[Batch]:
    dtype, rows = read_header(name, file)
    for first in range(0, rows, size):
        part = take(name, file, dtype, min(size, rows - first))
        yield Batch(first, *(np.ascontiguousarray(part[column], dtype[column].newbyteorder("=")) for column in COLUMNS))


def one_member(path: Path, member: str, size: int) -> Iterator[Batch]:
    with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as file:
        yield from structured(path.name, file, size)


def column_members(path: Path, rows: int, size: int) -> Iterator[Batch]:
    """Reads the six members side by side, each at its own place in the archive."""
    with ExitStack() as stack:
        archive = stack.enter_context(zipfile.ZipFile(path))
        files = {column: stack.enter_context(archive.open(f"{column}.npy")) for column in COLUMNS}
        dtypes = {column: read_header(path.name, file)[0] for column, file in files.items()}
        for first in range(0, rows, size):
            n = min(size, rows - first)
            parts = {column: take(path.name, files[column], dtypes[column], n) for column in COLUMNS}
            yield Batch(first, *(parts[c].astype(dtypes[c].newbyteorder("="), copy=False) for c in COLUMNS))


def memory_tape(columns: Mapping[str, Array]) -> tuple[int, Callable[[int], Iterator[Batch]]]:
    """Rows, and a way to read them, of columns held in memory; each batch is a view."""
    rows = len(columns["ts"])

    def read(size: int) -> Iterator[Batch]:
        for first in range(0, rows, size):
            yield Batch(first, *(columns[name][first : first + size] for name in COLUMNS))

    return rows, read
