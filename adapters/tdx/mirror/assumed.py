"""Assumed: every name on the wire that no public document of the venue gives, as this local venue says it.

The adapter has a table of its own and neither reads the other's: where the two agree, adapter and local venue agree
with each other, and not yet with the real venue. What the venue documents is written where it is used.
"""

from typing import Final

ORDER: Final = "order"
OWN_TRADE: Final = "trade"
"""Events on the private topic."""

ORDER_CREATE_RECEIVED: Final = "tdx:order_create_received"
ORDER_CANCEL_RECEIVED: Final = "tdx:order_cancel_received"
CANCEL_ON_DISCONNECT_RECEIVED: Final = "tdx:cancel_on_disconnect_received"

SUBSCRIPTION_FAILED: Final = "tdx:subscription_failed"
UNSUBSCRIPTION_FAILED: Final = "tdx:unsubscription_failed"
ORDER_CREATE_FAILED: Final = "tdx:order_create_failed"
ORDER_CANCEL_FAILED: Final = "tdx:order_cancel_failed"
CANCEL_ON_DISCONNECT_FAILED: Final = "tdx:cancel_on_disconnect_failed"
REQUEST_FAILED: Final = "tdx:request_failed"
"""A frame that cannot be read, or whose event nobody knows."""

REASON: Final = "reason"
"""Where the reason code of a refusal stands: in `d` on the socket, in the first of `details` over REST."""

REFRESH_PATHS: Final = ("/users/authentication/refresh", "/auth/refresh")

TRADES_FILTER: Final = ("subAccountId", "sub_account_id")
BALANCES_FILTER: Final = ("subAccountIds", "sub_account_ids")

BARE_DEPTH_SPEED_MS: Final = 100
"""How often a depth topic without a speed is served."""

FULL_BOOK_EVERY_NS: Final = 30_000_000_000
FEE: Final = "0.001"
STAMP_TAX: Final = "0.00075"
"""Fractions of the gross amount, in the quote currency; the tax only on pairs flagged as securities."""

STATUSES: Final = {
    "STATUS_X": {
        "OPEN": "STATUS_OPEN",
        "PARTIALLY_FILLED": "STATUS_PARTIALLY_FILLED",
        "FILLED": "STATUS_FILLED",
        "CANCELLED": "STATUS_CANCELLED",
    },
    "X": {"OPEN": "OPEN", "PARTIALLY_FILLED": "PARTIALLY_FILLED", "FILLED": "FILLED", "CANCELLED": "CANCELLED"},
    "CANCELED": {"OPEN": "OPEN", "PARTIALLY_FILLED": "PARTIALLY_FILLED", "FILLED": "FILLED", "CANCELLED": "CANCELED"},
}
"""Spellings of an order's status, by the switch `status_style`."""
