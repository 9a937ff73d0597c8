"""The mailbox: order of arrival while the core keeps up, one entry a book once it is behind, nothing else ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwright.engine.errors import LocalError
from tickwright.engine.events import BookChanged, BookLost, Event, OrderAccepted, Traded
from tickwright.engine.mailbox import MERGE_FROM, MOST, Mailbox
from tickwright.engine.terms import Health, Side

IDS = ("A.X", "B.X")


def book(id: str, *changes: tuple[int, int, int], snapshot: bool = False, ts: int = 1) -> BookChanged:
    return BookChanged(instrument=id, changes=changes, snapshot=snapshot, ts=ts)


def trade(n: int) -> Traded:
    return Traded(instrument="A.X", taker=Side.BUY, ticks=n, lots=1, ts=n)


def test_what_arrives_is_taken_in_order() -> None:
    box = Mailbox()
    events: list[Event] = [book("A.X", (1, 5, 1)), trade(1), book("A.X", (1, 5, 2)), trade(2)]
    for event in events:
        box.put(event)
    assert [box.take() for _ in events] == events
    assert box.merged == 0


def behind() -> Mailbox:
    box = Mailbox()
    for n in range(MERGE_FROM):
        box.put(trade(n))
    return box


def rest(box: Mailbox) -> list[Event]:
    return [box.take() for _ in range(len(box))][MERGE_FROM:]


def test_behind_the_newest_quantity_of_a_level_wins_at_the_place_of_the_first() -> None:
    box = behind()
    accepted = OrderAccepted(client_order_id="a", venue_order_id="v", ts=5)
    box.put(book("A.X", (1, 5, 1), (1, 4, 1)))
    box.put(book("B.X", (1, 5, 9)))
    box.put(accepted)
    box.put(book("A.X", (1, 5, 0), (-1, 7, 3), ts=8))
    assert rest(box) == [book("A.X", (1, 5, 0), (1, 4, 1), (-1, 7, 3), ts=8), book("B.X", (1, 5, 9)), accepted]
    assert box.merged == 1


def test_a_snapshot_takes_the_place_of_what_waited_and_a_lost_book_ends_the_merging() -> None:
    box = behind()
    lost = BookLost(instrument="A.X", health=Health.GAPPED, reason="gap", ts=3)
    box.put(book("A.X", (1, 5, 1)))
    box.put(book("A.X", (1, 9, 2), snapshot=True))
    box.put(lost)
    box.put(book("A.X", (1, 8, 1), snapshot=True))
    assert rest(box) == [book("A.X", (1, 9, 2), snapshot=True), lost, book("A.X", (1, 8, 1), snapshot=True)]


def test_full_says_so() -> None:
    box = Mailbox()
    for n in range(MOST):
        assert not box.full
        box.put(trade(n))
    assert box.full
    box.take()
    assert not box.full


changes = st.tuples(st.sampled_from((1, -1)), st.integers(1, 4), st.integers(0, 3))
books = st.builds(lambda id, *all: book(id, *all), st.sampled_from(IDS), changes, changes)


@given(st.lists(st.one_of(books, st.builds(trade, st.integers(1, 9))), max_size=80))
def test_merged_or_not_the_books_end_the_same_and_every_trade_arrives(events: list[Event]) -> None:
    box = behind()
    for event in events:
        box.put(event)
    assert final(rest(box)) == final(events)


def final(events: list[Event]) -> tuple[dict[tuple[str, int, int], int], list[Event]]:
    levels: dict[tuple[str, int, int], int] = {}
    trades: list[Event] = []
    for event in events:
        if isinstance(event, BookChanged):
            for side, ticks, lots in event.changes:
                levels[event.instrument, side, ticks] = lots
        else:
            trades.append(event)
    return levels, trades


@pytest.mark.parametrize("health", [Health.LIVE, Health.ONE_SIDED, Health.CROSSED])
def test_a_book_is_lost_only_as_what_levels_cannot_mend(health: Health) -> None:
    with pytest.raises(LocalError, match="expected a book SYNCING, GAPPED or STALE"):
        BookLost(instrument="A.X", health=health, reason="crossed", ts=3)
