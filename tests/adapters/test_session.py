"""The socket loop against peers that a test scripts, over streams in memory and on a virtual clock."""

import math
import ssl
from random import Random

import pytest
import trio
import trio.testing
from session_rig import PORT, WS, Recorder, start
from trio_websocket import WebSocketConnection, wrap_server_stream
from wire_peers import MemoryNet, TrioClock, websocket

from tickwright.adapters.address import UnsafeAddress, checked_address, checked_tls
from tickwright.adapters.outbox import Frame
from tickwright.adapters.session import Session, Timing


@pytest.fixture
def net(nursery):
    return MemoryNet(nursery)


async def test_messages_come_in_order_and_frames_go_out_whole(autojump_clock, net, nursery):
    heard = []

    async def script(socket: WebSocketConnection) -> None:
        for number in range(200):
            await socket.send_message(f"m{number}")
        while True:
            heard.append(await socket.get_message())

    owner = Recorder()
    owner.first = [Frame(text="hello")]
    session, _ = start(net, nursery, websocket(script), owner)
    await trio.sleep(1)
    assert owner.got == [f"m{number}" for number in range(200)]
    assert heard == ["hello"]
    assert (session.statistics().frames_in, session.statistics().frames_out) == (200, 1)
    assert owner.lost == []


async def test_a_ping_is_answered_while_the_core_has_no_room_for_a_moment(autojump_clock, net, nursery):
    answered = []

    async def script(socket: WebSocketConnection) -> None:
        for _ in range(30):
            await socket.send_message("x")
        with trio.fail_after(2):
            await socket.ping()
        answered.append(trio.current_time())
        await trio.sleep_forever()

    owner = Recorder()
    owner.gate = trio.Event()
    start(net, nursery, websocket(script), owner)
    await trio.sleep(1)
    assert len(answered) == 1
    assert owner.got == []
    owner.gate.set()
    await trio.sleep(1)
    assert len(owner.got) == 30


async def test_a_peer_that_falls_silent_is_given_up_within_fifteen_seconds(autojump_clock, net, nursery):
    async def deaf(stream) -> None:
        async with trio.open_nursery() as inner:
            request = await wrap_server_stream(inner, stream)
            await request.accept(subprotocol="ws.t-dx.com")
            inner.cancel_scope.cancel()
        await trio.sleep_forever()  # the socket stays open; nobody reads it

    _, owner = start(net, nursery, deaf)
    begun = trio.current_time()
    await owner.ended.wait()
    assert 10 <= trio.current_time() - begun <= 16
    assert "received nothing at all" in owner.log[1]


async def test_pongs_that_stop_while_data_flows_end_the_link_only_where_there_were_pongs(autojump_clock, net, nursery):
    mute = {"pongs": True}

    async def stream_on(stream) -> None:
        async with trio.open_nursery() as inner:
            request = await wrap_server_stream(inner, stream)
            socket = await request.accept(subprotocol="ws.t-dx.com")
            allowed = socket._handle_ping_event

            async def perhaps(event):
                if mute["pongs"]:
                    await allowed(event)

            socket._handle_ping_event = perhaps
            # The table of handlers is made when the reader starts, so frames are taken off by hand instead.
            while True:
                await socket.send_message("tick")
                await trio.sleep(1)

    _, owner = start(net, nursery, stream_on)
    await trio.sleep(60)
    assert owner.log == ["opened"]


async def test_a_slow_core_is_not_taken_for_a_dead_peer(autojump_clock, net, nursery):
    async def script(socket: WebSocketConnection) -> None:
        while True:
            await socket.send_message("tick")
            await trio.sleep(0.1)

    owner = Recorder()
    owner.gate = trio.Event()
    start(net, nursery, websocket(script), owner)
    await trio.sleep(60)
    owner.gate.set()
    await trio.sleep(60)
    assert owner.log == ["opened"]


