"""Assumed: every name on the wire that no public document of the venue gives, and nothing else.

The public pages stop before the replies to orders, the refusals and the answer to cancel-on-disconnect; these are the
best guesses, by analogy with `tdx:subscription_received` and with the REST pages. When the venue says otherwise, the
correction is one line here. Whatever can be told by its shape is told by its shape and is not in this table.
"""

from typing import Final

CONFIRMED_ALSO: Final = "tdx:subscription_succeeded"
"""A second spelling of the documented `tdx:subscription_received`."""

CANCEL_ON_DISCONNECT_ARMED: Final = "tdx:cancel_on_disconnect_received"

FAILURE_WORDS: Final = ("error", "fail", "reject", "refus", "denied", "invalid", "unauth", "forbid")
"""An event whose lower-cased name contains one of these is a refusal."""

UPDATE_WORDS: Final = ("update", "delta", "diff")
"""A book event whose name contains one of these changes levels, whether or not it carries `U`."""

FAILURE_TEXTS: Final = ("message", "error", "reason", "details")
"""Where the words of a refusal may stand, best first."""

CREATE_WORD: Final = "create"
CANCEL_WORD: Final = "cancel"
"""What the name of a reply says about the request that it answers."""

ORDER_HOLDERS: Final = ("order", "trade", "orders", "trades")
"""Keys that may wrap an order or a fill, or an array of them."""

REFRESH_PATHS: Final = ("/users/authentication/refresh", "/auth/refresh")
"""Where a token may be refreshed, to be tried in this order and then pinned."""

FEE_IN_QUOTE: Final = True
"""Fees and stamp tax are stated without a currency; the quote currency, unless this says base."""
