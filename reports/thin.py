"""Fewer points for the same picture: of each stretch of a series its lowest and highest point stay."""

import numpy as np
from numpy.typing import NDArray

from tickwright.reports.decimals import Ints

POINTS_MAX = 4000
"""More points than that no screen shows."""


def thin(series: list[NDArray[np.float64]], limit: int = POINTS_MAX) -> Ints:
    """The indices to keep, at most `limit`: first and last, and every series' extremes in each stretch.

    All series have one length. Not-a-number is never an extreme.
    """
    count = len(series[0])
    if count <= limit:
        return np.arange(count)
    stretches = max(1, (limit - 2) // (2 * len(series)))
    edges = np.linspace(0, count, stretches + 1).astype(np.int64)
    keep = {0, count - 1}
    for values in series:
        low = np.where(np.isnan(values), np.inf, values)
        high = np.where(np.isnan(values), -np.inf, values)
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            keep.add(start + int(np.argmin(low[start:end])))
            keep.add(start + int(np.argmax(high[start:end])))
    return np.array(sorted(keep), np.int64)
