"""What a run knew when it died is what the next one knows, but that everything sent is in doubt."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from attrs import evolve

from tickwright.engine import recall as recalling
from tickwright.engine.books import Books
from tickwright.engine.carrying import carried
from tickwright.engine.chain import Record
from tickwright.engine.door import Door, Names
from tickwright.engine.instrument import Instrument
from tickwright.engine.journal import Journal
from tickwright.engine.journal_reading import read_journal
from tickwright.engine.keeping import day_of, facts
from tickwright.engine.market import Market, Seat
from tickwright.engine.order import Denial, Fill, Order, approval
from tickwright.engine.orders import OrderManager
from tickwright.engine.parent import Parent
from tickwright.engine.ports import Gate
from tickwright.engine.recall import Recalled, RecallError, recall
from tickwright.engine.reconcile import Reconciler, VenueTrade, VenueView
from tickwright.engine.scribe import KeptPortfolio, Scribe
from tickwright.engine.strangers import Strangers
from tickwright.engine.terms import CANCELED, FILLED, Cause, OrderEvent, OrderState, Refusal

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SPOT = Instrument(
    id="ABC/USD.XYZ", tick_size=Decimal("0.5"), lot_size=Decimal("0.1"), base="ABC", quote="USD",
    maker_fee=Decimal("-0.0001"), taker_fee=Decimal("0.0007"),
)  # fmt: skip
OTHER = Instrument(id="DEF/USD.XYZ", tick_size=Decimal("0.01"), lot_size=Decimal(1), base="DEF", quote="USD")
STRATEGIES = ("maker", "taker")


class Ticking:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> int:
        return self.time


class Open(Gate):
    """A gate that has nothing to say to fills."""

    def filled(self, order: Order, fill: Fill, now: int) -> None:
        return


class Witness(Scribe):
    """A scribe that knows every order it has met, in the order of their first events."""

    def __init__(self, journal: Journal) -> None:
        self.met: list[Order] = []
        super().__init__(journal)

    def order(self, order: Order, event: int, ts: int) -> None:
        super().order(order, event, ts)
        if event in (OrderEvent.INTENT, OrderEvent.DENIED, OrderEvent.ADOPT):
            self.met.append(order)


class Nowhere:
    """Keeps no records."""

    def append(self, kind: str, body: object, ts: int) -> None:
        return

    def number_used(self, number: int) -> None:
        return


class Run:
    """The parts of one run that a journal is about, and a script of things that happen to its orders."""

    def __init__(self, folder: Path, instruments: tuple[Instrument, ...] = (SPOT, OTHER)) -> None:
        self.clock = Ticking()
        self.journal = Journal.open(folder, clock=self.clock)
        self.scribe = Witness(self.journal)
        self.portfolio = KeptPortfolio(instruments, STRATEGIES, currency="USD", balances={"USD": Decimal(1000)})
        self.markets = [Market(each, i, self.portfolio.position(i)) for i, each in enumerate(instruments)]
        self.seats = {
            (s, m): Seat(name, s, market, self.portfolio.position(m, s))
            for s, name in enumerate(STRATEGIES)
            for m, market in enumerate(self.markets)
        }
        self.books = Books(self.portfolio, self.markets, len(STRATEGIES), Open(), self.scribe)
        self.manager = OrderManager(self.scribe, self.books)
        self.reconciler = Reconciler(self.manager, trade_query=False)
        self.strangers = Strangers(self.manager, self.journal.prefix)
        self.orders = self.scribe.met
        names = Names(f"{self.journal.prefix}-", self.journal.next_order_number - 1)
        self.doors = [Door(name, s, names) for s, name in enumerate(STRATEGIES)]
        for (s, _), seat in self.seats.items():
            self.doors[s].add_seat(seat)
        self.parents = [Parent(f"slice-{name}", 10_000) for name in STRATEGIES]
        self.trades = 0
        self.recalled = Recalled()

    @property
    def now(self) -> int:
        self.clock.time += SECOND
        return self.clock.time

    def recall(self, records: list[Record] | None = None) -> "Run":
        """Take over from whoever wrote the journal, then begin to write."""
        self.recalled = recall(
            self.journal.records() if records is None else records,
            orders=self.manager,
            portfolio=self.portfolio,
            markets=self.markets,
            seats=self.seats.values(),
            now=self.clock.time,
        )
        self.orders.extend(self.recalled.orders.values())
        self.strangers.adopted = self.recalled.adopted
        return self.begin()

    def begin(self) -> "Run":
        self.portfolio.keep(self.scribe)
        self.scribe.begin([market.instrument for market in self.markets], STRATEGIES, self.clock.time)
        self.journal.commit()
        return self

    def intend(self, strategy: int = 0, market: int = 0, lots: int = 10, ticks: int = 100, side: int = 1) -> Order:
        """What a strategy's door makes of a wish."""
        door = self.doors[strategy]
        instrument = self.markets[market].instrument
        parent = self.parents[strategy] if lots % 3 == 0 else None
        price = instrument.price(ticks)
        order = door.enter(
            side, instrument, instrument.qty(lots), price, lots % 5, lots % 2 == 0, False, 0, parent, "tag" * (lots % 2)
        )
        door.intents.clear()
        return order

    def place(self, **terms: int) -> Order:
        """An order that has passed the gate."""
        order = self.intend(**terms)
        self.manager.register(approval(order, self.now), self.now)
        return order

    def sent(self, **terms: int) -> Order:
        order = self.place(**terms)
        self.manager.send_start(order, self.now)
        return order

    def trade(self, order: Order, lots: int, ticks: int = 100) -> str:
        self.trades += 1
        name = f"t{self.trades}-{self.clock.time}"
        self.manager.fill(order, name, lots, ticks, order.side_code, self.trades % 2, 7, 0, self.now)
        return name

    def die(self) -> None:
        """What was committed stays, the process is gone."""
        self.journal.commit()
        self.scribe.keeper = Nowhere()
        self.portfolio.scribe = None
        self.journal.close()

    def money(self) -> list[object]:
        """Everything that the portfolio holds."""
        lines = [self.portfolio.position(m, s) for s in (-1, 0, 1) for m in range(len(self.markets))]
        return [
            [(line.lots, line.cash, line.realized, line.fees) for line in lines],
            self.portfolio.balances(),
            self.portfolio.adjustments,
        ]

    def sums(self) -> list[tuple[int, int, int, int, list[str]]]:
        """What risk counts."""
        every = [seat.working for seat in self.seats.values()] + [market.working for market in self.markets]
        return [(w.buy_lots, w.sell_lots, w.open_orders, w.unknown_orders, sorted(w.orders)) for w in every]


