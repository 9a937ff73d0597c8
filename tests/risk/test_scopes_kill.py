"""Scopes, worst cases, replaces and cancels, the kill switch, overrides, limits at load."""

from decimal import Decimal
from typing import Any

import pytest

from tickwright.engine.order import Approved, Denial
from tickwright.engine.terms import MARKET
from tickwright.risk.controls import KEYS, REQUIRED
from tickwright.risk.kill import KillMode, KillRefused, KillSwitch
from tickwright.risk.limits import LimitBook, RiskConfigError
from tickwright.risk.overrides import OverrideRefused

S = 1_000_000_000
SCOPES = ("global", "venue:binance", "instrument:BTCUSDT.BINANCE", "strategy:maker")


# --- scopes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("max_order_qty", "0.005", "MAX_ORDER_QTY"),
        ("max_position", "0.005", "MAX_POSITION"),
        ("collar_bps", "5", "PRICE_COLLAR"),
        ("max_gross_notional", "0.5", "MAX_GROSS_NOTIONAL"),
        ("max_open_notional", "0.5", "MAX_OPEN_NOTIONAL"),
    ],
)
def test_a_limit_binds_from_every_scope_and_is_named_after_it(world, scope, key, value, code):
    scopes = {"global": {"self_match": "allow"}, scope: {key: value}} if scope != "global" else {"global": {key: value}}
    word = world(scopes=scopes).judge(1, 6, 10_006)
    assert code in word.codes
    assert word.scope == scope.replace(":", " ")


def test_the_tightest_scope_wins_and_the_others_do_not_loosen_it(world):
    scopes = {
        "venue:binance": {"max_order_qty": "0.010"},
        "instrument:BTCUSDT.BINANCE": {"max_order_qty": "0.007"},
        "strategy:maker": {"max_order_qty": "0.009"},
    }
    here = world({"max_order_qty": "0.008"}, scopes={**scopes, "global": {"max_order_qty": "0.008"}})
    assert isinstance(here.judge(1, 7), Approved)
    word = here.judge(1, 8)
    assert (word.limit, word.scope) == (Decimal("0.007"), "instrument BTCUSDT.BINANCE")


def test_a_scope_binds_only_what_it_covers(world, kit):
    scopes = {"instrument:ETHUSDT.BINANCE": {"max_order_qty": "0.01"}, "strategy:b": {"max_order_qty": "0.002"}}
    here = world(scopes=scopes, strategies=("a", "b"), instruments=(kit["BTC"], kit["ETH"]))
    assert isinstance(here.judge(1, 3, seat=0), Approved)
    assert isinstance(here.judge(1, 2, seat=1), Denial)
    assert here.judge(1, 3, seat=2).scope == "strategy b"


def test_a_sum_is_measured_over_what_its_scope_covers(world, kit):
    scopes = {"strategy:a": {"max_gross_notional": "1"}}
    here = world(scopes=scopes, strategies=("a", "b"), instruments=(kit["BTC"], kit["ETH"]))
    here.hold(9, seat=2)
    assert isinstance(here.judge(1, 10, seat=0), Approved)
    here.hold(1, seat=0)
    word = here.judge(1, 10, seat=0)
    assert (word.code, word.value, word.scope) == ("MAX_GROSS_NOTIONAL", Decimal("1.1"), "strategy a")
    # Ten lots of 0.01 at 1,000.0 in the other market count in the same sum.
    assert here.judge(1, 1, seat=1).value == Decimal("10.1")


# --- worst cases, replaces, cancels --------------------------------------------------------------------------------


def test_unknown_orders_and_pending_replaces_count_at_their_worst(world):
    here = world({"max_position": "0.01"})
    order = here.working(1, 3, 9_990)
    here.orders.replace_req(order, 6, 9_990, here.now)
    lost = here.working(1, 2, 9_980)
    here.orders.disconnect(lost, here.now)
    assert isinstance(here.judge(1, 2), Approved)
    assert here.judge(1, 3).value == Decimal("0.011")


def test_only_the_increasing_part_of_a_replace_adds_exposure(world):
    here = world({"max_position": "0.010", "max_order_qty": "0.009"})
    order = here.working(1, 8, 9_990)
    assert isinstance(here.gate.judge_replace(order, 9, 9_990, here.now), Approved)
    assert here.gate.judge_replace(order, 10, 9_990, here.now).code == "MAX_ORDER_QTY"
    here.working(1, 2, 9_980)
    assert here.gate.judge_replace(order, 9, 9_990, here.now).code == "MAX_POSITION"
    here.floor.kill.kill("global", reason="test", by="ann", now=here.now)
    assert isinstance(here.gate.judge_replace(order, 7, 9_980, here.now), Approved)
    assert here.gate.judge_replace(order, 8, 9_991, here.now).code == "KILL_SWITCH_ACTIVE"


