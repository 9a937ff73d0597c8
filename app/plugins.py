"""Finds the class of a strategy or a check by the text of ``use``, and makes it, a strategy with its params.

Three forms: the name of an entry point in the group ``tickwright.strategies`` or ``tickwright.checks``;
``package.module:Class`` from the ordinary import path; ``./file.py:Class`` relative to the YAML file.

A file's folder is never put on ``sys.path``: a ``random.py`` beside a strategy would then replace the standard
library's for the whole process. Instead the file is loaded under a private name, as a module of a private package
whose folder is the file's own, so that ``from .signals import x`` finds a sibling and nothing else changes.
"""

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final

from attrs import frozen

from tickwright.config import Config, StrategySpec
from tickwright.document import ConfigError, Fault, Place
from tickwright.engine.errors import TickwrightError
from tickwright.kinds import Reading, default_of, nearest
from tickwright.params import param_fields, read_params, show_param
from tickwright.risk.check import Check

GROUP: Final = "tickwright.strategies"
CHECKS: Final = "tickwright.checks"
MISSPELT: Final = 0.85
"""How like a handler's name another must be to be taken for a slip: `on_books` is, `on_quote` is not."""


class PluginError(TickwrightError):
    """A strategy or a check that cannot be loaded or made; the text is one line that says why."""


@frozen
class Loaded:
    """A strategy's class and the params to make it with; ``origins`` says where each param came from."""

    name: str
    form: type[Any]
    params: dict[str, Any]
    origins: dict[str, str]
    place: Place

    def shown(self) -> list[tuple[str, str, str]]:
        """Name, value and origin of every param, those left to the class included."""
        rows = []
        for name, attribute in param_fields(self.form).items():
            value = self.params.get(name, default_of(attribute))
            rows.append((name, show_param(attribute, value), self.origins.get(name, "default")))
        return rows

    def create(self) -> Any:
        """A new strategy.

        Raises:
            ConfigError: its class refuses the params (an attrs validator, for one).
        """
        try:
            with user_code(f"{self.form.__name__} refused its params"):
                return self.form(**self.params)
        except PluginError as error:
            raise ConfigError([Fault(self.place, str(error))]) from error.__cause__


def load_strategies(config: Config, root: type[Any] | None = None) -> dict[str, Loaded]:
    """Every strategy of a config, in its order, each class imported and its params typed.

    ``root`` is the class that strategies derive from, `tickwright.strategies.base.Strategy` by default.

    Raises:
        ConfigError: one line for each strategy that cannot be loaded and for each param that is wrong.
    """
    root = root or importlib.import_module("tickwright.strategies.base").Strategy
    reading = Reading()
    found: dict[str, Loaded] = {}
    for name, spec in config.strategies.items():
        loaded = _load_one(config, name, spec, root, reading)
        if loaded is not None:
            found[name] = loaded
    if reading.faults:
        raise ConfigError(reading.ordered())
    return found


def _load_one(config: Config, name: str, spec: StrategySpec, root: type[Any], reading: Reading) -> Loaded | None:
    path = ("strategies", name)
    place = config.place((*path, "use"))
    try:
        form = find(spec.use, config.base, root)
    except PluginError as error:
        reading.refuse(place, str(error))
        return None
    for fault in handler_faults(form, root):
        reading.refuse(place, fault)
    at = spec.params.place if spec.params is not None else Place(place.source, place.line, (*path, "params"))
    own = Reading()
    params = read_params(form, spec.params, at, own)
    reading.faults.extend(own.faults)
    origins = {inner[len(at.path)]: str(said) for inner, said in own.origins.items()}
    return Loaded(name, form, params, origins, at)


def handler_faults(form: type[Any], root: type[Any]) -> Iterator[str]:
    """What is wrong with a strategy's handlers: one that is asynchronous, or named nearly like one that there is."""
    known = [name for name in dir(root) if name.startswith("on_")]
    for name in dir(form):
        if name in (*known, "save", "load"):
            if inspect.iscoroutinefunction(getattr(form, name)) or inspect.isasyncgenfunction(getattr(form, name)):
                where = "slow work goes to background()"
                yield f"{form.__name__}.{name}: expected a plain method, got an async one; {where}"
        elif name.startswith("on_") and (near := difflib.get_close_matches(name, known, n=1, cutoff=MISSPELT)):
            yield f"{form.__name__}.{name}: nothing calls it (did you mean {near[0]!r}?)"


def load_checks(config: Config) -> tuple[Check, ...]:
    """The user's own checks of orders, in the order of the config, each made without arguments.

    Raises:
        ConfigError: one line for each that cannot be loaded or made.
    """
    checks: list[Check] = []
    faults = []
    for use in config.checks:
        try:
            form = find(use, config.base, CHECK)
            with user_code(f"{form.__name__} cannot be made"):
                checks.append(form())
        except PluginError as error:
            faults.append(Fault(config.place(("checks",)), str(error)))
    if faults:
        raise ConfigError(faults)
    return tuple(checks)


