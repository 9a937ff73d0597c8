"""``tickwright replay``: run a recorded run again, and prove it equal or name the first difference."""

from pathlib import Path

import click

from tickwright.commands.options import json_option, print_json


@click.command()
@click.argument("run")
@click.option("--runs", default="runs", show_default=True, metavar="FOLDER", help="Where run folders lie.")
@json_option
@click.pass_context
def replay(ctx: click.Context, run: str, runs: str, as_json: bool) -> None:
    """Run RUN again, and hold everything that it decides against what was recorded.

    RUN is a run folder or its name: a backtest, or a run in paper or live that was captured (`capture: true`). Ends
    with 0 where all is equal, with 7 at the first difference, which is shown with both sides.
    """
    from tickwright.cli import DIFFERENT, DONE
    from tickwright.replayed import replayed

    told = replayed(run, Path(runs))
    if as_json:
        print_json(told.data)
    else:
        click.echo(told.text)
    ctx.exit(DONE if told.equal else DIFFERENT)
