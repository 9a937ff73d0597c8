"""Tickwright: algorithmic trading strategies, one Python file and one YAML file, the same on tape, paper and live."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tickwright.engine.compiled import choose as _choose

_choose()

if TYPE_CHECKING:
    from tickwright.backtesting import backtest
    from tickwright.engine.bars import Bar, TickBars, TimeBars, VolumeBars
    from tickwright.engine.book import Book
    from tickwright.engine.instrument import Instrument
    from tickwright.engine.order import Denial, Fill, Order
    from tickwright.engine.parent import Parent
    from tickwright.engine.position import Position
    from tickwright.engine.terms import Cause, Health, Liquidity, OrderState, OrderType, Side, TimeInForce
    from tickwright.engine.trade import Trade
    from tickwright.result import Result
    from tickwright.risk.check import Check, Objection
    from tickwright.strategies.base import Strategy

_HOMES = {
    "tickwright.backtesting": ("backtest",),
    "tickwright.engine.bars": ("Bar", "TickBars", "TimeBars", "VolumeBars"),
    "tickwright.engine.book": ("Book",),
    "tickwright.engine.instrument": ("Instrument",),
    "tickwright.engine.order": ("Denial", "Fill", "Order"),
    "tickwright.engine.parent": ("Parent",),
    "tickwright.engine.position": ("Position",),
    "tickwright.engine.terms": ("Cause", "Health", "Liquidity", "OrderState", "OrderType", "Side", "TimeInForce"),
    "tickwright.engine.trade": ("Trade",),
    "tickwright.result": ("Result",),
    "tickwright.risk.check": ("Check", "Objection"),
    "tickwright.strategies.base": ("Strategy",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022 - strategies first, since that is what people come for
    "Strategy",
    "Book",
    "Trade",
    "Order",
    "Fill",
    "Denial",
    "Check",
    "Objection",
    "Parent",
    "Position",
    "Instrument",
    "Side",
    "TimeInForce",
    "OrderType",
    "OrderState",
    "Cause",
    "Liquidity",
    "Health",
    "Bar",
    "TimeBars",
    "TickBars",
    "VolumeBars",
    "backtest",
    "Result",
]


def __getattr__(name: str) -> Any:
    """The public names, each imported when it is first asked for: the command line must answer at once."""
    if name not in _HOME:
        raise AttributeError(f"module 'tickwright' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
