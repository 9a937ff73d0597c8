"""Reads one YAML file into plain located nodes, and refuses what two YAML readers could take for two different things.

A number in a trading config must mean one thing. YAML 1.1 reads ``no`` as false, ``012`` as ten and ``12:30:45`` as
45045; YAML 1.2 does not. So nothing is guessed here: ruamel.yaml (pure Python, YAML 1.2) gives the stream of parse
events, and every scalar keeps its own text, whether it was quoted, and its line. What a text means is decided
where it is used (`tickwright.scalars`), by the type that is wanted there.

The events, rather than loaded objects, are read because they still show tags, anchors, aliases and repeated keys,
all of which are refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from tickwright.engine.errors import TickwrightError

SIZE_MAX: Final = 1 << 20
"""Bytes of one config file: a thousand instruments with every key stated take a quarter of it."""
DEPTH_MAX: Final = 32
"""Levels of nesting: the config itself needs six."""
PARSED_MAX: Final = 64
"""Levels after which parsing stops: what it costs grows with the square of them."""

_STACKED: Final = re.compile(rf"(?m)^[^\"'#\n]*?(?:[\[{{]\s*+){{{PARSED_MAX}}}[\[{{]")
"""Brackets upon brackets outside comments and quotes."""

Path_ = tuple[str, ...]


@frozen
class Place:
    """Where something was said: a file and line, ``--set``, or a Python mapping (``config``)."""

    source: str
    line: int = 0
    path: Path_ = ()

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source

    def under(self, key: str) -> "Place":
        return Place(self.source, self.line, (*self.path, key))


@frozen
class Scalar:
    """One value as it was written. ``quoted`` is true for anything but a plain scalar."""

    place: Place
    text: str
    quoted: bool = False


@define
class Listing:
    place: Place
    items: list["Node"] = field(factory=list)


@define
class Table:
    """A mapping in the order of the file; ``places`` says where each key stands."""

    place: Place
    items: dict[str, "Node"] = field(factory=dict)
    places: dict[str, Place] = field(factory=dict)

    def put(self, key: str, place: Place, value: "Node") -> None:
        self.items[key] = value
        self.places[key] = place


Node = Scalar | Listing | Table


@frozen
class Fault:
    """One thing that is wrong; its text is one line, ``file:line: path: message``."""

    place: Place
    message: str

    def __str__(self) -> str:
        shown = ".".join(self.place.path)
        line = f"{self.place}: {shown}: {self.message}" if shown else f"{self.place}: {self.message}"
        return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


class ConfigError(TickwrightError):
    """A config that cannot be used: ``faults`` in the order of the file, each one line as text."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def read_file(path: Path) -> Table:
    """The document in a file.

    Raises:
        ConfigError: unreadable, larger than 1 MiB, not UTF-8, or refused by `read_text`.
    """
    source = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise ConfigError([Fault(Place(source), f"expected a readable file, got: {error.strerror}")]) from None
    if len(raw) > SIZE_MAX:
        raise ConfigError([Fault(Place(source), f"expected at most {SIZE_MAX} bytes, got more")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"expected UTF-8 text, got byte 0x{raw[error.start]:02x}"
        raise ConfigError([Fault(Place(source, line), found)]) from None
    return read_text(text, source)


def read_text(text: str, source: str) -> Table:
    """The document in a text; ``source`` names it in messages.

    Raises:
        ConfigError: bad YAML, or YAML with tags, anchors, aliases, merges, directives, repeated keys, more than
            one document, or anything but a mapping at the top.
    """
    node = _Builder(Place(source, 1)).build(text)
    if not isinstance(node, Table):
        raise ConfigError([Fault(Place(source, node.place.line), f"expected a mapping, got {describe(node)}")])
    return node


def read_value(text: str, place: Place) -> Node:
    """The node that a value typed on the command line means; it is read as YAML, on behalf of ``place``."""
    return _Builder(place, fixed=True).build(text)


def read_mapping(value: Mapping[str, Any], source: str = "config") -> Table:
    """The document that a Python mapping stands for: numbers may be int, Decimal, float (its repr) or text."""
    node = _from_python(value, Place(source))
    assert isinstance(node, Table)
    return node


def describe(node: Node) -> str:
    """What was found, short enough for an error line."""
    match node:
        case Table():
            return "a mapping"
        case Listing():
            return "a list"
        case Scalar(text="", quoted=False):
            return "nothing"
        case Scalar(text=text):
            return repr(text if len(text) <= 40 else text[:37] + "...")


def _from_python(value: object, place: Place) -> Node:
    if len(place.path) > DEPTH_MAX:
        raise ConfigError([Fault(place, f"expected at most {DEPTH_MAX} levels, got more")])
    match value:
        case Mapping():
            table = Table(place)
            for key, item in value.items():
                if not isinstance(key, str):
                    raise ConfigError([Fault(place, f"expected keys of type str, got {key!r}")])
                table.put(key, place.under(key), _from_python(item, place.under(key)))
            return table
        case bool():
            return Scalar(place, "true" if value else "false")
        case str() | Path():
            return Scalar(place, str(value), quoted=True)
        case int() | Decimal():
            return Scalar(place, str(value))
        case float():
            return Scalar(place, repr(value))
        case None:
            return Scalar(place, "")
        case list() | tuple():
            return Listing(place, [_from_python(item, place.under(str(i))) for i, item in enumerate(value)])
    got = type(value).__name__
    raise ConfigError([Fault(place, f"expected text, a number, true, false, a list or a mapping, got {got}")])


class _Builder:
    """Builds nodes from ruamel's parse events; stops at the first thing that makes the rest unreadable."""

    def __init__(self, place: Place, fixed: bool = False) -> None:
        self.origin = place
        self.fixed = fixed
        self.faults: list[Fault] = []

    def build(self, text: str) -> Node:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        if stacked := _STACKED.search(text):
            raise ConfigError([self._too_deep(text.count("\n", 0, stacked.end()))])
        try:
            # Taken as a list, so that what ruamel itself refuses is known before the tree is built.
            self.events = iter(list(self._shallow(YAML(typ="rt", pure=True).parse(StringIO(text)))))
        except YAMLError as error:
            raise ConfigError([self._bad_yaml(error)]) from None
        node = self._document()
        if self.faults:
            raise ConfigError(self.faults)
        return node

    def _shallow(self, events: Iterable[Any]) -> Iterator[Any]:
        """The events as they are parsed, as long as they are not nested beyond all measure."""
        depth = 0
        for event in events:
            kind = type(event).__name__
            depth += kind in ("MappingStartEvent", "SequenceStartEvent")
            if depth > PARSED_MAX:
                raise ConfigError([self._too_deep(event.start_mark.line)])
            depth -= kind in ("MappingEndEvent", "SequenceEndEvent")
            yield event

    def _too_deep(self, line: int) -> Fault:
        place = self.origin if self.fixed else Place(self.origin.source, line + 1)
        return Fault(place, f"expected at most {DEPTH_MAX} levels, got more")

    def _place(self, event: Any, path: Path_) -> Place:
        line = 0 if self.fixed else event.start_mark.line + 1
        return Place(self.origin.source, line, path)

    def _bad_yaml(self, error: Any) -> Fault:
        mark = getattr(error, "problem_mark", None)
        line = 0 if self.fixed else (mark.line + 1 if mark else 1)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        if "'\\t'" in problem:
            problem = "a tab (indent with spaces)"
        elif problem.startswith("could not determine a constructor"):
            problem = "a tag"
        place = Place(self.origin.source, line, self.origin.path if self.fixed else ())
        return Fault(place, f"expected YAML, got: {problem}")

    def _document(self) -> Node:
        node: Node | None = None
        for event in self.events:
            match type(event).__name__:
                case "DocumentStartEvent":
                    if node is not None:
                        raise ConfigError([Fault(self._place(event, ()), "expected one document, got a second")])
                    if event.version or event.tags:
                        raise ConfigError([Fault(self._place(event, ()), "expected no directive, got one")])
                case "StreamStartEvent" | "StreamEndEvent" | "DocumentEndEvent" | "CommentEvent":
                    pass
                case _:
                    node = self._node(event, self.origin.path)
        if node is None:
            node = Scalar(self.origin, "")
        return node

    def _node(self, event: Any, path: Path_) -> Node:
        place = self._place(event, path)
        kind = type(event).__name__
        if len(path) > DEPTH_MAX:
            raise ConfigError([Fault(place, f"expected at most {DEPTH_MAX} levels, got more")])
        if kind == "AliasEvent":
            self.faults.append(Fault(place, f"expected a value, got an alias (*{event.anchor}); write it out"))
            return Scalar(place, "")
        if event.anchor is not None:
            self.faults.append(Fault(place, f"expected a value, got an anchor (&{event.anchor}); remove it"))
        if event.tag is not None:
            self.faults.append(Fault(place, f"expected a value without a tag, got {event.tag}"))
        if kind == "ScalarEvent":
            return Scalar(place, event.value, quoted=event.style is not None)
        return self._listing(place) if kind == "SequenceStartEvent" else self._table(place)

    def _listing(self, place: Place) -> Listing:
        listing = Listing(place)
        for event in self.events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            listing.items.append(self._node(event, (*place.path, str(len(listing.items)))))
        return listing

    def _table(self, place: Place) -> Table:
        table = Table(place)
        for event in self.events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key = self._node(event, place.path)
            name = self._key(key)
            at = Place(key.place.source, key.place.line, (*place.path, name))
            if name in table.items:
                before = table.places[name].line
                self.faults.append(Fault(at, f"expected each key once, got a second (first at line {before})"))
            table.put(name, at, self._node(next(self.events), at.path))
        return table

    def _key(self, key: Node) -> str:
        from tickwright.scalars import ambiguous

        if not isinstance(key, Scalar):
            self.faults.append(Fault(key.place, f"expected a text key, got {describe(key)}"))
            return "?"
        if key.text == "<<" and not key.quoted:
            self.faults.append(Fault(key.place, "expected a key, got a merge (<<); write the keys out"))
        elif not key.quoted and ambiguous(key.text):
            self.faults.append(Fault(key.place, f"expected a text key, got {describe(key)} (quote it)"))
        return key.text
