"""The venue that is examined, as its author describes it, and what a local venue must offer for that."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import trio
from attrs import Factory, frozen

from tickwright.adapters.fault_rules import Deed, Rule
from tickwright.adapters.faults import Faults
from tickwright.adapters.local.crowd import StreetExchange

Reader = Callable[[bytes], object]
"""Reads what a line of the samples holds, and says what it means; `BadMessage` where it cannot be read."""


@frozen(kw_only=True)
class Sample:
    """One recorded line: `direction` ``in`` (the venue says it) or ``out`` (we do), its kind, and where it is from."""

    line: int
    direction: str
    kind: str
    source: str
    message: Any

    def __str__(self) -> str:
        return f"line {self.line} ({self.direction} {self.kind})"


@frozen(kw_only=True)
class VenueUnderTest:
    """One venue: what its folder offers, and what its samples are to mean.

    adapter: the adapter as a config names it: its name, ``package.module:NAME`` or ``./file.py:NAME``.
    symbol: what is traded in the trials, as the venue calls it; its local venue must list it.
    samples: the recorded messages, one JSON object a line with `direction`, `kind`, `source` and `message`.
    readers: what reads a message, by how its kind begins; the longest that fits counts, an empty text fits all.
    expected: what a kind's message becomes (a class, or several), by how the kind begins, likewise.
    encode: the text that we would send, made by our own encoder of what an ``out`` line says.
    left_out: kinds of samples that the adapter has no use for, and neither says nor reads.
    gap: the fault that makes the local venue lose a book's message, or contradict itself, as in a fault script.
    options: of the local venue in every trial. settings: of the venue in the config.
    maker_fee, taker_fee: what the local venue takes, as fractions of a trade's value.
    """

    adapter: str
    symbol: str
    samples: Path
    readers: Mapping[str, Reader]
    expected: Mapping[str, type | tuple[type, ...]]
    encode: Callable[[Sample], str]
    left_out: frozenset[str] = frozenset()
    gap: str = "fault: gap, times: 1"
    options: Mapping[str, Any] = Factory(dict)
    settings: Mapping[str, Any] = Factory(dict)
    maker_fee: str = "0"
    taker_fee: str = "0"


class PeerExchange(StreetExchange, Protocol):
    """The inside of a local venue: where the street's orders and ours meet."""

    def open_orders(self) -> Sequence[Any]:
        """Orders of clients that live, each with `client_order_id`, `side`, `ticks` and `leaves`."""


class Peer(Protocol):
    """A local venue, as its `serve` gives it: what `adapters.local` has, and its own record of what it received."""

    port: int
    faults: Faults
    feeds: Any

    @property
    def exchange(self) -> PeerExchange: ...

    @property
    def received(self) -> Sequence[Any]:
        """Requests about orders, each with `kind` (``new``, ``cancel``) and `client_order_id`."""

    @property
    def executed(self) -> Sequence[Any]:
        """Executions for clients, each with `order` and `lots`."""

    @property
    def down(self) -> bool: ...

    def now(self) -> int: ...

    def open_stream(self) -> trio.abc.Stream: ...

    def announcement(self) -> dict[str, Any]: ...

    def inject(self, rule: Rule) -> None: ...

    def do(self, deed: Deed) -> None: ...


class Mirror(Protocol):
    """The module that an adapter declares as its `mirror`."""

    Options: Any

    def serve(self, options: Any, **how: Any) -> AbstractAsyncContextManager[Any]: ...
