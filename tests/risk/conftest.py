"""A small world to judge orders in: one or more markets with books, strategies with seats, money that a test sets."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from tickwright.engine.balance import Balance
from tickwright.engine.draft import draft
from tickwright.engine.instrument import Instrument
from tickwright.engine.market import Market, Seat, join_packages
from tickwright.engine.order import Approved, Denial, Fill, Order, approval
from tickwright.engine.orders import OrderManager
from tickwright.engine.ports import Ledger
from tickwright.engine.position import Position
from tickwright.engine.records import Recorder
from tickwright.risk.floor import Floor
from tickwright.risk.gate import RiskGate
from tickwright.risk.limits import LimitBook

T0 = 1_723_161_600_000_000_000
SECOND = 1_000_000_000


class FakeMoney:
    """Money as a test wants it."""

    digits = 18

    def __init__(self) -> None:
        self.balances = {"USDT": Decimal(10**9), "BTC": Decimal(10**6), "ETH": Decimal(10**6), "USD": Decimal(10**9)}
        self.pnl: dict[int, Decimal] = {}
        self.down: dict[int, Decimal] = {}

    def balance_atoms(self, currency: str) -> int:
        return int(self.balances.get(currency, Decimal(0)) * 10**18)

    def meter(self, currency: str, num: int, den: int) -> Balance | None:
        return None

    def day_pnl(self, strategy: int = -1) -> Decimal:
        return self.pnl.get(strategy, Decimal(0))

    def drawdown(self, strategy: int = -1) -> Decimal:
        return self.down.get(strategy, Decimal(0))


class NoLedger(Ledger):
    """Positions are moved by the test itself."""

    def book(self, order: Order, fill: Fill) -> None:
        pass


class Blocks:
    """Keeps what the recorder hands over."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, dict[str, int], str]] = []

    def block(self, table: str, columns: tuple[str, ...], rows: Any, texts: list[str]) -> None:
        width = len(columns)
        for i, text in enumerate(texts):
            self.rows.append((table, dict(zip(columns, rows[i * width : (i + 1) * width], strict=True)), text))


BTC = Instrument(
    id="BTCUSDT.BINANCE", tick_size=Decimal("0.01"), lot_size=Decimal("0.001"), base="BTC", quote="USDT",
    taker_fee=Decimal("0.0005"),
)  # fmt: skip
ETH = Instrument(id="ETHUSDT.BINANCE", tick_size=Decimal("0.1"), lot_size=Decimal("0.01"), base="ETH", quote="USDT")
OFF = {
    "max_orders_per_s": None, "max_messages_per_s": None, "duplicate_window_ms": None, "max_repeats": None,
    "self_match": "allow", "max_impact_bps": None,
}  # fmt: skip


class World:
    """Builds orders the way the strategy's door does, and puts positions and working orders where a test wants them."""

    def __init__(
        self,
        risk: Mapping[str, Any] | None = None,
        *,
        scopes: Mapping[str, Mapping[str, Any]] | None = None,
        instruments: tuple[Instrument, ...] = (BTC,),
        strategies: tuple[str, ...] = ("maker",),
        mode: str = "backtest",
        off: Mapping[str, Any] = OFF,
        checks: tuple[Any, ...] = (),
        touch: tuple[int, int] = (9_999, 10_001),
        depth: int = 10**9,
        **more: Any,
    ) -> None:
        self.money = FakeMoney()
        self.now = T0
        self.sink = Blocks()
        self.markets = [Market(item, i, Position(item, 30)) for i, item in enumerate(instruments)]
        self.seats = [
            Seat(name, i, market, Position(market.instrument, 30))
            for i, name in enumerate(strategies)
            for market in self.markets
        ]
        join_packages(self.markets, self.seats)
        listed = {"global": {**off, **(risk or {})}, **(scopes or {})}
        kept = {key: more.pop(key) for key in ("capabilities", "kill") if key in more}
        self.book = LimitBook(mode, listed, instruments, currency="USDT", **more)
        self.floor = Floor(self.book, self.markets, self.seats, self.money, Recorder(None), **kept)
        self.recorder = Recorder(self.sink, self.floor.columns)
        self.floor.recorder = self.recorder
        self.gate = RiskGate(self.floor, self.recorder, checks)
        for market in self.markets:
            self.quote(touch[0], touch[1], market=market.index, size=depth)
        self.count = 0
        self.orders = OrderManager(self.recorder, NoLedger())

    def quote(self, bid: int, ask: int, market: int = 0, size: int = 10**9) -> None:
        book = self.markets[market].book
        book.clear()
        if bid:
            book.apply(1, bid, size)
        if ask:
            book.apply(-1, ask, size)
        book.settle(self.now)

    def order(self, side: int = 1, lots: int = 1, ticks: int = 10_000, *, seat: int | None = 0, **terms: Any) -> Order:
        """An intent; by default to buy one lot at the mid."""
        self.count += 1
        chair = None if seat is None else self.seats[seat]
        market = self.markets[terms.pop("market", 0)] if chair is None else chair.market
        name = terms.pop("name", f"bt-{self.count}")
        terms.setdefault("created_ts", self.now)
        working = market.working if chair is None else None
        return draft(market.book, name, self.count, side, lots, ticks, seat=chair, account_working=working, **terms)

    def judge(self, side: int = 1, lots: int = 1, ticks: int = 10_000, **terms: Any) -> Approved | Denial:
        """The gate's word on an intent."""
        return self.gate.judge(self.order(side, lots, ticks, **terms), self.now)

    def working(self, side: int = 1, lots: int = 1, ticks: int = 10_000, **terms: Any) -> Order:
        """An order that works at the venue, whatever the limits say."""
        order = self.order(side, lots, ticks, **terms)
        self.orders.register(approval(order, self.now), self.now)
        self.orders.send_start(order, self.now)
        self.orders.ack(order, f"v{order.number}", self.now)
        return order

    def hold(self, lots: int, ticks: int = 10_000, seat: int = 0) -> None:
        """A position of a strategy, and of the account."""
        chair = self.seats[seat]
        side = 1 if lots > 0 else -1
        chair.position.fill(side, abs(lots), ticks, 0)
        chair.market.position.fill(side, abs(lots), ticks, 0)

    def fill(self, order: Order, lots: int, ticks: int, maker: bool = True) -> None:
        """An execution of a working order, booked and told to the gate."""
        self.count += 1
        liquidity = 0 if maker else 1
        self.orders.fill(order, f"t{self.count}", lots, ticks, order.side_code, liquidity, 0, self.now, self.now)
        seat = next(
            item
            for item in self.seats
            if (item.strategy_index, item.market.index) == (order.strategy_index, order.market)
        )
        seat.position.fill(order.side_code, lots, ticks, int(maker))
        seat.market.position.fill(order.side_code, lots, ticks, int(maker))
        self.gate.filled(order, self.orders.last_fill, self.now)

    def decisions(self) -> list[tuple[dict[str, int], str]]:
        """The decisions recorded so far: row and text."""
        self.recorder.flush()
        return [(row, text) for table, row, text in self.sink.rows if table == "decisions"]

    def notes(self) -> list[str]:
        self.recorder.flush()
        return [text for table, _, text in self.sink.rows if table == "notes"]


@pytest.fixture
def world() -> Callable[..., World]:
    return World


@pytest.fixture
def kit() -> dict[str, Any]:
    """The names that tests need besides."""
    return {"BTC": BTC, "ETH": ETH, "OFF": OFF, "T0": T0}
