"""Orders over the connection: what is sent, which reply belongs to which request, what a fill costs."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.adapters.tdx.codec import Codec
from tickwright.adapters.tdx.link import Link
from tickwright.adapters.tdx.messages import (
    Cancel,
    CancelOnDisconnect,
    OrderStated,
    Pair,
    Place,
)
from tickwright.adapters.tdx.notices import (
    ExternalOrder,
    InDoubt,
    OrderWanted,
    ReconcileWanted,
    TradesWanted,
    Unattributed,
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
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import DAY, FOK, GTC, GTD, IOC, NO_TIME, Liquidity, Refusal, Side
from tickwright.engine.times import SECOND

SUB = "8cc80065-6679-4426-9f96-d7023220226c"
PAIR = "9e8d7c6b-5a49-4382-9170-6f5e4d3c2b1a"
ORDERS = f"{SUB}@subaccount-orders"
TRADES = "ETH/CHF@trades"
DEPTH = "ETH/CHF@depth@100ms"
ETH = Instrument(id="ETH/CHF.TDX", tick_size=Decimal("0.5"), lot_size=Decimal("0.01"), base="ETH", quote="CHF")
TOKEN = "token-canary"


def frame(topic: str, event: str, data: object = None) -> str:
    said = {"t": topic, "e": event}
    return json.dumps(said if data is None else {**said, "d": data})


def make(*topics: str, **options) -> Link:
    link = Link(venue="TDX", pairs=[Pair(ETH, PAIR)], topics=topics, sub_account_id=SUB, **options)
    link.authorize(TOKEN, 3600 * SECOND, 0)
    assert link.opened(0) == [LinkChanged(venue="TDX", up=True, ts=0)]
    return link


def sent(link: Link, at: int) -> list[tuple[str, str]]:
    frames = [json.loads(text) for text in link.outgoing(at)]
    return [(said["e"].removeprefix("tdx:"), said["t"]) for said in frames]


def place(coid: str = "mm-1", **changes) -> Place:
    order = {"client_order_id": coid, "instrument": ETH.id, "side": Side.BUY, "lots": 200, "ticks": 6200}
    return Place(**{**order, "time_in_force": GTC, **changes})


def trading(*coids: str) -> Link:
    link = make(ORDERS)
    sent(link, 0)
    link.receive(frame(ORDERS, "tdx:subscription_received"), 0)
    for coid in coids:
        link.send(place(coid), 1)
    return link


def state(coid="mm-1", status="STATUS_OPEN", executed="0", at=1735689605000, **changes) -> str:
    order = {"id": f"v-{coid}", "clientOrderId": coid, "pairId": PAIR, "symbol": "ETH/CHF", "side": "SIDE_BUY"}
    numbers = {"quantity": "2", "executedQuantity": executed, "price": "3100", "status": status, "updatedAt": at}
    return frame(ORDERS, "whatever", {**order, **numbers, **changes})


def fill(trade_id, qty, cumulative, coid="mm-1", **changes) -> str:
    trade = {"id": trade_id, "orderId": f"v-{coid}", "pairId": PAIR, "side": "SIDE_BUY", "quantity": qty}
    sums = {"price": "3100", "cumulativeQuantity": cumulative, "transactionFee": "2.325", "swissStampTax": "0.0000001"}
    rest = {"executedAt": "2025-01-01T00:00:09.001Z", "isTaker": False}
    return frame(ORDERS, "whatever", {**trade, **sums, **rest, **changes})


def test_an_order_is_sent_in_the_venue_s_words():
    link = trading()
    assert json.loads(link.send(place(post_only=True), 1)) == {
        "e": "tdx:order_create",
        "t": ORDERS,
        "a": TOKEN,
        "d": {
            "clientOrderId": "mm-1",
            "pairId": PAIR,
            "side": "SIDE_BUY",
            "type": "TYPE_POST_ONLY",
            "timeInForce": "TIME_IN_FORCE_GTC",
            "quantity": "2.00",
            "price": "3100.0",
        },
    }
    market = json.loads(link.send(place("mm-2", ticks=None, side=Side.SELL, time_in_force=IOC), 1))["d"]
    assert "price" not in market
    assert (market["type"], market["side"], market["timeInForce"]) == ("TYPE_MARKET", "SIDE_SELL", "TIME_IN_FORCE_IOC")
    cancel = json.loads(link.send(Cancel(client_order_id="mm-1"), 2))
    assert (cancel["e"], cancel["d"]) == ("tdx:order_cancel", {"clientOrderId": "mm-1"})
    link.receive(state(), 3)
    assert json.loads(link.send(Cancel(client_order_id="mm-1"), 4))["d"] == {"id": "v-mm-1", "clientOrderId": "mm-1"}
    with pytest.raises(LocalError, match="expected GTC, IOC, FOK or DAY"):
        link.send(place("mm-3", time_in_force=GTD), 5)
    with pytest.raises(LocalError, match="expected a price with post_only"):
        link.send(place("mm-3", ticks=None, post_only=True), 5)


def test_an_order_lives_from_its_acceptance_over_its_fills_to_its_end():
    link = trading("mm-1")
    assert link.receive(frame(ORDERS, "tdx:order_create_received", {"clientOrderId": "mm-1"}), 2) == []
    accepted = OrderAccepted(client_order_id="mm-1", venue_order_id="v-mm-1", ts=3, venue_ts=1735689605000 * 10**6)
    assert link.receive(state(), 3) == [accepted]
    assert link.receive(state(), 4) == []
    executed = OrderExecuted(
        instrument=ETH.id,
        client_order_id="mm-1",
        venue_order_id="v-mm-1",
        trade_id="t1",
        side=Side.BUY,
        lots=75,
        ticks=6200,
        liquidity=Liquidity.MAKER,
        fee=Decimal("2.3250001"),
        fee_currency="CHF",
        stated_cum=75,
        ts=5,
        venue_ts=1735689609001 * 10**6,
    )
    assert link.receive(fill("t1", "0.75", "0.75"), 5) == [executed]
    assert link.receive(fill("t1", "0.75", "0.75"), 6) == []
    (end,) = link.receive(state(status="CANCELED", executed="0.75", at=1735689610000), 7)
    assert isinstance(end, OrderCanceled)
    assert (end.stated_cum, link.due()) == (75, NO_TIME)
    assert link.receive(state(at=1735689606000), 8) == []
    assert link.statistics().states_outdated == 1
    (late,) = link.receive(fill("t2", "0.25", "1"), 9)
    assert late.client_order_id == "mm-1"


@pytest.mark.parametrize(
    ("status", "executed", "kind"),
    [
        ("STATUS_REJECTED", "0", OrderRejected),
        ("ORDER_STATUS_EXPIRED", "1", OrderExpired),
        ("Cancelled", "0", OrderCanceled),
        ("PARTIALLY_CANCELED", "1", OrderCanceled),
        ("CLOSED", "1", OrderCanceled),
        ("FILLED", "2", None),
        ("EXECUTED", "2", None),
        ("A_NEW_WORD", "1", None),
    ],
)
def test_every_spelling_of_an_end_is_understood(status, executed, kind):
    link = trading("mm-1")
    events = link.receive(state(status=status, executed=executed), 2)
    ends = [type(event) for event in events if not isinstance(event, OrderAccepted)]
    assert ends == ([] if kind is None else [kind])
    assert len(events) - len(ends) == (status != "STATUS_REJECTED")


def test_trades_that_stay_out_are_asked_for_after_two_seconds():
    link = trading("mm-1")
    link.receive(state(executed="1"), 5)
    assert link.due() == 5 + 2 * SECOND
    link.outgoing(5 + 2 * SECOND)
    (wanted,) = link.take_notices()
    assert wanted == TradesWanted(
        client_order_id="mm-1", venue_order_id="v-mm-1", reason="expected 0 lots executed, received 100"
    )
    assert link.due() == NO_TIME
    (event,) = link.receive(fill("t2", "0.5", "1.5"), 6)
    assert event.stated_cum == 150
    assert [type(notice) for notice in link.take_notices()] == [TradesWanted]


def test_a_fill_that_overtakes_its_order_names_the_venue_s_id():
    link = trading("mm-1")
    (event,) = link.receive(fill("t1", "2", "2"), 2)
    assert (event.client_order_id, event.venue_order_id, event.lots) == ("", "v-mm-1", 200)
    assert link.take_notices() == []  # it may be that of the order that waits for its first state
    link.receive(state(executed="2", status="FILLED"), 3)
    assert link.due() > 3600 * SECOND  # and once named it counts: no trades are asked for
    assert link.receive(fill("t1", "2", "2"), 4) == []
    link.receive(fill("t2", "2", "2", orderId="v-stranger"), 4)
    assert [type(notice) for notice in link.take_notices()] == [ExternalOrder]


def failure(name: str, **data) -> str:
    return frame(ORDERS, f"tdx:{name}", data)


def test_refusals_reach_their_request():
    link = trading("mm-1", "mm-2", "mm-3", "mm-4")
    (event,) = link.receive(
        failure("order_create_failed", clientOrderId="mm-1", code=422, reason="NOT_ENOUGH_FUNDS"), 2
    )
    assert event == OrderRejected(client_order_id="mm-1", reason="422 NOT_ENOUGH_FUNDS", ts=2)
    (event,) = link.receive(failure("order_create_failed", clientOrderId="mm-2", code=409, status="ALREADY_EXISTS"), 3)
    assert event.duplicate
    assert link.receive(failure("order_create_failed", clientOrderId="mm-3", code=503), 4) == []
    assert [type(notice) for notice in link.take_notices()] == [InDoubt]
    link.receive(state("mm-4"), 5)
    assert link.receive(failure("order_create_failed", clientOrderId="mm-4", code=422), 6) == []
    assert [type(notice) for notice in link.take_notices()] == [OrderWanted]


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"code": 404, "message": "order is not open"}, Refusal.UNKNOWN_ORDER),
        ({"status": "NOT_FOUND"}, Refusal.UNKNOWN_ORDER),
        ({"code": 429}, Refusal.TRANSIENT),
        ({"code": 422}, Refusal.OTHER),
        ({"message": "never heard of"}, Refusal.OTHER),
    ],
)
def test_a_refused_cancel_is_no_refused_order(said, refusal):
    link = trading("mm-1")
    link.receive(state(), 2)
    link.send(Cancel(client_order_id="mm-1", request_id=7), 3)
    (event,) = link.receive(failure("order_cancel_failed", clientOrderId="mm-1", **said), 4)
    assert isinstance(event, CancelRejected)
    assert (event.refusal, event.request_id) == (refusal, 7)


def test_a_refusal_without_an_id_means_the_one_request_under_way_or_nobody():
    link = trading("mm-1")
    (event,) = link.receive(failure("error", message="no"), 2)
    assert event.client_order_id == "mm-1"
    link = trading("mm-1", "mm-2")
    assert link.receive(failure("error", message="no"), 2) == []
    assert [type(notice) for notice in link.take_notices()] == [Unattributed, ReconcileWanted]
    assert link.statistics().requests_pending == 2


def test_orders_that_are_not_ours_are_told_and_move_nothing():
    link = trading("mm-1")
    assert link.receive(state("somebody"), 2) == []
    (notice,) = link.take_notices()
    assert isinstance(notice, ExternalOrder)
    assert isinstance(notice.stated, OrderStated)


def test_wrapped_and_listed_states_are_the_same_as_single_ones():
    one, two = (json.loads(state(coid))["d"] for coid in ("mm-1", "mm-2"))
    for data in ([one, two], {"orders": [one, two]}, [{"order": one}, {"order": two}]):
        events = trading("mm-1", "mm-2").receive(frame(ORDERS, "snapshot", data), 2)
        assert [event.client_order_id for event in events] == ["mm-1", "mm-2"]
    assert trading().receive(frame(ORDERS, "snapshot", {"orders": []}), 2) == []


def test_cancel_on_disconnect_has_no_topic_and_counts_only_once_confirmed():
    link = trading()
    assert json.loads(link.send(CancelOnDisconnect(), 1)) == {"e": "tdx:cancel_on_disconnect", "a": TOKEN}
    assert not link.statistics().cancel_on_disconnect
    link.receive(json.dumps({"e": "tdx:cancel_on_disconnect_received"}), 2)
    assert link.statistics().cancel_on_disconnect
    link.closed(3, "reset")
    assert not link.statistics().cancel_on_disconnect


def test_the_token_is_in_no_notice_error_or_statistic():
    link = trading("mm-1")
    link.receive(failure("error", message="x"), 2)
    link.receive("{", 3)
    assert TOKEN not in repr((link, link.statistics(), link.take_notices()))


@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True),
    st.sampled_from(Side),
    st.integers(1, 10**15),
    st.integers(1, 10**15),
    st.sampled_from([GTC, IOC, FOK, DAY]),
)
@settings(max_examples=100)
def test_an_order_echoed_by_the_venue_is_the_order_that_was_sent(coid, side, lots, ticks, tif):
    codec = Codec([Pair(ETH, PAIR)], SUB)
    order = place(coid, side=side, lots=lots, ticks=ticks, time_in_force=tif)
    data = json.loads(codec.encode(order, TOKEN))["d"]
    (told,) = codec.decode(frame(ORDERS, "x", {**data, "id": "v", "status": "OPEN"}))
    assert isinstance(told, OrderStated)
    assert (told.client_order_id, told.side) == (coid, side)
    assert (ETH.lots(told.qty), ETH.ticks(told.price)) == (lots, ticks)
