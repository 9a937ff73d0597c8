"""The whole stack in one process: strategy, gate, orders, journal, wire and local venue, on a virtual clock.

    strategy > gate > orders > journal > codec > link > session  ...a stream in memory...  local venue

Which venue that is says a `Ground` (`grounds.py`); nothing here knows one.

`stacked` runs it under a script of faults; `settle` ends the faults and waits until nothing is in doubt; then
`check_invariants` holds the run against the venue's own record of what it received and executed. Beside them a
`Watcher` looks on while things happen: what must hold at every moment cannot be checked afterwards.
"""

import json
import os
import shutil
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import trio
from attrs import define, field
from grounds import ON, TDX, Ground

from tickwright.adapters.address import checked_tls
from tickwright.adapters.fault_rules import FaultScript
from tickwright.adapters.fault_script import parse_script
from tickwright.adapters.local.house import virtual_wall
from tickwright.adapters.session import Timing
from tickwright.config import load
from tickwright.engine.events import BookChanged, Event
from tickwright.engine.journal_reading import open_reading, picked
from tickwright.engine.live import DONE, Ending
from tickwright.engine.order import Order
from tickwright.engine.run_clock import RunClock
from tickwright.engine.terms import BUY, FILLED, OrderState
from tickwright.engine.times import SECOND
from tickwright.trading import TradingRun, opened, sole

HERE = Path(__file__).parent
MAX_POSITION = 2
HOUR_NS = 1_735_689_600 * SECOND
GAP_NS = 35 * SECOND
"""An execution not reported on an order reported as over may be missing for one sweep (V5)."""

FILES_MORE = 24
"""Files and connections that a run may open after its start: tables of results, HTTP at both ends over real sockets."""

TLS = checked_tls()
"""Reading the system's roots takes longer than all the cryptography of a run."""

DEEPEST = 20_000
CANCEL_S = 1.0

RISK = {
    "max_order_qty": "0.1",
    "max_order_notional": "20000",
    "max_position": str(MAX_POSITION),
    "max_gross_notional": "1000000",
    "max_traded_notional": "100000000",
    "max_daily_loss": "1000000",
    "max_orders_per_s": 20,
    "orders_burst": 40,
    "max_rejects": 1000,
    "max_repeats": 100000,
    "max_unknown_orders": 20,
    "vol_pause_bps": 100000,
    "collar_window_bps": 100000,
    "collar_bps": 5000,
    "max_spread_bps": 5000,
}


class Watched(list[Any]):
    """A list that tells whoever looks on of each thing that is appended."""

    def __init__(self, told: Callable[[Any], None]) -> None:
        super().__init__()
        self.told = told

    def append(self, item: Any) -> None:
        super().append(item)
        self.told(item)


class Tap:
    """An inbox that remembers which order events went in."""

    def __init__(self, inbox: Any, watcher: "Watcher") -> None:
        self.inbox = inbox
        self.watcher = watcher

    def put(self, event: Event) -> None:
        if not isinstance(event, BookChanged):
            self.watcher.put_in.append(event)
        self.inbox.put(event)
        self.watcher.deepest = max(self.watcher.deepest, len(self.inbox.mailbox))

    async def room(self) -> None:
        await self.inbox.room()

    def during(self, *given: Any) -> Any:
        return self.inbox.during(*given)


class Heard:
    """Where a run's records go on their way to the journal; the watcher hears them as they are made."""

    def __init__(self, keeper: Any, watcher: "Watcher") -> None:
        self.keeper = keeper
        self.watcher = watcher

    def append(self, kind: str, body: Any, ts: int) -> None:
        self.watcher.recorded(kind, body)
        self.keeper.append(kind, body, ts)

    def number_used(self, number: int) -> None:
        self.keeper.number_used(number)


