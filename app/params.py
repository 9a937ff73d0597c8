"""A strategy's params: the fields of its attrs class, each read strictly by its annotated type.

Fields that begin with an underscore or are ``init=False`` belong to the framework or to the strategy itself and are
not params.
"""

import types
import typing
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import attrs
from attrs import field, frozen

from tickwright.document import Listing, Node, Place, Scalar, Table
from tickwright.kinds import BAD, Choice, Kind, Number, Reading, Schema, Text, Truth, nearest

NOTHING_WORD: Final = "none"


def read_params(form: type[Any], params: Table | None, place: Place, reading: Reading) -> dict[str, Any]:
    """The arguments to make ``form`` with, defaults left to the class; faults go to ``reading``."""
    given = params.items if params is not None else {}
    try:
        known = param_fields(form)
    except TypeError as error:
        reading.refuse(place, str(error))
        return {}
    for name in (name for name in given if name not in known):
        assert params is not None
        near = nearest(name, known)
        reading.refuse(params.places[name], f"expected a parameter of {form.__name__}, got {name!r}{near}")
    values = {}
    for name, attribute in known.items():
        try:
            kind = kind_of(attribute.type)
        except TypeError as error:
            if name in given:
                reading.refuse(given[name].place, f"expected a parameter of a type that YAML can hold, got {error}")
            continue
        if name in given:
            values[name] = kind.read(given[name], reading)
        elif attribute.default is attrs.NOTHING:
            reading.refuse(place.under(name), f"expected {kind.expected} (required by {form.__name__}), got nothing")
    return values


def param_fields(form: type[Any]) -> "dict[str, attrs.Attribute[Any]]":
    """The params that a strategy class takes, by name.

    Raises:
        TypeError: the class has annotations but is no attrs class, or an annotation that cannot be resolved.
    """
    if not attrs.has(form):
        if any(not name.startswith("_") for name in vars(form).get("__annotations__", {})):
            raise TypeError(f"expected @define(kw_only=True) above class {form.__name__}, got a plain class")
        return {}
    own = vars(form)
    if "__attrs_attrs__" not in own and any(not name.startswith("_") for name in own.get("__annotations__", {})):
        raise TypeError(f"expected @define(kw_only=True) above class {form.__name__}, got a plain class")
    try:
        form = attrs.resolve_types(form)
    except (NameError, AttributeError) as error:
        raise TypeError(f"expected annotations of {form.__name__} that can be resolved, got: {error}") from None
    return {a.name: a for a in attrs.fields(form) if a.init and not a.name.startswith("_")}


def show_param(attribute: "attrs.Attribute[Any]", value: Any) -> str:
    """A param's value as text; a default of some other type by its repr."""
    try:
        shown = kind_of(attribute.type).show(value)
    except (TypeError, ValueError, AttributeError, StopIteration):
        shown = repr(value)
    return str(shown).lower() if isinstance(shown, bool) else str(shown)


def kind_of(annotation: Any) -> Kind:
    """The kind that reads an annotated type.

    Raises:
        TypeError: a type that a YAML value cannot stand for; the text names it.
    """
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal and all(isinstance(word, str) for word in arguments):
        return Choice(arguments)
    if origin in (typing.Union, types.UnionType):
        inner = [kind_of(one) for one in arguments if one is not type(None)]
        if len(inner) == 1 and len(arguments) == 2:
            return Maybe(inner[0])
    if origin is list and arguments:
        return Items(kind_of(arguments[0]), list)
    if origin is tuple and arguments:
        if arguments[-1] is Ellipsis:
            return Items(kind_of(arguments[0]), tuple)
        return Fixed(tuple(kind_of(one) for one in arguments))
    raise TypeError(annotation.__name__ if isinstance(annotation, type) else str(annotation))


@frozen
class Real:
    """A float, from the same texts as a decimal."""

    expected: str = "a number"

    def read(self, node: Node, reading: Reading) -> Any:
        value = Number(self.expected).read(node, reading)
        return BAD if value is BAD else float(value)

    def show(self, value: Any) -> Any:
        return repr(value)

    def schema(self) -> Schema:
        return Number().schema()


@frozen
class Converted:
    """A choice of words, each standing for a value."""

    words: Choice
    values: Callable[[str], Any] = field(eq=False)

    @property
    def expected(self) -> str:
        return self.words.expected

    def read(self, node: Node, reading: Reading) -> Any:
        word = self.words.read(node, reading)
        return BAD if word is BAD else self.values(word)

    def show(self, value: Any) -> Any:
        return next(word for word in self.words.words if self.values(word) == value)

    def schema(self) -> Schema:
        return self.words.schema()


def _enum(form: type[Enum]) -> Kind:
    """By value where the values are text, else by name in either case."""
    if all(isinstance(member.value, str) for member in form):
        return Converted(Choice(tuple(member.value for member in form)), form)
    names = {name.lower(): member for name, member in form.__members__.items()}
    return Converted(Choice(tuple(names)), names.__getitem__)


@frozen
class Maybe:
    """A value or the word ``none``."""

    inner: Kind

    @property
    def expected(self) -> str:
        return f"{self.inner.expected} or none"

    def read(self, node: Node, reading: Reading) -> Any:
        if isinstance(node, Scalar) and node.text == NOTHING_WORD and not node.quoted:
            reading.note(node)
            return None
        return self.inner.read(node, reading)

    def show(self, value: Any) -> Any:
        return NOTHING_WORD if value is None else self.inner.show(value)

    def schema(self) -> Schema:
        return {"anyOf": [self.inner.schema(), {"const": NOTHING_WORD}]}


@frozen
class Items:
    """A list of any length, repeats allowed."""

    item: Kind
    form: type[list[Any]] | type[tuple[Any, ...]]

    @property
    def expected(self) -> str:
        return f"a list, each {self.item.expected}"

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Listing):
            return reading.expected(node, self.expected)
        reading.note(node)
        return self.form(self.item.read(item, reading) for item in node.items)

    def show(self, value: Any) -> Any:
        return [self.item.show(item) for item in value]

    def schema(self) -> Schema:
        return {"type": "array", "items": self.item.schema()}


@frozen
class Fixed:
    """A list of as many items as the annotation has."""

    kinds: tuple[Kind, ...]

    @property
    def expected(self) -> str:
        return f"a list of {len(self.kinds)}: {', '.join(kind.expected for kind in self.kinds)}"

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Listing) or len(node.items) != len(self.kinds):
            return reading.expected(node, self.expected)
        reading.note(node)
        return tuple(kind.read(item, reading) for kind, item in zip(self.kinds, node.items, strict=True))

    def show(self, value: Any) -> Any:
        return [kind.show(item) for kind, item in zip(self.kinds, value, strict=True)]

    def schema(self) -> Schema:
        items = [kind.schema() for kind in self.kinds]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


_PLAIN: Final[dict[Any, Kind]] = {
    Decimal: Number(),
    int: Number("an integer", whole=True),
    float: Real(),
    bool: Truth(),
    str: Text(),
}
