"""When a strategy is called, with what, and in which order."""

from attrs import define, field

from tickwright import Book, Fill, Order, OrderState, Strategy, Trade
from tickwright.engine.times import interval_ns
from tickwright.strategies.testing import Bench

ID = "BTC/CHF.TDX"
BOOK = "99 x 2, 98.5 x 5 | 100 x 1, 100.5 x 3"


@define(kw_only=True)
class Diary(Strategy):
    """Writes down what it hears; what it does about it is a test's `then`, by handler."""

    watches: dict[str, object] = field(factory=dict)
    then: dict[str, object] = field(factory=dict)
    said: list[tuple[object, ...]] = field(factory=list, init=False)

    def on_start(self) -> None:
        self.say("start", self.now)
        for instrument in self.instruments:
            self.watch(instrument, **({"book": "every"} | self.watches))  # type: ignore[arg-type]

    def on_book(self, book: Book) -> None:
        self.say("book", book.bid, book.ask)

    def on_trade(self, trade: Trade) -> None:
        self.say("trade", trade.side.name, trade.size, trade.price)

    def on_order(self, order: Order) -> None:
        self.say("order", order.client_order_id, order.state.name)

    def on_fill(self, order: Order, fill: Fill) -> None:
        self.say("fill", order.client_order_id, fill.qty, fill.price)

    def on_timer(self, name: str) -> None:
        self.say("timer", name)

    def on_stop(self) -> None:
        self.say("stop")

    def say(self, what: str, *more: object) -> None:
        self.said.append((what, *more))
        if what in self.then:
            self.then[what](self)  # type: ignore[operator]

    def heard(self, *kinds: str) -> list[tuple[object, ...]]:
        """What was said since the last call, of some kinds or all."""
        found = [each for each in self.said if not kinds or each[0] in kinds]
        self.said.clear()
        return found


def once(what):
    """Do something the first time only."""
    done = []

    def act(strategy):
        if not done:
            done.append(True)
            what(strategy)

    return act


def make(then=None, instruments=ID, **watches):
    diary = Diary(watches=watches, then=then or {})
    return diary, Bench(diary, instruments, tick="0.5", lot="0.1", limits={"duplicate_window_ms": None})


def buy(strategy):
    return strategy.buy(ID, "1", "99")


# --- on_start and on_stop -------------------------------------------------------------------------------------------


def test_on_start_comes_first_and_on_stop_last():
    diary, bench = make()
    bench.book(BOOK)
    bench.stop()
    assert [each[0] for each in diary.heard()] == ["start", "book", "stop"]


def test_orders_asked_for_in_on_stop_lapse_without_a_trace():
    diary, bench = make({"stop": buy})
    bench.book(BOOK)
    bench.stop()
    assert (bench.sent, bench.denied) == ([], [])
    assert diary.heard("order") == []


def test_orders_in_on_start_are_denied_since_there_is_no_book_yet():
    _, bench = make({"start": buy})
    (order,) = bench.denied
    assert "REFERENCE_MISSING" in order.denial.codes


# --- orders and fills -----------------------------------------------------------------------------------------------


def test_on_order_comes_before_on_fill_and_both_see_the_new_position():
    seen = []
    note = {kind: lambda strategy: seen.append(strategy.position(ID).qty) for kind in ("order", "fill")}
    diary, bench = make({"book": once(buy)} | note)
    bench.book(BOOK)
    (order,) = bench.sent
    bench.accept(order)
    diary.heard()
    seen.clear()
    bench.fill(order, "0.4")
    bench.fill(order)
    assert diary.heard() == [
        ("order", "t-1", "PARTIALLY_FILLED"),
        ("fill", "t-1", 0.4, 99.0),
        ("order", "t-1", "FILLED"),
        ("fill", "t-1", 0.6, 99.0),
    ]
    assert seen == [0.4, 0.4, 1.0, 1.0]


def test_every_end_of_an_order_is_told():
    diary, bench = make({"book": buy})
    ends = {
        bench.reject: ["REJECTED"],
        bench.expire: ["EXPIRED"],
        bench.canceled: ["CANCELED"],
    }
    for end, states in ends.items():
        bench.book(BOOK)
        diary.heard()
        end(bench.sent[-1])
        assert [each[2] for each in diary.heard("order")] == states
        assert bench.sent[-1].terminal


