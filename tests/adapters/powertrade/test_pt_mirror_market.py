"""The local PowerTrade's market data, requests for quotes, proofs and faults, as a client meets them."""

import json

import pytest
import trio
from pt_rig import call, connected, jwt, local_venue, order
from trio_websocket import ConnectionClosed

from tickwright.adapters.powertrade.mirror import Options, serve, virtual_wall


def scalars(value):
    if isinstance(value, dict):
        return [each for inner in value.values() for each in scalars(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in scalars(inner)]
    return [value]


async def test_reference_data_lists_what_is_promised(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=False)
        name, body = await client.ask("entities_and_rules_request")
        assert name == "entities_and_rules_response"
        rows = {row["symbol"]: row for row in body["symbols"]}
        wanted = ["BTC-USD", "ETH-USD", "SOL-USD", "AVAX-USD", "PTF-USD", "BTC-USD-PERPETUAL", "ETH-USD-PERPETUAL"]
        assert set(wanted) <= set(rows)
        for asset in ("BTC", "ETH"):
            assert sum(row["tags"] == [asset, "future", "month"] for row in rows.values()) == 2
            assert sum(row["tags"] == [asset, "option", "month"] for row in rows.values()) == 20
        assert set(rows["BTC-USD"]) == {
            "symbol",
            "tradeable_entity_id",
            "status",
            "base_asset",
            "quote_asset",
            "minimum_quantity",
            "maximum_quantity",
            "minimum_value",
            "maximum_value",
            "quantity_step",
            "price_step",
            "tags",
        }
        assert all(float(row["minimum_value"]) < 1 for row in rows.values())
        assert len({row["tradeable_entity_id"] for row in rows.values()}) == len(rows)
        status, twin = call(venue, "GET", "/exchangeInfo")
        assert status == 200
        assert twin["entities_and_rules_response"]["symbols"] == body["symbols"]


async def test_a_book_by_order_can_be_followed_and_matches_rest(autojump_clock, nursery):
    async with local_venue(market="random", pairs=("BTC-USD", "ETH-USD")) as venue:
        client = await connected(nursery, venue, private=False)
        await client.send("subscribe", market_id="0", symbol="BTC-USD", type="snap_full_updates", interval="0")
        assert (await client.next())[1]["error_code"] == "0"
        name, body = await client.next()
        assert name == "snapshot"
        book = {row["order_id"]: (side, row) for side in ("buy", "sell") for row in body[side]}
        count = changed = 0
        for name, body in await client.hush(60):
            assert all(isinstance(each, str) for each in scalars(body))
            if name == "heartbeat":
                continue
            count += 1
            assert (body["symbol"], body["market_id"]) == ("BTC-USD", "0")
            if name == "order_added":
                assert body["order_id"] not in book
                book[body["order_id"]] = (body["side"], body)
            elif name == "order_deleted":
                assert {"price", "quantity"}.isdisjoint(body)
                del book[body["order_id"]]
            elif name == "order_updated":
                changed += 1
                side, row = book.pop(body["old_order_id"])
                assert (side, row["price"]) == (body["side"], body["price"])
                book[body["new_order_id"]] = (side, {"price": body["price"], "quantity": body["quantity"]})
            else:
                assert name == "order_executed"
                side, row = book[body["order_id"]]
                left = round(float(row["quantity"]) - float(body["quantity"]), 4)
                assert left >= 0
                book[body["order_id"]] = (side, {**row, "quantity": str(left)})
                if not left:
                    del book[body["order_id"]]
        assert count > 200
        assert changed > 10
        levels: dict[str, dict[str, float]] = {"buy": {}, "sell": {}}
        for side, row in book.values():
            levels[side][row["price"]] = levels[side].get(row["price"], 0) + float(row["quantity"])
        _, told = call(venue, "GET", "/orderbook?symbol=BTC-USD")
        for side, mine in levels.items():
            theirs = {row["price"]: float(row["quantity"]) for row in told["orderbook_response"][side]}
            assert mine == pytest.approx(theirs)
        assert len(call(venue, "GET", "/orderbook?symbol=BTC-USD&depth=1")[1]["orderbook_response"]["buy"]) == 1


async def test_deltas_lead_from_one_whole_book_to_the_next(autojump_clock, nursery):
    async with local_venue(market="random", pairs=("BTC-USD",)) as venue:
        client = await connected(nursery, venue, private=False)
        await client.send("subscribe", market_id="0", symbol="BTC-USD", type="snap_with_deltas", interval="100")
        await client.next()
        _, whole = await client.next()
        book: dict[str, dict[str, str]] = {"buy": {}, "sell": {}}
        for side, levels in book.items():
            for row in whole[side]:
                levels[row["price"]] = str(round(float(levels.get(row["price"], "0")) + float(row["quantity"]), 4))
        for name, body in await client.hush(20.05):
            if name != "deltas":
                continue
            for side, levels in book.items():
                for row in body[side].get("add_price_level", []):
                    levels[row["price"]] = row["quantity"]
                if "delete_price_level" in body[side]:
                    del levels[body[side]["delete_price_level"]]
        _, told = call(venue, "GET", "/orderbook?symbol=BTC-USD")
        for side, levels in book.items():
            theirs = [row["price"] for row in told["orderbook_response"][side]]
            assert len(set(levels) ^ set(theirs)) <= 3  # the last pulse may be yet to come


async def test_an_index_shows_what_its_spot_pair_is_worth(autojump_clock, nursery):
    async with local_venue(market="random") as venue:
        client = await connected(nursery, venue, private=False)
        body = {"market_id": "0", "symbol": "BTC-USD-INDEX", "tradeable_entity_id": "2", "type": "snap_only"}
        await client.send("subscribe", interval="1000", **body)
        for _ in range(10):
            told = await client.until("snapshot")
        market = venue.exchange.markets["BTC-USD"]
        middle = float(market.listed.instrument.price(market.best(1) + market.best(-1))) / 2
        assert float(told["buy"][0]["price"]) == pytest.approx(middle, abs=20)
        assert float(told["sell"][0]["price"]) == pytest.approx(float(told["buy"][0]["price"]) + 0.01)


async def test_own_orders_are_in_the_book_under_another_id_and_trades_are_told(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        for kind, interval in (("snap_full_updates", "0"), ("trades", None)):
            extra = {} if interval is None else {"interval": interval}
            await client.send("subscribe", market_id="0", symbol="BTC-USD", type=kind, **extra)
        await client.hush(1)
        accepted = await client.placed()
        name, shown = await client.next()
        assert (name, shown["price"], shown["quantity"]) == ("order_added", "10000.0", "1.0")
        assert shown["order_id"] != accepted["order_id"]
        await client.place(side="sell", quantity="0.25", client_order_id="t")
        told = await client.hush(1)
        assert [name for name, _ in told] == ["order_accepted", "order_executed", "execution", "execution", "trade"]
        assert told[1][1]["order_id"] == told[4][1]["buy_display_order_id"] == shown["order_id"]
        assert told[4][1]["trade_id"] == told[2][1]["trade_id"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"symbol": "NOBODY-USD"}, "4"),
        ({"symbol": None}, "1"),
        ({"interval": "100"}, "2"),
        ({"type": "snap_only", "interval": "150"}, "2"),
        ({"type": "snapshot_full_updates"}, "3"),
        ({"user_tag": ""}, "7"),
        ({"user_tag": "x" * 65}, "7"),
    ],
)
async def test_a_wrong_subscription_fails_with_its_code(autojump_clock, nursery, fields, code):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=False)
        body = {"market_id": "0", "symbol": "BTC-USD", "type": "snap_full_updates", "interval": "0", **fields}
        name, told = await client.ask("subscribe", **{key: value for key, value in body.items() if value is not None})
        assert (name, told["error_code"]) == ("command_response", code)


