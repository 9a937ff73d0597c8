"""The command line: a table of verbs, each imported only when it is asked for, so that help answers at once.

A verb is a click command in ``app/commands/<verb>.py``; a line in `VERBS` makes it known. Results go to stdout, talk
and errors to stderr. A verb ends with a `ConfigError` or another `TickwrightError`, or gives its exit code with
``ctx.exit``.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

import click

from tickwright.engine.errors import TickwrightError

DONE: Final = 0
FAILED: Final = 1
BAD_CONFIG: Final = 2
JOURNAL_REFUSED: Final = 5
NOT_RECONCILED: Final = 6
DIFFERENT: Final = 7
HALTED: Final = 8

EXIT_CODES: Final = """\b
Exit codes:
  0  done
  1  anything that is not below, an interrupted run included
  2  bad config or usage
  3  orders possibly left at a venue
  4  forced
  5  journal refused
  6  reconciliation failed
  7  differences found
  8  risk halted"""


class Verb(NamedTuple):
    """Where a verb's click command is, and its line in the help. (attrs would cost a tenth of the help's time.)"""

    target: str
    about: str


VERBS: Final[dict[str, Verb]] = {
    "adopt-position": Verb("tickwright.commands.running:adopt_position", "Take a venue's word for what is held."),
    "backtest": Verb("tickwright.commands.run:backtest", "Run a config on recorded data, whatever its own mode."),
    "check": Verb("tickwright.commands.check:check", "Validate a config; show every value and where it came from."),
    "data": Verb("tickwright.commands.data:data", "Look at recorded market data."),
    "diff": Verb("tickwright.commands.diff:diff", "Name the first difference between two runs."),
    "doctor": Verb("tickwright.commands.doctor:doctor", "Check whether a config could run from here, now."),
    "journal": Verb("tickwright.commands.journal:journal", "Prove a journal, export it, go on without a lost end."),
    "kill": Verb("tickwright.commands.running:kill", "Kill a run or a part of it, until it is rearmed."),
    "live": Verb("tickwright.commands.run:live", "Trade a config with real orders; needs its name typed."),
    "new": Verb("tickwright.commands.new:new", "Write the files of a new strategy, with a test that passes."),
    "paper": Verb("tickwright.commands.run:paper", "Run a config on a live market with simulated orders."),
    "rearm": Verb("tickwright.commands.running:rearm", "Take a kill away."),
    "replay": Verb("tickwright.commands.replay:replay", "Run a recorded run again and prove it equal."),
    "run": Verb("tickwright.commands.run:run", "Run a config in its own mode."),
    "status": Verb("tickwright.commands.running:status", "Show how a run stands."),
    "stop": Verb("tickwright.commands.running:stop", "End a run in order."),
    "strategies": Verb("tickwright.commands.strategies:strategies", "Look at the strategies that are installed."),
    "venue": Verb("tickwright.commands.venue:venue", "Run a local exchange that speaks a real venue's protocol."),
    "why": Verb("tickwright.commands.why:why", "Tell the life of one order in plain words."),
}


class Verbs(click.Group):
    """A group that knows its commands by a table and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module, _, name = verb.target.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS[name].about) for name in self.list_commands(ctx)])


@click.group(cls=Verbs, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tickwright", message="%(prog)s %(version)s")
def cli() -> None:
    """Run trading strategies: one Python file, one YAML file, the same on recorded data, on paper and live."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code."""
    try:
        code = cli.main(args=list(arguments), prog_name="tickwright", standalone_mode=False)
        sys.stdout.flush()
    except TickwrightError as error:
        return _refused(error, "--json" in arguments)
    except click.ClickException as error:
        error.show()
        return BAD_CONFIG if isinstance(error, click.UsageError) else FAILED
    except click.Abort:
        click.echo("tickwright: interrupted", err=True)
        return FAILED
    except OSError as error:
        # A pipe that nobody reads is no news. A file name comes with whatever belongs to a file; stdout has none.
        if not isinstance(error, BrokenPipeError):
            click.echo(f"tickwright: {error.filename or 'stdout'}: {error.strerror}", err=True)
        if error.filename is None:
            # Without this, Python complains once more while it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code if isinstance(code, int) else DONE


def _refused(error: TickwrightError, as_json: bool) -> int:
    import json

    from tickwright.document import ConfigError
    from tickwright.engine.chain import JournalError
    from tickwright.engine.recall import RecallError
    from tickwright.engine.wire import LoginRefused, QueryFailed

    bad_config = isinstance(error, ConfigError)
    lines = [str(fault) for fault in error.faults] if isinstance(error, ConfigError) else [str(error)]
    for line in lines:
        click.echo(line if bad_config else f"tickwright: {line}", err=True)
    if as_json:
        click.echo(json.dumps({"ok": False, "errors": lines}))
    if bad_config:
        return BAD_CONFIG
    if isinstance(error, JournalError | RecallError):
        return JOURNAL_REFUSED
    return NOT_RECONCILED if isinstance(error, LoginRefused | QueryFailed) else FAILED


def main() -> NoReturn:
    """The ``tickwright`` command."""
    sys.exit(run(sys.argv[1:]))