@define(eq=False)
class Watcher:
    """Looks on. `broken` collects what must not have happened, each beginning with the invariant's name."""

    run: TradingRun
    venue: Any
    wire: Any
    broken: list[str] = field(factory=list)
    intents: set[str] = field(factory=set)
    starts: Counter[str] = field(factory=Counter)
    passed: set[str] = field(factory=set)
    gaps: dict[str, int] = field(factory=dict)
    put_in: list[Event] = field(factory=list)
    taken: set[int] = field(factory=set)
    kept: list[Event] = field(factory=list)
    cancels: list[tuple[str, int]] = field(factory=list)
    submitted: Counter[str] = field(factory=Counter)
    waiting: dict[int, float] = field(factory=dict)
    names: set[str] = field(factory=set)
    booked: Counter[tuple[str, str]] = field(factory=Counter)
    read: int = 0
    deepest: int = 0
    reader: sqlite3.Connection | None = None

    def attach(self) -> None:
        """Begin to look on."""
        self.reader = open_reading(self.run.config.state_folder)
        self.venue.record.received = Watched(self.received)
        self.venue.record.executed = Watched(lambda execution: self.compare())
        submit, cancel, apply, go = self.wire.submit, self.wire.cancel, self.run.live.intake.apply, self.wire.run

        def submitting(order: Order) -> None:
            self.submitting(order)
            submit(order)

        def cancelling(order: Order, request_id: int) -> None:
            self.cancels.append((order.client_order_id, self.venue.now()))
            cancel(order, request_id)

        def applying(event: Event) -> None:
            self.taken.add(id(event))
            apply(event)
            self.applied()

        self.wire.submit = submitting
        self.wire.cancel = cancelling
        self.wire.run = lambda inbox: go(Tap(inbox, self))
        self.run.live.intake.apply = applying  # type: ignore[method-assign]
        scribe: Any = self.run.parts.recorder
        scribe.keeper = Heard(scribe.keeper, self)

    def submitting(self, order: Order) -> None:
        """A new order is about to be handed to the wire (V8)."""
        live, floor = self.run.live, self.run.parts.floor
        name = order.client_order_id
        self.submitted[name] += 1
        if self.submitted[name] > 1:
            self.broken.append(f"V1: {name} was submitted again")
        for port in live.ports:
            if not port.link.reconciled or not port.link.up:
                self.broken.append(f"V8: {name} was sent while not reconciled")
        if floor.kill.latches:
            self.broken.append(f"V8: {name} was sent while killed")
        if live.journal.dead:
            self.broken.append(f"V8: {name} was sent without a journal")

    def recorded(self, kind: str, body: Any) -> None:
        """Something is put on record: names of orders, and what is booked of which trade (V4)."""
        if kind == "order":
            self.names.add(body["id"])
        elif kind == "fill":
            self.booked[body["id"], body["trade_id"]] += body["lots"] if body["side"] == "BUY" else -body["lots"]

    def applied(self) -> None:
        """An event has entered the core: whatever must hold then (V4, V5, V7, V14)."""
        now = trio.current_time()
        booked, position = sum(self.booked.values()), self.run.parts.core.markets[0].position.lots
        if booked != position:
            self.broken.append(f"V4: the executions on record make {booked}, the position is {position}")
        self.compare()
        if self.deepest > DEEPEST:
            self.broken.append(f"V7: {self.deepest} events waited")
        waiting = {id(frame): frame for frame in self.wire._session._outbox._cancels}
        self.waiting = {name: self.waiting.get(name, now) for name in waiting}
        for name, since in self.waiting.items():
            if now - since > CANCEL_S:
                self.broken.append(f"V14: a cancel of {waiting[name].client_order_id} waits for more than a second")

    def learn(self) -> None:
        """Read what is durable by now."""
        assert self.reader is not None
        for record in picked(self.reader, self.read, ("order", "decision")):
            self.read = record.seq
            said = record.plain()
            name = said["id"]
            if record.kind == "decision":
                if not said.get("denial") and said["verdict"] == 0:
                    self.passed.add(name)
            elif said["event"] == "INTENT":
                self.intents.add(name)
            elif said["event"] == "SEND_START":
                self.starts[name] += 1

    def received(self, request: Any) -> None:
        """The venue received a request (V2)."""
        if request.kind != "new":
            return
        self.learn()
        name = request.client_order_id
        for what, where in (("intent", self.intents), ("start of sending", self.starts), ("passing", self.passed)):
            if name not in where:
                self.broken.append(f"V2: the venue received {name} before its {what} was durable")

    def compare(self) -> None:
        """What the venue executed or may still execute is covered by what risk counts (V5)."""
        venue, orders, now = self.venue, self.run.parts.core.orders, self.venue.now()
        account = venue.accounts[0]
        market = self.run.parts.core.markets[0]
        executed: dict[str, int] = defaultdict(int)
        sides: dict[str, int] = {}
        for each in venue.executed:
            if each.order.account is account:
                executed[each.order.client_order_id] += each.lots
                sides[each.order.client_order_id] = each.order.side
        live = {order.client_order_id: order for order in venue.exchange.open_orders(account)}
        for name in {*executed, *live}:
            theirs = executed.get(name, 0) + (live[name].leaves if name in live else 0)
            order = orders.by_client_order_id(name)
            if order is None:
                self.broken.append(f"V5: {name} is at the venue and unknown here")
            elif theirs <= order.cum + order.worst_lots():
                self.gaps.pop(name, None)
            elif order.state_code < FILLED:
                self.broken.append(
                    f"V5: {name} may execute {theirs} at the venue, counted {order.cum} + {order.worst_lots()} as "
                    f"{order.state.name}"
                )
            elif now - self.gaps.setdefault(name, now) > GAP_NS:
                self.broken.append(f"V5: {name} is {order.state.name}, and for 35 s less than the venue executed")
        bought = sum(lots * sides[name] for name, lots in executed.items())
        most = market.instrument.lots(str(MAX_POSITION))
        for side in (1, -1):
            worst = side * bought + sum(order.leaves for order in live.values() if order.side == side)
            if worst > most and not self.gaps:
                self.broken.append(f"V5: the position may become {side * worst} lots at the venue, allowed are {most}")

    async def look(self) -> None:
        """Look once a second, too."""
        while True:
            await trio.sleep(1)
            self.compare()


