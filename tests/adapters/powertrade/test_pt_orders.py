"""Orders over the link: logins, correlation in any order, the two meanings of a cancel, lives in cycles, deadlines."""

import itertools
import json

import pytest
from pt_frames import ETH, LISTED, T0, WHERE, accepted, cancelled, event, execution, frame, reply

from tickwright.adapters.powertrade.entry import Place, Unsupported
from tickwright.adapters.powertrade.life import CYCLE_NS, cycles, end
from tickwright.adapters.powertrade.link import Link
from tickwright.adapters.powertrade.notices import (
    Answered,
    ExternalOrder,
    InDoubt,
    LoginFailed,
    OrderWanted,
    ReconcileWanted,
    Reconnect,
    Unanswered,
)
from tickwright.engine.errors import LocalError
from tickwright.engine.events import (
    CancelRejected,
    LinkChanged,
    OrderAccepted,
    OrderCanceled,
    OrderExecuted,
    OrderExpired,
    OrderRejected,
)
from tickwright.engine.terms import DAY, FOK, GTC, GTD, IOC, Liquidity, Refusal, Side
from tickwright.engine.times import SECOND


def tag_of(text: str) -> str:
    ((_, body),) = json.loads(text).items()
    return body["user_tag"]


def logged_in(**said) -> Link:
    link = Link(venue="POWERTRADE", listed=LISTED, trading=True, **said)
    assert link.opened(T0) == []
    assert link.outgoing(T0) == []
    events = link.receive(reply(tag_of(link.login("jwt", T0))), T0)
    assert events == [LinkChanged(venue="POWERTRADE", up=True, ts=T0)]
    link.outgoing(T0)
    return link


def order(name: str = "x-1", *, lots: int = 250, ticks: int | None = 50000, tif: int = GTC, **said) -> Place:
    return Place(
        client_order_id=name, instrument=ETH.id, side=Side.BUY, lots=lots, ticks=ticks, time_in_force=tif, **said
    )


def placed(link: Link, at: int = T0, **said) -> dict[str, str]:
    ((name, body),) = json.loads(link.place(order(**said), at)).items()
    assert name == "new_order"
    return body


def test_nothing_of_ours_goes_out_before_the_login():
    link = Link(venue="POWERTRADE", listed=LISTED, trading=True)
    link.opened(T0)
    for deed in (lambda: link.place(order(), T0), lambda: link.cancel("x-1", "", 1, T0)):
        with pytest.raises(LocalError, match="logged in"):
            deed()
    link.receive(reply(tag_of(link.login("jwt", T0)), "10", "auth server rejected it"), T0)
    assert link.take_notices() == [LoginFailed(reason="auth server rejected it (code 10)")]
    assert link.closed(T0, "refused") == []
    link.opened(T0)
    (up,) = link.receive(reply(tag_of(link.login("jwt", T0)), "11", "already authenticated"), T0)
    assert up.up


def test_an_unanswered_login_ends_the_connection():
    link = Link(venue="POWERTRADE", listed=LISTED, trading=True)
    link.opened(T0)
    link.login("jwt", T0)
    link.outgoing(T0 + 5 * SECOND)
    assert [type(notice) for notice in link.take_notices()] == [Reconnect]


def test_a_limit_order_and_a_market_order_in_the_venues_words():
    link = logged_in(order_life_ns=3000 * SECOND)
    body = placed(link)
    tag = body.pop("user_tag")
    assert body == {
        "market_id": "0", "side": "buy", "quantity": "0.25", "type": "LIMIT", "time_in_force": "GTC",
        "client_order_id": "x-1", "price": "2500.0", "recv_window": "5", "symbol": "ETH-USD",
    }  # fmt: skip
    other = placed(link, name="x-2", ticks=None, tif=IOC)
    assert other.pop("user_tag") != tag
    assert other == {
        "market_id": "0", "side": "buy", "quantity": "0.25", "type": "MARKET", "time_in_force": "IOC",
        "client_order_id": "x-2", "symbol": "ETH-USD",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "code"),
    [({"post_only": True}, "POST_ONLY"), ({"reduce_only": True}, "REDUCE_ONLY"), ({"tif": FOK}, "FOK"),
     ({"tif": DAY}, "TIME_IN_FORCE")],
)  # fmt: skip
def test_what_the_venue_has_no_words_for_is_refused_here_with_a_code(said, code):
    link = logged_in()
    with pytest.raises(Unsupported) as caught:
        link.place(order(**said), T0)
    assert caught.value.code == code
    assert "nothing is sent" in str(caught.value)
    assert not link.requests.knows("x-1")


