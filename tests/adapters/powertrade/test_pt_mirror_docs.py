"""`docs/local-venue-powertrade.md` names every switch, kind, action and message of the local PowerTrade."""

import re
from pathlib import Path

import attrs

from tickwright.adapters.powertrade.mirror import ACTIONS, Options
from tickwright.adapters.powertrade.mirror.client import _KINDS
from tickwright.adapters.powertrade.mirror.options import SWITCHES

TEXT = (Path(__file__).parents[3] / "docs" / "local-venue-powertrade.md").read_text()
ROWS = {row[0].strip(): row[1].strip() for row in re.findall(r"^\|([^|]*)\|([^|]*)\|", TEXT, re.MULTILINE)}


def test_every_switch_is_there_with_its_default():
    for name in SWITCHES:
        default = attrs.fields_dict(Options)[name].default
        assert ROWS[f"`{name}`"] == f"`{str(default).lower()}`", name


def test_every_action_kind_and_message_is_there():
    for name in {*ACTIONS, *_KINDS, *_KINDS.values()}:
        assert f"`{name}`" in TEXT or name == "heartbeat", name