@define(eq=False)
class Stack:
    """One run against one venue."""

    ground: Ground
    run: TradingRun
    venue: Any
    wire: Any
    clock: RunClock
    watcher: Watcher
    said: list[tuple[float, str]]
    endings: list[Ending] = field(factory=list)
    tasks: int = 0
    files: int = 0
    script: FaultScript = field(factory=FaultScript)
    skew: list[int] = field(factory=lambda: [0])
    venue_skew: list[int] = field(factory=lambda: [0])

    @property
    def id(self) -> str:
        """The instrument that is traded."""
        return self.ground.instrument

    @property
    def trader(self) -> Any:
        return self.run.parts.core.desks[0].strategy

    @property
    def orders(self) -> Any:
        return self.run.parts.core.orders

    @property
    def book(self) -> Any:
        return self.run.parts.core.markets[0].book

    @property
    def link(self) -> Any:
        return self.run.live.ports[0].link

    def heard(self, text: str) -> bool:
        return any(text in said for _, said in self.said)

    def notes(self, text: str = "") -> list[tuple[int, str, str]]:
        """(time, severity, text) of the journal's notes that contain a text."""
        with open_reading(self.run.config.state_folder) as reader:
            told = [(record.ts, record.plain()) for record in picked(reader, 0, ("note",))]
        reader.close()
        return [(ts, one["severity"], one["text"]) for ts, one in told if text in one["text"]]

    def unknown(self) -> list[Order]:
        return [order for order in self.orders.open_orders() if order.state is OrderState.UNKNOWN]

    def inject(self, script: FaultScript | str) -> None:
        """Add faults, their times counted from now."""
        if isinstance(script, str):
            script = parse_script(f"faults: [{script}]")
        for rule in script.rules:
            self.venue.inject(rule)

    async def until(self, true: Callable[[], bool], within: float, what: str = "") -> float:
        """Wait for something; how long it took. Fails when it takes longer."""
        begun = trio.current_time()
        while not true():
            if trio.current_time() - begun > within:
                raise AssertionError(f"expected within {within} s: {what or true.__name__}; {self.state()}")
            await trio.sleep(0.05)
        return trio.current_time() - begun

    def state(self) -> str:
        """How it stands, for messages."""
        last = [text for _, text in self.said[-6:]]
        ours = [f"{o.client_order_id} {o.state.name} {o.reason}" for o in self.orders.open_orders()]
        return f"link {self.link.up} {self.link.reconciled}, book {self.book.health.name}, {ours}, said {last}"

    async def ready(self) -> None:
        await self.until(lambda: bool(self.link.reconciled and self.book.health.name == "LIVE"), 20, "ready to trade")
        self.tasks = trio.lowlevel.current_statistics().tasks_living
        self.files = open_files()
        self.inject(self.script)


