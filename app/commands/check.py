"""``tickwright check``: load, validate, import the strategies, and show what the run would be."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tickwright.commands.options import json_option, print_columns, print_json, prints_to_stderr, set_option

if TYPE_CHECKING:
    from tickwright.config import Config
    from tickwright.plugins import Loaded


@click.command()
@click.argument("config", required=False, type=click.Path(dir_okay=False, path_type=str))
@set_option
@json_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of configs instead.")
def check(config: str | None, overrides: tuple[str, ...], as_json: bool, schema: bool) -> None:
    """Validate CONFIG, import its strategies, open its tapes; print every value and where it came from.

    Ends with 0 if the config can be run, with 2 and one line an error if not.
    """
    from tickwright.build import join, open_tapes
    from tickwright.config import json_schema, load
    from tickwright.plugins import load_checks, load_strategies

    if schema:
        print_json(json_schema())
        return
    if config is None:
        raise click.UsageError("expected CONFIG or --schema, got neither")
    loaded = load(config, overrides)
    with prints_to_stderr():
        strategies = load_strategies(loaded)
        own = load_checks(loaded)
        if loaded.mode == "backtest":
            join(loaded, open_tapes(loaded, {}), strategies, own)
        else:
            for strategy in strategies.values():
                strategy.create()
    checks = [f"{type(one).__module__}:{type(one).__qualname__}" for one in own]
    rows = list(_rows(loaded, strategies))
    if as_json:
        print_json(_answer(loaded, strategies, checks, rows))
        return
    print_columns(rows)
    click.echo(f"{config}: {loaded.mode} {loaded.name}, config {loaded.hash8}: can be run", err=True)


def _answer(
    config: "Config", strategies: "dict[str, Loaded]", checks: list[str], rows: list[tuple[str, str, str]]
) -> dict[str, Any]:
    classes = {name: f"{one.form.__module__}:{one.form.__qualname__}" for name, one in strategies.items()}
    return {
        "ok": True,
        "name": config.name,
        "mode": config.mode,
        "hash8": config.hash8,
        "classes": classes,
        "checks": checks,
        "config": config.resolved(),
        "origins": {path: origin for path, _, origin in rows},
    }


def _rows(config: "Config", strategies: "dict[str, Loaded]") -> Iterator[tuple[str, str, str]]:
    """Path, value and origin of everything, the params' defaults included."""
    for path, value in _leaves(config.resolved(), ()):
        if len(path) < 4 or path[0] != "strategies" or path[2] != "params":
            yield ".".join(path), value, config.origin(path)
    for name, loaded in strategies.items():
        for param, value, origin in loaded.shown():
            yield f"strategies.{name}.params.{param}", value, origin


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        yield path, f"[{', '.join(str(item) for item in value)}]"
    else:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)
