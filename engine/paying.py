"""What a venue pays or takes beside trades, and positions that outlive their instrument.

A settlement closes every line of an instrument that has ended; funding moves money and no position. Both are told
again after each login by venues that tell them at all, so each counts once, by its name, also across restarts. A
position in an instrument that has ended stays as it is without the venue's word: nothing can be traded there, and a
person may adopt what the venue holds.
"""

from decimal import Decimal

from tickwright.engine.core import Core
from tickwright.engine.events import Funded, Settled
from tickwright.engine.market import Market
from tickwright.engine.money import plain


class Payments:
    """Takes settlements and funding into a core, and knows which positions wait for a settlement."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.markets: dict[str, Market] = {market.instrument.id: market for market in core.markets}
        self.waiting: set[int] = set()

    def take(self, event: Settled | Funded, ts: int) -> None:
        """One payment; what was told before, or is in no instrument of the run, changes nothing."""
        market = self.markets.get(event.instrument)
        if market is None:
            return
        core = self.core
        core.now = max(core.now, ts)
        if isinstance(event, Settled):
            self.settle(market, event)
        else:
            self.fund(market, event)
        core.books.mark(core.now)
        core.gate.mark(core.now)
        core.carry_out()

    def settle(self, market: Market, event: Settled) -> None:
        held = plain(market.instrument.qty(int(market.position.lots)))
        if self.core.books.portfolio.settle(market.index, event.price, event.settlement_id):
            self.waiting.discard(market.index)
            text = f"{market.instrument.id}: settled at {plain(event.price)}: {held} closed ({event.settlement_id})"
            self.core.recorder.note(0, text, self.core.now)

    def fund(self, market: Market, event: Funded) -> None:
        portfolio, instrument = self.core.books.portfolio, market.instrument
        paid = f"{plain(event.amount)} {event.currency} for {plain(instrument.qty(int(market.position.lots)))}"
        if event.currency in ("", instrument.settle_currency):
            if portfolio.fund(market.index, event.amount, event.funding_id):
                self.core.recorder.note(0, f"{instrument.id}: funding {paid} ({event.funding_id})", self.core.now)
        elif portfolio.fund(market.index, Decimal(0), event.funding_id):
            portfolio.transfer(event.currency, event.amount, "funding", instrument.venue)
            self.core.recorder.note(0, f"{instrument.id}: funding {paid} ({event.funding_id})", self.core.now)

    def adopt(self, asset: str, gap: Decimal, reason: str, venue: str) -> None:
        """Move what we hold of an asset, or of a derivative (in lots), by what the venue holds more; no profit."""
        portfolio = self.core.books.portfolio
        market = self.markets.get(asset)
        if market is None:
            portfolio.transfer(asset, gap, reason, venue)
            return
        portfolio.adopt(market.index, int(gap), market.double_reference() // 2)
        self.waiting.discard(market.index)

    def unsettled(self, venue: str, now: int) -> list[tuple[str, str]]:
        """Positions at a venue that newly wait for their settlement, and what there is to say of each."""
        found = []
        for market in self.core.markets:
            expiry = market.instrument.expiry_ns
            if expiry is None or expiry > now or market.venue_name != venue or market.index in self.waiting:
                continue
            if market.position.lots:
                self.waiting.add(market.index)
                held = plain(market.instrument.qty(int(market.position.lots)))
                text = (
                    f"{market.instrument.id} has ended with a position of {held}: it waits for the venue's settlement"
                )
                self.core.recorder.note(1, text, now)
                found.append((market.instrument.id, text))
        return found
