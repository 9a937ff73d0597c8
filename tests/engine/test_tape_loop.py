"""What the tape loop refuses: it looks at its columns once, and not again at every row."""

from array import array

import pytest
from attrs import define

from tickwright import Strategy
from tickwright.engine.errors import LocalError
from tickwright.strategies.testing import Bench

COLUMNS = ("ts", "market", "kind", "side", "px", "qty", "last")


@define(kw_only=True)
class Nobody(Strategy):
    """Wants nothing."""


def columns(bench: Bench, n: int, **other: list[int]) -> list[memoryview]:
    """`n` rows of bids, each a message; `other` takes the place of a column."""
    plain = {name: [0] * n for name in COLUMNS}
    plain |= {"ts": [bench.core.now + i for i in range(n)], "side": [1] * n, "px": list(range(1, n + 1))}
    plain |= {"qty": [5] * n, "last": [1] * n} | other
    return [memoryview(array("q", plain[name])) for name in COLUMNS]


def test_rows_are_played_from_first_to_the_last_but_one() -> None:
    bench = Bench(Nobody(), "BTC/CHF.TDX")
    assert bench.loop.play(*columns(bench, 6), 2, 5) == 3
    assert (bench.loop.events, bench.markets[0].book.bids.n) == (3, 3)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_lacks_a_row_is_refused(name: str) -> None:
    bench = Bench(Nobody(), "BTC/CHF.TDX")
    short = columns(bench, 5, **{name: [0] * 4})
    with pytest.raises(LocalError, match="expected columns with rows 0 to 5"):
        bench.loop.play(*short, 0, 5)
    with pytest.raises(LocalError, match="rows -1 to 3"):
        bench.loop.play(*short, -1, 3)
    assert bench.loop.events == 0


@pytest.mark.parametrize("market", [1, -1])
def test_a_market_that_is_none_is_refused(market: int) -> None:
    bench = Bench(Nobody(), "BTC/CHF.TDX")
    with pytest.raises(LocalError, match=f"expected market 0 to 0, received {market}"):
        bench.loop.play(*columns(bench, 2, market=[0, market]), 0, 2)
