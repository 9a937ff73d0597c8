"""Where a replay is to stop, and what is seen there."""

import bdb
import json
import pdb
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from attrs import define, frozen

from tickwright.backtesting import CODES
from tickwright.captured import Done, Entry, Heard, Said
from tickwright.engine.core import Core
from tickwright.engine.errors import TickwrightError
from tickwright.engine.money import plain
from tickwright.engine.terms import OrderState
from tickwright.engine.times import as_ns, as_text

KINDS: Final = ("event", "order", "code", "state")


class StopError(TickwrightError):
    """A place to stop that is not one, or that the run does not come to."""


@frozen
class Stop:
    """One place: before the `event` of a number, at a `time`, where an `order` is decided upon, where the gate denies
    with a `code`, where an order enters a `state`."""

    kind: str
    text: str

    @classmethod
    def of(cls, text: str) -> "Stop":
        """From ``KIND=VALUE``.

        Raises:
            StopError: no kind that there is, or a value that is none of it.
        """
        kind, _, value = text.partition("=")
        if kind not in KINDS or not value:
            raise StopError(f"--break: expected event=N, order=ID, code=CODE or state=STATE, received {text!r}")
        if kind == "event" and not value.isdigit():
            raise StopError(f"--break: expected event=N, a number, received {text!r}")
        if kind == "state" and value not in OrderState.__members__:
            raise StopError(f"--break: expected one of {', '.join(OrderState.__members__)}, received {value!r}")
        return cls(kind, value)

    @classmethod
    def until(cls, text: str) -> "Stop":
        """From a number or a time.

        Raises:
            UnitError: it is neither.
        """
        if text.isdigit():
            return cls("event", text)
        return cls("time", str(as_ns(text)))

    def fits(self, said: Said) -> bool:
        """Whether it is at a record."""
        if self.kind not in ("order", "code", "state") or said.kind not in ("decision", "order"):
            return False
        body = msgspec.json.decode(said.body)
        if self.kind == "order":
            return bool(body["id"] == self.text)
        if self.kind == "state":
            return said.kind == "order" and body["state"] == self.text
        return said.kind == "decision" and self.text in codes_of(body)


def codes_of(body: dict[str, Any]) -> set[str]:
    """The codes that a decision denies with; none for a pass."""
    found = {CODES[body["verdict"]]} if body["verdict"] else set()
    if body.get("denial"):
        found.add(json.loads(body["denial"]).get("code", ""))
    return found


def time_of(entry: Entry) -> int:
    """When something came in; 0 where it does not say."""
    if isinstance(entry, Done):
        return entry.times[0] if entry.times else 0
    return entry.at if isinstance(entry, Heard) else entry.event.ts


def find(stop: Stop, entries: Iterable[Entry]) -> int | None:
    """The number of the first entry that a stop is at; None where none is."""
    for number, entry in enumerate(entries, 1):
        if stop.kind == "event" and number >= int(stop.text):
            return number
        if stop.kind == "time" and time_of(entry) >= int(stop.text):
            return number
        if isinstance(entry, Done) and any(stop.fits(said) for said in entry.records):
            return number
    return None


def row_time(stop: Stop, rows: Iterable[Mapping[str, Any]]) -> int | None:
    """The time of the first row of a run folder's tables that a stop is at; None where none is."""
    for row in rows:
        match stop.kind, row["table"]:
            case "time", _:
                return int(stop.text)
            case "order", "decisions" | "orders" if row["client_order_id"] == stop.text:
                return int(row["ts"])
            case "state", "orders" if row["state"] == stop.text:
                return int(row["ts"])
            case "code", "decisions" if stop.text in row_codes(row):
                return int(row["ts"])
    return None


def row_codes(row: Mapping[str, Any]) -> set[str]:
    return {row["verdict"]} | ({json.loads(row["denial"]).get("code", "")} if row["denial"] else set())


@define
class Debugger:
    """Takes handlers over and steps into them. `entered` counts them; `left` says that somebody had enough."""

    entered: int = 0
    left: bool = False

    def hook(self, strategy: str, name: str, handler: Any, arguments: tuple[Any, ...]) -> None:
        """Call a handler under the debugger, from its first line on."""
        if self.left:
            handler(*arguments)
            return
        self.entered += 1
        sys.stderr.write(f"tickwright: {strategy}: {name}\n")
        debugger = pdb.Pdb(nosigint=True)
        try:
            debugger.runcall(handler, *arguments)
        except bdb.BdbQuit:
            self.left = True


def look(core: Core) -> None:
    """Open the debugger where no strategy is called: `core`, its books and its orders can be looked at."""
    pdb.Pdb(nosigint=True).set_trace()


def standing(core: Core) -> list[str]:
    """How a run stands, in lines: books, positions, open orders."""
    lines = []
    for market in core.markets:
        book, instrument = market.book, market.instrument
        bid = plain(instrument.price(book.bid_ticks())) if book.bids.n else "none"
        ask = plain(instrument.price(book.ask_ticks())) if book.asks.n else "none"
        held = plain(instrument.qty(market.position.lots))
        lines.append(f"  {instrument.id}: {book.health.name}, bid {bid}, ask {ask}, position {held}")
    for order in core.orders.open_orders():
        price = plain(order.instrument.price(order.ticks)) if order.has_price else "market"
        size = f"{plain(order.instrument.qty(order.cum))} of {plain(order.instrument.qty(order.lots))}"
        lines.append(f"  {order.client_order_id}: {order.state.name}, {order.side.name} {size} at {price}")
    return lines


def stop_lines(number: int, entry: Entry, core: Core) -> list[str]:
    """What is seen at a stop: what comes next, what it was to record, and how the run stands before it."""
    what = f"{entry.place}.{entry.what}" if isinstance(entry, Done) else describe(entry)
    lines = [f"stopped before input {number}: {what}, {as_text(max(time_of(entry), core.now))}", *standing(core)]
    if isinstance(entry, Done):
        lines += [f"  comes next: {said.kind} {said.body.decode():.300}" for said in entry.records]
    return lines


def describe(entry: Any) -> str:
    if isinstance(entry, Heard):
        return f"{entry.venue} {entry.what}: {entry.content!s:.200}"
    return f"{type(entry.event).__name__}"
