"""The tables of ``docs/config.md``, made from the schema that reads a config: ``python tests/config_tables.py``.

The text around the tables is written by hand; between the two marker lines everything is made here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tickwright.config import json_schema

PAGE = Path(__file__).resolve().parent.parent / "docs" / "config.md"
BEGIN = "<!-- keys: made by tests/config_tables.py -->"
END = "<!-- end of keys -->"
PLACEHOLDERS = {"venues": "NAME", "strategies": "NAME", "instruments": "ID"}
ONCE = ("risk.",)
"""Limits are the same wherever they stand, and `docs/risk.md` has them one by one."""


def kind(schema: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        parts = (part for one in schema["anyOf"] for part in kind(one).split(" or "))
        return " or ".join(dict.fromkeys(parts))
    types = schema.get("type", "any")
    if isinstance(types, list):
        low = {0: ", not negative"}.get(schema.get("minimum"), "")
        low = ", positive" if schema.get("exclusiveMinimum") == 0 else low
        return ("whole number" if "integer" in types else "decimal" if "number" in types else "text") + low
    return {"array": "list", "object": "mapping", "boolean": "`true`, `false`", "string": "text"}.get(types, types)


def rows(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every key with its schema and whether it must be there; keys that people choose show as a word in capitals."""
    for name, inner in schema.get("properties", {}).items():
        here = f"{path}{name}"
        yield here, inner, name in schema.get("required", ())
        if here.endswith(".risk"):
            continue
        yield from rows(inner, f"{here}.")
        entry = inner.get("additionalProperties")
        if isinstance(entry, dict) and "properties" in entry and not here.startswith(ONCE):
            yield from rows(entry, f"{here}.{PLACEHOLDERS[name]}.")


def tables() -> str:
    """One table for each top-level section, limits left to their own page."""
    schema = json_schema()
    lines = []
    for section, about in schema["properties"].items():
        inner = {"properties": {section: about}, "required": schema.get("required", ())}
        found = [row for row in rows(inner) if not row[0].startswith(ONCE)]
        lines += [f"### {section}", "", "| key | value | default | meaning |", "|---|---|---|---|"]
        for key, one, must in found:
            default = one.get("default")
            shown = (
                "**required**"
                if must
                else f"`{str(default).lower() if isinstance(default, bool) else default}`"
                if default not in (None, {}, [], "")
                else ""
            )
            shown = "see its keys" if isinstance(default, dict) and default else shown
            lines.append(f"| `{key}` | {kind(one)} | {shown} | {one.get('description', '')} |".replace("|  |", "| |"))
        lines.append("")
    return "\n".join(lines).rstrip()


def page(text: str) -> str:
    """The page with its tables as they should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
