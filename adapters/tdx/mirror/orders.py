"""What the exchange keeps: orders, executions, and why it refuses."""

from decimal import Decimal
from typing import Final

from attrs import Factory, define, evolve, frozen

from tickwright.adapters.tdx.mirror.accounts import ZERO, Account
from tickwright.adapters.tdx.mirror.listing import Pair

OPEN: Final = "OPEN"
PARTIALLY_FILLED: Final = "PARTIALLY_FILLED"
FILLED: Final = "FILLED"
CANCELLED: Final = "CANCELLED"

LIMIT: Final = "TYPE_LIMIT"
MARKET: Final = "TYPE_MARKET"
POST_ONLY: Final = "TYPE_POST_ONLY"

GTC: Final = "TIME_IN_FORCE_GTC"
DAY: Final = "TIME_IN_FORCE_DAY"
IOC: Final = "TIME_IN_FORCE_IOC"
FOK: Final = "TIME_IN_FORCE_FOK"


@define(eq=False, kw_only=True)
class Order:
    """One order. `account` is None for the market's own; `ticks` is 0 for a market order; `side` +1 buys, -1 sells.

    `connection` is the socket it was entered over, None for REST. `reserved` is held of `reserved_symbol`;
    `history` is (time, executed, status) at each change.
    """

    id: str
    number: int
    pair: Pair
    side: int
    lots: int
    ticks: int
    kind: str = LIMIT
    time_in_force: str = GTC
    account: Account | None = None
    client_order_id: str = ""
    created: int = 0
    updated: int = 0
    executed: int = 0
    ended: bool = False
    status: str = OPEN
    reserved: Decimal = ZERO
    connection: object = None
    history: list[tuple[int, int, str]] = Factory(list)

    @property
    def leaves(self) -> int:
        return self.lots - self.executed

    @property
    def immediate(self) -> bool:
        """Whether what does not trade at once is cancelled."""
        return self.kind == MARKET or self.time_in_force in (IOC, FOK)

    @property
    def reserved_symbol(self) -> str:
        return self.pair.quote.symbol if self.side > 0 else self.pair.base.symbol


def as_of(order: Order, at: int) -> Order:
    """An order as it was at a time; it existed then."""
    executed, status, updated = 0, OPEN, order.created
    for changed, lots, now in order.history:
        if changed <= at:
            executed, status, updated = lots, now, changed
    return evolve(order, executed=executed, status=status, updated=updated)


@frozen(kw_only=True, eq=False)
class Execution:
    """One side of one trade, for the account whose order it was. Amounts are in the quote currency."""

    id: str
    number: int
    order: Order
    lots: int
    ticks: int
    cumulative: int
    gross: Decimal
    fee: Decimal
    tax: Decimal
    at: int
    taker: bool


@frozen(kw_only=True)
class PublicTrade:
    """One trade as everybody sees it; `side` is the taker's."""

    id: str
    pair: Pair
    side: int
    lots: int
    ticks: int
    at: int


class Refused(Exception):
    """The exchange says no: an HTTP status, its name, a reason code and words."""

    def __init__(self, code: int, status: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.reason = reason
        self.message = message


def invalid(message: str, reason: str = "INVALID_ARGUMENTS") -> Refused:
    return Refused(400, "INVALID_ARGUMENT", reason, message)


def missing(message: str) -> Refused:
    return Refused(404, "NOT_FOUND", "RESOURCE_NOT_FOUND", message)


def unmet(reason: str, message: str) -> Refused:
    return Refused(422, "FAILED_PRECONDITION", reason, message)


def unauthenticated(message: str) -> Refused:
    return Refused(401, "UNAUTHENTICATED", "UNAUTHENTICATED", message)


def forbidden(message: str) -> Refused:
    return Refused(403, "PERMISSION_DENIED", "PERMISSION_DENIED", message)
