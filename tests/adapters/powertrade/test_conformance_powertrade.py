"""PowerTrade through the adapter conformance kit."""

from decimal import Decimal
from pathlib import Path

from tickwright.adapters.conformance import Conformance, Sample, VenueUnderTest
from tickwright.adapters.powertrade import commands
from tickwright.adapters.powertrade.codec import Codec
from tickwright.adapters.powertrade.messages import (
    BookStated,
    CancelStated,
    Failed,
    Heard,
    Listed,
    OrderInfo,
    OrderMissing,
    OrdersStated,
    PassedOn,
    PositionsStated,
    ReferenceStated,
    Refreshed,
    Replied,
    RfqsStated,
)
from tickwright.engine.instrument import Instrument

BTC = Instrument(id="BTC-USD.POWERTRADE", tick_size=Decimal("0.1"), lot_size=Decimal("0.0001"), base="BTC", quote="USD")
CODEC = Codec("POWERTRADE", [Listed(instrument=BTC, entity_id="4")])


def said(sample: Sample) -> str:
    """Our own encoder, given the line's texts as arguments."""
    ((name, stated),) = sample.message.items()
    body = dict(stated)
    tag = body.pop("user_tag", "")
    match name:
        case "heartbeat":
            return commands.heartbeat(body.pop("timestamp"))
        case "authenticate":
            return commands.authenticate(body.pop("credentials_secret"), tag)
        case "subscribe":
            assert body.pop("market_id") == "0"
            return commands.subscribe(
                body.pop("type"),
                tag,
                symbol=body.pop("symbol", ""),
                entity_id=body.pop("tradeable_entity_id", ""),
                interval_ms=body.pop("interval", "0"),
            )
        case "new_order":
            return commands.new_order(order(body), tag)
        case "new_bulk_order":
            return commands.new_bulk_order([order(dict(row)) for row in body["orders"]], tag)
        case "cancel_order":
            return commands.cancel_order(tag, **body)
        case "refresh_interest":
            return commands.refresh_interest(tag, **body)
        case "cancel_all_orders":
            return commands.cancel_all_orders(
                tag, symbol=body.get("symbol", ""), entity_id=body.get("tradeable_entity_id", "")
            )
        case "trade_history_request":
            return commands.trade_history_request(tag, since_us=body["trade_time"])
        case _:
            assert not body
            return commands.asked(name, tag)


def order(body: dict) -> dict:
    body["kind"] = body.pop("type")
    body["legs"] = [(leg["sym"], leg["ratio"]) for leg in body.pop("legs", [])]
    return commands.order_fields(**body)


class TestPowerTrade(Conformance):
    seeds = range(1)  # tests/parity plays more
    venue = VenueUnderTest(
        adapter="powertrade",
        symbol="BTC-USD",
        samples=Path(__file__).parent / "data" / "documented.jsonl",
        readers={"": CODEC.decode},
        expected={
            "heartbeat": Heard,
            "command_response": Replied,
            "authenticate": Replied,
            "entities_and_rules": ReferenceStated,
            "rest_exchangeInfo": ReferenceStated,
            "snapshot_firm_book": BookStated,
            "snapshot_rfq": RfqsStated,
            "rest_refreshInterest": Refreshed,
            "rest_error": Failed,
            "positions": PositionsStated,
            "rest_positions": PositionsStated,
            "rest_openOrders": OrdersStated,
            "rest_order_details": OrderInfo,
            "rest_order_details_unknown": OrderMissing,
            "rest_cancel_ok": CancelStated,
            "rest_cancel_unknown": CancelStated,
            "rest_cancel_bad_parameter": Failed,
            "rest_cancel_all": PassedOn,
        },
        encode=said,
        gap="fault: act, action: unknown_order",
        options={"pairs": ("BTC-USD",), "rfqs": False, "maker_fee": Decimal("0.0002"), "taker_fee": Decimal("0.0005")},
        # No message has a sequence number there: what was swallowed is found by holding books against REST.
        settings={"messages_per_s": 100_000, "requests_per_s": 1000, "audit_s": 10},
        maker_fee="0.0002",
        taker_fee="0.0005",
    )
