"""Which order a message belongs to, and what it means for that order.

Everything about an order bears our id of it. One message of the venue means two things: `cancel_order` says that an
order is dead, or that a cancel was refused, and only the words of its reason tell which. A reason that is in no list
is neither; the order is then asked for. The venue states no fees and no cumulative quantity but with a cancel.
"""

import heapq
from collections import OrderedDict
from decimal import Decimal
from typing import Final

from attrs import Factory, define

from tickwright.adapters.bad_message import BadMessage, OffGrid, shown
from tickwright.adapters.powertrade.messages import Accepted, CancelStated, Executed, Rejected, Replied
from tickwright.adapters.powertrade.notices import ExternalOrder, InDoubt, Notice, OrderWanted
from tickwright.adapters.powertrade.tags import Ask, Asked, Tags
from tickwright.engine.errors import UnitError
from tickwright.engine.events import (
    CancelRejected,
    OrderAccepted,
    OrderCanceled,
    OrderExecuted,
    OrderExpired,
    OrderRejected,
    OrderReport,
)
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import NO_TIME, Liquidity, Refusal, Side
from tickwright.engine.times import SECOND

FILL_WAIT_NS: Final = 2 * SECOND
"""How long the venue's count of what was executed may run ahead of its executions."""

ENDED_KEPT: Final = 4096
"""Orders that ended are kept for late executions: at 20 orders a second, the last 200 s."""

TIMEOUT: Final = "timeout"
DEAD: Final = frozenset(
    (
        "user_cancelled",
        "immediate_with_insufficient_liquidity",
        TIMEOUT,
        "liquidation",
        "insufficient_account_balance",
        "invalid_pending_order_flow",
        "too_many_pending_orders",
        "disconnection",
        "supervisory",
        "would_initiate",
        "would_participate",
    )
)
"""Reasons after which an order is no more. Any other text leaves it as it was."""

_TOO_LATE: Final = "fully executed"
_NOT_FOUND: Final = "not found"
_DUPLICATE: Final = "duplicate"
_NO_LOGIN: Final = ("not authenticated", "unauthorized", "authorisation failed")
_REFUSED: Final = frozenset((1, 2, 3, 4, 7, 12, 16))
"""Codes that say that a request was wrong in itself; after any other an order may have been carried out."""


@define
class OwnOrder:
    """One order of ours, as far as the wire has told. `ending` says that we cancel it because its time is over."""

    client_order_id: str
    instrument: Instrument
    side: Side
    lots: int
    venue_order_id: str = ""
    acked: bool = False
    ended: bool = False
    ending: bool = False
    booked_lots: int = 0
    stated_lots: int = 0
    fills_due: int = NO_TIME
    trade_ids: set[str] = Factory(set)


