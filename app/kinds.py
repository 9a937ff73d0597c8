"""The kinds of value a config can hold: each reads a node, shows the value again, and describes itself as JSON Schema.

One `Kind` per field is the single list from which reading, messages, the resolved dump and the schema are made.

cattrs was weighed for this. Here every leaf must carry its line and origin, every error must be kept, and reading,
dumping and the schema must agree; with cattrs that takes a hook per kind, plus a translation of its exception trees
back into lines. Walking the attrs fields once is the smaller half of that.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import attrs
from attrs import define, field, frozen

from tickwright import scalars
from tickwright.document import Fault, Listing, Node, Place, Scalar, Table, describe
from tickwright.scalars import Refused


class Bad:
    """Stands where a value could not be read; its fault is noted, and no config with one is ever handed out."""

    def __repr__(self) -> str:
        return "BAD"


BAD: Final = Bad()
Schema = dict[str, Any]


@define
class Reading:
    """What one pass over a document finds: all faults, and where each resolved value came from. `base` is the folder
    that its relative paths start from."""

    base: Path = field(factory=Path)
    faults: list[Fault] = field(factory=list)
    origins: dict[tuple[str, ...], Place] = field(factory=dict)

    def note(self, node: Node) -> None:
        """Say that a value was read from this node."""
        self.origins[node.place.path] = node.place

    def refuse(self, place: Place, message: str) -> Bad:
        self.faults.append(Fault(place, message))
        return BAD

    def expected(self, node: Node, expected: str, hint: str = "") -> Bad:
        tail = f" ({hint})" if hint else ""
        return self.refuse(node.place, f"expected {expected}, got {describe(node)}{tail}")

    def ordered(self) -> list[Fault]:
        """The faults in the order of the file, each once."""
        return list(dict.fromkeys(sorted(self.faults, key=lambda fault: (fault.place.line == 0, fault.place.line))))


class Kind(Protocol):
    @property
    def expected(self) -> str: ...

    def read(self, node: Node, reading: Reading) -> Any: ...

    def show(self, value: Any) -> Any: ...

    def schema(self) -> Schema: ...


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _read_scalar(kind: Kind, node: Node, reading: Reading, reader: Callable[[Scalar, str], Any]) -> Any:
    if not isinstance(node, Scalar):
        return reading.expected(node, kind.expected)
    try:
        value = reader(node, kind.expected)
    except Refused as refused:
        return reading.expected(node, refused.expected, refused.hint)
    reading.note(node)
    return value


@frozen
class Number:
    """An exact decimal within bounds. ``low`` itself is allowed unless ``above`` is set."""

    expected: str = "a decimal"
    low: int | None = None
    above: bool = False
    high: int | None = None
    whole: bool = False

    def read(self, node: Node, reading: Reading) -> Any:
        value = _read_scalar(self, node, reading, scalars.integer if self.whole else scalars.number)
        if value is BAD:
            return BAD
        low = self.low is not None and (value < self.low or (self.above and value == self.low))
        if low or (self.high is not None and value > self.high):
            return reading.expected(node, self.expected)
        return value

    def show(self, value: Any) -> Any:
        return int(value) if self.whole else scalars.show_number(value)

    def schema(self) -> Schema:
        bounds: Schema = {}
        if self.low is not None:
            bounds["exclusiveMinimum" if self.above else "minimum"] = self.low
        if self.high is not None:
            bounds["maximum"] = self.high
        pattern = scalars.INTEGER if self.whole else scalars.NUMBER
        return {"type": ["integer" if self.whole else "number", "string"], "pattern": f"^{pattern}$", **bounds}


@frozen
class Truth:
    expected: str = "true or false"

    def read(self, node: Node, reading: Reading) -> Any:
        return _read_scalar(self, node, reading, scalars.truth)

    def show(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


@frozen
class Text:
    expected: str = "text"
    pattern: str = r"[^\x00-\x1f\x7f]+"

    def read(self, node: Node, reading: Reading) -> Any:
        value = _read_scalar(self, node, reading, scalars.text)
        if value is not BAD and not re.fullmatch(self.pattern, value):
            return reading.expected(node, self.expected)
        return value

    def show(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{self.pattern}$"}


@frozen
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        *most, last = self.words
        return f"{', '.join(most)} or {last}" if most else last

    def read(self, node: Node, reading: Reading) -> Any:
        if isinstance(node, Scalar) and node.text in self.words:
            reading.note(node)
            return node.text
        hint = nearest(node.text, self.words)[2:-1] if isinstance(node, Scalar) else ""
        return reading.expected(node, self.expected, hint)

    def show(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


@frozen
class Duration:
    """Nanoseconds from a text such as ``5ms``."""

    expected: str = "a duration such as 5ms, 250us or 1s"

    def read(self, node: Node, reading: Reading) -> Any:
        return _read_scalar(self, node, reading, scalars.duration)

    def show(self, value: Any) -> Any:
        return scalars.show_duration(value)

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "string", "pattern": f"^({scalars.DURATION}|0)$"}, {"const": 0}]}


@frozen
class UtcTime:
    """Nanoseconds since 1970 from a text such as ``2024-08-09T00:00:00Z``."""

    expected: str = "a UTC time such as 2024-08-09T00:00:00Z"

    def read(self, node: Node, reading: Reading) -> Any:
        return _read_scalar(self, node, reading, scalars.utc_time)

    def show(self, value: Any) -> Any:
        return scalars.show_utc_time(value)

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{scalars.UTC_TIME}$"}


@frozen
class ListOf:
    item: Kind
    least: int = 0

    @property
    def expected(self) -> str:
        return f"a list, each {self.item.expected}"

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Listing) or len(node.items) < self.least:
            return reading.expected(node, self.expected, "at least one" if isinstance(node, Listing) else "")
        values = [self.item.read(item, reading) for item in node.items]
        good = [value for value in values if value is not BAD]
        for item, value in zip(node.items, values, strict=True):
            if value is not BAD and good.count(value) > 1:
                reading.refuse(item.place, f"expected each item once, got {describe(item)} again")
                break
        for item in node.items:
            reading.origins.pop(item.place.path, None)
        reading.note(node)
        return tuple(good)

    def show(self, value: Any) -> Any:
        return [self.item.show(item) for item in value]

    def schema(self) -> Schema:
        return {"type": "array", "items": self.item.schema(), "minItems": self.least, "uniqueItems": True}


@frozen
class MapOf:
    """A mapping with keys that people choose, each fitting ``key``."""

    key: Text
    value: Kind
    least: int = 0

    @property
    def expected(self) -> str:
        return f"a mapping from {self.key.expected} to {self.value.expected}"

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Table) or len(node.items) < self.least:
            return reading.expected(node, self.expected, "at least one" if isinstance(node, Table) else "")
        values = {}
        for key, item in node.items.items():
            if not re.fullmatch(self.key.pattern, key):
                reading.refuse(node.places[key], f"expected {self.key.expected} as the key, got {key!r}")
                continue
            values[key] = self.value.read(item, reading)
        return values

    def show(self, value: Any) -> Any:
        return {key: self.value.show(value[key]) for key in sorted(value)}

    def schema(self) -> Schema:
        names = {"propertyNames": {"pattern": f"^{self.key.pattern}$"}}
        return {"type": "object", "additionalProperties": self.value.schema(), "minProperties": self.least, **names}


def key(kind: Kind, about: str, default: Any = attrs.NOTHING) -> Any:
    """An attrs field read by ``kind``. Without a default the key is required; None as default means "not there"."""
    metadata = {"kind": kind, "about": about}
    if callable(default):
        return field(factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def default_of(attribute: "attrs.Attribute[Any]") -> Any:
    made: Any = attribute.default
    return made.factory() if type(made).__name__ == "Factory" else made


@frozen
class Section:
    """A mapping with known keys: the fields of an attrs class made with `key`."""

    form: type[Any]
    expected: str = "a mapping"

    def kinds(self) -> Mapping[str, "attrs.Attribute[Any]"]:
        return {a.name: a for a in attrs.fields(self.form) if "kind" in a.metadata}

    def read(self, node: Node, reading: Reading) -> Any:
        """The section. Where a value is bad the instance holds `BAD`, so that the other checks still run."""
        if not isinstance(node, Table):
            return reading.expected(node, self.expected)
        known = self.kinds()
        for name in (name for name in node.items if name not in known):
            reading.refuse(node.places[name], f"expected a known key, got {name!r}{nearest(name, known)}")
        values = {}
        for name, attribute in known.items():
            if name in node.items:
                values[name] = attribute.metadata["kind"].read(node.items[name], reading)
            elif attribute.default is attrs.NOTHING:
                wanted = attribute.metadata["kind"].expected
                values[name] = reading.refuse(node.place.under(name), f"expected {wanted}, got nothing")
            else:
                values[name] = default_of(attribute)
                note_defaults(attribute.metadata["kind"], values[name], (*node.place.path, name), reading)
        return self.form(**values)

    def show(self, value: Any) -> Any:
        shown = {}
        for name, attribute in self.kinds().items():
            held = getattr(value, name)
            if held is not None:
                shown[name] = attribute.metadata["kind"].show(held)
        return shown

    def schema(self) -> Schema:
        properties = {}
        required = []
        for name, attribute in self.kinds().items():
            kind = attribute.metadata["kind"]
            properties[name] = {**kind.schema(), "description": attribute.metadata["about"]}
            if attribute.default is attrs.NOTHING:
                required.append(name)
            elif (default := default_of(attribute)) is not None:
                properties[name]["default"] = kind.show(default)
        shape: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**shape, "required": required} if required else shape


def note_defaults(kind: Kind, value: Any, path: tuple[str, ...], reading: Reading) -> None:
    """Say "default" for every leaf of a value that nobody wrote."""
    if value is None:
        return
    if isinstance(kind, Section):
        for name, attribute in kind.kinds().items():
            note_defaults(attribute.metadata["kind"], getattr(value, name), (*path, name), reading)
    elif not isinstance(value, dict):
        reading.origins[path] = Place("default", path=path)


DECIMAL: Final = Number()
POSITIVE: Final = Number("a positive decimal", low=0, above=True)
NOT_NEGATIVE: Final = Number("a decimal of at least 0", low=0)
FRACTION: Final = Number("a decimal from 0 to 1", low=0, high=1)
COUNT: Final = Number("an integer of at least 0", low=0, whole=True)
POSITIVE_COUNT: Final = Number("a positive integer", low=0, above=True, whole=True)
SLUG: Final = Text("a name of letters, digits, _ and - (at most 64)", r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
CURRENCY: Final = Text("a currency such as USDT", r"[A-Z][A-Z0-9]{0,15}")
INSTRUMENT_ID: Final = Text("an instrument id such as BTCUSDT.BINANCE", r"[^\s\x00-\x1f\x7f]{1,320}\.[A-Z0-9_-]{1,32}")
VENUE_KEY: Final = Text("a venue name in small letters such as binance", r"[a-z0-9][a-z0-9_-]{0,31}")
