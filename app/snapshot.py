"""What a running process tells of itself, as plain data.

The control socket, ``status``, the terminal and the dashboard share this one shape;
``docs/running.md`` describes it for others.

Prices, quantities and money are decimal texts, since JSON numbers are floats for most readers; times of events are UTC
text, ages and lags are milliseconds. Lists are bounded by whoever fills them (`ORDERS_MAX`, `DENIALS_MAX`).
"""

from typing import Final, TypedDict

ORDERS_MAX: Final = 200
"""Open orders that are listed; `open_orders` counts all. At 250 bytes each a snapshot stays below 100 kB."""

DENIALS_MAX: Final = 10

STATUSES: Final = ("starting", "warming", "reconciling", "trading", "stopping", "stopped")


class VenueShown(TypedDict):
    name: str
    link: str
    """``up`` or ``down``"""
    reason: str
    reconciled: bool
    frames: int
    bad_messages: int
    clock_offset_ms: float | None


class BookShown(TypedDict):
    instrument: str
    health: str
    reason: str
    bid: str | None
    ask: str | None
    age_ms: float | None


class StrategyShown(TypedDict):
    name: str
    enabled: bool
    reason: str
    positions: dict[str, str]
    pnl: str
    open_orders: int


class OrderShown(TypedDict):
    client_order_id: str
    strategy: str
    instrument: str
    side: str
    qty: str
    price: str | None
    state: str
    filled_qty: str


class DenialShown(TypedDict):
    ts: str
    code: str
    text: str
    strategy: str


class LatchShown(TypedDict):
    level: str
    name: str
    mode: str
    reason: str
    by: str
    ts: str


class LagShown(TypedDict):
    p50: float
    p99: float
    max: float


class JournalShown(TypedDict):
    healthy: bool
    reason: str
    lag_ms: float
    records: int


class Money(TypedDict):
    currency: str
    pnl: str
    realised: str
    unrealised: str
    fees: str
    equity: str


class Snapshot(TypedDict):
    """One look at a run. `counters` has at least events, wakes, orders, fills, denied, rejected and merged."""

    run_id: str
    run_folder: str
    name: str
    mode: str
    status: str
    now: str
    uptime_s: float
    pid: int
    venues: list[VenueShown]
    books: list[BookShown]
    strategies: list[StrategyShown]
    orders: list[OrderShown]
    open_orders: int
    money: Money
    denials: list[DenialShown]
    latches: list[LatchShown]
    loop_lag_ms: LagShown
    journal: JournalShown
    counters: dict[str, int]