@frozen
class Sort:
    """What is looked for: what people call it, what a class of it is, and which ones installed packages offer."""

    noun: str
    nouns: str
    wanted: str
    fits: Callable[[type[Any]], bool]
    offered: Callable[[], dict[str, EntryPoint]]


def strategy_sort(root: type[Any]) -> Sort:
    """Strategies: what derives from `root`."""
    wanted = f"a subclass of {root.__name__}"
    return Sort("strategy", "strategies", wanted, lambda form: issubclass(form, root) and form is not root, installed)


CHECK: Final = Sort(
    noun="check",
    nouns="checks",
    wanted="a class with check(order, view)",
    fits=lambda form: callable(getattr(form, "check", None)),
    offered=lambda: installed(CHECKS),
)


def find(use: str, base: Path, sort: Sort | type[Any]) -> type[Any]:
    """The class that ``use`` names; a class as `sort` means strategies that derive from it.

    Raises:
        PluginError: nothing of that name, code that does not import, or a class that is no such thing.
    """
    sort = sort if isinstance(sort, Sort) else strategy_sort(sort)
    target, colon, name = use.rpartition(":")
    if not colon:
        return _checked(_from_entry_point(use, sort), use, sort)
    if target.endswith(".py") or "/" in target or "\\" in target:
        module = _from_file(base / Path(target).expanduser(), target)
    else:
        module = _from_import_path(target)
    form = vars(module).get(name)
    if form is None:
        candidates = [text for text, value in vars(module).items() if _own(value, module, sort)]
        listed = ", ".join(candidates) or "none"
        raise PluginError(f"expected a class {name} in {target}, got none ({sort.nouns} there: {listed})")
    return _checked(form, use, sort)


def _own(value: object, module: ModuleType, sort: Sort) -> bool:
    return isinstance(value, type) and sort.fits(value) and value.__module__ == module.__name__


def _checked(form: object, use: str, sort: Sort) -> type[Any]:
    if not (isinstance(form, type) and sort.fits(form)):
        shown = f"class {form.__name__}" if isinstance(form, type) else type(form).__name__
        raise PluginError(f"expected {sort.wanted} at {use}, got {shown}")
    return form


def installed(group: str = GROUP) -> dict[str, EntryPoint]:
    """The strategies (or what else the group holds) that installed packages offer, by name, in order."""
    return {point.name: point for point in sorted(entry_points(group=group))}


def _from_entry_point(name: str, sort: Sort) -> object:
    known = sort.offered()
    if name not in known:
        near = nearest(name, known)
        form = f"an installed {sort.noun}, package.module:Class or ./file.py:Class, got {name!r}{near}"
        raise PluginError(f"expected {form}")
    with user_code(f"{known[name].value} does not import"):
        return known[name].load()


def _from_import_path(target: str) -> ModuleType:
    with user_code(f"{target} does not import"):
        return importlib.import_module(target)


def _from_file(path: Path, shown: str) -> ModuleType:
    if not path.is_file():
        raise PluginError(f"expected a file at {shown}, got none (looked for {path})")
    path = path.resolve()
    package = "tickwright_plugin_" + hashlib.sha256(str(path.parent).encode()).hexdigest()[:12]
    if package not in sys.modules:
        spec = ModuleSpec(package, None, is_package=True)
        spec.submodule_search_locations = [str(path.parent)]
        sys.modules[package] = importlib.util.module_from_spec(spec)
    name = f"{package}.{path.stem}"
    made = importlib.util.spec_from_file_location(name, path)
    assert made is not None
    assert made.loader is not None
    module = importlib.util.module_from_spec(made)
    sys.modules[name] = module
    with user_code(f"{shown} does not import"):
        try:
            made.loader.exec_module(module)
        except BaseException:  # raised again: nothing half loaded may stay known, whatever the reason
            del sys.modules[name]
            raise
    return module


class user_code:
    """Turns whatever a user's code raises into a `PluginError` with the user's own file and line.

    ``sys.exit`` in a strategy's file counts as a failure of that file; Ctrl+C stays what it is.
    """

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PluginError) or not isinstance(error, Exception | SystemExit):
            return
        raise PluginError(f"{self.what}: {_where(error, trace)}{_what(error)}") from error


def _where(error: BaseException, trace: TracebackType | None) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: "
    frames = [frame for frame in traceback.extract_tb(trace) if not _is_ours(frame.filename)]
    return f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""


def _is_ours(filename: str) -> bool:
    """Frames that say nothing to a strategy's author: this module, the import system, generated initialisers."""
    return filename == __file__ or filename.startswith("<") or Path(filename).parent.name in ("importlib", "attr")


def _what(error: BaseException) -> str:
    text = str(error.msg if isinstance(error, SyntaxError) else error)
    first = text.strip().splitlines()[0] if text.strip() else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
