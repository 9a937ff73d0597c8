"""Settlements and funding: what they do to positions and money, once each, and again from the journal."""

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.engine.errors import UnitError
from tickwright.engine.events import Funded, Settled
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.market import Market
from tickwright.engine.paying import Payments
from tickwright.engine.portfolio import EXTERNAL, Portfolio
from tickwright.engine.position import Position
from tickwright.engine.recall import Memory
from tickwright.engine.scribe import KeptPortfolio

T0 = 1_760_000_000 * 10**9
GRID = {"base": "BTC", "quote": "USD", "tick_size": Decimal("0.5"), "lot_size": Decimal("0.1")}
LINEAR = Instrument(id="BTC-20261225.V", kind=Kind.LINEAR, multiplier=Decimal("0.01"), expiry_ns=T0, **GRID)
INVERSE = Instrument(id="BTCUSD.V", kind=Kind.INVERSE, multiplier=Decimal(100), expiry_ns=T0, **GRID)
CALL = Instrument(id="BTC-20261225-60000C.V", kind=Kind.LINEAR, expiry_ns=T0, strike=Decimal(60000), right="C", **GRID)
PRICES = st.decimals("0.0001", "200000", places=7)
FILLS = st.lists(
    st.tuples(st.sampled_from((1, -1)), st.integers(1, 10**9), st.integers(1, 10**6)), min_size=1, max_size=6
)


def value(instrument, lots, price):
    """What a position is worth at a price, exactly."""
    size = lots * Fraction(instrument.lot_size) * Fraction(instrument.multiplier)
    return -size / price if instrument.kind is Kind.INVERSE else size * price


@settings(max_examples=30, deadline=None)
@given(fills=FILLS, price=PRICES)
def test_a_settlement_pays_what_the_price_says_to_the_last_digit(fills, price):
    for instrument, digits in ((LINEAR, 0), (INVERSE, 18)):
        line, flow = Position(instrument), Fraction(0)
        for side, lots, ticks in fills:
            line.fill(side, lots, ticks, 0, Decimal(0))
            paid = value(instrument, side * lots, ticks * Fraction(instrument.tick_size))
            flow -= round(paid * 10**digits) / Fraction(10**digits) if digits else paid
        held = int(line.lots)
        traded, fees = line.taker_traded, line.fees
        line.settle(Fraction(price))
        worth = value(instrument, held, Fraction(price))
        worth = round(worth * 10**digits) / Fraction(10**digits) if digits else worth
        assert line.lots == 0
        assert Fraction(line.cash) == flow + worth
        assert line.total(2) == line.cash
        assert abs(line.realized - line.cash) <= (len(fills) + 1) * Decimal("1e-12")
        assert (line.taker_traded, line.fees, line.avg_px) == (traded, fees, None)


def test_a_premium_is_what_an_option_that_ends_worthless_has_cost():
    line = Position(CALL)
    line.fill(1, 20, 2500, 0, Decimal(0))  # 2 at 1250
    line.settle(Fraction(0))
    assert (line.lots, line.realized) == (0, Decimal(-2500))
    full = Position(INVERSE)
    full.fill(1, 1, 100, 0)
    with pytest.raises(UnitError):
        full.settle(Fraction(0))


@given(fills=FILLS)
@settings(max_examples=40, deadline=None)
def test_what_is_written_off_is_no_profit(fills):
    line = Position(LINEAR)
    for side, lots, ticks in fills:
        line.fill(side, lots, ticks, 1, Decimal(0))
    before = line.realized
    line.write_off()
    assert line.lots == 0
    assert abs(line.realized - before) <= Decimal("1e-12")
    assert abs(line.total(2) - line.realized) <= (len(fills) + 1) * Decimal("1e-12")


class Keeper:
    """Records as the journal would get them."""

    def __init__(self):
        self.ts = T0
        self.said = []

    def append(self, kind, body, ts):
        self.said.append(body)


def books():
    kept = KeptPortfolio([LINEAR, CALL], ["one", "two"], currency="USD", balances={"USD": Decimal(1000)})
    kept.keep(SimpleNamespace(keeper=(keeper := Keeper()), ts=T0))
    return kept, keeper


def test_every_line_is_settled_and_funding_is_shared_by_position():
    kept, _ = books()
    kept.fill(0, 0, 1, 30, 1000, 0)
    kept.fill(0, 1, -1, 10, 1000, 0)
    kept.fill(0, EXTERNAL, 1, 20, 1000, 0)
    assert kept.fund(0, Decimal("-4"), "f1")
    assert not kept.fund(0, Decimal("-4"), "f1")
    lines = [kept.position(0, owner) for owner in (EXTERNAL, 0, 1)]
    assert [line.funding for line in lines] == [Decimal(-4), Decimal(-3), Decimal(1)]
    assert kept.settle(0, Decimal("510.25"), "s1")
    assert not kept.settle(0, Decimal("999"), "s1")
    assert [line.lots for line in lines] == [0, 0, 0]
    unit = Decimal("0.01") * Decimal("0.1")
    gained = Decimal("10.25") * unit
    assert [line.realized for line in lines] == [40 * gained - 4, 30 * gained - 3, -10 * gained + 1]
    assert kept.balance("USD") == 1000 + 40 * gained - 4 == kept.cash_at("USD", "V")


