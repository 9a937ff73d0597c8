"""Faults as a client of the local venue meets them."""

import json
from itertools import pairwise

import pytest
import trio
from mirror_rig import UPGRADE, connected, http, local_venue, login, order
from trio_websocket import ConnectionClosed

from tickwright.adapters.fault_rules import Rule
from tickwright.adapters.tdx.mirror import STREAMS_PATH, OptionError
from tickwright.engine.times import SECOND

BOOK = "BTC/CHF@depth@100ms"


async def updates(client, count):
    """The next `count` books as (u, U or None)."""
    found = []
    while len(found) < count:
        message = await client.next()
        if message["e"] == "orderbook":
            found.append((message["d"]["u"], message["d"].get("U")))
    return found


def breaks(books):
    """Where a book does not follow the one before: how far its `u` is from the next expected one."""
    return [u - (last or start) - 1 for (start, last), (u, _) in pairwise(books)]


async def test_a_gap_is_one_update_missing(autojump_clock, nursery):
    async with local_venue("fault: gap, nth: 3", market="random") as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", BOOK)
        steps = breaks(await updates(client, 8))
        assert [step > 0 for step in steps] == [False, False, True, False, False, False, False]
        assert [fired.fault for fired in venue.faults.fired] == ["gap"]


async def test_a_repeated_and_an_overlapping_update_reach_back(autojump_clock, nursery):
    async with local_venue("fault: duplicate, kinds: [book], nth: 2", market="random") as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", BOOK)
        books = await updates(client, 5)
        assert books[2] == books[3]
    async with local_venue("fault: act, action: overlap_update, after: 1s", market="random") as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", BOOK)
        assert sorted(set(breaks(await updates(client, 25)))) == [-3, 0]


async def test_a_snapshot_may_come_after_the_updates_that_follow_it(autojump_clock, nursery):
    async with local_venue("fault: delay, kinds: [snapshot], delay: 350ms", market="random") as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", BOOK)
        books = await updates(client, 6)
        first = next(place for place, (_, last) in enumerate(books) if last is None)
        assert first > 0
        assert books[first][0] == books[0][0] - 1


async def test_a_stale_snapshot_is_an_earlier_one(autojump_clock, nursery):
    async with local_venue("fault: stale_snapshot, nth: 2", market="random") as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", BOOK)
        first = (await client.until("orderbook"))["d"]
        await client.hush(5)
        await client.ask("tdx:subscribe", BOOK)
        assert (await client.until("orderbook"))["d"] == first


async def test_a_crossed_book_is_put_right_by_the_next_update(autojump_clock, nursery):
    async with local_venue("fault: act, action: cross_book, after: 1s", market="random") as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", BOOK)
        levels = {"b": {}, "a": {}}
        crossed = 0
        for message in await client.hush(3):
            if message["e"] != "orderbook":
                continue
            for side, book in levels.items():
                book.update({float(price): float(size) for price, size in message["d"][side]})
                levels[side] = {price: size for price, size in book.items() if size}
            crossed += max(levels["b"]) >= min(levels["a"])
        assert crossed == 1


async def test_a_lost_ack_leaves_an_order_that_nobody_was_told_of(autojump_clock, nursery):
    async with local_venue("fault: lost_ack") as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="gone")
        with pytest.raises(ConnectionClosed):
            await client.next()
        _, answer = client.rest("GET", f"/orders/by-sub-account/{client.account.sub_account_id}")
        assert [(row["clientOrderId"], row["status"]) for row in answer["result"]] == [("gone", "STATUS_OPEN")]
        assert venue.record.frames("gone") == 1


async def test_a_lost_ack_may_leave_the_connection(autojump_clock, nursery):
    async with local_venue("fault: lost_ack, then: stay, times: 1") as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="quiet")
        await client.place(clientOrderId="told", price="40000")
        assert (await client.next())["d"] == {"clientOrderId": "told"}
        assert len(venue.exchange.live) == 2


