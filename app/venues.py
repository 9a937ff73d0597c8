"""The ``venues`` section: what every venue has, what its adapter adds, and where its adapter's declaration is found.

An adapter is named as a strategy is: by its name, if it ships with Tickwright or is installed; ``package.module:NAME``
from the import path; or ``./file.py:NAME`` relative to the YAML file. Each leads to an `Adapter`, which declares the
keys that it takes beside the common ones; they stand in the same mapping, typed alike.
"""

# ruff: noqa: RUF009 - `key` makes an attrs field, which is made anew for each class

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from tickwright.document import Node, Place, Scalar, Table
from tickwright.engine.adapter import Adapter, Setting
from tickwright.kinds import (
    BAD,
    COUNT,
    DECIMAL,
    Choice,
    Duration,
    Kind,
    ListOf,
    Number,
    Reading,
    Schema,
    Section,
    Text,
    Truth,
    key,
    nearest,
)
from tickwright.loading import PluginError, module_of
from tickwright.secrets import CREDENTIALS, SecretRef

GROUP: Final = "tickwright.adapters"
SIM: Final = Adapter(name="sim")
"""The simulated venue: no live market of its own, nothing to set."""
_OURS: Final = {
    "powertrade": "tickwright.adapters.powertrade.settings:POWERTRADE",
    "tdx": "tickwright.adapters.tdx.settings:TDX",
}


@frozen(kw_only=True)
class Fees:
    """Fractions of traded value; a negative maker fee is a rebate."""

    maker: Decimal = key(DECIMAL, "Fee of a resting order, a fraction of its value; may be negative.", Decimal(0))
    taker: Decimal = key(DECIMAL, "Fee of an order that takes, a fraction of its value.", Decimal(0))


@frozen(kw_only=True)
class Local:
    """A venue of this kind served on this machine for the run; it makes the credentials, too."""

    seed: int = key(COUNT, "Seed of its random markets.", 0)
    pairs: tuple[str, ...] = key(ListOf(Text("a pair such as BTC/CHF")), "What it lists; empty: its own choice.", ())
    faults: str | None = key(Text("a path"), "A script of faults, beside this file.", None)


@frozen
class LocalKind:
    section: Section = Section(Local)
    expected: str = "true, or a mapping with seed, pairs or faults"

    def read(self, node: Node, reading: Reading) -> Any:
        if isinstance(node, Table):
            return self.section.read(node, reading)
        if isinstance(node, Scalar) and not node.quoted and node.text in ("true", "false"):
            reading.note(node)
            return Local() if node.text == "true" else None
        return reading.expected(node, self.expected)

    def show(self, value: Any) -> Any:
        return self.section.show(value)

    def schema(self) -> Schema:
        return {"anyOf": [Truth().schema(), self.section.schema()]}


@frozen(kw_only=True)
class Venue:
    """One venue. ``declaration`` is what its adapter says of itself; ``settings`` what that asks for, with defaults."""

    adapter: str = key(
        Text("an adapter's name, package.module:NAME or ./file.py:NAME"),
        "The adapter: the name of one that is installed (sim, tdx, powertrade), package.module:NAME or ./file.py:NAME.",
    )
    fees: Fees = key(Section(Fees), "Fees of this venue (backtest, paper).", Fees)
    url: str | None = key(Text("a WebSocket address (wss://...)"), "Its WebSocket; by default the adapter's.", None)
    http_url: str | None = key(Text("an HTTP address (https://...)"), "Its REST; by default the adapter's.", None)
    allow_insecure_loopback: bool = key(Truth(), "Allow ws:// and http:// to this machine.", False)
    credentials: dict[str, SecretRef] = key(
        CREDENTIALS, "Secrets for the venue itself: ${env:NAME} or ${file:PATH}. Sent to its listed hosts alone.", dict
    )
    local_credentials: dict[str, SecretRef] = key(
        CREDENTIALS, "The same for a venue on this machine. Sent to loopback alone.", dict
    )
    local: Local | None = key(LocalKind(), "Serve a venue of this kind on this machine for the run, and use it.", None)
    declaration: Adapter | None = None
    settings: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Endpoint:
    """Where a venue is reached: both addresses, whether they are this machine's, and whether without TLS."""

    url: str
    http_url: str
    loopback: bool
    insecure: bool


