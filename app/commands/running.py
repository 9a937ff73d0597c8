"""``tickwright status``, ``stop``, ``kill`` and ``rearm``: verbs for a run that goes on elsewhere.

RUN is its config, its state folder or its run folder. The verbs speak to the process over the control socket.
"""

import getpass
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from tickwright.commands.options import json_option, print_json

if TYPE_CHECKING:
    from tickwright.state import StateFolder

LEVELS: Final = ("strategy", "instrument", "venue", "global")
STOP_WAIT_S: Final = 20.0
"""A stop takes ten seconds at most, and then some to write the results."""


def run_argument(command: Any) -> Any:
    return click.argument("run", metavar="RUN", type=click.Path(path_type=str))(command)


def operator() -> str:
    """Who types, for the record."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return f"user {os.getuid()} (command line)"


def scope(level: str, name: str) -> str:
    """Check that level and name go together, and give the level."""
    if level == "global" and name:
        raise click.UsageError(f"expected no --name with --level global, got {name!r}")
    if level != "global" and not name:
        raise click.UsageError(f"expected --name with --level {level}, got none")
    return level


@click.command()
@run_argument
@json_option
@click.option("--watch", is_flag=True, help="Keep showing it until it ends or Ctrl+C.")
@click.pass_context
def status(ctx: click.Context, run: str, as_json: bool, watch: bool) -> None:
    """Show how RUN stands. Ends with 1 and one line if it is not running.

    RUN is the run's config, its state folder or its run folder. With --watch and --json, one JSON line a second.
    """
    from tickwright.control_client import ControlClient
    from tickwright.shown import text
    from tickwright.state import find_state

    with ControlClient(find_state(run)) as client:
        if watch:
            _watch(client, as_json)
            return
        shown = client.ask("status")["snapshot"]
    if as_json:
        print_json(shown)
    else:
        click.echo(text(shown))


def _watch(client: Any, as_json: bool) -> None:
    import json

    from tickwright.shown import one_line, panel

    if as_json or not sys.stdout.isatty():
        for shown in client.follow(1):
            click.echo(json.dumps(shown) if as_json else one_line(shown))
        return
    from rich.live import Live

    try:
        with Live(auto_refresh=False) as live:
            for shown in client.follow(4):
                live.update(panel(shown), refresh=True)
    except KeyboardInterrupt:
        return
    click.echo("tickwright: the run has ended", err=True)


@click.command()
@run_argument
@click.option("--reason", default="asked to stop", show_default=True, help="For the record.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Return when the process has ended.")
@json_option
@click.pass_context
def stop(ctx: click.Context, run: str, reason: str, wait: bool, as_json: bool) -> None:
    """End RUN in order: no new orders, its own cancelled and verified, everything written down.

    Ends with the run's own exit code: 3 if orders may be left, which are listed. Ends with 1 if nothing runs, if it
    has not ended within 20 s, or if it ended without a summary.
    """
    from tickwright.control_client import ControlClient
    from tickwright.state import find_state

    folder = find_state(run)
    ended = False
    with ControlClient(folder) as client:
        run_folder = folder_of(client)
    with ControlClient(folder) as client:
        client.ask("stop", reason=reason, by=operator())
        begun = time.monotonic()
        ended = wait and client.wait_for_end(STOP_WAIT_S)
    while ended and folder.holder():
        # The socket goes first, the journal last.
        if time.monotonic() - begun > STOP_WAIT_S:
            ended = False
            break
        time.sleep(0.05)
    code, left = how_it_ended(run_folder) if ended else (None, [])
    if as_json:
        print_json({"ok": True, "ended": ended, "exit_code": code, "left": left})
    if not ended:
        click.echo(f"tickwright: {run}: stopping", err=True)
        ctx.exit(1 if wait else 0)
    if code is None:
        where = f" in {run_folder}" if run_folder else ""
        click.echo(f"tickwright: {run}: ended without a summary{where}; orders may be left", err=True)
        ctx.exit(1)
    click.echo(f"tickwright: {run}: stopped{f', exit code {code}' if code else ''}", err=True)
    for order in left:
        click.echo(f"tickwright: may be left at the venue: {order}", err=True)
    ctx.exit(code)


def folder_of(client: Any) -> str:
    """The run folder of a running process; empty where it does not say, which must not keep it from being stopped."""
    from tickwright.engine.errors import TickwrightError

    try:
        return str(client.ask("status")["snapshot"].get("run_folder", ""))
    except TickwrightError:
        return ""


def how_it_ended(run_folder: str) -> tuple[int | None, list[str]]:
    """The exit code of a run that has ended, and the orders it left; no code where it left no summary."""
    import json
    from pathlib import Path

    from tickwright.commands.run import code_of

    try:
        summary = json.loads((Path(run_folder) / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, []
    return summary["exit_code"] or code_of(summary["status"]), summary["left"]


@click.command()
@run_argument
@click.option("--level", type=click.Choice(LEVELS), default="global", show_default=True, help="What it covers.")
@click.option("--name", default="", help="The strategy, instrument or venue.")
@click.option(
    "--mode",
    type=click.Choice(("pause", "cancel", "flatten")),
    default="cancel",
    show_default=True,
    help="No new orders; cancel all, too; then close positions, too.",
)
@click.option("--reason", required=True, help="For the record.")
@json_option
@click.pass_context
def kill(ctx: click.Context, run: str, level: str, name: str, mode: str, reason: str, as_json: bool) -> None:
    """Kill RUN or a part of it, at once, until it is rearmed. The process goes on and watches.

    If RUN is not running, or does not answer, the KILL file in its state folder is written: the kill then holds from
    the next start on, and reaches a process that is merely slow.
    """
    from tickwright.control_client import ControlClient, NoAnswer, NotRunning
    from tickwright.kill_file import KillOrder, write_kill
    from tickwright.state import find_state

    told = {"level": scope(level, name), "name": name, "mode": mode, "reason": checked(reason), "by": operator()}
    folder = state_to_kill(run, find_state)
    what = f"{level} {name}".rstrip()
    try:
        with ControlClient(folder) as client:
            client.ask("kill", **told)
    except (NotRunning, NoAnswer) as error:
        write_kill(folder, KillOrder(**told))
        running = isinstance(error, NoAnswer)
        if as_json:
            print_json({"ok": not running, "latched": False, "file": str(folder.kill_file), "error": str(error)})
        if running:
            click.echo(f"tickwright: {error}", err=True)
            click.echo(f"tickwright: written to {folder.kill_file}: NOT KNOWN to hold yet", err=True)
            ctx.exit(1)
        click.echo(f"tickwright: not running; {what} is killed from the next start on ({folder.kill_file})", err=True)
        return
    if as_json:
        print_json({"ok": True, "latched": True, **told})
    click.echo(f"tickwright: killed {what} ({mode}): {reason}; it holds until it is rearmed", err=True)


def state_to_kill(run: str, find: Any) -> "StateFolder":
    """The state folder, made where a config's run never started: its kill is to hold at the first start, too."""
    from pathlib import Path

    from tickwright.state import StateError, StateFolder, state_of_config

    try:
        found = find(run)
    except StateError:
        if Path(run).is_dir():
            raise
        return StateFolder.make(state_of_config(Path(run)))
    assert isinstance(found, StateFolder)
    return found


