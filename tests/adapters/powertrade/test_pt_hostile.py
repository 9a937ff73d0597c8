"""Hostile frames: whatever arrives, it is a bad message that names its field, or it means something; never else."""

import json
import random
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.adapters.bad_message import BadMessage, OffGrid
from tickwright.adapters.conformance.mutants import HOSTILE, broken, by_structure
from tickwright.adapters.powertrade.codec import Codec
from tickwright.adapters.powertrade.link import Link
from tickwright.adapters.powertrade.messages import (
    BookStated,
    CancelStated,
    Executed,
    LevelsChanged,
    Listed,
    Message,
    OrderInfo,
    OrderMoved,
    OrderShown,
    OrderTaken,
    PublicTrade,
    Rfq,
    RfqShown,
    RfqsStated,
)
from tickwright.adapters.powertrade.wire import SIZE_MAX
from tickwright.adapters.strict import DEPTH_MAX
from tickwright.engine.events import Event
from tickwright.engine.instrument import GRID_MAX, Instrument
from tickwright.engine.terms import BUY, SELL, Side

ETH = Instrument(id="ETH-USD.POWERTRADE", tick_size=Decimal("0.05"), lot_size=Decimal("0.001"), base="ETH", quote="USD")
PAIR = Instrument(
    id="ETH-20261225@1/ETH-20270326@-1.POWERTRADE", tick_size=Decimal("0.05"), lot_size=Decimal("0.001"),
    base="ETH", quote="USD",
)  # fmt: skip
LISTED = [Listed(instrument=ETH, entity_id="5"), Listed(instrument=PAIR)]
CODEC = Codec("POWERTRADE", LISTED)
MESSAGES = get_args(Message)
EVENTS = get_args(Event)

STAMPS = {"server_utc_timestamp": "1760000001300000", "utc_timestamp": "1760000001299000"}
WHERE = {"market_id": "0", "tradeable_entity_id": "5", "symbol": "ETH-USD"}
ROW = {"utc_timestamp": "1759999990000001", "price": "2500.10", "quantity": "1.5", "order_id": "9100001"}
SNAPSHOT = {**STAMPS, **WHERE, "buy": [ROW], "sell": [{**ROW, "price": "2500.90", "order_id": "9100002"}]}
ADDED = {**STAMPS, **WHERE, "side": "buy", "order_id": "9100003", "price": "2500.00", "quantity": "2.0"}
UPDATED = {**STAMPS, **WHERE, "side": "buy", "old_order_id": "1", "new_order_id": "2", "price": "2.5", "quantity": "1"}
DELTAS = {
    **WHERE, "buy": {"add_price_level": [{"price": "2499.5", "quantity": "3.0"}], "delete_price_level": "2498.0"},
    "sell": {},
}  # fmt: skip
TRADE = {**STAMPS, **WHERE, "trade_id": "7", "price": "2500.90", "quantity": "0.2"}
FILL = {
    **STAMPS, "tradeable_entity_id": "5", "symbol": "ETH-USD", "trade_id": "741540", "order_id": "9300001",
    "client_order_id": "x1-000001", "executed_price": "2500.0", "executed_quantity": "0.1", "liquidity_flag": "added",
    "price": "2500.0", "side": "buy", "order_state": "partial_fill",
}  # fmt: skip
OWN = {**STAMPS, **WHERE, "type": "LIMIT", "order_id": "9300001", "client_order_id": "x1-1", "reason": "success"}
INFO = {
    "market_id": "0", "tradeable_entity_id": "5", "symbol": "ETH-USD", "type": "LIMIT", "order_id": "9300001",
    "client_order_id": "x1", "quantity": "0.25", "price": "2500.0", "side": "buy", "order_state": "partial_fill",
    "cancel_state": "none", "executions": [
        {"utc_timestamp": "1760000011999000000", "executed_price": "2500.0", "executed_quantity": "0.1",
         "trade_id": "741540", "liquidity_flag": "added"}],
}  # fmt: skip
FRAMES = [
    {"snapshot": SNAPSHOT},
    {"snapshot": {**SNAPSHOT, "market_id": "none"}},
    {"order_added": ADDED},
    {"order_added": {**ADDED, "market_id": "none", "price": "none"}},
    {"order_executed": ADDED},
    {"order_deleted": {key: value for key, value in ADDED.items() if key not in ("price", "quantity")}},
    {"order_updated": UPDATED},
    {"deltas": DELTAS},
    {"trade": TRADE},
    {"execution": FILL},
    {"order_accepted": OWN},
    {"order_rejected": OWN},
    {"cancel_order": {**OWN, "filled_quantity": "0.6"}},
    {"trade_history_response": {"user_tag": "h", "executions": [FILL]}},
    {"query_order_response": INFO},
    {"query_open_orders_response": {"utc_timestamp": "1760000011999000", "open_orders": [INFO]}},
    {"balances_response": {"user_tag": "b", "balances": [{"symbol": "USD", "cash_balance": "100000.0"}]}},
    {"balance_response": [{"symbol": "USD", "cash_balance": "100000.0"}]},
    {"new_bulk_order_response": {"user_tag": "b", "results": [{"client_order_id": "b", "order_state": "pending_new"}]}},
]


