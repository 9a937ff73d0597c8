"""A run goes on where the last of its state folder ended: holdings, orders, positions, paper orders."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

from attrs import frozen

from tickwright.adapters.sim.venue import SimVenue
from tickwright.build import Parts
from tickwright.config import Config
from tickwright.engine.chain import CHECKPOINT, JournalError, Record
from tickwright.engine.intake import Intake
from tickwright.engine.journal import Journal
from tickwright.engine.live import Live
from tickwright.engine.market import Market
from tickwright.engine.order import Order
from tickwright.engine.recall import Recalled, recall
from tickwright.engine.reconcile import Reconciler, VenueView
from tickwright.engine.run_clock import RunClock
from tickwright.engine.scribe import KeptPortfolio, Scribe
from tickwright.engine.sweep import OVERLAP_NS
from tickwright.engine.times import SECOND
from tickwright.engine.wire import Wire

ASKED_LATER_NS: Final = 3600 * SECOND
"""The simulated venue is asked when everything it may have said is long heard."""


Held = dict[str, Decimal]


@frozen
class Opening:
    """What the account held at first, in all and (live) at each venue, and when that was; `seq` is the number of the
    journal's record that says so, and what comes before it is no past of this account."""

    balances: Held
    at: int
    venues: dict[str, Held]
    seq: int


async def opening(config: Config, wires: Sequence[Wire], journal: Journal) -> Opening:
    """What the account held at first: live as the venues said, paper as the config.

    At venues that are served for the run every live run is the first: they know of no earlier one.

    Raises:
        JournalError: the journal is of runs in another mode, at venues that last.
    """
    served = any(config.venues[wire.venue.lower()].local is not None for wire in wires)
    stated = [] if served and config.mode == "live" else list(journal.records(kinds=("baseline", CHECKPOINT)))
    if stated:
        last = stated[-1]
        said, ts, seq = last.plain(), last.ts, last.seq
        if last.kind == CHECKPOINT:  # in an earlier file: the checkpoint has it, and what followed
            said, seq = journal.known.baseline, seq - 1
            ts = said["ts"]
        if _goes_on(config, served, said.get("mode", config.mode)):
            venues = {name: held(each) for name, each in said.get("venues", {}).items()}
            return Opening(held(said["balances"]), ts, venues, seq)
    now = journal.clock.now()
    venues = {}
    total: Held = dict(config.account.balances or {}) if config.mode == "paper" else {}
    if config.mode == "live":
        for wire in wires:
            venues[wire.venue] = dict(await wire.holdings() or {})
            for name, amount in venues[wire.venue].items():
                total[name] = total.get(name, Decimal(0)) + amount
    body = {
        "balances": written(total),
        "venues": {name: written(each) for name, each in venues.items()},
        "mode": config.mode,
    }
    journal.append("baseline", body, now)
    journal.commit()
    return Opening(total, now, venues, journal.seq)


def _goes_on(config: Config, served: bool, mode: str) -> bool:
    """Whether what was begun in a mode goes on in this one: simulated orders and positions are no real ones."""
    if mode != config.mode and not served:
        raise JournalError(
            f"{config.state_folder}: expected records of runs in {config.mode}, received some of runs in {mode}, whose "
            f"orders and positions must not count here; move that folder away, or give this run one of its own, as by "
            f"--set state=state/{config.name}-{config.mode}"
        )
    return mode == config.mode


def held(said: Mapping[str, str]) -> Held:
    """Amounts out of a record."""
    return {name: Decimal(amount) for name, amount in said.items()}


def written(amounts: Held) -> dict[str, str]:
    """Amounts as a record has them."""
    return {name: str(amount) for name, amount in amounts.items()}


def remember(parts: Parts, records: Iterable[Record], scribe: Scribe, clock: RunClock) -> Recalled:
    """Read the journal's records back into the new parts; from then on they write it."""
    past = recall(
        records,
        orders=parts.core.orders,
        portfolio=parts.portfolio,
        markets=parts.core.markets,
        seats=parts.floor.seats,
        now=clock.now(),
    )
    assert isinstance(parts.portfolio, KeptPortfolio)
    parts.portfolio.keep(scribe)
    return past


def since_of(past: Recalled, baseline: int) -> int:
    """From when on the venue is asked for executions: what may have come while nobody listened, never what was there
    before the journal began."""
    if not past.records:
        return baseline
    quiet = min([past.last_ts - OVERLAP_NS, *(order.sent_ts for order in past.open_orders)])
    return max(baseline, past.since, quiet)


def take_over(config: Config, parts: Parts, live: Live, past: Recalled, told: Callable[[str], None]) -> None:
    """Go on where the last run of this journal ended."""
    intake = live.intake
    for stranger in intake.strangers.values():
        stranger.adopted = past.adopted
    live.untold = past.untold
    for kind, count in past.unknown.items():
        told(f"the journal has {count} records of a kind that this program does not know and leaves out: {kind}")
    if past.runs:
        told(f"earlier runs in the journal: {past.runs}; orders open at the end of the last: {len(past.open_orders)}")
    if config.mode != "paper":
        return
    for market in parts.core.markets:
        size = config.account.positions.get(market.instrument.id)
        if size and not past.runs:
            intake.once_live(market, partial(intake.open_with, lots=market.instrument.lots(size)))
        resting = [order for order in past.open_orders if order.market == market.index]
        if resting or market.position.lots or size:
            intake.once_live(market, partial(resume, intake, resting, past.last_ts))


def resume(intake: Intake, orders: list[Order], stopped: int, market: Market) -> None:
    """Put paper orders that outlived their run back into the simulated venue, behind everything that is there.

    Nothing is assumed to have happened meanwhile: what was executed before is executed, no more.
    """
    core = intake.core
    venue = intake.simulated[market.index]
    assert isinstance(venue, SimVenue)
    venue.hold(market.index, market.position.lots)
    reconciler = Reconciler(core.orders)
    now = core.now
    for order in orders:
        if not order.is_open:
            continue
        why = venue.enter_again(order, now)
        if why:
            core.canceled(order.client_order_id, order.cum, why, now)
            core.recorder.note(1, f"{order.client_order_id}: could not be resumed: {why}", now)
            continue
        gap = (now - stopped) // SECOND
        text = f"{order.client_order_id}: resumed at the back of the queue after {gap} s, as if nothing had traded"
        core.recorder.note(1, text, now)
        view = VenueView(cum=order.cum, asked_ts=order.heard_ts + ASKED_LATER_NS, lots=order.lots)
        core.tell(order, reconciler.recon_live(order, view, now))
