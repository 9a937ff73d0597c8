"""Hostile frames: whatever arrives, it is a bad message that names its field, or it means something; never else."""

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.adapters.bad_message import BadMessage, OffGrid
from tickwright.adapters.conformance.mutants import HOSTILE, broken, by_structure
from tickwright.adapters.strict import DEPTH_MAX
from tickwright.adapters.tdx.codec import Codec
from tickwright.adapters.tdx.link import Link
from tickwright.adapters.tdx.messages import BalanceStated, Depth, Message, OrderStated, Pair, PublicTrade, TradeStated
from tickwright.adapters.tdx.notices import ReconcileWanted
from tickwright.adapters.tdx.wire import SIZE_MAX
from tickwright.engine.events import Event
from tickwright.engine.instrument import GRID_MAX, Instrument
from tickwright.engine.terms import BUY, SELL

SUB = "8cc80065-6679-4426-9f96-d7023220226c"
PAIR = "9e8d7c6b-5a49-4382-9170-6f5e4d3c2b1a"
ORDERS = f"{SUB}@subaccount-orders"
ETH = Instrument(id="ETH/CHF.TDX", tick_size=Decimal("0.05"), lot_size=Decimal("0.0001"), base="ETH", quote="CHF")
OTHERS = [
    Instrument(id=f"{base}/{quote}.TDX", tick_size=Decimal("0.01"), lot_size=Decimal("0.5"), base=base, quote=quote)
    for base, quote in (("BTC", "CHF"), ("ACETO", "USD"))
]
PAIRS = [Pair(ETH, PAIR), *(Pair(other) for other in OTHERS)]
CODEC = Codec(PAIRS, SUB)
MESSAGES = get_args(Message)
EVENTS = get_args(Event)

ORDER = {
    "id": "b7f0c2d4-1e35-4a68-9c0b-2d4f6a8c0e12",
    "subAccountId": SUB,
    "pairId": PAIR,
    "clientOrderId": "mm-17",
    "side": "SIDE_BUY",
    "quantity": "2",
    "executedQuantity": "0.75",
    "price": "3100",
    "status": "STATUS_PARTIALLY_FILLED",
    "type": "TYPE_LIMIT",
    "symbol": "ETH/CHF",
    "timeInForce": "TIME_IN_FORCE_GTC",
    "createdAt": "2025-01-01T00:00:05.123Z",
    "updatedAt": "2025-01-01T00:00:09.001Z",
}
FILL = {
    "id": "5e6f7a8b-9c0d-4e1f-a2b3-c4d5e6f7a8b9",
    "orderId": ORDER["id"],
    "pairId": PAIR,
    "side": "SIDE_BUY",
    "quantity": "0.75",
    "originalQuantity": "2",
    "cumulativeQuantity": "0.75",
    "price": "3100",
    "grossAmount": "2325",
    "transactionFee": "2.325",
    "swissStampTax": "0.1",
    "executedAt": "2025-01-01T00:00:09.001Z",
    "isTaker": False,
}
TRADE = {"d": 1735689605123, "p": "3104.5", "q": "1.25", "i": "6c1e", "a": "SELL"}
BOOK = {"u": 901, "U": 904, "b": [["3100", "0"], ["3099.5", "2"]], "a": []}


def frame(topic: str, event: str, data: object) -> str:
    return json.dumps({"t": topic, "e": event, "d": data})


def refused(text: str | bytes) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        CODEC.decode(text)
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()
    return caught.value


NOT_DECIMALS = [
    "NaN", "Infinity", "-Infinity", "1e3", "1E3", "1_000", " 1", "1 ", "+1", ".5", "5.", "", "0x10", "1,5",
    "\u0661", "\uff11", "-0", "-1", "9" * 31, "1." + "9" * 31, "1\n", "\u001b[31m", 1, 1.5, True, None, [], {},
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_DECIMALS, ids=repr)
@pytest.mark.parametrize("key", ["p", "q"])
def test_a_trade_takes_plain_decimals_only(key, value):
    bad = refused(frame("ETH/CHF@trades", "trade", {**TRADE, key: value}))
    assert bad.field == f"d.{key}"
    assert bad.topic == "ETH/CHF@trades"


