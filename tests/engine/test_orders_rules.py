"""The rules of an order's life, one test or more for each, named after it."""

import pytest
from orders_rig import CONTEXTS, EVENTS, PRICE, SECOND, Rig, build

from tickwright.engine import marks as m
from tickwright.engine.errors import RemoteError
from tickwright.engine.reconcile import Absence, VenueTrade, VenueView
from tickwright.engine.terms import CANCELED, NO_TIME, Cause, OrderState, Refusal


def events(rig: Rig) -> list[str]:
    return [row[2].name for row in rig.log.rows]


def test_r1_a_denial_is_recorded_and_counts_nowhere() -> None:
    rig = build("DN")
    assert events(rig) == ["DENIED"]
    assert (rig.order.code, rig.order.reason, rig.order.local) == ("MAX_POSITION", "no", True)
    assert rig.account.buy_lots == rig.account.open_orders == 0


def test_r1_an_intent_counts_at_its_worst_before_it_is_sent() -> None:
    rig = build("PS")
    assert events(rig) == ["INTENT"]
    assert rig.seat.buy_lots == rig.account.buy_lots == 10
    assert list(rig.account.orders) == ["bt-1"]


@pytest.mark.parametrize("context", [name for name in CONTEXTS if name != "PS"])
def test_r2_an_order_is_sent_once(context: str) -> None:
    rig = build(context)
    rows = len(rig.log.rows)
    assert rig.send() & m.CRIT
    assert rig.manager.alarm == "SEND_BLOCKED"
    assert len(rig.log.rows) == rows


def test_r3_what_was_never_started_never_was() -> None:
    for event in ("DISCONNECT", "RESTART", "SEND_ABORT"):
        rig = build("PS")
        EVENTS[event](rig)
        assert (rig.order.state, rig.order.local, rig.order.sent) == (OrderState.FAILED, True, False)
    rig = build("PS")
    assert not EVENTS["CANCEL_REQ"](rig) & m.SEND_CANCEL
    assert (rig.order.state, rig.order.local) == (OrderState.CANCELED, True)


def test_r4_a_trade_counts_once() -> None:
    rig = build("PF")
    rows = len(rig.log.rows)
    assert rig.fill(4, "t1") == 0
    assert (rig.order.cum, rig.wallet.position, len(rig.log.rows)) == (4, 4, rows)


def test_r4_one_id_with_other_fields_is_an_alarm_and_moves_nothing() -> None:
    for lots, ticks in ((5, PRICE), (4, PRICE + 1)):
        rig = build("PF")
        assert rig.fill(lots, "t1", ticks) & (m.CRIT | m.RECONCILE) == m.CRIT | m.RECONCILE
        assert rig.manager.alarm == "TRADE_ID_CONFLICT"
        assert (rig.order.cum, rig.wallet.position) == (4, 4)


def test_r4_a_fill_of_the_wrong_side_is_not_booked() -> None:
    rig = build("OP")
    assert rig.manager.fill(rig.order, "t1", 1, PRICE, -1, 0, 0, 0, rig.tick()) & m.CRIT
    assert rig.wallet.position == 0


def test_r4_an_overfill_is_booked_and_rings() -> None:
    rig = build("PF")
    assert rig.fill(9) & m.CRIT
    assert (rig.manager.alarm, rig.order.state) == ("OVERFILL", OrderState.FILLED)
    assert (rig.order.overfill_lots, rig.wallet.position) == (3, 13)


@pytest.mark.parametrize("lots", [0, -1, 2**62])
def test_r4_a_size_that_is_none_is_refused(lots: int) -> None:
    rig = build("OP")
    with pytest.raises(RemoteError, match="bt-1: expected a trade of 1 to"):
        rig.fill(lots)
    assert rig.order.cum == 0


