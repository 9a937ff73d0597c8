"""A bench to try a strategy on: you say what the market and the venue do, and look at what the strategy asks for.

    bench = Bench(MarketMaker(size=Decimal("1")), "BTC/CHF.TDX", tick="0.5", lot="0.1")
    bench.book("99 x 2, 98.5 x 5 | 100 x 1, 100.5 x 3")
    bid, ask = bench.sent
    bench.accept(bid)
    bench.fill(bid, "0.5")
    bench.advance("1s")

Between the strategy and you stand the same core, risk gate, order manager and portfolio as in a run. Time stands still
until `advance`. What the strategy raises is raised in the test, with its own traceback.
"""

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import structlog
from attrs import frozen

from tickwright.adapters.sim.venue import SimVenue
from tickwright.engine.backtest import Channel, TapeLoop
from tickwright.engine.books import Books
from tickwright.engine.capability import Capability
from tickwright.engine.core import Core
from tickwright.engine.desk import Desk, OnError
from tickwright.engine.door import Door, Names, Number
from tickwright.engine.errors import TickwrightError
from tickwright.engine.events import RequestForQuote
from tickwright.engine.instrument import Instrument
from tickwright.engine.market import Market, Seat, join_packages
from tickwright.engine.order import Fill, Order
from tickwright.engine.orders import OrderManager
from tickwright.engine.portfolio import EXTERNAL, Portfolio
from tickwright.engine.ports import Reports, Stake, Store, TapeVenue
from tickwright.engine.position import Position
from tickwright.engine.records import Recorder
from tickwright.engine.saved import plain_state
from tickwright.engine.terms import BUY, NO_TIME, SELL, OrderEvent, Refusal
from tickwright.engine.times import as_ns, interval_ns
from tickwright.risk.floor import Floor
from tickwright.risk.gate import RiskGate
from tickwright.risk.limits import LimitBook
from tickwright.strategies.base import Strategy, Which, handlers

LEVEL, TRADE = 0, 1

UNLIMITED: Final = dict.fromkeys(
    (
        "collar_bps",
        "collar_window_bps",
        "max_spread_bps",
        "max_impact_bps",
        "max_orders_per_s",
        "orders_burst",
        "max_messages_per_s",
    )
)
"""Limits of a backtest that the bench leaves out unless they are given: books of two lines are wide and thin."""

PLENTY: Final = Decimal(10**9)
"""What the account holds of every currency unless `balances` says otherwise."""

_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?"
_LEVEL: Final = re.compile(rf"({_NUMBER})\s*x\s*({_NUMBER})")
_TRADE: Final = re.compile(rf"(buy|sell)\s+({_NUMBER})\s*@\s*({_NUMBER})")


class MemoryStore:
    """A store of strategies' states that lives as long as the process; `states` by strategy."""

    def __init__(self, states: Mapping[str, dict[str, Any]] | None = None) -> None:
        self.states = {name: plain_state(name, state) for name, state in (states or {}).items()}

    def load(self, strategy: str) -> dict[str, Any] | None:
        state = self.states.get(strategy)
        return None if state is None else plain_state(strategy, state)

    def save(self, strategy: str, state: dict[str, Any]) -> None:
        self.states[strategy] = state


@frozen
class Seen:
    """What left the strategies between two looks: orders sent, orders denied, orders whose cancel was sent."""

    sent: list[Order]
    denied: list[Order]
    cancels: list[Order]


class HandVenue(TapeVenue):
    """A venue that answers when it is told to; with `accepts`, new orders and cancels are confirmed at once."""

    native_replace = False

    def __init__(self, core: Reports, markets: int, accepts: bool) -> None:
        self.core = core
        self.next_due = NO_TIME
        self.instant = accepts
        self.stakes = [Stake() for _ in range(markets)]
        self.event = 0
        self.waiting: list[tuple[Order, bool]] = []

    def submit(self, order: Order, now: int) -> None:
        self.note(order, False, now)

    def cancel(self, order: Order, request_id: int, now: int) -> None:
        self.note(order, True, now)

    def note(self, order: Order, cancel: bool, now: int) -> None:
        if self.instant:
            self.waiting.append((order, cancel))
            self.next_due = now

    def advance(self, now: int) -> None:
        """Confirm one message; what the strategy answers to it comes behind the others."""
        order, cancel = self.waiting.pop(0)
        self.next_due = now if self.waiting else NO_TIME
        if order.terminal:
            return
        if cancel:
            self.core.canceled(order.client_order_id, order.cum, "", now)
        else:
            self.core.accepted(order.client_order_id, f"V{order.number}", now)