@asynccontextmanager
async def stacked(folder: Path, faults: str | FaultScript = "", **how: Any) -> AsyncIterator[Stack]:
    """A run that trades while the block does; `faults` are entries of a script, `how` as in `_stacked`.

    An error comes out as itself, not in the groups of all the nurseries that it passed.
    """
    try:
        async with _stacked(folder, faults, **how) as stack:
            yield stack
    except BaseExceptionGroup as group:
        raise sole(group) from None


@asynccontextmanager
async def _stacked(
    folder: Path,
    faults: str | FaultScript = "",
    *,
    ground: Ground = TDX,
    cod: str = ON,
    seed: int = 1,
    options: dict[str, Any] | None = None,
    timing: Timing | None = None,
    settings: dict[str, Any] | None = None,
    port: int | None = None,
    strategy: Path | None = None,
    trades: bool = True,
    forged: bool = False,
    early_s: int = 0,
    code: int = DONE,
    **config: Any,
) -> AsyncIterator[Stack]:
    """It must end with `code`. `port` 0 goes over real sockets, in real time; `forged` credentials are no good.
    `cod`: see `grounds.py`. It begins so many seconds before a whole hour.
    """
    wall = virtual_wall(HOUR_NS - early_s * SECOND)
    skew, venue_skew = [0], [0]
    script = faults if isinstance(faults, FaultScript) else parse_script(f"seed: {seed}\nfaults: [{faults}]")
    chosen = {"rate": 4.0, "seed": seed, **(options or {})}
    how = {"port": port, "wall": lambda: wall() + venue_skew[0], "secret": Random(7), "faults": FaultScript(seed=seed)}
    serving = ground.serve(chosen, cod, **how)
    async with serving as venue:

        async def dial(host: str, port: int) -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            if venue.down:
                raise ConnectionRefusedError("the venue is away")
            return venue.open_stream()

        wires: list[Any] = []
        clock = RunClock(lambda: wall() + skew[0])

        def wired(_: Any, site: Any, at: RunClock) -> Any:
            given = None if port is not None else dial
            wires.append(ground.wire(site, at, random=Random(seed), dial=given, timing=timing, tls=TLS))
            return wires[-1]

        if port is None:
            venue.port = 1
        said: list[tuple[float, str]] = []
        params = {"seed": seed} | ({} if trades else {"trades": False})
        loaded = config_of(folder, ground, params, settings or {}, strategy, config)
        told = venue.announcement()
        if forged:
            told = ground.forged(told, folder)
        make_run = opened(
            loaded, {ground.name: told}, lambda text: said.append((trio.current_time(), text)), wired, clock
        )
        async with make_run as run, trio.open_nursery() as nursery:
            watcher = Watcher(run, venue, wires[0])
            stack = Stack(ground, run, venue, wires[0], clock, watcher, said, skew=skew, venue_skew=venue_skew)
            watcher.attach()

            async def go() -> None:
                stack.endings.append((await run.go())[0])

            nursery.start_soon(go)
            stack.inject(ground.quirks(cod))
            nursery.start_soon(watcher.look)
            stack.script = script
            yield stack
            run.live.stop("the test is over")
            await stack.until(lambda: bool(stack.endings), 30, "the end of the run")
            nursery.cancel_scope.cancel()
        assert stack.endings[0].code == code, (stack.endings, said[-5:])
        if code == DONE:
            assert not venue.exchange.open_orders(venue.accounts[0]), "orders were left"