def test_a_cancel_that_the_venue_refuses_puts_the_order_back():
    diary, bench = make({"book": once(buy), "timer": lambda s: s.cancel(s.orders[0])})
    diary.at(bench.now + 1, "x")
    bench.book(BOOK)
    (order,) = bench.sent
    bench.accept(order)
    bench.advance("1ms")
    assert bench.cancels == [order]
    assert order.state is OrderState.PENDING_CANCEL
    bench.refuse_cancel(order)
    assert order.is_open
    assert bench.open == [order]


def test_a_denial_is_told_after_the_handler_has_returned_with_its_code():
    states = []

    def ask(strategy):
        order = strategy.buy(ID, "0.15", "99")
        states.append((order.state, order.denial))
        strategy.said.append(("returned",))

    diary, bench = make({"book": once(ask)})
    diary.heard()
    bench.book(BOOK)
    assert states == [(OrderState.PENDING_SEND, None)]
    assert diary.heard() == [("book", 99.0, 100.0), ("returned",), ("order", "t-1", "DENIED")]
    (order,) = bench.denied
    assert (order.denial.code, order.sent) == ("QTY_OFF_LOT", False)
    assert "0.15" in order.denial.text


def test_what_is_asked_for_in_on_order_and_on_fill_is_sent_too():
    diary, bench = make({"book": once(buy), "fill": lambda s: s.sell(ID, "1", "101")})
    bench.book(BOOK)
    bench.fill(bench.sent[0])
    assert [(order.side.name, order.price) for order in bench.sent] == [("BUY", 99.0), ("SELL", 101.0)]
    assert diary.heard("order")[-1] == ("order", "t-2", "PENDING_NEW")


# --- books ----------------------------------------------------------------------------------------------------------


def test_every_message_wakes_a_watch_of_every_and_only_the_touch_a_watch_of_the_touch():
    every, first = make(book="every")
    touch, second = make(book="touch")
    for bench in (first, second):
        bench.book("99 x 2 | 100 x 1")
        bench.book("99 x 2 | 100 x 1")  # a message that changes nothing
        bench.book("99 x 7 | 100 x 1")  # the size at the touch is not the touch
        bench.book("99 x 7, 98 x 1 | 100 x 1")
        bench.book("99 x 7 | 100.5 x 1")
    assert len(every.heard("book")) == 5
    assert touch.heard("book") == [("book", 99.0, 100.0), ("book", 99.0, 100.5)]


def test_an_interval_wakes_at_most_once_in_it_and_only_after_a_change():
    diary, bench = make(book="100ms")
    bench.advance("1s")
    assert diary.heard("book") == []
    bench.book("99 x 2 | 100 x 1")
    bench.book("99 x 2 | 101 x 1")
    assert diary.heard("book") == []
    bench.advance("99ms")
    assert diary.heard("book") == []
    bench.advance("1ms")
    assert diary.heard("book") == [("book", 99.0, 101.0)]
    bench.advance("1s")
    assert diary.heard("book") == []


def test_a_book_of_one_side_wakes_only_those_who_ask_and_shows_none():
    diary, bench = make()
    bench.book("99 x 2 | -")
    assert diary.heard("book") == []
    diary, bench = make(one_sided=True)
    bench.book("99 x 2 |")
    bench.book("| 100 x 2")
    bench.book("|")
    assert diary.heard("book") == [("book", 99.0, None), ("book", None, 100.0), ("book", None, None)]


def test_a_touch_of_one_side_wakes_when_it_moves_and_when_the_other_comes_back():
    diary, bench = make(book="touch", one_sided=True)
    for text in ("99 x 2 | 100 x 1", "99 x 2 |", "99 x 3 |", "98 x 3 |", "98 x 3 | 100 x 1"):
        bench.book(text)
    assert diary.heard("book") == [
        ("book", 99.0, 100.0),
        ("book", 99.0, None),
        ("book", 98.0, None),
        ("book", 98.0, 100.0),
    ]


