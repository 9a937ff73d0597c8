"""The same script in two worlds: the simulator on paper, and the local venue across codec, link and session.

Both are whole runs on trio's virtual clock. What differs is who makes the market: a feed that states the street's book,
or a local venue in whose book the street's orders stand. What becomes of every order must be the same in both, row by
row, and so must the account's position, profit and fees.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from tickwright.adapters.conformance.script import Event, Levels, Print, script
from tickwright.adapters.conformance.scripted import Row
from tickwright.adapters.conformance.trial import (
    Known,
    Street,
    Trial,
    adapter_of,
    asked,
    config_of,
    serving,
    trial,
    wires_to,
)
from tickwright.adapters.conformance.under_test import VenueUnderTest
from tickwright.engine.capability import Capability
from tickwright.engine.events import BookChanged, LinkChanged, Traded
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import Side
from tickwright.engine.wire import Clock, Inbox

PAUSE_S: Final = 0.1
"""Virtual time for each event: the venue's books come so often."""
SELF_MATCH: Final = ("deny_new", "cancel_old")


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

    def __init__(self, venue: str, known: Known, clock: Clock) -> None:
        self._venue = venue
        self._known = known
        self._id = known.instrument.id
        self.clock = clock
        self.inbox: Inbox

    @property
    def venue(self) -> str:
        return self._venue

    @property
    def capability(self) -> Capability:
        return self._known.capability

    async def instruments(self, ids: Iterable[str]) -> Mapping[str, Instrument]:
        return {self._id: self._known.instrument}

    def watch(self, instruments: Iterable[Instrument]) -> None: ...

    def resync(self, instrument: str, reason: str) -> None: ...

    async def run(self, inbox: Inbox) -> None:
        self.inbox = inbox
        inbox.put(LinkChanged(venue=self._venue, up=True, reason="", ts=self.clock.now()))
        self.levels((), snapshot=True)
        await trio.sleep_forever()

    def levels(self, changes: tuple[tuple[int, int, int], ...], snapshot: bool = False) -> None:
        now = self.clock.now()
        self.inbox.put(BookChanged(instrument=self._id, changes=changes, snapshot=snapshot, ts=now))

    def play(self, event: Levels | Print) -> None:
        if isinstance(event, Levels):
            self.levels(event.changes)
            return
        now, taker = self.clock.now(), Side(event.taker)
        self.inbox.put(Traded(instrument=self._id, taker=taker, ticks=event.ticks, lots=event.lots, ts=now))
        self.levels(((-event.taker, event.ticks, event.after),))


def play(one: Trial, market: Feed | Street, event: Event) -> None:
    """One event of a script."""
    if isinstance(market, Street):
        market.tidy()
    if not isinstance(event, Levels | Print):
        one.command(event)
        return
    if event.late is not None and isinstance(market, Feed):
        # What is asked for while an event is told reaches the simulator behind that event.
        one.strategy.late = event.late
    elif event.late is not None:
        # Its frame is on its way, and has not arrived before somebody waits for something.
        one.command(event.late)
    market.play(event)


async def play_all(one: Trial, market: Feed | Street, events: list[Event]) -> None:
    """The whole script."""
    await trio.sleep(1)
    for event in events:
        play(one, market, event)
        await trio.sleep(PAUSE_S)


def outcome(one: Trial) -> Outcome:
    """What became of a run that has ended."""
    position = one.run.parts.portfolio.position(0)
    notes = one.ended[0].run.table("notes").select(["severity", "text"]).to_pylist()
    return Outcome(
        rows=one.strategy.rows,
        position=position.lots,
        realised=position.realized,
        fees=position.fees,
        alarms=[note["text"] for note in notes if note["severity"] != "INFO" or "MESSAGE" in note["text"]],
    )


async def simulated(
    venue: VenueUnderTest,
    folder: Path,
    events: list[Event],
    known: Known,
    self_match: str = "deny_new",
    queue: str = "back",
) -> Outcome:
    """The script on paper: our orders go into the simulator."""
    name = adapter_of(venue.adapter).name.upper()
    pair = known.instrument
    config = config_of(venue, folder, "paper", pair.base, pair.quote, self_match=self_match, queue=queue)
    async with trial(config, {}, lambda config, site, clock: Feed(name, known, clock)) as one:
        market = one.run.wires[0]
        assert isinstance(market, Feed)
        await play_all(one, market, events)
    return outcome(one)


async def across_the_wire(
    venue: VenueUnderTest, folder: Path, events: list[Event], known: Known, self_match: str = "deny_new"
) -> Outcome:
    """The script on a local venue in memory: our orders go through codec, link and session."""
    key = adapter_of(venue.adapter).name
    pair = known.instrument
    config = config_of(venue, folder, "live", pair.base, pair.quote, self_match=self_match)
    async with serving(venue) as peer, trial(config, {key: peer.announcement()}, wires_to(peer)) as one:
        await play_all(one, Street(peer, venue.symbol), events)
    return outcome(one)


async def check_parity(venue: VenueUnderTest, folder: Path, seed: int) -> None:
    """Simulator and wire make the same of the script of a seed.

    Raises:
        AssertionError: they do not; the message shows the first row that differs.
    """
    known = await asked(venue, folder / "ask")
    events = script(seed, capability=known.capability)
    self_match = SELF_MATCH[seed % len(SELF_MATCH)]
    one = await simulated(venue, folder / "simulated", events, known, self_match)
    other = await across_the_wire(venue, folder / "wire", events, known, self_match)
    for number, (mine, theirs) in enumerate(zip(one.rows, other.rows, strict=False)):
        assert mine == theirs, f"seed {seed}, row {number}: the simulator says {mine}, the local venue {theirs}"
    longer = "simulator" if len(one.rows) > len(other.rows) else "local venue"
    more = max(one.rows, other.rows, key=len)[min(len(one.rows), len(other.rows)) :]
    assert not more, f"seed {seed}: the {longer} says more: {more[:3]}"
    assert other.alarms == one.alarms, f"seed {seed}: the run across the wire was alarmed: {other.alarms}"
    assert one == other, f"seed {seed}: the simulator comes to {one}, the local venue to {other}"
    assert len({row[1] for row in one.rows}) >= 3, f"seed {seed}: too little happened: {one.rows}"