def test_r5_complete_is_filled_whatever_was_in_flight() -> None:
    for context in ("PC", "UNc", "UNs", "UNf", "UNx", "PR-"):
        rig = build(context)
        rig.fill(6)
        assert rig.order.state is OrderState.FILLED, context


def test_r5_with_an_increase_outstanding_the_old_size_is_not_the_end() -> None:
    rig = build("PR+")
    rig.fill(6)
    assert (rig.order.state, rig.account.buy_lots) == (OrderState.PENDING_REPLACE, 5)
    rig.replace_rej(Refusal.OTHER)
    assert rig.order.state is OrderState.FILLED


def test_r6_a_fill_beyond_the_old_size_proves_the_replace() -> None:
    rig = build("PR+")
    assert not rig.fill(8) & m.CRIT
    assert (rig.order.lots, rig.order.replace_lots, rig.order.state) == (15, -1, OrderState.PARTIALLY_FILLED)
    rig = build("PR+")
    rig.cancel_rej(Refusal.TOO_LATE, 15)
    assert (rig.order.lots, rig.order.expected_cum) == (15, 15)


def test_r6_a_late_answer_below_the_old_size_proves_the_decrease() -> None:
    rig = build("PR-")
    rig.replace_rej(Refusal.TOO_LATE, 6)
    assert (rig.order.lots, rig.order.state) == (6, OrderState.UNKNOWN)
    rig.fill(2)
    assert rig.order.state is OrderState.FILLED


def test_r7_a_late_ack_moves_nothing_back() -> None:
    rig = build("PN")
    rig.fill(4)
    assert rig.order.acked
    rows = len(rig.log.rows)
    assert EVENTS["ACK"](rig) == 0
    assert (rig.order.state, len(rig.log.rows)) == (OrderState.PARTIALLY_FILLED, rows + 1)
    assert rig.order.venue_order_id == "v1", "its name is learnt all the same, and recorded"
    assert EVENTS["ACK"](rig) == 0
    assert len(rig.log.rows) == rows + 1


@pytest.mark.parametrize(
    ("context", "state", "mark"),
    [
        ("CA", OrderState.CANCELED, 0),
        ("EX", OrderState.EXPIRED, 0),
        ("FI", OrderState.FILLED, m.CRIT),
        ("RJ", OrderState.UNKNOWN, m.CRIT),
        ("FAn", OrderState.UNKNOWN, m.CRIT),
        ("CAl", OrderState.UNKNOWN, m.CRIT | m.HALT),
        ("DN", OrderState.UNKNOWN, m.CRIT | m.HALT),
    ],
)
def test_r8_late_fills_move_money(context: str, state: OrderState, mark: int) -> None:
    rig = build(context)
    had = rig.wallet.position
    assert rig.fill(1) & (m.CRIT | m.HALT) == mark
    assert (rig.order.state, rig.wallet.position) == (state, had + 1)


def test_r9_a_cancel_with_more_executed_waits_for_the_fills() -> None:
    rig = build("PC")
    assert rig.manager.cancel_ack(rig.order, 7, "", rig.tick()) & m.QUERY
    assert (rig.order.state, rig.order.cause) == (OrderState.UNKNOWN, Cause.FILL_EXPECTED)
    rig.fill(2)
    assert rig.order.state is OrderState.UNKNOWN
    rig.fill(1)
    assert (rig.order.state, rig.order.settled_cum) == (OrderState.CANCELED, True)


def test_r9_or_is_filled_by_them() -> None:
    rig = build("PC")
    rig.manager.expire(rig.order, 10, rig.tick())
    rig.fill(6)
    assert rig.order.state is OrderState.FILLED


@pytest.mark.parametrize(("stated", "final"), [(-1, False), (4, True), (3, True)])
def test_r9_otherwise_it_is_over(stated: int, final: bool) -> None:
    rig = build("PC")
    rig.manager.cancel_ack(rig.order, stated, "user", rig.tick())
    assert (rig.order.state, rig.order.settled_cum, rig.order.reason) == (OrderState.CANCELED, final, "user")


