"""Reads a fault script: YAML with a list of faults, each key typed, each error with its file and line.

    seed: 7
    faults:
      - fault: drop
        kinds: [fill]
        probability: 0.2
        until: 30s
      - fault: restart
        after: 12s
        memory: false

`docs/local-venue.md` lists every fault and its keys.
"""

import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from tickwright.adapters.fault_rules import IN, OPENED, FaultScript, Rule
from tickwright.adapters.fault_values import TYPES, Read, whole
from tickwright.engine.errors import TickwrightError

SIZE_MAX: Final = 1 << 20
RULES_MAX: Final = 1000
DEPTH_MAX: Final = 16
"""Levels of nesting: a script needs four. What parsing costs grows with the square of them, so it stops there."""

_STACKED: Final = re.compile(rf"(?m)^[^\"'#\n]*?(?:[\[{{]\s*+){{{DEPTH_MAX}}}[\[{{]")
"""Brackets upon brackets outside comments and quotes, which cost much before the parser gives its first event."""

_WHEN: Final = ("after", "until", "nth", "every", "probability", "times", "each", "within")
_WHICH: Final = ("direction", "via", "kinds", "contains")
_BY_MESSAGE: Final = ("nth", "every", "probability", *_WHICH)

FAULTS: Final[dict[str, tuple[str, ...]]] = {
    "drop": (),
    "gap": (),
    "delay": ("delay", "jitter"),
    "duplicate": ("copies",),
    "reorder": ("window",),
    "corrupt": (),
    "replace": ("text",),
    "stale_snapshot": (),
    "lost_ack": ("then",),
    "disconnect": ("code", "performed"),
    "cut_after_bytes": ("bytes",),
    "half_open": ("for",),
    "inject": ("text", "hex", "copies"),
    "http_error": ("status", "retry_after"),
    "token_expiry": (),
    "restart": ("memory", "down"),
    "act": ("action", "rate", "for"),
}
"""Every fault, and the keys that are its own."""

_BY_TIME: Final = frozenset(("disconnect", "half_open", "inject", "token_expiry", "restart", "act"))
"""Faults that need no message: without a key that names one they come due by time."""

_KINDS: Final = {
    "gap": frozenset(("book",)),
    "stale_snapshot": frozenset(("snapshot",)),
    "lost_ack": frozenset(("new",)),
    "cut_after_bytes": frozenset((OPENED,)),
}
"""What these strike where nobody says what."""

_REQUIRED: Final = {"delay": "delay", "replace": "text", "cut_after_bytes": "bytes", "act": "action"}
_BESIDE: Final = (("half_open", "direction"),)
"""Not which messages match, but which direction is stalled."""
_WRONG: Final = object()
_RENAMED: Final = {"for": "length", "hex": "raw", "bytes": "size"}


@frozen
class ScriptFault:
    """One thing that is wrong with a script: the line (0 where there is none), the path of the key, and words."""

    source: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


