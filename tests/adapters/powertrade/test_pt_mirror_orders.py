"""Orders at the local PowerTrade: what is told of them, in which order, with exactly which fields."""

import pytest
import trio
from pt_rig import call, connected, local_venue, order

from tickwright.engine.times import SECOND

NAMED = {"server_utc_timestamp", "utc_timestamp", "tradeable_entity_id", "symbol"}
ACCEPTED = NAMED | {"market_id", "type", "order_id", "client_order_id", "quantity", "price", "reason"}
CANCELLED = NAMED | {"order_id", "client_order_id", "filled_quantity", "reason"}
EXECUTION = NAMED | {
    "trade_id",
    "order_id",
    "client_order_id",
    "executed_price",
    "executed_quantity",
    "liquidity_flag",
    "price",
    "side",
    "order_state",
}


async def test_an_order_is_accepted_then_cancelled_by_either_id(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        accepted = await client.placed()
        assert set(accepted) == ACCEPTED
        assert (accepted["quantity"], accepted["price"], accepted["reason"]) == ("1", "10000", "success")
        name, cancelled = await client.ask("cancel_order", order_id=accepted["order_id"])
        assert (name, set(cancelled)) == ("cancel_order", CANCELLED)
        assert (cancelled["reason"], cancelled["filled_quantity"]) == ("user_cancelled", "0.0")
        await client.placed(client_order_id="second")
        _, cancelled = await client.ask("cancel_order", client_order_id="second")
        assert cancelled["reason"] == "user_cancelled"
        assert [each.kind for each in venue.received] == ["new", "cancel", "new", "cancel"]
        assert venue.exchange.open_orders() == []


async def test_one_account_trades_with_itself_and_both_sides_are_told(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        sold = await client.placed(symbol="AVAX-USD", side="sell", quantity="10.65", price="10", client_order_id="a")
        await client.place(symbol="AVAX-USD", quantity="10", price="10", client_order_id="b")
        (first, _), (_, maker), (_, taker) = [await client.next() for _ in range(3)]
        assert first == "order_accepted"
        assert set(maker) == set(taker) == EXECUTION
        assert maker["trade_id"] == taker["trade_id"]
        shown = ("client_order_id", "executed_price", "executed_quantity", "liquidity_flag", "price", "order_state")
        assert [maker[key] for key in shown] == ["a", "10.0", "10.0", "added", "10", "partial_fill"]
        assert [taker[key] for key in shown] == ["b", "10.0", "10.0", "taken", "10", "filled"]
        _, failed = await client.ask("cancel_order", client_order_id="b")
        assert failed["reason"] == "order has been fully executed and cannot be cancelled"
        assert failed["filled_quantity"] == "10.0"
        _, info = client.rest("GET", f"/order?order_id={sold['order_id']}")
        told = info["query_order_response"]
        assert (told["order_state"], told["cancel_state"]) == ("partial_fill", "none")
        assert len(told["executions"][0]["utc_timestamp"]) == 19


async def test_what_is_immediate_ends_with_what_it_could_get(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        await client.placed(quantity="0.4")
        await client.place(
            side="sell", type="MARKET", time_in_force="IOC", price=None, recv_window=None, client_order_id="m"
        )
        names = [await client.next() for _ in range(4)]
        assert [name for name, _ in names] == ["order_accepted", "execution", "execution", "cancel_order"]
        assert (names[0][1]["type"], names[0][1]["price"]) == ("MARKET", "none")
        assert names[3][1]["reason"] == "immediate_with_insufficient_liquidity"
        assert names[3][1]["filled_quantity"] == "0.4"


async def test_orders_end_with_the_cycle_they_were_given(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        begin = venue.now()
        await client.placed(recv_window="2")
        ended = await client.until("cancel_order")
        assert ended["reason"] == "timeout"
        assert (int(ended["utc_timestamp"]) * 1000 - begin) // SECOND == 1200 - begin // SECOND % 600


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"quantity": "1000000000"}, "quantity_greater_than_maximum_quantity"),
        ({"quantity": "0.00001"}, "quantity_less_than_minimum_quantity"),
        ({"quantity": "0.00015"}, "quantity_not_a_valid_quantity_step"),
        ({"price": "10000.05"}, "price_not_a_valid_price_step"),
        ({"price": "-1"}, "price_less_than_minimum_price"),
        ({"price": "9000000", "quantity": "100"}, "order_value_greater_than_maximum_allowed"),
        ({"symbol": "BTC-USD-INDEX"}, "invalid_market"),
        ({"symbol": "NOBODY-USD"}, "invalid_tradeable_entity"),
        (
            {"symbol": None, "legs": [{"sym": "ETH-USD", "ratio": "1"}, {"sym": "BTC-USD", "ratio": "1"}]},
            "invalid_legs",
        ),
        (
            {"symbol": None, "legs": [{"sym": "BTC-USD", "ratio": "2"}, {"sym": "ETH-USD", "ratio": "4"}]},
            "invalid_legs",
        ),
    ],
)
async def test_what_breaks_a_rule_is_rejected(autojump_clock, nursery, fields, reason):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        name, body = await client.ask("new_order", **order(**fields))
        assert (name, body["reason"]) == ("order_rejected", reason)
        assert body["client_order_id"] == "cA1NP44bPggQuhuvxXqR_"
        assert "order_id" not in body


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": 1},
        {"price": True},
        {"side": "BUY"},
        {"type": "limit"},
        {"recv_window": None},
        {"recv_window": "0"},
        {"type": "MARKET", "price": None},
        {"client_order_id": "x" * 33},
        {"symbol": None},
        {"tradeable_entity_id": "4"},
        {"quantity": "1e3"},
        {"time_in_force": "FOK"},
    ],
)
async def test_what_cannot_be_read_fails_by_its_tag(autojump_clock, nursery, fields):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        name, body = await client.ask("new_order", **order(**fields))
        assert (name, set(body)) == ("command_response", {"error_code", "error_text", "user_tag"})
        assert body["error_code"] in ("12", "16")
        assert body["user_tag"] == "t2"
        assert venue.exchange.orders == {}


