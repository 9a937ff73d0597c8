"""Settlements and funding, as the local venue tells of them, become events; anything else in them is a bad message."""

from decimal import Decimal

import pytest
from pt_frames import T0, frame
from pt_rig import connected, local_venue
from test_pt_orders import logged_in

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.powertrade.mirror.shapes import text
from tickwright.engine.events import Funded, Settled

STAMPS = {"server_utc_timestamp": "1760000400000000", "utc_timestamp": "1760000399000000", "tradeable_entity_id": "101"}
SETTLEMENT = {**STAMPS, "symbol": "ETH-20251009", "settlement_id": "77", "price": "2512.345", "quantity": "-0.5"}
FUNDING = {
    **STAMPS,
    "symbol": "ETH-USD-PERPETUAL",
    "funding_id": "78",
    "rate": "0.0001",
    "amount": "-0.25",
    "asset": "USD",
}


def test_both_become_events_with_their_names():
    link = logged_in()
    (settled,) = link.receive(frame("settlement", **SETTLEMENT), T0)
    assert settled == Settled(
        instrument="ETH-20251009.POWERTRADE",
        price=Decimal("2512.345"),
        settlement_id="77",
        ts=T0,
        venue_ts=1_760_000_399 * 10**9,
    )
    (funded,) = link.receive(frame("funding", **FUNDING), T0)
    assert funded == Funded(
        instrument="ETH-USD-PERPETUAL.POWERTRADE",
        amount=Decimal("-0.25"),
        currency="USD",
        funding_id="78",
        ts=T0,
        venue_ts=1_760_000_399 * 10**9,
    )


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("settlement", SETTLEMENT, {"price": "-1"}),
        ("settlement", SETTLEMENT, {"price": ""}),
        ("settlement", SETTLEMENT, {"settlement_id": ""}),
        ("funding", FUNDING, {"amount": "1e5"}),
        ("funding", FUNDING, {"amount": 5}),
        ("funding", FUNDING, {"funding_id": ""}),
    ],
)
def test_what_cannot_be_read_is_refused(name, body, said):
    link = logged_in()
    assert link.receive(frame(name, **{**body, **said}), T0) == []
    assert any(isinstance(notice, BadMessage) for notice in link.take_notices())


async def test_what_the_local_venue_tells_is_understood(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        long, short = await connected(nursery, venue, 0), await connected(nursery, venue, 1)
        future = next(each for each in venue.exchange.listed.values() if each.product == "future")
        for symbol in ("BTC-USD-PERPETUAL", future.symbol):
            await long.placed(symbol=symbol, price="50000", client_order_id=f"l{symbol[-4:]}")
            await short.place(symbol=symbol, price="50000", side="sell", client_order_id=f"s{symbol[-4:]}")
            await long.until("execution")
        venue.exchange.fund(Decimal("0.0001"), venue.now())
        venue.exchange.expire(future.ends)
        link = logged_in()
        events = [
            event
            for name in ("funding", "settlement")
            for event in link.receive(text(name, await short.until(name)), T0)
        ]
        assert [(type(event), event.instrument) for event in events] == [
            (Funded, "BTC-USD-PERPETUAL.POWERTRADE"),
            (Settled, f"{future.symbol}.POWERTRADE"),
        ]
        assert (events[0].amount, events[1].price) == (Decimal("5"), Decimal(60000))
