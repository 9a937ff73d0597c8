"""Keeping one book in step with the venue.

A whole book carries one number, `u`. An update carries the first number it covers, `u`, and the last, `U` (the letters
are the reverse of what other venues do). With `last` the number that the book has reached:

    1. U <= last            stale: ignored
    2. u <= last < U        overlap: applied, since entries are absolute
    3. u == last + 1        the next one: applied
    4. u > last + 1         a gap: the book is not to be trusted until a whole one arrives

A whole book may come at any time (on subscription, and again every so often) and replaces everything, also when its
number is lower: the venue was restarted. Rule 3 is shown by the venue's example and never stated, hence the switch
`Gaps.LOG_ONLY`. The first edition of the pages has no `U` at all, hence the switch `Bare`.
"""

from enum import Enum

from tickwright.adapters.tdx.messages import Depth
from tickwright.engine.errors import SequenceGap


class Gaps(Enum):
    """What a gap does: resync the book, or only be told of."""

    STRICT = "strict"
    LOG_ONLY = "log_only"


class Bare(Enum):
    """What a book message without `U` is: the whole book, or (after the first) changes."""

    SNAPSHOT = "snapshot"
    DELTA_AFTER_FIRST = "delta_after_first"


class Step(Enum):
    """What to do with a book message."""

    REPLACE = "replace"
    CHANGE = "change"
    IGNORE = "ignore"


class BookGap(SequenceGap):
    """An update skipped numbers: `expected` was the next, `received` came."""

    def __init__(self, instrument: str, expected: int, received: int) -> None:
        super().__init__(f"{instrument}: expected sequence {expected}, received {received}; the book is read anew")
        self.instrument = instrument
        self.expected = expected
        self.received = received


class BookSequence:
    """Where one book stands; `last` is None until a whole book has come, and again after a gap."""

    def __init__(self, instrument: str, gaps: Gaps = Gaps.STRICT, bare: Bare = Bare.SNAPSHOT) -> None:
        self.instrument = instrument
        self.last: int | None = None
        self.gap: BookGap | None = None
        self.stale = 0
        self.overlaps = 0
        self.whole = 0
        self._gaps = gaps
        self._bare = bare
        self._fresh = True  # the first book message since the venue confirmed the channel is a whole book

    def take(self, message: Depth) -> Step:
        """What to do with the next message of this book.

        `gap` is set by a message that skipped numbers and was applied all the same (`Gaps.LOG_ONLY`), else None.

        Raises:
            BookGap: numbers were skipped; updates are ignored from here until the next whole book.
        """
        assert message.instrument == self.instrument
        self.gap = None
        if not self._is_update(message):
            self._fresh = False
            self.last = message.first
            self.whole += 1
            return Step.REPLACE
        if self.last is None:
            return Step.IGNORE
        upper = message.first if message.last is None else message.last
        if upper <= self.last:
            self.stale += 1
            return Step.IGNORE
        if message.first > self.last + 1:
            gap = BookGap(self.instrument, self.last + 1, message.first)
            if self._gaps is Gaps.STRICT:
                self.last = None
                raise gap
            self.gap = gap
        if message.first <= self.last:
            self.overlaps += 1
        self.last = upper
        return Step.CHANGE

    def confirmed(self) -> None:
        """The venue confirmed the channel: what comes next is a whole book."""
        self._fresh = True

    def lose(self) -> bool:
        """Forget the book; true if there was one."""
        lost, self.last = self.last is not None, None
        return lost

    def _is_update(self, message: Depth) -> bool:
        if message.named_update or message.last is not None:
            return True
        return self._bare is Bare.DELTA_AFTER_FIRST and not self._fresh
