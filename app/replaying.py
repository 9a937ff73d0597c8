"""Runs a captured run again, and holds every record that it writes against the one that was written then.

The same parts are put together from the same beginning; then each call that changed the state of the run is made
again, in the same order, with the same arguments, at the same times. Market data go through the venue's own codec and
link once more, frame by frame. The first record that is not the same, is missing or is too many ends it: both are
shown, with what led there.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
from attrs import define, evolve, field, frozen

from tickwright.assembling import CleanJournal, Given, Kept, drive, join_live
from tickwright.capture import CAPTURE, Beginning, encode
from tickwright.captured import Captured, Done, Heard, Put, Said, open_captured, other
from tickwright.code import changed, code_of
from tickwright.config import load
from tickwright.engine.capability import Capability
from tickwright.engine.errors import TickwrightError
from tickwright.engine.events import Event
from tickwright.engine.instrument import Instrument
from tickwright.engine.live import Live
from tickwright.engine.order import Order
from tickwright.engine.run_clock import RunClock
from tickwright.engine.scribe import Scribe
from tickwright.engine.wire import Inbox, OrderFacts, TradeFacts
from tickwright.plugins import load_checks, load_strategies
from tickwright.redact import Redactor
from tickwright.reports.positions import final_lines, portfolio_lines
from tickwright.reports.run_folder import RunFolder, run_hash
from tickwright.slow import SlowHandler
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


class ReplayedClock(RunClock):
    """Tells the times that were told then."""

    __slots__ = ("last", "short", "times")

    def __init__(self, begun: int) -> None:
        self.begun_wall = begun
        self.begun_mono = 0.0
        self.wall_ns = self.now
        self.times: deque[int] = deque()
        self.last = begun
        self.short = False

    def now(self) -> int:
        if self.times:
            self.last = self.times.popleft()
        else:
            self.short = True
        return self.last


class ReplayedRecords:
    """A journal in as good or bad health as it was then."""

    def __init__(self) -> None:
        self.said: deque[Any] = deque()

    def commit(self) -> object:
        return None

    def _next(self, instead: Any) -> Any:
        return self.said.popleft() if self.said else instead

    @property
    def dead(self) -> str:
        return str(self._next(""))

    @property
    def healthy(self) -> bool:
        return bool(self._next(True))

    @property
    def lag_ns(self) -> int:
        return int(self._next(0))

    @property
    def free_mb(self) -> int:
        return int(self._next(0))


class Comparison:
    """Takes the place of the journal: holds every record against the next one that was written then."""

    def __init__(self) -> None:
        self.expected: deque[Said] = deque()
        self.different: tuple[dict[str, Any] | None, dict[str, Any] | None] | None = None
        self.equal = 0
        self.heard: Callable[[str, int, Mapping[str, Any]], None] = lambda kind, ts, body: None

    def number_used(self, number: int) -> None: ...

    def append(self, kind: str, body: Mapping[str, Any], ts: int) -> None:
        self.heard(kind, ts, body)
        if self.different is not None:
            return
        mine = Said(kind, ts, encode(body))
        theirs = self.expected.popleft() if self.expected else None
        if mine == theirs:
            self.equal += 1
        else:
            self.different = (None if theirs is None else shown(theirs)), shown(mine)

    def missing(self) -> None:
        """No more records come of this call: one that is still expected is a difference."""
        if self.different is None and self.expected:
            self.different = shown(self.expected[0]), None


def shown(said: Said) -> dict[str, Any]:
    return {"kind": said.kind, "ts": said.ts, **msgspec.json.decode(said.body)}


class ReplayedStore:
    """What strategies had saved; what they save now is compared."""

    def __init__(self, states: Mapping[str, dict[str, Any]], comparison: Comparison) -> None:
        self.states = dict(states)
        self.comparison = comparison

    def load(self, strategy: str) -> dict[str, Any] | None:
        return self.states.get(strategy)

    def save(self, strategy: str, state: dict[str, Any]) -> None:
        self.comparison.append("state", {"strategy": strategy, "state": state}, 0)


class KeptLatches:
    """The latches that the run began with."""

    def __init__(self, text: str) -> None:
        self.text = text

    def load(self) -> str:
        return self.text

    def save(self, text: str) -> None:
        self.text = text


class SilentWire:
    """A wire that leads nowhere: what came over it is in the capture."""

    def __init__(self, venue: str, capability: Capability) -> None:
        self.venue = venue
        self.capability = capability

    async def instruments(self, ids: Iterable[str]) -> Mapping[str, Instrument]:
        return {}

    def watch(self, instruments: Iterable[Instrument]) -> None: ...

    async def run(self, inbox: Inbox) -> None: ...

    def submit(self, order: Order) -> None: ...

    def cancel(self, order: Order, request_id: int) -> None: ...

    def resync(self, instrument: str, reason: str) -> None: ...

    async def open_orders(self) -> tuple[OrderFacts, ...]:
        return ()

    async def order(self, order: Order) -> OrderFacts | None:
        return None

    async def trades(self, since: int) -> tuple[TradeFacts, ...]:
        return ()

    async def holdings(self) -> Mapping[str, Decimal] | None:
        return None


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
    calls: "Calls"
    number: int = 0
    finished: bool = False
    difference: Difference | None = None
    last: Done | Heard | Put | None = None
    targets: dict[str, Any] = field(factory=dict)

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
                for event in entry.events:
                    self.put(event)
            case Done():
                self.do(entry)

    def put(self, event: Event) -> None:
        self.live.bell.mailbox.put(event)

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
    replay.records.said = deque(done.health)
    replay.comparison.expected = deque(done.records)
    replay.calls.begin(done.slow)


class Calls:
    """Counts the handlers' calls of each step; `hook` takes one over (to stop in it)."""

    def __init__(self) -> None:
        self.count = 0
        self.slow: dict[int, str] = {}
        self.hook: Callable[[str, str, Any, tuple[Any, ...]], None] | None = None

    def begin(self, slow: dict[int, str]) -> None:
        self.count = 0
        self.slow = slow

    def watched(self, strategy: str, name: str, handler: Any) -> Any:
        def called(*arguments: Any) -> None:
            self.count += 1
            number = self.count
            if self.hook is not None:
                self.hook(strategy, name, handler, arguments)
            else:
                handler(*arguments)
            if number in self.slow:
                raise SlowHandler(self.slow[number])

        return called


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
    wires = tuple(SilentWire(place.venue, place.capability) for place in beginning.sites)
    instruments = tuple(run.instruments.values())
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
    replay.targets = {"live": live} | {port.venue: port.asker for port in live.ports if port.asker is not None}
    replay.conclude(opening, "")
    return replay


def kept_of(beginning: Beginning) -> Kept:
    return Kept(beginning.prefix, beginning.next_order_number, beginning.opening, KeptLatches(beginning.latches))


class Mute:
    """A strategy's log while it is replayed: it has been written."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **named: None
