"""Orders and executions that nobody here knows (X1 to X9), and inferred executions (I-1 to I-4)."""

from fractions import Fraction

import pytest
from orders_rig import EVENTS, MARKET, PRICE, SECOND, Rig, build

from tickwright.engine import marks as m
from tickwright.engine.reconcile import VenueTrade
from tickwright.engine.strangers import Strangers
from tickwright.engine.terms import CANCELED, OrderState


def trade(name: str, lots: int, *, stated: int = -1, ts: int = 0, ticks: int = PRICE) -> VenueTrade:
    return VenueTrade(trade_id=name, lots=lots, ticks=ticks, stated_cum=stated, venue_ts=ts)


def settled(rig: Rig, ts: int) -> int:
    """All that became of what was overdue."""
    marks = 0
    for stray in rig.strangers.overdue(ts):
        marks |= rig.strangers.settle(stray, ts)[1]
    return marks


def test_x1_a_new_venue_name_of_a_known_order_is_an_alias() -> None:
    rig = build("OP")
    rig.manager.alias(rig.order, "v2")
    assert rig.manager.by_venue_order_id("XYZ", "v2") is rig.order
    assert rig.manager.by_venue_order_id("XYZ", "v1") is rig.order
    assert rig.manager.ack(rig.order, "v2", rig.tick()) == 0


def test_x2_a_fill_waits_for_the_name_of_its_order() -> None:
    rig = build("PN")
    for _ in range(2):
        assert rig.strangers.stray_fill(MARKET, "v1", 1, trade("a", 3), rig.ts) == (None, m.QUERY)
    assert rig.wallet.position == 0
    EVENTS["ACK"](rig)
    assert rig.strangers.claim(rig.order, rig.ts) & m.FILLED_EVENT
    assert (rig.order.cum, rig.strangers.strays) == (3, [])
    assert settled(rig, rig.tick(5)) == 0
    order, marks = rig.strangers.stray_fill(MARKET, "v1", 1, trade("b", 1), rig.ts)
    assert order is rig.order
    assert marks & m.FILLED_EVENT


def test_x2_x7_a_fill_that_nobody_claims_moves_the_account() -> None:
    rig = build("PN")
    rig.strangers.stray_fill(MARKET, "v7", -1, trade("a", 3), rig.ts)
    assert settled(rig, rig.ts + SECOND - 1) == 0
    assert settled(rig, rig.ts + SECOND) & (m.CRIT | m.HALT) == m.CRIT
    order = rig.manager.by_venue_order_id("XYZ", "v7")
    assert order is not None
    assert (order.external, order.strategy_index, order.state) == (True, -1, OrderState.FILLED)
    assert rig.wallet.position == -3
    assert rig.manager.alarm == "FILL_OF_UNKNOWN_ORDER"


def test_x2_a_fill_that_may_be_our_own_waits_until_its_order_is_named() -> None:
    rig = build("PN")
    rig.strangers.stray_fill(MARKET, "v1", 1, trade("a", 3), rig.ts)
    assert settled(rig, rig.tick(60)) == 0, "the acknowledgement was lost: it may be this order's"
    assert rig.wallet.position == 0
    EVENTS["ACK"](rig)
    assert settled(rig, rig.tick()) & m.FILLED_EVENT
    assert (rig.order.cum, rig.wallet.position, rig.strangers.strays) == (3, 3, [])


def test_x2_a_fill_from_before_our_order_was_sent_waits_for_nothing() -> None:
    rig = build("PN")
    rig.strangers.stray_fill(MARKET, "v7", 1, trade("a", 3), rig.order.sent_ts - 1)
    assert settled(rig, rig.ts + SECOND) & m.CRIT
    assert (rig.order.cum, rig.wallet.position) == (0, 3)


def test_x3_a_second_order_of_one_name_is_adopted_and_cancelled() -> None:
    rig = build("OP")
    for _ in range(2):
        assert rig.manager.ack(rig.order, "v2", rig.tick()) & m.HALT
    assert rig.manager.alarm == "DUPLICATE_SEND"
    ((second, marks),) = rig.strangers.adopt_doubles(lambda name: MARKET, rig.tick())
    assert marks & m.SEND_CANCEL
    assert (second.external, second.venue_order_id, second.state) == (True, "v2", OrderState.PENDING_CANCEL)
    assert rig.order.state is OrderState.OPEN
    assert rig.strangers.adopt_doubles(lambda name: MARKET, rig.tick()) == []
    rig.manager.cancel_ack(second, 0, "", rig.tick())


