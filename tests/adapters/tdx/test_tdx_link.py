"""The connection as a value machine: books in sequence, channels through their life."""

import json
from decimal import Decimal
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.adapters.tdx.codec import Codec
from tickwright.adapters.tdx.link import Link
from tickwright.adapters.tdx.messages import (
    CancelOnDisconnect,
    Confirmed,
    Depth,
    Pair,
    Subscribe,
    Unsubscribe,
)
from tickwright.adapters.tdx.notices import (
    LoginWanted,
    SubscriptionFailed,
)
from tickwright.adapters.tdx.sequence import Bare, BookGap, BookSequence, Gaps, Step
from tickwright.adapters.tdx.subscription import NEXT, Phase, Signal, Subscription
from tickwright.adapters.tdx.topics import LEVELS, SPEEDS_MS, depth_topic, parse_topic
from tickwright.engine.errors import LocalError, SequenceGap
from tickwright.engine.events import (
    BookChanged,
    BookLost,
    LinkChanged,
    Traded,
)
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import BUY, NO_TIME, SELL, Health, Side
from tickwright.engine.times import SECOND

SUB = "8cc80065-6679-4426-9f96-d7023220226c"
PAIR = "9e8d7c6b-5a49-4382-9170-6f5e4d3c2b1a"
ORDERS = f"{SUB}@subaccount-orders"
TRADES = "ETH/CHF@trades"
DEPTH = "ETH/CHF@depth@100ms"
ETH = Instrument(id="ETH/CHF.TDX", tick_size=Decimal("0.5"), lot_size=Decimal("0.01"), base="ETH", quote="CHF")
TOKEN = "token-canary"


def frame(topic: str, event: str, data: object = None) -> str:
    said = {"t": topic, "e": event}
    return json.dumps(said if data is None else {**said, "d": data})


def book(first: int, last: int | None = None, bids=(), asks=(), event: str = "orderbook") -> str:
    data = {"u": first, "b": [list(level) for level in bids], "a": [list(level) for level in asks]}
    return frame(DEPTH, event, data if last is None else {**data, "U": last})


def make(*topics: str, **options) -> Link:
    link = Link(venue="TDX", pairs=[Pair(ETH, PAIR)], topics=topics, sub_account_id=SUB, **options)
    link.authorize(TOKEN, 3600 * SECOND, 0)
    assert link.opened(0) == [LinkChanged(venue="TDX", up=True, ts=0)]
    return link


def sent(link: Link, at: int) -> list[tuple[str, str]]:
    frames = [json.loads(text) for text in link.outgoing(at)]
    return [(said["e"].removeprefix("tdx:"), said["t"]) for said in frames]


def live() -> Link:
    link = make(DEPTH)
    assert sent(link, 0) == [("subscribe", DEPTH)]
    link.receive(frame(DEPTH, "tdx:subscription_received"), 1)
    assert link.receive(book(900, bids=[("3100", "4"), ("3099", "0")], asks=[("3101", "0.8")]), 2) == [
        BookChanged(instrument=ETH.id, changes=((BUY, 6200, 400), (SELL, 6202, 80)), snapshot=True, ts=2)
    ]
    assert link.due() == NO_TIME
    return link


# Topics


def test_every_level_and_speed_and_their_combinations_are_topics():
    every = product((None, *LEVELS), (None, *SPEEDS_MS))
    names = {depth_topic("ETH/CHF", levels=cut, speed_ms=pace) for cut, pace in every}
    assert len(names) == 25
    assert {"ETH/CHF@depth", "ETH/CHF@depth50@500ms", "ETH/CHF@depth500", "ETH/CHF@depth@5000ms"} <= names
    for name in names:
        link = make()
        assert json.loads(link.send(Subscribe(topic=name), 0)) == {"e": "tdx:subscribe", "t": name}


@pytest.mark.parametrize(
    "name",
    [
        "", "ETH@trades", "ETH/CHF@depth20", "ETH/CHF@depth@200ms", "ETH/CHF@@trades", "ETH/CHF@trades\n",
        "ETHEREUMETH/CHF@trades", "\u00c9TH/CHF@trades", f"{SUB}@@subaccount-orders", f"{SUB[:-1]}@subaccount-orders",
        "x@balances", "*@prices@best",
    ],
)  # fmt: skip
def test_what_is_no_topic_is_never_sent(name):
    assert parse_topic(name) is None
    with pytest.raises(LocalError, match="expected a topic"):
        make().send(Subscribe(topic=name), 0)


