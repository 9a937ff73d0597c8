"""Who asks for quotes: requests that are open, told to the engine as they come, change and go.

They rest in a market of their own, under the names of the ordinary book's messages; they never match, and nothing of
them is in any book.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from tickwright.adapters.powertrade.messages import Rfq, RfqGone, RfqMessage, RfqShown, RfqsStated
from tickwright.adapters.powertrade.reference import read_legs
from tickwright.engine.errors import UnitError
from tickwright.engine.events import RequestForQuote
from tickwright.engine.times import SECOND

LIFE_NS: Final = 1800 * SECOND
"""A request runs out after this, unless its asker keeps it alive."""

KEPT_MAX: Final = 4096


class Rfqs:
    """The open requests of one connection, by the venue's id; those that are `ours` are nobody else's."""

    def __init__(self, venue: str, ours: Callable[[Rfq], bool] = lambda rfq: False) -> None:
        self.open: OrderedDict[str, Rfq] = OrderedDict()
        self._venue, self._ours = venue, ours

    def apply(self, message: RfqMessage, at: int, offset_ns: int) -> list[RequestForQuote]:
        """What a message changes; `offset_ns` is the venue's clock minus ours."""
        match message:
            case RfqsStated(symbol=symbol, rfqs=rfqs):
                named = {rfq.order_id for rfq in rfqs}
                gone = [old for old in self.open.values() if old.symbol == symbol and old.order_id not in named]
                shown = list(rfqs)
            case RfqShown(rfq=rfq, replaces=replaces):
                gone = [self.open[replaces]] if replaces in self.open and replaces != rfq.order_id else []
                shown = [rfq]
            case RfqGone(order_id=order_id):
                gone, shown = [self.open[order_id]] if order_id in self.open else [], []
        events = []
        for old in gone:
            del self.open[old.order_id]
            events += self._told(old, at, offset_ns, withdrawn=True)
        for rfq in shown:
            if self.open.get(rfq.order_id) == rfq or self._ours(rfq):
                continue
            self.open[rfq.order_id] = rfq
            if len(self.open) > KEPT_MAX:
                self.open.popitem(last=False)
            events += self._told(rfq, at, offset_ns)
        return events

    def closed(self, at: int) -> list[RequestForQuote]:
        """The connection is gone: whether a request still stands is not known, so none does."""
        events = [event for rfq in self.open.values() for event in self._told(rfq, at, 0, withdrawn=True)]
        self.open.clear()
        return events

    def _told(self, rfq: Rfq, at: int, offset_ns: int, *, withdrawn: bool = False) -> list[RequestForQuote]:
        try:
            legs = read_legs(rfq.symbol)
        except UnitError:
            return []  # a package against the venue's own rules; nobody could answer with an order
        return [
            RequestForQuote(
                venue=self._venue,
                request_id=rfq.order_id,
                instrument=f"{rfq.symbol}.{self._venue}",
                legs=tuple((f"{leg}.{self._venue}", ratio) for leg, ratio in legs),
                side=rfq.side,
                qty=rfq.qty,
                price=rfq.price,
                expires=rfq.venue_ts - offset_ns + LIFE_NS if rfq.venue_ts else at + LIFE_NS,
                withdrawn=withdrawn,
                ts=at,
                venue_ts=rfq.venue_ts,
            )
        ]
