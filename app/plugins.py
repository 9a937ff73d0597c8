"""Finds the class of a strategy or a check by the text of ``use``, and makes it, a strategy with its params.

Three forms: the name of an entry point in the group ``tickwright.strategies`` or ``tickwright.checks``;
``package.module:Class`` from the ordinary import path; ``./file.py:Class`` relative to the YAML file.

How a module is imported is in `loading`.
"""

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from attrs import frozen

from tickwright.config import Config, StrategySpec
from tickwright.document import ConfigError, Fault, Place
from tickwright.kinds import Reading, default_of, nearest
from tickwright.loading import PluginError, module_of, user_code
from tickwright.params import param_fields, read_params, show_param
from tickwright.risk.check import Check

GROUP: Final = "tickwright.strategies"
CHECKS: Final = "tickwright.checks"
MISSPELT: Final = 0.85
"""How like a handler's name another must be to be taken for a slip: `on_books` is, `on_quote` is not."""


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
    module = module_of(target, base)
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