def test_cancels_skip_everything_but_the_message_budget_and_its_reserve_is_theirs(world):
    here = world({"max_messages_per_s": "10", "cancel_reserve": "0.3"})
    order = here.working()
    while isinstance(here.judge(), Approved):
        pass
    assert [here.gate.cancel_allowed(order, here.now) for _ in range(4)] == [True, True, True, False]
    here.floor.kill.kill("global", reason="test", by="ann", now=here.now)
    assert here.gate.cancel_allowed(order, here.now)


def test_a_price_no_worse_and_a_smaller_order_pass_over_a_full_position(world):
    here = world({"max_position": "0.01"})
    here.hold(20)
    assert here.judge(1, 1).code == "MAX_POSITION"
    assert isinstance(here.judge(-1, 5), Approved)


# --- kill -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "name"),
    [("strategy", "maker"), ("instrument", "BTCUSDT.BINANCE"), ("venue", "binance"), ("global", "")],
)
def test_a_kill_at_every_level_holds_until_an_operator_rearms_it(world, level, name):
    here = world()
    here.floor.kill.kill(level, name, reason="fat finger", by="ann", now=here.now)
    word = here.judge()
    assert word.code == "KILL_SWITCH_ACTIVE"
    assert "fat finger" in word.text
    assert [latch.mode for latch in here.floor.kill.take()] == [KillMode.CANCEL]
    assert here.floor.kill.take() == []
    with pytest.raises(KillRefused, match="operator and a reason"):
        here.floor.kill.rearm(level, name, operator="ann", reason=" ")
    here.floor.kill.rearm(level, name, operator="ann", reason="looked at it")
    assert isinstance(here.judge(), Approved)


def test_a_kill_covers_only_its_level(world):
    here = world(strategies=("a", "b"))
    here.floor.kill.kill("strategy", "a", reason="r", by="x", now=here.now)
    assert isinstance(here.judge(seat=1), Approved)
    assert isinstance(here.judge(seat=0), Denial)


def test_a_kill_raised_again_changes_nothing_or_grows_more_severe(world):
    switch = world().floor.kill
    first = switch.kill("global", mode=KillMode.PAUSE, reason="r", by="x", now=1)
    assert switch.kill("global", mode=KillMode.PAUSE, reason="again", by="y", now=2) is first
    assert len(switch.take()) == 1
    assert switch.kill("global", mode=KillMode.FLATTEN, reason="worse", by="y", now=3).mode is KillMode.FLATTEN
    assert [latch.mode for latch in switch.take()] == [KillMode.FLATTEN]


def test_only_the_announced_exit_passes_a_flatten(world):
    here = world()
    here.hold(5)
    here.floor.kill.kill("global", mode=KillMode.FLATTEN, reason="r", by="x", now=here.now)
    assert here.judge(-1, 5, 0, kind=MARKET, reduce_only=True).code == "KILL_SWITCH_ACTIVE"
    here.floor.kill.exit("bt-99")
    way_out = here.order(-1, 5, 0, kind=MARKET, reduce_only=True, name="bt-99", seat=None)
    assert isinstance(here.gate.judge(way_out, here.now), Approved)
    seated = here.order(-1, 5, 0, kind=MARKET, reduce_only=True, name="bt-99")
    assert isinstance(here.gate.judge(seated, here.now), Approved)
    assert seated.ticks == 9_900


class Kept:
    def __init__(self) -> None:
        self.text = ""

    def save(self, text: str) -> None:
        self.text = text

    def load(self) -> str:
        return self.text


def test_a_latch_survives_a_restart(world):
    store = Kept()
    world(kill=KillSwitch(store)).floor.kill.kill("venue", "binance", reason="r", by="x", now=5)
    again = world(kill=KillSwitch(store))
    assert again.judge().code == "KILL_SWITCH_ACTIVE"
    assert [latch.label for latch in again.floor.kill.take()] == ["venue binance"]


@pytest.mark.parametrize(
    ("level", "name", "reason"), [("global", "x", "r"), ("venue", "", "r"), ("team", "x", "r"), ("global", "", "")]
)
def test_a_kill_needs_a_level_a_name_and_a_reason(world, level, name, reason):
    with pytest.raises(KillRefused):
        world().floor.kill.kill(level, name, reason=reason, by="x", now=1)


