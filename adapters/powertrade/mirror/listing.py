"""What the local venue lists: spot pairs, perpetuals, futures, options, and packages of legs as they are asked for."""

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from tickwright.adapters.local.house import OptionError
from tickwright.engine.times import SECOND

YEAR_DAYS: Final = 365
_DATED: Final = re.compile(r"([A-Z0-9]+)-([0-9]{8})(?:-([1-9][0-9]{0,8})([CP]))?", re.ASCII)
SOONEST_DAYS: Final = 14
VOLATILITY: Final = 0.6
"""At which options are priced when a random market begins."""
FIRST_PACKAGE: Final = 88_001
SETTLEMENT_HOUR: Final = 8
PRODUCTS: Final = (
    ("perpetual", "perpetual_future"),
    ("future", "future"),
    ("option", "option"),
    ("spot", "spot"),
    ("index", "index"),
)
"""A tag and what it makes of an instrument; the first that matches counts."""


@frozen(kw_only=True)
class Grid:
    """Steps of price and size, and what counts in them means."""

    tick_size: Decimal
    lot_size: Decimal

    def price(self, ticks: int) -> Decimal:
        return self.tick_size * ticks

    def qty(self, lots: int) -> Decimal:
        return self.lot_size * lots


@frozen(kw_only=True)
class Listed:
    """Something that is traded. `ends` is its expiry in nanoseconds UTC, 0 for none; `start_ticks` is where a random
    market begins, 0 where there is none; `legs` are the parts of a package with their ratios.
    """

    symbol: str
    entity_id: int
    instrument: Grid
    base: str
    quote: str = "USD"
    product: str = "spot"
    tags: tuple[str, ...] = ("spot",)
    least: Decimal
    most: Decimal
    least_value: Decimal
    most_value: Decimal
    start_ticks: int = 0
    ends: int = 0
    legs: "tuple[tuple[Listed, int], ...]" = ()

    def row(self, at: int) -> dict[str, object]:
        """What the list of instruments says of it."""
        return {
            "symbol": self.symbol,
            "tradeable_entity_id": str(self.entity_id),
            "status": "suspended" if 0 < self.ends <= at else "active",
            "base_asset": self.base,
            "quote_asset": self.quote,
            "minimum_quantity": fraction(self.least),
            "maximum_quantity": fraction(self.most),
            "minimum_value": fraction(self.least_value),
            "maximum_value": fraction(self.most_value),
            "quantity_step": fraction(self.instrument.lot_size),
            "price_step": fraction(self.instrument.tick_size),
            "tags": list(self.tags),
        }


def fraction(number: Decimal) -> str:
    """A number as the venue writes its own: plain, with at least one digit after the point."""
    text = f"{number:f}"
    if "." not in text:
        return f"{text}.0"
    text = text.rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def package(legs: tuple[tuple[Listed, int], ...], entity_id: int) -> Listed:
    """The instrument that some legs make together."""
    parts = [part for part, _ in legs]
    step = max(part.instrument.lot_size for part in parts)
    return Listed(
        symbol="/".join(f"{part.symbol}@{ratio}" for part, ratio in legs),
        entity_id=entity_id,
        instrument=Grid(tick_size=min(part.instrument.tick_size for part in parts), lot_size=step),
        base="",
        product="package",
        tags=("multi_leg",),
        least=max(part.least for part in parts),
        most=min(part.most for part in parts),
        least_value=Decimal(0),
        most_value=min(part.most_value for part in parts),
        ends=min((part.ends for part in parts if part.ends), default=0),
        legs=legs,
    )


def listed_from(rows: Sequence[dict[str, Any]]) -> tuple[Listed, ...]:
    """Instruments out of rows as the venue's list has them; `start_price` beside is where a random market begins.

    Raises:
        OptionError: a row that is none.
    """
    found = []
    for number, row in enumerate(rows):
        try:
            grid = Grid(tick_size=Decimal(row["price_step"]), lot_size=Decimal(row["quantity_step"]))
            tags = tuple(str(tag) for tag in row["tags"])
            listed = Listed(
                symbol=row["symbol"],
                entity_id=int(row["tradeable_entity_id"]),
                instrument=grid,
                base=row["base_asset"],
                quote=row["quote_asset"],
                product=next((product for tag, product in PRODUCTS if tag in tags), "spot"),
                tags=tags,
                least=Decimal(row["minimum_quantity"]),
                most=Decimal(row["maximum_quantity"]),
                least_value=Decimal(row["minimum_value"]),
                most_value=Decimal(row["maximum_value"]),
                start_ticks=int(Decimal(row.get("start_price", "0")) / grid.tick_size),
                ends=_ends(row["symbol"], tags),
            )
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            what = f"expected a row of the venue's list, received {error!r}"
            raise OptionError(f"instruments[{number}]: {what}") from None
        found.append(listed)
    return tuple(found)


def read_instruments(path: str) -> tuple[Listed, ...]:
    """Instruments of a JSON file: a list of rows, or the venue's own answer that has them under ``symbols``.

    Raises:
        OptionError: unreadable, or no such rows.
    """
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise OptionError(f"{path}: expected a JSON file of instruments, received {error}") from None
    while isinstance(found, dict):
        found = found.get("symbols", found.get("entities_and_rules_response"))
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise OptionError(f"{path}: expected a list of rows, received something else")
    return listed_from(found)


def _ends(symbol: str, tags: tuple[str, ...]) -> int:
    if "perpetual" in tags or not {"future", "option"} & set(tags):
        return 0
    day = datetime.strptime(symbol.split("-")[1], "%Y%m%d").replace(tzinfo=UTC, hour=SETTLEMENT_HOUR)
    return int(day.timestamp()) * SECOND


