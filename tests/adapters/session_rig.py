"""A session over streams in memory, for an owner that writes down what it is told."""

from random import Random

import trio
from wire_peers import TrioClock

from tickwright.adapters.address import Address, checked_tls
from tickwright.adapters.outbox import Frame
from tickwright.adapters.session import Session

PORT = 7000
WS = Address(scheme="ws", host="127.0.0.1", port=PORT, path="/api/ws/v1/streams")


class Recorder:
    """An owner that writes down what it is told; `gate` makes it have no room."""

    def __init__(self) -> None:
        self.got: list[str | bytes] = []
        self.log: list[str] = []
        self.lost: list[tuple[str, str]] = []
        self.prepared: list[float] = []
        self.waits: list[float] = []
        self.gate: trio.Event | None = None
        self.session: Session | None = None
        self.first: list[Frame] = []
        self.ended = trio.Event()

    async def prepare(self) -> None:
        self.prepared.append(trio.current_time())

    async def room(self) -> None:
        if self.gate is not None:
            await self.gate.wait()

    def opened(self) -> None:
        self.log.append("opened")
        for frame in self.first:
            assert self.session is not None
            self.session.send(self, frame)

    def receive(self, message: str | bytes, at: int) -> None:
        self.got.append(message)

    def failed(self, frame: Frame, reason: str) -> None:
        self.lost.append((frame.client_order_id, reason))

    def closed(self, reason: str) -> None:
        self.log.append(reason)
        self.ended.set()

    def told_to_wait(self, seconds: float, reason: str) -> None:
        self.waits.append(seconds)


def start(net, nursery, serve=None, owner=None, **options) -> tuple[Session, Recorder]:
    if serve is not None:
        net.ports[PORT] = serve
    owner = owner or Recorder()
    options = {"subprotocol": "ws.t-dx.com"} | options
    session = Session(WS, clock=TrioClock(), random=Random(1), tls=checked_tls(), dial=net.dial, **options)
    owner.session = session
    nursery.start_soon(session.run, owner)
    return session, owner