async def test_an_id_is_used_once(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        await client.placed()
        name, body = await client.ask("new_order", **order())
        assert (name, body["reason"], body["symbol"]) == ("order_rejected", "duplicate client_order_id", "BTC-USD")


async def test_bulk_orders_are_pending_then_each_has_its_own_fate(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        await client.send(
            "new_bulk_order",
            orders=[
                order(client_order_id="b-1", price="100"),
                order(client_order_id="b-2", symbol="PTF-USD", quantity="1000", price="0.01"),
                order(client_order_id="b-3", quantity="1000000000"),
            ],
        )
        name, body = await client.next()
        assert (name, set(body)) == ("new_bulk_order_response", {"user_tag", "results"})
        assert body["results"][0] == {"client_order_id": "b-1", "order_state": "pending_new"}
        assert [(await client.next())[0] for _ in range(3)] == ["order_accepted", "order_accepted", "order_rejected"]
        await client.send("cancel_all_orders", symbol="BTC-USD")
        name, body = await client.next()
        assert name == "cancel_all_orders_response"
        assert set(body) == {
            "server_utc_timestamp",
            "timestamp",
            "user_tag",
            "reason",
            "results",
            "symbol",
            "tradeable_entity_id",
        }
        assert body["results"] == [{"client_order_id": "b-1", "order_state": "pending_cancel"}]
        assert (await client.next())[1]["client_order_id"] == "b-1"
        _, told = client.rest("GET", "/openOrders")
        assert [row["client_order_id"] for row in told["query_open_orders_response"]["open_orders"]] == ["b-2"]


async def test_a_package_trades_at_a_net_price_and_moves_its_legs(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        maker, taker = await connected(nursery, venue, 0), await connected(nursery, venue, 1)
        options = [each for each in venue.exchange.listed.values() if each.product == "option"][:2]
        legs = [{"sym": options[0].symbol, "ratio": "1"}, {"tid": str(options[1].entity_id), "ratio": "-1"}]
        accepted = await maker.placed(symbol=None, legs=legs, side="sell", price="-950.0", quantity="2.0")
        assert set(accepted) == ACCEPTED - {"tradeable_entity_id", "symbol"} | {"legs"}
        await taker.place(symbol=None, legs=legs, price="-950.0", quantity="2.0", client_order_id="y")
        fill = await taker.until("execution")
        assert fill["symbol"] == f"{options[0].symbol}@1/{options[1].symbol}@-1"
        assert (fill["executed_price"], fill["order_state"]) == ("-950.0", "filled")
        _, told = taker.rest("GET", "/positions")
        rows = told["positions_response"]["positions"]
        assert [(row["symbol"], row["size"], row["side"]) for row in rows] == [
            (options[0].symbol, "2.0", "long"),
            (options[1].symbol, "-2.0", "short"),
        ]


async def test_rest_takes_orders_and_the_socket_hears_of_them(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        status, told = client.rest("POST", "/order", {"new_order": order(user_tag="r")})
        assert (status, set(told["order_accepted"])) == (200, ACCEPTED)
        assert (await client.next())[0] == "order_accepted"
        status, told = client.rest("DELETE", "/order?client_order_id=cA1NP44bPggQuhuvxXqR_")
        assert set(told["cancel_order_response"]) == CANCELLED - {"server_utc_timestamp", "utc_timestamp"} | {
            "timestamp"
        }
        assert (await client.next())[0] == "cancel_order"
        assert client.rest("DELETE", "/allOrders")[1]["cancel_all_orders_response"]["reason"] == (
            "failed no open orders found"
        )
        assert client.rest("DELETE", "/order?order_id=x") == (
            400,
            {"error": {"error_code": "16", "message": "optional exchange order_id must be numeric"}},
        )
        status, told = call(venue, "GET", "/openOrders")
        assert (status, told["error"]["error_code"]) == (401, "14")


async def test_history_tells_what_was_executed_since(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        name, body = await client.ask("trade_history_request", trade_count="5")
        assert (name, body["error_code"]) == ("command_response", "18")
        await client.placed(symbol="SOL-USD", price="150", client_order_id="a")
        await client.place(symbol="SOL-USD", side="sell", price="150", client_order_id="b")
        await client.hush(1)
        name, body = await client.ask("trade_history_request", trade_time=str(venue.now() // 1000 - 5_000_000))
        assert name == "trade_history_response"
        assert [row["client_order_id"] for row in body["executions"]] == ["a", "b"]
        assert "order_price" in body["executions"][0]
        assert "symbol" not in body["executions"][0]


async def test_a_key_that_asks_for_it_loses_its_orders_with_its_last_socket(autojump_clock, nursery):
    async with local_venue(cancel_on_disconnect=True) as venue:
        first, second = await connected(nursery, venue), await connected(nursery, venue)
        await first.placed()
        await first.ws.aclose()
        assert await second.hush(1) != []
        assert len(venue.exchange.open_orders()) == 1
        await second.ws.aclose()
        assert venue.exchange.open_orders() == []


async def test_orders_of_a_lost_socket_may_end_late_and_lists_may_be_behind(autojump_clock, nursery):
    lags = {"cod_delay_ns": 2 * 10**9, "list_lag_ns": 3 * 10**9}
    async with local_venue(cancel_on_disconnect=True, **lags) as venue:
        client = await connected(nursery, venue)

        def listed():
            return client.rest("GET", "/openOrders")[1]["query_open_orders_response"]["open_orders"]

        await client.placed(quantity="2")
        assert listed() == []
        await trio.sleep(2)
        venue.exchange.street("BTC-USD", -1, 10_000, 100_000, venue.now(), None, rests=False)
        await trio.sleep(2)
        assert [(row["order_state"], row["executions"]) for row in listed()] == [("accepted", [])]
        await trio.sleep(1.5)
        assert [row["order_state"] for row in listed()] == ["partial_fill"]
        await client.ws.aclose()
        await trio.sleep(1.5)
        assert len(venue.exchange.open_orders()) == 1
        await trio.sleep(1)
        assert venue.exchange.open_orders() == []
        assert len(listed()) == 1
        await trio.sleep(3)
        assert listed() == []
