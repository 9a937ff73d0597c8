"""Recorded messages through the codec: what the venue said is understood, what we say is what was documented.

A mirror that we write ourselves shares our misreadings; messages that somebody else wrote down do not.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.conformance.under_test import Reader, Sample, VenueUnderTest

T = TypeVar("T")
KEYS: Final = ("direction", "kind", "source", "message")


def read_samples(path: Path) -> tuple[Sample, ...]:
    """The lines of a file of samples.

    Raises:
        AssertionError: no such file, no line in it, or a line that is no sample; it names the line.
    """
    assert path.is_file(), f"{path}: expected a file of samples, received none"
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if text.strip():
            said = json.loads(text)
            missing = [key for key in KEYS if key not in said] if isinstance(said, dict) else list(KEYS)
            assert not missing, f"{path}:{number}: expected the keys {', '.join(KEYS)}, received none of {missing}"
            assert said["direction"] in ("in", "out"), f"{path}:{number}: expected in or out, got {said['direction']!r}"
            found.append(Sample(line=number, **{key: said[key] for key in KEYS}))
    assert found, f"{path}: expected samples, received an empty file"
    return tuple(found)


def fitting(table: Mapping[str, T], kind: str) -> T | None:
    """What the longest beginning of a kind says; None where none fits."""
    names = [name for name in table if kind.startswith(name)]
    return table[max(names, key=len)] if names else None


def chosen(venue: VenueUnderTest) -> tuple[Sample, ...]:
    """The samples of a venue, without those that its author leaves out."""
    return tuple(sample for sample in read_samples(venue.samples) if sample.kind not in venue.left_out)


def read_by(venue: VenueUnderTest, sample: Sample) -> tuple[Reader, type | tuple[type, ...]]:
    """What reads a sample, and what it is to become."""
    read, expected = fitting(venue.readers, sample.kind), fitting(venue.expected, sample.kind)
    assert read is not None, f"{sample}: expected a reader of this kind in `readers`, received none"
    assert expected is not None, f"{sample}: expected its meaning in `expected`, received none"
    return read, expected


def check_sample(venue: VenueUnderTest, sample: Sample) -> None:
    """One line keeps its word.

    Raises:
        AssertionError: it is refused, means something else than expected, or we would say it otherwise.
    """
    if sample.direction == "out":
        check_said(venue, sample)
    else:
        check_heard(venue, sample)


def check_heard(venue: VenueUnderTest, sample: Sample) -> None:
    """What the venue said is understood, and alike every time."""
    read, expected = read_by(venue, sample)
    data = json.dumps(sample.message).encode()
    try:
        told = read(data)
        again = read(data)
    except BadMessage as bad:
        raise AssertionError(f"{sample} of {sample.source}: expected it to be understood, received {bad}") from bad
    assert told == again, f"{sample}: expected one meaning, received {told!r} and then {again!r}"
    meanings = told if isinstance(told, tuple) else (told,)
    wanted = " or ".join(each.__name__ for each in (expected if isinstance(expected, tuple) else (expected,)))
    assert meanings, f"{sample}: expected {wanted}, received nothing"
    for one in meanings:
        assert isinstance(one, expected), f"{sample} of {sample.source}: expected {wanted}, received {one!r}"


def check_said(venue: VenueUnderTest, sample: Sample) -> None:
    """What we would say is the documented object, key by key."""
    ours: Any = json.loads(venue.encode(sample))
    assert ours == sample.message, f"{sample} of {sample.source}: expected {sample.message}, received {ours}"