def frame(name: str, body: object) -> str:
    return json.dumps({name: body})


def refused(text: str | bytes) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        CODEC.decode(text)
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()
    return caught.value


NOT_TEXTS = [1, -1, 1.5, 1e300, True, False, None, [1], [True], {"x": 1}, [[None]]]
NOT_DECIMALS = [
    "NaN", "Infinity", "-Infinity", "1e3", "1E3", "1_000", " 1", "1 ", "+1", ".5", "5.", "", "0x10", "1,5",
    "\u0661", "\uff11", "9" * 31, "1." + "9" * 31, "1\n", "\u001b[31m", "none",
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_TEXTS, ids=repr)
@pytest.mark.parametrize("original", FRAMES, ids=lambda one: next(iter(one)))
def test_a_scalar_that_is_no_text_is_refused_wherever_it_stands(original, value):
    ((name, body),) = original.items()
    if isinstance(body, dict):
        refused(frame(name, {**body, "field_of_tomorrow": value}))
        for key in body:
            refused(frame(name, {**body, key: value}))
    refused(frame("message_of_tomorrow", {"x": value}))


@pytest.mark.parametrize("value", NOT_DECIMALS, ids=repr)
@pytest.mark.parametrize(
    ("name", "base", "key"),
    [("order_added", ADDED, "price"), ("order_added", ADDED, "quantity"), ("order_updated", UPDATED, "price"),
     ("order_executed", ADDED, "quantity"), ("trade", TRADE, "price"), ("trade", TRADE, "quantity"),
     ("execution", FILL, "executed_price"), ("execution", FILL, "executed_quantity")],
)  # fmt: skip
def test_prices_and_quantities_are_plain_decimals(name, base, key, value):
    assert refused(frame(name, {**base, key: value})).field == f"{name}.{key}"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "frame"),
        ("[]", "frame"),
        ("null", "frame"),
        ("{}", "frame"),
        ('{"a":{},"b":{}}', "frame"),
        ('{"heartbeat":{}} {}', "frame"),
        ('{"heartbeat":{"x":NaN}}', "frame"),
        ('{"heartbeat":{"x":"\\ud800"}}', "frame"),
        (b'{"heartbeat":"\xff"}', "frame"),
        ('{"heartbeat":{"server_utc_timestamp":"1","server_utc_timestamp":"2"}}', "'server_utc_timestamp'"),
        ('{"heartbeat":{},"heartbeat":{}}', "'heartbeat'"),
        (frame("heartbeat", {"server_utc_timestamp": "yesterday"}), "heartbeat.server_utc_timestamp"),
        (frame("heartbeat", {"server_utc_timestamp": "9" * 19}), "heartbeat.server_utc_timestamp"),
        (frame("heartbeat", []), "heartbeat"),
        (frame("command_response", {"user_tag": "x"}), "command_response.error_code"),
        (frame("order_added", {**ADDED, "side": "BUY"}), "order_added.side"),
        (frame("order_added", {**ADDED, "order_id": ""}), "order_added.order_id"),
        (frame("order_added", {**ADDED, "quantity": "0"}), "order_added.quantity"),
        (frame("order_added", {**ADDED, "price": "0"}), "order_added.price"),
        (frame("order_added", {**ADDED, "price": "-1"}), "order_added.price"),
        (frame("snapshot", {**SNAPSHOT, "buy": [ROW, ROW]}), "snapshot"),
        (frame("snapshot", {**SNAPSHOT, "buy": {}}), "snapshot.buy"),
        (frame("snapshot", {**SNAPSHOT, "sell": [{**ROW, "price": "x"}]}), "snapshot.sell"),
        (frame("deltas", {**DELTAS, "buy": {"add_order": []}}), "deltas.buy"),
        (frame("deltas", {**DELTAS, "buy": {"delete_price_level": {"x": "1"}}}), "deltas.buy.delete_price_level"),
        (frame("execution", {**FILL, "order_id": "", "client_order_id": ""}), "execution.order_id"),
        (frame("execution", {**FILL, "executed_quantity": "0"}), "execution.executed_quantity"),
        (frame("cancel_order", {"reason": "x"}), "cancel_order.order_id"),
        (frame("cancel_order", {**OWN, "filled_quantity": "-1"}), "cancel_order.filled_quantity"),
        (frame("order_accepted", {**OWN, "client_order_id": ""}), "order_accepted.client_order_id"),
        (frame("order_rejected", {**OWN, "reason": "x" * 1025}), "order_rejected.reason"),
        (frame("query_order_response", {**INFO, "executions": "none"}), "query_order_response.executions"),
    ],
)  # fmt: skip
def test_a_bad_message_names_its_field(text, field):
    assert refused(text).field == field


