"""Writing tapes, looking into them, and the sample that ships with the package."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickwright.adapters.tape import TapeError, head, inspect_tape, open_tape, play, write_tape
from tickwright.adapters.tape.inspect import HELD, Levels
from tickwright.adapters.tape.reader import SAMPLES
from tickwright.engine.instrument import Instrument, Kind

PERP = Instrument(
    id="BTC/USD.TEST",
    tick_size=Decimal("0.00000001"),
    lot_size=Decimal("0.1"),
    kind=Kind.INVERSE,
    base="BTC",
    quote="USD",
    max_qty=Decimal("1000"),
    multiplier=Decimal("10"),
    expiry_ns=1_800_000_000_000_000_000,
)


def table(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    """Columns of (ts, kind, side, price, qty, last)."""
    ts, kind, side, price, qty, last = zip(*rows, strict=True)
    whole = {"ts": ts, "kind": kind, "side": side, "last": last}
    return {name: np.array(values, np.int64) for name, values in whole.items()} | {
        "price": np.array(price, float),
        "qty": np.array(qty, float),
    }


SOUND = [(1, 0, 1, 10.0, 1.0, 0), (1, 0, -1, 11.0, 2.0, 1), (2, 1, 1, 11.0, 1.0, 1), (3, 0, -1, 11.0, 1.0, 1)]


def test_instrument_and_origin_come_back_from_a_tape(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    assert write_tape(path, [table(SOUND)], instrument=PERP, origin={"source": "a test"}) == 4
    tape = open_tape(path)
    assert tape.instrument == PERP
    assert tape.origin == {"source": "a test"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]


def test_writing_in_small_row_groups_changes_nothing(tmp_path: Path) -> None:
    parts = [table([(t, 0, 1, 10.0, 1.0, 1) for t in range(start, start + 7)]) for start in range(0, 70, 7)]
    write_tape(tmp_path / "t.parquet", iter(parts), row_group=10)
    file = pq.ParquetFile(tmp_path / "t.parquet")
    assert max(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)) <= 10
    assert np.concatenate([batch.ts for batch in open_tape(tmp_path / "t.parquet").batches(9)]).tolist() == [*range(70)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(2, 0, 1, 10.0, 1.0, 1), (1, 0, 1, 10.0, 1.0, 1)], "row 1: ts: expected a time not before 2"),
        ([(2, 0, 1, 10.0, 1.05, 1)], "row 0: qty: expected a multiple of the lot 0.1"),
        ([(2, 0, 1, 10.0, 1.0, 0)], "row 0: last: expected 1 at the end"),
    ],
)
def test_nothing_unplayable_is_written(tmp_path: Path, rows: list[tuple[Any, ...]], message: str) -> None:
    with pytest.raises(TapeError, match=message):
        write_tape(tmp_path / "t.parquet", [table(rows)], instrument=PERP)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"{", "expected a JSON object, received b'{'"),
        (b"[]", "expected a JSON object of text"),
        (b'{"id": 1}', "expected a JSON object of text"),
        (b'{"id": "A.B", "tick": "1", "colour": "red"}', r"unknown \['colour'\], missing \['lot'\]"),
        (b'{"id": "A.B", "tick": "x", "lot": "1"}', "expected an instrument, received"),
        (b'{"id": "A.B", "tick": "0", "lot": "1"}', "expected a positive tick"),
        (b'{"id": "A.B", "tick": "1", "lot": "1", "kind": "odd"}', "'odd' is not a valid Kind"),
    ],
)
def test_metadata_that_cannot_be_is_refused(tmp_path: Path, said: bytes, message: str) -> None:
    made = pa.table(table(SOUND)).replace_schema_metadata({b"tickwright.instrument": said})
    pq.write_table(made, tmp_path / "t.parquet")
    with pytest.raises(TapeError, match=message):
        open_tape(tmp_path / "t.parquet")


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_head_is_cut_between_messages(size: int) -> None:
    tape = open_tape(
        table([(10, 0, 1, 1.0, 1.0, 1), (20, 0, 1, 1.0, 1.0, 0), (30, 0, 1, 1.0, 1.0, 1), (40, 1, 1, 1, 1, 1)])
    )
    assert sum(batch.n for batch in head(tape.batches(size), 20)) == 3
    assert sum(batch.n for batch in head(tape.batches(size), 10)) == 1
    assert sum(batch.n for batch in head(tape.batches(size), 31)) == 4


def test_a_sound_tape_is_described() -> None:
    seen: list[tuple[int, int]] = []
    found = inspect_tape(table(SOUND), progress=lambda done, of: seen.append((done, of)))
    assert (found.rows, found.level_changes, found.messages, found.trades) == (4, 3, 2, 1)
    assert (found.first_ts, found.last_ts, found.span_ns) == (1, 3, 2)
    assert (found.bid_levels, found.ask_levels, found.most_bid_levels) == (1, 1, 1)
    assert (found.crossed, found.duplicates, found.gaps, found.whole, found.problems) == (0, 0, 0, True, ())
    assert seen == [(4, 4)]
    assert json.loads(json.dumps(found.as_dict()))["span_ns"] == 2


def test_crossed_books_duplicates_gaps_and_jumps() -> None:
    second, hour = 10**9, 3600 * 10**9
    found = inspect_tape(
        table(
            [
                (0, 0, -1, 11.0, 1.0, 1),
                (1, 0, 1, 11.0, 1.0, 0),
                (1, 0, 1, 11.0, 0.0, 1),  # crossed inside the message only
                (2, 0, 1, 12.0, 1.0, 1),  # crossed
                (3, 1, 1, 11.0, 1.0, 1),
                (3, 1, 1, 11.0, 1.0, 1),  # the same again
                (3 + 11 * second, 0, 1, 12.0, 0.0, 1),  # a gap
                (3, 1, 1, 11.0, 1.0, 1),  # back
                (4 + hour, 1, 1, 11.0, 1.0, 1),  # ahead
            ]
        )
    )
    assert (found.crossed, found.first_crossed_row) == (1, 3)
    assert (found.duplicates, found.first_duplicate_row) == (1, 5)
    assert (found.gaps, found.longest_gap_row, found.longest_gap_ns) == (2, 8, hour + 1)
    assert (found.jumps_back, found.jumps_ahead) == (1, 1)
    assert [(p.what, p.count, p.first_row) for p in found.problems] == [
        ("ts: expected a time not before the row before", 1, 7)
    ]


def test_everything_wrong_is_counted_and_nothing_raises() -> None:
    found = inspect_tape(
        table(
            [
                (1, 0, 1, 10.0, 1.0, 1),
                (1, 7, 1, 10.0, 1.0, 1),
                (1, 0, 0, 10.0, 1.0, 1),
                (1, 0, -1, np.nan, 1.0, 1),
                (1, 0, -1, 10.123456789, -1.0, 1),
                (1, 0, -1, 10.123456789, 1.05, 5),
                (1, 0, -1, 10.123456789, 1.05, 0),
            ]
        ),
        instrument=PERP,
    )
    words = {problem.what.split(":")[0]: (problem.count, problem.first_row) for problem in found.problems}
    assert words["kind"] == (1, 1)
    assert words["side"] == (1, 2)
    whats = {problem.what: (problem.count, problem.first_row) for problem in found.problems}
    assert whats["price: expected a positive number"] == (1, 3)
    assert whats["qty: expected a number that is not negative"] == (1, 4)
    assert whats["last: expected 0 or 1"] == (1, 5)
    assert whats["price: expected a value on the grid of BTC/USD.TEST"] == (1, 6)
    assert whats["qty: expected a value on the grid of BTC/USD.TEST"] == (1, 6)
    assert not found.whole


def test_bad_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "junk.parquet").write_bytes(b"junk" * 100)
    for source in (
        tmp_path / "junk.parquet",
        tmp_path / "none.npz",
        {"ts": np.arange(3)},
        table(SOUND[:1]),
    ):
        found = inspect_tape(source)
        assert found.problems
    write_tape(tmp_path / "t.parquet", [table(SOUND)])
    cut = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(cut[:20] + bytes(20) + cut[40:])
    assert inspect_tape(tmp_path / "t.parquet").problems


def test_a_message_without_end_is_not_held_for_ever() -> None:
    n = HELD + 10
    rows = {"ts": np.zeros(n, int), "kind": np.zeros(n, int), "side": np.ones(n, int), "last": np.zeros(n, int)}
    found = inspect_tape(rows | {"price": np.arange(1.0, n + 1), "qty": np.ones(n)})
    assert (found.whole, found.bid_levels, found.messages) == (False, n, 0)


def test_one_side_of_a_book_keeps_its_best_price_and_little_else() -> None:
    bids = Levels(-1)
    for number in range(20_000):
        bids.set(1.0 + number % 50, 1.0)
        if number % 50 < 49:
            bids.set(1.0 + number % 50, 0.0)
    assert bids.best() == 50.0
    assert len(bids.heap) <= 1_003


def test_the_sample_is_sound() -> None:
    found = inspect_tape("package:demo")
    assert (found.rows, found.level_changes, found.trades, found.messages) == (77_271, 71_895, 5_376, 2_295)
    assert (found.crossed, found.jumps_back, found.problems, found.whole) == (0, 0, (), True)
    assert found.instrument == "BTCUSDT.BINANCE"
    assert 229e9 < found.span_ns < 231e9
    assert found.longest_gap_ns < 10**9


def test_the_sample_opens_with_the_whole_book_and_plays() -> None:
    tape = open_tape("package:demo")
    assert tape.instrument is not None
    assert (tape.instrument.tick_size, tape.instrument.lot_size) == (Decimal("0.01"), Decimal("0.00001"))
    blocks = list(play([(tape, tape.instrument)]))
    opening = int(np.argmax(blocks[0].last)) + 1
    assert opening == 2_000
    assert (blocks[0].qty[:opening] > 0).all()
    assert sum(block.n for block in blocks) == tape.rows == 77_271


def test_the_sample_is_small_and_says_where_it_is_from() -> None:
    assert (SAMPLES / "demo.parquet").stat().st_size <= 500_000
    origin = open_tape("package:demo").origin
    assert "5f3ec40b" in origin["source"]
    assert origin["licence"] == "MIT, (c) 2022 nkaz001"
    assert "MIT License" in (SAMPLES / "LICENCE-hftbacktest-MIT.txt").read_text()
    text = (SAMPLES / "ORIGIN.md").read_text()
    for word in ("5f3ec40b", "MIT", "77,271", "25.426189"):
        assert word in text
