"""Whole runs of a venue under test, in one process and on a virtual clock.

    strategy > gate > orders > journal > codec > link > session  ...a stream in memory...  local venue

A run is joined from a config as the command line joins it; nothing stands in for anything but the network and the
clock. The strategy does what it is told, and the street (everybody else at the local venue) does, too.
"""

import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar, cast

import trio
from attrs import define, field, frozen

from tickwright.adapters.conformance.script import Command, Levels, Print
from tickwright.adapters.conformance.scripted import Scripted
from tickwright.adapters.conformance.under_test import Mirror, Peer, VenueUnderTest
from tickwright.adapters.fault_rules import FaultScript
from tickwright.adapters.fault_script import parse_script
from tickwright.adapters.local.crowd import StreetOrder
from tickwright.adapters.local.house import virtual_wall
from tickwright.config import Config, load
from tickwright.engine.adapter import Adapter, Site
from tickwright.engine.capability import Capability
from tickwright.engine.doorbell import Doorbell
from tickwright.engine.events import BookChanged, Event
from tickwright.engine.instrument import Instrument
from tickwright.engine.run_clock import RunClock
from tickwright.engine.wire import Clock, Wire
from tickwright.result import Result
from tickwright.sites import make_wire, site_of
from tickwright.trading import TradingRun, opened
from tickwright.venues import declared

Told = TypeVar("Told")

SEED: Final = 7
UNSAID: Final = "XXX"
"""The currency of an account as long as nobody has said what the instrument is traded in: ISO 4217's for none."""
WIDE: Final = (
    "max_intent_age_ms",
    "max_data_age_ms",
    "max_spread_bps",
    "vol_pause_bps",
    "max_impact_bps",
    "collar_bps",
    "collar_window_bps",
)
MANY: Final = (
    "max_strategy_position",
    "max_order_qty",
    "max_position",
    "max_open_orders",
    "max_rejects",
    "max_repeats",
)
MUCH: Final = (
    "max_order_notional",
    "max_gross_notional",
    "max_traded_notional",
    "max_daily_loss",
    "max_strategy_loss",
    "max_orders_per_s",
    "orders_burst",
    "max_messages_per_s",
)
"""Limits that a trial does not want to run into: what is examined is the venue, not the gate."""


@cache
def adapter_of(venue: str) -> Adapter:
    """What the adapter under test says of itself."""
    found = declared(venue)
    assert found is not None, f"{venue}: expected an adapter, received none of that name"
    assert found.wire, f"{venue}: expected a declaration with `wire`, received one without"
    assert found.mirror, f"{venue}: expected a declaration with `mirror` (its local venue), received one without"
    return found


@frozen
class Known:
    """What a venue says when it is asked: the traded instrument, and what orders it takes."""

    instrument: Instrument
    capability: Capability


async def asked(venue: VenueUnderTest, folder: Path) -> Known:
    """Ask the local venue, through the adapter's own wire."""
    key = adapter_of(venue.adapter).name
    id = f"{venue.symbol}.{key.upper()}"
    config = config_of(venue, folder, "live", UNSAID, UNSAID)
    async with serving(venue) as peer:
        site = site_of(config, key, "ask", peer.announcement())
        wire = wires_to(peer)(config, site, RunClock(virtual_wall()))
        found = await wire.instruments([id])
        with trio.CancelScope() as ended:  # a wire lets go of what its questions left open when its run ends
            ended.cancel()
            await wire.run(Doorbell())
    assert id in found, f"expected {id} among the instruments of the local venue, received {sorted(found)}"
    return Known(found[id], wire.capability)


@asynccontextmanager
async def serving(venue: VenueUnderTest, faults: str = "", **options: Any) -> AsyncIterator[Peer]:
    """The local venue in memory, without a market of its own."""
    mirror = cast("Mirror", importlib.import_module(adapter_of(venue.adapter).mirror))
    chosen = mirror.Options(**{"market": "none", "seed": SEED, **venue.options, **options})
    how = {"wall": virtual_wall(), "secret": Random(SEED), "faults": FaultScript(seed=SEED)}
    async with mirror.serve(chosen, port=None, **how) as peer:
        peer.port = 1  # nobody listens there: its streams are in memory
        for rule in parse_script(f"faults: [{faults}]").rules if faults else ():
            peer.inject(rule)
        yield peer