def test_r10_too_late_invents_no_fill() -> None:
    rig = build("PC")
    assert rig.cancel_rej(Refusal.TOO_LATE) & m.QUERY
    assert (rig.order.cum, rig.order.expected_cum, rig.order.expected_stated) == (4, 10, False)
    rig.cancel_rej(Refusal.TOO_LATE, 7)
    assert (rig.order.expected_cum, rig.order.expected_stated) == (7, True)
    rig.cancel_rej(Refusal.TOO_LATE, 6)
    rig.cancel_rej(Refusal.TOO_LATE)
    assert rig.order.expected_cum == 7, "never lowered, never a guess again"


def test_r10_the_announced_fills_are_asked_for() -> None:
    rig = build("UNf")
    due = rig.manager.due(rig.order)
    assert rig.manager.next_timer(rig.order) == (m.T_FILL, due)
    assert rig.manager.timeout(rig.order, due - 1) == 0
    assert rig.manager.timeout(rig.order, due) == m.QUERY
    assert rig.manager.due(rig.order) == NO_TIME


def test_r11_unknown_order_before_the_ack_keeps_the_wish() -> None:
    rig = build("PC0")
    rig.cancel_rej(Refusal.UNKNOWN_ORDER)
    assert (rig.order.state, rig.order.cancel_wanted) == (OrderState.PENDING_NEW, True)
    assert rig.manager.next_timer(rig.order)[0] == m.T_ACK
    assert EVENTS["ACK"](rig) & m.SEND_CANCEL
    assert (rig.order.state, rig.order.cancel_id) == (OrderState.PENDING_CANCEL, 2)


def test_r11_unknown_order_after_the_ack_is_a_doubt() -> None:
    rig = build("PC")
    assert rig.cancel_rej(Refusal.UNKNOWN_ORDER) & m.QUERY
    assert rig.order.cause is Cause.VENUE_UNKNOWN_ORDER
    assert rig.recon_live() & m.SEND_CANCEL


def test_r12_a_busy_venue_is_asked_again() -> None:
    rig = build("PC")
    assert rig.cancel_rej(Refusal.TRANSIENT) & m.RETRY_CANCEL
    assert (rig.order.state, rig.order.cancel_wanted) == (OrderState.PARTIALLY_FILLED, True)
    assert EVENTS["REPLACE_REQ/12"](rig) == m.REFUSED
    assert rig.manager.refusal == "CANCEL_PENDING"


def test_r12_any_other_refusal_is_not() -> None:
    rig = build("PC")
    assert rig.cancel_rej(Refusal.OTHER) == m.CHANGED
    assert not rig.order.cancel_wanted


def test_r13_a_duplicate_reject_is_no_reject() -> None:
    rig = build("PN")
    rig.manager.reject_dup(rig.order, rig.tick())
    assert (rig.order.state, rig.order.cause) == (OrderState.UNKNOWN, Cause.DUP_ID)
    rig = build("OP")
    rig.manager.reject_dup(rig.order, rig.tick())
    assert (rig.order.state, rig.manager.alarm) == (OrderState.OPEN, "DUPLICATE_SEND")


def test_r14_a_reject_of_what_has_filled_cannot_be() -> None:
    rig = build("PF")
    assert EVENTS["REJECT"](rig) & m.CRIT
    assert rig.order.cause is Cause.CONTRADICTION
    for event in ("ACK", "FILLp", "REPLACED/15"):
        rig = build("RJ")
        assert EVENTS[event](rig) & m.CRIT
        assert rig.order.cause is Cause.CONTRADICTION


STREAM = [
    "ACK",
    "REJECT",
    "FILLp",
    "CANCEL_ACK",
    "EXPIRE",
    "CANCEL_REJ/TOO_LATE",
    "CANCEL_REJ/OTHER",
    "REPLACE_REJ/OTHER",
]