class Notes(Recorder):
    """The recorder of a run, which also keeps in lists what left and what did not."""

    def __init__(self, evidence: tuple[str, ...] = ()) -> None:
        super().__init__(None, evidence)
        self.sent: list[Order] = []
        self.denied: list[Order] = []
        self.cancels: list[Order] = []
        self.seen = (0, 0, 0)

    def order(self, order: Order, event: int, ts: int) -> None:
        super().order(order, event, ts)
        if event == OrderEvent.SEND_START:
            self.sent.append(order)
        elif event == OrderEvent.DENIED:
            self.denied.append(order)
        elif event == OrderEvent.CANCEL_REQ and order.is_open:
            self.cancels.append(order)


class Bench:
    """Strategies on a bench; `bench.core` and the like are there for the rare test that needs more.

    Args:
        strategies: one strategy, or several by name. Give params to the class as in ``MarketMaker(size=...)``.
        instruments: an id such as ``BTC/CHF.TDX``, an `Instrument`, or several of either.
        tick, lot: the grids of instruments given by id.
        limits: risk limits by key, as under ``risk:`` in a config; or by scope (``{"strategy:a": {...}}``). Those in
            `UNLIMITED` are off unless given, the others as in a backtest.
        balances: what the account holds by currency; else `PLENTY` of each.
        rates: as under ``account.rates``, where instruments settle in several currencies.
        accepts: the venue accepts orders and confirms cancels at once, so that only fills are said by hand.
        venue: ``"hand"``, or ``"sim"`` for the simulator without latency, which fills as the books and trades say.
        on_error: what follows when a strategy raises: ``"raise"`` in the test, or as the config key of this name.
        capability: what the venues can carry; by default everything.
        store: gives the strategies their states before `on_start`, and takes them at `stop`.
        start: the time at the beginning.

    Raises:
        TickwrightError: a bench that cannot be built, with what was expected.
    """

    def __init__(
        self,
        strategies: Strategy | Mapping[str, Strategy],
        instruments: str | Instrument | Iterable[str | Instrument],
        *,
        tick: str = "0.01",
        lot: str = "0.001",
        limits: Mapping[str, Any] | None = None,
        balances: Mapping[str, Decimal] | None = None,
        rates: Mapping[str, Decimal] | None = None,
        accepts: bool = False,
        venue: str = "hand",
        on_error: str = "raise",
        capability: Capability | None = None,
        store: Store | None = None,
        start: int | str = "2024-01-02T00:00:00Z",
    ) -> None:
        named = {"strategy": strategies} if isinstance(strategies, Strategy) else dict(strategies)
        given = [instruments] if isinstance(instruments, str | Instrument) else list(instruments)
        self.instruments = tuple(as_instrument(each, tick, lot) for each in given)
        currency = self.instruments[0].settle_currency
        held = balances or {name: PLENTY for each in self.instruments for name in (each.base, each.quote) if name}
        fixed = {pair.partition("/")[0]: rate for pair, rate in (rates or {}).items()}
        self.portfolio = Portfolio(self.instruments, tuple(named), currency=currency, balances=held, rates=fixed)
        self.markets = [Market(each, i, self.portfolio.position(i)) for i, each in enumerate(self.instruments)]
        seats = {
            name: [Seat(name, i, market, self.portfolio.position(market.index, i)) for market in self.markets]
            for i, name in enumerate(named)
        }
        join_packages(self.markets, [seat for row in seats.values() for seat in row])
        book = LimitBook("backtest", scopes(limits or {}), self.instruments, currency=currency, rates=rates)
        self.notes = Notes()
        every_seat = [seat for row in seats.values() for seat in row]
        carried = {each.venue: capability or Capability() for each in self.instruments}
        self.floor = Floor(book, self.markets, every_seat, self.portfolio, self.notes, capabilities=carried)
        self.notes.open(None, self.floor.columns)
        gate = RiskGate(self.floor, self.notes)
        books = Books(self.portfolio, self.markets, len(named), gate, self.notes)
        self.core = Core(self.markets, OrderManager(self.notes, books), gate, self.notes, books)
        self.core.store = store
        self.venue = self._venue(venue, accepts)
        self.core.add_venue(self.venue, self.markets)
        self.loop = TapeLoop(self.core, [Channel(each.book, each.index, each, self.venue) for each in self.markets])
        self.names = list(named)
        self.raises = on_error == "raise"
        self.raised = 0
        self.trade_number = 0
        self.shown: list[list[tuple[int, int]]] = [[] for _ in self.markets]
        ids = Names("t-")
        for index, (name, strategy) in enumerate(named.items()):
            door = Door(name, index, ids)
            policy = OnError.CANCEL_AND_HALT if self.raises else OnError(on_error)
            log = structlog.get_logger().bind(strategy_id=name)
            desk = Desk(strategy, door, handlers(strategy), policy, self.core, log)
            for seat in seats[name]:
                desk.add_seat(seat)
            self.core.add_desk(desk)
            strategy._tickwright_attach(door, desk)
        self.core.start(as_ns(start))
        self._heard()

    def _venue(self, kind: str, accepts: bool) -> TapeVenue:
        if kind == "hand":
            return HandVenue(self.core, len(self.markets), accepts)
        if kind == "sim":
            return SimVenue(self.core, [market.book for market in self.markets])
        raise TickwrightError(f"expected venue to be 'hand' or 'sim', received {kind!r}")

    # --- what the market does -------------------------------------------------------------------------------------

    def book(self, text: str, instrument: Which | None = None) -> None:
        """One message makes the book what `text` says: ``"99 x 2, 98.5 x 5 | 100 x 1"``, bids | asks, best first.

        An empty side is left empty or written ``-``.

        Raises:
            TickwrightError: text that is no such book; the book stays as it was.
            UnitError: a price or size off the instrument's grid.
        """
        market = self.market(instrument)
        item = market.instrument
        bids, bar, asks = text.partition("|")
        if not bar:
            raise TickwrightError(f"expected bids | asks, such as '99 x 2 | 100 x 1', received {text!r}")
        wanted = {(BUY, ticks): lots for ticks, lots in levels(bids, item, BUY)}
        wanted |= {(SELL, ticks): lots for ticks, lots in levels(asks, item, SELL)}
        rows = [(LEVEL, side, ticks, 0) for side, ticks in self.shown[market.index] if (side, ticks) not in wanted]
        self.shown[market.index] = list(wanted)
        rows += [(LEVEL, side, ticks, lots) for (side, ticks), lots in wanted.items()]
        self._play(market, rows or [(LEVEL, BUY, 1, 0)])

    def trade(self, text: str, instrument: Which | None = None) -> None:
        """Somebody else traded: ``"buy 1 @ 100"`` where the buyer took.

        Raises:
            TickwrightError: text that is no such trade.
            UnitError: a price or size off the instrument's grid.
        """
        market = self.market(instrument)
        found = _TRADE.fullmatch(text.strip())
        if found is None:
            raise TickwrightError(f"expected a trade such as 'buy 1 @ 100' or 'sell 0.5 @ 99.5', received {text!r}")
        side, size, price = found.groups()
        item = market.instrument
        self._play(market, [(TRADE, BUY if side == "buy" else SELL, item.ticks(price), item.lots(size))])

    def request(self, request: RequestForQuote) -> None:
        """Somebody asks for prices, or does so no more: every strategy that trades at that venue hears of it."""
        for desk in self.core.desks:
            if desk.enabled and any(seat.market.venue_name == request.venue for seat in desk.seats):
                self.core.call(desk, "on_rfq", desk.strategy.on_rfq, (request,))
        self._answered()

    def advance(self, length: str) -> None:
        """Let time pass (``"1s"``, ``"250ms"``); all that is due happens, the last moment included."""
        until = self.now + interval_ns(length)
        self.core.catch_up(until + 1)
        self.core.hear(until)
        self._heard()

    def stop(self) -> None:
        """End the run: `on_stop`, and the states go to the store."""
        self.core.stop(self.now)
        self._heard()

    # --- what the venue says --------------------------------------------------------------------------------------

    def accept(self, order: Order) -> None:
        """The venue takes the order."""
        self.core.accepted(order.client_order_id, f"V{order.number}", self.now)
        self._answered()

    def reject(self, order: Order, reason: str = "rejected") -> None:
        """The venue refuses the order."""
        self.core.refused(order.client_order_id, reason, self.now)
        self._answered()

    def fill(
        self, order: Order, qty: Number | None = None, price: Number | None = None, *, taker: bool = False
    ) -> Fill:
        """The order is executed: the whole rest unless `qty` says less, at its own price unless `price` says better.

        Raises:
            TickwrightError: no price for a market order, or an execution that the order manager does not book.
        """
        item = order.instrument
        lots = int(order.leaves_lots) if qty is None else item.lots(qty)
        if price is None and not order.has_price:
            raise TickwrightError(
                f"{order.client_order_id}: expected a price for a fill of a market order, received none"
            )
        ticks = int(order.ticks) if price is None else item.ticks(price)
        self.trade_number += 1
        name = f"T{self.trade_number}"
        self.core.executed(order.client_order_id, name, lots, ticks, not taker, 0, self.now)
        booked = self.core.orders.last_fill
        self._answered()
        if booked is None or name not in order.trades:
            raise TickwrightError(f"{order!r}: expected a fill of {qty} at {price} that can be booked")
        return booked

    def canceled(self, order: Order, reason: str = "") -> None:
        """The order is cancelled: because we asked, or (with a reason) because the venue wanted to."""
        self.core.canceled(order.client_order_id, order.cum, reason, self.now)
        self._answered()

    def refuse_cancel(self, order: Order, why: Refusal = Refusal.TOO_LATE) -> None:
        """The venue does not cancel."""
        self.core.cancel_refused(order.client_order_id, int(why), order.cum, order.cancel_id, self.now)
        self._answered()

    def expire(self, order: Order) -> None:
        """The order's time is up."""
        self.core.expired(order.client_order_id, order.cum, self.now)
        self._answered()

    # --- what there is to see -------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Nanoseconds UTC."""
        return self.core.now

    @property
    def sent(self) -> list[Order]:
        """Every order that the venue was given, in order."""
        return list(self.notes.sent)

    @property
    def denied(self) -> list[Order]:
        """Every order that the gate refused; `order.denial` says why."""
        return list(self.notes.denied)

    @property
    def cancels(self) -> list[Order]:
        """Every order whose cancel the venue was asked for, in order."""
        return list(self.notes.cancels)

    @property
    def open(self) -> list[Order]:
        """The orders that may still execute, oldest first."""
        return sorted(self.core.orders.open_orders(), key=lambda order: order.number)

    def look(self) -> Seen:
        """What is new since the last look."""
        notes = self.notes
        i, j, k = notes.seen
        notes.seen = len(notes.sent), len(notes.denied), len(notes.cancels)
        return Seen(notes.sent[i:], notes.denied[j:], notes.cancels[k:])

    def position(self, instrument: Which | None = None, strategy: str | None = None) -> Position:
        """What a strategy holds; without its name, the account."""
        index = EXTERNAL if strategy is None else self.names.index(strategy)
        return self.portfolio.position(self.market(instrument).index, index)

    def market(self, instrument: Which | None = None) -> Market:
        """The market of an instrument, which need not be named where there is only one."""
        if instrument is None and len(self.markets) == 1:
            return self.markets[0]
        for market in self.markets:
            if instrument in (market.instrument, market.instrument.id):
                return market
        ids = ", ".join(each.id for each in self.instruments)
        raise TickwrightError(f"expected one of the bench's instruments ({ids}), received {instrument!r}")

    # --- turning the crank ----------------------------------------------------------------------------------------

    def _play(self, market: Market, rows: Sequence[tuple[int, int, int, int]]) -> None:
        n = len(rows)
        kind, side, ticks, lots = (array("q", column) for column in zip(*rows, strict=True))
        last = array("q", [0] * (n - 1) + [1])
        at, where = array("q", [self.now] * n), array("q", [market.index] * n)
        self.loop.play(at, where, kind, side, ticks, lots, last, 0, n)
        self._heard()

    def _answered(self) -> None:
        self.core.hear(self.now)
        self._heard()

    def _heard(self) -> None:
        """Raise what a strategy raised."""
        failures = self.core.failures[self.raised :]
        self.raised += len(failures)
        if failures and self.raises:
            raise failures[0].error