def known(order: Order) -> dict[str, object]:
    """All that is known of an order, with its executions by their ids.

    That the sum of an order already over was confirmed once more is no event, so it is not recorded.
    """
    said = facts(order, 0, True)
    if order.terminal:
        said.pop("settled_cum", None)
    said["fills"] = {fill["trade_id"]: fill for fill in said["fills"]}
    return said


def settled(run: Run) -> list[dict[str, object]]:
    """The orders of a run that ended, as they are once they have been told of the restart."""
    for order in run.manager.open_orders():
        run.manager.restart(order, run.clock.time)
    return [known(order) for order in run.orders]


def assert_same(before: Run, after: Run) -> None:
    """Orders but for the restart, executions, sums, positions and money are what they were."""
    assert after.money() == before.money()
    assert [known(order) for order in after.orders] == settled(before)
    assert after.sums() == before.sums()


# --- a random life ----------------------------------------------------------------------------------------------------


def one_step(run: Run, dice: Random) -> None:
    """Something happens, mostly to one of the last orders."""
    manager, now = run.manager, run.now
    order = dice.choice(run.orders[-6:]) if run.orders else run.sent()
    cum = int(order.cum)
    stated = dice.choice((-1, cum, cum + dice.randint(1, 4)))
    request = dice.choice((-1, int(order.cancel_id), int(order.request_id)))
    view = VenueView(cum=max(0, stated), asked_ts=now, average_ticks=dice.choice((None, Fraction(101))), venue_ts=now)
    steps: list[Callable[[], object]] = [
        lambda: run.sent(
            strategy=dice.randint(0, 1),
            market=dice.randint(0, 1),
            lots=dice.randint(1, 30),
            ticks=dice.randint(90, 110),
            side=dice.choice((1, -1)),
        ),
        lambda: run.place(lots=dice.randint(1, 9)),
        lambda: manager.send_start(order, now),
        lambda: manager.ack(order, f"v{order.number}", now),
        lambda: manager.ack(order, f"v{order.number}", now),
        lambda: run.trade(order, dice.randint(1, 5), dice.randint(90, 110)),
        lambda: run.trade(order, max(1, int(order.lots) - cum), 100),
        lambda: manager.fill_stated(order, f"s{now}", 2, 99, order.side_code, 1, stated, True, now, now),
        lambda: manager.fill(order, "twice", 1, 100, order.side_code, 0, 0, 0, now),
        lambda: manager.cancel_req(order, now),
        lambda: manager.replace_req(order, cum + dice.randint(1, 20), dice.randint(90, 110), now),
        lambda: manager.replaced(order, cum + dice.randint(1, 20), -1, request, now),
        lambda: manager.replace_rej(order, dice.choice(tuple(Refusal)), stated, request, now),
        lambda: manager.cancel_ack(order, stated, "done", now),
        lambda: manager.cancel_rej(order, dice.choice(tuple(Refusal)), stated, request, now),
        lambda: manager.expire(order, stated, now),
        lambda: manager.reject(order, "no", now),
        lambda: manager.reject_dup(order, now),
        lambda: manager.send_error(order, now),
        lambda: manager.send_abort(order, now),
        lambda: manager.timeout(order, now + 100 * SECOND),
        lambda: manager.disconnect(order, now),
        lambda: manager.bust(order, dice.choice([*order.trades, "none"]), now),
        lambda: manager.correct(order, dice.choice([*order.trades, "none"]), dice.randint(90, 110), now),
        lambda: run.reconciler.recon_live(order, view, now),
        lambda: run.reconciler.recon_done(order, dice.choice((FILLED, CANCELED)), view, now),
        lambda: run.reconciler.recon_not_found(order, now, now),
        lambda: deny(run),
        lambda: adopt(run, dice),
        lambda: run.portfolio.cash_adjust(Decimal(dice.randint(-9, 9)) / 8, "funding", 1, dice.randint(-1, 1)),
        lambda: run.portfolio.transfer("USD", Decimal("1.5"), "deposit"),
        lambda: run.portfolio.transfer("USD", Decimal("2.5"), "fee", "V"),
        lambda: run.portfolio.fill(0, 0, 1, 3, 101, 0, Decimal("0.013")),
    ]
    dice.choice(steps)()


