"""The venue's books, which bear no sequence numbers: what cannot be is the only sign of a lost message.

Order by order, a book is kept as the venue tells it (`BookByOrder`) and told on as levels. An order that comes twice
or is not there, more taken from one than it had, or a book that stays crossed: then the book is lost, and since the
venue refuses a second subscription over one connection, the way back is a new connection, unless the venue sends a
whole book by itself. Such a way back costs the orders' link, too; a book that is lost again and again must wait.
"""

from collections.abc import Iterable
from typing import Final

from attrs import define, field

from tickwright.adapters.powertrade.messages import (
    BookMessage,
    BookStated,
    LevelsChanged,
    OrderGone,
    OrderMoved,
    OrderShown,
    OrderTaken,
)
from tickwright.engine.book import Book
from tickwright.engine.book_by_order import BookByOrder
from tickwright.engine.errors import RemoteError, SequenceGap
from tickwright.engine.events import BookChanged, BookLost, Event, Traded
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import CROSSED, NO_TIME, Health, Side
from tickwright.engine.times import SECOND

CROSSED_NS: Final = SECOND
"""A book may be crossed between two messages that belong together, and no longer."""

SNAPSHOT_NS: Final = 10 * SECOND
"""How long the first whole book may take after a subscription."""

CALM_NS: Final = 300 * SECOND
"""A book that held so long is a good one: the next pause is the shortest again."""

_PAUSES_NS: Final = tuple(seconds * SECOND for seconds in (1, 2, 5, 10, 15))
"""The longest is half of what a run may take to trade again, once nothing is wrong any more."""


@define
class Feed:
    """One book as it is fed: what rests in it, whether it holds, and when to do something about it."""

    instrument: Instrument
    orders: BookByOrder = field(init=False)
    live: bool = False
    crossed_at: int = NO_TIME
    renew_at: int = NO_TIME
    renewed_at: int = -CALM_NS
    step: int = 0

    def __attrs_post_init__(self) -> None:
        self.orders = BookByOrder(Book(self.instrument))

    @property
    def due(self) -> int:
        crossed = self.crossed_at + CROSSED_NS if self.crossed_at != NO_TIME else NO_TIME
        return min(crossed, self.renew_at)


class Books:
    """All books of one connection."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self.feeds = {instrument.id: Feed(instrument) for instrument in instruments}
        self.snapshots = self.stale = self.lost = 0

    def apply(self, message: BookMessage, at: int) -> list[Event]:
        """What a message does to its book. Changes of a book that does not hold are dropped, its trades are not."""
        feed = self.feeds[message.instrument]
        events: list[Event] = []
        if isinstance(message, OrderTaken):
            taker = Side.SELL if message.side > 0 else Side.BUY
            events.append(
                Traded(
                    instrument=message.instrument,
                    taker=taker,
                    ticks=message.ticks,
                    lots=message.lots,
                    ts=at,
                    venue_ts=message.venue_ts,
                )
            )
        if not feed.live and not isinstance(message, BookStated):
            self.stale += 1
            return events
        try:
            levels = _change(feed.orders, message)
        except (SequenceGap, RemoteError) as error:
            return [*events, *self.lose(feed, Health.GAPPED, str(error), at)]
        whole = isinstance(message, BookStated)
        if whole:
            feed.live = True
            feed.renew_at = NO_TIME
            self.snapshots += 1
        events.append(
            BookChanged(
                instrument=message.instrument,
                changes=_sizes(feed.orders.book, levels),
                snapshot=whole,
                ts=at,
                venue_ts=message.venue_ts,
            )
        )
        if feed.orders.settle(at) == CROSSED:
            feed.crossed_at = min(feed.crossed_at, at)
        else:
            feed.crossed_at = NO_TIME
        return events

    def distrust(self, instrument: str, reason: str, at: int) -> list[Event]:
        """A message that could not be read may have changed this book, or somebody wants it read anew."""
        return self.lose(self.feeds[instrument], Health.GAPPED, reason, at) if instrument in self.feeds else []

    def lose(self, feed: Feed, health: Health, reason: str, at: int) -> list[Event]:
        """From now on this book is worth nothing, until a whole one comes."""
        if not feed.live:
            return []
        feed.live = False
        feed.crossed_at = NO_TIME
        calm = at - feed.renewed_at >= CALM_NS
        feed.step = 0 if calm else min(feed.step + 1, len(_PAUSES_NS) - 1)
        feed.renew_at = at + _PAUSES_NS[feed.step]
        self.lost += 1
        return [BookLost(instrument=feed.instrument.id, health=health, reason=reason, ts=at)]

    def subscribed(self, instrument: str, at: int) -> None:
        """A whole book is awaited."""
        feed = self.feeds[instrument]
        if not feed.live:
            feed.renew_at = min(feed.renew_at, at + max(SNAPSHOT_NS, _PAUSES_NS[feed.step]))

    def closed(self) -> None:
        """The connection is gone; nothing is due before the next one."""
        for feed in self.feeds.values():
            feed.live = False
            feed.crossed_at = feed.renew_at = NO_TIME

    def check(self, at: int) -> tuple[list[Event], str]:
        """What has come due: books to give up, and why the connection should be made anew (empty: it should not)."""
        events: list[Event] = []
        reason = ""
        for feed in self.feeds.values():
            if feed.crossed_at != NO_TIME and at >= feed.crossed_at + CROSSED_NS:
                events += self.lose(feed, Health.GAPPED, f"{feed.instrument.id}: crossed for more than 1 s", at)
            if feed.renew_at <= at:
                feed.renew_at = NO_TIME
                feed.renewed_at = at
                reason = f"{feed.instrument.id}: its book was lost, and no whole one has come"
        return events, reason

    def due(self) -> int:
        return min((feed.due for feed in self.feeds.values()), default=NO_TIME)


def _change(orders: BookByOrder, message: BookMessage) -> list[tuple[int, int]]:
    """Change a book, and return the levels (side, ticks) that it touched.

    Raises:
        SequenceGap: the message contradicts the book. RemoteError: the book has more levels than any market.
    """
    match message:
        case BookStated():
            orders.clear()
            for number, (order_id, side, ticks, lots) in enumerate(message.orders):
                orders.add(order_id or f"#{number}", side, ticks, lots)
            return list(dict.fromkeys((side, ticks) for _, side, ticks, _ in message.orders))
        case OrderShown():
            orders.add(message.order_id, message.side, message.ticks, message.lots)
        case OrderGone():
            side, ticks, _ = orders.known(message.order_id)
            orders.delete(message.order_id)
            return [(side, ticks)]
        case OrderMoved():
            side, ticks, _ = orders.known(message.old_id)
            orders.delete(message.old_id)
            orders.add(message.new_id, message.side, message.ticks, message.lots)
            return list(dict.fromkeys([(side, ticks), (message.side, message.ticks)]))
        case OrderTaken():
            side, ticks, _ = orders.known(message.order_id)
            orders.reduce(message.order_id, message.lots)
            return [(side, ticks)]
        case LevelsChanged():
            for side, ticks, lots in message.changes:
                orders.book.apply(side, ticks, lots)
            return list(dict.fromkeys((side, ticks) for side, ticks, _ in message.changes))
    return [(message.side, message.ticks)]


def _sizes(book: Book, levels: Iterable[tuple[int, int]]) -> tuple[tuple[int, int, int], ...]:
    return tuple((side, ticks, book.size_at(side, ticks)) for side, ticks in levels)
