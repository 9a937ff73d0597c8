"""Everything about a local venue that can be chosen, in one frozen object."""

from collections.abc import Mapping
from typing import Any, Final

import attrs
from attrs import field, frozen

from tickwright.adapters.local.house import OptionError
from tickwright.adapters.local.switches import read_switches
from tickwright.adapters.tdx.mirror import assumed
from tickwright.engine.times import SECOND

MARKETS: Final = ("random", "none", "tape")
ACCOUNTS_MAX: Final = 100

_CHOICES: Final = {
    "market": MARKETS,
    "book_order": ("descending", "ascending"),
    "wrap": ("result", "items"),
    "status_style": tuple(assumed.STATUSES),
    "execution_order": ("fill_before_order", "order_before_fill"),
    "self_trade": ("allow", "cancel_taker", "cancel_resting"),
    "signature_variant": ("A", "B", "C"),
    "orders_list": ("all", "open"),
}


@frozen(kw_only=True)
class Options:
    """What a local venue does. The defaults are the current documents of the venue, where these say anything.

    Market: `market` is who trades beside the clients (`random`, `none`, `tape`); `rate` is how many orders per second
    the random market sends or takes back in each pair, `tape` the recording and `tape_speed` how much faster than it
    was recorded.

    Spellings: `legacy_ns` and `omit_aggressor` speak the older documents' trades; `book_order` sorts both sides of a
    book by price; `alt_unsubscribe_name` swaps the two spellings of that reply; `wrap`, `status_style`,
    `order_events_as_array`, `execution_order` and `concrete_wildcards` (the confirmation of ``*@prices@market`` names
    a pair) as they say.

    Behaviour: `open_before_fills` states an order as open before its first fill; `self_trade` is what happens when an
    account meets itself; `unique_client_order_ids` refuses a second use; `expired_token_ends_stream` ends a private
    subscription when its token ends; `cod_delay_ns` is how late cancel-on-disconnect cancels; `orders_on_subscribe`
    states the open orders after the confirmation; `orders_list` is what the list of orders holds,
    `list_lag_ns` how far it lags behind the stream.
    """

    seed: int = 1
    accounts: int = 1
    market: str = "random"
    rate: float = 10.0
    tape: str = ""
    tape_speed: float = 1.0
    pairs: tuple[str, ...] = ()
    funds: Mapping[str, str] = field(factory=dict)

    legacy_ns: bool = False
    omit_aggressor: bool = False
    book_order: str = "descending"
    alt_unsubscribe_name: bool = False
    wrap: str = "result"
    status_style: str = "STATUS_X"
    order_events_as_array: bool = False
    execution_order: str = "fill_before_order"
    concrete_wildcards: bool = True

    open_before_fills: bool = True
    self_trade: str = "allow"
    unique_client_order_ids: bool = True
    shared_trade_ids: bool = False
    expired_token_ends_stream: bool = False
    cod_delay_ns: int = 0
    orders_on_subscribe: bool = False
    orders_list: str = "all"
    list_lag_ns: int = 0
    signature_variant: str = "A"
    token_life_ns: int = 3600 * SECOND
    session_life_ns: int = 7 * 86_400 * SECOND

    def __attrs_post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise OptionError(f"{name}: expected {' or '.join(allowed)}, received {getattr(self, name)!r}")
        if not 1 <= self.accounts <= ACCOUNTS_MAX:
            raise OptionError(f"accounts: expected 1 to {ACCOUNTS_MAX}, received {self.accounts}")
        if (self.market == "tape") != bool(self.tape):
            raise OptionError(f"tape: expected one exactly with market tape, received {self.tape or 'none'!r}")
        for name in ("rate", "tape_speed"):
            if not 0 < getattr(self, name) <= 1_000_000:
                raise OptionError(f"{name}: expected more than 0, at most 1000000, received {getattr(self, name)}")


_STATED: Final = ("seed", "accounts", "market", "tape", "rate", "pairs", "funds")
SWITCHES: Final = tuple(name for name in attrs.fields_dict(Options) if name not in _STATED)
"""Options that a person sets by name and text, as `switched` reads them."""


def switched(texts: Mapping[str, str]) -> dict[str, Any]:
    """Switches as they are typed, as values for `Options`.

    Raises:
        OptionError: no such switch, or a text that is no value of its type.
    """
    return read_switches(Options, SWITCHES, texts)