def as_instrument(given: str | Instrument, tick: str, lot: str) -> Instrument:
    """An instrument by its id: ``BTC/CHF.TDX`` trades BTC for CHF; an id without a slash trades itself for USD."""
    if isinstance(given, Instrument):
        return given
    symbol = given.rpartition(".")[0]
    if not symbol:
        raise TickwrightError(f"expected an instrument id such as BTC/CHF.TDX, received {given!r}")
    base, _, quote = symbol.partition("/")
    return Instrument(id=given, tick_size=Decimal(tick), lot_size=Decimal(lot), base=base, quote=quote or "USD")


def scopes(limits: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Limits by scope, those without a scope being global, over what the bench leaves out."""
    found: dict[str, dict[str, Any]] = {"global": dict(UNLIMITED)}
    for key, value in limits.items():
        if isinstance(value, Mapping):
            found.setdefault(key, {}).update(value)
        else:
            found["global"][key] = value
    return found


def levels(text: str, instrument: Instrument, side: int) -> list[tuple[int, int]]:
    """One side of a book as ticks and lots, best first."""
    if text.strip() in ("", "-"):
        return []
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        match = _LEVEL.fullmatch(part.strip())
        if match is None:
            raise TickwrightError(f"expected a level such as '99.5 x 2', received {part.strip()!r} in {text.strip()!r}")
        ticks, lots = instrument.ticks(match[1]), instrument.lots(match[2])
        if lots == 0:
            raise TickwrightError(f"expected levels of more than nothing, received {part.strip()!r}; leave it out")
        if found and (found[-1][0] - ticks) * side <= 0:
            way = "falling bids" if side == BUY else "rising asks"
            raise TickwrightError(f"expected {way}, best first, received {text.strip()!r}")
        found.append((ticks, lots))
    return found