@pytest.mark.parametrize("event", STREAM)
def test_r15_only_proof_ends_a_contradiction(event: str) -> None:
    rig = build("UNx")
    EVENTS[event](rig)
    assert rig.order.cause is Cause.CONTRADICTION
    rig.recon_done()
    assert rig.order.state is OrderState.CANCELED


def test_r16_waits_end_in_doubt_never_in_an_end() -> None:
    for context, timer, cause in (
        ("PN", m.T_ACK, Cause.ACK_TIMEOUT),
        ("PC", m.T_CANCEL, Cause.CANCEL_TIMEOUT),
        ("PR+", m.T_REPLACE, Cause.REPLACE_TIMEOUT),
    ):
        rig = build(context)
        kind, due = rig.manager.next_timer(rig.order)
        assert (kind, due) == (timer, rig.order.updated_ts + 3 * SECOND)
        assert rig.manager.timeout(rig.order, due - 1) == 0
        assert rig.manager.timeout(rig.order, due) & m.QUERY
        assert (rig.order.state, rig.order.cause) == (OrderState.UNKNOWN, cause)
        assert rig.order.cancel_wanted == (context == "PC")
        assert rig.order.worst_lots() == {"PN": 10, "PC": 6, "PR+": 11}[context]


def test_r17_a_cut_link_puts_what_was_sent_in_doubt() -> None:
    for event in ("DISCONNECT", "RESTART"):
        rig = build("PC")
        EVENTS[event](rig)
        assert (rig.order.state, rig.order.cancel_wanted, rig.order.cancel_outstanding) == (
            OrderState.UNKNOWN,
            True,
            False,
        )
        assert rig.account.unknown_orders == 1
        assert rig.recon_live() & m.SEND_CANCEL


def test_r17_a_cut_link_outweighs_a_lost_answer() -> None:
    rig = build("UNa")
    EVENTS["DISCONNECT"](rig)
    EVENTS["ACK"](rig)
    assert (rig.order.state, rig.order.cause) == (OrderState.UNKNOWN, Cause.DISCONNECT)


def test_r18_what_ends_which_doubt() -> None:
    for context in ("UNa", "UNd"):
        for event in ("ACK", "FILLp", "REPLACED/15"):
            rig = build(context)
            EVENTS[event](rig)
            assert rig.order.state is not OrderState.UNKNOWN
    for event in ("ACK", "FILLp", "REPLACED/15"):
        rig = build("UNs")
        EVENTS[event](rig)
        assert rig.order.cause is Cause.DISCONNECT
    for event in ("ACK", "FILLp"):
        rig = build("PC")
        rig.cancel_rej(Refusal.UNKNOWN_ORDER)
        assert EVENTS[event](rig) & m.SEND_CANCEL
        assert rig.order.state is OrderState.PENDING_CANCEL
    rig = build("UNr")
    EVENTS["CANCEL_REJ/OTHER"](rig)
    assert rig.order.cause is Cause.REPLACE_TIMEOUT
    rig.replaced(15)
    assert (rig.order.state, rig.order.lots) == (OrderState.PARTIALLY_FILLED, 15)


@pytest.mark.parametrize(
    ("context", "lots", "code"),
    [
        ("PS", 12, "NOT_ACKED"),
        ("PN", 12, "NOT_ACKED"),
        ("PC", 12, "CANCEL_PENDING"),
        ("PR+", 12, "REPLACE_PENDING"),
        ("UNs", 12, "ORDER_UNCERTAIN"),
        ("CA", 12, "ORDER_DONE"),
        ("PF", 4, "REPLACE_BELOW_FILLED"),
    ],
)
def test_r19_a_replace_is_refused_with_its_reason(context: str, lots: int, code: str) -> None:
    rig = build(context)
    assert rig.manager.replace_req(rig.order, lots, PRICE, rig.tick()) == m.REFUSED
    assert rig.manager.refusal == code


