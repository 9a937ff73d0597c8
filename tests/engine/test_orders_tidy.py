"""Old orders are forgotten when their story is complete, and only then: memory stays, nothing that matters goes."""

import pytest
from orders_rig import PRICE, QTY, Rig

from tickwright.engine.order import approval
from tickwright.engine.orders import KEPT
from tickwright.engine.terms import OrderState


def place(rig: Rig, number: int) -> None:
    """A new order that has left."""
    rig.order = rig.new_order(f"bt-{number}", number)
    rig.manager.register(approval(rig.order, rig.ts), rig.tick())
    rig.manager.send_start(rig.order, rig.tick())


@pytest.fixture
def crowded() -> Rig:
    """Four orders of interest, then so many rejected ones that it is time to tidy."""
    rig = Rig()
    manager = rig.manager
    place(rig, 1)
    manager.ack(rig.order, "v1", rig.tick())
    place(rig, 2)
    manager.ack(rig.order, "v2", rig.tick())
    manager.cancel_ack(rig.order, -1, "", rig.tick())
    place(rig, 3)
    manager.ack(rig.order, "v3", rig.tick())
    manager.cancel_ack(rig.order, 0, "", rig.tick())
    place(rig, 4)
    manager.ack(rig.order, "v4", rig.tick())
    rig.fill(QTY)
    for number in range(5, 2 * KEPT + 1):
        place(rig, number)
        manager.reject(rig.order, "no", rig.tick())
    return rig


def test_nothing_goes_before_there_are_many(crowded: Rig) -> None:
    assert crowded.manager.tidy() == 0
    assert crowded.manager.by_client_order_id("bt-3") is not None


def test_the_old_and_complete_go(crowded: Rig) -> None:
    manager = crowded.manager
    place(crowded, 2 * KEPT + 1)
    assert manager.tidy() == KEPT - 1
    still = manager.by_client_order_id("bt-1"), manager.by_client_order_id("bt-2")
    assert [order and order.state for order in still] == [OrderState.OPEN, OrderState.CANCELED]
    assert manager.by_client_order_id("bt-3") is manager.by_client_order_id("bt-4") is None
    assert manager.by_client_order_id(f"bt-{KEPT + 1}") is None
    assert manager.by_client_order_id(f"bt-{KEPT + 2}") is not None
    assert manager.by_venue_order_id("XYZ", "v4") is None
    assert manager.by_venue_order_id("XYZ", "v1") is still[0]
    assert manager.tidy() == 0


def test_a_fill_that_is_still_owed_moves_money(crowded: Rig) -> None:
    """Order 2 was cancelled without a word on what it had executed: it is kept, and its late fill counts."""
    place(crowded, 2 * KEPT + 1)
    crowded.manager.tidy()
    late = crowded.manager.by_client_order_id("bt-2")
    assert late is not None
    before = crowded.wallet.position
    crowded.manager.fill(late, "late", 3, PRICE, 1, 0, 7, 0, crowded.tick())
    assert crowded.wallet.position == before + 3
