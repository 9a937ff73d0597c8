"""One connection to the venue as a value machine: frames and time in, events and frames out. No socket, no clock.

    events = link.receive(frame, at)      what happened
    text = link.send(command, at)         a frame to write now
    texts = link.outgoing(at)             frames that the link itself wants written (subscriptions, renewals)
    notices = link.take_notices()         what else there is to tell: bad messages, gaps, things to ask the venue for
    link.due()                            when to call `outgoing` again, if nothing else happens

A bad message never gets past here: it is dropped, counted and told in a notice. On a book's channel it may have
hidden levels, so the book is lost and read anew; on the private channel, or where the channel cannot be told, it may
have hidden a fill, so a reconciliation is asked for.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final, assert_never

from attrs import frozen

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.tdx import assumed
from tickwright.adapters.tdx.channels import Channels
from tickwright.adapters.tdx.codec import CANCEL_ON_DISCONNECT, Codec
from tickwright.adapters.tdx.messages import (
    Acknowledged,
    BalanceStated,
    Cancel,
    CancelOnDisconnect,
    Command,
    Confirmed,
    Depth,
    Ignored,
    Message,
    OrderStated,
    Pair,
    Place,
    PriceStated,
    PublicTrade,
    Refused,
    Subscribe,
    TradeStated,
    Unrecognised,
    Unsubscribe,
    Unsubscribed,
)
from tickwright.adapters.tdx.notices import LoginWanted, Notice, ReconcileWanted
from tickwright.adapters.tdx.requests import Requests
from tickwright.adapters.tdx.sequence import Bare, Gaps
from tickwright.adapters.tdx.subscription import Phase, Signal, Subscription
from tickwright.adapters.tdx.topics import Channel, parse_topic
from tickwright.engine.errors import LocalError
from tickwright.engine.events import Event, LinkChanged, Traded
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import NO_TIME

TRADES_REMEMBERED: Final = 1024
"""Ids of public trades kept per channel: a repeat comes within seconds of the first."""

NOTICES_MAX: Final = 4096
"""Taken after every frame; one frame of 1 MiB holds fewer orders than this."""

_REFRESH_NUM: Final = 4
_REFRESH_DEN: Final = 5


@frozen(kw_only=True)
class LinkStatistics:
    """Counts since the link was made, and what stands now."""

    frames: int
    bad: int
    ignored: int
    unrecognised: int
    snapshots: int
    stale: int
    overlaps: int
    gaps: int
    renewals: int
    renewing: int
    trades_repeated: int
    fills_repeated: int
    states_outdated: int
    requests_pending: int
    subscriptions: int
    subscriptions_active: int
    books_live: int
    notices_dropped: int
    cancel_on_disconnect: bool


class Link:
    """What is known of one connection; see the top of this file.

    `pairs` are the instruments that may be traded or watched, `topics` the channels that are wanted from the first
    opening on. `venue` is the venue part of the instruments' ids, for `LinkChanged`.
    """

    def __init__(
        self,
        *,
        venue: str,
        pairs: Iterable[Pair],
        topics: Iterable[str] = (),
        sub_account_id: str = "",
        gaps: Gaps = Gaps.STRICT,
        bare: Bare = Bare.SNAPSHOT,
    ) -> None:
        self._venue = venue
        self._codec = Codec(pairs, sub_account_id)
        self._requests = Requests()
        self._channels = Channels(
            instrument_of=lambda symbol: self._codec.instrument("", symbol), write=self._write, gaps=gaps, bare=bare
        )
        self._seen: dict[str, OrderedDict[str, None]] = {}
        self._out: deque[str] = deque()
        self._notices: deque[Notice] = deque()
        self._up = False
        self._token = ""
        self._token_ends = 0
        self._refresh_at = NO_TIME
        self._cancel_on_disconnect = False
        self._frames = self._bad = self._ignored = self._unrecognised = 0
        self._repeated = self._dropped = 0
        for name in topics:
            self._channels.want(name)

    # The connection and the login

    def opened(self, at: int) -> list[Event]:
        """The socket is up: every wanted channel is asked for, private ones once there is a token."""
        self._up = True
        self._channels.ask_all(at, private=bool(self._token))
        return [LinkChanged(venue=self._venue, up=True, ts=at)]

    def closed(self, at: int, reason: str) -> list[Event]:
        """The socket is gone: no book can be trusted, and no reply will come any more."""
        self._up = self._cancel_on_disconnect = False
        self._out.clear()
        self._requests.forget_pending()
        events = self._channels.closed(reason, at)
        return [*events, LinkChanged(venue=self._venue, up=False, reason=reason, ts=at)]

    def authorize(self, token: str, ends: int, at: int) -> None:
        """Use this token, which ends at `ends`, from now on; private channels are asked for again with it."""
        self._token, self._token_ends = token, ends
        self._refresh_at = at + max(ends - at, 0) * _REFRESH_NUM // _REFRESH_DEN
        if self._up:
            self._channels.ask_again()
            self._channels.ask_all(at, private=True)

    def logged_in(self, at: int) -> bool:
        """Whether there is a token that has not ended."""
        return bool(self._token) and at < self._token_ends

    @property
    def token_ends(self) -> int:
        """When the token ends; 0 where there is none."""
        return self._token_ends

    @property
    def refresh_at(self) -> int:
        """When to ask for the next token: after four fifths of this one's life. NO_TIME before the first."""
        return self._refresh_at

    # Frames

    def receive(self, frame: str | bytes, at: int) -> list[Event]:
        """What one frame means."""
        self._frames += 1
        events: list[Event] = []
        try:
            for message in self._codec.decode(frame):
                events += self._apply(message, at)
        except BadMessage as bad:
            events += self._drop(bad, at)
        self._collect()
        return events

    def send(self, command: Command, at: int) -> str:
        """The frame of a command, after noting what answer to expect.

        Raises:
            LocalError: the link is down, a token or the venue's id of the pair is missing, a topic fits no pattern,
                or a second channel of one book is asked for. Nothing is sent.
        """
        if not self._up:
            raise LocalError(f"{self._venue}: expected an open link to send on, received a {type(command).__name__}")
        match command:
            case Subscribe(topic=name):
                text = self._encode(command)
                subscription = self._channels.want(name)
                if subscription.phase not in (Phase.REQUESTED, Phase.RENEWING):
                    self._channels.move(subscription, Signal.ASK, at)
                return text
            case Unsubscribe(topic=name):
                known = self._channels.get(name)
                if known is None:
                    raise LocalError(f"TDX: expected a topic that is subscribed, received {name!r}; nothing is sent")
                self._channels.move(known, Signal.LEAVE, at)
                return self._encode(command)
            case Place():
                text = self._encode(command)
                self._requests.placed(command, self._instrument(command.instrument))
                return text
            case Cancel():
                text = self._encode(self._with_venue_id(command))
                self._requests.cancelling(command)
                return text
            case CancelOnDisconnect():
                return self._encode(command)
            case _:
                assert_never(command)

    def order_body(self, command: Place) -> dict[str, str]:
        """A new order as the fields of a REST request."""
        return self._codec.order_body(command)

    def outgoing(self, at: int) -> list[str]:
        """Frames that the link wants written now, oldest first. Call it after every frame and whenever `due` says."""
        if self._up:
            self._channels.check(at)
        self._requests.check(at)
        self._collect()
        texts = list(self._out)
        self._out.clear()
        return texts

    @property
    def has_outgoing(self) -> bool:
        """Whether frames wait to be written, whatever the time."""
        return bool(self._out)

    def due(self) -> int:
        """When `outgoing` has something to do by itself; NO_TIME if never."""
        return min(self._channels.due() if self._up else NO_TIME, self._requests.due())

    def take_notices(self) -> list[Notice]:
        """Everything to tell since the last call, oldest first."""
        self._collect()  # an answer over REST reaches the orders past this object
        notices = list(self._notices)
        self._notices.clear()
        return notices

    def resync(self, instrument: str, reason: str, at: int) -> list[Event]:
        """Read a book anew, from a whole one, because of something that the link cannot see."""
        names = [name for name, book in self._channels.books.items() if book.instrument == instrument]
        return [event for name in names for event in self._channels.distrust(name, reason, at)]

    @property
    def cancels_on_disconnect(self) -> bool:
        """Whether the venue has said that it will cancel our orders when this connection ends."""
        return self._cancel_on_disconnect

    @property
    def requests(self) -> Requests:
        """Which order is which: for adopting orders of an earlier run."""
        return self._requests

    def statistics(self) -> LinkStatistics:
        """Counts, and what stands now."""
        subscriptions, books = list(self._channels), self._channels.books.values()
        return LinkStatistics(
            frames=self._frames,
            bad=self._bad,
            ignored=self._ignored + self._channels.ignored,
            unrecognised=self._unrecognised,
            snapshots=sum(book.whole for book in books),
            stale=sum(book.stale for book in books),
            overlaps=sum(book.overlaps for book in books),
            gaps=self._channels.gap_count,
            renewals=sum(subscription.renewals for subscription in subscriptions),
            renewing=sum(subscription.phase is Phase.RENEWING for subscription in subscriptions),
            trades_repeated=self._repeated,
            fills_repeated=self._requests.duplicates,
            states_outdated=self._requests.outdated,
            requests_pending=self._requests.pending(),
            subscriptions=len(subscriptions),
            subscriptions_active=sum(subscription.phase is Phase.ACTIVE for subscription in subscriptions),
            books_live=sum(book.last is not None for book in books),
            notices_dropped=self._dropped,
            cancel_on_disconnect=self._cancel_on_disconnect,
        )

    # Messages, one kind each

    def _apply(self, message: Message, at: int) -> list[Event]:
        match message:
            case Depth():
                return self._channels.depth(message, at)
            case PublicTrade():
                return self._trade(message, at)
            case OrderStated():
                self._channels.data(message.topic, at)
                return list(self._requests.stated(message, at))
            case TradeStated():
                self._channels.data(message.topic, at)
                return list(self._requests.traded(message, self._codec.instrument(message.pair_id), at))
            case Confirmed(topic=name):
                self._channels.confirmed(name, at)
            case Unsubscribed(topic=name):
                return self._channels.unsubscribed(name, at)
            case Refused():
                return self._refused(message, at)
            case Acknowledged():
                if message.name == assumed.CANCEL_ON_DISCONNECT_ARMED:
                    self._cancel_on_disconnect = True
                self._requests.acknowledged(message.client_order_id, message.venue_order_id)
            case BalanceStated() | PriceStated():
                self._channels.data(message.topic, at)
                self._notice(message)
            case Ignored():
                self._ignored += 1
            case Unrecognised():
                self._unrecognised += 1
                self._notice(message)
            case _:
                assert_never(message)
        return []

    def _trade(self, message: PublicTrade, at: int) -> list[Event]:
        if self._channels.get(message.topic) is None:
            self._ignored += 1
            return []
        self._channels.data(message.topic, at)
        seen = self._seen.setdefault(message.topic, OrderedDict())
        if message.trade_id in seen:
            self._repeated += 1
            return []
        seen[message.trade_id] = None
        if len(seen) > TRADES_REMEMBERED:
            seen.popitem(last=False)
        return [
            Traded(
                instrument=message.instrument,
                taker=message.taker,
                ticks=message.ticks,
                lots=message.lots,
                trade_id=message.trade_id,
                ts=at,
                venue_ts=message.venue_ts,
            )
        ]

    def _refused(self, message: Refused, at: int) -> list[Event]:
        if CANCEL_ON_DISCONNECT.removeprefix("tdx:") in message.name.lower():
            self._cancel_on_disconnect = False
            self._notice(ReconcileWanted(reason=f"cancel on disconnect was refused: {message.words}"))
            return []
        subscription = self._refused_channel(message)
        if subscription is None:
            return list(self._requests.refused(message, at))
        if message.code == 401 or message.status == "UNAUTHENTICATED":
            self._notice(LoginWanted(reason=message.words))
        return self._channels.refused(subscription, message.words, at)

    def _refused_channel(self, message: Refused) -> Subscription | None:
        """The channel that a refusal means, or None where it means a request about an order."""
        found = self._channels.get(message.topic)
        idle = self._requests.pending() == 0 and not message.client_order_id
        if found is None:
            waiting = [item for item in self._channels if item.phase is Phase.REQUESTED]
            return waiting[0] if idle and not message.topic and len(waiting) == 1 else None
        if found.topic.channel is not Channel.ORDERS or "subscri" in message.name.lower():
            return found
        return found if idle and found.phase is Phase.REQUESTED else None

    def _drop(self, bad: BadMessage, at: int) -> list[Event]:
        self._bad += 1
        self._notice(bad)
        topic = parse_topic(bad.topic)
        if topic is not None and not topic.private:
            return self._channels.distrust(topic.name, str(bad), at)
        if any(subscription.topic.private for subscription in self._channels):
            self._notice(ReconcileWanted(reason=f"a message was dropped: {bad}"))
        return []

    # Small things

    def _encode(self, command: Command) -> str:
        private = not isinstance(command, Subscribe | Unsubscribe)
        if isinstance(command, Subscribe):
            topic = parse_topic(command.topic)
            private = topic is not None and topic.private
        if private and not self._token:
            raise LocalError(f"{self._venue}: expected a login before a {type(command).__name__}; nothing is sent")
        return self._codec.encode(command, self._token if private else "")

    def _write(self, command: Command) -> None:
        self._out.append(self._encode(command))

    def _with_venue_id(self, command: Cancel) -> Cancel:
        known = command.venue_order_id or self._requests.venue_order_id(command.client_order_id)
        return Cancel(client_order_id=command.client_order_id, venue_order_id=known, request_id=command.request_id)

    def _instrument(self, instrument_id: str) -> Instrument:
        found = self._codec.instrument("", instrument_id.rpartition(".")[0])
        assert found is not None, instrument_id  # the encoder has refused an unknown one
        return found

    def _notice(self, notice: Notice) -> None:
        self._notices.append(notice)
        if len(self._notices) > NOTICES_MAX:
            self._notices.popleft()
            self._dropped += 1

    def _collect(self) -> None:
        """Take over what channels and orders have to tell."""
        for source in (self._channels.notices, self._requests.notices):
            for notice in source:
                self._notice(notice)
            source.clear()
