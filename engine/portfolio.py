"""Who holds what: a line per market for the account and for each strategy, balances, and the day's profit.

Every fill moves the account's line; a strategy's fill moves that strategy's line too, so lines of strategies net to
the account's, apart from fills nobody ordered (`EXTERNAL`), which belong to the account alone.

Markets and strategies are given by their index, in the order the portfolio was built with. Marks are twice the price
in ticks (bid + ask for a mid, 2 x ticks for a last trade), so that a mid is a whole number; None keeps the last one.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from tickwright.engine.balance import Balance, cash_term, size_term
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.ledger import RATE_DIGITS, Ledger
from tickwright.engine.money import decimals_of, from_atoms, half_even, to_atoms
from tickwright.engine.position import MONEY_DIGITS, Position, money_digits

EXTERNAL: Final = -1
"""The strategy of a fill that no strategy ordered."""

SPOT: Final = Kind.SPOT
PAYMENTS_KEPT: Final = 10_000
"""Names of settlements and funding that are remembered: at three a day, those of 30 instruments for 100 days."""
DAY_NS: Final = 86_400_000_000_000


class Portfolio:
    """Positions, balances and profit of one run.

    ``account`` and ``ledgers[strategy]`` hold the lines (``.lines[market]``) and the day's profit; ``marks`` the latest
    mark of each market.

    Args:
        instruments: the markets.
        strategies: the names of the strategies.
        currency: the account's currency, in which profits are compared with limits.
        balances: what the account holds at the start, by currency.
        rates: what one unit of another currency is worth in the account's, at most 18 decimals.
        awaited: currencies whose rate comes with the market; until `set_rate` they count as nothing.

    Raises:
        UnitError: an instrument settles in a currency that has no rate, or an amount is not a number.
    """

    __slots__ = (
        "account",
        "adjustments",
        "currency",
        "day",
        "digits",
        "held_at",
        "instruments",
        "ledgers",
        "marks",
        "meters",
        "opening",
        "opening_worth",
        "payments",
        "rate_of",
        "rates",
        "scale",
        "transferred",
    )

    def __init__(
        self,
        instruments: Sequence[Instrument],
        strategies: Sequence[str],
        *,
        currency: str,
        balances: Mapping[str, Decimal] | None = None,
        rates: Mapping[str, Decimal] | None = None,
        awaited: Sequence[str] = (),
    ) -> None:
        self.currency = currency
        self.instruments = tuple(instruments)
        places = MONEY_DIGITS
        for each in instruments:
            places = max(places, money_digits(each), decimals_of(Fraction(each.lot_size)))
        self.digits = places
        self.scale = 10**places
        self.rate_of = {currency: 10**RATE_DIGITS}
        for name, rate in (rates or {}).items():
            self.rate_of[name] = self._rate(name, rate)
        self.rate_of |= dict.fromkeys(awaited, 0)
        self.rates = [self._settle_rate(each) for each in instruments]
        self.account = self._ledger("")
        self.ledgers = [self._ledger(name) for name in strategies]
        self.marks: list[int | None] = [None] * len(self.instruments)
        self.day = -1
        self.opening = {name: self.atoms(amount) for name, amount in (balances or {}).items()}
        self.opening_worth = sum(held * self.rate_of.get(name, 0) for name, held in self.opening.items())
        self.transferred: dict[str, int] = {}
        self.meters: list[tuple[str, Balance]] = []
        self.held_at: dict[str, dict[str, int]] = {}
        self.adjustments: dict[tuple[str, str], Decimal] = {}
        self.payments: dict[tuple[int, str], None] = {}

    def _ledger(self, name: str) -> Ledger:
        return Ledger(name, [Position(each, self.digits) for each in self.instruments], self.rates)

    def _rate(self, name: str, rate: Decimal) -> int:
        try:
            atoms = to_atoms(rate, RATE_DIGITS)
        except ValueError as error:
            raise UnitError(f"rate {name}/{self.currency}: {error}") from None
        if atoms <= 0:
            raise UnitError(f"rate {name}/{self.currency}: expected a positive rate, received {rate}")
        return atoms

    def _settle_rate(self, instrument: Instrument) -> int:
        settle = instrument.settle_currency
        if settle not in self.rate_of:
            raise UnitError(
                f"{instrument.id} settles in {settle or 'no named currency'}: expected a rate "
                f"{settle}/{self.currency}, received rates for {', '.join(sorted(self.rate_of))}"
            )
        return self.rate_of[settle]

    def atoms(self, amount: Decimal) -> int:
        """An amount of any currency as a whole number of ``10**-digits``; UnitError when it is not one."""
        try:
            return to_atoms(amount, self.digits)
        except ValueError as error:
            raise UnitError(f"amount: {error}") from None

    def limit_atoms(self, amount: Decimal) -> int:
        """An amount of account currency in the units of `Ledger.day_atoms` and `Ledger.drawdown_atoms`."""
        return self.atoms(amount) * 10**RATE_DIGITS

    def position(self, market: int, strategy: int = EXTERNAL) -> Position:
        """A strategy's line in a market, or the account's for `EXTERNAL`."""
        ledger = self.account if strategy < 0 else self.ledgers[strategy]
        return ledger.lines[market]

    # What happens --------------------------------------------------------------------------------------------------

    def fill(
        self, market: int, strategy: int, side: int, lots: int, ticks: int, maker: int, fee: Decimal | None = None
    ) -> int:
        """Book a fill on the account's line and on the strategy's; see `Position.fill`."""
        line = self.account.lines[market]
        line.fill(side, lots, ticks, maker, fee)
        if strategy >= 0:
            owner = self.ledgers[strategy]
            line = owner.lines[market]
            line.fill(side, lots, ticks, maker, fee)
        if self.marks[market] is None:
            self.marks[market] = 2 * ticks
        return 0

    def reverse(
        self, market: int, strategy: int, side: int, lots: int, ticks: int, maker: int, fee: Decimal | None = None
    ) -> None:
        """Take back a fill (a bust); see `Position.reverse`."""
        for line in self._lines(market, strategy):
            line.reverse(side, lots, ticks, maker, fee)

    def reprice(
        self, market: int, strategy: int, side: int, lots: int, old_ticks: int, new_ticks: int, maker: int
    ) -> None:
        """Correct the price of a booked fill; see `Position.reprice`."""
        for line in self._lines(market, strategy):
            line.reprice(side, lots, old_ticks, new_ticks, maker)

    def _lines(self, market: int, strategy: int) -> list[Position]:
        lines = [self.account.lines[market]]
        if strategy >= 0:
            lines.append(self.ledgers[strategy].lines[market])
        return lines

    def cash_adjust(self, amount: Decimal, reason: str, market: int, strategy: int = EXTERNAL) -> None:
        """Book money that no fill explains, in the market's settle currency: funding received, or paid when negative.

        It counts as realised profit. Sums are kept by (reason, currency) in ``adjustments``.
        """
        for line in self._lines(market, strategy):
            line.adjust(amount)
        self._note(reason, self.instruments[market].settle_currency, amount)

    def open_at(self, venue: str, balances: Mapping[str, Decimal]) -> None:
        """State what part of the opening balances lies at a venue, so that `balance` can be asked for it alone."""
        self.held_at[venue] = {name: self.atoms(amount) for name, amount in balances.items()}

    def transfer(self, currency: str, amount: Decimal, reason: str, venue: str = "") -> None:
        """Book money that came from outside, or left when negative: it moves the balance and is no profit."""
        self.transferred[currency] = self.transferred.get(currency, 0) + self.atoms(amount)
        if venue in self.held_at:
            self.held_at[venue][currency] = self.held_at[venue].get(currency, 0) + self.atoms(amount)
        for name, meter in self.meters:
            if name == currency:
                meter.move(self.atoms(amount))
        self._note(reason, currency, amount)

    def settle(self, market: int, price: Decimal, name: str) -> bool:
        """Close every line of a market that has ended at what the venue settled it at; whether `name` is a new one."""
        if not self._new_payment(market, name):
            return False
        for owner in (self.account, *self.ledgers):
            line = owner.lines[market]
            if line.lots:
                line.settle(Fraction(price))
        return True

    def fund(self, market: int, amount: Decimal, name: str) -> bool:
        """Book funding on the account's line, and each strategy's share by its part of the position; whether `name` is
        a new one. Shares are rounded half-even.
        """
        if not self._new_payment(market, name):
            return False
        held = int(self.account.lines[market].lots)
        atoms = self.atoms(amount)
        for owner in self.ledgers:
            line = owner.lines[market]
            if held and line.lots:
                share = half_even(atoms * int(line.lots) * (1 if held > 0 else -1), abs(held))
                line.adjust(from_atoms(share, self.digits))
        self.account.lines[market].adjust(amount)
        self._note("funding", self.instruments[market].settle_currency, amount)
        return True

    def _new_payment(self, market: int, name: str) -> bool:
        key = (market, name)
        if key in self.payments:
            return False
        self.payments[key] = None
        if len(self.payments) > PAYMENTS_KEPT:
            del self.payments[next(iter(self.payments))]
        return True

    def adopt(self, market: int, lots: int, ticks: int) -> None:
        """Take the venue's word for a position that differs by so many lots, as no profit.

        Where nothing is left, every line is closed at what it cost; else the account's moves at `ticks`, for no fee.
        """
        line = self.account.lines[market]
        if line.lots + lots:
            line.fill(1 if lots > 0 else -1, abs(lots), ticks, 1, Decimal(0))
            return
        for owner in (self.account, *self.ledgers):
            line = owner.lines[market]
            if line.lots:
                line.write_off()

    def cash_at(self, currency: str, venue: str) -> Decimal:
        """What a venue holds in a currency, with every position there at what it cost counted as spent.

        Unlike `balance` it does not hang on which part of a position a close was reckoned against, nor on how the
        price of a package was shared among its legs.
        """
        total = self.balance_atoms(currency, venue)
        for market, each in enumerate(self.instruments):
            if each.kind is not SPOT and each.settle_currency == currency and each.venue == venue:
                line = self.account.lines[market]
                total += line.cash_atoms() - line.realized_atoms() + line.fees_atoms()
        return from_atoms(total, self.digits)

    def _note(self, reason: str, currency: str, amount: Decimal) -> None:
        before = self.adjustments.get((reason, currency), Decimal(0))
        self.adjustments[reason, currency] = from_atoms(self.atoms(before) + self.atoms(amount), self.digits)

    # Marks and days ------------------------------------------------------------------------------------------------

    def mark(self, now_ns: int, marks: list[int | None]) -> int:
        """Value every line at new marks, one per market; the day rolls first if midnight UTC has passed."""
        self._roll(now_ns)
        for market in range(len(marks)):
            mark2 = self.marks[market] if marks[market] is None else marks[market]
            if mark2 is not None:
                self.marks[market] = mark2
                self.account.mark(market, mark2)
                for owner in self.ledgers:
                    owner.mark(market, mark2)
        self.account.settle()
        for owner in self.ledgers:
            owner.settle()
        return 0

    def mark_market(self, now_ns: int, market: int, mark2: int | None) -> int:
        """Value the lines of one market, after a fill in it; None keeps the last mark."""
        self._roll(now_ns)
        if mark2 is None:
            mark2 = self.marks[market]
            if mark2 is None:
                return 0
        self.marks[market] = mark2
        self.account.mark(market, mark2)
        self.account.settle()
        for owner in self.ledgers:
            owner.mark(market, mark2)
            owner.settle()
        return 0

    def _roll(self, now_ns: int) -> int:
        """Begin a new UTC day at the last known totals; a clock that steps back over midnight begins none."""
        day = now_ns // DAY_NS
        if day > self.day:
            self.day = day
            self.account.roll()
            for owner in self.ledgers:
                owner.roll()
        return 0

    def set_rate(self, currency: str, rate: Decimal) -> None:
        """Change what one unit of a currency is worth; it counts from the next mark on.

        The first rate of an awaited currency is the one at which its opening balance counts.
        """
        atoms = self._rate(currency, rate)
        if not self.rate_of.get(currency):
            self.opening_worth += self.opening.get(currency, 0) * atoms
        self.rate_of[currency] = atoms
        for market, each in enumerate(self.instruments):
            self.rates[market] = self.rate_of[each.settle_currency]

    # From one process to the next ------------------------------------------------------------------------------------

    def memo(self) -> dict[str, Any]:
        """All that moved money has left in these books, as plain values; see `recover`."""
        return {
            "digits": self.digits,
            "lines": {
                ledger.name: {
                    each.id: line.memo()
                    for each, line in zip(self.instruments, ledger.lines, strict=True)
                    if line.fills
                }
                for ledger in (self.account, *self.ledgers)
            },
            "marks": {each.id: mark for each, mark in zip(self.instruments, self.marks, strict=True)},
            "transferred": {name: str(atoms) for name, atoms in self.transferred.items()},
            "held_at": {
                venue: {name: str(atoms) for name, atoms in held.items()} for venue, held in self.held_at.items()
            },
            "adjustments": [[reason, name, str(amount)] for (reason, name), amount in self.adjustments.items()],
            "payments": [[self.instruments[market].id, name] for market, name in self.payments],
        }

    def recover(self, memo: dict[str, Any]) -> None:
        """Stand where other books of the same instruments stood when they gave their `memo`.

        Raises:
            UnitError: they counted money with other digits.
        """
        if memo["digits"] != self.digits:
            raise UnitError(f"expected books that count money with {self.digits} digits, received {memo['digits']}")
        for ledger in (self.account, *self.ledgers):
            said = memo["lines"].get(ledger.name, {})
            for each, line in zip(self.instruments, ledger.lines, strict=True):
                if each.id in said:
                    line.recover(said[each.id])
        for market, each in enumerate(self.instruments):
            self.marks[market] = memo["marks"].get(each.id)
        for name, meter in self.meters:
            meter.move(int(memo["transferred"].get(name, 0)) - self.transferred.get(name, 0))
        self.transferred = {name: int(atoms) for name, atoms in memo["transferred"].items()}
        for venue, held in memo["held_at"].items():
            self.held_at[venue] = {name: int(atoms) for name, atoms in held.items()}
        self.adjustments = {(reason, name): Decimal(amount) for reason, name, amount in memo["adjustments"]}
        places = {each.id: market for market, each in enumerate(self.instruments)}
        self.payments = {(places[id], name): None for id, name in memo.get("payments", ()) if id in places}

    # What people and the gate read ---------------------------------------------------------------------------------

    def value(self, currency: str, amount: Decimal) -> Decimal:
        """What an amount of a currency is worth in the account's, at the latest rate; zero where there is none."""
        return amount * from_atoms(self.rate_of.get(currency, 0), RATE_DIGITS)

    @property
    def equity(self) -> Decimal:
        """The account's worth in its currency: opening balances at their opening rates, plus profit since.

        Balances whose currency has no rate are left out, and transfers do not move it: it measures trading.
        """
        return from_atoms(self.opening_worth + self.account.total_atoms, self.digits + RATE_DIGITS)

    def day_pnl(self, strategy: int = EXTERNAL) -> Decimal:
        """Profit since the UTC day began, of a strategy or of the account, in account currency."""
        return self.account.day_pnl if strategy < 0 else self.ledgers[strategy].day_pnl

    def drawdown(self, strategy: int = EXTERNAL) -> Decimal:
        """How far below the day's peak a strategy or the account stands, in account currency."""
        return self.account.drawdown if strategy < 0 else self.ledgers[strategy].drawdown

    def balance_atoms(self, currency: str, venue: str = "") -> int:
        """`balance` as a whole number of ``10**-digits``."""
        total = self.opening.get(currency, 0) + self.transferred.get(currency, 0)
        apart = venue in self.held_at
        if apart:
            total = self.held_at[venue].get(currency, 0)
        for market, each in enumerate(self.instruments):
            if apart and each.venue != venue:
                continue
            line = self.account.lines[market]
            if each.kind is not SPOT:
                if each.settle_currency == currency:
                    total += line.realized_atoms() - line.fees_atoms()
                continue
            if each.quote == currency:
                total += line.cash_atoms()
            if each.base == currency:
                total += line.lots * (each.lot_num * self.scale // each.lot_den)
        return total

    def meter(self, currency: str, num: int, den: int) -> Balance | None:
        """A quick reading of ``balance_atoms(currency) * num // den``; None where a derivative settles in it."""
        terms = []
        for market, each in enumerate(self.instruments):
            line = self.account.lines[market]
            if each.kind is not SPOT:
                if each.settle_currency == currency:
                    return None
                continue
            if each.quote == currency:
                terms.append(cash_term(line))
            if each.base == currency:
                terms.append(size_term(line, each.lot_num * self.scale // each.lot_den))
        held = self.opening.get(currency, 0) + self.transferred.get(currency, 0)
        meter = Balance(terms, held, num, den)
        self.meters.append((currency, meter))
        return meter

    def balance(self, currency: str, venue: str = "") -> Decimal:
        """What the account holds: opening balance and transfers, and what its fills moved; at one venue alone where it
        is named and `open_at` said what lay there.

        A spot fill moves its size in base and its value and fee in quote; a derivative moves what it realises, its
        fees and its funding in settle currency.
        """
        return from_atoms(self.balance_atoms(currency, venue), self.digits)

    def balances(self) -> dict[str, Decimal]:
        """Every currency the account started with, trades or was paid in, by name."""
        names = {*self.opening, *self.transferred, self.currency}
        for each in self.instruments:
            names.add(each.settle_currency)
            if each.kind is SPOT:
                names.add(each.base)
        return {name: self.balance(name) for name in sorted(names - {""})}
