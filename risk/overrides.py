"""Overrides: an operator lets one named order through named controls, for minutes, with a reason."""

from typing import Final

from attrs import frozen

from tickwright.engine.errors import TickwrightError
from tickwright.risk.controls import CONTROL

LONGEST_NS: Final = 600_000_000_000
"""Ten minutes."""

NEVER: Final = ("B4", "B6", "B8")


class OverrideRefused(TickwrightError):
    """An override that may not be."""


@frozen(kw_only=True)
class Override:
    """One exception for one order: the controls it lifts, until when, who and why."""

    client_order_id: str
    controls: frozenset[str]
    until: int
    operator: str
    reason: str


class Overrides:
    """The overrides of one run."""

    def __init__(self) -> None:
        self.held: dict[str, Override] = {}

    def add(
        self, client_order_id: str, controls: tuple[str, ...], *, operator: str, reason: str, expiry_ns: int, now: int
    ) -> Override:
        """Let one order through `controls` for `expiry_ns`.

        Raises:
            OverrideRefused: no operator or reason, no order, an unknown control, one of A, B4, B6 or B8, more than ten
                minutes.
        """
        if not operator.strip() or not reason.strip() or not client_order_id:
            raise OverrideRefused(f"override of {client_order_id!r}: expected an order, an operator and a reason")
        for control in controls:
            if control not in CONTROL:
                raise OverrideRefused(
                    f"override of {client_order_id}: expected a control such as C1, received {control!r}"
                )
            if control.startswith("A") or control in NEVER:
                raise OverrideRefused(f"override of {client_order_id}: {control} is never overridden")
        if not 0 < expiry_ns <= LONGEST_NS:
            raise OverrideRefused(
                f"override of {client_order_id}: expected at most 10 minutes, received {expiry_ns} ns"
            )
        made = Override(
            client_order_id=client_order_id,
            controls=frozenset(controls),
            until=now + expiry_ns,
            operator=operator,
            reason=reason,
        )
        self.held[client_order_id] = made
        return made

    def lifted(self, client_order_id: str, now: int) -> frozenset[str]:
        """The controls that do not bind this order now."""
        made = self.held.get(client_order_id)
        return made.controls if made is not None and now < made.until else frozenset()

    def drop(self, now: int) -> None:
        """Forget what has expired."""
        self.held = {name: made for name, made in self.held.items() if now < made.until}