class Requests:
    """Every order that we sent over this venue and what is under way for it; `tags` are those of the connection."""

    def __init__(self, tags: Tags) -> None:
        self.notices: list[Notice] = []
        self.duplicates = 0
        self._tags = tags
        self._orders: dict[str, OwnOrder] = {}
        self._by_venue_id: dict[str, OwnOrder] = {}
        self._behind: dict[str, OwnOrder] = {}  # with executions outstanding
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._ends: list[tuple[int, str]] = []

    def placed(self, client_order_id: str, instrument: Instrument, side: Side, lots: int, end: int = 0) -> None:
        """An order is about to be sent; at `end` (nanoseconds, 0: never) we take it back ourselves."""
        self._orders[client_order_id] = OwnOrder(client_order_id, instrument, side, lots)
        if end:
            heapq.heappush(self._ends, (end, client_order_id))

    def adopt(
        self,
        *,
        client_order_id: str,
        instrument: Instrument,
        side: Side,
        lots: int,
        venue_order_id: str,
        booked_lots: int,
        end: int = 0,
    ) -> None:
        """Know an order of an earlier run, or one that reconciliation found."""
        self.placed(client_order_id, instrument, side, lots, end)
        order = self._orders[client_order_id]
        order.acked, order.booked_lots = bool(venue_order_id), booked_lots
        self._name(order, venue_order_id)

    def knows(self, client_order_id: str) -> bool:
        """Whether an order of this id was sent or adopted here."""
        return client_order_id in self._orders

    def instrument(self, client_order_id: str, venue_order_id: str) -> Instrument | None:
        """What an order of ours is in; None where it is not ours."""
        order = self._find(client_order_id, venue_order_id)
        return None if order is None else order.instrument

    def client_order_id(self, venue_order_id: str) -> str:
        """Our id of an order, empty where the venue's is of no order of ours."""
        order = self._by_venue_id.get(venue_order_id)
        return "" if order is None else order.client_order_id

    def venue_order_id(self, client_order_id: str) -> str:
        """The venue's id of an order, empty while not known."""
        order = self._orders.get(client_order_id)
        return "" if order is None else order.venue_order_id

    def acknowledged(self, client_order_id: str, venue_order_id: str) -> None:
        """A question told the venue's id."""
        order = self._orders.get(client_order_id)
        if order is not None and venue_order_id:
            self._name(order, venue_order_id)

    # What the venue says

    def accepted(self, told: Accepted, at: int) -> list[OrderReport]:
        """An order stands; told once, however often the venue says it."""
        self._tags.take_of(Ask.ORDER, told.client_order_id)
        order = self._find(told.client_order_id, told.venue_order_id)
        if order is None:
            self._external(told.client_order_id, told.venue_order_id)
            return []
        self._name(order, told.venue_order_id)
        if order.acked:
            return []
        order.acked = True
        return [
            OrderAccepted(
                client_order_id=order.client_order_id,
                venue_order_id=told.venue_order_id,
                ts=at,
                venue_ts=told.venue_ts,
            )
        ]

    def rejected(self, told: Rejected, at: int) -> list[OrderReport]:
        """The venue does not take an order, or (a duplicate) has one of that id already."""
        self._tags.take_of(Ask.ORDER, told.client_order_id)
        order = self._orders.get(told.client_order_id)
        if order is None:
            self._external(told.client_order_id, "")
            return []
        return self._reject(order, told.reason, at, told.venue_ts)

    def _reject(self, order: OwnOrder, reason: str, at: int, venue_ts: int = 0) -> list[OrderReport]:
        if order.acked or order.ended:
            self._want(order, f"refused after it stood: {reason}")
            return []
        duplicate = _DUPLICATE in reason.lower()
        if not duplicate:
            self._close(order)
        return [
            OrderRejected(
                client_order_id=order.client_order_id, reason=reason, duplicate=duplicate, ts=at, venue_ts=venue_ts
            )
        ]

    def executed(self, told: Executed, instrument: Instrument | None, at: int) -> list[OrderReport]:
        """One execution; `instrument` is the one it names, for when the order is not known.

        Raises:
            BadMessage: a price or quantity that the instrument cannot express, or another instrument than ordered.
        """
        self._tags.take_of(Ask.ORDER, told.client_order_id)
        order = self._find(told.client_order_id, told.venue_order_id)
        if order is not None:
            if told.symbol and told.symbol != order.instrument.symbol:
                expected = f"{order.instrument.symbol}, as ordered"
                raise BadMessage("execution.symbol", expected, shown(told.symbol))
            instrument = order.instrument
            if told.trade_id in order.trade_ids:
                self.duplicates += 1
                return []
        else:
            self._external(told.client_order_id, told.venue_order_id)
        if instrument is None:
            return []
        lots = lots_of(instrument, told.qty, "execution.executed_quantity")
        event = OrderExecuted(
            instrument=instrument.id,
            client_order_id=told.client_order_id if order is None else order.client_order_id,
            venue_order_id=told.venue_order_id,
            trade_id=told.trade_id,
            side=told.side,
            lots=lots,
            ticks=ticks_of(instrument, told.price, "execution.executed_price"),
            # Where the venue does not say who took, the dearer case is assumed.
            liquidity=Liquidity.TAKER if told.liquidity is None else told.liquidity,
            ts=at,
            venue_ts=told.venue_ts,
        )
        if order is not None:
            self._book(order, told, lots, at)
        return [event]

    def _book(self, order: OwnOrder, told: Executed, lots: int, at: int) -> None:
        order.trade_ids.add(told.trade_id)
        order.booked_lots += lots
        self._name(order, told.venue_order_id)
        if told.side is not order.side:
            self._want(order, f"expected an execution of side {order.side.name}, received {told.side.name}")
        if told.state == "filled":
            order.stated_lots = max(order.stated_lots, order.lots)
        self._compare(order, at)
        if order.booked_lots >= order.lots and not order.ended:
            self._close(order)

    def cancel_stated(self, told: CancelStated, at: int) -> list[OrderReport]:
        """An order is dead, or lives on because its cancel was refused: the reason says which."""
        asked = self._tags.take_of(Ask.CANCEL, told.client_order_id, told.venue_order_id)
        named = told.client_order_id or (asked.client_order_id if asked is not None else "")
        order = self._find(named, told.venue_order_id)
        if order is None:
            self._external(told.client_order_id, told.venue_order_id)
            return []
        self._name(order, told.venue_order_id)
        filled = -1
        if told.filled is not None:
            filled = lots_of(order.instrument, told.filled, "cancel_order.filled_quantity")
            order.stated_lots = max(order.stated_lots, filled)
            self._compare(order, at)
        if told.reason in DEAD:
            return self._dead(order, told, filled, at)
        reason = told.reason.lower()
        if _TOO_LATE in reason:
            refusal = Refusal.TOO_LATE
        elif _NOT_FOUND in reason:
            refusal = Refusal.UNKNOWN_ORDER
        else:
            self._want(order, f"expected a known reason of a cancel, received {shown(told.reason)}")
            refusal = Refusal.OTHER
        if asked is None and refusal is Refusal.OTHER:
            return []
        return self._spared(order, asked, refusal, told.reason, filled, at, told.venue_ts)

    def _dead(self, order: OwnOrder, told: CancelStated, filled: int, at: int) -> list[OrderReport]:
        if order.ended:
            return []
        self._close(order)
        coid, venue_ts = order.client_order_id, told.venue_ts
        if told.reason == TIMEOUT or (order.ending and told.reason == "user_cancelled"):
            return [OrderExpired(client_order_id=coid, stated_cum=filled, ts=at, venue_ts=venue_ts)]
        return [OrderCanceled(client_order_id=coid, reason=told.reason, stated_cum=filled, ts=at, venue_ts=venue_ts)]

    def _spared(
        self, order: OwnOrder, asked: Asked | None, refusal: Refusal, reason: str, filled: int, at: int, venue_ts: int
    ) -> list[OrderReport]:
        """The cancel was refused."""
        return [
            CancelRejected(
                client_order_id=order.client_order_id,
                refusal=refusal,
                reason=reason,
                stated_cum=filled,
                request_id=asked.request_id if asked is not None else 0,
                ts=at,
                venue_ts=venue_ts,
            )
        ]

    def replied(self, asked: Asked, told: Replied, at: int) -> list[OrderReport]:
        """A plain refusal of a new order or a cancel, found by its tag."""
        order = self._orders.get(asked.client_order_id)
        if order is None or told.code == 0:
            return []
        words = f"{told.text or 'no reason given'} (code {told.code})"
        if asked.ask is Ask.CANCEL:
            refusal = Refusal.TRANSIENT if not_logged_in(told) else Refusal.OTHER
            if _NOT_FOUND in told.text.lower():
                refusal = Refusal.UNKNOWN_ORDER
            elif refusal is Refusal.OTHER:
                self._want(order, f"its cancel was refused: {words}")
            return self._spared(order, asked, refusal, words, -1, at, 0)
        if told.code in _REFUSED or not_logged_in(told):
            return self._reject(order, words, at)
        self.notices.append(InDoubt(client_order_id=order.client_order_id, reason=words))
        return []

    def late(self, asked: Asked) -> None:
        """No answer to a request about an order: a fact that only asking turns into knowledge."""
        order = self._orders.get(asked.client_order_id)
        if order is not None and not order.ended:
            self._want(order, f"expected an answer to its {asked.ask.name.lower()}, received none in time")

    # Time

    def due(self) -> int:
        """When executions are overdue, or an order's own end has come; NO_TIME if never."""
        behind = min((order.fills_due for order in self._behind.values()), default=NO_TIME)
        return min(behind, self._ends[0][0] if self._ends else NO_TIME)

    def check(self, at: int) -> list[tuple[str, str]]:
        """Ask for executions that have not come; return the orders (our id, the venue's) whose own end has come."""
        for order in list(self._behind.values()):
            if order.fills_due <= at:
                order.fills_due = NO_TIME
                del self._behind[order.client_order_id]
                self._want(order, f"expected {order.stated_lots} lots executed, received {order.booked_lots}")
        over = []
        while self._ends and self._ends[0][0] <= at:
            found = self._orders.get(heapq.heappop(self._ends)[1])
            if found is not None and not found.ended:
                found.ending = True
                over.append((found.client_order_id, found.venue_order_id))
        return over

    # Small things

    def _compare(self, order: OwnOrder, at: int) -> None:
        if order.stated_lots <= order.booked_lots:
            order.fills_due = NO_TIME
            self._behind.pop(order.client_order_id, None)
        elif order.fills_due == NO_TIME:
            order.fills_due = at + FILL_WAIT_NS
            self._behind[order.client_order_id] = order

    def _want(self, order: OwnOrder, reason: str) -> None:
        self.notices.append(OrderWanted(client_order_id=order.client_order_id, reason=reason))

    def _external(self, client_order_id: str, venue_order_id: str) -> None:
        self.notices.append(ExternalOrder(client_order_id=client_order_id, venue_order_id=venue_order_id))

    def _find(self, client_order_id: str, venue_order_id: str) -> OwnOrder | None:
        return self._orders.get(client_order_id) or self._by_venue_id.get(venue_order_id)

    def _name(self, order: OwnOrder, venue_order_id: str) -> None:
        if not venue_order_id or order.venue_order_id == venue_order_id:
            return
        if order.venue_order_id:
            self._want(order, f"expected the venue's id {order.venue_order_id}, received {shown(venue_order_id)}")
            return
        order.venue_order_id = venue_order_id
        self._by_venue_id[venue_order_id] = order

    def _close(self, order: OwnOrder) -> None:
        """Nothing more is expected of an order but late executions."""
        order.ended = True
        self._tags.drop(order.client_order_id)
        self._ended[order.client_order_id] = None
        while len(self._ended) > ENDED_KEPT:
            old = self._orders.pop(self._ended.popitem(last=False)[0], None)
            if old is not None:
                self._behind.pop(old.client_order_id, None)
                self._by_venue_id.pop(old.venue_order_id, None)


def not_logged_in(told: Replied) -> bool:
    """Whether a refusal says that this connection is not logged in (its code is used for other things, too)."""
    return any(words in told.text.lower() for words in _NO_LOGIN)


def lots_of(instrument: Instrument, qty: Decimal, field: str) -> int:
    """A quantity of the wire in lots.

    Raises:
        OffGrid: the instrument cannot express it.
    """
    try:
        return instrument.lots(qty)
    except UnitError as error:
        raise _off_grid(instrument, qty, field, error) from None


def ticks_of(instrument: Instrument, price: Decimal, field: str) -> int:
    """A price of the wire in ticks; raises as `lots_of` does."""
    try:
        return instrument.ticks(price)
    except UnitError as error:
        raise _off_grid(instrument, price, field, error) from None


def _off_grid(instrument: Instrument, number: Decimal, field: str, error: UnitError) -> OffGrid:
    return OffGrid(field, f"a multiple of the grid of {instrument.id}", shown(f"{number:f}"), "", error.code)
