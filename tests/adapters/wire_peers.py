"""Peers for tests of the wire: a clock on trio's time, streams in memory, a venue's side that a test scripts."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import h11
import trio
from attrs import Factory, define, frozen
from trio.testing import memory_stream_pair
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream
from wsproto.utilities import ProtocolError

from tickwright.engine.times import SECOND

START = 1_700_000_000 * SECOND


class TrioClock:
    """Both times from trio's clock, so that a virtual clock moves them."""

    def __init__(self) -> None:
        self.skew = 0
        self._zero = trio.current_time()

    def now(self) -> int:
        return START + int((trio.current_time() - self._zero) * SECOND)

    def wall(self) -> int:
        return self.now() + self.skew


@define
class Box:
    """An inbox that keeps everything; `closed_gate` makes `room` wait."""

    events: list[Any] = Factory(list)
    gate: trio.Event | None = None

    def put(self, event: Any) -> None:
        self.events.append(event)

    async def room(self) -> None:
        if self.gate is not None:
            await self.gate.wait()

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(self, kind: type, count: int = 1) -> list[Any]:
        while len(self.of(kind)) < count:
            await trio.sleep(0.01)
        return self.of(kind)


Serve = Callable[[trio.abc.Stream], Awaitable[None]]


class MemoryNet:
    """Dials into streams in memory; what answers at a port is a function of the server's end."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.ports: dict[int, Serve] = {}
        self.dials: list[float] = []
        self.ends: list[trio.abc.Stream] = []

    async def dial(self, host: str, port: int) -> trio.abc.Stream:
        self.dials.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        serve = self.ports.get(port)
        if serve is None:
            raise ConnectionRefusedError(f"nobody answers at {host}:{port}")
        ours, theirs = memory_stream_pair()
        self.ends.append(theirs)
        self.nursery.start_soon(serve, theirs)
        return ours


@asynccontextmanager
async def listening(
    serve: Serve, wrap: Callable[[trio.SocketStream], trio.abc.Stream] | None = None
) -> AsyncIterator[int]:
    """A peer on a port of this machine."""

    async def handle(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await serve(stream if wrap is None else wrap(stream))

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def websocket(
    script: Callable[[WebSocketConnection], Awaitable[None]], *, subprotocol: str | None = "ws.t-dx.com"
) -> Serve:
    """A server's end that accepts the upgrade and then follows a script."""

    async def serve(stream: trio.abc.Stream) -> None:
        try:
            async with trio.open_nursery() as nursery:
                request = await wrap_server_stream(nursery, stream, message_queue_size=100)
                socket = await request.accept(subprotocol=subprotocol)
                await script(socket)
                nursery.cancel_scope.cancel()
        except* (ConnectionClosed, ProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    return serve


async def said(socket: WebSocketConnection) -> dict[str, Any]:
    """The next frame that came in, as JSON."""
    told = json.loads(await socket.get_message())
    assert isinstance(told, dict)
    return told


async def say(socket: WebSocketConnection, event: str, topic: str = "", data: object = None) -> None:
    frame = {"e": event} | ({"t": topic} if topic else {}) | ({} if data is None else {"d": data})
    await socket.send_message(json.dumps(frame))


@frozen(kw_only=True)
class Asked:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def json(self) -> Any:
        return json.loads(self.body)


Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]


def http(answer: Callable[[Asked], Reply | Awaitable[Reply]]) -> Serve:
    """A server's end of HTTP/1.1 that answers each request by a function; what is no bytes is sent as JSON."""

    async def serve(stream: trio.abc.Stream) -> None:
        peer = h11.Connection(h11.SERVER)
        try:
            while True:
                asked = await read(stream, peer)
                if asked is None:
                    return
                reply = answer(asked)
                status, content, *more = reply if isinstance(reply, tuple) else await reply
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                headers = {"content-length": str(len(body)), "content-type": "application/json"}
                for given in more:
                    headers |= given
                out = peer.send(h11.Response(status_code=status, headers=list(headers.items()))) or b""
                out += peer.send(h11.Data(data=body)) or b""
                out += peer.send(h11.EndOfMessage()) or b""
                await stream.send_all(out)
                if peer.our_state is not h11.DONE:
                    return
                peer.start_next_cycle()
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def read(stream: trio.abc.Stream, peer: h11.Connection) -> Asked | None:
        request, body = None, b""
        while True:
            event = peer.next_event()
            if event is h11.NEED_DATA:
                peer.receive_data(bytes(await stream.receive_some()))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert request is not None
                headers = {name.decode(): value.decode() for name, value in request.headers}
                return Asked(method=request.method.decode(), target=request.target.decode(), headers=headers, body=body)
            else:
                return None

    return serve
