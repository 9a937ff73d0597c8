"""Each cell of the transition tables is a test: the state after, and the marks."""

import re

import pytest
from orders_rig import CONTEXTS, EVENTS, LETTERS, SHORT, TABLE_MARKS, build, cells

CASES = [
    pytest.param(context, variant, event, cell, id=f"{context}{variant or ''}-{event}")
    for context, event, cell in cells()
    for variant in range(len(CONTEXTS[context]))
]


@pytest.mark.parametrize(("context", "variant", "event", "cell"), CASES)
def test_cell(context: str, variant: int, event: str, cell: str) -> None:
    rig = build(context, variant)
    before = rig.order.state
    assert before is SHORT[context.rstrip("+-")[:2]], "the context was not reached"
    marks = EVENTS[event](rig)
    state, _, letters = cell.partition(":")
    expected = before if state == "=" else SHORT[state]
    wanted = 0
    for letter in re.findall(r"!!|.", letters):
        wanted |= LETTERS[letter]
    assert rig.order.state is expected
    assert marks & TABLE_MARKS == wanted


def test_the_tables_are_whole() -> None:
    """Every context meets every event exactly once."""
    assert sorted((context, event) for context, event, _ in cells()) == sorted(
        (context, event) for context in CONTEXTS for event in EVENTS
    )
