"""Every message of the local PowerTrade has the documented fields and no other; requests may have every known form."""

from decimal import Decimal

import pytest
from pt_rig import call, connected, jwt, local_venue, order

STAMPS = "server_utc_timestamp utc_timestamp"
BOOK = f"{STAMPS} market_id tradeable_entity_id symbol side"
REPLY = "error_code error_text user_tag"
SHAPES = {
    "command_response": REPLY,
    "heartbeat": "server_utc_timestamp",
    "entities_and_rules_response": "server_utc_timestamp user_tag symbols",
    "snapshot": "server_utc_timestamp market_id tradeable_entity_id symbol buy sell",
    "order_added": f"{BOOK} order_id price quantity",
    "order_executed": f"{BOOK} order_id price quantity",
    "order_deleted": f"{BOOK} order_id",
    "order_updated": f"{BOOK} old_order_id new_order_id price quantity",
    "deltas": "server_utc_timestamp market_id tradeable_entity_id symbol buy sell",
    "trade": f"{STAMPS} market_id symbol tradeable_entity_id trade_id price quantity buy_display_order_id "
    "sell_display_order_id",
    "order_accepted": f"{STAMPS} market_id tradeable_entity_id symbol type order_id client_order_id quantity price "
    "reason",
    "order_rejected": f"{STAMPS} market_id symbol client_order_id quantity price reason",
    "execution": f"{STAMPS} tradeable_entity_id symbol trade_id order_id client_order_id executed_price "
    "executed_quantity liquidity_flag price side order_state",
    "cancel_order": f"{STAMPS} tradeable_entity_id symbol order_id client_order_id filled_quantity reason",
    "new_bulk_order_response": "user_tag results",
    "cancel_all_orders_response": "server_utc_timestamp timestamp user_tag reason results symbol tradeable_entity_id",
    "refresh_response": "server_utc_timestamp order_id client_order_id user_tag reason",
    "positions_response": "server_utc_timestamp user_tag positions",
    "balances_response": "server_utc_timestamp user_tag balances",
    "trade_history_response": "server_utc_timestamp user_tag executions",
}
ROWS = {
    "buy": "price quantity order_id utc_timestamp",
    "sell": "price quantity order_id utc_timestamp",
    "positions": "symbol deliverable_id product_type timestamp side size average_entry_price mark_price upnl "
    "margin_value",
    "balances": "deliverable_id symbol cash_balance available_balance reserved_balance withdrawable_balance timestamp",
    "executions": f"{STAMPS} tradeable_entity_id trade_id order_id client_order_id executed_price executed_quantity "
    "liquidity_flag order_price side order_state",
    "results": "client_order_id order_state",
}


def check(name, body):
    assert set(body) == set(SHAPES[name].split()), (name, body)
    for key, fields in ROWS.items():
        if name != "deltas" and key in body:
            assert all(set(row) == set(fields.split()) for row in body[key]), (name, key, body[key])


async def test_every_message_has_the_documented_fields_and_no_other(autojump_clock, nursery):
    async with local_venue(market="random", pairs=("ETH-USD", "SOL-USD"), seed=3) as venue:
        client = await connected(nursery, venue)
        for number, kind in enumerate(("snap_full_updates", "snap_with_deltas", "snap_only", "trades")):
            interval = {} if kind == "trades" else {"interval": "100" if number else "0"}
            await client.send("subscribe", market_id="0", symbol="ETH-USD", type=kind, **interval)
        await client.send("register_for_rfqs")
        sol = {"symbol": "SOL-USD", "price": "150.01"}
        for name, fields in (
            ("entities_and_rules_request", {}),
            ("new_order", order(**sol)),
            ("new_order", order(**sol, side="sell", client_order_id="b")),
            ("new_order", order(symbol="SOL-USD", price="1", client_order_id="c")),
            ("new_order", order(symbol="SOL-USD", price="1", quantity="9" * 9, client_order_id="d")),
            ("cancel_order", {"client_order_id": "c"}),
            ("cancel_order", {"client_order_id": "b"}),
            ("new_bulk_order", {"orders": [order(symbol="SOL-USD", price="1", client_order_id="e")]}),
            ("cancel_all_orders", {"symbol": "SOL-USD"}),
            ("refresh_interest", {"client_order_id": "none-such"}),
            ("positions", {}),
            ("position_info", {}),
            ("balances", {}),
            ("trade_history_request", {"trade_count": "9"}),
        ):
            await client.send(name, **fields)
        seen = dict.fromkeys(SHAPES, 0)
        for name, body in await client.hush(60):
            check(name, body)
            seen[name] += 1
        assert not [name for name, count in seen.items() if not count]


