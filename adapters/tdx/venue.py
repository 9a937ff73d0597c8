"""Taurus T-DX across the wire: joins the socket, the link and the REST questions to the engine's port.

`make(site, clock)` is what the adapter's declaration (`settings.py`) names. What follows after these two is for tests
and for venues in this process: the generator behind the pauses, a dialler of streams, a TLS context with an authority
of its own, and the session's deadlines.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from random import Random
from ssl import SSLContext
from typing import Final

import trio

from tickwright.adapters.address import Dial, checked_tls
from tickwright.adapters.http import Http
from tickwright.adapters.outbox import Frame
from tickwright.adapters.session import Session, SessionStatistics, Timing
from tickwright.adapters.tdx.choices import CAPABILITY, Choices, chosen
from tickwright.adapters.tdx.entry import RestEntry
from tickwright.adapters.tdx.link import Link, LinkStatistics
from tickwright.adapters.tdx.login import TRIES, Login
from tickwright.adapters.tdx.messages import Cancel, CancelOnDisconnect, Pair, Place
from tickwright.adapters.tdx.notices import LoginWanted
from tickwright.adapters.tdx.queries import Queries
from tickwright.adapters.tdx.telling import TdxTeller
from tickwright.adapters.tdx.topics import depth_topic, orders_topic, trades_topic
from tickwright.adapters.tdx.wire import SIZE_MAX
from tickwright.engine.adapter import Site
from tickwright.engine.capability import Capability
from tickwright.engine.errors import LocalError
from tickwright.engine.events import OrderReport
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Order
from tickwright.engine.terms import NO_TIME, Side
from tickwright.engine.times import SECOND
from tickwright.engine.wire import Clock, Inbox, LoginRefused, OrderFacts, PositionFacts, QueryFailed, TradeFacts, Wire

SUBPROTOCOL: Final = "ws.t-dx.com"
COD_WAIT_S: Final = 5.0
"""How long the venue may take to say that it will cancel our orders when the connection ends."""

_NO_TOKEN: Final = "replayed"
_PATIENCE_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_CALM_S: Final = 60.0
_LEAST_S: Final = 1.0
"""Between two renewals, however short the life of a token."""


def make(
    site: Site,
    clock: Clock,
    *,
    random: Random | None = None,
    dial: Dial | None = None,
    tls: SSLContext | None = None,
    timing: Timing | None = None,
) -> "TdxVenue":
    """The wire of one site. Nothing is connected before it is asked something or run.

    Raises:
        TickwrightError: an address, a setting or the credentials will not do; the message says which.
    """
    return TdxVenue(
        site.venue,
        chosen(site),
        clock,
        random=random or Random(),
        dial=dial,
        tls=checked_tls(tls),
        timing=timing or Timing(),
    )


class TdxVenue(Wire):
    """One account, or the market data alone, at T-DX or at a venue that speaks like it."""

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
    ) -> None:
        self._venue, self._choices, self._clock = venue, choices, clock
        self._credentials, self._trading = choices.credentials, choices.trading
        self._watched: dict[str, Instrument] = {}
        self._teller = TdxTeller(venue, clock)
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
        self._login: Login | None = None
        if self._credentials.can_log_in:
            self._login = Login(
                self._http,
                self._credentials,
                clock,
                taken=self._authorized,
                login_path=choices.login_path,
                refresh_paths=choices.refresh_paths,
                device_id=choices.device_id,
                told=lambda text: choices.told(f"{venue}: {text}"),
                tries=TRIES if choices.patient else 1,
            )
        self._queries = Queries(
            self._http,
            self._login,
            self._credentials,
            venue=venue,
            variant=choices.signature,
            refused=self._teller.refused,
        )
        self._session = Session(
            choices.address,
            clock=clock,
            random=random,
            tls=tls,
            subprotocol=SUBPROTOCOL,
            size_max=choices.max_message_bytes,
            messages_per_s=choices.messages_per_s,
            timing=timing,
            dial=dial,
        )
        self._link: Link | None = None
        self._entry: RestEntry | None = None
        self._adopted: dict[str, Order] = {}
        self._timer = trio.CancelScope()
        self._armed = NO_TIME
        self._token_news = trio.Event()
        self._token_refused = False
        self._cod_due = NO_TIME

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
            QueryFailed: the venue cannot be asked, lacks one of them, or the sub-account does not trade the book.
            LoginRefused: the credentials are wrong.
        """
        found = await self._queries.instruments(list(ids))
        if self._trading:
            await self._queries.check_account()
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
        pairs = {found.id: self._queries.pair_id(found.id) for found in self._watched.values()}
        with self._teller.during("linked", self._clock.now(), json.dumps([pairs, link.token_ends])):
            pass
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_time, link)
                if self._trading and self._login is not None:
                    nursery.start_soon(self._keep_logged_in, link, self._login)
                if self._trading and self._choices.rest_entry:
                    self._entry = RestEntry(
                        self._queries,
                        link.requests,
                        self._clock,
                        self._credentials.sub_account_id,
                        told=self._told,
                        failed=self._teller.send_failed,
                    )
                    nursery.start_soon(self._entry.work)
                await self._session.run(self)
        except BaseExceptionGroup as group:  # a nursery's errors: a refused login is raised as itself, the rest again
            refused, rest = group.split(LoginRefused)
            if refused is not None and (rest is None or rest.split(trio.Cancelled)[1] is None):
                raise LoginRefused(str(_leaf(refused))) from None
            raise
        finally:
            self._entry = None
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await self._http.rest()

    def submit(self, order: Order) -> None:
        """Queue a new order; what keeps it from being queued is told as a failed send."""
        place = Place(
            client_order_id=order.client_order_id,
            instrument=order.instrument.id,
            side=order.side,
            lots=order.lots,
            ticks=order.ticks if order.has_price else None,
            time_in_force=order.tif_code,
            post_only=order.post_only,
        )
        try:
            link = self._linked()
            text = link.send(place, self._clock.now())
            if self._entry is not None:
                self._entry.submit(place, link.order_body(place))
            else:
                self._session.send(self, Frame(text=text, client_order_id=order.client_order_id))
        except LocalError as error:
            self._teller.send_failed(order.client_order_id, False, f"{error}; nothing was written")

    def cancel(self, order: Order, request_id: int) -> None:
        """Queue a cancel; what keeps it from being queued is told as a failed send."""
        try:
            link = self._linked()
            self._know(order)
            known = order.venue_order_id or link.requests.venue_order_id(order.client_order_id)
            command = Cancel(client_order_id=order.client_order_id, venue_order_id=known, request_id=request_id)
            if self._entry is not None:
                self._entry.cancel(command)
            else:
                text = link.send(command, self._clock.now())
                self._session.send(self, Frame(text=text, client_order_id=order.client_order_id, cancel=True))
        except LocalError as error:
            self._teller.send_failed(order.client_order_id, True, f"{error}; nothing was written")

    def adopt(self, order: Order) -> None:
        """Know an order of an earlier run, so that what comes for it is told as its own."""
        self._adopted[order.client_order_id] = order
        if self._link is not None:
            self._know(order)

    def resync(self, instrument: str, reason: str) -> None:
        link, now = self._linked(), self._clock.now()
        self._teller.put(link.resync(instrument, reason, now))
        self._flush(link, now)

    async def open_orders(self) -> tuple[OrderFacts, ...]:
        return await self._queries.open_orders()

    async def order(self, order: Order) -> OrderFacts | None:
        requests = self._linked().requests
        self._know(order)
        known = order.venue_order_id or requests.venue_order_id(order.client_order_id)
        facts = await self._queries.order(order.client_order_id, known, order.sent_ts or order.created_ts)
        if facts is not None:
            names = order.client_order_id, facts.venue_order_id
            with self._teller.during("named", self._clock.now(), json.dumps(names)):
                requests.acknowledged(*names)
        return facts

    async def trades(self, since: int) -> tuple[TradeFacts, ...]:
        return await self._queries.trades(since, self._linked().requests.client_order_id)

    async def holdings(self) -> Mapping[str, Decimal] | None:
        return await self._queries.holdings() if self._can_ask else None

    async def positions(self) -> Mapping[str, PositionFacts] | None:
        """Nothing but assets is held there."""
        return None

    def statistics(self) -> tuple[LinkStatistics, SessionStatistics]:
        """Counts, and what stands now."""
        return self._linked().statistics(), self._session.statistics()

    # What the session asks of its owner

    async def prepare(self) -> None:
        """Before each connection: a token that holds, where orders are traded."""
        tries = 0
        while self._trading and self._login is not None:
            try:
                await self._login.ensure()
            except QueryFailed as error:
                self._teller.refused("login", str(error))
                await trio.sleep(_PATIENCE_S[min(tries, len(_PATIENCE_S) - 1)])
                tries += 1
            else:
                return

    async def room(self) -> None:
        await self._teller.room()

    def opened(self) -> None:
        link, now = self._linked(), self._clock.now()
        with self._teller.during("opened", now):
            self._teller.put(link.opened(now))
            if self._trading:
                self._arm(link, now)
            self._flush(link, now)

    def receive(self, message: str | bytes, at: int) -> None:
        link = self._linked()
        with self._teller.during("receive", at, message):
            self._teller.put(link.receive(message, at))
            self._flush(link, at)

    def failed(self, frame: Frame, reason: str) -> None:
        if frame.client_order_id:
            self._teller.send_failed(frame.client_order_id, frame.cancel, reason)

    def closed(self, reason: str) -> None:
        link, now = self._linked(), self._clock.now()
        self._cod_due = NO_TIME
        with self._teller.during("closed", now, reason):
            self._teller.put(link.closed(now, reason))

    def told_to_wait(self, seconds: float, reason: str) -> None:
        self._teller.back_off(self._clock.now() + int(seconds * SECOND), reason)

    def _arm(self, link: Link, now: int) -> None:
        """Ask the venue to cancel our orders when this connection ends; said again with each token."""
        self._session.send(self, Frame(text=link.send(CancelOnDisconnect(), now)))
        self._cod_due = now + int(COD_WAIT_S * SECOND)

    def again(self, what: str, at: int, content: str | bytes, inbox: Inbox) -> bool:
        """Take in once more what a captured run was given, without a connection; what it means is put into the inbox.

        Whether it can be: over REST orders live by answers that are not captured as they came.
        """
        if self._choices.rest_entry:
            return False
        self._teller.attach(inbox)
        if what == "linked":
            pairs, ends = json.loads(content)
            self._queries.pairs |= {pair_id: self._watched[id] for id, pair_id in pairs.items()}
            if ends:
                self._linked().authorize(_NO_TOKEN, ends, at)
            return True
        link = self._linked()
        redo: dict[str, Callable[[], None]] = {
            "opened": self.opened,
            "receive": lambda: self.receive(content, at),
            "closed": lambda: self.closed(str(content)),
            "due": lambda: self._look_at_time(link, at),
            "named": lambda: link.requests.acknowledged(*json.loads(content)),
            "known": lambda: self._adopt(*json.loads(content)),
            "authorized": lambda: self._authorize(link, _NO_TOKEN, at, *json.loads(content)),
        }
        redo[what]()
        return True

    # Tasks of its own

    async def _keep_time(self, link: Link) -> None:
        """Call the link when something of it is due."""
        while True:
            with trio.CancelScope() as self._timer:
                self._set_timer(link)
                await trio.sleep_forever()
            self._look_at_time(link, self._clock.now())

    def _look_at_time(self, link: Link, now: int) -> None:
        with self._teller.during("due", now):
            if self._cod_due <= now:
                self._cod_due = NO_TIME
                if not link.cancels_on_disconnect:
                    self._teller.refused(
                        "tdx:cancel_on_disconnect",
                        f"COD_OFF: expected a confirmation within {COD_WAIT_S:g} s, received none; "
                        "orders outlive this connection",
                    )
            self._flush(link, now)

    async def _keep_logged_in(self, link: Link, login: Login) -> None:
        """Renew the token at four fifths of its life, and when the venue does not take it."""
        renewed, refused, tries = -_CALM_S, -_CALM_S, 0
        while True:
            wait = (link.refresh_at - self._clock.now()) / SECOND if link.refresh_at != NO_TIME else _CALM_S
            with trio.move_on_after(max(wait, 0.0)):
                await self._token_news.wait()
            wanted, self._token_refused, self._token_news = self._token_refused, False, trio.Event()
            if not wanted and link.refresh_at > self._clock.now():
                continue
            if wanted:
                tries = tries + 1 if trio.current_time() - refused < _CALM_S else 0
                refused = trio.current_time()
                await trio.sleep(_PATIENCE_S[min(tries, len(_PATIENCE_S) - 1)] if tries else 0)
            else:
                await trio.sleep(max(renewed + _LEAST_S - trio.current_time(), 0))
            renewed = trio.current_time()
            try:
                await login.renew()
            except QueryFailed as error:
                self._teller.refused("login", str(error))
                self._token_wanted()

    # Between them

    @property
    def _can_ask(self) -> bool:
        return self._credentials.can_log_in or self._credentials.can_sign

    def _linked(self) -> Link:
        """The link, made when it is first needed: by then it is known what is watched."""
        if self._link is None:
            choices, sub = self._choices, self._credentials.sub_account_id if self._trading else ""
            topics = [orders_topic(sub)] if sub else []
            for instrument in self._watched.values():
                symbol = instrument.symbol
                topics.append(depth_topic(symbol, levels=choices.depth_levels, speed_ms=choices.depth_speed_ms))
                topics.append(trades_topic(symbol))
            self._link = Link(
                venue=self._venue,
                pairs=[Pair(found, self._queries.pair_id(found.id)) for found in self._watched.values()],
                topics=topics,
                sub_account_id=sub,
                gaps=choices.gaps,
                bare=choices.bare,
            )
            if self._trading and self._login is not None and self._login.token:
                self._link.authorize(self._login.token, self._login.ends, self._clock.now())
            for order in self._adopted.values():
                self._know(order)
        return self._link

    def _know(self, order: Order) -> None:
        """An order of an earlier run becomes one of this link's."""
        requests = self._linked().requests
        if not requests.knows(order.client_order_id):
            known = order.client_order_id, order.instrument.id, int(order.side), order.lots, order.venue_order_id
            with self._teller.during("known", self._clock.now(), json.dumps([*known, order.cum])):
                self._adopt(*known, order.cum)

    def _adopt(self, name: str, instrument: str, side: int, lots: int, venue_order_id: str, booked: int) -> None:
        self._linked().requests.adopt(
            client_order_id=name,
            instrument=self._watched[instrument],
            side=Side(side),
            lots=lots,
            venue_order_id=venue_order_id,
            booked_lots=booked,
        )

    def _token_wanted(self) -> None:
        self._token_refused = True
        self._token_news.set()

    def _authorized(self, token: str, ends: int) -> None:
        self._token_news.set()
        if self._trading and self._link is not None:
            now, up = self._clock.now(), self._session.up
            with self._teller.during("authorized", now, json.dumps([ends, up])):
                self._authorize(self._link, token, now, ends, up)

    def _authorize(self, link: Link, token: str, now: int, ends: int, up: bool) -> None:
        link.authorize(token, ends, now)
        if up:
            self._arm(link, now)
        self._flush(link, now)

    def _flush(self, link: Link, now: int) -> None:
        """Write what the link wants written, tell what it has to tell, and be called again in time."""
        due = link.due()
        if due <= now or link.has_outgoing:
            for text in link.outgoing(now):
                self._session.send(self, Frame(text=text))
            due = link.due()
        for notice in link.take_notices():
            if isinstance(notice, LoginWanted):
                self._token_wanted()
            self._teller.tell(notice)
        if min(due, self._cod_due) != self._armed:
            self._set_timer(link)

    def _set_timer(self, link: Link) -> None:
        self._armed = due = min(link.due(), self._cod_due)
        wait = trio.current_time() + max(due - self._clock.now(), 0) / SECOND if due != NO_TIME else math.inf
        self._timer.deadline = wait

    def _told(self, events: list[OrderReport]) -> None:
        """What an answer over REST said."""
        self._teller.put(events)
        self._flush(self._linked(), self._clock.now())


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