def test_r19_a_replace_takes_total_and_price_when_answered() -> None:
    rig = build("PF")
    assert rig.manager.replace_req(rig.order, 15, 99, rig.tick()) & m.SEND_REPLACE
    assert (rig.order.ticks, rig.account.buy_lots) == (PRICE, 11)
    rig.manager.replaced(rig.order, 15, -1, rig.order.request_id, rig.tick())
    assert (rig.order.lots, rig.order.ticks, rig.account.buy_lots) == (15, 99, 11)
    rig.manager.replace_req(rig.order, 5, 99, rig.tick())
    rig.fill(2)
    rig.manager.replaced(rig.order, 5, 99, rig.order.request_id, rig.tick())
    assert (rig.order.lots, rig.order.state) == (6, OrderState.FILLED)


def test_r20_an_old_answer_changes_nothing() -> None:
    rig = build("PR+")
    first = rig.order.request_id
    rig.replace_rej(Refusal.OTHER)
    rig.manager.replace_req(rig.order, 12, PRICE, rig.tick())
    rows = len(rig.log.rows)
    assert rig.manager.replaced(rig.order, 15, PRICE, first, rig.tick()) == m.STALE_REPLY
    assert rig.manager.replace_rej(rig.order, Refusal.TOO_LATE, -1, first, rig.tick()) == m.STALE_REPLY
    assert (rig.order.lots, rig.order.state, len(rig.log.rows)) == (10, OrderState.PENDING_REPLACE, rows)
    rig = build("PC")
    first = rig.order.cancel_id
    rig.cancel_rej(Refusal.OTHER)
    EVENTS["CANCEL_REQ"](rig)
    assert rig.manager.cancel_rej(rig.order, Refusal.TOO_LATE, -1, first, rig.tick()) == m.STALE_REPLY
    assert rig.order.state is OrderState.PENDING_CANCEL


def test_r20_an_answer_without_a_number_is_the_last_ones() -> None:
    rig = build("PC")
    rig.manager.cancel_rej(rig.order, Refusal.OTHER, -1, -1, rig.tick())
    assert rig.order.state is OrderState.PARTIALLY_FILLED


def test_r21_a_bust_gives_back_what_was_booked() -> None:
    rig = build("FI")
    assert rig.bust() & (m.WARN | m.RECONCILE) == m.WARN | m.RECONCILE
    assert (rig.order.state, rig.order.cum, rig.order.leaves_lots) == (OrderState.CANCELED, 0, 0)
    assert (rig.wallet.position, rig.wallet.cash, rig.order.value) == (0, 0, 0)
    assert rig.log.fill_rows == [("t1", 1, 10, PRICE), ("t1", -1, 10, PRICE)]
    assert rig.fill(10, "t1") == 0


def test_r21_a_bust_may_come_before_its_trade() -> None:
    rig = build("OP")
    rig.bust()
    assert rig.fill(4, "t1") == 0
    assert rig.wallet.position == 0


def test_r21_a_corrected_price_moves_money_only() -> None:
    rig = build("PF")
    assert rig.manager.correct(rig.order, "t1", PRICE + 2, rig.tick()) & m.WARN
    assert (rig.wallet.position, rig.wallet.cash) == (4, -4 * (PRICE + 2))
    assert rig.order.trades == {"t1": (4, PRICE + 2, 1)}
    assert rig.manager.correct(rig.order, "t1", PRICE + 2, rig.tick()) == 0
    assert rig.manager.correct(rig.order, "t9", PRICE, rig.tick()) == m.QUERY


