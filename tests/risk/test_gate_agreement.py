"""The fast way and the slow way are one gate: whatever passes the first, nothing of the second stands against."""

import itertools
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tickwright.engine.order import Approved, Denial
from tickwright.engine.terms import FOK, GTC, GTD, IOC, LIMIT, MARKET
from tickwright.risk import verdict
from tickwright.risk.evidence import whole
from tickwright.risk.explain import explain
from tickwright.risk.limits import loads
from tickwright.risk.scales import weigh

LIMITS = {
    "max_order_qty": "0.02", "max_order_notional": "2", "max_position": "0.03", "max_strategy_position": "0.025",
    "max_gross_notional": "3.5", "max_net_notional": "3", "max_open_orders": 4, "max_open_notional": "2.5",
    "max_traded_notional": "4", "collar_bps": "50", "max_spread_bps": "60", "max_impact_bps": "30",
    "self_match": "deny_new", "duplicate_window_ms": "500", "max_messages_per_s": "40",
}  # fmt: skip
TERMS = st.fixed_dictionaries(
    {
        "side": st.sampled_from((1, -1)),
        "lots": st.integers(0, 25),
        "ticks": st.integers(9_930, 10_070),
        "kind": st.sampled_from((LIMIT, LIMIT, LIMIT, MARKET)),
        "time_in_force": st.sampled_from((GTC, IOC, FOK, GTD)),
        "post_only": st.booleans(),
        "expire_ts": st.sampled_from((0, 2_000_000_000_000_000_000)),
        "seat": st.sampled_from((0, 1)),
    }
)
QUOTES = st.tuples(st.integers(9_960, 10_000), st.integers(1, 60), st.integers(1, 30))


def clean(terms: dict[str, int]) -> dict[str, int]:
    return {**terms, "ticks": 0} if terms["kind"] == MARKET else terms


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(TERMS, QUOTES, st.booleans(), st.sampled_from((1, 300_000_000, 1_000_000_000))), max_size=12),
    st.integers(-15, 15),
)
def test_the_fast_way_passes_exactly_where_nothing_stands_against(world, steps, start):
    here = world(LIMITS, strategies=("a", "b"), off={})
    if start:
        here.hold(start)
    gate = here.gate
    gate.mark(here.now)
    for terms, (bid, spread, size), fills, passed in steps:
        here.now += passed
        here.quote(bid, bid + spread, size=size)
        order = here.order(**clean(terms))
        rules = gate.rules_for(order)
        ticks = gate.protective(rules, order.side_code) if order.type_code == MARKET else order.ticks
        fast = gate.passes(rules, order, order.lots, order.lots, ticks, here.now, 0)
        seen = dict(zip(here.floor.columns, gate.evidence, strict=True))
        facts = verdict.gather(here.floor, gate, rules, order, order.lots, order.lots, ticks, here.now, 0)
        against = [item for item in weigh(facts, here.floor.limits[rules.owner, 0]) if not item.ok]
        assert fast == (not against), (against, terms)
        if fast:
            for name, value in whole(seen).items():
                assert facts.get(name, 0) == value, name
        word = gate.judge(order, here.now)
        assert isinstance(word, Approved) == fast
        if fast:
            assert order.ticks == ticks
            here.orders.register(word, here.now)
            here.orders.send_start(order, here.now)
            here.orders.ack(order, f"v{order.number}", here.now)
            if fills:
                here.fill(order, order.lots, order.ticks, maker=False)
        else:
            assert isinstance(word, Denial)
            assert word.codes[0] == word.code


def test_a_recorded_pass_tells_every_checks_value_limit_and_headroom(world):
    here = world(LIMITS, off={})
    here.hold(5)
    here.working(1, 4, 9_990)
    assert isinstance(here.judge(1, 6, 10_000, post_only=True), Approved)
    (row, text) = here.decisions()[-1]
    assert text == ""
    limits = loads(here.floor.describe())
    own = next(item for item in limits if item.strategy == "maker")
    told = {control: (value, limit, headroom) for control, _, value, limit, headroom in explain(row, own)}
    assert told["C1"] == (Decimal("0.006"), Decimal("0.02"), Decimal("0.014"))
    assert told["C3"] == (Decimal("0.015"), Decimal("0.03"), Decimal("0.015"))
    assert told["C5"] == (Decimal("1.5"), Decimal("3.5"), Decimal("2.0"))
    assert told["D1"][0] == 0
    assert {"A1", "B4", "C10", "D6", "E2", "E3"} <= set(told)


def test_a_recorded_denial_holds_the_same_figures(world):
    here = world(LIMITS, off={})
    word = here.judge(1, 21, 10_000)
    (row, text) = here.decisions()[-1]
    assert row["verdict"] > 0
    assert '"code":"MAX_ORDER_QTY"' in text
    limits = loads(here.floor.describe())
    failed = {code for _, code, value, limit, room in explain(row, limits[1]) if room is not None and room < 0}
    assert set(word.codes) == failed


def test_every_kind_of_figure_too_large_for_128_bits_goes_the_slow_way_and_agrees(world):
    for lots, ticks in itertools.product((1, 10**17), (10_000, 10_001)):
        here = world({"max_order_qty": "1e30", "max_order_notional": "1e60", "max_position": "1e30"})
        here.money.balances["USDT"] = Decimal(10**40)
        word = here.judge(1, lots, ticks)
        assert isinstance(word, Approved) == (lots == 1), word
        if lots > 1:
            assert word.code == "MAX_GROSS_NOTIONAL"
