"""Questions to the venue over REST, each answered whole or not at all.

Lists come in pages, newest first. Where a list holds the whole past (the venue's list of orders does not say whether
it leaves out what has ended), reading stops at what is known to have ended: after one whole reading, everything older
than the oldest live order had ended, and what has ended stays so.
"""

import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final
from urllib.parse import quote, urlencode
from uuid import uuid4

import trio

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.http import Answer, Broken, Http
from tickwright.adapters.tdx import rest
from tickwright.adapters.tdx.fields import moment
from tickwright.adapters.tdx.login import Credentials, Login
from tickwright.adapters.tdx.messages import OrderStated, Status, TradeStated
from tickwright.adapters.tdx.requests import fee_currency
from tickwright.adapters.tdx.signing import Variant, authorization
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument
from tickwright.engine.money import EXACT
from tickwright.engine.terms import Liquidity, Side
from tickwright.engine.times import SECOND
from tickwright.engine.wire import OrderFacts, QueryFailed, Standing, TradeFacts, UnknownInstrument

PAGES_MAX: Final = 400
"""With 500 entries each: 200,000 orders, read in 80 s at the usual rate."""

MARGIN_NS: Final = 60 * SECOND
"""Two entries of a list stand in the wrong order by less than this."""

_TRIES: Final = 4
_SHORT_WAIT_S: Final = 5.0
_OTC: Final = "VENUE_OTC"
_STANDINGS: Final = {
    Status.SUBMITTED: Standing.LIVE,
    Status.OPEN: Standing.LIVE,
    Status.PARTIALLY_FILLED: Standing.LIVE,
    Status.UNKNOWN: Standing.LIVE,
    Status.FILLED: Standing.CANCELED,  # filled is judged by quantity; a word alone means that the rest is gone
    Status.CANCELED: Standing.CANCELED,
    Status.REJECTED: Standing.REJECTED,
    Status.EXPIRED: Standing.EXPIRED,
}