def deny(run: Run) -> None:
    order = run.intend(lots=4)
    denial = Denial(code="X", codes=("X",), limit=None, value=None, scope="global", text="X: too much")
    run.manager.deny(order, denial, run.now)


def adopt(run: Run, dice: Random) -> None:
    """An order of somebody else, live at the venue; or an execution of one."""
    market = run.markets[dice.randint(0, 1)]
    if dice.random() < 0.5:
        cum = dice.randint(0, 3)
        run.strangers.adopt(market, "", f"x{run.now}", dice.choice((1, -1)), 8, 100, cum, run.now)
        return
    trade = VenueTrade(trade_id=f"y{run.now}", lots=2, ticks=97, side=-1)
    run.strangers.stray_fill(market, f"z{run.now}", -1, trade, run.now)
    run.clock.time += 10 * SECOND
    for stray in run.strangers.overdue(run.now):
        run.strangers.settle(stray, run.now)


def rotate(run: Run) -> None:
    """Begin the journal's next file."""
    body = carried(run.manager, run.portfolio, since=run.recalled.since, adopted=run.strangers.adopted)
    assert run.journal.rotate(body)


@pytest.mark.parametrize("seed", range(15))
def test_the_last_file_recalls_what_the_whole_journal_does(tmp_path: Path, seed: int) -> None:
    """From the checkpoint of a file and what follows it, as from the first record of all."""
    dice = Random(f"files {seed}")
    run = Run(tmp_path / "state").begin()
    for life in range(3):
        for _ in range(dice.randint(20, 120)):
            one_step(run, dice)
            if dice.random() < 0.04:
                rotate(run)
        if life == 1:
            rotate(run)
        run.die()
        whole = Run(tmp_path / "state")
        whole.clock.time = run.clock.time
        whole.recall(list(read_journal(tmp_path / "state")))
        whole.die()
        after = Run(tmp_path / "state")
        after.clock.time = run.clock.time
        after.recall()
        assert_same(run, after)
        assert_same(run, whole)
        first, second = after.recalled, whole.recalled  # which wrote the beginning of a run, too
        assert (first.runs - 1, first.adopted, first.since) == (second.runs, second.adopted, second.since)
        run = after
    run.die()


