"""Several tapes as one stream.

The order of rows: by time; at one time, by the order in which the tapes are listed; within a tape, as recorded. No
tape's rows ever change places, and the result does not depend on how the streams are cut into blocks.

One block of each tape is held. Of these, all rows before the earliest of the last times are settled, whatever comes
next. At that time itself, the first listed tape whose block ends there (the holder) may have more rows to come, so
tapes listed after it must wait with theirs. The holder's block is used up each round: so it always goes on.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tickwright.adapters.tape.batch import BATCH
from tickwright.adapters.tape.blocks import Block, cut, join


class Head:
    """What is held of one stream: its current block and how far it is used up."""

    __slots__ = ("at", "block", "stream")

    def __init__(self, stream: Iterator[Block]) -> None:
        self.stream = stream
        self.block: Block | None = None
        self.at = 0

    def fill(self) -> bool:
        """Have rows at hand; false when the stream has ended."""
        while self.block is None or self.at == self.block.n:
            self.block = next(self.stream, None)
            self.at = 0
            if self.block is None:
                return False
        return True

    @property
    def until(self) -> int:
        """The time of the last row at hand."""
        assert self.block is not None
        return int(self.block.ts[-1])

    def take(self, time: int, inclusive: bool) -> Block:
        """The rows before `time`, or up to it."""
        assert self.block is not None
        begin = self.at
        self.at = int(np.searchsorted(self.block.ts, time, "right" if inclusive else "left"))
        self.at = max(begin, self.at)
        return self.block.rows(begin, self.at)


def merge(streams: Sequence[Iterator[Block]], size: int = BATCH) -> Iterator[Block]:
    """Merge streams of blocks, each in order of time, into blocks of at most `size` rows."""
    heads = [Head(iter(stream)) for stream in streams]
    heads = [head for head in heads if head.fill()]
    while heads:
        time = min(head.until for head in heads)
        holder = next(i for i, head in enumerate(heads) if head.until == time)
        parts = [head.take(time, i <= holder) for i, head in enumerate(heads)]
        parts = [part for part in parts if part.n]
        block = join(parts)
        if len(parts) > 1:
            block = block.pick(np.argsort(block.ts, kind="stable"))
        yield from cut(block, size)
        heads = [head for head in heads if head.fill()]
