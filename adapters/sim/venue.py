"""The simulated venue behind the engine's port: commands travel, are matched, and reports travel back.

Nothing happens inside `submit` or `cancel` but sending. All that is due is done by `advance`, in the order of time;
at one time first expiries, then commands, then reports, so that the core is never entered from its own call and two
runs do the same. A strategy's answer to a report joins the queue in the same round.
"""

from tickwright.adapters.sim.latency import Fixed, Generator, Latency
from tickwright.adapters.sim.lines import CANCEL, SUBMIT, Message, Pipe, ReportLine
from tickwright.adapters.sim.matching import Matcher
from tickwright.adapters.sim.tickets import QUEUES, Desk, Ticket
from tickwright.engine.book import Book
from tickwright.engine.capability import Capability
from tickwright.engine.errors import TickwrightError
from tickwright.engine.order import Order
from tickwright.engine.ports import Reports, Stake, TapeVenue
from tickwright.engine.terms import NO_TIME

CAPABILITY = Capability()
"""Every type, time in force and flag of the engine is played here; only a replace is emulated by the core."""

REJECTED_BY_CHANCE = "simulated_reject"
UNKNOWN_INSTRUMENT = "unknown_instrument"


class SimVenue(TapeVenue):
    """One account at one simulated venue.

    `books` by market index are what the venue matches against (None where it does not trade that market): the core's
    own while market data takes no time to the strategy, else the venue's. `to_venue` and `to_client` delay commands
    and reports. `queue` is one of `QUEUES`. A share `reject_probability` of new orders is refused, drawn from
    `random`, which the caller has seeded. Orders and trades are numbered from after `first`, so that two runs of one
    journal give no id twice.
    """

    native_replace = False

    def __init__(
        self,
        reports: Reports,
        books: list[Book | None],
        *,
        queue: str = "back",
        to_venue: Latency | None = None,
        to_client: Latency | None = None,
        reject_probability: float = 0.0,
        random: Generator | None = None,
        max_open: int = 10_000,
        first: int = 0,
    ) -> None:
        if queue not in QUEUES:
            raise TickwrightError(f"simulator: expected queue to be one of {', '.join(QUEUES)}, received {queue!r}")
        if not 0 <= reject_probability <= 1 or (reject_probability > 0 and random is None):
            raise TickwrightError(
                f"simulator: expected a reject probability of 0 to 1 and a generator, received {reject_probability}"
            )
        self.outbox = ReportLine(reports, to_client or Fixed())
        self.inbox = Pipe(to_venue or Fixed())
        self.instant = self.inbox.fixed_ns == 0 and self.outbox.pipe.fixed_ns == 0
        self.next_due = NO_TIME
        self.stakes = [Stake() for _ in books]
        self.event = 0
        self.desk = Desk(self.outbox, QUEUES[queue], max_open, first=first)
        self.matchers: list[Matcher | None] = [None if book is None else Matcher(book, self.desk) for book in books]
        self.expiry_due: int = NO_TIME
        self.reject_probability = reject_probability
        self.random = random if reject_probability > 0 else None

    # --- the engine's port --------------------------------------------------------------------------------------

    def submit(self, order: Order, now: int) -> None:
        """Send a new order."""
        self.send_order(self.ticket(order, order.lots), order.market, now)

    def hold(self, market: int, lots: int) -> None:
        """Begin with a position in a market."""
        matcher = self.matchers[market]
        if matcher is not None:
            matcher.hold(lots)

    def enter_again(self, order: Order, now: int) -> str:
        """Take back an order that rested when an earlier run ended: what is left of it, behind everything there is.

        Returns why it cannot rest here any more, or an empty string.
        """
        ticket = self.ticket(order, order.lots - order.cum)
        ticket.known = True
        matcher = self.matchers[order.market]
        reason = UNKNOWN_INSTRUMENT if matcher is None else matcher.why_not(ticket, now)
        if not reason:
            self.send_order(ticket, order.market, now)
        return reason

    def ticket(self, order: Order, lots: int) -> Ticket:
        """An order as the venue keeps it."""
        ticket = Ticket()
        ticket.client_order_id = order.client_order_id
        ticket.side = order.side_code
        ticket.type_code = order.type_code
        ticket.tif_code = order.tif_code
        ticket.post_only = order.post_only
        ticket.reduce_only = order.reduce_only
        ticket.ticks = order.ticks
        ticket.lots = lots
        ticket.expire_ts = order.expire_ts
        return ticket

    def cancel(self, order: Order, request_id: int, now: int) -> None:
        """Send a cancel."""
        self.send_cancel(order.client_order_id, order.market, request_id, now)

    # --- the same without the engine's order record -------------------------------------------------------------

    def send_order(self, ticket: Ticket, market: int, now: int) -> None:
        """Send a new order; the ticket is the venue's from here on."""
        message = self.inbox.put(now)
        message.kind = SUBMIT
        message.ticket = ticket
        message.market = market
        if self.inbox.next_due < self.next_due:
            self.next_due = self.inbox.next_due

    def send_cancel(self, client_order_id: str, market: int, request_id: int, now: int) -> None:
        """Send a cancel by id."""
        message = self.inbox.put(now)
        message.kind = CANCEL
        message.client_order_id = client_order_id
        message.request_id = request_id
        message.market = market
        if self.inbox.next_due < self.next_due:
            self.next_due = self.inbox.next_due

    # --- the driver's port --------------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Do all that is due by `now`."""
        while self.next_due <= now and self.next_due < NO_TIME:
            due = self.next_due
            if self.expiry_due <= due:
                self.expire(due)
            elif self.inbox.next_due <= due:
                self.act(self.inbox.take(), due)
            elif self.outbox.pipe.next_due <= due:
                self.outbox.deliver()
            self.schedule()

    def schedule(self) -> None:
        due = self.expiry_due
        if self.inbox.next_due < due:
            due = self.inbox.next_due
        if self.outbox.pipe.next_due < due:
            due = self.outbox.pipe.next_due
        self.next_due = due

    def level(self, market: int, side: int, ticks: int, lots: int, ts: int, event: int) -> None:
        """A level of the venue's book becomes `lots`."""
        matcher = self.matchers[market]
        if matcher is not None and matcher.level(side, ticks, lots, ts, event):
            self.settle(matcher, market)

    def trade(self, market: int, taker: int, ticks: int, lots: int, ts: int, event: int) -> None:
        """Somebody else's trade was printed."""
        matcher = self.matchers[market]
        if matcher is not None:
            matcher.trade(taker, ticks, lots, ts, event)
            self.settle(matcher, market)

    @property
    def resting(self) -> list[int]:
        """What is at stake in each market: orders that rest, and levels taken from that have not been shown since."""
        return [0 if each is None else each.n_resting + each.n_taken for each in self.matchers]

    def position_lots(self, market: int) -> int:
        """The account's position by the fills made at this venue, those still on their way to it included."""
        matcher = self.matchers[market]
        return 0 if matcher is None else matcher.position

    # --- at the venue -------------------------------------------------------------------------------------------

    def settle(self, matcher: Matcher, market: int) -> None:
        """Say which rows of this market matter, and when the next report is due."""
        stake: Stake = self.stakes[market]
        low = matcher.bids.worst
        high = matcher.bids.best
        ask_low = matcher.asks.worst
        ask_high = matcher.asks.best
        if matcher.n_taken:
            low = min(low, matcher.taken_bids.low)
            high = max(high, matcher.taken_bids.high)
            ask_low = min(ask_low, matcher.taken_asks.low)
            ask_high = max(ask_high, matcher.taken_asks.high)
        stake.bid_low = low
        stake.bid_high = high
        stake.ask_low = -ask_high
        stake.ask_high = -ask_low
        if self.outbox.pipe.next_due < self.next_due:
            self.next_due = self.outbox.pipe.next_due

    def act(self, message: Message, ts: int) -> None:
        """A command has arrived."""
        market = message.market
        matcher = self.matchers[market] if 0 <= market < len(self.matchers) else None
        if message.kind == CANCEL:
            ticket = self.desk.find(message.client_order_id)
            if ticket is None or not ticket.live or matcher is None:
                self.desk.cancel_unknown(message.client_order_id, message.request_id, ts)
            else:
                matcher.cancel(ticket, ts)
                self.settle(matcher, market)
            return
        ticket = message.ticket
        if matcher is None:
            self.outbox.refused(ticket.client_order_id, UNKNOWN_INSTRUMENT, ts)
        elif self.random is not None and self.random.random() < self.reject_probability:
            self.outbox.refused(ticket.client_order_id, REJECTED_BY_CHANCE, ts)
        else:
            matcher.submit(ticket, ts, self.event)
            if matcher.next_expiry < self.expiry_due:
                self.expiry_due = matcher.next_expiry
            self.settle(matcher, market)

    def expire(self, due: int) -> None:
        """End the orders whose time is up, market by market, and find the next time."""
        self.expiry_due = NO_TIME
        for market, matcher in enumerate(self.matchers):
            if matcher is not None:
                matcher.expire(due)
                self.settle(matcher, market)
                if matcher.next_expiry < self.expiry_due:
                    self.expiry_due = matcher.next_expiry