def checked(reason: str) -> str:
    if not reason.strip() or len(reason) > 500:
        raise click.UsageError("expected a --reason of 1 to 500 characters, got none or more")
    return reason.strip()


@click.command()
@run_argument
@click.option("--level", type=click.Choice(LEVELS), default="global", show_default=True, help="What was killed.")
@click.option("--name", default="", help="The strategy, instrument or venue.")
@click.option("--reason", required=True, help="Why it is safe again; for the record.")
@click.option("--yes", is_flag=True, help="Do not ask; for where no terminal is.")
@json_option
def rearm(run: str, level: str, name: str, reason: str, yes: bool, as_json: bool) -> None:
    """Take a kill of RUN away, so that what it covered trades again. Asks to type its name.

    Only a running process can be rearmed: start it, it starts killed, look at it, then rearm.
    """
    from tickwright.control_client import ControlClient
    from tickwright.state import find_state

    told = {"level": scope(level, name), "name": name, "reason": checked(reason), "by": operator()}
    folder = find_state(run)
    with ControlClient(folder) as client:
        shown = client.ask("status")["snapshot"]
    latched = [one for one in shown["latches"] if (one["level"], one["name"]) == (level, name)]
    # Where nothing is latched, the process says so; nobody types for nothing.
    if latched and not yes:
        confirm(name or level, latched[0])
    with ControlClient(folder) as client:
        client.ask("rearm", **told)
    if as_json:
        print_json({"ok": True, **told})
    click.echo(f"tickwright: rearmed {level} {name}".rstrip() + f": {reason}", err=True)


def confirm(word: str, latch: dict[str, Any]) -> None:
    """Have the word typed that names what is rearmed."""
    from tickwright.shown import clean

    if not sys.stdin.isatty():
        raise click.UsageError("expected --yes where there is no terminal to ask on")
    click.echo(f"killed by {clean(latch['by'])} at {clean(latch['ts'])}: {clean(latch['reason'])}", err=True)
    typed = click.prompt(f"type {word} to rearm", default="", show_default=False, err=True)
    if typed != word:
        raise click.ClickException(f"expected {word!r}, got {typed!r}: nothing was changed")


@click.command("adopt-position")
@run_argument
@click.argument("venue")
@click.argument("asset")
@click.option("--reason", required=True, help="Where the difference comes from; for the record.")
@json_option
def adopt_position(run: str, venue: str, asset: str, reason: str, as_json: bool) -> None:
    """Take VENUE's word for what the account of RUN holds of ASSET, after a POSITION_MISMATCH.

    A deposit, a withdrawal, or trading elsewhere: it is booked as a transfer, no trade is invented, and the
    instruments that were reduce-only because of it trade again.
    """
    from tickwright.control_client import ControlClient
    from tickwright.state import find_state

    told = {"venue": venue.upper(), "asset": asset, "reason": checked(reason), "by": operator()}
    with ControlClient(find_state(run)) as client:
        client.ask("adopt", **told)
    if as_json:
        print_json({"ok": True, **told})
    click.echo(f"tickwright: adopted what {venue.upper()} holds of {asset}: {reason}", err=True)
