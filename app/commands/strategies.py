"""``tickwright strategies``: what installed packages offer under the entry point group."""

import click

from tickwright.commands.options import json_option, print_columns, print_json


@click.group()
def strategies() -> None:
    """Look at the strategies that are installed."""


@strategies.command("list")
@json_option
def list_installed(as_json: bool) -> None:
    """List the strategies that a config may name in ``use``."""
    from tickwright.plugins import installed

    found = [(name, point.value, point.dist.name if point.dist else "") for name, point in installed().items()]
    if as_json:
        print_json([{"name": name, "class": target, "package": package} for name, target, package in found])
    elif found:
        print_columns(found)
    else:
        click.echo("no strategies are installed", err=True)
