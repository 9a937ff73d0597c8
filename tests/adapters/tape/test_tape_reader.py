"""Opening and reading tapes: every way in gives the same rows, and every fault is named."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickwright.adapters.tape import Rounded, TapeError, open_tape, read_blocks, write_tape
from tickwright.adapters.tape.batch import COLUMNS
from tickwright.adapters.tape.blocks import FIELDS
from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument

SPOT = Instrument(id="A/B.X", tick_size=Decimal("0.01"), lot_size=Decimal("0.001"), base="A", quote="B")
TYPES = {"ts": "i8", "kind": "i1", "side": "i1", "price": "f8", "qty": "f8", "last": "i1"}


def columns(n: int = 10, **changed: Any) -> dict[str, Any]:
    """A sound little tape: bids and asks in turn, each a message, every fifth row a trade."""
    row = np.arange(n)
    made = {
        "ts": 1_000 + row * 10,
        "kind": (row % 5 == 4).astype("i1"),
        "side": np.where(row % 2, -1, 1).astype("i1"),
        "price": np.array([float(Decimal("100.00") + Decimal("0.01") * int(i % 2)) for i in row]),
        "qty": np.array([float(Decimal("0.001") * int(i % 7 + 1)) for i in row]),
        "last": np.ones(n, "i1"),
    }
    for name, (at, value) in changed.items():
        made[name] = made[name].astype("i8") if made[name].dtype.kind == "i" else made[name]
        made[name][at] = value
    return made


def structured(made: dict[str, Any]) -> np.ndarray:
    array = np.empty(len(made["ts"]), [(name, TYPES[name]) for name in COLUMNS])
    for name in COLUMNS:
        array[name] = made[name]
    return array


def save_parquet(path: Path, made: dict[str, Any]) -> Path:
    pq.write_table(pa.table(made), path)
    return path


def as_npy(folder: Path, made: dict[str, Any]) -> Path:
    np.save(folder / "t.npy", structured(made))
    return folder / "t.npy"


def as_npz(folder: Path, made: dict[str, Any]) -> Path:
    np.savez(folder / "t.npz", **made)
    return folder / "t.npz"


def as_small_npz(folder: Path, made: dict[str, Any]) -> Path:
    np.savez_compressed(folder / "c.npz", **made)
    return folder / "c.npz"


def as_npz_of_one(folder: Path, made: dict[str, Any]) -> Path:
    np.savez(folder / "one.npz", data=structured(made))
    return folder / "one.npz"


def as_parquet(folder: Path, made: dict[str, Any]) -> Path:
    return save_parquet(folder / "t.parquet", made)


def as_catalog(folder: Path, made: dict[str, Any]) -> Path:
    write_tape(folder / "w.parquet", [made], row_group=64)
    return folder / "w.parquet"


def in_memory(folder: Path, made: dict[str, Any]) -> dict[str, Any]:
    return made


def in_array(folder: Path, made: dict[str, Any]) -> np.ndarray:
    return structured(made)


WAYS = [as_npy, as_npz, as_small_npz, as_npz_of_one, as_parquet, as_catalog, in_memory, in_array]


def play_all(source: Any, size: int = 65_536) -> list[tuple[int, ...]]:
    rows = []
    for block in read_blocks(open_tape(source), SPOT, 3, size):
        rows += list(zip(*(getattr(block, name).tolist() for name in FIELDS), strict=True))
    return rows


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1, 7, 100, 65_536])
def test_every_way_in_gives_the_same_rows(tmp_path: Path, way: Callable[..., Any], size: int) -> None:
    made = columns(200)
    expected = [
        (1_000 + i * 10, 3, int(i % 5 == 4), -1 if i % 2 else 1, 10_000 + i % 2, i % 7 + 1, 1) for i in range(200)
    ]
    assert play_all(way(tmp_path, made), size) == expected


@pytest.mark.parametrize("way", WAYS)
def test_batches_are_bounded_and_can_be_read_again(tmp_path: Path, way: Callable[..., Any]) -> None:
    tape = open_tape(way(tmp_path, columns(200)))
    for _ in range(2):
        batches = list(tape.batches(64))
        assert [batch.first for batch in batches] == [0, 64, 128, 192]
        assert [batch.n for batch in batches] == [64, 64, 64, 8]
    assert tape.rows == 200
    with pytest.raises(ValueError, match="at least 1 row, received 0"):
        tape.batches(0)


def test_blocks_are_what_a_compiled_loop_takes() -> None:
    (block,) = read_blocks(open_tape(structured(columns())), SPOT)
    for name in FIELDS:
        view = memoryview(getattr(block, name))
        assert (view.format, view.contiguous, view.ndim) == ("l", True, 1)


FAULTS = [
    ("ts", 6, 1_049, r"row 6: ts: expected a time not before 1050, received 1049"),
    ("ts", 0, -1, r"row 0: ts: expected nanoseconds from 1970 to 2116, received -1"),
    ("kind", 2, 2, r"row 2: kind: expected 0 \(level\) or 1 \(trade\), received 2"),
    ("side", 3, 0, r"row 3: side: expected 1 or -1, received 0"),
    ("last", 4, 2, r"row 4: last: expected 0 or 1, received 2"),
    ("price", 5, np.nan, r"row 5: price: expected a positive number, received nan"),
    ("price", 5, np.inf, r"row 5: price: expected a positive number, received inf"),
    ("price", 5, -1.0, r"row 5: price: expected a positive number, received -1.0"),
    ("price", 5, 0.0, r"row 5: price: expected a positive number, received 0.0"),
    ("qty", 6, np.nan, r"row 6: qty: expected a number that is not negative, received nan"),
    ("qty", 6, np.inf, r"row 6: qty: expected a number that is not negative, received inf"),
    ("qty", 6, -0.001, r"row 6: qty: expected a number that is not negative, received -0.001"),
    ("qty", 9, 0.0, r"row 9: trade qty: expected a trade of more than 0, received 0.0"),
    ("price", 7, 100.005, r"row 7: price: expected a multiple of the tick 0.01 of A/B.X, received 100.005"),
    ("qty", 7, 0.0015, r"row 7: qty: expected a multiple of the lot 0.001 of A/B.X, received 0.0015"),
    ("price", 8, 1e17, r"row 8: price: expected less than 2\*\*62 ticks of 0.01 of A/B.X, received 1e\+17"),
    ("qty", 8, 1e16, r"row 8: qty: expected less than 2\*\*62 lots of 0.001 of A/B.X, received 1e\+16"),
    ("last", 9, 0, r"row 9: last: expected 1 at the end of the tape, received 0; the last message is not whole"),
]


@pytest.mark.parametrize("size", [3, 65_536])
@pytest.mark.parametrize(("column", "row", "value", "message"), FAULTS)
def test_a_bad_value_is_refused_with_its_row(column: str, row: int, value: Any, message: str, size: int) -> None:
    with pytest.raises(TapeError, match=message):
        play_all(columns(**{column: (row, value)}), size)


def test_a_tape_error_is_one_of_ours() -> None:
    assert issubclass(TapeError, TickwrightError)


@pytest.mark.parametrize("way", [as_npy, as_npz, as_small_npz, as_npz_of_one, as_parquet, in_memory])
def test_no_rows_is_an_error(tmp_path: Path, way: Callable[..., Any]) -> None:
    with pytest.raises(TapeError, match="expected at least one row, received none"):
        play_all(way(tmp_path, columns(0)))


@pytest.mark.parametrize("way", [as_npz, as_parquet, in_memory])
def test_a_missing_column_is_named(tmp_path: Path, way: Callable[..., Any]) -> None:
    made = columns()
    del made["qty"], made["last"]
    with pytest.raises(TapeError, match=r"expected columns .* missing: qty last"):
        open_tape(way(tmp_path, made))


@pytest.mark.parametrize("way", [as_npz, as_parquet, in_memory])
@pytest.mark.parametrize(
    ("column", "dtype", "message"),
    [
        ("price", "f4", "column price: expected float64, received float"),
        ("qty", "i8", "column qty: expected float64, received int64"),
        ("ts", "f8", "column ts: expected integers, received float64"),
        ("side", "f8", "column side: expected integers, received float64"),
    ],
)
def test_a_wrong_type_is_refused(
    tmp_path: Path, way: Callable[..., Any], column: str, dtype: str, message: str
) -> None:
    made = columns()
    made[column] = made[column].astype(dtype)
    with pytest.raises(TapeError, match=message):
        open_tape(way(tmp_path, made))


def test_text_times_and_nulls_in_parquet(tmp_path: Path) -> None:
    made = columns()
    with pytest.raises(TapeError, match="column ts: expected numbers, received timestamp"):
        open_tape(save_parquet(tmp_path / "a.parquet", made | {"ts": made["ts"].astype("M8[ns]")}))
    with pytest.raises(TapeError, match="column price: expected numbers, received string"):
        open_tape(save_parquet(tmp_path / "b.parquet", made | {"price": ["1"] * 10}))
    holes = open_tape(save_parquet(tmp_path / "c.parquet", made | {"qty": [1.0] * 4 + [None] + [1.0] * 5}))
    with pytest.raises(TapeError, match=r"c.parquet: row 4: qty: expected a number, received nothing \(null\)"):
        list(holes.batches(3))


def test_unequal_columns(tmp_path: Path) -> None:
    made = columns()
    made["qty"] = made["qty"][:-1]
    for source in (made, as_npz(tmp_path, made)):
        with pytest.raises(TapeError, match="column qty: expected 10 rows as in ts, received 9"):
            open_tape(source)
    with pytest.raises(TapeError, match="column kind: expected one dimension, received 2"):
        open_tape(columns() | {"kind": np.zeros((10, 1), "i1")})


def test_files_that_are_not_there_or_not_tapes(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"no.parquet: expected a tape, received no such file"):
        open_tape(tmp_path / "no.parquet")
    with pytest.raises(TapeError, match="received a folder"):
        open_tape(tmp_path)
    (tmp_path / "t.csv").write_text("ts")
    with pytest.raises(TapeError, match=r"ends in .parquet, .npz or .npy, received .csv"):
        open_tape(tmp_path / "t.csv")
    for suffix in ("parquet", "npz", "npy"):
        (tmp_path / f"junk.{suffix}").write_bytes(b"not at all" * 20)
        with pytest.raises(TapeError, match=f"junk.{suffix}: expected a .*cannot be read"):
            open_tape(tmp_path / f"junk.{suffix}")
    with pytest.raises(TapeError, match=r"package:nope: expected a sample .* there are: package:demo"):
        open_tape("package:nope")
    with pytest.raises(TapeError, match="expected a sample of this package"):
        open_tape("package:../sample/demo")


def test_arrays_of_objects_and_of_several_dimensions(tmp_path: Path) -> None:
    np.save(tmp_path / "o.npy", np.array([None]), allow_pickle=True)
    with pytest.raises(TapeError, match="expected numbers, received Python objects"):
        open_tape(tmp_path / "o.npy")
    np.save(tmp_path / "d.npy", np.zeros((2, 2)))
    with pytest.raises(TapeError, match="expected one dimension, received 2"):
        open_tape(tmp_path / "d.npy")
    np.save(tmp_path / "f.npy", np.zeros(2))
    with pytest.raises(TapeError, match=r"expected columns .* received none"):
        open_tape(tmp_path / "f.npy")


def test_a_file_cut_short(tmp_path: Path) -> None:
    path = as_npy(tmp_path, columns(100))
    path.write_bytes(path.read_bytes()[:-5])
    tape = open_tape(path)
    with pytest.raises(TapeError, match=r"t.npy: expected .* more bytes, received .* cut short"):
        list(tape.batches(10))


def test_sizes_off_the_lot_can_be_rounded_where_a_run_allows_it() -> None:
    made = columns()
    made["qty"][1], made["qty"][3] = 0.0012, 0.0001
    rounded = Rounded()
    (block,) = read_blocks(open_tape(made), SPOT, rounded=rounded)
    assert (block.qty[1], block.qty[3]) == (1, 1)
    assert (rounded.rows, rounded.first_row) == (2, 1)
    made["qty"][4] = 0.0012  # a trade
    with pytest.raises(TapeError, match="row 4: qty: expected a multiple"):
        list(read_blocks(open_tape(made), SPOT, rounded=Rounded()))


def test_reading_a_large_parquet_file_holds_a_few_batches(tmp_path: Path) -> None:
    """A million rows in one row group are 34 MB of columns; Arrow never holds a quarter of that."""
    n = 1_000_000
    path = tmp_path / "large.parquet"
    made = columns(1000)
    tiled = {name: np.tile(values, n // 1000) for name, values in made.items()} | {"ts": np.arange(n)}
    tiled["qty"] = np.arange(n) * 0.5
    pq.write_table(pa.table(tiled), path, row_group_size=n, compression="none", use_dictionary=False)
    del tiled
    before = pa.total_allocated_bytes()
    most = 0
    rows = 0
    for batch in open_tape(path).batches():
        assert batch.n <= 65_536
        rows += batch.n
        most = max(most, pa.total_allocated_bytes() - before)
    assert rows == n
    assert most < 9_000_000
