"""What strategies remember from one run to the next: given back before `on_start`, taken at the end.

Only plain data is kept (what JSON can say), and a copy of it: a store that writes text and one that holds objects then
give back the same, and nothing that a strategy changes later reaches what was saved.
"""

from math import isfinite
from typing import Any, Final

from tickwright.engine.errors import TickwrightError

DEEPEST: Final = 32
"""Nesting beyond this is a structure that contains itself, or one that nobody will read."""


def plain_state(strategy: str, state: object) -> dict[str, Any]:
    """A copy of what `Strategy.save` returned.

    Raises:
        TickwrightError: no mapping with text keys, or a value that is no plain data, named by its keys.
    """
    if not isinstance(state, dict):
        raise TickwrightError(f"strategy {strategy}: save(): expected a dict, received {type(state).__name__}")
    return {key: _plain(strategy, value, str(key), 1) for key, value in _items(strategy, state, "")}


def _items(strategy: str, mapping: dict[Any, Any], where: str) -> list[tuple[str, Any]]:
    for key in mapping:
        if type(key) is not str:
            place = f" in {where}" if where else ""
            raise TickwrightError(f"strategy {strategy}: save(): expected keys of text{place}, received {key!r}")
    return list(mapping.items())


def _plain(strategy: str, value: Any, where: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise TickwrightError(f"strategy {strategy}: save(): {where[:60]}...: nested deeper than {DEEPEST}")
    kind = type(value)
    if value is None or kind in (str, int, bool) or (kind is float and isfinite(value)):
        return value
    if kind in (list, tuple):
        return [_plain(strategy, item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    if kind is dict:
        return {
            key: _plain(strategy, item, f"{where}.{key}", depth + 1) for key, item in _items(strategy, value, where)
        }
    raise TickwrightError(
        f"strategy {strategy}: save(): {where}: expected text, a finite number, a truth value, None, a list or a dict, "
        f"received {value!r}; nothing is saved"
    )
