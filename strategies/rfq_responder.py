"""Answers requests for quotes on options and on packages of options with firm orders.

The idea
--------
Somebody asks for a price of an option, or of several as one package. Each leg is worth what Black's formula says
(`strategies/black76.py`) for one volatility and for the forward that the venue's own books show: the dated future of
the option's expiry, the perpetual, or the spot pair, whichever the params name. The package is worth the sum of its
legs times their ratios. Who wants to buy is offered to at that plus an edge, who wants to sell is bid for at that minus
the edge; the edge is a part of what the legs are worth together, whatever their signs.

An answer is an ordinary order in the instrument that was asked for. One order serves all who ask for the same side of
one instrument. It goes when the last of them is gone, when its life is over, and when the forward has moved so far that
its price is no longer the one we would give; then the next one follows as soon as the old one is out of the way. Once
an answer was executed, in part or whole, whoever asked is served, and the rest of it is withdrawn.

What is not answered: instruments that are not this strategy's, legs that are no options, options without a forward to
price them by, and prices that the instrument cannot have. Each is said once.
"""

from collections.abc import Iterator
from decimal import Decimal
from math import ceil, floor
from typing import Final, Literal

import numpy as np
from attrs import define, field, frozen
from attrs.validators import ge, gt
from numpy.typing import NDArray

from tickwright.engine.events import RequestForQuote
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Fill, Order
from tickwright.engine.terms import Health, OrderState, Side
from tickwright.engine.times import SECOND, interval_ns
from tickwright.strategies.base import Strategy
from tickwright.strategies.black76 import CALL, PUT, black_76

YEAR_NS: Final = 365 * 86_400 * SECOND
ASKED_MAX: Final = 1000
"""So many open requests are kept, the oldest forgotten first, and so many different things are said: half a megabyte
of each at most."""

Place = tuple[str, Side]
"""Where an answer stands: an instrument, and the side of our order."""


@frozen(eq=False)
class Legs:
    """The options that one unit of an instrument consists of: their instruments and how many of each, the same as the
    formula takes them, and the instruments whose books give their forwards."""

    parts: tuple[tuple[str, int], ...]
    strikes: NDArray[np.float64]
    rights: NDArray[np.float64]
    ratios: NDArray[np.float64]
    expiries: tuple[int, ...]
    forwards: tuple[str, ...]


@frozen
class Price:
    """What one unit is worth, and what its legs are worth together whatever their signs."""

    fair: float
    worth: float


