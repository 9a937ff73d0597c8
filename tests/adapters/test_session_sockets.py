"""The socket loop over real sockets: what the kernel still holds of a link that is given up."""

import socket
from random import Random

import trio
from session_rig import Recorder
from wire_peers import TrioClock, listening
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request, TextMessage

from tickwright.adapters.address import Address, checked_tls
from tickwright.adapters.outbox import Frame
from tickwright.adapters.session import Session, Timing

SHORT = Timing(write=3.0, ping_every=0.3, quiet=0.2, pong_within=0.3)
KERNEL_BYTES = 1 << 18
FILLER_BYTES = 1 << 16


class Deaf:
    """A peer that shakes hands, reads nothing until it is told to, and then all that comes."""

    def __init__(self) -> None:
        self.hears = trio.Event()
        self.ended = trio.Event()
        self.heard: list[str] = []
        self.bytes = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection = WSConnection(ConnectionType.SERVER)
        connection.receive_data(await stream.receive_some(4096))
        assert isinstance(next(connection.events()), Request)
        await stream.send_all(connection.send(AcceptConnection(subprotocol="ws.t-dx.com")))
        await self.hears.wait()
        try:
            while data := await stream.receive_some(65536):
                self.bytes += len(data)
                connection.receive_data(data)
                self.heard += [event.data for event in connection.events() if isinstance(event, TextMessage)]
        except trio.BrokenResourceError:
            pass  # the link was reset
        self.ended.set()


async def test_an_order_in_the_kernel_s_hands_does_not_leave_after_its_link_was_given_up(nursery) -> None:
    """The peer's side takes nothing, ours has room: the frame counts as written, and nobody must get it later."""

    async def dial(host: str, port: int) -> trio.SocketStream:
        stream = await trio.open_tcp_stream(host, port)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        return stream

    peer, owner = Deaf(), Recorder()
    async with listening(peer.serve) as port:
        address = Address(scheme="ws", host="127.0.0.1", port=port, path="/")
        session = Session(
            address,
            clock=TrioClock(),
            random=Random(1),
            tls=checked_tls(),
            subprotocol="ws.t-dx.com",
            timing=SHORT,
            dial=dial,
        )
        owner.session = session
        filler = Frame(text="x" * FILLER_BYTES, client_order_id="mm-0")
        owner.first = [filler, Frame(text="the order", client_order_id="mm-1")]
        async with trio.open_nursery() as running:
            running.start_soon(session.run, owner)
            with trio.fail_after(10):
                await owner.ended.wait()
            running.cancel_scope.cancel()
        assert session.statistics().frames_out == 2, "both were handed over"
        assert owner.lost == []
        peer.hears.set()
        with trio.fail_after(10):
            await peer.ended.wait()
        assert "the order" not in peer.heard
        assert peer.bytes < FILLER_BYTES
