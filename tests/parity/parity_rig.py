"""Plays a script in two worlds: the simulator on paper, and the local venue across codec, link and session.

Both are whole runs, joined from a config as the command line joins them, on trio's virtual clock. What differs is who
makes the market: a feed that states the street's book, or a local venue in whose book the street's orders stand.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import trio
from attrs import define, frozen
from parity_script import Command, Event, Levels, Print
from parity_strategy import Row

from tickwright.adapters.tdx.mirror import Options, Venue, serve_tdx, virtual_wall
from tickwright.adapters.tdx.mirror.orders import Order as VenueOrder
from tickwright.adapters.tdx.venue import CAPABILITY, make
from tickwright.config import load
from tickwright.engine.events import BookChanged, LinkChanged, Traded
from tickwright.engine.instrument import Instrument
from tickwright.engine.live import RunClock
from tickwright.engine.terms import Side
from tickwright.engine.wire import Clock, Inbox
from tickwright.result import Result
from tickwright.trading import TradingRun, opened

SYMBOL = "BTC/CHF"
ID = f"{SYMBOL}.TDX"
PAUSE_S = 0.1
"""Virtual time for each event: the venue's books come so often."""

WIDE = ("max_intent_age_ms", "max_data_age_ms", "max_spread_bps", "vol_pause_bps", "max_impact_bps", "collar_bps")
MANY = ("max_strategy_position", "max_order_qty", "max_position", "max_open_orders", "max_rejects", "max_repeats")
MUCH = (
    "max_order_notional",
    "max_gross_notional",
    "max_traded_notional",
    "max_daily_loss",
    "max_strategy_loss",
    "max_orders_per_s",
    "orders_burst",
    "max_messages_per_s",
)


@frozen
class Outcome:
    """What a world made of a script: the rows of its orders, and what the account came to."""

    rows: list[Row]
    position: int
    realised: Decimal
    fees: Decimal
    alarms: list[str]


class Feed:
    """A wire with market data alone: the street's book as the script states it."""

    venue = "TDX"
    capability = CAPABILITY

    def __init__(self, clock: Clock, instrument: Instrument) -> None:
        self.clock = clock
        self.instrument = instrument
        self.inbox: Inbox

    async def instruments(self, ids: Iterable[str]) -> Mapping[str, Instrument]:
        return {ID: self.instrument}

    def watch(self, instruments: Iterable[Instrument]) -> None: ...

    def resync(self, instrument: str, reason: str) -> None: ...

    async def run(self, inbox: Inbox) -> None:
        self.inbox = inbox
        inbox.put(LinkChanged(venue="TDX", up=True, reason="", ts=self.clock.now()))
        self.levels((), snapshot=True)
        await trio.sleep_forever()

    def levels(self, changes: tuple[tuple[int, int, int], ...], snapshot: bool = False) -> None:
        self.inbox.put(BookChanged(instrument=ID, changes=changes, snapshot=snapshot, ts=self.clock.now()))

    def play(self, event: Levels | Print) -> None:
        if isinstance(event, Levels):
            self.levels(event.changes)
            return
        now = self.clock.now()
        self.inbox.put(Traded(instrument=ID, taker=Side(event.taker), ticks=event.ticks, lots=event.lots, ts=now))
        self.levels(((-event.taker, event.ticks, event.after),))


