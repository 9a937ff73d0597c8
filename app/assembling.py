"""Puts a run on a live market together: the core, its venues, the driver. The same for a run and for its replay."""

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Final

from attrs import frozen

from tickwright.adapters.sim.venue import SimVenue
from tickwright.build import ORDERS, REJECTS, REPORTS, Parts, join_core, travel
from tickwright.config import Config
from tickwright.engine.asker import Asker
from tickwright.engine.chain import Record
from tickwright.engine.door import Names
from tickwright.engine.doorbell import Doorbell
from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument
from tickwright.engine.intake import Intake, Link
from tickwright.engine.live import Live, Port
from tickwright.engine.order import Order
from tickwright.engine.recall import Recalled
from tickwright.engine.remote import RemoteVenue
from tickwright.engine.run_clock import RunClock
from tickwright.engine.scribe import Keeper, KeptPortfolio, Scribe
from tickwright.engine.strangers import Strangers
from tickwright.engine.surroundings import Records
from tickwright.engine.sweep import Sweep
from tickwright.engine.wire import Wire
from tickwright.plugins import Loaded
from tickwright.redact import Redactor
from tickwright.risk.check import Check
from tickwright.risk.floor import Floor
from tickwright.risk.kill import KillMode, KillSwitch, LatchStore
from tickwright.sites import carried
from tickwright.taking_over import Opening

IDS_A_RUN: Final = 1_000_000_000
"""Each run of a journal has so many trade ids of the simulated venue for itself."""

Told = Callable[[str], None]


class Rules:
    """What the driver may do to the gate's rules."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor

    def kill(self, level: str, name: str, mode: str, reason: str, by: str, now: int) -> None:
        try:
            how = KillMode[mode.upper()]
        except KeyError:
            raise TickwrightError(f"kill: expected mode pause, cancel or flatten, received {mode!r}") from None
        self.floor.kill.kill(level, name, mode=how, reason=reason, by=by, now=now)

    def rearm(self, level: str, name: str, reason: str, by: str, now: int) -> None:
        self.floor.kill.rearm(level, name, operator=by, reason=reason)

    def reduce_only(self, instrument: str, reason: str, now: int) -> None:
        self.floor.close_instrument(instrument, reason, now)

    def active(self, instrument: str, reason: str, now: int) -> None:
        self.floor.set_state("instrument", instrument, "active", now, reason)

    def closed(self) -> Mapping[str, tuple[int, str]]:
        return self.floor.closed


class CleanJournal:
    """What the core records on its way to the journal: what a venue wrote may repeat a secret of ours.

    `heard` hears of each record as it is kept.
    """

    def __init__(self, journal: Keeper, redactor: Redactor) -> None:
        self.journal = journal
        self.redactor = redactor
        self.heard: Callable[[str, Mapping[str, Any], int], None] | None = None

    def number_used(self, number: int) -> None:
        self.journal.number_used(number)

    def append(self, kind: str, body: Mapping[str, Any], ts: int) -> None:
        for name in ("text", "reason"):
            if body.get(name):
                body = {**body, name: self.redactor.text(body[name])}
        self.journal.append(kind, body, ts)
        if self.heard is not None:
            self.heard(kind, body, ts)


@frozen
class Kept:
    """What a run takes over from its journal before anything is read back.

    `opening` is what the account held at first; `latches` keeps those of the kill switch.
    """

    prefix: str
    next_order_number: int
    opening: Opening
    latches: LatchStore


@frozen
class Given:
    """What a run is given from outside: the journal that it writes, the records read at its start, the time."""

    records: Records
    past: Iterable[Record]
    clock: RunClock


def join_live(
    config: Config,
    instruments: tuple[Instrument, ...],
    loaded: Mapping[str, Loaded],
    checks: tuple[Check, ...],
    wires: tuple[Wire, ...],
    kept: Kept,
    scribe: Scribe,
    watched: Callable[[str, str, Any], Any],
    log_of: Callable[[str], Any] | None,
) -> Parts:
    """The parts of a run in paper or live, but for its driver."""
    parts = join_core(
        config,
        instruments,
        loaded,
        checks,
        ids=Names(f"{kept.prefix}-", kept.next_order_number - 1),
        balances=kept.opening.balances,
        capabilities=carried(config, wires),
        kill=KillSwitch(kept.latches),
        recorder=scribe,
        books_of=KeptPortfolio,
        watched=watched,
        log_of=log_of,
    )
    for venue, held_there in kept.opening.venues.items():
        parts.portfolio.open_at(venue, held_there)
    return parts


def drive(
    config: Config,
    parts: Parts,
    wires: tuple[Wire, ...],
    prefix: str,
    given: Given,
    told: Told,
    past: Recalled,
    since: int,
) -> Live:
    """The live driver of joined parts: each venue simulated here (paper), or its wire (live).

    `prefix` begins our order ids, `past` is what was read from the journal. `since` is the
    time from which on the venues are asked for executions.
    """
    core = parts.core
    links: dict[str, Link] = dict(parts.floor.venues)
    for link in links.values():
        link.up = link.reconciled = False
    strangers = {
        wire.venue: Strangers(core.orders, prefix, config.external_orders) for wire in wires if config.mode == "live"
    }
    live: Live
    intake = Intake(
        core,
        links,
        strangers,
        lambda venue, order: live.wanted(venue, order),
        lambda venue, up: live.turned(venue, up),
    )
    live = Live(
        core=core,
        intake=intake,
        ports=[],
        clock=given.clock,
        bell=Doorbell(),
        journal=given.records,
        health=parts.gate,
        authority=Rules(parts.floor),
        on_stop=config.on_stop,
        told=told,
    )

    def blocked(order: Order, why: str) -> None:
        core.recorder.note(3, f"{order.client_order_id}: {why}", core.now)
        live.kill("global", "", "cancel", f"{order.client_order_id}: {why}", "SEND_BLOCKED")

    for wire in wires:
        own = [market for market in core.markets if market.venue_name == wire.venue]
        link = links[wire.venue]
        if config.mode == "paper":
            simulated = simulated_venue(config, parts, wire.venue, past.runs)
            core.add_venue(simulated, own)
            for market in own:
                intake.simulate(market, simulated)
            live.ports.append(Port(wire, link))
        else:
            remote = RemoteVenue(wire, link, len(core.markets), blocked)
            core.add_venue(remote, own)
            sweep = Sweep(core, intake, wire.venue, strangers[wire.venue], since)
            live.ports.append(Port(wire, link, remote, Asker(live, wire, link, sweep)))
    return live


def simulated_venue(config: Config, parts: Parts, venue: str, runs: int) -> SimVenue:
    """Where paper orders go: matched against the live books. `runs` of this journal went before."""
    simulator = config.simulator
    core = parts.core
    return SimVenue(
        core,
        [market.book if market.venue_name == venue else None for market in core.markets],
        queue=simulator.queue,
        to_venue=travel(config, simulator.latency.order, ORDERS),
        to_client=travel(config, simulator.latency.report, REPORTS),
        reject_probability=float(simulator.reject_probability),
        random=Random(f"{simulator.seed} {REJECTS} {venue}"),
        first=runs * IDS_A_RUN,
    )
