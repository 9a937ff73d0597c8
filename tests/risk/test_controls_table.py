# ruff: noqa: E501 - one case a line
"""Every control at its limit minus one step, exactly at it, plus one step; and what the denial says."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Approved, Denial
from tickwright.engine.parent import Parent
from tickwright.engine.terms import GTD
from tickwright.risk.page import page

DOCS = Path(__file__).parents[2] / "docs" / "risk.md"
MS = 1_000_000
S = 1_000_000_000


def spot(**more: Any) -> Instrument:
    terms = {"id": "BTCUSDT.BINANCE", "tick_size": Decimal("0.01"), "lot_size": Decimal("0.001"), "base": "BTC"}
    return Instrument(**{**terms, "quote": "USDT", **more})


def numbers(key: str, text: str, by: str = "1") -> dict[str, str]:
    return {key: text}


class Case:
    """A control with a knob: `turn(world, step)` judges at limit + step (-1, 0, 1)."""

    def __init__(self, code: str, risk: dict[str, Any], turn: Any, value: str | None, limit: str | None, **world: Any):
        self.code, self.risk, self.turn, self.value, self.limit, self.world = code, risk, turn, value, limit, world


def held(world: Any, step: int, **terms: Any) -> Any:
    world.hold(5)
    world.working(1, 3)
    return world.judge(1, 2 + step, **terms)


def wait(field: str, ns: int) -> Any:
    def turn(world: Any, step: int) -> Any:
        setattr(world.gate, field, ns + step)
        return world.judge()

    return turn


def many(world: Any, step: int) -> Any:
    for i in range(4 + step):
        world.working(1, 1, 9_990 + i)
    return world.judge(1, 1, 9_980)


def unknown(world: Any, step: int) -> Any:
    for i in range(2 + step):
        order = world.working(1, 1, 9_990 + i)
        world.orders.disconnect(order, world.now)
    return world.judge(1, 1, 9_980)


def silence(world: Any, step: int) -> Any:
    world.floor.venues["BINANCE"].heard_ts = world.now - 15 * S - step
    return world.judge()


def skew(world: Any, step: int) -> Any:
    world.floor.venues["BINANCE"].clock_offset_ns = -(100 * MS + step)
    return world.judge()


def stale_book(world: Any, step: int) -> Any:
    order = world.order()
    world.now += 200 * MS + step
    return world.gate.judge(order, world.now)


def drift(world: Any, step: int) -> Any:
    for _ in range(3):
        world.gate.mark(world.now)
        world.now += S
    # The median of 2 x 10,000 half ticks moves by 1 %: to 20,200, one half tick more, one less.
    world.quote(10_099, 10_101 + step)
    return world.judge(1, 1, 10_100)


def storm(world: Any, step: int) -> Any:
    for _ in range(3 + step):
        world.gate.rejected(world.order(), world.now)
    return world.judge()


def often(world: Any, step: int) -> Any:
    for _ in range(9 + step):
        assert isinstance(world.judge(), Approved)
    return world.judge()


def messages(world: Any, step: int) -> Any:
    for _ in range(6 + step):
        assert isinstance(world.judge(), Approved)
    return world.judge()


def traded(world: Any, step: int) -> Any:
    order = world.working(1, 5)
    world.fill(order, 5, 10_000)
    return world.judge(1, 5 + step)


def chatter(world: Any, step: int) -> Any:
    order = world.working(1, 2)
    world.fill(order, 1, 10_000)
    for _ in range(150 + step):
        assert world.gate.cancel_allowed(order, world.now)
    return world.judge()


def again(world: Any, step: int) -> Any:
    """A taker's fill, then a taking order: the third such round is one too many."""
    for _ in range(2 + step):
        order = world.working(1, 1, 10_001)
        world.fill(order, 1, 10_001, maker=False)
        assert isinstance(world.judge(1, 1, 10_001), Approved)
    order = world.working(1, 1, 10_001)
    world.fill(order, 1, 10_001, maker=False)
    return world.judge(1, 1, 10_001)


