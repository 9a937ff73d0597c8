"""Frames to messages; no state, no time, no I/O. What we say is made in `commands.py`.

A frame is one JSON object with one key, the message's name, and below it nothing but texts, lists and objects: a
number or a truth value anywhere, in fields that nobody reads, too, is a bad message. Keys may not be said twice.
REST answers have the same form and the same names and are read here as well.

What the ordinary book (market ``0``) says and what RFQs say has the same names; the market tells them apart, and an
RFQ never becomes a message of a book.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from tickwright.adapters.bad_message import BadMessage, shown
from tickwright.adapters.decimals import Grid, decimal
from tickwright.adapters.powertrade import own, wire
from tickwright.adapters.powertrade.commands import FIRM
from tickwright.adapters.powertrade.fields import above_zero, moment, needed, positive, side_of, stamp_of
from tickwright.adapters.powertrade.messages import (
    BookStated,
    Ignored,
    LevelsChanged,
    LevelsStated,
    Listed,
    Message,
    OrderGone,
    OrderMoved,
    OrderShown,
    OrderTaken,
    PublicTrade,
    ReferenceStated,
    Rfq,
    RfqGone,
    RfqShown,
    RfqsStated,
    Unrecognised,
)
from tickwright.adapters.powertrade.reference import instrument_of
from tickwright.adapters.powertrade.wire import said
from tickwright.adapters.strict import checked, strict_json, typed
from tickwright.engine.errors import UnitError
from tickwright.engine.terms import BUY, SELL, Side

T = TypeVar("T")

OUT_OF_SCOPE: Final = frozenset(("deliverables_response",))
"""Messages that the venue documents and that a trading adapter does not ask for."""

INDICATIVE: Final = frozenset(("none", "255"))
"""Both names of the market of RFQs."""

ADD_LEVEL: Final = "add_price_level"
DELETE_LEVEL: Final = "delete_price_level"

_BOOK_NAMES: Final = frozenset(
    ("snapshot", "deltas", "order_added", "order_deleted", "order_updated", "order_executed")
)


class Codec:
    """Reads what the venue says, for a set of instruments."""

    def __init__(self, venue: str, listed: Iterable[Listed] = (), size_max: int = wire.SIZE_MAX) -> None:
        self._venue, self._size_max = venue, size_max
        self._symbols: dict[str, Grid] = {}
        self._entities: dict[str, Grid] = {}
        for one in listed:
            grid = Grid(one.instrument, signed="@" in one.instrument.symbol)
            self._symbols[one.instrument.symbol] = grid
            if one.entity_id:
                self._entities[one.entity_id] = grid
        self._readers: dict[str, Callable[[object], Message]] = {
            "heartbeat": own.heartbeat,
            "command_response": own.replied,
            "error": own.failed,
            "snapshot": self._snapshot,
            "order_added": self._added,
            "order_deleted": self._deleted,
            "order_updated": self._updated,
            "order_executed": self._taken,
            "deltas": self._deltas,
            "trade": self._trade,
            "order_accepted": own.accepted,
            "order_rejected": own.rejected,
            "execution": own.execution,
            "cancel_order": own.cancel,
            "cancel_order_response": own.cancel,
            "settlement": own.settlement,
            "funding": own.funding,
            "new_bulk_order_response": own.bulk,
            "orderbook_response": self._levels,
            "cancel_all_orders_response": own.cancel_all,
            "refresh_response": own.refreshed,
            "trade_history_response": own.history,
            "entities_and_rules_response": self._reference,
            "positions_response": own.positions,
            "balances_response": own.balances,
            "balance_response": own.balances,
            "query_open_orders_response": own.open_orders,
            "query_order_response": own.order,
        }

    def decode(self, frame: str | bytes) -> Message:
        """What one frame, or the body of one REST answer, says.

        Raises:
            BadMessage: it is dropped whole; the error names the field and, as its topic, the instrument of a book.
        """
        value = strict_json(checked(frame, self._size_max))
        if not isinstance(value, dict) or len(value) != 1:
            received = f"{len(value)} keys" if isinstance(value, dict) else shown(value)
            raise BadMessage("frame", "an object with one key", received)
        ((name, body),) = value.items()
        if len(name) > wire.TEXT_MAX:
            raise BadMessage("frame", "a message's name", shown(name))
        odd = _no_text(body, name)
        if odd is not None:
            raise BadMessage(_printable(odd[0]), "a text", shown(odd[1]), self._topic(name, body))
        reader = self._readers.get(name)
        if reader is not None:
            return reader(body)
        return Ignored(name=name) if name in OUT_OF_SCOPE else Unrecognised(name=name)

    def symbol(self, symbol: str, entity_id: str = "") -> str:
        """The symbol of an instrument of ours; empty where neither name is of one."""
        grid = self._grid(symbol, entity_id)
        return "" if grid is None else grid.instrument.symbol

    # Books

    def _snapshot(self, body: object) -> Message:
        told = self._of_book(body, wire.SnapshotData, "snapshot")
        if told.market_id in INDICATIVE:
            rfqs = [
                _rfq(row, side, told.symbol, told.tradeable_entity_id, f"snapshot.{key}")
                for key, side, rows in (("buy", Side.BUY, told.buy), ("sell", Side.SELL, told.sell))
                for row in rows
            ]
            return RfqsStated(symbol=told.symbol, entity_id=told.tradeable_entity_id, rfqs=tuple(rfqs))
        grid = self._firm(told)
        if grid is None:
            return _elsewhere("snapshot", told)
        orders: list[tuple[str, int, int, int]] = []
        topic = grid.instrument.symbol
        for key, side, rows in (("buy", BUY, told.buy), ("sell", SELL, told.sell)):
            field = f"snapshot.{key}"
            orders += [
                (_row_id(row), side, grid.price(row.price, field, topic), positive(grid, row.quantity, field, topic))
                for row in rows
            ]
        named = [order[0] for order in orders if order[0]]
        if len(set(named)) != len(named):
            raise BadMessage("snapshot", "each order once", "one of them twice", topic)
        stamp = moment(told.server_utc_timestamp, "snapshot.server_utc_timestamp", topic)
        return BookStated(instrument=grid.instrument.id, orders=tuple(orders), venue_ts=stamp)

    def _added(self, body: object) -> Message:
        told = self._of_book(body, wire.BookOrderData, "order_added")
        if told.market_id in INDICATIVE:
            return RfqShown(rfq=_rfq(_as_row(told), side_of(told.side, "order_added.side"), told.symbol,
                                     told.tradeable_entity_id, "order_added"))  # fmt: skip
        grid = self._firm(told)
        if grid is None:
            return _elsewhere("order_added", told)
        topic = grid.instrument.symbol
        return OrderShown(
            instrument=grid.instrument.id,
            order_id=needed(told.order_id, "order_added.order_id", topic),
            side=side_of(told.side, "order_added.side", topic),
            ticks=grid.price(told.price, "order_added.price", topic),
            lots=positive(grid, told.quantity, "order_added.quantity", topic),
            venue_ts=stamp_of(told, "order_added", topic),
        )

    def _deleted(self, body: object) -> Message:
        told = self._of_book(body, wire.BookOrderData, "order_deleted")
        if told.market_id in INDICATIVE:
            return RfqGone(symbol=told.symbol, entity_id=told.tradeable_entity_id, order_id=told.order_id)
        grid = self._firm(told)
        if grid is None:
            return _elsewhere("order_deleted", told)
        topic = grid.instrument.symbol
        return OrderGone(
            instrument=grid.instrument.id,
            order_id=needed(told.order_id, "order_deleted.order_id", topic),
            side=side_of(told.side, "order_deleted.side", topic),
            venue_ts=stamp_of(told, "order_deleted", topic),
        )

    def _updated(self, body: object) -> Message:
        told = self._of_book(body, wire.BookOrderData, "order_updated")
        if told.market_id in INDICATIVE:
            row = _as_row(told)
            row.order_id = needed(told.new_order_id, "order_updated.new_order_id")
            side = side_of(told.side, "order_updated.side")
            rfq = _rfq(row, side, told.symbol, told.tradeable_entity_id, "order_updated")
            return RfqShown(rfq=rfq, replaces=told.old_order_id)
        grid = self._firm(told)
        if grid is None:
            return _elsewhere("order_updated", told)
        topic = grid.instrument.symbol
        return OrderMoved(
            instrument=grid.instrument.id,
            old_id=needed(told.old_order_id, "order_updated.old_order_id", topic),
            new_id=needed(told.new_order_id, "order_updated.new_order_id", topic),
            side=side_of(told.side, "order_updated.side", topic),
            ticks=grid.price(told.price, "order_updated.price", topic),
            lots=positive(grid, told.quantity, "order_updated.quantity", topic),
            venue_ts=stamp_of(told, "order_updated", topic),
        )

    def _taken(self, body: object) -> Message:
        told = self._of_book(body, wire.BookOrderData, "order_executed")
        grid = self._firm(told)
        if grid is None:
            return _elsewhere("order_executed", told)
        topic = grid.instrument.symbol
        return OrderTaken(
            instrument=grid.instrument.id,
            order_id=needed(told.order_id, "order_executed.order_id", topic),
            side=side_of(told.side, "order_executed.side", topic),
            ticks=grid.price(told.price, "order_executed.price", topic),
            lots=positive(grid, told.quantity, "order_executed.quantity", topic),
            venue_ts=stamp_of(told, "order_executed", topic),
        )

    def _deltas(self, body: object) -> Message:
        told = self._of_book(body, wire.DeltasData, "deltas")
        grid = self._firm(told)
        if grid is None:
            return _elsewhere("deltas", told)
        changes: list[tuple[int, int, int]] = []
        for key, side, words in (("buy", BUY, told.buy), ("sell", SELL, told.sell)):
            changes += _level_changes(grid, side, words, f"deltas.{key}")
        stamp = moment(told.server_utc_timestamp, "deltas.server_utc_timestamp", grid.instrument.symbol)
        return LevelsChanged(instrument=grid.instrument.id, changes=tuple(changes), venue_ts=stamp)

    def _levels(self, body: object) -> Message:
        told = typed(body, wire.LevelsData, "", "orderbook_response")
        grid = self._grid(told.symbol, "")
        if grid is None:
            return Ignored(name="orderbook_response", about=told.symbol)
        levels: list[tuple[int, int, int]] = []
        for key, side, rows in (("buy", BUY, told.buy), ("sell", SELL, told.sell)):
            field = f"orderbook_response.{key}"
            side_levels = [
                (side, grid.price(row.price, field, ""), positive(grid, row.quantity, field, "")) for row in rows
            ]
            levels += sorted(side_levels, key=lambda level: -level[0] * level[1])
        return LevelsStated(symbol=told.symbol, levels=tuple(levels))

    def _trade(self, body: object) -> Message:
        told = typed(body, wire.TradeData, "", "trade")
        grid = self._firm(told)
        if grid is None:
            return _elsewhere("trade", told)
        return PublicTrade(
            instrument=grid.instrument.id,
            trade_id=told.trade_id,
            ticks=grid.price(told.price, "trade.price", ""),
            lots=positive(grid, told.quantity, "trade.quantity", ""),
            venue_ts=stamp_of(told, "trade"),
        )

    def _reference(self, body: object) -> Message:
        told = typed(body, wire.ReferenceData, "", "entities_and_rules_response")
        stamp = moment(told.server_utc_timestamp, "entities_and_rules_response.server_utc_timestamp")
        listed: list[Listed] = []
        faults: list[str] = []
        for row in told.symbols:
            try:
                listed.append(instrument_of(typed(row, wire.SymbolData, "", "symbols"), self._venue, stamp))
            except (BadMessage, UnitError) as error:
                faults.append(str(error))
        return ReferenceStated(user_tag=told.user_tag, listed=tuple(listed), faults=tuple(faults), venue_ts=stamp)

    # Which instrument, which market

    def _of_book(self, body: object, shape: type[T], name: str) -> T:
        """A message's body in its shape; where it has another, the error names the book that is lost with it."""
        try:
            return typed(body, shape, "", name)
        except BadMessage as bad:
            raise BadMessage(bad.field, bad.expected, bad.received, self._topic(name, body)) from None

    def _firm(self, told: wire.SnapshotData | wire.BookOrderData | wire.DeltasData | wire.TradeData) -> Grid | None:
        """The grid of the instrument in the firm book that a message is about; None where it is not ours."""
        return self._grid(told.symbol, told.tradeable_entity_id) if told.market_id == FIRM else None

    def _grid(self, symbol: str, entity_id: str) -> Grid | None:
        return self._symbols.get(symbol) if symbol else self._entities.get(entity_id)

    def _topic(self, name: str, body: object) -> str:
        """The symbol of the book that a message changes, even where the rest of it cannot be read."""
        if name not in _BOOK_NAMES or not isinstance(body, dict) or body.get("market_id", FIRM) in ("none", "255"):
            return ""
        symbol, entity_id = body.get("symbol", ""), body.get("tradeable_entity_id", "")
        grid = self._grid(symbol if isinstance(symbol, str) else "", entity_id if isinstance(entity_id, str) else "")
        return "" if grid is None else grid.instrument.symbol


