"""The kill switch: a latch at one of four levels, and what the core has to do because of it.

A latch takes effect in memory first: from the call that sets it nothing covered passes the gate, whatever happens to
the store after that. It stays until an operator gives a reason for taking it away; a strategy cannot. Raising the
same latch again changes nothing, except to make its mode more severe.

A latch that losses raised (`reducing`) still lets pass what reduces exposure: the way out must stay open.
"""

import json
from collections.abc import Callable
from enum import IntEnum
from typing import Final, Protocol

from attrs import asdict, evolve, frozen

from tickwright.engine.errors import TickwrightError

LEVELS: Final = ("strategy", "instrument", "venue", "global")

ACTIVE: Final = 0
REDUCING: Final = 1
PAUSED: Final = 2
KILLED: Final = 3


class KillMode(IntEnum):
    """How far a kill goes; each includes the ones before it."""

    PAUSE = 0
    CANCEL = 1
    FLATTEN = 2


class KillRefused(TickwrightError):
    """A kill, or its end, that was asked for in the wrong way."""


@frozen(kw_only=True)
class Latch:
    """One kill that holds: `level` and `name` (empty for global) say what it covers, `by` who raised it."""

    level: str
    name: str
    mode: KillMode
    reason: str
    by: str
    ts: int
    reducing: bool = False

    def covers(self, strategy: str, instrument: str, venue: str) -> bool:
        """Whether an order of this strategy, in this instrument, at this venue is stopped."""
        match self.level:
            case "strategy":
                return self.name == strategy
            case "instrument":
                return self.name == instrument
            case "venue":
                return self.name.upper() == venue.upper()
        return True

    @property
    def label(self) -> str:
        return f"{self.level} {self.name}" if self.name else self.level

    @property
    def flatten(self) -> bool:
        """Whether what is covered is to be closed, beyond cancelling its orders."""
        return self.mode is KillMode.FLATTEN


class LatchStore(Protocol):
    """Keeps latches over a restart."""

    def save(self, text: str) -> None: ...

    def load(self) -> str: ...


class KillSwitch:
    """The latches of one run. `take` hands the core what is still to be done about them, once; `raised` lists it."""

    def __init__(self, store: LatchStore | None = None) -> None:
        self.latches: dict[tuple[str, str], Latch] = {}
        self.store = store
        self.exits: set[str] = set()
        self.raised: list[Latch] = []
        self._changed: Callable[[], None] = lambda: None
        text = store.load() if store is not None else ""
        for plain in json.loads(text) if text else []:
            latch = Latch(**{**plain, "mode": KillMode(plain["mode"])})
            self.latches[latch.level, latch.name] = latch
            self.raised.append(latch)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever a latch is set or taken away, before anything else happens."""
        self._changed = changed
        changed()

    def kill(
        self,
        level: str,
        name: str = "",
        *,
        mode: KillMode = KillMode.CANCEL,
        reason: str,
        by: str,
        now: int,
        reducing: bool = False,
    ) -> Latch:
        """Latch; from here on nothing covered passes. Raised again, it only grows more severe.

        Raises:
            KillRefused: an unknown level, a name missing or too many, no reason.
        """
        if level not in LEVELS or (level == "global") != (name == ""):
            raise KillRefused(f"kill {level} {name!r}: expected one of {', '.join(LEVELS)}, with a name unless global")
        if not reason.strip():
            raise KillRefused(f"kill {level} {name!r}: expected a reason, received none")
        held = self.latches.get((level, name))
        latch = Latch(level=level, name=name, mode=mode, reason=reason, by=by, ts=now, reducing=reducing)
        if held is not None:
            latch = evolve(held, mode=max(held.mode, mode), reducing=held.reducing and reducing)
            if latch == held:
                return held
        self.latches[level, name] = latch
        self._changed()
        self.raised.append(latch)
        self._save()
        return latch

    def rearm(self, level: str, name: str = "", *, operator: str, reason: str) -> Latch:
        """Take a latch away.

        Raises:
            KillRefused: no operator, no reason, or nothing latched there.
        """
        if not operator.strip() or not reason.strip():
            raise KillRefused(f"rearm {level} {name!r}: expected an operator and a reason, received none")
        latch = self.latches.pop((level, name), None)
        if latch is None:
            held = ", ".join(item.label for item in self.latches.values()) or "nothing"
            raise KillRefused(f"rearm {level} {name!r}: expected a latch there, found {held}")
        self.raised[:] = [item for item in self.raised if (item.level, item.name) != (level, name)]
        self._changed()
        self._save()
        return latch

    def take(self) -> list[Latch]:
        """The latches raised or made more severe since the last call: in mode CANCEL cancel all that they cover, in
        FLATTEN then close positions with reduce-only market orders announced by `exit`."""
        due = list(self.raised)
        self.raised.clear()
        return due

    def exit(self, client_order_id: str) -> None:
        """Let one reduce-only order of the core through a FLATTEN latch."""
        self.exits.add(client_order_id)

    def covering(self, strategy: str, instrument: str, venue: str) -> list[Latch]:
        """The latches that stop such an order, the most severe first."""
        found = [latch for latch in self.latches.values() if latch.covers(strategy, instrument, venue)]
        return sorted(found, key=lambda latch: (latch.reducing, -latch.mode, LEVELS.index(latch.level)))

    def state(self, strategy: str, instrument: str, venue: str) -> int:
        """KILLED, REDUCING (only losses hold it), or ACTIVE."""
        found = self.covering(strategy, instrument, venue)
        if not found:
            return ACTIVE
        return REDUCING if all(latch.reducing for latch in found) else KILLED

    def _save(self) -> None:
        if self.store is not None:
            self.store.save(json.dumps([asdict(latch) for latch in self.latches.values()]))
