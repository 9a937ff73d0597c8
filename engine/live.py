"""The live driver: one nursery owns every task, one mailbox feeds one core, one journal comes before every byte.

A step takes what waits in the mailbox, lets everything happen that is due, hands the records of both to the journal,
commits, and only then lets the step's commands leave. Nothing in a step waits. The other tasks are the wires (each
keeps its own connection), one asker for each account (see `engine/sweep.py`), and the strategies' own background
work; an end that one of them did not mean to come to ends the run in order: nothing new, own orders cancelled and
verified, journal flushed.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import trio
from attrs import define, field, frozen

from tickwright.engine.asker import Asker
from tickwright.engine.core import Core
from tickwright.engine.desk import Desk
from tickwright.engine.doorbell import Doorbell
from tickwright.engine.errors import TickwrightError
from tickwright.engine.intake import Intake, Link
from tickwright.engine.order import Fill, Order
from tickwright.engine.remote import RemoteVenue
from tickwright.engine.retelling import retell
from tickwright.engine.run_clock import RunClock
from tickwright.engine.surroundings import Authority, Health, Records
from tickwright.engine.terms import LIVE, NO_TIME
from tickwright.engine.times import SECOND
from tickwright.engine.traffic import Failure
from tickwright.engine.wire import LoginRefused, Wire
from tickwright.engine.witness import Witness, applied

DONE: Final = 0
FAILED: Final = 1
ORDERS_LEFT: Final = 3
JOURNAL_REFUSED: Final = 5
NOT_RECONCILED: Final = 6
HALTED: Final = 8
"""What a run's end means, as the process says it by its exit code."""

BATCH: Final = 256
"""Events taken in one step at most: so many share a commit when the core is behind."""

BACKGROUND_S: Final = 0.02
STOP_NS: Final = 10 * SECOND
CANCEL_AGAIN_NS: Final = 2 * SECOND
SILENT_NS: Final = 10 * SECOND
LAG_ALARM_NS: Final = 500_000_000
HAND_OVER_NS: Final = 100_000_000
"""So often, at most, rows go to the run folder and to people: handing them over costs more than a commit."""


@define(eq=False)
class Port:
    """One venue of the run: its wire and, where orders are traded there, the core's end of it and who asks."""

    wire: Wire
    link: Link
    remote: RemoteVenue | None = None
    asker: Asker | None = None

    @property
    def venue(self) -> str:
        return self.wire.venue


@frozen
class Ending:
    """How a run ended: its exit code, why, and the orders that may be left at a venue."""

    code: int
    reason: str
    left: tuple[Order, ...] = ()