@pytest.mark.parametrize(
    ("code", "least"),
    [(1000, 0.5), (1001, 0.5), (1008, 0.5), (1011, 0.5), (1012, 0.5), (1013, 5.0), (3000, 0.5), (4999, 0.5)],
)
async def test_every_close_code_leads_to_a_new_connection(autojump_clock, net, nursery, code, least):
    async def script(socket: WebSocketConnection) -> None:
        await socket.aclose(code, "good bye\x1b[31m")

    session, owner = start(net, nursery, websocket(script))
    await owner.ended.wait()
    begun = trio.current_time()
    while len(net.dials) < 2:
        await trio.sleep(0.05)
    assert least <= trio.current_time() - begun <= least + 2
    assert f"closed with {code}" in owner.log[1]
    assert "\x1b" not in owner.log[1]
    assert session.statistics().failures >= 1


async def test_reconnections_slow_down_to_thirty_seconds_and_log_in_once_each(autojump_clock, net, nursery):
    async def script(socket: WebSocketConnection) -> None:
        await socket.aclose()

    _, owner = start(net, nursery, websocket(script))
    await trio.sleep(300)
    gaps = [after - before for before, after in zip(net.dials, net.dials[1:], strict=False)]
    assert all(0.5 <= gap <= 31 for gap in gaps)
    assert gaps[0] < 2
    assert all(gap >= 15 for gap in gaps[8:])
    assert len(net.dials) < 25
    assert len(owner.prepared) == len(net.dials)


async def test_a_connection_that_held_makes_the_next_pause_short_again(autojump_clock, net, nursery):
    calm = {"after": 10}

    async def script(socket: WebSocketConnection) -> None:
        if len(net.dials) >= calm["after"]:
            await trio.sleep(40)
        await socket.aclose()

    _, owner = start(net, nursery, websocket(script))
    while len(owner.log) < 22:
        await trio.sleep(1)
    assert net.dials[10] - net.dials[9] < 42


@pytest.mark.parametrize(
    ("status", "headers", "least", "most", "waits"),
    [
        (429, [(b"Retry-After", b"17")], 17, 18, [17]),
        (503, [(b"Retry-After", b"Tue, 14 Nov 2023 22:13:50 GMT")], 29, 31, [30]),
        (503, [], 5, 6, [5]),
        (302, [(b"Location", b"wss://evil.example/")], 5, 6, []),
        (401, [], 5, 6, []),
    ],
)
async def test_a_refused_upgrade_is_tried_again_after_the_wait_that_was_asked_for(
    autojump_clock, net, nursery, status, headers, least, most, waits
):
    async def refuse(stream) -> None:
        async with trio.open_nursery() as inner:
            request = await wrap_server_stream(inner, stream)
            await request.reject(status, extra_headers=list(headers), body=b"no")
            inner.cancel_scope.cancel()

    _, owner = start(net, nursery, refuse)
    while len(net.dials) < 2:
        await trio.sleep(0.05)
    assert least <= net.dials[1] - net.dials[0] <= most
    assert owner.waits[:1] == pytest.approx(waits, abs=1)
    assert owner.log == []


async def test_a_handshake_that_does_not_come_is_given_up_after_ten_seconds(autojump_clock, net, nursery):
    async def silence(stream) -> None:
        await trio.sleep_forever()

    session, _ = start(net, nursery, silence)
    while len(net.dials) < 2:
        await trio.sleep(0.05)
    assert 10 <= net.dials[1] - net.dials[0] <= 12
    assert "handshake within 10 s" in session.statistics().last_reason


async def test_a_connection_that_does_not_come_is_given_up_after_ten_seconds(autojump_clock, net, nursery):
    async def never(host: str, port: int):
        net.dials.append(trio.current_time())
        await trio.sleep_forever()

    session = Session(WS, clock=TrioClock(), random=Random(1), tls=checked_tls(), dial=never)
    nursery.start_soon(session.run, Recorder())
    while len(net.dials) < 2:
        await trio.sleep(0.05)
    assert 10 <= net.dials[1] - net.dials[0] <= 12


