"""What the venue's documents promise a WebSocket client, held against the local venue."""

import json
from itertools import pairwise

import pytest
import trio
from mirror_rig import UPGRADE, connected, http, local_venue
from trio_websocket import ConnectionClosed

from tickwright.adapters.tdx.mirror import STREAMS_PATH

BOOK = "BTC/CHF@depth@100ms"
UUID = "3d5a9f10-6c2e-4b7a-8f11-0a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"sec-websocket-protocol": "chat"}, b"400"),
        ({"sec-websocket-protocol": ""}, b"400"),
        ({"sec-websocket-version": "8"}, b"426"),
        ({"sec-websocket-key": ""}, b"426"),
        ({"connection": "close"}, b"400"),
        ({}, b"101"),
        ({"sec-websocket-protocol": "chat, ws.t-dx.com"}, b"101"),
    ],
)
async def test_a_handshake_must_offer_the_subprotocol(autojump_clock, nursery, changes, status):
    async with local_venue() as venue:
        stream = venue.open_stream()
        lines = "".join(f"{name}: {value}\r\n" for name, value in ({"host": "x"} | UPGRADE | changes).items() if value)
        await stream.send_all(f"GET {STREAMS_PATH} HTTP/1.1\r\n{lines}\r\n".encode())
        answer = await stream.receive_some()
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert (b"Sec-WebSocket-Protocol: ws.t-dx.com" in answer) is (status == b"101")


async def test_a_handshake_elsewhere_is_not_found(autojump_clock):
    async with local_venue() as venue:
        assert (await http(venue, "GET", "/somewhere", **UPGRADE)).startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "topic",
    [
        "BTC/CHF@trades",
        "BTC/CHF@depth",
        *(f"BTC/CHF@depth{levels}" for levels in (10, 50, 100, 500)),
        *(f"BTC/CHF@depth@{speed}ms" for speed in (100, 500, 1000, 5000)),
        "ACETO/USD@depth50@500ms",
        "BTC/CHF@prices@platform",
    ],
)
async def test_every_documented_topic_is_confirmed_before_its_data(autojump_clock, nursery, topic):
    async with local_venue(market="random") as venue:
        client = await connected(nursery, venue)
        assert await client.ask("tdx:subscribe", topic) == {"e": "tdx:subscription_received", "t": topic}
        message = await client.next()
        assert message["t"] == topic
        assert message["e"] in ("trade", "orderbook", "price")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "BTC/CHF",
        "BTC/CHF@depth20@100ms",
        "BTC/CHF@depth@200ms",
        "BTC/CHF@depth@100",
        "BTC-CHF@trades",
        "BTC/CHF@trades ",
        "ELEVENCHARS/CHF@trades",
        f"{UUID}@@subaccount-orders",
        "not-a-uuid@subaccount-orders",
        "BTC/CHF@prices@nothing",
        "x" * 100_000,
    ],
)
async def test_what_fits_no_pattern_fails_and_the_connection_stays(autojump_clock, nursery, topic):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        for event in ("tdx:subscribe", "tdx:unsubscribe"):
            failed = await client.ask(event, topic)
            assert failed["e"].endswith("ubscription_failed")
            assert failed["d"]["status"] == "INVALID_ARGUMENT"
        assert (await client.ask("tdx:subscribe", BOOK))["e"] == "tdx:subscription_received"


async def test_an_unknown_pair_is_refused_as_the_documents_model_it(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        failed = await client.ask("tdx:subscribe", "NOPE/CHF@trades")
        assert (failed["e"], failed["t"]) == ("tdx:subscription_failed", "NOPE/CHF@trades")
        assert {key: failed["d"][key] for key in ("code", "message", "status", "details")} == {
            "code": 404,
            "message": "unknown pair NOPE/CHF",
            "status": "NOT_FOUND",
            "details": [],
        }


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        ("BTC/CHF@trades", "tdx:unsubscription_succeeded"),
        (BOOK, "tdx:unsubscription_succeeded"),
        ("*@prices@market", "tdx:unsubscribe_succeeded"),
    ],
)
async def test_unsubscribing_ends_the_data_under_the_documented_name(autojump_clock, nursery, topic, event):
    async with local_venue(market="random") as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", topic)
        await client.send("tdx:unsubscribe", topic)
        assert (await client.until(event))["t"] == topic
        assert await client.hush(10) == []
        assert not venue.exchange.markets["BTC/CHF"].watchers


