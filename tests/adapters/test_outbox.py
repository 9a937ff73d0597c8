"""What leaves first, and when."""

from hypothesis import given
from hypothesis import strategies as st

from tickwright.adapters.outbox import NEVER, STALE_S, Frame, Outbox, Rate


def order(number: int) -> Frame:
    return Frame(text=f"new {number}", client_order_id=f"a-{number}")


def cancel(number: int) -> Frame:
    return Frame(text=f"cancel {number}", client_order_id=f"a-{number}", cancel=True)


def leave(outbox: Outbox, at: float) -> list[str]:
    found = []
    while (frame := outbox.take(at)) is not None:
        found.append(frame.text)
    return found


def test_two_hundred_cancels_leave_at_once_and_orders_wait_the_longer_for_it():
    outbox = Outbox(Rate(10))
    for number in range(200):
        outbox.put(cancel(number), 0.0)
    outbox.put(order(1000), 0.0)
    assert leave(outbox, 0.0) == [f"cancel {number}" for number in range(200)]
    assert leave(outbox, 1.0) == []
    assert leave(outbox, 1.1) == ["new 1000"]


def test_orders_keep_to_the_rate():
    outbox = Outbox(Rate(10))
    for number in range(20):
        outbox.put(order(number), 0.0)
    assert len(leave(outbox, 0.0)) == 10
    assert len(leave(outbox, 0.5)) == 5


def test_a_cancel_does_not_overtake_the_order_that_it_cancels():
    outbox = Outbox(Rate(10))
    outbox.put(order(1), 0.0)
    outbox.put(cancel(1), 0.0)
    outbox.put(cancel(2), 0.0)
    assert leave(outbox, 0.0) == ["cancel 2", "new 1", "cancel 1"]


def test_new_orders_and_the_rest_take_turns():
    outbox = Outbox(Rate(100))
    for number in range(3):
        outbox.put(Frame(text=f"other {number}"), 0.0)
        outbox.put(order(number), 0.0)
    assert leave(outbox, 0.0) == ["new 0", "other 0", "new 1", "other 1", "new 2", "other 2"]
    assert outbox.due(0.0) == NEVER


def test_a_full_outbox_refuses_new_orders_and_still_takes_cancels():
    outbox = Outbox(Rate(1), size_max=3)
    assert [outbox.put(order(number), 0.0) for number in range(5)] == [True] * 3 + [False] * 2
    assert [outbox.put(cancel(100 + number), 0.0) for number in range(8)] == [True] * 6 + [False] * 2
    assert [frame.text for frame in outbox.clear()][:6] == [f"cancel {100 + number}" for number in range(6)]
    assert len(outbox) == 0


def test_a_new_order_that_waited_too_long_does_not_leave():
    outbox = Outbox(Rate(1))
    for number, at in ((1, 0.0), (2, 0.0), (3, 0.5)):
        outbox.put(order(number), at)
    assert leave(outbox, 0.0) == ["new 1"]
    assert outbox.stale(STALE_S) == []
    assert [frame.text for frame in outbox.stale(STALE_S + 0.1)] == ["new 2"]
    assert leave(outbox, STALE_S + 0.1) == ["new 3"]


@given(st.integers(1, 50), st.lists(st.floats(0, 0.5), min_size=1, max_size=100))
def test_no_second_has_more_than_its_rate_and_what_was_saved(per_second, pauses):
    rate, at, taken = Rate(per_second), 0.0, []
    for pause in pauses:
        at += pause
        due = rate.due(at)
        assert rate.take(at) == (due <= at)
        if due <= at:
            taken.append(at)
    for begin in taken:
        assert sum(begin <= time < begin + 1 for time in taken) <= 2 * per_second + 1