async def test_the_usual_tokens_of_all_known_clients_are_taken(autojump_clock, nursery):
    async with local_venue() as venue:
        now = venue.now() // 10**9
        for claims in (
            {"nonce": None, "iat": now, "exp": now + 60},
            {"iat": now, "exp": now + 300, "uri": "api.rest.prod.power.trade"},
            {"iat": now, "exp": now + 864_000},
            {"iat": now - 5, "exp": now + 30, "nonce": now * 10**9},
        ):
            headers = {"credentials_secret": jwt(venue, **claims)}
            for path in ("/openOrders", "/openOrders/"):
                assert "query_open_orders_response" in call(venue, "GET", path, None, headers)[1]


@pytest.mark.parametrize("form", ["body", "bare", "query", "without a market"])
async def test_rest_takes_a_new_order_in_every_known_form(autojump_clock, nursery, form):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        body = order(market_id=None if form == "without a market" else "0", timestamp="1700000000")
        if form in ("body", "bare"):
            _, told = client.rest("POST", "/order", {"new_order": body} if form == "body" else body)
        else:
            _, told = client.rest("POST", "/order?" + "&".join(f"{key}={value}" for key, value in body.items()))
        assert set(told["order_accepted"]) == set(SHAPES["order_accepted"].split())


async def test_executions_cost_what_was_chosen(autojump_clock, nursery):
    fees = {"maker_fee": Decimal("-0.0001"), "taker_fee": Decimal("0.0005")}
    async with local_venue(accounts=2, **fees) as venue:
        maker, taker = await connected(nursery, venue, 0), await connected(nursery, venue, 1)
        before = [dict(account.cash) for account in venue.accounts]
        await maker.placed(symbol="SOL-USD", price="150", quantity="2")
        await taker.place(symbol="SOL-USD", price="150", quantity="2", side="sell")
        await taker.until("execution")
        moved = [
            {name: account.cash[name] - was[name] for name in ("USD", "SOL")}
            for account, was in zip(venue.accounts, before, strict=True)
        ]
        assert moved == [
            {"USD": Decimal(-300) + Decimal("0.03"), "SOL": Decimal(2)},
            {"USD": Decimal(300) - Decimal("0.15"), "SOL": Decimal(-2)},
        ]


async def test_funding_and_settlements_are_told_and_told_again_after_a_login(autojump_clock, nursery):
    async with local_venue(accounts=2, funding_rate=Decimal("0.001")) as venue:
        long, short = await connected(nursery, venue, 0), await connected(nursery, venue, 1)
        future = next(each for each in venue.exchange.listed.values() if each.product == "future")
        for symbol in ("BTC-USD-PERPETUAL", future.symbol):
            await long.placed(symbol=symbol, price="50000", client_order_id=f"l{symbol[-4:]}")
            await short.place(symbol=symbol, price="50000", side="sell", client_order_id=f"s{symbol[-4:]}")
            await long.until("execution")
        cash = venue.accounts[0].cash["USD"]
        venue._funded -= 1  # as if a period had begun a moment ago
        paid = await long.until("funding")
        assert (paid["symbol"], paid["amount"], paid["asset"]) == ("BTC-USD-PERPETUAL", "-50.0", "USD")
        assert set(paid) == set(f"{STAMPS} tradeable_entity_id symbol funding_id rate amount asset".split())
        assert venue.accounts[0].cash["USD"] == cash - 50
        venue.exchange.expire(future.ends)
        told = await long.until("settlement")
        assert set(told) == set(f"{STAMPS} tradeable_entity_id symbol settlement_id price quantity".split())
        assert (told["symbol"], told["quantity"], float(told["price"])) == (future.symbol, "1.0", 60000.0)
        assert venue.accounts[0].cash["USD"] == cash - 50 + 10_000
        again = await connected(nursery, venue, 0)
        assert [(await again.next()), (await again.next())] == [("funding", paid), ("settlement", told)]