@pytest.mark.parametrize("value", NOT_DECIMALS, ids=repr)
@pytest.mark.parametrize("place", [0, 1])
def test_a_level_takes_plain_decimals_only(place, value):
    level: list[object] = ["3100", "1"]
    level[place] = value
    bad = refused(frame("ETH/CHF@depth@100ms", "orderbook", {**BOOK, "a": [["3101", "1"], level]}))
    assert bad.field.startswith("d.a")


@pytest.mark.parametrize("value", [value for value in NOT_DECIMALS if value not in ("-1", "-0", "", None)], ids=repr)
@pytest.mark.parametrize(
    ("base", "key"),
    [(ORDER, "quantity"), (ORDER, "executedQuantity"), (ORDER, "price"), (FILL, "quantity"), (FILL, "price"),
     (FILL, "transactionFee"), (FILL, "swissStampTax"), (FILL, "cumulativeQuantity")],
)  # fmt: skip
def test_orders_and_fills_take_plain_decimals_only(base, key, value):
    assert refused(frame(ORDERS, "x", {**base, key: value})).field == f"d.{key}"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "frame"),
        ("\ufeff{}", "frame"),
        ("[]", "frame"),
        ("null", "frame"),
        ("{}", "e"),
        ('{"e":1}', "e"),
        ('{"e":"x","t":[]}', "t"),
        ('{"e":"x","d":NaN}', "frame"),
        ('{"e":"x","d":Infinity}', "frame"),
        ('{"e":"x","d":-Infinity}', "frame"),
        ('{"e":"x","d":01}', "frame"),
        ('{"e":"x"} {}', "frame"),
        ('{"e":"x"', "frame"),
        ('{"e":"x","d":"\\ud800"}', "frame"),
        ("{'e':'x'}", "frame"),
        ('{"e":"' + "x" * 1025 + '"}', "e"),
        (b'{"e":"\xff"}', "frame"),
        (b'{"e":"\xc3', "frame"),
        (b'\xff\xfe{\x00"\x00', "frame"),
        ('{"e":"\ud800"}', "frame"),
        (frame("ETH/CHF@trades", "trade", None), "d"),
        (frame("ETH/CHF@trades", "trade", []), "d"),
        ('{"e":"trade","t":"ETH/CHF@trades"}', "frame"),
        (frame("ETH/CHF@trades", "trade", {**TRADE, "d": 1.5}), "d.d"),
        (frame("ETH/CHF@trades", "trade", {**TRADE, "d": True}), "d.d"),
        (frame("ETH/CHF@trades", "trade", {**TRADE, "d": -1}), "d.d"),
        (frame("ETH/CHF@trades", "trade", {**TRADE, "d": 10**19}), "d.d"),
        (frame("ETH/CHF@trades", "trade", {**TRADE, "d": "yesterday"}), "d.d"),
        (frame("ETH/CHF@trades", "trade", {**TRADE, "a": "BID"}), "d.a"),
        (frame("ETH/CHF@trades", "trade", {**TRADE, "i": "x" * 1025}), "d.i"),
        (frame("ETH/CHF@trades", "trade", {**TRADE, "q": "0"}), "d.q"),
        (frame("ETH/CHF@depth@100ms", "orderbook", {**BOOK, "U": 900}), "d.U"),
        (frame("ETH/CHF@depth@100ms", "orderbook", {**BOOK, "u": "901"}), "d.u"),
        (frame("ETH/CHF@depth@100ms", "orderbook", {**BOOK, "u": -1}), "d.u"),
        (frame("ETH/CHF@depth@100ms", "orderbook", {**BOOK, "u": 1 << 63}), "d.u"),
        (frame("ETH/CHF@depth@100ms", "orderbook", {**BOOK, "b": [["1"]]}), "d.b[0]"),
        (frame("ETH/CHF@depth@100ms", "orderbook", {**BOOK, "b": [["1", "1", "1"]]}), "d.b[0]"),
        (frame("ETH/CHF@depth@100ms", "orderbook", {**BOOK, "b": {}}), "d.b"),
        (frame("ETH/CHF@depth@100ms", "orderbook", {**BOOK, "b": [["0", "1"]]}), "d.b"),
        (frame(ORDERS, "x", None), "d"),
        (frame(ORDERS, "x", 5), "d"),
        (frame(ORDERS, "x", {**FILL, "isTaker": 1}), "d.isTaker"),
        (frame(ORDERS, "x", {**FILL, "isTaker": "false"}), "d.isTaker"),
        (frame(ORDERS, "x", {**FILL, "quantity": "0"}), "d.quantity"),
        (frame(ORDERS, "x", {**FILL, "side": "BOTH"}), "d.side"),
        (frame(ORDERS, "x", {**FILL, "executedAt": "2025-02-30T00:00:00Z"}), "d.executedAt"),
        (frame(ORDERS, "x", {**ORDER, "clientOrderId": 17}), "d.clientOrderId"),
        (frame(ORDERS, "x", {"orders": [ORDER, {**ORDER, "status": 3}]}), "d.status"),
        (frame(f"{SUB}@balances", "balance", {"i": "x", "a": "1e5"}), "d.a"),
        (frame(f"{SUB}@balances", "balance", {"i": "x"}), "d.a"),
        (frame("*@prices@mid", "price", {"v": 1}), "d.v"),
    ],
)  # fmt: skip
def test_a_bad_message_names_its_field(text, field):
    assert refused(text).field == field


