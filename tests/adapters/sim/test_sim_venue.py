"""The simulated venue as the engine meets it: time both ways, order of messages, chance, and the engine's port."""

import random
from collections.abc import Callable

import pytest
from street import INSTRUMENT, SECOND, Ears, Street

from tickwright.adapters.sim.latency import LONGEST_NS, Fixed, LogNormal
from tickwright.adapters.sim.lines import Pipe
from tickwright.adapters.sim.matching import Matcher
from tickwright.adapters.sim.tickets import Desk, Ticket
from tickwright.adapters.sim.venue import SimVenue
from tickwright.engine.book import Book
from tickwright.engine.compiled import why_interpreted
from tickwright.engine.errors import TickwrightError
from tickwright.engine.order import new_order
from tickwright.engine.terms import BUY, NO_TIME, SELL

Make = Callable[..., Street]
MS = 1_000_000


def test_a_command_takes_its_time_there_and_a_report_its_time_back(make_street: Make) -> None:
    street = make_street(to_venue=Fixed(3 * MS), to_client=Fixed(2 * MS))
    street.order("a", BUY, 5, 100)
    assert street.venue.next_due == SECOND + 3 * MS
    street.tick(SECOND + 5 * MS - 1)
    assert street.said() == []
    assert street.venue.next_due == SECOND + 5 * MS
    street.tick(SECOND + 9 * MS)
    assert street.said() == [("accepted", "a", "S1", SECOND + 5 * MS)]
    assert street.venue.next_due == NO_TIME


def test_an_order_meets_the_book_as_it_is_on_arrival(make_street: Make) -> None:
    street = make_street(to_venue=Fixed(3 * MS))
    street.order("a", BUY, 5, 101, tif="IOC")
    street.level(-1, 101, 2, SECOND + 2 * MS)
    street.level(-1, 101, 0, SECOND + 4 * MS)
    assert street.fills() == [(2, 101)]


def test_a_fill_may_overtake_a_cancel_that_is_under_way(make_street: Make) -> None:
    street = make_street("optimistic", to_venue=Fixed(3 * MS), to_client=Fixed(2 * MS))
    street.order("a", BUY, 5, 100)
    street.tick(SECOND + 10 * MS)
    street.cancel("a", 1)
    street.trade(SELL, 100, 5, SECOND + 12 * MS)
    street.tick(SECOND + 20 * MS)
    assert [line[0] for line in street.said("a")] == ["accepted", "executed", "cancel_refused"]
    assert street.last("a")[2] == 5


def test_nothing_is_delivered_inside_a_command(street: Street) -> None:
    street.send("a", BUY, 5, 101)
    assert street.said() == []
    street.tick(None)
    assert street.filled() == 5


def test_instant_says_whether_anything_takes_time(make_street: Make) -> None:
    assert make_street().venue.instant
    assert not make_street(to_venue=Fixed(1)).venue.instant
    assert not make_street(to_client=LogNormal(1000, 0.5, random.Random(1))).venue.instant


def test_at_one_time_expiries_come_first_then_commands_then_reports(make_street: Make) -> None:
    street = make_street(to_venue=Fixed(MS))
    street.order("a", BUY, 5, 100, tif="GTD", expire_ts=SECOND + 5 * MS)
    street.tick(SECOND + 4 * MS)
    street.cancel("a", 1)  # arrives in the nanosecond in which the order ends
    street.order("b", BUY, 5, 99)
    street.tick(SECOND + 5 * MS)
    assert [line[:2] for line in street.said()] == [
        ("accepted", "a"),
        ("expired", "a"),
        ("cancel_refused", "a"),
        ("accepted", "b"),
    ]


class Answering(Ears):
    """Sends another order when it hears that the first was accepted."""

    street: Street

    def accepted(self, client_order_id: str, venue_order_id: str, ts: int) -> None:
        super().accepted(client_order_id, venue_order_id, ts)
        if client_order_id == "a":
            self.street.now = ts
            self.street.send("b", BUY, 1, 99)


@pytest.mark.parametrize("delay", [0, MS])
def test_an_answer_to_a_report_joins_the_same_round(delay: int) -> None:
    ears = Answering()
    street = Street(ears=ears, to_venue=Fixed(delay), to_client=Fixed(delay))
    ears.street = street
    street.send("a", BUY, 1, 99)
    street.venue.advance(SECOND + 10 * MS)
    assert [(line[1], line[3]) for line in street.said()] == [("a", SECOND + 2 * delay), ("b", SECOND + 4 * delay)]


def test_jitter_never_lets_a_message_overtake() -> None:
    street = Street(to_venue=LogNormal(MS, 1.5, random.Random(3)), to_client=LogNormal(MS, 1.5, random.Random(4)))
    names = [f"o{i}" for i in range(300)]
    for i, name in enumerate(names):
        street.now = SECOND + i * 2 * MS
        street.send(name, BUY, 1, 99)
    street.tick(100 * SECOND)
    assert [line[1] for line in street.said()] == names
    times = [line[-1] for line in street.said()]
    assert times == sorted(times)  # type: ignore[type-var]
    assert 40 <= len(set(times)) < 300  # some had to wait for the one before