def test_one_book_has_one_channel_and_a_known_pair():
    with pytest.raises(LocalError, match="one channel of its book"):
        live().send(Subscribe(topic="ETH/CHF@depth50@500ms"), 3)
    with pytest.raises(LocalError, match="a pair of the config"):
        make("BTC/CHF@depth@100ms")


# The book


def test_updates_in_sequence_change_the_book_and_repeats_do_not():
    link = live()
    change = BookChanged(instrument=ETH.id, changes=((BUY, 6200, 0), (SELL, 6202, 100)), ts=3)
    assert link.receive(book(901, 904, bids=[("3100", "0")], asks=[("3101", "1")]), 3) == [change]
    assert link.receive(book(901, 904, bids=[("3100", "9")]), 4) == []
    assert len(link.receive(book(903, 906, bids=[("3100", "9")]), 5)) == 1
    assert len(link.receive(frame(DEPTH, "orderbook", {"u": 907, "U": 907, "b": None}), 6)) == 1
    statistics = link.statistics()
    assert (statistics.stale, statistics.overlaps, statistics.gaps, statistics.books_live) == (1, 1, 0, 1)


def test_a_gap_loses_the_book_at_once_and_reads_it_anew_once():
    link = live()
    lost = link.receive(book(905, 906, bids=[("3100", "9")]), 10)
    assert lost == [
        BookLost(
            instrument=ETH.id,
            health=Health.GAPPED,
            reason="ETH/CHF.TDX: expected sequence 901, received 905; the book is read anew",
            ts=10,
        )
    ]
    (gap,) = link.take_notices()
    assert isinstance(gap, SequenceGap)
    assert (gap.expected, gap.received) == (901, 905)
    assert sent(link, 10) == [("unsubscribe", DEPTH)]
    for at in range(11, 20):  # updates meanwhile neither change anything nor ask for anything
        assert link.receive(book(1000 * at, 1000 * at + 1), at) == []
        assert sent(link, at) == []
    assert link.statistics().renewing == 1
    link.receive(frame(DEPTH, "tdx:unsubscribe_succeeded"), 20)
    assert sent(link, 20) == [("subscribe", DEPTH)]
    link.receive(frame(DEPTH, "tdx:subscription_received"), 21)
    (whole,) = link.receive(book(50, bids=[("3100", "1")]), 22)
    assert whole.snapshot
    assert len(link.receive(book(51, 52), 23)) == 1
    assert link.statistics().renewals == 1


def test_a_lost_unsubscribe_reply_costs_two_seconds_and_a_lost_book_ten():
    link = live()
    link.receive(book(990, 991), 10)
    assert sent(link, 10) == [("unsubscribe", DEPTH)]
    assert link.due() == 10 + 2 * SECOND
    assert sent(link, link.due()) == [("subscribe", DEPTH)]
    at = link.due()
    assert at == 10 + 12 * SECOND
    link.receive(frame(DEPTH, "tdx:subscription_received"), at - 1)
    assert link.due() == at - 1 + 10 * SECOND
    assert sent(link, link.due()) == [("unsubscribe", DEPTH)]


def test_a_periodic_snapshot_heals_a_book_whose_renewal_waits():
    link = live()
    link.receive(book(990, 991), 10)
    sent(link, 10)
    link.receive(frame(DEPTH, "tdx:unsubscription_succeeded"), 11)
    sent(link, 11)
    link.receive(book(1000), 12)
    link.receive(book(2000, 2001), 13)  # lost again within seconds: the next renewal waits
    assert sent(link, 13) == []
    assert link.due() == 13 + SECOND // 2
    assert link.receive(book(3000), 14)[0].snapshot
    assert link.due() == NO_TIME


def test_a_whole_book_during_a_renewal_is_taken_and_lost_again_when_the_channel_ends():
    link = live()
    link.receive(book(990, 991), 10)
    sent(link, 10)
    assert link.receive(book(1000), 11)[0].snapshot
    lost = link.receive(frame(DEPTH, "tdx:unsubscription_succeeded"), 12)
    assert [event.health for event in lost] == [Health.SYNCING]
    assert sent(link, 12) == [("subscribe", DEPTH)]


