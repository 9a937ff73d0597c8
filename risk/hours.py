"""Session hours: which stretch of time, open or shut, a moment lies in."""

from collections.abc import Sequence
from typing import Final

SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND


def is_open(sessions: Sequence[Sequence[Sequence[int]]], now: int) -> bool:
    """Whether every list of hours (seconds after midnight UTC, the end excluded) holds `now`."""
    at = now % DAY
    return all(any(start * SECOND <= at < end * SECOND for start, end in hours) for hours in sessions)


def window(sessions: Sequence[Sequence[Sequence[int]]], now: int) -> tuple[int, int]:
    """From when until when `now` is inside the sessions, looking no further than this day; (0, 0) where it is not."""
    if not is_open(sessions, now):
        return 0, 0
    midnight = now - now % DAY
    edges = sorted({midnight + edge * SECOND for hours in sessions for pair in hours for edge in pair})
    before = [edge for edge in edges if edge <= now]
    after = [edge for edge in edges if edge > now]
    return (before[-1] if before else midnight), (after[0] if after else midnight + DAY)