def wires_to(peer: Peer) -> Callable[[Config, Site, Clock], Wire]:
    """Makes wires that lead to a local venue in memory."""

    async def dial(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        if peer.down:
            raise ConnectionRefusedError("the venue is away")
        return peer.open_stream()

    return lambda config, site, clock: make_wire(config, site, clock, random=Random(SEED), dial=dial)


def config_of(
    venue: VenueUnderTest,
    folder: Path,
    mode: str,
    base: str,
    quote: str,
    *,
    self_match: str = "deny_new",
    queue: str = "back",
) -> Config:
    """A run of the scripted strategy with limits that it does not meet."""
    key = adapter_of(venue.adapter).name
    id = f"{venue.symbol}.{key.upper()}"
    risk = dict.fromkeys(WIDE, "none") | dict.fromkeys(MANY, "1000") | dict.fromkeys(MUCH, "1e9")
    raw: dict[str, Any] = {
        "name": "trial",
        "mode": mode,
        "account": {"currency": quote, "balances": {quote: "10000000"} | ({base: "100"} if base != quote else {})},
        "venues": {key: {"adapter": venue.adapter, "fees": {"maker": venue.maker_fee, "taker": venue.taker_fee}}},
        "strategies": {
            "scripted": {
                "use": f"{Scripted.__module__}:{Scripted.__name__}",
                "instruments": [id],
                "allow": [id],
            }
        },
        "risk": {**risk, "market_orders": "allow", "self_match": self_match, "duplicate_window_ms": "none"},
        "simulator": {"queue": queue},
        "runs": str(folder / "runs"),
        "state": str(folder / "state"),
    }
    if mode == "live":
        raw["venues"][key] |= {"local": {"seed": 1}, **venue.settings}
    return load(raw)


class Street:
    """The street's orders in a local venue's book, moved so that each level has the quantity that is stated."""

    def __init__(self, peer: Peer, symbol: str) -> None:
        self.peer = peer
        self.symbol = symbol

    def play(self, event: Levels | Print) -> None:
        if isinstance(event, Levels):
            for change in event.changes:
                self.level(*change)
        else:
            self.order(event.taker, event.lots, event.ticks, rests=False)
            self.level(-event.taker, event.ticks, event.after)

    def order(self, side: int, lots: int, ticks: int, *, rests: bool) -> None:
        """Somebody's order: it takes what it reaches, and stays with the rest of it, or goes."""
        peer = self.peer
        peer.exchange.street(self.symbol, side, lots, ticks, peer.now(), peer.feeds, rests=rests)

    def level(self, side: int, ticks: int, lots: int) -> None:
        """More comes at the back; less goes from the back, as nobody can tell who left."""
        standing = [order for order in self.standing() if (order.side, order.ticks) == (side, ticks)]
        excess = sum(order.leaves for order in standing) - lots
        if excess < 0:
            self.order(side, -excess, ticks, rests=True)
        for order in reversed(standing):
            cut = min(excess, order.leaves)
            if 0 < cut < order.leaves:
                self.peer.exchange.revise(order, order.leaves - cut)
            elif cut > 0:
                self.peer.exchange.markets[self.symbol].remove(order)
            excess -= max(cut, 0)

    def standing(self) -> list[StreetOrder]:
        return [order for order in self.peer.exchange.resting(self.symbol) if order.account is None]

    def tidy(self) -> None:
        """The street's orders of a level are one where none of ours stands among them: whoever takes there trades
        once, as with a level of the simulator."""
        places: dict[tuple[int, int], list[StreetOrder]] = {}
        for order in self.peer.exchange.resting(self.symbol):
            places.setdefault((order.side, order.ticks), []).append(order)
        for queue in places.values():
            if len(queue) > 1 and all(order.account is None for order in queue):
                lots = sum(order.leaves for order in queue)
                for order in queue[1:]:
                    self.peer.exchange.markets[self.symbol].remove(order)
                self.peer.exchange.revise(queue[0], lots)


@define(eq=False)
class Trial:
    """One run while it trades. `heard` is what came from the venue, level changes left out; `said` what a person would
    have been told, with trio's time."""

    run: TradingRun
    heard: list[Event] = field(factory=list)
    said: list[tuple[float, str]] = field(factory=list)
    ended: list[Result] = field(factory=list)

    @property
    def strategy(self) -> Scripted:
        return cast("Scripted", self.run.parts.core.desks[0].strategy)

    def listen(self) -> None:
        """Remember what comes from the venue."""
        apply = self.run.live.intake.apply

        def applying(event: Event) -> None:
            if not isinstance(event, BookChanged):
                self.heard.append(event)
            apply(event)

        self.run.live.intake.apply = applying  # type: ignore[method-assign] # listened to in place

    def of(self, kind: type[Told]) -> list[Told]:
        """What was heard of a kind."""
        return [event for event in self.heard if isinstance(event, kind)]

    def command(self, command: Command) -> None:
        """Have the strategy ask for something now, as its background work may."""
        live, core = self.run.live, self.run.parts.core
        desk = core.desks[0]
        core.now = desk.door.now = max(live.clock.now(), core.now)
        self.strategy.do(command)
        core.flush(desk)
        core.drain()
        live.finish_step()
        live.bell.ring.set()

    async def until(self, true: Callable[[], bool], within: float, what: str) -> float:
        """Wait for something; how long it took.

        Raises:
            AssertionError: it takes longer.
        """
        begun = trio.current_time()
        while not true():
            assert trio.current_time() - begun <= within, f"expected within {within:g} s: {what}; {self.state()}"
            await trio.sleep(0.05)
        return trio.current_time() - begun

    def state(self) -> str:
        """How it stands, for messages."""
        parts = self.run.parts
        link = parts.floor.venues[self.run.wires[0].venue]
        orders = [f"{one.client_order_id} {one.state.name} {one.reason}".strip() for one in self.strategy.asked]
        said = [text for _, text in self.said[-4:]]
        return (
            f"the link is {'up' if link.up else 'down'} and {'' if link.reconciled else 'not '}reconciled, "
            f"the book {parts.core.markets[0].book.health.name}, orders {orders or 'none'}, last said {said}"
        )


@asynccontextmanager
async def trial(
    config: Config, served: dict[str, Any], make: Callable[[Config, Site, Clock], Any]
) -> AsyncIterator[Trial]:
    """A run that trades while the block does."""
    said: list[tuple[float, str]] = []
    clock = RunClock(virtual_wall())
    opening = opened(config, served, lambda text: said.append((trio.current_time(), text)), make, clock)
    async with opening as run, trio.open_nursery() as nursery:
        one = Trial(run, said=said)
        one.listen()

        async def go() -> None:
            one.ended.append((await run.go())[1])

        nursery.start_soon(go)
        yield one
        run.live.stop("the trial is over")
        await one.until(lambda: bool(one.ended), 30, "the end of the run")
