"""Values of a fault script by type; each reader raises ValueError or TypeError with what it expected."""

from collections.abc import Callable
from typing import Any, Final

from tickwright.engine.errors import UnitError
from tickwright.engine.times import interval_ns

COPIES_MAX: Final = 10_000

Read = Callable[[Any], Any]


def whole(least: int, most: int) -> Read:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")
        return int(value)

    return read


def _number(least: float, most: float) -> Read:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"expected a number from {least:g} to {most:g}")
        return float(value)

    return read


def _length(value: Any) -> int:
    if value == 0 and not isinstance(value, bool):
        return 0
    try:
        return interval_ns(value if isinstance(value, str) else "")
    except UnitError:
        raise ValueError("expected a length of time such as 500ms or 10s") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return str(value)


def _yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def _one_of(*allowed: str) -> Read:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"expected {' or '.join(allowed)}")
        return str(value)

    return read


def _several(read: Read) -> Read:
    def read_all(value: Any) -> frozenset[Any]:
        return frozenset(read(each) for each in (value if isinstance(value, list) else [value]))

    return read_all


def _hex(value: Any) -> bytes:
    try:
        return bytes.fromhex(_text(value))
    except ValueError:
        raise ValueError("expected bytes in hex") from None


TYPES: Final[dict[str, Read]] = {
    "after": _length,
    "until": _length,
    "each": _length,
    "within": _length,
    "nth": _several(whole(1, 1 << 40)),
    "every": whole(1, 1 << 40),
    "probability": _number(0, 1),
    "times": whole(1, 1 << 40),
    "direction": _one_of("in", "out"),
    "via": _one_of("ws", "http"),
    "kinds": _several(_text),
    "contains": _text,
    "delay": _length,
    "jitter": _length,
    "copies": whole(1, COPIES_MAX),
    "window": whole(2, 50),
    "bytes": whole(0, 1 << 40),
    "for": _length,
    "code": whole(1000, 4999),
    "performed": _yes,
    "then": _one_of("disconnect", "stay"),
    "status": whole(300, 599),
    "retry_after": whole(0, 86_400),
    "memory": _yes,
    "down": _length,
    "text": _text,
    "hex": _hex,
    "action": _text,
    "rate": _number(0, 1_000_000),
}
