"""``--set key.path=value``: a value on the command line takes the place of one in the document.

Instrument ids have dots themselves, so a path is matched from the left against the keys that could stand there: at
every level the longest known key wins, and only where none is known the next dot ends the key.
"""

from collections.abc import Iterable
from typing import Final

from tickwright.document import ConfigError, Listing, Node, Place, Table, describe, read_value
from tickwright.kinds import Reading

SOURCE: Final = "--set"

NAMING: Final = (
    ("instruments",),
    ("data", "tapes"),
    ("data", "warmup"),
    ("risk", "instruments"),
    ("account", "positions"),
)
"""Mappings whose keys are instrument ids."""


def apply(table: Table, overrides: Iterable[str], reading: Reading) -> None:
    """Put each override into the document; what cannot be applied is noted as a fault."""
    for override in overrides:
        name, sign, text = override.partition("=")
        if not sign or not name.strip():
            reading.refuse(Place(SOURCE), f"expected key.path=value, got {override!r}")
            continue
        _put(table, name.strip(), text, reading)


def _put(table: Table, name: str, text: str, reading: Reading) -> None:
    ids = instrument_ids(table)
    rest = name
    while True:
        word = _next_key(table, rest, ids)
        place = Place(SOURCE, path=(*table.place.path, word))
        rest = rest[len(word) + 1 :]
        if not rest:
            break
        inner = table.items.get(word)
        if inner is None:
            inner = Table(place)
            table.put(word, place, inner)
        if not isinstance(inner, Table):
            reading.refuse(place, f"expected a mapping to set {rest!r} in, got {describe(inner)}")
            return
        table = inner
    try:
        table.put(word, place, read_value(text, place))
    except ConfigError as error:
        reading.faults.extend(error.faults)


def _next_key(table: Table, rest: str, ids: frozenset[str]) -> str:
    known = (word for word in {*table.items, *ids} if rest == word or rest.startswith(f"{word}."))
    return max(known, key=len, default=rest.partition(".")[0])


def instrument_ids(table: Table) -> frozenset[str]:
    """All ids that the document names, wherever it names them first."""
    found: set[str] = set()
    for path in NAMING:
        node: Node | None = table
        for word in path:
            node = node.items.get(word) if isinstance(node, Table) else None
        found |= node.items.keys() if isinstance(node, Table) else set()
    strategies = table.items.get("strategies")
    for strategy in strategies.items.values() if isinstance(strategies, Table) else ():
        listed = strategy.items.get("instruments") if isinstance(strategy, Table) else None
        if isinstance(listed, Listing):
            found |= {item.text for item in listed.items if not isinstance(item, Table | Listing)}
    return frozenset(found)
