"""PowerTrade across the wire: joins the socket, the link and the REST questions to the engine's port.

`make(site, clock)` is what the adapter's declaration (`settings.py`) names. What follows after these two is for tests
and for venues in this process: the generator behind the pauses, a dialler of streams, a TLS context with an authority
of its own, the session's deadlines, and nonces that are kept nowhere.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from random import Random
from ssl import SSLContext
from typing import Final

import trio
from attrs import define, field

from tickwright.adapters.address import Dial, checked_tls
from tickwright.adapters.http import Http
from tickwright.adapters.outbox import Frame
from tickwright.adapters.powertrade.audit import DEPTH, Audit, best
from tickwright.adapters.powertrade.choices import Choices, chosen
from tickwright.adapters.powertrade.entry import Place, Unsupported
from tickwright.adapters.powertrade.link import Link, LinkStatistics
from tickwright.adapters.powertrade.messages import AnswerMessage, HistoryStated, Listed, Replied
from tickwright.adapters.powertrade.nonce_file import KeptNonces
from tickwright.adapters.powertrade.notices import Answered, LoginFailed, Notice, Reconnect, Unanswered
from tickwright.adapters.powertrade.queries import Proof, Queries
from tickwright.adapters.powertrade.signing import Nonces, Signer
from tickwright.adapters.powertrade.telling import PowerTradeTeller
from tickwright.adapters.powertrade.wire import SIZE_MAX
from tickwright.adapters.session import Session, SessionStatistics, Timing
from tickwright.engine.adapter import Site
from tickwright.engine.asking import Inquiry
from tickwright.engine.capability import Capability
from tickwright.engine.errors import LocalError
from tickwright.engine.events import OrderRejected
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Order
from tickwright.engine.terms import GTD, NO_TIME, OrderType, TimeInForce
from tickwright.engine.times import SECOND
from tickwright.engine.wire import Clock, Inbox, LoginRefused, OrderFacts, PositionFacts, QueryFailed, TradeFacts, Wire

CAPABILITY: Final = Capability(
    types=frozenset((OrderType.LIMIT, OrderType.MARKET)),
    times_in_force=frozenset((TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTD)),
    post_only=False,
    reduce_only=False,
    quiet_books=True,
    rfqs=True,
)
"""GTD is ours: the venue's life of an order reaches past its end, and we cancel it when that has come."""

LOGINS_MAX: Final = 3
"""So many refusals in a row are the venue's last word on our credentials."""

NO_HISTORY: Final = 18


def make(
    site: Site,
    clock: Clock,
    *,
    random: Random | None = None,
    dial: Dial | None = None,
    tls: SSLContext | None = None,
    timing: Timing | None = None,
    nonces: Nonces | None = None,
) -> "PowerTradeVenue":
    """The wire of one site. Nothing is connected before it is asked something or run.

    Raises:
        TickwrightError: an address, a setting or the credentials will not do; the message says which.
    """
    choices = chosen(site)
    if nonces is None:
        nonces = KeptNonces(choices.nonce_file) if choices.nonce_file is not None else Nonces()
    return PowerTradeVenue(
        site.venue,
        choices,
        clock,
        random=random or Random(),
        dial=dial,
        tls=checked_tls(tls),
        timing=timing or Timing(),
        nonces=nonces,
    )


@define
class _Question:
    """One question over the socket, while its answer is awaited."""

    answered: trio.Event = field(factory=trio.Event)
    message: AnswerMessage | Replied | None = None
    reason: str = ""


