"""Who hears what: books by order, by snapshot and by changes of levels, trades, requests for quotes, own orders."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from attrs import Factory, define

from tickwright.adapters.powertrade.mirror import shapes
from tickwright.adapters.powertrade.mirror.book import Market
from tickwright.adapters.powertrade.mirror.exchange import Exchange
from tickwright.adapters.powertrade.mirror.keys import Account
from tickwright.adapters.powertrade.mirror.listing import Listed
from tickwright.adapters.powertrade.mirror.options import Options
from tickwright.adapters.powertrade.mirror.orders import FIRM, INDICATIVE, Execution, Order, Trade

FULL: Final = "snap_full_updates"
WHOLE: Final = "snap_only"
DELTAS: Final = "snap_with_deltas"
TRADES: Final = "trades"
TYPES: Final = (FULL, WHOLE, DELTAS, TRADES)
PULSE_NS: Final = 100_000_000

Levels = dict[int, dict[int, int]]


class Hearer(Protocol):
    """Somebody to whom messages are sent."""

    def send(self, name: str, body: object, kind: str) -> None: ...


@define(eq=False)
class Timed:
    """A book that is told at intervals, and what was last told of it."""

    market: Market
    kind: str
    interval: int
    due: int
    hearer: Hearer
    last: Levels = Factory(dict)


class Feeds:
    """Every subscription; the exchange's outlet."""

    def __init__(self, exchange: Exchange, options: Options, now: Callable[[], int]) -> None:
        self._exchange = exchange
        self._options = options
        self._now = now
        self._heard: dict[tuple[str, str], list[Hearer]] = {}
        self._timed: list[Timed] = []
        self._interested: list[Hearer] = []
        self._own: dict[str, list[Hearer]] = {}

    # --- joining and leaving --------------------------------------------------------------------------------------

    def join(self, listed: Listed, kind: str, interval_ms: int, hearer: Hearer) -> None:
        """Somebody hears a book or its trades from now on; what it begins with is sent."""
        market = self._exchange.markets[listed.symbol]
        if kind in (FULL, TRADES):
            self._heard.setdefault((listed.symbol, kind), []).append(hearer)
        else:
            timed = Timed(market, kind, interval_ms * 1_000_000, self._now() + interval_ms * 1_000_000, hearer)
            timed.last = _levels(market)
            self._timed.append(timed)
        if kind != TRADES:
            self._whole(market, [hearer])

    def leave(self, symbol: str, kind: str, hearer: Hearer) -> None:
        """Somebody hears it no more."""
        hearers = self._heard.get((symbol, kind), [])
        if hearer in hearers:
            hearers.remove(hearer)
        self._timed = [
            each
            for each in self._timed
            if each.hearer is not hearer or each.kind != kind or each.market.listed.symbol != symbol
        ]

    def show_interests(self, hearer: Hearer) -> None:
        """Somebody hears of requests for quotes from now on: first those that live, then each."""
        if hearer not in self._interested:
            self._interested.append(hearer)
        rows: dict[str, list[Order]] = {}
        for order in self._exchange.interests():
            rows.setdefault(order.listed.symbol, []).append(order)
        for orders in rows.values():
            sides = [[shapes.book_row(order) for order in orders if order.side == side] for side in (1, -1)]
            body = shapes.snapshot(orders[0].listed, INDICATIVE, sides[0], sides[1], self._now())
            hearer.send("snapshot", body, "rfq")

    def hide_interests(self, hearer: Hearer) -> None:
        if hearer in self._interested:
            self._interested.remove(hearer)

    def own(self, account: Account, hearer: Hearer) -> None:
        """Somebody hears of an account's orders from now on."""
        self._own.setdefault(account.api_key, []).append(hearer)

    def remind(self, account: Account, hearer: Hearer) -> None:
        """Tell of everything that was paid so far, for who was not there."""
        for name, body in account.payments:
            hearer.send(name, body, "order")

    def disown(self, account: Account, hearer: Hearer) -> bool:
        """Somebody hears of them no more; whether nobody does."""
        hearers = self._own.get(account.api_key, [])
        if hearer in hearers:
            hearers.remove(hearer)
        return not hearers

    # --- what the exchange tells ----------------------------------------------------------------------------------

    def added(self, order: Order) -> None:
        self._change("order_added", order, lambda at: shapes.added(order, at))

    def deleted(self, order: Order) -> None:
        self._change("order_deleted", order, lambda at: shapes.book_event(order, at))

    def updated(self, order: Order, was: int) -> None:
        self._change("order_updated", order, lambda at: shapes.updated(order, was, at))

    def executed(self, order: Order, lots: int) -> None:
        self._change("order_executed", order, lambda at: shapes.executed(order, lots, at))

    def accepted(self, order: Order, at: int) -> None:
        with_id = self._options.multi_leg_order_id
        self._tell_owner(order, "order_accepted", shapes.accepted(order, at, with_id=with_id), "order")

    def filled(self, execution: Execution) -> None:
        self._tell_owner(execution.order, "execution", shapes.execution(execution, self._now()), "fill")

    def cancelled(self, order: Order, at: int) -> None:
        self._tell_owner(order, "cancel_order", shapes.cancelled(order, order.cancelled, at), "order")

    def traded(self, trade: Trade) -> None:
        hearers = self._heard.get((trade.maker.listed.symbol, TRADES))
        if hearers:
            _tell(hearers, "trade", shapes.trade(trade, self._now()), "trade")

    def paid(self, account: Account, name: str, body: dict[str, str]) -> None:
        _tell(self._own.get(account.api_key, ()), name, body, "order")

    def pulse(self, at: int) -> None:
        """100 ms have passed: books that are told at intervals."""
        for timed in list(self._timed):
            if timed.due > at:
                continue
            timed.due = max(timed.due + timed.interval, at)
            if timed.kind == WHOLE:
                self._whole(timed.market, [timed.hearer])
            else:
                self._changed(timed, at)

    # --- what goes wrong on purpose -------------------------------------------------------------------------------

    def misbehave(self, action: str) -> None:
        """Spoil every book that somebody hears by order: a whole one out of turn, an order nobody knows, a cross."""
        for (symbol, kind), hearers in self._heard.items():
            if kind != FULL or not hearers:
                continue
            market = self._exchange.markets[symbol]
            if action == "snapshot":
                self._whole(market, hearers)
                continue
            ticks = market.best(-1) + 10 if action == "cross_book" else market.best(1)
            ghost = Order(id=1, display=1, listed=market.listed, side=1, lots=1, ticks=ticks, created=self._now())
            name = "order_added" if action == "cross_book" else "order_deleted"
            body = shapes.added(ghost, self._now()) if action == "cross_book" else shapes.book_event(ghost, self._now())
            _tell(hearers, name, body, "book")

    # --- what they share ------------------------------------------------------------------------------------------

    def _change(self, name: str, order: Order, body: Callable[[int], object]) -> None:
        if order.market_id == FIRM:
            hearers, kind = self._heard.get((order.listed.symbol, FULL)), "book"
        else:
            hearers, kind = self._interested, "rfq"
        if hearers:
            _tell(hearers, name, body(self._now()), kind)

    def _tell_owner(self, order: Order, name: str, body: object, kind: str) -> None:
        if order.account is not None:
            _tell(self._own.get(order.account.api_key, ()), name, body, kind)

    def _whole(self, market: Market, hearers: Iterable[Hearer]) -> None:
        buy, sell = ([shapes.book_row(order) for order in market.orders(side)] for side in (1, -1))
        _tell(hearers, "snapshot", shapes.snapshot(market.listed, FIRM, buy, sell, self._now()), "snapshot")

    def _changed(self, timed: Timed, at: int) -> None:
        """How levels differ from those last told. One message names one deleted level of a side at most."""
        now, listed = _levels(timed.market), timed.market.listed
        put: dict[str, list[dict[str, str]]] = {}
        gone: dict[str, list[str]] = {}
        for name, side in (("buy", 1), ("sell", -1)):
            before, after = timed.last[side], now[side]
            put[name] = [shapes.level(listed, *each) for each in after.items() if before.get(each[0]) != each[1]]
            gone[name] = [shapes.level(listed, ticks, 0)["price"] for ticks in before if ticks not in after]
        timed.last = now
        while any(put.values()) or any(gone.values()):
            body: shapes.Message = {"server_utc_timestamp": shapes.stamp(at), "market_id": FIRM}
            body |= shapes.named(listed)
            for name in ("buy", "sell"):
                told: shapes.Message = {}
                if put[name]:
                    told["add_price_level"] = put[name]
                if gone[name]:
                    told["delete_price_level"] = gone[name].pop()
                put[name] = []
                body[name] = told
            timed.hearer.send("deltas", body, "book")


def _levels(market: Market) -> Levels:
    return {side: dict(market.levels(side)) for side in (1, -1)}


def _tell(hearers: Iterable[Hearer], name: str, body: object, kind: str) -> None:
    for hearer in list(hearers):
        hearer.send(name, body, kind)
