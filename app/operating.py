"""A trading run as others may see and operate it: snapshots, stop, kill, rearm."""

import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import define, field

from tickwright.engine.desk import Desk
from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument
from tickwright.engine.live import Live
from tickwright.engine.market import Market
from tickwright.engine.money import plain
from tickwright.engine.order import Order
from tickwright.engine.times import as_text
from tickwright.kill_file import KillOrder
from tickwright.snapshot import (
    ORDERS_MAX,
    BookShown,
    DenialShown,
    LagShown,
    LatchShown,
    Money,
    OrderShown,
    Snapshot,
    StrategyShown,
    VenueShown,
)
from tickwright.tally import Tally

MS = 1_000_000


@define(eq=False)
class Operated:
    """One run under operation; see `control.Controlled`."""

    live: Live
    tally: Tally
    floor: Any
    journal: Any
    folder: Path
    name: str
    mode: str
    begun: float = field(factory=time.monotonic)

    # --- what may be done ---------------------------------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        self.live.stop(reason)

    def kill(self, level: str, name: str, mode: str, reason: str, by: str) -> None:
        """Latch a kill.

        Raises:
            TickwrightError: nothing of this run has that name, so that the kill would cover nothing; or see `Live`.
        """
        name = spelled(level, name)
        known = self.known(level)
        if known is not None and name not in known:
            raise TickwrightError(f"kill {level} {name!r}: expected one of {', '.join(known)}; nothing was killed")
        self.live.kill(level, name, mode, reason, by)

    def kill_at_least(self, order: KillOrder) -> None:
        """What the KILL file asks for; everything, where it asks for something that this run does not have."""
        name = spelled(order.level, order.name)
        known = self.known(order.level)
        if known is not None and name not in known:
            reason = f"{order.reason} (asked for {order.level} {name}, which this run does not have)"
            self.live.kill("global", "", order.mode, reason, order.by)
        else:
            self.live.kill(order.level, name, order.mode, order.reason, order.by)

    def known(self, level: str) -> list[str] | None:
        """The names of a level in this run; None where a level has no names."""
        return {
            "strategy": [desk.name for desk in self.live.core.desks],
            "instrument": [market.instrument.id for market in self.live.core.markets],
            "venue": [port.venue for port in self.live.ports],
        }.get(level)

    def rearm(self, level: str, name: str, reason: str, by: str) -> None:
        self.live.rearm(level, spelled(level, name), reason, by)

    def adopt(self, venue: str, asset: str, reason: str, by: str) -> None:
        self.live.adopt(venue, asset, reason, by)

    # --- what may be seen ---------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        core = self.live.core
        now = self.live.clock.now()
        orders = core.orders.open_orders()
        return Snapshot(
            run_id=self.folder.name,
            run_folder=str(self.folder.resolve()),
            name=self.name,
            mode=self.mode,
            status=self.status,
            now=as_text(now),
            uptime_s=round(time.monotonic() - self.begun, 3),
            pid=os.getpid(),
            venues=[self.venue(port.venue, port.link) for port in self.live.ports],
            books=[self.book(market, now) for market in core.markets],
            strategies=[self.strategy(desk) for desk in core.desks],
            orders=[shown(order) for order in orders[:ORDERS_MAX]],
            open_orders=len(orders),
            money=self.money(),
            denials=[self.denial(each) for each in self.tally.denials],
            latches=[self.latch(each) for each in self.floor.kill.latches.values()],
            loop_lag_ms=lag_of(list(self.live.lags)),
            journal={
                "healthy": self.journal.healthy,
                "reason": self.journal.reason,
                "lag_ms": self.journal.lag_ns / MS,
                "records": self.journal.seq,
            },
            counters={
                "events": self.live.intake.counts.events,
                "wakes": core.wakes,
                "orders": self.tally.orders,
                "fills": self.tally.fills,
                "denied": self.tally.denied,
                "rejected": self.tally.rejected,
                "merged": self.live.bell.mailbox.merged,
                "bad_messages": self.live.intake.counts.bad_messages,
                "book_changes": self.live.intake.counts.book_changes,
                "trades": self.live.intake.counts.trades,
            },
        )

    @property
    def status(self) -> str:
        live = self.live
        if live.ended:
            return "stopped"
        if live.stopping:
            return "stopping"
        if live.nursery is None:
            return "starting"
        return "trading" if all(port.link.reconciled for port in live.ports) else "reconciling"

    def venue(self, name: str, link: Any) -> VenueShown:
        counts = self.live.intake.counts
        return VenueShown(
            name=name,
            link="up" if link.up else "down",
            reason=self.live.intake.reasons.get(name, ""),
            reconciled=bool(link.reconciled),
            frames=counts.by_venue.get(name, 0),
            bad_messages=counts.bad_by_venue.get(name, 0),
            clock_offset_ms=link.clock_offset_ns / MS,
        )

    def book(self, market: Market, now: int) -> BookShown:
        book = market.book
        instrument = market.instrument
        return BookShown(
            instrument=instrument.id,
            health=book.health.name,
            reason=book.reason,
            bid=price(instrument, book.bid_ticks()) if book.bids.n else None,
            ask=price(instrument, book.ask_ticks()) if book.asks.n else None,
            age_ms=round((now - book.time) / MS, 1) if book.time else None,
        )

    def strategy(self, desk: Desk) -> StrategyShown:
        portfolio = self.live.core.books.portfolio
        return StrategyShown(
            name=desk.name,
            enabled=desk.enabled,
            reason=self.floor.desks[desk.index].reason if desk.index in self.floor.desks else "",
            positions={
                seat.market.instrument.id: plain(seat.market.instrument.qty(seat.position.lots)) for seat in desk.seats
            },
            pnl=plain(portfolio.ledgers[desk.index].total),
            open_orders=sum(seat.working.open_orders for seat in desk.seats),
        )

    def money(self) -> Money:
        portfolio = self.live.core.books.portfolio
        account = portfolio.account
        realised = fees = Decimal(0)
        for line, instrument in zip(account.lines, portfolio.instruments, strict=True):
            realised += portfolio.value(instrument.settle_currency, line.realized)
            fees += portfolio.value(instrument.settle_currency, line.fees)
        total = account.total
        return Money(
            currency=portfolio.currency,
            pnl=plain(total),
            realised=plain(realised),
            unrealised=plain(total + fees - realised),
            fees=plain(fees),
            equity=plain(portfolio.equity),
        )

    def denial(self, denied: Any) -> DenialShown:
        desks = self.live.core.desks
        owner = desks[denied.strategy].name if 0 <= denied.strategy < len(desks) else ""
        return DenialShown(ts=as_text(denied.ts), code=denied.code, text=denied.text, strategy=owner)

    @staticmethod
    def latch(latch: Any) -> LatchShown:
        return LatchShown(
            level=latch.level,
            name=latch.name,
            mode=latch.mode.name.lower(),
            reason=latch.reason,
            by=latch.by,
            ts=as_text(latch.ts),
        )


def spelled(level: str, name: str) -> str:
    """A name as the run spells it: venues in capitals, as in instrument ids."""
    return name.upper() if level == "venue" else name


def price(instrument: Instrument, ticks: int) -> str:
    return plain(instrument.price(ticks))


def shown(order: Order) -> OrderShown:
    instrument = order.instrument
    return OrderShown(
        client_order_id=order.client_order_id,
        strategy=order.strategy,
        instrument=instrument.id,
        side=order.side.name,
        qty=plain(instrument.qty(order.lots)),
        price=price(instrument, order.ticks) if order.has_price else None,
        state=order.state.name,
        filled_qty=plain(instrument.qty(order.cum)),
    )


def lag_of(lags: list[int]) -> LagShown:
    """How long the last events waited, in milliseconds."""
    if not lags:
        return LagShown(p50=0.0, p99=0.0, max=0.0)
    lags.sort()
    last = len(lags) - 1
    return LagShown(
        p50=round(lags[last // 2] / MS, 3), p99=round(lags[last * 99 // 100] / MS, 3), max=round(lags[last] / MS, 3)
    )