@pytest.mark.parametrize("seed", range(25))
def test_a_run_that_dies_is_known_to_the_next(tmp_path: Path, seed: int) -> None:
    dice = Random(seed)
    run = Run(tmp_path / "state").begin()
    for life in range(3):
        for _ in range(dice.randint(20, 150)):
            one_step(run, dice)
            if dice.random() < 0.3:
                run.journal.commit()
        run.die()
        after = Run(tmp_path / "state")
        after.clock.time = run.clock.time
        after.recall()
        assert after.recalled.runs == life + 1
        assert_same(run, after)
        run = after
    run.die()


# --- single things ----------------------------------------------------------------------------------------------------


def next_run(run: Run, instruments: tuple[Instrument, ...] = (SPOT, OTHER)) -> Run:
    """The run after the end of one."""
    run.die()
    after = Run(run.journal.folder.path, instruments)
    after.clock.time = run.clock.time
    return after.recall()


def test_what_was_never_sent_has_failed_and_what_was_sent_is_in_doubt(tmp_path: Path) -> None:
    run = Run(tmp_path / "state").begin()
    unsent = run.place()
    sent = run.sent()
    rests = run.sent()
    run.manager.ack(rests, "v3", run.now)
    run.manager.cancel_req(rests, run.now)
    after = next_run(run)
    found = after.recalled.orders
    assert found[unsent.client_order_id].state is OrderState.FAILED
    assert found[unsent.client_order_id].local
    for order in (sent, rests):
        assert found[order.client_order_id].state is OrderState.UNKNOWN
        assert found[order.client_order_id].cause is Cause.RESTART
    assert found[rests.client_order_id].cancel_wanted
    assert found[rests.client_order_id].venue_order_id == "v3"
    assert after.manager.by_venue_order_id("XYZ", "v3") is found[rests.client_order_id]
    assert [order.client_order_id for order in after.recalled.open_orders] == [
        sent.client_order_id,
        rests.client_order_id,
    ]
    after.die()


def test_what_was_not_committed_never_was(tmp_path: Path) -> None:
    run = Run(tmp_path / "state").begin()
    run.sent()
    run.journal.commit()
    run.sent()
    run.journal.pending.clear()
    after = next_run(run)
    assert len(after.recalled.orders) == 1
    after.die()


def test_a_restart_that_dies_half_way_changes_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path / "state").begin()
    order = run.sent()
    run.trade(order, 3)
    run.die()
    before = run.journal.seq
    for _ in range(2):  # the restart is not committed
        dies = Run(tmp_path / "state")
        dies.recall()
        dies.journal.pending.clear()
        dies.die()
    once = Run(tmp_path / "state")
    once.clock.time = run.clock.time
    once.recall()
    first = [known(order) for order in once.orders]
    once.die()
    twice = Run(tmp_path / "state")
    twice.clock.time = run.clock.time
    twice.recall()
    assert [known(order) for order in twice.orders] == first
    assert twice.money() == once.money()
    restarts = [r for r in twice.journal.records(before, ["order"]) if r.plain()["event"] == "RESTART"]
    assert len(restarts) == 1
    twice.die()


def test_the_same_trade_told_again_is_not_booked_again(tmp_path: Path) -> None:
    run = Run(tmp_path / "state").begin()
    order = run.sent()
    trade = run.trade(order, 4)
    gone = run.trade(order, 1)
    run.manager.bust(order, gone, run.now)
    money = run.money()
    after = next_run(run)
    again = after.recalled.orders[order.client_order_id]
    for name, lots in ((trade, 4), (gone, 1)):
        after.manager.fill(again, name, lots, 100, 1, 0, 0, 0, after.now)
    assert after.money() == money
    assert again.cum == 4
    after.die()


@pytest.mark.parametrize("corrected", [False, True])
def test_a_trade_taken_back_after_the_restart_gives_back_the_fee_that_was_stated(
    tmp_path: Path, corrected: bool
) -> None:
    def busy(folder: str) -> tuple[Run, Order]:
        run = Run(tmp_path / folder).begin()
        order = run.sent(lots=20)
        run.trade(order, 2)
        run.books.state_fee(order, "dear", Decimal("0.125"))
        run.manager.fill(order, "dear", 5, 100, 1, 0, 0, 0, run.now)
        if corrected:
            run.manager.correct(order, "dear", 101, run.now)
        run.trade(order, 1)
        return run, order

    through, order = busy("through")
    before = through.money()
    through.manager.bust(order, "dear", through.now)
    assert through.money() != before
    through.die()
    run, order = busy("restarted")
    after = next_run(run)
    assert after.money() == before
    after.manager.bust(after.recalled.orders[order.client_order_id], "dear", after.now)
    assert after.money() == through.money()
    after.die()


