"""What happens to an order when it reaches the venue."""

from collections.abc import Callable

import pytest
from street import SECOND, Street

from tickwright.engine.terms import BUY, SELL, Refusal

Make = Callable[..., Street]
DAY = 86_400 * SECOND
NO_LIQUIDITY = "immediate_with_insufficient_liquidity"


def test_a_passive_order_is_accepted_and_rests(street: Street) -> None:
    street.order("a", BUY, 5, 100)
    assert street.said() == [("accepted", "a", "S1", SECOND)]
    assert street.venue.resting[0] == 1


def test_a_marketable_order_walks_the_book_as_taker(street: Street) -> None:
    street.order("a", BUY, 25, 103)
    assert street.fills() == [(10, 101), (10, 102), (5, 103)]
    assert street.last("a") == ("executed", "3", 5, 103, False, street.event)


def test_a_remainder_rests_and_fills_as_maker(street: Street) -> None:
    street.order("a", BUY, 15, 101)
    assert street.fills() == [(10, 101)]
    street.trade(SELL, 101, 2)
    assert street.last("a") == ("executed", "2", 2, 101, True, street.event)


def test_what_we_took_stays_taken_until_the_levels_next_row(street: Street) -> None:
    street.order("a", BUY, 4, 101)
    street.order("b", BUY, 10, 101, tif="IOC")
    assert street.filled("b") == 6
    street.level(-1, 101, 10)
    street.order("c", BUY, 20, 101, tif="IOC")
    assert street.filled("c") == 10
    assert street.venue.resting[0] == 1
    street.level(-1, 101, 0)
    assert street.venue.resting[0] == 0


def test_ioc_ends_its_remainder(street: Street) -> None:
    street.order("a", SELL, 12, 100, tif="IOC")
    assert street.fills() == [(10, 100)]
    assert street.last("a") == ("canceled", 10, NO_LIQUIDITY)


def test_fok_is_all_or_nothing(street: Street) -> None:
    street.order("a", BUY, 21, 102, tif="FOK")
    assert street.fills() == []
    assert street.last("a") == ("canceled", 0, NO_LIQUIDITY)
    street.order("b", BUY, 20, 102, tif="FOK")
    assert street.fills() == [(10, 101), (10, 102)]


def test_fok_that_meets_nothing_ends(street: Street) -> None:
    street.order("a", BUY, 1, 100, tif="FOK")
    assert street.last("a") == ("canceled", 0, NO_LIQUIDITY)


def test_a_market_order_takes_at_any_price_and_ends_its_remainder(street: Street) -> None:
    street.order("a", SELL, 60)
    assert street.fills() == [(10, 100), (10, 99), (10, 98), (10, 97), (10, 96)]
    assert street.last("a") == ("canceled", 50, NO_LIQUIDITY)


def test_a_market_order_in_an_empty_book_ends() -> None:
    street = Street()
    street.order("a", BUY, 1)
    assert street.last("a") == ("canceled", 0, NO_LIQUIDITY)


def test_post_only_never_takes(street: Street) -> None:
    street.order("a", BUY, 1, 101, post_only=True)
    assert street.last("a") == ("refused", "post_only_would_take")
    street.order("b", BUY, 10, 101)
    street.order("c", BUY, 1, 101, post_only=True)  # b took all of the level
    assert street.last("c") == ("accepted", "S2")


@pytest.mark.parametrize(("terms", "ticks"), [({"tif": "IOC"}, 100), ({"tif": "FOK"}, 100), ({}, None)])
def test_post_only_cannot_be_immediate(street: Street, terms: dict[str, str], ticks: int | None) -> None:
    street.order("a", BUY, 1, ticks, post_only=True, **terms)
    assert street.last("a") == ("refused", "post_only_immediate")


def test_reduce_only_is_refused_where_it_would_increase(street: Street) -> None:
    street.order("a", BUY, 1, 100, reduce_only=True)
    assert street.last("a") == ("refused", "reduce_only_would_increase")


def test_reduce_only_is_cut_where_it_would_flip(street: Street) -> None:
    street.order("a", BUY, 4, 101)
    street.order("b", SELL, 9, 99, reduce_only=True)
    assert street.fills("b") == [(4, 100)]
    assert street.last("b") == ("canceled", 4, "reduce_only")
    assert street.venue.position_lots(0) == 0


def test_resting_reduce_only_orders_share_the_position(street: Street) -> None:
    street.order("a", BUY, 4, 101)
    street.order("b", SELL, 3, 102, reduce_only=True)
    street.order("c", SELL, 3, 103, reduce_only=True)
    street.trade(BUY, 110, 50)
    assert (street.filled("b"), street.filled("c")) == (3, 1)
    assert street.last("c") == ("canceled", 1, "reduce_only")


def test_fok_and_reduce_only_is_not_cut(street: Street) -> None:
    street.order("a", BUY, 4, 101)
    street.order("b", SELL, 5, 99, tif="FOK", reduce_only=True)
    assert street.last("b") == ("canceled", 0, NO_LIQUIDITY)