def _no_text(value: object, path: str) -> tuple[str, object] | None:
    """The first scalar that is no text, and where it stands; None where there is none, as there must be none."""
    waiting = [(value, path)]
    while waiting:
        part, where = waiting.pop()
        if isinstance(part, dict):
            waiting += [(inner, f"{where}.{key[:64]}") for key, inner in part.items() if type(inner) is not str]
        elif isinstance(part, list):
            waiting += [(inner, where) for inner in part if type(inner) is not str]
        elif type(part) is not str:
            return where, part
    return None


def _printable(path: str) -> str:
    return path if path.isprintable() and len(path) <= 200 else ascii(path[:200])


def _elsewhere(name: str, told: wire.SnapshotData | wire.BookOrderData | wire.DeltasData | wire.TradeData) -> Ignored:
    return Ignored(name=name, about=told.symbol or told.tradeable_entity_id)


def _row_id(row: wire.RowData) -> str:
    return row.order_id or row.orderid or row.ordered


def _as_row(told: wire.BookOrderData) -> wire.RowData:
    return wire.RowData(
        price=told.price, quantity=told.quantity, order_id=told.order_id, utc_timestamp=told.utc_timestamp
    )


def _rfq(row: wire.RowData, side: Side, symbol: str, entity_id: str, field: str) -> Rfq:
    price = said(row.price)
    return Rfq(
        order_id=needed(_row_id(row), f"{field}.order_id"),
        symbol=symbol,
        entity_id=entity_id,
        side=side,
        qty=above_zero(row.quantity, f"{field}.quantity"),
        price=decimal(price, f"{field}.price") if price else None,
        venue_ts=moment(row.utc_timestamp, f"{field}.utc_timestamp"),
    )


def _level_changes(grid: Grid, side: int, words: dict[str, object], field: str) -> list[tuple[int, int, int]]:
    """What one side of a delta changes; an instruction that is not known leaves the book unknown, too."""
    topic = grid.instrument.symbol
    unknown = words.keys() - {ADD_LEVEL, DELETE_LEVEL}
    if unknown:
        raise BadMessage(field, f"{ADD_LEVEL} or {DELETE_LEVEL}", shown(sorted(unknown)[0]), topic)
    changes = []
    gone = words.get(DELETE_LEVEL, [])
    for level in gone if isinstance(gone, list) else [gone]:
        price = level.get("price") if isinstance(level, dict) else level
        if not isinstance(price, str):
            raise BadMessage(f"{field}.{DELETE_LEVEL}", "a price", shown(price), topic)
        changes.append((side, grid.price(price, f"{field}.{DELETE_LEVEL}", topic), 0))
    for row in typed(words.get(ADD_LEVEL, []), list[wire.RowData], topic, f"{field}.{ADD_LEVEL}"):
        where = f"{field}.{ADD_LEVEL}"
        changes.append((side, grid.price(row.price, where, topic), grid.size(row.quantity, where, topic)))
    return changes
