"""A stretch of a tape, from `start` to just before `end`, with the book that stands at its beginning.

A tape is changes, so the rows before `start` are needed to know the book. They are read and folded: the levels that
are still there play as one message at `start`, bids from the best down and then asks from the best up. Trades before
`start` are gone. If a message is under way at `start`, the folded rows stay open (`last` 0) and its own last row
closes them. Rows at `end` or later are not played, and reading stops at the first of them. A tape that ends before
`start` plays nothing: its last book says nothing about a time that nobody recorded.
"""

from collections.abc import Iterator

import numpy as np

from tickwright.adapters.tape.batch import LEVEL, TapeError
from tickwright.adapters.tape.blocks import Block

Levels = dict[int, int]


def window(blocks: Iterator[Block], start: int | None = None, end: int | None = None) -> Iterator[Block]:
    """The part of one tape's blocks that a run plays; both bounds in nanoseconds UTC, None for none.

    Raises:
        TapeError: an end that is not after the start.
    """
    if start is not None and end is not None and end <= start:
        raise TapeError(f"data.end: expected a time after data.start {start}, received {end}")
    return until(blocks if start is None else since(blocks, start), end)


def until(blocks: Iterator[Block], end: int | None) -> Iterator[Block]:
    for block in blocks:
        if end is not None and block.n and block.ts[-1] >= end:
            kept = int(np.searchsorted(block.ts, end, "left"))
            if kept:
                yield block.rows(0, kept)
            return
        yield block


def since(blocks: Iterator[Block], start: int) -> Iterator[Block]:
    bids: Levels = {}
    asks: Levels = {}
    whole = 1
    market = 0
    for block in blocks:
        early = int(np.searchsorted(block.ts, start, "left"))
        if early:
            market = int(block.market[0])
            whole = int(block.last[early - 1])
            fold(block.rows(0, early), 1, bids)
            fold(block.rows(0, early), -1, asks)
        if early < block.n:
            if bids or asks:
                yield snapshot(bids, asks, start, market, whole)
            yield block.rows(early, block.n)
            break
    yield from blocks


def fold(block: Block, side: int, levels: Levels) -> None:
    """Bring one side's levels up to the end of the block: the last word on each price counts."""
    rows = np.flatnonzero((block.kind == LEVEL) & (block.side == side))[::-1]
    prices, newest = np.unique(block.px[rows], return_index=True)
    for price, qty in zip(prices.tolist(), block.qty[rows[newest]].tolist(), strict=True):
        if qty:
            levels[price] = qty
        else:
            levels.pop(price, None)


def snapshot(bids: Levels, asks: Levels, start: int, market: int, whole: int) -> Block:
    """The levels as one message."""
    prices = np.array([*sorted(bids, reverse=True), *sorted(asks)], np.int64)
    n = len(prices)
    side = np.ones(n, np.int64)
    side[len(bids) :] = -1
    sizes = [*(bids[price] for price in sorted(bids, reverse=True)), *(asks[price] for price in sorted(asks))]
    last = np.zeros(n, np.int64)
    last[-1] = whole
    return Block(
        np.full(n, start, np.int64),
        np.full(n, market, np.int64),
        np.full(n, LEVEL, np.int64),
        side,
        prices,
        np.array(sizes, np.int64),
        last,
    )
