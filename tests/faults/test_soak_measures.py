"""What a soak calls growth."""

import soak


def hours(kib: float, files: int = 0, tasks: int = 0) -> list[soak.Measured]:
    """A day in which something grows by so much each hour, after a first third in which everything does."""
    found = []
    for hour in range(24):
        later = max(hour - 8, 0)
        found.append(soak.Measured(hour, 900 * min(hour, 8) + kib * later, 20 + files * later, 9 + tasks * later, 0))
    return found


def test_only_what_rises_after_the_first_third_is_growth() -> None:
    assert soak.grown(hours(0)) == []
    assert soak.grown(hours(soak.SLOPE_KIB - 1)) == []
    (said,) = soak.grown(hours(soak.SLOPE_KIB + 1))
    assert said == "memory grows by 257 KiB an hour, at most 256 are allowed"
    assert soak.grown(hours(0, files=1)) == ["35 files at the end, 20 after the first third"]
    assert soak.grown(hours(0, tasks=1)) == ["24 tasks at the end, 9 after the first third"]
