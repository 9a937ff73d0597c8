"""Runs a config on recorded data and returns what came of it."""

import gc
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any, Self

from attrs import define, field

from tickwright.adapters.tape import Block, Rounded, delay, play
from tickwright.adapters.tape.blocks import FIELDS
from tickwright.build import PREFIX, TapeParts, Tapes, join, open_tapes
from tickwright.code import code_of
from tickwright.config import Config, load
from tickwright.controls import LIMITS
from tickwright.document import ConfigError, Fault
from tickwright.engine.compiled import why_interpreted
from tickwright.origin import write_origin
from tickwright.plugins import Loaded, load_checks, load_strategies
from tickwright.reports.html import write_report
from tickwright.reports.parquet import RunWriter
from tickwright.reports.positions import final_lines, portfolio_lines, write_positions
from tickwright.reports.run_folder import RunError, RunFolder, make_run_folder, run_hash, write_summary, writing
from tickwright.reports.summary import RunFacts, summarise
from tickwright.result import NOTHING_PLAYED, Result, rounded_text
from tickwright.risk.controls import VERDICTS
from tickwright.risk.verdict import PLUGIN

CHUNK = 16_384
"""Rows played between two looks at the clock of a watching person and at Ctrl+C."""

CODES = VERDICTS + ("",) * (PLUGIN - len(VERDICTS)) + ("USER_CHECK",)
"""A code for each number that a decision can have."""

Progress = Callable[[int, int], None]
"""Told how many rows of how many have been played."""


