"""Options that a person sets by name and text, read by the types of their fields."""

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import fields_dict

from tickwright.adapters.local.house import OptionError

_WHOLE: Final = re.compile(r"[0-9]{1,30}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError
    return int(text)


def _decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError
    return Decimal(text)


_READERS: Final[dict[Any, tuple[Callable[[str], Any], str]]] = {
    bool: ({"true": True, "false": False}.__getitem__, "true or false"),
    int: (_whole, "a whole number"),
    float: (float, "a number"),
    Decimal: (_decimal, "a decimal such as 0.0005"),
    str: (str, "text"),
}


def read_switches(form: type[Any], names: Collection[str], texts: Mapping[str, str]) -> dict[str, Any]:
    """Switches as they are typed (``strict_tokens=true``), as values for an attrs class; `names` are those there are.

    Raises:
        OptionError: no such switch, or a text that is no value of its type.
    """
    found: dict[str, Any] = {}
    for name, text in texts.items():
        if name not in names:
            raise OptionError(f"{name}: expected a switch, received an unknown name; there are: {' '.join(names)}")
        read, words = _READERS[fields_dict(form)[name].type]
        try:
            found[name] = read(text)
        except (KeyError, ValueError):
            raise OptionError(f"{name}: expected {words}, received {text!r}") from None
    return found
