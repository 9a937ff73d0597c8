"""The controls that say yes or no: what fails each of them, and that nothing else does."""

from decimal import Decimal

import pytest

from tickwright.engine.book import Book
from tickwright.engine.capability import Capability
from tickwright.engine.draft import draft
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Approved, Denial
from tickwright.engine.terms import FOK, IOC, MARKET, OrderType, TimeInForce
from tickwright.risk.controls import CONTROLS
from tickwright.risk.kill import KillMode

S = 1_000_000_000


def denied(word, code):
    assert isinstance(word, Denial), f"expected {code}, it passed"
    assert code in word.codes
    return word


@pytest.mark.parametrize("code", ["NUMBER_INVALID", "PRICE_OFF_TICK", "QTY_OFF_LOT", "CLIENT_ORDER_ID_REUSED"])
def test_what_the_door_found_malformed_is_denied_alone_and_in_its_words(world, code):
    here = world({"max_order_qty": "0.001"})
    word = here.judge(1, 0, 0, malformed=code, reason="price 'nan' is no number")
    assert (word.code, word.codes, word.text) == (code, (code,), "price 'nan' is no number")
    row, text = here.decisions()[-1]
    assert row["verdict"] > 0
    assert code in text


@pytest.mark.parametrize(("lots", "ticks"), [(0, 10_000), (-1, 10_000), (1, 0), (1, -5), (1 << 62, 10_000)])
def test_numbers_that_are_no_order_end_the_list(world, lots, ticks):
    word = world({"max_order_qty": "0.001"}).judge(1, lots, ticks)
    assert word.codes == ("NUMBER_INVALID",)


def test_an_unknown_market_is_denied(world):
    here = world()
    order = here.order(seat=None)
    stranger = draft(Book(here.markets[0].instrument, 7), "bt-9", 9, 1, 1, 10_000)
    assert denied(here.gate.judge(stranger, here.now), "INSTRUMENT_UNKNOWN").codes == ("INSTRUMENT_UNKNOWN",)
    assert isinstance(here.gate.judge(order, here.now), Approved)


def test_what_the_adapter_cannot_carry_is_denied(world):
    capability = Capability(
        types=frozenset({OrderType.LIMIT}),
        times_in_force=frozenset({TimeInForce.GTC}),
        post_only=False,
        reduce_only=False,
    )
    here = world(capabilities={"BINANCE": capability})
    assert isinstance(here.judge(), Approved)
    denied(here.judge(ticks=0, kind=MARKET), "ORDER_TYPE_UNSUPPORTED")
    denied(here.judge(time_in_force=FOK), "TIF_UNSUPPORTED")
    denied(here.judge(post_only=True), "FLAG_UNSUPPORTED")


def test_an_instrument_that_does_not_trade_is_denied(world):
    shut = Instrument(
        id="OLD.BINANCE", tick_size=Decimal("0.01"), lot_size=Decimal("0.001"), base="BTC", quote="USDT", tradable=False
    )
    denied(world(instruments=(shut,)).judge(), "INSTRUMENT_NOT_TRADABLE")


def test_authority_and_restrictions_name_who_set_them(world):
    word = denied(world(authority={"maker": ()}).judge(), "NOT_AUTHORISED")
    assert word.scope == "strategy maker"
    assert isinstance(world(authority={"maker": ("BTCUSDT.BINANCE",)}).judge(), Approved)
    assert denied(world({"restricted": ("binance",)}).judge(), "RESTRICTED").scope == "global"
    scopes = {"strategy:maker": {"restricted": ("BTCUSDT.BINANCE",)}}
    assert denied(world(scopes=scopes).judge(), "RESTRICTED").scope == "strategy maker"


def test_session_hours_open_at_their_start_and_shut_at_their_end(world):
    # The world's clock starts at midnight UTC.
    here = world({"sessions": ((3600, 7200),)})
    start = here.now
    for second, opened in ((3599, False), (3600, True), (7199, True), (7200, False), (86_400 + 3600, True)):
        here.now = start + second * S
        here.quote(9_999, 10_001)
        word = here.judge()
        assert isinstance(word, Approved) == opened, second
        if not opened:
            assert word.code == "OUTSIDE_SESSION"


