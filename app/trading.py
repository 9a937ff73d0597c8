"""Joins and drives a run on a live market: paper (orders simulated here) or live (orders at the venue).

journal, wires, instruments   ->  core, gate, portfolio (as in a backtest)  ->  what the journal remembers
->  the live driver, beside it the control socket, the KILL file, signals and the view  ->  the run folder
"""

import importlib
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trio
from attrs import define, evolve, field

from tickwright import slow
from tickwright.assembling import CleanJournal, Given, Kept, Told, drive, join_live
from tickwright.backtesting import CODES, as_yaml
from tickwright.build import Parts
from tickwright.capture import Beginning, Capture, WatchedStore, place_of
from tickwright.code import code_of
from tickwright.commands.venue import read_faults
from tickwright.config import Config
from tickwright.control import serve_control
from tickwright.controls import LIMITS
from tickwright.doctor import FAIL, examine
from tickwright.engine.chain import JournalError
from tickwright.engine.compiled import why_interpreted
from tickwright.engine.errors import TickwrightError
from tickwright.engine.journal import Journal
from tickwright.engine.live import HALTED, Ending, Live
from tickwright.engine.records import Sink
from tickwright.engine.run_clock import RunClock
from tickwright.engine.scribe import Scribe
from tickwright.engine.traffic import Failure
from tickwright.engine.wire import Wire
from tickwright.kill_file import watch_kill_file
from tickwright.live_view import View
from tickwright.operating import Operated
from tickwright.plugins import load_checks, load_strategies
from tickwright.redact import Cleaned
from tickwright.reports.html import write_report
from tickwright.reports.parquet import STEADY, RunWriter
from tickwright.reports.positions import final_lines, portfolio_lines, write_positions
from tickwright.reports.run_folder import RunError, RunFolder, make_run_folder, run_hash, write_summary
from tickwright.reports.summary import RunFacts, summarise
from tickwright.result import Result, failure_line, failure_text
from tickwright.rolling import keep_short
from tickwright.run_log import RunLog
from tickwright.signals import FORCED, Ends, signals
from tickwright.sites import instruments_of, make_wire, site_of
from tickwright.state import StateError, StateFolder
from tickwright.taking_over import opening, remember, since_of, take_over
from tickwright.tally import Tally
from tickwright.warmup import warm_up


class Each:
    """Hands every block of records to several sinks."""

    def __init__(self, *sinks: Sink) -> None:
        self.sinks = sinks

    def block(self, table: str, columns: tuple[str, ...], rows: Any, texts: list[str]) -> None:
        for sink in self.sinks:
            sink.block(table, columns, rows, texts)


@define(eq=False)
class TradingRun:
    """A run that is ready to trade."""

    config: Config
    journal: Journal
    parts: Parts
    live: Live
    folder: Path
    writer: RunWriter
    wires: tuple[Wire, ...]
    tally: Tally
    begun: float = field(factory=time.perf_counter)

    def operated(self) -> Operated:
        """The run as the control socket shows and operates it."""
        return Operated(
            live=self.live,
            tally=self.tally,
            floor=self.parts.floor,
            journal=self.journal,
            folder=self.folder,
            name=self.config.name,
            mode=self.config.mode,
        )

    def stop_by(self, signal: str) -> None:
        self.live.stop(signal)

    def kill_by(self, signal: str) -> None:
        self.live.kill("global", "", "cancel", signal, "signal")

    def leave_by(self, signal: str) -> None:
        """The second signal: say what may be left, and out."""
        left = [order.client_order_id for order in self.parts.core.orders.open_orders()]
        sys.stderr.write(
            f"tickwright: {signal} again: out at once; orders that may be left: {', '.join(left) or 'none'}\n"
        )
        sys.stderr.flush()
        os._exit(FORCED)

    async def go(self) -> tuple[Ending, Result]:
        """Trade until stopped, then close the books."""
        ending = await self.live.run()
        try:
            return ending, self.finish(ending)
        except OSError as error:
            if not self.journal.dead:
                raise
            left = ", ".join(order.client_order_id for order in ending.left) or "none"
            raise JournalError(
                f"the journal failed: {self.journal.dead}; orders that may be left: {left}; the results cannot be "
                f"written either: {error.strerror or error}"
            ) from None

    def close(self) -> None:
        """Write what is left; the journal last."""
        try:
            self.parts.recorder.flush()
            self.writer.close()
        except OSError:
            if not self.journal.dead:  # a disk that is full was told of
                raise
        finally:
            self.journal.close()

    def finish(self, ending: Ending) -> Result:
        parts = self.parts
        parts.recorder.flush()
        self.writer.close()
        lines = final_lines(parts.portfolio, parts.strategies)
        write_positions(self.folder, lines)
        latches = tuple(parts.floor.kill.latches.values())
        facts = RunFacts(
            run_hash=run_hash(parts.recorder.log_hash(), portfolio_lines(lines)),
            compiled=not why_interpreted(),
            events=self.live.intake.counts.events,
            wakes=parts.core.wakes,
            wall_s=time.perf_counter() - self.begun,
            name=self.config.name,
            mode=self.config.mode,
            status=status_of(ending, bool(latches), bool(parts.core.failures)),
            data_start_ns=self.live.clock.begun_wall,
            data_end_ns=parts.core.now,
        )
        run = RunFolder(self.folder)
        summary = summarise(run, facts, lines)
        summary["exit_code"] = ending.code
        summary["left"] = [order.client_order_id for order in ending.left]
        write_summary(self.folder, summary)
        write_report(run)
        return Result(run, summary, tuple(parts.core.failures), latches)


