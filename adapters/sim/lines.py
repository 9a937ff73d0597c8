"""The two directions of a connection as queues in time: commands to the venue, reports back.

Messages of one connection never overtake: each is due after its own delay, but not before the one sent earlier. So
a ring in order of sending is also in order of time, and its message objects are used again and again.
"""

from tickwright.adapters.sim.latency import Latency
from tickwright.adapters.sim.tickets import Ticket
from tickwright.engine.errors import TickwrightError
from tickwright.engine.ports import Reports
from tickwright.engine.terms import NO_TIME

FIRST = 64
LONGEST = 1_048_576
"""More messages under way than this (100 MB) is a runaway, not a latency."""

SUBMIT = 0
CANCEL = 1
ACCEPTED = 2
REFUSED = 3
EXECUTED = 4
CANCELED = 5
CANCEL_REFUSED = 6
EXPIRED = 7


class Message:
    """One command or report under way; which fields mean something depends on `kind`."""

    __slots__ = (
        "cause",
        "client_order_id",
        "due",
        "kind",
        "lots",
        "maker",
        "market",
        "refusal",
        "request_id",
        "text",
        "ticket",
        "ticks",
    )

    def __init__(self) -> None:
        self.kind = 0
        self.due = 0
        self.client_order_id = ""
        self.text = ""
        self.ticket = Ticket()
        self.market = 0
        self.refusal = 0
        self.maker = False
        self.lots = 0
        self.ticks = 0
        self.cause = 0
        self.request_id = 0


class Pipe:
    """Messages of one direction, first in, first out. `next_due` is the first one's time, NO_TIME when empty."""

    __slots__ = ("count", "fixed_ns", "head", "last_due", "latency", "longest", "next_due", "ring", "size")

    def __init__(self, latency: Latency, longest: int = LONGEST) -> None:
        self.latency = latency
        self.longest = longest
        self.fixed_ns = latency.fixed_ns
        self.head = 0
        self.count = 0
        self.size = FIRST
        self.ring: list[Message] = [Message() for _ in range(FIRST)]
        self.last_due = 0
        self.next_due: int = NO_TIME

    def put(self, now: int) -> Message:
        """The message to fill in for something sent at `now`."""
        delay = self.fixed_ns
        if delay < 0:
            delay = self.latency.draw()
        due = now + delay
        if due < self.last_due:
            due = self.last_due
        self.last_due = due
        if self.count == self.size:
            self.grow()
        i = self.head + self.count
        if i >= self.size:
            i -= self.size
        message = self.ring[i]
        message.due = due
        if self.count == 0:
            self.next_due = due
        self.count += 1
        return message

    def take(self) -> Message:
        """The first message, which must be read before the next `put`."""
        message = self.ring[self.head]
        self.head += 1
        if self.head == self.size:
            self.head = 0
        self.count -= 1
        if self.count == 0:
            self.next_due = NO_TIME
        else:
            following = self.ring[self.head]
            self.next_due = following.due
        return message

    def grow(self) -> None:
        if self.size >= self.longest:
            raise TickwrightError(
                f"simulated line: expected at most {self.longest} messages under way, received one more; the run ends"
            )
        fresh = [Message() for _ in range(self.size)]
        self.ring = self.ring[self.head :] + self.ring[: self.head] + fresh
        self.head = 0
        self.size *= 2


class ReportLine(Reports):
    """Takes what the matchers say and hands it to `target` when it is due, with that time as `ts`."""

    __slots__ = ("pipe", "target")

    def __init__(self, target: Reports, latency: Latency) -> None:
        self.target = target
        self.pipe = Pipe(latency)

    def put(self, kind: int, client_order_id: str, ts: int) -> Message:
        message = self.pipe.put(ts)
        message.kind = kind
        message.client_order_id = client_order_id
        return message

    def accepted(self, client_order_id: str, venue_order_id: str, ts: int) -> None:
        message = self.put(ACCEPTED, client_order_id, ts)
        message.text = venue_order_id

    def refused(self, client_order_id: str, reason: str, ts: int) -> None:
        message = self.put(REFUSED, client_order_id, ts)
        message.text = reason

    def executed(
        self, client_order_id: str, trade_id: str, lots: int, ticks: int, maker: bool, cause: int, ts: int
    ) -> None:
        message = self.put(EXECUTED, client_order_id, ts)
        message.text = trade_id
        message.lots = lots
        message.ticks = ticks
        message.maker = maker
        message.cause = cause

    def canceled(self, client_order_id: str, stated_cum: int, reason: str, ts: int) -> None:
        message = self.put(CANCELED, client_order_id, ts)
        message.text = reason
        message.lots = stated_cum

    def cancel_refused(self, client_order_id: str, kind: int, stated_cum: int, request_id: int, ts: int) -> None:
        message = self.put(CANCEL_REFUSED, client_order_id, ts)
        message.refusal = kind
        message.lots = stated_cum
        message.request_id = request_id

    def expired(self, client_order_id: str, stated_cum: int, ts: int) -> None:
        message = self.put(EXPIRED, client_order_id, ts)
        message.lots = stated_cum

    def deliver(self) -> None:
        """Hand over the first report."""
        m = self.pipe.take()
        kind = m.kind
        if kind == ACCEPTED:
            self.target.accepted(m.client_order_id, m.text, m.due)
        elif kind == EXECUTED:
            self.target.executed(m.client_order_id, m.text, m.lots, m.ticks, m.maker, m.cause, m.due)
        elif kind == CANCELED:
            self.target.canceled(m.client_order_id, m.lots, m.text, m.due)
        elif kind == CANCEL_REFUSED:
            self.target.cancel_refused(m.client_order_id, m.refusal, m.lots, m.request_id, m.due)
        elif kind == EXPIRED:
            self.target.expired(m.client_order_id, m.lots, m.due)
        else:
            self.target.refused(m.client_order_id, m.text, m.due)
