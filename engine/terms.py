"""The words of the trade as small integers, and as enums for people.

The hot modules compare plain integers; everything a person reads goes through the enums. Both are one list.
"""

from enum import IntEnum
from typing import Final


class Side(IntEnum):
    """Which way an order or a fill moves a position; for a trade, who took: the buyer or the seller."""

    BUY = 1
    SELL = -1


class OrderType(IntEnum):
    LIMIT = 0
    MARKET = 1


class TimeInForce(IntEnum):
    """How long an order may rest (FIX tag 59)."""

    GTC = 0
    IOC = 1
    FOK = 2
    GTD = 3
    DAY = 4


class OrderState(IntEnum):
    """The shown state of an order; from FILLED on, terminal."""

    PENDING_SEND = 0
    PENDING_NEW = 1
    OPEN = 2
    PARTIALLY_FILLED = 3
    PENDING_CANCEL = 4
    PENDING_REPLACE = 5
    UNKNOWN = 6
    FILLED = 7
    CANCELED = 8
    REJECTED = 9
    EXPIRED = 10
    DENIED = 11
    FAILED = 12

    @property
    def terminal(self) -> bool:
        return self >= OrderState.FILLED


class Cause(IntEnum):
    """Why an order is UNKNOWN."""

    NONE = 0
    ACK_TIMEOUT = 1
    SEND_ERROR = 2
    DUP_ID = 3
    CANCEL_TIMEOUT = 4
    REPLACE_TIMEOUT = 5
    DISCONNECT = 6
    RESTART = 7
    FILL_EXPECTED = 8
    VENUE_UNKNOWN_ORDER = 9
    CONTRADICTION = 10


class Liquidity(IntEnum):
    """Whether a fill made the market or took from it (FIX tag 851)."""

    MAKER = 0
    TAKER = 1


class Health(IntEnum):
    """What a book is worth; only LIVE is shown to strategies without their asking for more."""

    SYNCING = 0
    LIVE = 1
    ONE_SIDED = 2
    CROSSED = 3
    GAPPED = 4
    STALE = 5


BUY: Final = 1
SELL: Final = -1
LIMIT: Final = 0
MARKET: Final = 1
GTC: Final = 0
IOC: Final = 1
FOK: Final = 2
GTD: Final = 3
DAY: Final = 4
PENDING_SEND: Final = 0
PENDING_NEW: Final = 1
OPEN: Final = 2
PARTIALLY_FILLED: Final = 3
PENDING_CANCEL: Final = 4
PENDING_REPLACE: Final = 5
UNKNOWN: Final = 6
FILLED: Final = 7
CANCELED: Final = 8
REJECTED: Final = 9
EXPIRED: Final = 10
DENIED: Final = 11
FAILED: Final = 12
MAKER: Final = 0
TAKER: Final = 1
SYNCING: Final = 0
LIVE: Final = 1
ONE_SIDED: Final = 2
CROSSED: Final = 3
GAPPED: Final = 4
STALE: Final = 5

GRID_END: Final = 4_611_686_018_427_387_904
"""2**62: ticks and lots stay below, so that a sum or a difference of two prices fits 64 bits."""

NO_TIME: Final = 9_223_372_036_854_775_807
"""Later than any time: nothing is due."""

ROUNDS_MAX: Final = 10_000
"""How often one event may lead to new intents before the strategy counts as a runaway."""

ASKED_MAX: Final = 5_000
"""More new orders than this while time stands still are a loop, not a strategy."""


class Refusal(IntEnum):
    """Why a venue would not cancel or replace."""

    TOO_LATE = 0
    UNKNOWN_ORDER = 1
    TRANSIENT = 2
    OTHER = 3


class OrderEvent(IntEnum):
    """What happened to an order: the rows of the order log."""

    INTENT = 0
    DENIED = 1
    SEND_START = 2
    SEND_ABORT = 3
    SEND_ERROR = 4
    ACK = 5
    REJECT = 6
    REJECT_DUP = 7
    FILL = 8
    BUST = 9
    CANCEL_REQ = 10
    CANCEL_ACK = 11
    CANCEL_REJ = 12
    EXPIRE = 13
    REPLACE_REQ = 14
    REPLACED = 15
    REPLACE_REJ = 16
    ACK_TIMEOUT = 17
    CANCEL_TIMEOUT = 18
    REPLACE_TIMEOUT = 19
    DISCONNECT = 20
    RESTART = 21
    FILL_TIMEOUT = 22
    RECON_LIVE = 23
    RECON_DONE = 24
    RECON_NOT_FOUND = 25
    RECON_INCONCLUSIVE = 26
    ADOPT = 27
    REFUSED = 28


DENIED_MAX: Final = 1_000
"""Denials of one strategy within a second of the run; a market that is closed for it brings a few dozen at most."""