async def book_after(client, seconds):
    """A book as a client keeps it by the documented rules, and how many whole ones came."""
    book = {"b": {}, "a": {}}
    last, whole = -1, 0
    for message in await client.hush(seconds):
        if message["e"] != "orderbook":
            continue
        data = message["d"]
        if "U" in data:
            assert data["u"] == last + 1
            assert data["U"] >= data["u"]
            last = data["U"]
        else:
            book, last, whole = {"b": {}, "a": {}}, data["u"], whole + 1
        for side, levels in book.items():
            levels.update(data[side])
    return {side: {p: q for p, q in levels.items() if float(q)} for side, levels in book.items()}, whole


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cut", "speed"), [("", "100"), ("10", "100"), ("50", "500"), ("100", "1000"), ("500", "100"), ("", "5000")]
)
async def test_updates_applied_to_the_whole_book_give_the_venues_book(autojump_clock, nursery, cut, speed):
    async with local_venue("fault: act, action: quiet, after: 70s", market="random") as venue:
        client = await connected(nursery, venue)
        await client.send("tdx:subscribe", f"BTC/CHF@depth{cut}@{speed}ms")
        book, whole = await book_after(client, 75.05)
        market = venue.exchange.markets["BTC/CHF"]
        told = {"b": market.levels(1, int(cut or 0)), "a": market.levels(-1, int(cut or 0))}
        expected = {side: {ticks / 2: lots / 10_000 for ticks, lots in levels} for side, levels in told.items()}
        assert whole == 3
        assert {side: {float(p): float(q) for p, q in levels.items()} for side, levels in book.items()} == expected


