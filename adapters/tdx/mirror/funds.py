"""Funds of an order: what is held for it, what its executions cost, all of it exact."""

from decimal import Decimal

from tickwright.adapters.tdx.mirror import assumed
from tickwright.adapters.tdx.mirror.accounts import ZERO
from tickwright.adapters.tdx.mirror.listing import Pair
from tickwright.adapters.tdx.mirror.market import Market
from tickwright.adapters.tdx.mirror.orders import MARKET, Order, unmet
from tickwright.engine.money import EXACT


def take(order: Order, market: Market) -> None:
    """Hold what a new order can cost at most.

    Raises:
        Refused: its account has less than that.
    """
    account = order.account
    assert account is not None
    needed = _cost(order, market) if order.side > 0 and order.kind == MARKET else _needed(order, order.lots)
    holding = account.holding(order.reserved_symbol)
    if needed > holding.available:
        raise unmet("NOT_ENOUGH_FUNDS", "available balance is too low")
    holding.reserve(needed)
    order.reserved = needed


def hold(order: Order, lots: int) -> None:
    """Hold for an order what its remaining `lots` can cost, no more and no less."""
    account = order.account
    assert account is not None
    needed = ZERO if order.kind == MARKET else _needed(order, lots)
    account.holding(order.reserved_symbol).reserve(EXACT.subtract(needed, order.reserved))
    order.reserved = needed


def pay(order: Order, lots: int, gross: Decimal) -> tuple[Decimal, Decimal]:
    """Move the assets of one execution; its fee and its stamp tax, in the quote currency."""
    account = order.account
    assert account is not None
    fee = EXACT.multiply(gross, Decimal(assumed.FEE))
    tax = EXACT.multiply(gross, Decimal(assumed.STAMP_TAX)) if order.pair.security else ZERO
    costs = EXACT.add(fee, tax)
    base, quote = account.holding(order.pair.base.symbol), account.holding(order.pair.quote.symbol)
    qty = order.pair.instrument.qty(lots)
    if order.side > 0:
        base.add(qty)
        quote.add(EXACT.minus(EXACT.add(gross, costs)))
    else:
        base.add(EXACT.minus(qty))
        quote.add(EXACT.subtract(gross, costs))
    return fee, tax


def _needed(order: Order, lots: int) -> Decimal:
    instrument = order.pair.instrument
    if order.side < 0:
        return instrument.qty(lots)
    return _with_costs(order.pair, EXACT.multiply(instrument.price(order.ticks), instrument.qty(lots)))


def _cost(order: Order, market: Market) -> Decimal:
    """What a market order pays for what the book has now."""
    unit = EXACT.multiply(order.pair.instrument.tick_size, order.pair.instrument.lot_size)
    return _with_costs(order.pair, EXACT.multiply(unit, Decimal(market.cost(order))))


def _with_costs(pair: Pair, gross: Decimal) -> Decimal:
    rate = EXACT.add(Decimal(1), Decimal(assumed.FEE))
    if pair.security:
        rate = EXACT.add(rate, Decimal(assumed.STAMP_TAX))
    return EXACT.multiply(gross, rate)
