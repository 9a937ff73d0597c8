"""Requests under way, by the tag that each bears: unique for its connection, remembered until it is answered.

Answers come in any order and under names of which some are in no document, so a message is matched by its tag, else
by our id of the order, else by the venue's; its name is not asked.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Final

from attrs import frozen

from tickwright.engine.terms import NO_TIME
from tickwright.engine.times import SECOND


class Ask(Enum):
    """What was asked, and how long the answer may take in seconds."""

    LOGIN = "login"
    SUBSCRIBE = "sub"
    RFQS = "rfqs"
    ORDER = "order"
    CANCEL = "cancel"
    QUERY = "query"


WAITS_NS: Final = {
    Ask.LOGIN: 5 * SECOND,
    Ask.SUBSCRIBE: 10 * SECOND,
    Ask.RFQS: 10 * SECOND,
    Ask.ORDER: 5 * SECOND,
    Ask.CANCEL: 5 * SECOND,
    Ask.QUERY: 10 * SECOND,
}


@frozen(kw_only=True)
class Asked:
    """One request under way. `symbol` is what a subscription is for, `request_id` the engine's number of a cancel."""

    tag: str
    ask: Ask
    due: int
    symbol: str = ""
    client_order_id: str = ""
    venue_order_id: str = ""
    request_id: int = 0


class Tags:
    """The requests of one connection at a time; a tag is not used again before the next `reset`."""

    def __init__(self) -> None:
        self._count = 0
        self._asked: dict[str, Asked] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def __iter__(self) -> Iterator[Asked]:
        return iter(list(self._asked.values()))

    def reset(self) -> list[Asked]:
        """The connection is gone: no answer comes any more to these."""
        left = list(self._asked.values())
        self._asked.clear()
        self._count = 0
        return left

    def new(
        self,
        ask: Ask,
        at: int,
        *,
        symbol: str = "",
        client_order_id: str = "",
        venue_order_id: str = "",
        request_id: int = 0,
    ) -> Asked:
        """A request is about to be written, at `at`."""
        self._count += 1
        asked = Asked(
            tag=f"{ask.value}-{self._count}",
            ask=ask,
            due=at + WAITS_NS[ask],
            symbol=symbol,
            client_order_id=client_order_id,
            venue_order_id=venue_order_id,
            request_id=request_id,
        )
        self._asked[asked.tag] = asked
        return asked

    def take(self, tag: str) -> Asked | None:
        """The request of this tag, which is answered now."""
        return self._asked.pop(tag, None) if tag else None

    def take_of(self, ask: Ask, client_order_id: str, venue_order_id: str = "") -> Asked | None:
        """The oldest request of this kind about an order, which is answered now."""
        mine = [asked for asked in self._asked.values() if asked.ask is ask]
        found = next((asked for asked in mine if client_order_id and asked.client_order_id == client_order_id), None)
        if found is None and venue_order_id:
            found = next((asked for asked in mine if asked.venue_order_id == venue_order_id), None)
        return None if found is None else self._asked.pop(found.tag)

    def drop(self, client_order_id: str) -> None:
        """Nothing more is awaited about an order that has ended."""
        for asked in self:
            if asked.client_order_id == client_order_id:
                del self._asked[asked.tag]

    def due(self) -> int:
        """When the next answer is late; NO_TIME where none is awaited."""
        return min((asked.due for asked in self._asked.values()), default=NO_TIME)

    def late(self, at: int) -> list[Asked]:
        """Requests whose time for an answer is over; they are given up."""
        found = [asked for asked in self._asked.values() if asked.due <= at]
        for asked in found:
            del self._asked[asked.tag]
        return found
