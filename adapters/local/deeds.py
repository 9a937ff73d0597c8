"""What a fault script may want of the venue as a whole: to go away and come back, to forget, to misbehave."""

import math
from collections.abc import Collection
from typing import Final

import trio

from tickwright.adapters.fault_rules import (
    Act,
    Cut,
    Deed,
    Disconnect,
    ExpireTokens,
    FaultScript,
    Inject,
    Restart,
    Stall,
)
from tickwright.adapters.local.house import House, OptionError
from tickwright.engine.terms import NO_TIME
from tickwright.engine.times import SECOND

EVERYWHERE: Final = ("unsolicited_cancel", "empty_book", "flood", "quiet")
"""Actions that every local venue knows; `flood` and `quiet` are the crowd's, and are done here."""


def check_script(script: FaultScript, actions: Collection[str]) -> None:
    """Refuse a script that asks for what a venue with these `actions` cannot do.

    Raises:
        OptionError: naming the rule and the action.
    """
    for number, rule in enumerate(script.rules):
        if rule.fault == "act" and rule.action not in actions:
            raise OptionError(f"faults[{number}].action: expected {' or '.join(actions)}, received {rule.action!r}")


class Deeds:
    """Carries out deeds, and the rules that come due by time."""

    def __init__(self, venue: House) -> None:
        self._venue = venue
        self._up_at = -math.inf
        self._wake = trio.Event()

    @property
    def down(self) -> bool:
        return trio.current_time() < self._up_at

    def wake(self) -> None:
        """Rules have changed: look again what is due."""
        self._wake.set()

    async def run(self) -> None:
        """Strike by time, for good."""
        venue = self._venue
        while True:
            self._wake = trio.Event()
            due = venue.faults.due()
            wait = math.inf if due == NO_TIME else max(due - venue.mono(), 0) / SECOND
            with trio.move_on_after(wait):
                await self._wake.wait()
            for deed in venue.faults.timed(venue.mono()):
                self.do(deed)

    def do(self, deed: Deed) -> None:
        """Do it now; what concerns connections is done to all of them."""
        match deed:
            case Restart(memory=memory, down=down):
                self._restart(memory, down)
            case ExpireTokens():
                self._venue.expire_tokens()
            case Act(action=action, rate=rate, length=length):
                self._act(action, rate, length)
            case Cut() | Stall() | Disconnect() | Inject():
                for socket in list(self._venue.sockets):
                    socket.do(deed)
            case _:
                pass  # what concerns one request has none here

    def _restart(self, memory: bool, down: int) -> None:
        """Every connection and session ends; without memory, orders, trades and funds are as at the beginning."""
        venue = self._venue
        self._up_at = trio.current_time() + down / SECOND
        for scope in list(venue.connections):
            scope.cancel()
        venue.restart(memory)

    def _act(self, action: str, rate: float, length: int) -> None:
        venue = self._venue
        if action not in ("flood", "quiet"):
            venue.act(action)
            return
        until = venue.now() + length if length else NO_TIME
        for crowd in venue.crowds:
            if action == "flood":
                crowd.hurry(rate, until)
            else:
                crowd.rest(until)
