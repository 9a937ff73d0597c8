"""Questions to the venue over REST, each answered whole or not at all.

The venue keeps orders in a cache and answers from there; that it does not find one is its word, and whoever asks
weighs it. There are no pages. What was executed is asked over the socket (`venue.py`), where alone it can be.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final
from urllib.parse import urlencode

from tickwright.adapters.bad_message import BadMessage, shown
from tickwright.adapters.http import Http
from tickwright.adapters.powertrade import wire
from tickwright.adapters.powertrade.codec import INDICATIVE, Codec
from tickwright.adapters.powertrade.fields import moment
from tickwright.adapters.powertrade.messages import (
    BalancesStated,
    Executed,
    Failed,
    LevelsStated,
    Listed,
    Message,
    OrderInfo,
    OrderMissing,
    OrdersStated,
    PositionsStated,
    ReferenceStated,
)
from tickwright.adapters.powertrade.reference import package
from tickwright.adapters.powertrade.signing import LIFE_S, Nonces, Signer
from tickwright.adapters.strict import checked, strict_json
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import Liquidity
from tickwright.engine.times import SECOND
from tickwright.engine.wire import Clock, OrderFacts, PositionFacts, QueryFailed, Standing, TradeFacts

_FRESH_NS: Final = (LIFE_S - 10) * SECOND
_NOT_FOUND: Final = "not found"
_GONE: Final = frozenset(("cancelled", "canceled"))
_STANDINGS: Final = {
    "filled": Standing.CANCELED,  # filled is judged by quantity; a word alone means that the rest is gone
    "rejected": Standing.REJECTED,
    "cancelled": Standing.CANCELED,
    "canceled": Standing.CANCELED,
    "expired": Standing.EXPIRED,
}


class Proof:
    """Tokens: one for each login, and one that is used again for questions while it is fresh."""

    def __init__(self, signer: Signer, nonces: Nonces, clock: Clock) -> None:
        self.offset_ns = 0
        """The venue's clock minus ours."""

        self._signer, self._nonces, self._clock = signer, nonces, clock
        self._token, self._made = "", 0

    def new(self) -> str:
        """A token that was never used."""
        wall = self._clock.wall()
        return self._signer.token(wall + self.offset_ns, self._nonces.next(wall))

    def fresh(self) -> str:
        """A token that holds for some seconds yet."""
        now = self._clock.now()
        if not self._token or now - self._made >= _FRESH_NS:
            self._token, self._made = self.new(), now
        return self._token

    def forget(self) -> None:
        """The venue did not take it."""
        self._token = ""


