"""How long the order manager waits for an answer before it doubts; in nanoseconds, all in one place."""

from attrs import field, frozen
from attrs.validators import gt

SECOND = 1_000_000_000


@frozen(kw_only=True)
class Timeouts:
    """Waits for the answer to an order, a cancel, a replace, and for fills that the venue has announced.

    `orphan` holds a fill whose order is not yet known, `grace` is how long an order must have been quiet before a
    reconciliation says something of it, `inferred` how long trades are asked for before a fill is inferred, and
    `queries` the waits between one query and the next, the last of them without end.
    """

    ack: int = field(default=3 * SECOND, validator=gt(0))
    cancel: int = field(default=3 * SECOND, validator=gt(0))
    replace: int = field(default=3 * SECOND, validator=gt(0))
    fill: int = field(default=2 * SECOND, validator=gt(0))
    orphan: int = field(default=1 * SECOND, validator=gt(0))
    grace: int = field(default=2 * SECOND, validator=gt(0))
    inferred: int = field(default=30 * SECOND, validator=gt(0))
    queries: tuple[int, ...] = (1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 15 * SECOND)

    def query_after(self, tries: int) -> int:
        """The wait before the next query, after so many without an answer that settled it."""
        return self.queries[min(tries, len(self.queries) - 1)]
