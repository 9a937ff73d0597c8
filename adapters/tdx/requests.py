"""Which order a message belongs to, and what it means for that order.

The venue's envelope has no request id. An order is acknowledged by the first state that bears its client id; refused
by a refusal that names it, or that names nobody while one request alone is under way. Fills come as trades, which
carry the venue's order id only. An order's state replaces the state before, unless it is older by the venue's own
stamp. The venue's count of what was executed is only compared: no fill is made up from it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from attrs import Factory, define

from tickwright.adapters.bad_message import OffGrid, shown
from tickwright.adapters.tdx import assumed
from tickwright.adapters.tdx.messages import Cancel, OrderStated, Place, Refused, Status, TradeStated
from tickwright.adapters.tdx.notices import (
    ExternalOrder,
    InDoubt,
    LoginWanted,
    Notice,
    OrderWanted,
    ReconcileWanted,
    TradesWanted,
    Unattributed,
)
from tickwright.engine.errors import LocalError, UnitError
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
"""How long the venue's count may run ahead of its trades."""

ENDED_KEPT: Final = 4096
"""Orders that ended are kept for late trades: at 20 orders a second, the last 200 s."""

EARLY_KEPT: Final = 256
"""Orders of unknown name whose fills are kept: those of one burst."""

_CREATE: Final = "create"
_CANCEL: Final = "cancel"
_ENDS: Final = frozenset((Status.FILLED, Status.CANCELED, Status.REJECTED, Status.EXPIRED))
_DOUBTFUL: Final = frozenset(("INTERNAL", "UNAVAILABLE", "UNKNOWN", "DEADLINE_EXCEEDED", "ABORTED"))
_LOGIN: Final = frozenset(("UNAUTHENTICATED", "MFA_REQUIRED"))
_KNOWN_ID: Final = "ALREADY_EXISTS"
_BUSY: Final = "RESOURCE_EXHAUSTED"
_MISSING: Final = frozenset(("NOT_FOUND", "RESOURCE_NOT_FOUND"))


@define
class OwnOrder:
    """One order of ours, as far as the wire has told."""

    client_order_id: str
    instrument: Instrument
    side: Side
    lots: int
    venue_order_id: str = ""
    acked: bool = False
    ended: bool = False
    creating: bool = False
    cancels: list[int] = Factory(list)
    updated_ts: int = 0
    stated_lots: int = 0
    booked_lots: int = 0
    fills_due: int = NO_TIME
    trade_ids: set[str] = Factory(set)


