"""The channels of one connection and the books that come over them.

Which channels are wanted, how far each is, and what a book message means for its book. What has to be written goes
through the `write` that is passed in; what there is to tell is collected in `notices`.
"""

from collections.abc import Callable, Iterator

from tickwright.adapters.tdx.messages import Command, Depth, Subscribe, Unsubscribe
from tickwright.adapters.tdx.notices import Notice, SubscriptionFailed
from tickwright.adapters.tdx.sequence import Bare, BookGap, BookSequence, Gaps, Step
from tickwright.adapters.tdx.subscription import TRIES_TOLD, Phase, Signal, Subscription
from tickwright.adapters.tdx.topics import Channel
from tickwright.adapters.tdx.topics import topic as checked_topic
from tickwright.engine.errors import LocalError
from tickwright.engine.events import BookChanged, BookLost, Event
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import NO_TIME, Health


class Channels:
    """Every channel that is wanted, by its topic."""

    def __init__(
        self,
        *,
        instrument_of: Callable[[str], Instrument | None],
        write: Callable[[Command], None],
        gaps: Gaps,
        bare: Bare,
    ) -> None:
        self.notices: list[Notice] = []
        self.ignored = 0
        self.gap_count = 0
        self.books: dict[str, BookSequence] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._instrument_of = instrument_of
        self._write = write
        self._gaps, self._bare = gaps, bare

    def __iter__(self) -> Iterator[Subscription]:
        return iter(tuple(self._subscriptions.values()))

    def get(self, name: str) -> Subscription | None:
        return self._subscriptions.get(name)

    def want(self, name: str) -> Subscription:
        """Keep a channel for as long as it is not left, over every reconnection.

        Raises:
            LocalError: the topic fits no pattern, its pair is not known, or its book has a channel already.
        """
        topic = checked_topic(name)
        found = self._subscriptions.get(name)
        if found is not None:
            return found
        if topic.channel is Channel.DEPTH:
            instrument = self._instrument_of(topic.target)
            if instrument is None:
                raise LocalError(f"TDX {name}: expected a pair of the config, received another; nothing is sent")
            for other, book in self.books.items():
                if book.instrument == instrument.id:
                    raise LocalError(f"{instrument.id}: expected one channel of its book, received {other} and {name}")
            self.books[name] = BookSequence(instrument.id, self._gaps, self._bare)
        self._subscriptions[name] = Subscription(topic)
        return self._subscriptions[name]

    def ask_all(self, at: int, *, private: bool) -> None:
        """Ask for every channel that is wanted and not under way; private ones only if told so."""
        for subscription in self:
            if subscription.phase in (Phase.OFFLINE, Phase.WAITING) and (private or not subscription.topic.private):
                self.move(subscription, Signal.ASK, at)
                self._subscribe(subscription)

    def ask_again(self) -> None:
        """Show the venue a new token on every private channel that is open."""
        for subscription in self:
            if subscription.topic.private and subscription.phase is Phase.ACTIVE:
                self._subscribe(subscription)

    def move(self, subscription: Subscription, signal: Signal, at: int) -> Phase:
        """Let something happen to a channel; the phase that it was in is returned."""
        before = subscription.signal(signal, at)
        if subscription.phase is Phase.DONE:
            self._subscriptions.pop(subscription.topic.name)
            self.books.pop(subscription.topic.name, None)
        return before

    def closed(self, reason: str, at: int) -> list[Event]:
        """The connection is gone."""
        events: list[Event] = []
        for subscription in self:
            events += self.lose(subscription.topic.name, Health.STALE, f"disconnected: {reason}", at)
            self.move(subscription, Signal.CLOSED, at)
        return events

    def confirmed(self, name: str, at: int) -> None:
        for subscription in self._meant(name):
            self.move(subscription, Signal.CONFIRMED, at)
            book = self.books.get(subscription.topic.name)
            if book is not None:
                book.confirmed()
                if book.last is None:
                    subscription.expect_book(at)

    def data(self, name: str, at: int) -> None:
        """Data on a channel confirms it."""
        for subscription in self._meant(name):
            if subscription.phase is not Phase.ACTIVE:
                self.move(subscription, Signal.DATA, at)

    def unsubscribed(self, name: str, at: int) -> list[Event]:
        """The venue has ended a channel; where that was for reading a book anew, it is asked for again."""
        subscription = self._subscriptions.get(name)
        if subscription is None:
            return []
        events = self.lose(name, Health.SYNCING, "unsubscribed", at)
        if self.move(subscription, Signal.GONE, at) is Phase.RENEWING:
            self._subscribe(subscription)
        return events

    def refused(self, subscription: Subscription, reason: str, at: int) -> list[Event]:
        """The venue will not give a channel; it is asked again after a pause."""
        events = self.lose(subscription.topic.name, Health.STALE, f"refused: {reason}", at)
        if self.move(subscription, Signal.REFUSED, at) is Phase.RENEWING:
            self._subscribe(subscription)
        self._tell_failure(subscription, reason)
        return events

    def check(self, at: int) -> None:
        """Act on every phase that has run out of time."""
        for subscription in self:
            if subscription.due > at:
                continue
            before = self.move(subscription, Signal.LATE, at)
            if before is Phase.ACTIVE:
                self._write(Unsubscribe(topic=subscription.topic.name))
            elif subscription.phase is Phase.REQUESTED:
                self._subscribe(subscription)
            elif subscription.phase is Phase.WAITING:
                self._tell_failure(subscription, "nothing was received")

    def due(self) -> int:
        """When the first phase runs out of time."""
        return min((subscription.due for subscription in self), default=NO_TIME)

    def depth(self, message: Depth, at: int) -> list[Event]:
        """What one book message means."""
        book, subscription = self.books.get(message.topic), self._subscriptions.get(message.topic)
        if book is None or subscription is None or subscription.phase in (Phase.LEAVING, Phase.OFFLINE):
            self.ignored += 1
            return []
        try:
            step = book.take(message)
        except BookGap as gap:
            self.gap_count += 1
            self.notices.append(gap)
            subscription.renew(at)
            return [BookLost(instrument=book.instrument, health=Health.GAPPED, reason=str(gap), ts=at)]
        if book.gap is not None:
            self.gap_count += 1
            self.notices.append(book.gap)
        if step is Step.IGNORE:
            return []
        if step is Step.CHANGE:
            return [BookChanged(instrument=book.instrument, changes=message.changes, ts=at)]
        self.move(subscription, Signal.DATA, at)
        subscription.healed()
        levels = tuple(change for change in message.changes if change[2])
        return [BookChanged(instrument=book.instrument, changes=levels, snapshot=True, ts=at)]

    def distrust(self, name: str, reason: str, at: int) -> list[Event]:
        """A message of this channel could not be read: what it said of the book is missing."""
        subscription = self._subscriptions.get(name)
        if subscription is None or name not in self.books:
            return []
        subscription.renew(at)
        return self.lose(name, Health.GAPPED, reason, at)

    def lose(self, name: str, health: Health, reason: str, at: int) -> list[Event]:
        """Trust the book of a channel no more; nothing where there was none."""
        book = self.books.get(name)
        if book is None or not book.lose():
            return []
        return [BookLost(instrument=book.instrument, health=health, reason=reason, ts=at)]

    def _meant(self, name: str) -> list[Subscription]:
        """The channels that a message means: a wildcard's comes under the name of a pair."""
        found = self._subscriptions.get(name) or self._subscriptions.get("*@" + name.partition("@")[2])
        return [] if found is None else [found]

    def _subscribe(self, subscription: Subscription) -> None:
        self._write(Subscribe(topic=subscription.topic.name))

    def _tell_failure(self, subscription: Subscription, reason: str) -> None:
        if subscription.failures >= TRIES_TOLD:
            name, tries = subscription.topic.name, subscription.failures
            self.notices.append(SubscriptionFailed(topic=name, reason=reason, tries=tries))
