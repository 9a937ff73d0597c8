"""How long a message takes between the strategy and the simulated venue, in nanoseconds.

One object serves one direction. `fixed_ns` is the delay where it never varies, and -1 where `draw` must be asked.
"""

import math
from typing import Protocol

from tickwright.engine.errors import TickwrightError

LONGEST_NS = 3_600_000_000_000
"""No message takes longer than an hour; a drawn delay is cut there."""


class Generator(Protocol):
    """What is used of `random.Random`: the caller seeds one and passes it in."""

    def random(self) -> float: ...

    def normalvariate(self, mu: float, sigma: float) -> float: ...


class Latency:
    """A delay for each message of one direction; what a kind of it leaves out raises."""

    fixed_ns: int = -1

    def draw(self) -> int:
        """The next message's delay in nanoseconds."""
        raise NotImplementedError(type(self).__name__)  # each kind of delay says how; one that leaves it out is a bug


class Fixed(Latency):
    """The same delay for every message."""

    def __init__(self, ns: int = 0) -> None:
        if not 0 <= ns <= LONGEST_NS:
            raise TickwrightError(f"latency: expected 0 to {LONGEST_NS} ns, received {ns}")
        self.fixed_ns = ns

    def draw(self) -> int:
        return self.fixed_ns


class LogNormal(Latency):
    """Delays whose logarithm is normal: half are below `median_ns`; `sigma` is the logarithm's standard deviation.

    The mean is `median_ns * exp(sigma ** 2 / 2)`, the 99th percentile `median_ns * exp(2.33 * sigma)`: a sigma of 0.5
    makes it 3.2 medians, a sigma of 1 makes it 10.
    """

    def __init__(self, median_ns: int, sigma: float, random: Generator) -> None:
        if not 0 < median_ns <= LONGEST_NS:
            raise TickwrightError(f"latency: expected a median of 1 to {LONGEST_NS} ns, received {median_ns}")
        if not 0 <= sigma <= 5:
            raise TickwrightError(f"latency: expected a sigma of 0 to 5, received {sigma}")
        self.median_ns = median_ns
        self.sigma = sigma
        self.random = random

    def draw(self) -> int:
        return int(min(self.median_ns * math.exp(self.random.normalvariate(0.0, self.sigma)), LONGEST_NS))