@define(kw_only=True)
class RfqResponder(Strategy):
    """Prices what is asked for and answers with firm orders, within limits."""

    volatility: float = field(default=0.6, validator=gt(0))
    """The volatility of a year at which every option is priced, as a fraction."""
    rate: float = 0.0
    """The interest of a year, continuously compounded, at which payments at expiry are discounted."""
    forward: Literal["future", "perpetual", "spot"] = "future"
    """Which book gives the forward: the future of the option's own expiry, the perpetual, or the spot pair. It must be
    among the strategy's instruments."""
    edge: float = field(default=0.03, validator=gt(0))
    """How much better than fair we deal, as a part of what the legs are worth together."""
    max_qty: Decimal = field(default=Decimal(1), validator=gt(Decimal(0)))
    """The largest quantity of an answer; who asks for more gets this much."""
    max_position: Decimal = field(default=Decimal(10), validator=gt(Decimal(0)))
    """What may be held of any option, either way, with every answer executed."""
    max_answers: int = field(default=10, validator=ge(1))
    """Answers that stand at one time."""
    life: str = "60s"
    """How long an answer stands at most; the request is not answered again after that."""
    every_so: str = "500ms"
    """How often forwards are looked at."""
    requote: float = field(default=0.25, validator=gt(0))
    """An answer is priced anew once its price is off by this part of the edge."""

    _asked: dict[str, RequestForQuote] = field(factory=dict, init=False, repr=False)
    _answers: dict[Place, Order] = field(factory=dict, init=False, repr=False)
    _legs: dict[str, Legs | None] = field(factory=dict, init=False, repr=False)
    _known: dict[str, Instrument] = field(factory=dict, init=False, repr=False)
    _said: set[str] = field(factory=set, init=False, repr=False)

    def on_start(self) -> None:
        self._known = {each.id: each for each in self.instruments}
        for instrument in self.instruments:
            self._legs[instrument.id] = self.legs_of(instrument)
        self.every(self.every_so, "look")
        for order in self.orders:
            self.cancel(order)  # the run that priced it is over, and who asked will be told of anew

    # --- who asks ---------------------------------------------------------------------------------------------------

    def on_rfq(self, request: RequestForQuote) -> None:
        """Somebody asks, or does so no more."""
        if request.withdrawn:
            gone = self._asked.pop(request.request_id, None)
            if gone is not None:
                self.look(place_of(gone))
            return
        if not self.answerable(request):
            return
        self._asked[request.request_id] = request
        if len(self._asked) > ASKED_MAX:
            del self._asked[next(iter(self._asked))]
        self.look(place_of(request))

    def answerable(self, request: RequestForQuote) -> bool:
        """Whether this strategy can price and trade what is asked for; if not, that is said once."""
        if request.instrument not in self._known:
            self.say(f"{request.instrument}: asked for and not answered, since it is not among the instruments")
            return False
        if self._legs[request.instrument] is None:
            self.say(f"{request.instrument}: asked for and not answered, since it cannot be priced")
            return False
        return True

    def wanted(self, place: Place) -> Decimal:
        """The largest quantity that somebody asks for at a place, zero where nobody does any more."""
        now = self.now
        open_still = (one for one in self._asked.values() if place_of(one) == place and not self.over(one, now))
        return max((one.qty for one in open_still), default=Decimal(0))

    def over(self, request: RequestForQuote, now: int) -> bool:
        return now >= self.end(request)

    def end(self, request: RequestForQuote) -> int:
        """When an answer to this request has stood long enough."""
        until = request.ts + interval_ns(self.life)
        return min(until, request.expires) if request.expires else until

    # --- what we say ------------------------------------------------------------------------------------------------

    def on_timer(self, name: str) -> None:
        """Forwards may have moved, or be relied on no more, of which nobody tells: every answer is looked at."""
        for place in list(self.places()):
            self.look(place)

    def on_order(self, order: Order) -> None:
        """An answer that is out of the way may have a successor; one that was refused has none."""
        place = (order.instrument.id, order.side)
        if order.is_open or self._answers.get(place) is not order:
            return
        del self._answers[place]
        if order.state in (OrderState.CANCELED, OrderState.EXPIRED):
            self.look(place)
        elif order.state is not OrderState.FILLED:
            self.forget(place)
            why = order.denial.text if order.denial is not None else order.reason or order.state.name
            self.log.warning("an answer was refused", instrument=order.instrument.id, reason=why)

    def on_fill(self, order: Order, fill: Fill) -> None:
        """Somebody took the answer: who asked there is served."""
        place = (order.instrument.id, order.side)
        self.forget(place)
        if order.is_open:
            self.cancel(order)

    def forget(self, place: Place) -> None:
        """Nobody asks at this place any more, as far as we are concerned."""
        for request in [one for one in self._asked.values() if place_of(one) == place]:
            del self._asked[request.request_id]

    def places(self) -> Iterator[Place]:
        """Where somebody asks, or an answer stands."""
        yield from dict.fromkeys((*self._answers, *(place_of(one) for one in self._asked.values())))

    def look(self, place: Place) -> None:
        """Bring the answer at a place to what it should be: made, left, or taken away (its successor follows later)."""
        mine = self._answers.get(place)
        qty = self.wanted(place)
        price = self.price_at(place) if qty else None
        if mine is not None and mine.is_open:
            under_way = mine.cancel_outstanding or mine.cancel_wanted
            if not under_way and (price is None or self.stale(mine, price)):
                self.cancel(mine)
            return
        if price is None:
            return
        self.answer(place, qty, price)

    def answer(self, place: Place, qty: Decimal, price: Price) -> None:
        """Send a firm order, within the limits."""
        instrument, side = self._known[place[0]], place[1]
        lots = min(instrument.lots(self.max_qty), int(qty / instrument.lot_size), self.room(instrument, side))
        ticks = self.ticks(instrument, side, price)
        priced = ticks > 0 or bool(instrument.legs)  # who takes a package may be paid for it
        if lots <= 0 or instrument.qty(lots) < instrument.min_qty or not priced:
            self.say(f"{instrument.id}: asked for and not answered, since our {side.name} is not within the limits")
            return
        if len(self._answers) >= self.max_answers:
            return
        until = max(self.end(one) for one in self._asked.values() if place_of(one) == place)
        ask = self.buy if side is Side.BUY else self.sell
        self._answers[place] = ask(
            instrument, instrument.qty(lots), instrument.price(ticks), expire=until, tag="answer"
        )

    def room(self, instrument: Instrument, side: Side) -> int:
        """How many lots more may be answered on a side until one of the legs is at its bound."""
        parts = self.parts_of(instrument.id)
        most = min((self.max_position - self.reach(id, side * ratio)) / abs(ratio) for id, ratio in parts)
        return int(most / instrument.lot_size)

    def reach(self, id: str, way: int) -> Decimal:
        """What would be held of an option in one direction (above or below zero), with every answer executed."""
        held = self._known[id].qty(int(self.position(id).lots))
        reached = held if way > 0 else -held
        for order in self._answers.values():
            for leg, ratio in self.parts_of(order.instrument.id):
                if leg == id and order.side * ratio * way > 0:
                    reached += order.instrument.qty(int(order.leaves_lots)) * abs(ratio)
        return reached

    def parts_of(self, id: str) -> tuple[tuple[str, int], ...]:
        """The legs of an instrument and their ratios."""
        legs = self._legs[id]
        return legs.parts if legs is not None else ()

    def stale(self, order: Order, price: Price) -> bool:
        """Whether an answer's price is no longer the one that we would give."""
        wanted = self.ticks(order.instrument, order.side, price)
        allowed = self.requote * self.edge * price.worth / float(order.instrument.tick_size)
        return abs(wanted - order.ticks) > max(allowed, 1.0)

    def ticks(self, instrument: Instrument, side: Side, price: Price) -> int:
        """The price that we give: away from fair by the edge, rounded away from it."""
        tick = float(instrument.tick_size)
        edge = max(self.edge * price.worth, tick)
        return floor((price.fair - edge) / tick) if side is Side.BUY else ceil((price.fair + edge) / tick)

    # --- what it is worth -------------------------------------------------------------------------------------------

    def price_at(self, place: Place) -> Price | None:
        """What one unit of an instrument is worth by the books of its forwards, None where they tell nothing now."""
        legs = self._legs[place[0]]
        if legs is None:
            return None
        books = [self.book(id) for id in legs.forwards]
        mids = [book.mid for book in books if book.health is Health.LIVE and book.mid is not None]
        years = np.array([(ends - self.now) / YEAR_NS for ends in legs.expiries])
        if len(mids) < len(books) or years.min() <= 0:
            return None
        values = black_76(mids, legs.strikes, years, self.volatility, legs.rights, self.rate) * legs.ratios
        return Price(float(values.sum()), float(np.abs(values).sum()))

    def legs_of(self, instrument: Instrument) -> Legs | None:
        """The options that an instrument is, None where it is something else or a forward of it is missing."""
        parts = instrument.legs or ((instrument.id, 1),)
        options = [self._known[id] for id, _ in parts if id in self._known and self._known[id].strike is not None]
        if len(options) < len(parts):
            return None
        forwards = [self.forward_of(option) for option in options]
        if not all(forwards):
            self.say(
                f"{instrument.id}: cannot be priced, since no {self.forward} to price it by is among the instruments"
            )
            return None
        return Legs(
            parts=parts,
            strikes=np.array([float(option.strike or 0) for option in options]),
            rights=np.array([CALL if option.right == "C" else PUT for option in options], dtype=np.float64),
            ratios=np.array([float(ratio) for _, ratio in parts]),
            expiries=tuple(option.expiry_ns or 0 for option in options),
            forwards=tuple(forwards),
        )

    def forward_of(self, option: Instrument) -> str:
        """The instrument whose book gives the forward of an option; empty where there is none."""
        for each in self._known.values():
            mine = (each.product, each.base, each.quote, each.venue)
            ends = option.expiry_ns if self.forward == "future" else None
            if mine == (self.forward, option.base, option.quote, option.venue) and each.expiry_ns == ends:
                return each.id
        return ""

    def say(self, text: str) -> None:
        """Say something to a person, once."""
        if text not in self._said and len(self._said) < ASKED_MAX:
            self._said.add(text)
            self.log.info(text)


def place_of(request: RequestForQuote) -> Place:
    """Where the answer to a request stands: on the other side of what the asker wants."""
    return request.instrument, Side(-request.side)