def test_no_number_of_an_order_is_used_again(tmp_path: Path) -> None:
    run = Run(tmp_path / "state").begin()
    names = [run.sent().client_order_id for _ in range(3)]
    deny(run)
    after = next_run(run)
    fresh = after.sent().client_order_id
    assert fresh not in names
    assert fresh == f"{after.journal.prefix}-5"
    after.die()


def test_finished_orders_are_kept_up_to_a_bound_and_their_money_beyond_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalling, "OVER_KEPT", 3)
    run = Run(tmp_path / "state").begin()
    rests = run.sent()
    over = []
    for _ in range(20):
        order = run.sent(lots=2)
        run.trade(order, 2)
        over.append(order)
    late = over[1]
    run.manager.replaced(late, 5, -1, -1, run.now)  # comes back in doubt
    run.trade(late, 1)
    money, since = run.money(), over[-4].updated_ts
    after = next_run(run)
    kept = {order.client_order_id for order in (rests, late, *over[-3:])}
    assert set(after.recalled.orders) == kept
    assert known(after.recalled.orders[late.client_order_id])["cum"] == 3
    assert after.recalled.orders[late.client_order_id].state is OrderState.UNKNOWN
    assert after.recalled.since == since
    assert after.money() == money
    after.die()


def test_children_find_their_parent_again(tmp_path: Path) -> None:
    run = Run(tmp_path / "state").begin()
    child = run.sent(lots=9)
    other = run.sent(lots=6)
    run.trade(child, 5)
    after = next_run(run)
    parent = after.recalled.parents["slice-maker"]
    assert parent.lots == 10_000
    assert [order.client_order_id for order in parent.children] == [child.client_order_id, other.client_order_id]
    assert parent.executed_lots == 5
    assert parent.worst_lots == 15
    after.die()


def test_the_day_goes_on_after_a_restart(tmp_path: Path) -> None:
    run = Run(tmp_path / "state").begin()
    portfolio = run.portfolio
    portfolio.mark(run.now, [200, 200])
    order = run.sent(lots=10)
    run.trade(order, 10, 100)
    for mark in (260, 240):
        run.clock.time += 20 * SECOND
        portfolio.mark(run.now, [mark, 200])
    after = next_run(run)
    for now, then in ((after.portfolio, portfolio),):
        assert now.equity == then.equity
        assert now.day_pnl() == then.day_pnl() > 0
        assert now.day_pnl(0) == then.day_pnl(0)
        assert now.drawdown() == then.drawdown() > 0
        assert day_of(now.account) == day_of(then.account)
    after.portfolio.mark(after.now + 86_400 * SECOND, [240, 200])
    assert after.portfolio.day_pnl() == 0
    after.die()


def test_without_a_mark_nothing_is_lost_by_restarting(tmp_path: Path) -> None:
    run = Run(tmp_path / "state").begin()
    after = next_run(run)
    after.portfolio.mark(after.now, [None, None])
    assert after.portfolio.day_pnl() == 0
    after.die()


@pytest.mark.parametrize(
    ("instruments", "names", "message"),
    [
        ((OTHER,), STRATEGIES, r"speaks of instrument ABC/USD\.XYZ"),
        ((SPOT, OTHER), ("taker",), r"speaks of strategy maker, strategy maker in ABC/USD\.XYZ, which the config"),
        ((evolve(SPOT, tick_size=Decimal("0.25")), OTHER), STRATEGIES, r"tick_size 0\.5, now it is 0\.25"),
    ],
)
def test_what_the_config_lacks_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    instruments: tuple[Instrument, ...],
    names: tuple[str, ...],
    message: str,
) -> None:
    run = Run(tmp_path / "state").begin()
    run.trade(run.sent(), 1)
    run.die()
    monkeypatch.setitem(globals(), "STRATEGIES", names)
    after = Run(tmp_path / "state", instruments)
    with pytest.raises(RecallError, match=message):
        after.recall()
    after.die()


def test_a_tick_size_written_in_another_way_is_the_same(tmp_path: Path) -> None:
    run = Run(tmp_path / "state").begin()
    after = next_run(run, (evolve(SPOT, tick_size=Decimal("0.50")), OTHER))
    assert after.recalled.runs == 1
    after.die()
