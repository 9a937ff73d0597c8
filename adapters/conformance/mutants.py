"""Hostile messages made of honest ones: every field replaced, dropped, doubled and deepened, then texts broken.

The same seed makes the same mutants, so that a failure is found again.
"""

import json
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any, Final

HOSTILE: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 1.5, 10**18, 10**40, 2**63, "", "0", "-0", "-1", "1", "NaN", "Infinity", "1e999",
    "9" * 30, "9" * 40, "0." + "1" * 30, "x" * 1025, "\u0000", "\u001b[2J", "<script>", "\u0661", "none", [], {}, [[]],
    [None], ["1"], [["1", "1"]], {"error": {"message": 1}},
)  # fmt: skip
"""What stands in the place of a value."""
RAW: Final = (
    "NaN", "-Infinity", "1e999", "-0", "01", "1.", "9" * 5000, "[" * 200 + "]" * 200, '"\\ud800"', "tru", "",
)  # fmt: skip
"""The same as texts, most of which are no JSON."""
PATHS_MAX: Final = 40
"""Places in one message: a book of a hundred levels has hundreds, and they are alike."""

_DROP: Final = object()
_HOLE: Final = "\u2420hole\u2420"
_NOISE: Final = '{}[]",:\\0123456789eE+-.tfnu \u00e9\u2028\ud800'

Path = tuple[Any, ...]


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Every place in a message, from the outside in."""
    if path:
        yield path
    items: Iterable[tuple[Any, object]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield from paths(inner, (*path, key))


def mutated(value: Any, path: Path, change: object) -> Any:
    """A copy with something else at a place."""
    if not path:
        return change
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and change is _DROP:
        del copy[path[0]]
    else:
        copy[path[0]] = mutated(copy[path[0]], path[1:], change)
    return copy


def by_structure(original: Any, also: Iterable[object] = ()) -> Iterator[str]:
    """The mutants of a message that differ from it in one place; `also` are hostile values of this venue."""
    whole = json.dumps(original)
    for path in list(paths(original))[:PATHS_MAX]:
        for value in (*HOSTILE, *also, _DROP):
            yield json.dumps(mutated(original, path, value))
        holed = json.dumps(mutated(original, path, _HOLE))
        for raw in RAW:
            yield holed.replace(json.dumps(_HOLE), raw)
        if isinstance(path[-1], str):
            name = json.dumps(path[-1])
            yield whole.replace(f"{name}: ", f'{name}: "1", {name}: ', 1)


def broken(text: str, other: str, random: Random) -> str | bytes:
    """A text with a piece cut off, cut out, twice, foreign, of another text, or with a bit turned over."""
    pick, size = random.random, len(text) + 1
    at, to = sorted((int(pick() * size), int(pick() * size)))
    match int(pick() * 6):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + text[to:]
        case 2:
            return text[:to] + text[at:]
        case 3:
            return text[:at] + random.choice(_NOISE) + text[at:]
        case 4:
            return text[:at] + other[at:]
        case _:
            data = bytearray(text.encode("utf-8", "surrogatepass"))
            if data:
                data[int(pick() * len(data))] ^= 1 << int(pick() * 8)
            return bytes(data)