def test_the_error_says_who_what_was_expected_and_what_came():
    bad = refused(frame("ETH/CHF@trades", "trade", {**TRADE, "p": "1e5"}))
    assert str(bad) == (
        "ETH/CHF@trades: d.p: expected a plain decimal without sign, received '1e5'; the message is dropped"
    )
    off = refused(frame("ETH/CHF@trades", "trade", {**TRADE, "p": "3104.51"}))
    assert isinstance(off, OffGrid)
    assert off.code == "PRICE_OFF_TICK"
    assert isinstance(refused(frame("ETH/CHF@trades", "trade", {**TRADE, "q": "9" * 30})), OffGrid)


@pytest.mark.parametrize("body", [ORDER, FILL], ids=["order", "fill"])
def test_an_order_or_a_fill_that_says_a_key_twice_is_refused(body):
    text = frame(ORDERS, "x", body)
    assert CODEC.decode(text)
    bad = refused(text.replace('"quantity": ', '"quantity": "9", "quantity": '))
    assert bad.field == "'quantity'"
    assert "each key once" in str(bad)
    assert refused(text[:-1] + ', "t": "x"}').field == "'t'"
    balance = frame(f"{SUB}@balances", "balance", {"i": "x", "a": "1"})
    assert refused(balance.replace('"a": ', '"a": "9", "a": ')).field == "'a'"


