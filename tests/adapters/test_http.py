"""Questions over HTTP, to a real peer on this machine and to others in memory."""

from datetime import UTC, datetime
from typing import Any

import pytest
import trio
from wire_peers import START, Asked, MemoryNet, Serve, TrioClock, http, listening

from tickwright.adapters.address import Address, checked_address, checked_tls
from tickwright.adapters.http import Http
from tickwright.adapters.patience import WAIT_MAX_S, wait_seconds
from tickwright.engine.times import SECOND
from tickwright.engine.wire import QueryFailed

LOCAL = Address(scheme="http", host="127.0.0.1", port=7001, path="/rest/v1/")


def client(port: int) -> Http:
    base = checked_address(f"http://127.0.0.1:{port}/rest/v1/", ("https", "http"), (), insecure_loopback=True)
    return Http(base, clock=TrioClock(), tls=checked_tls())


async def test_a_request_reaches_a_real_peer_and_its_answer_comes_back_whole():
    asked: list[Asked] = []

    def answer(request: Asked) -> Any:
        asked.append(request)
        return 200, {"n": len(asked), "big": "x" * 200_000}

    async with listening(http(answer)) as port:
        peer = client(port)
        first = await peer.ask("GET", "/pairs", query="limit=5")
        second = await peer.ask("POST", "/orders", headers={"content-type": "application/json"}, body=b'{"a":1}')
        await peer.rest()
        third = await peer.ask("DELETE", "/orders/1", urgent=True)
        await peer.rest()
    assert [told.status for told in (first, second, third)] == [200, 200, 200]
    assert len(first.body) > 200_000
    assert [(request.method, request.target) for request in asked] == [
        ("GET", "/rest/v1/pairs?limit=5"), ("POST", "/rest/v1/orders"), ("DELETE", "/rest/v1/orders/1"),
    ]  # fmt: skip
    assert asked[1].body == b'{"a":1}'
    assert asked[0].headers["accept-encoding"] == "identity"
    assert asked[0].headers["host"] == f"127.0.0.1:{port}"


async def test_a_connection_that_the_peer_has_closed_is_not_used_again():
    async def once(stream: trio.abc.Stream) -> None:
        with trio.move_on_after(0.05):
            await http(lambda asked: (200, {}))(stream)

    async with listening(once) as port:
        peer = client(port)
        for _ in range(3):
            assert (await peer.ask("GET", "/x")).ok
            await trio.sleep(0.15)
        await peer.rest()


async def test_nobody_there_is_no_answer():
    async with listening(http(lambda asked: (200, {}))) as port:
        pass
    with pytest.raises(QueryFailed, match="expected an answer, received no connection"):
        await client(port).ask("GET", "/x")


# Peers in memory, on a virtual clock


@pytest.fixture
def net(nursery):
    return MemoryNet(nursery)


def raw(text: bytes, close: bool = True) -> Serve:
    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(text)
        if not close:
            await trio.sleep_forever()
        await trio.aclose_forcefully(stream)

    return serve


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"64\r\n" + b"x" * 100 + b"\r\n"


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (raw(b""), "Server disconnected"),
        (raw(b"\x00\x01\x02\r\n\r\n"), "illegal"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), "without sending complete"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", close=False), "within 10 s"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "bad Content-Length"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"a: " + b"b" * 200_000, close=False), "received"),
        (raw(b"", close=False), "within 10 s"),
        (http(lambda asked: (302, b"", {"location": "https://evil.example/"})), "no redirect"),
        (http(lambda asked: (200, b"x" * 2000)), "more than 1000 bytes"),
        (raw(CHUNKED + CHUNK, close=False), "within 10 s"),
        (raw(CHUNKED + 3000 * CHUNK, close=False), "more than 1000 bytes"),
        (http(lambda asked: (200, b"\x1f\x8b", {"content-encoding": "gzip"})), "compressed"),
    ],
)  # fmt: skip
async def test_what_is_no_whole_answer_is_no_answer(autojump_clock, net, serve, said):
    net.ports[7001] = serve
    peer = Http(LOCAL, clock=TrioClock(), tls=checked_tls(), dial=net.dial, answer_max=1000)
    begun = trio.current_time()
    with pytest.raises(QueryFailed, match=r"127\.0\.0\.1: GET /x: expected") as failed:
        await peer.ask("GET", "/x")
    assert said in str(failed.value)
    assert trio.current_time() - begun <= 10.1
    await peer.rest()


