"""``tickwright replay``: run a recorded run again, and prove it equal or name the first difference."""

from pathlib import Path

import click

from tickwright.commands.options import json_option, print_json


@click.command()
@click.argument("run")
@click.option("--runs", default="runs", show_default=True, metavar="FOLDER", help="Where run folders lie.")
@click.option("--until", "until", metavar="N|TIME", help="Stop before the input of a number, or of a time (UTC).")
@click.option("--break", "at", metavar="WHAT", help="Stop at event=N, order=ID, code=CODE or state=STATE.")
@click.option("--debug", is_flag=True, help="Step into the strategy's handlers there, with Python's debugger.")
@json_option
@click.pass_context
def replay(
    ctx: click.Context, run: str, runs: str, until: str | None, at: str | None, debug: bool, as_json: bool
) -> None:
    """Run RUN again, and hold everything that it decides against what was recorded.

    RUN is a run folder or its name: a backtest, or a run in paper or live that was captured (`capture: true`). Ends
    with 0 where all is equal, with 7 at the first difference, which is shown with both sides.

    With --until or --break it stops there, before anything is done, and shows how the run stands. With --debug the
    strategy's handlers are entered there: `n` and `s` step, `p` prints, `c` goes on, `q` has enough.
    """
    from tickwright.cli import DIFFERENT, DONE
    from tickwright.replayed import replayed
    from tickwright.stopping import Stop

    if until is not None and at is not None:
        raise click.UsageError("expected --until or --break, received both")
    stop = Stop.until(until) if until is not None else Stop.of(at) if at is not None else None
    told = replayed(run, Path(runs), stop, debug)
    if as_json:
        print_json(told.data)
    else:
        click.echo(told.text)
    ctx.exit(DONE if told.equal else DIFFERENT)
