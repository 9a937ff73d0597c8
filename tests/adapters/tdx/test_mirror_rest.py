"""The local venue's REST side: proofs, lists and their pages, errors, and our own readers of all of it."""

import json
import uuid
from random import Random

import pytest
import trio
from mirror_rig import call, connected, http, local_venue, login, order, pair_id

from tickwright.adapters.tdx.rest import (
    read_assets,
    read_balances,
    read_orders,
    read_page,
    read_pairs,
    read_refusal,
    read_session,
    read_trades,
)
from tickwright.adapters.tdx.signing import authorization, totp, totp_secret
from tickwright.engine.times import SECOND

BASE = "/api/rest/v1"
LOGIN = f"{BASE}/users/authentication/login"


def raw(client, target):
    """The body of a GET, as bytes for our own readers."""
    return json.dumps(client.rest("GET", target)[1]).encode()


async def test_a_login_needs_name_password_and_code(autojump_clock):
    async with local_venue() as venue:
        account = venue.accounts[0]
        code = totp(totp_secret(account.totp_secret), venue.now())
        right = {"username": account.username, "password": account.password, "challenge": code}
        for wrong, reason in (
            ({"username": "x"}, "UNAUTHENTICATED"),
            ({"password": "x"}, "UNAUTHENTICATED"),
            ({"challenge": "000000" if code != "000000" else "1"}, "UNAUTHENTICATED"),
            ({"challenge": ""}, "MFA_REQUIRED"),
        ):
            status, answer = call(venue, "POST", LOGIN, right | wrong)
            assert (status, answer["details"]) == (401, [{"reason": reason}])
        for body in (b"", b"[]", b"{", json.dumps(right | {"password": 5}).encode()):
            assert call(venue, "POST", LOGIN, body)[0] == 400
        assert call(venue, "GET", LOGIN)[0] == 405
        session = read_session(json.dumps(login(venue, account)).encode())
        assert session.access_ends == venue.now() // SECOND * SECOND + 3600 * SECOND
        assert session.session_ends > session.access_ends
        autojump_clock.jump(90)
        assert call(venue, "POST", LOGIN, right)[0] == 401


async def test_a_session_is_refreshed_until_it_ends(autojump_clock):
    async with local_venue() as venue:
        given = login(venue, venue.accounts[0])["result"]
        for path in ("/users/authentication/refresh", "/auth/refresh"):
            status, fresh = call(venue, "POST", BASE + path, {"refreshToken": given["refreshToken"]})
            assert status == 200
            assert fresh["result"]["accessToken"] != given["accessToken"]
            assert call(venue, "POST", BASE + path, {"refreshToken": "x"})[0] == 401
        autojump_clock.jump(7 * 86_400)
        assert call(venue, "POST", BASE + path, {"refreshToken": given["refreshToken"]})[0] == 401


@pytest.mark.parametrize("prefix", ["", BASE, BASE + BASE])
async def test_paths_are_taken_with_and_without_their_prefix(autojump_clock, nursery, prefix):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        assert client.rest("GET", f"{prefix}/pairs")[0] == 200


