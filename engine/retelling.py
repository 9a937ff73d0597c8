"""Tells strategies again, at the start, of what a crash may have taken from their memory."""

from collections.abc import Mapping, Sequence

from tickwright.engine.core import Core
from tickwright.engine.order import Fill, Order


def retell(core: Core, untold: Mapping[str, Sequence[tuple[Order, Fill]]]) -> None:
    """Tell each strategy of executions from before the run, in order; what it asks for meanwhile lapses."""
    if not untold:
        return
    running, core.running = core.running, False
    for desk in core.desks:
        desk.door.replaying = True
        for order, fill in untold.get(desk.name, ()):
            if desk.enabled and desk.on_fill is not None:
                core.call(desk, "on_fill", desk.on_fill, (order, fill))
        desk.door.replaying = False
    core.running = running
