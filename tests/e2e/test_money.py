"""The money of whole runs, computed again from nothing but their fills, in exact fractions, to the last digit."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from attrs import define
from e2e_rig import ID, Tape, config, generate, play

from tickwright import Result
from tickwright.build import fixed_rates
from tickwright.config import load

PICO = Fraction(1, 10**12)


@define
class Line:
    """What one owner's fills in one instrument come to, by the declared rules."""

    position: Fraction = Fraction(0)
    cash: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)
    realized: Fraction = Fraction(0)

    def take(self, signed: Fraction, value: Fraction, fee: Fraction, inverse: bool) -> None:
        """`value` is what the fill was worth, positive; an inverse contract's worth counts the other way round."""
        worth = value * (-1 if inverse else 1) * (1 if signed > 0 else -1)
        self.cash -= worth
        self.fees += fee
        closing = self.position * signed < 0
        share = min(Fraction(1), -self.position / signed) if closing else Fraction(0)
        if closing:
            out = self.cost * -signed * share / self.position
            self.realized += round((-worth * share - out) / PICO) * PICO
            self.cost -= out
        self.cost += worth * (1 - share)
        self.position += signed

    def unrealized(self, held: Fraction) -> Fraction:
        return self.cash + held - self.realized


def rescale(tape: Tape, tick: str, lot: str, base: int = 0) -> Tape:
    """The benchmark's tape on another grid: the same market `base` ticks higher."""
    made = tape.copy()
    ticks = np.rint(tape["price"] * 100).astype(int) + base
    lots = np.rint(tape["qty"] * 100).astype(int)
    made["price"] = [float(Decimal(int(n)) * Decimal(tick)) for n in ticks]
    made["qty"] = [float(Decimal(int(n)) * Decimal(lot)) for n in lots]
    return made


def last_mark(tape: Tape) -> Fraction:
    """The mid of the book that stands at the end."""
    levels: dict[int, dict[float, float]] = {1: {}, -1: {}}
    for row in tape[tape["kind"] == 0]:
        levels[int(row["side"])][float(row["price"])] = float(row["qty"])
    bid = max(price for price, qty in levels[1].items() if qty)
    ask = min(price for price, qty in levels[-1].items() if qty)
    return (Fraction(repr(bid)) + Fraction(repr(ask))) / 2


def recompute(result: Result, terms: dict[str, Any], fees: dict[str, str]) -> dict[str | None, Line]:
    inverse = terms["kind"] == "inverse"
    multiplier = Fraction(terms.get("multiplier", "1"))
    lines: dict[str | None, Line] = {None: Line()}
    for fill in result.fills.drop(["ts"]).to_pylist():
        price, qty = Fraction(fill["price"]), Fraction(fill["qty"])
        value = qty * multiplier / price if inverse else qty * multiplier * price
        if inverse:
            value = Fraction(round(value * 10**18), 10**18)
        fee = value * Fraction(fees[fill["liquidity"].lower()])
        assert Fraction(fill["value"]) == value, fill
        assert Fraction(fill["fee"]) == fee, fill
        signed = qty if fill["side"] == "BUY" else -qty
        for owner in (None, fill["strategy"]):
            lines.setdefault(owner, Line()).take(signed, value, fee, inverse)
    return lines


GRIDS = {
    "spot": {"tick": "0.01", "lot": "0.01", "kind": "spot"},
    "linear 0.05": {"tick": "0.05", "lot": "0.001", "kind": "linear", "multiplier": "0.1"},
    "linear 0.25": {"tick": "0.25", "lot": "1", "kind": "linear", "multiplier": "0.2"},
    "spot 2.5": {"tick": "2.5", "lot": "0.01", "kind": "spot"},
    "spot 1e-8": {"tick": "0.00000001", "lot": "1", "kind": "spot"},
    "spot 18 decimals": {"tick": "0.01", "lot": "0.000000000000000001", "kind": "spot"},
    "inverse": {"tick": "0.5", "lot": "1", "kind": "inverse", "multiplier": "1"},
    "inverse times 100": {"tick": "0.1", "lot": "1", "kind": "inverse", "multiplier": "100"},
}


@pytest.mark.parametrize("grid", GRIDS)
def test_from_the_fills_alone(grid: str) -> None:
    terms = {"base": "BTC", "quote": "USD"} | GRIDS[grid]
    fees = {"maker": "-0.00025", "taker": "0.00075"}
    tape = rescale(generate(2500), terms["tick"], terms["lot"])
    settle = "BTC" if terms["kind"] == "inverse" else "USD"
    made = config(instruments={ID: terms}, venues__sim__fees=fees)
    made["account"] = {"currency": settle, "balances": {"BTC": "1e9", "USD": "1e9"}, "rates": {"BTC/USD": "100"}}
    made["strategies"]["one"]["params"] = {"size": str(50 * Decimal(terms["lot"]))}
    two = {"use": "market_maker", "instruments": [ID], "params": {}}
    two["params"] = {"size": str(30 * Decimal(terms["lot"])), "max_position": str(900 * Decimal(terms["lot"]))}
    made["strategies"]["two"] = two
    made["risk"] = dict.fromkeys(("max_order_qty", "max_order_notional", "max_position", "max_daily_loss"), "1e12")
    made["risk"] |= {"collar_bps": "9000", "max_orders_per_s": "1000", "orders_burst": "1000"}
    result = play(tape, made)
    lines = recompute(result, terms, fees)
    assert set(lines) == {None, "one", "two"}
    mark = last_mark(tape)
    for row in result.positions.to_pylist():
        line = lines[row["strategy"]]
        size = line.position * Fraction(terms.get("multiplier", "1"))
        worth = -Fraction(round(size / mark * 10**18), 10**18) if terms["kind"] == "inverse" else size * mark
        assert Fraction(row["position"]) == line.position
        assert Fraction(row["fees"]) == line.fees
        assert Fraction(row["realized_pnl"]) == line.realized
        assert Fraction(row["unrealized_pnl"]) == line.unrealized(worth)
        assert line.cash + worth - line.fees == sum(
            Fraction(row[name]) * sign for name, sign in (("realized_pnl", 1), ("unrealized_pnl", 1), ("fees", -1))
        )
    account = lines[None]
    assert result.summary["fills"] > 20
    assert {Fraction(each) for each in result.summary["fees"].values()} == {account.fees}
    assert {Fraction(each) for each in result.summary["realized_pnl"].values()} == {account.realized}
    assert Fraction(result.summary["position"][ID]) == account.position


@pytest.mark.parametrize(("pair", "rate", "expected"), [("USD/BTC", "0.01", "0.01"), ("BTC/USD", "80", "0.0125")])
def test_a_rate_may_be_stated_either_way_round(pair: str, rate: str, expected: str) -> None:
    made = config()
    made["account"] = {"currency": "BTC", "balances": {"BTC": "1e9"}, "rates": {pair: rate}}
    assert fixed_rates(load(made, in_memory=[ID])) == {"USD": Decimal(expected)}
