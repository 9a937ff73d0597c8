"""Moves money when an execution is booked, and values what is held once a second."""

from tickwright.engine.market import Market
from tickwright.engine.order import Fill, Order
from tickwright.engine.portfolio import Portfolio
from tickwright.engine.ports import Gate, Ledger
from tickwright.engine.records import Recorder
from tickwright.engine.terms import MAKER


class Books(Ledger):
    """The order manager's hand on the portfolio. `fill` is the execution booked last."""

    __slots__ = ("fill", "gate", "markets", "marks", "portfolio", "recorder", "strategies")

    def __init__(
        self, portfolio: Portfolio, markets: list[Market], strategies: int, gate: Gate, recorder: Recorder
    ) -> None:
        self.portfolio = portfolio
        self.markets = markets
        self.strategies = strategies
        self.gate = gate
        self.recorder = recorder
        self.fill: Fill | None = None
        self.marks: list[int | None] = [None] * len(markets)

    def book(self, order: Order, fill: Fill) -> None:
        self.fill = fill
        maker = 1 if fill.liquidity_code == MAKER else 0
        self.portfolio.fill(order.market, order.strategy_index, order.side_code, fill.lots, fill.ticks, maker)
        self.gate.filled(order, fill, fill.ts)

    def take_back(self, order: Order, fill: Fill) -> None:
        maker = 1 if fill.liquidity_code == MAKER else 0
        self.portfolio.reverse(order.market, order.strategy_index, order.side_code, fill.lots, fill.ticks, maker)

    def correct(self, order: Order, lots: int, old_ticks: int, new_ticks: int) -> None:
        self.portfolio.reprice(order.market, order.strategy_index, order.side_code, lots, old_ticks, new_ticks, 0)

    def mark(self, now: int) -> None:
        """Value every market, and record what is held and at which mark."""
        for market in self.markets:
            mark = market.double_reference()
            self.marks[market.index] = mark or None
            lots = self.portfolio.position(market.index).lots
            if mark:
                self.recorder.sample(market.index, -1, lots, mark, now)
        self.portfolio.mark(now, self.marks)