def host_of(url: str) -> str:
    """The host of an address, in small letters; nothing where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def endpoint(venue: Venue) -> Endpoint | None:
    """Where a venue is reached; None for one that is simulated, or served for the run."""
    adapter = venue.declaration
    if adapter is None or not adapter.url or venue.local is not None:
        return None
    url, http_url = venue.url or adapter.url, venue.http_url or adapter.http_url
    insecure = not url.startswith("wss:") or not http_url.startswith("https:")
    return Endpoint(url=url, http_url=http_url, loopback=is_loopback(host_of(url)), insecure=insecure)


def adapters() -> tuple[str, ...]:
    """The names of all adapters that a config may name."""
    return (SIM.name, *_OURS, *(name for name in _installed() if name not in _OURS))


@cache
def _installed() -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}


def declared(use: str, base: Path | None = None) -> Adapter | None:
    """What an adapter says of itself; None where none of that name is installed. Files are relative to `base`.

    Raises:
        PluginError: it does not import, or is no `Adapter`.
    """
    if use == SIM.name:
        return SIM
    if use in _OURS:
        use = _OURS[use]
    elif use in _installed():
        use = _installed()[use].value
    target, colon, name = use.rpartition(":")
    if not colon:
        return None
    found = vars(module_of(target, base or Path())).get(name)
    if not isinstance(found, Adapter):
        raise PluginError(f"expected an Adapter at {use}, got {'none' if found is None else type(found).__name__}")
    return found


def kind_of(setting: Setting) -> Kind:
    """How a setting is read."""
    told = {"expected": setting.expected} if setting.expected else {}
    match setting.kind:
        case "choice":
            return Choice(setting.words)
        case "truth":
            return Truth(**told)
        case "duration":
            return Duration(**told)
        case "count":
            return Number(setting.expected or COUNT.expected, low=0, whole=True)
        case "decimal":
            return Number(setting.expected or DECIMAL.expected)
    return Text(**{"pattern": setting.pattern, **told})


@frozen
class VenueKind:
    """A `Venue`: the common keys, and those of its adapter beside them."""

    section: Section = Section(Venue, "a mapping with adapter")
    expected: str = "a mapping with adapter"

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Table):
            return reading.expected(node, self.expected)
        named = node.items.get("adapter")
        adapter = self._adapter(named, reading) if isinstance(named, Scalar) else None
        common = self.section.kinds()
        own = {setting.name: setting for setting in (adapter.settings if adapter else ())}
        ours = {name: item for name, item in node.items.items() if name in common}
        for name in node.items:
            # Of an adapter that nobody knows, nobody knows the keys.
            if name not in common and name not in own and adapter is not None:
                near = nearest(name, (*common, *own))
                reading.refuse(node.places[name], f"expected a known key, got {name!r}{near}")
        venue = self.section.read(Table(node.place, ours, node.places), reading)
        settings = {name: self._setting(setting, node, reading) for name, setting in own.items()}
        return evolve(venue, declaration=adapter, settings=settings)

    def _adapter(self, named: Scalar, reading: Reading) -> Adapter | None:
        try:
            adapter = declared(named.text, reading.base)
        except PluginError as error:
            reading.refuse(named.place, str(error))
            return None
        if adapter is None:
            near = nearest(named.text, adapters())
            wanted = f"an installed adapter ({', '.join(adapters())}), package.module:NAME or ./file.py:NAME"
            reading.refuse(named.place, f"expected {wanted}, got {named.text!r}{near}")
        return adapter

    def _setting(self, setting: Setting, node: Table, reading: Reading) -> Any:
        if setting.name in node.items:
            return kind_of(setting).read(node.items[setting.name], reading)
        if setting.default is not None:
            path = (*node.place.path, setting.name)
            reading.origins[path] = Place("default", path=path)
        return setting.default

    def show(self, value: Any) -> Any:
        shown = self.section.show(value)
        adapter = value.declaration
        where = endpoint(value)
        if where is not None:
            shown |= {"url": where.url, "http_url": where.http_url}
        for setting in adapter.settings if adapter else ():
            held = value.settings.get(setting.name)
            if held is not None and held is not BAD:
                shown[setting.name] = kind_of(setting).show(held)
        return shown

    def schema(self) -> Schema:
        schema = self.section.schema()
        properties = schema["properties"]
        for name in adapters():
            adapter = declared(name)
            for setting in adapter.settings if adapter else ():
                about = f"{setting.about} ({name})"
                one = {**kind_of(setting).schema(), "description": about}
                if setting.default is not None:
                    one["default"] = setting.default
                before = properties.get(setting.name)
                properties[setting.name] = one if before is None else either(before, one)
        return schema


def either(first: Schema, second: Schema) -> Schema:
    """The schema of a key that two adapters declare, each in its own way."""
    shapes = [{k: v for k, v in one.items() if k not in ("description", "default")} for one in (first, second)]
    if shapes[0] == shapes[1]:
        return first
    return {"anyOf": shapes, "description": f"{first['description']} {second['description']}"}


VENUE: Final = VenueKind()
