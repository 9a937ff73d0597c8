"""From a venue's doubles to whole steps of a grid, exactly, many at a time.

A double stands for a decimal of the grid when it is that decimal's nearest double. Dividing it by the step gives
a number whose error is a few ulp, so up to `FAST` steps (where 8 ulp are still under a hundredth of a step)
rounding finds the step and the distance to it judges the value. Above that the quotient says too little: those
few rows go through the shortest decimal that reads back as the same double, in exact integers.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tickwright.engine.instrument import GRID_BITS

FAST: Final = 2.0**40
ULPS: Final = 8 * 2.0**-52
PRICE_SLACK: Final = 1e-6
"""How far from its tick a price may lie, in ticks; a quantity has no slack beyond 8 ulp."""

FITS = 0
OFF_GRID = 1
TOO_LARGE = 2


def to_steps(
    values: NDArray[np.float64], num: int, den: int, slack: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """The nearest whole steps of ``num / den``, and for each value FITS, OFF_GRID or TOO_LARGE (then 0 steps).

    `values` are finite and not negative. A value fits within the larger of `slack` steps and 8 ulp of itself.
    """
    with np.errstate(over="ignore"):
        scaled = values * float(den)
    if num != 1:
        scaled /= float(num)
    near = scaled < FAST
    if not near.all():
        scaled = np.where(near, scaled, 0.0)
    nearest = np.rint(scaled)
    verdict = (np.abs(scaled - nearest) > np.maximum(scaled * ULPS, slack)).astype(np.int8)
    steps = nearest.astype(np.int64)
    for row in np.flatnonzero(~near):
        steps[row], verdict[row] = exact_steps(float(values[row]), num, den, slack)
    return steps, verdict


def exact_steps(value: float, num: int, den: int, slack: float) -> tuple[int, int]:
    """As `to_steps`, for one value of any size."""
    step = Fraction(num, den)
    steps = round(Fraction(Decimal(repr(value))) / step)
    if steps.bit_length() > GRID_BITS:
        return 0, TOO_LARGE
    distance = abs(Fraction(value) - steps * step)
    if distance > max(Fraction(slack) * step, 8 * Fraction(float(np.spacing(value)))):
        return steps, OFF_GRID
    return steps, FITS