def test_what_cannot_be_read_of_a_book_names_the_book():
    for name, body in (
        ("order_added", {**ADDED, "price": "x"}),
        ("order_added", {**ADDED, "price": 5}),
        ("snapshot", {**SNAPSHOT, "buy": "x"}),
        ("deltas", {**DELTAS, "sell": {"add_order": []}}),
    ):
        assert refused(frame(name, body)).topic == "ETH-USD"
    assert refused(frame("order_added", {**ADDED, "symbol": "", "price": "x"})).topic == "ETH-USD"
    assert refused(frame("snapshot", {**SNAPSHOT, "market_id": "none", "buy": "x"})).topic == ""
    off = refused(frame("order_added", {**ADDED, "price": "2500.01"}))
    assert isinstance(off, OffGrid)
    assert str(off).startswith("ETH-USD: order_added.price: expected a multiple of the grid of ETH-USD.POWERTRADE")


def test_a_package_may_cost_less_than_nothing_and_nothing_else_may():
    where = {"market_id": "0", "symbol": PAIR.symbol, "tradeable_entity_id": "88"}
    shown = CODEC.decode(frame("order_added", {**ADDED, **where, "price": "-12.05"}))
    assert isinstance(shown, OrderShown)
    assert shown.ticks == -241
    assert refused(frame("order_added", {**ADDED, **where, "price": "--1"})).field == "order_added.price"


def test_size_and_depth_are_bounded_before_anything_is_parsed():
    small = Codec("POWERTRADE", size_max=100)
    small.decode(frame("heartbeat", {}))
    with pytest.raises(BadMessage, match="at most 100 bytes"):
        small.decode(frame("heartbeat", {"x": "y" * 100}))
    assert "bytes" in str(refused("x" * (SIZE_MAX + 1)))
    for opened, closed in (("[", "]"), ('{"a":[', "]}")):
        for levels in (DEPTH_MAX, 100_000):
            assert "levels" in str(refused('{"x":' + opened * levels + '"1"' + closed * levels + "}"))