class Queries:
    """One account's questions. `refused(field, reason)` is told of entries that cannot be read and are left out."""

    def __init__(
        self,
        http: Http,
        login: Login | None,
        credentials: Credentials,
        *,
        venue: str,
        variant: Variant = Variant.A,
        refused: Callable[[str, str], None],
    ) -> None:
        self.pairs: dict[str, Instrument] = {}
        self._http, self._login, self._credentials = http, login, credentials
        self._venue, self._variant, self._refused = venue, variant, refused
        self._assets: dict[str, str] = {}
        self._floor = 0
        self._trades_key = "subAccountId"

    # Requests

    async def question(self, path: str, query: str = "") -> Answer:
        """Ask for something: once more after a short wait that the venue wants, and once more logged in anew.

        Raises:
            QueryFailed: no answer. LoginRefused: the credentials do not hold any more.
        """
        renewed = broken = False
        for _ in range(_TRIES):
            try:
                answer = await self.request("GET", path, query=query)
            except Broken:
                if broken:
                    raise
                broken = True
                continue
            if answer.status == 401 and self._login is not None and not self._credentials.can_sign and not renewed:
                await self._login.renew()
                renewed = True
            elif 0 < answer.wait_s <= _SHORT_WAIT_S:
                await trio.sleep(answer.wait_s)
            else:
                break
        return answer

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        urgent: bool = False,
        before: float = math.inf,
    ) -> Answer:
        """One request with proof of who we are; raises as `Http.ask` does, and `LoginRefused`."""
        headers = {"content-type": "application/json"} if body else {}
        if self._credentials.can_sign:
            headers["authorization"] = authorization(
                self._credentials.api_secret,
                api_key=self._credentials.api_key,
                nonce=str(uuid4()),
                timestamp_ms=self._http.venue_wall() // 1_000_000,
                method=method,
                host=self._http.base.authority,
                path=self._http.path(path),
                query=query,
                content_type=headers.get("content-type", ""),
                body=body,
                variant=self._variant,
            )
        elif self._login is not None:
            await self._login.ensure()
            headers["authorization"] = f"Bearer {self._login.token}"
        return await self._http.ask(method, path, query=query, headers=headers, body=body, urgent=urgent, before=before)

    async def _pages(self, path: str, take: Callable[[rest.Page], bool], **filters: str) -> None:
        """Hand every page of a list to `take`, until one is the last or `take` has seen enough."""
        cursor = ""
        seen: set[str] = set()
        for _ in range(PAGES_MAX):
            asked = {**filters, "limit": str(rest.PAGE_MAX)} | ({"cursor": cursor} if cursor else {})
            answer = await self.question(path, urlencode(asked))
            try:
                page = rest.read_page(_body(answer, path))
            except BadMessage as bad:
                raise QueryFailed(f"TDX: {bad}") from None
            try:
                enough = take(page)
            except BadMessage as bad:
                raise QueryFailed(f"TDX: {bad}") from None
            cursor = page.next_cursor
            if enough or not cursor:
                return
            if cursor in seen:
                raise QueryFailed(f"TDX {path}: expected the cursor of a further page, received one seen before")
            seen.add(cursor)
        raise QueryFailed(f"TDX {path}: expected at most {PAGES_MAX} pages, received more")

    # Reference data

    async def instruments(self, ids: Iterable[str]) -> dict[str, Instrument]:
        """The instruments of these ids; all pairs of the venue are remembered.

        Raises:
            QueryFailed: no answer, or the venue lacks one of them.
        """
        assets: list[rest.Asset] = []

        def take_assets(page: rest.Page) -> bool:
            assets.extend(rest.read_assets(page))
            return False

        await self._pages("/instruments", take_assets)
        self._assets = {asset.id: asset.symbol for asset in assets}

        def take(page: rest.Page) -> bool:
            self.pairs.update(rest.read_pairs(page, assets, self._venue))
            return False

        await self._pages("/pairs", take)
        found = {instrument.id: instrument for instrument in self.pairs.values()}
        missing = [name for name in ids if name not in found]
        if missing:
            raise UnknownInstrument(
                missing[0],
                f"{missing[0]}: expected it among the {len(found)} pairs of {self._venue}, received none such",
            )
        return {name: found[name] for name in ids}

    def pair_id(self, instrument: str) -> str:
        """The venue's id of an instrument; empty where it was not asked for."""
        return next((pair_id for pair_id, found in self.pairs.items() if found.id == instrument), "")

    async def check_account(self) -> None:
        """See that the sub-account trades the book.

        Raises:
            QueryFailed: no answer, or the account trades over the counter only.
        """
        mine = self._credentials.sub_account_id

        def take(page: rest.Page) -> bool:
            for entry in page.entries:
                if isinstance(entry, dict) and entry.get("id") == mine and entry.get("venue") == _OTC:
                    raise QueryFailed(f"TDX: expected a sub-account of the marketplace, received one of {_OTC}")
            return False

        await self._pages("/sub-accounts/mine", take)

    # Orders

    async def open_orders(self) -> tuple[OrderFacts, ...]:
        """Every live order of the account."""
        live: list[OrderFacts] = []
        oldest, newest, complete = 1 << 63, 0, True

        def take(told: OrderStated, created: int) -> bool:
            nonlocal oldest, newest, complete
            newest = max(newest, created)
            facts = self._order_facts(told)
            if facts is None:
                complete = False
            elif facts.standing is Standing.LIVE:
                live.append(facts)
                oldest = min(oldest, created)
            return False

        await self._orders(self._floor, take)
        if complete and newest:
            self._floor = max(self._floor, min(oldest, newest) - MARGIN_NS)
        return tuple(live)

    async def order(self, client_order_id: str, venue_order_id: str, since: int) -> OrderFacts | None:
        """One order, by the venue's id or else among those made since a time (ns); None where there is none such."""
        if venue_order_id:
            path = f"{self._orders_path()}/{quote(venue_order_id, safe='')}"
            answer = await self.question(path)
            if answer.status == 404:
                return None
            try:
                found = rest.read_orders(rest.read_page(_body(answer, path)))
            except BadMessage as bad:
                raise QueryFailed(f"TDX: {bad}") from None
            if len(found) != 1 or found[0].venue_order_id != venue_order_id:
                raise QueryFailed(f"TDX {path}: expected this order, received {len(found)} others")
            return self._required(found[0])
        matching: list[OrderStated] = []

        def take(told: OrderStated, created: int) -> bool:
            if told.client_order_id == client_order_id:
                matching.append(told)
            return bool(matching)

        await self._orders(max(since - 10 * MARGIN_NS, 0), take)
        return self._required(matching[0]) if matching else None

    async def _orders(self, floor: int, take: Callable[[OrderStated, int], bool]) -> None:
        """Hand orders and the times they were made at to `take`, newest first, down to `floor` or until it is true."""
        last, ordered = 1 << 63, True

        def read(page: rest.Page) -> bool:
            nonlocal last, ordered
            for told, entry in zip(rest.read_orders(page), page.entries, strict=True):
                created = _created(entry)
                ordered = ordered and 0 < created <= last
                last = created
                if take(told, created):
                    return True
            return ordered and bool(page.entries) and last < floor

        await self._pages(self._orders_path(), read, sort="created_at-desc")

    def _orders_path(self) -> str:
        return f"/orders/by-sub-account/{self._credentials.sub_account_id}"

    def _required(self, told: OrderStated) -> OrderFacts:
        facts = self._order_facts(told)
        if facts is None:
            raise QueryFailed(f"TDX: expected order {told.venue_order_id} in known units, received others")
        return facts

    def _order_facts(self, told: OrderStated) -> OrderFacts | None:
        """An order in units; None, and told of, where its pair or its numbers are not known here."""
        instrument = self._instrument(told.pair_id, told.symbol)
        if instrument is None or told.side is None or told.qty is None:
            self._refused("orders", f"order {told.venue_order_id}: expected a known pair, a side and a quantity")
            return None
        try:
            lots = instrument.lots(told.qty)
            cum = instrument.lots(told.executed or Decimal(0))
            ticks = instrument.ticks(told.price or Decimal(0))
        except UnitError as error:
            self._refused("orders", str(error))
            return None
        standing = Standing.FILLED if lots and cum >= lots else _STANDINGS[told.status]
        return OrderFacts(
            instrument=instrument.id,
            client_order_id=told.client_order_id,
            venue_order_id=told.venue_order_id,
            side=told.side,
            standing=standing,
            lots=lots,
            ticks=ticks,
            cum=cum,
            venue_ts=told.updated_ts,
        )

    # Executions and holdings

    async def trades(self, since: int, order_of: Callable[[str], str]) -> tuple[TradeFacts, ...]:
        """Every execution since a time (ns), oldest first; `order_of` tells our id of the venue's order id."""
        found: list[TradeFacts] = []
        last, ordered = 1 << 63, True

        def take(page: rest.Page) -> bool:
            nonlocal last, ordered
            for told in rest.read_trades(page):
                ordered = ordered and 0 < told.executed_ts <= last
                last = told.executed_ts
                facts = None
                if not told.executed_ts or told.executed_ts >= since:
                    facts = self._trade_facts(told, order_of)
                if facts is not None:
                    found.append(facts)
            return ordered and bool(page.entries) and last < since - MARGIN_NS

        await self._trade_pages(take)
        found.reverse()
        return tuple(sorted(found, key=lambda facts: facts.venue_ts))

    async def _trade_pages(self, take: Callable[[rest.Page], bool]) -> None:
        """The list of executions; the name of its filter is documented in one style and used in another."""
        for key in (self._trades_key, "sub_account_id"):
            asked = {key: self._credentials.sub_account_id, "sort": "created_at-desc"}
            try:
                await self._pages("/trades", take, **asked)
            except _Misunderstood:
                if key == "sub_account_id":
                    raise
            else:
                self._trades_key = key
                return

    def _trade_facts(self, told: TradeStated, order_of: Callable[[str], str]) -> TradeFacts | None:
        instrument = self._instrument(told.pair_id)
        if instrument is None:
            self._refused("trades", f"trade {told.trade_id}: expected a known pair")
            return None
        try:
            lots, ticks = instrument.lots(told.qty), instrument.ticks(told.price)
            cum = -1 if told.cumulative is None else instrument.lots(told.cumulative)
        except UnitError as error:
            raise QueryFailed(f"TDX: trade {told.trade_id}: {error}") from None
        return TradeFacts(
            instrument=instrument.id,
            client_order_id=told.client_order_id or order_of(told.venue_order_id),
            venue_order_id=told.venue_order_id,
            trade_id=told.trade_id,
            side=Side(told.side),
            lots=lots,
            ticks=ticks,
            liquidity=Liquidity.TAKER if told.liquidity is None else told.liquidity,
            stated_cum=cum,
            venue_ts=told.executed_ts,
            fee=told.cost,
            fee_currency=fee_currency(instrument) if told.cost is not None else "",
        )

    async def holdings(self) -> dict[str, Decimal]:
        """What is held of each asset: free, reserved for orders and for withdrawal, less what is owed."""
        found: dict[str, Decimal] = {}

        def take(page: rest.Page) -> bool:
            for told in rest.read_balances(page):
                held = EXACT.add(EXACT.add(told.available, told.reserved), told.withdrawing)
                found[self._assets.get(told.asset_id, told.asset_id)] = EXACT.subtract(held, told.credit)
            return False

        await self._pages("/balances", take, subAccountIds=self._credentials.sub_account_id)
        return found

    def _instrument(self, pair_id: str, symbol: str = "") -> Instrument | None:
        found = self.pairs.get(pair_id)
        if found is None and symbol:
            name = f"{symbol}.{self._venue}"
            found = next((instrument for instrument in self.pairs.values() if instrument.id == name), None)
        return found


class _Misunderstood(QueryFailed):
    """The venue says that the request is wrong."""


def _body(answer: Answer, path: str) -> bytes:
    if not answer.ok:
        words = rest.read_refusal(answer.body, answer.status).words
        kind = _Misunderstood if answer.status == 400 else QueryFailed
        raise kind(f"TDX {path}: expected an answer, received {words}")
    return answer.body


def _created(entry: object) -> int:
    """When an order was made; 0 where that is not said."""
    stamp = entry.get("createdAt") if isinstance(entry, dict) else None
    try:
        return moment(stamp, "d.createdAt") if isinstance(stamp, int | str) else 0
    except BadMessage:
        return 0
