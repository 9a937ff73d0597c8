"""A client of the local PowerTrade for tests, written to the documents and not to our adapter."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import trio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from tickwright.adapters.fault_script import parse_script
from tickwright.adapters.local.house import HttpRequest
from tickwright.adapters.powertrade.mirror import Options, Venue, serve, virtual_wall


@asynccontextmanager
async def local_venue(*faults: str, **options: Any) -> AsyncIterator[Venue]:
    """A venue in memory on trio's clock, with nobody trading but its clients unless told otherwise.

    Each of `faults` is one entry of a fault script, without its braces.
    """
    chosen = Options(**{"market": "none", **options})
    script = parse_script("faults:\n" + "\n".join(f"  - {{{fault}}}" for fault in faults)) if faults else None
    async with serve(chosen, port=None, wall=virtual_wall(), secret=Random(7), faults=script) as venue:
        yield venue


def jwt(venue: Venue, account: int = 0, **claims: Any) -> str:
    """A token that holds now; claims of None are left out."""
    now, who = venue.now() // 10**9, venue.accounts[account]
    told = {"sub": who.api_key, "client": "api", "iat": now - 5, "exp": now + 30, "nonce": now, **claims}
    parts = [{"alg": "ES256", "typ": "JWT"}, {key: value for key, value in told.items() if value is not None}]
    signed = ".".join(_packed(json.dumps(part).encode()) for part in parts)
    r, s = decode_dss_signature(who.key.sign(signed.encode(), ec.ECDSA(SHA256())))
    return f"{signed}.{_packed(r.to_bytes(32) + s.to_bytes(32))}"


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Client:
    """One connection of one account."""

    def __init__(self, venue: Venue, ws: WebSocketConnection, account: int = 0) -> None:
        self.venue = venue
        self.ws = ws
        self.account = account
        self.tags = 0

    async def send(self, name: str, **fields: Any) -> str:
        self.tags += 1
        tag = f"t{self.tags}"
        await self.ws.send_message(json.dumps({name: {"user_tag": tag, **fields}}))
        return tag

    async def next(self) -> tuple[str, dict[str, Any]]:
        with trio.fail_after(4000):
            message = json.loads(await self.ws.get_message())
        assert len(message) == 1
        return next(iter(message.items()))

    async def until(self, name: str) -> dict[str, Any]:
        """The next message of that name, those before it dropped."""
        while True:
            told, body = await self.next()
            if told == name:
                return body

    async def ask(self, name: str, **fields: Any) -> tuple[str, dict[str, Any]]:
        await self.send(name, **fields)
        return await self.next()

    async def hush(self, seconds: float) -> list[tuple[str, dict[str, Any]]]:
        """Everything that comes within a time."""
        found = []
        with trio.move_on_after(seconds):
            while True:
                found.append(next(iter(json.loads(await self.ws.get_message()).items())))
        return found

    async def hush_to_the_end(self) -> list[tuple[str, dict[str, Any]]]:
        """Everything that comes until the connection ends."""
        found = []
        with suppress(ConnectionClosed), trio.fail_after(4000):
            while True:
                found.append(await self.next())
        return found

    async def place(self, **fields: Any) -> str:
        return await self.send("new_order", **order(**fields))

    async def placed(self, **fields: Any) -> dict[str, Any]:
        await self.place(**fields)
        name, body = await self.next()
        assert name == "order_accepted", body
        return body

    def rest(self, method: str, target: str, body: Any = None, **claims: Any) -> tuple[int, Any]:
        """One request with a token."""
        return call(self.venue, method, target, body, {"credentials_secret": jwt(self.venue, self.account, **claims)})


def call(
    venue: Venue, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = venue.answer(HttpRequest(method=method, target=f"/v1/api{target}", headers=headers or {}, body=data))
    return answer.status, json.loads(answer.body)


def order(**fields: Any) -> dict[str, Any]:
    """A limit order to buy 1 BTC at 10000 for one cycle, except as told; a field of None is left out."""
    body = {
        "market_id": "0",
        "side": "buy",
        "quantity": "1",
        "type": "LIMIT",
        "time_in_force": "GTC",
        "client_order_id": "cA1NP44bPggQuhuvxXqR_",
        "price": "10000",
        "recv_window": "1",
        "symbol": "BTC-USD",
        **fields,
    }
    return {key: value for key, value in body.items() if value is not None}


async def connected(nursery: trio.Nursery, venue: Venue, account: int = 0, private: bool = True) -> Client:
    """A client on a connection of its own, authenticated unless told otherwise."""
    ws = await wrap_client_stream(nursery, venue.open_stream(), "venue.test", "/")
    client = Client(venue, ws, account)
    if private:
        name, body = await client.ask("authenticate", credentials_secret=jwt(venue, account))
        assert (name, body["error_code"]) == ("command_response", "0")
    return client