# --- what is listed where nobody says any ---------------------------------------------------------------------------


def listed_by_default(at: int, symbols: Sequence[str] = ()) -> tuple[Listed, ...]:
    """The venue's own list, as of a time: expiries are the ends of the next months. `symbols` keeps only some; futures
    and options among them that end on another day to come are listed besides, in the order given.

    Raises:
        OptionError: a symbol that is not listed and cannot be.
    """
    rows = [_row(*each, tags=["spot"]) for each in _SPOT]
    option_id, future_id = 1001, 101
    for asset, start, tick, lot, most, _ in _UNDERLYINGS:
        symbol = f"{asset}-USD-PERPETUAL"
        perpetual, index = (16, 2) if asset == "BTC" else (17, 3)
        rows.append(_row(f"{asset}-USD-INDEX", index, "0.01", "0.0001", most, "0", tags=["index"]))
        rows.append(_row(symbol, perpetual, tick, lot, most, start, tags=[asset, "future", "perpetual"]))
        for name, years in _expiries(at):
            tags = [asset, "future", "month"]
            rows.append(_row(f"{asset}-{name}", future_id, tick, lot, most, start, tags=tags))
            future_id += 1
            for tenths in (8, 9, 10, 11, 12):
                strike = int(Decimal(start)) * tenths // 10
                for kind in "CP":
                    rows.append(_option(asset, name, str(strike), kind, years, option_id))
                    option_id += 1
    for symbol in dict.fromkeys(symbols):
        if all(row["symbol"] != symbol for row in rows):
            rows += _dated(symbol, at, future_id, option_id)
            future_id, option_id = future_id + 1, option_id + 1
    unknown = set(symbols) - {row["symbol"] for row in rows}
    if unknown:
        raise OptionError(f"pairs: expected symbols that are listed, received {' '.join(sorted(unknown))}")
    return listed_from([row for row in rows if not symbols or row["symbol"] in symbols])


def _option(asset: str, day: str, strike: str, kind: str, years: float, entity_id: int) -> dict[str, Any]:
    """An option's row; its random market begins at what it is worth."""
    start, _, lot, most, step = next(row[1:] for row in _UNDERLYINGS if row[0] == asset)
    price = black_76(float(start), float(strike), years, VOLATILITY, call=kind == "C")
    worth = str(max(Decimal(step), Decimal(price).quantize(Decimal(step))))
    return _row(f"{asset}-{day}-{strike}{kind}", entity_id, step, lot, most, worth, tags=[asset, "option", "month"])


def _dated(symbol: str, at: int, future_id: int, option_id: int) -> list[dict[str, Any]]:
    """The row of a future or an option that ends on a day to come; none where the symbol is no such thing."""
    found = _DATED.fullmatch(symbol)
    if found is None or all(row[0] != found[1] for row in _UNDERLYINGS):
        return []
    asset, day, strike, kind = found.groups()
    try:
        left = _ends(symbol, (asset, "future")) - at
    except ValueError:
        return []
    if left <= 0:
        return []
    if strike:
        return [_option(asset, day, strike, kind, left / (YEAR_DAYS * 86_400 * SECOND), option_id)]
    start, tick, lot, most, _ = next(row[1:] for row in _UNDERLYINGS if row[0] == asset)
    return [_row(symbol, future_id, tick, lot, most, start, tags=[asset, "future", "month"])]


def black_76(future: float, strike: float, years: float, volatility: float, *, call: bool) -> float:
    """What an option on a future is worth, without interest."""
    spread = volatility * math.sqrt(years)
    above = (math.log(future / strike) + spread * spread / 2) / spread
    worth = future * _normal(above) - strike * _normal(above - spread)
    return worth if call else worth - future + strike


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _expiries(at: int) -> list[tuple[str, float]]:
    """The last Fridays of the next two months, as in symbols, and how many years they are away."""
    found: list[tuple[str, float]] = []
    today = datetime.fromtimestamp(at // SECOND, UTC).replace(hour=SETTLEMENT_HOUR, minute=0, second=0)
    day = today + timedelta(days=SOONEST_DAYS)
    while len(found) < 2:
        if day.weekday() == 4 and (day + timedelta(days=7)).month != day.month:
            found.append((day.strftime("%Y%m%d"), (day - today).days / YEAR_DAYS))
        day += timedelta(days=1)
    return found


def _row(symbol: str, entity_id: int, tick: str, lot: str, most: str, start: str, *, tags: list[str]) -> dict[str, Any]:
    base = symbol.split("-")[0] if tags == ["spot"] else symbol
    return {
        "symbol": symbol,
        "tradeable_entity_id": str(entity_id),
        "base_asset": base,
        "quote_asset": "USD",
        "minimum_quantity": lot,
        "maximum_quantity": most,
        "minimum_value": "0.00001",
        "maximum_value": "100000000.0",
        "quantity_step": lot,
        "price_step": tick,
        "tags": tags,
        "start_price": start,
    }


_SPOT: Final = (
    ("BTC-USD", 4, "0.1", "0.0001", "100.0", "60000"),
    ("ETH-USD", 5, "0.01", "0.001", "1000.0", "2500"),
    ("PTF-USD", 6, "0.0001", "0.1", "10000000.0", "0.05"),
    ("SOL-USD", 8, "0.01", "0.01", "100000.0", "150"),
    # No market beside the clients: orders here meet each other only, at whatever price.
    ("AVAX-USD", 9, "0.001", "0.01", "100000.0", "0"),
)
_UNDERLYINGS: Final = (
    ("BTC", "60000", "0.5", "0.0001", "100.0", "1.0"),
    ("ETH", "2500", "0.05", "0.001", "1000.0", "0.1"),
)
"""Asset, price, steps of futures, largest quantity, price step of options."""