def backtest(
    config: str | Path | Mapping[str, Any] | Config,
    *,
    overrides: Iterable[str] = (),
    tapes: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run a strategy on recorded data.

    Args:
        config: a YAML file, or the same as a mapping.
        overrides: ``key.path=value``, put in the place of what the file says.
        tapes: recorded data in memory by instrument id (a structured array or a mapping of columns, as
            ``docs/data.md`` describes them), in the place of the paths under ``data.tapes``, if it says any.
        progress: called now and then with rows played and rows in all.

    Raises:
        ConfigError: the config cannot be run; each fault with file, line and path.
        TickwrightError: the data are broken, or the run cannot be written.
    """
    given = dict(tapes or {})
    checked = config if isinstance(config, Config) else load(config, overrides, "backtest", given)
    return Run.prepare(checked, given).go(progress)


@define
class Run:
    """A run that is ready: everything opened, nothing played."""

    config: Config
    tapes: Tapes
    folder: Path
    writer: RunWriter
    parts: TapeParts
    blocks: Iterator[Block]
    rounded: tuple[Rounded, ...]
    interrupted: bool = False
    first_ts: int | None = None
    last_ts: int | None = None
    played_s: float = field(default=0.0)

    @classmethod
    def prepare(
        cls,
        config: Config,
        given: Mapping[str, Any],
        watched: Callable[[str, str, Any], Any] = lambda strategy, name, handler: handler,
    ) -> Self:
        """Open everything; each strategy's handlers pass through `watched` with the strategy's and their own name."""
        loaded = load_strategies(config)
        checks = load_checks(config)
        refuse_background(config, loaded)
        tapes = open_tapes(config, given)
        parts = join(config, tapes, loaded, checks, watched)
        text = as_yaml(config.resolved())
        with config.blamed("runs", RunError):
            folder = make_run_folder(config.runs_folder, config.name, text, config.hash8, datetime.now(UTC))
        with writing(folder):
            (folder / LIMITS).write_text(parts.floor.describe())
            write_origin(folder, config, code_of(loaded, checks), bool(given))
            writer = RunWriter(folder, tapes.instruments, parts.strategies, PREFIX, CODES, parts.floor.columns)
        parts.recorder.open(writer, parts.floor.columns, writer.later)
        rounded = tuple(Rounded() for _ in tapes.tapes)
        blocks = stream(config, tapes, parts, rounded, bool(given))
        return cls(config, tapes, folder, writer, parts, blocks, rounded)

    def go(self, progress: Progress | None = None) -> Result:
        """Play everything, close the books, and write the run folder.

        Raises:
            RunError: the run folder cannot be written any more; what is in it opens as far as it goes.
        """
        with writing(self.folder):
            try:
                with ctrl_c(self.interrupt):
                    self.play(progress)
            except KeyboardInterrupt:
                # The second Ctrl+C, in a strategy that does not return: this is where the run ends, in order.
                if not self.interrupted:
                    raise
            finally:
                self.close()
            return self.finish()

    def close(self) -> None:
        try:
            self.parts.recorder.flush()
        finally:
            self.writer.close()

    def interrupt(self) -> None:
        """End the run after the row that is being played."""
        self.interrupted = True
        self.parts.core.stopping = True

    def play(self, progress: Progress | None) -> None:
        core = self.parts.core
        begun = time.perf_counter()
        with rare_collection():
            self.play_blocks(progress)
            if self.first_ts is None:
                self.parts.recorder.note(1, NOTHING_PLAYED, 0)
            else:
                core.stop(core.now)
                self.last_ts = core.now
            for instrument, rounded in zip(self.tapes.instruments, self.rounded, strict=True):
                if rounded.rows:
                    self.parts.recorder.note(1, rounded_text(instrument.id, rounded.rows, rounded.first_row), core.now)
            self.played_s = time.perf_counter() - begun

    def play_blocks(self, progress: Progress | None) -> None:
        core = self.parts.core
        for block in self.blocks:
            if block.n == 0:
                continue
            if self.first_ts is None:
                self.first_ts = int(block.ts[0])
                core.start(self.first_ts)
            self.play_block(block, progress)
            if self.interrupted or core.stopping:
                break

    def play_block(self, block: Block, progress: Progress | None) -> None:
        loop = self.parts.loop
        core = self.parts.core
        # Memory views hold plain integers in both forms; NumPy's own scalars must not leak into the records.
        ts, market, kind, side, px, qty, last = (memoryview(getattr(block, name)) for name in FIELDS)
        at = 0
        while at < block.n and not self.interrupted and not core.stopping:
            upto = min(at + CHUNK, block.n)
            loop.play(ts, market, kind, side, px, qty, last, at, upto)
            at = upto
            if progress is not None:
                progress(loop.events, self.tapes.rows)

    def finish(self) -> Result:
        parts = self.parts
        lines = final_lines(parts.portfolio, parts.strategies)
        write_positions(self.folder, lines)
        facts = RunFacts(
            run_hash=run_hash(parts.recorder.log_hash(), portfolio_lines(lines)),
            compiled=not why_interpreted(),
            events=parts.loop.events,
            wakes=parts.core.wakes,
            wall_s=self.played_s,
            name=self.config.name,
            mode="backtest",
            status=self.status,
            data_start_ns=self.first_ts,
            data_end_ns=self.last_ts,
            rounded={
                instrument.id: {"levels": rounded.rows, "first_row": rounded.first_row}
                for instrument, rounded in zip(self.tapes.instruments, self.rounded, strict=True)
                if rounded.rows
            },
        )
        run = RunFolder(self.folder)
        summary = summarise(run, facts, lines)
        write_summary(self.folder, summary)
        write_report(run)
        return Result(run, summary, tuple(parts.core.failures), tuple(parts.floor.kill.latches.values()))

    @property
    def status(self) -> str:
        """`interrupted`, `halted` (a kill is latched, by losses for one), `failed` (a strategy raised), or `done`."""
        if self.interrupted:
            return "interrupted"
        if self.parts.floor.kill.latches:
            return "halted"
        return "failed" if self.parts.core.failures else "done"


def stream(
    config: Config, tapes: Tapes, parts: TapeParts, rounded: tuple[Rounded, ...], in_memory: bool
) -> Iterator[Block]:
    """The rows of the run in order. Tapes in memory are converted before the run, files while it goes.

    Real books hold sizes that are older than the venue's present lot: those are rounded, and counted in `rounded`.
    """
    data = config.data
    start, end = (data.start, data.end) if data else (None, None)
    blocks = play(zip(tapes.tapes, tapes.instruments, strict=True), start, end, rounded=rounded)
    if parts.feed_delay is not None:
        blocks = delay(blocks, parts.feed_delay, len(tapes.tapes))
    return iter(list(blocks)) if in_memory else blocks


def refuse_background(config: Config, loaded: Mapping[str, Loaded]) -> None:
    """A strategy with work of its own beside the trading cannot be repeated, and so cannot be tested on a tape."""
    from tickwright.strategies.base import Strategy

    faults = [
        Fault(
            config.place(("strategies", name, "use")),
            f"{one.form.__name__} has a background task, which a backtest cannot repeat; run it on paper or live",
        )
        for name, one in loaded.items()
        if one.form.background is not Strategy.background
    ]
    if faults:
        raise ConfigError(faults)


def as_yaml(resolved: Mapping[str, Any]) -> str:
    """The resolved config as a YAML file that can be run again."""
    from ruamel.yaml import YAML

    text = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(dict(resolved), text)
    return text.getvalue()


@contextmanager
def rare_collection() -> Iterator[None]:
    """Let the garbage collector look less often while a tape plays: a run makes many objects and hardly a cycle."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def ctrl_c(interrupt: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl+C ends the run after the row being played; the second one breaks into the strategy's code."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def first(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupt()

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
