"""Runs a captured run again, and holds every record that it writes against the one that was written then.

The same parts are put together from the same beginning; then each call that changed the state of the run is made
again, in the same order, with the same arguments, at the same times. Market data go through the venue's own codec and
link once more, frame by frame. The first record that is not the same, is missing or is too many ends it: both are
shown, with what led there.
"""

import importlib
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
from attrs import define, evolve, field, frozen

from tickwright.assembling import CleanJournal, Given, Kept, drive, join_live
from tickwright.capture import CAPTURE, Beginning, Place
from tickwright.captured import Captured, Done, Heard, Put, open_captured, other
from tickwright.code import changed, code_of
from tickwright.config import Config, load
from tickwright.decoding import Decoder
from tickwright.engine.errors import TickwrightError
from tickwright.engine.events import Event
from tickwright.engine.instrument import Instrument
from tickwright.engine.live import Live
from tickwright.engine.scribe import Scribe
from tickwright.engine.wire import Wire
from tickwright.plugins import load_checks, load_strategies
from tickwright.redact import Redactor
from tickwright.reports.positions import final_lines, portfolio_lines
from tickwright.reports.run_folder import RunFolder, run_hash
from tickwright.stand_ins import (
    AdaptersClock,
    Calls,
    Comparison,
    KeptLatches,
    Mute,
    ReplayedClock,
    ReplayedRecords,
    ReplayedStore,
    SilentWire,
)
from tickwright.taking_over import remember, since_of, take_over
from tickwright.warmup import warm_up


class ReplayError(TickwrightError):
    """A run that cannot be replayed; the message says why."""


@frozen(kw_only=True)
class Difference:
    """Where the two runs part: in the `number`-th thing that the run was given, at its time `ts`.

    `kind` is `data` (a frame gives other events), `decision` (a record differs) or `error`. `recorded` and `replayed`
    are both sides; None where one has nothing. `given` says what led there.
    """

    number: int
    ts: int
    kind: str
    given: str
    recorded: dict[str, Any] | None
    replayed: dict[str, Any] | None


@define(eq=False)
class Replay:
    """A run that is being replayed. `number` counts what it was given so far; `changed` names code that is not what
    it was; `watched` may wrap the strategies' handlers."""

    run: RunFolder
    captured: Captured
    live: Live
    scribe: Scribe
    clock: ReplayedClock
    records: ReplayedRecords
    comparison: Comparison
    strategies: tuple[str, ...]
    changed: list[str]
    calls: Calls
    number: int = 0
    finished: bool = False
    difference: Difference | None = None
    last: Done | Heard | Put | None = None
    targets: dict[str, Any] = field(factory=dict)
    decoders: dict[str, Decoder] = field(factory=dict)

    @property
    def proven(self) -> int:
        """How many things that connections gave went through codec and link once more, and gave the same events."""
        return sum(decoder.proven for decoder in self.decoders.values())

    def same(self) -> bool:
        """Whether everything was equal so far."""
        return self.difference is None

    def go(self, until: Callable[["Replay", Done | Heard | Put], bool] = lambda replay, entry: False) -> bool:
        """Replay to the end, the first difference, or until `until` says so before something; whether all was equal."""
        for entry in self.captured.entries:
            self.number += 1
            self.last = entry
            if until(self, entry):
                return self.difference is None
            self.apply(entry)
            if self.difference is not None:
                return False
        return True

    def apply(self, entry: Done | Heard | Put) -> None:
        match entry:
            case Put():
                self.put(entry.event)
            case Heard():
                self.hear(entry)
            case Done():
                self.do(entry)

    def put(self, event: Event) -> None:
        self.live.bell.mailbox.put(event)

    def hear(self, heard: Heard) -> None:
        """Take in what a connection gave: through codec and link once more, which must make the same events of it."""
        decoder = self.decoders.get(heard.venue)
        sides = decoder.again(heard) if decoder is not None else None
        if sides is not None:
            self.difference = Difference(
                number=self.number,
                ts=heard.at,
                kind="data",
                given=f"{heard.venue} {heard.what}: {heard.content!s:.400}",
                recorded={"events": sides[0]},
                replayed={"events": sides[1]},
            )
        for event in heard.events:
            self.put(event)

    def do(self, done: Done) -> None:
        """Make a call again, and compare what it records."""
        target = self.targets.get(done.place)
        method = getattr(type(target), done.what, None)
        if method is None or not hasattr(method, "__wrapped__"):
            raise ReplayError(
                f"{self.captured.path}: entry {self.number}: no call {done.what} of {done.place} is known"
            )
        hints = [form for name, form in get_type_hints(method).items() if name != "return"]
        raw = msgspec.json.decode(done.arguments, type=list[msgspec.Raw])
        arguments = [msgspec.json.decode(one, type=form, dec_hook=other) for one, form in zip(raw, hints, strict=False)]
        with_given(self, done)
        raised = ""
        try:
            method(target, *arguments)
        except TickwrightError as error:
            raised = f"{type(error).__name__}: {error}"
        self.finished = self.finished or (done.place, done.what) == ("live", "finish")
        self.conclude(done, raised)

    def conclude(self, done: Done, raised: str) -> None:
        """After a call: whatever is not as it was then."""
        self.comparison.missing()
        said = self.comparison.different
        kind = "decision"
        if said is None and Redactor().text(raised) != done.raised:
            kind, said = "error", ({"raised": done.raised}, {"raised": raised})
        if said is None and (self.clock.short or self.clock.times):
            kind, said = (
                "error",
                ({"times_read": len(done.times)}, {"times_read": len(done.times) - len(self.clock.times)}),
            )
        if said is not None:
            ts = max(self.live.core.now, self.clock.last)
            given = f"{done.place}.{done.what}{'' if done.arguments == b'[]' else done.arguments.decode()[:200]}"
            self.difference = Difference(
                number=self.number, ts=ts, kind=kind, given=given, recorded=said[0], replayed=said[1]
            )

    def run_hash(self) -> str:
        """The hash of the order log, the fills and the final portfolio of the replay."""
        self.scribe.flush()
        lines = final_lines(self.live.core.books.portfolio, self.strategies)
        return run_hash(self.scribe.log_hash(), portfolio_lines(lines))