class Street:
    """The street's orders in a local venue's book, moved so that each level has the quantity that is stated."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.market = venue.exchange.markets[SYMBOL]

    def play(self, event: Levels | Print) -> None:
        if isinstance(event, Levels):
            for change in event.changes:
                self.level(*change)
        else:
            self.order(event.taker, event.lots, event.ticks, rests=False)
            self.level(-event.taker, event.ticks, event.after)

    def order(self, side: int, lots: int, ticks: int, *, rests: bool) -> None:
        venue = self.venue
        venue.exchange.street(SYMBOL, side, lots, ticks, venue.now(), venue.feeds, rests=rests)

    def level(self, side: int, ticks: int, lots: int) -> None:
        """More comes at the back; less goes from the back, as nobody can tell who left."""
        standing = self.standing(side, ticks)
        excess = sum(order.leaves for order in standing) - lots
        if excess < 0:
            self.order(side, -excess, ticks, rests=True)
        for order in reversed(standing):
            cut = min(excess, order.leaves)
            if 0 < cut < order.leaves:
                self.market.resize(order, order.leaves - cut)
            elif cut > 0:
                self.market.remove(order)
            excess -= max(cut, 0)

    def standing(self, side: int, ticks: int) -> list[VenueOrder]:
        if (side, ticks) not in self.market.resting.queues:
            return []
        found = (self.market.orders[name] for name, _ in self.market.resting.queue(side, ticks))
        return [order for order in found if order.account is None]

    def tidy(self) -> None:
        """The street's orders of a level are one where none of ours stands among them: whoever takes there trades
        once, as with a level of the simulator."""
        for side, ticks in list(self.market.resting.queues):
            standing = self.standing(side, ticks)
            if 1 < len(standing) == len(self.market.resting.queue(side, ticks)):
                lots = sum(order.leaves for order in standing)
                for order in standing[1:]:
                    self.market.remove(order)
                self.market.resize(standing[0], lots)


def config_in(folder: Path, mode: str, self_match: str, fee: str, queue: str = "back") -> Any:
    risk = dict.fromkeys(WIDE, "none") | dict.fromkeys(MANY, "1000") | dict.fromkeys(MUCH, "1e9")
    raw: dict[str, Any] = {
        "name": "parity",
        "mode": mode,
        "account": {"currency": "CHF", "balances": {"CHF": "10000000", "BTC": "100"}},
        "venues": {"tdx": {"adapter": "tdx", "fees": {"maker": fee, "taker": fee}}},
        "strategies": {
            "scripted": {
                "use": f"{Path(__file__).with_name('parity_strategy.py')}:Scripted",
                "instruments": [ID],
                "allow": [ID],
            }
        },
        "risk": {**risk, "market_orders": "allow", "self_match": self_match, "duplicate_window_ms": "none"},
        "simulator": {"queue": queue},
        "runs": str(folder / "runs"),
        "state": str(folder / "state"),
    }
    if mode == "live":
        raw["venues"]["tdx"] |= {"local": {"seed": 1}, "messages_per_s": 100_000, "requests_per_s": 1000}
    return load(raw)


@define
class World:
    """One run that a script is played to."""

    run: TradingRun
    market: Feed | Street

    @property
    def strategy(self) -> Any:
        """The run's only one; its class was loaded anew for the run, as a user's is."""
        return self.run.parts.core.desks[0].strategy

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

    def play(self, event: Event) -> None:
        if isinstance(self.market, Street):
            self.market.tidy()
        if not isinstance(event, Levels | Print):
            self.command(event)
            return
        if event.late is not None and isinstance(self.market, Feed):
            # What is asked for while an event is told reaches the simulator behind that event.
            self.strategy.late = event.late
        elif event.late is not None:
            # Its frame is on its way, and has not arrived before somebody waits for something.
            self.command(event.late)
        self.market.play(event)

    async def play_all(self, events: list[Event]) -> Outcome:
        """The whole run: the script, then the end, which cancels what rests."""
        ended: list[Result] = []

        async def go() -> None:
            ended.append((await self.run.go())[1])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(go)
            await trio.sleep(1)
            for event in events:
                self.play(event)
                await trio.sleep(PAUSE_S)
            self.run.live.stop("the script is over")
        position = self.run.parts.portfolio.position(0)
        notes = ended[0].run.table("notes").select(["severity", "text"]).to_pylist()
        return Outcome(
            rows=self.strategy.rows,
            position=position.lots,
            realised=position.realized,
            fees=position.fees,
            alarms=[note["text"] for note in notes if note["severity"] != "INFO" or "MESSAGE" in note["text"]],
        )


async def simulated(
    folder: Path, events: list[Event], self_match: str, instrument: Instrument, fee: str, queue: str = "back"
) -> Outcome:
    """The script on paper: our orders go into the simulator."""
    config = config_in(folder, "paper", self_match, fee, queue)

    def wire(config: Any, site: Any, clock: Clock) -> Feed:
        return Feed(clock, instrument)

    async with opened(config, {}, lambda text: None, make=wire, clock=RunClock(virtual_wall())) as run:
        market = run.wires[0]
        assert isinstance(market, Feed)
        return await World(run, market).play_all(events)


async def across_the_wire(folder: Path, events: list[Event], self_match: str, fee: str) -> Outcome:
    """The script on a local venue in memory: our orders go through codec, link and session."""
    config = config_in(folder, "live", self_match, fee)
    async with serve_tdx(
        Options(market="none", self_trade="cancel_taker"), port=None, wall=virtual_wall(), secret=Random(7)
    ) as venue:
        venue.port = 1  # nobody listens there: its streams are in memory

        async def dial(host: str, port: int) -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            return venue.open_stream()

        def wire(config: Any, site: Any, clock: Clock) -> Any:
            return make(site, clock, random=Random(7), dial=dial)

        served = {"tdx": venue.announcement()}
        async with opened(config, served, lambda text: None, make=wire, clock=RunClock(virtual_wall())) as run:
            return await World(run, Street(venue)).play_all(events)