@pytest.mark.parametrize("chosen", [None, "other"])
async def test_a_peer_that_does_not_choose_our_subprotocol_is_left(autojump_clock, net, nursery, chosen):
    async def script(socket: WebSocketConnection) -> None:
        await trio.sleep_forever()

    session, owner = start(net, nursery, websocket(script, subprotocol=chosen))
    while not session.statistics().last_reason:
        await trio.sleep(0.05)
    assert owner.log == []


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"\x00" * 10, b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 101\r\n\r\n", b"x" * 100_000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: wrong\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: \xff\xfe\r\nSec-WebSocket-Accept: \xff\r\n\r\n",
        b"HTTP/1.1 429 Slow down\r\nRetry-After: \xff\r\nContent-Length: 99999999\r\n\r\n" + b"y" * 200_000,
        b"HTTP/1.1 999999 ?\r\n\r\n", b"\xff" * 3 + b"\r\n\r\n",
    ],
)  # fmt: skip
async def test_no_answer_to_the_upgrade_ends_the_process(autojump_clock, net, nursery, answer):
    async def rude(stream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        await trio.sleep(1)
        await stream.aclose()

    session, owner = start(net, nursery, rude)
    while session.statistics().failures < 2:
        await trio.sleep(0.5)
    assert owner.log == []


def framed(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2) + payload
    return bytes((first, 127)) + size.to_bytes(8) + payload


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (framed(0x81 | 0x40, b"{}"), "closed with 1002"),  # RSV1: compression, which was not offered
        (framed(0x83, b"{}"), "closed with 1002"),
        (framed(0x81, b"\xff\xfe"), "closed with 1007"),
        (framed(0x81, b"x" * ((1 << 20) + 1)), "1009"),
        (framed(0x01, b"") + framed(0x00, b"") * 10_000, "1024 fragments"),
        (framed(0x01, b"x" * 1000) + framed(0x00, b"x" * 1000) * 2000, ""),
        (framed(0x80, b"x"), "closed with 1002"),
        (framed(0x88, b"\x00"), "closed with 1002"),
        (framed(0x89, b"x" * 126), "closed with 1002"),
        (bytes((0x81, 127)) + b"\xff" * 8, "closed with 1002"),
        (b"", "the peer closed the connection"),
    ],
)
async def test_a_broken_frame_ends_the_connection_and_not_the_process(autojump_clock, net, nursery, raw, said):
    async def script(socket: WebSocketConnection) -> None:
        if raw:
            await socket._stream.send_all(raw)
            await trio.sleep(3)
        await socket._stream.aclose()

    session, owner = start(net, nursery, websocket(script))
    await owner.ended.wait()
    assert said in owner.log[1]
    await trio.sleep(5)
    assert session.statistics().connections >= 2


async def test_a_flood_of_pings_is_answered_ten_times_a_second(autojump_clock, net, nursery):
    pongs = []

    async def flood(stream) -> None:
        async with trio.open_nursery() as inner:
            request = await wrap_server_stream(inner, stream)
            await request.accept(subprotocol="ws.t-dx.com")
            inner.cancel_scope.cancel()
        await stream.send_all(framed(0x89, b"ping") * 500 + framed(0x81, b"data") + framed(0x89, b"ping") * 500)
        with trio.move_on_after(0.5):
            while data := await stream.receive_some():
                pongs.append(data.count(b"\x8a\x84"))
        await trio.sleep_forever()

    session, owner = start(net, nursery, flood)
    await trio.sleep(0.6)
    assert owner.got == ["data"]
    assert 1 <= sum(pongs) <= 10
    assert session.statistics().pings_dropped == 990


async def test_what_the_owner_raises_is_never_taken_for_a_lost_link(autojump_clock, net, nursery):
    class Buggy(Recorder):
        def receive(self, message: str | bytes, at: int) -> None:
            raise ValueError("a bug of ours")

    async def script(socket: WebSocketConnection) -> None:
        await socket.send_message("x")
        await trio.sleep_forever()

    net.ports[PORT] = websocket(script)
    session = Session(
        WS, clock=TrioClock(), random=Random(1), tls=checked_tls(), dial=net.dial, subprotocol="ws.t-dx.com"
    )
    with pytest.raises(BaseExceptionGroup) as caught:
        await session.run(Buggy())
    assert "a bug of ours" in repr(caught.value)


