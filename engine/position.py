"""One line of the books: what its fills did to one instrument's quantity and cash, to the last digit.

**Value.** A fill's value is counted in whole *value units*. For spot and linear contracts that is lots x ticks, one
unit being ``Instrument.value_unit`` of quote currency. For inverse contracts size over price has no finite decimal,
so each fill's value is declared to be ``-(size x multiplier / price)`` rounded half to even to 1e-18 of base
currency; sums of declared values are exact, and the minus sign makes a rising price a gain as everywhere else.

**Total.** ``total(mark) = cash + position at the mark``, where cash is minus the sum of signed fill values, minus fees,
plus adjustments (funding). Nothing is rounded on this path.

**Realised** follows the average cost and is rounded half to even to 1e-12 of the currency at each closing fill. The
cost of what is open is kept in units of 1e-24 of a value unit; a partial close takes out its share rounded half to
even to that unit, so the cost never grows longer than a few machine words, and a full close takes out exactly what is
left. ``unrealized = total + fees - realized`` by definition, so the sum holds exactly.

**Taking back.** `reverse` (a bust) and `reprice` make quantity, cash and fees what they would be had the fill never
happened, or happened at the other price. Average cost is a story about the order of fills, which is not kept: the
rules of `reverse` restore it fully for the latest fill and for any opening fill with no close after it. In every
case what cost does not carry is realised, so realised + unrealised - fees = total still holds.

**Fees** by rate are not rounded fill by fill: traded value is summed for maker and taker apart and multiplied once,
when read. A fee that the venue states replaces the rate for that fill.

The fast fields are C integers of 128 bits when compiled. One fill adds less than 2**124 to any of them, and they are
emptied into Python integers (`_spill`) once the traded value since then has reached 2**124: flow and cost stay below
2**125 and gain below 2**126.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from tickwright.engine.cost import FINE, GAIN_DIGITS, WORTH_MAX, OpenCost, fine_cost
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import GRID_MAX as _GRID_MAX
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.money import decimals_of, from_atoms, half_even, to_atoms

GRID_MAX: Final = _GRID_MAX
INVERSE_DIGITS: Final = 18
MONEY_DIGITS: Final = 30
"""The least number of decimals in which a line counts money; instruments that need more get more."""

SMALL: Final = 1 << 62
PICO_SMALL: Final = 1 << 40


def money_digits(instrument: Instrument) -> int:
    """The decimals that hold every amount of a line in `instrument` exactly: fill values, half ticks, fees."""
    unit = Fraction(1, 10**INVERSE_DIGITS) if instrument.kind is Kind.INVERSE else instrument.value_unit
    parts = (unit / 2, unit * Fraction(instrument.maker_fee), unit * Fraction(instrument.taker_fee))
    return max(MONEY_DIGITS, *(decimals_of(part) for part in parts))


class Position(OpenCost):
    """The account's or one strategy's line in one instrument.

    ``lots`` is the signed position and ``fills`` counts changes of the line (fills, busts, corrections, adjustments),
    so that a reader can tell cheaply whether what it computed from the line still holds. Marks are given as
    ``mark2``, twice the price in ticks: bid + ask for a mid, 2 x ticks for a last trade.

    Args:
        instrument: what is traded; its fees are the rates.
        digits: the decimals in which money is counted, at least ``money_digits(instrument)``.
    """

    __slots__ = (
        "adjusted",
        "before_cost",
        "before_fine",
        "before_high",
        "before_lots",
        "before_low",
        "cash_as_of",
        "cash_known",
        "digits",
        "far",
        "far_flow",
        "far_maker",
        "far_taker",
        "fills",
        "flow",
        "gain_atoms",
        "half_atoms",
        "instrument",
        "inverse",
        "inverse_den",
        "inverse_num",
        "lots",
        "maker_atoms",
        "maker_value",
        "pico",
        "stated_fees",
        "stated_maker",
        "stated_taker",
        "taker_atoms",
        "taker_value",
        "unit_atoms",
    )

    def __init__(self, instrument: Instrument, digits: int = 0) -> None:
        self.instrument = instrument
        places = max(digits, money_digits(instrument))
        self.digits = places
        self.inverse = 1 if instrument.kind is Kind.INVERSE else 0
        unit = Fraction(1, 10**INVERSE_DIGITS) if self.inverse else instrument.value_unit
        atoms = unit * Fraction(10**places)
        self.unit_atoms = atoms.numerator
        self.half_atoms = atoms.numerator // 2
        self.maker_atoms = (atoms * Fraction(instrument.maker_fee)).numerator
        self.taker_atoms = (atoms * Fraction(instrument.taker_fee)).numerator
        per_tick = instrument.inverse_unit * 10**INVERSE_DIGITS
        self.inverse_num = per_tick.numerator
        self.inverse_den = per_tick.denominator
        picos = unit * 10**GAIN_DIGITS
        self.pico = picos.numerator if picos.denominator == 1 else 0
        small = self.pico if self.pico < PICO_SMALL else 0
        self._clear_cost(small, picos / FINE)
        self.gain_atoms = 10 ** (places - GAIN_DIGITS)
        self.lots = self.fills = self.before_lots = 0
        self.flow = self.maker_value = self.taker_value = self.before_cost = 0
        self.before_high = self.before_low = 0
        self.cash_known = self.cash_as_of = self.far = 0
        self.far_flow = self.far_maker = self.far_taker = self.before_fine = 0
        self.stated_maker = self.stated_taker = self.stated_fees = self.adjusted = 0

    def fill(self, side: int, lots: int, ticks: int, maker: int, fee: Decimal | None = None) -> int:
        """Book one fill of `lots` at `ticks`; `side` is 1 for a buy and -1 for a sell, `maker` is 1 or 0.

        `fee` is the venue's stated fee in settle currency (negative: a rebate), in place of the instrument's rate.

        Raises:
            UnitError: a value outside the grid's 62 bits, or a position that would leave them; nothing is booked.
        """
        held = self.lots
        if not (side == 1 or side == -1) or not 0 < lots <= GRID_MAX or not -GRID_MAX <= ticks <= GRID_MAX:
            self._refuse(side, lots, ticks)
        after = held + side * lots
        if not -GRID_MAX <= after <= GRID_MAX:
            self._refuse(side, lots, ticks)
        if self.inverse:
            worth = self._inverse_worth(lots, ticks)
        else:
            worth = lots
            worth *= ticks
        if fee is not None:
            self._state_fee(worth, maker, fee, 1)
        signed = worth * side
        if worth < 0:
            worth = -worth
        self.flow -= signed
        if maker:
            self.maker_value += worth
        else:
            self.taker_value += worth
        if held == 0 or (held > 0) == (side > 0):
            self.cost += signed
        else:
            self._close(side, lots, ticks, signed)
        self.lots = after
        self.fills += 1
        if (self.maker_value + self.taker_value) >> 124:
            self._spill()
        return 0

    def _close(self, side: int, lots: int, ticks: int, signed: int) -> int:
        """Realise what a fill against the position closes; what goes beyond it opens the other side."""
        size = self.lots if self.lots > 0 else -self.lots
        rest = 0
        if lots >= size:
            self.before_lots = self.lots
            self.before_cost = self.cost
            self.before_high = self.fine_high
            self.before_low = self.fine_low
            self.before_fine = self.far_cost
            if lots > size:
                if self.inverse:
                    rest = self._inverse_worth(lots - size, ticks)
                else:
                    rest = lots - size
                    rest *= ticks
                rest *= side
        closing = signed - rest
        if self.pico_small and not self.far_cost and -SMALL < self.cost < SMALL:
            self._close_fast(lots, size, closing)
        else:
            self._close_far(lots, size, closing)
        self.cost += rest
        return 0

    def _inverse_worth(self, lots: int, ticks: int) -> int:
        """Minus size x multiplier / price in units of 1e-18 of base, rounded half to even: declared, per fill."""
        if ticks <= 0:
            raise UnitError(
                f"{self.instrument.id}: expected a positive price of an inverse contract, received {ticks} ticks"
            )
        exact = -half_even(lots * self.inverse_num, ticks * self.inverse_den)
        if exact <= -WORTH_MAX:
            raise UnitError(
                f"{self.instrument.id}: {lots} lots at {ticks} ticks are worth {-exact} x 1e-18, more than 2^124"
            )
        return exact

    def _refuse(self, side: int, lots: int, ticks: int) -> int:
        raise UnitError(
            f"{self.instrument.id}: a fill of {lots} lots at {ticks} ticks, side {side}, on a position of {self.lots} "
            f"lots: expected side 1 or -1, a positive size, and every number within 2^62"
        )

    def _state_fee(self, worth: int, maker: int, fee: Decimal, sign: int) -> None:
        atoms = self._atoms(fee, "fee")
        size = abs(worth)
        if maker:
            self.stated_maker += sign * size
        else:
            self.stated_taker += sign * size
        self.stated_fees += sign * atoms
        self.far = 1

    def _atoms(self, amount: Decimal, name: str) -> int:
        try:
            return to_atoms(amount, self.digits)
        except ValueError as error:
            raise UnitError(f"{self.instrument.id}: {name}: {error}") from None

    def _spill(self) -> int:
        """Empty the 128-bit sums into Python integers."""
        flow, maker, taker = self.flow, self.maker_value, self.taker_value
        gain, picos = self.gain, self.picos
        self.far_flow += flow
        self.far_maker += maker
        self.far_taker += taker
        self.gains += gain * self.pico + picos
        cost = self._fine_cost()
        self.far_cost = cost
        self.cost = self.fine_high = self.fine_low = 0
        self.flow = self.maker_value = self.taker_value = self.gain = self.picos = 0
        self.far = 1
        return 0

    # Taking back ---------------------------------------------------------------------------------------------------

    def reverse(self, side: int, lots: int, ticks: int, maker: int, fee: Decimal | None = None) -> None:
        """Take back a fill that was booked with these very arguments: a bust.

        Quantity, cash, fees and traded value become what they would be without it. Cost: a position that shrinks
        gives back the fill's own value; one that grows again does so at its average cost; one that comes back from
        flat, or from the other side, at the average cost it had before it was closed, else at the fill's price. The
        change of flow and cost together is realised (nothing, where an opening fill is taken back).
        """
        held, after = self.lots, self.lots - side * lots
        if abs(side) != 1 or not 0 < lots <= GRID_MAX or abs(after) > GRID_MAX or abs(ticks) > GRID_MAX:
            self._refuse(-side, lots, ticks)
        worth = self._worth(lots, ticks)
        if fee is not None:
            self._state_fee(worth, maker, fee, -1)
        self._spill()
        cost = self.far_cost
        if after == 0:
            new_cost = 0
        elif held and (held > 0) == (after > 0):
            grown = abs(after) - abs(held)
            new_cost = cost - side * worth * FINE if grown < 0 else cost + half_even(cost * grown, abs(held))
        elif self.before_lots and (self.before_lots > 0) == (after > 0):
            before = fine_cost(self.before_cost, self.before_high, self.before_low, self.before_fine)
            new_cost = half_even(before * abs(after), abs(self.before_lots))
        else:
            new_cost = (1 if after > 0 else -1) * self._worth(abs(after), ticks) * FINE
        self.lots = after
        self._take(maker, -abs(worth))
        self._move(side * worth, new_cost)

    def reprice(self, side: int, lots: int, old_ticks: int, new_ticks: int, maker: int) -> None:
        """Correct the price of a booked fill: an inferred fill whose real trade is now known.

        The difference goes into the cost of what is still open on the fill's side, share by share, and what was
        closed since is realised.
        """
        if abs(side) != 1 or not 0 < lots <= GRID_MAX or abs(old_ticks) > GRID_MAX or abs(new_ticks) > GRID_MAX:
            self._refuse(side, lots, new_ticks)
        old, new = self._worth(lots, old_ticks), self._worth(lots, new_ticks)
        change = side * (new - old)
        self._spill()
        still_open = min(abs(self.lots), lots) if self.lots * side > 0 else 0
        new_cost = self.far_cost + half_even(change * FINE * still_open, lots)
        self._take(maker, abs(new) - abs(old))
        self._move(-change, new_cost)

    def _worth(self, lots: int, ticks: int) -> int:
        """A fill's value in value units as a Python integer."""
        return self._inverse_worth(lots, ticks) if self.inverse else lots * ticks

    def _take(self, maker: int, worth: int) -> None:
        if maker:
            self.far_maker += worth
        else:
            self.far_taker += worth

    def _move(self, flow: int, new_cost: int) -> None:
        """Change flow and cost; the difference is realised."""
        self.far_flow += flow
        self._realise(flow * FINE + new_cost - self.far_cost)
        self._set_cost(new_cost)
        self.fills += 1

    def settle(self, price: Fraction) -> None:
        """Close what is held at a price that need lie on no tick, for no fee: the instrument has ended.

        Raises:
            UnitError: an inverse contract at a price that is not above zero; nothing is booked.
        """
        instrument, lots = self.instrument, int(self.lots)
        if self.inverse:
            if price <= 0:
                raise UnitError(f"{instrument.id}: expected a settlement price above zero, received {price}")
            size = Fraction(instrument.lot_size) * Fraction(instrument.multiplier) * abs(lots) * 10**INVERSE_DIGITS
            exact = -size / price if lots > 0 else size / price
            worth = Fraction(half_even(exact.numerator, exact.denominator))
        else:
            worth = lots * price / Fraction(instrument.tick_size)
        self._close_at(worth)

    def write_off(self) -> None:
        """Forget what is held as if it had been closed at what it cost: no profit, no fee."""
        self._spill()
        self._close_at(Fraction(int(self.far_cost), FINE))

    def _close_at(self, worth: Fraction) -> None:
        """End the position for so many value units, whole or not; what no value unit says is booked beside it."""
        self._spill()
        whole = half_even(worth.numerator, worth.denominator)
        self.lots = 0
        self._move(whole, 0)
        rest = (worth - whole) * self.unit_atoms
        self.adjusted += half_even(rest.numerator, rest.denominator)
        self.far = 1

    def adjust(self, amount: Decimal) -> None:
        """Add money that no fill explains, in settle currency: funding received, or paid when negative."""
        self.adjusted += self._atoms(amount, "adjustment")
        self.far = 1
        self.fills += 1

    # From one process to the next ------------------------------------------------------------------------------------

    def memo(self) -> list[str]:
        """All that fills and adjustments have left in this line, as texts; see `recover`."""
        plain = (
            *(self.lots, self.fills, self.flow, self.maker_value, self.taker_value, self.cost, self.gain, self.picos),
            *(self.fine_high, self.fine_low, self.far_cost, self.gains, self.far, self.far_flow, self.far_maker),
            *(self.far_taker, self.before_lots, self.before_cost, self.before_high, self.before_low, self.before_fine),
            *(self.stated_maker, self.stated_taker, self.stated_fees, self.adjusted),
        )
        return [str(each) for each in plain]

    def recover(self, memo: list[str]) -> None:
        """Stand where another line of the same instrument and digits stood when it gave its `memo`."""
        said = [int(each) for each in memo]
        self.lots, self.fills, self.flow, self.maker_value, self.taker_value = said[:5]
        self.cost, self.gain, self.picos, self.fine_high, self.fine_low = said[5:10]
        self.far_cost, self.gains, self.far, self.far_flow, self.far_maker, self.far_taker = said[10:16]
        self.before_lots, self.before_cost, self.before_high, self.before_low, self.before_fine = said[16:21]
        self.stated_maker, self.stated_taker, self.stated_fees, self.adjusted = said[21:]
        self.cash_as_of = -1

    # Money in atoms of 10**-digits ------------------------------------------------------------------------------------

    def total_atoms(self, mark2: int) -> int:
        """`total` as a whole number of ``10**-digits`` of settle currency: the form that is summed."""
        return int(self.cash_atoms() + self._mark_worth2(mark2) * self.half_atoms)

    def _mark_worth2(self, mark2: int) -> int:
        """Twice the value of the position at a mark, in value units."""
        if self.lots == 0:
            return 0
        lots = self.lots
        if not self.inverse:
            return lots * mark2
        if mark2 <= 0:
            raise UnitError(f"{self.instrument.id}: expected a positive mark, received {mark2} half ticks")
        exact = 2 * half_even(2 * abs(lots) * self.inverse_num, mark2 * self.inverse_den)
        return -exact if lots > 0 else exact

    def fees_atoms(self) -> int:
        """`fees` as a whole number of ``10**-digits``."""
        maker, taker = self.maker_value, self.taker_value
        return int(
            (maker + self.far_maker - self.stated_maker) * self.maker_atoms
            + (taker + self.far_taker - self.stated_taker) * self.taker_atoms
            + self.stated_fees
        )

    def cash_atoms(self) -> int:
        """`cash` as a whole number of ``10**-digits``; kept until the line changes."""
        if self.cash_as_of != self.fills:
            flow, maker, taker = self.flow, self.maker_value, self.taker_value
            if self.far:
                self.cash_known = (flow + self.far_flow) * self.unit_atoms - self.fees_atoms() + self.adjusted
            else:
                self.cash_known = flow * self.unit_atoms - maker * self.maker_atoms - taker * self.taker_atoms
            self.cash_as_of = self.fills
        return self.cash_known

    def realized_atoms(self) -> int:
        """`realized` as a whole number of ``10**-digits``."""
        gain, picos = self.gain, self.picos
        return int((self.gains + gain * self.pico + picos) * self.gain_atoms + self.adjusted)

    # What people read ----------------------------------------------------------------------------------------------

    @property
    def qty(self) -> float:
        """The signed position, the double nearest to its decimal."""
        return float(self.instrument.qty_float(self.lots))

    @property
    def avg_px(self) -> float | None:
        """The average price of what is open (harmonic for inverse contracts); None when flat."""
        if self.lots == 0:
            return None
        fine = self._fine_cost()
        lots = self.lots
        if not self.inverse:
            return float(fine * self.instrument.tick_num / (lots * self.instrument.tick_den * FINE))
        if fine == 0:
            return None
        above = abs(lots) * self.inverse_num * self.instrument.tick_num * FINE
        return float(above / (abs(fine) * self.inverse_den * self.instrument.tick_den))

    @property
    def cash(self) -> Decimal:
        """Money that has flowed in settle currency: minus signed fill values, minus fees, plus adjustments."""
        return from_atoms(self.cash_atoms(), self.digits)

    @property
    def fees(self) -> Decimal:
        """Fees paid so far in settle currency; negative when rebates outweigh them."""
        return from_atoms(self.fees_atoms(), self.digits)

    @property
    def realized(self) -> Decimal:
        """Realised profit by average cost, before fees, with adjustments (funding)."""
        return from_atoms(self.realized_atoms(), self.digits)

    @property
    def funding(self) -> Decimal:
        """The sum of adjustments."""
        return from_atoms(self.adjusted, self.digits)

    @property
    def maker_traded(self) -> Decimal:
        """Value traded as maker, in settle currency."""
        value = self.maker_value
        return from_atoms((value + self.far_maker) * self.unit_atoms, self.digits)

    @property
    def taker_traded(self) -> Decimal:
        """Value traded as taker, in settle currency."""
        value = self.taker_value
        return from_atoms((value + self.far_taker) * self.unit_atoms, self.digits)

    def total(self, mark2: int) -> Decimal:
        """Total profit at a mark: cash + position x mark x multiplier, after fees, exact."""
        return from_atoms(self.total_atoms(mark2), self.digits)

    def unrealized(self, mark2: int) -> Decimal:
        """What the open position has gained at a mark: total + fees - realised."""
        return from_atoms(self.total_atoms(mark2) + self.fees_atoms() - self.realized_atoms(), self.digits)
