"""A rate between currencies that follows an instrument's price."""

from decimal import Decimal

import numpy as np
import pytest

import tickwright
from tickwright.config import load
from tickwright.document import ConfigError
from tickwright.engine.books import rate_at
from tickwright.engine.instrument import Instrument

STRATEGY = """
from decimal import Decimal

from attrs import define
from tickwright import Strategy


@define(kw_only=True)
class Once(Strategy):
    done: bool = False

    def on_start(self) -> None:
        self.watch("SHARE.X", book="every")

    def on_book(self, book) -> None:
        if self.now >= 3_000_000_000 and not self.done:
            self.done = True
            self.buy(book.instrument, Decimal(10), book.ask)
"""


def tape(bid: float, ask: float) -> "np.ndarray":
    rows = [
        (ts * 10**9 + i, 0, side, price, 100.0, i)
        for ts in range(6)
        for i, (side, price) in enumerate(((1, bid), (-1, ask)))
    ]
    kinds = [("ts", "i8"), ("kind", "i1"), ("side", "i1"), ("price", "f8"), ("qty", "f8"), ("last", "i1")]
    table = np.array(rows, kinds)
    table["ts"][1::2] -= 1
    return table


def config(**rates: str) -> dict:
    share = {"tick": "0.01", "lot": "1", "kind": "spot", "base": "SHARE", "quote": "EUR"}
    return {
        "name": "rates",
        "mode": "backtest",
        "account": {
            "currency": "USD",
            "balances": {"USD": "1000", "EUR": "100000"},
            "rates": {"EUR/USD": "EURUSD.X", **rates},
        },
        "venues": {"x": {"adapter": "sim"}},
        "instruments": {
            "SHARE.X": share,
            "EURUSD.X": {"tick": "0.01", "lot": "1", "kind": "spot", "base": "EUR", "quote": "USD"},
        },
        "data": {"tapes": {"SHARE.X": "memory", "EURUSD.X": "memory"}},
        "simulator": {"latency": 0},
        "strategies": {"once": {"use": "./once.py:Once", "instruments": ["SHARE.X", "EURUSD.X"]}},
        "risk": {"max_gross_notional": "1200", "max_spread_bps": "1000"},
    }


@pytest.mark.parametrize(("limit", "sent"), [("1131", 1), ("1109", 0)])
def test_limits_in_account_currency_follow_the_price(tmp_path, monkeypatch, limit, sent) -> None:
    """Ten shares at 101 EUR, valued at the mid of 100.5 and 1.105 USD a euro, are worth 1110.53 USD."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "once.py").write_text(STRATEGY)
    plain = config()
    plain["risk"]["max_gross_notional"] = limit
    tapes = {"SHARE.X": tape(100.0, 101.0), "EURUSD.X": tape(1.10, 1.11)}
    result = tickwright.backtest(plain, tapes=tapes)
    assert (result.summary["orders"], result.summary["denied"]) == (sent, 1 - sent)


def test_a_rate_is_the_reference_to_its_last_digit() -> None:
    euro = Instrument(id="EURUSD.X", tick_size=Decimal("0.00001"), lot_size=Decimal(1), base="EUR", quote="USD")
    assert rate_at(euro, 221_001) == Decimal("1.105005")


@pytest.mark.parametrize(
    ("pair", "id", "expected"),
    [
        ("GBP/USD", "GBPUSD.X", "expected an instrument of this config, got 'GBPUSD.X'"),
        ("GBP/USD", "EURUSD.X", "expected an instrument of GBP in USD, got EURUSD.X of EUR in USD"),
        ("USD/GBP", "EURUSD.X", "expected a rate into USD where it names an instrument, got USD/GBP"),
    ],
)
def test_a_rate_that_names_the_wrong_instrument_is_refused(pair, id, expected) -> None:
    with pytest.raises(ConfigError) as error:
        load(config(**{pair: id}), in_memory=("SHARE.X", "EURUSD.X"))
    assert expected in str(error.value)
