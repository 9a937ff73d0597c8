"""A run on a live market with everything real but the wire, which is a venue in memory that the test speaks for."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import trio
from attrs import evolve

from tickwright.build import Parts, join_core
from tickwright.config import load
from tickwright.engine.asker import Asker
from tickwright.engine.capability import Capability
from tickwright.engine.door import Names
from tickwright.engine.doorbell import Doorbell
from tickwright.engine.events import BookChanged, Event, LinkChanged, OrderAccepted, OrderCanceled, OrderExecuted
from tickwright.engine.instrument import Instrument
from tickwright.engine.intake import Intake
from tickwright.engine.live import Live, Port
from tickwright.engine.order import Order
from tickwright.engine.remote import RemoteVenue
from tickwright.engine.run_clock import RunClock
from tickwright.engine.strangers import Strangers
from tickwright.engine.sweep import Sweep
from tickwright.engine.terms import BUY, SELL, Liquidity
from tickwright.engine.wire import Inbox, OrderFacts, PositionFacts, QueryFailed, Standing, TradeFacts
from tickwright.risk.kill import KillMode
from tickwright.strategies.base import Strategy

ID = "BTC/CHF.TDX"
WALL = 1_700_000_000_000_000_000

CONFIG: dict[str, Any] = {
    "name": "live-test",
    "mode": "paper",
    "account": {"currency": "CHF", "balances": {"CHF": "1000000", "BTC": "10"}},
    "venues": {"tdx": {"adapter": "tdx"}},
    "instruments": {ID: {"tick": "0.5", "lot": "0.001", "base": "BTC", "quote": "CHF"}},
    "strategies": {"quiet": {"use": "market_maker", "instruments": [ID]}},
    "risk": {"max_order_qty": "5", "max_position": "5"},
}


class Records:
    """A journal that counts; `fail` makes it die."""

    def __init__(self) -> None:
        self.commits = 0
        self.healthy = True
        self.dead = ""
        self.lag_ns = 0
        self.free_mb = 10_000

    def commit(self) -> None:
        self.commits += 1

    def fail(self) -> None:
        self.healthy = False
        self.dead = "disk full"


class VenueInMemory:
    """A wire whose venue is this object: the test says what it answers, and may have it keep orders of its own."""

    venue = "TDX"
    capability = Capability(quiet_books=True)

    def __init__(self) -> None:
        self.inbox: Inbox | None = None
        self.sent: list[Order] = []
        self.cancels: list[str] = []
        self.live: dict[str, OrderFacts] = {}
        self.done: dict[str, OrderFacts] = {}
        self.executed: list[TradeFacts] = []
        self.holding: Mapping[str, Decimal] | None = None
        self.placed: Mapping[str, PositionFacts] | None = None
        self.silent = False
        self.failing = ""
        self.answers = True
        self.on_submit: Callable[[Order], None] | None = None
        self.asked: list[str] = []

    async def instruments(self, ids: Iterable[str]) -> Mapping[str, Instrument]:
        return {}

    async def run(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.put(LinkChanged(venue=self.venue, up=True, ts=0))
        await trio.sleep_forever()

    def put(self, event: Event) -> None:
        assert self.inbox is not None
        self.inbox.put(event)

    def submit(self, order: Order) -> None:
        self.sent.append(order)
        if self.on_submit is not None:
            self.on_submit(order)
        elif self.answers:
            self.accept(order)

    def accept(self, order: Order) -> None:
        name = f"v{order.number}"
        self.live[order.client_order_id] = OrderFacts(
            instrument=ID,
            client_order_id=order.client_order_id,
            venue_order_id=name,
            side=order.side,
            standing=Standing.LIVE,
            lots=order.lots,
            ticks=order.ticks,
            cum=0,
        )
        if not self.silent:
            self.put(OrderAccepted(client_order_id=order.client_order_id, venue_order_id=name, ts=0))

    def execute(self, client_order_id: str, lots: int, *, told: bool = True) -> None:
        """Some of an order is executed; told on the stream or not."""
        facts = self.live[client_order_id]
        cum = facts.cum + lots
        trade = TradeFacts(
            instrument=ID,
            client_order_id=client_order_id,
            venue_order_id=facts.venue_order_id,
            trade_id=f"t{len(self.executed)}",
            side=facts.side,
            lots=lots,
            ticks=facts.ticks,
            liquidity=Liquidity.MAKER,
            stated_cum=cum,
        )
        self.executed.append(trade)
        standing = Standing.FILLED if cum == facts.lots else Standing.LIVE
        changed = OrderFacts(
            instrument=ID,
            client_order_id=client_order_id,
            venue_order_id=facts.venue_order_id,
            side=facts.side,
            standing=standing,
            lots=facts.lots,
            ticks=facts.ticks,
            cum=cum,
        )
        if standing is Standing.LIVE:
            self.live[client_order_id] = changed
        else:
            del self.live[client_order_id]
            self.done[client_order_id] = changed
        if told:
            self.put(
                OrderExecuted(
                    instrument=ID,
                    client_order_id=client_order_id,
                    venue_order_id=facts.venue_order_id,
                    trade_id=trade.trade_id,
                    side=facts.side,
                    lots=lots,
                    ticks=facts.ticks,
                    liquidity=Liquidity.MAKER,
                    stated_cum=cum,
                    ts=0,
                )
            )

    def cancel(self, order: Order, request_id: int) -> None:
        name = order.client_order_id
        self.cancels.append(name)
        facts = self.live.get(name)
        if facts is None or not self.answers:
            return
        del self.live[name]
        self.done[name] = OrderFacts(
            instrument=ID,
            client_order_id=name,
            venue_order_id=facts.venue_order_id,
            side=facts.side,
            standing=Standing.CANCELED,
            lots=facts.lots,
            ticks=facts.ticks,
            cum=facts.cum,
        )
        if not self.silent:
            self.put(OrderCanceled(client_order_id=name, reason="asked", stated_cum=facts.cum, ts=0))

    def resync(self, instrument: str, reason: str) -> None:
        self.asked.append(f"resync {instrument}: {reason}")

    def ask(self, what: str) -> None:
        self.asked.append(what)
        if self.failing:
            raise QueryFailed(self.failing)

    async def open_orders(self) -> tuple[OrderFacts, ...]:
        self.ask("open_orders")
        return tuple(self.live.values())

    async def order(self, order: Order) -> OrderFacts | None:
        self.ask(f"order {order.client_order_id}")
        name = order.client_order_id
        return self.live.get(name) or self.done.get(name)

    async def trades(self, since: int) -> tuple[TradeFacts, ...]:
        self.ask("trades")
        return tuple(self.executed)

    async def holdings(self) -> Mapping[str, Decimal] | None:
        self.ask("holdings")
        return self.holding

    async def positions(self) -> Mapping[str, PositionFacts] | None:
        self.ask("positions")
        return self.placed


class Authority:
    """The gate's rules as the app hands them to the driver."""

    def __init__(self, parts: Parts) -> None:
        self.floor = parts.floor

    def kill(self, level: str, name: str, mode: str, reason: str, by: str, now: int) -> None:
        self.floor.kill.kill(level, name, mode=KillMode[mode.upper()], reason=reason, by=by, now=now)

    def rearm(self, level: str, name: str, reason: str, by: str, now: int) -> None:
        self.floor.kill.rearm(level, name, operator=by, reason=reason)

    def reduce_only(self, instrument: str, reason: str, now: int) -> None:
        self.floor.close_instrument(instrument, reason, now)

    def active(self, instrument: str, reason: str, now: int) -> None:
        self.floor.set_state("instrument", instrument, "active", now, reason)

    def closed(self) -> Mapping[str, tuple[int, str]]:
        return self.floor.closed


