"""Our own requests for quotes: indicative, at a venue that has such a thing.

A request never matches. It is no order: the order manager, positions and worst cases do not know it. But it speaks for
a strategy, so it leaves by the same gate (`Gate.asking_refusal`), after its record, and is taken back with what the
strategy ordered: by a kill that cancels, when the strategy is halted, and when the run ends.
"""

from typing import TYPE_CHECKING, Final

from attrs import define

from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument
from tickwright.engine.market import Seat
from tickwright.engine.terms import Side
from tickwright.engine.times import SECOND

if TYPE_CHECKING:
    from tickwright.engine.desk import Desk
    from tickwright.engine.events import QuotesAsked
    from tickwright.engine.ports import Latched
    from tickwright.engine.traffic import Traffic

ASK: Final = 4
WITHDRAW: Final = 5
"""What a strategy wants of a request of its own, beside the door's other intents."""

MINUTES_MAX: Final = 1440
OPEN_MAX: Final = 16
"""So many requests of one strategy may be open at once."""


@define(eq=False, kw_only=True)
class Inquiry:
    """A request for quotes that a strategy made, as far as is known: `reason` says why one is `over`.

    `open` is true once the venue has it. `until` is when it is taken back, in nanoseconds.
    """

    instrument: Instrument
    side: Side
    lots: int
    minutes: int
    client_order_id: str = ""
    until: int = 0
    open: bool = False
    over: bool = False
    reason: str = ""


def inquiry_of(instrument: Instrument, side: Side | int, qty: object, minutes: int) -> Inquiry:
    """What a strategy asks for; what cannot be said on the instrument's grid is refused when its turn comes."""
    made = Inquiry(instrument=instrument, side=Side(side), lots=0, minutes=minutes)
    try:
        made.lots = instrument.lots(qty)  # type: ignore[arg-type] # whatever it is, `lots` says what is wrong with it
    except UnitError as error:
        made.reason = f"{error.code}: {error}"
    if type(minutes) is not int or not 1 <= minutes <= MINUTES_MAX:
        made.reason = f"EXPIRY_INVALID: expected 1 to {MINUTES_MAX} minutes, received {minutes!r}"
    return made


class Asking:
    """The requests of one run that are not over."""

    def __init__(self, traffic: "Traffic") -> None:
        self.traffic = traffic
        self.inquiries: dict[str, tuple[Inquiry, Desk]] = {}
        self.last = 0

    def take(self, desk: "Desk", kind: int, inquiry: Inquiry, seat: Seat | None) -> bool:
        """Carry out what a strategy wants; false where a request was refused."""
        if kind == ASK and seat is not None:
            return self.ask(desk, inquiry, seat)
        self.withdraw(inquiry, "withdrawn")
        return True

    def ask(self, desk: "Desk", inquiry: Inquiry, seat: Seat) -> bool:
        """Through the gate, then into the records, then to the venue."""
        traffic = self.traffic
        now, market = traffic.now, seat.market
        venue = traffic.venues[market.venue_index]
        why = inquiry.reason
        if not why and not venue.asks_quotes():
            why = f"RFQ_UNSUPPORTED: nobody can be asked for quotes at {market.venue_name} in this run"
        if not why and sum(owner is desk for _, owner in self.inquiries.values()) >= OPEN_MAX:
            why = f"TOO_MANY_RFQS: expected at most {OPEN_MAX} open requests of a strategy, received one more"
        why = why or traffic.gate.asking_refusal(seat, inquiry.lots, now)
        words = f"{inquiry.side.name} {inquiry.lots} lots of {market.instrument.id} by {desk.name}"
        if why:
            inquiry.over, inquiry.reason = True, why
            traffic.recorder.note(1, f"request for quotes, {words}: denied: {why}", now)
            return False
        # A number that no order has and no restart gives anew: the time, moved on where two share it.
        self.last = max(self.last + 1, now)
        inquiry.client_order_id = f"{desk.door.prefix().rstrip('-')}q-{self.last:x}"
        inquiry.until = now + inquiry.minutes * 60 * SECOND
        self.inquiries[inquiry.client_order_id] = (inquiry, desk)
        traffic.recorder.note(0, f"{inquiry.client_order_id}: quotes asked for: {words}, {inquiry.minutes} min", now)
        venue.ask_quotes(inquiry)
        return True

    def withdraw(self, inquiry: Inquiry, reason: str) -> None:
        """Take one back; nothing happens to one that is over."""
        known = self.inquiries.pop(inquiry.client_order_id, None)
        if known is None:
            return
        inquiry.over, inquiry.open, inquiry.reason = True, False, reason
        traffic = self.traffic
        venue = next(one.venue_index for one in traffic.markets if one.instrument.id == inquiry.instrument.id)
        traffic.recorder.note(0, f"{inquiry.client_order_id}: request for quotes taken back: {reason}", traffic.now)
        traffic.venues[venue].withdraw_quotes(inquiry)

    def withdraw_all(self, reason: str, desk: "Desk | None" = None) -> None:
        """Take back those of one strategy, or all."""
        for inquiry, owner in list(self.inquiries.values()):
            if desk is None or owner is desk:
                self.withdraw(inquiry, reason)

    def killed(self, latch: "Latched") -> None:
        """A kill was latched that cancels: what it covers is taken back."""
        for inquiry, desk in list(self.inquiries.values()):
            if latch.covers(desk.name, inquiry.instrument.id, inquiry.instrument.venue):
                self.withdraw(inquiry, "killed")

    def heard(self, event: "QuotesAsked", now: int) -> None:
        """What the venue says of one."""
        known = self.inquiries.get(event.client_order_id)
        if known is None:
            return
        inquiry = known[0]
        inquiry.open, inquiry.over, inquiry.reason = event.open, not event.open, event.reason
        if not event.open:
            del self.inquiries[event.client_order_id]
        words = "open" if event.open else f"over: {event.reason}"
        self.traffic.recorder.note(0 if event.open else 1, f"{event.client_order_id}: request for quotes {words}", now)
