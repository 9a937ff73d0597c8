"""Fixtures of the simulator's tests."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from street import Street


@pytest.fixture
def make_street() -> Callable[..., Street]:
    """A market with five bids and five asks of ten lots around 100 and 101."""

    def make(queue: str = "back", **settings: object) -> Street:
        street = Street(queue, **settings)  # type: ignore[arg-type]
        return street.show({100 - i: 10 for i in range(5)}, {101 + i: 10 for i in range(5)})

    return make


@pytest.fixture
def street(make_street: Callable[..., Street]) -> Street:
    return make_street()
