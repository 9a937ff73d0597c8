"""A market's reference over a window, one sample a mark: its median, and whether it moved too far."""

from bisect import bisect_left, insort
from collections import deque
from typing import Final

from tickwright.risk.state import Line, Reading

BPS: Final = 10_000_000_000
SAMPLES_MAX: Final = 90_000
"""More than a sample a second for a day: a longer window keeps the latest."""


class Samples:
    """Feeds one `Reading` at each mark.

    The median of an even number of samples is the lower one of the middle two, so that it is always a price that was
    seen. A move is the span between the window's lowest and highest reference, in bps of the lowest; where it is
    more than `pause` (0: never asked), entries pause for `cooldown`.
    """

    def __init__(self, line: Line, reading: Reading, window: int, pause: int = 0, cooldown: int = 0) -> None:
        self.line = line
        self.reading = reading
        self.window = window
        self.pause = pause
        self.cooldown = cooldown
        self._times: deque[tuple[int, int]] = deque()
        self._sorted: list[int] = []

    def take(self, now: int) -> None:
        """Sample the reference, if there is one, and let old samples go."""
        reference = self.line.market.double_reference()
        while self._times and (self._times[0][0] < now - self.window or len(self._times) >= SAMPLES_MAX):
            _, gone = self._times.popleft()
            del self._sorted[bisect_left(self._sorted, gone)]
        if reference > 0:
            self._times.append((now, reference))
            insort(self._sorted, reference)
        reading = self.reading
        reading.median = self._sorted[(len(self._sorted) - 1) // 2] if self._sorted else 0
        if self.pause and self._sorted:
            low, high = self._sorted[0], self._sorted[-1]
            reading.value = (high - low) * BPS // low
            if (high - low) * BPS > self.pause * low:
                reading.paused_until = now + self.cooldown
