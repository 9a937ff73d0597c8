"""Every check of the kit, as tests of one class; a venue's own test file derives from it and says which venue."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import trio
from trio.testing import MockClock

from tickwright.adapters.conformance.declared import check_declaration
from tickwright.adapters.conformance.fuzz import check_fuzz
from tickwright.adapters.conformance.parity import check_parity
from tickwright.adapters.conformance.samples import check_sample, chosen
from tickwright.adapters.conformance.troubles import (
    LOST,
    check_bad_frames,
    check_gap,
    check_lost_ack,
    check_market_data,
    check_reconnect,
)
from tickwright.adapters.conformance.under_test import Sample, VenueUnderTest
from tickwright.trading import sole


def played(check: Callable[..., Awaitable[None]], *given: Any) -> None:
    """Run a check on a clock that jumps over every wait. An error comes out as itself, not in a group of groups."""
    try:
        trio.run(partial(check, *given), clock=MockClock(autojump_threshold=0))
    except BaseExceptionGroup as group:  # raised again, as the one error it is about
        raise sole(group) from None


class Conformance:
    """Derive from it as ``class TestMyVenue(Conformance)`` and set `venue`; `seeds` are those of the parity scripts."""

    venue: ClassVar[VenueUnderTest]
    seeds: ClassVar[range] = range(2)

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """One test for each line of the samples, for each way to lose an acknowledgement, for each seed."""
        told: dict[str, tuple[list[Any], list[str]]] = {"seed": (list(self.seeds), [str(seed) for seed in self.seeds])}
        told["how"] = (list(LOST), list(LOST))
        if {"sample", "heard"} & set(metafunc.fixturenames):
            samples = chosen(self.venue)
            heard = [sample for sample in samples if sample.direction == "in"]
            told["sample"] = list(samples), [str(sample) for sample in samples]
            told["heard"] = list(heard), [str(sample) for sample in heard]
        for name, (values, ids) in told.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, values, ids=ids)

    def test_declaration(self, tmp_path: Path) -> None:
        """What the adapter says of itself holds, and its wire has all that the engine asks of one."""
        played(check_declaration, self.venue, tmp_path)

    def test_sample(self, sample: Sample) -> None:
        """A recorded line keeps its word: what the venue said is understood, what we say is as documented."""
        check_sample(self.venue, sample)

    def test_fuzz(self, heard: Sample) -> None:
        """Mutants of a line mean something or are bad messages that name their field."""
        check_fuzz(self.venue, heard)

    def test_market_data(self, tmp_path: Path) -> None:
        """A paper run follows the venue's own book and trades, without a login."""
        played(check_market_data, self.venue, tmp_path)

    def test_bad_frames(self, tmp_path: Path) -> None:
        """Frames that cannot be read are told, and the run goes on."""
        played(check_bad_frames, self.venue, tmp_path)

    def test_reconnect(self, tmp_path: Path) -> None:
        """After the venue was away the run has logged in, subscribed and reconciled, and trades."""
        played(check_reconnect, self.venue, tmp_path)

    def test_gap(self, tmp_path: Path) -> None:
        """A book that has lost something is told as lost, and read anew."""
        played(check_gap, self.venue, tmp_path)

    def test_lost_ack(self, tmp_path: Path, how: str) -> None:
        """An order without an acknowledgement is found by asking, and never sent again."""
        played(check_lost_ack, self.venue, tmp_path, how)

    def test_parity(self, tmp_path: Path, seed: int) -> None:
        """The simulator and the local venue make the same of the same script."""
        played(check_parity, self.venue, tmp_path, seed)
