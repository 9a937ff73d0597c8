"""Names of channels, by the venue's published patterns.

A topic is ``{target}@{category}`` with at most one parameter: ``ETH/CHF@trades``, ``ETH/CHF@depth50@500ms``,
``<uuid>@subaccount-orders``, ``*@prices@market``. One page prints the private topic with two ``@``; its own pattern and
every example have one.
"""

import re
from enum import Enum
from functools import lru_cache
from typing import Final

from attrs import frozen

from tickwright.engine.errors import LocalError

LEVELS: Final = (10, 50, 100, 500)
SPEEDS_MS: Final = (100, 500, 1000, 5000)
PRICE_KINDS: Final = ("market", "mid", "platform", "auction")

_SYMBOL: Final = r"[a-zA-Z0-9\-]{1,10}/[a-zA-Z0-9\-]{1,10}"
_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class Channel(Enum):
    """What a topic is about."""

    TRADES = "trades"
    DEPTH = "depth"
    PRICES = "prices"
    ORDERS = "subaccount-orders"
    BALANCES = "balances"


_PATTERNS: Final = {
    Channel.TRADES: re.compile(rf"({_SYMBOL})@trades"),
    Channel.DEPTH: re.compile(rf"({_SYMBOL})@depth(10|50|100|500)?(?:@(100|500|1000|5000)ms)?"),
    Channel.PRICES: re.compile(rf"(\*|{_SYMBOL})@prices@({'|'.join(PRICE_KINDS)})"),
    Channel.ORDERS: re.compile(rf"({_UUID})@subaccount-orders"),
    Channel.BALANCES: re.compile(rf"({_UUID})@balances"),
}


@frozen
class Topic:
    """One channel: its full name, what it is about, and the pair or sub-account it concerns."""

    name: str
    channel: Channel
    target: str

    @property
    def private(self) -> bool:
        """Whether each message to it carries a token."""
        return self.channel in (Channel.ORDERS, Channel.BALANCES)

    @property
    def category(self) -> str:
        """The part after the target: what a wildcard's confirmation is matched by."""
        return self.name.partition("@")[2]


@lru_cache(maxsize=4096)  # a venue lists hundreds of pairs, each with a few topics
def parse_topic(name: str) -> Topic | None:
    """The topic of that name, or None where it fits no pattern."""
    for channel, pattern in _PATTERNS.items():
        if match := pattern.fullmatch(name):
            return Topic(name, channel, match[1])
    return None


def topic(name: str) -> Topic:
    """The topic of that name.

    Raises:
        LocalError: it fits none of the venue's patterns, so it is not sent.
    """
    found = parse_topic(name)
    if found is None:
        raise LocalError(f"TDX: expected a topic such as ETH/CHF@depth@100ms, received {name!r}; it is not sent")
    return found


def trades_topic(symbol: str) -> str:
    return topic(f"{symbol}@trades").name


def depth_topic(symbol: str, *, levels: int | None = None, speed_ms: int | None = 100) -> str:
    """The book of a pair: all of it or its first `levels`, in batches of `speed_ms`.

    Only speeds of 100 and 1000 ms without levels are in every edition of the venue's pages, and a book cut to levels
    may not say when a price leaves it: prefer the default.
    """
    cut = "" if levels is None else str(levels)
    pace = "" if speed_ms is None else f"@{speed_ms}ms"
    return topic(f"{symbol}@depth{cut}{pace}").name


def orders_topic(sub_account_id: str) -> str:
    return topic(f"{sub_account_id}@subaccount-orders").name


def balances_topic(sub_account_id: str) -> str:
    return topic(f"{sub_account_id}@balances").name
