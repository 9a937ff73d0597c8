"""The account and its strategies: lines that net, balances, and days."""

from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.portfolio import EXTERNAL, Portfolio

DAY = 86_400 * 10**9
NOON = 20_000 * DAY + DAY // 2

BTC = Instrument(
    id="BTCUSDT.V",
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    maker_fee=Decimal("-0.0001"),
    taker_fee=Decimal("0.0005"),
)
PERP = Instrument(
    id="BTC-PERP.V",
    kind=Kind.LINEAR,
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.5"),
    lot_size=Decimal("0.1"),
    taker_fee=Decimal("0.001"),
)
COIN = Instrument(
    id="BTCUSD.V",
    kind=Kind.INVERSE,
    base="BTC",
    quote="USD",
    tick_size=Decimal("0.5"),
    lot_size=Decimal(1),
    multiplier=Decimal(100),
)
FINE = Instrument(id="F.V", base="F", quote="USDT", tick_size=Decimal("2.5"), lot_size=Decimal("1e-27"))


def portfolio(*instruments: Instrument, balances: dict[str, str] | None = None) -> Portfolio:
    return Portfolio(
        instruments,
        ["one", "two"],
        currency="USDT",
        balances={name: Decimal(held) for name, held in (balances or {}).items()},
        rates={"BTC": Decimal(60_000)},
    )


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from((0, 1, EXTERNAL)),
        st.sampled_from((1, -1)),
        st.integers(1, 10**6),
        st.integers(1, 10**6),
        st.integers(0, 1),
        st.one_of(st.none(), st.decimals(-5, 5, places=8)),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.lists(st.integers(1, 10**7), min_size=4, max_size=4), st.data())
def test_lines_of_strategies_and_external_fills_sum_to_the_account(
    events: list, marks: list[int], data: st.DataObject
) -> None:
    books = portfolio(BTC, PERP, COIN, FINE)
    outside = portfolio(BTC, PERP, COIN, FINE)
    for event in events:
        books.fill(*event)
        if event[1] == EXTERNAL:
            outside.fill(*event)
    if events:
        bust = data.draw(st.sampled_from(events))
        books.reverse(*bust)
        if bust[1] == EXTERNAL:
            outside.reverse(*bust)
    for market in range(4):
        lines = [books.position(market, each) for each in (0, 1)] + [outside.position(market)]
        account = books.position(market)
        assert account.lots == sum(line.lots for line in lines)
        assert account.cash_atoms() == sum(line.cash_atoms() for line in lines)
        assert account.fees_atoms() == sum(line.fees_atoms() for line in lines)
    books.mark(NOON, list(marks))
    rates = [1, 1, 60_000, 1]
    for ledger in (books.account, *books.ledgers):
        exact = sum(
            Fraction(line.total(mark)) * rate for line, mark, rate in zip(ledger.lines, marks, rates, strict=True)
        )
        assert Fraction(ledger.total) == exact


def test_a_spot_fill_moves_both_balances() -> None:
    books = portfolio(BTC, balances={"USDT": "100000", "BTC": "1"})
    books.fill(0, 0, 1, 50_000, 6_000_000, 0)
    assert books.balances() == {"BTC": Decimal("1.5"), "USDT": Decimal(70_000) - Decimal(15)}
    books.fill(0, EXTERNAL, -1, 150_000, 6_000_000, 1)
    assert books.balance("BTC") == 0
    assert books.balance("USDT") == Decimal("159985") + Decimal(9)
    assert books.balance("EUR") == 0


