"""Window, merge and delay against slow obvious models; and that none of them depends on how blocks are cut."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.adapters.tape import (
    Block,
    FixedLatency,
    LognormalLatency,
    TapeError,
    delay,
    merge,
    open_tape,
    play,
    window,
)
from tickwright.adapters.tape.blocks import FIELDS
from tickwright.engine.instrument import Instrument

Row = tuple[int, int, int, int, int, int, int]


def rows_of(blocks: Iterator[Block]) -> list[Row]:
    return [row for block in blocks for row in zip(*(getattr(block, name).tolist() for name in FIELDS), strict=True)]


def blocks_of(rows: list[Row], sizes: list[int]) -> Iterator[Block]:
    """The rows in blocks of these sizes, the last size again and again."""
    at, turn = 0, 0
    while at < len(rows):
        part = rows[at : at + sizes[min(turn, len(sizes) - 1)]]
        yield Block(*(np.array(column, np.int64) for column in zip(*part, strict=True)))
        at, turn = at + len(part), turn + 1


@st.composite
def tapes(draw: st.DrawFn, market: int = 0) -> list[Row]:
    """Few times, few prices: ties and collisions are the rule. A message has one time; the last may be unfinished."""
    rows: list[Row] = []
    ts = 0
    for number in range(draw(st.integers(0, 8))):
        ts += draw(st.sampled_from([0, 0, 1, 2]))
        if draw(st.booleans()):
            rows.append((ts, market, 1, draw(st.sampled_from([1, -1])), 5, number + 1, 1))
        else:
            count = draw(st.integers(1, 4))
            rows += [
                (ts, market, 0, draw(st.sampled_from([1, -1])), draw(st.integers(1, 4)), draw(st.integers(0, 2)), 0)
                for _ in range(count - 1)
            ]
            rows.append((ts, market, 0, 1, draw(st.integers(1, 4)), number, 1))
    return rows


several = st.integers(1, 4).flatmap(lambda n: st.tuples(*(tapes(market) for market in range(n))))
cuts = st.lists(st.integers(1, 5), min_size=1, max_size=6)
many = settings(max_examples=150, deadline=None)


@many
@given(listed=several, sizes=cuts, size=st.integers(1, 6))
def test_merge_is_a_stable_sort_by_time_of_the_tapes_in_their_order(
    listed: tuple[list[Row], ...], sizes: list[int], size: int
) -> None:
    merged = list(merge([blocks_of(rows, sizes) for rows in listed], size))
    assert rows_of(iter(merged)) == sorted((row for rows in listed for row in rows), key=lambda row: row[0])
    assert all(0 < block.n <= size for block in merged)


def windowed(rows: list[Row], start: int | None, end: int | None) -> list[Row]:
    """The slow model of a window."""
    played = [row for row in rows if (start is None or row[0] >= start) and (end is None or row[0] < end)]
    if start is None:
        return played
    if all(row[0] < start for row in rows):
        return []
    early = [row for row in rows if row[0] < start]
    book: dict[tuple[int, int], int] = {}
    for _, _, kind, side, px, qty, _ in early:
        if kind == 0:
            book[side, px] = qty
    levels = sorted(
        ((side, px) for (side, px), qty in book.items() if qty), key=lambda key: (-key[0], -key[0] * key[1])
    )
    opening = [(start, early[0][1], 0, side, px, book[side, px], 0) for side, px in levels]
    if opening:
        opening[-1] = (*opening[-1][:6], early[-1][6])
    return opening + played


@many
@given(rows=tapes(), start=st.none() | st.integers(0, 8), span=st.none() | st.integers(1, 8), sizes=cuts)
def test_a_window_opens_with_the_book_that_stands_there(
    rows: list[Row], start: int | None, span: int | None, sizes: list[int]
) -> None:
    end = None if span is None else (start or 0) + span
    assert rows_of(window(blocks_of(rows, sizes), start, end)) == windowed(rows, start, end)


def test_a_message_under_way_at_the_start_is_closed_by_its_own_last_row() -> None:
    rows = [(1, 0, 0, 1, 10, 5, 0), (3, 0, 0, -1, 11, 5, 1)]
    assert rows_of(window(blocks_of(rows, [1]), 2)) == [(2, 0, 0, 1, 10, 5, 0), (3, 0, 0, -1, 11, 5, 1)]


def test_reading_stops_at_the_end() -> None:
    def endless() -> Iterator[Block]:
        yield from blocks_of([(t, 0, 1, 1, 1, 1, 1) for t in range(10)], [2])
        raise AssertionError("read past the end")

    assert [row[0] for row in rows_of(window(endless(), None, 5))] == [0, 1, 2, 3, 4]


def test_an_end_must_come_after_the_start() -> None:
    with pytest.raises(TapeError, match=r"data.end: expected a time after data.start 5, received 5"):
        window(iter(()), 5, 5)


def delayed(rows: list[Row], draws: list[int], markets: int) -> list[Row]:
    """The slow model of what is heard: one draw for each message in order of arrival."""
    source = iter(draws)
    under_way: dict[int, int] = {}
    latest: dict[int, int] = {}
    out = []
    for number, (ts, market, *rest) in enumerate(rows):
        if market not in under_way:
            under_way[market] = next(source)
        heard = latest[market] = max(latest.get(market, 0), ts + under_way[market])
        if rest[-1] == 1:
            del under_way[market]
        out.append(((ts, 0, number), (ts, market, *rest)))
        out.append(((heard, 1, number), (heard, market + markets, *rest)))
    return [row for _, row in sorted(out)]


class Listed:
    """Latencies from a list."""

    def __init__(self, draws: list[int]) -> None:
        self.draws = list(draws)

    def draw(self, n: int) -> np.ndarray:
        drawn, self.draws = self.draws[:n], self.draws[n:]
        return np.array(drawn, np.int64)


@many
@given(
    listed=several,
    draws=st.lists(st.integers(0, 6), min_size=40, max_size=40),
    sizes=cuts,
    size=st.integers(1, 6),
)
def test_every_row_happens_once_and_is_heard_once(
    listed: tuple[list[Row], ...], draws: list[int], sizes: list[int], size: int
) -> None:
    rows = sorted((row for rows in listed for row in rows), key=lambda row: row[0])
    blocks = list(delay(blocks_of(rows, sizes), Listed(draws), len(listed), size))
    assert rows_of(iter(blocks)) == delayed(rows, draws, len(listed))
    assert all(0 < block.n <= size for block in blocks)


def test_the_same_seed_hears_the_same_whatever_the_blocks() -> None:
    rows = [(t // 2, t % 2, 1, 1, 10, 1, 1) for t in range(400)]

    def heard(size: int, seed: int) -> list[Row]:
        return rows_of(delay(blocks_of(rows, [size]), LognormalLatency(20, 0.7, np.random.default_rng(seed)), 2))

    first = heard(1, 7)
    assert first == heard(64, 7) == heard(1000, 7)
    assert first != heard(64, 8)
    for market in (2, 3):
        times = [row[0] for row in first if row[1] == market]
        assert times == sorted(times)
        assert len(times) == 200


def test_lognormal_latency_has_its_median_and_its_spread() -> None:
    drawn = LognormalLatency(5_000_000, 0.5, np.random.default_rng(1)).draw(20_000)
    assert np.median(drawn) == pytest.approx(5_000_000, rel=0.03)
    assert np.std(np.log(drawn)) == pytest.approx(0.5, rel=0.03)
    assert LognormalLatency(10**13, 10.0, np.random.default_rng(1)).draw(1000).max() == 86_400_000_000_000


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FixedLatency(-1), "received -1"),
        (lambda: LognormalLatency(0, 1.0, np.random.default_rng(1)), "median of 1 to .* received 0"),
        (lambda: LognormalLatency(5, -1.0, np.random.default_rng(1)), "sigma of 0 to 10, received -1"),
        (lambda: LognormalLatency(5, float("nan"), np.random.default_rng(1)), "received nan"),
    ],
)
def test_latencies_that_cannot_be(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_only_what_is_not_yet_heard_is_held() -> None:
    """A long stream with a short latency: never more than a block ahead of what came in."""
    taken = 0

    def source() -> Iterator[Block]:
        nonlocal taken
        for number in range(200):
            taken += 100
            yield from blocks_of([(number * 100 + i, 0, 1, 1, 1, 1, 1) for i in range(100)], [100])

    given = 0
    for block in delay(source(), FixedLatency(50), 1):
        given += block.n
        assert 2 * taken - given <= 200
    assert given == 40_000


def test_playing_several_tapes() -> None:
    a = Instrument(id="A.X", tick_size=Decimal("0.5"), lot_size=Decimal(1))
    b = Instrument(id="B.X", tick_size=Decimal(1), lot_size=Decimal("0.1"))
    tape = open_tape(
        {
            "ts": np.array([1, 2, 3]),
            "kind": np.array([0, 0, 1]),
            "side": np.array([1, -1, 1]),
            "price": np.array([10.0, 11.0, 11.0]),
            "qty": np.array([1.0, 2.0, 1.0]),
            "last": np.array([1, 1, 1]),
        }
    )
    for size in (1, 2, 100):
        assert rows_of(play([(tape, a), (tape, b)], 2, 4, size)) == [
            (2, 0, 0, 1, 20, 1, 1),
            (2, 0, 0, -1, 22, 2, 1),
            (2, 1, 0, 1, 10, 10, 1),
            (2, 1, 0, -1, 11, 20, 1),
            (3, 0, 1, 1, 22, 1, 1),
            (3, 1, 1, 1, 11, 10, 1),
        ]
