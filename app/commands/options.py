"""What several verbs share: their arguments, and how a result is printed."""

import json
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, redirect_stdout
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def config_argument(command: Command) -> Command:
    return click.argument("config", type=click.Path(dir_okay=False, path_type=str))(command)


def set_option(command: Command) -> Command:
    about = "Put VALUE in the place of a config value; may be repeated."
    return click.option("--set", "overrides", metavar="KEY.PATH=VALUE", multiple=True, help=about)(command)


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def prints_to_stderr() -> AbstractContextManager[Any]:
    """For the while that a strategy's own code runs: what it prints is talk, and stdout is for the result."""
    return redirect_stdout(sys.stderr)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_columns(rows: Iterable[tuple[str, ...]], err: bool = False) -> None:
    """Rows as columns that are as wide as they need to be."""
    rows = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), err=err)