class ScriptError(TickwrightError):
    """A fault script that cannot be used; `faults` in the order of the file."""

    def __init__(self, faults: Iterable[ScriptFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def read_script(path: str | Path) -> FaultScript:
    """The script in a file.

    Raises:
        ScriptError: unreadable, too large, not UTF-8, or refused by `parse_script`.
    """
    source = str(path)
    try:
        with Path(path).open("rb") as file:
            raw = file.read(SIZE_MAX + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise ScriptError([ScriptFault(source, 0, "", f"expected a readable file, got: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ScriptError([ScriptFault(source, line, "", "expected UTF-8 text")]) from None
    if len(raw) > SIZE_MAX:
        raise ScriptError([ScriptFault(source, 0, "", f"expected at most {SIZE_MAX} bytes, got more")])
    return parse_script(text, source)


def parse_script(text: str, source: str = "script") -> FaultScript:
    """The script in a text; `source` names it in messages.

    Raises:
        ScriptError: bad YAML, an unknown fault or key, a value of a wrong type; all of them at once.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        too_deep = _too_deep(text)
        if too_deep:
            raise ScriptError([ScriptFault(source, too_deep, "", f"expected at most {DEPTH_MAX} levels, got more")])
        found = YAML(typ="rt", pure=True).load(StringIO(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        line = mark.line + 1 if mark else 0
        raise ScriptError([ScriptFault(source, line, "", f"expected YAML, got: {said}")]) from None
    return _Reader(source).script(found)


def _too_deep(text: str) -> int:
    """The line in which nesting goes too deep, 0 where it does not; found before anything is built of it."""
    from ruamel.yaml import YAML

    if stacked := _STACKED.search(text):
        return text.count("\n", 0, stacked.end()) + 1
    depth = 0
    for event in YAML(typ="rt", pure=True).parse(StringIO(text)):
        kind = type(event).__name__
        depth += kind in ("MappingStartEvent", "SequenceStartEvent")
        if depth > DEPTH_MAX:
            return int(event.start_mark.line) + 1
        depth -= kind in ("MappingEndEvent", "SequenceEndEvent")
    return 0


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._faults: list[ScriptFault] = []

    def script(self, found: Any) -> FaultScript:
        if not isinstance(found, dict):
            raise ScriptError([ScriptFault(self._source, 1, "", "expected a mapping with faults")])
        for key in found:
            if key not in ("seed", "faults"):
                self._bad(found, key, str(key), "expected seed or faults")
        seed = self._value(found, "seed", "seed", whole(0, 1 << 63)) if "seed" in found else 1
        rows = found.get("faults", [])
        if not isinstance(rows, list) or len(rows) > RULES_MAX:
            self._bad(found, "faults", "faults", f"expected a list of at most {RULES_MAX} faults")
            rows = []
        rules = [self._rule(rows, number) for number in range(len(rows))]
        if self._faults:
            raise ScriptError(self._faults)
        return FaultScript(rules=tuple(rule for rule in rules if rule is not None), seed=seed)

    def _rule(self, rows: Any, number: int) -> Rule | None:
        row, path = rows[number], f"faults[{number}]"
        if not isinstance(row, dict):
            self._bad(rows, number, path, "expected a mapping with fault and its keys")
            return None
        name = row.get("fault")
        own = FAULTS.get(name) if isinstance(name, str) else None
        if own is None or not isinstance(name, str):
            self._bad(row, "fault", f"{path}.fault", f"expected one of {' '.join(FAULTS)}, got {name!r}")
            return None
        values: dict[str, Any] = {}
        for key in row:
            if key == "fault":
                continue
            where = f"{path}.{key}"
            if key not in (*_WHEN, *_WHICH, *own):
                allowed = " ".join((*_WHEN, *_WHICH, *own))
                self._bad(row, key, where, f"{name} has no such key; there are: {allowed}")
                continue
            field = "stalls" if (name, key) in _BESIDE else _RENAMED.get(key, str(key))
            values[field] = self._value(row, key, where, TYPES[key])
        return self._whole_rule(row, path, name, values)

    def _whole_rule(self, row: Any, path: str, name: str, values: dict[str, Any]) -> Rule | None:
        """The rule, with what its fault means where nothing is said, after a look at how its keys go together."""
        needed = _REQUIRED.get(name)
        if needed is not None and needed not in row:
            self._bad(row, "fault", path, f"{name} needs {needed}")
        if name == "inject" and ("text" in values) == ("raw" in values):
            self._bad(row, "fault", path, "inject needs text or hex, and not both")
        timed = name in _BY_TIME and not any(key in row for key in _BY_MESSAGE if (name, key) not in _BESIDE)
        for key in ("each", "within"):
            if key in row and not timed:
                self._bad(row, key, f"{path}.{key}", f"{key} is for faults that come by time, without a message")
        if any(value is _WRONG for value in values.values()) or self._faults:
            return None
        if name == "http_error":
            values.setdefault("direction", IN)  # told instead of carrying a request out, and not after it
        values.setdefault("kinds", _KINDS.get(name, frozenset()))
        if name == "gap" and not any(key in row for key in ("nth", "every", "probability", "times")):
            values["times"] = 1
        if timed and "each" not in values and "within" not in values:
            values["times"] = 1
        return Rule(fault=name, timed=timed, **values)

    def _value(self, row: Any, key: str, path: str, read: Read) -> Any:
        value = row[key]
        try:
            return read(value)
        except (TypeError, ValueError) as error:
            shown = repr(value) if len(repr(value)) <= 40 else repr(value)[:37] + "..."
            self._bad(row, key, path, f"{error}, got {shown}")
            return _WRONG

    def _bad(self, row: Any, key: Any, path: str, message: str) -> None:
        places = row.lc
        try:
            line = (places.item(key) if isinstance(row, list) else places.key(key))[0] + 1
        except (KeyError, TypeError, IndexError):
            line = (places.line or 0) + 1
        self._faults.append(ScriptFault(self._source, line, path, message))