@define(eq=False)
class Live:
    """One run on a live market.

    `on_stop` is `cancel` or `leave`; `told` hears of the run's own affairs in words (for logs), `failed`
    of what strategies raised; `background_of` runs a strategy's own work; `warmed` says that the core has begun with a
    recording, `untold` is what strategies may not remember. `witness` hears of every marked call, in order: see
    `witness.py`.
    """

    core: Core
    intake: Intake
    ports: list[Port]
    clock: RunClock
    bell: Doorbell
    journal: Records
    health: Health
    authority: Authority
    on_stop: str = "cancel"
    warmed: bool = False
    told: Callable[[str], None] = lambda text: None
    failed: Callable[[Failure], None] = lambda failure: None
    background_of: Callable[[Desk], Awaitable[None]] = lambda desk: desk.strategy.background()
    code: int = DONE
    reason: str = ""
    stopping: bool = False
    ended: bool = False
    lags: deque[int] = field(factory=lambda: deque(maxlen=1024))
    handed_over: int = 0
    failures_told: int = 0
    lost: bool = False
    lag_told: int = 0
    looping: int = 0
    left: tuple[Order, ...] = ()
    nursery: trio.Nursery | None = None
    witness: Witness | None = None
    untold: Mapping[str, Sequence[tuple[Order, Fill]]] = field(factory=dict)
    place: str = "live"
    read_anew: dict[int, int] = field(factory=dict)
    cancelled: dict[str, int] = field(factory=dict)

    # --- the run ------------------------------------------------------------------------------------------------------

    async def run(self) -> Ending:
        """Trade until told to stop."""
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            self.begin()
            for port in self.ports:
                nursery.start_soon(self.guarded, f"link to {port.venue}", self.hold_wire, port)
                nursery.start_soon(self.guarded, f"watch over {port.venue}", self.watch_books, port)
                if port.asker is not None:
                    nursery.start_soon(self.guarded, f"reconciliation with {port.venue}", port.asker.run)
            for desk in self.core.desks:
                if type(desk.strategy).background is not background_of_nobody(desk):
                    nursery.start_soon(self.background, desk)
            if self.stopping:  # told to end before it had begun
                nursery.start_soon(self.wind_down)
            await self.guarded("the loop", self.loop)
            if not self.ended:
                await self.wind_down()
            nursery.cancel_scope.cancel()
        return Ending(self.code, self.reason, self.left)

    @applied
    def begin(self) -> None:
        """The first moment."""
        if self.warmed:
            self.core.resume(self.clock.now())
        else:
            self.core.start(self.clock.now())
        retell(self.core, self.untold)
        self.finish_step()

    @applied
    def save_states(self) -> None:
        """Keep what strategies want remembered, as at the end."""
        core = self.core
        for desk in core.desks:
            if core.store is not None and desk.enabled:
                core.call(desk, "save", core.save, (desk, core.store))
        self.finish_step()

    async def guarded(self, what: str, task: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Run a task that must not end: whatever ends it ends the run in order, and is told."""
        try:
            await task(*arguments)
        except LoginRefused as error:
            self.stop(f"{what}: {error}", NOT_RECONCILED)
        except Exception as error:  # a bug in a task must not take the orders with it
            self.broke(f"{what} failed: {type(error).__name__}: {error}")
        else:
            if not self.ended:
                self.stop(f"{what} ended", FAILED)

    @applied
    def broke(self, text: str) -> None:
        """A task failed that must not."""
        self.core.recorder.note(3, text, self.clock.now())
        self.told(text)
        self.stop(text, FAILED)

    async def hold_wire(self, port: Port) -> None:
        await port.wire.run(self.bell)

    async def watch_books(self, port: Port) -> None:
        """Have a book read anew that has been silent too long, where the venue does not keep quiet by itself."""
        while True:
            await trio.sleep(1)
            if port.link.up and not port.wire.capability.quiet_books:
                self.look_at_books(port.venue)

    @applied
    def look_at_books(self, venue: str) -> None:
        """Have this venue's silent books read anew."""
        now = self.clock.now()
        for market in self.core.markets:
            silent = now - market.book.time
            if market.venue_name != venue or market.book.health_code != LIVE or silent < SILENT_NS:
                continue
            if now - self.read_anew.get(market.index, 0) >= SILENT_NS:
                self.read_anew[market.index] = now
                text = f"{market.instrument.id}: no word for {silent // SECOND} s; its book is read anew"
                self.core.recorder.note(1, text, max(now, self.core.now))
                for port in self.ports:
                    if port.venue == venue:
                        port.wire.resync(market.instrument.id, f"silent for {silent // SECOND} s")

    async def loop(self) -> None:
        """Step whenever something happened or is due."""
        while not self.ended:
            due = self.core.due
            deadline = self.clock.trio_time(due) if due < NO_TIME else float("inf")
            with trio.move_on_at(deadline):
                await self.bell.ring.wait()
            self.step()
            await trio.lowlevel.checkpoint()

    @applied
    def step(self) -> None:
        """Take what waits, let happen what is due, record it, and let the commands leave."""
        mailbox = self.bell.mailbox
        core = self.core
        taken = 0
        self.health.queue_depth = len(mailbox)
        self.looping = self.looping or self.clock.now()  # what came before that waited for the start, not for the loop
        while mailbox and taken < BATCH:
            event = mailbox.take()
            self.watch_lag(self.clock.now() - max(event.ts, self.looping))
            self.intake.apply(event)
            taken += 1
        if not taken:
            self.health.loop_lag_ns = 0
        if not mailbox:
            self.bell.ring = trio.Event()
        self.bell.made_room()
        core.catch_up(self.clock.now() + 1)
        self.finish_step()
        if len(core.failures) > self.failures_told:
            self.tell_failures()

    def tell_failures(self) -> None:
        """Strategies raised: say so at once, and end the run where one of them wants that."""
        for failure in self.core.failures[self.failures_told :]:
            self.failed(failure)
        self.failures_told = len(self.core.failures)
        if self.core.stopping and not self.stopping:
            self.stop("a strategy's error stops the run", FAILED)

    def watch_lag(self, lag: int) -> None:
        """How long an event has waited; much is an alarm."""
        self.lags.append(lag)
        self.health.loop_lag_ns = lag
        now = self.core.now
        if lag > LAG_ALARM_NS and now - self.lag_told > 10 * SECOND:
            self.lag_told = now
            self.core.recorder.note(2, f"the loop is {lag // 1_000_000} ms behind", now)
            self.told(f"the loop is {lag // 1_000_000} ms behind")

    def finish_step(self) -> None:
        """The end of every step: records first, then bytes."""
        core = self.core
        self.journal.commit()
        dead = self.journal.dead
        self.health.journal_ok = self.journal.healthy
        self.health.journal_lag_ns = self.journal.lag_ns
        for port in self.ports:
            if port.remote is not None:
                for order in port.remote.release(not dead):
                    core.tell(order, core.orders.send_error(order, core.now))
        if dead and not self.lost:
            self.journal_lost(dead)
        if core.now - self.handed_over >= HAND_OVER_NS:
            # After the commands: rows for people can wait, orders cannot.
            self.handed_over = core.now
            core.recorder.flush()
            self.health.journal_free_mb = self.journal.free_mb

    def journal_lost(self, why: str) -> None:
        """What is not on record must not happen: nothing new, everything cancelled, and the run ends."""
        self.lost = True
        reason = f"the journal failed: {why}"
        self.kill("global", "", "cancel", reason, "JOURNAL_UNAVAILABLE")
        self.stop(reason, JOURNAL_REFUSED)

    # --- people -------------------------------------------------------------------------------------------------------

    @applied
    def kill(self, level: str, name: str, mode: str, reason: str, by: str) -> None:
        """Latch a kill, in memory first, and cancel what it covers.

        Raises:
            TickwrightError: no such level, name or mode, or no reason.
        """
        now = max(self.clock.now(), self.core.now)
        self.authority.kill(level, name, mode, reason, by, now)
        text = f"kill {level} {name} {mode} by {by}: {reason}".replace("  ", " ")
        self.core.recorder.note(3, text, now)
        self.core.now = now
        self.core.carry_out()
        self.core.refresh_due()
        self.told(text)
        self.bell.ring.set()
        self.finish_step()
        for port in self.ports:
            if port.asker is not None:
                port.asker.next_pass = 0

    @applied
    def rearm(self, level: str, name: str, reason: str, by: str) -> None:
        """Take a latch away."""
        now = max(self.clock.now(), self.core.now)
        self.authority.rearm(level, name, reason, by, now)
        self.core.recorder.note(1, f"rearm {level} {name} by {by}: {reason}".replace("  ", " "), now)
        self.told(f"rearm {level} {name}: {reason}".replace(" :", ":"))
        self.finish_step()

    @applied
    def adopt(self, venue: str, asset: str, reason: str, by: str) -> None:
        """Take the venue's word for an asset, or a derivative by its id, that did not agree; no profit.

        Raises:
            TickwrightError: no such venue, or nothing differs there.
        """
        asker = next((port.asker for port in self.ports if port.venue == venue.upper() and port.asker), None)
        if asker is None:
            raise TickwrightError(f"adopt-position: expected a venue with an account in this run, received {venue!r}")
        now = max(self.clock.now(), self.core.now)
        self.core.now = now
        gap = asker.sweep.accept_holding(asset)
        self.intake.payments.adopt(asset, gap, f"adopted by {by}: {reason}", asker.wire.venue)
        text = f"{asker.wire.venue}: {gap} {asset} adopted by {by}: {reason}"
        self.core.recorder.note(1, text, now)
        for market in asker.sweep.freed(asset):
            self.authority.active(market.instrument.id, text, now)
        self.told(text)
        self.finish_step()

    @applied
    def stop(self, reason: str, code: int = DONE) -> None:
        """End the run in order; the first reason counts, the worst code too."""
        self.code = self.code or code
        if self.stopping:
            return
        self.stopping = True
        self.reason = reason
        self.told(f"stopping: {reason}")
        self.core.recorder.note(1, f"stop: {reason}", max(self.clock.now(), self.core.now))
        if self.nursery is not None:
            self.nursery.start_soon(self.wind_down)

    async def wind_down(self) -> None:
        """No new orders; ours cancelled, verified by asking, within ten seconds; then the last records.

        Where orders left and the venue cannot be heard, some may be live that we think are over: that is no clean end.
        """
        self.trade_no_more()
        if self.on_stop == "cancel":
            clean = await self.cancel_everything(self.clock.now() + STOP_NS)
        else:
            clean = await self.verified({order.client_order_id for order in self.ours()})
        left = self.ours()
        if not clean and (left or any(port.remote is not None and port.remote.left for port in self.ports)):
            self.code = self.code or ORDERS_LEFT
        self.left = tuple(left)
        self.finish()

    def ours(self) -> list[Order]:
        """Our orders that may still execute."""
        return [order for order in self.core.orders.open_orders() if not order.external]

    @applied
    def trade_no_more(self) -> None:
        """From now on nothing new is sent."""
        self.stopping = True
        self.core.running = False
        self.core.asking.withdraw_all("the run ends")
        self.finish_step()

    @applied
    def finish(self) -> None:
        """The last moment."""
        core = self.core
        core.stop(max(self.clock.now(), core.now))
        self.finish_step()
        self.ended = True
        self.bell.ring.set()

    @applied
    def cancel_ours(self) -> bool:
        """Cancel what of ours is open and was not cancelled a moment ago; whether anything was open."""
        core = self.core
        now = max(self.clock.now(), core.now)
        ours = self.ours()
        for order in ours:
            if now - self.cancelled.get(order.client_order_id, 0) >= CANCEL_AGAIN_NS:
                self.cancelled[order.client_order_id] = now
                core.now = now
                core.cancel(order)
        core.refresh_due()
        self.finish_step()
        self.bell.ring.set()
        return bool(ours)

    async def cancel_everything(self, deadline: int) -> bool:
        """Cancel until nothing of ours is open and every venue's list says so; whether that came to be in time."""
        while self.clock.now() < deadline:
            if not self.cancel_ours() and await self.verified(set()):
                traded = any(port.asker is not None for port in self.ports)
                self.told(f"all orders cancelled{', verified with the venue' if traded else ''}")
                return True
            await trio.sleep(0.05)
        return False

    async def verified(self, leaving: set[str]) -> bool:
        """Whether every venue's own list has none of our orders but those that are left on purpose."""
        for port in self.ports:
            if port.asker is not None and not await port.asker.none_left(leaving.__contains__):
                return False
        return True

    # --- what askers need -----------------------------------------------------------------------------------------

    def applied(self) -> None:
        """Answers were applied outside of a step: finish it like one."""
        self.core.refresh_due()
        self.finish_step()
        self.bell.ring.set()

    def tell(self, text: str) -> None:
        self.told(text)

    def reduce_only(self, instrument: str, reason: str) -> None:
        self.authority.reduce_only(instrument, reason, self.core.now)

    def closed(self) -> Mapping[str, tuple[int, str]]:
        return self.authority.closed()

    def reopen(self, instrument: str, reason: str) -> None:
        self.authority.active(instrument, reason, self.core.now)
        self.told(f"{instrument}: open again: {reason}")

    def wanted(self, venue: str, order: Order | None) -> None:
        """Only asking can settle something: about one order, or (None) all of a venue's."""
        for port in self.ports:
            if port.venue == venue and port.asker is not None:
                if order is None:
                    port.asker.next_pass = 0
                else:
                    port.asker.sweep.want(order, self.clock.now())

    def turned(self, venue: str, up: bool) -> None:
        """A link came up: cancels first that could not leave before, then reconciliation."""
        self.told(f"{venue}: link {'up' if up else 'down'}")
        for port in self.ports:
            if port.venue != venue:
                continue
            if port.asker is None:
                port.link.reconciled = up
            elif up:
                port.asker.next_pass = 0
                for order in port.asker.sweep.ours():
                    if order.cancel_wanted:
                        self.core.cancel(order)
                    elif order.cancel_outstanding and port.remote is not None:
                        port.remote.cancel(order, order.cancel_id, self.core.now)

    # --- strategies' own work -----------------------------------------------------------------------------------------

    async def background(self, desk: Desk) -> None:
        """A strategy's slow work, in a nursery of its own; what it asks for is taken a moment later."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.collect, desk)
            try:
                await self.background_of(desk)
            except (trio.Cancelled, KeyboardInterrupt):
                raise
            except BaseException as error:  # whatever a strategy raises is its own: see `on_error`
                if isinstance(error, BaseExceptionGroup) and error.split(trio.Cancelled)[1] is None:
                    raise
                self.core.now = max(self.clock.now(), self.core.now)
                self.core.fail(desk, "background", error)
                self.finish_step()
            nursery.cancel_scope.cancel()

    async def collect(self, desk: Desk) -> None:
        """Take what a background task asked for through the gate."""
        while True:
            await trio.sleep(BACKGROUND_S)
            if desk.door.intents:
                self.core.now = max(self.clock.now(), self.core.now)
                desk.door.now = self.core.now
                self.core.flush(desk)
                self.core.drain()
                self.finish_step()
                self.bell.ring.set()


def background_of_nobody(desk: Desk) -> object:
    """The `background` of the strategies' base, which does nothing and is not run."""
    for form in type(desk.strategy).__mro__:
        if "background" in vars(form) and form.__module__.endswith("strategies.base"):
            return vars(form)["background"]
    return None