async def test_the_same_again_is_refused_until_it_is_ended(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=False)
        body = {"market_id": "0", "symbol": "BTC-USD", "type": "snap_full_updates", "interval": "0"}
        await client.ask("subscribe", **body)
        await client.next()
        _, told = await client.ask("subscribe", **body)
        assert told["error_text"] == "add subscription failed, already subscribed"
        assert (await client.ask("unsubscribe", **body))[1]["error_code"] == "0"
        assert (await client.ask("subscribe", **body))[1]["error_code"] == "0"


@pytest.mark.parametrize(
    "claims",
    [{"sub": "nobody"}, {"client": "web"}, {"exp": 1}, {"exp": None}, {"iat": 99999999999}, {"sub": None}],
)
async def test_a_token_that_proves_nothing_is_refused_and_the_socket_stays(autojump_clock, nursery, claims):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=False)
        name, told = await client.ask("authenticate", credentials_secret=jwt(venue, **claims))
        assert (name, told["error_code"]) == ("command_response", "10")
        assert told["error_text"] == "auth server rejected the authenticate request, Unauthorized"
        assert (await client.ask("new_order", **order()))[1]["error_text"] == "not authenticated"
        assert (await client.ask("authenticate", credentials_secret=jwt(venue)))[1]["error_code"] == "0"
        assert (await client.ask("authenticate", credentials_secret=jwt(venue)))[1]["error_code"] == "11"


