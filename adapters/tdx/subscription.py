"""The life of one channel, as a table.

    OFFLINE --ask--> REQUESTED --confirmed/data--> ACTIVE --lost--> RENEWING --gone/late--> REQUESTED
                        |  ^                         |
                  late/refused                     leave
                        v  | late (after a pause)    v
                      WAITING                     LEAVING --gone/late--> DONE

"Late" is the deadline `due` of the phase. RENEWING has asked the venue to end the channel, so that asking again brings
a whole book; there is one such exchange under way for a book at most, whatever arrives meanwhile.
"""

from enum import Enum
from typing import Final

from tickwright.adapters.tdx.topics import Topic
from tickwright.engine.errors import LocalError
from tickwright.engine.terms import NO_TIME
from tickwright.engine.times import SECOND

CONFIRM_NS: Final = 10 * SECOND
"""How long a confirmation, and then the first whole book, may take."""

LEAVE_NS: Final = 2 * SECOND
"""How long the end of a channel may take to be confirmed."""

TRIES_TOLD: Final = 3
"""After so many failed tries in a row somebody is told; it is tried on."""

_PAUSES_NS: Final = (SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND)
_RENEW_PAUSES_NS: Final = (0, SECOND // 2, SECOND, 2 * SECOND, 4 * SECOND)
_RENEW_CALM_NS: Final = 10 * SECOND


class Phase(Enum):
    """Where a channel stands."""

    OFFLINE = "offline"
    REQUESTED = "requested"
    WAITING = "waiting"
    ACTIVE = "active"
    RENEWING = "renewing"
    LEAVING = "leaving"
    DONE = "done"


class Signal(Enum):
    """What may happen to a channel."""

    ASK = "ask"
    CONFIRMED = "confirmed"
    DATA = "data"
    REFUSED = "refused"
    GONE = "gone"
    LATE = "late"
    LEAVE = "leave"
    CLOSED = "closed"


NEXT: Final = {
    Phase.OFFLINE: {
        Signal.ASK: Phase.REQUESTED,
        Signal.LEAVE: Phase.DONE,
        Signal.CLOSED: Phase.OFFLINE,
        Signal.CONFIRMED: Phase.OFFLINE,  # not asked for: the venue may say what it likes, nothing moves
        Signal.DATA: Phase.OFFLINE,
        Signal.REFUSED: Phase.OFFLINE,
        Signal.GONE: Phase.OFFLINE,
    },
    Phase.REQUESTED: {
        Signal.CONFIRMED: Phase.ACTIVE,
        Signal.DATA: Phase.ACTIVE,
        Signal.REFUSED: Phase.WAITING,
        Signal.LATE: Phase.WAITING,
        Signal.GONE: Phase.REQUESTED,  # the late end of the subscription before
        Signal.LEAVE: Phase.LEAVING,
        Signal.CLOSED: Phase.OFFLINE,
    },
    Phase.WAITING: {
        Signal.ASK: Phase.REQUESTED,
        Signal.LATE: Phase.REQUESTED,
        Signal.CONFIRMED: Phase.ACTIVE,  # it had only been slow
        Signal.DATA: Phase.ACTIVE,
        Signal.REFUSED: Phase.WAITING,
        Signal.GONE: Phase.WAITING,
        Signal.LEAVE: Phase.LEAVING,
        Signal.CLOSED: Phase.OFFLINE,
    },
    Phase.ACTIVE: {
        Signal.ASK: Phase.ACTIVE,  # with a new token
        Signal.CONFIRMED: Phase.ACTIVE,
        Signal.DATA: Phase.ACTIVE,
        Signal.REFUSED: Phase.WAITING,
        Signal.GONE: Phase.WAITING,  # the venue ended it by itself
        Signal.LATE: Phase.RENEWING,  # the book is lost
        Signal.LEAVE: Phase.LEAVING,
        Signal.CLOSED: Phase.OFFLINE,
    },
    Phase.RENEWING: {
        Signal.GONE: Phase.REQUESTED,
        Signal.LATE: Phase.REQUESTED,
        Signal.REFUSED: Phase.REQUESTED,
        Signal.CONFIRMED: Phase.RENEWING,
        Signal.DATA: Phase.RENEWING,
        Signal.LEAVE: Phase.LEAVING,
        Signal.CLOSED: Phase.OFFLINE,
    },
    Phase.LEAVING: {
        Signal.ASK: Phase.REQUESTED,
        Signal.GONE: Phase.DONE,
        Signal.LATE: Phase.DONE,
        Signal.CONFIRMED: Phase.LEAVING,
        Signal.DATA: Phase.LEAVING,
        Signal.REFUSED: Phase.DONE,
        Signal.LEAVE: Phase.LEAVING,
        Signal.CLOSED: Phase.DONE,
    },
    Phase.DONE: {},
}


class Subscription:
    """One channel: its phase, when the phase runs out, and how often in a row asking has failed."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.phase = Phase.OFFLINE
        self.due = NO_TIME
        self.failures = 0
        self.renewals = 0
        self._renewed_at = -_RENEW_CALM_NS
        self._renew_step = 0

    def signal(self, what: Signal, at: int) -> Phase:
        """Move on, and set the deadline of the new phase; the phase that it was is returned.

        Raises:
            LocalError: the table has no such move.
        """
        before = self.phase
        after = NEXT[before].get(what)
        if after is None:
            raise LocalError(f"TDX {self.topic.name}: expected no {what.name} while {before.name}, received one")
        self.phase = after
        if after is Phase.WAITING and before is not Phase.WAITING:
            self.due = at + _PAUSES_NS[min(self.failures, len(_PAUSES_NS) - 1)]
            self.failures += 1
        elif after is Phase.REQUESTED and before is not Phase.REQUESTED:
            self.due = at + CONFIRM_NS
        elif after in (Phase.RENEWING, Phase.LEAVING) and before is not after:
            self.due = at + LEAVE_NS
            if after is Phase.RENEWING:
                self.renewals += 1
                self._renewed_at = at
        elif (after is Phase.ACTIVE and before is not Phase.ACTIVE) or after in (Phase.OFFLINE, Phase.DONE):
            self.due = NO_TIME
            self.failures = 0
        return before

    def renew(self, at: int) -> None:
        """The book is lost: read it anew at once, or after a pause where it was lost again within seconds.

        Does nothing while the channel is not active: then a whole book is already on its way.
        """
        if self.phase is not Phase.ACTIVE:
            return
        calm = at - self._renewed_at >= _RENEW_CALM_NS
        self._renew_step = 0 if calm else min(self._renew_step + 1, len(_RENEW_PAUSES_NS) - 1)
        self.due = min(self.due, at + _RENEW_PAUSES_NS[self._renew_step])

    def expect_book(self, at: int) -> None:
        """A whole book is awaited."""
        if self.phase is Phase.ACTIVE:
            self.due = min(self.due, at + CONFIRM_NS)

    def healed(self) -> None:
        """A whole book has come; a renewal that is not yet under way is not needed."""
        if self.phase is Phase.ACTIVE:
            self.due = NO_TIME
