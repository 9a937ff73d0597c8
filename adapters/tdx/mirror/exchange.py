"""The exchange: accounts and markets together. No socket, no task; the time is an argument.

What it has to tell goes to an `Outlet`, in the order in which things happened. Each execution is told first to the two
accounts, then to everybody.
"""

from decimal import Decimal
from random import Random
from typing import Final, Protocol

from tickwright.adapters.local.record import Record
from tickwright.adapters.tdx.mirror import funds
from tickwright.adapters.tdx.mirror.accounts import Account, endow, new_id
from tickwright.adapters.tdx.mirror.entry import Wanted
from tickwright.adapters.tdx.mirror.listing import Pair
from tickwright.adapters.tdx.mirror.market import ANYWHERE, Market, Match, SelfMatch
from tickwright.adapters.tdx.mirror.options import Options
from tickwright.adapters.tdx.mirror.orders import (
    CANCELLED,
    DAY,
    FILLED,
    FOK,
    PARTIALLY_FILLED,
    POST_ONLY,
    Execution,
    Order,
    PublicTrade,
    Refused,
    missing,
    unmet,
)
from tickwright.engine.money import EXACT
from tickwright.engine.times import DAY as DAY_NS

OPEN_ORDERS_MAX: Final = 10_000
"""Of all clients together."""
TRADES_KEPT: Final = 1000


class Outlet(Protocol):
    """Who tells clients what happened."""

    def own_order(self, order: Order) -> None: ...

    def own_trade(self, execution: Execution) -> None: ...

    def public_trade(self, trade: PublicTrade) -> None: ...

    def balance(self, account: Account, symbol: str) -> None: ...