async def test_a_token_of_another_key_is_refused(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        client = await connected(nursery, venue, private=False)
        forged = jwt(venue, 1, sub=venue.accounts[0].api_key)
        assert (await client.ask("authenticate", credentials_secret=forged))[1]["error_code"] == "10"
        proof = jwt(venue).rpartition(".")
        changed = f"{proof[0]}.{proof[2][:-4]}AAAA"
        assert (await client.ask("authenticate", credentials_secret=changed))[1]["error_code"] == "10"


async def test_strict_tokens_are_short_and_their_nonces_grow(autojump_clock, nursery):
    async with local_venue(strict_tokens=True) as venue:
        client = await connected(nursery, venue, private=False)
        now = venue.now() // 10**9
        for claims in ({"exp": now + 300}, {"nonce": None}):
            assert (await client.ask("authenticate", credentials_secret=jwt(venue, **claims)))[1]["error_code"] == "10"
        assert client.rest("GET", "/openOrders", nonce=now + 50)[0] == 200
        assert client.rest("GET", "/openOrders", nonce=now + 49)[0] == 401


async def test_the_venue_beats_after_five_seconds_of_silence(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=False)
        told = await client.hush(12)
        assert [name for name, _ in told] == ["heartbeat", "heartbeat"]
        assert list(told[0][1]) == ["server_utc_timestamp"]
        for _ in range(4):
            await client.ws.send_message(json.dumps({"heartbeat": {"timestamp": "1"}}))
            assert await client.hush(4) == []


@pytest.mark.parametrize(
    "frame", ["", "[]", "{}", '{"a":{},"b":{}}', '{"new_order":[]}', '{"positions":{"user_tag":1}}']
)
async def test_a_frame_that_is_no_message_is_answered_and_the_socket_stays(autojump_clock, nursery, frame):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        await client.ws.send_message(frame)
        assert (await client.next())[0] == "command_response"
        assert (await client.ask("balances"))[0] == "balances_response"


async def test_a_request_for_quotes_lives_half_an_hour_and_longer_if_refreshed(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        asks, hears = await connected(nursery, venue, 0), await connected(nursery, venue, 1)
        assert (await hears.ask("register_for_rfqs"))[1]["error_code"] == "0"
        legs = [{"sym": "BTC-USD-PERPETUAL", "ratio": "1"}, {"sym": "ETH-USD-PERPETUAL", "ratio": "-2"}]
        accepted = await asks.placed(market_id="none", symbol=None, price=None, quantity="10", legs=legs)
        assert (accepted["market_id"], accepted["price"]) == ("none", "none")
        begin = trio.current_time()
        added = await hears.until("order_added")
        assert set(added) == {
            "server_utc_timestamp",
            "utc_timestamp",
            "market_id",
            "tradeable_entity_id",
            "symbol",
            "side",
            "order_id",
            "price",
            "quantity",
        }
        assert (added["symbol"], added["price"]) == ("BTC-USD-PERPETUAL@1/ETH-USD-PERPETUAL@-2", "none")
        await trio.sleep(600)
        await asks.send("refresh_interest", client_order_id=accepted["client_order_id"])
        told = await asks.until("refresh_response")
        assert (told["order_id"], told["reason"]) == ("", "success")
        assert (await asks.until("cancel_order"))["reason"] == "timeout"
        assert trio.current_time() - begin == pytest.approx(2400, abs=1)
        deleted = await hears.until("order_deleted")
        assert set(deleted) == set(added) - {"price", "quantity"}


async def test_who_registers_later_is_shown_what_lives_and_who_does_not_hears_nothing(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        asks, hears = await connected(nursery, venue, 0), await connected(nursery, venue, 1)
        await asks.placed(market_id="255", symbol="ETH-USD", price=None, quantity="10", side="sell")
        await hears.send("register_for_rfqs")
        assert (await hears.next())[0] == "command_response"
        name, body = await hears.next()
        assert (name, body["market_id"], body["symbol"], body["buy"]) == ("snapshot", "none", "ETH-USD", [])
        assert body["sell"][0]["quantity"] == "10.0"
        assert (await hears.ask("deregister_for_rfqs"))[1]["error_code"] == "0"
        await asks.send("cancel_order", client_order_id="cA1NP44bPggQuhuvxXqR_")
        assert [name for name, _ in await asks.hush(1)] == ["cancel_order"]
        assert await hears.hush(1) == []


async def test_the_market_asks_for_quotes_and_takes_a_fair_one(autojump_clock, nursery):
    async with local_venue(market="random", rate=1.0) as venue:
        client = await connected(nursery, venue)
        await client.send("register_for_rfqs")
        for number in range(200):
            added = await client.until("order_added")
            if "/" not in added["symbol"]:
                continue
            package = venue.exchange.listed[added["symbol"]]
            marks = [venue.exchange.markets[part.symbol] for part, _ in package.legs]
            fair = sum(
                ratio * float(part.instrument.price(mark.best(1) + mark.best(-1))) / 2
                for mark, (part, ratio) in zip(marks, package.legs, strict=True)
            )
            legs = [{"sym": part.symbol, "ratio": str(ratio)} for part, ratio in package.legs]
            side = "sell" if added["side"] == "buy" else "buy"
            await client.place(
                symbol=None,
                legs=legs,
                side=side,
                price=f"{round(fair):d}",
                quantity=added["quantity"],
                client_order_id=f"q{number}",
            )
            fill = await client.until("execution")
            assert fill["liquidity_flag"] == "added"
            assert "/" in fill["symbol"]
            return


async def test_faults_strike_here_as_at_any_local_venue(autojump_clock, nursery):
    faults = ("fault: lost_ack, nth: 2", "fault: http_error, status: 429, retry_after: 2, kinds: [query], nth: 1")
    async with local_venue(*faults) as venue:
        client = await connected(nursery, venue)
        await client.placed()
        await client.place(client_order_id="lost")
        with pytest.raises(ConnectionClosed):
            await client.next()
        assert venue.record.frames("lost") == 1
        assert len(venue.exchange.open_orders()) == 2
        again = await connected(nursery, venue)
        assert again.rest("GET", "/order?client_order_id=lost")[1]["query_order_response"]["order_state"] == "accepted"


async def test_the_same_seed_makes_the_same_market(autojump_clock, nursery):
    seen = []
    for _ in range(2):
        async with serve(Options(seed=5), port=None, wall=virtual_wall(1_735_689_600 * 10**9)) as venue:
            await trio.sleep(5)
            seen.append([market.levels(side) for market in venue.exchange.markets.values() for side in (1, -1)])
    assert seen[0] == seen[1]
