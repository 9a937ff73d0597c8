"""How long an order lives: the venue counts in cycles of ten minutes that begin with the hour, the present one first.

`GTC` is therefore not until cancelled: it ends with the last of its cycles, and is then told as expired. An order
with an end of its own (GTD) gets as many cycles as reach past that end, and is cancelled by us when it has come.
"""

from typing import Final

from tickwright.adapters.powertrade.commands import WINDOW_MAX
from tickwright.engine.times import SECOND

CYCLE_NS: Final = 600 * SECOND


def cycles(now: int, until: int) -> int:
    """How many cycles, the present one included, reach to `until`; both in nanoseconds UTC by the venue's clock."""
    begun = now - now % CYCLE_NS
    return min(max(-((begun - until) // CYCLE_NS), 1), WINDOW_MAX)


def end(now: int, window: int) -> int:
    """When an order that the venue takes at `now` with this window ends."""
    return now - now % CYCLE_NS + window * CYCLE_NS
