"""Sizes are whole numbers, however many digits they have."""

import pytest
from orders_rig import PRICE, Rig

from tickwright.engine.order import approval, priced_order
from tickwright.engine.terms import OrderState

MANY = (1 << 53) + 1
"""The first whole number that a float cannot hold: it takes it for the one before."""


@pytest.mark.parametrize(("lots", "state"), [(MANY - 1, OrderState.PARTIALLY_FILLED), (MANY, OrderState.FILLED)])
def test_one_lot_short_of_a_great_order_is_not_all_of_it(lots: int, state: OrderState) -> None:
    rig = Rig()
    order = priced_order(rig.order.book, "great", 2, 1, MANY, PRICE, rig.seat, rig.account)
    rig.manager.register(approval(order, rig.ts), rig.ts)
    rig.manager.send_start(order, rig.ts)
    rig.manager.ack(order, "V2", rig.ts)
    rig.manager.fill(order, "t", lots, PRICE, 1, 1, 0, rig.ts, rig.ts)
    assert order.state is state
    assert order.leaves_lots == MANY - lots
