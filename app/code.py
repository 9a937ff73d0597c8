"""What the code was that decided, as hashes: a run that is repeated with other code is told so."""

import hashlib
import importlib
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from tickwright.plugins import Loaded

ROOMS: Final = ("engine", "risk", "strategies", "adapters")
OURS: Final = "tickwright"


def code_of(loaded: Mapping[str, Loaded], checks: Iterable[Any] = ()) -> dict[str, str]:
    """The SHA-256 of every strategy's and check's source, with what it imported beside it, and of ours."""
    found = {f"strategy {name}": _sum(_files(one.form)) for name, one in loaded.items()}
    found |= {f"check {type(check).__name__}": _sum(_files(type(check))) for check in checks}
    found[OURS] = _ours()
    return found


def changed(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is not what it was."""
    return [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)]


def _sum(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        try:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError:
            total.update(b"?")
    return total.hexdigest()


def _files(form: type[Any]) -> Iterator[Path]:
    try:
        source = inspect.getsourcefile(form)
    except TypeError:  # made by hand: there is no file
        source = None
    if source is None:
        return
    yield Path(source)
    package = form.__module__.rpartition(".")[0]
    if package and not package.startswith(OURS + "."):
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name.startswith(f"{package}.") and name != form.__module__ and file:
                yield Path(file)


@cache
def _ours() -> str:
    return _sum(_own())


def _own() -> Iterator[Path]:
    for room in ("", *(f".{room}" for room in ROOMS)):
        for folder in importlib.import_module(OURS + room).__path__:
            yield from sorted(Path(folder).rglob("*.py"))
