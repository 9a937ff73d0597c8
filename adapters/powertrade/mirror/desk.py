"""Where requests are carried out, whether they came over a socket or over REST, and recorded."""

from collections.abc import Callable
from typing import Final

from tickwright.adapters.local.record import Received, Record
from tickwright.adapters.powertrade.mirror import shapes
from tickwright.adapters.powertrade.mirror.entry import read_order
from tickwright.adapters.powertrade.mirror.exchange import INTEREST_LIFE, Exchange
from tickwright.adapters.powertrade.mirror.feeds import Feeds
from tickwright.adapters.powertrade.mirror.keys import Account, Keys
from tickwright.adapters.powertrade.mirror.listing import Listed
from tickwright.adapters.powertrade.mirror.options import Options
from tickwright.adapters.powertrade.mirror.orders import (
    INDICATIVE,
    USER_CANCELLED,
    Execution,
    Failed,
    Order,
    Rejected,
)

EXECUTED: Final = "order has been fully executed and cannot be cancelled"
ENDED: Final = "order is no longer open and cannot be cancelled"
NO_OPEN_ORDERS: Final = "failed no open orders found"


class Desk:
    """The exchange, its feeds and its keys, as the two ways in share them. `now` is the venue's clock."""

    def __init__(
        self,
        exchange: Exchange,
        feeds: Feeds,
        keys: Keys,
        record: Record[Execution],
        options: Options,
        now: Callable[[], int],
    ) -> None:
        self.exchange = exchange
        self.feeds = feeds
        self.keys = keys
        self.record = record
        self.options = options
        self.now = now

    def create(self, account: Account, data: object, via: str) -> Order:
        """Enter a new order.

        Raises:
            Failed: it cannot be read. Rejected: it is not taken; with what was said of it.
        """
        at = self.now()
        said = data.get("client_order_id") if isinstance(data, dict) else ""
        client_order_id = said if isinstance(said, str) else ""
        try:
            wanted = read_order(data, self.exchange)
        except (Failed, Rejected) as no:
            self._note("new", via, account, client_order_id, "", no.text if isinstance(no, Failed) else no.reason)
            raise
        # It is written down before anybody hears of it, as a client may ask at once.
        self._note("new", via, account, client_order_id, "", "")
        try:
            order = self.exchange.accept(account, wanted, at)
        except Rejected as no:
            self.record.received.pop()
            self._note("new", via, account, client_order_id, "", no.reason)
            assert isinstance(data, dict)
            described = ("market_id", "symbol", "tradeable_entity_id", "legs", "client_order_id", "quantity", "price")
            raise Rejected(no.reason, {key: data[key] for key in described if key in data}) from None
        self.exchange.carry_out(order, at)
        return order

    def cancel(self, account: Account, order_id: str, client_order_id: str, via: str) -> tuple[Order | None, str]:
        """Cancel one order: the order, where there is one, and the reason of its end or why it does not end.

        The order is dead exactly if the reason is ``user_cancelled``.
        """
        order = self.exchange.find(account, order_id, client_order_id)
        if order is None:
            self._note("cancel", via, account, client_order_id, order_id, "unknown")
            return None, shapes.CANCEL_UNKNOWN
        if order.ended:
            reason = EXECUTED if order.leaves == 0 else ENDED
            self._note("cancel", via, account, order.client_order_id, str(order.id), reason)
            return order, reason
        self._note("cancel", via, account, order.client_order_id, str(order.id), "")
        self.exchange.cancel(order, USER_CANCELLED, self.now())
        return order, USER_CANCELLED

    def chosen(self, account: Account, symbol: object, entity_id: object) -> tuple[Listed | None, list[Order]]:
        """Open orders of an account, all or those of one instrument.

        Raises:
            Failed: there is no such instrument.
        """
        listed = None
        if symbol or entity_id:
            listed = self.exchange.by_symbol(str(symbol)) if symbol else self.exchange.by_id(str(entity_id))
            if listed is None:
                raise Failed(4, "symbol not found")
        orders = self.exchange.open_orders(account)
        return listed, [order for order in orders if listed is None or order.listed is listed]

    def cancel_all(self, account: Account, orders: list[Order], via: str) -> None:
        at = self.now()
        for order in orders:
            self._note("cancel", via, account, order.client_order_id, str(order.id), "")
            self.exchange.cancel(order, USER_CANCELLED, at)

    def refresh(self, account: Account, order_id: str, client_order_id: str) -> str:
        """Let a request for quotes live half an hour from now; how that went."""
        order = self.exchange.find(account, order_id, client_order_id)
        if order is None or order.ended or order.market_id != INDICATIVE:
            return shapes.UNKNOWN
        order.expires = self.now() + INTEREST_LIFE
        return "success"

    def history(self, account: Account, count: str, since: str) -> list[Execution]:
        """The last so many executions of an account, or those since a time in microseconds, the oldest first.

        Raises:
            Failed: neither or no number, or there is none.
        """
        number = count or since
        if not number.isdecimal() or len(number) > 18:
            raise Failed(16, "expected trade_count or trade_time as a number")
        own = [each for each in self.exchange.executions if each.order.account is account]
        found = own[-int(count) :] if int(count or 0) else [] if count else own
        if since and not count:
            found = [each for each in own if each.at // 1000 >= int(since)]
        if not found:
            raise Failed(18, "no trade history")
        return found

    def _note(self, kind: str, via: str, account: Account, client: str, order_id: str, outcome: str) -> None:
        self.record.received.append(
            Received(
                at=self.now(),
                kind=kind,
                via=via,
                username=account.api_key,
                client_order_id=client,
                order_id=order_id,
                outcome=outcome,
            )
        )
