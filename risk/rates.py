"""Exact currency rates, from the config's `rates`: `USD/USDT: "1"` means that one USD is worth one USDT.

A rate may name an instrument instead of a number; then its reference price is the rate, taken anew at each mark.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from attrs import frozen

from tickwright.engine.instrument import Instrument


@frozen
class Rate:
    """`fixed` times, where `instrument` is not empty, that instrument's price; `steps` is that price's doubled grid."""

    fixed: Fraction
    instrument: str = ""


class Rates:
    """The rates of one run."""

    def __init__(
        self, currency: str, stated: Mapping[str, Decimal | str], instruments: Mapping[str, Instrument]
    ) -> None:
        self.currency = currency
        self._found = {currency: Rate(Fraction(1))}
        for pair, value in stated.items():
            source, _, target = pair.partition("/")
            if target == currency:
                self._found[source] = self._forward(value, instruments)
            elif source == currency and target not in self._found and not _named(value, instruments):
                self._found[target] = Rate(1 / Fraction(value))

    def _forward(self, value: Decimal | str, instruments: Mapping[str, Instrument]) -> Rate:
        named = _named(value, instruments)
        # A price of n doubled ticks is worth n * tick / 2; the n is read at each mark.
        return Rate(Fraction(named.tick_size) / 2, named.id) if named else Rate(Fraction(value))

    def find(self, currency: str) -> Rate | None:
        """How to value one unit of a currency in the account's, or None where nothing is said."""
        return self._found.get(currency)


def _named(value: Decimal | str, instruments: Mapping[str, Instrument]) -> Instrument | None:
    return instruments.get(value) if isinstance(value, str) else None
