"""A client of the local venue for tests, written to the documents and not to our adapter."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from tickwright.adapters.fault_script import parse_script
from tickwright.adapters.tdx.mirror import STREAMS_PATH, SUBPROTOCOL, Options, Venue, serve_tdx, virtual_wall
from tickwright.adapters.tdx.mirror.rest import HttpRequest
from tickwright.adapters.tdx.signing import totp, totp_secret

UPGRADE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": SUBPROTOCOL,
}
"""Headers of a handshake."""


@asynccontextmanager
async def local_venue(*faults: str, **options: Any) -> AsyncIterator[Venue]:
    """A venue in memory on trio's clock, with nobody trading but its clients unless told otherwise.

    Each of `faults` is one entry of a fault script, without its braces.
    """
    chosen = Options(**{"market": "none", **options})
    script = parse_script("faults:\n" + "\n".join(f"  - {{{fault}}}" for fault in faults)) if faults else None
    async with serve_tdx(chosen, port=None, wall=virtual_wall(), secret=Random(7), faults=script) as venue:
        yield venue


class Client:
    """One connection of one account."""

    def __init__(self, venue: Venue, ws: WebSocketConnection, account: int = 0) -> None:
        self.venue = venue
        self.ws = ws
        self.account = venue.accounts[account]
        self.orders = f"{self.account.sub_account_id}@subaccount-orders"
        self.token = ""

    async def send(self, event: str, topic: str = "", data: Any = None, token: str | None = None) -> None:
        frame = {"e": event, "t": topic, "d": data, "a": self.token if token is None else token}
        await self.ws.send_message(json.dumps({key: value for key, value in frame.items() if value}))

    async def next(self) -> dict[str, Any]:
        with trio.fail_after(60):
            frame = await self.ws.get_message()
        message = json.loads(frame)
        assert isinstance(message, dict)
        return message

    async def until(self, event: str, topic: str = "") -> dict[str, Any]:
        """The next message of that name, those before it dropped."""
        while True:
            message = await self.next()
            if message["e"] == event and topic in ("", message.get("t")):
                return message

    async def ask(self, event: str, topic: str = "", data: Any = None, token: str | None = None) -> dict[str, Any]:
        await self.send(event, topic, data, token)
        return await self.next()

    async def hush(self, seconds: float) -> list[dict[str, Any]]:
        """Everything that comes within a time."""
        found: list[dict[str, Any]] = []
        with trio.move_on_after(seconds):
            while True:
                found.append(json.loads(await self.ws.get_message()))
        return found

    async def rest_of_life(self) -> list[dict[str, Any]]:
        """Everything that comes until the connection ends."""
        found: list[dict[str, Any]] = []
        with suppress(ConnectionClosed), trio.fail_after(600):
            while True:
                found.append(json.loads(await self.ws.get_message()))
        return found

    def login(self) -> str:
        """Log in by REST and use the token from now on."""
        answer = login(self.venue, self.account)
        self.token = answer["result"]["accessToken"]
        return self.token

    async def place(self, **fields: str) -> None:
        await self.send("tdx:order_create", self.orders, order(self.venue, **fields))

    def rest(self, method: str, target: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request with the token."""
        told = {"authorization": f"Bearer {self.token}", "host": "venue.test", **headers}
        return call(self.venue, method, target, body, told)


def login(venue: Venue, account: Any) -> dict[str, Any]:
    code = totp(totp_secret(account.totp_secret), venue.now())
    body = {"username": account.username, "password": account.password, "challenge": code}
    status, answer = call(venue, "POST", "/api/rest/v1/users/authentication/login", body)
    assert status == 200
    assert isinstance(answer, dict)
    return answer


def call(
    venue: Venue, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = venue.answer(HttpRequest(method=method, target=target, headers=headers or {}, body=data))
    return answer.status, json.loads(answer.body)


def order(venue: Venue, symbol: str = "BTC/CHF", **fields: str) -> dict[str, str]:
    """A limit order of 0.1 to buy at 50000, except as told; a field of "" is left out."""
    body = {
        "clientOrderId": "one",
        "pairId": pair_id(venue, symbol),
        "side": "SIDE_BUY",
        "type": "TYPE_LIMIT",
        "timeInForce": "TIME_IN_FORCE_GTC",
        "quantity": "0.1",
        "price": "50000",
        **fields,
    }
    return {key: value for key, value in body.items() if value}


def pair_id(venue: Venue, symbol: str) -> str:
    return next(pair.id for pair in venue.exchange.pairs.values() if pair.symbol == symbol)


async def http(venue: Venue, method: str, target: str, body: str = "", **headers: str) -> bytes:
    """One request over a connection of its own; everything that comes back until it ends."""
    stream = venue.open_stream()
    told = {"host": "venue.test", "connection": "close", "content-length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    await stream.send_all(f"{method} {target} HTTP/1.1\r\n{head}\r\n{body}".encode())
    found = b""
    with trio.fail_after(120):
        while part := await stream.receive_some():
            found += part
    return found


async def connected(nursery: trio.Nursery, venue: Venue, account: int = 0, private: bool = False) -> Client:
    """A client on a connection of its own; `private` with a token and its orders subscribed."""
    stream = venue.open_stream()
    ws = await wrap_client_stream(nursery, stream, "venue.test", STREAMS_PATH, subprotocols=[SUBPROTOCOL])
    client = Client(venue, ws, account)
    if private:
        client.login()
        assert (await client.ask("tdx:subscribe", client.orders))["e"] == "tdx:subscription_received"
    return client
