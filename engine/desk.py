"""What the core keeps for one strategy: its door, its handlers, what it watches, and what its errors lead to."""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from tickwright.engine.door import Door
from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument
from tickwright.engine.market import Seat
from tickwright.engine.order import Order
from tickwright.engine.times import interval_ns

if TYPE_CHECKING:
    from tickwright.engine.core import Core

EVERY = 0
TOUCH = 1
INTERVAL = 2
SILENT = 3
"""How a watch wakes its strategy for books; SILENT watches trades alone."""


class OnError(Enum):
    """What follows when a strategy raises."""

    HALT_STRATEGY = "halt_strategy"
    CANCEL_AND_HALT = "cancel_and_halt"
    STOP_RUN = "stop_run"


class Watch:
    """One strategy's interest in one market."""

    __slots__ = ("desk", "dirty", "last_ask", "last_bid", "market", "mode", "one_sided", "trades")

    def __init__(self, desk: "Desk", market: int, mode: int, trades: bool, one_sided: bool) -> None:
        self.desk = desk
        self.market = market
        self.mode = mode
        self.trades = trades
        self.one_sided = one_sided
        self.dirty = False
        self.last_bid = 0
        self.last_ask = 0


class Desk:
    """One strategy in the run. Handlers that the strategy did not override are None and never called."""

    __slots__ = (
        "core",
        "denied",
        "denied_since",
        "door",
        "enabled",
        "index",
        "log",
        "name",
        "on_book",
        "on_error",
        "on_fill",
        "on_order",
        "on_timer",
        "on_trade",
        "seats",
        "strategy",
    )

    def __init__(
        self, strategy: Any, door: Door, handlers: Mapping[str, Any], on_error: OnError, core: "Core", log: Any
    ) -> None:
        self.strategy = strategy
        self.door = door
        self.name = door.name
        self.index = door.index
        self.on_error = on_error
        self.core = core
        self.log = log
        self.enabled = True
        self.denied = 0  # by the gate, in the second that began at `denied_since`
        self.denied_since = 0
        self.seats: list[Seat] = []
        self.on_book: Any = handlers.get("on_book")
        self.on_trade: Any = handlers.get("on_trade")
        self.on_order: Any = handlers.get("on_order")
        self.on_fill: Any = handlers.get("on_fill")
        self.on_timer: Any = handlers.get("on_timer")

    def add_seat(self, seat: Seat) -> None:
        self.seats.append(seat)
        self.door.add_seat(seat)

    def watch(self, instrument: object, book: str | None, trades: bool, one_sided: bool) -> None:
        """See `Strategy.watch`; a later call for the same instrument takes the place of the earlier one."""
        market = self.door.seat(instrument).market
        every_ns = 0
        if book is None:
            mode = SILENT
        elif book == "every":
            mode = EVERY
        elif book == "touch":
            mode = TOUCH
        else:
            mode = INTERVAL
            every_ns = interval_ns(book)
        if trades and self.on_trade is None:
            raise TickwrightError(f"strategy {self.name}: watches trades of {market.instrument.id} without on_trade")
        if mode != SILENT and self.on_book is None:
            raise TickwrightError(
                f"strategy {self.name}: watches the book of {market.instrument.id} without on_book; say book=None"
            )
        self.core.add_watch(Watch(self, market.index, mode, trades, one_sided), every_ns)

    def every(self, interval: str, name: str) -> None:
        step = interval_ns(interval)
        self.need_timer_handler(name)
        self.core.add_timer(self.core.now + step, self, name, step)

    def at(self, when: int, name: str) -> None:
        self.need_timer_handler(name)
        if when <= self.core.now:
            raise TickwrightError(f"strategy {self.name}: expected a time after now for timer {name}, received {when}")
        self.core.add_timer(when, self, name, 0)

    def need_timer_handler(self, name: str) -> None:
        if self.on_timer is None:
            raise TickwrightError(f"strategy {self.name}: asks for timer {name} without on_timer")

    def orders(self) -> list[Order]:
        """Open orders in all its markets, oldest first."""
        found = [order for seat in self.seats for order in seat.working.orders.values()]
        found.sort(key=number_of)
        return found

    def instruments(self) -> list[Instrument]:
        return [seat.market.instrument for seat in self.seats]


def number_of(order: Order) -> int:
    return order.number