class Requests:
    """Every order that we sent over this venue and what is under way for it."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.duplicates = 0
        self.outdated = 0
        self._orders: dict[str, OwnOrder] = {}
        self._by_venue_id: dict[str, OwnOrder] = {}
        self._live: dict[str, OwnOrder] = {}  # not ended: as many as rest at the venue
        self._behind: dict[str, OwnOrder] = {}  # with fills outstanding
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._early: OrderedDict[str, dict[str, int]] = OrderedDict()  # fills of orders that have no name yet

    def placed(self, command: Place, instrument: Instrument) -> None:
        """An order is about to be sent.

        Raises:
            LocalError: one of this id was sent already.
        """
        if command.client_order_id in self._orders:
            raise LocalError(f"{command.client_order_id}: expected an order that is new, received one sent already")
        order = OwnOrder(command.client_order_id, instrument, command.side, command.lots, creating=True)
        self._orders[order.client_order_id] = self._live[order.client_order_id] = order

    def cancelling(self, command: Cancel) -> None:
        """A cancel is about to be sent."""
        order = self._orders.get(command.client_order_id)
        if order is not None:
            order.cancels.append(command.request_id)

    def adopt(
        self,
        *,
        client_order_id: str,
        instrument: Instrument,
        side: Side,
        lots: int,
        venue_order_id: str,
        booked_lots: int,
    ) -> None:
        """Know an order of an earlier run, or one that reconciliation found."""
        order = OwnOrder(client_order_id, instrument, side, lots, acked=bool(venue_order_id), booked_lots=booked_lots)
        self._orders[client_order_id] = self._live[client_order_id] = order
        self._name(order, venue_order_id)

    def knows(self, client_order_id: str) -> bool:
        """Whether an order of this id was sent or adopted here."""
        return client_order_id in self._orders

    def client_order_id(self, venue_order_id: str) -> str:
        """Our id of an order, empty where the venue's is of no order of ours."""
        order = self._by_venue_id.get(venue_order_id)
        return "" if order is None else order.client_order_id

    def venue_order_id(self, client_order_id: str) -> str:
        """The venue's id of an order, empty while not known."""
        order = self._orders.get(client_order_id)
        return "" if order is None else order.venue_order_id

    def pending(self) -> int:
        """How many requests are under way."""
        return sum(order.creating + len(order.cancels) for order in self._live.values())

    def forget_pending(self) -> None:
        """The connection is gone: no reply will come over it. What became of the requests is for reconciliation."""
        for order in self._live.values():
            order.creating = False
            order.cancels.clear()

    def acknowledged(self, client_order_id: str, venue_order_id: str) -> None:
        """A request arrived; at most it tells the venue's id."""
        order = self._orders.get(client_order_id)
        if order is not None and venue_order_id:
            self._name(order, venue_order_id)

    def stated(self, told: OrderStated, at: int) -> list[OrderReport]:
        """What an order's whole state changes."""
        order = self._find(told.client_order_id, told.venue_order_id)
        if order is None:
            self.notices.append(ExternalOrder(stated=told))
            return []
        executed = order.stated_lots
        if told.executed is not None:
            executed = _lots(order.instrument, told.executed, "d.executedQuantity", told.topic)
        if (told.updated_ts or order.updated_ts, executed) < (order.updated_ts, order.stated_lots):
            self.outdated += 1
            return []
        order.updated_ts = max(order.updated_ts, told.updated_ts)
        order.stated_lots = executed
        order.creating = False
        self._name(order, told.venue_order_id)
        self._compare(order, at)
        events: list[OrderReport] = []
        if not order.acked and told.status is not Status.REJECTED:
            order.acked = True
            self._revive(order)
            events.append(
                OrderAccepted(
                    client_order_id=order.client_order_id,
                    venue_order_id=told.venue_order_id,
                    ts=at,
                    venue_ts=told.updated_ts,
                )
            )
        if not order.ended and (told.status in _ENDS or executed >= order.lots):
            events += self._end(order, told, executed, at)
        return events

    def _revive(self, order: OwnOrder) -> None:
        """An order that had been refused stands after all."""
        if order.ended and order.booked_lots < order.lots:
            order.ended = False
            self._ended.pop(order.client_order_id, None)
            self._live[order.client_order_id] = order

    def _end(self, order: OwnOrder, told: OrderStated, executed: int, at: int) -> list[OrderReport]:
        """The last word on an order; a full fill has none, its trades say it."""
        self._close(order)
        if executed >= order.lots or (told.status is Status.FILLED and told.executed is None):
            return []
        coid, venue_ts = order.client_order_id, told.updated_ts
        if told.status is Status.REJECTED and not order.acked and executed == 0:
            return [OrderRejected(client_order_id=coid, reason=told.status_text, ts=at, venue_ts=venue_ts)]
        stated = executed if told.executed is not None else -1
        if told.status is Status.EXPIRED:
            return [OrderExpired(client_order_id=coid, stated_cum=stated, ts=at, venue_ts=venue_ts)]
        return [
            OrderCanceled(client_order_id=coid, reason=told.status_text, stated_cum=stated, ts=at, venue_ts=venue_ts)
        ]

    def traded(self, told: TradeStated, instrument: Instrument | None, at: int) -> list[OrderReport]:
        """One execution; `instrument` is the one of its pair, for when the order is not known (yet)."""
        order = self._find(told.client_order_id, told.venue_order_id)
        if order is not None:
            instrument = order.instrument
            if told.trade_id in order.trade_ids:
                self.duplicates += 1
                return []
        elif told.client_order_id or not any(kind == _CREATE for _, kind in self._under_way()):
            # While a new order of ours waits for its first state, the fill may be its own; whoever keeps the orders
            # holds it back until the venue's id is known.
            self.notices.append(ExternalOrder(stated=told))
        if instrument is None:
            self.notices.append(ReconcileWanted(reason=f"a fill in the unknown pair {shown(told.pair_id)}"))
            return []
        lots = _lots(instrument, told.qty, "d.quantity", told.topic)
        if order is None:
            self._remember(told, lots)
        cumulative = -1
        if told.cumulative is not None:
            cumulative = _lots(instrument, told.cumulative, "d.cumulativeQuantity", told.topic)
        event = OrderExecuted(
            instrument=instrument.id,
            client_order_id=order.client_order_id if order is not None else told.client_order_id,
            venue_order_id=told.venue_order_id,
            trade_id=told.trade_id,
            side=told.side,
            lots=lots,
            ticks=_ticks(instrument, told.price, "d.price", told.topic),
            # Where the venue does not say who took, the dearer case is assumed; the fee itself is as stated.
            liquidity=Liquidity.TAKER if told.liquidity is None else told.liquidity,
            fee=told.cost,
            fee_currency=fee_currency(instrument) if told.cost is not None else "",
            stated_cum=cumulative,
            ts=at,
            venue_ts=told.executed_ts,
        )
        if order is not None:
            self._book(order, told, lots, cumulative, at)
        return [event]

    def _remember(self, told: TradeStated, lots: int) -> None:
        """Count a fill for the order that its venue's id will turn out to mean."""
        self._early.setdefault(told.venue_order_id, {})[told.trade_id] = lots
        if len(self._early) > EARLY_KEPT:
            self._early.popitem(last=False)

    def _book(self, order: OwnOrder, told: TradeStated, lots: int, cumulative: int, at: int) -> None:
        order.trade_ids.add(told.trade_id)
        order.booked_lots += lots
        order.creating = False
        self._name(order, told.venue_order_id)
        if told.side is not order.side:
            self._want_order(order, f"expected a fill of side {order.side.name}, received {told.side.name}")
        if cumulative > order.booked_lots:
            reason = f"expected {order.booked_lots} lots executed in all, received {cumulative}"
            self._want_trades(order, reason)
        order.stated_lots = max(order.stated_lots, cumulative)
        self._compare(order, at)
        if order.booked_lots >= order.lots and not order.ended:
            self._close(order)

    def refused(self, told: Refused, at: int) -> list[OrderReport]:
        """What a refusal on the private topic refuses."""
        if told.code == 401 or told.status in _LOGIN or told.reason in _LOGIN:
            self.notices.append(LoginWanted(reason=told.words))
        found = self._attribute(told)
        if found is None:
            self.notices.append(Unattributed(refused=told))
            self.notices.append(ReconcileWanted(reason=f"a refusal that fits no one request: {told.words}"))
            return []
        order, request = found
        request_id = order.cancels.pop() if request == _CANCEL and order.cancels else 0
        if request == _CREATE:
            order.creating = False
        if told.code >= 500 or told.code == 408 or told.status in _DOUBTFUL:
            self.notices.append(InDoubt(client_order_id=order.client_order_id, request=request, reason=told.words))
            return []
        if request == _CANCEL:
            return [
                CancelRejected(
                    client_order_id=order.client_order_id,
                    refusal=_refusal(told),
                    reason=told.words,
                    request_id=request_id,
                    ts=at,
                )
            ]
        if order.acked or order.ended:
            self._want_order(order, f"refused after it stood: {told.words}")
            return []
        duplicate = told.code == 409 or _KNOWN_ID in (told.status, told.reason)
        if not duplicate:
            self._close(order)
        return [OrderRejected(client_order_id=order.client_order_id, reason=told.words, duplicate=duplicate, ts=at)]

    def _attribute(self, told: Refused) -> tuple[OwnOrder, str] | None:
        """The one order and kind of request that a refusal can mean."""
        name = told.name.lower()
        if told.client_order_id:
            order = self._orders.get(told.client_order_id)
            if order is None:
                return None
            if assumed.CANCEL_WORD in name or (assumed.CREATE_WORD not in name and order.cancels):
                return order, _CANCEL
            return order, _CREATE
        candidates = list(self._under_way())
        if assumed.CANCEL_WORD in name:
            candidates = [pair for pair in candidates if pair[1] == _CANCEL]
        elif assumed.CREATE_WORD in name:
            candidates = [pair for pair in candidates if pair[1] == _CREATE]
        return candidates[0] if len(candidates) == 1 else None

    def _under_way(self) -> Iterator[tuple[OwnOrder, str]]:
        for order in self._live.values():
            if order.creating:
                yield order, _CREATE
            for _ in order.cancels:
                yield order, _CANCEL

    def due(self) -> int:
        """When the venue's count has run ahead of its trades for too long; NO_TIME while it has not."""
        return min((order.fills_due for order in self._behind.values()), default=NO_TIME)

    def check(self, at: int) -> None:
        """Ask for the trades that have not come."""
        for order in list(self._behind.values()):
            if order.fills_due <= at:
                order.fills_due = NO_TIME
                del self._behind[order.client_order_id]
                self._want_trades(order, f"expected {order.booked_lots} lots executed, received {order.stated_lots}")

    def _compare(self, order: OwnOrder, at: int) -> None:
        if order.stated_lots <= order.booked_lots:
            order.fills_due = NO_TIME
            self._behind.pop(order.client_order_id, None)
        elif order.fills_due == NO_TIME:
            order.fills_due = at + FILL_WAIT_NS
            self._behind[order.client_order_id] = order

    def _want_trades(self, order: OwnOrder, reason: str) -> None:
        self.notices.append(
            TradesWanted(client_order_id=order.client_order_id, venue_order_id=order.venue_order_id, reason=reason)
        )

    def _want_order(self, order: OwnOrder, reason: str) -> None:
        self.notices.append(
            OrderWanted(client_order_id=order.client_order_id, venue_order_id=order.venue_order_id, reason=reason)
        )

    def _find(self, client_order_id: str, venue_order_id: str) -> OwnOrder | None:
        return self._by_venue_id.get(venue_order_id) or self._orders.get(client_order_id)

    def _name(self, order: OwnOrder, venue_order_id: str) -> None:
        if not venue_order_id or order.venue_order_id == venue_order_id:
            return
        if order.venue_order_id:
            self._want_order(order, f"expected the venue's id {order.venue_order_id}, received {shown(venue_order_id)}")
            return
        order.venue_order_id = venue_order_id
        self._by_venue_id[venue_order_id] = order
        for trade_id, lots in self._early.pop(venue_order_id, {}).items():
            order.trade_ids.add(trade_id)
            order.booked_lots += lots

    def _close(self, order: OwnOrder) -> None:
        """Nothing more is expected of an order but late trades."""
        order.ended = True
        order.creating = False
        order.cancels.clear()
        self._live.pop(order.client_order_id, None)
        self._ended[order.client_order_id] = None
        while len(self._ended) > ENDED_KEPT:
            old = self._orders.pop(self._ended.popitem(last=False)[0], None)
            if old is not None:
                self._behind.pop(old.client_order_id, None)
                self._by_venue_id.pop(old.venue_order_id, None)