async def test_dropping_a_link_makes_the_next_one(autojump_clock, net, nursery):
    async def script(socket: WebSocketConnection) -> None:
        while True:
            await socket.get_message()

    session, owner = start(net, nursery, websocket(script))
    await trio.sleep(1)
    session.drop("no use for it")
    await owner.ended.wait()
    assert owner.log == ["opened", "no use for it"]
    await trio.sleep(3)
    assert owner.log[2] == "opened"


@pytest.mark.parametrize(("chosen", "least", "most"), [(True, 40, 100), (False, 5, 15)])
async def test_giving_up_a_good_connection_for_another_reason_slows_nothing_down(
    autojump_clock, net, nursery, chosen, least, most
):
    async def script(socket: WebSocketConnection) -> None:
        while True:
            await socket.get_message()

    session, _ = start(net, nursery, websocket(script))
    for _ in range(100):
        await trio.sleep(1)
        session.drop("a new one is wanted", chosen=chosen)
    assert least <= len(net.dials) <= most


async def test_reconnecting_a_hundred_times_leaves_no_task_behind(autojump_clock, net, nursery):
    async def script(socket: WebSocketConnection) -> None:
        await trio.sleep(Random(len(net.dials)).uniform(0, 5))
        await trio.aclose_forcefully(socket._stream)

    before = trio.lowlevel.current_statistics().tasks_living
    timing = Timing(pause_most=1.0)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as inner:
            session, owner = start(net, inner, websocket(script), timing=timing)
            while session.statistics().connections < 100:
                await trio.sleep(1)
            scope.cancel()
    await trio.sleep(10)
    assert trio.lowlevel.current_statistics().tasks_living <= before
    assert owner.log.count("opened") == len(owner.log) / 2


# Where it may connect to


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ws://api.t-dx.com/x", "expected TLS"),
        ("http://api.t-dx.com/x", "expected wss or ws"),
        ("wss://evil.example/x", "expected one of api.t-dx.com"),
        ("wss://api.t-dx.com.evil.example/x", "expected one of"),
        ("wss://user:pass@api.t-dx.com/x", "without user"),
        ("wss://api.t-dx.com/x?token=1", "without user, query"),
        ("wss://api.t-dx.com:port/x", "expected a URL"),
        ("ws://10.0.0.1/x", "expected one of"),
        ("ws://127.0.0.1/x", "allow_insecure_loopback"),
        ("ws://0.0.0.0/x", "expected one of"),
        ("wss:///x", "expected one of"),
    ],
)
def test_only_the_venues_hosts_are_connected_to_and_only_over_tls(url, said):
    with pytest.raises(UnsafeAddress, match=said):
        checked_address(url, ("wss", "ws"), {"api.t-dx.com"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost"])
def test_this_machine_may_be_reached_in_the_clear_where_the_config_says_so(host):
    found = checked_address(f"ws://{host}:81/x", ("wss", "ws"), (), insecure_loopback=True)
    assert (found.loopback, found.secure, found.port) == (True, False, 81)
    assert found.authority == f"{host}:81"


def test_the_switch_for_this_machine_does_not_reach_any_other():
    with pytest.raises(UnsafeAddress, match="expected TLS"):
        checked_address("ws://api.t-dx.com/", ("wss", "ws"), {"api.t-dx.com"}, insecure_loopback=True)


def test_a_context_that_verifies_less_is_refused():
    lax = ssl.create_default_context()
    lax.check_hostname = bool(0)
    with pytest.raises(UnsafeAddress):
        checked_tls(lax)
    old = ssl.create_default_context()
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.raises(UnsafeAddress):
        checked_tls(old)
    assert checked_tls().minimum_version is ssl.TLSVersion.TLSv1_2
    assert checked_tls().verify_mode is ssl.CERT_REQUIRED


def test_never_is_no_deadline():
    assert trio.CancelScope(deadline=math.inf).deadline == math.inf
