"""From tapes and instruments to the one stream that a run plays."""

from collections.abc import Iterable, Iterator, Sequence

from tickwright.adapters.tape.batch import BATCH
from tickwright.adapters.tape.blocks import Block, read_blocks
from tickwright.adapters.tape.check import Rounded
from tickwright.adapters.tape.merge import merge
from tickwright.adapters.tape.reader import Tape
from tickwright.adapters.tape.window import window
from tickwright.engine.instrument import Instrument


def play(
    tapes: Iterable[tuple[Tape, Instrument]],
    start: int | None = None,
    end: int | None = None,
    size: int = BATCH,
    rounded: Sequence[Rounded] | None = None,
) -> Iterator[Block]:
    """The tapes between `start` and `end` (see `window`), merged by time (see `merge`), in blocks of at most `size`.

    The market of a row is the place of its tape in `tapes`. `rounded`, one for each tape if given, allows and
    counts level sizes that are off the lot.
    """
    streams = [
        window(read_blocks(tape, instrument, market, size, rounded[market] if rounded else None), start, end)
        for market, (tape, instrument) in enumerate(tapes)
    ]
    return merge(streams, size)
