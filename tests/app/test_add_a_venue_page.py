"""What docs/add-a-venue.md says is there."""

import re
from pathlib import Path

from attrs import fields_dict

from tickwright.adapters.conformance import Conformance, VenueUnderTest
from tickwright.commands.new import venue_texts

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "add-a-venue.md").read_text()


def test_its_paths_exist():
    named = set(re.findall(r"`((?:adapters|engine|app)/[\w/]*(?:\.py)?)`", PAGE))
    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_it_explains_every_check_of_the_kit_and_no_other():
    checks = {name for name in dir(Conformance) if name.startswith("test_")}
    assert set(re.findall(r"^\| `(test_\w+)` \|", PAGE, re.MULTILINE)) == checks


def test_it_names_every_file_of_a_new_venue():
    written = set(venue_texts("my_venue"))
    listed = set(re.findall(r"`([\w.]+\.(?:py|jsonl))`", PAGE.partition("## In which order")[0]))
    assert listed == written - {"__init__.py", "paper.yaml"}
    assert all(f"{name} " in venue_texts("my_venue")["__init__.py"] for name in listed if "test" not in name)


def test_the_fields_that_it_names_are_there():
    words = set(re.findall(r"`(readers|expected|gap|left_out|seeds)`", PAGE))
    assert words == {"readers", "expected", "gap", "left_out", "seeds"}
    assert words - {"seeds"} <= fields_dict(VenueUnderTest).keys()
    assert hasattr(Conformance, "seeds")
