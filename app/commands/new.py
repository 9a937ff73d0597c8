"""``tickwright new strategy``: the three files that a strategy starts with."""

import keyword
import re
from importlib.resources import files
from pathlib import Path

import click

from tickwright.commands.options import json_option, print_json

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@click.group()
def new() -> None:
    """Write the files of something new."""


@new.command()
@click.argument("name")
@click.option("--dir", "folder", type=click.Path(file_okay=False, path_type=Path), default=".", help="Where to write.")
@json_option
def strategy(name: str, folder: Path, as_json: bool) -> None:
    """Write NAME.py, NAME.yaml and test_NAME.py; existing files are never replaced."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise click.UsageError(f"expected a name of small letters, digits and _ such as my_maker, got {name!r}")
    made = {folder / target: text for target, text in texts(name).items()}
    for path in made:
        if path.exists():
            raise click.UsageError(f"expected no file at {path}, got one (it stays as it is)")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in made.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    if as_json:
        print_json({"files": [str(path) for path in made]})
        return
    for path in made:
        click.echo(path)
    click.echo(f"next: tickwright run {folder / f'{name}.yaml'}", err=True)


def texts(name: str) -> dict[str, str]:
    """The text of each file by its name."""
    form = "".join(part.capitalize() for part in name.split("_") if part)
    filled = {}
    for template, target in (
        ("strategy.py", f"{name}.py"),
        ("strategy.yaml", f"{name}.yaml"),
        ("test.py", f"test_{name}.py"),
    ):
        text = files("tickwright").joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
        filled[target] = text.replace("@NAME@", name).replace("@CLASS@", form)
    return filled
