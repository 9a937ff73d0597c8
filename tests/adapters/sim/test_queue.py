"""Where our orders stand in the queue, and what fills them."""

from collections.abc import Callable

import pytest
from street import Street

from tickwright.engine.terms import BUY, SELL

Make = Callable[..., Street]


def test_back_waits_for_everything_displayed_before_it(street: Street) -> None:
    street.order("a", BUY, 5, 100)
    street.trade(SELL, 100, 10)
    assert street.fills() == []
    street.trade(SELL, 100, 3)
    street.trade(SELL, 100, 9)
    assert street.fills("a") == [(3, 100), (2, 100)]


def test_a_print_fills_what_goes_past_the_queue_at_once(street: Street) -> None:
    street.order("a", BUY, 5, 100)
    street.trade(SELL, 100, 12)
    assert street.fills("a") == [(2, 100)]


def test_a_fill_names_its_event_and_is_made_by_us(street: Street) -> None:
    street.order("a", BUY, 5, 100)
    street.trade(SELL, 100, 12)
    assert street.last("a") == ("executed", "1", 2, 100, True, street.event)


def test_prints_of_the_other_taker_or_at_worse_prices_change_nothing(street: Street) -> None:
    street.order("a", BUY, 5, 99)
    street.trade(BUY, 99, 50)
    street.trade(SELL, 100, 50)
    assert street.fills() == []


def test_a_print_through_the_price_fills_the_whole_remainder_at_our_price(street: Street) -> None:
    street.order("a", BUY, 5, 100)
    street.order("b", SELL, 5, 101)
    street.trade(SELL, 99, 1)
    street.trade(BUY, 102, 1)
    assert street.fills("a") == [(5, 100)]
    assert street.fills("b") == [(5, 101)]


def test_lots_that_a_better_own_order_would_have_met_do_not_reach_the_next(street: Street) -> None:
    street.order("a", BUY, 5, 100)
    street.order("b", BUY, 5, 99)
    street.level(1, 99, 0)  # nothing stands before b any more
    street.trade(SELL, 99, 7)
    assert street.fills("a") == [(5, 100)]
    assert street.fills("b") == [(2, 99)]


def test_one_print_is_shared_in_the_order_of_arrival(street: Street) -> None:
    street.order("a", BUY, 3, 100)
    street.level(1, 100, 12)  # two more join between a and b
    street.order("b", BUY, 3, 100)
    street.trade(SELL, 100, 14)  # ten others, three of a, one other
    assert (street.filled("a"), street.filled("b")) == (3, 0)
    street.trade(SELL, 100, 2)  # one other, one of b
    assert street.filled("b") == 1


def test_back_takes_cancels_as_behind_until_the_level_shows_less(street: Street) -> None:
    street.level(1, 100, 30)
    street.order("a", BUY, 5, 100)
    street.level(1, 100, 40)
    street.level(1, 100, 30)  # ten cancelled: behind
    street.trade(SELL, 100, 29)
    assert street.filled() == 0
    street.level(1, 100, 1)  # what the print took
    street.trade(SELL, 100, 3)
    assert street.filled() == 2


def test_back_moves_up_when_less_is_displayed_than_stood_ahead(street: Street) -> None:
    street.order("a", BUY, 5, 100)
    street.level(1, 100, 4)
    street.trade(SELL, 100, 5)
    assert street.filled() == 1


def test_a_print_and_the_decrease_it_causes_count_once(make_street: Make) -> None:
    for queue in ("back", "probabilistic"):
        street = make_street(queue)
        street.level(1, 100, 20)
        street.order("a", BUY, 5, 100)
        street.trade(SELL, 100, 8)
        street.level(1, 100, 12)  # the same eight lots
        street.trade(SELL, 100, 12)
        assert street.filled() == 0, queue
        street.trade(SELL, 100, 1)
        assert street.filled() == 1, queue


def test_probabilistic_splits_a_cancel_in_proportion(make_street: Make) -> None:
    street = make_street("probabilistic")
    street.order("a", BUY, 5, 100)  # 10 ahead
    street.level(1, 100, 40)  # 30 behind
    street.level(1, 100, 20)  # 20 of 40 cancelled: 10 * 20 / 40 = 5 of them ahead
    street.trade(SELL, 100, 6)
    assert street.filled() == 1


def test_probabilistic_rounds_against_us(make_street: Make) -> None:
    street = make_street("probabilistic")
    street.order("a", BUY, 5, 100)
    street.level(1, 100, 40)
    street.level(1, 100, 37)  # 3 of 40: 0.75 of a lot ahead, so none
    street.trade(SELL, 100, 10)
    assert street.filled() == 0


def test_optimistic_stands_in_front(make_street: Make) -> None:
    street = make_street("optimistic")
    street.order("a", BUY, 5, 100)
    street.trade(SELL, 100, 3)
    assert street.fills() == [(3, 100)]


def test_pessimistic_fills_only_when_traded_through(make_street: Make) -> None:
    street = make_street("pessimistic")
    street.order("a", BUY, 5, 100)
    street.level(1, 100, 0)
    street.trade(SELL, 100, 1000)
    street.level(-1, 100, 1000)
    assert street.fills() == []
    street.trade(SELL, 99, 1)
    assert street.fills() == [(5, 100)]


def test_pessimistic_fills_when_the_other_touch_goes_through(make_street: Make) -> None:
    street = make_street("pessimistic")
    street.order("a", BUY, 5, 100)
    street.level(-1, 99, 3)
    assert street.fills() == [(3, 100)]


@pytest.mark.parametrize("queue", ["back", "probabilistic", "optimistic"])
def test_a_level_of_the_other_side_at_our_price_fills_what_it_shows(make_street: Make, queue: str) -> None:
    street = make_street(queue)
    street.order("a", BUY, 5, 100)
    street.order("b", BUY, 5, 99)
    street.level(-1, 99, 8)
    assert street.fills("a") == [(5, 100)]
    assert street.fills("b") == [(3, 99)]
    assert street.last("b")[4:] == (True, street.event)


def test_such_a_level_trades_with_us_only_as_far_as_it_grows(street: Street) -> None:
    street.order("a", BUY, 20, 100)
    street.level(-1, 100, 4)
    street.level(-1, 100, 4)
    street.level(-1, 100, 3)
    assert street.filled() == 4
    street.level(-1, 100, 5)
    assert street.filled() == 6
    street.level(-1, 100, 0)
    street.level(-1, 100, 1)
    assert street.filled() == 7


def test_levels_away_from_our_prices_change_nothing(street: Street) -> None:
    street.order("a", BUY, 5, 99)
    before = street.said()
    street.level(1, 100, 0)
    street.level(1, 98, 0)
    street.level(-1, 100, 7)
    assert street.said() == before
    assert street.venue.resting[0] == 1
