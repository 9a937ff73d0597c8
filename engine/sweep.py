"""What follows from asking a venue: every order that is in doubt is asked for by name until it is settled.

A pass asks for everything (executions since the last pass, live orders, holdings); between passes each doubtful
order is asked for alone, later and later but for ever. Answers are applied here; `engine/live.py` does the asking.
Executions are booked before orders are compared, so that a sum is explained before it is missed. An order that we
hold as live and a list does not name is asked for by name, since a list can be behind.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tickwright.engine.core import Core
from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.intake import Intake
from tickwright.engine.market import Market
from tickwright.engine.marks import LINK_LOST, RESTARTED
from tickwright.engine.order import Order
from tickwright.engine.reconcile import Absence, Reconciler, VenueTrade, VenueView
from tickwright.engine.strangers import Strangers
from tickwright.engine.terms import CANCELED, EXPIRED, FILLED, PENDING_SEND, REJECTED, UNKNOWN
from tickwright.engine.times import SECOND
from tickwright.engine.wire import OrderFacts, PositionFacts, Standing, TradeFacts

PAUSES_NS = (SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 15 * SECOND)
"""How long to wait before asking for a doubtful order again."""

OVERLAP_NS = 60 * SECOND
"""Executions are asked for from this long before the last pass: a venue's clock and its lists may be behind."""

AVERAGE_STEP = Decimal("0.000000001")
"""Venues state average prices with some ten decimals; rounding of this size for each unit of a position is none."""

MISMATCH_NS = 2 * SECOND
"""A holding must differ for this long, with nothing in flight, before it counts as a mismatch."""

ENDS = {
    Standing.FILLED: FILLED,
    Standing.CANCELED: CANCELED,
    Standing.REJECTED: REJECTED,
    Standing.EXPIRED: EXPIRED,
}


class Doubt:
    """One order that is to be asked for: when next, how often so far, and the answers that did not know it."""

    __slots__ = ("absence", "due", "tries")

    def __init__(self, due: int) -> None:
        self.due = due
        self.tries = 0
        self.absence = Absence()


