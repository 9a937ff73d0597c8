"""The order-by-order book against a list of orders, and every contradiction by name."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tickwright.engine import book_by_order
from tickwright.engine.book import Book
from tickwright.engine.book_by_order import BookByOrder
from tickwright.engine.errors import SequenceGap
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import BUY, GRID_END, SELL, Health

IDS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
SIDES = st.sampled_from([BUY, SELL])
PRICES = st.sampled_from([1, 2, 3, 10**12])
LOTS = st.integers(-1, 5) | st.sampled_from([GRID_END - 3, GRID_END])
LIMIT = 5


class ByOrderAgainstList(RuleBasedStateMachine):
    """The model: resting orders in a plain list, first in line first."""

    @initialize()
    def begin(self) -> None:
        self.before = book_by_order.MAX_ORDERS
        book_by_order.MAX_ORDERS = LIMIT
        instrument = Instrument(id="BTC/CHF.TDX", tick_size=Decimal("0.01"), lot_size=Decimal("0.1"))
        self.real = BookByOrder(Book(instrument))
        self.orders: list[tuple[str, int, int, int]] = []
        self.gapped = False

    def teardown(self) -> None:
        book_by_order.MAX_ORDERS = self.before

    def find(self, order_id: str) -> tuple[str, int, int, int] | None:
        return next((order for order in self.orders if order[0] == order_id), None)

    def total(self, side: int, ticks: int) -> int:
        return sum(order[3] for order in self.orders if order[1:3] == (side, ticks))

    def attempt(self, legal: bool, step: Callable[[], None]) -> bool:
        """What the model holds for legal must be taken, anything else refused and the book pinned."""
        if legal:
            step()
        else:
            with pytest.raises(SequenceGap, match=r"^BTC/CHF\.TDX: .*expected .*, received "):
                step()
            self.gapped = True
        return legal

    @rule(order_id=IDS, side=SIDES, ticks=PRICES, lots=LOTS)
    def one_comes(self, order_id: str, side: int, ticks: int, lots: int) -> None:
        fits = lots > 0 and self.total(side, ticks) + lots < GRID_END
        legal = self.find(order_id) is None and fits and len(self.orders) < LIMIT
        if self.attempt(legal, lambda: self.real.add(order_id, side, ticks, lots)):
            self.orders.append((order_id, side, ticks, lots))

    @rule(order_id=IDS, lots=LOTS)
    def one_changes(self, order_id: str, lots: int) -> None:
        order = self.find(order_id)
        legal = order is not None and lots > 0 and self.total(order[1], order[2]) - order[3] + lots < GRID_END
        if self.attempt(legal, lambda: self.real.change(order_id, lots)):
            assert order is not None
            at = self.orders.index(order)
            changed = (*order[:3], lots)
            self.orders[at] = changed
            if lots > order[3]:
                self.orders.append(self.orders.pop(at))

    @rule(order_id=IDS, lots=LOTS)
    def one_is_reduced(self, order_id: str, lots: int) -> None:
        order = self.find(order_id)
        legal = order is not None and 0 < lots <= order[3]
        if self.attempt(legal, lambda: self.real.reduce(order_id, lots)):
            assert order is not None
            at = self.orders.index(order)
            self.orders[at : at + 1] = [] if lots == order[3] else [(*order[:3], order[3] - lots)]

    @rule(order_id=IDS)
    def one_goes(self, order_id: str) -> None:
        order = self.find(order_id)
        if self.attempt(order is not None, lambda: self.real.delete(order_id)):
            assert order is not None
            self.orders.remove(order)

    @rule()
    def a_snapshot_follows(self) -> None:
        self.real.clear()
        self.orders = []
        self.gapped = False

    @invariant()
    def levels_and_queues_agree(self) -> None:
        if not hasattr(self, "real"):
            return
        levels = {(order[1], order[2]) for order in self.orders}
        for side in (BUY, SELL):
            for ticks in (1, 2, 3, 10**12):
                line = tuple((order[0], order[3]) for order in self.orders if order[1:3] == (side, ticks))
                assert self.real.queue(side, ticks) == line
                assert self.real.book.size_at(side, ticks) == self.total(side, ticks)
        assert self.real.book.bids.n + self.real.book.asks.n == len(levels)
        self.real.settle(1)
        assert (self.real.book.health is Health.GAPPED) == self.gapped


TestByOrderAgainstList = ByOrderAgainstList.TestCase


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda it: it.delete("x"), "BTC/CHF.TDX: expected the id of a resting order, received x"),
        (lambda it: it.change("x", 1), "BTC/CHF.TDX: expected the id of a resting order, received x"),
        (
            lambda it: it.add("a", BUY, 5, 1),
            "BTC/CHF.TDX: order a: expected a new order, received one that rests already",
        ),
        (lambda it: it.add("b", 0, 5, 1), "BTC/CHF.TDX: order b: expected side 1 or -1, received 0"),
        (
            lambda it: it.add("b", BUY, GRID_END, 1),
            "order b: expected a price within 2**62 ticks, received 46116860184",
        ),
        (lambda it: it.reduce("a", 4), "BTC/CHF.TDX: order a: expected a reduction of 1 to 3 lots, received 4"),
        (lambda it: it.change("a", 0), "BTC/CHF.TDX: order a: expected a positive size, received 0 lots"),
        (
            lambda it: it.add("b", BUY, 7, GRID_END - 1),
            "expected its level to stay below 2**62 lots, received 46116860184",
        ),
    ],
)
def test_a_contradiction_names_culprit_expected_and_received(
    instrument: Callable[..., Instrument], step: Callable[[BookByOrder], None], message: str
) -> None:
    by_order = BookByOrder(Book(instrument()))
    by_order.add("a", BUY, 7, 3)
    with pytest.raises(SequenceGap) as caught:
        step(by_order)
    assert message in str(caught.value)
    assert by_order.book.reason == str(caught.value)
    assert by_order.book.health is Health.GAPPED
    assert by_order.queue(BUY, 7) == (("a", 3),)
    by_order.clear()
    by_order.add("a", BUY, 7, 3)
    by_order.add("b", SELL, 8, 3)
    by_order.settle(1)
    assert by_order.book.health is Health.LIVE
