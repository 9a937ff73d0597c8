"""One direction of one connection under faults: what goes in comes out later, twice, in another order, or not at all.

No clock and no task: whoever owns the lane puts messages in, takes what is due, and sleeps until `due` in between.
"""

from heapq import heappop, heappush
from random import Random
from typing import Final

from attrs import define, field

from tickwright.adapters.fault_rules import WS, Deed, Passing
from tickwright.adapters.faults import Faults
from tickwright.engine.terms import NO_TIME

HOLD_NS: Final = 1_000_000_000
"""A message that waits to be shuffled with others goes on after this, however few have come."""


@define(eq=False)
class Lane:
    """Messages of one direction. What a rule wants done beside is handed back by `put`."""

    faults: Faults
    direction: str
    via: str = WS
    _waiting: list[tuple[int, int, str, str]] = field(init=False, factory=list)
    _held: list[tuple[str, str]] = field(init=False, factory=list)
    _held_until: int = field(init=False, default=NO_TIME)
    _count: int = field(init=False, default=0)

    def put(self, kind: str, text: str, at: int, key: str = "") -> tuple[Deed, ...]:
        """A message sets out at a time; the deeds that its passing brings about."""
        verdict = self.faults.passing(
            Passing(direction=self.direction, kind=kind, via=self.via, text=text, key=key), at
        )
        for delay, changed in verdict.copies:
            if verdict.window and not delay:
                self._hold(kind, changed, at, verdict.window)
            else:
                self._set_out(at + delay, kind, changed)
        return verdict.deeds

    def take(self, at: int) -> list[tuple[str, str]]:
        """What has arrived by now, as (kind, text)."""
        if self._held_until <= at:
            self._release(self._held_until)
        arrived = []
        while self._waiting and self._waiting[0][0] <= at:
            _, _, kind, text = heappop(self._waiting)
            arrived.append((kind, text))
        return arrived

    def due(self) -> int:
        """When the next message arrives; NO_TIME where none is under way."""
        return min(self._waiting[0][0] if self._waiting else NO_TIME, self._held_until)

    def _hold(self, kind: str, text: str, at: int, window: int) -> None:
        if not self._held:
            self._held_until = at + HOLD_NS
        self._held.append((kind, text))
        if len(self._held) >= window:
            self._release(at)

    def _release(self, at: int) -> None:
        """Let go of what was held, in a random order that depends on nothing but the script and how much passed."""
        Random(f"{self.faults.script.seed}:{self._count}").shuffle(self._held)
        for kind, text in self._held:
            self._set_out(at, kind, text)
        self._held.clear()
        self._held_until = NO_TIME

    def _set_out(self, due: int, kind: str, text: str) -> None:
        self._count += 1
        heappush(self._waiting, (due, self._count, kind, text))
