"""``tickwright venue serve``: a local exchange that speaks a real venue's protocol, on loopback."""

import importlib
import json
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import fields_dict
from click.core import ParameterSource

from tickwright.cli import DONE
from tickwright.commands.options import json_option

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

OPTIONS: Final = {"pairs": "--pair", "market": "--market", "rate": "--rate", "tape": "--tape"}
"""What a venue calls a value, and the option that gives it."""


@click.group()
def venue() -> None:
    """Run a local exchange that speaks a real venue's protocol."""


@venue.command()
@click.argument("name")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any that is free.")
@click.option("--accounts", type=click.IntRange(1, 100), default=1, show_default=True, help="How many clients.")
@click.option("--pair", "pairs", metavar="SYMBOL", multiple=True, help="What is listed; may be repeated.")
@click.option("--market", type=click.Choice(["random", "none", "tape"]), help="Who trades beside them.")
@click.option("--tape", type=click.Path(dir_okay=False), default="", help="The recording of --market tape.")
@click.option("--rate", type=float, help="Orders per second of the random market in each pair.")
@click.option("--instruments", type=click.Path(dir_okay=False), help="What is listed, in JSON, where a venue takes it.")
@click.option("--credentials", type=click.Path(dir_okay=False), help="Fixed keys, in JSON, where a venue takes them.")
@click.option("--faults", type=click.Path(dir_okay=False), help="A script of faults, in YAML.")
@click.option("--seed", type=int, help="Of the market and the faults; drawn where not given.")
@click.option("--switch", "switches", metavar="NAME=VALUE", multiple=True, help="A behaviour; may be repeated.")
@json_option
@click.pass_context
def serve(
    ctx: click.Context,
    /,
    name: str,
    port: int,
    faults: str | None,
    switches: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Serve the local venue of an adapter until SIGINT or SIGTERM.

    NAME is tdx, powertrade or another adapter as a config names it (package.module:NAME, ./file.py:NAME).

    Prints one line when ready: with --json, an object with the URLs and the credentials, which are made for this run.
    """
    import secrets

    import trio

    kind = local_venue(name)
    stated = {key for key in given if ctx.get_parameter_source(key) is not ParameterSource.DEFAULT}
    known = fields_dict(kind.Options)
    chosen = {key: value for key, value in given.items() if key in known and value is not None}
    for option in sorted(stated - known.keys()):
        raise click.BadParameter(f"{name} has none", param_hint=OPTIONS.get(option, f"--{option}"))
    chosen.setdefault("seed", secrets.randbits(32))
    tape = chosen.get("tape")
    if tape:
        chosen.setdefault("market", "tape")
    if chosen.get("market") == "tape" and not tape:
        raise click.UsageError("--tape: expected the recording that --market tape plays, received none")
    pairs = dict(_pair(switch) for switch in switches)
    if pairs and not hasattr(kind, "switched"):
        raise click.BadParameter(f"{name} has none", param_hint="--switch")
    with _usage("--switch "):
        switched = kind.switched(pairs) if pairs else {}
    script = read_faults(faults, given["seed"])
    with _usage(switches=switched):
        options = kind.Options(**chosen, **switched)
        trio.run(_serve, kind, options, port, script, as_json)
    ctx.exit(DONE)


def local_venue(name: str) -> Any:
    """The module that serves the local venue of an adapter.

    Raises:
        UsageError: no such adapter, or it has no local venue.
    """
    from tickwright.loading import PluginError
    from tickwright.venues import adapters, declared

    try:
        adapter = declared(name)
    except PluginError as error:
        raise click.UsageError(str(error)) from None
    if adapter is None or not adapter.mirror:
        known = [each for each in adapters() if each != "sim"]
        wanted = f"an adapter with a local venue ({', '.join(map(repr, known))}, package.module:NAME or ./file.py:NAME)"
        raise click.UsageError(f"expected {wanted}, got {name!r}")
    return importlib.import_module(adapter.mirror)


@contextmanager
def _usage(prefix: str = "", switches: "Collection[str]" = ()) -> "Iterator[None]":
    """What a local venue cannot take is bad usage, and told by the name of the option."""
    from tickwright.adapters.local.house import OptionError
    from tickwright.adapters.tape.batch import TapeError

    try:
        yield
    except OptionError as error:
        name, colon, what = str(error).partition(":")
        shown = OPTIONS.get(name) or (f"--switch {name}" if name in switches else name)
        raise click.UsageError(f"{prefix}{shown}{colon}{what}") from None
    except TapeError as error:
        raise click.UsageError(f"--tape: {error}") from None


def read_faults(path: "str | Path | None", seed: int | None = None) -> Any:
    """The faults of a file, None for no file; a seed given beside it counts instead of the file's.

    Raises:
        ConfigError: the script cannot be used.
    """
    from attrs import evolve

    from tickwright.adapters.fault_script import ScriptError, read_script
    from tickwright.document import ConfigError, Fault, Place

    if path is None:
        return None
    try:
        script = read_script(path)
    except ScriptError as error:
        raise ConfigError(
            Fault(Place(each.source, each.line, (each.path,) if each.path else ()), each.message)
            for each in error.faults
        ) from None
    return script if seed is None else evolve(script, seed=seed)


async def _serve(kind: Any, options: Any, port: int, faults: Any, as_json: bool) -> None:
    import trio

    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with kind.serve(options, port=port, faults=faults) as running:
            told = running.announcement()
            if as_json:
                line = json.dumps(told)
            else:
                line = "  ".join(f"{key} {value}" for key, value in told.items() if isinstance(value, str))
            click.echo(line)
            async for _ in signals:
                break


def _pair(switch: str) -> tuple[str, str]:
    name, found, value = switch.partition("=")
    if not found:
        raise click.BadParameter(f"expected NAME=VALUE, got {switch!r}", param_hint="--switch")
    return name, value