def test_every_list_of_hours_must_be_open(world):
    here = world({"sessions": ((0, 7200),)}, scopes={"instrument:BTCUSDT.BINANCE": {"sessions": ((3600, 9000),)}})
    denied(here.judge(), "OUTSIDE_SESSION")
    here.now += 3600 * S
    here.quote(9_999, 10_001)
    assert isinstance(here.judge(), Approved)


def test_the_venue_must_be_up_and_reconciled_and_the_journal_written(world):
    here = world()
    venue = here.floor.venues["BINANCE"]
    venue.up = False
    denied(here.judge(), "VENUE_DISCONNECTED")
    venue.up = True
    venue.reconciled = False
    denied(here.judge(), "NOT_RECONCILED")
    venue.reconciled = True
    here.gate.journal_ok = False
    denied(here.judge(), "JOURNAL_UNAVAILABLE")
    here.gate.journal_ok = True
    venue.backoff_until = here.now + 1
    denied(here.judge(), "VENUE_RATE_LIMITED")
    venue.backoff_until = here.now
    assert isinstance(here.judge(), Approved)


def test_a_disabled_strategy_stays_so_until_an_operator_enables_it(world):
    here = world(strategies=("a", "b"))
    here.gate.disable(0, "on_error", here.now)
    word = denied(here.judge(seat=0), "STRATEGY_DISABLED")
    assert "on_error" in word.text
    assert isinstance(here.judge(seat=1), Approved)
    here.floor.enable(0, "ann", "fixed", here.now)
    assert isinstance(here.judge(seat=0), Approved)


def test_prices_need_a_reference_and_a_live_book(world):
    here = world()
    here.quote(0, 0)
    word = denied(here.judge(), "REFERENCE_MISSING")
    assert "BOOK_INVALID" in word.codes
    here.markets[0].traded(10_000, here.now)
    word = denied(here.judge(), "BOOK_INVALID")
    assert "REFERENCE_MISSING" not in word.codes
    here.quote(10_001, 9_999)
    denied(here.judge(), "BOOK_INVALID")


def test_the_spread_at_its_limit_passes(world):
    here = world({"max_spread_bps": "20"})
    here.quote(9_990, 10_010)
    assert isinstance(here.judge(), Approved)
    here.quote(9_990, 10_011)
    assert denied(here.judge(), "SPREAD_TOO_WIDE").limit == 20


def test_a_move_pauses_entries_and_lets_exits_pass(world):
    here = world({"vol_pause_bps": "100", "vol_window_s": "10", "vol_cooldown_s": "60", "collar_window_bps": None})
    here.hold(5)
    here.gate.mark(here.now)
    here.quote(10_099, 10_101)
    here.gate.mark(here.now + S)
    assert isinstance(here.judge(1, 1, 10_100), Approved)
    here.quote(10_100, 10_102)
    here.gate.mark(here.now + 2 * S)
    here.now += 3 * S
    denied(here.judge(1, 1, 10_100), "VOLATILITY_PAUSE")
    assert isinstance(here.judge(-1, 5, 10_100), Approved)
    denied(here.judge(-1, 6, 10_100), "VOLATILITY_PAUSE")
    here.now += 59 * S
    here.quote(10_100, 10_102)
    assert isinstance(here.judge(1, 1, 10_100), Approved)


def test_a_protected_market_order_carries_the_collar_price_towards_the_reference(world):
    here = world({"collar_bps": "10.7"})
    order = here.order(1, 1, 0, kind=MARKET, time_in_force=IOC)
    assert isinstance(here.gate.judge(order, here.now), Approved)
    assert (order.ticks, order.price, order.order_type) == (10_010, None, OrderType.MARKET)
    order = here.order(-1, 1, 0, kind=MARKET, time_in_force=IOC)
    assert isinstance(here.gate.judge(order, here.now), Approved)
    assert order.ticks == 9_990


def test_market_orders_may_be_denied_or_sent_as_they_are(world):
    assert denied(world({"market_orders": "deny"}).judge(1, 1, 0, kind=MARKET), "MARKET_ORDER_UNPROTECTED")
    here = world({"market_orders": "allow"})
    order = here.order(1, 1, 0, kind=MARKET)
    assert isinstance(here.gate.judge(order, here.now), Approved)
    assert order.ticks == 0