class Queries:
    """One account's questions. `refused(field, reason)` is told of entries that cannot be read and are left out."""

    def __init__(
        self, http: Http, proof: Proof | None, clock: Clock, *, venue: str, refused: Callable[[str, str], None]
    ) -> None:
        self.listed: dict[str, Listed] = {}
        """Everything the venue lists, by symbol."""

        self._http, self._proof, self._clock, self._venue, self._refused = http, proof, clock, venue, refused
        self._codec = Codec(venue)
        self._by_entity: dict[str, Listed] = {}

    async def _question(self, path: str, query: str = "", *, private: bool = True) -> Message:
        """Ask for something; once more, with a token that is new by the venue's own clock, where it was not taken.

        Raises:
            QueryFailed: no answer, one that cannot be read, or the venue's refusal.
        """
        told: Message = Failed(code="", text="")
        for _ in range(2):
            headers = {}
            if private:
                if self._proof is None:
                    raise QueryFailed(f"{self._venue} {path}: expected an API key to ask with, received none")
                headers["credentials_secret"] = self._proof.fresh()
            answer = await self._http.ask("GET", path, query=query, headers=headers)
            try:
                told = self._codec.decode(answer.body)
            except BadMessage as bad:
                words = f"HTTP {answer.status}" if not answer.ok else str(bad)
                raise QueryFailed(f"{self._venue} {path}: expected an answer, received {words}") from None
            if not (isinstance(told, Failed) and self._proof is not None and _login(told.text)):
                break
            self._proof.forget()
            # Either clock may have been set since the login, and a token is worth nothing by another time.
            self._proof.offset_ns = await self.clock_offset()
        if isinstance(told, Failed):
            words = f"{shown(told.text)} (code {told.code})"
            raise QueryFailed(f"{self._venue} {path}: expected an answer, received {words}")
        return told

    async def clock_offset(self) -> int:
        """The venue's clock minus ours in nanoseconds, as the middle of what is possible.

        Raises:
            QueryFailed: no answer.
        """
        asked = self._clock.wall()
        answer = await self._http.ask("GET", "/v1/api/time")
        answered = self._clock.wall()
        try:
            body = strict_json(checked(answer.body, wire.SIZE_MAX))
            stamp = body.get("server_utc_timestamp") if isinstance(body, dict) else None
            theirs = moment(stamp, "server_utc_timestamp") if isinstance(stamp, str) else 0
        except BadMessage as bad:
            raise QueryFailed(f"{self._venue}: {bad}") from None
        if not theirs:
            raise QueryFailed(f"{self._venue} /v1/api/time: expected a time, received HTTP {answer.status}")
        return theirs - (asked + answered) // 2

    # Reference data

    async def instruments(self, ids: Iterable[str]) -> dict[str, Instrument]:
        """The instruments of these ids, packages of legs included; all that the venue lists is remembered.

        Raises:
            QueryFailed: no answer, or the venue lacks one of them.
        """
        told = await self._question("/v1/api/exchangeInfo", private=False)
        if not isinstance(told, ReferenceStated):
            raise self._odd("/v1/api/exchangeInfo", told)
        self.listed = {one.instrument.symbol: one for one in told.listed}
        self._by_entity = {one.entity_id: one for one in told.listed}
        found = {}
        for name in ids:
            symbol = name.rpartition(".")[0]
            if symbol not in self.listed and "@" in symbol:
                try:
                    self.listed[symbol] = package(symbol, self.listed, self._venue)
                except UnitError as error:
                    raise QueryFailed(f"{name}: {error}") from None
            if symbol not in self.listed:
                faults = [fault for fault in told.faults if symbol in fault]
                why = faults[0] if faults else f"none such among {len(self.listed)}"
                raise QueryFailed(f"{name}: expected it among the instruments of {self._venue}, received {why}")
            found[name] = self.listed[symbol].instrument
        return found

    def entity_id(self, symbol: str) -> str:
        """The venue's id of an instrument; empty where it was not asked for."""
        return self.listed[symbol].entity_id if symbol in self.listed else ""

    async def levels(self, instrument: Instrument, depth: int) -> LevelsStated:
        """The best levels of a book.

        Raises:
            QueryFailed: no answer, or one that cannot be read.
        """
        path = "/v1/api/orderbook"
        answer = await self._http.ask("GET", path, query=urlencode({"symbol": instrument.symbol, "depth": depth}))
        try:
            told = Codec(self._venue, [Listed(instrument=instrument, entity_id="")]).decode(answer.body)
        except BadMessage as bad:
            raise QueryFailed(f"{self._venue} {path}: {bad}") from None
        if not isinstance(told, LevelsStated):
            raise self._odd(path, told)
        return told

    # Orders

    async def open_orders(self) -> tuple[OrderFacts, ...]:
        """Every live order of the account in the firm market."""
        told = await self._question("/v1/api/openOrders")
        if not isinstance(told, OrdersStated):
            raise self._odd("/v1/api/openOrders", told)
        firm = [info for info in told.orders if info.market_id not in INDICATIVE]
        facts = [self._order_facts(info) for info in firm]
        return tuple(one for one in facts if one is not None and one.standing is Standing.LIVE)

    async def order(self, client_order_id: str, venue_order_id: str) -> OrderFacts | None:
        """One order, by the venue's id of it where that is known, then by ours; None where it has none such."""
        ways = [{"client_order_id": client_order_id}] if client_order_id else []
        if venue_order_id.isascii() and venue_order_id.isdigit():
            ways.insert(0, {"order_id": venue_order_id})
        for way in ways:
            told = await self._question("/v1/api/order", urlencode(way))
            if isinstance(told, OrderInfo):
                mine = told.client_order_id == client_order_id or told.venue_order_id == venue_order_id
                facts = self._order_facts(told) if mine else None
                if facts is None:
                    raise QueryFailed(
                        f"{self._venue}: expected order {client_order_id} in known units, received another"
                    )
                return facts
            if not isinstance(told, OrderMissing) or _NOT_FOUND not in told.reason.lower():
                raise self._odd("/v1/api/order", told)
        return None

    def _order_facts(self, info: OrderInfo) -> OrderFacts | None:
        """An order in units; None, and told of, where its instrument or its numbers are not known here."""
        instrument = self._instrument(info.symbol, info.entity_id)
        if instrument is None:
            self._refused("open_orders", f"order {info.venue_order_id}: expected a known instrument")
            return None
        try:
            lots = instrument.lots(info.qty)
            ticks = instrument.ticks(info.price or Decimal(0))
            cum = sum(instrument.lots(part.qty) for part in info.executions)
        except UnitError as error:
            self._refused("open_orders", str(error))
            return None
        gone = info.cancel_state in _GONE
        standing = Standing.CANCELED if gone else _STANDINGS.get(info.state, Standing.LIVE)
        return OrderFacts(
            instrument=instrument.id,
            client_order_id=info.client_order_id,
            venue_order_id=info.venue_order_id,
            side=info.side,
            standing=Standing.FILLED if lots and cum >= lots else standing,
            lots=lots,
            ticks=ticks,
            cum=cum,
            average_ticks=_average(instrument, info.executions),
            venue_ts=info.venue_ts,
        )

    # Executions, holdings, positions

    def trade_facts(self, told: Executed, client_order_id: str, ordered: Instrument | None) -> TradeFacts | None:
        """An execution in units; `ordered` is what its order is in, where that is one of ours.

        The history names instruments by ids alone, and those of packages are in no list: one that nobody here ordered
        is None, and told of. Its legs still count in the positions.

        Raises:
            QueryFailed: its numbers are not of its instrument's grid; the list that it stands in is no answer.
        """
        instrument = ordered or self._instrument(told.symbol, told.entity_id)
        if instrument is None:
            self._refused("trades", f"trade {told.trade_id}: expected a known instrument")
            return None
        try:
            lots, ticks = instrument.lots(told.qty), instrument.ticks(told.price)
        except UnitError as error:
            raise QueryFailed(f"{self._venue}: trade {told.trade_id}: {error}") from None
        return TradeFacts(
            instrument=instrument.id,
            client_order_id=told.client_order_id or client_order_id,
            venue_order_id=told.venue_order_id,
            trade_id=told.trade_id,
            side=told.side,
            lots=lots,
            ticks=ticks,
            liquidity=Liquidity.TAKER if told.liquidity is None else told.liquidity,
            venue_ts=told.venue_ts,
        )

    async def holdings(self) -> dict[str, Decimal]:
        """Cash of each asset, whatever part of it is reserved; derivatives are in `positions`."""
        told = await self._question("/v1/api/balances")
        if not isinstance(told, BalancesStated):
            raise self._odd("/v1/api/balances", told)
        return dict(told.cash)

    async def positions(self) -> Mapping[str, PositionFacts]:
        """What is held of each derivative; what is not listed is left out and told of."""
        told = await self._question("/v1/api/positions")
        if not isinstance(told, PositionsStated):
            raise self._odd("/v1/api/positions", told)
        found = {}
        for held in told.positions:
            instrument = self._instrument(held.symbol, "")
            try:
                if instrument is not None:
                    lots = instrument.lots(held.size)
                    found[instrument.id] = PositionFacts(lots=lots, average=held.average)
                    continue
                reason = f"{held.symbol}: expected a known instrument"
            except UnitError as error:
                reason = str(error)
            self._refused("positions", reason)
        return found

    def _instrument(self, symbol: str, entity_id: str) -> Instrument | None:
        found = self.listed.get(symbol) if symbol else self._by_entity.get(entity_id)
        return None if found is None else found.instrument

    def _odd(self, path: str, told: Message) -> QueryFailed:
        words = shown(told.reason) if isinstance(told, OrderMissing) else type(told).__name__
        return QueryFailed(f"{self._venue} {path}: expected its answer, received {words}")


def _login(text: str) -> bool:
    lowered = text.lower()
    return "unauthorized" in lowered or "authorisation" in lowered or "not authenticated" in lowered


def _average(instrument: Instrument, executions: Iterable[Executed]) -> Fraction | None:
    """The average price of executions in ticks; None where there are none."""
    parts = [(Fraction(part.price), Fraction(part.qty)) for part in executions]
    total = sum((qty for _, qty in parts), Fraction(0))
    if not total:
        return None
    worth = sum((price * qty for price, qty in parts), Fraction(0))
    return worth / total / Fraction(instrument.tick_num, instrument.tick_den)