def test_an_order_never_trades_with_its_own_account(street: Street) -> None:
    street.order("a", SELL, 5, 102)
    street.order("b", BUY, 30, 103)
    assert street.fills("b") == [(10, 101)]
    assert street.last("b") == ("canceled", 10, "self_match_prevention")
    assert street.said("a") == [("accepted", "a", "S1", SECOND)]


def test_a_market_order_stops_at_an_own_order_too(street: Street) -> None:
    street.order("a", BUY, 5, 99)
    street.order("b", SELL, 30)
    assert street.fills("b") == [(10, 100)]
    assert street.last("b") == ("canceled", 10, "self_match_prevention")


def test_fok_does_not_count_what_lies_behind_an_own_order(street: Street) -> None:
    street.order("a", SELL, 5, 102)
    street.order("b", BUY, 15, 103, tif="FOK")
    assert street.last("b") == ("canceled", 0, "self_match_prevention")


def test_post_only_against_an_own_order_is_refused(street: Street) -> None:
    street.level(-1, 101, 0)
    street.order("a", SELL, 5, 101)
    street.order("b", BUY, 5, 101, post_only=True)
    assert street.last("b") == ("refused", "post_only_would_take")


@pytest.mark.parametrize(
    ("lots", "ticks", "reason"),
    [
        (0, 100, "invalid_quantity"),
        (2**62, 100, "invalid_quantity"),
        (1, 0, "invalid_price"),
        (1, 2**62, "invalid_price"),
    ],
)
def test_numbers_beyond_the_grid_are_refused(street: Street, lots: int, ticks: int, reason: str) -> None:
    # A price of zero is sent as a limit price, not as "none".
    street.order("a", BUY, lots, ticks)
    assert street.last("a") == ("refused", reason)


def test_a_repeated_id_is_refused_also_after_the_order_has_ended(street: Street) -> None:
    street.order("a", BUY, 1, 100)
    street.order("a", BUY, 1, 100)
    street.cancel("a")
    street.order("a", BUY, 1, 100)
    assert [line[0] for line in street.said("a")] == ["accepted", "refused", "canceled", "refused"]
    assert street.last("a") == ("refused", "duplicate")


def test_unknown_instruments_are_refused(street: Street) -> None:
    street.order("a", BUY, 1, 100, market=1)
    assert street.last("a") == ("refused", "unknown_instrument")


def test_open_orders_are_bounded(make_street: Make) -> None:
    street = make_street(max_open=2)
    for name in "abc":
        street.order(name, BUY, 1, 100)
    assert street.last("c") == ("refused", "too_many_open_orders")
    street.cancel("a")
    street.order("d", BUY, 1, 100)
    assert street.last("d") == ("accepted", "S3")


def test_a_cancel_states_what_was_filled(street: Street) -> None:
    street.order("a", BUY, 15, 101)
    street.cancel("a", 7)
    assert street.last("a") == ("canceled", 10, "requested")
    street.cancel("a", 8)
    assert street.last("a") == ("cancel_refused", int(Refusal.TOO_LATE), 10, 8)


def test_a_cancel_of_an_unknown_order_says_so(street: Street) -> None:
    street.cancel("x", 9)
    assert street.said() == [("cancel_refused", "x", int(Refusal.UNKNOWN_ORDER), -1, 9, SECOND)]


def test_gtd_ends_at_its_time_and_not_before(street: Street) -> None:
    street.order("a", BUY, 1, 100, tif="GTD", expire_ts=2 * SECOND)
    street.tick(2 * SECOND - 1)
    assert street.last("a") == ("accepted", "S1")
    street.tick(3 * SECOND)
    assert street.said("a")[-1] == ("expired", "a", 0, 2 * SECOND)
    assert street.venue.resting[0] == 0


def test_gtd_that_has_passed_is_refused(street: Street) -> None:
    street.order("a", BUY, 1, 100, tif="GTD", expire_ts=SECOND)
    assert street.last("a") == ("refused", "expire_time_passed")


def test_day_orders_end_at_the_next_midnight_utc_in_order_of_arrival(street: Street) -> None:
    street.order("s", SELL, 1, 102, tif="DAY")
    street.order("b", BUY, 1, 100, tif="DAY")
    street.order("g", BUY, 1, 99)
    street.tick(DAY)
    assert street.said()[-2:] == [("expired", "s", 0, DAY), ("expired", "b", 0, DAY)]
    street.tick(2 * DAY)
    assert street.last("g") == ("accepted", "S3")


def test_a_cancelled_gtd_order_does_not_expire(street: Street) -> None:
    street.order("a", BUY, 1, 100, tif="GTD", expire_ts=2 * SECOND)
    street.cancel("a")
    street.tick(3 * SECOND)
    assert street.last("a") == ("canceled", 0, "requested")