def status_of(ending: Ending, latched: bool, failed: bool) -> str:
    """How the run ended, in a word."""
    if latched or ending.code == HALTED:
        return "halted"
    return "done" if ending.code == 0 and not failed else "failed"


@asynccontextmanager
async def opened(
    config: Config,
    served: Mapping[str, Mapping[str, Any]],
    told: Told,
    make: Any = make_wire,
    clock: RunClock | None = None,
) -> AsyncIterator[TradingRun]:
    """Build a run of a checked config; `served` are the venues that were started for it, by their keys.

    What the run has to say goes to its log, and to `told` for a person; `make` makes the wires, `clock` tells the time.

    Raises:
        ConfigError: the config cannot be run.
        JournalError: the journal cannot be opened, or another process holds it.
        QueryFailed: a venue cannot be asked for what the run needs to begin.
    """
    loaded, checks = load_strategies(config), load_checks(config)
    clock = clock or RunClock()
    log = RunLog(clock.now, echo=told)
    async with AsyncExitStack() as stack:
        stack.enter_context(log.redactor.crash_reports())
        journal = Journal.open(config.state_folder, durability=config.journal.durability, clock=clock)
        stack.callback(journal.close)
        if journal.loss:
            log.told(journal.loss, "warning")
        keys = dict.fromkeys(config.venue_of(id) for one in config.strategies.values() for id in one.instruments)
        sites = [site_of(config, key, journal.prefix, served.get(key), log.told) for key in keys]
        for site in sites:
            log.redactor.learn(site.credentials.values())
        wires = tuple(make(config, site, clock) for site in sites)
        instruments = tuple(await instruments_of(config, wires, {site.venue: site.instruments for site in sites}))
        keeper = CleanJournal(journal, log.redactor)
        scribe = Scribe(keeper)
        held = await opening(config, wires, journal)
        kept = Kept(journal.prefix, journal.next_order_number, held, journal.latch_store())
        capture = Capture(config.capture.max_mb, log.redactor) if config.capture is not None else None
        watched = slow.timed if capture is None else capture.timed
        parts = join_live(config, instruments, loaded, checks, wires, kept, scribe, watched, log.strategy)
        parts.core.store = journal.store()
        warmed = warm_up(config, parts)
        folder, writer = results_of(config, parts, journal.prefix)
        ids = tuple(each.id for each in instruments)
        log.open(StateFolder.open(config.state_folder).log, folder.name, journal.prefix, ids, parts.strategies)
        stack.callback(log.close)
        stack.enter_context(log.libraries())
        tally = Tally()
        scribe.open(Each(Cleaned(writer, log.redactor), tally, log), parts.floor.columns)
        begun, code = clock.now(), code_of(loaded, checks)
        scribe.begin(instruments, parts.strategies, begun, **about(config, folder, parts, code))
        given = Given(journal, journal.records(kept.opening.seq), clock)
        if capture is not None:
            stack.callback(capture.close)
            places = [place_of(site, wire.capability) for site, wire in zip(sites, wires, strict=True)]
            beginning = Beginning.of(config, folder.name, begun, kept, parts.core.store, places, code, loaded)
            given = capture.start(folder, log.told, beginning, given)
            keeper.heard, parts.core.store = capture.said, WatchedStore(parts.core.store, capture)
        with nullcontext() if capture is None else capture.opening():
            past = remember(parts, given.past, scribe, given.clock)
            journal.known.since = past.since
            live = drive(config, parts, wires, journal.prefix, given, log.told, past, since_of(past, kept.opening.at))
            live.warmed = warmed
            take_over(config, parts, live, past, log.told)
        live.background_of = slow.background
        live.failed = lambda failure: tell_failure(log, failure)
        live.witness = live.bell.listener = capture
        run = TradingRun(config, journal, parts, live, folder, writer, wires, tally)
        stack.callback(run.close)
        yield run