def sibling(world: Any, step: int) -> Any:
    parent = Parent("p", 10)
    child = world.working(1, 4, parent=parent)
    parent.children.append(child)
    return world.judge(1, 6 + step, parent=parent)


def reduce(world: Any, step: int) -> Any:
    world.hold(5)
    world.working(-1, 2)
    return world.judge(-1, 3 + step, reduce_only=True)


def short(world: Any, step: int) -> Any:
    world.money.balances["BTC"] = Decimal("0.010")
    world.working(-1, 4)
    return world.judge(-1, 6 + step)


def loss(name: str, index: int) -> Any:
    def turn(world: Any, step: int) -> Any:
        lost = Decimal(100) + Decimal(step) / 10**12
        if name == "down":
            world.money.down[index] = lost
        else:
            world.money.pnl[index] = -lost
        world.gate.mark(world.now)
        return world.judge()

    return turn


BUYS = {"touch": (9_999, 10_001)}
CASES = {
    "A4 min": Case("QTY_BELOW_VENUE_MIN", {}, lambda w, s: w.judge(1, 5 - s), "0.004", "0.005", instruments=(spot(min_qty=Decimal("0.005")),)),
    "A4 max": Case("QTY_ABOVE_VENUE_MAX", {}, lambda w, s: w.judge(1, 5 + s), "0.006", "0.005", instruments=(spot(max_qty=Decimal("0.005")),)),
    "A4 notional": Case("NOTIONAL_BELOW_VENUE_MIN", {}, lambda w, s: w.judge(1, 5 - s), "0.4", "0.5", instruments=(spot(min_notional=Decimal("0.5")),)),
    "A5 expiry": Case("INSTRUMENT_NOT_TRADABLE", {}, lambda w, s: w.judge(), None, None, instruments=(spot(expiry_ns=1_723_161_600_000_000_000),)),
    "A8": Case("EXPIRY_IN_PAST", {}, lambda w, s: w.judge(time_in_force=GTD, expire_ts=w.now + 1 - s), None, None),
    "B7": Case("VENUE_DISCONNECTED", {"heartbeat_dead_s": "15"}, silence, "15.000000001", "15"),
    "B8": Case("JOURNAL_UNAVAILABLE", {"journal_max_lag_ms": "250"}, wait("journal_lag_ns", 250 * MS), "250.000001", "250"),
    "B8 disk": Case("JOURNAL_UNAVAILABLE", {"journal_min_free_mb": "200"}, lambda w, s: wait("journal_free_mb", 200)(w, -s), "199", "200"),
    "B9": Case("CLOCK_SKEW", {"clock_max_ms": "100"}, skew, "100.000001", "100"),
    "B11": Case("INTENT_STALE", {"max_intent_age_ms": "1000"}, lambda w, s: w.judge(created_ts=w.now - S - s), "1000.000001", "1000"),
    "B12": Case("UNKNOWN_ORDERS_EXCEEDED", {"max_unknown_orders": "2"}, unknown, "3", "2"),
    "B14 lag": Case("SYSTEM_OVERLOADED", {"max_loop_lag_ms": "500"}, wait("loop_lag_ns", 500 * MS), "500.000001", "500"),
    "B14 queue": Case("SYSTEM_OVERLOADED", {"max_queue": "10"}, wait("queue_depth", 10), "11", "10"),
    "C1": Case("MAX_ORDER_QTY", {"max_order_qty": "0.01"}, lambda w, s: w.judge(1, 10 + s), "0.011", "0.01"),
    "C2": Case("MAX_ORDER_NOTIONAL", {"max_order_notional": "1"}, lambda w, s: w.judge(1, 10 + s), "1.1", "1"),
    "C2 reference": Case("MAX_ORDER_NOTIONAL", {"max_order_notional": "1"}, lambda w, s: w.judge(1, 10 + s, 9_990), "1.1", "1"),
    "C3": Case("MAX_POSITION", {"max_position": "0.01"}, held, "0.011", "0.01"),
    "C4": Case("MAX_STRATEGY_POSITION", {"max_strategy_position": "0.01"}, held, "0.011", "0.01"),
    "C5": Case("MAX_GROSS_NOTIONAL", {"max_gross_notional": "1"}, held, "1.1", "1"),
    "C6": Case("MAX_NET_NOTIONAL", {"max_net_notional": "1"}, held, "1.1", "1"),
    "C7": Case("MAX_OPEN_ORDERS", {"max_open_orders": "5"}, many, "6", "5"),
    "C7 venue": Case("MAX_OPEN_ORDERS", {"max_open_orders_venue": "5"}, many, "6", "5"),
    "C8": Case("MAX_OPEN_NOTIONAL", {"max_open_notional": "0.5"}, held, "0.6", "0.5"),
    "C9": Case("MAX_TRADED_NOTIONAL", {"max_traded_notional": "1"}, traded, "1.1", "1"),
    "C11": Case("REDUCE_ONLY_INCREASES", {}, reduce, None, None),
    "C12": Case("SHORT_NOT_ALLOWED", {}, short, "0.011", "0.01"),
    "C13": Case("PARENT_QTY_EXCEEDED", {}, sibling, "0.011", "0.01"),
    "D1 buy": Case("PRICE_COLLAR", {"collar_bps": "10"}, lambda w, s: w.judge(1, 1, 10_010 + s), "11", "10"),
    "D1 sell": Case("PRICE_COLLAR", {"collar_bps": "10"}, lambda w, s: w.judge(-1, 1, 9_990 - s), "11", "10"),
    "D1 passive": Case("PRICE_COLLAR", {"collar_bps": "10"}, lambda w, s: w.judge(1, 1, 9_900 - s), "101", "100"),
    "D2": Case("PRICE_COLLAR_WINDOW", {"collar_window_bps": "100"}, drift, "100.5", "100"),
    "D4": Case("MARKET_DATA_STALE", {"max_data_age_ms": "200"}, stale_book, "200.000001", "200"),
    "E1": Case("ORDER_RATE", {"max_orders_per_s": "5", "orders_burst": "10"}, often, "11", "10"),
    "E2": Case("MESSAGE_RATE", {"max_messages_per_s": "10", "cancel_reserve": "0.3"}, messages, "8", "7"),
    "E4": Case("REPEATED_EXECUTION", {"max_repeats": "3"}, again, "4", "3"),
    "E5": Case("REJECT_RATE", {"max_rejects": "3"}, storm, "4", "3"),
    "E6": Case("ORDER_TO_TRADE", {"otr_max": "150"}, chatter, "151", "150"),
    "F1": Case("DAILY_LOSS", {"max_daily_loss": "100"}, loss("pnl", -1), "100.000000000001", "100"),
    "F2": Case("STRATEGY_LOSS", {"max_strategy_loss": "100"}, loss("pnl", 0), "100.000000000001", "100"),
    "F3": Case("DRAWDOWN", {"max_drawdown": "100"}, loss("down", -1), "100.000000000001", "100"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_control_at_its_limit_and_one_step_to_each_side(world, name):
    case = CASES[name]
    if name != "A5 expiry":
        for step in (-1, 0):
            word = case.turn(world(case.risk, **case.world), step)
            assert isinstance(word, Approved), (step, word)
    word = case.turn(world(case.risk, **case.world), 1)
    assert isinstance(word, Denial), name
    assert case.code in word.codes
    if name[0] == "F":
        # Lost money also latches: what comes first is that only reducing orders pass.
        assert word.code == "REDUCE_ONLY_MODE"
        return
    assert word.code == case.code
    assert word.value == (None if case.value is None else Decimal(case.value))
    assert word.limit == (None if case.limit is None else Decimal(case.limit))
    if case.limit is not None and "BELOW" not in case.code and name != "B8 disk":
        assert f"{Decimal(case.limit):f}" in word.text
        assert f"{Decimal(case.value):f}" in word.text


def test_the_docs_hold_the_table_and_real_denials(world):
    text = DOCS.read_text()
    assert page() in text, "put what page() of risk/page.py gives into docs/risk.md"
    for name, case in CASES.items():
        if name[0] != "F":
            word = case.turn(world(case.risk, **case.world), 1)
            assert f"| {name.split()[0]} | `{case.code}` | {word.text} |" in text, word.text
