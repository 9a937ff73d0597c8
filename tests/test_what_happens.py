"""No claim without a test: every test that the page names is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "what-happens-when.md"


def missing(text: str) -> list[str]:
    """Lines that name no test, and tests that are not there."""
    wrong = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or cells[0] == "when" or set(cells[0]) <= {"-"}:
            continue
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", cells[-1])
        if not named:
            wrong.append(f"no test: {line}")
        wrong += [f"{file}::{name}" for file, name in named if name not in named_in(ROOT / file)]
    return wrong


def named_in(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_claim_names_a_test_that_is_there() -> None:
    text = PAGE.read_text()
    assert text.count("\n| ") > 35
    assert missing(text) == []


def test_a_claim_without_one_is_seen() -> None:
    assert missing("| it rains | we stay | |") == ["no test: | it rains | we stay | |"]
    gone = "| it rains | we stay | `tests/test_what_happens.py::test_of_rain` |"
    assert missing(gone) == ["tests/test_what_happens.py::test_of_rain"]
    assert missing("| it rains | so be it | `tests/test_what_happens.py::test_a_claim_without_one_is_seen` |") == []