def tell_failure(log: RunLog, failure: Failure) -> None:
    """What a strategy raised: a line for a person, its trace for the log."""
    log.told(failure_line(failure), "error", strategy_id=failure.strategy, trace=failure_text(failure))


def about(config: Config, folder: Path, parts: Parts, code: Mapping[str, str]) -> dict[str, Any]:
    """What the journal says of a run, beside its instruments and strategies: all that its decisions are weighed by."""
    return {
        "run_id": folder.name,
        "folder": str(folder.resolve()),
        "config": config.hash8,
        "code": dict(code),
        "limits": parts.floor.describe(),
        "fees": {each.id: [str(each.maker_fee), str(each.taker_fee)] for each in parts.instruments},
    }


def results_of(config: Config, parts: Parts, prefix: str) -> tuple[Path, RunWriter]:
    """The run's folder, with what is known at the start in it, and the writer of its tables."""
    # Where the writer's thread has to load it, the loop waits half a second for the interpreter.
    import pyarrow.parquet  # noqa: F401

    text = as_yaml(config.resolved())
    with config.blamed("runs", RunError):
        folder = make_run_folder(config.runs_folder, config.name, text, config.hash8, datetime.now(UTC))
    (folder / LIMITS).write_text(parts.floor.describe())
    stated = parts.core.books.fees if config.mode == "live" else None
    columns = parts.floor.columns
    return folder, RunWriter(folder, parts.instruments, parts.strategies, prefix, CODES, columns, stated, STEADY)


@asynccontextmanager
async def served_venues(config: Config, told: Told) -> AsyncIterator[dict[str, Mapping[str, Any]]]:
    """Start the local venues that the config asks for; gives what each says of itself, by its key."""
    async with AsyncExitStack() as stack:
        found: dict[str, Mapping[str, Any]] = {}
        for key, spec in config.venues.items():
            if spec.local is None:
                continue
            assert spec.declaration is not None, f"checked with the config: {key} has an adapter"
            module = importlib.import_module(spec.declaration.mirror)
            options = module.Options(seed=spec.local.seed, pairs=spec.local.pairs)
            if hasattr(options, "maker_fee"):
                options = evolve(options, maker_fee=spec.fees.maker, taker_fee=spec.fees.taker)
            script = None if spec.local.faults is None else config.path(spec.local.faults)
            venue = await stack.enter_async_context(module.serve(options, port=0, faults=read_faults(script)))
            found[key] = venue.announcement()
            told(f"{key}: a local venue serves at {found[key]['ws_url']}")
        yield found


async def trade(config: Config) -> tuple[Ending, Result]:
    """Trade a checked config until a signal, the control socket, the KILL file or the run itself ends it."""
    if config.mode == "live":
        await refuse_unhealthy(config)
    with config.blamed("state", StateError):
        folder = StateFolder.make(config.state_folder)
    view, ended = View(), None
    async with trio.open_nursery() as around:
        # From the first moment on: a venue may keep the beginning waiting for long.
        ends = Ends(around.cancel_scope.cancel)
        await around.start(signals, ends.stop, ends.force, ends.kill)
        around.start_soon(view.show, ends.snapshot)
        async with served_venues(config, view.say) as served, opened(config, served, view.say) as run:
            folder.point(run.folder)
            operated = run.operated()
            ends.begun(run, operated.snapshot)
            async with trio.open_nursery() as nursery:
                await nursery.start(serve_control, folder, operated)
                await nursery.start(watch_kill_file, folder.kill_file, operated.kill_at_least)
                nursery.start_soon(keep_short, run)
                ended = await run.go()
                nursery.cancel_scope.cancel()
        around.cancel_scope.cancel()
    if ended is None:
        raise NotBegun(f"{ends.early}: given up before the run had begun; nothing was sent")
    return ended


class NotBegun(TickwrightError):
    """A run was told to end while it was being opened."""


class NotReady(TickwrightError):
    """A live run was not started, since something that it needs is not as it must be."""


async def refuse_unhealthy(config: Config) -> None:
    """Look at everything that a live run needs, before anything is opened.

    Raises:
        NotReady: a line for each check that failed.
    """
    found = [finding for finding in await examine(config) if finding.status == FAIL]
    if found:
        raise NotReady("not started:\n" + "\n".join(f"  {finding.check}: {finding.text}" for finding in found))


def run_trading(config: Config) -> tuple[Ending, Result]:
    """`trade`, from where nothing is asynchronous. What refuses the run is raised as itself, not in a group."""
    try:
        return trio.run(trade, config)
    except BaseExceptionGroup as group:  # raised again, as the one error it is about
        raise sole(group) from group


def sole(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that a group of groups is about, if there is but one; else the group."""
    inner = group.exceptions
    if len(inner) != 1:
        return group
    return sole(inner[0]) if isinstance(inner[0], BaseExceptionGroup) else inner[0]