class Bench:
    """One run: its parts, its wire, its driver."""

    def __init__(self, *strategies: Strategy, kind: str = "spot", expiry_ns: int | None = None, **risk: Any) -> None:
        called = [f"s{i}" for i in range(len(strategies))]
        names = Names("tw01-")
        mapping = {
            **CONFIG,
            "instruments": {ID: {**CONFIG["instruments"][ID], "kind": kind}},
            "strategies": {name: {"use": "market_maker", "instruments": [ID]} for name in called},
            "risk": CONFIG["risk"] | risk,
        }
        config = load(mapping)
        loaded = {name: Given(each) for name, each in zip(called, strategies, strict=True)}
        self.wire = VenueInMemory()
        self.bell = Doorbell()
        self.clock = RunClock(lambda: WALL)
        self.parts = join_core(
            config,
            (evolve(config.instrument(ID), expiry_ns=expiry_ns),),
            loaded,  # type: ignore[arg-type]
            ids=names,
            capabilities={"TDX": self.wire.capability},
        )
        self.parts.recorder.open(None, self.parts.floor.columns)
        core = self.core = self.parts.core
        links = dict(self.parts.floor.venues)
        for link in links.values():
            link.up = link.reconciled = False
        self.strangers = Strangers(core.orders, "tw01")
        self.intake = Intake(
            core,
            links,
            {"TDX": self.strangers},
            lambda *asked: self.live.wanted(*asked),
            lambda *told: self.live.turned(*told),
        )
        self.records = Records()
        remote = RemoteVenue(self.wire, links["TDX"], 1, self.blocked)
        core.add_venue(remote, core.markets)
        self.said: list[str] = []
        self.live = Live(
            core=core,
            intake=self.intake,
            ports=[],
            clock=self.clock,
            bell=self.bell,
            journal=self.records,
            health=self.parts.gate,
            authority=Authority(self.parts),
            told=self.said.append,
        )
        self.sweep = Sweep(core, self.intake, "TDX", self.strangers, 0)
        asker = Asker(self.live, self.wire, links["TDX"], self.sweep)
        self.live.ports.append(Port(self.wire, links["TDX"], remote, asker))
        self.link = links["TDX"]
        self.blocked_orders: list[str] = []

    def blocked(self, order: Order, why: str) -> None:
        self.blocked_orders.append(f"{order.client_order_id} {why}")

    def book(self, bid: int = 100_000, ask: int = 100_010) -> None:
        self.wire.put(
            BookChanged(
                instrument=ID, changes=((BUY, bid, 1_000), (SELL, ask, 1_000)), snapshot=True, ts=self.clock.now()
            )
        )

    async def ready(self) -> None:
        """Wait until the venue is reconciled and the book is there."""
        await trio.sleep(0.5)
        self.book()
        await trio.sleep(0.5)


class Given:
    """A strategy that exists already, in the place of a loaded class."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self.form = type(strategy)

    def create(self) -> Strategy:
        return self.strategy
