"""Writes down everything that a run in paper or live is given, in the order in which it took effect.

A capture is a file of JSON lines in the run folder. What the lines say, by their first word:

- `begin`: what the run began with (`Beginning`); `past`: a record of the journal that it read at its start;
- `wire`: what an adapter was given by its connection (a frame as it was received), with the events it made of that;
- `put`: an event that an adapter put into the inbox for another reason;
- `do`: a call that changed the state of the run (see `engine/witness.py`), what was read of the clock and of the
  journal's health meanwhile, and every record that the run wrote because of it.

Run again with the same calls in the same order, the same code writes the same records; `replaying.py` does that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from attrs import evolve, frozen

from tickwright.adapters.tape.capture import CaptureWriter
from tickwright.assembling import Given, Kept
from tickwright.config import Config
from tickwright.engine.adapter import Site
from tickwright.engine.capability import Capability
from tickwright.engine.chain import Record
from tickwright.engine.events import Event
from tickwright.engine.ports import Store
from tickwright.engine.run_clock import RunClock
from tickwright.engine.secret import Secret
from tickwright.engine.surroundings import Records
from tickwright.plugins import Loaded
from tickwright.redact import HIDDEN, Redactor
from tickwright.slow import SlowHandler, timed
from tickwright.strategies.base import Strategy
from tickwright.taking_over import Opening

CAPTURE: Final = "capture.jsonl.gz"
VERSION: Final = 1
Value = TypeVar("Value", bool, int, str)
HAND_OVER_BYTES: Final = 1 << 16


def _other(value: object) -> object:
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"expected a plain value, received {type(value).__name__}")


encode = msgspec.json.Encoder(enc_hook=_other).encode


@frozen(kw_only=True)
class Place:
    """Where one venue was reached, and how; without its secrets, which are named alone."""

    venue: str
    capability: Capability
    url: str
    http_url: str
    loopback: bool
    insecure: bool
    trading: bool
    instruments: tuple[str, ...]
    settings: dict[str, Any]
    credentials: tuple[str, ...]
    prefix: str

    def site(self) -> Site:
        """The same with stand-ins for the secrets: what they are replaced by wherever they turn up."""
        return Site(
            venue=self.venue,
            url=self.url,
            http_url=self.http_url,
            loopback=self.loopback,
            insecure=self.insecure,
            trading=self.trading,
            instruments=self.instruments,
            settings=self.settings,
            credentials={name: Secret(HIDDEN) for name in self.credentials},
            prefix=self.prefix,
        )


@frozen(kw_only=True)
class Beginning:
    """What a run began with.

    `base` is the folder of its config, `begun` the time of its first record. `next_order_number`, `states` and
    `latches` are what the journal kept for it, `opening` what the account held at first. `code` has
    the SHA-256 of what decides, by name (see `code.py`); `background` names strategies with work of their own beside
    the trading, which cannot be repeated.
    """

    version: int
    run_id: str
    mode: str
    config: str
    base: str
    begun: int
    prefix: str
    next_order_number: int
    opening: Opening
    latches: str
    states: dict[str, dict[str, Any]]
    sites: tuple[Place, ...]
    code: dict[str, str]
    background: tuple[str, ...]

    @classmethod
    def of(
        cls,
        config: Config,
        run_id: str,
        begun: int,
        kept: Kept,
        store: Store,
        sites: Iterable[Place],
        code: dict[str, str],
        loaded: Mapping[str, Loaded],
    ) -> "Beginning":
        return cls(
            version=VERSION,
            run_id=run_id,
            mode=config.mode,
            config=config.hash8,
            base=str(config.base.resolve()),
            begun=begun,
            prefix=kept.prefix,
            next_order_number=kept.next_order_number,
            opening=kept.opening,
            latches=kept.latches.load(),
            states=states_of(store, loaded),
            sites=tuple(sites),
            code=code,
            background=tuple(name for name, one in loaded.items() if one.form.background is not Strategy.background),
        )


class Capture:
    """Hears what the run is given, and writes it down. `inside` tells whether a marked call is under way."""

    writer: CaptureWriter

    def __init__(self, most_mb: int, redactor: Redactor) -> None:
        self.most_mb = most_mb
        self.redactor = redactor
        self.tell: Callable[[str], None] = lambda text: None
        self.inside = False
        self.head: tuple[str, str, bytes] = ("", "", b"")
        self.times: list[int] = []
        self.health: list[tuple[str, bool | int | str]] = []
        self.records: list[tuple[str, int, msgspec.Raw]] = []
        self.slow: list[tuple[int, str]] = []
        self.calls = 0
        self.late: list[bytes] = []
        self.heard: list[tuple[str, msgspec.Raw]] | None = None
        self.told = False

    # --- what the run began with ----------------------------------------------------------------------------------

    def start(self, folder: Path, tell: Callable[[str], None], beginning: Beginning, given: Given) -> Given:
        """Begin to write into a run folder; `tell` is told when that ends before the run does. Returns what the run is
        given, but such that what is read of it is written down.

        Raises:
            CaptureError: the file cannot be made.
        """
        self.writer = CaptureWriter(folder / CAPTURE, self.most_mb << 20, self.redactor.exact)
        self.tell = tell
        self.writer.line(encode(("begin", beginning)))
        return Given(WatchedRecords(given.records, self), self.past(given.past), WatchedClock(given.clock, self))

    def timed(self, strategy: str, name: str, handler: Any) -> Any:
        """`timed`, with the calls counted, so that a replay knows which one took too long."""
        inner = timed(strategy, name, handler)

        def called(*arguments: Any) -> None:
            self.calls += 1
            try:
                inner(*arguments)
            except SlowHandler as error:
                self.slow.append((self.calls, str(error)))
                raise

        return called

    def past(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records, written down on their way."""
        for record in records:
            line = (b'["past",%d,%d,"%b",%b]') % (record.seq, record.ts, record.kind.encode(), record.body)
            self.writer.line(line)
            if self.writer.size > HAND_OVER_BYTES:
                self.writer.hand_over()
            yield record

    # --- marked calls ---------------------------------------------------------------------------------------------

    def begin(self, place: str, what: str, arguments: tuple[Any, ...]) -> bool:
        if self.inside:
            return False
        self.inside = True
        self.head = place, what, encode(arguments)
        self.calls = 0
        return True

    def end(self, raised: str) -> None:
        self.inside = False
        place, what, given = self.head
        raised = self.redactor.text(raised) if raised else ""
        said = ("do", place, what, msgspec.Raw(given), self.times, self.health, self.records, self.slow, raised)
        self.writer.line(encode(said))
        for line in self.late:
            self.writer.line(line)
        for gathered in (self.times, self.health, self.records, self.slow, self.late):
            gathered.clear()
        self.writer.hand_over()
        if self.writer.ended and not self.told:
            self.told = True
            self.tell(f"capture: nothing more is captured: {self.writer.ended}")

    @contextmanager
    def opening(self) -> Iterator[None]:
        """The run is put together: what is read and recorded meanwhile is a call like others."""
        self.begin("run", "open", ())
        try:
            yield
        finally:
            self.end("")

    def said(self, kind: str, body: Mapping[str, Any], ts: int) -> None:
        """The run recorded something."""
        if self.inside:
            self.records.append((kind, ts, msgspec.Raw(encode(body))))

    # --- what comes in --------------------------------------------------------------------------------------------

    def put(self, event: Event) -> None:
        """An event goes into the inbox."""
        said: Any = event
        if getattr(event, "reason", ""):
            said = evolve(said, reason=self.redactor.text(said.reason))
        name = type(event).__name__
        body = encode(said)
        if self.heard is not None:
            self.heard.append((name, msgspec.Raw(body)))
        elif self.inside:
            self.late.append(b'["put","%b",%b]' % (name.encode(), body))
        else:
            self.writer.line(b'["put","%b",%b]' % (name.encode(), body))

    @contextmanager
    def during(self, venue: str, what: str, at: int, content: str | bytes) -> Iterator[None]:
        """An adapter takes something in; the events that it puts into the inbox meanwhile come of that."""
        if self.inside or self.heard is not None:
            yield
            return
        self.heard = []
        try:
            yield
        finally:
            text = content if isinstance(content, str) else content.decode("latin-1")
            form = "text" if isinstance(content, str) else "bytes"
            self.writer.line(encode(("wire", venue, what, at, form, self.redactor.exact(text), self.heard)))
            self.heard = None
            if self.writer.size > HAND_OVER_BYTES:
                self.writer.hand_over()

    def close(self) -> None:
        self.writer.close()


