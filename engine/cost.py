"""Average cost: what the open part of a line cost, and what closing some of it realises, to the last digit.

The cost is ``cost + (fine_high * FINE_STEP + fine_low) / FINE`` value units, with both digits in ``[0, FINE_STEP)``,
held in C integers of 64 and 128 bits when compiled; where those cannot hold it, all of it lies in the Python integer
``far_cost``, in units of ``1 / FINE``. What is realised is summed as whole value units (``gain``), as units of 1e-12 of
the currency (``picos``), and, from the exact way, in ``gains``; a line's realised profit is the three together.
"""

from fractions import Fraction
from typing import Final

from tickwright.engine.money import half_even

FINE: Final = 10**24
"""Units of cost per value unit."""

FINE_STEP: Final = 10**12
"""The cost's fraction is held as two digits to this base, so that 128 bits hold every step of a division."""

GAIN_DIGITS: Final = 12
"""Realised profit is rounded to this many decimals of the currency at each closing fill."""

WORTH_MAX: Final = 1 << 124


def fine_cost(cost: int, high: int, low: int, far: int) -> int:
    """One number from the parts in which a cost is held, in units of ``1 / FINE`` of a value unit."""
    return cost * FINE + high * FINE_STEP + low + far


class OpenCost:
    """The cost half of a line in one instrument (see `Position`, which adds quantity, cash and fees)."""

    __slots__ = (
        "cost",
        "far_cost",
        "fine_high",
        "fine_low",
        "gain",
        "gain_den",
        "gain_num",
        "gains",
        "pico_small",
        "picos",
    )

    def _clear_cost(self, pico_small: int, gain_unit: Fraction) -> None:
        """Start flat. `pico_small` is a value unit in 1e-12 of currency where the fast way holds it, else 0;
        `gain_unit` the same for one unit of the fine cost."""
        self.pico_small = pico_small
        self.gain_num = gain_unit.numerator
        self.gain_den = gain_unit.denominator
        self.cost = self.fine_high = self.fine_low = self.gain = self.picos = 0
        self.far_cost = self.gains = 0

    def _close_fast(self, lots: int, size: int, closing: int) -> int:
        """Take the closed share out of the cost by long division in C integers, and realise the difference."""
        if lots >= size:
            part, high, low = self.cost, self.fine_high, self.fine_low
            self.cost = self.fine_high = self.fine_low = 0
        else:
            exact = self.cost
            exact *= lots
            part = exact // size
            left = exact - part * size
            exact = self.fine_high
            exact = exact * lots + left * FINE_STEP
            high = exact // size
            left = exact - high * size
            exact = self.fine_low
            exact = exact * lots + left * FINE_STEP
            low = exact // size
            left = 2 * (exact - low * size)
            if left > size or (left == size and low & 1):
                low += 1
            left = self.fine_low - low
            whole = left // FINE_STEP
            self.fine_low = left - whole * FINE_STEP
            left = self.fine_high - high + whole
            whole = left // FINE_STEP
            self.fine_high = left - whole * FINE_STEP
            self.cost += whole - part
        gained = -closing - part
        if high == 0 and low == 0:
            self.gain += gained
            return 0
        # Twice the fraction in 1e-12 of currency: below 2**40 x 2 x 10**24, so 128 bits hold it.
        exact = -(high * FINE_STEP + low) * self.pico_small
        whole = exact // (FINE_STEP * FINE_STEP)
        left = 2 * (exact - whole * (FINE_STEP * FINE_STEP)) - FINE_STEP * FINE_STEP
        if left > 0 or (left == 0 and ((gained & 1) * self.pico_small + whole) & 1):
            whole += 1
        self.gain += gained
        self.picos += whole
        return 0

    def _close_far(self, lots: int, size: int, closing: int) -> int:
        """The same in Python integers, for values that the C form cannot hold and units finer than 1e-12."""
        worth = closing
        cost = self._fine_cost()
        part = cost if lots >= size else half_even(cost * lots, size)
        self._realise(-(worth * FINE) - part)
        self._set_cost(cost - part)
        return 0

    def _fine_cost(self) -> int:
        """The cost of what is open, in units of ``1 / FINE`` of a value unit."""
        return fine_cost(self.cost, self.fine_high, self.fine_low, self.far_cost)

    def _set_cost(self, fine: int) -> int:
        """Hold a cost, in the C fields where they can hold it."""
        whole, rest = divmod(fine, FINE)
        if -WORTH_MAX < whole < WORTH_MAX:
            self.cost = whole
            self.fine_high = rest // FINE_STEP
            self.fine_low = rest % FINE_STEP
            self.far_cost = 0
        else:
            self.cost = self.fine_high = self.fine_low = 0
            self.far_cost = fine
        return 0

    def _realise(self, fine: int) -> None:
        """Add an amount in fine units to what is realised, rounded half to even to 1e-12 of the currency."""
        self.gains += half_even(fine * self.gain_num, self.gain_den)