def test_a_crossed_book_wakes_nobody():
    diary, bench = make(one_sided=True)
    bench.book("100 x 2 | 99 x 2")
    assert diary.heard("book") == []


def test_a_later_watch_takes_the_place_of_the_earlier_one():
    diary, bench = make(book="100ms")
    bench.book(BOOK)
    diary.watch(ID, book="touch")
    bench.advance("1s")
    assert diary.heard("book") == []
    bench.book("98 x 1 | 100 x 1")
    assert len(diary.heard("book")) == 1


def test_trades_are_told_to_those_who_watch_them():
    diary, bench = make(book=None, trades=True)
    bench.book(BOOK)
    bench.trade("buy 1 @ 100")
    bench.trade("sell 0.3 @ 99")
    diary.watch(ID, book="every")
    bench.trade("sell 0.3 @ 99")
    assert diary.heard("book", "trade") == [("trade", "BUY", 1.0, 100.0), ("trade", "SELL", 0.3, 99.0)]


# --- time -----------------------------------------------------------------------------------------------------------


def test_timers_fire_in_order_of_time_then_of_asking():
    diary, bench = make()
    diary.heard()
    began = bench.now
    diary.every("1s", "beat")
    diary.at(began + interval_ns("2s"), "once")
    diary.at("2024-01-02T00:00:02Z", "text")
    times = []
    diary.then["timer"] = lambda strategy: times.append(strategy.now - began)
    bench.advance("2999ms")
    assert diary.heard() == [("timer", "beat"), ("timer", "once"), ("timer", "text"), ("timer", "beat")]
    assert times == [10**9, 2 * 10**9, 2 * 10**9, 2 * 10**9]
    bench.advance("1ms")
    assert diary.heard() == [("timer", "beat")]


def test_time_stands_still_within_a_handler_and_never_goes_back():
    diary, bench = make({"book": lambda s: s.said.append(("now", s.now))})
    bench.book(BOOK)
    bench.advance("5ms")
    bench.book(BOOK)
    first, second = (each[1] for each in diary.heard("now"))
    assert second - first == 5_000_000


# --- several strategies, several markets ----------------------------------------------------------------------------


def test_strategies_have_their_own_positions_orders_limits_and_attribution():
    one, two = Diary(then={"book": once(buy)}), Diary(then={"book": once(buy)})
    limits = {"duplicate_window_ms": None, "strategy:two": {"max_order_qty": "0.5"}}
    bench = Bench({"one": one, "two": two}, ID, tick="0.5", lot="0.1", limits=limits)
    bench.book(BOOK)
    (order,), (denied,) = bench.sent, bench.denied
    assert (order.strategy, denied.strategy) == ("one", "two")
    assert (denied.denial.code, denied.denial.scope) == ("MAX_ORDER_QTY", "strategy two")
    assert (one.orders, two.orders) == ([order], [])
    two.heard()
    bench.fill(order)
    assert two.heard() == []
    held = [bench.position(strategy=name).qty for name in ("one", "two")] + [bench.position().qty]
    assert held == [1.0, 0.0, 1.0]
    assert (one.position(ID).qty, two.position(ID).qty) == (1.0, 0.0)


def test_two_markets_are_told_apart_and_cancel_all_reaches_one_or_all():
    other = "ETH/CHF.TDX"
    diary, bench = make(instruments=[ID, other])
    bench.book(BOOK, ID)
    bench.book(BOOK, other)
    diary.then["timer"] = lambda s: [s.buy(ID, "1", "99"), s.buy(other, "1", "99"), s.buy(other, "2", "98")]
    diary.at(bench.now + 1)
    bench.advance("1ms")
    first, second, third = bench.sent
    diary.then["timer"] = lambda s: s.cancel_all(other)
    diary.at(bench.now + 1)
    bench.advance("1ms")
    assert bench.cancels == [second, third]
    diary.then["timer"] = lambda s: s.cancel_all()
    diary.at(bench.now + 1)
    bench.advance("1ms")
    assert bench.cancels == [second, third, first]
