"""``tickwright run``, ``backtest``, ``paper`` and ``live``: run a config, show what came of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from tickwright.commands.options import config_argument, json_option, print_json, prints_to_stderr, set_option

if TYPE_CHECKING:
    from tickwright.backtesting import Progress
    from tickwright.config import Config
    from tickwright.result import Result


confirm_option = click.option("--confirm", metavar="NAME", help="The run's name, typed again: real orders are sent.")


@click.command()
@config_argument
@set_option
@confirm_option
@json_option
@click.pass_context
def run(ctx: click.Context, config: str, overrides: tuple[str, ...], confirm: str | None, as_json: bool) -> None:
    """Run CONFIG in its own mode.

    A run folder with everything that happened is left under runs/.
    """
    from tickwright.config import load

    checked = load(config, overrides)
    if checked.mode == "backtest":
        ctx.exit(carry_out(checked, as_json))
    confirmed(checked, confirm)
    alone(checked)
    if checked.mode == "live" and not fit(checked):
        ctx.exit(1)
    ctx.exit(trade(checked, as_json))


@click.command()
@config_argument
@set_option
@json_option
@click.pass_context
def paper(ctx: click.Context, config: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Run CONFIG on its live market with simulated orders, until Ctrl+C or `tickwright stop`."""
    from tickwright.config import load

    checked = load(config, overrides, mode="paper")
    alone(checked)
    ctx.exit(trade(checked, as_json))


@click.command()
@config_argument
@set_option
@confirm_option
@json_option
@click.pass_context
def live(ctx: click.Context, config: str, overrides: tuple[str, ...], confirm: str | None, as_json: bool) -> None:
    """Trade CONFIG with real orders, until Ctrl+C or `tickwright stop`. Its mode must be live, its name typed."""
    from tickwright.config import load
    from tickwright.document import ConfigError, Fault

    checked = load(config, overrides)
    if checked.mode != "live":
        text = f"expected live, got {checked.mode}: a verb may not make a run more dangerous than its file"
        raise ConfigError([Fault(checked.place(("mode",)), text)])
    confirmed(checked, confirm)
    alone(checked)
    if not fit(checked):
        ctx.exit(1)
    ctx.exit(trade(checked, as_json))


def fit(checked: "Config") -> bool:
    """Whether the doctor lets a live run start; if not, what it found is on stderr."""
    import trio

    from tickwright.commands.doctor import show as show_findings
    from tickwright.doctor import examine, healthy

    with prints_to_stderr():
        found = trio.run(examine, checked)
    if not healthy(found):
        show_findings(found, err=True)
        click.echo("tickwright: nothing was started, since a check failed", err=True)
    return healthy(found)


def confirmed(checked: "Config", confirm: str | None) -> None:
    """Real orders leave only when the run's name was typed."""
    if checked.mode == "live" and confirm != checked.name:
        got = "nothing" if confirm is None else repr(confirm)
        raise click.UsageError(f"real orders: expected --confirm {checked.name}, got {got}")


def alone(checked: "Config") -> None:
    """Refuse at once where another process runs with the state folder; only the journal's own lock is sure."""
    from tickwright.engine.chain import JournalLocked
    from tickwright.state import StateFolder

    path = checked.state_folder
    holder = StateFolder(path).holder()
    if holder:
        raise JournalLocked(f"{path}: expected to be alone, found process {holder} running with this folder")


def trade(checked: "Config", as_json: bool) -> int:
    """Trade it, print the result, and say by the exit code how it ended."""
    from tickwright.engine.compiled import why_interpreted
    from tickwright.secrets import no_core_dumps
    from tickwright.trading import run_trading

    if checked.mode == "live":
        no_core_dumps()

    if why_interpreted():
        click.echo(f"tickwright: running interpreted, slower with the same results: {why_interpreted()}", err=True)
    with prints_to_stderr():
        ending, result = run_trading(checked)
    show(result, as_json)
    for order in ending.left:
        click.echo(f"tickwright: may be left at the venue: {order!r}", err=True)
    return ending.code or exit_code(result)


@click.command()
@config_argument
@set_option
@json_option
@click.pass_context
def backtest(ctx: click.Context, config: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Run CONFIG on recorded data, whatever its own mode is."""
    from tickwright.config import load

    ctx.exit(carry_out(load(config, overrides, mode="backtest"), as_json))


def carry_out(checked: Any, as_json: bool) -> int:
    """Run it, print the result, and say by the exit code how it ended."""
    from tickwright.backtesting import Run
    from tickwright.engine.compiled import why_interpreted

    with prints_to_stderr():
        ready = Run.prepare(checked, {})
    if why_interpreted():
        click.echo(f"tickwright: running interpreted, slower with the same results: {why_interpreted()}", err=True)
    with prints_to_stderr(), progress_bar() as progress:
        result = ready.go(progress)
    show(result, as_json)
    return exit_code(result)


def show(result: "Result", as_json: bool) -> None:
    from tickwright.reports.terminal import print_summary
    from tickwright.result import NOTHING_PLAYED, failure_line, failure_text, rounded_text

    for name, told in result.summary["rounded"].items():
        click.echo(f"tickwright: {rounded_text(name, told['levels'], told['first_row'])}", err=True)
    if result.summary["data_start"] is None:
        click.echo(f"tickwright: {NOTHING_PLAYED}", err=True)
    tape = result.summary["mode"] == "backtest"
    for failure in result.failures:
        # In paper and live the trace is in the log, and people were told when it happened.
        click.echo(failure_text(failure) if tape else f"tickwright: {failure_line(failure)}", err=True)
    for latch in result.latches:
        click.echo(f"tickwright: halted: {latch.reason}", err=True)
    if as_json:
        print_json(result.summary)
    else:
        print_summary(result.summary, sys.stdout)
    if result.summary["status"] == "interrupted":
        click.echo("tickwright: interrupted; what had happened by then is in the run folder", err=True)
    click.echo(f"tickwright: results in {result.folder}", err=True)


def exit_code(result: "Result") -> int:
    return code_of(result.summary["status"])


def code_of(status: str) -> int:
    """The exit code of a run that ended in this way."""
    from tickwright.cli import DONE, FAILED, HALTED

    if status == "halted":
        return HALTED
    return DONE if status == "done" else FAILED


@contextmanager
def progress_bar() -> "Iterator[Progress | None]":
    """A bar on stderr while a person watches, nothing otherwise."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("events", total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=max(total, done))

        yield report
