"""What each risk control measured in a recorded decision, for `why`: joins a run's records and its limits."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tickwright.risk.explain import explain
from tickwright.risk.limits import Limits, loads

LIMITS = "limits.json"
"""The run's limits as the gate resolved them, beside its records."""


def read_limits(folder: Path) -> dict[str, Limits]:
    """The limits of a run, by instrument and strategy; none where the run left none."""
    path = folder / LIMITS
    return limits_in(path.read_text()) if path.exists() else {}


def limits_in(text: str) -> dict[str, Limits]:
    """The limits in a text, by instrument and strategy."""
    return {f"{each.instrument} {each.strategy}": each for each in loads(text)}


def controls(row: Mapping[str, Any], limits: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every control of one decision: what it measured, what was allowed, and how much was left."""
    bound = limits.get(f"{row['instrument']} {row['strategy'] or ''}")
    if bound is None:
        return []
    figures = {name: value for name, value in row.items() if isinstance(value, int)}
    found = []
    for control, code, value, limit, headroom in explain(figures, bound):
        numbers = {"value": _text(value), "limit": _text(limit), "headroom": _text(headroom)}
        found.append({"control": control, "code": code, **numbers, "scope": _scope(bound, control)})
    return found


def _text(number: Decimal | None) -> str | None:
    return None if number is None else re.sub(r"(\.\d*?)0+$", r"\1", f"{number:f}").rstrip(".")


def _scope(bound: Limits, control: str) -> str:
    from tickwright.risk.controls import KEYS

    for key in KEYS:
        if key.control == control and key.name in bound.scopes:
            return bound.scopes[key.name]
    return ""
