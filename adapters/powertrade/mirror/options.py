"""Everything about a local PowerTrade that can be chosen, in one frozen object."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import field, frozen

from tickwright.adapters.local.house import OptionError
from tickwright.adapters.local.switches import read_switches

MARKETS: Final = ("random", "none")
ACCOUNTS_MAX: Final = 100


@frozen(kw_only=True)
class Options:
    """What a local venue does.

    `market` is who trades beside the clients; `rate` is how many orders per second the random market sends or takes
    back in each spot pair, perpetual and future (in each option a twentieth of it). `pairs` restricts what is listed
    to some symbols, `instruments` is a file of rows to list instead, `credentials` one of keys to take instead of
    fresh ones, `funds` what an account holds at first by asset.

    Behaviour: `cancel_on_disconnect` cancels a key's orders when its last socket closes, `cod_delay_ns` later;
    `strict_tokens` takes tokens of at most 35 s whose nonce grows, and no others; `multi_leg_order_id` states the
    order id when an order with legs is accepted; `idle_disconnect_s` ends a connection that says nothing for so long,
    0 never; `list_lag_ns` is how far the list of open orders lags behind the stream; `rfqs` lets the random market ask
    for quotes; `maker_fee` and `taker_fee` are what an execution costs, as parts of its value in quote currency (a
    maker's may be negative); `funding_rate` is what longs of perpetuals pay shorts every eight hours, as a part of the
    position's worth.
    """

    seed: int = 1
    accounts: int = 1
    market: str = "random"
    rate: float = 10.0
    tape: str = ""
    pairs: tuple[str, ...] = ()
    instruments: str = ""
    credentials: str = ""
    funds: Mapping[str, str] = field(factory=dict)

    cancel_on_disconnect: bool = False
    cod_delay_ns: int = 0
    strict_tokens: bool = False
    multi_leg_order_id: bool = True
    idle_disconnect_s: int = 0
    list_lag_ns: int = 0
    rfqs: bool = True
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal(0)
    funding_rate: Decimal = Decimal(0)

    def __attrs_post_init__(self) -> None:
        if self.market not in MARKETS or self.tape:
            received = "a tape" if self.tape else repr(self.market)
            raise OptionError(f"market: expected {' or '.join(MARKETS)}, received {received}")
        if not 1 <= self.accounts <= ACCOUNTS_MAX:
            raise OptionError(f"accounts: expected 1 to {ACCOUNTS_MAX}, received {self.accounts}")
        if not 0 < self.rate <= 1_000_000:
            raise OptionError(f"rate: expected more than 0, at most 1000000, received {self.rate}")
        for name in PARTS:
            part = getattr(self, name)
            if not abs(part) < 1:
                raise OptionError(f"{name}: expected a part of a value, less than 1, received {part}")


PARTS: Final = ("maker_fee", "taker_fee", "funding_rate")
SWITCHES: Final = (
    "cancel_on_disconnect",
    "cod_delay_ns",
    "strict_tokens",
    "multi_leg_order_id",
    "idle_disconnect_s",
    "list_lag_ns",
    "rfqs",
    *PARTS,
)
"""Options that a person sets by name and text, as `switched` reads them."""


def switched(texts: Mapping[str, str]) -> dict[str, Any]:
    """Switches as they are typed, as values for `Options`.

    Raises:
        OptionError: no such switch, or a text that is no value of its type.
    """
    return read_switches(Options, SWITCHES, texts)
