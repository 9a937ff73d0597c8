"""The floor: all of a run's rules, sums and counters, and what happens to them besides an order's judgement.

The gate asks it for the slow verdict; the core tells it of marks, fills and faults; operators latch, pause, enable
and override here. It reads the account's money through a port (`risk/money.py`) and never the clock.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from tickwright.engine.capability import Capability
from tickwright.engine.market import Market, Seat
from tickwright.engine.order import Denial, Fill, Order
from tickwright.engine.records import Recorder
from tickwright.risk import packages, verdict
from tickwright.risk.evidence import columns, first_slot
from tickwright.risk.kill import ACTIVE, PAUSED, REDUCING, KillMode, KillSwitch
from tickwright.risk.limits import KINDS, LimitBook, Limits, dumps
from tickwright.risk.losses import Losses
from tickwright.risk.money import Money
from tickwright.risk.overrides import Overrides
from tickwright.risk.rules import (
    bound,
    grain_purses,
    join_members,
    make_buckets,
    make_lines,
    make_reading,
    make_rules,
    make_tallies,
    need_of,
    note_form,
)
from tickwright.risk.samples import Samples
from tickwright.risk.state import Bucket, Desk, Line, Member, Reading, Rules, Tally, VenueState

if TYPE_CHECKING:
    from tickwright.risk.gate import RiskGate

ID_FORM: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
DAY_NS: Final = 86_400_000_000_000
MOST_LOTS: Final = (1 << 62) - 1
STATES: Final = {"active": ACTIVE, "reduce_only": REDUCING, "paused": PAUSED}
MOST_CASH: Final = (1 << 124) - 1
"""A balance beyond what the evidence can hold counts as this: more than enough, and never too much."""

WARNING: Final = 1
CRITICAL: Final = 2
HALT: Final = 3


class Floor:
    """Everything that the gate of one run stands on.

    Args:
        book: the limits.
        markets: every market, by index.
        seats: every strategy's place in every market it trades; each gets its rules in `seat.limits`.
        money: the account's money.
        recorder: where notes go.
        capabilities: what each venue's adapter can carry, by the venue part of the instrument ids in capitals.
        kill: the kill switch, with what it kept over a restart.

    Raises:
        RiskConfigError: see `LimitBook`; and where live lacks a required limit.
    """

    def __init__(
        self,
        book: LimitBook,
        markets: Iterable[Market],
        seats: Iterable[Seat],
        money: Money,
        recorder: Recorder,
        *,
        capabilities: Mapping[str, Capability] | None = None,
        kill: KillSwitch | None = None,
    ) -> None:
        self.book = book
        self.money = money
        self.recorder = recorder
        self.kill = kill or KillSwitch()
        self.overrides = Overrides()
        self.markets = list(markets)
        self.seats = list(seats)
        self.capabilities = dict(capabilities or {})
        self.venues = {item.venue_name: VenueState(item.venue_name) for item in self.markets}
        self.lines = make_lines(book, self.markets, self.venues)
        self.desks = {seat.strategy_index: Desk(seat.strategy) for seat in self.seats}
        self.desks[-1] = Desk("")
        self.limits: dict[tuple[int, int], Limits] = {}
        self.rules: dict[tuple[int, int], Rules] = {}
        self.states: dict[tuple[str, str], int] = {}
        self.closed: dict[str, tuple[int, str]] = {}
        self.traded: list[Tally] = []
        self.losses: list[Losses] = []
        self.samples: list[Samples] = []
        self.cancelling = False
        self.day = -1
        self.used_ids: set[str] = set()
        self.alerted: set[str] = set()
        self._resolve()
        self._build()

    # --- building ---------------------------------------------------------------------------------------------------

    def _resolve(self) -> None:
        """Limits for the account in every market, and for every seat."""
        if self.book.mode == "live":
            self.book.require_complete([desk.name for desk in self.desks.values() if desk.name] or [""])
        for line in self.lines:
            self.limits[-1, line.index] = self.book.resolve(line.market.instrument, "")
        for seat in self.seats:
            key = (seat.strategy_index, seat.market.index)
            self.limits[key] = self.book.resolve(seat.market.instrument, seat.strategy)
        used = {slot.kind for limits in self.limits.values() for slot in limits.slots}
        self.kinds = tuple(kind for kind in KINDS if kind in used)
        self.columns = columns(self.kinds)

    def _build(self) -> None:
        needs = self._needs()
        grain_purses(self.lines, {index: list(found.values()) for index, found in needs.items()})
        buckets: dict[tuple[str, ...], Bucket] = {}
        readings: dict[tuple[int, ...], Reading] = {}
        self.tallies: dict[tuple[str, str], Tally] = {}
        for (strategy, index), limits in self.limits.items():
            line = self.lines[index]
            desk = self.desks[strategy]
            capability = self.capabilities.get(line.venue.name, Capability())
            line.venue.quiet_books = capability.quiet_books
            rules = make_rules(limits, line, desk, capability)
            note_form(limits, line, rules)
            rules.need = int(needs[index][strategy] * line.purse.grain)
            limits.units["purse_grain"] = str(line.purse.grain)
            if strategy < 0:
                line.need = rules.need
            rules.buckets, rules.message_buckets = make_buckets(limits, buckets, desk.name, line.venue.name)
            rules.owner = strategy
            rules.tallies = make_tallies(limits, self.tallies, self.kinds, first_slot())
            self._windows(rules, limits, readings)
            self.rules[strategy, index] = rules
        self.accounts = [self.rules[-1, line.index] for line in self.lines]
        for seat in self.seats:
            rules = self.rules[seat.strategy_index, seat.market.index]
            rules.position = seat.position
            rules.working = seat.working
            seat.limits = rules
        self._join()
        self.rated = list(self._rated())
        self.alerts = [
            (self.desks[owner], self.lines[index].venue, held.get("otr_alert"), held.get("clock_warn_ms"), held.stated)
            for (owner, index), held in self.limits.items()
        ]
        self.balance_steps = [self._steps(line) for line in self.lines]
        for line, (cash_num, cash_den, lots_num, lots_den) in zip(self.lines, self.balance_steps, strict=True):
            line.cash = self.money.meter(line.purse.currency, cash_num, cash_den)
            if line.spot:
                line.held = self.money.meter(line.market.instrument.base, lots_num, lots_den)
        self.losses = Losses.of(self.book, self.limits, self.desks)
        self.traded = [tally for tally in self.tallies.values() if tally.traded_max < 1 << 126]

    def _steps(self, line: Line) -> tuple[int, int, int, int]:
        """What turns a balance into the purse's grains, and one of the base currency into lots."""
        scale = 10**self.money.digits
        item = line.market.instrument
        cash = Fraction(int(line.purse.grain), scale)
        lots = Fraction(item.lot_den, scale * item.lot_num)
        return cash.numerator, cash.denominator, lots.numerator, lots.denominator

    def _rated(self) -> Iterator[tuple[Line, int, Line]]:
        """Lines whose worth in account currency follows another line's price: line, weight per tick, that line."""
        for line in self.lines:
            weight, rated = self.book.weight(line.market.instrument)
            if rated:
                yield line, weight, next(item for item in self.lines if item.market.instrument.id == rated)

    def _needs(self) -> dict[int, dict[int, Fraction]]:
        needs: dict[int, dict[int, Fraction]] = {line.index: {} for line in self.lines}
        for (strategy, index), limits in self.limits.items():
            item = self.markets[index].instrument
            needs[index][strategy] = need_of(item, limits, self.book.cell_value(item))
        return needs

    def _windows(self, rules: Rules, limits: Limits, store: dict[tuple[int, ...], Reading]) -> None:
        index = rules.line.index
        seconds = limits.get("collar_window_s")
        rules.window = make_reading(store, index, seconds)
        rules.calm = Reading()
        if not any(item.reading is rules.window for item in self.samples):
            self.samples.append(Samples(rules.line, rules.window, seconds))
        if "vol_pause_bps" in limits.values:
            key = (index, limits.get("vol_window_s"), limits.get("vol_pause_bps"), limits.get("vol_cooldown_s"))
            fresh = key not in store
            rules.calm = make_reading(store, *key)
            if fresh:
                self.samples.append(Samples(rules.line, rules.calm, *key[1:]))

    def _join(self) -> None:
        """Say over which lines each sum runs, and how large its figures may be."""
        plain = [line for line in self.lines if not line.market.legs]
        account = [Member(line, line.position, line.working) for line in plain]
        own = [
            (seat.strategy, Member(self.lines[seat.market.index], seat.position, seat.working))
            for seat in self.seats
            if not seat.market.legs
        ]
        seated = own + [
            (seat.strategy, Member(self.lines[seat.market.index], seat.position, seat.working))
            for seat in self.seats
            if seat.market.legs
        ]
        for (kind, label), tally in self.tallies.items():
            name = label.partition(" ")[2]
            if kind == "strategy":
                join_members(tally, (member for owner, member in own if owner == name))
            else:
                join_members(tally, (member for member in account if self._within(kind, name, member.line)))
        for rules in self.rules.values():
            venue = rules.line.venue
            rules.crew = [item for owner, item in seated if owner == rules.desk.name and item.line.venue is venue]
            most = max(rules.line.weight, rules.need, rules.line.need, 1)
            bound(rules.line, most, len(self.lines))

    @staticmethod
    def _within(kind: str, name: str, line: Line) -> bool:
        item = line.market.instrument
        return kind == "global" or (kind == "venue" and item.venue.upper() == name.upper()) or item.id == name

    # --- judging the slow way -----------------------------------------------------------------------------------------

    def verdict(
        self,
        gate: "RiskGate",
        rules: Rules | None,
        order: Order,
        lots: int,
        added: int,
        ticks: int,
        now: int,
        action: int,
    ) -> Denial | None:
        """Measure every control; None where all hold."""
        return verdict.judge(self, gate, rules, order, lots, added, ticks, now, action)

    def describe(self) -> str:
        """All limits as one line of JSON, to be kept once with the records (`limits.loads` reads it)."""
        return dumps(self.limits[key] for key in sorted(self.limits))

    # --- what happens -------------------------------------------------------------------------------------------------

    def refresh(self, lines: list[Line]) -> None:
        """Read the balances behind these lines again."""
        for line in lines:
            purse = line.purse
            # Both balances are whole numbers of 10**-digits; the divisors were reduced when the floor was built.
            cash_num, cash_den, lots_num, lots_den = self.balance_steps[line.index]
            cash = self.money.balance_atoms(purse.currency) * cash_num // cash_den
            purse.cash = cash if -MOST_CASH < cash < MOST_CASH else max(min(cash, MOST_CASH), -MOST_CASH)
            if line.spot:
                held = self.money.balance_atoms(line.market.instrument.base) * lots_num // lots_den
                line.holding = held if -MOST_LOTS < held < MOST_LOTS else max(min(held, MOST_LOTS), -MOST_LOTS)

    def count_traded(self, rules: Rules, fill: Fill, now: int) -> None:
        """Add an execution's value to every traded sum over it."""
        line = rules.line
        if line.market.legs:
            worth = packages.worth(self, line, int(fill.lots))
        elif line.weight < 0:
            return
        else:
            worth = 2 * int(fill.lots) * (1 if line.inverse else int(fill.ticks)) * int(line.weight)
        for tally in rules.tallies:
            tally.add(worth, now)

    def mark(self, now: int) -> None:
        """A second has passed."""
        day = now // DAY_NS
        if day > self.day:
            self.day = day
            for desk in self.desks.values():
                desk.messages = 0
                desk.fills = 0
            self.alerted.clear()
        self._rate()
        self._alert(now)
        for sample in self.samples:
            sample.take(now)
        self.check_losses(now)

    def _rate(self) -> None:
        """Take the rates that come from instruments anew."""
        for line in self.lines:
            if not line.inverse and not line.market.legs:
                reference = line.market.double_reference()
                if reference > 0:
                    line.seen = reference
        for line, weight, source in self.rated:
            line.weight = weight * source.seen if source.seen > 0 else -1
            bound(line, max(line.weight, line.need, 1), len(self.lines))

    def _alert(self, now: int) -> None:
        """Say once a day what nears its bound: messages per fill, and the clock."""
        for desk, venue, otr, clock, stated in self.alerts:
            if desk.messages > 100 and desk.messages > otr * max(desk.fills, 1):
                text = f"strategy {desk.name}: {desk.messages} messages for {desk.fills} fills today"
                self._warn(f"otr {desk.name}", f"{text}, more than otr_alert {stated['otr_alert']} per fill", now)
            if abs(venue.clock_offset_ns) > clock:
                text = f"venue {venue.name}: the clock is off by {venue.clock_offset_ns} ns"
                self._warn(f"clock {venue.name}", f"{text}, more than clock_warn_ms {stated['clock_warn_ms']}", now)

    def _warn(self, what: str, text: str, now: int) -> None:
        if what not in self.alerted:
            self.alerted.add(what)
            self.recorder.note(WARNING, text, now)

    def check_fill(self, order: Order, fill: Fill, now: int) -> None:
        """P3: a fill worse than our limit, or of nothing, cannot be true as far as we know."""
        worse = order.has_price and (fill.ticks - order.ticks) * order.side_code > 0
        if order.replace_lots >= 0 and worse:
            worse = (fill.ticks - order.replace_ticks) * order.side_code > 0
        net = bool(self.markets[order.market].legs)
        if worse or fill.lots <= 0 or (fill.ticks <= 0 and not net):
            self.alarm(order, False, "FILL_IMPLAUSIBLE", now)

    def check_losses(self, now: int) -> None:
        """F1 to F3: latch what has lost too much."""
        for loss in self.losses:
            if loss.look(self.money):
                level, name = ("strategy", loss.strategy) if loss.strategy else ("global", "")
                held = self.kill.latches.get((level, name))
                if held is None:
                    text = loss.text()
                    self.recorder.note(CRITICAL, text, now)
                    self.kill.kill(level, name, reason=text, by=loss.code, now=now, reducing=True)

    def claim(self, client_order_id: str) -> str:
        """Take an id that a user chose; the code that stands against it (A7), or an empty text.

        Ids made from the run's own counter need no claim; the door puts the code into `order.malformed`.
        """
        if not ID_FORM.fullmatch(client_order_id):
            return "CLIENT_ORDER_ID_INVALID"
        if client_order_id in self.used_ids:
            return "CLIENT_ORDER_ID_REUSED"
        self.used_ids.add(client_order_id)
        return ""

    def override(
        self, client_order_id: str, controls: tuple[str, ...], *, operator: str, reason: str, expiry_ns: int, now: int
    ) -> None:
        """An operator lets one order through named controls; see `Overrides.add`."""
        self.overrides.drop(now)
        self.overrides.add(client_order_id, controls, operator=operator, reason=reason, expiry_ns=expiry_ns, now=now)
        what = ", ".join(controls)
        self.recorder.note(WARNING, f"override of {what} for order {client_order_id} by {operator}: {reason}", now)

    # --- operators and faults -----------------------------------------------------------------------------------------

    def refresh_states(self) -> None:
        """Work out anew what is killed, paused or may only be reduced."""
        for (strategy, index), rules in self.rules.items():
            item = self.markets[index].instrument
            desk = self.desks[strategy]
            state = self.kill.state(desk.name, item.id, item.venue)
            state = max(state, STATES[self.limits[strategy, index].words.get("trading_state", "active")])
            for (level, name), wanted in self.states.items():
                if (level == "global") or name in (desk.name, item.id, item.venue):
                    state = max(state, wanted)
            rules.state = state

    def set_state(self, level: str, name: str, state: str, now: int, reason: str) -> None:
        """An operator's word, or a fault's: `active`, `reduce_only` or `paused` for a strategy, an instrument, a venue
        (in capitals) or, with an empty name, everything."""
        self.states[level, name] = STATES[state]
        if level == "instrument":
            self.closed.pop(name, None)
        self.refresh_states()
        self.recorder.note(WARNING, f"{level} {name}: trading state {state}: {reason}", now)

    def close_instrument(self, instrument: str, reason: str, now: int) -> None:
        """A fault: only what reduces may pass there until it is settled; `closed` keeps since when, and why."""
        wanted = max(REDUCING, self.states.get(("instrument", instrument), ACTIVE))
        changed = wanted != self.states.get(("instrument", instrument))
        self.states["instrument", instrument] = wanted
        self.closed[instrument] = (now, reason)
        self.refresh_states()
        if changed:
            self.recorder.note(WARNING, f"instrument {instrument}: trading state reduce_only: {reason}", now)

    def disable(self, strategy_index: int, reason: str, now: int) -> None:
        """Nothing of this strategy passes until `enable`."""
        desk = self.desks[strategy_index]
        if desk.enabled:
            desk.enabled = False
            desk.reason = reason
            self.recorder.note(CRITICAL, f"strategy {desk.name} disabled: {reason}", now)

    def enable(self, strategy_index: int, operator: str, reason: str, now: int) -> None:
        """An operator lets a strategy trade again; its repeats and rejects start anew."""
        desk = self.desks[strategy_index]
        desk.enabled = True
        desk.took = False
        desk.reason = ""
        desk.repeats.clear()
        desk.rejects.clear()
        self.recorder.note(WARNING, f"strategy {desk.name} enabled by {operator}: {reason}", now)

    def alarm(self, order: Order, halt: bool, code: str, now: int) -> None:
        """CRIT: the instrument may only be reduced until what happened is settled. HALT: everything stops."""
        text = f"{order.instrument.id}: {code} at order {order.client_order_id}"
        self.recorder.note(HALT if halt else CRITICAL, text, now)
        if halt:
            self.kill.kill("global", mode=KillMode.CANCEL, reason=text, by=code, now=now)
        self.close_instrument(order.instrument.id, text, now)
