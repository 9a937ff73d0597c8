"""The stack of these tests lies beside them, and each test runs on every venue that it asks for."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from grounds import GROUNDS, Ground


@pytest.fixture(params=GROUNDS)
def ground(request: pytest.FixtureRequest) -> Ground:
    """A venue to try the stack on; the test is run with each."""
    return GROUNDS[request.param]
