"""Whatever arrives means something or is a bad message that names its field; it never is anything else."""

import json
from random import Random
from typing import Final

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.conformance.mutants import broken, by_structure
from tickwright.adapters.conformance.samples import read_by
from tickwright.adapters.conformance.under_test import Sample, VenueUnderTest

BROKEN: Final = 300
"""Broken texts made of one message."""
WORDS_MAX: Final = 600
GARBAGE: Final[tuple[str | bytes, ...]] = (
    "", "\ufeff{}", "[]", "null", "1", '"x"', "{", "{}{}", "{'a':1}", "NaN", "[" * 100_000, '{"x":' + "9" * 5000 + "}",
    '{"x":"\\ud800"}', b"\xff\xfe{\x00", b'{"x":"\xc3', b"\x00" * 100, "x" * 1000,
)  # fmt: skip
"""What no venue says."""


def check_fuzz(venue: VenueUnderTest, sample: Sample) -> None:
    """Thousands of mutants of one message of the venue, through its reader; what is no message at all is refused.

    Raises:
        AssertionError: one was no bad message but an error of ours, or a bad message that does not say what is wrong;
            it shows the mutant.
    """
    read, expected = read_by(venue, sample)
    random = Random(f"{sample.line} {sample.kind}")
    whole = json.dumps(sample.message)
    seeds = [whole, *by_structure(sample.message)]
    texts: list[str | bytes] = [*seeds, *GARBAGE]
    texts += [broken(random.choice(seeds), random.choice(seeds), random) for _ in range(BROKEN)]
    for text in texts:
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        try:
            told = read(data)
        except BadMessage as bad:
            check_words(sample, data, bad)
        except Exception as error:  # whatever it is, the mutant that brought it about is told
            raise AssertionError(f"a mutant of {sample} raised {error!r}: {data[:400]!r}") from error
        else:
            meant = all(isinstance(one, expected) for one in (told if isinstance(told, tuple) else (told,)))
            assert meant or text not in GARBAGE, f"{sample}: expected BadMessage, received {told!r} of {data[:400]!r}"


def check_words(sample: Sample, data: bytes, bad: BadMessage) -> None:
    """A refusal names the field, in words that can be printed."""
    words = str(bad)
    assert bad.field, f"a mutant of {sample}: expected BadMessage to name a field, received {words!r}: {data[:400]!r}"
    assert len(words) < WORDS_MAX, f"a mutant of {sample}: expected few words, received {len(words)} characters"
    assert words.isprintable(), f"a mutant of {sample}: expected words that can be printed, received {words!r}"