@pytest.mark.parametrize(("policy", "mark"), [("adopt", 0), ("cancel", m.SEND_CANCEL), ("halt", m.CRIT | m.HALT)])
def test_x4_an_order_of_others_counts_in_the_account(policy: str, mark: int) -> None:
    rig = Rig()
    strangers = Strangers(rig.manager, "bt", policy)
    had = MARKET.working.sell_lots
    order, marks = strangers.adopt(MARKET, "", "v9", -1, 10, PRICE, 4, rig.tick())
    assert marks & (m.SEND_CANCEL | m.CRIT | m.HALT) == mark
    assert MARKET.working.sell_lots - had == 6
    assert rig.manager.by_venue_order_id("XYZ", "v9") is order
    assert rig.manager.by_client_order_id(order.client_order_id) is order
    rig.manager.fill(order, "z", 6, PRICE, -1, 0, 0, 0, rig.tick())
    assert (order.state, MARKET.working.sell_lots) == (OrderState.FILLED, had)


def test_x4_a_policy_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected adopt, cancel or halt, received 'ignore'"):
        Strangers(Rig().manager, "bt", "ignore")


def test_x5_our_own_prefix_from_elsewhere_stops_everything() -> None:
    rig = Rig()
    assert not rig.strangers.locked
    order, marks = rig.strangers.adopt(MARKET, "bt-77", "v9", 1, 10, PRICE, 0, rig.tick())
    assert marks & m.HALT
    assert (rig.manager.alarm, rig.strangers.locked) == ("FOREIGN_INSTANCE_OR_JOURNAL_LOSS", True)
    assert order.client_order_id == "bt-77"
    rig.manager.cancel_ack(order, 0, "", rig.tick())


def test_x6_a_fill_found_by_asking_is_marked() -> None:
    rig = build("UNs")
    view = rig.view(7, trades=(trade("t1", 4), trade("r1", 3, ts=17)))
    rig.reconciler.recon_live(rig.order, view, rig.ts)
    assert (rig.order.cum, rig.order.state) == (7, OrderState.PARTIALLY_FILLED)
    fill = rig.manager.last_fill
    assert fill is not None
    assert (fill.recovered, fill.inferred, fill.time) == (True, False, 17)


def test_x8_agreeing_orders_never_make_a_trade() -> None:
    rig = build("PF")
    rig.wallet.position += 5
    rig.recon_live()
    rig.recon_done()
    assert len(rig.log.fill_rows) == 1


def test_x9_i1_trades_are_asked_for_before_any_is_inferred() -> None:
    rig = build("UNs")
    view = rig.view(7)
    assert rig.reconciler.recon_live(rig.order, view, rig.ts) & m.QUERY
    assert rig.order.cum == 4
    rig.tick(19)
    view = rig.view(7)
    assert rig.reconciler.recon_live(rig.order, view, rig.ts - 1) & m.QUERY
    rig.reconciler.recon_live(rig.order, view, rig.ts + SECOND)
    assert (rig.order.cum, rig.order.state) == (7, OrderState.PARTIALLY_FILLED)


def outage(as_of: int = 50) -> Rig:
    """Four lots known, an outage, and an answer that says seven; the venue has no trades to ask for."""
    rig = Rig(trade_query=False)
    rig.register()
    rig.send()
    EVENTS["ACK"](rig)
    rig.fill(4, "t1")
    EVENTS["DISCONNECT"](rig)
    view = rig.view(7, venue_ts=as_of)
    rig.reconciler.recon_live(rig.order, view, rig.ts)
    return rig


def late(rig: Rig, name: str, lots: int, *, stated: int = -1, ts: int = 0, ticks: int = PRICE) -> int:
    return rig.manager.fill_stated(rig.order, name, lots, ticks, 1, 1, stated, False, ts, rig.tick())


