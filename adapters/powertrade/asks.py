"""Our own requests for quotes: entered, kept alive, and taken back; a value machine within the link's.

The venue takes a request as an order of the indicative market and lets it run out after half an hour, unless it is
refreshed. Its answers bear the names of orders' answers, so everything about a request is taken out here, before the
orders see it. A refresh doubles as the question whether a request still stands: after a reconnect, and where an answer
does not come, it is refreshed at once, and "not found" is its end. None is ever entered a second time.
"""

from collections import OrderedDict, deque
from decimal import Decimal
from typing import Final

from attrs import define

from tickwright.adapters.powertrade import commands
from tickwright.adapters.powertrade.life import cycles
from tickwright.adapters.powertrade.messages import Accepted, CancelStated, Message, Refreshed, Rejected, Replied, Rfq
from tickwright.adapters.powertrade.reference import read_legs
from tickwright.adapters.powertrade.requests import DEAD
from tickwright.adapters.powertrade.rfqs import LIFE_NS
from tickwright.engine.events import QuotesAsked
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import NO_TIME, Side
from tickwright.engine.times import SECOND

REFRESH_NS: Final = 1200 * SECOND
"""So long after it was entered or refreshed a request is refreshed; the venue's patience is half as long again."""

WAIT_NS: Final = 10 * SECOND
"""An answer that has not come after this does not come; what was asked is asked again."""

PAST_KEPT: Final = 256
"""Requests that are over, whose late answers are still known as theirs."""

_NOT_FOUND: Final = "not found"


@define
class _Ask:
    """One request. `next_at` is when to say something about it, `runs_out` when the venue has let it go at last."""

    name: str
    symbol: str
    side: Side
    qty: Decimal
    end: int
    runs_out: int
    next_at: int
    order_id: str = ""
    stands: bool = False
    ending: bool = False