@pytest.mark.parametrize(("size", "arrives"), [(0, 0), (20, 0), (100_000, 1)])
async def test_an_order_cut_on_its_way_arrives_whole_or_not_at_all(autojump_clock, nursery, size, arrives):
    async with local_venue(f"fault: cut_after_bytes, kinds: [new], bytes: {size}") as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="cut")
        with pytest.raises(ConnectionClosed):
            await client.next()
        assert venue.record.frames("cut") == arrives


async def test_a_connection_is_cut_in_the_middle_of_a_frame(autojump_clock, nursery):
    async with local_venue("fault: cut_after_bytes, bytes: 120", market="random") as venue:
        client = await connected(nursery, venue)
        assert (await client.ask("tdx:subscribe", BOOK))["e"] == "tdx:subscription_received"
        with pytest.raises(ConnectionClosed):
            await client.next()


async def test_a_half_open_connection_is_silent_and_stays(autojump_clock, nursery):
    async with local_venue("fault: half_open, after: 5s, for: 20s", market="random") as venue:
        client = await connected(nursery, venue)
        await client.ws.ping(b"w")
        await trio.sleep(6)
        with pytest.raises(trio.TooSlowError), trio.fail_after(15):
            await client.ws.ping(b"x")
        with trio.fail_after(10):
            await client.ws.ping(b"y")


async def test_a_late_ack_lets_the_market_go_on(autojump_clock, nursery):
    async with local_venue("fault: delay, kinds: [ack, order], delay: 6s", market="random") as venue:
        client = await connected(nursery, venue, private=True)
        await client.ask("tdx:subscribe", BOOK)
        await client.place(clientOrderId="late", price="40000")
        sent = trio.current_time()
        await client.until("orderbook")
        assert trio.current_time() - sent < 1
        await client.until("tdx:order_create_received")
        assert trio.current_time() - sent == pytest.approx(6, abs=0.01)


async def test_expired_tokens_are_refused_and_a_refresh_heals(autojump_clock, nursery):
    async with local_venue("fault: token_expiry, after: 1s") as venue:
        client = await connected(nursery, venue, private=True)
        session = login(venue, client.account)["result"]
        client.token = session["accessToken"]
        await trio.sleep(2)
        await client.place()
        assert (await client.next())["d"]["code"] == 401
        assert client.rest("GET", "/pairs")[0] == 401
        status, fresh = client.rest("POST", "/users/authentication/refresh", {"refreshToken": session["refreshToken"]})
        assert status == 200
        client.token = fresh["result"]["accessToken"]
        await client.place()
        assert (await client.next())["e"] == "tdx:order_create_received"


@pytest.mark.parametrize("memory", [True, False])
async def test_a_restart_ends_connections_and_sessions_and_perhaps_memory(autojump_clock, nursery, memory):
    async with local_venue(f"fault: restart, after: 2s, down: 3s, memory: {str(memory).lower()}") as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="before")
        assert [message["e"] for message in await client.rest_of_life()][-1] == "order"
        assert trio.current_time() == pytest.approx(2, abs=0.1)
        assert await http(venue, "GET", "/pairs") == b""
        await trio.sleep(3)
        assert client.rest("GET", "/pairs")[0] == 401
        again = await connected(nursery, venue, private=True)
        _, answer = again.rest("GET", f"/orders/by-sub-account/{again.account.sub_account_id}")
        assert [row["clientOrderId"] for row in answer["result"]] == (["before"] if memory else [])
        assert venue.record.frames("before") == 1


async def test_http_errors_are_answered_before_anything_is_done(autojump_clock, nursery):
    async with local_venue("fault: http_error, kinds: [new], status: 429, retry_after: 2, times: 1") as venue:
        client = await connected(nursery, venue, private=True)
        body = json.dumps({"subAccountId": client.account.sub_account_id, **order(venue)})
        proof = {"authorization": f"Bearer {client.token}", "content-type": "application/json"}
        refused = await http(venue, "POST", "/api/rest/v1/orders", body, **proof)
        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"Retry-After: 2" in refused
        assert not venue.received
        assert (await http(venue, "POST", "/api/rest/v1/orders", body, **proof)).startswith(b"HTTP/1.1 200 ")


