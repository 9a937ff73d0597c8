"""What stands around a run while it is replayed: clocks, journal, stores and wires that give what they gave then."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tickwright.capture import encode
from tickwright.captured import Said
from tickwright.engine.asking import Inquiry
from tickwright.engine.capability import Capability
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Order
from tickwright.engine.run_clock import RunClock
from tickwright.engine.wire import Inbox, OrderFacts, PositionFacts, TradeFacts
from tickwright.slow import SlowHandler


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


class AdaptersClock:
    """Tells adapters the time that was told last: when they looked at theirs is not in the capture."""

    def __init__(self, clock: ReplayedClock) -> None:
        self.clock = clock

    def now(self) -> int:
        return self.clock.last

    def wall(self) -> int:
        return self.clock.last


class ReplayedRecords:
    """A journal in as good or bad health as it was then."""

    def __init__(self) -> None:
        self.said: dict[str, deque[Any]] = {}

    def begin(self, said: Iterable[tuple[str, Any]]) -> None:
        """What was said of it during the next call."""
        self.said = {}
        for name, value in said:
            self.said.setdefault(name, deque()).append(value)

    def commit(self) -> object:
        return None

    def _next(self, name: str, instead: Any) -> Any:
        said = self.said.get(name)
        return said.popleft() if said else instead

    @property
    def dead(self) -> str:
        return str(self._next("dead", ""))

    @property
    def healthy(self) -> bool:
        return bool(self._next("healthy", True))

    @property
    def lag_ns(self) -> int:
        return int(self._next("lag_ns", 0))

    @property
    def free_mb(self) -> int:
        return int(self._next("free_mb", 0))


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
        if mine == theirs or (theirs is not None and shown(mine) == shown(theirs)):
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

    def ask_quotes(self, inquiry: Inquiry) -> None: ...

    def withdraw_quotes(self, inquiry: Inquiry) -> None: ...

    async def open_orders(self) -> tuple[OrderFacts, ...]:
        return ()

    async def order(self, order: Order) -> OrderFacts | None:
        return None

    async def trades(self, since: int) -> tuple[TradeFacts, ...]:
        return ()

    async def holdings(self) -> Mapping[str, Decimal] | None:
        return None

    async def positions(self) -> Mapping[str, PositionFacts] | None:
        return None


class Mute:
    """A strategy's log while it is replayed: it has been written."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **named: None


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
