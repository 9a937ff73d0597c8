"""Replacing by cancelling first: B comes only once A is over and its sum is final (R28)."""

import pytest
from orders_rig import EVENTS, PRICE, SECOND, Rig, build, on

from tickwright.engine.replacing import Create, Drop, Replacement, Wait
from tickwright.engine.terms import CANCELED, Refusal


def asked(lots: int = 12) -> tuple[Rig, Replacement]:
    """An order with 4 of 10 filled whose replace has been asked for, and whose cancel is on its way."""
    rig = build("PC")
    return rig, Replacement(rig.order, lots, PRICE + 1, rig.ts)


def test_r28_b_is_what_is_left_of_the_wish() -> None:
    rig, wish = asked()
    assert wish.step(rig.ts) is Wait.WAIT
    rig.fill(1)
    assert wish.step(rig.ts) is Wait.WAIT
    rig.manager.cancel_ack(rig.order, 5, "", rig.tick())
    assert wish.step(rig.ts) == Create(7, PRICE + 1)


def test_r28_b_is_created_once() -> None:
    rig, wish = asked()
    rig.manager.cancel_ack(rig.order, 4, "", rig.tick())
    assert isinstance(wish.step(rig.ts), Create)
    assert wish.step(rig.ts) == Drop("REPLACE_DONE")


def test_r28_a_cancel_without_a_sum_must_be_confirmed() -> None:
    rig, wish = asked()
    on("cancel_ack", -1, "")(rig)
    assert wish.step(rig.ts) is Wait.WAIT
    rig.reconciler.recon_done(rig.order, CANCELED, rig.view(), rig.ts)
    assert wish.judge(wish.deadline) == Create(8, PRICE + 1)


def test_r28_fills_that_the_cancel_counts_come_first() -> None:
    rig, wish = asked()
    rig.manager.cancel_ack(rig.order, 6, "", rig.tick())
    assert wish.step(rig.ts) is Wait.WAIT
    rig.fill(2)
    assert wish.step(rig.ts) == Create(6, PRICE + 1)


def test_r28_too_late() -> None:
    rig, wish = asked()
    rig.cancel_rej(Refusal.TOO_LATE)
    assert wish.step(rig.ts) is Wait.WAIT
    rig.fill(6)
    assert wish.step(rig.ts) == Drop("TOO_LATE")
    assert wish.step(rig.ts) == Drop("TOO_LATE")


@pytest.mark.parametrize("lots", [4, 3])
def test_r28_nothing_left(lots: int) -> None:
    rig, wish = asked(lots)
    rig.manager.cancel_ack(rig.order, 4, "", rig.tick())
    assert wish.step(rig.ts) == Drop("REPLACE_BELOW_FILLED")


def test_r28_the_wish_lapses_the_cancel_does_not() -> None:
    rig, wish = asked()
    EVENTS["CANCEL_TIMEOUT"](rig)
    assert wish.step(wish.deadline - 1) is Wait.WAIT
    assert wish.step(wish.deadline) == Drop("REPLACE_LOST")
    assert wish.deadline == rig.order.cancel_ts + 3 * SECOND
    assert rig.order.cancel_wanted
    rig.manager.cancel_ack(rig.order, 4, "", rig.tick())
    assert wish.step(rig.ts) == Drop("REPLACE_LOST"), "however late A ends, there is no B"


def test_r28_b_denied_or_rejected_is_a_replace_lost() -> None:
    rig, wish = asked()
    rig.manager.cancel_ack(rig.order, 4, "", rig.tick())
    wish.step(rig.ts)
    assert wish.lost() == wish.step(rig.ts) == Drop("REPLACE_LOST")


def test_r28_a_that_never_stood_has_no_b() -> None:
    for context in ("RJ", "FAn", "FA", "DN"):
        rig = build(context)
        assert Replacement(rig.order, 12, PRICE, rig.ts).step(rig.ts) == Drop("REPLACE_LOST")