class WatchedClock(RunClock):
    """The run's clock, whose answers to a marked call are written down."""

    __slots__ = ("capture",)

    def __init__(self, clock: RunClock, capture: Capture) -> None:
        self.begun_mono = clock.begun_mono
        self.begun_wall = clock.begun_wall
        self.wall_ns = clock.wall_ns
        self.capture = capture

    def now(self) -> int:
        now = super().now()
        if self.capture.inside:
            self.capture.times.append(now)
        return now


class WatchedRecords:
    """The journal as the driver uses it; what it says of its health is written down."""

    def __init__(self, journal: Records, capture: Capture) -> None:
        self.journal = journal
        self.capture = capture

    def commit(self) -> object:
        return self.journal.commit()

    @property
    def dead(self) -> str:
        return self._noted("dead", self.journal.dead)

    @property
    def healthy(self) -> bool:
        return self._noted("healthy", self.journal.healthy)

    @property
    def lag_ns(self) -> int:
        return self._noted("lag_ns", self.journal.lag_ns)

    @property
    def free_mb(self) -> int:
        return self._noted("free_mb", self.journal.free_mb)

    def _noted(self, name: str, value: Value) -> Value:
        if self.capture.inside:
            self.capture.health.append((name, value))
        return value


class WatchedStore:
    """Where strategies keep their state; what they save is written down."""

    def __init__(self, store: Any, capture: Capture) -> None:
        self.store = store
        self.capture = capture

    def load(self, strategy: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.store.load(strategy)
        return found

    def save(self, strategy: str, state: dict[str, Any]) -> None:
        self.store.save(strategy, state)
        self.capture.said("state", {"strategy": strategy, "state": state}, 0)


def states_of(store: Store, strategies: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What each strategy saved last."""
    found: Mapping[str, Any] = {name: store.load(name) for name in strategies}
    return {name: state for name, state in found.items() if state is not None}


def place_of(site: Site, capability: Capability) -> Place:
    return Place(
        venue=site.venue,
        capability=capability,
        url=site.url,
        http_url=site.http_url,
        loopback=site.loopback,
        insecure=site.insecure,
        trading=site.trading,
        instruments=site.instruments,
        settings=dict(site.settings),
        credentials=tuple(site.credentials),
        prefix=site.prefix,
    )
