"""One connection to the venue as a value machine: frames and time in, events and frames out. No socket, no clock.

    text = link.login(token, at)          a frame that logs in; without one the link stands as soon as it is open
    events = link.receive(frame, at)      what happened
    text = link.place(order, at)          a frame to write now, after noting what answer to expect
    texts = link.outgoing(at)             frames that the link itself wants written
    events = link.take_events()           what time alone has brought: books that were given up
    notices = link.take_notices()         what else there is to tell: bad messages, questions, a wish to reconnect
    link.due()                            when to call `outgoing` again, if nothing else happens

The link is told as up once it may trade: after the login, or at once where market data alone are wanted. A bad message
never gets past here. Where it names a book, that book is lost; else it may have hidden something of our orders, and
a reconciliation is asked for.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final, assert_never

from attrs import define, frozen

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.powertrade import commands
from tickwright.adapters.powertrade.asks import Asks
from tickwright.adapters.powertrade.books import Books
from tickwright.adapters.powertrade.codec import Codec
from tickwright.adapters.powertrade.entry import Place, order_fields
from tickwright.adapters.powertrade.messages import (
    Accepted,
    BalancesStated,
    BookStated,
    CancelStated,
    Executed,
    Failed,
    FundingStated,
    Heard,
    HistoryStated,
    Ignored,
    LevelsChanged,
    LevelsStated,
    Listed,
    Message,
    OrderGone,
    OrderInfo,
    OrderMissing,
    OrderMoved,
    OrderShown,
    OrdersStated,
    OrderTaken,
    PassedOn,
    PositionsStated,
    PublicTrade,
    ReferenceStated,
    Refreshed,
    Rejected,
    Replied,
    RfqGone,
    RfqMessage,
    RfqShown,
    RfqsStated,
    SettlementStated,
    Unrecognised,
)
from tickwright.adapters.powertrade.notices import (
    Answered,
    LoginFailed,
    Notice,
    ReconcileWanted,
    Reconnect,
    SubscriptionFailed,
    Unanswered,
    Unattributed,
)
from tickwright.adapters.powertrade.payments import payment
from tickwright.adapters.powertrade.requests import Requests, not_logged_in
from tickwright.adapters.powertrade.rfqs import Rfqs
from tickwright.adapters.powertrade.tags import Ask, Asked, Tags
from tickwright.adapters.powertrade.wire import SIZE_MAX
from tickwright.engine.errors import LocalError
from tickwright.engine.events import Event, LinkChanged, Traded
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import GTD, NO_TIME
from tickwright.engine.times import SECOND

HEARTBEAT_NS: Final = 7 * SECOND
"""We say something at least this often. The venue speaks up once we were silent for 5 s: sooner than that would keep it
silent in a market where nothing happens, and a silent venue is a dead one."""

DEAD_NS: Final = 15 * SECOND
"""A connection over which no frame came for so long is dead: three heartbeats were missed."""

TRADES_REMEMBERED: Final = 1024
NOTICES_MAX: Final = 4096
TRIES_TOLD: Final = 3

_PAUSES_NS: Final = tuple(seconds * SECOND for seconds in (1, 2, 5, 10, 30))
_SUBSCRIBED: Final = "already subscribed"
_LOGGED_IN: Final = 11
_BOOK_KINDS: Final = {"orders": "snap_full_updates", "deltas": "snap_with_deltas", "snapshots": "snap_only"}
_TRADES: Final = "trades"


@define
class _Channel:
    """One subscription: when to ask for it (again), and how often in a row asking has failed."""

    instrument: Instrument
    kind: str
    ask_at: int = NO_TIME
    tries: int = 0
    active: bool = False


@frozen(kw_only=True)
class LinkStatistics:
    """Counts since the link was made, and what stands now."""

    frames: int
    bad: int
    ignored: int
    unrecognised: int
    snapshots: int
    stale: int
    books_lost: int
    books_live: int
    trades_repeated: int
    fills_repeated: int
    requests_pending: int
    subscriptions_active: int
    rfqs: int
    notices_dropped: int


class Link:
    """What is known of one connection; see the top of this file.

    `listed` are the instruments that are watched and may be traded, `book` one of ``orders``, ``deltas`` and
    ``snapshots``, `trading` whether a login precedes everything, `order_life_ns` how long a GTC order shall rest.
    """

    def __init__(
        self,
        *,
        venue: str,
        listed: Iterable[Listed],
        trading: bool = False,
        book: str = "orders",
        interval_ms: int = 100,
        rfqs: bool = False,
        order_life_ns: int = 86_400 * SECOND,
        size_max: int = SIZE_MAX,
    ) -> None:
        self._venue, self._trading, self._book, self._interval_ms = venue, trading, book, interval_ms
        self._wants_rfqs, self._life_ns = rfqs, order_life_ns
        known = list(listed)
        self._instruments = {one.instrument.id: one.instrument for one in known}
        self._codec = Codec(venue, known, size_max)
        self._tags = Tags()
        self.requests = Requests(self._tags)
        self.books = Books(self._instruments.values())
        self._out: deque[str] = deque()
        self.asks = Asks(venue, self._out)
        self.rfqs = Rfqs(venue, self.asks.ours)
        self.offset_ns = 0
        """The venue's clock minus ours, as far as it is known: cycles are the venue's."""

        self._channels: dict[str, _Channel] = {}
        for instrument in self._instruments.values():
            for kind in [_BOOK_KINDS[book]] + ([] if book == "orders" else [_TRADES]):
                self._channels[f"{kind} {instrument.symbol}"] = _Channel(instrument, kind)
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._events: list[Event] = []
        self._notices: deque[Notice] = deque()
        self._open = self._up = False
        self._heard = self._said = 0
        self._frames = self._bad = self._ignored = self._unrecognised = self._repeated = self._dropped = 0

    # The connection and the login

    def opened(self, at: int) -> list[Event]:
        """The socket is up."""
        self._open, self._heard, self._said = True, at, at
        return [] if self._trading else self._ready(at)

    def login(self, token: str, at: int) -> str:
        """The frame that logs in."""
        self._said = at
        return commands.authenticate(token, self._tags.new(Ask.LOGIN, at).tag)

    def closed(self, at: int, reason: str) -> list[Event]:
        """The socket is gone: no book can be trusted, and no reply will come any more."""
        was_up, self._open, self._up = self._up, False, False
        asked_for = self.rfqs.closed(at)
        self._out.clear()
        self.asks.closed()
        self.books.closed()
        for channel in self._channels.values():
            channel.active, channel.ask_at, channel.tries = False, NO_TIME, 0
        for asked in self._tags.reset():
            if asked.ask is Ask.QUERY:
                self._notice(Unanswered(user_tag=asked.tag, reason=reason))
        down = [LinkChanged(venue=self._venue, up=False, reason=reason, ts=at)] if was_up else []
        return [*asked_for, *down]

    def _ready(self, at: int) -> list[Event]:
        self._up = True
        for channel in self._channels.values():
            channel.ask_at = at
        self.asks.opened(at)
        if self._wants_rfqs:
            self._out.append(commands.asked("register_for_rfqs", self._tags.new(Ask.RFQS, at).tag))
        return [LinkChanged(venue=self._venue, up=True, ts=at)]

    @property
    def up(self) -> bool:
        """Whether orders can be sent, or (market data alone) subscriptions."""
        return self._up

    # What we say

    def place(self, order: Place, at: int) -> str:
        """The frame of a new order.

        Raises:
            Unsupported: the venue has no words for it. LocalError: no login yet, or an instrument that is not ours.
        """
        self._expect_up("a new order")
        instrument = self._instruments.get(order.instrument)
        if instrument is None:
            raise LocalError(f"{order.client_order_id}: expected an instrument of ours, received {order.instrument}")
        fields = order_fields(order, instrument, at, self.offset_ns, self._life_ns)
        tag = self._tags.new(Ask.ORDER, at, client_order_id=order.client_order_id).tag
        text = commands.new_order(fields, tag)
        end = order.expire_ts if order.time_in_force == GTD else 0
        self.requests.placed(order.client_order_id, instrument, order.side, order.lots, end)
        self._said = at
        return text

    def cancel(self, client_order_id: str, venue_order_id: str, request_id: int, at: int) -> str:
        """The frame of a cancel, by the venue's id of the order where it is known, else by ours."""
        self._expect_up("a cancel")
        asked = self._tags.new(
            Ask.CANCEL, at, client_order_id=client_order_id, venue_order_id=venue_order_id, request_id=request_id
        )
        self._said = at
        numeric = venue_order_id.isascii() and venue_order_id.isdigit()  # the venue refuses any other
        if numeric:
            return commands.cancel_order(asked.tag, order_id=venue_order_id)
        return commands.cancel_order(asked.tag, client_order_id=client_order_id)

    def cancel_all(self, symbol: str, at: int) -> str:
        """The frame that cancels every order, or those in one instrument; each order is told of by itself."""
        self._expect_up("a cancel of all")
        self._said = at
        return commands.cancel_all_orders(self._tags.new(Ask.QUERY, at).tag, symbol=symbol)

    def ask(self, name: str, at: int, **fields: str) -> tuple[str, str]:
        """The tag and the frame of a question; its answer comes as a notice, `Answered` or `Unanswered`."""
        self._expect_up(f"a {name}")
        tag = self._tags.new(Ask.QUERY, at).tag
        self._said = at
        return tag, commands.framed(name, {**fields, "user_tag": tag})

    def _expect_up(self, what: str) -> None:
        if not self._up:
            raise LocalError(f"{self._venue}: expected a link that is logged in, received {what}; nothing is sent")

    def outgoing(self, at: int) -> list[str]:
        """Frames that the link wants written now, oldest first. Call it after every frame and whenever `due` says."""
        if self._open:
            self._check(at)
        texts = list(self._out)
        self._out.clear()
        if texts:
            self._said = at
        elif self._open and at - self._said >= HEARTBEAT_NS:
            self._said = at
            texts.append(commands.heartbeat(str(at // 1000)))
        self._collect()
        return texts

    def _check(self, at: int) -> None:
        if at - self._heard >= DEAD_NS:
            self._notice(Reconnect(reason=f"expected a frame within {DEAD_NS // SECOND} s, received none"))
            self._heard = at
        for asked in self._tags.late(at):
            self._late(asked, at)
        for client_order_id, venue_order_id in self.requests.check(at):
            if self._up:
                self._out.append(self.cancel(client_order_id, venue_order_id, 0, at))
        events, reason = self.books.check(at)
        self._events += [*events, *self.asks.check(at)]
        if reason:
            self._notice(Reconnect(reason=reason, chosen=True))
        for channel in self._channels.values():
            if channel.ask_at <= at:
                self._subscribe(channel, at)

    def _subscribe(self, channel: _Channel, at: int) -> None:
        channel.ask_at = NO_TIME
        symbol = channel.instrument.symbol
        asked = self._tags.new(Ask.SUBSCRIBE, at, symbol=f"{channel.kind} {symbol}")
        interval = "0" if self._book == "orders" else str(self._interval_ms)
        self._out.append(commands.subscribe(channel.kind, asked.tag, symbol=symbol, interval_ms=interval))

    def _late(self, asked: Asked, at: int) -> None:
        match asked.ask:
            case Ask.LOGIN:
                self._notice(Reconnect(reason="expected an answer to the login, received none in time"))
            case Ask.SUBSCRIBE:
                self._subscription_failed(asked, "no answer in time", at)
            case Ask.ORDER | Ask.CANCEL:
                self.requests.late(asked)
            case Ask.QUERY:
                self._notice(Unanswered(user_tag=asked.tag, reason="expected an answer, received none in time"))
            case Ask.RFQS:
                self._out.append(commands.asked("register_for_rfqs", self._tags.new(Ask.RFQS, at).tag))

    def due(self) -> int:
        """When `outgoing` has something to do by itself; NO_TIME while the socket is down."""
        if not self._open:
            return NO_TIME
        asks = min((channel.ask_at for channel in self._channels.values()), default=NO_TIME)
        clocks = min(self._said + HEARTBEAT_NS, self._heard + DEAD_NS)
        return min(clocks, asks, self._tags.due(), self.requests.due(), self.books.due(), self.asks.due())

    def resync(self, instrument: str, reason: str, at: int) -> list[Event]:
        """Read a book anew, because of something that the link cannot see."""
        return self.books.distrust(instrument, reason, at)

    def take_events(self) -> list[Event]:
        """What has happened by the passing of time alone since the last call."""
        events, self._events = self._events, []
        return events

    def take_notices(self) -> list[Notice]:
        """Everything to tell since the last call, oldest first."""
        notices = list(self._notices)
        self._notices.clear()
        return notices

    def statistics(self) -> LinkStatistics:
        """Counts, and what stands now."""
        return LinkStatistics(
            frames=self._frames,
            bad=self._bad,
            ignored=self._ignored,
            unrecognised=self._unrecognised,
            snapshots=self.books.snapshots,
            stale=self.books.stale,
            books_lost=self.books.lost,
            books_live=sum(feed.live for feed in self.books.feeds.values()),
            trades_repeated=self._repeated,
            fills_repeated=self.requests.duplicates,
            requests_pending=len(self._tags),
            subscriptions_active=sum(channel.active for channel in self._channels.values()),
            rfqs=len(self.rfqs.open),
            notices_dropped=self._dropped,
        )

    # What the venue says

    def receive(self, frame: str | bytes, at: int) -> list[Event]:
        """What one frame means."""
        self._frames += 1
        self._heard = at
        try:
            message = self._codec.decode(frame)
            mine = self.asks.mine(message)
            events: list[Event] = [*self.asks.take(message, at)] if mine else self._apply(message, at)
        except BadMessage as bad:
            events = self._drop(bad, at)
        self._collect()
        return events

    def _apply(self, message: Message, at: int) -> list[Event]:
        match message:
            case Heard():
                self._out.append(commands.heartbeat(str(at // 1000)))
            case BookStated() | OrderShown() | OrderGone() | OrderMoved() | OrderTaken() | LevelsChanged():
                return self.books.apply(message, at)
            case PublicTrade():
                return self._trade(message, at)
            case Accepted():
                return list(self.requests.accepted(message, at))
            case SettlementStated() | FundingStated():
                return [payment(message, self._venue, at)]
            case Rejected():
                return list(self.requests.rejected(message, at))
            case Executed():
                symbol = self._codec.symbol(message.symbol, message.entity_id)
                instrument = self._instruments.get(f"{symbol}.{self._venue}")
                return list(self.requests.executed(message, instrument, at))
            case CancelStated():
                return list(self.requests.cancel_stated(message, at))
            case Replied():
                return self._replied(message, at)
            case RfqsStated() | RfqShown() | RfqGone():
                return self._rfq(message, at)
            case PassedOn() | Refreshed() | HistoryStated() | ReferenceStated() | PositionsStated() | BalancesStated():
                if self._tags.take(message.user_tag) is not None:
                    self._notice(Answered(user_tag=message.user_tag, message=message))
            case Failed():
                self._notice(Reconnect(reason=f"the venue says that it failed: {message.code} {message.text}"))
            case Ignored() | LevelsStated() | OrderInfo() | OrdersStated() | OrderMissing():
                self._ignored += 1
            case Unrecognised():
                self._unrecognised += 1
                self._notice(message)
            case _:
                assert_never(message)
        return []

    def _replied(self, told: Replied, at: int) -> list[Event]:
        asked = self._tags.take(told.user_tag)
        if asked is None:
            if told.code:
                self._notice(Unattributed(reply=told))
                if self._trading:
                    self._notice(ReconcileWanted(reason=f"a refusal that fits no request: {told.text}"))
            return []
        if told.code and asked.ask is not Ask.LOGIN and not_logged_in(told) and self._trading:
            self._notice(Reconnect(reason=f"the login does not hold any more: {told.text}"))
        match asked.ask:
            case Ask.LOGIN:
                if told.code in (0, _LOGGED_IN):
                    return self._ready(at)
                self._notice(LoginFailed(reason=f"{told.text} (code {told.code})"))
            case Ask.SUBSCRIBE:
                if told.code == 0 or _SUBSCRIBED in told.text:
                    channel = self._channels[asked.symbol]
                    channel.active, channel.tries = True, 0
                    if channel.kind != _TRADES:
                        self.books.subscribed(channel.instrument.id, at)
                else:
                    self._subscription_failed(asked, f"{told.text} (code {told.code})", at)
            case Ask.ORDER | Ask.CANCEL:
                return list(self.requests.replied(asked, told, at))
            case Ask.QUERY:
                self._notice(Answered(user_tag=asked.tag, message=told))
            case Ask.RFQS:
                if told.code:
                    self._notice(SubscriptionFailed(symbol="RFQs", reason=told.text, tries=TRIES_TOLD))
        return []

    def _subscription_failed(self, asked: Asked, reason: str, at: int) -> None:
        channel = self._channels[asked.symbol]
        channel.ask_at = at + _PAUSES_NS[min(channel.tries, len(_PAUSES_NS) - 1)]
        channel.tries += 1
        if channel.tries % TRIES_TOLD == 0:
            self._notice(SubscriptionFailed(symbol=asked.symbol, reason=reason, tries=channel.tries))

    def _trade(self, message: PublicTrade, at: int) -> list[Event]:
        key = message.instrument, message.trade_id
        if self._book == "orders" or key in self._seen:
            self._repeated += 1
            return []
        self._seen[key] = None
        if len(self._seen) > TRADES_REMEMBERED:
            self._seen.popitem(last=False)
        return [
            Traded(
                instrument=message.instrument,
                taker=None,
                ticks=message.ticks,
                lots=message.lots,
                trade_id=message.trade_id,
                ts=at,
                venue_ts=message.venue_ts,
            )
        ]

    def _rfq(self, message: RfqMessage, at: int) -> list[Event]:
        """Who asks for quotes, and who does no more; none of it is in any book."""
        if not self._wants_rfqs:
            self._ignored += 1
            return []
        return list(self.rfqs.apply(message, at, self.offset_ns))

    def _drop(self, bad: BadMessage, at: int) -> list[Event]:
        self._bad += 1
        self._notice(bad)
        instrument = f"{bad.topic}.{self._venue}"
        if bad.topic and instrument in self._instruments:
            return self.books.distrust(instrument, str(bad), at)
        if self._trading:
            self._notice(ReconcileWanted(reason=f"a message was dropped: {bad}"))
        return []

    def _notice(self, notice: Notice) -> None:
        self._notices.append(notice)
        if len(self._notices) > NOTICES_MAX:
            self._notices.popleft()
            self._dropped += 1

    def _collect(self) -> None:
        """Take over what the orders have to tell."""
        for notice in self.requests.notices:
            self._notice(notice)
        self.requests.notices.clear()