async def test_updates_keep_their_pace_and_silence_means_no_change(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        client = await connected(nursery, venue, private=True)
        await client.ask("tdx:subscribe", "BTC/CHF@depth@500ms")
        assert (await client.next())["d"] == {"u": 0, "b": [], "a": []}
        assert await client.hush(20) == []
        await client.place(clientOrderId="a")
        await client.place(clientOrderId="b", price="49000")
        began = trio.current_time()
        update = await client.until("orderbook")
        assert trio.current_time() - began <= 0.51
        assert update["d"] == {"u": 1, "U": 2, "b": [["50000", "0.1"], ["49000", "0.1"]], "a": []}
        await client.send("tdx:order_cancel", client.orders, {"clientOrderId": "a"})
        assert (await client.until("orderbook"))["d"] == {"u": 3, "U": 3, "b": [["50000", "0"]], "a": []}


async def test_two_readers_of_one_book_each_get_a_whole_one_and_then_the_same(autojump_clock, nursery):
    async with local_venue(market="random") as venue:
        first, second = await connected(nursery, venue), await connected(nursery, venue)
        await first.ask("tdx:subscribe", BOOK)
        await first.hush(3.14)
        await second.ask("tdx:subscribe", BOOK)
        book, whole = await book_after(second, 5)
        assert whole == 1
        assert len(book["b"]) > 5


async def test_public_trades_have_the_documented_fields(autojump_clock, nursery):
    async with local_venue(market="random") as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", "ETH/CHF@trades")
        trade = (await client.next())["d"]
        assert set(trade) == {"d", "p", "q", "i", "a"}
        assert isinstance(trade["d"], int)
        assert abs(trade["d"] - venue.now() // 1_000_000) < 1000
        assert isinstance(trade["p"], str)
        assert isinstance(trade["q"], str)
        assert trade["a"] in ("BUY", "SELL")


async def test_prices_are_told_at_once_and_on_change(autojump_clock, nursery):
    async with local_venue(market="random") as venue:
        client = await connected(nursery, venue)
        confirmed = await client.ask("tdx:subscribe", "*@prices@mid")
        assert confirmed == {"e": "tdx:subscription_received", "t": "BTC/CHF@prices@mid"}
        first = [await client.next() for _ in range(4)]
        assert {message["t"] for message in first} == {f"{symbol}@prices@mid" for symbol in venue.exchange.markets}
        values = [message["d"]["v"] for message in await client.hush(20) if message["t"].startswith("BTC/CHF")]
        assert len(values) > 3
        assert all(before != after for before, after in pairwise(values))


# --- what needs a token ---------------------------------------------------------------------------------------------


async def test_private_topics_need_a_token_of_their_owner(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        client, other = await connected(nursery, venue, 0), await connected(nursery, venue, 1)
        other.login()
        for token, code in (("", 401), ("rubbish", 401), ("a.b.c", 401), (other.token, 403), ("ä" * 9000, 401)):
            for topic in (client.orders, f"{client.account.sub_account_id}@balances"):
                failed = await client.ask("tdx:subscribe", topic, token=token)
                assert (failed["e"], failed["d"]["code"]) == ("tdx:subscription_failed", code)
            assert (await client.ask("tdx:order_create", client.orders, {}, token=token))["d"]["code"] == code
            assert (await client.ask("tdx:order_cancel", client.orders, {"id": "x"}, token=token))["d"]["code"] == code
        assert (await client.ask("tdx:cancel_on_disconnect", token="x"))["d"]["code"] == 401
        client.login()
        assert (await client.ask("tdx:subscribe", client.orders))["e"] == "tdx:subscription_received"


async def test_a_token_lasts_an_hour(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        autojump_clock.jump(3599)
        assert client.rest("GET", "/pairs")[0] == 200
        autojump_clock.jump(2)
        assert client.rest("GET", "/pairs")[0] == 401
        await client.place()
        assert (await client.next())["d"]["message"] == "the token has expired"


async def test_a_private_stream_may_end_with_its_token(autojump_clock, nursery):
    async with local_venue(expired_token_ends_stream=True, token_life_ns=10**10) as venue:
        client = await connected(nursery, venue, private=True)
        failed = await client.next()
        assert (failed["e"], failed["d"]["code"]) == ("tdx:subscription_failed", 401)
        assert trio.current_time() == pytest.approx(10, abs=0.2)


async def test_balances_are_told_on_change_only(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        topic = f"{client.account.sub_account_id}@balances"
        await client.ask("tdx:subscribe", topic)
        assert await client.hush(5) == []
        await client.place(quantity="0.1")
        told = (await client.until("balance", topic))["d"]
        assert told == {
            "i": venue.exchange.assets["CHF"].id,
            "a": "9994995",
            "o": "5005",
            "w": "0",
            "c": "0",
        }


async def test_cancel_on_disconnect_cancels_what_came_over_that_connection(autojump_clock, nursery):
    async with local_venue() as venue:
        client, other = await connected(nursery, venue, private=True), await connected(nursery, venue, private=True)
        assert await client.ask("tdx:cancel_on_disconnect") == {"e": "tdx:cancel_on_disconnect_received"}
        await client.place(clientOrderId="goes")
        await other.place(clientOrderId="stays")
        await other.until("order")
        await trio.sleep(1)
        await client.ws.aclose()
        await trio.sleep(0.1)
        assert [each.client_order_id for each in venue.exchange.open_orders()] == ["stays"]


async def test_without_it_orders_outlive_their_connection(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="stays")
        await client.until("order")
        await client.ws.aclose()
        await trio.sleep(1)
        assert len(venue.exchange.live) == 1


async def test_cancel_on_disconnect_may_be_late(autojump_clock, nursery):
    async with local_venue(cod_delay_ns=2 * 10**9) as venue:
        client = await connected(nursery, venue, private=True)
        await client.ask("tdx:cancel_on_disconnect")
        await client.place()
        await client.until("order")
        await client.ws.aclose()
        await trio.sleep(1.9)
        assert len(venue.exchange.live) == 1
        await trio.sleep(0.2)
        assert not venue.exchange.live


async def test_pings_are_answered_and_a_goodbye_is_echoed(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        with trio.fail_after(1):
            await client.ws.ping(b"hello")
            await client.ws.aclose(4000, "enough")
        with pytest.raises(ConnectionClosed):
            await client.ws.get_message()
        await trio.sleep(0.1)
        assert not venue.sockets


async def test_whitespace_and_key_order_do_not_matter(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        await client.ws.send_message(
            json.dumps({"t": BOOK, "a": None, "d": {}, "x": 1, "e": "tdx:subscribe"}, indent=4)
        )
        assert (await client.next())["e"] == "tdx:subscription_received"
