"""One port for both: HTTP requests by h11, and the upgrade to a WebSocket where one asks for it."""

from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import h11
import trio
from attrs import evolve
from wsproto.utilities import generate_accept_token

from tickwright.adapters.local.house import House, HttpAnswer, HttpRequest, Tongue
from tickwright.adapters.local.http_faults import UPGRADE_ALLOWED, under_faults
from tickwright.adapters.local.sockets import READ_BYTES, Socket
from tickwright.engine.times import SECOND

HEAD_MAX: Final = 65_536
IDLE_S: Final = 75.0
_STREAM_ENDED: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


async def serve_stream(venue: House, stream: trio.abc.Stream) -> None:
    """Serve one connection until it ends; never raises for what the other side does."""
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_MAX)
    scope = trio.CancelScope()
    venue.connections.add(scope)
    try:
        with scope:
            while not venue.down and await _one_request(venue, stream, http):
                http.start_next_cycle()
    except _STREAM_ENDED:
        pass
    finally:
        venue.connections.discard(scope)
        await trio.aclose_forcefully(stream)


async def _one_request(venue: House, stream: trio.abc.Stream, http: h11.Connection) -> bool:
    """Answer one request; whether another may follow."""
    asks_head = False
    try:
        event = await _next_event(stream, http)
        if not isinstance(event, h11.Request):
            return False
        request = _read_head(event)
        asks_head = request.method == "HEAD"
        if "websocket" in request.headers.get("upgrade", "").lower():
            await _upgrade(venue, stream, http, request)
            return False
        size_max = venue.tongue.size_max
        body = await _read_body(stream, http, size_max)
        if body is None:
            await _answer(
                venue, stream, http, venue.tongue.refusal(413, f"expected a body of at most {size_max} bytes")
            )
            return False
        request = HttpRequest(method=request.method, target=request.target, headers=request.headers, body=body)
        answered = await under_faults(venue, request)
        if answered is None:
            return False
        answer = answered
    except h11.RemoteProtocolError as error:
        status = error.error_status_hint if 400 <= error.error_status_hint < 600 else 400
        answer = venue.tongue.refusal(status, str(error))
    await _answer(venue, stream, http, answer, without_body=asks_head)
    return http.our_state is h11.DONE and http.their_state is h11.DONE


async def _next_event(stream: trio.abc.Stream, http: h11.Connection) -> object:
    while True:
        event = http.next_event()
        if event is not h11.NEED_DATA:
            return event
        if http.they_are_waiting_for_100_continue:
            go_on = http.send(h11.InformationalResponse(status_code=100, headers=[]))
            await stream.send_all(go_on or b"")
        data = b""
        with trio.move_on_after(IDLE_S):
            data = bytes(await stream.receive_some(READ_BYTES))
        http.receive_data(data)


async def _read_body(stream: trio.abc.Stream, http: h11.Connection, size_max: int) -> bytes | None:
    """The body of a request, None where it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        event = await _next_event(stream, http)
        if not isinstance(event, h11.Data):
            return b"".join(parts)
        parts.append(bytes(event.data))
        size += len(event.data)
        if size > size_max:
            return None


def _read_head(event: h11.Request) -> HttpRequest:
    headers: dict[str, str] = {}
    for name, value in event.headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return HttpRequest(method=event.method.decode("latin-1"), target=event.target.decode("latin-1"), headers=headers)


async def _answer(
    venue: House, stream: trio.abc.Stream, http: h11.Connection, answer: HttpAnswer, *, without_body: bool = False
) -> None:
    """Send an answer; to a HEAD its headers alone."""
    if http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    headers = [
        ("Date", formatdate(venue.now() // SECOND, usegmt=True)),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(answer.body))),
        *answer.headers,
    ]
    data = http.send(h11.Response(status_code=answer.status, headers=headers, reason=_phrase(answer.status))) or b""
    if not without_body:
        data += http.send(h11.Data(data=answer.body)) or b""
    data += http.send(h11.EndOfMessage()) or b""
    await stream.send_all(data)


async def _upgrade(venue: House, stream: trio.abc.Stream, http: h11.Connection, request: HttpRequest) -> None:
    """Turn the connection into a WebSocket, or say why not."""
    refused = _objection(request, venue.tongue)
    if refused is None:
        allowed = await under_faults(venue, request, "upgrade")
        if allowed is None:
            return
        refused = allowed if allowed.status != UPGRADE_ALLOWED else None
    if refused is not None:
        await _answer(venue, stream, http, refused)
        return
    key = request.headers["sec-websocket-key"].encode("latin-1")
    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", generate_accept_token(key).decode()),
    ]
    if venue.tongue.subprotocol:
        headers.append(("Sec-WebSocket-Protocol", venue.tongue.subprotocol))
    switched = http.send(h11.InformationalResponse(status_code=101, headers=headers, reason=b"Switching Protocols"))
    await stream.send_all(switched or b"")
    trailing, _ = http.trailing_data
    await Socket(venue, stream, bytes(trailing)).run()


def _objection(request: HttpRequest, tongue: Tongue) -> HttpAnswer | None:
    """What is wrong with a handshake."""
    headers = request.headers
    offered = [part.strip() for part in headers.get("sec-websocket-protocol", "").split(",")]
    if (request.path.rstrip("/") or "/") != tongue.stream_path:
        return tongue.refusal(404, f"expected {tongue.stream_path}")
    if request.method != "GET" or "upgrade" not in headers.get("connection", "").lower():
        return tongue.refusal(400, "expected GET with Connection: Upgrade")
    if headers.get("sec-websocket-version") != "13" or not headers.get("sec-websocket-key"):
        refused = tongue.refusal(426, "expected Sec-WebSocket-Version 13 with a key")
        return evolve(refused, headers=(("Sec-WebSocket-Version", "13"),))
    if tongue.subprotocol and tongue.subprotocol not in offered:
        return tongue.refusal(400, f"expected the subprotocol {tongue.subprotocol}")
    return None


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Unknown"
