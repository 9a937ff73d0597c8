"""Leaves these tests out of an environment that was installed before msgspec became a dependency."""

import sys
from importlib.util import find_spec
from pathlib import Path

collect_ignore_glob = ["test_*.py"] if find_spec("msgspec") is None else []
sys.path.insert(0, str(Path(__file__).parent))
