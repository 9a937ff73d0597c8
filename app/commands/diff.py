"""``tickwright diff``: the first difference between two runs, and what their profits differ by."""

from pathlib import Path

import click

from tickwright.commands.options import json_option, print_json


@click.command()
@click.argument("left", metavar="RUN")
@click.argument("right", metavar="RUN")
@click.option("--runs", default="runs", show_default=True, metavar="FOLDER", help="Where run folders lie.")
@json_option
@click.pass_context
def diff(ctx: click.Context, left: str, right: str, runs: str, as_json: bool) -> None:
    """Name the first difference between two runs, and split that of their profits.

    Both are run folders or names of such. The difference is one of data, timing, decision, fill, fee or rejection.
    Ends with 0 where the runs are equal, with 7 where they differ.
    """
    from tickwright.cli import DIFFERENT, DONE
    from tickwright.compared import compared

    told = compared(left, right, Path(runs))
    if as_json:
        print_json(told.data)
    else:
        click.echo(told.text)
    ctx.exit(DONE if told.equal else DIFFERENT)