async def test_an_upgrade_may_be_answered_503(autojump_clock, nursery):
    async with local_venue("fault: http_error, kinds: [upgrade], status: 503, times: 1") as venue:
        assert (await http(venue, "GET", STREAMS_PATH, **UPGRADE)).startswith(b"HTTP/1.1 503 ")
        await connected(nursery, venue)


async def test_an_answer_may_be_lost_after_the_request_was_carried_out(autojump_clock, nursery):
    async with local_venue("fault: drop, via: http, direction: out, kinds: [new]") as venue:
        client = await connected(nursery, venue, private=True)
        body = json.dumps({"subAccountId": client.account.sub_account_id, **order(venue, clientOrderId="lost")})
        assert await http(venue, "POST", "/orders", body, authorization=f"Bearer {client.token}") == b""
        assert venue.record.frames("lost") == 1


async def test_a_list_may_be_empty_by_fault(autojump_clock, nursery):
    empty = json.dumps('{"result": []}')
    async with local_venue(f"fault: replace, direction: out, contains: by-sub-account, text: {empty}") as venue:
        client = await connected(nursery, venue, private=True)
        await client.place()
        await client.next()
        target = f"/orders/by-sub-account/{client.account.sub_account_id}"
        answer = await http(venue, "GET", target, authorization=f"Bearer {client.token}")
        assert answer.endswith(b'{"result": []}')


async def test_frames_that_nobody_asked_for_may_be_injected(autojump_clock, nursery):
    async with local_venue('fault: inject, after: 1s, text: \'{"e":"strange","t":"x"}\', copies: 2') as venue:
        client = await connected(nursery, venue)
        assert [message["e"] for message in await client.hush(2)] == ["strange", "strange"]


async def test_a_frame_with_a_reserved_bit_may_be_injected(autojump_clock, nursery):
    async with local_venue("fault: inject, after: 1s, hex: 'c1 01 78'") as venue:
        client = await connected(nursery, venue)
        with pytest.raises(ConnectionClosed) as caught:
            await client.next()
        assert caught.value.reason.code == 1002


async def test_an_order_may_be_cancelled_by_nobody(autojump_clock, nursery):
    async with local_venue("fault: act, action: unsolicited_cancel, after: 5s") as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="mine")
        states = [message["d"]["status"] for message in await client.hush(6) if message["e"] == "order"]
        assert states == ["STATUS_OPEN", "STATUS_CANCELLED"]


async def test_a_flood_is_a_flood_and_ends(autojump_clock, nursery):
    async with local_venue("fault: act, action: flood, rate: 2000, after: 2s, for: 1s", market="random") as venue:
        market = venue.exchange.markets["BTC/CHF"]
        await trio.sleep(2)
        before = market.sequence
        await trio.sleep(1)
        flooded = market.sequence - before
        await trio.sleep(1)
        assert flooded > 1500
        assert market.sequence - before - flooded < 200


async def test_a_quiet_market_is_silent(autojump_clock, nursery):
    async with local_venue("fault: act, action: quiet, after: 1s, for: 20s", market="random") as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", "BTC/CHF@trades")
        await client.hush(1.2)
        assert await client.hush(19) == []
        assert await client.hush(5)


async def test_an_emptied_book_fills_again(autojump_clock, nursery):
    async with local_venue("fault: act, action: empty_book, after: 2s", market="random") as venue:
        market = venue.exchange.markets["ETH/CHF"]
        await trio.sleep(2.01)
        assert min(market.best(1), market.best(-1)) == 0
        await trio.sleep(5)
        assert min(market.best(1), market.best(-1)) > 0


async def test_faults_may_be_added_while_it_runs(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        await trio.sleep(10)
        venue.inject(Rule(fault="disconnect", timed=True, after=2 * SECOND, times=1, code=1012))
        with pytest.raises(ConnectionClosed) as caught:
            await client.next()
        assert caught.value.reason.code == 1012
        assert trio.current_time() == pytest.approx(12, abs=0.01)


async def test_an_action_that_the_venue_does_not_have_is_refused():
    with pytest.raises(OptionError, match=r"faults\[0\].action: expected unsolicited_cancel"):
        async with local_venue("fault: act, action: explode"):
            pass
