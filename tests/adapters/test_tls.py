"""Certificates that hold and those that do not, for the socket and for REST, with an authority of the test's own."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import trio
import trio.testing
import trustme
from trio_websocket import WebSocketConnection
from wire_peers import Asked, Serve, TrioClock, http, listening, websocket

from tickwright.adapters.address import Address, UnsafeAddress, checked_tls, connect
from tickwright.adapters.http import Http
from tickwright.adapters.session import Session, Timing
from tickwright.engine.wire import QueryFailed


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(cert: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


def over(context: ssl.SSLContext) -> Callable[[trio.SocketStream], trio.abc.Stream]:
    return lambda stream: trio.SSLStream(stream, context, server_side=True, https_compatible=True)


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.configure_trust(context)
    return context


def old(authority: trustme.CA) -> ssl.SSLContext:
    context = serving(authority.issue_cert("127.0.0.1"))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def of_yesterday(authority: trustme.CA) -> ssl.SSLContext:
    ended = datetime.now(UTC) - timedelta(days=1)
    return serving(authority.issue_cert("127.0.0.1", not_after=ended))


def of_another_authority(authority: trustme.CA) -> ssl.SSLContext:
    return serving(trustme.CA().issue_cert("127.0.0.1"))


def of_another_host(authority: trustme.CA) -> ssl.SSLContext:
    return serving(authority.issue_cert("api.t-dx.com"))


REFUSED = [of_yesterday, of_another_authority, of_another_host, old]


class Quiet:
    """An owner that only waits."""

    def __init__(self) -> None:
        self.up = trio.Event()

    async def prepare(self) -> None: ...

    async def room(self) -> None: ...

    def opened(self) -> None:
        self.up.set()

    def receive(self, message, at) -> None: ...

    def failed(self, frame, reason) -> None: ...

    def closed(self, reason) -> None: ...

    def told_to_wait(self, seconds, reason) -> None: ...


def session(port: int, authority: trustme.CA) -> Session:
    address = Address(scheme="wss", host="127.0.0.1", port=port, path="/")
    return Session(
        address,
        clock=TrioClock(),
        random=Random(1),
        tls=checked_tls(trusting(authority)),
        subprotocol="ws.t-dx.com",
        timing=Timing(connect=1.0),
    )


def rest(port: int, authority: trustme.CA) -> Http:
    address = Address(scheme="https", host="127.0.0.1", port=port, path="/")
    return Http(address, clock=TrioClock(), tls=checked_tls(trusting(authority)))


async def stay(socket: WebSocketConnection) -> None:
    await trio.sleep_forever()


async def test_a_certificate_that_holds_is_accepted(authority, nursery):
    wrap = over(serving(authority.issue_cert("127.0.0.1")))
    async with listening(http(lambda asked: (200, {})), wrap) as port:
        peer = rest(port, authority)
        assert (await peer.ask("GET", "/x")).ok
        await peer.rest()
    async with listening(websocket(stay), wrap) as port:
        owner = Quiet()
        nursery.start_soon(session(port, authority).run, owner)
        with trio.fail_after(5):
            await owner.up.wait()


@pytest.mark.parametrize("kind", REFUSED)
async def test_nothing_is_said_to_a_peer_whose_certificate_does_not_hold(authority, nursery, kind):
    asked: list[Asked] = []
    async with listening(http(lambda request: (asked.append(request), (200, {}))[1]), over(kind(authority))) as port:
        with pytest.raises(QueryFailed, match=r"no connection: .*(CERTIFICATE_VERIFY_FAILED|PROTOCOL|SSL)"):
            await rest(port, authority).ask("POST", "/login", body=b"canary")
    assert asked == []
    async with listening(websocket(stay), over(kind(authority))) as port:
        peer, owner = session(port, authority), Quiet()
        nursery.start_soon(peer.run, owner)
        with trio.fail_after(5):
            while not peer.statistics().failures:
                await trio.sleep(0.02)
        assert peer.statistics().connections == 0
        assert not owner.up.is_set()


@pytest.mark.parametrize("serve", [http(lambda asked: (200, {})), websocket(stay)], ids=["http", "websocket"])
async def test_a_peer_that_speaks_no_tls_is_refused(authority, serve: Serve):
    async with listening(serve) as port:
        with pytest.raises(QueryFailed, match="no connection"):
            await rest(port, authority).ask("GET", "/x")


async def test_localhost_that_leads_elsewhere_is_left_at_once(autojump_clock):
    class Elsewhere:
        def getpeername(self) -> tuple[str, int]:
            return "192.0.2.7", 80

    async def dial(host: str, port: int) -> trio.abc.Stream:
        stream, _ = trio.testing.memory_stream_pair()
        stream.socket = Elsewhere()
        return stream

    address = Address(scheme="ws", host="localhost", port=80, path="/")
    with pytest.raises(UnsafeAddress, match=r"received 192\.0\.2\.7"):
        await connect(address, dial, checked_tls())
