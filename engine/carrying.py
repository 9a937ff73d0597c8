"""What the first record of a journal's file says of everything before it: orders, money, the day, how far it reaches.

Reading it gives what reading all earlier records would give (`engine/recall.py` does both), but that of the orders that
are over only the youngest are taken along, which is all that is ever kept of them.
"""

from typing import Any, Final

from tickwright.engine.books import Books
from tickwright.engine.keeping import facts
from tickwright.engine.marks import E_INTENT
from tickwright.engine.order import Order
from tickwright.engine.orders import OrderManager
from tickwright.engine.scribe import DAY_RECORD_NS, KeptPortfolio

OVER_KEPT: Final = 4096
"""So many finished orders, the youngest by their last event, are taken along for what may still come for them."""

Said = dict[str, Any]


def carried(manager: OrderManager, portfolio: KeptPortfolio, *, since: int, adopted: int) -> Said:
    """The state as plain values, all but what the journal itself knows.

    `since` and `adopted` as in `Recalled`; `since` moves on by the orders that are left out.
    """
    orders = list(manager.by_id.values())
    over = sorted((order for order in orders if not order.is_open), key=youth)
    left_out = over[: max(0, len(over) - OVER_KEPT)]
    gone = set(map(id, left_out))
    ledger = manager.ledger
    return {
        "since": max([since, manager.gone_ts, *(order.updated_ts for order in left_out)]),
        "adopted": adopted,
        "orders": [with_fees(order, ledger) for order in orders if id(order) not in gone],
        "money": portfolio.memo(),
        "day": [portfolio.day_due - DAY_RECORD_NS, portfolio.day_said] if portfolio.day_said else None,
    }


def youth(order: Order) -> int:
    return order.updated_ts


def with_fees(order: Order, ledger: object) -> Said:
    """A whole order, with its terms, its executions and what the venue charged for them."""
    said = dict(facts(order, E_INTENT, True))
    said["ts"] = order.updated_ts
    if isinstance(ledger, Books):
        for fill in said["fills"]:
            fee = ledger.fees.get((order.number, fill["trade_id"]))
            if fee is not None:
                fill["fee"] = str(fee)
    return said
