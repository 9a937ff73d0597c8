"""What follows when a strategy raises, in each of the three ways, and that nobody else feels it."""

import sys
import traceback

import pytest
from attrs import define, field

from tickwright import Book, Fill, Order, Strategy, Trade
from tickwright.engine.errors import TickwrightError
from tickwright.engine.terms import ASKED_MAX, DENIED_MAX
from tickwright.strategies.testing import Bench

ID = "BTC/CHF.TDX"
BOOK = "99 x 20 | 100 x 10"
POLICIES = ["halt_strategy", "cancel_and_halt", "stop_run"]


@define(kw_only=True)
class Fragile(Strategy):
    """Has one order in the book, and then fails where a test says."""

    where: str = "on_book"
    error: object = field(factory=lambda: ValueError("boom"))
    calls: int = field(default=0, init=False)

    def fail(self, where: str) -> None:
        if where == self.where:
            if callable(self.error):
                self.error()
            raise self.error  # type: ignore[misc]

    def on_start(self) -> None:
        self.watch(ID, book="every", trades=True)
        self.fail("on_start")

    def on_book(self, book: Book) -> None:
        self.calls += 1
        if self.calls == 1:
            self.buy(ID, "1", "98")
        elif self.calls == 2:
            self.sell(ID, "1", "105")
            self.at(self.now + 1)
            self.fail("on_book")

    def on_trade(self, trade: Trade) -> None:
        self.fail("on_trade")

    def on_order(self, order: Order) -> None:
        if order.state.name != "PENDING_NEW":
            self.fail("on_order")

    def on_fill(self, order: Order, fill: Fill) -> None:
        self.fail("on_fill")

    def on_timer(self, name: str) -> None:
        self.fail("on_timer")

    def on_stop(self) -> None:
        self.fail("on_stop")


@define(kw_only=True)
class Bystander(Strategy):
    """Counts its books."""

    books: int = field(default=0, init=False)

    def on_start(self) -> None:
        self.watch(ID, book="every")

    def on_book(self, book: Book) -> None:
        self.books += 1


def play(bench):
    """Lead a fragile strategy through all its handlers."""
    bench.book(BOOK)
    for order in bench.sent:
        bench.accept(order)
        bench.fill(order, "0.5")
    bench.trade("buy 1 @ 100")
    bench.book(BOOK)
    bench.advance("1ms")
    bench.stop()


@pytest.mark.parametrize("where", ["on_start", "on_book", "on_trade", "on_order", "on_fill", "on_timer", "on_stop"])
def test_an_error_in_any_handler_is_kept_and_ends_the_strategy_alone(where):
    fragile, bystander = Fragile(where=where), Bystander()
    bench = Bench({"fragile": fragile, "bystander": bystander}, ID, tick="0.5", lot="0.1", on_error="halt_strategy")
    play(bench)
    (failure,) = bench.core.failures
    assert (failure.strategy, failure.handler, failure.error) == ("fragile", where, fragile.error)
    assert bystander.books == 2


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "error", [ValueError("boom"), SystemExit(3), RecursionError("deep"), StopIteration(), MemoryError()]
)
def test_each_policy_does_what_it_says_whatever_is_raised(policy, error):
    fragile, bystander = Fragile(error=error), Bystander()
    bench = Bench({"fragile": fragile, "bystander": bystander}, ID, tick="0.5", lot="0.1", on_error=policy)
    bench.book(BOOK)
    (order,) = bench.sent
    bench.accept(order)
    bench.book(BOOK)
    assert [each.denial.code for each in bench.denied] == ["STRATEGY_DISABLED"]  # asked for before it raised
    assert bench.cancels == ([] if policy == "halt_strategy" else [order])
    assert bench.core.stopping is (policy == "stop_run")
    if policy != "stop_run":
        bench.book(BOOK)
        assert (fragile.calls, bystander.books) == (2, 3)


def test_a_true_recursion_without_end_is_an_error_like_another():
    def dig():
        dig()

    bench = Bench(Fragile(error=dig), ID, tick="0.5", lot="0.1", on_error="halt_strategy")
    play(bench)
    assert type(bench.core.failures[0].error) is RecursionError
    assert sys.getrecursionlimit() < 100_000


def test_ctrl_c_is_no_error_of_the_strategy():
    bench = Bench(Fragile(error=KeyboardInterrupt()), ID, tick="0.5", lot="0.1", on_error="halt_strategy")
    with pytest.raises(KeyboardInterrupt):
        play(bench)


def test_fills_after_the_end_still_move_the_position():
    fragile = Fragile()
    bench = Bench({"fragile": fragile}, ID, tick="0.5", lot="0.1", on_error="cancel_and_halt")
    bench.book(BOOK)
    (order,) = bench.sent
    bench.accept(order)
    bench.book(BOOK)
    bench.fill(order, "0.3")
    bench.canceled(order)
    assert (bench.position(strategy="fragile").qty, bench.open) == (0.3, [])


def test_on_the_bench_an_error_is_raised_in_the_test_with_the_strategys_own_line():
    bench = Bench(Fragile(), ID, tick="0.5", lot="0.1")
    bench.book(BOOK)
    with pytest.raises(ValueError, match="boom") as caught:
        bench.book(BOOK)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert (frames[-1].filename, frames[-1].name) == (__file__, "fail")


# --- orders without end ---------------------------------------------------------------------------------------------


@define(kw_only=True)
class Runaway(Strategy):
    """Asks for orders as long as it is let."""

    how: str = "loop"
    qty: str = "1"

    def on_start(self) -> None:
        self.watch(ID)

    def on_book(self, book: Book) -> None:
        while True:
            self.buy(ID, self.qty, "99")
            if self.how != "loop":
                break

    def on_order(self, order: Order) -> None:
        if self.how == "order" or (self.how == "accept" and order.state.name == "OPEN"):
            self.buy(ID, self.qty, "99")


COUNTS = ("max_open_orders", "max_open_orders_venue", "duplicate_window_ms", "max_gross_notional", "max_repeats")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "qty", "venue"),
    [
        ("loop", "1", "hand"),
        ("order", "0", "hand"),  # denied, tried again, denied
        ("accept", "1", "hand"),  # accepted at once, the next one sent, accepted
        ("accept", "1", "sim"),
    ],
)
def test_orders_without_end_at_one_moment_end_the_strategy_not_the_run(how, qty, venue):
    limits = dict.fromkeys(COUNTS) | {"max_position": None}
    runaway = Runaway(how=how, qty=qty)
    bench = Bench(runaway, ID, lot="0.1", on_error="halt_strategy", limits=limits, venue=venue, accepts=True)
    bench.book(BOOK)
    (failure,) = bench.core.failures
    assert isinstance(failure.error, TickwrightError)
    bound = f"expected fewer than {DENIED_MAX} denials within a second" if qty == "0" else f"at most {ASKED_MAX} orders"
    assert bound in str(failure.error)
    assert len(bench.sent) + len(bench.denied) <= ASKED_MAX


@pytest.mark.slow
def test_the_bound_on_orders_is_of_one_moment_only():
    @define(kw_only=True)
    class Busy(Strategy):
        def on_start(self) -> None:
            self.every("1s")

        def on_timer(self, name: str) -> None:
            for _ in range(ASKED_MAX * 6 // 10):
                self.buy(ID, "0.1", "99")

    bench = Bench(Busy(), ID, lot="0.1", limits=dict.fromkeys(COUNTS) | {"max_position": None}, accepts=True)
    bench.book(BOOK)
    bench.advance("2s")
    assert len(bench.sent) > ASKED_MAX
    assert bench.core.failures == []