def test_a_derivative_moves_only_what_it_realises() -> None:
    books = portfolio(PERP, COIN, balances={"USDT": "1000", "BTC": "2"})
    books.fill(0, 0, 1, 10, 120_000, 0)
    assert books.balance("USDT") == Decimal(1000) - Decimal(60)
    books.fill(0, 0, -1, 10, 120_200, 1)
    books.cash_adjust(Decimal("-1.5"), "funding", 0, 0)
    assert books.balance("USDT") == Decimal(940) + Decimal(100) - Decimal("1.5")
    books.fill(1, 1, 1, 80, 2000, 1)
    books.fill(1, 1, -1, 80, 2500, 1)
    assert books.balance("BTC") == Decimal(2) + Decimal("1.6")
    assert books.adjustments == {("funding", "USDT"): Decimal("-1.5")}
    assert books.position(0, 0).funding == books.position(0).funding == Decimal("-1.5")
    assert books.position(0, 1).funding == 0


def test_a_transfer_is_no_profit() -> None:
    books = portfolio(BTC, balances={"USDT": "5"})
    books.transfer("USDT", Decimal("0.25"), "deposit")
    books.transfer("USDT", Decimal("-0.05"), "deposit")
    assert books.balance("USDT") == Decimal("5.2")
    assert books.equity == 5
    assert books.adjustments == {("deposit", "USDT"): Decimal("0.2")}


def test_what_lies_at_one_of_two_venues_moves_with_what_happens_there() -> None:
    there = evolve(BTC, id="BTCUSDT.W")
    books = portfolio(BTC, there, balances={"USDT": "150000", "BTC": "3"})
    assert books.balance("BTC", "V") == 3, "nobody said what lay where"
    books.open_at("V", {"USDT": Decimal(100_000), "BTC": Decimal(1)})
    books.open_at("W", {"USDT": Decimal(50_000), "BTC": Decimal(2)})
    books.fill(0, 0, 1, 50_000, 6_000_000, 0)
    books.fill(1, 1, -1, 100_000, 6_000_000, 1)
    books.transfer("USDT", Decimal("-0.25"), "fee", "W")
    books.transfer("USDT", Decimal(7), "nobody knows where")
    assert (books.balance("BTC", "V"), books.balance("BTC", "W"), books.balance("BTC")) == (
        Decimal("1.5"),
        Decimal(1),
        Decimal("2.5"),
    )
    at_v, at_w = Decimal(70_000) - 15, Decimal(110_000) + 6 - Decimal("0.25")
    assert (books.balance("USDT", "V"), books.balance("USDT", "W")) == (at_v, at_w)
    assert books.balance("USDT") == at_v + at_w + 7
    assert books.balance("EUR", "W") == 0


def test_equity_is_opening_worth_plus_profit_in_account_currency() -> None:
    books = portfolio(BTC, COIN, balances={"USDT": "100", "BTC": "2", "EUR": "7"})
    assert books.equity == 120_100
    books.fill(1, 0, 1, 80, 2000, 1)
    books.mark(NOON, [None, 2 * 2500])
    assert books.equity == 120_100 + Decimal("1.6") * 60_000
    books.set_rate("BTC", Decimal(50_000))
    books.mark(NOON, [None, None])
    assert books.equity == 120_100 + Decimal("1.6") * 50_000


def test_the_day_rolls_once_at_midnight_from_the_last_known_total() -> None:
    books = portfolio(PERP)
    books.fill(0, 0, 1, 10, 100, 1)
    books.mark_market(NOON, 0, 2 * 120)
    assert (books.day_pnl(), books.day_pnl(0), books.day_pnl(1)) == (10, 10, 0)
    books.mark(NOON + 1, [2 * 90])
    assert (books.day_pnl(), books.drawdown(0)) == (-5, 15)
    midnight = 20_001 * DAY
    books.mark(midnight - 1, [2 * 100])
    books.mark(midnight, [2 * 80])
    assert (books.day_pnl(), books.drawdown(), books.account.total) == (-10, 10, -10)
    books.mark(midnight - 5, [2 * 84])
    books.mark(midnight + 5, [2 * 84])
    assert (books.day_pnl(), books.drawdown(1)) == (-8, 0)
    assert books.drawdown() == 8


def test_a_mid_between_two_ticks_is_exact() -> None:
    books = portfolio(PERP)
    books.fill(0, 0, 1, 1, 100, 1)
    books.mark_market(NOON, 0, 100 + 101)
    assert books.day_pnl(0) == Decimal("0.025")


