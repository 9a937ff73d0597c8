"""What surrounds the rules of an order's life: waits, numbers, marks, names."""

from itertools import pairwise

from orders_rig import SECOND, build, on

from tickwright.engine import marks as m
from tickwright.engine.terms import Cause, OrderEvent, Refusal


def test_the_waits_of_queries_grow_to_a_last_one() -> None:
    waits = [build("PS").manager.timeouts.query_after(tries) // SECOND for tries in range(7)]
    assert waits == [1, 2, 4, 8, 15, 15, 15]


def test_every_event_number_is_its_enums() -> None:
    for name, value in vars(m).items():
        if name.startswith("E_"):
            assert OrderEvent[name[2:]] == value
    names = ("NO_CAUSE", "ACK_LATE", "SEND_FAILED", "DUP_ID", "CANCEL_LATE", "REPLACE_LATE", "LINK_LOST", "RESTARTED")
    assert [getattr(m, name) for name in names] == list(range(8))
    assert (Cause.FILL_EXPECTED, Cause.VENUE_UNKNOWN_ORDER, Cause.CONTRADICTION) == (
        m.FILL_EXPECTED,
        m.VENUE_UNKNOWN_ORDER,
        m.CONTRADICTION,
    )
    assert (Refusal.TOO_LATE, Refusal.UNKNOWN_ORDER, Refusal.TRANSIENT) == (m.TOO_LATE, m.UNKNOWN_ORDER, m.TRANSIENT)


def test_every_mark_is_one_bit() -> None:
    bits = [m.CHANGED, m.FILLED_EVENT, m.CRIT, m.HALT, m.QUERY, m.SEND_CANCEL, m.SEND_REPLACE, m.RETRY_CANCEL]
    bits += [m.REFUSED, m.STALE_REPLY, m.RECONCILE, m.RECHECK, m.WARN]
    assert all(high == 2 * low for low, high in pairwise(bits))


def test_orders_are_found_by_both_names_and_forgotten() -> None:
    rig = build("OP")
    manager = rig.manager
    assert manager.by_client_order_id("bt-1") is rig.order
    assert manager.by_venue_order_id("XYZ", "v1") is rig.order
    assert manager.by_venue_order_id("OTHER", "v1") is None
    assert manager.open_orders() == [rig.order]
    assert not manager.forget(rig.order)
    on("cancel_ack", -1, "")(rig)
    assert manager.open_orders() == []
    assert manager.forget(rig.order)
    assert manager.by_client_order_id("bt-1") is manager.by_venue_order_id("XYZ", "v1") is None


def test_a_name_that_is_learnt_once_all_is_over_is_put_on_record() -> None:
    """After a restart a late execution that bears only the venue's name must find its order."""
    rig = build("PN")
    on("cancel_ack", 0, "")(rig)
    written = len(rig.log.rows)
    heard = rig.order.heard_ts
    rig.manager.alias(rig.order, "v9")
    rig.manager.alias(rig.order, "v9-too")
    assert rig.order.venue_order_id == "v9"
    assert rig.log.rows[written:] == [("bt-1", "", OrderEvent.ACK, rig.order.state)]
    assert rig.order.heard_ts == heard, "it is no news of the order"