def test_an_unreadable_book_message_loses_the_book():
    link = live()
    (lost,) = link.receive(book(901, 902, bids=[("3100.1", "1")]), 10)
    assert isinstance(lost, BookLost)
    assert "d.b" in lost.reason
    assert sent(link, 10) == [("unsubscribe", DEPTH)]


def test_gaps_may_only_be_told_and_books_without_upper_bounds_may_be_changes():
    link = make(DEPTH, gaps=Gaps.LOG_ONLY, bare=Bare.DELTA_AFTER_FIRST)
    sent(link, 0)
    assert link.receive(book(10), 1)[0].snapshot
    assert not link.receive(book(11), 2)[0].snapshot
    assert not link.receive(book(15), 3)[0].snapshot
    (gap,) = link.take_notices()
    assert (gap.expected, gap.received) == (12, 15)


STEPS = st.lists(
    st.tuples(st.sampled_from(["whole", "update"]), st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=40
)


@given(STEPS)
@settings(max_examples=300)
def test_the_sequence_rules_equal_a_slow_model(steps):
    """The model keeps the set of all numbers that the book has seen, and trusts it while that set has no hole."""
    sequence = BookSequence(ETH.id)
    seen: set[int] | None = None
    for kind, first, more in steps:
        message = Depth(
            topic=DEPTH,
            instrument=ETH.id,
            first=first,
            last=None if kind == "whole" else first + more,
            named_update=False,
            changes=(),
        )
        covered = set(range(first, first + more + 1))
        if kind == "whole":
            seen = set(range(first + 1))
            expected = Step.REPLACE
        elif seen is None or covered <= seen:
            expected = Step.IGNORE
        elif (seen | covered) == set(range(first + more + 1)):
            seen |= covered
            expected = Step.CHANGE
        else:
            with pytest.raises(BookGap) as caught:
                sequence.take(message)
            assert (caught.value.expected, caught.value.received) == (max(seen) + 1, first)
            seen = None
            assert sequence.last is None
            continue
        assert sequence.take(message) is expected
        assert sequence.last == (None if seen is None else max(seen))


# Channels


def test_no_word_of_the_venue_is_outside_of_the_table():
    for phase, signal in product(Phase, (Signal.CONFIRMED, Signal.DATA, Signal.REFUSED, Signal.GONE, Signal.CLOSED)):
        if phase is not Phase.DONE:
            assert signal in NEXT[phase], f"{phase} does not say what {signal} does"
    subscription = Subscription(parse_topic(TRADES))
    with pytest.raises(LocalError, match="expected no LATE while OFFLINE"):
        subscription.signal(Signal.LATE, 0)


def test_a_silent_channel_is_asked_for_again_with_longer_pauses_and_told_after_three_tries():
    link = make(TRADES)
    asked = []
    at = 0
    while at < 200 * SECOND:
        asked += [at] * len(sent(link, at))
        at = link.due()
    pauses = [(later - earlier) // SECOND for earlier, later in pairwise(asked)]
    assert pauses[:6] == [11, 12, 15, 20, 40, 40]
    failures = [notice for notice in link.take_notices() if isinstance(notice, SubscriptionFailed)]
    assert [failure.tries for failure in failures] == list(range(3, 3 + len(failures)))
    link.receive(frame(TRADES, "trade", {"d": 1, "p": "1", "q": "1", "i": "a", "a": "BUY"}), at)
    assert link.statistics().subscriptions_active == 1
    assert link.due() == NO_TIME


@pytest.mark.parametrize("name", ["tdx:subscription_failed", "tdx:error", "subscriptionRejected", "tdx:UNAUTHORIZED"])
@pytest.mark.parametrize("topic", [TRADES, ""])
def test_a_refusal_by_any_name_fails_the_channel(name, topic):
    link = make(TRADES)
    sent(link, 0)
    link.receive(frame(topic, name, {"code": 404, "message": "unknown pair"}), 1)
    assert link.due() == 1 + SECOND
    assert sent(link, link.due()) == [("subscribe", TRADES)]


def test_a_wildcard_is_confirmed_under_the_name_of_a_pair():
    link = make("*@prices@market")
    sent(link, 0)
    link.receive(frame("BTC/USD@prices@market", "tdx:subscription_received"), 1)
    assert link.statistics().subscriptions_active == 1


def test_private_channels_wait_for_a_login_and_follow_each_new_token():
    link = Link(venue="TDX", pairs=[Pair(ETH, PAIR)], topics=[ORDERS, TRADES], sub_account_id=SUB)
    link.opened(0)
    assert sent(link, 0) == [("subscribe", TRADES)]
    assert not link.logged_in(0)
    with pytest.raises(LocalError, match="expected a login"):
        link.send(CancelOnDisconnect(), 0)
    link.authorize(TOKEN, 100 * SECOND, 0)
    assert link.refresh_at == 80 * SECOND
    assert link.logged_in(99 * SECOND)
    assert not link.logged_in(100 * SECOND)
    (text,) = link.outgoing(1)
    assert json.loads(text) == {"e": "tdx:subscribe", "t": ORDERS, "a": TOKEN}
    link.receive(frame(ORDERS, "tdx:subscription_received"), 2)
    link.authorize("second", 200 * SECOND, 80 * SECOND)
    (text,) = link.outgoing(80 * SECOND)
    assert json.loads(text)["a"] == "second"
    link.receive(frame(ORDERS, "tdx:subscription_failed", {"code": 401, "status": "UNAUTHENTICATED"}), 90 * SECOND)
    assert [type(notice) for notice in link.take_notices()] == [LoginWanted]


def test_a_lost_connection_loses_every_book_and_asks_for_every_channel_again():
    link = live()
    link.send(Subscribe(topic=TRADES), 3)
    lost, down = link.closed(5, "reset")
    assert (lost.health, down.up, down.reason) == (Health.STALE, False, "reset")
    with pytest.raises(LocalError, match="open link"):
        link.send(Subscribe(topic=TRADES), 6)
    assert link.due() == NO_TIME
    link.opened(10)
    assert sorted(sent(link, 10)) == [("subscribe", DEPTH), ("subscribe", TRADES)]
    assert link.receive(book(901, 902), 11) == []


def test_a_channel_that_was_left_is_not_asked_for_again():
    link = live()
    assert json.loads(link.send(Unsubscribe(topic=DEPTH), 3)) == {"e": "tdx:unsubscribe", "t": DEPTH}
    assert link.receive(book(901, 902), 4) == []
    link.receive(frame(DEPTH, "tdx:unsubscription_succeeded"), 5)
    assert link.statistics().subscriptions == 0
    link.closed(6, "end")
    link.opened(7)
    assert sent(link, 7) == []


def test_trades_come_once_in_either_edition_and_with_or_without_a_taker():
    link = make(TRADES)
    old = {"d": 1735689605123000000, "p": "3104.5", "q": "1.25", "i": "q6s1wq="}
    new = {"d": 1735689605123, "p": "3104.5", "q": "1.25", "i": "6c1e", "a": "SELL"}
    expected = Traded(
        instrument=ETH.id, taker=Side.SELL, ticks=6209, lots=125, trade_id="6c1e", ts=2, venue_ts=1735689605123000000
    )
    assert link.receive(frame(TRADES, "trade", new), 2) == [expected]
    assert link.receive(frame(TRADES, "trade", new), 3) == []
    (trade,) = link.receive(frame(TRADES, "trade", old), 4)
    assert isinstance(trade, Traded)
    assert (trade.taker, trade.ticks, trade.venue_ts) == (None, 6209, expected.venue_ts)
    assert link.statistics().trades_repeated == 1


@given(
    st.lists(st.tuples(st.sampled_from(["b", "a"]), st.integers(1, 10**12), st.integers(0, 10**12)), max_size=20),
    st.integers(0, 2**62),
    st.none() | st.integers(0, 1000),
)
@settings(max_examples=100)
def test_a_book_written_in_decimals_is_read_back_in_ticks_and_lots(levels, first, more):
    written: dict[str, list] = {"b": [], "a": []}
    for key, ticks, lots in levels:
        written[key].append((f"{ETH.price(ticks):f}", f"{ETH.qty(lots):f}"))
    last = None if more is None else first + more
    (message,) = Codec([Pair(ETH)]).decode(book(first, last, written["b"], written["a"]))
    assert isinstance(message, Depth)
    assert (message.first, message.last) == (first, last)
    expected = [(BUY if key == "b" else SELL, ticks, lots) for key, ticks, lots in levels]
    assert sorted(message.changes) == sorted(expected)


def test_a_confirmation_by_its_other_name_counts():
    (message,) = Codec([]).decode(frame(TRADES, "tdx:subscription_succeeded"))
    assert message == Confirmed(topic=TRADES)