class Asks:
    """The requests of one account over its connections; frames go to `out`."""

    def __init__(self, venue: str, out: deque[str]) -> None:
        self.up = False
        self._venue, self._out = venue, out
        self._open: dict[str, _Ask] = {}
        self._past: OrderedDict[str, str] = OrderedDict()  # our name and the venue's
        self._tags: dict[str, str] = {}
        self._count = 0

    # What the engine wants

    def enter(
        self, name: str, instrument: Instrument, side: Side, lots: int, until: int, at: int, offset_ns: int
    ) -> list[QuotesAsked]:
        """Ask for quotes until a time (ns); `offset_ns` is the venue's clock minus ours."""
        if not self.up:
            return [self._told(name, False, "no link that is logged in; nothing was sent", at)]
        legs = read_legs(instrument.symbol)
        fields = commands.order_fields(
            side="buy" if side is Side.BUY else "sell",
            kind="LIMIT",
            time_in_force="GTC",
            quantity=commands.fraction(instrument.qty(lots)),
            client_order_id=name,
            recv_window=str(cycles(at + offset_ns, max(until, at + LIFE_NS) + offset_ns)),
            symbol="" if legs else instrument.symbol,
            legs=[(leg, str(ratio)) for leg, ratio in legs],
            market_id=commands.INDICATIVE,
        )
        self._open[name] = _Ask(
            name, instrument.symbol, side, instrument.qty(lots), until, at + LIFE_NS + WAIT_NS, at + WAIT_NS
        )
        self._out.append(commands.new_order(fields, self._tag(name)))
        return []

    def withdraw(self, name: str, at: int) -> None:
        """Take one back, now or as soon as the link is up; one that is not known is none."""
        found = self._open.get(name)
        if found is not None:
            found.ending, found.next_at = True, at
            self._act(found, at)

    # The connection

    def opened(self, at: int) -> None:
        """The link is up (again): every request is asked for."""
        self.up = True
        for one in self._open.values():
            one.next_at = at

    def closed(self) -> None:
        """The link is gone, and with it every answer that was awaited."""
        self.up = False
        self._tags.clear()

    # Time

    def due(self) -> int:
        """When `check` has something to do; NO_TIME if never."""
        return min((self._due(one) for one in self._open.values()), default=NO_TIME)

    def _due(self, one: _Ask) -> int:
        if not self.up:
            return one.runs_out
        return min(one.runs_out, one.next_at, NO_TIME if one.ending else one.end)

    def check(self, at: int) -> list[QuotesAsked]:
        """Say what is due, and let go what the venue has let go."""
        events: list[QuotesAsked] = []
        for one in list(self._open.values()):
            if one.runs_out <= at:
                events += self._over(one, "it has run out", at)
            elif self._due(one) <= at:
                self._act(one, at)
        return events

    def _act(self, one: _Ask, at: int) -> None:
        """Cancel or refresh one, by the venue's name where it is known."""
        one.ending = one.ending or one.end <= at
        if not self.up:
            return
        one.next_at = at + WAIT_NS
        frame = commands.cancel_order if one.ending else commands.refresh_interest
        mine = "" if one.order_id else one.name
        self._out.append(frame(self._tag(one.name), order_id=one.order_id, client_order_id=mine))

    # What the venue says

    def ours(self, rfq: Rfq) -> bool:
        """Whether a request that the venue shows is one of these; what it has not named yet is known by its form."""
        if any(rfq.order_id == order_id for order_id in self._past.values()):
            return True
        same = (rfq.symbol, rfq.side, rfq.qty)
        return any(
            one.order_id == rfq.order_id or (not one.order_id and same == (one.symbol, one.side, one.qty))
            for one in self._open.values()
        )

    def mine(self, message: Message) -> bool:
        """Whether a message is about one of these, and nothing for the orders."""
        match message:
            case Accepted() | CancelStated() | Refreshed():
                return bool(self._name(message.client_order_id, message.venue_order_id))
            case Rejected():
                return bool(self._name(message.client_order_id, ""))
            case Replied():
                return message.user_tag in self._tags
            case _:
                return False

    def take(self, message: Message, at: int) -> list[QuotesAsked]:
        """What a message that is `mine` means."""
        match message:
            case Accepted() | Refreshed() | CancelStated():
                one = self._open.get(self._name(message.client_order_id, message.venue_order_id))
            case Rejected():
                one = self._open.get(message.client_order_id)
            case Replied():
                one = self._open.get(self._tags.pop(message.user_tag))
            case _:
                one = None
        if one is None:
            return []
        match message:
            case Accepted():
                one.order_id = one.order_id or message.venue_order_id
                return self._stands(one, at)
            case Refreshed(reason="success"):
                one.order_id = one.order_id or message.venue_order_id
                return self._stands(one, at)
            case Rejected(reason=reason):
                return self._over(one, reason, at)
            case Refreshed(reason=reason) if _NOT_FOUND in reason.lower():
                return self._over(one, reason, at)
            case CancelStated(reason=reason) if one.ending or reason in DEAD or _NOT_FOUND in reason.lower():
                return self._over(one, reason, at)
            case Replied(code=code, text=text) if code and (not one.stands or _NOT_FOUND in text.lower()):
                return self._refused(one, f"{text} (code {code})", at)
        return []

    def _refused(self, one: _Ask, reason: str, at: int) -> list[QuotesAsked]:
        """A plain refusal ends what does not stand, but for the wish to end it, which is said again."""
        if one.ending and _NOT_FOUND not in reason.lower():
            return []
        return self._over(one, reason, at)

    def _stands(self, one: _Ask, at: int) -> list[QuotesAsked]:
        one.runs_out = at + LIFE_NS + WAIT_NS
        if not one.ending:
            one.next_at = at + REFRESH_NS
        if one.stands:
            return []
        one.stands = True
        return [self._told(one.name, True, "", at)]

    def _over(self, one: _Ask, reason: str, at: int) -> list[QuotesAsked]:
        del self._open[one.name]
        self._tags = {tag: name for tag, name in self._tags.items() if name != one.name}
        self._past[one.name] = one.order_id
        if len(self._past) > PAST_KEPT:
            self._past.popitem(last=False)
        return [self._told(one.name, False, reason, at)]

    def _name(self, client_order_id: str, venue_order_id: str) -> str:
        """Our name of the request that a message is about, over or not; empty where it is about none."""
        if client_order_id:
            return client_order_id if client_order_id in self._open or client_order_id in self._past else ""
        if not venue_order_id:
            return ""
        for one in self._open.values():
            if one.order_id == venue_order_id:
                return one.name
        return next((name for name, order_id in self._past.items() if order_id == venue_order_id), "")

    def _tag(self, name: str) -> str:
        self._count += 1
        tag = f"quotes-{self._count}"
        self._tags[tag] = name
        return tag

    def _told(self, name: str, is_open: bool, reason: str, at: int) -> QuotesAsked:
        return QuotesAsked(venue=self._venue, client_order_id=name, open=is_open, reason=reason, ts=at)
