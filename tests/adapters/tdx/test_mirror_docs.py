"""`docs/local-venue.md` names every switch, fault and action, and what it shows is what is read."""

import re
from pathlib import Path

import attrs

from tickwright.adapters.fault_script import FAULTS, parse_script
from tickwright.adapters.tdx.mirror import Options
from tickwright.adapters.tdx.mirror.options import SWITCHES
from tickwright.adapters.tdx.mirror.venue import ACTIONS

TEXT = (Path(__file__).parents[3] / "docs" / "local-venue.md").read_text()
TABLES = re.findall(r"^\|([^|]*)\|([^|]*)\|([^|]*)\|", TEXT, re.MULTILINE)
ROWS = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in TABLES}
BESIDE = {"half_open": {"direction"}}
"""Keys of all faults that mean something of their own in one."""


def test_every_switch_is_there_with_its_default():
    for name in SWITCHES:
        assert f"`{name}`" in TEXT, name
        if f"`{name}`" in ROWS:
            default = attrs.fields_dict(Options)[name].default
            assert ROWS[f"`{name}`"][0].strip("`") == str(default).replace("True", "true").replace("False", "false")


def test_every_fault_is_there_with_its_keys():
    for name, keys in FAULTS.items():
        told = ROWS[f"`{name}`"][0]
        assert set(re.findall(r"`(\w+)`", told)) - BESIDE.get(name, set()) == set(keys), name


def test_every_action_is_there():
    assert all(f"`{action}`" in TEXT for action in ACTIONS)


def test_the_script_that_is_shown_can_be_read():
    shown = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert shown is not None
    assert len(parse_script(shown[1]).rules) == 7
