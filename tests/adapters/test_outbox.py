"""What leaves first, and when."""

from tickwright.adapters.outbox import Frame, Outbox, Rate


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
