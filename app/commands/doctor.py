"""``tickwright doctor``: could this config run from here, now?"""

from functools import partial
from typing import TYPE_CHECKING, Final

import click

from tickwright.commands.options import (
    config_argument,
    json_option,
    print_columns,
    print_json,
    prints_to_stderr,
    set_option,
)

if TYPE_CHECKING:
    from tickwright.doctor import Finding

SHOWN: Final = {"ok": "ok", "warn": "WARN", "fail": "FAIL", "skip": "-"}


@click.command()
@config_argument
@set_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, config: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check everything that a run of CONFIG needs, without trading: limits, secrets, disk, venue, clock, instruments.

    Ends with 0 if nothing failed, else with 1. `tickwright live` makes the same checks before it starts.
    """
    from tickwright.cli import DONE, FAILED
    from tickwright.doctor import healthy

    found = checked(config, overrides)
    if as_json:
        rows = [{"check": one.check, "status": one.status, "text": one.text} for one in found]
        print_json({"ok": healthy(found), "findings": rows})
    else:
        show(found)
    ctx.exit(DONE if healthy(found) else FAILED)


def checked(config: str, overrides: tuple[str, ...]) -> "list[Finding]":
    """What there is to find, a config that does not load included."""
    import trio

    from tickwright.config import load
    from tickwright.doctor import FAIL, Finding, ask_wire, examine
    from tickwright.document import ConfigError

    try:
        loaded = load(config, overrides)
    except ConfigError as error:
        return [Finding("config", FAIL, str(fault)) for fault in error.faults]
    with prints_to_stderr():
        return trio.run(partial(examine, loaded, asked=ask_wire))


def show(found: "list[Finding]", err: bool = False) -> None:
    """The findings as columns, whatever a venue wrote shown as text."""
    from tickwright.shown import clean

    print_columns([(one.check, SHOWN[one.status], clean(one.text, 400)) for one in found], err=err)