def test_a_life_is_counted_in_cycles_of_ten_minutes():
    assert T0 % CYCLE_NS == 0
    minute = 60 * SECOND
    cases = {(0, 1): 1, (0, 10): 1, (0, 11): 2, (9, 10): 1, (9, 11): 2, (5, 60): 6, (0, 1440): 144, (5, 0): 1}
    assert {(now, until): cycles(T0 + now * minute, T0 + until * minute) for now, until in cases} == cases
    assert cycles(T0, T0 + 10**9 * SECOND) == 65_534
    for now, until in cases:
        window = cases[now, until]
        assert end(T0 + now * minute, window) >= T0 + until * minute


def test_an_order_with_an_end_of_its_own_is_taken_back_by_us_and_told_as_expired():
    link = logged_in()
    body = placed(link, tif=GTD, expire_ts=T0 + 12 * 60 * SECOND)
    assert (body["time_in_force"], body["recv_window"]) == ("GTC", "2")
    link.receive(accepted("x-1"), T0)
    over = T0 + 12 * 60 * SECOND
    assert link.requests.due() == over
    link.receive(frame("heartbeat"), over - 1)
    assert not any("cancel_order" in text for text in link.outgoing(over - 1))
    (cancel,) = [text for text in link.outgoing(over) if "cancel_order" in text]
    assert json.loads(cancel)["cancel_order"]["order_id"] == "9300001"
    (ended,) = link.receive(cancelled("x-1", "user_cancelled", "0.1"), over)
    assert isinstance(ended, OrderExpired)
    assert ended.stated_cum == 100


LIFE = [
    accepted("x-1"),
    execution("x-1", "t1", "0.1"),
    execution("x-1", "t2", "0.05"),
    cancelled("x-1", "user_cancelled", "0.15"),
]


@pytest.mark.parametrize("texts", list(itertools.permutations(LIFE)), ids=range(24))
def test_messages_of_one_order_mean_the_same_in_any_order(texts):
    link = logged_in()
    placed(link)
    link.cancel("x-1", "", 7, T0)
    events = [told for text in [*texts, *texts] for told in link.receive(text, T0)]
    fills = [told for told in events if isinstance(told, OrderExecuted)]
    assert sorted((told.trade_id, told.lots, told.ticks) for told in fills) == [("t1", 100, 50000), ("t2", 50, 50000)]
    assert [told.client_order_id for told in fills] == ["x-1", "x-1"]
    (ended,) = [told for told in events if isinstance(told, OrderCanceled)]
    assert (ended.reason, ended.stated_cum) == ("user_cancelled", 150)
    assert len([told for told in events if isinstance(told, OrderAccepted)]) == 1
    assert link.statistics().fills_repeated == 2
    link.outgoing(T0 + 20 * SECOND)
    assert not any(isinstance(notice, OrderWanted) for notice in link.take_notices())


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("user_cancelled", OrderCanceled),
        ("immediate_with_insufficient_liquidity", OrderCanceled),
        ("disconnection", OrderCanceled),
        ("would_initiate", OrderCanceled),
        ("liquidation", OrderCanceled),
        ("timeout", OrderExpired),
        ("order has been fully executed and cannot be cancelled", Refusal.TOO_LATE),
        ("exchange order_id or client_order_id not found in order cache", Refusal.UNKNOWN_ORDER),
        ("words that nobody has documented", Refusal.OTHER),
        ("", Refusal.OTHER),
    ],
)
def test_a_cancel_message_means_two_things(reason, kind):
    link = logged_in()
    placed(link)
    link.receive(accepted("x-1"), T0)
    link.cancel("x-1", "9300001", 7, T0)
    (told,) = link.receive(cancelled("x-1", reason, "0.1"), T0)
    assert told.stated_cum == 100
    wanted = [notice for notice in link.take_notices() if isinstance(notice, OrderWanted)]
    if isinstance(kind, Refusal):
        assert isinstance(told, CancelRejected)
        assert (told.refusal, told.request_id) == (kind, 7)
        assert bool(wanted) is (kind is Refusal.OTHER)
    else:
        assert isinstance(told, kind)
        assert wanted == []


