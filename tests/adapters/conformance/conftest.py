"""One venue for the tests of the kit: the one that `tickwright new adapter` writes, as it is written."""

import importlib
import sys

import pytest

from tickwright.commands.new import venue_texts


@pytest.fixture(scope="session")
def acme(tmp_path_factory):
    """The test module of a new venue; its package can be imported while the tests run."""
    folder = tmp_path_factory.mktemp("venues")
    for name, text in venue_texts("kit_acme").items():
        path = folder / "kit_acme" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("kit_acme.test_kit_acme")
    sys.path.remove(str(folder))
