"""The bounds on frames: as values first, then under a session that is sent rubbish."""

from itertools import pairwise

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio_websocket import WebSocketConnection, wrap_server_stream
from wire_peers import MemoryNet, TrioClock

from tickwright.adapters.address import Address, checked_tls
from tickwright.adapters.guard import FRAGMENTS_MAX, HANDSHAKE_MAX, PINGS_PER_S, FrameBounds, Violation, close_frame
from tickwright.adapters.session import Session, Timing

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
PING = b"\x89\x02hi"
PONG = b"\x8a\x02hi"


def framed(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size)) + b"x" * size
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2) + b"x" * size
    return bytes((first, 127)) + size.to_bytes(8) + b"x" * size


def in_parts(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(places)]


FRAMES = st.lists(
    st.sampled_from(
        [framed(0x81, 0), framed(0x81, 5), framed(0x82, 125), framed(0x81, 126), framed(0x81, 70_000), PONG]
    )
)


@given(FRAMES, st.lists(st.integers(0, 100_000), max_size=12))
def test_what_keeps_the_bounds_passes_unchanged_however_it_is_cut(frames, cuts):
    data = HEAD + b"".join(frames)
    bounds = FrameBounds()
    assert b"".join(bounds.feed(part, 0.0) for part in in_parts(data, cuts)) == data
    assert (bounds.frames, bounds.pongs, bounds.pings_dropped) == (len(frames), frames.count(PONG), 0)


@given(
    st.lists(st.sampled_from([PING, framed(0x81, 3), framed(0x81, 300)]), max_size=60), st.lists(st.integers(0, 3000))
)
def test_pings_beyond_the_bound_are_taken_out_and_nothing_else(frames, cuts):
    bounds = FrameBounds()
    passed = b"".join(bounds.feed(part, 7.9) for part in in_parts(HEAD + b"".join(frames), cuts))
    left, wanted = PINGS_PER_S, [HEAD]
    for frame in frames:
        left -= frame == PING
        if frame != PING or left >= 0:
            wanted.append(frame)
    assert passed == b"".join(wanted)
    assert bounds.pings_dropped == max(frames.count(PING) - PINGS_PER_S, 0)
    assert bounds.feed(PING, 8.0) == PING  # the next second begins anew


@given(st.lists(st.integers(0, 2000), max_size=6))
@settings(max_examples=10)
def test_a_message_has_so_many_fragments_and_no_more(cuts):
    begun = framed(0x01, 1) + framed(0x00, 0) * (FRAGMENTS_MAX - 2)
    bounds = FrameBounds()
    bounds.feed(HEAD, 0.0)
    for part in in_parts(2 * (begun + PONG + framed(0x80, 1)) + begun, cuts):
        bounds.feed(part, 0.0)
    bounds.feed(framed(0x00, 0), 0.0)
    with pytest.raises(Violation, match="1024 fragments") as caught:
        bounds.feed(framed(0x00, 0), 0.0)
    assert caught.value.code == 1009


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_no_bytes_at_all_break_the_bounds_themselves(data, cuts):
    bounds = FrameBounds()
    for part in in_parts(HEAD + data, cuts):
        try:
            bounds.feed(part, 0.0)
        except Violation:
            break


def test_a_handshake_that_never_ends_is_cut_off():
    bounds = FrameBounds()
    said = b"HTTP/1.1 403 no" + b"x" * 4081
    for _ in range(HANDSHAKE_MAX // len(said)):
        bounds.feed(said, 0.0)
    with pytest.raises(Violation, match="of a handshake"):
        bounds.feed(said, 0.0)


def test_a_close_frame_is_a_clients():
    assert close_frame(1009) == b"\x88\x82\x00\x00\x00\x00\x03\xf1"


@given(data=st.binary(min_size=1, max_size=200))
async def test_a_peer_that_sends_rubbish_never_ends_the_process(data):
    """Random bytes after the handshake: the connection may end, and then the next one is made."""

    class Owner:
        lost = 0

        async def prepare(self) -> None: ...

        async def room(self) -> None: ...

        def opened(self) -> None: ...

        def receive(self, message, at) -> None: ...

        def failed(self, frame, reason) -> None: ...

        def closed(self, reason) -> None:
            self.lost += 1

        def told_to_wait(self, seconds, reason) -> None: ...

    async def serve(stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as inner:
            request = await wrap_server_stream(inner, stream)
            socket: WebSocketConnection = await request.accept()
            await socket._stream.send_all(data)
            await socket._stream.aclose()
            inner.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        net, owner = MemoryNet(nursery), Owner()
        net.ports[1] = serve
        address = Address(scheme="ws", host="127.0.0.1", port=1, path="/")
        timing = Timing(pause_least=0.0, pause_most=0.0)
        session = Session(address, clock=TrioClock(), random=RANDOM, tls=TLS, dial=net.dial, timing=timing)
        nursery.start_soon(session.run, owner)
        while session.statistics().connections < 2:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert owner.lost >= 1


class _Middle:
    """A generator whose draws are known."""

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2


RANDOM = _Middle()
TLS = checked_tls()
