"""Every documented message of the venue through the codec, as recorded, with its origin as the name of the test."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tickwright.adapters.tdx import rest
from tickwright.adapters.tdx.codec import Codec
from tickwright.adapters.tdx.messages import (
    BalanceStated,
    Confirmed,
    Depth,
    Ignored,
    Pair,
    PriceStated,
    PublicTrade,
    Unrecognised,
    Unsubscribed,
)
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import Side

SAMPLES = [json.loads(line) for line in (Path(__file__).parent / "data" / "documented.jsonl").read_text().splitlines()]

OUT_OF_SCOPE = {
    "ws.otc.rfq",
    "ws.otc.quotes",
    "rest.api_key_validation.request",
    "rest.otc_listing.response",
    "rest.otc_order_create.request",
}
"""Kinds that concern trading over the counter or making API keys: never sent, and ignored by name when received."""


def instrument(symbol: str, tick: str = "0.01", lot: str = "0.5") -> Instrument:
    base, quote = symbol.split("/")
    return Instrument(id=f"{symbol}.TDX", tick_size=Decimal(tick), lot_size=Decimal(lot), base=base, quote=quote)


BTC = instrument("BTC/CHF")
CODEC = Codec([Pair(BTC, "uuid"), Pair(instrument("ACETO/USD", "1", "1"))])


def of_kind(direction: str, prefix: str) -> list:
    chosen = [
        sample
        for sample in SAMPLES
        if sample["direction"] == direction and sample["kind"].startswith(prefix) and sample["kind"] not in OUT_OF_SCOPE
    ]
    assert chosen
    return [pytest.param(sample, id=f"{sample['kind']} of {sample['source']}") for sample in chosen]


def decode(sample: dict):
    (message,) = CODEC.decode(json.dumps(sample["message"]))
    assert CODEC.decode(json.dumps(sample["message"]).encode()) == (message,)
    return message


def test_every_sample_is_in_a_test():
    """What we say is held to its lines by the conformance kit."""
    here = sum(
        len(of_kind(way, kind)) for way, kind in (("in", "ws."), ("out", "ws."), ("in", "rest."), ("out", "rest."))
    )
    assert here + sum(sample["kind"] in OUT_OF_SCOPE for sample in SAMPLES) == len(SAMPLES) == 45


@pytest.mark.parametrize("sample", of_kind("in", "ws."))
def test_what_we_receive_is_understood(sample):
    said, kind = sample["message"], sample["kind"]
    topic, data = said["t"], said.get("d", {})
    expected = {
        "ws.subscription_received": lambda: Confirmed(topic=topic),
        "ws.unsubscription_succeeded": lambda: Unsubscribed(topic=topic),
        "ws.unsubscribe_succeeded": lambda: Unsubscribed(topic=topic),
        "ws.trade": lambda: PublicTrade(
            topic=topic,
            instrument="BTC/CHF.TDX",
            trade_id=data["i"],
            ticks=int(Decimal(data["p"]) * 100),
            lots=int(Decimal(data["q"]) * 2),
            taker=Side.BUY if "a" in data else None,
            venue_ts=data["d"] if kind.endswith("ns") else data["d"] * 1_000_000,
        ),
        "ws.orderbook": lambda: Depth(
            topic=topic,
            instrument="ACETO/USD.TDX",
            first=data["u"],
            last=data.get("U"),
            named_update=False,
            changes=tuple(
                (side, int(price), int(size)) for side, key in ((1, "b"), (-1, "a")) for price, size in data[key]
            ),
        ),
        "ws.price": lambda: PriceStated(
            topic=topic,
            price=Decimal("96556.62"),
            change=Decimal(data["c"]) if "c" in data else None,
            change_percent=Decimal(data["C"]) if "C" in data else None,
        ),
        "ws.balance": lambda: BalanceStated(
            topic=topic,
            asset_id="20000000-2000-0000-0000-000000000000",
            available=Decimal("1716250.53625186733055873623"),
            reserved=Decimal("156.35"),
            withdrawing=Decimal(2045),
            credit=Decimal(0),
        ),
        "ws.envelope": lambda: Unrecognised(topic="topic", name="event_type"),
    }[".".join(kind.split(".")[:2])]()
    assert decode(sample) == expected


def test_quotes_over_the_counter_are_ignored_by_name():
    (sample,) = (sample for sample in SAMPLES if sample["kind"] == "ws.otc.quotes")
    assert decode(sample) == Ignored(topic=sample["message"]["t"], kind="quotes")


@pytest.mark.parametrize("sample", of_kind("in", "rest."))
def test_answers_that_we_receive_are_understood(sample):
    body = json.dumps(sample["message"]).encode()
    if sample["kind"] == "rest.login.response":
        session = rest.read_session(body)
        assert session.access_token == "eyJhbGciOiJSUzI1NiIs..."
        assert session.access_ends == 1705318200 * 10**9
        assert session.session_ends - session.access_ends == (7 * 24 - 1) * 3600 * 10**9
        assert "eyJ" not in repr(session)
        assert session.refresh_token not in repr(session)
    elif sample["kind"] == "rest.error":
        refusal = rest.read_refusal(body, 400)
        assert (refusal.code, refusal.status, refusal.text) == (
            400,
            "INVALID_ARGUMENT",
            "Invalid quantity: must be positive",
        )
    else:
        page = rest.read_page(body)
        assert [asset.symbol for asset in rest.read_assets(page)] == ["BTC", "CHF"]
        assert page.next_cursor == ""
