"""Leaves these tests out of an environment that was installed before msgspec became a dependency."""

from importlib.util import find_spec

collect_ignore_glob = ["test_*.py"] if find_spec("msgspec") is None else []
