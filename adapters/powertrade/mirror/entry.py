"""A new order as a client states it: what cannot be read fails, what breaks a rule of trading is rejected."""

import math
import re
from decimal import Decimal
from typing import Final, Protocol

from attrs import frozen

from tickwright.adapters.powertrade.mirror.listing import Listed
from tickwright.adapters.powertrade.mirror.orders import (
    FIRM,
    GTC,
    INDICATIVE,
    IOC,
    LIMIT,
    MARKET,
    SIDES,
    Failed,
    Rejected,
)

UNREADABLE: Final = "error parsing new order request"
LEGS_MAX: Final = 10
CYCLES_MAX: Final = 65_534
TAG_MAX: Final = 64
CLIENT_ORDER_ID_MAX: Final = 32
RATIO_MAX: Final = 1_000_000
_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_MARKETS: Final = {"0": FIRM, "none": INDICATIVE, "255": INDICATIVE}
_DESCRIBED: Final = ("market_id", "symbol", "tradeable_entity_id", "legs", "client_order_id", "quantity", "price")


class Catalog(Protocol):
    """Where instruments are looked up."""

    def by_symbol(self, symbol: str) -> Listed | None: ...

    def by_id(self, entity_id: str) -> Listed | None: ...

    def package(self, legs: tuple[tuple[Listed, int], ...]) -> Listed: ...


@frozen(kw_only=True)
class Wanted:
    """A new order that could be. `cycles` is how many it wants to live, 0 where it does not rest."""

    listed: Listed
    market_id: str
    side: int
    kind: str
    immediate: bool
    lots: int
    ticks: int
    cycles: int
    client_order_id: str
    quantity: str
    price: str


def unreadable(what: str) -> Failed:
    return Failed(12, f"{UNREADABLE}, {what}")


def read_order(data: object, catalog: Catalog) -> Wanted:
    """The order that `data` asks for.

    Raises:
        Failed: it cannot be read. Rejected: it can, and is not taken; with what was said of it.
    """
    if not isinstance(data, dict):
        raise unreadable("expected an object")
    client_order_id = _text(data, "client_order_id")
    if not 1 <= len(client_order_id.encode()) <= CLIENT_ORDER_ID_MAX or not client_order_id.isprintable():
        raise unreadable(f"client_order_id: expected 1 to {CLIENT_ORDER_ID_MAX} bytes")
    market_id = _choice(data, "market_id", _MARKETS, FIRM)
    kind = _choice(data, "type", {LIMIT: LIMIT, MARKET: MARKET})
    forces = {GTC: GTC, IOC: IOC} | ({"DAY": GTC} if market_id == INDICATIVE else {})
    force = _choice(data, "time_in_force", forces)
    side = SIDES[_choice(data, "side", {name: name for name in SIDES})]
    quantity = _decimal(data, "quantity")
    cycles = _cycles(data, market_id, kind, force)
    price = _price(data, market_id, kind)
    try:
        listed = _listed(data, catalog)
        lots = _lots(listed, quantity)
        ticks = _ticks(listed, price, quantity) if price is not None else 0
        _check_minimum(data, quantity)
    except Rejected as rejected:
        raise Rejected(rejected.reason, {key: data[key] for key in _DESCRIBED if key in data}) from None
    return Wanted(
        listed=listed,
        market_id=market_id,
        side=side,
        kind=kind,
        immediate=kind == MARKET or force == IOC,
        lots=lots,
        ticks=ticks,
        cycles=cycles,
        client_order_id=client_order_id,
        quantity=str(data["quantity"]),
        price=str(data["price"]) if price is not None else "none",
    )


