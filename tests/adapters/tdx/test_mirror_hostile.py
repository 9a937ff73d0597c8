"""Whatever a client sends, the local venue answers or closes by rule, and serves on."""

import json
import struct
from random import Random

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from mirror_rig import UPGRADE, call, connected, http, local_venue, login, order
from trio_websocket import ConnectionClosed

from tickwright.adapters.fault_rules import FaultScript
from tickwright.adapters.tdx.mirror import STREAMS_PATH, Options, Venue
from tickwright.adapters.tdx.mirror.client import Client as Session
from tickwright.adapters.tdx.mirror.listing import listed_pairs
from tickwright.engine.times import SECOND

FRAMES = {
    "empty": "",
    "no JSON": "hello",
    "cut short": '{"e": "tdx:subscribe", "t": "BTC/',
    "a list": "[]",
    "a number": "5",
    "null": "null",
    "NaN": '{"e": NaN}',
    "1e999": '{"e": 1e999}',
    "a long integer": '{"e": %s}' % ("9" * 5000),
    "a key twice": '{"e": "tdx:subscribe", "e": "tdx:order_create"}',
    "deep": "[" * 100_000,
    "deep objects": '{"e":' * 50_000,
    "half a pair": '{"e": "tdx:subscribe", "t": "\\ud800"}',
    "a BOM": '\ufeff{"e": "tdx:subscribe"}',
    "no event": '{"t": "BTC/CHF@trades"}',
    "an unknown event": '{"e": "tdx:rfq", "t": "x@quotes"}',
    "an event without its prefix": '{"e": "subscribe", "t": "BTC/CHF@trades"}',
    "an event of a wrong type": '{"e": ["tdx:subscribe"]}',
    "a topic of a wrong type": '{"e": "tdx:subscribe", "t": {"x": 1}}',
    "a token of a wrong type": '{"e": "tdx:cancel_on_disconnect", "a": 5}',
    "data of a wrong type": '{"e": "tdx:order_cancel", "t": "BTC/CHF@trades", "d": []}',
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
async def test_a_frame_that_says_nothing_gets_a_failure_and_the_connection_stays(autojump_clock, nursery, frame):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        await client.ws.send_message(frame)
        failed = await client.next()
        assert failed["e"].endswith("_failed")
        assert failed["d"]["code"] in (400, 401, 404)
        assert (await client.ask("tdx:subscribe", "BTC/CHF@depth"))["e"] == "tdx:subscription_received"


async def test_a_binary_frame_gets_a_failure(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        await client.ws.send_message(b"\x00\xff")
        assert (await client.next())["e"] == "tdx:request_failed"


def masked(opcode: int, payload: bytes, first: int = 0x80) -> bytes:
    """A client's frame, masked with zeros."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return bytes((first | opcode,)) + length + b"\x00" * 4 + payload


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x05hello", 1002),
        (masked(0x1, b"x", 0xC0), 1002),
        (masked(0x3, b"x"), 1002),
        (masked(0x1, b"\xff\xfe"), 1007),
        (masked(0x0, b"x"), 1002),
        (masked(0x9, b"x", 0x00), 1002),
        (masked(0x8, b"\x00"), 1002),
        (masked(0x1, b"x" * 65_000, 0x00) + masked(0x0, b"x" * 65_000, 0x00) * 17, 1009),
    ],
    ids=[
        "unmasked",
        "reserved bit",
        "unknown opcode",
        "not UTF-8",
        "lone continuation",
        "cut ping",
        "bad close",
        "big",
    ],
)
async def test_a_breach_of_the_frames_closes_by_rule(autojump_clock, data, code):
    async with local_venue() as venue:
        stream = venue.open_stream()
        lines = "".join(f"{name}: {value}\r\n" for name, value in ({"host": "x"} | UPGRADE).items())
        await stream.send_all(f"GET {STREAMS_PATH} HTTP/1.1\r\n{lines}\r\n".encode() + data)
        found = b""
        with trio.fail_after(60):
            while part := await stream.receive_some():
                found += part
        _, _, frames = found.partition(b"\r\n\r\n")
        assert frames[0] == 0x88
        assert int.from_bytes(frames[2:4], "big") == code
        assert not venue.sockets


async def test_a_message_in_ten_thousand_pieces_is_one_message(autojump_clock):
    async with local_venue() as venue:
        stream = venue.open_stream()
        lines = "".join(f"{name}: {value}\r\n" for name, value in ({"host": "x"} | UPGRADE).items())
        text = b'{"e":"tdx:subscribe","t":"BTC/CHF@depth"' + b" " * 10_000 + b"}"
        pieces = masked(0x1, text[:1], 0x00) + b"".join(masked(0x0, bytes((each,)), 0x00) for each in text[1:-1])
        await stream.send_all(f"GET {STREAMS_PATH} HTTP/1.1\r\n{lines}\r\n".encode() + pieces + masked(0x0, text[-1:]))
        found = b""
        with trio.fail_after(60):
            while b"subscription_received" not in found:
                found += await stream.receive_some()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000, b"431"),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 1_100_000, b"413"),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"GET /%ff%00?limit=%ff HTTP/1.1\r\nHost: x\r\n\r\n", b"401"),
        (b"DELETE / HTTP/1.0\r\n\r\n", b"401"),
    ],
)
async def test_broken_http_gets_its_status(autojump_clock, sent, status):
    async with local_venue() as venue:
        stream = venue.open_stream()
        await stream.send_all(sent)
        with trio.fail_after(60):
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 " + status)


async def test_a_request_that_never_ends_is_let_go(autojump_clock):
    async with local_venue() as venue:
        stream = venue.open_stream()
        await stream.send_all(b"GET / HTTP/1.1\r\nHost")
        with trio.fail_after(100):
            while await stream.receive_some():
                pass


async def test_a_client_that_does_not_read_is_closed(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue)
        (socket,) = venue.sockets
        for _ in range(20_001):
            socket.queue("{}", "book")
        with pytest.raises(ConnectionClosed) as caught:
            await client.next()
        assert caught.value.reason.code == 1013


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("tdx:subscribe"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["e", "t", "d", "a", "id"]), inner),
    max_leaves=10,
)
EVENTS = st.sampled_from(
    ["tdx:subscribe", "tdx:unsubscribe", "tdx:order_create", "tdx:order_cancel", "tdx:cancel_on_disconnect"]
)


VENUE = Venue(Options(market="none"), listed_pairs(), lambda: 1_735_689_600 * SECOND, Random(7), FaultScript())
TOKEN = login(VENUE, VENUE.accounts[0])["result"]["accessToken"]
ORDERS = f"{VENUE.accounts[0].sub_account_id}@subaccount-orders"


@pytest.mark.slow
@settings(max_examples=120)
@given(st.data())
def test_nothing_that_is_sent_breaks_anything(data):
    """Frames near the truth and far from it: each has an answer, funds stay whole, and REST never raises."""
    said: list[str] = []
    session = Session(VENUE.desk, lambda text, kind: said.append(text))
    frame = {
        "e": data.draw(EVENTS | JSON),
        "t": data.draw(st.sampled_from([ORDERS, "BTC/CHF@depth10", "*@prices@mid"]) | JSON),
        "a": data.draw(st.just(TOKEN) | JSON),
        "d": data.draw(st.just(order(VENUE)) | st.just(order(VENUE) | {"x": data.draw(JSON)}) | JSON),
    }
    if isinstance(frame["d"], dict) and frame["d"]:
        frame["d"][data.draw(st.sampled_from(sorted(frame["d"])))] = data.draw(JSON)
    session.receive(json.dumps(frame))
    assert said
    body = data.draw(st.just(json.dumps(frame["d"])) | st.text(max_size=30)).encode("utf-8", "replace")
    path = data.draw(st.sampled_from(["/orders", "/users/authentication/login", "/trades?limit=x", "/"]))
    method = data.draw(st.sampled_from(["GET", "POST", "DELETE", "PATCH"]))
    status, _ = call(VENUE, method, path, body, {"authorization": f"Bearer {TOKEN}"})
    assert status in (200, 400, 401, 403, 404, 405, 409, 422)
    for holding in VENUE.accounts[0].holdings.values():
        assert 0 <= holding.reserved <= holding.total
    session.close()


HANDSHAKE = (
    f"GET {STREAMS_PATH} HTTP/1.1\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in ({"host": "x"} | UPGRADE).items())
    + "\r\n"
).encode()
REQUESTS = [
    HANDSHAKE,
    HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0"),
    HANDSHAKE[:-2] + b"Content-Length: 5\r\n\r\nhello",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
    b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
]
PIECES = [
    masked(0x1, b'{"e":"tdx:subscribe","t":"BTC/CHF@depth"}'),
    masked(0x1, b"ab", 0x00),
    masked(0x0, b"c"),
    masked(0x2, b"x"),
    masked(0x9, b"ping"),
    masked(0xA, b"pong"),
    masked(0x8, b"\x03\xe8bye"),
    masked(0x8, b""),
]


def damaged(data: bytes, rng: Random) -> bytes:
    """Bytes with up to three of them changed, lost or added."""
    found = bytearray(data)
    for _ in range(rng.randint(0, 3)):
        place = rng.randrange(len(found) + 1)
        found[place : place + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
    return bytes(found)


@pytest.mark.slow
async def test_bytes_of_any_kind_never_end_the_venue(autojump_clock, nursery):
    rng = Random(5)
    async with local_venue() as venue:
        for _ in range(400):
            stream = venue.open_stream()
            data = damaged(rng.choice(REQUESTS), rng)
            if rng.random() < 0.6:
                data = HANDSHAKE + b"".join(damaged(rng.choice(PIECES), rng) for _ in range(rng.randint(1, 6)))
            await stream.send_all(data)
            with trio.move_on_after(3):
                while await stream.receive_some():
                    pass
            await stream.aclose()
        await trio.sleep(100)
        assert not venue.sockets
        assert not venue.connections
        await connected(nursery, venue)


async def test_a_stranger_learns_nothing_of_secrets(autojump_clock, nursery):
    async with local_venue() as venue:
        account = venue.accounts[0]
        assert account.password not in repr(account)
        assert account.api_secret not in repr(account)
        assert account.totp_secret not in repr(account)
        found = await http(venue, "POST", "/users/authentication/login", json.dumps({"password": account.password}))
        assert account.password.encode() not in found
