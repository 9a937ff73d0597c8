"""What a venue across a wire must be able to do, and what it answers when it is asked.

An adapter is one object of this shape. It tells what happens by putting events (`events.py`) into the inbox, from
its own tasks; it takes commands as plain calls that queue a frame and return; and it answers questions, each of which
either comes back whole or raises `QueryFailed`: an answer that is missing, late or incomplete is no answer.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Protocol

from attrs import frozen

from tickwright.engine.asking import Inquiry
from tickwright.engine.capability import Capability
from tickwright.engine.errors import TickwrightError
from tickwright.engine.events import Event
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Order
from tickwright.engine.terms import Liquidity, Side


class QueryFailed(TickwrightError):
    """The venue did not answer a question, or not wholly. Nothing follows from that."""


class UnknownInstrument(QueryFailed):
    """The venue was asked and has no such instrument."""

    def __init__(self, instrument: str, message: str) -> None:
        super().__init__(message)
        self.instrument = instrument


class LoginRefused(TickwrightError):
    """The venue does not accept the credentials, after as many tries as make sense."""


class Standing(Enum):
    """How an order stands at the venue when it is asked."""

    LIVE = "live"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"


@frozen(kw_only=True)
class TradeFacts:
    """One execution of ours as the venue lists it; `stated_cum` -1, `venue_ts` 0 and `fee` None: not stated."""

    instrument: str
    client_order_id: str = ""
    venue_order_id: str
    trade_id: str
    side: Side
    lots: int
    ticks: int
    liquidity: Liquidity
    stated_cum: int = -1
    venue_ts: int = 0
    fee: Decimal | None = None
    fee_currency: str = ""


@frozen(kw_only=True)
class OrderFacts:
    """One order as the venue states it: `lots` its total (-1: not stated), `cum` what it counts as executed."""

    instrument: str
    client_order_id: str = ""
    venue_order_id: str
    side: Side
    standing: Standing
    lots: int
    ticks: int
    cum: int
    average_ticks: Fraction | None = None
    venue_ts: int = 0


@frozen(kw_only=True)
class PositionFacts:
    """What the venue says of one derivative that the account holds: signed `lots`, and at which average price in price
    units (None: not stated)."""

    lots: int
    average: Decimal | None = None


class Clock(Protocol):
    """The two times of a process. Only this tells time; tests pass their own."""

    def now(self) -> int:
        """The run's time in nanoseconds: the wall time of the start, moved on by a monotonic clock."""
        ...

    def wall(self) -> int:
        """What the wall clock says now, in nanoseconds UTC: for tokens and signatures, never for timers."""
        ...


class Inbox(Protocol):
    """Where adapters put what happened."""

    def put(self, event: Event) -> None:
        """Hand over one event, at once. Level changes may be merged while the core is behind; nothing else is."""
        ...

    async def room(self) -> None:
        """Wait until there is room again: to be awaited before each frame is read."""
        ...


class Wire(Protocol):
    """One venue across a wire."""

    @property
    def venue(self) -> str:
        """The venue's name in instrument ids, in capitals."""
        ...

    @property
    def capability(self) -> Capability: ...

    async def instruments(self, ids: Iterable[str]) -> Mapping[str, Instrument]:
        """The venue's reference data of these instruments; asked before `run`.

        Raises:
            QueryFailed: the venue cannot be asked, or lacks one of them (the message names it).
        """
        ...

    def watch(self, instruments: Iterable[Instrument]) -> None:
        """What the run trades and watches, as reference data and config say together; told before `run`."""
        ...

    async def run(self, inbox: Inbox) -> None:
        """Connect, log in where orders are traded, subscribe, and stay so: reconnect until cancelled.

        Raises:
            LoginRefused: the credentials are wrong.
        """
        ...

    def submit(self, order: Order) -> None:
        """Queue the frame of a new order. It is written once or, if `SendFailed` follows, perhaps."""
        ...

    def cancel(self, order: Order, request_id: int) -> None:
        """Queue a cancel; `order.venue_order_id` may be empty while the venue has not named it."""
        ...

    def resync(self, instrument: str, reason: str) -> None:
        """Read a book anew."""
        ...

    async def open_orders(self) -> tuple[OrderFacts, ...]:
        """Every live order of the account, all pages."""
        ...

    async def order(self, order: Order) -> OrderFacts | None:
        """One order by its ids; None only where the venue says that it has none such."""
        ...

    async def trades(self, since: int) -> tuple[TradeFacts, ...]:
        """Every execution of the account since a time (ns), all pages, oldest first."""
        ...

    async def holdings(self) -> Mapping[str, Decimal] | None:
        """What the account holds of each asset, whatever part of it is tied up; None where the venue does not say."""
        ...

    async def positions(self) -> Mapping[str, PositionFacts] | None:
        """What the account holds of each derivative, by the instrument's id; None where the venue does not say."""
        ...


class AskingWire(Wire, Protocol):
    """A wire whose capability has `rfqs`: it carries requests for quotes of our own, and keeps them alive.

    What becomes of each is told as `QuotesAsked`; nothing of one is ever told as an order's.
    """

    def ask_quotes(self, inquiry: Inquiry) -> None:
        """Queue a request, and keep it until `inquiry.until`."""
        ...

    def withdraw_quotes(self, inquiry: Inquiry) -> None:
        """Take one back, as soon as the link allows; one that is not known is none."""
        ...
