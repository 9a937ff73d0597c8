"""Every context with every sequence of events, and every order of arrival of sets of messages."""

import os
from collections.abc import Callable, Iterator
from itertools import permutations, product

import pytest
from orders_rig import CONTEXTS, EVENTS, PRICE, Rig, build

from tickwright.engine import marks as m
from tickwright.engine.terms import OrderState, Refusal

DEPTH = int(os.environ.get("TICKWRIGHT_DEPTH", "2"))
"""Two takes seconds, three takes minutes."""
LOCAL = {"SEND_START", "CANCEL_REQ", "REPLACE_REQ/12", "RECON_INCONCLUSIVE"}


@pytest.mark.slow
@pytest.mark.parametrize("context", CONTEXTS)
def test_every_sequence_of_events_keeps_the_books(context: str) -> None:
    """Position, sums and money agree; nothing is sent twice; nothing comes back to life in silence; twice is once."""
    for variant in range(len(CONTEXTS[context])):
        for names in product(EVENTS, repeat=DEPTH):
            rig = build(context, variant)
            for name in names:
                before = rig.order.terminal
                marks = EVENTS[name](rig)
                rig.check(names)
                assert not before or rig.order.terminal or marks & m.CRIT, names
            if names[-1] not in LOCAL:
                facts = rig.facts()
                rig.again()
                assert rig.facts() == facts, names


Message = Callable[[Rig], int]


def ack(rig: Rig) -> int:
    return rig.manager.ack(rig.order, "v1", rig.tick())


def reject(rig: Rig) -> int:
    return rig.manager.reject(rig.order, "no", rig.tick())


def trade(name: str, lots: int) -> Message:
    return lambda rig: rig.fill(lots, name)


def canceled(stated: int) -> Message:
    return lambda rig: rig.manager.cancel_ack(rig.order, stated, "", rig.tick())


def expired(stated: int) -> Message:
    return lambda rig: rig.manager.expire(rig.order, stated, rig.tick())


def no_cancel(kind: int, stated: int = -1) -> Message:
    return lambda rig: rig.manager.cancel_rej(rig.order, kind, stated, 1, rig.tick())


def no_replace(kind: int, stated: int = -1) -> Message:
    return lambda rig: rig.manager.replace_rej(rig.order, kind, stated, 1, rig.tick())


def replaced(lots: int) -> Message:
    return lambda rig: rig.manager.replaced(rig.order, lots, PRICE, 1, rig.tick())


LATE, OTHER = Refusal.TOO_LATE, Refusal.OTHER
SETS: list[tuple[str, tuple[Message, ...], OrderState, int]] = [
    ("PN", (ack, trade("a", 4), trade("b", 6)), OrderState.FILLED, 10),
    ("PN", (ack, trade("a", 4)), OrderState.PARTIALLY_FILLED, 4),
    ("PN", (ack, trade("a", 4), canceled(4)), OrderState.CANCELED, 4),
    ("PN", (ack, trade("a", 4), canceled(-1)), OrderState.CANCELED, 4),
    ("PN", (ack, trade("a", 4), expired(4)), OrderState.EXPIRED, 4),
    ("PN", (trade("a", 4), trade("b", 3), canceled(7)), OrderState.CANCELED, 7),
    ("PN", (trade("a", 4), trade("b", 6), canceled(10)), OrderState.FILLED, 10),
    ("PN", (reject, trade("a", 4)), OrderState.UNKNOWN, 4),
    ("PN", (trade("a", 8), trade("b", 5)), OrderState.FILLED, 13),
    ("PC", (no_cancel(LATE), trade("a", 6)), OrderState.FILLED, 10),
    ("PC", (no_cancel(LATE, 7), trade("a", 3), canceled(7)), OrderState.CANCELED, 7),
    ("PC", (no_cancel(OTHER), trade("a", 2)), OrderState.PARTIALLY_FILLED, 6),
    ("PC", (canceled(4), trade("a", 6)), OrderState.FILLED, 10),
    ("PC", (no_cancel(LATE), trade("a", 2), canceled(6)), OrderState.CANCELED, 6),
    ("PR+", (replaced(15), trade("a", 8)), OrderState.PARTIALLY_FILLED, 12),
    ("PR+", (replaced(15), trade("a", 6), trade("b", 5)), OrderState.FILLED, 15),
    ("PR+", (no_replace(OTHER), trade("a", 6)), OrderState.FILLED, 10),
    ("PR+", (no_replace(LATE), trade("a", 6)), OrderState.FILLED, 10),
    ("PR+", (no_replace(OTHER), trade("a", 6), canceled(-1)), OrderState.FILLED, 10),
    ("PR+", (canceled(10), trade("a", 6)), OrderState.CANCELED, 10),
    ("PR+", (canceled(12), trade("a", 8)), OrderState.CANCELED, 12),
    ("PR-", (replaced(6), trade("a", 2)), OrderState.FILLED, 6),
    ("PR-", (no_replace(LATE, 6), trade("a", 2)), OrderState.FILLED, 6),
    ("UNa", (ack, trade("a", 4), canceled(4)), OrderState.CANCELED, 4),
    ("UNs", (ack, trade("a", 3), canceled(7)), OrderState.CANCELED, 7),
]


def arrivals(messages: tuple[Message, ...]) -> Iterator[tuple[Message, ...]]:
    """Every order of the messages with each of them doubled."""
    numbers = tuple(range(len(messages)))
    for order in sorted(set(permutations(numbers + numbers))):
        yield tuple(messages[i] for i in order)


@pytest.mark.parametrize(("context", "messages", "state", "cum"), SETS)
def test_r26_any_order_of_arrival_ends_the_same(
    context: str, messages: tuple[Message, ...], state: OrderState, cum: int
) -> None:
    for arrival in arrivals(messages):
        rig = build(context)
        for message in arrival:
            message(rig)
            rig.check()
        assert (rig.order.state, rig.order.cum) == (state, cum)


def test_r26_but_for_a_replace_that_its_cancel_overtook() -> None:
    ends = set()
    for arrival in arrivals((replaced(15), canceled(4))):
        rig = build("PR+")
        for message in arrival:
            message(rig)
        ends.add(rig.order.state)
        rig.recon_done()
        assert (rig.order.state, rig.order.cum) == (OrderState.CANCELED, 4)
    assert ends == {OrderState.CANCELED, OrderState.UNKNOWN}
