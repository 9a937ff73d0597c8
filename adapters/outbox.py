"""What waits to be written, and how fast it may leave.

Cancels come before everything else and wait for nothing but the new order that they cancel: how many of them may leave
is the gate's to say, which lets all of them go in a kill. They count, so that the rest waits the longer for them. New
orders and the rest take turns.

A new order that has waited too long never leaves: by then its owner may have looked for it at the venue, found
nothing, and given it up.
"""

import math
from collections import deque
from typing import Final

from attrs import frozen

NEVER: Final = math.inf
STALE_S: Final = 1.0
"""How long a new order may wait. Whoever looks for it at the venue begins after 3 s without an answer."""


@frozen(kw_only=True)
class Frame:
    """One text to write; `client_order_id` says whose fate hangs on it, `cancel` that it takes that order back."""

    text: str
    client_order_id: str = ""
    cancel: bool = False


class Rate:
    """So many a second, with as many saved up at most. What is urgent leaves at once, and what is left owes for it."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._saved = self._most = max(per_second, 1.0)
        self._at = -NEVER

    def take(self, at: float, *, urgent: bool = False) -> bool:
        """Take one, if there is one at `at` seconds."""
        if self.due(at, urgent=urgent) > at:
            return False
        self._saved = max(self._saved - 1, -self._most)
        return True

    def due(self, at: float, *, urgent: bool = False) -> float:
        """When there is one to take."""
        if at > self._at:
            self._saved = min(self._most, self._saved + (at - self._at) * self.per_second)
            self._at = at
        missing = 1 - self._saved
        # A hair is forgiven, or rounding would leave a wait of nothing, for ever.
        return at if urgent or missing <= 1e-9 else at + missing / self.per_second


class Outbox:
    """Frames by urgency, bounded: `size_max` new orders, and as many cancels, and as many others."""

    def __init__(self, rate: Rate, size_max: int = 1024) -> None:
        self.size_max = size_max
        self._rate = rate
        self._cancels: deque[Frame] = deque()
        self._orders: deque[Frame] = deque()
        self._others: deque[Frame] = deque()
        self._queued: dict[str, float] = {}
        self._turn = False

    def __len__(self) -> int:
        return len(self._cancels) + len(self._orders) + len(self._others)

    def put(self, frame: Frame, at: float) -> bool:
        """Queue a frame at `at` seconds; false where its queue is full."""
        if not frame.client_order_id:
            line = self._others
        elif frame.cancel and not any(other.client_order_id == frame.client_order_id for other in self._orders):
            line = self._cancels
        else:
            line = self._orders
        if len(line) >= self.size_max * (2 if frame.cancel else 1):
            return False
        line.append(frame)
        if frame.client_order_id and not frame.cancel:
            self._queued[frame.client_order_id] = at
        return True

    def stale(self, at: float) -> list[Frame]:
        """Take out the new orders that have waited too long; they do not leave any more."""
        found = []
        while self._orders and at - self._queued.get(self._orders[0].client_order_id, at) > STALE_S:
            frame = self._orders.popleft()
            if not frame.cancel:
                del self._queued[frame.client_order_id]
            found.append(frame)
        return found

    def take(self, at: float) -> Frame | None:
        """The next frame that may leave at `at` seconds."""
        line = self._next()
        if line is None or not self._rate.take(at, urgent=line is self._cancels):
            return None
        self._turn = line is self._orders
        frame = line.popleft()
        if not frame.cancel:
            self._queued.pop(frame.client_order_id, None)
        return frame

    def take_all(self, at: float, most: int) -> list[Frame]:
        """The next frames that may leave at `at` seconds, `most` at most."""
        frames: list[Frame] = []
        while len(frames) < most and (frame := self.take(at)) is not None:
            frames.append(frame)
        return frames

    def due(self, at: float) -> float:
        """When `take` has something; `NEVER` while all is empty."""
        line = self._next()
        return NEVER if line is None else self._rate.due(at, urgent=line is self._cancels)

    def clear(self) -> list[Frame]:
        """Give up on everything that waits."""
        left = [*self._cancels, *self._orders, *self._others]
        for line in (self._cancels, self._orders, self._others):
            line.clear()
        self._queued.clear()
        return left

    def _next(self) -> deque[Frame] | None:
        if self._cancels:
            return self._cancels
        first, second = (self._others, self._orders) if self._turn else (self._orders, self._others)
        return first or second or None