def test_a_loss_latches_and_leaves_the_way_out_open(world):
    here = world({"max_daily_loss": "100"})
    here.hold(5)
    here.money.pnl[-1] = Decimal("-100.01")
    here.gate.mark(here.now)
    word = here.judge()
    assert word.codes == ("REDUCE_ONLY_MODE", "DAILY_LOSS")
    assert isinstance(here.judge(-1, 5), Approved)
    assert here.judge(-1, 6).code == "REDUCE_ONLY_MODE"
    here.money.pnl[-1] = Decimal(0)
    here.gate.mark(here.now + S)
    assert here.judge().codes == ("REDUCE_ONLY_MODE",)
    assert any("DAILY_LOSS" in note for note in here.notes())
    here.floor.kill.rearm("global", operator="ann", reason="r")
    assert isinstance(here.judge(), Approved)


def test_a_strategys_loss_stops_that_strategy_alone(world):
    here = world({"max_strategy_loss": "100"}, strategies=("a", "b"))
    here.money.pnl[0] = Decimal(-101)
    here.gate.mark(here.now)
    assert "STRATEGY_LOSS" in here.judge(seat=0).codes
    assert isinstance(here.judge(seat=1), Approved)


@pytest.mark.parametrize(("state", "code"), [("paused", "TRADING_PAUSED"), ("reduce_only", "REDUCE_ONLY_MODE")])
def test_trading_states(world, state, code):
    assert world({"trading_state": state}).judge().code == code
    here = world()
    here.hold(5)
    here.floor.set_state("instrument", "BTCUSDT.BINANCE", state, here.now, "mismatch")
    assert here.judge().code == code
    assert isinstance(here.judge(-1, 1), Approved) == (state == "reduce_only")
    here.floor.set_state("instrument", "BTCUSDT.BINANCE", "active", here.now, "settled")
    assert isinstance(here.judge(), Approved)


def test_alarms_reduce_the_instrument_or_stop_everything(world):
    here = world()
    here.gate.alarm(here.order(), False, "OVERFILL", here.now)
    assert here.judge().code == "REDUCE_ONLY_MODE"
    here.gate.alarm(here.order(), True, "DUPLICATE_SEND", here.now)
    assert here.judge().code == "KILL_SWITCH_ACTIVE"


def test_an_implausible_fill_rings(world):
    here = world()
    order = here.working(1, 2, 10_000)
    here.fill(order, 1, 10_000)
    assert here.notes() == []
    here.fill(order, 1, 10_001)
    assert "FILL_IMPLAUSIBLE" in here.notes()[0]


# --- overrides and user checks ---------------------------------------------------------------------------------------


def test_an_override_lets_one_order_through_one_control_for_minutes(world):
    here = world({"max_order_qty": "0.001"})
    here.floor.override("bt-1", ("C1",), operator="ann", reason="hedge", expiry_ns=60 * S, now=here.now)
    assert isinstance(here.judge(1, 5, name="bt-1"), Approved)
    assert isinstance(here.judge(1, 5, name="bt-2"), Denial)
    assert any("ann" in note and "hedge" in note for note in here.notes())
    here.now += 60 * S
    here.quote(9_999, 10_001)
    assert isinstance(here.judge(1, 5, name="bt-1"), Denial)


@pytest.mark.parametrize(
    "bad",
    [{"controls": ("A4",)}, {"controls": ("B4",)}, {"controls": ("B6",)}, {"controls": ("B8",)}, {"controls": ("Z1",)},
     {"operator": ""}, {"reason": " "}, {"expiry_ns": 600 * S + 1}, {"client_order_id": ""}],
)  # fmt: skip
def test_overrides_that_may_not_be(world, bad):
    asked: dict[str, Any] = {
        "client_order_id": "x",
        "controls": ("C1",),
        "operator": "a",
        "reason": "r",
        "expiry_ns": 600 * S,
    }
    with pytest.raises(OverrideRefused):
        world().floor.override(**{**asked, **bad}, now=0)


class OddOnly:
    def check(self, order: Any, view: Any) -> Denial | None:
        if view["lots"] % 2:
            return None
        return Denial(
            code="MY_RULE", codes=(), limit=None, value=Decimal(view["lots"]), scope="", text="even sizes are unlucky"
        )