def config_of(
    folder: Path,
    ground: Ground,
    params: dict[str, Any],
    settings: dict[str, Any],
    strategy: Path | None,
    more: dict[str, Any],
) -> Any:
    source = strategy or HERE / "trader.py"
    shutil.copy(source, folder / source.name)
    raw: dict[str, Any] = {
        "name": "faults",
        "mode": "live",
        "account": {"currency": ground.currency},
        "venues": {
            ground.name: {
                "adapter": ground.name,
                "local": {"seed": 1},
                "messages_per_s": 100,
                "requests_per_s": 100,
                **ground.settings,
                **settings,
            }
        },
        "strategies": {
            "one": {
                "use": f"./{source.name}:Trader",
                "instruments": [ground.instrument],
                "allow": [ground.instrument],
                "params": params,
                "risk": {"max_strategy_position": str(MAX_POSITION), "max_strategy_loss": "1000000"},
            }
        },
        "risk": RISK,
        "runs": str(folder / "runs"),
        "state": str(folder / "state"),
    }
    for name, value in more.items():
        raw[name] = raw.get(name, {}) | value if isinstance(value, dict) else value
    path = folder / "run.yaml"
    path.write_text(json.dumps(raw))
    return load(path)


# --- the end of the faults --------------------------------------------------------------------------------------------


async def settle(stack: Stack, *, within: float = 30.0) -> None:
    """Faults end; doubt does and trading resumes within 30 s (V11). Then all is quiet, for longer than a sweep."""
    stack.venue.faults.stop()
    halted = bool(stack.run.parts.floor.kill.latches)
    entered = len(stack.venue.received)
    stack.trader.trades = True

    def resumed() -> bool:
        fresh = [each for each in stack.venue.received[entered:] if each.kind == "new"]
        return not stack.unknown() and (halted or bool(fresh))

    try:
        await stack.until(resumed, within, "V11: nothing in doubt, and trading")
    finally:
        stack.trader.trades = False
    for crowd in stack.venue.crowds:
        crowd.rest(stack.venue.now() + 1000 * SECOND)
    await stack.until(lambda: not differences(stack), 40, "V3: everything as the venue has it")


def venue_orders(stack: Stack) -> dict[str, int]:
    """The venue's live orders of ours, with what was executed of each."""
    return {
        order.client_order_id: order.executed for order in stack.venue.exchange.open_orders(stack.venue.accounts[0])
    }


def venue_executed(stack: Stack) -> dict[tuple[str, str], tuple[int, int]]:
    """What the venue executed for us: (our order, id) to (lots, side)."""
    account = stack.venue.accounts[0]
    return {
        (each.order.client_order_id, stack.ground.execution_id(each)): (each.lots, each.order.side)
        for each in stack.venue.executed
        if each.order.account is account
    }


def differences(stack: Stack) -> list[str]:
    """In what we differ from the venue just now (V3)."""
    found = []
    ours = {order.client_order_id: int(order.cum) for order in stack.orders.open_orders()}
    theirs = venue_orders(stack)
    if ours != theirs:
        found.append(f"open orders: ours {ours}, the venue's {theirs}")
    cums: Counter[str] = Counter()
    position = 0
    for (name, _), (lots, side) in venue_executed(stack).items():
        cums[name] += lots
        position += side * lots
    for name, lots in cums.items():
        order = stack.orders.by_client_order_id(name)
        if order is None or order.cum != lots:
            found.append(f"{name}: executed {lots} at the venue, {None if order is None else order.cum} here")
    mine = stack.run.parts.core.markets[0].position.lots
    if mine != position:
        found.append(f"position: {mine} here, {position} at the venue")
    return found


# --- afterwards -------------------------------------------------------------------------------------------------------