class Sweep:
    """Applies one venue's answers to the core's orders."""

    def __init__(self, core: Core, intake: Intake, venue: str, strangers: Strangers, since: int) -> None:
        self.core = core
        self.intake = intake
        self.venue = venue
        self.strangers = strangers
        self.reconciler = Reconciler(core.orders)
        self.doubts: dict[str, Doubt] = {}
        self.since = since
        self.differs: dict[str, tuple[Decimal, int]] = {}
        self.mismatched: dict[str, Decimal] = {}
        self.compared = False

    # --- whom to ask for ----------------------------------------------------------------------------------------------

    def ours(self) -> list[Order]:
        """Every order at this venue that may still execute there."""
        return [
            order
            for order in self.core.orders.open_orders()
            if order.instrument.venue == self.venue and order.state_code != PENDING_SEND
        ]

    def doubtful(self, now: int) -> list[Order]:
        """The orders to be asked for now. Each UNKNOWN one is, with pauses that grow."""
        found = []
        names = set()
        for order in self.ours():
            name = order.client_order_id
            doubt = self.doubts.get(name)
            if order.state_code == UNKNOWN and doubt is None:
                doubt = self.doubts[name] = Doubt(now)
            if doubt is not None:
                names.add(name)
                if doubt.due <= now:
                    found.append(order)
        self.doubts = {name: doubt for name, doubt in self.doubts.items() if name in names}
        return found

    def want(self, order: Order | None, now: int) -> None:
        """Ask for an order at once, or for all of them."""
        for each in self.ours() if order is None else [order]:
            doubt = self.doubts.setdefault(each.client_order_id, Doubt(now))
            doubt.due = min(doubt.due, now)

    def asked(self, order: Order, now: int) -> None:
        """An order is being asked for: not again before its pause."""
        doubt = self.doubts.get(order.client_order_id)
        if doubt is not None:
            doubt.due = now + PAUSES_NS[min(doubt.tries, len(PAUSES_NS) - 1)]
            doubt.tries += 1

    def ask_again(self, order: Order, now: int) -> None:
        """An answer came too soon after the last news of an order to count: the next one will, and is not far."""
        doubt = self.doubts.get(order.client_order_id)
        if doubt is not None:
            doubt.due = min(doubt.due, max(now, order.heard_ts + self.core.orders.timeouts.grace))

    @property
    def settled(self) -> bool:
        """Whether no order is in doubt because the link was lost or the process restarted."""
        return not any(
            order.state_code == UNKNOWN and order.cause_code in (LINK_LOST, RESTARTED) for order in self.ours()
        )

    # --- answers ------------------------------------------------------------------------------------------------------

    def order(self, order: Order, facts: OrderFacts | None, asked: int, now: int) -> None:
        """The answer about one order; None where the venue says that it has none such."""
        name = order.client_order_id
        if self.reconciler.too_fresh(order, asked):
            self.ask_again(order, now)
        if facts is None:
            doubt = self.doubts.setdefault(name, Doubt(now))
            doubt.absence.unknown(now)
            if doubt.absence.proven:
                self.core.tell(order, self.reconciler.recon_not_found(order, asked, now))
            return
        self.named(order, facts.venue_order_id, now)
        view = VenueView(
            cum=facts.cum,
            asked_ts=asked,
            lots=facts.lots,
            average_ticks=facts.average_ticks,
            venue_ts=facts.venue_ts,
        )
        if facts.standing is Standing.LIVE:
            marks = self.reconciler.recon_live(order, view, now)
        else:
            marks = self.reconciler.recon_done(order, ENDS[facts.standing], view, now)
        self.core.tell(order, marks)
        if order.state_code != UNKNOWN and facts.cum <= order.cum:
            self.doubts.pop(name, None)

    def listed(self, live: Iterable[OrderFacts], asked: int, now: int) -> None:
        """The venue's list of live orders, whole."""
        known = set()
        for facts in live:
            order = self.find(facts.client_order_id, facts.venue_order_id)
            if order is not None:
                known.add(order.client_order_id)
                self.order(order, facts, asked, now)
            else:
                self.adopt(facts, now)
        for order in self.ours():
            if order.client_order_id not in known:
                self.want(order, now)

    def adopt(self, facts: OrderFacts, now: int) -> None:
        """A live order that nobody here knows."""
        market = self.intake.markets.get(facts.instrument)
        if market is None:
            return
        order, marks = self.strangers.adopt(
            market,
            facts.client_order_id,
            facts.venue_order_id,
            int(facts.side),
            facts.lots,
            facts.ticks,
            facts.cum,
            now,
        )
        self.core.tell(order, marks)

    def traded(self, trades: Iterable[TradeFacts], since: int, asked: int, now: int) -> None:
        """The venue's executions since a time: what we missed is booked, what nobody ordered is adopted.

        An order that was sent after that time and that none of them is of has no execution that we do not know.
        """
        seen = set()
        for each in trades:
            trade = VenueTrade(
                trade_id=each.trade_id,
                lots=each.lots,
                ticks=each.ticks,
                side=int(each.side),
                liquidity=int(each.liquidity),
                stated_cum=each.stated_cum,
                venue_ts=each.venue_ts,
                fee=each.fee,
                fee_currency=each.fee_currency,
            )
            order = self.find(each.client_order_id, each.venue_order_id)
            if order is None:
                self.foreign(each, trade, now)
                continue
            seen.add(order.client_order_id)
            self.named(order, each.venue_order_id, now)
            self.intake.charge(order, each.trade_id, each.fee, each.fee_currency)
            marks = self.core.orders.fill_stated(
                order,
                trade.trade_id,
                trade.lots,
                trade.ticks,
                trade.side,
                trade.liquidity,
                trade.stated_cum,
                True,
                trade.venue_ts or now,
                now,
            )
            self.core.carry_out()
            self.core.tell(order, marks)
        for name, doubt in self.doubts.items():
            order = self.core.orders.by_client_order_id(name)
            if order is not None and name not in seen and since <= order.sent_ts:
                doubt.absence.no_trades()
        self.since = max(self.since, asked - OVERLAP_NS)

    def foreign(self, facts: TradeFacts, trade: VenueTrade, now: int) -> None:
        """An execution of an order that nobody here knows."""
        market = self.intake.markets.get(facts.instrument)
        if market is not None:
            self.intake.strayed(*self.strangers.stray_fill(market, facts.venue_order_id, int(facts.side), trade, now))

    def settle_strays(self, now: int) -> None:
        """Executions that nobody claimed in time are adopted: each is an alarm, and closes its instrument."""
        for stray in self.strangers.overdue(now):
            self.intake.strayed(*self.strangers.settle(stray, now))

    def named(self, order: Order, venue_order_id: str, now: int) -> None:
        """The venue's name of an order, perhaps new: executions that waited for it are its own and no stranger's."""
        if venue_order_id and venue_order_id != order.venue_order_id:
            self.core.orders.alias(order, venue_order_id)
        if self.strangers.strays:
            self.intake.claim(order, now)

    def find(self, client_order_id: str, venue_order_id: str) -> Order | None:
        orders = self.core.orders
        return (orders.by_client_order_id(client_order_id) if client_order_id else None) or orders.by_venue_order_id(
            self.venue, venue_order_id
        )

    # --- holdings -----------------------------------------------------------------------------------------------------

    def held(
        self,
        holdings: Mapping[str, Decimal] | None,
        now: int,
        positions: Mapping[str, PositionFacts] | None = None,
    ) -> list[str]:
        """Compare what the account holds with what our books say; returns what newly does not agree: assets, and ids of
        derivatives, whose positions are compared to the lot.

        A difference counts once it has been the same for a while with no order in flight. No trade is ever invented
        to explain it.
        """
        self.compared = not any(order.state_code == UNKNOWN or not order.acked for order in self.ours())
        if not self.compared:
            self.differs.clear()
            return []
        gaps = {} if holdings is None else self.gaps(holdings, positions)
        for market in self.core.markets if positions is not None else ():
            if self.derivative(market):
                stated = positions.get(market.instrument.id) if positions is not None else None
                gaps[market.instrument.id] = Decimal((stated.lots if stated else 0) - market.position.lots)
        found = []
        for asset, gap in gaps.items():
            seen, since = self.differs.get(asset, (Decimal(0), now))
            if gap == 0:
                self.differs.pop(asset, None)
                self.mismatched.pop(asset, None)
            elif gap != seen:
                self.differs[asset] = (gap, now)
            elif now - since >= MISMATCH_NS and self.mismatched.get(asset) != gap:
                self.mismatched[asset] = gap
                found.append(asset)
        return found

    @property
    def has_derivatives(self) -> bool:
        """Whether the run trades any here: else nobody need ask for positions."""
        return any(self.derivative(market) for market in self.core.markets)

    def derivative(self, market: Market) -> bool:
        """Whether a market's position is one that this venue's account holds as such."""
        instrument = market.instrument
        return market.venue_name == self.venue and instrument.kind is not Kind.SPOT and not instrument.legs

    def gaps(
        self, holdings: Mapping[str, Decimal], positions: Mapping[str, PositionFacts] | None
    ) -> dict[str, Decimal]:
        """By how much more the venue holds of each asset than our fills explain.

        Where derivatives settle in an asset, both sides count every position at what it cost as spent, so that it does
        not matter against which part of a position a close was reckoned. Average prices are rounded where they are
        stated, so that a difference of that size is none.
        """
        portfolio = self.core.books.portfolio
        found = {}
        for asset in self.assets():
            theirs, slack = holdings.get(asset, Decimal(0)), Decimal(0)
            ours = portfolio.balance(asset, self.venue)
            settling = [each for each in self.core.markets if self.derivative(each)]
            settling = [each for each in settling if each.instrument.settle_currency == asset]
            averages = [positions.get(each.instrument.id) for each in settling] if positions is not None else []
            if settling and all(each is None or each.average is not None for each in averages):
                ours = portfolio.cash_at(asset, self.venue)
                for market, stated in zip(settling, averages, strict=False):
                    if stated is not None and stated.average is not None:
                        size = market.instrument.qty(stated.lots) * market.instrument.multiplier
                        theirs -= size * stated.average
                        slack += abs(size) * AVERAGE_STEP
                slack += AVERAGE_STEP
            gap = theirs - ours
            found[asset] = gap if abs(gap) > slack else Decimal(0)
        return found

    def agrees(self, market: Market) -> bool:
        """Whether nothing in a market is in doubt, by the last answers about orders and holdings."""
        if market.index in self.intake.payments.waiting:
            return False
        assets = touched(market.instrument)
        doubtful = any(order.state_code == UNKNOWN and order.market == market.index for order in self.ours())
        return not doubtful and assets.isdisjoint(self.differs) and assets.isdisjoint(self.mismatched)

    def accept_holding(self, asset: str) -> Decimal:
        """An operator takes the venue's word for an asset: by how much it differs, which is settled from now on.

        Raises:
            TickwrightError: nothing differs there.
        """
        gap = self.mismatched.pop(asset, None)
        if gap is None:
            held = ", ".join(self.mismatched) or "nothing"
            raise TickwrightError(f"adopt-position {self.venue} {asset}: expected a mismatch there, found {held}")
        self.differs.pop(asset, None)
        return gap

    def freed(self, asset: str) -> list[Market]:
        """The markets that an asset, or a position, which agrees now concerns, and nothing else that does not."""
        mine = [market for market in self.core.markets if market.venue_name == self.venue]
        about = [(market, touched(market.instrument)) for market in mine]
        return [market for market, names in about if asset in names and names.isdisjoint(self.mismatched)]

    def assets(self) -> list[str]:
        """Every asset that this venue's instruments move."""
        names: dict[str, None] = {}
        for market in self.core.markets:
            if market.venue_name == self.venue:
                names |= dict.fromkeys((market.instrument.base, market.instrument.quote))
        return [name for name in names if name]


def touched(instrument: Instrument) -> set[str]:
    """What a mismatch can be about that concerns an instrument: its assets, or its own position."""
    return {instrument.base, instrument.quote, instrument.id}
