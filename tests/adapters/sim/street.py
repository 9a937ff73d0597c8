"""A market of a few levels, the venue in it, and everything the venue says written down."""

from decimal import Decimal

from tickwright.adapters.sim.latency import Fixed, Generator, Latency
from tickwright.adapters.sim.tickets import Ticket
from tickwright.adapters.sim.venue import SimVenue
from tickwright.engine.book import Book
from tickwright.engine.instrument import Instrument
from tickwright.engine.ports import Reports
from tickwright.engine.terms import BUY, DAY, FOK, GTC, GTD, IOC, LIMIT, MARKET

INSTRUMENT = Instrument(id="BTCUSDT.SIM", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
TIFS = {"GTC": GTC, "IOC": IOC, "FOK": FOK, "GTD": GTD, "DAY": DAY}
SECOND = 1_000_000_000


class Ears(Reports):
    """Hears every report as a tuple: what, id, and the rest in the order of the port."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []

    def accepted(self, client_order_id: str, venue_order_id: str, ts: int) -> None:
        self.said.append(("accepted", client_order_id, venue_order_id, ts))

    def refused(self, client_order_id: str, reason: str, ts: int) -> None:
        self.said.append(("refused", client_order_id, reason, ts))

    def executed(
        self, client_order_id: str, trade_id: str, lots: int, ticks: int, maker: bool, cause: int, ts: int
    ) -> None:
        self.said.append(("executed", client_order_id, trade_id, lots, ticks, bool(maker), cause, ts))

    def canceled(self, client_order_id: str, stated_cum: int, reason: str, ts: int) -> None:
        self.said.append(("canceled", client_order_id, stated_cum, reason, ts))

    def cancel_refused(self, client_order_id: str, kind: int, stated_cum: int, request_id: int, ts: int) -> None:
        self.said.append(("cancel_refused", client_order_id, kind, stated_cum, request_id, ts))

    def expired(self, client_order_id: str, stated_cum: int, ts: int) -> None:
        self.said.append(("expired", client_order_id, stated_cum, ts))


class Street:
    """One market, driven as the tape loop drives it: row by row, and the venue only where it has something at stake."""

    def __init__(
        self,
        queue: str = "back",
        to_venue: Latency | None = None,
        to_client: Latency | None = None,
        reject_probability: float = 0.0,
        random: Generator | None = None,
        max_open: int = 10_000,
        ears: Ears | None = None,
        tells_all: bool = False,
    ) -> None:
        self.tells_all = tells_all
        self.book = Book(INSTRUMENT)
        self.ears = Ears() if ears is None else ears
        self.venue = SimVenue(
            self.ears,
            [self.book],
            queue=queue,
            to_venue=to_venue or Fixed(),
            to_client=to_client or Fixed(),
            reject_probability=reject_probability,
            random=random,
            max_open=max_open,
        )
        self.now = SECOND
        self.event = 0

    def tick(self, now: int | None) -> None:
        """Let time pass to `now`, or let the venue finish what is due at this moment."""
        if now is not None:
            self.now = now
        self.venue.advance(self.now)

    def level(self, side: int, ticks: int, lots: int, now: int | None = None) -> None:
        self.tick(now)
        self.event += 1
        self.venue.event = self.event
        if self.tells_all or self.venue.stakes[0].level(side, ticks):
            self.venue.level(0, side, ticks, lots, self.now, self.event)
        self.book.apply(side, ticks, lots)
        self.tick(now)

    def show(self, bids: dict[int, int], asks: dict[int, int]) -> "Street":
        for ticks, lots in bids.items():
            self.level(1, ticks, lots)
        for ticks, lots in asks.items():
            self.level(-1, ticks, lots)
        return self

    def trade(self, taker: int, ticks: int, lots: int, now: int | None = None) -> None:
        self.tick(now)
        self.event += 1
        self.venue.event = self.event
        if self.tells_all or self.venue.stakes[0].trade(taker, ticks):
            self.venue.trade(0, taker, ticks, lots, self.now, self.event)
        self.tick(now)

    def send(
        self,
        name: str,
        side: int = BUY,
        lots: int = 1,
        ticks: int | None = None,
        *,
        tif: str = "GTC",
        post_only: bool = False,
        reduce_only: bool = False,
        expire_ts: int = 0,
        market: int = 0,
    ) -> None:
        """Send an order without letting anything happen; no `ticks` makes it a market order."""
        ticket = Ticket()
        ticket.client_order_id = name
        ticket.side = side
        ticket.type_code = MARKET if ticks is None else LIMIT
        ticket.tif_code = TIFS[tif]
        ticket.post_only = post_only
        ticket.reduce_only = reduce_only
        ticket.ticks = ticks or 0
        ticket.lots = lots
        ticket.expire_ts = expire_ts
        self.venue.send_order(ticket, market, self.now)

    def order(self, name: str, side: int = BUY, lots: int = 1, ticks: int | None = None, **terms: object) -> None:
        """Send an order and let it arrive."""
        self.send(name, side, lots, ticks, **terms)  # type: ignore[arg-type]
        self.tick(None)

    def cancel(self, name: str, request_id: int = 1) -> None:
        self.venue.send_cancel(name, 0, request_id, self.now)
        self.tick(None)

    # --- what was heard -----------------------------------------------------------------------------------------

    def said(self, name: str | None = None) -> list[tuple[object, ...]]:
        return [line for line in self.ears.said if name is None or line[1] == name]

    def fills(self, name: str | None = None) -> list[tuple[int, int]]:
        """Lots and ticks of each execution."""
        return [(line[3], line[4]) for line in self.said(name) if line[0] == "executed"]  # type: ignore[misc]

    def filled(self, name: str | None = None) -> int:
        return sum(lots for lots, _ in self.fills(name))

    def last(self, name: str) -> tuple[object, ...]:
        """The last report on an order, without its id and time."""
        line = self.said(name)[-1]
        return (line[0], *line[2:-1])
