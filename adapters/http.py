"""Questions over HTTP: one request, one whole answer, within one deadline, or `QueryFailed`.

Addresses, certificates and host names are checked as for sockets. Redirects are not followed, proxies of the
environment are not used, nothing is compressed, and an answer longer than its bound is cut off and thrown away.
"""

import math
from collections.abc import Callable, Mapping
from ssl import SSLContext
from typing import Any, Final

import httpcore
import httpx
import trio
from attrs import evolve, frozen

from tickwright.adapters.address import Address, Dial, UnsafeAddress, connect
from tickwright.adapters.outbox import Rate
from tickwright.adapters.patience import http_date, wait_seconds
from tickwright.engine.times import SECOND
from tickwright.engine.wire import Clock, QueryFailed

TIMEOUT_S: Final = 10.0
ANSWER_MAX: Final = 16 << 20
"""Bytes of one answer; a page of 500 orders takes about 250 kB."""

IDLE_S: Final = 20.0
HEAD_MAX: Final = 1 << 16
"""Bytes of an answer's head."""

WAIT_DEFAULT_S: Final = 5.0
"""How long to wait after a 429 or 503 that does not say."""

_CONNECTIONS: Final = 8
_ASKED_TO_WAIT: Final = (429, 503)
_MEASURE_NS: Final = 10 * SECOND


@frozen(kw_only=True)
class Answer:
    """What came back, whole. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    wait_s: float = 0.0
    """How long the venue asks us to wait, where it does."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Broken(QueryFailed):
    """The exchange broke off: there is a chance that it does not the next time."""


