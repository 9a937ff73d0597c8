"""The last gate: every order and the increasing part of every replace passes here, or nothing leaves.

Two ways lead to one answer. The fast way is straight-line comparisons between integers, group by group in the order
of the controls, and writes down what it looked at; where all of them hold, the order is approved. Wherever one does
not, or figures are too large for 128 bits, or something is unusual (a latch, an override, a missing reference), it
says no more than "not obviously fine", and the slow way (`risk/verdict.py`) measures every control anew with
unbounded integers, names all that fail, and has the last word. So the fast way may be doubtful, never generous.

Only this module makes an `Approved`.
"""

from collections.abc import Sequence

from tickwright.engine.market import Seat
from tickwright.engine.order import Approved, Denial, Fill, Order
from tickwright.engine.terms import MARKET, NO_TIME, TAKER
from tickwright.risk.kill import KillMode, Latch
from tickwright.risk.screen import Screen
from tickwright.risk.state import Rules

TOKEN = 1_000_000_000_000
PROTECT = 1
NONE: tuple[Latch, ...] = ()


class RiskGate(Screen):
    """Judges orders against the limits of a `Floor` (the rules, sums and counters of one run).

    Drivers report health through `floor.venues[name]` and the fields `journal_ok`, `journal_lag_ns`,
    `journal_free_mb`, `loop_lag_ns` and `queue_depth`; all are healthy until somebody says otherwise.
    """

    __slots__ = ()

    # --- the port ---------------------------------------------------------------------------------------------------

    def judge(self, order: Order, now: int) -> Approved | Denial:
        """Decide on a new order. A market order that is to be protected gets its protective price in `ticks`."""
        rules = self.rules_for(order)
        ticks = order.ticks
        self.grows = True
        if rules is not None and order.malformed == "":
            if order.type_code == MARKET and rules.market_orders == PROTECT:
                ticks = self.protective(rules, order.side_code)
            if self.passes(rules, order, order.lots, order.lots, ticks, now, 0):
                return self.approve(rules, order, ticks, now, 0)
        return self.decide(rules, order, order.lots, order.lots, ticks, now, 0)

    def judge_replace(self, order: Order, lots: int, ticks: int, now: int) -> Approved | Denial:
        """Decide on a new total and price: only what may be executed beyond what is counted already adds exposure."""
        rules = self.rules_for(order)
        counted = order.worst_lots() + order.cum
        added = lots - counted if lots > counted else 0
        self.grows = added > 0 or (ticks - order.ticks) * order.side_code > 0
        if rules is not None and self.passes(rules, order, lots, added, ticks, now, 1):
            return self.approve(rules, order, ticks, now, 1)
        return self.decide(rules, order, lots, added, ticks, now, 1)

    def cancel_allowed(self, order: Order, now: int) -> bool:
        """Cancels skip A to F; only the venue's message budget holds them, its reserve open to them."""
        rules = self.rules_for(order)
        if rules is None:
            return True
        # Whatever is killed or may only be reduced must get its cancels out, whoever else spent the budget.
        free = rules.state != 0 or self.floor.cancelling
        for bucket in rules.message_buckets:
            if bucket.refill(now) < TOKEN and not free:
                return False
        for bucket in rules.message_buckets:
            bucket.take()
        rules.desk.messages += 1
        return True

    def filled(self, order: Order, fill: Fill, now: int) -> None:
        """Count executed value, repeats and the order-to-trade ratio; look whether the fill can be true."""
        rules = self.rules_for(order)
        if rules is None:
            return
        self.stale = True
        desk = rules.desk
        desk.fills += 1
        if fill.liquidity_code == TAKER:
            desk.took = True
        if self.traded:
            self.floor.count_traded(rules, fill, now)
        surprising = fill.ticks <= 0 and not rules.line.market.legs
        if fill.lots <= 0 or surprising or (order.has_price and (fill.ticks - order.ticks) * order.side_code > 0):
            self.floor.check_fill(order, fill, now)
        if self.losses:
            self.floor.check_losses(now)

    def rejected(self, order: Order, now: int) -> None:
        """Count a venue's reject."""
        rules = self.rules_for(order)
        if rules is not None:
            rules.desk.rejects.append(now)

    def mark(self, now: int) -> None:
        """Sample the references, let windows pass, evaluate losses, roll the day; read balances anew."""
        self.stale = True
        self.floor.mark(now)

    def disable(self, strategy_index: int, reason: str, now: int) -> None:
        """From now on nothing of this strategy passes but cancels, until `Floor.enable`."""
        self.floor.disable(strategy_index, reason, now)

    def latched(self) -> Sequence[Latch]:
        """Kills raised since the last call that want orders cancelled, and perhaps positions closed."""
        if not self.raised:
            return NONE
        return [latch for latch in self.floor.kill.take() if latch.mode > KillMode.PAUSE]

    def let_exit(self, order: Order) -> None:
        """Let one reduce-only order of the core pass a kill that flattens."""
        self.floor.kill.exit(order.client_order_id)

    def asking_refusal(self, seat: Seat, lots: int, now: int) -> str:
        """Why a strategy may not ask for quotes now: B4 to B14 as they stand for orders, C1, and the message budget.

        No figure of an order is judged, since nothing comes of a request by itself; no decision is recorded.
        """
        rules: Rules = seat.limits
        venue = rules.line.venue
        desk = rules.desk
        if not rules.sound:
            return "LIMIT_NOT_CONFIGURED"
        if not desk.enabled:
            return "STRATEGY_DISABLED"
        if rules.state != 0:
            names = seat.market.instrument
            latched = self.floor.kill.covering(desk.name, names.id, names.venue)
            return "KILL_SWITCH_ACTIVE" if latched else "REDUCE_ONLY_MODE"
        if not venue.up or (venue.heard_ts != NO_TIME and now - venue.heard_ts > rules.heartbeat):
            return "VENUE_DISCONNECTED"
        if now < venue.backoff_until:
            return "VENUE_RATE_LIMITED"
        if not venue.reconciled:
            return "NOT_RECONCILED"
        if not self.journal_ok or self.journal_lag_ns > rules.journal_lag or self.journal_free_mb < rules.journal_free:
            return "JOURNAL_UNAVAILABLE"
        if abs(venue.clock_offset_ns) > rules.clock_max:
            return "CLOCK_SKEW"
        if self.loop_lag_ns > rules.loop_lag or self.queue_depth > rules.queue:
            return "SYSTEM_OVERLOADED"
        if now >= rules.expiry:
            return "INSTRUMENT_NOT_TRADABLE"
        if lots < rules.min_lots or lots > min(rules.max_lots, rules.max_order_lots):
            return "MAX_ORDER_QTY" if lots > rules.max_order_lots else "QTY_OUT_OF_VENUE_BOUNDS"
        for bucket in rules.message_buckets:
            if bucket.refill(now) - bucket.reserve < TOKEN:
                return "MESSAGE_RATE"
        for bucket in rules.message_buckets:
            bucket.take()
        desk.messages += 1
        return ""

    def alarm(self, order: Order, halt: bool, code: str, now: int) -> None:
        """What must not be was met: reduce the order's instrument only, or stop everything."""
        self.floor.alarm(order, halt, code, now)

    # --- the verdict ------------------------------------------------------------------------------------------------

    def approve(self, rules: Rules, order: Order, ticks: int, now: int, action: int) -> Approved:
        """Count the order in every rate, write down why it passed, and make the word that the order manager takes."""
        for bucket in rules.buckets:
            bucket.take()
        for bucket in rules.message_buckets:
            bucket.take()
        desk = rules.desk
        desk.messages += 1
        if desk.took and self.evidence[35] > 0:
            desk.took = False
            desk.repeats.append(now)
        if action == 0 and order.type_code == MARKET:
            order.ticks = ticks
        self.recorder.decision(order, 0, action, self.evidence, "", now)
        word = Approved.__new__(Approved)
        word.order = order
        word.ts = now
        return word

    def decide(
        self, rules: Rules | None, order: Order, lots: int, added: int, ticks: int, now: int, action: int
    ) -> Approved | Denial:
        """The slow way: measure everything, and approve or say what fails."""
        denial = self.floor.verdict(self, rules, order, lots, added, ticks, now, action)
        if denial is None:
            assert rules is not None
            return self.approve(rules, order, ticks, now, action)
        return denial