def with_given(replay: Replay, done: Done) -> None:
    """Let the next call find what was read during it then."""
    replay.clock.times = deque(done.times)
    replay.clock.short = False
    replay.records.begin(done.health)
    replay.comparison.expected = deque(done.records)
    replay.calls.begin(done.slow)


def open_replay(run: RunFolder) -> Replay:
    """Put the captured run of a folder together again; nothing of it has happened yet.

    Raises:
        ReplayError: it cannot be replayed.
        CaptureError: it was not captured, or the capture is not what was written.
        ConfigError: its config cannot be run any more (its strategy is gone, for one).
    """
    captured = open_captured(run.path)
    beginning = captured.beginning
    if beginning.background:
        names = ", ".join(beginning.background)
        raise ReplayError(f"{run.path}: {names}: has work of its own beside the trading, which cannot be repeated")
    config = load(run.path / "config.yaml", base=Path(beginning.base))
    config = evolve(config, capture=None)
    loaded, checks = load_strategies(config), load_checks(config)
    comparison, records, calls = Comparison(), ReplayedRecords(), Calls()
    clock = ReplayedClock(beginning.begun)
    scribe = Scribe(CleanJournal(comparison, Redactor()))
    instruments = tuple(run.instruments.values())
    wires = tuple(wire_of(config, place, clock, instruments) for place in beginning.sites)
    parts = join_live(
        config,
        instruments,
        loaded,
        checks,
        wires,
        kept_of(beginning),
        scribe,
        calls.watched,
        lambda name: Mute(),
    )
    parts.core.store = ReplayedStore(beginning.states, comparison)
    warmed = warm_up(config, parts)
    scribe.open(None, parts.floor.columns)
    scribe.ts = beginning.begun
    opening = next(captured.entries, None)
    if not isinstance(opening, Done):
        raise ReplayError(f"{run.path / CAPTURE}: expected how the run was put together, found nothing")
    replay = Replay(
        run=run,
        captured=captured,
        live=None,  # type: ignore[arg-type] # made in the next lines, within what was read then
        scribe=scribe,
        clock=clock,
        records=records,
        comparison=comparison,
        strategies=parts.strategies,
        changed=changed(beginning.code, code_of(loaded, checks)),
        calls=calls,
        number=1,
    )
    with_given(replay, opening)
    past = remember(parts, captured.past, scribe, clock)
    given = Given(records, (), clock)
    since = since_of(past, beginning.opening.at)
    live = drive(config, parts, wires, beginning.prefix, given, lambda text: None, past, since)
    live.warmed = warmed
    take_over(config, parts, live, past, lambda text: None)
    replay.live = live
    replay.decoders = {wire.venue: Decoder(wire, clock) for wire in wires if hasattr(wire, "again")}
    replay.targets = {"live": live} | {port.venue: port.asker for port in live.ports if port.asker is not None}
    replay.conclude(opening, "")
    return replay


def wire_of(config: Config, place: Place, clock: ReplayedClock, instruments: Iterable[Instrument]) -> Wire:
    """A venue's own wire, never connected and without secrets; a silent one where its adapter makes none."""
    adapter = config.venues[place.venue.lower()].declaration
    if adapter is None or not adapter.again:
        return SilentWire(place.venue, place.capability)
    module, _, name = adapter.again.partition(":")
    wire: Wire = getattr(importlib.import_module(module), name)(place.site(), AdaptersClock(clock))
    wire.watch([each for each in instruments if each.venue == place.venue])
    return wire


def kept_of(beginning: Beginning) -> Kept:
    return Kept(beginning.prefix, beginning.next_order_number, beginning.opening, KeptLatches(beginning.latches))
