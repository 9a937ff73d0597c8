"""What the exchange keeps: orders, executions, and how it says no."""

from decimal import Decimal
from typing import Final

from attrs import Factory, define, evolve, field, frozen

from tickwright.adapters.powertrade.mirror.keys import Account
from tickwright.adapters.powertrade.mirror.listing import Listed

FIRM: Final = "0"
INDICATIVE: Final = "none"
"""Markets: orders that trade, and requests for quotes, which never do."""

LIMIT: Final = "LIMIT"
MARKET: Final = "MARKET"
GTC: Final = "GTC"
IOC: Final = "IOC"

USER_CANCELLED: Final = "user_cancelled"
NO_LIQUIDITY: Final = "immediate_with_insufficient_liquidity"
TIMEOUT: Final = "timeout"
DISCONNECTION: Final = "disconnection"
SUPERVISORY: Final = "supervisory"

SIDES: Final = {"buy": 1, "sell": -1}
NAMES: Final = {1: "buy", -1: "sell"}


@define(eq=False, kw_only=True)
class Order:
    """One order. `account` is None for the market's own; `side` +1 buys, -1 sells; `quantity` and `price` are the
    texts it came with; `display` is its id in public books; `expires` is 0 where it never does.
    """

    id: int
    display: int
    listed: Listed
    side: int
    lots: int
    ticks: int = 0
    market_id: str = FIRM
    kind: str = LIMIT
    immediate: bool = False
    account: Account | None = None
    client_order_id: str = ""
    quantity: str = ""
    price: str = "none"
    created: int = 0
    expires: int = 0
    executed: int = 0
    ended: bool = False
    ended_at: int = 0
    cancelled: str = ""
    executions: "list[Execution]" = Factory(list)

    @property
    def leaves(self) -> int:
        return self.lots - self.executed

    @property
    def filled(self) -> Decimal:
        return self.listed.instrument.qty(self.executed)

    @property
    def state(self) -> str:
        """Its `order_state`."""
        if self.executed == 0:
            return "accepted"
        return "filled" if self.leaves == 0 else "partial_fill"


def live_at(order: Order, at: int) -> Order | None:
    """An order as it was at a time; None where it was not there yet or no more."""
    if order.created > at or (order.ended and order.ended_at <= at):
        return None
    done = [each for each in order.executions if each.at <= at]
    return evolve(order, executed=sum(each.lots for each in done), executions=done, ended=False, cancelled="")


@frozen(kw_only=True, eq=False)
class Execution:
    """One side of one trade, for the account whose order it was; `state` is the order's after it."""

    trade_id: int
    order: Order
    lots: int
    ticks: int
    at: int
    taker: bool
    state: str


@frozen(kw_only=True, eq=False)
class Trade:
    """One trade as everybody sees it."""

    id: int
    maker: Order
    taker: Order
    lots: int
    ticks: int
    at: int


class Failed(Exception):
    """A request that cannot be carried out: a code of the venue's table and words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@define
class Rejected(Exception):
    """An order that is not accepted; `order` is what was said of it, for the answer."""

    reason: str
    said: dict[str, object] = field(factory=dict)
