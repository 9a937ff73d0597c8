"""``tickwright new``: the files that a strategy or a venue starts with."""

import keyword
import re
import sys
from importlib.resources import files
from pathlib import Path

import click

from tickwright.commands.options import json_option, print_json

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
VENUE = re.compile(r"[a-z][a-z0-9_]{0,31}")


@click.group()
def new() -> None:
    """Write the files of something new."""


def folder_option(command: click.decorators.FC) -> click.decorators.FC:
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--dir", "folder", type=kind, default=".", help="Where to write.")(command)


@new.command()
@click.argument("name")
@folder_option
@json_option
def strategy(name: str, folder: Path, as_json: bool) -> None:
    """Write NAME.py, NAME.yaml and test_NAME.py; existing files are never replaced."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise click.UsageError(f"expected a name of small letters, digits and _ such as my_maker, got {name!r}")
    written = write({folder / target: text for target, text in texts(name).items()})
    tell(written, as_json, f"tickwright run {folder / f'{name}.yaml'}")


@new.command()
@click.argument("name")
@folder_option
@json_option
def adapter(name: str, folder: Path, as_json: bool) -> None:
    """Write the folder NAME: a whole venue with a protocol of its own, which passes the conformance kit.

    Existing files are never replaced. `pytest` in the folder runs the kit (pip install pytest).
    """
    if not VENUE.fullmatch(name) or keyword.iskeyword(name) or name in sys.stdlib_module_names:
        raise click.UsageError(
            f"expected a name of at most 32 small letters, digits and _ such as my_venue, and no module of Python's, "
            f"got {name!r}"
        )
    if (folder / name).exists():
        raise click.UsageError(f"expected no {folder / name}, got one (it stays as it is)")
    written = write({folder / name / target: text for target, text in venue_texts(name).items()})
    tell(written, as_json, f"cd {folder / name} && pytest")


def write(made: dict[Path, str]) -> list[Path]:
    """New files, all of them or none.

    Raises:
        UsageError: there is one already.
    """
    for path in made:
        if path.exists():
            raise click.UsageError(f"expected no file at {path}, got one (it stays as it is)")
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return list(made)


def tell(written: list[Path], as_json: bool, following: str) -> None:
    if as_json:
        print_json({"files": [str(path) for path in written]})
        return
    for path in written:
        click.echo(path)
    click.echo(f"next: {following}", err=True)


def class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_") if part)


def texts(name: str) -> dict[str, str]:
    """The text of each file of a strategy by its name."""
    filled = {}
    for template, target in (
        ("strategy.py", f"{name}.py"),
        ("strategy.yaml", f"{name}.yaml"),
        ("test.py", f"test_{name}.py"),
    ):
        text = files("tickwright").joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
        filled[target] = text.replace("@NAME@", name).replace("@CLASS@", class_name(name))
    return filled


def venue_texts(name: str) -> dict[str, str]:
    """The text of each file of a venue by its name."""
    words = {"@NAME@": name, "@CLASS@": class_name(name), "@CONST@": name.upper(), "@HOST@": name.replace("_", "-")}
    filled = {}
    for template in sorted(files("tickwright").joinpath("templates", "adapter").iterdir(), key=lambda each: each.name):
        text = template.read_text(encoding="utf-8")
        for word, meant in words.items():
            text = text.replace(word, meant)
        target = template.name.removesuffix(".txt")
        filled[f"test_{name}.py" if target == "test.py" else target] = text
    return filled
