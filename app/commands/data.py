"""``tickwright data``: look at recorded market data."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tickwright.commands.options import json_option, print_columns, print_json

if TYPE_CHECKING:
    from tickwright.adapters.tape.inspect import Inspection


@click.group()
def data() -> None:
    """Look at recorded market data."""


@data.command()
@click.argument("path")
@json_option
@click.pass_context
def inspect(ctx: click.Context, path: str, as_json: bool) -> None:
    """Print the span, counts, gaps, crossed books, duplicates and clock jumps of the tape at PATH.

    PATH is a .parquet, .npz or .npy file, or package:demo. Ends with 1 if there is anything that a run would refuse,
    with 2 if there is no such file.
    """
    from tickwright.adapters.tape import inspect_tape
    from tickwright.cli import BAD_CONFIG, DONE, FAILED
    from tickwright.commands.run import progress_bar

    with progress_bar() as progress:
        found = inspect_tape(path, progress=progress)
    if as_json:
        print_json(found.as_dict())
    elif not found.rows:
        for problem in found.problems:
            click.echo(problem.what, err=True)
    else:
        print_columns(_rows(found))
        _print_problems(found)
    missing = not path.startswith("package:") and not Path(path).exists()
    ctx.exit(BAD_CONFIG if missing else FAILED if found.problems else DONE)


def _rows(found: "Inspection") -> "Iterator[tuple[str, ...]]":
    from tickwright.adapters.tape.inspect import GAP_NS, JUMP_NS

    yield "tape", found.name
    yield "instrument", found.instrument or "not said by the tape"
    yield "rows", f"{found.rows:,}"
    if found.first_ts is not None and found.last_ts is not None:
        from tickwright.engine.times import as_text

        yield "from", as_text(found.first_ts)
        yield "to", as_text(found.last_ts)
        yield "span", _length(found.span_ns)
    yield "level changes", f"{found.level_changes:,} in {found.messages:,} messages"
    yield "trades", f"{found.trades:,}"
    yield "levels at the end", f"{found.bid_levels:,} bids, {found.ask_levels:,} asks"
    yield "levels at most", f"{found.most_bid_levels:,} bids, {found.most_ask_levels:,} asks"
    longest = f"; longest {_length(found.longest_gap_ns)} before row {found.longest_gap_row:,}"
    yield f"gaps over {_length(GAP_NS)}", f"{found.gaps:,}{longest if found.longest_gap_ns else ''}"
    yield "crossed books", _with_row(found.crossed, found.first_crossed_row)
    yield "repeated messages", _with_row(found.duplicates, found.first_duplicate_row)
    yield "clock jumps", f"{found.jumps_back:,} back, {found.jumps_ahead:,} ahead by more than {_length(JUMP_NS)}"
    for key, value in found.origin.items():
        yield f"origin: {key}", " ".join(value.split())


def _print_problems(found: "Inspection") -> None:
    """What a run would stop at, or that there is nothing."""
    if not found.problems:
        click.echo("problems  none: a run can play it")
        return
    click.echo("problems: a run would stop at the first of these")
    for problem in found.problems:
        where = f" (row {problem.first_row:,} first)" if problem.first_row >= 0 else ""
        times = f"{problem.count:,} x " if problem.count > 1 else ""
        click.echo(f"  {times}{problem.what}{where}")


def _with_row(count: int, row: int) -> str:
    return f"{count:,}; first at row {row:,}" if count else "0"


def _length(ns: int) -> str:
    """A length of time for people: ``0.25s``, ``3m 50s``, ``2h 0m``."""
    seconds = ns / 1e9
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes}m {int(seconds) % 60}s"
    return f"{minutes // 60}h {minutes % 60}m"