def test_an_unknown_reason_that_nobody_asked_for_says_neither():
    link = logged_in()
    placed(link)
    assert link.receive(cancelled("x-1", "mystery"), T0) == []
    assert [type(notice) for notice in link.take_notices()] == [OrderWanted]


def test_a_cancel_by_the_venues_id_alone_finds_its_order():
    link = logged_in()
    placed(link)
    link.receive(accepted("x-1"), T0)
    assert json.loads(link.cancel("x-1", "9300001", 3, T0))["cancel_order"]["order_id"] == "9300001"
    (told,) = link.receive(cancelled("", "exchange order_id or client_order_id not found in order cache"), T0)
    assert (told.client_order_id, told.request_id) == ("x-1", 3)


def test_a_venues_id_that_is_no_number_is_not_sent_back():
    link = logged_in()
    placed(link)
    body = json.loads(link.cancel("x-1", "exchange_generated_id", 3, T0))["cancel_order"]
    assert (body.get("order_id"), body["client_order_id"]) == (None, "x-1")


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        ("12", "error parsing new order request", OrderRejected),
        ("7", "invalid user tag", OrderRejected),
        ("4", "symbol not found", OrderRejected),
        ("12", "not authenticated", OrderRejected),
        ("17", "new order failed", InDoubt),
        ("8", "exchange down", InDoubt),
        ("99", "something new", InDoubt),
        ("twelve", "no number", InDoubt),
    ],
)
def test_a_plain_refusal_is_found_by_its_tag(code, text, kind):
    link = logged_in()
    tags = [placed(link, name=name)["user_tag"] for name in ("x-1", "x-2", "x-3")]
    told = link.receive(reply(tags[1], code, text), T0)
    told += [notice for notice in link.take_notices() if not isinstance(notice, Reconnect)]
    assert [type(one) for one in told] == [kind]
    assert told[0].client_order_id == "x-2"
    assert link.receive(reply(tags[1], code, text), T0) == []
    assert any(isinstance(notice, ReconcileWanted) for notice in link.take_notices())


def test_a_venue_that_forgot_the_login_is_left_and_met_again():
    link = logged_in()
    link.receive(reply(placed(link)["user_tag"], "12", "not authenticated"), T0)
    assert any(isinstance(notice, Reconnect) for notice in link.take_notices())


def test_rejections_and_duplicates():
    link = logged_in()
    placed(link)
    placed(link, name="x-2")
    (told,) = link.receive(event("order_rejected", client_order_id="x-1", reason="invalid_legs"), T0)
    assert (told.reason, told.duplicate) == ("invalid_legs", False)
    (told,) = link.receive(event("order_rejected", client_order_id="x-2", reason="duplicate client_order_id"), T0)
    assert told.duplicate
    (stands,) = link.receive(accepted("x-2"), T0)
    assert isinstance(stands, OrderAccepted)


def test_a_request_without_an_answer_is_a_fact():
    link = logged_in()
    placed(link)
    placed(link, name="x-2")
    link.receive(accepted("x-2"), T0)
    link.cancel("x-2", "9300001", 1, T0)
    tag, _ = link.ask("positions", T0)
    assert link.due() <= T0 + 5 * SECOND
    link.receive(frame("heartbeat"), T0 + 5 * SECOND)
    link.outgoing(T0 + 5 * SECOND)
    wanted = [notice.client_order_id for notice in link.take_notices() if isinstance(notice, OrderWanted)]
    assert wanted == ["x-1", "x-2"]
    link.outgoing(T0 + 10 * SECOND)
    assert [notice.user_tag for notice in link.take_notices() if isinstance(notice, Unanswered)] == [tag]


