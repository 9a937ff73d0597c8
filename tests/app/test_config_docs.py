"""`docs/config.md` says of every key what the code does."""

import importlib.util
from pathlib import Path

from tickwright.config import json_schema

TABLES = Path(__file__).resolve().parent.parent / "config_tables.py"
spec = importlib.util.spec_from_file_location("config_tables", TABLES)
config_tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(config_tables)


def test_the_tables_are_those_of_the_schema():
    text = config_tables.PAGE.read_text(encoding="utf-8")
    assert config_tables.page(text) == text, "run: python tests/config_tables.py"


def test_every_key_outside_risk_has_a_row_with_a_meaning():
    listed = {key: one for key, one, _ in config_tables.rows(json_schema())}
    assert {"name", "venues.NAME.fees.maker", "instruments.ID.tick", "data.tapes", "simulator.queue"} <= set(listed)
    assert [key for key, one in listed.items() if not key.startswith("risk.") and not one.get("description")] == []
    assert [key for key in listed if not key.startswith("risk.") and f"| `{key}` |" not in config_tables.tables()] == []
