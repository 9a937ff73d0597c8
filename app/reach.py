"""Asks whether a venue can be reached: address, connection, TLS, and what time it is there. Sends no secret.

The time comes from the ``Date`` header of an HTTP answer, which has whole seconds: the difference to our clock is an
interval of a second and the time that the answer took, never a point.
"""

import socket
import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import trio
from attrs import frozen

from tickwright.engine.errors import TickwrightError

DEADLINE_S: Final = 5.0
"""For each of: finding the address and connecting, TLS, the answer."""

HEAD_BYTES: Final = 16_384
PORTS: Final = {"wss": 443, "https": 443, "ws": 80, "http": 80}


class Unreachable(TickwrightError):
    """The venue cannot be reached; the text says how far it went."""


@frozen(kw_only=True)
class Reached:
    """A host that answered: with which TLS (empty: none), how fast it connected, and our clock against its.

    `ahead_ms` are the bounds of how far our clock is ahead of the venue's; None where it did not tell its time.
    """

    host: str
    tls: str
    connect_ms: float
    ahead_ms: tuple[float, float] | None = None


async def reach(
    url: str, *, wall: Callable[[], float] = time.time, context: ssl.SSLContext | None = None, ask_time: bool = True
) -> Reached:
    """Connect to where an address leads and, for HTTP, ask the time.

    Raises:
        Unreachable: no address, no connection, no trusted TLS, or none in time.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    begun = trio.current_time()
    stream: trio.abc.Stream = await _connected(host, port)
    try:
        tls = ""
        if parts.scheme in ("wss", "https"):
            stream, tls = await _secured(stream, host, context)
        connect_ms = round((trio.current_time() - begun) * 1000, 1)
        asked = ask_time and parts.scheme in ("https", "http")
        ahead = await _ahead(stream, host, parts.path or "/", wall) if asked else None
    finally:
        await trio.aclose_forcefully(stream)
    return Reached(host=f"{host}:{port}", tls=tls, connect_ms=connect_ms, ahead_ms=ahead)


async def _connected(host: str, port: int) -> trio.SocketStream:
    try:
        with trio.fail_after(DEADLINE_S):
            return await trio.open_tcp_stream(host, port)
    except trio.TooSlowError:
        raise Unreachable(f"{host}:{port}: expected a connection within {DEADLINE_S:g} s, got none") from None
    except socket.gaierror as error:
        raise Unreachable(f"{host}: expected an address, got none: {error.strerror}") from None
    except OSError as error:
        raise Unreachable(f"{host}:{port}: expected a connection, got: {error.strerror or error}") from None


async def _secured(
    plain: trio.abc.Stream, host: str, context: ssl.SSLContext | None
) -> "tuple[trio.SSLStream[trio.abc.Stream], str]":
    context = context or ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    stream = trio.SSLStream(plain, context, server_hostname=host, https_compatible=True)
    try:
        with trio.fail_after(DEADLINE_S):
            await stream.do_handshake()
    except trio.TooSlowError:
        raise Unreachable(f"{host}: expected TLS within {DEADLINE_S:g} s, got none") from None
    except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError, ssl.CertificateError) as error:
        why = error.__cause__ or error
        told = getattr(why, "verify_message", "") or getattr(why, "reason", "") or str(why)
        raise Unreachable(f"{host}: expected trusted TLS, got: {told}") from None
    return stream, stream.version() or ""


async def _ahead(
    stream: trio.abc.Stream, host: str, path: str, wall: Callable[[], float]
) -> tuple[float, float] | None:
    """How far our clock is ahead of the venue's, in milliseconds, by the ``Date`` of its answer to a HEAD."""
    question = f"HEAD {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: tickwright\r\nConnection: close\r\n\r\n"
    head = b""
    try:
        with trio.fail_after(DEADLINE_S):
            before = wall()
            await stream.send_all(question.encode("ascii"))
            while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES:
                chunk = await stream.receive_some(4096)
                if not chunk:
                    break
                head += chunk
            after = wall()
    except (trio.TooSlowError, trio.BrokenResourceError, trio.ClosedResourceError):
        raise Unreachable(f"{host}: expected an answer to HTTP within {DEADLINE_S:g} s, got none") from None
    theirs = _date(head)
    if theirs is None:
        return None
    return round((before - theirs - 1) * 1000, 1), round((after - theirs) * 1000, 1)


def _date(head: bytes) -> float | None:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"date":
            try:
                return parsedate_to_datetime(value.decode("ascii").strip()).timestamp()
            except (ValueError, UnicodeDecodeError, OverflowError):
                return None
    return None