def test_answers_to_questions_are_told_by_their_tags():
    link = logged_in()
    first, text = link.ask("trade_history_request", T0, trade_time="1760000000000000")
    assert json.loads(text) == {"trade_history_request": {"trade_time": "1760000000000000", "user_tag": first}}
    second, _ = link.ask("balances", T0)
    link.receive(frame("balances_response", user_tag=second, balances=[]), T0)
    link.receive(reply(first, "18", "no trade history"), T0)
    told = [(notice.user_tag, type(notice.message).__name__) for notice in link.take_notices()
            if isinstance(notice, Answered)]  # fmt: skip
    assert told == [(second, "BalancesStated"), (first, "Replied")]
    third, _ = link.ask("balances", T0)
    link.closed(T0, "cut")
    assert Unanswered(user_tag=third, reason="cut") in link.take_notices()


def test_executions_run_behind_the_venues_count_for_two_seconds_at_most():
    link = logged_in()
    placed(link)
    link.receive(execution("x-1", "t2", "0.05", "filled"), T0)
    link.outgoing(T0 + SECOND)
    assert not any(isinstance(notice, OrderWanted) for notice in link.take_notices())
    link.receive(frame("heartbeat"), T0 + 2 * SECOND)
    link.outgoing(T0 + 2 * SECOND)
    assert [type(notice) for notice in link.take_notices()] == [OrderWanted]


def test_what_nobody_here_sent_is_told_and_its_executions_are_kept():
    link = logged_in()
    assert link.receive(accepted("other"), T0) == []
    (fill,) = link.receive(execution("other", "t9", "0.1", liquidity_flag="taken"), T0)
    assert (fill.instrument, fill.lots, fill.liquidity) == (ETH.id, 100, Liquidity.TAKER)
    assert [type(notice) for notice in link.take_notices()] == [ExternalOrder, ExternalOrder]


def test_a_bad_private_message_asks_for_a_reconciliation_and_the_link_lives():
    link = logged_in()
    placed(link)
    assert link.receive(execution("x-1", "t1", "0.00005"), T0) == []
    assert any(isinstance(notice, ReconcileWanted) for notice in link.take_notices())
    assert link.receive("{", T0) == []
    assert any(isinstance(notice, ReconcileWanted) for notice in link.take_notices())
    (fill,) = link.receive(execution("x-1", "t1", "0.1"), T0)
    assert fill.lots == 100


def test_heartbeats_go_both_ways_and_silence_is_death():
    link = logged_in()
    assert link.due() == T0 + 7 * SECOND
    (beat,) = link.outgoing(T0 + 7 * SECOND)
    assert json.loads(beat) == {"heartbeat": {"timestamp": str((T0 + 7 * SECOND) // 1000)}}
    link.receive(frame("heartbeat", server_utc_timestamp="1760000000123456"), T0 + 8 * SECOND)
    (answer,) = link.outgoing(T0 + 8 * SECOND)
    assert "heartbeat" in json.loads(answer)
    link.take_notices()
    assert link.outgoing(T0 + 9 * SECOND) == []
    at = T0 + 8 * SECOND + 15 * SECOND
    link.outgoing(at - 1)
    assert not any(isinstance(notice, Reconnect) for notice in link.take_notices())
    link.outgoing(at)
    assert any(isinstance(notice, Reconnect) for notice in link.take_notices())


def test_every_scalar_of_every_frame_of_a_whole_run_is_a_text():
    link = logged_in(rfqs=True)
    texts = [link.login("jwt", T0), link.place(order(), T0), link.place(order("x-2", ticks=None, tif=IOC), T0)]
    texts += [link.cancel("x-1", "", 1, T0), link.cancel_all("", T0), link.cancel_all("ETH-USD", T0)]
    texts += [link.ask("positions", T0)[1], *link.outgoing(T0 + 8 * SECOND)]

    def scalars(value):
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from scalars(inner)
        else:
            yield value

    frames = [json.loads(text) for text in texts]
    assert all(len(one) == 1 for one in frames)
    assert all(type(scalar) is str for one in frames for scalar in scalars(one))
    tags = [body["user_tag"] for one in frames for body in one.values() if "user_tag" in body]
    assert len(set(tags)) == len(tags)
    assert WHERE["market_id"] == "0"