def test_the_journal_gives_all_of_it_back_and_counts_nothing_twice():
    kept, keeper = books()
    kept.fill(0, 0, 1, 30, 1000, 0)
    kept.fill(1, 0, 1, 30, 2000, 0)
    kept.fund(0, Decimal("0.123"), "f1")
    kept.settle(0, Decimal("499.9999"), "s1")
    kept.adopt(1, -10, 1500)
    kept.adopt(1, -20, 1500)
    again = Portfolio([LINEAR, CALL], ["one", "two"], currency="USD", balances={"USD": Decimal(1000)})
    markets = [Market(each, i, again.position(i)) for i, each in enumerate((LINEAR, CALL))]
    memory = Memory(again, markets, [])
    for body in keeper.said:
        memory.move(body)
    for owner in (EXTERNAL, 0, 1):
        for market in (0, 1):
            one, two = kept.position(market, owner), again.position(market, owner)
            assert (one.lots, one.cash, one.realized, one.funding) == (two.lots, two.cash, two.realized, two.funding)
    assert again.balance("USD") == kept.balance("USD")
    carried = Portfolio([LINEAR, CALL], ["one", "two"], currency="USD", balances={"USD": Decimal(1000)})
    carried.recover(kept.memo())
    for found in (again, carried):
        assert not found.settle(0, Decimal(1), "s1")
        assert not found.fund(0, Decimal(1), "f1")
        assert found.cash_at("USD", "V") == kept.cash_at("USD", "V")
    assert [kept.position(1, owner).lots for owner in (EXTERNAL, 0)] == [0, 0]


class Notes:
    """What people would read."""

    def __init__(self):
        self.texts = []

    def note(self, severity, text, ts):
        self.texts.append(text)


def core(portfolio):
    """As much of a core as payments touch."""
    markets = [Market(each, i, portfolio.position(i)) for i, each in enumerate(portfolio.instruments)]
    books = SimpleNamespace(portfolio=portfolio, mark=lambda now: None)
    gate = SimpleNamespace(mark=lambda now: None)
    return SimpleNamespace(markets=markets, books=books, gate=gate, recorder=Notes(), now=0, carry_out=lambda: None)


def test_a_position_that_outlives_its_instrument_waits_for_the_venue_and_is_told_of_once():
    kept, _ = books()
    found = core(kept)
    payments = Payments(found)
    assert payments.unsettled("V", T0) == []
    kept.fill(0, 0, 1, 30, 1000, 0)
    assert payments.unsettled("V", T0 - 1) == []
    [(instrument, text)] = payments.unsettled("V", T0)
    assert (instrument, "position of 3" in text) == (LINEAR.id, True)
    assert payments.unsettled("V", T0) == []
    told = {"instrument": LINEAR.id, "price": Decimal("500.5"), "settlement_id": "9", "ts": T0 + 5}
    for _ in range(2):
        payments.take(Settled(**told), T0 + 5)
    assert found.recorder.texts[1:] == [f"{LINEAR.id}: settled at 500.5: 3 closed (9)"]
    assert (payments.waiting, kept.position(0).lots, found.now) == (set(), 0, T0 + 5)
    payments.take(Settled(**{**told, "instrument": "OTHER.V"}), T0 + 6)


def test_funding_in_another_currency_is_a_transfer():
    kept, _ = books()
    found = core(kept)
    payments = Payments(found)
    for name, amount, currency in (("1", "-2", "USD"), ("2", "0.5", "BTC"), ("2", "0.5", "BTC")):
        payments.take(
            Funded(instrument=LINEAR.id, amount=Decimal(amount), currency=currency, funding_id=name, ts=T0), T0
        )
    assert (kept.balance("USD"), kept.balance("BTC")) == (Decimal(998), Decimal("0.5"))
    assert len(found.recorder.texts) == 2


def test_a_person_adopts_what_the_venue_holds_of_a_derivative():
    kept, _ = books()
    found = core(kept)
    payments = Payments(found)
    kept.fill(0, 0, 1, 30, 1000, 0)
    payments.unsettled("V", T0)
    payments.adopt(LINEAR.id, Decimal(-30), "gone", "V")
    assert [kept.position(0, owner).lots for owner in (EXTERNAL, 0)] == [0, 0]
    assert (kept.position(0).realized, payments.waiting) == (0, set())
    payments.adopt("USD", Decimal(7), "given", "V")
    assert kept.balance("USD") == 1007
