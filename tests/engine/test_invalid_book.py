"""Resting orders when a book may no longer be traded on."""

from decimal import Decimal

import pytest

from tickwright.engine.terms import Health
from tickwright.strategies.base import Strategy
from tickwright.strategies.testing import Bench


class Rests(Strategy):
    """Rests one order in every market when its first book comes."""

    def on_start(self) -> None:
        for name in ("X.VENUE", "Y.VENUE"):
            self.watch(name, book="every")
        self.asked: set[str] = set()
        self.heard: list[str] = []

    def on_book(self, book) -> None:
        if book.instrument.id not in self.asked:
            self.asked.add(book.instrument.id)
            self.buy(book.instrument, Decimal(1), book.bid)

    def on_order(self, order) -> None:
        self.heard.append(f"{order.instrument.id} {order.state.name}")


def resting() -> Bench:
    bench = Bench(Rests(), ["X.VENUE", "Y.VENUE"], tick="1", lot="1", accepts=True)
    for name in ("X.VENUE", "Y.VENUE"):
        bench.book("99 x 5 | 101 x 5", name)
    assert [order.state.name for order in bench.sent] == ["OPEN", "OPEN"]
    return bench


@pytest.mark.parametrize("text", ["102 x 1, 99 x 5 | 101 x 5", "99 x 5 |", "| 101 x 5"])
def test_orders_in_that_market_alone_are_cancelled(text):
    bench = resting()
    mine, other = bench.sent
    bench.book(text, "X.VENUE")
    assert (mine.state.name, other.state.name) == ("CANCELED", "OPEN")
    assert bench.core.desks[0].strategy.heard[-1] == "X.VENUE CANCELED"


@pytest.mark.parametrize("health", [Health.GAPPED, Health.STALE])
def test_a_book_that_is_pinned_counts_when_its_next_message_comes(health):
    bench = resting()
    mine, other = bench.sent
    bench.core.markets[0].book.pin(health, "no messages")
    bench.book("99 x 6 | 101 x 5", "X.VENUE")
    assert (mine.state.name, other.state.name) == ("CANCELED", "OPEN")


def test_orders_are_left_where_the_config_says_so():
    bench = resting()
    bench.core.leaves_invalid = True
    bench.book("99 x 5 |", "X.VENUE")
    assert [order.state.name for order in bench.sent] == ["OPEN", "OPEN"]
