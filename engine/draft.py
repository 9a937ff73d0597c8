"""An intent as an order record: what the gate judges, built from its terms in units."""

from tickwright.engine.book import Book
from tickwright.engine.market import Seat
from tickwright.engine.order import Order, Working, new_order
from tickwright.engine.parent import Parent
from tickwright.engine.terms import LIMIT


def draft(
    book: Book,
    client_order_id: str,
    number: int,
    side: int,
    lots: int,
    ticks: int,
    kind: int = LIMIT,
    time_in_force: int = 0,
    post_only: bool = False,
    reduce_only: bool = False,
    expire_ts: int = 0,
    parent: Parent | None = None,
    created_ts: int = 0,
    malformed: str = "",
    reason: str = "",
    seat: Seat | None = None,
    account_working: Working | None = None,
) -> Order:
    """An order that nobody has judged yet. `seat` is whose it is (None: the account's own, an operator's exit)."""
    order = new_order(book, client_order_id, number)
    order.side_code = side
    order.type_code = kind
    order.tif_code = time_in_force
    order.has_price = kind == LIMIT
    order.lots = lots
    order.ticks = ticks
    order.post_only = post_only
    order.reduce_only = reduce_only
    order.expire_ts = expire_ts
    order.parent = parent
    order.created_ts = created_ts
    order.malformed = malformed
    order.reason = reason
    order.account_working = account_working
    if seat is not None:
        order.seat = seat
        order.strategy = seat.strategy
        order.strategy_index = seat.strategy_index
        order.working = seat.working
        order.account_working = seat.market.working
    return order
