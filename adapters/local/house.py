"""A local venue as its connections, its faults and its crowd see it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

import trio
from attrs import Factory, frozen

from tickwright.adapters.fault_rules import Deed
from tickwright.adapters.faults import Faults
from tickwright.engine.errors import TickwrightError
from tickwright.engine.times import SECOND

if TYPE_CHECKING:
    from tickwright.adapters.local.crowd import Crowd
    from tickwright.adapters.local.sockets import Socket

HOST: Final = "127.0.0.1"


class OptionError(TickwrightError):
    """An option that a local venue does not have, or a value that it cannot take."""


@frozen(kw_only=True)
class HttpRequest:
    """One request: `target` is path and query as they were sent; names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = Factory(dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query_text(self) -> str:
        return self.target.partition("?")[2]


@frozen(kw_only=True)
class HttpAnswer:
    """One answer; the body is JSON."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@frozen(kw_only=True)
class Tongue:
    """How a venue's protocol differs from others' where bytes come in and go out.

    A WebSocket is at `stream_path` and, where the venue has one, under a `subprotocol`. `refusal` is an answer with a
    status and words. `frame_kind`, `topic_of` and `request_kind` say what fault scripts call a message.
    """

    stream_path: str
    subprotocol: str = ""
    size_max: int
    refusal: Callable[[int, str], HttpAnswer]
    request_kind: Callable[[HttpRequest], str]
    frame_kind: Callable[[str], str]
    topic_of: Callable[[str], str]


class Guest(Protocol):
    """One client's side of the protocol, without its socket."""

    def receive(self, frame: str | bytes) -> None:
        """Carry out one frame; never raises."""

    def close(self) -> None:
        """The connection has ended, for whatever reason."""


class House(Protocol):
    """A venue."""

    faults: Faults
    sockets: "set[Socket]"
    connections: set[trio.CancelScope]
    crowds: "list[Crowd]"

    @property
    def tongue(self) -> Tongue: ...

    @property
    def down(self) -> bool:
        """Whether it is away, and takes no connection."""

    def now(self) -> int:
        """Nanoseconds UTC by its own clock."""

    def mono(self) -> int:
        """Nanoseconds of a clock that no wall clock moves."""

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """One REST request."""

    def guest(self, send: Callable[[str, str], None]) -> Guest:
        """A client comes in by a socket; `send` takes a text and its kind."""

    def left(self, guest: Guest) -> None:
        """A client's connection has ended."""

    def do(self, deed: Deed) -> None:
        """Do what a fault script would have done, now."""

    def expire_tokens(self) -> None:
        """Take back every proof that was given."""

    def restart(self, memory: bool) -> None:
        """Sessions end; without memory all else is as at the beginning. Connections were ended already."""

    def act(self, action: str) -> None:
        """Do one of the things that only this venue does."""


def virtual_wall(start: int = 1_735_689_600 * SECOND) -> Callable[[], int]:
    """A wall clock that trio's clock drives: `start` (nanoseconds UTC) plus trio's time, virtual or not."""
    return lambda: start + int(trio.current_time() * SECOND)