async def test_a_peer_that_drips_is_cut_off_after_ten_seconds(autojump_clock, net):
    async def drip(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000:
            await stream.send_all(bytes((byte,)))
            await trio.sleep(0.5)

    net.ports[7001] = drip
    with pytest.raises(QueryFailed, match="within 10 s"):
        await Http(LOCAL, clock=TrioClock(), tls=checked_tls(), dial=net.dial).ask("GET", "/x")
    assert trio.current_time() == pytest.approx(10, abs=0.5)


async def test_the_venues_clock_lies_between_the_bounds_that_an_answer_gives(autojump_clock, net):
    clock = TrioClock()
    clock.skew = -42 * SECOND
    measured: list[tuple[int, int]] = []

    async def stamped(asked: Asked) -> Any:
        await trio.sleep(0.3)
        venue = datetime.fromtimestamp((clock.now()) // SECOND, UTC)
        return 200, {}, {"date": venue.strftime("%a, %d %b %Y %H:%M:%S GMT")}

    net.ports[7001] = http(stamped)
    peer = Http(
        LOCAL, clock=clock, tls=checked_tls(), dial=net.dial, measured=lambda low, high: measured.append((low, high))
    )
    for _ in range(30):
        await peer.ask("GET", "/x")
        await trio.sleep(0.77)
        assert peer.offset[0] <= 42 * SECOND <= peer.offset[1]
        assert peer.offset[1] - peer.offset[0] <= 1.4 * SECOND
    assert 3 <= len(measured) <= 4  # told every ten seconds at most


@pytest.mark.parametrize("stamp", ["", "yesterday", "x" * 100, "Tue, 99 Nov 2023 22:13:20 GMT", "-1"])
async def test_a_stamp_that_is_none_measures_nothing(autojump_clock, net, stamp):
    net.ports[7001] = http(lambda asked: (200, {}, {"date": stamp}))
    peer = Http(LOCAL, clock=TrioClock(), tls=checked_tls(), dial=net.dial)
    assert (await peer.ask("GET", "/x")).ok
    assert peer.offset == (0, 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 0), ("", 0), ("7", 7), (" 7 ", 7), ("-7", 0), ("7.5", 0), ("\u0667", 0), ("9" * 400, WAIT_MAX_S),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30), ("Tue, 14 Nov 2023 22:13:10 GMT", 0), ("soon", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", WAIT_MAX_S),
    ],
)  # fmt: skip
def test_how_long_to_wait_is_a_number_or_a_date_and_bounded(text, seconds):
    assert wait_seconds(text, START) == seconds


async def test_requests_keep_to_their_rate_and_cancels_leave_at_once(autojump_clock, net):
    net.ports[7001] = http(lambda asked: (200, {}))
    peer = Http(LOCAL, clock=TrioClock(), tls=checked_tls(), dial=net.dial, per_second=5)
    for _ in range(25):
        await peer.ask("GET", "/x")
    assert 3.9 <= trio.current_time() <= 4.2
    begun = trio.current_time()
    for _ in range(50):
        await peer.ask("DELETE", "/x", urgent=True)
    assert trio.current_time() - begun < 0.01
    with pytest.raises(QueryFailed, match="nothing was sent"):
        await peer.ask("POST", "/x", before=begun + 0.1)
    assert trio.current_time() - begun <= 0.11
    assert peer.requests == 75
