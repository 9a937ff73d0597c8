"""What a venue keeps of one account's orders: the record of each, the line they stand in, and the desk they came to."""

from tickwright.engine.ports import Reports
from tickwright.engine.terms import NO_TIME, Refusal

BACK = 0
PROBABILISTIC = 1
OPTIMISTIC = 2
PESSIMISTIC = 3
QUEUES = {"back": BACK, "probabilistic": PROBABILISTIC, "optimistic": OPTIMISTIC, "pessimistic": PESSIMISTIC}
"""The values of the config key `queue`."""

NOWHERE = -9_223_372_036_854_775_807
"""A key below every key: no order rests, or any price will do."""

KEPT = 65_536
"""Finished orders remembered for late cancels and repeated ids: this many, and up to as many again (16 MB at most)."""

TOO_LATE = int(Refusal.TOO_LATE)
UNKNOWN_ORDER = int(Refusal.UNKNOWN_ORDER)


class Ticket:
    """One own order as the venue sees it. The caller states the terms, the matcher keeps the rest.

    `known` says that its acceptance was told before, by an earlier run of the venue.
    """

    __slots__ = (
        "ahead",
        "client_order_id",
        "cum",
        "expire_ts",
        "key",
        "known",
        "leaves",
        "linked",
        "live",
        "lots",
        "newer",
        "number",
        "older",
        "post_only",
        "reduce_only",
        "shown",
        "side",
        "ticks",
        "tif_code",
        "traded",
        "type_code",
    )

    def __init__(self) -> None:
        self.client_order_id = ""
        self.side = 0
        self.type_code = 0
        self.tif_code = 0
        self.post_only = False
        self.reduce_only = False
        self.ticks = 0
        self.lots = 0
        self.expire_ts = 0
        self.known = False
        self.number = 0
        self.key = 0
        self.leaves = 0
        self.cum = 0
        self.ahead = 0
        self.shown = 0
        self.traded = 0
        self.live = False
        self.linked = False
        self.older: Ticket | None = None
        self.newer: Ticket | None = None


class Taken:
    """What we took from a level since its last row, and what that row showed."""

    __slots__ = ("lots", "shown")

    def __init__(self) -> None:
        self.lots = 0
        self.shown = 0


class Trace:
    """The levels of one side that we took from, by key, and the span of their keys since there were none."""

    __slots__ = ("high", "levels", "low")

    def __init__(self) -> None:
        self.levels: dict[int, Taken] = {}
        self.low = NO_TIME
        self.high = NOWHERE

    def note(self, key: int) -> Taken:
        """The level at `key`, made where there was none."""
        taken = self.levels.get(key)
        if taken is None:
            taken = Taken()
            self.levels[key] = taken
            if key < self.low:
                self.low = key
            if key > self.high:
                self.high = key
        return taken

    def forget(self, key: int) -> bool:
        """Drop the level at `key`; whether there was one."""
        if not self.low <= key <= self.high or self.levels.pop(key, None) is None:
            return False
        if not self.levels:
            self.low = NO_TIME
            self.high = NOWHERE
        return True


class Line:
    """Own orders resting on one side, best price first and the older first at one price."""

    __slots__ = ("best", "head", "n", "worst")

    def __init__(self) -> None:
        self.head: Ticket | None = None
        self.n = 0
        self.best = NOWHERE
        self.worst = NO_TIME

    def insert(self, ticket: Ticket) -> None:
        before: Ticket | None = None
        after = self.head
        while after is not None and after.key >= ticket.key:
            before = after
            after = after.newer
        ticket.older = before
        ticket.newer = after
        if before is None:
            self.head = ticket
            self.best = ticket.key
        else:
            before.newer = ticket
        if after is None:
            self.worst = ticket.key
        else:
            after.older = ticket
        ticket.linked = True
        self.n += 1

    def remove(self, ticket: Ticket) -> None:
        before = ticket.older
        after = ticket.newer
        if before is None:
            self.head = after
            self.best = NOWHERE if after is None else after.key
        else:
            before.newer = after
        if after is None:
            self.worst = NO_TIME if before is None else before.key
        else:
            after.older = before
        ticket.older = None
        ticket.newer = None
        ticket.linked = False
        self.n -= 1


class Desk:
    """One account at the venue: its orders by `client_order_id`, its counters, and who hears of what happens.

    `reports` must not call back into a matcher; `SimVenue` queues them, a mirror writes frames. Orders and trades are
    numbered from after `first`.
    """

    __slots__ = ("kept", "max_open", "model", "old", "open", "orders", "reports", "submitted", "trades")

    def __init__(
        self, reports: Reports, model: int = BACK, max_open: int = 10_000, kept: int = KEPT, first: int = 0
    ) -> None:
        self.reports = reports
        self.model = model
        self.max_open = max_open
        self.kept = kept
        self.open = 0
        self.submitted = first
        self.trades = first
        self.orders: dict[str, Ticket] = {}
        self.old: dict[str, Ticket] = {}

    def find(self, client_order_id: str) -> Ticket | None:
        """The order of that id, live or remembered."""
        ticket = self.orders.get(client_order_id)
        return self.old.get(client_order_id) if ticket is None else ticket

    def enter(self, ticket: Ticket) -> None:
        """Take a new order into the books, and forget the oldest finished ones when there are too many."""
        if len(self.orders) >= self.kept + self.max_open:
            self.old = self.orders
            self.orders = {name: each for name, each in self.old.items() if each.live}
        self.orders[ticket.client_order_id] = ticket
        self.submitted += 1
        self.open += 1
        ticket.number = self.submitted
        ticket.live = True

    def cancel_unknown(self, client_order_id: str, request_id: int, ts: int) -> None:
        """Answer a cancel that finds no live order."""
        ticket = self.find(client_order_id)
        if ticket is None:
            self.reports.cancel_refused(client_order_id, UNKNOWN_ORDER, -1, request_id, ts)
        else:
            self.reports.cancel_refused(client_order_id, TOO_LATE, ticket.cum, request_id, ts)
