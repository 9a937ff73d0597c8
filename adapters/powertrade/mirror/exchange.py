"""The exchange: accounts, books, packages and requests for quotes together. No socket, no task; the time is given.

What it has to tell goes to an `Outlet`, in the order in which things happened: each execution first to its accounts,
then to everybody.
"""

from decimal import Decimal
from typing import Any, Final, Protocol

from tickwright.adapters.local.record import Record
from tickwright.adapters.powertrade.mirror.book import Market, Match, Watcher
from tickwright.adapters.powertrade.mirror.entry import Wanted
from tickwright.adapters.powertrade.mirror.holdings import Holdings
from tickwright.adapters.powertrade.mirror.keys import Account
from tickwright.adapters.powertrade.mirror.listing import FIRST_PACKAGE, Listed, package
from tickwright.adapters.powertrade.mirror.orders import (
    FIRM,
    INDICATIVE,
    NO_LIQUIDITY,
    TIMEOUT,
    Execution,
    Order,
    Rejected,
    Trade,
)
from tickwright.engine.times import SECOND

CYCLE: Final = 600 * SECOND
"""Orders live for whole cycles, which begin every ten minutes of the clock."""
INTEREST_LIFE: Final = 1800 * SECOND
FIRST_ORDER: Final = 9_300_000
FIRST_DISPLAY: Final = 9_100_000
FIRST_TRADE: Final = 741_000


class Outlet(Watcher, Protocol):
    """Who tells clients what happened."""

    def accepted(self, order: Order, at: int) -> None: ...

    def filled(self, execution: Execution) -> None: ...

    def cancelled(self, order: Order, at: int) -> None: ...

    def traded(self, trade: Trade) -> None: ...

    def paid(self, account: Account, name: str, body: dict[str, str]) -> None: ...