def check_invariants(stack: Stack, *, tasks: int = 6) -> None:
    """V1-V5 and V7-V13 of a run that has settled; raises AssertionError with all that is broken."""
    watcher, venue, run = stack.watcher, stack.venue, stack.run
    watcher.compare()
    broken = list(dict.fromkeys(watcher.broken))
    frames = Counter(each.client_order_id for each in venue.received if each.kind == "new")
    broken += [f"V1: {name} was received {count} times" for name, count in frames.items() if count > 1]
    watcher.learn()
    broken += [f"V1: {name} began to be sent {count} times" for name, count in watcher.starts.items() if count > 1]
    broken += [f"V1: {name} was submitted {count} times" for name, count in watcher.submitted.items() if count > 1]
    broken += [f"V3: {text}" for text in differences(stack)]
    broken += bookings(stack)
    waiting = {id(each) for each in run.live.bell.mailbox.queue}
    lost = [event for event in watcher.put_in if id(event) not in watcher.taken and id(event) not in waiting]
    broken += [f"V7: an event was dropped: {event!r}" for event in lost]
    broken += [f"V9: the strategy saw {text}" for text in stack.trader.wrong]
    if len(venue.sockets) > 1:
        broken.append(f"V10: {len(venue.sockets)} sockets are open")
    living = trio.lowlevel.current_statistics().tasks_living
    if stack.tasks and living > stack.tasks + tasks:
        broken.append(f"V10: {living} tasks live, {stack.tasks} at first")
    files = open_files()
    if stack.files and files > stack.files + FILES_MORE:
        broken.append(f"V10: {files} files and sockets are open, {stack.files} at first")
    broken += secrets_shown(stack) + alarms(stack)
    assert not broken, "\n".join(broken)


def open_files() -> int:
    """Files and sockets that this process has open."""
    return len(os.listdir("/proc/self/fd"))


def bookings(stack: Stack) -> list[str]:
    """Each execution of the venue is booked once, and nothing else; the strategy heard of each once (V4)."""
    with open_reading(stack.run.config.state_folder) as reader:
        said = [record.plain() for record in picked(reader, 0, ("fill",))]
    reader.close()
    booked: Counter[tuple[str, str]] = Counter()
    position = 0
    inferred = 0
    for fill in said:
        sign = -1 if fill.get("taken_back") else 1
        booked[fill["id"], fill["trade_id"]] += sign
        position += fill["lots"] * (1 if fill["side"] == "BUY" else -1)
        inferred += bool(fill.get("inferred"))
    theirs = venue_executed(stack)
    broken = [f"V4: {name} is booked {count} times" for name, count in booked.items() if count > 1]
    if not inferred:
        broken += [f"V4: {name} is not booked" for name in theirs if not booked[name]]
        broken += [f"V4: {name} is booked and not the venue's" for name in booked if name not in theirs]
    mine = stack.run.parts.core.markets[0].position.lots
    if position != mine:
        broken.append(f"V4: the booked executions make {position}, the position is {mine}")
    heard = Counter(stack.trader.fills)
    broken += [f"V4: the strategy heard of {name} {count} times" for name, count in heard.items() if count > 1]
    return broken


def secrets_shown(stack: Stack) -> list[str]:
    """Nothing that a person can read holds a secret (V12)."""
    secrets = stack.ground.secrets(stack.venue, stack.wire)
    texts = {
        "what was said": "\n".join(text for _, text in stack.said),
        "the core": repr(stack.run.operated().snapshot()),
    }
    config = stack.run.config
    for place in (config.state_folder, stack.run.folder):
        for path in sorted(Path(place).rglob("*")):
            if path.is_file() and not path.is_socket():
                texts[path.name] = path.read_bytes().decode("latin-1")
    return [f"V12: {where} shows a secret" for where, text in texts.items() for each in secrets if each in text]


def alarms(stack: Stack) -> list[str]:
    """Whatever is critical is told within a second, and no alarm storms (V13)."""
    broken = []
    base, mono = stack.clock.begun_wall, stack.clock.begun_mono
    last: dict[str, int] = {}
    for ts, severity, text in stack.notes():
        if severity not in ("crit", "halt"):
            continue
        at = mono + (ts - base) / SECOND
        if not any(
            abs(when - at) <= 1.2 and (text[:60] in said or text.rpartition(": ")[2] in said)
            for when, said in stack.said
        ):
            broken.append(f"V13: not told within a second: {text}")
        if ts - last.get(text, -(1 << 62)) < 60 * SECOND and text in last:
            broken.append(f"V13: told again within a minute: {text}")
        last[text] = ts
    return broken


def signed(lots: int, side: int) -> int:
    return lots if side == BUY else -lots
