"""What becomes of frames: several in one write, and none whose fate is not told."""

from random import Random

import pytest
import trio
from session_rig import PORT, WS, Recorder, start
from trio_websocket import WebSocketConnection, wrap_server_stream
from wire_peers import MemoryNet, TrioClock, websocket

from tickwright.adapters.address import checked_tls
from tickwright.adapters.outbox import Frame
from tickwright.adapters.session import AT_ONCE, Session


@pytest.fixture
def net(nursery):
    return MemoryNet(nursery)


async def test_frames_of_orders_that_did_not_leave_are_reported_when_the_link_drops(autojump_clock, net, nursery):
    async def deaf(stream) -> None:
        async with trio.open_nursery() as inner:
            request = await wrap_server_stream(inner, stream)
            await request.accept(subprotocol="ws.t-dx.com")
            inner.cancel_scope.cancel()
        await trio.sleep(3)
        await trio.aclose_forcefully(stream)

    session, owner = start(net, nursery, deaf, messages_per_s=1.0)
    await trio.sleep(1)
    assert session.up
    session.send(owner, Frame(text="{}", client_order_id="a-1"))
    session.send(owner, Frame(text="{}", client_order_id="a-2"))
    session.send(owner, Frame(text="{}", client_order_id="a-1", cancel=True))
    session.send(owner, Frame(text="{}"))
    await owner.ended.wait()
    assert "a-2" in [name for name, _ in owner.lost]
    session.send(owner, Frame(text="{}", client_order_id="a-3"))
    assert owner.lost[-1] == ("a-3", "the link is down; nothing was written")


class Narrow(trio.abc.Stream):
    """A stream that lets the handshake out and then takes nothing."""

    def __init__(self, stream: trio.abc.Stream, most: int) -> None:
        self.stream, self.left = stream, most

    async def send_all(self, data) -> None:
        part = bytes(data)[: self.left]
        self.left -= len(part)
        if part:
            await self.stream.send_all(part)
        if len(part) < len(data):
            await trio.sleep_forever()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes=None):
        return await self.stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self.stream.aclose()


@pytest.mark.parametrize("extra", range(0, 30, 3))
async def test_a_write_cut_anywhere_leaves_the_order_in_doubt_and_kills_the_link(autojump_clock, net, nursery, extra):
    async def script(socket: WebSocketConnection) -> None:
        while True:
            await socket.get_message()

    net.ports[PORT] = websocket(script)
    shaken = []

    async def dial(host: str, port: int) -> trio.abc.Stream:
        stream = Narrow(await net.dial(host, port), 1 << 30)
        shaken.append(stream)
        return stream

    owner = Recorder()
    session = Session(WS, clock=TrioClock(), random=Random(1), tls=checked_tls(), dial=dial, subprotocol="ws.t-dx.com")
    nursery.start_soon(session.run, owner)
    await trio.sleep(1)
    shaken[0].left = extra
    begun = trio.current_time()
    session.send(owner, Frame(text="x" * 30, client_order_id="a-1"))
    await owner.ended.wait()
    assert trio.current_time() - begun <= 6
    assert [name for name, _ in owner.lost] == ["a-1"]
    assert "within 5 s" in owner.lost[0][1]


async def test_a_run_that_is_cancelled_in_the_middle_of_a_write_reports_the_frame(autojump_clock, net, nursery):
    async def script(socket: WebSocketConnection) -> None:
        await trio.sleep_forever()

    net.ports[PORT] = websocket(script)
    streams = []

    async def dial(host: str, port: int) -> trio.abc.Stream:
        streams.append(Narrow(await net.dial(host, port), 1 << 30))
        return streams[-1]

    owner = Recorder()
    session = Session(WS, clock=TrioClock(), random=Random(1), tls=checked_tls(), dial=dial, subprotocol="ws.t-dx.com")
    with trio.move_on_after(2):
        async with trio.open_nursery() as inner:
            inner.start_soon(session.run, owner)
            await trio.sleep(1)
            streams[0].left = 3
            session.send(owner, Frame(text="x" * 30, client_order_id="a-1"))
            session.send(owner, Frame(text="x" * 30, client_order_id="a-2"))
    assert [name for name, _ in owner.lost] == ["a-1", "a-2"]
    assert owner.log[-1] == "cancelled"


class Counted(trio.abc.Stream):
    """A stream that counts writes, and takes no more than `left` bytes."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream, self.writes, self.left = stream, 0, 1 << 30

    async def send_all(self, data) -> None:
        self.writes += 1
        part = bytes(data)[: self.left]
        self.left -= len(part)
        await self.stream.send_all(part)
        if len(part) < len(data):
            raise trio.BrokenResourceError("the wire was cut")

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes=None):
        return await self.stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self.stream.aclose()


async def counted(net, nursery, script, **options) -> tuple[Session, Recorder, Counted]:
    net.ports[PORT] = websocket(script)
    streams: list[Counted] = []

    async def dial(host: str, port: int) -> trio.abc.Stream:
        streams.append(Counted(await net.dial(host, port)))
        return streams[-1]

    options = {"subprotocol": "ws.t-dx.com", "messages_per_s": 1000.0} | options
    owner = Recorder()
    session = Session(WS, clock=TrioClock(), random=Random(1), tls=checked_tls(), dial=dial, **options)
    nursery.start_soon(session.run, owner)
    await trio.sleep(1)
    return session, owner, streams[0]


async def test_frames_that_wait_leave_in_one_write_and_arrive_in_order(autojump_clock, net, nursery):
    heard = []

    async def script(socket: WebSocketConnection) -> None:
        while True:
            heard.append(await socket.get_message())

    session, owner, stream = await counted(net, nursery, script)
    before = stream.writes
    for number in range(AT_ONCE + 10):
        session.send(owner, Frame(text=f"order {number} {'x' * number}", client_order_id=f"a-{number}"))
    await trio.sleep(0.1)
    assert [text.split()[1] for text in heard] == [str(number) for number in range(AT_ONCE + 10)]
    assert stream.writes - before == 2
    assert (session.statistics().frames_out, owner.lost) == (AT_ONCE + 10, [])


async def test_a_write_that_is_cut_puts_all_of_its_frames_in_doubt_and_none_after_it(autojump_clock, net, nursery):
    heard = []

    async def script(socket: WebSocketConnection) -> None:
        while True:
            heard.append(await socket.get_message())

    session, owner, stream = await counted(net, nursery, script)
    stream.left = 50
    for number in range(AT_ONCE + 2):
        session.send(owner, Frame(text="x" * 30, client_order_id=f"a-{number}"))
    await owner.ended.wait()
    told = dict(owner.lost)
    assert len(told) == len(owner.lost) == AT_ONCE + 2
    assert [name for name, why in told.items() if "nothing was written" in why] == [f"a-{AT_ONCE}", f"a-{AT_ONCE + 1}"]
    assert len(heard) == 1


async def test_nothing_is_written_once_the_peer_has_begun_to_close(autojump_clock, net, nursery):
    async def script(socket: WebSocketConnection) -> None:
        await trio.sleep(2)
        await socket.aclose(1001, "enough")

    session, owner, stream = await counted(net, nursery, script)
    await owner.ended.wait()
    before = stream.writes
    session.send(owner, Frame(text="late", client_order_id="a-1"))
    await trio.sleep(0.1)
    assert owner.lost == [("a-1", "the link is down; nothing was written")]
    assert stream.writes == before