class Http:
    """Requests to one base address, at a bounded rate.

    `waits(until, reason)` is called when the venue asks us to wait, `measured(low, high)` with bounds of its wall
    clock minus ours, in nanoseconds.
    """

    def __init__(
        self,
        base: Address,
        *,
        clock: Clock,
        tls: SSLContext,
        dial: Dial | None = None,
        per_second: float = 5.0,
        answer_max: int = ANSWER_MAX,
        timeout: float = TIMEOUT_S,
        waits: Callable[[int, str], None] | None = None,
        measured: Callable[[int, int], None] | None = None,
    ) -> None:
        self.base = base
        self.requests = self.failures = 0
        self.offset: tuple[int, int] = (0, 0)
        self._clock = clock
        self._answer_max = answer_max
        self._timeout = timeout
        self._rate = Rate(per_second)
        self._waits, self._measured = waits, measured
        self._told_at = -_MEASURE_NS
        self._transport = _Transport(_Network(base, dial, tls, answer_max))
        self._client = httpx.AsyncClient(
            transport=self._transport,
            timeout=None,  # one deadline stands over the whole exchange
            trust_env=False,
            follow_redirects=False,
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "tickwright"},
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        urgent: bool = False,
        before: float = math.inf,
    ) -> Answer:
        """Send a request below the base path and return its answer, whatever its status.

        `query` is already encoded; `urgent` (a cancel) does not wait for the rate. What could not
        leave `before` a time of trio's clock does not leave.

        Raises:
            QueryFailed: no answer, not a whole one, or a redirect. The request may have been carried out.
        """
        while not self._rate.take(now := trio.current_time(), urgent=urgent):
            due = self._rate.due(now, urgent=urgent)
            if due > before:
                break
            await trio.sleep_until(due)
        else:
            due = now
        if due > before:
            raise self._failed(method, path, "room in the rate in time", "none, and nothing was sent")
        target = f"{self.base.scheme}://{self.base.authority}{self.path(path)}" + (f"?{query}" if query else "")
        self.requests += 1
        try:
            with trio.fail_after(self._timeout):
                asked = self._clock.wall()
                answer = await self._exchange(self._client.build_request(method, target, headers=headers, content=body))
        except trio.TooSlowError:
            raise self._failed(method, path, f"an answer within {self._timeout:g} s", "none") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpcore.ProtocolError, OSError, trio.BrokenResourceError) as error:
            words = str(error.__cause__ or error) or type(error).__name__
            raise Broken(str(self._failed(method, path, "an answer", words))) from None
        answer = self._noted(answer, asked)
        if 300 <= answer.status < 400:
            raise self._failed(method, path, "no redirect", f"HTTP {answer.status}")
        return answer

    def path(self, path: str) -> str:
        """The whole path of a request, as it is signed."""
        return self.base.path.rstrip("/") + path

    async def rest(self) -> None:
        """Close the connections that are open; what is asked later opens its own."""
        await self._transport.aclose()

    async def _exchange(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            if headers.get("content-encoding", "identity") != "identity":
                raise httpx.RemoteProtocolError("the answer is compressed, which was not asked for")
            parts = [part async for part in response.aiter_raw()]
            body = b"".join(parts)
            if len(body) > self._answer_max:
                raise httpx.RemoteProtocolError(f"more than {self._answer_max} bytes")
            return Answer(status=response.status_code, headers=headers, body=body)
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await response.aclose()

    def venue_wall(self) -> int:
        """The venue's wall clock as far as it is known: ours, unless its answers have shown otherwise."""
        low, high = self.offset
        return self._clock.wall() + (0 if low <= 0 <= high else (low + high) // 2)

    def _noted(self, answer: Answer, asked: int) -> Answer:
        """What the answer's head says of time: the venue's clock, and a wish that we wait."""
        answered, now = self._clock.wall(), self._clock.now()
        stamped = http_date(answer.headers.get("date"))
        if stamped is not None:
            # The stamp has whole seconds and was made between our asking and their answering.
            self.offset = stamped - answered, stamped + SECOND - asked
            if self._measured is not None and now - self._told_at >= _MEASURE_NS:
                self._told_at = now
                self._measured(*self.offset)
        if answer.status not in _ASKED_TO_WAIT:
            return answer
        wait = wait_seconds(answer.headers.get("retry-after"), answered) or WAIT_DEFAULT_S
        if self._waits is not None:
            self._waits(now + math.ceil(wait * SECOND), f"HTTP {answer.status}")
        return evolve(answer, wait_s=wait)

    def _failed(self, method: str, path: str, expected: str, received: str) -> QueryFailed:
        self.failures += 1
        return QueryFailed(f"{self.base.host}: {method} {path}: expected {expected}, received {received}")


class _Transport(httpx.AsyncBaseTransport):
    """HTTP/1.1 connections over streams of ours."""

    def __init__(self, network: "_Network") -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=network.tls,
            max_connections=_CONNECTIONS,
            network_backend=network,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
        )
        try:
            answer = await self._pool.handle_async_request(asked)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise httpx.TransportError(str(error) or type(error).__name__) from error.__cause__
        return httpx.Response(status_code=answer.status, headers=answer.headers, stream=_Body(answer))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> Any:
        try:
            async for part in self._answer.aiter_stream():
                yield part
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise httpx.TransportError(str(error) or type(error).__name__) from error.__cause__

    async def aclose(self) -> None:
        await self._answer.aclose()


class _Network(httpcore.AsyncNetworkBackend):
    """Connects to the checked address, and nowhere else."""

    def __init__(self, base: Address, dial: Dial | None, tls: SSLContext, answer_max: int) -> None:
        self.tls = tls
        self._base, self._dial, self._answer_max = base, dial, answer_max

    async def connect_tcp(self, host: str, port: int, *given: object, **options: object) -> httpcore.AsyncNetworkStream:
        if (host, port) != (self._base.host, self._base.port):
            raise httpcore.ConnectError(f"expected {self._base.host}, received {host}; nothing is connected")
        try:
            return _Stream(await connect(self._base, self._dial, self.tls), self._answer_max)
        except (OSError, trio.BrokenResourceError, UnsafeAddress) as error:
            raise httpcore.ConnectError(f"no connection: {error.__cause__ or error}") from error

    async def connect_unix_socket(self, *given: object, **options: object) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("expected a host, received a path; nothing is connected")

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """A trio stream as the HTTP library wants it; it breaks off an answer that grows too long.

    The bound is held here, at the bottom, so that its error runs through every layer of the libraries and leaves none
    of their generators half read.
    """

    def __init__(self, stream: trio.abc.Stream, answer_max: int) -> None:
        self._stream = stream
        self._answer_max = answer_max
        self._left = 0
        self._used = trio.current_time()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 the library's
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.ReadError(str(error) or "the connection broke") from error
        self._used = trio.current_time()
        self._left -= len(data)
        if self._left < 0:
            raise httpcore.ReadError(f"more than {self._answer_max} bytes")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return
        self._left = self._answer_max + HEAD_MAX
        try:
            await self._stream.send_all(buffer)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.WriteError(str(error) or "the connection broke") from error

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)

    async def start_tls(self, *given: object, **options: object) -> httpcore.AsyncNetworkStream:
        # The stream was handed over with its TLS handshake done and its peer's name checked.
        return self

    def get_extra_info(self, info: str) -> Any:
        if info != "is_readable":
            return None
        # Asked before a connection is used again: one that has something to say, which can only be its end, is not,
        # nor one that has been idle so long that the peer may be ending it at this moment.
        if trio.current_time() - self._used > IDLE_S:
            return True
        stream = self._stream.transport_stream if isinstance(self._stream, trio.SSLStream) else self._stream
        return isinstance(stream, trio.SocketStream) and stream.socket.is_readable()
