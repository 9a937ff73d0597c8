"""Plain integers for the order manager: the marks its methods return, and the numbers of causes and events.

A mark is one bit. Every event returns the marks of what follows from it; whoever called acts on them: sends the cancel,
asks the venue, rings the alarm, tells the strategy.
"""

from typing import Final

CHANGED: Final = 1
"""The record changed in a way the strategy may care about."""
FILLED_EVENT: Final = 2
"""Money moved: `manager.last_fill` is what was booked, or taken back."""
CRIT: Final = 4
"""An alert; the instrument goes reduce-only until settled. `manager.alarm` has the code."""
HALT: Final = 8
"""CRIT (whose bit is set too) and a global kill in the mode that cancels."""
QUERY: Final = 16
"""Ask the venue for this order and its trades."""
SEND_CANCEL: Final = 32
"""Send the cancel `order.cancel_id`: it is already on record."""
SEND_REPLACE: Final = 64
"""Send the replace `order.request_id`: it is already on record."""
RETRY_CANCEL: Final = 128
"""The venue was too busy to cancel: ask for the cancel again, later and later."""
REFUSED: Final = 256
"""A request was refused here, nothing is sent; `manager.refusal` has the code."""
STALE_REPLY: Final = 512
"""An answer to a request that is no longer the last one: nothing changed."""
RECONCILE: Final = 1024
"""Compare order, trades and position with the venue."""
RECHECK: Final = 2048
"""The venue knows less of this order than we do: ask again, change nothing."""
WARN: Final = 4096
"""A person should know; nothing is stopped."""

NO_CAUSE: Final = 0
ACK_LATE: Final = 1
SEND_FAILED: Final = 2
DUP_ID: Final = 3
CANCEL_LATE: Final = 4
REPLACE_LATE: Final = 5
LINK_LOST: Final = 6
RESTARTED: Final = 7
FILL_EXPECTED: Final = 8
VENUE_UNKNOWN_ORDER: Final = 9
CONTRADICTION: Final = 10

TOO_LATE: Final = 0
UNKNOWN_ORDER: Final = 1
TRANSIENT: Final = 2

E_INTENT: Final = 0
E_DENIED: Final = 1
E_SEND_START: Final = 2
E_SEND_ABORT: Final = 3
E_SEND_ERROR: Final = 4
E_ACK: Final = 5
E_REJECT: Final = 6
E_REJECT_DUP: Final = 7
E_FILL: Final = 8
E_BUST: Final = 9
E_CANCEL_REQ: Final = 10
E_CANCEL_ACK: Final = 11
E_CANCEL_REJ: Final = 12
E_EXPIRE: Final = 13
E_REPLACE_REQ: Final = 14
E_REPLACED: Final = 15
E_REPLACE_REJ: Final = 16
E_ACK_TIMEOUT: Final = 17
E_CANCEL_TIMEOUT: Final = 18
E_REPLACE_TIMEOUT: Final = 19
E_DISCONNECT: Final = 20
E_RESTART: Final = 21
E_FILL_TIMEOUT: Final = 22
E_RECON_LIVE: Final = 23
E_RECON_DONE: Final = 24
E_RECON_NOT_FOUND: Final = 25
E_ADOPT: Final = 27
E_REFUSED: Final = 28

T_NONE: Final = 0
T_ACK: Final = 1
T_CANCEL: Final = 2
T_REPLACE: Final = 3
T_FILL: Final = 4