def test_size_and_depth_are_bounded_before_anything_is_parsed():
    padded = '{"e":"x","t":"y","x":"%s"}'
    room = SIZE_MAX - len(padded % "")
    assert CODEC.decode(padded % ("p" * room))
    assert "bytes" in str(refused(padded % ("p" * (room + 1))))
    assert "bytes" in str(refused(padded % ("\u00e9" * (room // 2 + 1))))
    nested = '{"e":"x","x":%s%s}'
    deep = DEPTH_MAX - 1
    assert CODEC.decode(nested % ("[" * deep, "]" * deep))
    for opened, closed in (("[", "]"), ('{"a":[', "]}")):
        for levels in (DEPTH_MAX, 100_000):
            assert "levels" in str(refused(nested % (opened * levels + "1", closed * levels)))
    # Brackets in strings nest nothing, and hide nothing.
    assert CODEC.decode(nested % ('"' + "[" * 100 + '\\"', '"'))
    assert "levels" in str(refused(nested % ('["]",' * 100, "]" * 100)))


def test_unknown_fields_are_ignored_whatever_they_hold():
    odd = {"later": {"x": [1, 2.5, None]}, "exponent": 5}
    for topic, body in (("ETH/CHF@trades", TRADE), ("ETH/CHF@depth@100ms", BOOK), (ORDERS, ORDER), (ORDERS, FILL)):
        event = "orderbook" if body is BOOK else "trade"
        text = frame(topic, event, {**body, **odd}).replace('"exponent": 5', '"exponent": 1e999, "long": ' + "9" * 5000)
        assert CODEC.decode(text) == CODEC.decode(frame(topic, event, body))


def test_a_bad_private_message_asks_for_a_reconciliation_and_the_link_lives():
    link = Link(venue="TDX", pairs=PAIRS, topics=[ORDERS], sub_account_id=SUB)
    link.opened(0)
    assert link.receive(frame(ORDERS, "x", {**FILL, "quantity": "NaN"}), 1) == []
    assert link.receive("{", 2) == []
    notices = link.take_notices()
    assert [type(notice) for notice in notices] == [BadMessage, ReconcileWanted] * 2
    assert link.statistics().bad == 2


# The kit's mutants of every documented frame, and of the private ones that the documents leave out

ALSO = ["ETH/CHF@trades", "ETH/CHF@depth@100ms", ORDERS, "trade", {"order": {}}]
"""Hostile values of this venue, beside those of every venue."""


def originals() -> list[dict]:
    lines = (Path(__file__).parent / "data" / "documented.jsonl").read_text().splitlines()
    recorded = [json.loads(line) for line in lines]
    made = [("ETH/CHF@trades", "trade", TRADE), ("ETH/CHF@depth@100ms", "orderbook", BOOK)]
    made += [(ORDERS, "order", ORDER), (ORDERS, "trade", FILL), (ORDERS, "tdx:order_create_received", {"id": "1"})]
    made += [
        (ORDERS, "tdx:order_cancel_failed", {"clientOrderId": "mm-17", "code": 404, "message": "no", "details": []})
    ]
    return [line["message"] for line in recorded if "e" in line["message"]] + [
        {"t": topic, "e": event, "d": data} for topic, event, data in made
    ]


def check_message(message: object) -> None:
    assert isinstance(message, MESSAGES)
    match message:
        case Depth(changes=changes, first=first, last=last):
            assert 0 <= first <= (first if last is None else last) < 1 << 63
            for side, ticks, lots in changes:
                assert side in (BUY, SELL)
                assert 0 < ticks <= GRID_MAX
                assert 0 <= lots <= GRID_MAX
        case PublicTrade(ticks=ticks, lots=lots, venue_ts=ts):
            assert 0 < ticks <= GRID_MAX
            assert 0 < lots <= GRID_MAX
            assert 0 <= ts < 1 << 63
        case OrderStated():
            numbers = (message.qty, message.executed, message.price)
            assert all(number is None or (number.is_finite() and number >= 0) for number in numbers)
        case TradeStated():
            assert message.qty > 0
            assert message.price > 0
            assert message.cost is None or message.cost.is_finite()
        case BalanceStated():
            assert message.available.is_finite()
        case _:
            pass


@pytest.mark.slow
def test_a_hundred_thousand_mutants_are_understood_or_refused():
    rng = random.Random(20250101)
    seeds = [text for original in originals() for text in by_structure(original, ALSO)]
    topics = ["ETH/CHF@trades", "BTC/CHF@trades", "ETH/CHF@depth@100ms", ORDERS, f"{SUB}@balances"]
    link = Link(venue="TDX", pairs=PAIRS, topics=topics, sub_account_id=SUB)
    link.authorize("token", 1 << 62, 0)
    link.opened(0)

    def pick() -> str:
        return seeds[int(rng.random() * len(seeds))]

    understood = refused_count = 0
    for number in range(100_000):
        text: str | bytes = seeds[number] if number < len(seeds) else broken(pick(), pick(), rng)
        if number % 10 == 0:
            for event in link.receive(text, number):
                assert isinstance(event, EVENTS)
            link.outgoing(number)
            link.take_notices()
        try:
            for message in CODEC.decode(text):
                check_message(message)
            understood += 1
        except BadMessage:
            refused_count += 1
    assert len(seeds) > 10_000
    assert understood > 10_000
    assert refused_count > 10_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(HOSTILE[:20]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*ORDER, *FILL, *TRADE, *BOOK, "order", "trades", "message"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
TOPICS = ["ETH/CHF@trades", "ETH/CHF@depth@100ms", ORDERS, f"{SUB}@balances", "*@prices@mid", "x@quotes", "", "x"]
NAMES = [
    "trade",
    "orderbook",
    "orderbook_update",
    "order",
    "balance",
    "price",
    "tdx:error",
    "tdx:subscription_received",
]


@given(st.text(max_size=40) | st.binary(max_size=40))
@settings(max_examples=100)
def test_garbage_is_only_ever_a_bad_message(garbage):
    try:
        for message in CODEC.decode(garbage):
            check_message(message)
    except BadMessage:
        pass


@given(st.sampled_from(TOPICS), st.sampled_from(NAMES), JSON, st.sampled_from([{}, ORDER, FILL, TRADE, BOOK]))
@settings(max_examples=150)
def test_json_of_any_shape_is_understood_or_refused(topic, name, data, base):
    merged = {**base, **data} if isinstance(data, dict) else data
    try:
        for message in CODEC.decode(frame(topic, name, merged)):
            check_message(message)
    except BadMessage:
        pass
