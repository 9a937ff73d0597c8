"""Where an adapter may connect to, decided before anything is connected.

An adapter lists its venue's hosts. Those are reached over TLS only; this machine (127.0.0.0/8, ::1, `localhost`) may
be reached in the clear, where the config says so in as many words. Nothing turns the check of certificates off.
"""

import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import trio
from attrs import frozen

from tickwright.engine.errors import TickwrightError

Dial = Callable[[str, int], Awaitable[trio.abc.Stream]]
"""Opens a plain stream to a host and a port. Tests and in-process venues pass their own."""

_SCHEMES: Final = {"wss": (True, 443), "ws": (False, 80), "https": (True, 443), "http": (False, 80)}
LOCALHOST: Final = "localhost"


class UnsafeAddress(TickwrightError):
    """An address that must not be connected to, or a TLS setting that proves nothing."""


@frozen(kw_only=True)
class Address:
    """A checked URL, in parts."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def secure(self) -> bool:
        return _SCHEMES[self.scheme][0]

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def authority(self) -> str:
        """What stands in a `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _SCHEMES[self.scheme][1] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def checked_address(
    url: str, schemes: Collection[str], hosts: Collection[str], *, insecure_loopback: bool = False
) -> Address:
    """The parts of a URL that may be connected to.

    `schemes` are two of `wss`, `ws`, `https`, `http`; `hosts` the adapter's own list. `insecure_loopback` allows the
    scheme without TLS, to this machine only.

    Raises:
        UnsafeAddress: anything else; the message names the URL's part that is wrong.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnsafeAddress("expected a URL, received something else; nothing is connected") from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UnsafeAddress("expected a URL without user, query and fragment; nothing is connected")
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in schemes:
        raise UnsafeAddress(f"{host}: expected {' or '.join(schemes)}, received {parts.scheme!r}; nothing is connected")
    local = is_loopback(host)
    if not local and host not in hosts:
        listed = ", ".join(sorted(hosts))
        raise UnsafeAddress(f"{host!r}: expected one of {listed}, or this machine; nothing is connected")
    secure, usual = _SCHEMES[parts.scheme]
    if not secure and not (local and insecure_loopback):
        raise UnsafeAddress(
            f"{host}: expected TLS, received {parts.scheme}; without it only this machine may be reached, "
            "with allow_insecure_loopback: true"
        )
    return Address(scheme=parts.scheme, host=host, port=port if port is not None else usual, path=parts.path or "/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine; names other than `localhost` are not asked about."""
    if host == LOCALHOST:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def checked_tls(context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A context that verifies the peer's certificate and name over TLS 1.2 or later; by default the system's roots.

    Raises:
        UnsafeAddress: the context passed in does not.
    """
    if context is None:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    strict = context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
    if not strict or context.minimum_version not in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        raise UnsafeAddress("expected a TLS context that verifies certificate and name, with TLS 1.2 or later")
    return context


async def connect(address: Address, dial: Dial | None, tls: ssl.SSLContext) -> trio.abc.Stream:
    """A stream to an address, after the TLS handshake where it has one.

    Raises:
        OSError, trio.BrokenResourceError: no connection, or a certificate that does not hold.
        UnsafeAddress: `localhost` led off this machine.
    """
    stream = await (dial or _tcp)(address.host, address.port)
    try:
        if not address.secure:
            _check_local(stream)
            return stream
        wrapped = trio.SSLStream(stream, tls, server_hostname=address.host, https_compatible=True)
        await wrapped.do_handshake()
    except BaseException:  # raised again: a stream that nobody holds must not stay open, whatever the reason
        await trio.aclose_forcefully(stream)
        raise
    return wrapped


def forget_unsent(stream: trio.abc.Stream) -> None:
    """Let the next close throw away what the kernel has not sent yet.

    Otherwise it goes on trying for minutes, and an order could arrive long after it was looked for and given up.
    """
    inner = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    if isinstance(inner, trio.SocketStream):
        with suppress(OSError):
            inner.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _tcp(host: str, port: int) -> trio.abc.Stream:
    return await trio.open_tcp_stream(host, port)


def _check_local(stream: trio.abc.Stream) -> None:
    # A stream in memory has no socket, and leads nowhere.
    found = getattr(stream, "socket", None)
    if found is not None:
        peer = found.getpeername()[0]
        if not is_loopback(peer):
            raise UnsafeAddress(f"expected this machine behind the address, received {peer}; the connection is closed")
