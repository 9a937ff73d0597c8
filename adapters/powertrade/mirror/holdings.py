"""What accounts hold: assets of spot trades, positions of derivatives. Everything settles in its quote currency."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from tickwright.adapters.powertrade.mirror.book import Market
from tickwright.adapters.powertrade.mirror.entry import Wanted
from tickwright.adapters.powertrade.mirror.keys import Account, Position
from tickwright.adapters.powertrade.mirror.listing import Listed, fraction
from tickwright.adapters.powertrade.mirror.orders import FIRM, MARKET, Execution, Order
from tickwright.engine.times import SECOND

FUNDS: Final = {"USD": "100000000", "BTC": "1000", "ETH": "20000", "SOL": "100000", "PTF": "100000000"}
FUNDS_ELSE: Final = "1000000"
MARGIN: Final = Decimal("0.05")
"""Of a position's worth."""
_PLACES: Final = Decimal("0.0000000001")
_ASSETS: Final = {"BTC": 1, "USD": 2, "ETH": 3, "PTF": 4, "SOL": 5, "AVAX": 6}
_FIRST_ASSET: Final = 20
_FIRST_DERIVATIVE: Final = 1000

Parts = list[tuple[Listed, int, Decimal]]
"""Instrument, ratio, price of one."""


class Holdings:
    """Books what executions change, and says what everybody has."""

    def __init__(
        self, funds: Mapping[str, str], maker_fee: Decimal = Decimal(0), taker_fee: Decimal = Decimal(0)
    ) -> None:
        self._funds = {**FUNDS, **funds}
        self._fees = {False: maker_fee, True: taker_fee}
        self.deliverables: dict[str, int] = {}

    def endow(self, accounts: list[Account], listed: Iterable[Listed]) -> None:
        """Set what every account has to what it begins with."""
        spot = [each for each in listed if each.product == "spot"]
        assets = dict.fromkeys(["USD", *(name for each in spot for name in (each.base, each.quote))])
        for number, name in enumerate(assets):
            self.deliverables[name] = _ASSETS.get(name, _FIRST_ASSET + number)
        for each in listed:
            if each.product not in ("spot", "package", "index"):
                self.deliverables[each.symbol] = _FIRST_DERIVATIVE + each.entity_id
        for account in accounts:
            account.positions.clear()
            account.payments.clear()
            account.cash = {name: Decimal(self._funds.get(name, FUNDS_ELSE)) for name in assets}

    def affords(self, account: Account, wanted: Wanted, others: list[Order]) -> bool:
        """Whether a spot order can be paid for; derivatives need nothing at first."""
        listed = wanted.listed
        if listed.product != "spot" or wanted.kind == MARKET:
            return True
        qty = listed.instrument.qty(wanted.lots)
        asset = listed.quote if wanted.side > 0 else listed.base
        share = 1 + max(*self._fees.values(), Decimal(0))
        needed = qty * listed.instrument.price(wanted.ticks) * share if wanted.side > 0 else qty
        return needed <= account.cash.get(asset, Decimal(0)) - reserved(asset, others)

    def book(self, execution: Execution, markets: Mapping[str, Market]) -> None:
        """One execution of an order of an account."""
        order = execution.order
        account = order.account
        if account is None:
            return
        grid = order.listed.instrument
        qty = grid.qty(execution.lots)
        account.cash[order.listed.quote] -= abs(qty * grid.price(execution.ticks)) * self._fees[execution.taker]
        for listed, ratio, price in _parts(order.listed, execution.ticks, markets):
            amount = qty * order.side * ratio
            if listed.product == "spot":
                account.cash[listed.base] = account.cash.get(listed.base, Decimal(0)) + amount
                account.cash[listed.quote] = account.cash.get(listed.quote, Decimal(0)) - amount * price
            else:
                _move(account, listed, amount, price)

    def settle(
        self, accounts: list[Account], listed: Listed, markets: Mapping[str, Market], at: int
    ) -> list[tuple[Account, dict[str, str]]]:
        """Close the positions of an instrument that has expired, at what its underlying or its book is worth; what is
        told of it, to whom.
        """
        found = []
        for account in accounts:
            position = account.positions.get(listed.symbol)
            if position is None or not position.size:
                continue
            price, size = _final(listed, markets), position.size
            _move(account, listed, -size, price)
            number = f"{listed.entity_id}{listed.ends // SECOND}"
            told = _payment(listed, at) | {
                "settlement_id": number,
                "price": fraction(price),
                "quantity": fraction(size),
            }
            found.append((account, told))
        return found

    def fund(
        self, accounts: list[Account], listed: Listed, markets: Mapping[str, Market], rate: Decimal, at: int
    ) -> list[tuple[Account, dict[str, str]]]:
        """Let longs of a perpetual pay shorts; what is told of it, to whom."""
        found = []
        for account in accounts:
            position = account.positions.get(listed.symbol)
            if position is None or not position.size:
                continue
            amount = -position.size * worth(markets[listed.symbol]) * rate
            account.cash[listed.quote] += amount
            number = f"{listed.entity_id}{at // SECOND}"
            told = {"funding_id": number, "rate": fraction(rate), "amount": fraction(amount), "asset": listed.quote}
            found.append((account, _payment(listed, at) | told))
        return found

    def positions(self, account: Account, markets: Mapping[str, Market], at: int) -> list[dict[str, str]]:
        rows = []
        for symbol, position in account.positions.items():
            if position.size == 0:
                continue
            listed, mark = markets[symbol].listed, worth(markets[symbol])
            rows.append(
                {
                    "symbol": symbol,
                    "deliverable_id": str(self.deliverables[symbol]),
                    "product_type": listed.product,
                    "timestamp": str(at),
                    "side": "long" if position.size > 0 else "short",
                    "size": fraction(position.size),
                    "mark_price": fraction(mark),
                    "average_entry_price": fraction(position.average),
                    "upnl": fraction((mark - position.average) * position.size),
                    "margin_value": fraction(abs(mark * position.size) * MARGIN),
                }
            )
        return rows

    def balances(self, account: Account, orders: list[Order], at: int) -> list[dict[str, str]]:
        rows = []
        for name, cash in account.cash.items():
            held = reserved(name, orders)
            rows.append(
                {
                    "deliverable_id": str(self.deliverables[name]),
                    "symbol": name,
                    "cash_balance": fraction(cash),
                    "available_balance": fraction(cash - held),
                    "reserved_balance": fraction(held),
                    "withdrawable_balance": fraction(cash - held),
                    "timestamp": str(at // 1000),
                }
            )
        return rows


def _payment(listed: Listed, at: int) -> dict[str, str]:
    stamps = {"server_utc_timestamp": str(at // 1000), "utc_timestamp": str(at // 1000)}
    return stamps | {"tradeable_entity_id": str(listed.entity_id), "symbol": listed.symbol}


def reserved(asset: str, orders: list[Order]) -> Decimal:
    """How much of an asset open spot orders hold."""
    total = Decimal(0)
    for order in orders:
        listed = order.listed
        if listed.product != "spot" or order.market_id != FIRM:
            continue
        left = listed.instrument.qty(order.leaves)
        if order.side > 0 and listed.quote == asset:
            total += left * listed.instrument.price(order.ticks)
        elif order.side < 0 and listed.base == asset:
            total += left
    return total


def worth(market: Market) -> Decimal:
    """The middle of a book, or the last trade where a side is empty."""
    grid = market.listed.instrument
    if market.empty(1) or market.empty(-1):
        return grid.price(market.last_ticks)
    return grid.price(market.best(1) + market.best(-1)) / 2


def _parts(listed: Listed, ticks: int, markets: Mapping[str, Market]) -> Parts:
    """What a trade consists of. Legs of a package change hands at their own worth, the first at what is left over."""
    price = listed.instrument.price(ticks)
    if not listed.legs:
        return [(listed, 1, price)]
    found = [(part, ratio, worth(markets[part.symbol])) for part, ratio in listed.legs]
    rest = sum((ratio * mark for _, ratio, mark in found[1:]), Decimal(0))
    first, ratio, _ = found[0]
    return [(first, ratio, ((price - rest) / ratio).quantize(_PLACES)), *found[1:]]


def _move(account: Account, listed: Listed, amount: Decimal, price: Decimal) -> None:
    """A position grows at its average price, or shrinks and realises what it has made."""
    position = account.positions.setdefault(listed.symbol, Position())
    held = position.size
    if held * amount < 0:
        closed = min(abs(amount), abs(held)) * (1 if held > 0 else -1)
        share = position.cost * closed / held
        account.cash[listed.quote] += price * closed - share
        position.cost -= share
        amount += closed
        position.size -= closed
    position.size += amount
    position.cost = position.cost + price * amount if position.size else Decimal(0)


def _final(listed: Listed, markets: Mapping[str, Market]) -> Decimal:
    """What an expired instrument is worth in the end."""
    asset, _, rest = listed.symbol.partition("-")
    spot = markets.get(f"{asset}-{listed.quote}")
    if spot is None:
        return worth(markets[listed.symbol])
    index = worth(spot)
    if listed.product != "option":
        return index
    strike = Decimal(rest.partition("-")[2][:-1])
    return max(index - strike if rest.endswith("C") else strike - index, Decimal(0))