def test_the_impact_of_walking_the_book_is_measured(world):
    here = world({"max_impact_bps": "2"})
    here.quote(9_999, 10_001, size=5)
    here.markets[0].book.apply(-1, 10_003, 5)
    here.markets[0].book.settle(here.now)
    # The mid is 10,000: half at 10,001 and half at 10,003 make 10,002, two basis points above.
    assert isinstance(here.judge(1, 10, 10_003), Approved)
    here.markets[0].book.apply(-1, 10_003, 0)
    here.markets[0].book.apply(-1, 10_004, 5)
    here.markets[0].book.settle(here.now)
    word = denied(here.judge(1, 10, 10_004), "BOOK_IMPACT")
    assert (word.value, word.limit) == (Decimal("2.5"), 2)
    assert isinstance(here.judge(1, 10, 10_004, post_only=True), Approved)


def test_an_own_order_is_not_met(world):
    here = world({"self_match": "deny_new"}, strategies=("a", "b"))
    here.working(-1, 1, 10_005, seat=1)
    assert isinstance(here.judge(1, 1, 10_004, seat=0), Approved)
    assert denied(here.judge(1, 1, 10_005, seat=0), "SELF_MATCH").code == "SELF_MATCH"


def test_an_old_order_in_the_way_can_be_cancelled_instead(world):
    here = world({"self_match": "cancel_old"})
    old = here.working(-1, 1, 10_005)
    here.working(-1, 1, 10_010)
    assert isinstance(here.judge(1, 1, 10_005), Approved)
    assert here.gate.to_cancel == [old]
    assert isinstance(here.judge(1, 1, 10_000), Approved)
    assert here.gate.to_cancel == []


def test_a_duplicate_is_one_that_still_lives_within_the_window(world):
    here = world({"duplicate_window_ms": "500"})
    first = here.working(1, 1, 9_990)
    here.now += 500_000_000 - 1
    assert denied(here.judge(1, 1, 9_990), "DUPLICATE_ORDER").value == Decimal("499.999999")
    assert isinstance(here.judge(1, 2, 9_990), Approved)
    assert isinstance(here.judge(1, 1, 9_991), Approved)
    here.orders.cancel_req(first, here.now)
    assert isinstance(here.judge(1, 1, 9_990), Approved)
    other = here.working(1, 1, 9_980)
    here.now += 500_000_000
    assert other.is_open
    assert isinstance(here.judge(1, 1, 9_980), Approved)


def test_repeats_disable_the_strategy_until_an_operator_enables_it(world):
    here = world({"max_repeats": "1"})
    for expected in (Approved, Denial):
        order = here.working(1, 1, 10_001)
        here.fill(order, 1, 10_001, maker=False)
        word = here.judge(1, 1, 10_001)
        assert isinstance(word, expected)
    assert word.code == "REPEATED_EXECUTION"
    assert here.judge(1, 1, 9_000 + 995).code == "STRATEGY_DISABLED"
    here.floor.enable(0, "ann", "looked at it", here.now)
    assert isinstance(here.judge(1, 1, 9_995), Approved)


def test_the_balance_covers_worst_case_fees_and_buffer(world):
    # 10 lots of 0.001 at 100.00 need 1 USDT, 0.05 % fee, 2 % buffer.
    need = Decimal("1") * Decimal("1.0005") * Decimal("1.02")
    for cash, passes in ((need, True), (need - Decimal("1e-12"), False)):
        here = world()
        here.money.balances["USDT"] = cash
        here.working(1, 4, 10_000)
        word = here.judge(1, 6, 10_000)
        assert isinstance(word, Approved) == passes
    assert word.code == "BALANCE_INSUFFICIENT"
    assert isinstance(here.judge(-1, 6, 10_000), Approved)


def test_every_control_that_can_deny_is_in_the_table():
    codes = [code for control in CONTROLS for code in control.codes]
    assert len(codes) == len(set(codes))
    assert [control.id[0] for control in CONTROLS] == sorted(control.id[0] for control in CONTROLS)
    assert KillMode.CANCEL > KillMode.PAUSE