def _refusal(told: Refused) -> Refusal:
    """Why a cancel was refused; what is in no list is OTHER, which the order's owner resolves by asking."""
    if told.code == 404 or told.status in _MISSING or told.reason in _MISSING:
        return Refusal.UNKNOWN_ORDER
    if told.code in (401, 429) or told.status == _BUSY or told.status in _LOGIN:
        return Refusal.TRANSIENT
    return Refusal.OTHER


def fee_currency(instrument: Instrument) -> str:
    """The currency of the fees that the venue states without one."""
    return instrument.quote if assumed.FEE_IN_QUOTE else instrument.base


def _lots(instrument: Instrument, qty: Decimal, field: str, topic: str) -> int:
    try:
        return instrument.lots(qty)
    except UnitError as error:
        raise _off_grid(instrument, qty, field, topic, error) from None


def _ticks(instrument: Instrument, price: Decimal, field: str, topic: str) -> int:
    try:
        return instrument.ticks(price)
    except UnitError as error:
        raise _off_grid(instrument, price, field, topic, error) from None


def _off_grid(instrument: Instrument, number: Decimal, field: str, topic: str, error: UnitError) -> OffGrid:
    return OffGrid(field, f"a multiple of the grid of {instrument.id}", shown(f"{number:f}"), topic, error.code)
