"""From the bytes of a frame to JSON, under bounds that hold before anything is built; shared by all venues.

Two ways in. Market data (most frames) goes through a typed decoder, which refuses wrong types by itself. All else,
and above all what concerns orders and money, goes through `strict_json`, which in addition refuses an object that
says one key twice: which of two quantities counts must not depend on whose parser reads them.

Both are preceded by `checked`: size, then nesting. A typed decoder still walks through the fields that it ignores,
so a frame of 100,000 brackets would exhaust the stack in either.
"""

import json
import re
from typing import Final, TypeVar

import msgspec

from tickwright.adapters.bad_message import BadMessage, shown

DEPTH_MAX: Final = 32

_MISTYPED: Final = re.compile(
    r"(?:Object missing required field `(?P<missing>\w+)`|Expected (?P<expected>.+?)(?:, got (?P<received>.+?))?)"
    r"(?: - at `\$(?P<path>.*)`)?",
    re.DOTALL,
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_SKELETON_DROPS: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"\\')
_BRACKETS_DROPS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_QUICK_ROUNDS: Final = DEPTH_MAX // 2


T = TypeVar("T")


class Numeral:
    """A JSON number that is no plain integer, kept as its text. No field takes one; ignored fields may hold one."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def checked(frame: str | bytes, size_max: int) -> bytes:
    """The bytes of a frame, after its size, its encoding and its nesting have been looked at.

    Raises:
        BadMessage: more than `size_max` bytes, not UTF-8, or more than `DEPTH_MAX` levels of brackets.
    """
    if len(frame) > size_max:
        raise BadMessage("frame", f"at most {size_max} bytes", f"{len(frame)}")
    try:
        if isinstance(frame, str):
            data = frame.encode()
        else:
            data = frame
            data.decode()
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        raise BadMessage("frame", "UTF-8", error.reason) from None
    if len(data) > size_max:
        raise BadMessage("frame", f"at most {size_max} bytes", f"{len(data)}")
    if not _shallow(data):
        _check_depth(data)
    return data


def _shallow(data: bytes) -> bool:
    """Whether the nesting is certainly within bounds, told in a few passes that run in C.

    Only brackets and quotes are kept. Without a bracket inside a string, quotes stand in pairs between brackets; an
    odd run betrays one and leaves a quote behind. Then each round takes away at most two levels.
    """
    rest = data.translate(None, _SKELETON_DROPS).replace(b'""', b"")
    if b'"' in rest or b"\\" in rest:
        return False
    for _ in range(_QUICK_ROUNDS):
        if not rest:
            return True
        rest = rest.replace(b"[]", b"").replace(b"{}", b"")
    return not rest


def _check_depth(data: bytes) -> None:
    depth = 0
    for byte in _STRING.sub(b"", data).translate(None, _BRACKETS_DROPS):
        depth += 1 if byte in b"[{" else -1
        if depth > DEPTH_MAX:
            raise BadMessage("frame", f"at most {DEPTH_MAX} levels of brackets", "more")


def strict_json(data: bytes) -> object:
    """Any JSON out of `checked` bytes, in which no object says a key twice.

    Integers of up to 30 digits become `int`, all other numbers a `Numeral`.

    Raises:
        BadMessage: malformed text (NaN and Infinity included), or a key said twice, which it names.
    """
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
        value: object = _DECODER.decode(data.decode())
    except (msgspec.DecodeError, json.JSONDecodeError) as error:
        raise malformed(error) from None
    if b"\\u" in data:
        _check_surrogates(value)
    return value


def malformed(error: Exception, topic: str = "") -> BadMessage:
    """What a JSON parser's refusal is called here."""
    return BadMessage("frame", "JSON", str(error), topic)


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadMessage(shown(twice), "each key once", f"it {names.count(twice)} times")
    return found


def _no_constant(text: str) -> object:
    raise BadMessage("frame", "JSON", text)


def _integer(text: str) -> int | Numeral:
    return int(text) if _NUMBER.fullmatch(text) else Numeral(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=Numeral, parse_int=_integer
)


def _check_surrogates(value: object) -> None:
    """Refuse half of a surrogate pair: such text cannot be written down anywhere."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                try:
                    text.encode()
                except UnicodeEncodeError as error:
                    raise BadMessage("frame", "text without lone surrogates", error.reason) from None
            case dict(found):
                waiting += [*found, *found.values()]
            case list(found):
                waiting += found
            case _:
                pass


def typed(data: object, shape: type[T], topic: str, root: str = "d") -> T:
    """Data of `strict_json` as the shape of a message, nothing coerced; `root` is what its fields are called below.

    Raises:
        BadMessage: naming the field, the type expected and the type received.
    """
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise mistyped(error, topic, root) from None


def mistyped(error: msgspec.ValidationError, topic: str, root: str = "d") -> BadMessage:
    """What the typed decoder's refusal is called here: ``Expected `str`, got `int` - at `$.p` `` names d.p."""
    match = _MISTYPED.fullmatch(str(error))
    if match is None:
        return BadMessage(root, "its documented shape", str(error), topic)
    field = root + (match["path"] or "")
    if match["missing"]:
        return BadMessage(f"{field}.{match['missing']}", "it", "nothing", topic)
    return BadMessage(field, match["expected"], match["received"] or "something else", topic)