def test_r22_an_answer_asked_for_too_soon_says_nothing() -> None:
    rig = build("UNf")
    heard = rig.order.heard_ts
    view = VenueView(cum=4, lots=10, asked_ts=heard + 2 * SECOND - 1)
    assert rig.reconciler.recon_live(rig.order, view, rig.tick(5)) == 0
    assert rig.reconciler.recon_done(rig.order, CANCELED, view, rig.tick()) == 0
    assert rig.reconciler.recon_not_found(rig.order, view.asked_ts, rig.tick()) == 0
    assert rig.order.state is OrderState.UNKNOWN
    view = VenueView(cum=4, lots=10, asked_ts=heard + 2 * SECOND)
    assert rig.reconciler.recon_live(rig.order, view, rig.tick(5)) & m.CHANGED


def test_r22_absence_takes_three_answers_and_a_look_at_the_trades() -> None:
    absence = Absence()
    for ts in (0, SECOND, 2 * SECOND, 3 * SECOND):
        absence.unknown(ts)
    absence.no_trades()
    assert not absence.proven
    absence.unknown(4 * SECOND)
    assert absence.proven
    absence = Absence()
    for ts in range(0, 10, 2):
        absence.unknown(ts * SECOND)
    assert not absence.proven


def test_r23_a_poll_does_not_answer_what_is_in_flight() -> None:
    for context in ("PC0", "PC", "PR+", "PR-"):
        rig = build(context)
        state = rig.order.state
        trade = VenueTrade(trade_id="r1", lots=1, ticks=PRICE, venue_ts=5)
        view = rig.view(rig.order.cum + 1, trades=(trade,))
        rig.reconciler.recon_live(rig.order, view, rig.ts)
        rig.not_found()
        assert rig.order.state is state
        assert "r1" in rig.order.trades
    rig = build("PN")
    rig.recon_live()
    assert rig.order.state is OrderState.OPEN


def test_r24_the_venue_is_right_about_total_and_end() -> None:
    rig = build("UNr")
    rig.reconciler.recon_live(rig.order, rig.view(lots=15), rig.ts)
    assert (rig.order.lots, rig.order.replace_lots) == (15, -1)
    rig.reconciler.recon_done(rig.order, CANCELED, rig.view(lots=4), rig.ts)
    assert rig.order.state is OrderState.FILLED


@pytest.mark.parametrize("context", ["PF", "UNs", "FI", "CA"])
def test_r24_our_sum_is_never_lowered(context: str) -> None:
    rig = build(context)
    state, cum = rig.order.state, rig.order.cum
    assert rig.reconciler.recon_done(rig.order, CANCELED, rig.view(cum - 1), rig.ts) == m.RECHECK
    assert (rig.order.state, rig.order.cum) == (state, cum)


def test_r25_alive_after_its_end_is_cancelled() -> None:
    rig = build("CA")
    assert rig.recon_live() & (m.CRIT | m.SEND_CANCEL | m.HALT) == m.CRIT | m.SEND_CANCEL
    assert rig.order.cause is Cause.CONTRADICTION
    assert rig.order.cancel_outstanding
    assert rig.account.open_orders == 1


def test_r26_an_answer_applied_twice_is_applied_once() -> None:
    rig = build("CA")
    view = rig.view()
    rig.reconciler.recon_live(rig.order, view, rig.ts)
    rows = len(rig.log.rows)
    assert rig.reconciler.recon_live(rig.order, view, rig.ts) == 0
    assert len(rig.log.rows) == rows


def test_r26_a_replace_overtaken_by_its_cancel_is_a_contradiction() -> None:
    rig = build("PR+")
    rig.manager.cancel_ack(rig.order, -1, "", rig.tick())
    rig.replaced(15)
    assert rig.order.cause is Cause.CONTRADICTION
    rig.recon_done()
    assert (rig.order.state, rig.order.lots) == (OrderState.CANCELED, 15)


def test_r27_alarms_are_noted_with_their_weight() -> None:
    rig = build("FI")
    rig.fill(1)
    rig = build("DN")
    rig.fill(1)
    severity, text = rig.log.note_rows[-1]
    assert severity == 3
    assert text.startswith("bt-1: NEVER_SENT: expected silence, received a fill")
