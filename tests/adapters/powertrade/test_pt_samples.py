"""Every documented message of the venue through the codec, as recorded, with its origin as the name of the test."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tickwright.adapters.powertrade import commands
from tickwright.adapters.powertrade.codec import OUT_OF_SCOPE, Codec
from tickwright.adapters.powertrade.messages import (
    BookStated,
    CancelStated,
    Failed,
    Heard,
    Held,
    Ignored,
    Listed,
    OrderInfo,
    OrderMissing,
    OrdersStated,
    PassedOn,
    PositionsStated,
    ReferenceStated,
    Refreshed,
    Replied,
    Rfq,
    RfqsStated,
)
from tickwright.engine.errors import LocalError
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.terms import BUY, SELL, Liquidity, Side
from tickwright.engine.times import SECOND

SAMPLES = [json.loads(line) for line in (Path(__file__).parent / "data" / "documented.jsonl").read_text().splitlines()]
BTC = Instrument(id="BTC-USD.POWERTRADE", tick_size=Decimal("0.1"), lot_size=Decimal("0.0001"), base="BTC", quote="USD")
CODEC = Codec("POWERTRADE", [Listed(instrument=BTC, entity_id="4")])


def of(direction: str) -> list:
    chosen = [sample for sample in SAMPLES if sample["direction"] == direction]
    return [pytest.param(sample, id=f"{sample['kind']} of {sample['source'][:60]}") for sample in chosen]


def test_every_sample_is_in_a_test():
    """What we say is held to its lines by the conformance kit."""
    assert len(of("in")) + len(of("out")) == len(SAMPLES) == 46


NOT_FOUND = "exchange order id or client order id not found in order cache"
EXPECTED = {
    "heartbeat": Heard(venue_ts=1670143999492414_000),
    "command_response_error": Replied(code=12, text="error parsing new order request", user_tag="unique_request_id"),
    "authenticate_ok": Replied(code=0, text="", user_tag="unique_request_id"),
    "authenticate_failed": Replied(
        code=10, text="auth server rejected the authenticate request, Unauthorized", user_tag="unique_request_id"
    ),
    "snapshot_firm_book": BookStated(
        instrument="BTC-USD.POWERTRADE",
        orders=(("1", BUY, 396280, 25), ("2", SELL, 396300, 25)),
        venue_ts=1000 * SECOND,
    ),
    "snapshot_rfq": RfqsStated(
        symbol="ETH-USD-PERPETUAL",
        entity_id="484",
        rfqs=(
            Rfq(
                order_id="8910362",
                symbol="ETH-USD-PERPETUAL",
                entity_id="484",
                side=Side.BUY,
                qty=Decimal("0.1"),
                price=Decimal("1301.28"),
                venue_ts=1669643400000098_000,
            ),
        ),
    ),
    "rest_refreshInterest_ok": Refreshed(user_tag="", client_order_id="", venue_order_id="9553968", reason="success"),
    "rest_refreshInterest_unknown": Refreshed(user_tag="", client_order_id="", venue_order_id="4", reason=NOT_FOUND),
    "rest_error_unauthorized": Failed(code="14", text="auth server rejected the authenticate request, Unauthorized"),
    "rest_error": Failed(code="16", text="optional exchange order_id must be numeric"),
    "rest_order_details_unknown": OrderMissing(reason=NOT_FOUND),
    "rest_cancel_ok": CancelStated(
        client_order_id="cA1NP44bPggQuhuvxXqR_", venue_order_id="9553031", reason="user_cancelled"
    ),
    "rest_cancel_unknown": CancelStated(
        client_order_id="",
        venue_order_id="123",
        reason="exchange order_id or client_order_id not found in order cache",
    ),
    "rest_cancel_bad_parameter": Failed(code="16", text="optional exchange order_id must be numeric"),
    "rest_cancel_all_ok": PassedOn(name="cancel_all_orders", user_tag="", reason="success", client_order_ids=()),
    "rest_cancel_all_none": PassedOn(
        name="cancel_all_orders", user_tag="", reason="failed no open orders found", client_order_ids=()
    ),
}


@pytest.mark.parametrize("sample", of("in"))
def test_what_we_receive_is_understood(sample):
    text = json.dumps(sample["message"])
    message = CODEC.decode(text)
    assert CODEC.decode(text.encode()) == message
    kind = sample["kind"]
    if kind in EXPECTED:
        assert message == EXPECTED[kind]
        return
    match kind:
        case "entities_and_rules_response" | "rest_exchangeInfo" | "entities_and_rules_symbol_row":
            assert isinstance(message, ReferenceStated)
            (row,) = sample["message"]["entities_and_rules_response"]["symbols"]
            (one,) = message.listed
            assert message.faults == ()
            instrument = one.instrument
            assert (instrument.symbol, one.entity_id) == (row["symbol"], row["tradeable_entity_id"])
            assert instrument.tick_size == Decimal(row["price_step"])
            assert instrument.lot_size == Decimal(row["quantity_step"])
            assert instrument.min_qty == Decimal(row["minimum_quantity"])
            assert instrument.max_notional == Decimal(row["maximum_value"])
            assert instrument.kind is (Kind.SPOT if "spot" in row["tags"] else Kind.LINEAR)
            assert (instrument.base, instrument.quote) == (row["symbol"][:3], "USD")
        case "positions_response" | "rest_positions":
            assert isinstance(message, PositionsStated)
            rows = sample["message"]["positions_response"]["positions"]
            assert message.positions == tuple(
                Held(
                    symbol=row["symbol"],
                    size=Decimal(row["size"]),
                    product=row["product_type"],
                    average=Decimal(row["average_entry_price"]),
                )
                for row in rows
            )
        case "rest_openOrders":
            assert isinstance(message, OrdersStated)
            (info,) = message.orders
            assert (info.symbol, info.qty, info.price) == ("PTF-USD", Decimal(1000), Decimal("0.01"))
            assert (info.state, info.cancel_state, info.side) == ("accepted", "none", Side.BUY)
        case "rest_order_details":
            assert isinstance(message, OrderInfo)
            (part,) = message.executions
            assert (part.qty, part.liquidity) == (Decimal("0.002"), Liquidity.TAKER)
            assert (part.trade_id, part.venue_ts) == ("2164967", 1637596673102302000)
        case _:
            pytest.fail(f"no expectation for {kind}")


def test_what_is_out_of_scope_is_ignored_by_name():
    for name in OUT_OF_SCOPE:
        assert CODEC.decode(json.dumps({name: {}})) == Ignored(name=name)


@pytest.mark.parametrize("value", [1, 1.5, True, False, None, Decimal(1), b"1", Side.BUY, 10**400], ids=repr)
def test_no_number_and_no_truth_value_can_leave(value):
    fields = {"side": "buy", "quantity": value, "user_tag": "t"}
    with pytest.raises(LocalError, match=r"new_order\.quantity: expected a text"):
        commands.new_order(fields, "t")
    with pytest.raises(LocalError, match="expected a text"):
        commands.new_bulk_order([fields], "t")
    with pytest.raises(LocalError, match="expected a text"):
        commands.new_order({"legs": [{"sym": "BTC-USD", "ratio": value}]}, "t")
    with pytest.raises(LocalError, match="expected a text"):
        commands.subscribe("trades", value)


def test_tags_and_order_ids_keep_the_venues_rules():
    for tag in ("t" * 65, "tag\n", "täg"):
        with pytest.raises(LocalError, match="user_tag"):
            commands.asked("balances", tag)
    assert json.loads(commands.asked("balances", "t" * 64)) == {"balances": {"user_tag": "t" * 64}}
    for name in ("x" * 33, "x.1", "x 1", "ä"):
        with pytest.raises(LocalError, match="client_order_id"):
            commands.cancel_order("t", client_order_id=name)
    with pytest.raises(LocalError, match="either id"):
        commands.cancel_order("t")
    with pytest.raises(LocalError, match="either id"):
        commands.refresh_interest("t", order_id="1", client_order_id="x")


def test_decimals_leave_with_a_digit_after_the_point_and_no_exponent():
    cases = {"825": "825.0", "0.25": "0.25", "2.500": "2.5", "1E+3": "1000.0", "1E-7": "0.0000001", "-3": "-3.0"}
    assert {text: commands.fraction(Decimal(text)) for text in cases} == cases
