"""What options on a forward are worth: Black's formula, for any number of them at once.

F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976), pages 167 to 179:

    d1 = (ln(F / K) + sigma^2 T / 2) / (sigma sqrt T),    d2 = d1 - sigma sqrt T
    call = exp(-r T) (F N(d1) - K N(d2)),    put = exp(-r T) (K N(-d2) - F N(-d1))

F is the forward for the day of expiry, K the strike, T the time left in years, sigma the volatility a year, r the rate
at which the payment is discounted, N the normal distribution. Without time or volatility left an option is worth what
exercising it would give, discounted.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

CALL: Final = 1
PUT: Final = -1

STILL: Final = 1e-12
"""Below this the forward moves by less than its rounding until expiry."""

# NumPy has no error function. The complement keeps its digits far out, where one minus the function has none left.
_erfc: Final = np.frompyfunc(math.erfc, 1, 1)


def normal(x: ArrayLike) -> NDArray[np.float64]:
    """The normal distribution: how likely a standard normal number is at most `x`."""
    return np.asarray(_erfc(-np.asarray(x, dtype=np.float64) / math.sqrt(2.0)), dtype=np.float64) / 2.0


def black_76(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, volatility: ArrayLike, right: ArrayLike, rate: float = 0.0
) -> NDArray[np.float64]:
    """Values of European options on a forward, element by element; arguments are broadcast against each other.

    Args:
        forward: price of the underlying for delivery at expiry, above zero.
        strike: above zero, in the same currency.
        years: time to expiry; below zero counts as zero.
        volatility: a year, as a fraction (0.6 is 60 %); not negative.
        right: `CALL` or `PUT` (1 or -1).
        rate: a year, continuously compounded.

    Raises:
        ValueError: a number out of its bounds.
    """
    f, k, t, sigma, phi = np.broadcast_arrays(
        *(np.asarray(each, dtype=np.float64) for each in (forward, strike, years, volatility, right))
    )
    for name, numbers, good in (
        ("forward", f, np.isfinite(f) & (f > 0)),
        ("strike", k, np.isfinite(k) & (k > 0)),
        ("years", t, np.isfinite(t)),
        ("volatility", sigma, np.isfinite(sigma) & (sigma >= 0)),
        ("right", phi, np.abs(phi) == 1),
    ):
        if not good.all():
            raise ValueError(f"{name}: expected numbers that an option can have, received {numbers}")
    t = np.maximum(t, 0.0)
    spread = sigma * np.sqrt(t)
    moves = spread > STILL
    # Where nothing moves the formula has no meaning; a spread of one stands in until its result is replaced.
    safe = np.where(moves, spread, 1.0)
    d1 = np.log(f / k) / safe + safe / 2.0
    value = phi * (f * normal(phi * d1) - k * normal(phi * (d1 - safe)))
    exercised = np.maximum(phi * (f - k), 0.0)
    # Far out of the money the two terms cancel; rounding must not leave less than nothing.
    return np.asarray(np.exp(-rate * t) * np.where(moves, np.maximum(value, 0.0), exercised), dtype=np.float64)
