"""The list of planted bugs fits the project, and whoever plants them tells a bug that nobody notices."""

import re
from collections import Counter
from pathlib import Path

import plant
import pytest
from attrs import evolve
from planted import PLANTED, Planted

HARMLESS = Planted(
    name="a comment says something else",
    file="engine/marks.py",
    old='"""',
    new='"""',
    tests=("tests/engine/test_orders_exact.py",),
    why="nothing is wrong with it, so no test can fail",
)


@pytest.mark.parametrize("planted", PLANTED, ids=[planted.name for planted in PLANTED])
def test_a_bug_can_be_planted_and_its_tests_are_there(planted: Planted) -> None:
    text = (plant.ROOT / planted.file).read_text()
    assert plant.mutated(planted, text) != text
    for test in planted.tests:
        file, _, name = test.partition("::")
        source = (plant.ROOT / file).read_text()
        assert not name or re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), test


def test_the_list_is_long_and_says_each_thing_once() -> None:
    assert len(PLANTED) >= 30
    assert max(Counter(planted.name for planted in PLANTED).values()) == 1
    assert {planted.file.partition("/")[0] for planted in PLANTED} >= {"adapters", "engine", "risk"}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [("no such text", "x", "0 times"), ("import", "x", r"\d\d times"), ("from attrs import", "from from", "no Python")],
)
def test_a_bug_that_fits_no_more_is_an_error(old: str, new: str, why: str) -> None:
    text = "from attrs import frozen\n" + "import os\n" * 10 * (old == "import")
    with pytest.raises(plant.Unplantable, match=why):
        plant.mutated(evolve(HARMLESS, old=old, new=new), text)


@pytest.mark.slow
def test_a_bug_that_no_test_notices_is_told(tmp_path: Path) -> None:
    place = plant.copied(tmp_path)
    line = (place / HARMLESS.file).read_text().splitlines()[0]
    unseen = evolve(HARMLESS, old=line, new=line + " ")
    assert plant.sought(unseen, place).wrong.startswith("NOT FOUND")
    seen = next(planted for planted in PLANTED if planted.tests == HARMLESS.tests)
    assert plant.sought(seen, place).wrong == ""
    assert plant.sought(evolve(seen, tests=("tests/no_such_file.py",)), place).wrong.startswith("its tests did not run")
    assert (place / seen.file).read_text() == (plant.ROOT / seen.file).read_text()