# The kit's mutants of every frame

ALSO = [[{"price": "1", "quantity": "1"}], "255", "buy", "ETH-USD", "5", PAIR.symbol]
"""Hostile values of this venue, beside those of every venue."""


def originals() -> list[dict]:
    lines = (Path(__file__).parent / "data" / "documented.jsonl").read_text().splitlines()
    return [line["message"] for line in map(json.loads, lines) if line["direction"] == "in"] + FRAMES


def check_message(message: object) -> None:
    assert isinstance(message, MESSAGES)
    match message:
        case BookStated(orders=orders):
            assert len(orders) <= 10
            for _, side, ticks, lots in orders:
                assert side in (BUY, SELL)
                assert abs(ticks) <= GRID_MAX
                assert 0 < lots <= GRID_MAX
        case OrderShown() | OrderMoved() | OrderTaken() | PublicTrade():
            assert message.instrument in (ETH.id, PAIR.id)
            assert abs(message.ticks) <= GRID_MAX
            assert 0 < message.lots <= GRID_MAX
            assert 0 <= message.venue_ts < 1 << 63
        case LevelsChanged(changes=changes):
            assert all(abs(ticks) <= GRID_MAX and 0 <= lots <= GRID_MAX for _, ticks, lots in changes)
        case RfqsStated(rfqs=rfqs):
            assert all(isinstance(rfq, Rfq) and rfq.qty > 0 for rfq in rfqs)
        case RfqShown(rfq=rfq):
            assert rfq.qty > 0
        case Executed(qty=qty, price=price):
            assert qty > 0
            assert price.is_finite()
        case CancelStated(filled=filled):
            assert filled is None or filled >= 0
        case OrderInfo(qty=qty):
            assert qty > 0
        case _:
            pass


@pytest.mark.slow
def test_a_hundred_thousand_mutants_are_understood_or_refused():
    rng = random.Random(20250101)
    seeds = [text for original in originals() for text in by_structure(original, ALSO)]
    link = Link(venue="POWERTRADE", listed=LISTED, trading=True, rfqs=True)
    link.opened(0)
    tag = json.loads(link.login("token", 0))["authenticate"]["user_tag"]
    link.receive(frame("command_response", {"error_code": "0", "user_tag": tag}), 0)
    for name in ("x1-000001", "x1-1", "x1"):
        link.requests.placed(name, ETH, Side.BUY, 1000)

    def pick() -> str:
        return seeds[int(rng.random() * len(seeds))]

    understood = refused_count = 0
    for number in range(100_000):
        text: str | bytes = seeds[number] if number < len(seeds) else broken(pick(), pick(), rng)
        if number % 10 == 0:
            at = number * 1_000_000
            for event in link.receive(text, at):
                assert isinstance(event, EVENTS)
            link.outgoing(at)
            link.take_events()
            link.take_notices()
        try:
            check_message(CODEC.decode(text))
            understood += 1
        except BadMessage:
            refused_count += 1
    assert len(seeds) > 10_000
    assert understood > 10_000
    assert refused_count > 10_000


TEXTS = st.sampled_from([value for value in (*HOSTILE, *ALSO) if isinstance(value, str)]) | st.text(max_size=8)
JSON = st.recursive(
    TEXTS | st.sampled_from([1, None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ADDED, *INFO]), inner, max_size=4),
    max_leaves=8,
)


@given(st.text(max_size=40) | st.binary(max_size=40))
@settings(max_examples=100)
def test_garbage_is_only_ever_a_bad_message(garbage):
    with suppress(BadMessage):
        check_message(CODEC.decode(garbage))


@given(st.sampled_from(FRAMES), JSON)
@settings(max_examples=150)
def test_json_of_any_shape_is_understood_or_refused(original, data):
    ((name, body),) = original.items()
    merged = {**body, **data} if isinstance(data, dict) and isinstance(body, dict) else data
    with suppress(BadMessage):
        check_message(CODEC.decode(frame(name, merged)))