def _text(data: dict[str, object], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise unreadable(f"{name}: expected a text")
    return value


def _choice(data: dict[str, object], name: str, allowed: dict[str, str], unsaid: str = "") -> str:
    if unsaid and name not in data:
        return unsaid
    found = allowed.get(_text(data, name))
    if found is None:
        raise unreadable(f"{name}: expected {' or '.join(allowed)}")
    return found


def _decimal(data: dict[str, object], name: str) -> Decimal:
    text = _text(data, name)
    if not _DECIMAL.fullmatch(text):
        raise unreadable(f"{name}: expected a decimal number")
    return Decimal(text)


def _cycles(data: dict[str, object], market_id: str, kind: str, force: str) -> int:
    """How many 10-minute cycles a resting order wants to live."""
    said = data.get("recv_window")
    if kind == MARKET and market_id == FIRM:
        if said is not None:
            raise unreadable("recv_window: must be absent of a market order")
        return 0
    if force == IOC:
        return 0
    if said is None and market_id == INDICATIVE:
        return 1
    if not isinstance(said, str) or not _INTEGER.fullmatch(said) or not 1 <= int(said) <= CYCLES_MAX:
        raise unreadable(f"recv_window: expected 1 to {CYCLES_MAX} cycles")
    return int(said)


def _price(data: dict[str, object], market_id: str, kind: str) -> Decimal | None:
    said = data.get("price")
    if kind == MARKET:
        if said is not None:
            raise unreadable("price: must be absent of a market order")
        return None
    if market_id == INDICATIVE and said in (None, "", "none"):
        return None
    return _decimal(data, "price")


def _listed(data: dict[str, object], catalog: Catalog) -> Listed:
    named = [name for name in ("symbol", "tradeable_entity_id", "legs") if name in data]
    if len(named) != 1:
        raise unreadable("expected exactly one of symbol, tradeable_entity_id and legs")
    if named == ["legs"]:
        return _package(data["legs"], catalog)
    value = _text(data, named[0])
    found = catalog.by_symbol(value) if named == ["symbol"] else catalog.by_id(value)
    if found is None:
        raise Rejected("invalid_tradeable_entity")
    if found.product == "index":
        raise Rejected("invalid_market")
    return found


def _package(rows: object, catalog: Catalog) -> Listed:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unreadable("legs: expected a list of objects")
    legs = tuple(_leg(row, catalog) for row in rows)
    if len(legs) == 1 and legs[0][1] == 1:
        return legs[0][0]
    ids = [part.entity_id for part, _ in legs]
    rising = ids == sorted(set(ids))
    traded = all(not part.legs and part.product != "index" for part, _ in legs)
    whole = bool(legs) and legs[0][1] > 0 and math.gcd(*(ratio for _, ratio in legs)) == 1
    if not 2 <= len(legs) <= LEGS_MAX or not rising or not whole or not traded:
        raise Rejected("invalid_legs")
    return catalog.package(legs)


def _leg(row: dict[str, object], catalog: Catalog) -> tuple[Listed, int]:
    symbol = row.get("sym", row.get("symbol"))
    entity_id = row.get("tid", row.get("tradeable_entity_id"))
    ratio = row.get("ratio")
    if not isinstance(ratio, str) or not _INTEGER.fullmatch(ratio):
        raise unreadable("legs: expected a ratio, a whole number as text")
    if isinstance(symbol, str):
        found = catalog.by_symbol(symbol)
    else:
        found = catalog.by_id(entity_id) if isinstance(entity_id, str) else None
    if found is None or not 0 < abs(int(ratio)) <= RATIO_MAX:
        raise Rejected("invalid_legs")
    return found, int(ratio)


def _lots(listed: Listed, quantity: Decimal) -> int:
    if quantity < listed.least or quantity <= 0:
        raise Rejected("quantity_less_than_minimum_quantity")
    if quantity > listed.most:
        raise Rejected("quantity_greater_than_maximum_quantity")
    if quantity % listed.instrument.lot_size:
        raise Rejected("quantity_not_a_valid_quantity_step")
    return int(quantity / listed.instrument.lot_size)


def _ticks(listed: Listed, price: Decimal, quantity: Decimal) -> int:
    """The price in ticks; that of a package may be zero or less."""
    if price <= 0 and not listed.legs:
        raise Rejected("price_less_than_minimum_price")
    value = abs(price * quantity)
    if value > listed.most_value:
        raise Rejected("order_value_greater_than_maximum_allowed")
    if price % listed.instrument.tick_size:
        raise Rejected("price_not_a_valid_price_step")
    if value < listed.least_value:
        raise Rejected("order_value_less_than_minimum_allowed")
    return int(price / listed.instrument.tick_size)


def _check_minimum(data: dict[str, object], quantity: Decimal) -> None:
    said = data.get("minimum_quantity")
    if said in (None, "", "none"):
        return
    least = _decimal(data, "minimum_quantity")
    if least and (data.get("time_in_force") != IOC or not 0 < least <= quantity):
        raise Rejected("invalid_fields")