class PowerTradeVenue(Wire):
    """One account, or the market data alone, at PowerTrade or at a venue that speaks like it."""

    def __init__(
        self,
        venue: str,
        choices: Choices,
        clock: Clock,
        *,
        random: Random,
        dial: Dial | None,
        tls: SSLContext,
        timing: Timing,
        nonces: Nonces,
    ) -> None:
        self._venue, self._choices, self._clock = venue, choices, clock
        self._trading = choices.trading
        self._watched: dict[str, Instrument] = {}
        self._teller = PowerTradeTeller(venue, clock)
        self._proof: Proof | None = None
        if choices.api_key and choices.private_key:
            self._proof = Proof(Signer(choices.api_key, choices.private_key, choices.token_uri), nonces, clock)
        self._http = Http(
            choices.http_address,
            clock=clock,
            tls=tls,
            dial=dial,
            per_second=choices.requests_per_s,
            answer_max=SIZE_MAX,
            waits=self._teller.back_off,
            measured=self._teller.measured,
        )
        self._queries = Queries(self._http, self._proof, clock, venue=venue, refused=self._teller.refused)
        self._session = Session(
            choices.address,
            clock=clock,
            random=random,
            tls=tls,
            size_max=choices.max_message_bytes,
            messages_per_s=choices.messages_per_s,
            timing=timing,
            dial=dial,
        )
        self._link: Link | None = None
        self._adopted: dict[str, Order] = {}
        self._questions: dict[str, _Question] = {}
        self._timer = trio.CancelScope()
        self._refusals = 0
        self._refused_with = ""
        self.repeatable = True

    # What the engine asks of a wire

    @property
    def venue(self) -> str:
        return self._venue

    @property
    def capability(self) -> Capability:
        return CAPABILITY

    async def instruments(self, ids: Iterable[str]) -> Mapping[str, Instrument]:
        """The venue's reference data of these.

        Raises:
            QueryFailed: the venue cannot be asked, or lacks one of them.
        """
        found = await self._queries.instruments(list(ids))
        self.watch(found.values())
        return found

    def watch(self, instruments: Iterable[Instrument]) -> None:
        self._watched = {instrument.id: instrument for instrument in instruments}

    async def run(self, inbox: Inbox) -> None:
        """Stay connected until cancelled.

        Raises:
            LoginRefused: the credentials are wrong.
        """
        self._teller.attach(inbox)
        link = self._linked()
        entities = {found.id: self._queries.entity_id(found.symbol) for found in self._watched.values()}
        with self._teller.during("linked", self._clock.now(), json.dumps(entities)):
            pass
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_time, link)
                if self._choices.audit_s:
                    nursery.start_soon(self._keep_books, link)
                await self._session.run(self)
        except BaseExceptionGroup as group:  # a nursery's errors: a refused login is raised as itself, the rest again
            refused, rest = group.split(LoginRefused)
            if refused is not None and (rest is None or rest.split(trio.Cancelled)[1] is None):
                raise LoginRefused(self._refused_with) from None
            raise
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await self._http.rest()

    def submit(self, order: Order) -> None:
        """Queue a new order. What the venue has no words for is told as rejected; what else keeps it, as not sent."""
        place = Place(
            client_order_id=order.client_order_id,
            instrument=order.instrument.id,
            side=order.side,
            lots=order.lots,
            ticks=order.ticks if order.has_price else None,
            time_in_force=order.tif_code,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            expire_ts=order.expire_ts,
        )
        try:
            text = self._linked().place(place, self._clock.now())
            self._session.send(self, Frame(text=text, client_order_id=order.client_order_id))
        except Unsupported as error:
            name, now = order.client_order_id, self._clock.now()
            self._teller.put([OrderRejected(client_order_id=name, reason=str(error), ts=now)])
        except LocalError as error:
            self._teller.send_failed(order.client_order_id, False, f"{error}; nothing was written")
        self._set_timer(self._linked())

    def cancel(self, order: Order, request_id: int) -> None:
        """Queue a cancel; what keeps it from being queued is told as a failed send."""
        try:
            link = self._linked()
            self._know(order)
            known = order.venue_order_id or link.requests.venue_order_id(order.client_order_id)
            text = link.cancel(order.client_order_id, known, request_id, self._clock.now())
            self._session.send(self, Frame(text=text, client_order_id=order.client_order_id, cancel=True))
        except LocalError as error:
            self._teller.send_failed(order.client_order_id, True, f"{error}; nothing was written")
        self._set_timer(self._linked())

    def adopt(self, order: Order) -> None:
        """Know an order of an earlier run, so that what comes for it is told as its own."""
        self._adopted[order.client_order_id] = order
        if self._link is not None:
            self._know(order)

    def resync(self, instrument: str, reason: str) -> None:
        link, now = self._linked(), self._clock.now()
        with self._teller.during("resync", now, json.dumps([instrument, reason])):
            self._teller.put(link.resync(instrument, reason, now))
            self._flush(link, now)

    async def open_orders(self) -> tuple[OrderFacts, ...]:
        return await self._queries.open_orders()

    async def order(self, order: Order) -> OrderFacts | None:
        requests = self._linked().requests
        self._know(order)
        known = order.venue_order_id or requests.venue_order_id(order.client_order_id)
        facts = await self._queries.order(order.client_order_id, known)
        if facts is not None:
            requests.acknowledged(order.client_order_id, facts.venue_order_id)
        return facts

    async def trades(self, since: int) -> tuple[TradeFacts, ...]:
        told = await self._ask("trade_history_request", trade_time=str(max(since, 0) // 1000))
        if isinstance(told, Replied) and told.code == NO_HISTORY:
            return ()
        if not isinstance(told, HistoryStated):
            words = told.text if isinstance(told, Replied) else type(told).__name__
            raise QueryFailed(f"{self._venue}: expected our executions, received {words!r}")
        requests = self._linked().requests
        rows = [one for one in told.executions if not one.venue_ts or one.venue_ts >= since]
        found = []
        for one in rows:
            mine = requests.client_order_id(one.venue_order_id)
            facts = self._queries.trade_facts(one, mine, requests.instrument(one.client_order_id, one.venue_order_id))
            found += [facts] if facts is not None else []
        return tuple(sorted(found, key=lambda facts: facts.venue_ts))

    async def holdings(self) -> Mapping[str, Decimal] | None:
        return await self._queries.holdings() if self._proof is not None else None

    async def positions(self) -> Mapping[str, PositionFacts] | None:
        return await self._queries.positions() if self._proof is not None else None

    def statistics(self) -> tuple[LinkStatistics, SessionStatistics]:
        """Counts, and what stands now."""
        return self._linked().statistics(), self._session.statistics()

    # What it asks of one with `rfqs` (`AskingWire`)

    def ask_quotes(self, inquiry: Inquiry) -> None:
        """Queue a request for quotes; it is kept alive until its end, and told of by `QuotesAsked`."""
        link, now, one = self._linked(), self._clock.now(), inquiry
        name, until = one.client_order_id, one.until
        self._teller.put(link.asks.enter(name, one.instrument, one.side, one.lots, until, now, link.offset_ns))
        self._flush(link, now)

    def withdraw_quotes(self, inquiry: Inquiry) -> None:
        link, now = self._linked(), self._clock.now()
        link.asks.withdraw(inquiry.client_order_id, now)
        self._flush(link, now)

    # What the session asks of its owner

    async def prepare(self) -> None:
        """Before each connection: what the venue's clock says, since tokens and lives of orders hang on it."""
        if self._refusals >= LOGINS_MAX:
            raise LoginRefused(self._refused_with)
        if not self._trading:
            return
        try:
            offset = await self._queries.clock_offset()
        except QueryFailed as error:
            self._teller.refused("time", str(error))
            return
        self._linked().offset_ns = offset + self._clock.wall() - self._clock.now()
        if self._proof is not None:
            self._proof.offset_ns = offset

    async def room(self) -> None:
        await self._teller.room()

    def opened(self) -> None:
        link, now = self._linked(), self._clock.now()
        with self._teller.during("opened", now):
            self._teller.put(link.opened(now))
            if self._trading and self._proof is not None:
                self._session.send(self, Frame(text=link.login(self._proof.new(), now)))
            self._flush(link, now)

    def receive(self, message: str | bytes, at: int) -> None:
        link = self._linked()
        with self._teller.during("receive", at, message):
            self._teller.put(link.receive(message, at))
            if link.up:
                self._refusals = 0
            self._flush(link, at)

    def failed(self, frame: Frame, reason: str) -> None:
        if frame.client_order_id:
            self._teller.send_failed(frame.client_order_id, frame.cancel, reason)

    def closed(self, reason: str) -> None:
        link, now = self._linked(), self._clock.now()
        with self._teller.during("closed", now, reason):
            self._teller.put(link.closed(now, reason))
            for notice in link.take_notices():
                self._heed(notice)

    def told_to_wait(self, seconds: float, reason: str) -> None:
        self._teller.back_off(self._clock.now() + int(seconds * SECOND), reason)

    def again(self, what: str, at: int, content: str | bytes, inbox: Inbox) -> bool:
        """Take in once more what a captured run was given, without a connection; what it means is put into the inbox.

        Only market data: answers about orders hang on tags of requests that are not captured.
        """
        if not self.repeatable:
            return False
        self._teller.attach(inbox)
        if what == "linked":
            found = json.loads(content)
            self._queries.listed |= {
                one.symbol: Listed(instrument=one, entity_id=found[one.id]) for one in self._watched.values()
            }
            return True
        link = self._linked()
        redo: dict[str, Callable[[], None]] = {
            "opened": self.opened,
            "receive": lambda: self.receive(content, at),
            "closed": lambda: self.closed(str(content)),
            "due": lambda: self._look_at_time(link, at),
            "resync": lambda: self.resync(*json.loads(content)),
        }
        redo[what]()
        return True

    # Between them

    async def _keep_time(self, link: Link) -> None:
        """Call the link when something of it is due."""
        while True:
            with trio.CancelScope() as self._timer:
                self._set_timer(link)
                await trio.sleep_forever()
            self._look_at_time(link, self._clock.now())

    def _look_at_time(self, link: Link, now: int) -> None:
        with self._teller.during("due", now):
            self._flush(link, now)

    async def _keep_books(self, link: Link) -> None:
        """Hold one book after the other against REST; one that differs is read anew."""
        audit = Audit()
        while True:
            for instrument in list(self._watched.values()):
                await trio.sleep(self._choices.audit_s)
                feed = link.books.feeds.get(instrument.id)
                if feed is None or not feed.live:
                    continue
                before = best(feed.orders.book)
                try:
                    told = await self._queries.levels(instrument, DEPTH)
                except QueryFailed as error:
                    self._teller.refused("orderbook", str(error))
                    continue
                reason = audit.differs(instrument.id, before, told, best(feed.orders.book))
                if reason:
                    self.resync(instrument.id, reason)

    async def _ask(self, name: str, **fields: str) -> AnswerMessage | Replied:
        """Ask over the socket.

        Raises:
            QueryFailed: the link is down, or no answer has come in time.
        """
        link, now = self._linked(), self._clock.now()
        try:
            tag, text = link.ask(name, now, **fields)
        except LocalError as error:
            raise QueryFailed(str(error)) from None
        question = self._questions[tag] = _Question()
        try:
            self._session.send(self, Frame(text=text))
            self._set_timer(link)
            await question.answered.wait()
        finally:
            self._questions.pop(tag, None)
        if question.message is None:
            raise QueryFailed(f"{self._venue}: {name}: {question.reason}")
        return question.message

    def _linked(self) -> Link:
        """The link, made when it is first needed: by then it is known what is watched."""
        if self._link is None:
            choices = self._choices
            self._link = Link(
                venue=self._venue,
                listed=[
                    Listed(instrument=found, entity_id=self._queries.entity_id(found.symbol))
                    for found in self._watched.values()
                ],
                trading=self._trading,
                book=choices.book,
                interval_ms=choices.interval_ms,
                rfqs=choices.rfqs,
                order_life_ns=choices.order_life_ns,
                size_max=choices.max_message_bytes,
            )
            for order in self._adopted.values():
                self._know(order)
        return self._link

    def _know(self, order: Order) -> None:
        """An order of an earlier run becomes one of this link's."""
        requests = self._linked().requests
        if not requests.knows(order.client_order_id):
            requests.adopt(
                client_order_id=order.client_order_id,
                instrument=order.instrument,
                side=order.side,
                lots=order.lots,
                venue_order_id=order.venue_order_id,
                booked_lots=order.cum,
                end=order.expire_ts if order.tif_code == GTD else 0,
            )

    def _flush(self, link: Link, now: int) -> None:
        """Write what the link wants written, tell what it has to tell, and be called again in time."""
        for text in link.outgoing(now):
            self._session.send(self, Frame(text=text))
        self._teller.put(link.take_events())
        for notice in link.take_notices():
            self._heed(notice)
        self._set_timer(link)

    def _heed(self, notice: Notice) -> None:
        match notice:
            case Reconnect(reason=reason, chosen=chosen):
                self._session.drop(reason, chosen=chosen)
            case LoginFailed(reason=reason):
                self._refusals += 1
                self._refused_with = f"{self._venue}: expected the token to be taken, received {reason}"
                self._session.drop(reason)
            case Answered(user_tag=tag, message=message):
                if tag in self._questions:
                    self._questions[tag].message = message
                    self._questions[tag].answered.set()
            case Unanswered(user_tag=tag, reason=reason):
                if tag in self._questions:
                    self._questions[tag].reason = reason
                    self._questions[tag].answered.set()
            case _:
                pass
        self._teller.tell(notice)

    def _set_timer(self, link: Link) -> None:
        due = link.due()
        wait = trio.current_time() + max(due - self._clock.now(), 0) / SECOND if due != NO_TIME else float("inf")
        self._timer.deadline = wait