def test_without_any_mark_the_fill_is_the_last_trade() -> None:
    books = portfolio(PERP, BTC)
    books.mark_market(NOON, 0, None)
    assert books.day_pnl() == 0
    books.fill(0, 0, 1, 10, 100, 0)
    books.mark_market(NOON, 0, None)
    assert books.day_pnl() == Decimal("-0.05")
    assert books.marks == [200, None]


def test_limits_compare_in_the_units_of_the_ledgers() -> None:
    books = portfolio(PERP)
    books.fill(0, 0, 1, 10, 100, 1)
    books.mark_market(NOON, 0, 2 * 90)
    assert -books.account.day_atoms == books.limit_atoms(Decimal(5)) == books.ledgers[0].drawdown_atoms
    with pytest.raises(UnitError, match="expected a finite amount"):
        books.limit_atoms(Decimal("NaN"))


def test_a_corrected_price_reaches_both_lines() -> None:
    books = portfolio(PERP)
    books.fill(0, 1, 1, 10, 100, 1)
    books.reprice(0, 1, 1, 10, 100, 98, 1)
    assert books.position(0).avg_px == books.position(0, 1).avg_px == 49.0
    assert books.position(0, 0).avg_px is None


def test_a_currency_without_rate_is_refused() -> None:
    with pytest.raises(UnitError, match=r"BTCUSD\.V settles in BTC: expected a rate BTC/USDT, received rates for USDT"):
        Portfolio([COIN], [], currency="USDT")
    for rate in ("0", "-1", "NaN", "1e-19"):
        with pytest.raises(UnitError, match="rate BTC/USDT: expected"):
            Portfolio([COIN], [], currency="USDT", rates={"BTC": Decimal(rate)})


SPOT_EVENTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from((0, 1, EXTERNAL)),
        st.sampled_from((1, -1)),
        st.sampled_from((1, 7, 10**6, 2**60)),
        st.integers(1, 10**6) | st.just(2**60),
        st.integers(0, 1),
    ),
    max_size=12,
)
CROSS = Instrument(
    id="ETHBTC.V", base="ETH", quote="BTC", tick_size=Decimal("1e-5"), lot_size=Decimal("0.003"),
    taker_fee=Decimal("0.0007"),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(SPOT_EVENTS, st.sampled_from(("USDT", "BTC", "F")), st.integers(1, 10**9), st.integers(1, 10**40), st.booleans())
def test_a_meter_reads_the_balance_or_says_that_it_cannot(
    events: list, currency: str, num: int, den: int, moved: bool
) -> None:
    books = portfolio(BTC, CROSS, FINE, balances={"USDT": "100000", "BTC": "1"})
    meter = books.meter(currency, num, den)
    assert meter is not None
    for event in events:
        books.fill(*event)
    if moved:
        books.transfer("BTC", Decimal("-0.7"), "withdrawal")
    if meter.read():
        assert meter.whole == books.balance_atoms(currency) * num // den
    else:
        assert max([event[3] * event[4] for event in events] + [den, num]) > 10**12
    assert not books.reverse(0, 0, 1, 1, 1, 0)
    assert currency == "F" or not meter.read()


def test_a_meter_needs_fills_whose_value_is_all_that_moves() -> None:
    assert portfolio(BTC, PERP).meter("USDT", 1, 1) is None
    meter = portfolio(BTC, PERP, balances={"BTC": "3"}).meter("BTC", 1, 10**30)
    assert meter is not None
    assert meter.read()
    assert meter.whole == 3
    books = portfolio(BTC, balances={"USDT": "100"})
    meter = books.meter("USDT", 4_000_000, 10**30)
    assert meter is not None
    for _ in range(100):
        books.fill(0, 0, 1, 300_000, 6_000_000, 1)
    assert meter.read()
    assert meter.whole == books.balance_atoms("USDT") * 4_000_000 // 10**30 < 0