class Exchange:
    """Markets, accounts and all orders of clients, by id and in the order they came."""

    def __init__(
        self, pairs: tuple[Pair, ...], accounts: list[Account], options: Options, rng: Random, record: Record[Execution]
    ) -> None:
        self.options = options
        self.accounts = accounts
        self.record = record
        self.pairs = {pair.id: pair for pair in pairs}
        self.assets = {asset.symbol: asset for pair in pairs for asset in (pair.base, pair.quote)}
        self.markets = {pair.symbol: Market(pair, options.self_trade == "allow") for pair in pairs}
        self.orders: dict[str, Order] = {}
        self.live: dict[str, Order] = {}
        self.executions: list[Execution] = []
        self.trades: dict[str, list[PublicTrade]] = {pair.symbol: [] for pair in pairs}
        self._by_client: dict[tuple[str, str], Order] = {}
        self._numbers = 0
        self._rng = rng

    def forget(self) -> None:
        """Lose every order, trade and movement of funds, as a venue without memory does."""
        self.orders.clear()
        self.live.clear()
        self.executions.clear()
        self._by_client.clear()
        for pair in self.pairs.values():
            self.markets[pair.symbol] = Market(pair, self.options.self_trade == "allow")
            self.trades[pair.symbol] = []
        for account in self.accounts:
            endow(account, tuple(self.assets), self.options.funds)

    # --- orders of clients ----------------------------------------------------------------------------------------

    def accept(self, account: Account, wanted: Wanted, at: int, connection: object = None) -> Order:
        """Take an order in and hold its funds; `carry_out` follows.

        Raises:
            Refused: and then nothing has changed.
        """
        market = self.markets[wanted.pair.symbol]
        self._check_unused(account, wanted.client_order_id)
        self._numbers += 1
        order = Order(
            id=new_id(self._rng),
            number=self._numbers,
            pair=wanted.pair,
            side=wanted.side,
            lots=wanted.lots,
            ticks=wanted.ticks,
            kind=wanted.kind,
            time_in_force=wanted.time_in_force,
            account=account,
            client_order_id=wanted.client_order_id,
            created=at,
            updated=at,
            connection=connection,
        )
        if order.kind == POST_ONLY and market.would_trade(order):
            raise unmet("CONSTRAINT_IN_PLACE", "a post-only order would trade at once")
        if len(self.live) >= OPEN_ORDERS_MAX:
            raise unmet("CONSTRAINT_IN_PLACE", f"at most {OPEN_ORDERS_MAX} open orders")
        funds.take(order, market)
        self.orders[order.id] = self.live[order.id] = order
        if order.client_order_id:
            self._by_client[account.sub_account_id, order.client_order_id] = order
        return order

    def carry_out(self, order: Order, at: int, outlet: Outlet) -> None:
        """Trade an accepted order, then rest or end it."""
        market = self.markets[order.pair.symbol]
        if self.options.open_before_fills:
            outlet.own_order(order)
        if order.time_in_force == FOK and market.offered(order, order.lots) < order.lots:
            self._end(order, at, outlet)
            return
        for meeting in market.take(order):
            if isinstance(meeting, SelfMatch):
                if self.options.self_trade == "cancel_taker":
                    self._end(order, at, outlet)
                else:
                    self.cancel(meeting.maker, at, outlet)
                continue
            self._settle(meeting, at, outlet)
        if order.ended:
            return
        if order.immediate:
            self._end(order, at, outlet)
            return
        market.rest(order)
        self._hold(order, order.leaves, outlet)
        if not self.options.open_before_fills and order.executed == 0:
            outlet.own_order(order)

    def check_open(self, order: Order) -> None:
        """Raises: Refused where an order may trade no more."""
        if order.ended:
            raise missing("order is not open")

    def cancel(self, order: Order, at: int, outlet: Outlet) -> None:
        """End an open order.

        Raises:
            Refused: it is not open.
        """
        self.check_open(order)
        self.markets[order.pair.symbol].remove(order)
        self._end(order, at, outlet)

    def find(self, account: Account, order_id: str = "", client_order_id: str = "") -> Order:
        """An order of the account by either id, the venue's first.

        Raises:
            Refused: there is none.
        """
        found = self.orders.get(order_id)
        if found is None and client_order_id:
            found = self._by_client.get((account.sub_account_id, client_order_id))
        if found is None or found.account is not account:
            raise missing("order is not known")
        return found

    def open_orders(self, account: Account | None = None) -> list[Order]:
        """Orders of clients that may still trade, of one account or of all; the oldest first."""
        return [order for order in self.live.values() if account in (None, order.account)]

    def expire_day(self, now: int, outlet: Outlet) -> None:
        """Cancel the day orders of days that have ended (UTC)."""
        for order in self.open_orders():
            if order.time_in_force == DAY and order.created // DAY_NS < now // DAY_NS:
                self.cancel(order, now, outlet)

    # --- orders of the market -------------------------------------------------------------------------------------

    def street(
        self,
        symbol: str,
        side: int,
        lots: int,
        ticks: int,
        at: int,
        outlet: Outlet,
        *,
        rests: bool,
        street_at: int = ANYWHERE,
    ) -> Order:
        """An order of the market beside the clients, which needs no funds; `ticks` 0 takes at any price. `street_at` is
        the one price at which it meets others of the market.
        """
        market = self.markets[symbol]
        self._numbers += 1
        number = self._numbers
        order = Order(id=f"s{number}", number=number, pair=market.pair, side=side, lots=lots, ticks=ticks)
        for meeting in market.take(order, street_at):
            assert isinstance(meeting, Match)
            self._settle(meeting, at, outlet)
        if rests and order.leaves > 0:
            market.rest(order)
        return order

    def resting(self, symbol: str) -> list[Order]:
        """What rests in a book, clients' orders among it; at each price in the order of the queue."""
        market = self.markets[symbol]
        return [market.orders[name] for queue in market.resting.queues.values() for name in queue]

    def revise(self, order: Order, lots: int) -> None:
        """An order of the market that rests now has so many lots left."""
        self.markets[order.pair.symbol].resize(order, lots)

    def print_trade(self, symbol: str, side: int, lots: int, ticks: int, at: int, outlet: Outlet) -> None:
        """Tell of a trade that met no order here."""
        market = self.markets[symbol]
        market.last_ticks = ticks
        self._print(new_id(self._rng), market.pair, side, lots, ticks, at, outlet)

    def clear_street(self) -> None:
        """Take every order of the market out of every book; those of clients stay."""
        for market in self.markets.values():
            for order in list(market.orders.values()):
                if order.account is None:
                    market.remove(order)

    # --- what follows ---------------------------------------------------------------------------------------------

    def _check_unused(self, account: Account, client_order_id: str) -> None:
        used = client_order_id and (account.sub_account_id, client_order_id) in self._by_client
        if used and self.options.unique_client_order_ids:
            raise Refused(409, "ALREADY_EXISTS", "ALREADY_EXISTS", f"clientOrderId {client_order_id} is used already")

    def _settle(self, match: Match, at: int, outlet: Outlet) -> None:
        """Book one trade for both sides, and tell it."""
        pair = match.taker.pair
        gross = EXACT.multiply(pair.instrument.price(match.ticks), pair.instrument.qty(match.lots))
        trade_id = new_id(self._rng)
        for order in (match.maker, match.taker):
            if order.account is not None:
                own_id = trade_id if self.options.shared_trade_ids else new_id(self._rng)
                self._book(order, match, own_id, gross, at, outlet)
        self._print(trade_id, pair, match.taker.side, match.lots, match.ticks, at, outlet)

    def _print(self, trade_id: str, pair: Pair, side: int, lots: int, ticks: int, at: int, outlet: Outlet) -> None:
        trade = PublicTrade(id=trade_id, pair=pair, side=side, lots=lots, ticks=ticks, at=at)
        kept = self.trades[pair.symbol]
        kept.append(trade)
        if len(kept) > 2 * TRADES_KEPT:
            del kept[:TRADES_KEPT]
        outlet.public_trade(trade)

    def _book(self, order: Order, match: Match, own_id: str, gross: Decimal, at: int, outlet: Outlet) -> None:
        account = order.account
        assert account is not None
        fee, tax = funds.pay(order, match.lots, gross)
        self._hold(order, order.leaves, outlet)
        self._numbers += 1
        execution = Execution(
            id=own_id,
            number=self._numbers,
            order=order,
            lots=match.lots,
            ticks=match.ticks,
            cumulative=order.executed,
            gross=gross,
            fee=fee,
            tax=tax,
            at=at,
            taker=order is match.taker,
        )
        self.executions.append(execution)
        self.record.executed.append(execution)
        order.updated = at
        order.status = FILLED if order.leaves == 0 else PARTIALLY_FILLED
        if order.leaves == 0:
            order.ended = True
            self.live.pop(order.id, None)
        order.history.append((at, order.executed, order.status))
        if self.options.execution_order == "order_before_fill":
            outlet.own_order(order)
            outlet.own_trade(execution)
        else:
            outlet.own_trade(execution)
            outlet.own_order(order)
        for symbol in (order.pair.base.symbol, order.pair.quote.symbol):
            outlet.balance(account, symbol)

    def _end(self, order: Order, at: int, outlet: Outlet) -> None:
        order.ended = True
        self.live.pop(order.id, None)
        order.status = CANCELLED
        order.updated = at
        order.history.append((at, order.executed, order.status))
        self._hold(order, 0, outlet)
        outlet.own_order(order)

    def _hold(self, order: Order, lots: int, outlet: Outlet) -> None:
        """Hold for an order what its remaining `lots` can cost."""
        if order.account is not None:
            funds.hold(order, lots)
            outlet.balance(order.account, order.reserved_symbol)
