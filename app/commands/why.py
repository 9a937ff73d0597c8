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
    """Tell what happened to CLIENT_ORDER_ID in RUN (a run folder, or its name), and why.

    Every risk check is listed with what it measured, what was allowed, and how much was left.
    """
    from tickwright.controls import controls, read_limits
    from tickwright.reports.run_folder import RunFolder
    from tickwright.reports.why import why as tell

    folder = RunFolder.open(run, Path(runs))
    story = tell(folder, client_order_id, controls, read_limits(folder.path))
    if as_json:
        print_json(story.data)
    else:
        click.echo(story.text)