def test_log_normal_delays_have_the_median_that_was_asked_for() -> None:
    latency = LogNormal(5 * MS, 0.5, random.Random(7))
    drawn = sorted(latency.draw() for _ in range(4001))
    assert 0.95 < drawn[2000] / (5 * MS) < 1.05
    assert 2.8 < drawn[3960] / (5 * MS) < 3.7
    assert LogNormal(LONGEST_NS, 5.0, random.Random(1)).draw() <= LONGEST_NS
    again = LogNormal(5 * MS, 0.5, random.Random(7))
    assert drawn == sorted(again.draw() for _ in range(4001))


@pytest.mark.parametrize(
    "make", [lambda: Fixed(-1), lambda: LogNormal(0, 1, random.Random(1)), lambda: LogNormal(1, -1, random.Random(1))]
)
def test_impossible_latencies_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(TickwrightError, match="latency: expected"):
        make()


def test_rejects_come_by_chance_and_by_seed() -> None:
    def run(seed: int) -> list[tuple[object, ...]]:
        street = Street(reject_probability=0.25, random=random.Random(seed))
        for i in range(400):
            street.order(f"o{i}", BUY, 1, 99)
        return street.said()

    said = run(5)
    refused = [line for line in said if line[0] == "refused"]
    assert 70 < len(refused) < 130
    assert {line[2] for line in refused} == {"simulated_reject"}
    assert run(5) == said
    assert run(6) != said


@pytest.mark.parametrize("settings", [{"queue": "front"}, {"reject_probability": 1.5}, {"reject_probability": 0.5}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(TickwrightError, match="simulator: expected"):
        Street(**settings)  # type: ignore[arg-type]


def test_a_runaway_ends_the_run() -> None:
    pipe = Pipe(Fixed(MS), longest=64)
    for _ in range(64):
        pipe.put(SECOND)
    with pytest.raises(TickwrightError, match="at most 64 messages under way, received one more"):
        pipe.put(SECOND)


def test_the_ring_grows_in_order(make_street: Make) -> None:
    street = make_street(to_venue=Fixed(MS))
    for i in range(50):
        street.send(f"o{i}", BUY, 1, 99)
    street.tick(SECOND + MS)
    for i in range(50, 250):
        street.send(f"o{i}", BUY, 1, 99)
    street.tick(SECOND + 2 * MS)
    assert [line[1] for line in street.said()] == [f"o{i}" for i in range(250)]


def test_finished_orders_are_remembered_up_to_a_bound() -> None:
    ears = Ears()
    desk = Desk(ears, max_open=2, kept=20)
    matcher = Matcher(Book(INSTRUMENT), desk)

    def submit(name: str) -> None:
        ticket = Ticket()
        ticket.client_order_id = name
        ticket.side, ticket.ticks, ticket.lots = BUY, 90, 1
        matcher.submit(ticket, SECOND, 1)

    submit("stays")
    for i in range(60):
        submit(f"o{i}")
        matcher.cancel(desk.find(f"o{i}"), SECOND)
    known = [i for i in range(60) if desk.find(f"o{i}") is not None]
    assert known == list(range(known[0], 60))
    assert 20 <= len(known) <= 44
    assert desk.find("stays").live
    desk.cancel_unknown("o0", 1, SECOND)
    desk.cancel_unknown("o59", 2, SECOND)
    assert ears.said[-2:] == [("cancel_refused", "o0", 1, -1, 1, SECOND), ("cancel_refused", "o59", 0, 0, 2, SECOND)]


def test_markets_are_apart_and_may_belong_to_other_venues() -> None:
    ears = Ears()
    books = [Book(INSTRUMENT, 0), None, Book(INSTRUMENT, 2)]
    venue = SimVenue(ears, books)
    for market, name in enumerate("abc"):
        ticket = Ticket()
        ticket.client_order_id = name
        ticket.side, ticket.ticks, ticket.lots = BUY, 100, 1
        venue.send_order(ticket, market, SECOND)
    venue.advance(SECOND)
    assert [line[:2] for line in ears.said] == [("accepted", "a"), ("refused", "b"), ("accepted", "c")]
    assert list(venue.resting) == [1, 0, 1]
    venue.trade(2, SELL, 99, 1, SECOND, 1)
    venue.advance(SECOND)
    assert ears.said[-1][:2] == ("executed", "c")
    assert list(venue.resting) == [1, 0, 0]
    assert [venue.position_lots(market) for market in range(3)] == [0, 0, 1]


@pytest.mark.skipif(not why_interpreted(), reason="a compiled order is written by the order manager alone")
def test_the_engines_order_record_becomes_a_ticket() -> None:
    street = Street().show({100: 10}, {101: 10})
    order = new_order(street.book, "a", 1)
    order.side_code = BUY
    order.ticks = 101
    order.lots = 4
    street.venue.submit(order, SECOND)
    street.venue.cancel(order, 3, SECOND)
    street.venue.advance(SECOND)
    assert [line[0] for line in street.said("a")] == ["accepted", "executed", "cancel_refused"]
    assert street.fills("a") == [(4, 101)]


def test_draining_to_the_end_of_time_ends(street: Street) -> None:
    street.order("a", BUY, 1, 100, tif="GTD", expire_ts=2 * SECOND)
    street.venue.advance(NO_TIME)
    assert street.last("a") == ("expired", 0)
