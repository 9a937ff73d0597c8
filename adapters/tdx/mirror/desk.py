"""Where requests about orders are carried out, whether they came over the socket or over REST, and recorded."""

from collections.abc import Callable
from typing import Any

from tickwright.adapters.local.record import Received, Record
from tickwright.adapters.tdx.mirror.accounts import Account
from tickwright.adapters.tdx.mirror.entry import read_order
from tickwright.adapters.tdx.mirror.exchange import Exchange
from tickwright.adapters.tdx.mirror.feeds import Feeds
from tickwright.adapters.tdx.mirror.options import Options
from tickwright.adapters.tdx.mirror.orders import Execution, Order, Refused, forbidden
from tickwright.adapters.tdx.mirror.tokens import Tokens
from tickwright.adapters.tdx.topics import Topic


class Desk:
    """The exchange, its feeds and its tokens, as the two ways in share them. `now` is the venue's clock."""

    def __init__(
        self,
        exchange: Exchange,
        feeds: Feeds,
        tokens: Tokens,
        record: Record[Execution],
        options: Options,
        now: Callable[[], int],
    ) -> None:
        self.exchange = exchange
        self.feeds = feeds
        self.tokens = tokens
        self.record = record
        self.options = options
        self.now = now

    def owner(self, topic: Topic, token: object) -> tuple[Account, int]:
        """The account that a private topic belongs to, if the token is its own, and when the token ends.

        Raises:
            Refused: no valid token, or one of somebody else.
        """
        account, ends = self.tokens.account(token, self.now())
        if account.sub_account_id != topic.target:
            raise forbidden("the sub-account is not yours")
        return account, ends

    def create(
        self,
        account: Account,
        data: Any,
        via: str,
        connection: object,
        received: Callable[[str], None] = lambda _: None,
    ) -> Order:
        """Enter a new order; `received` is called once it is accepted and before anything is told of it.

        Raises:
            Refused: the order is not accepted.
        """
        at = self.now()
        said = data.get("clientOrderId") if isinstance(data, dict) else None
        named = said if isinstance(said, str) else ""
        try:
            wanted = read_order(data, self.exchange.pairs)
            order = self.exchange.accept(account, wanted, at, connection)
        except Refused as refused:
            self._note("new", via, account, named, "", at, refused.reason)
            raise
        self._note("new", via, account, named, order.id, at, "")
        received(order.client_order_id)
        self.exchange.carry_out(order, at, self.feeds)
        return order

    def cancel(
        self,
        account: Account,
        order_id: str,
        client_order_id: str,
        via: str,
        received: Callable[[Order], None] = lambda _: None,
    ) -> Order:
        """Cancel one order.

        Raises:
            Refused: there is none such, or it is not open.
        """
        at = self.now()
        try:
            order = self.exchange.find(account, order_id, client_order_id)
            self.exchange.check_open(order)
        except Refused as refused:
            self._note("cancel", via, account, client_order_id, order_id, at, refused.reason)
            raise
        self._note("cancel", via, account, order.client_order_id, order.id, at, "")
        received(order)
        self.exchange.cancel(order, at, self.feeds)
        return order

    def _note(
        self, kind: str, via: str, account: Account, client_order_id: str, order_id: str, at: int, outcome: str
    ) -> None:
        self.record.received.append(
            Received(
                at=at,
                kind=kind,
                via=via,
                username=account.username,
                client_order_id=client_order_id,
                order_id=order_id,
                outcome=outcome,
            )
        )