class Exchange:
    """Books, and all orders of clients by either id, in the order they came."""

    def __init__(
        self, listed: tuple[Listed, ...], accounts: list[Account], holdings: Holdings, record: Record[Execution]
    ) -> None:
        self.listed = {each.symbol: each for each in listed}
        self.accounts = accounts
        self.holdings = holdings
        self.record = record
        self.markets: dict[str, Market] = {}
        self.live: dict[int, Order] = {}
        self.orders: dict[int, Order] = {}
        self.executions: list[Execution] = []
        self.outlet: Outlet
        self._ids = {str(each.entity_id): each for each in listed}
        self._by_client: dict[tuple[str, str], Order] = {}
        self._count = 0
        self._trades = FIRST_TRADE
        self._packages = FIRST_PACKAGE

    def open(self, outlet: Outlet) -> None:
        """Begin, with empty books."""
        self.outlet = outlet
        self.markets = {symbol: Market(each, outlet) for symbol, each in self.listed.items()}
        self.holdings.endow(self.accounts, list(self.listed.values()))

    def forget(self) -> None:
        """Lose every order, trade and holding, as a venue without memory does."""
        self.live.clear()
        self.orders.clear()
        self.executions.clear()
        self._by_client.clear()
        self.open(self.outlet)

    # --- instruments ----------------------------------------------------------------------------------------------

    def by_symbol(self, symbol: str) -> Listed | None:
        return self.listed.get(symbol)

    def by_id(self, entity_id: str) -> Listed | None:
        return self._ids.get(entity_id)

    def package(self, legs: tuple[tuple[Listed, int], ...]) -> Listed:
        """The instrument that these legs make, listed from now on."""
        made = package(legs, self._packages)
        found = self.listed.get(made.symbol)
        if found is not None:
            return found
        self._packages += 1
        self.listed[made.symbol] = self._ids[str(made.entity_id)] = made
        self.markets[made.symbol] = Market(made, self.outlet)
        return made

    # --- orders of clients ----------------------------------------------------------------------------------------

    def accept(self, account: Account, wanted: Wanted, at: int) -> Order:
        """Take an order in; `carry_out` follows.

        Raises:
            Rejected: and then nothing has changed.
        """
        listed = wanted.listed
        if (account.api_key, wanted.client_order_id) in self._by_client:
            raise Rejected("duplicate client_order_id")
        if 0 < listed.ends <= at:
            raise Rejected("expired_tradeable_entity")
        if wanted.market_id == FIRM and not self.holdings.affords(account, wanted, self.open_orders(account)):
            raise Rejected("insufficient_account_balance")
        expires = at + INTEREST_LIFE if wanted.market_id == INDICATIVE else (at // CYCLE + wanted.cycles) * CYCLE
        order = self._order(
            listed,
            wanted.side,
            wanted.lots,
            wanted.ticks,
            market_id=wanted.market_id,
            kind=wanted.kind,
            immediate=wanted.immediate and wanted.market_id == FIRM,
            account=account,
            client_order_id=wanted.client_order_id,
            quantity=wanted.quantity,
            price=wanted.price,
            created=at,
            expires=expires if wanted.cycles or wanted.market_id == INDICATIVE else 0,
        )
        self.orders[order.id] = self.live[order.id] = order
        self._by_client[account.api_key, order.client_order_id] = order
        self.outlet.accepted(order, at)
        return order

    def carry_out(self, order: Order, at: int) -> None:
        """Trade an accepted order, then rest or end it; a request for quotes is shown and never trades."""
        if order.market_id == INDICATIVE:
            self.outlet.added(order)
            return
        market = self.markets[order.listed.symbol]
        for match in market.take(order):
            self._settle(order, match, at)
        if order.leaves == 0:
            return
        if order.immediate:
            self._end(order, NO_LIQUIDITY, at)
            return
        market.rest(order)

    def cancel(self, order: Order, reason: str, at: int) -> None:
        """End an open order."""
        if order.market_id == INDICATIVE:
            self.outlet.deleted(order)
        else:
            self.markets[order.listed.symbol].remove(order)
        self._end(order, reason, at)

    def find(self, account: Account, order_id: str, client_order_id: str) -> Order | None:
        """An order of the account by either id, the venue's first."""
        found = self.orders.get(int(order_id)) if order_id.isdecimal() and len(order_id) < 19 else None
        if found is None and client_order_id:
            found = self._by_client.get((account.api_key, client_order_id))
        return found if found is not None and found.account is account else None

    def open_orders(self, account: Account | None = None) -> list[Order]:
        """Orders of clients that live, of one account or of all; the oldest first."""
        return [
            order
            for order in self.live.values()
            if order.account is not None and (account is None or order.account is account)
        ]

    def interests(self) -> list[Order]:
        """Requests for quotes that live, clients' and the market's."""
        return [order for order in self.live.values() if order.market_id == INDICATIVE]

    def expire(self, at: int) -> None:
        """End what has lived its time, and settle what has expired."""
        for order in list(self.live.values()):
            if 0 < order.expires <= at or 0 < order.listed.ends <= at:
                self.cancel(order, TIMEOUT, at)
        for listed in [each for each in self.listed.values() if 0 < each.ends <= at]:
            self._pay("settlement", self.holdings.settle(self.accounts, listed, self.markets, at))

    def fund(self, rate: Decimal, at: int) -> None:
        """Let funding be paid for every perpetual, at a time that stands for the whole period."""
        for listed in [each for each in self.listed.values() if each.product == "perpetual_future"]:
            self._pay("funding", self.holdings.fund(self.accounts, listed, self.markets, rate, at))

    def _pay(self, name: str, told: list[tuple[Account, dict[str, str]]]) -> None:
        for account, body in told:
            account.payments.append((name, body))
            self.outlet.paid(account, name, body)

    # --- orders of the market -------------------------------------------------------------------------------------

    def street(self, symbol: str, side: int, lots: int, ticks: int, at: int, outlet: object, *, rests: bool) -> Order:
        """An order of the market beside the clients, which needs no funds."""
        market = self.markets[symbol]
        order = self._order(market.listed, side, lots, ticks, created=at)
        for match in market.take(order):
            self._settle(order, match, at)
        if rests and order.leaves > 0:
            market.rest(order)
        return order

    def ask(self, listed: Listed, side: int, lots: int, at: int) -> Order:
        """A request for quotes by the market."""
        order = self._order(listed, side, lots, 0, market_id=INDICATIVE, created=at, expires=at + INTEREST_LIFE)
        self.live[order.id] = order
        self.outlet.added(order)
        return order

    def revise(self, order: Order, lots: int) -> None:
        """An order of the market that rests now has so many lots left."""
        self._count += 1
        self.markets[order.listed.symbol].resize(order, lots, FIRST_DISPLAY + self._count)

    def resting(self, symbol: str) -> list[Order]:
        """What rests in a book, clients' orders among it; at each price in the order of the queue."""
        market = self.markets[symbol]
        return [order for side in (1, -1) for order in market.orders(side)]

    def clear_street(self) -> None:
        """Take every order of the market out of every book; those of clients stay."""
        for market in self.markets.values():
            for order in [each for side in (1, -1) for each in market.orders(side) if each.account is None]:
                market.remove(order)

    # --- what follows ---------------------------------------------------------------------------------------------

    def _order(self, listed: Listed, side: int, lots: int, ticks: int, **more: object) -> Order:
        self._count += 1
        number, shown = FIRST_ORDER + self._count, FIRST_DISPLAY + self._count
        terms: dict[str, Any] = dict(more)
        return Order(id=number, display=shown, listed=listed, side=side, lots=lots, ticks=ticks, **terms)

    def _settle(self, taker: Order, match: Match, at: int) -> None:
        """Book one trade for both sides, and tell it."""
        self._trades += 1
        for order in (match.maker, taker):
            if order.account is not None:
                self._book(order, match, order is taker, at)
        trade = Trade(id=self._trades, maker=match.maker, taker=taker, lots=match.lots, ticks=match.ticks, at=at)
        self.outlet.traded(trade)

    def _book(self, order: Order, match: Match, taker: bool, at: int) -> None:
        execution = Execution(
            trade_id=self._trades,
            order=order,
            lots=match.lots,
            ticks=match.ticks,
            at=at,
            taker=taker,
            state=order.state,
        )
        self.holdings.book(execution, self.markets)
        order.executions.append(execution)
        self.executions.append(execution)
        self.record.executed.append(execution)
        if order.leaves == 0:
            order.ended, order.ended_at = True, at
            self.live.pop(order.id, None)
        self.outlet.filled(execution)

    def _end(self, order: Order, reason: str, at: int) -> None:
        order.ended, order.ended_at = True, at
        order.cancelled = reason
        self.live.pop(order.id, None)
        if order.account is not None:
            self.outlet.cancelled(order, at)
