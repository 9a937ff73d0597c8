"""Blocks: tapes in the units of the engine, ready for a compiled loop.

Every column is a contiguous array of 64-bit integers, so that `const long long[::1]` takes it as it is.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from attrs import field, frozen

from tickwright.adapters.tape.batch import BATCH, Ints
from tickwright.adapters.tape.check import Checker, Rounded
from tickwright.adapters.tape.reader import Tape
from tickwright.engine.instrument import Instrument

FIELDS = ("ts", "market", "kind", "side", "px", "qty", "last")


@frozen(eq=False)
class Block:
    """Rows in replay order: times in nanoseconds, prices in ticks, sizes in lots.

    `market` is the index of the instrument in the run; `kind` 0 is a level, 1 a trade; `side` is 1 or -1.
    """

    ts: Ints
    market: Ints
    kind: Ints
    side: Ints
    px: Ints
    qty: Ints
    last: Ints
    n: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "n", len(self.ts))

    def rows(self, begin: int, end: int) -> "Block":
        """A part of it, as views."""
        return Block(*(getattr(self, name)[begin:end] for name in FIELDS))

    def pick(self, rows: Ints) -> "Block":
        """These rows in this order, as copies."""
        return Block(*(getattr(self, name)[rows] for name in FIELDS))


def join(blocks: Sequence[Block]) -> Block:
    """One block of several, one after the other."""
    if len(blocks) == 1:
        return blocks[0]
    return Block(*(np.concatenate([getattr(block, name) for block in blocks]) for name in FIELDS))


def cut(block: Block, size: int) -> Iterator[Block]:
    """The same rows in blocks of at most `size`; nothing for an empty block."""
    if 0 < block.n <= size:
        yield block
        return
    for begin in range(0, block.n, size):
        yield block.rows(begin, begin + size)


def read_blocks(
    tape: Tape, instrument: Instrument, market: int = 0, size: int = BATCH, rounded: Rounded | None = None
) -> Iterator[Block]:
    """A tape in the units of an instrument, checked row by row.

    Sizes off the lot are refused, unless `rounded` is given: see there.

    Raises:
        TapeError: the first thing wrong, when its batch is reached: see `Checker`.
    """
    checker = Checker(tape.name, rounded)
    for batch in tape.batches(size):
        checker.check(batch)
        px, qty = checker.steps(batch, instrument)
        yield Block(
            np.ascontiguousarray(batch.ts, np.int64),
            np.full(batch.n, market, np.int64),
            batch.kind.astype(np.int64),
            batch.side.astype(np.int64),
            px,
            qty,
            batch.last.astype(np.int64),
        )
    checker.finish()