async def test_reference_data_reads_with_our_own_readers(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        assets = read_assets(read_page(raw(client, "/instruments?limit=500")))
        pairs = read_pairs(read_page(raw(client, "/pairs?limit=500")), assets, "TDX")
        assert {found.symbol for found in pairs.values()} >= {"BTC/CHF", "BTC/USD", "ETH/CHF", "ACETO/USD"}
        assert pairs[pair_id(venue, "ETH/CHF")] == venue.exchange.markets["ETH/CHF"].pair.instrument
        balances = read_balances(read_page(raw(client, f"/balances?subAccountIds={client.account.sub_account_id}")))
        assert {each.asset_id for each in balances} == {asset.id for asset in assets}
        mine = client.rest("GET", "/sub-accounts/mine")[1]["result"]
        assert [(row["id"], row["venue"]) for row in mine] == [(client.account.sub_account_id, "VENUE_MARKETPLACE")]


async def test_orders_are_made_listed_read_and_cancelled(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        client, other = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        mine = f"/orders/by-sub-account/{client.account.sub_account_id}"
        body = {"subAccountId": client.account.sub_account_id, **order(venue, clientOrderId="r1")}
        status, made = client.rest("POST", "/orders", body)
        assert (status, made["result"]["status"], made["result"]["clientOrderId"]) == (200, "STATUS_OPEN", "r1")
        order_id = made["result"]["id"]
        assert (await client.next())["d"]["id"] == order_id
        assert client.rest("GET", f"{mine}/{order_id}")[1] == made
        assert other.rest("GET", f"{mine}/{order_id}")[0] == 403
        assert other.rest("GET", f"/orders/by-sub-account/{other.account.sub_account_id}/{order_id}")[0] == 404
        assert other.rest("POST", "/orders", body)[0] == 403
        status, ended = client.rest("DELETE", f"{mine}/{order_id}")
        assert (status, ended["result"]["status"]) == (200, "STATUS_CANCELLED")
        assert client.rest("DELETE", f"{mine}/{order_id}")[0] == 404
        assert [each.via for each in venue.received] == ["rest"] * 3


async def test_all_orders_of_a_pair_are_cancelled_together(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        for number in range(3):
            await client.place(clientOrderId=str(number))
        await client.send("tdx:order_create", client.orders, order(venue, "ETH/CHF", price="3000", clientOrderId="eth"))
        await client.hush(1)
        path = f"/orders/by-sub-account/{client.account.sub_account_id}/by-pair"
        status, ended = client.rest("DELETE", f"{path}/{pair_id(venue, 'BTC/CHF')}")
        assert (status, [row["clientOrderId"] for row in ended["result"]]) == (200, ["0", "1", "2"])
        assert [each.client_order_id for each in venue.exchange.open_orders()] == ["eth"]
        assert client.rest("DELETE", f"{path}/{uuid.UUID(int=1)}")[0] == 404


@pytest.mark.parametrize("sort", ["created_at-asc", "created_at-desc"])
@pytest.mark.parametrize("limit", [1, 3, 7, 500])
async def test_pages_hold_every_row_once_while_more_come(autojump_clock, nursery, sort, limit):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        for number in range(7):
            await client.place(clientOrderId=str(number))
        await client.hush(1)
        mine = f"/orders/by-sub-account/{client.account.sub_account_id}?sort={sort}&limit={limit}"
        found, cursor, pages = [], "", 0
        while True:
            page = client.rest("GET", f"{mine}&cursor={cursor}")[1]
            found += [row["clientOrderId"] for row in page["result"]]
            pages += 1
            cursor = page["pagination"]["cursors"]["next"]
            if not cursor:
                break
            if pages == 1:
                await client.place(clientOrderId="new")
                await client.hush(1)
        first = [str(number) for number in range(7)]
        later = ["new"] if sort == "created_at-asc" and limit < 7 else []
        assert found == (first + later if sort == "created_at-asc" else first[::-1])


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "limit=-1", "sort=price", "cursor=rubbish", "cursor=YWZ0ZXI6eA=="]
)
async def test_bad_queries_are_refused(autojump_clock, nursery, query):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        status, answer = client.rest("GET", f"/orders/by-sub-account/{client.account.sub_account_id}?{query}")
        assert (status, answer["status"]) == (400, "INVALID_ARGUMENT")


async def test_trades_and_balances_need_their_filter(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        client, other = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        await client.place()
        await other.place(side="SIDE_SELL")
        await client.hush(1)
        for path, name in (("/trades", "subAccountId"), ("/balances", "subAccountIds")):
            assert client.rest("GET", path)[0] == 400
            assert client.rest("GET", f"{path}?{name}={other.account.sub_account_id}")[0] == 403
        target = f"/trades?subAccountId={client.account.sub_account_id}"
        (trade,) = read_trades(read_page(raw(client, target)))
        (stated,) = read_orders(read_page(raw(client, f"/orders/by-sub-account/{client.account.sub_account_id}")))
        assert trade.venue_order_id == stated.venue_order_id
        assert trade.cumulative == stated.executed
        assert client.rest("GET", f"/trades/{trade.trade_id}")[1]["result"]["id"] == trade.trade_id
        assert other.rest("GET", f"/trades/{trade.trade_id}")[0] == 404


async def test_errors_read_with_our_own_reader(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        status, answer = client.rest(
            "POST", "/orders", {"subAccountId": client.account.sub_account_id, **order(venue, quantity="99")}
        )
        # 99 BTC at 50000 cost less than the account has; at twice the price they do not.
        assert status == 200
        body = {"subAccountId": client.account.sub_account_id, **order(venue, quantity="100", price="60000")}
        status, answer = client.rest("POST", "/orders", body | {"clientOrderId": "two"})
        refused = read_refusal(json.dumps(answer).encode(), status)
        assert (refused.code, refused.status, refused.reason) == (422, "FAILED_PRECONDITION", "NOT_ENOUGH_FUNDS")


async def test_nothing_is_told_without_proof(autojump_clock):
    async with local_venue() as venue:
        for target in ("/pairs", "/instruments", "/orders/by-sub-account/x", "/trades", "/balances", "/nowhere"):
            for header in ("", "Bearer", "Bearer x", "Basic x", "TDXV1-HMAC-SHA256 x"):
                assert call(venue, "GET", target, headers={"authorization": header})[0] == 401


# --- signed requests ------------------------------------------------------------------------------------------------


def signed(venue, method, path, query="", body=b"", at=None, **changes):
    """A request with the account's API key; `changes` are parts that are signed but not sent."""
    account = venue.accounts[0]
    parts = {
        "api_key": account.api_key,
        "nonce": str(uuid.UUID(int=Random(path + query).getrandbits(128), version=4)),
        "timestamp_ms": (venue.now() if at is None else at) // 1_000_000,
        "method": method,
        "host": "venue.test:8080",
        "path": path,
        "query": query,
        "content_type": "application/json" if body else "",
        "body": body,
    }
    parts |= {name.removesuffix("_"): value for name, value in changes.items()}
    header = authorization(account.api_secret, **parts)
    headers = {"authorization": header, "host": "venue.test:8080"}
    if body:
        headers["content-type"] = "application/json"
    return call(venue, method, f"{path}?{query}" if query else path, body, headers)[0]


async def test_a_signed_request_is_taken_once(autojump_clock):
    async with local_venue() as venue:
        account = venue.accounts[0]
        body = json.dumps({"subAccountId": account.sub_account_id, **order(venue)}).encode()
        assert signed(venue, "GET", f"{BASE}/pairs", "limit=100") == 200
        assert signed(venue, "POST", f"{BASE}/orders", body=body) == 200
        assert signed(venue, "GET", f"{BASE}/pairs", host="venue.test") == 200
        assert signed(venue, "GET", f"{BASE}/pairs", host="venue.test") == 401, "the nonce was used"
        autojump_clock.jump(301)
        assert signed(venue, "GET", f"{BASE}/pairs") == 200, "nonces are forgotten"


@pytest.mark.parametrize(
    "changes",
    [
        {"method_": "POST"},
        {"host": "elsewhere.test"},
        {"path_": f"{BASE}/instruments"},
        {"query_": "limit=2"},
        {"body_": b"x"},
        {"content_type": "text/plain"},
        {"api_key": str(uuid.UUID(int=5))},
        {"nonce": "not-a-uuid"},
        {"nonce": str(uuid.UUID(int=5, version=1))},
    ],
)
async def test_a_signature_covers_every_part(autojump_clock, changes):
    async with local_venue() as venue:
        assert signed(venue, "GET", f"{BASE}/pairs", "limit=1", **changes) == 401
        assert signed(venue, "GET", f"{BASE}/pairs", "limit=1") == 200


@pytest.mark.parametrize(("away", "status"), [(-151, 401), (-149, 200), (149, 200), (151, 401)])
async def test_a_signature_holds_for_150_seconds_either_way(autojump_clock, away, status):
    async with local_venue() as venue:
        assert signed(venue, "GET", f"{BASE}/pairs", at=venue.now() + away * SECOND) == status


async def test_the_clock_of_an_answer_is_the_venues(autojump_clock):
    async with local_venue() as venue:
        assert b"Date: Wed, 01 Jan 2025 00:00:00 GMT" in await http(venue, "GET", "/pairs")


async def test_a_connection_serves_several_requests(autojump_clock):
    async with local_venue() as venue:
        stream = venue.open_stream()
        for _ in range(3):
            await stream.send_all(b"GET /pairs HTTP/1.1\r\nHost: x\r\n\r\n")
            with trio.fail_after(1):
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 401 ")


async def test_lists_may_lag_behind_the_stream(autojump_clock, nursery):
    async with local_venue(list_lag_ns=2 * SECOND) as venue:
        client = await connected(nursery, venue, private=True)
        mine = f"/orders/by-sub-account/{client.account.sub_account_id}"
        await client.place()
        await client.until("order")
        assert client.rest("GET", mine)[1]["result"] == []
        await trio.sleep(2.1)
        assert [row["status"] for row in client.rest("GET", mine)[1]["result"]] == ["STATUS_OPEN"]
        await client.send("tdx:order_cancel", client.orders, {"clientOrderId": "one"})
        await client.until("order")
        assert [row["status"] for row in client.rest("GET", mine)[1]["result"]] == ["STATUS_OPEN"]
        await trio.sleep(2.1)
        assert [row["status"] for row in client.rest("GET", mine)[1]["result"]] == ["STATUS_CANCELLED"]


async def test_a_head_is_answered_by_headers_alone():
    async with local_venue() as venue:
        answer = await http(venue, "HEAD", f"{BASE}/pairs")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"\r\nDate: " in head
        assert body == b""
        assert (await http(venue, "GET", f"{BASE}/pairs")).startswith(b"HTTP/1.1 "), "it serves on"
