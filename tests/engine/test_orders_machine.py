"""The manager against a plain venue over a line that loses, doubles and shuffles what it carries."""

import os
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from orders_rig import PRICE, SECOND, Rig

from tickwright.engine import marks as m
from tickwright.engine.reconcile import VenueTrade
from tickwright.engine.terms import CANCELED, FILLED, REJECTED, OrderState, Refusal

RUNS = int(os.environ.get("TICKWRIGHT_RUNS", "1000"))
OFTEN = st.sampled_from([True, True, True, False])


class Venue:
    """One order as a venue keeps it, and the messages that it has put on the line."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.there = False
        self.live = False
        self.rejected = False
        self.total = 0
        self.trades: list[VenueTrade] = []
        self.line: list[Callable[[], int]] = []

    @property
    def cum(self) -> int:
        return sum(trade.lots for trade in self.trades)

    def say(self, name: str, *args: object) -> None:
        rig = self.rig
        self.line.append(lambda: getattr(rig.manager, name)(rig.order, *args, rig.tick()))

    def submit(self, accept: bool) -> None:
        if self.there:
            self.say("reject_dup")
            return
        self.there = True
        self.live = accept
        self.rejected = not accept
        self.total = self.rig.order.lots
        if accept:
            self.say("ack", "v1")
        else:
            self.say("reject", "no")

    def execute(self, lots: int) -> None:
        lots = min(lots, self.total - self.cum)
        name = f"t{len(self.trades) + 1}"
        self.trades.append(VenueTrade(trade_id=name, lots=lots, ticks=PRICE + len(self.trades), venue_ts=1))
        self.say("fill", name, lots, self.trades[-1].ticks, 1, 0, 0, 0)
        self.live = self.cum < self.total

    def cancel(self, request: int) -> None:
        if not self.there or self.rejected:
            self.say("cancel_rej", Refusal.UNKNOWN_ORDER, -1, request)
        elif not self.live:
            self.say("cancel_rej", Refusal.TOO_LATE, self.cum, request)
        else:
            self.live = False
            self.say("cancel_ack", self.cum, "")

    def replace(self, request: int, lots: int) -> None:
        if not self.live:
            self.say("replace_rej", Refusal.TOO_LATE, self.cum, request)
            return
        self.total = max(lots, self.cum)
        self.live = self.cum < self.total
        self.say("replaced", self.total, PRICE, request)


class OrderAgainstVenue(RuleBasedStateMachine):
    @initialize(start=st.sampled_from(["open", "open", "open", "sent", "rejected", "lost"]))
    def send(self, start: str) -> None:
        self.rig = Rig()
        self.venue = Venue(self.rig)
        self.rig.register()
        self.rig.send()
        if start != "lost":
            self.venue.submit(start != "rejected")
        if start == "open":
            self.venue.line.pop()()

    def act(self, marks: int, arrives: bool) -> None:
        """Do what the marks ask for; a command may be lost on the way."""
        order = self.rig.order
        assert not marks & m.HALT
        if marks & m.SEND_CANCEL and arrives:
            self.venue.cancel(order.cancel_id)
        if marks & m.SEND_REPLACE and arrives:
            self.venue.replace(order.request_id, order.replace_lots)

    @rule(arrives=OFTEN)
    def cancel(self, arrives: bool) -> None:
        self.act(self.rig.manager.cancel_req(self.rig.order, self.rig.tick()), arrives)

    @rule(lots=st.sampled_from([15, 12, 6, 3, 1]), arrives=OFTEN)
    def replace(self, lots: int, arrives: bool) -> None:
        self.act(self.rig.manager.replace_req(self.rig.order, lots, PRICE, self.rig.tick()), arrives)

    @precondition(lambda self: self.venue.live)
    @rule(lots=st.integers(1, 8))
    def execute(self, lots: int) -> None:
        self.venue.execute(lots)

    @precondition(lambda self: self.venue.live)
    @rule(label=st.sampled_from(["expire", "cancel_ack"]))
    def end(self, label: str) -> None:
        self.venue.live = False
        self.venue.say(label, self.venue.cum, *(("venue",) if label == "cancel_ack" else ()))

    @precondition(lambda self: self.venue.line)
    @rule(number=st.integers(0, 7), doubled=st.booleans(), arrives=OFTEN)
    def deliver(self, number: int, doubled: bool, arrives: bool) -> None:
        """Any message may come next, and come again."""
        line = self.venue.line
        at = number % len(line)
        message = line[at] if doubled else line.pop(at)
        self.act(message(), arrives)

    @precondition(lambda self: self.venue.line)
    @rule()
    def lose(self) -> None:
        self.venue.line.pop()

    @rule()
    def wait(self) -> None:
        rig = self.rig
        rig.manager.timeout(rig.order, rig.tick(3))

    @rule()
    def cut(self) -> None:
        """What the session carried dies with it."""
        self.venue.line.clear()
        self.rig.manager.disconnect(self.rig.order, self.rig.tick())

    @rule(arrives=OFTEN)
    def reconcile(self, arrives: bool) -> None:
        self.venue.line.clear()
        self.act(self.ask(), arrives)

    def ask(self) -> int:
        """A confirmed answer from the venue."""
        rig, venue = self.rig, self.venue
        view = rig.view(venue.cum, venue.total if venue.there else None, trades=tuple(venue.trades))
        if not venue.there:
            return rig.not_found()
        if venue.live:
            return rig.reconciler.recon_live(rig.order, view, rig.ts)
        label = REJECTED if venue.rejected else FILLED if venue.cum >= venue.total else CANCELED
        return rig.reconciler.recon_done(rig.order, label, view, rig.ts)

    @invariant()
    def the_books_are_right(self) -> None:
        if hasattr(self, "rig"):
            self.rig.check()

    @invariant()
    def the_worst_case_is_at_least_the_venues(self) -> None:
        if hasattr(self, "rig") and self.venue.live:
            assert self.rig.order.worst_lots() >= self.venue.total - self.venue.cum

    def teardown(self) -> None:
        """However it went, asking at the end leaves us with what the venue has."""
        if not hasattr(self, "rig"):
            return
        rig, venue = self.rig, self.venue
        venue.line.clear()
        rig.manager.disconnect(rig.order, rig.tick())
        for _ in range(3):
            rig.tick(3)
            self.act(self.ask(), True)
            venue.line.clear()
            rig.manager.timeout(rig.order, rig.tick(4))
        self.ask()
        rig.check()
        assert rig.order.cum == venue.cum
        assert rig.order.terminal == (not venue.live)
        if venue.live:
            assert rig.order.lots == venue.total
        elif venue.there and venue.cum >= venue.total:
            assert rig.order.state is OrderState.FILLED
        assert rig.sends == 1
        assert rig.ts > SECOND


OrderAgainstVenue.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestOrderAgainstVenue = OrderAgainstVenue.TestCase


def one_run(dice: Random) -> None:
    """The machine's rules in an order that the dice choose."""
    machine = OrderAgainstVenue()
    venue_says = dice.choices(["open", "sent", "rejected", "lost"], [5, 2, 1, 1])[0]
    machine.send(venue_says)
    for _ in range(dice.randrange(4, 20)):
        arrives = dice.random() < 0.8
        move = dice.choices(range(9), [2, 3, 4, 0.5, 5, 1, 2, 0.5, 0.5])[0]
        if move == 0:
            machine.cancel(arrives)
        elif move == 1:
            machine.replace(dice.choice([15, 12, 6, 3, 1]), arrives)
        elif move == 2 and machine.venue.live:
            machine.execute(dice.randrange(1, 5))
        elif move == 3 and machine.venue.live:
            machine.end(dice.choice(["expire", "cancel_ack"]))
        elif move == 4 and machine.venue.line:
            machine.deliver(dice.randrange(8), dice.random() < 0.3, arrives)
        elif move == 5 and machine.venue.line:
            machine.lose()
        elif move == 6:
            machine.wait()
        elif move == 7:
            machine.cut()
        elif move == 8:
            machine.reconcile(arrives)
        machine.the_books_are_right()
        machine.the_worst_case_is_at_least_the_venues()
    machine.teardown()


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_seeded_runs_end_as_the_venue_does(block: int) -> None:
    """Each run is named by its seed, so that a failure can be run again alone."""
    for seed in range(block * RUNS, (block + 1) * RUNS):
        try:
            one_run(Random(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
