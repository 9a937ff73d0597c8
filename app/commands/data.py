"""``tickwright data``: look at recorded market data."""

import click

from tickwright.commands.options import json_option, print_json


@click.group()
def data() -> None:
    """Look at recorded market data."""


@data.command()
@click.argument("path")
@json_option
def inspect(path: str, as_json: bool) -> None:
    """Print the span, counts, gaps, crossed books, duplicates and clock jumps of the tape at PATH.

    PATH is a .parquet, .npz or .npy file, or package:demo.
    """
    from tickwright.adapters.tape import inspect_tape

    inspection = inspect_tape(path)
    if as_json:
        print_json(inspection.as_dict())