def test_a_users_own_check_comes_last(world):
    here = world({"max_order_qty": "0.004"}, checks=(OddOnly(),))
    assert isinstance(here.judge(1, 3), Approved)
    assert here.judge(1, 2).codes == ("MY_RULE",)
    assert here.judge(1, 6).codes == ("MAX_ORDER_QTY", "MY_RULE")


def test_ids_that_users_choose_are_claimed_once(world):
    floor = world().floor
    assert [floor.claim(name) for name in ("mine-1", "mine-1", "", "no spaces", "x" * 33)] == [
        "", "CLIENT_ORDER_ID_REUSED", "CLIENT_ORDER_ID_INVALID", "CLIENT_ORDER_ID_INVALID", "CLIENT_ORDER_ID_INVALID",
    ]  # fmt: skip


# --- limits at load --------------------------------------------------------------------------------------------------


def test_a_money_limit_without_a_rate_is_refused_at_load(kit):
    with pytest.raises(RiskConfigError, match=r"max_gross_notional: expected a rate USDT/EUR for BTCUSDT\.BINANCE"):
        LimitBook("backtest", {}, [kit["BTC"]], currency="EUR")
    LimitBook("backtest", {}, [kit["BTC"]], currency="EUR", rates={"USDT/EUR": Decimal("0.9")})


def test_a_rate_turns_the_sum_into_the_accounts_currency(world, kit):
    book = LimitBook("backtest", {}, [kit["BTC"]], currency="EUR", rates={"USDT/EUR": Decimal("0.9")})
    weight, _ = book.weight(kit["BTC"])
    # 1 lot at 2 half ticks is 0.00001 USDT.
    assert Decimal(2 * weight) / book.grain == Decimal("0.000009")


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "abc", 0.5, True, "1e", Decimal("NaN"), Decimal("Infinity")])
def test_garbage_limits_are_refused_at_load(world, value):
    with pytest.raises(RiskConfigError, match="max_order_qty"):
        world({"max_order_qty": value})


def test_unknown_keys_and_scopes_are_refused(kit):
    with pytest.raises(RiskConfigError, match="max_order_qyt"):
        LimitBook("backtest", {"global": {"max_order_qyt": "1"}}, [kit["BTC"]], currency="USDT")
    with pytest.raises(RiskConfigError, match="team:x"):
        LimitBook("backtest", {"team:x": {}}, [kit["BTC"]], currency="USDT")


def test_live_refuses_to_start_without_any_required_limit_and_lists_all(world):
    with pytest.raises(RiskConfigError) as caught:
        world(mode="live")
    required = [key.name for key in KEYS if key.live is REQUIRED]
    assert len(required) == 8
    for name in required:
        assert name in str(caught.value)
    stated = dict.fromkeys(required, "100")
    assert world(stated, mode="live", authority={"maker": ("BTCUSDT.BINANCE",)}) is not None


@pytest.mark.parametrize("missing", [key.name for key in KEYS if key.live is REQUIRED])
def test_live_refuses_one_missing_limit(world, missing):
    stated = {key.name: "100" for key in KEYS if key.live is REQUIRED and key.name != missing}
    with pytest.raises(RiskConfigError, match=f"{missing}: expected a limit for BTCUSDT.BINANCE and strategy maker"):
        world(stated, mode="live")


def test_the_core_hears_of_kills_that_cancel_once(world):
    here = world()
    here.floor.kill.kill("strategy", "maker", mode=KillMode.PAUSE, reason="r", by="x", now=1)
    assert list(here.gate.latched()) == []
    here.floor.kill.kill("strategy", "maker", mode=KillMode.FLATTEN, reason="r", by="x", now=2)
    (latch,) = here.gate.latched()
    assert latch.flatten
    assert latch.covers("maker", "BTCUSDT.BINANCE", "BINANCE")
    assert list(here.gate.latched()) == []
    here.hold(5)
    order = here.order(-1, 5, 0, kind=MARKET, reduce_only=True)
    here.gate.let_exit(order)
    assert isinstance(here.gate.judge(order, here.now), Approved)


def test_a_sum_that_cannot_be_valued_is_over_its_limit(world, kit):
    """Something is held whose price nobody knows: then nobody knows how much is left of the limit either."""
    here = world({"max_gross_notional": "1000000"}, instruments=(kit["BTC"], kit["ETH"]))
    here.hold(1, seat=1)
    assert isinstance(here.judge(1, 1), Approved)
    here.quote(0, 0, market=1)
    word = here.judge(1, 1)
    assert (word.code, word.limit, word.value) == ("MAX_GROSS_NOTIONAL", Decimal(1_000_000), None)
    assert "cannot be valued" in word.text