def test_i2_the_name_and_price_of_an_inferred_fill() -> None:
    rig = outage()
    assert rig.order.trades == {"t1": (4, PRICE, 1), "recon:XYZ:v1:4-7": (3, PRICE, 1)}
    fill = rig.manager.last_fill
    assert fill is not None
    assert (fill.inferred, fill.recovered) == (True, True)
    rig = build("UNs")
    rig.manager.inferring.infer(rig.order, 7, Fraction(7 * PRICE + 6, 7), 0, rig.tick())
    assert rig.order.trades["recon:XYZ:v1:4-7"] == (3, PRICE + 2, 1)


@pytest.mark.parametrize("how", [{"stated": 7}, {"ts": 49}, {"ts": 50}])
def test_i3a_the_real_trade_takes_the_inferred_ones_place(how: dict[str, int]) -> None:
    rig = outage()
    assert rig.wallet.position == 7
    marks = late(rig, "t2", 3, ticks=PRICE - 1, **how)
    assert not marks & (m.FILLED_EVENT | m.CRIT)
    assert (rig.order.cum, rig.wallet.position) == (7, 7)
    assert rig.wallet.cash == -4 * PRICE - 3 * (PRICE - 1)
    assert rig.order.trades == {"t1": (4, PRICE, 1), "t2": (3, PRICE - 1, 1)}
    assert sum(side * lots * ticks for _, side, lots, ticks in rig.log.fill_rows) == rig.order.value
    assert late(rig, "t2", 3, ticks=PRICE - 1, **how) == 0


def test_i3b_or_several_do() -> None:
    rig = outage()
    late(rig, "t2", 1, stated=5, ticks=PRICE - 2)
    assert rig.order.trades["recon:XYZ:v1:4-7"] == (2, PRICE, 1)
    late(rig, "t3", 2, stated=7, ticks=PRICE + 3)
    assert (rig.order.cum, rig.wallet.position) == (7, 7)
    assert set(rig.order.trades) == {"t1", "t2", "t3"}
    assert rig.wallet.cash == -4 * PRICE - (PRICE - 2) - 2 * (PRICE + 3)


def test_i3c_a_new_trade_is_booked() -> None:
    for how in ({"stated": 9}, {"ts": 51}):
        rig = outage()
        assert late(rig, "t2", 2, **how) & m.FILLED_EVENT
        assert (rig.order.cum, rig.wallet.position) == (9, 9)


def test_i3_a_trade_that_says_nothing_waits_for_the_venues_sum() -> None:
    for cum, position in ((7, 7), (8, 8), (9, 9)):
        rig = outage(as_of=0)
        assert late(rig, "t2", 2) == m.QUERY
        assert late(rig, "t2", 2) == 0
        assert rig.wallet.position == 7
        rig.reconciler.recon_live(rig.order, rig.view(cum), rig.ts)
        assert (rig.order.cum, rig.wallet.position) == (position, position)
        assert rig.order.trades["t2"] == (2, PRICE, 1)
        assert late(rig, "t2", 2) == 0


def test_i3_a_bust_of_a_real_trade_takes_back_all_of_it() -> None:
    rig = outage()
    late(rig, "t2", 3, stated=7, ticks=PRICE - 1)
    rig.manager.bust(rig.order, "t2", rig.tick())
    assert (rig.order.cum, rig.wallet.position, rig.wallet.cash) == (4, 4, -4 * PRICE)


def test_i4_the_same_interval_is_inferred_once() -> None:
    rig = outage()
    for _ in range(2):
        rig.reconciler.recon_live(rig.order, rig.view(7), rig.ts)
        rig.manager.inferring.infer(rig.order, 7, None, 50, rig.tick())
    assert (rig.order.cum, len(rig.log.fill_rows)) == (7, 2)


def test_i4_d_a_restart_makes_the_same_fill_again() -> None:
    first, second = outage(), outage()
    assert first.order.trades == second.order.trades
    EVENTS["RESTART"](second)
    late(second, "t2", 3, stated=7)
    assert (second.order.cum, second.wallet.position) == (7, 7)


def test_i1_the_end_of_a_strangers_order_is_explained_by_an_inferred_fill() -> None:
    rig = Rig(trade_query=False)
    order = rig.strangers.adopt(MARKET, "", "v8", 1, 10, PRICE, 0, rig.tick())[0]
    rig.manager.cancel_ack(order, 3, "", rig.tick())
    rig.order = order
    rig.reconciler.recon_done(order, CANCELED, rig.view(3), rig.ts)
    assert (order.state, order.cum) == (OrderState.CANCELED, 3)
