"""``tickwright why``: the life of one order in plain words."""

from pathlib import Path

import click

from tickwright.commands.options import json_option, print_json


@click.command()
@click.argument("run")
@click.argument("client_order_id")
@click.option("--runs", default="runs", show_default=True, metavar="FOLDER", help="Where run folders lie.")
@json_option
def why(run: str, client_order_id: str, runs: str, as_json: bool) -> None:
    """Tell what happened to CLIENT_ORDER_ID in RUN, and why.

    RUN is a run folder or its name; of a run in paper or live also its config or its state folder. It is told from
    the run folder where that has the whole of it, else from the journal: also while the run goes on, after it was
    cut short, and across runs.

    Every risk check is listed with what it measured, what was allowed, and how much was left.
    """
    from tickwright.stories import story

    told = story(run, client_order_id, Path(runs))
    if as_json:
        print_json(told.data)
    else:
        click.echo(told.text)
