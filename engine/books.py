"""Moves money when an execution is booked, and values what is held once a second."""

from decimal import Decimal
from fractions import Fraction

from tickwright.engine.instrument import Instrument
from tickwright.engine.ledger import RATE_DIGITS
from tickwright.engine.market import Market
from tickwright.engine.money import decimal_of, from_atoms, half_even
from tickwright.engine.order import Fill, Order
from tickwright.engine.portfolio import Portfolio
from tickwright.engine.ports import Gate, Ledger
from tickwright.engine.records import Recorder
from tickwright.engine.terms import MAKER

FEES_KEPT = 100_000
"""Stated fees that are remembered, for the case that their execution is taken back: some 20 MiB."""


class Books(Ledger):
    """The order manager's hand on the portfolio.

    `fill` is the execution booked last, `fees` what venues state, by order number and trade id.
    """

    __slots__ = ("fees", "fill", "followed", "gate", "markets", "marks", "portfolio", "recorder", "strategies")

    def __init__(
        self, portfolio: Portfolio, markets: list[Market], strategies: int, gate: Gate, recorder: Recorder
    ) -> None:
        self.portfolio = portfolio
        self.markets = markets
        self.strategies = strategies
        self.gate = gate
        self.recorder = recorder
        self.fees: dict[tuple[int, str], Decimal] = {}
        self.fill: Fill | None = None
        self.marks: list[int | None] = [None] * len(markets)
        self.followed: list[tuple[str, Market]] = []

    def state_fee(self, order: Order, trade_id: str, fee: Decimal) -> None:
        """What the venue charges for an execution that is about to be booked, instead of the instrument's rate.

        More decimals than money is counted in are rounded half-even.
        """
        # Not 10**digits: compiled, the power of a C integer is a float.
        exact = Fraction(fee) * self.portfolio.scale
        amount = from_atoms(half_even(exact.numerator, exact.denominator), self.portfolio.digits)
        self.fees[order.number, trade_id] = amount
        if len(self.fees) > FEES_KEPT:
            del self.fees[next(iter(self.fees))]

    def stated_fee(self, fill: Fill) -> Decimal | None:
        return self.fees.get((fill.order.number, fill.trade_id))

    def follow(self, currency: str, market: Market) -> None:
        """From now on a currency is worth what a market's reference says, read at each mark."""
        self.followed.append((currency, market))

    def book(self, order: Order, fill: Fill) -> None:
        self.fill = fill
        maker = 1 if fill.liquidity_code == MAKER else 0
        fee = self.stated_fee(fill) if self.fees else None
        if self.markets[order.market].legs:
            self.move_legs(order, fill, maker, fee, back=False)
        else:
            self.portfolio.fill(order.market, order.strategy_index, order.side_code, fill.lots, fill.ticks, maker, fee)
        self.gate.filled(order, fill, fill.ts)

    def take_back(self, order: Order, fill: Fill) -> None:
        maker = 1 if fill.liquidity_code == MAKER else 0
        fee = self.stated_fee(fill)
        if self.markets[order.market].legs:
            self.move_legs(order, fill, maker, fee, back=True)
            return
        self.portfolio.reverse(order.market, order.strategy_index, order.side_code, fill.lots, fill.ticks, maker, fee)

    def move_legs(self, order: Order, fill: Fill, maker: int, fee: Decimal | None, back: bool) -> None:
        """Book an execution of a package (`back`: take it back) leg by leg, the net price shared among them.

        Every leg but the first changes hands at its own reference, the first at what is left over; what no tick of the
        first can say is booked beside it. The fee is that of the net value, on the first leg.
        """
        market = self.markets[order.market]
        portfolio, owner = self.portfolio, order.strategy_index
        prices, rest = shared(market, fill.ticks)
        charged = self.package_fee(market.instrument, fill, maker) if fee is None else fee
        for number, (leg, ticks) in enumerate(zip(market.legs, prices, strict=True)):
            side = order.side_code if leg.lots > 0 else -order.side_code
            lots = fill.lots * abs(leg.lots)
            part = Decimal(0) if number else charged
            if back:
                portfolio.reverse(leg.market.index, owner, side, lots, ticks, maker, part)
            else:
                portfolio.fill(leg.market.index, owner, side, lots, ticks, maker, part)
        value = market.instrument.value_unit
        amount = decimal_of(-rest * fill.lots * order.side_code * (-1 if back else 1) * value)
        if amount:
            portfolio.cash_adjust(amount, "package", market.legs[0].market.index, owner)

    def package_fee(self, instrument: Instrument, fill: Fill, maker: int) -> Decimal:
        """The fee of a package's execution by its rate, exact; more decimals than money has are rounded half-even."""
        rate = instrument.maker_fee if maker else instrument.taker_fee
        exact = abs(Fraction(fill.lots) * fill.ticks * instrument.value_unit) * Fraction(rate) * self.portfolio.scale
        return from_atoms(half_even(exact.numerator, exact.denominator), self.portfolio.digits)

    def correct(self, order: Order, lots: int, old_ticks: int, new_ticks: int) -> None:
        market = self.markets[order.market]
        if market.legs:
            value = Fraction(old_ticks - new_ticks) * lots * order.side_code * market.instrument.value_unit
            self.portfolio.cash_adjust(decimal_of(value), "package", market.legs[0].market.index, order.strategy_index)
            return
        self.portfolio.reprice(order.market, order.strategy_index, order.side_code, lots, old_ticks, new_ticks, 0)

    def mark(self, now: int) -> None:
        """Value every market, and record what is held and at which mark."""
        for currency, source in self.followed:
            reference = source.double_reference()
            if reference:
                self.portfolio.set_rate(currency, rate_at(source.instrument, reference))
        for market in self.markets:
            if market.legs:
                continue  # what is held of a package is held of its legs
            mark = market.double_reference()
            self.marks[market.index] = mark or None
            lots = self.portfolio.position(market.index).lots
            if mark:
                self.recorder.sample(market.index, -1, lots, mark, now)
        self.portfolio.mark(now, self.marks)


def shared(package: Market, ticks: int) -> tuple[list[int], Fraction]:
    """A package's net price as prices of its legs, in their ticks, and what is left over in the package's.

    A leg without a price counts as nothing, so that the first bears it all.
    """
    rest = Fraction(ticks)
    prices = [0]
    for leg in package.legs[1:]:
        price = leg.market.double_reference() // 2
        prices.append(price)
        rest -= leg.ticks * price
    first = package.legs[0].ticks
    prices[0] = round(rest / first)
    return prices, rest - first * prices[0]


def rate_at(instrument: Instrument, double_ticks: int) -> Decimal:
    """Half of so many ticks as a rate, rounded half-even to the decimals that rates have."""
    exact = Fraction(double_ticks * instrument.tick_num * 10**RATE_DIGITS, 2 * instrument.tick_den)
    return from_atoms(half_even(exact.numerator, exact.denominator), RATE_DIGITS)
