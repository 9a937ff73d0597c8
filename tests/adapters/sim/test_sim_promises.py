"""What holds for every market and every order: nothing is made of nothing, and nothing is known too early."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenario import STEP, play
from street import SECOND, Street

from tickwright.engine.compiled import why_interpreted
from tickwright.engine.terms import BUY, SELL

QUEUES = ("back", "probabilistic", "optimistic", "pessimistic")
PRICES = st.integers(95, 106)
LOTS = st.integers(0, 12)
SIDES = st.sampled_from((BUY, SELL))
LEVEL = st.tuples(st.just("level"), SIDES, PRICES, LOTS)
TRADE = st.tuples(st.just("trade"), SIDES, PRICES, st.integers(1, 12))
ROWS = st.lists(st.one_of(LEVEL, TRADE), max_size=40)
ORDER = st.tuples(st.just("order"), SIDES, PRICES, st.integers(1, 15))
SOUP = st.lists(st.one_of(LEVEL, TRADE, ORDER), max_size=50)


@settings(max_examples=100, deadline=None)
@given(SOUP, st.sampled_from(QUEUES))
def test_fills_never_exceed_what_traded_or_was_shown(soup: list[tuple[str, int, int, int]], queue: str) -> None:
    street = Street(queue)
    shown: dict[tuple[int, int], int] = defaultdict(int)
    taken: dict[tuple[int, int], int] = defaultdict(int)
    sizes: dict[str, tuple[int, int]] = {}
    for number, (what, side, ticks, lots) in enumerate(soup):
        heard = len(street.said())
        if what == "level":
            street.level(side, ticks, lots)
            shown[side, ticks] = lots
            taken[side, ticks] = 0
        elif what == "trade":
            street.trade(side, ticks, lots)
        else:
            sizes[str(number)] = (side, lots)
            street.order(str(number), side, lots, ticks)
        fills = [line for line in street.said()[heard:] if line[0] == "executed"]
        volume = sum(line[3] for line in fills)  # type: ignore[misc]
        if what == "level":
            taken[side, ticks] += volume
            assert volume <= lots
        elif what == "trade":
            through = sum(line[3] for line in fills if line[4] != ticks)  # type: ignore[misc]
            assert volume - through <= max(0, lots - through)
        else:
            for line in fills:
                taken[-side, line[4]] += line[3]  # type: ignore[index, operator]
                assert taken[-side, line[4]] <= shown[-side, line[4]]  # type: ignore[index]
        assert all(line[6] == street.event for line in fills)
    for name, (_, lots) in sizes.items():
        assert street.filled(name) <= lots
    assert street.venue.position_lots(0) == sum(side * street.filled(name) for name, (side, _) in sizes.items())


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS, st.lists(st.tuples(SIDES, PRICES, st.integers(1, 15)), max_size=6))
def test_the_queue_models_bracket_each_other(
    before: list[tuple[str, int, int, int]],
    after: list[tuple[str, int, int, int]],
    orders: list[tuple[int, int, int]],
) -> None:
    """For orders that all rest before the tape goes on; post-only, so that each model starts from the same ones."""
    filled = {}
    for queue in QUEUES:
        street = Street(queue)
        for rows in (before, after):
            for what, side, ticks, lots in rows:
                (street.level if what == "level" else street.trade)(side, ticks, lots)
            if rows is before:
                for number, (side, ticks, lots) in enumerate(orders):
                    street.order(str(number), side, lots, ticks, post_only=True)
        filled[queue] = street.filled()
    assert filled["optimistic"] >= filled["probabilistic"] >= filled["back"] >= filled["pessimistic"]


@pytest.mark.parametrize("queue", QUEUES)
def test_what_comes_later_changes_nothing_that_was_said(queue: str) -> None:
    true = play(21, queue, 600).said()
    poisoned = play(21, queue, 600, poison_after=400).said()
    end = SECOND + 401 * STEP
    early = [line for line in true if line[-1] < end]  # type: ignore[operator]
    assert len(early) > 100
    assert early == [line for line in poisoned if line[-1] < end]  # type: ignore[operator]
    assert true != poisoned


@pytest.mark.parametrize("queue", QUEUES)
def test_the_same_seed_says_the_same(queue: str) -> None:
    first = play(31, queue, 400).said()
    assert first == play(31, queue, 400).said()
    assert first != play(32, queue, 400).said()


@pytest.mark.parametrize("queue", QUEUES)
def test_a_long_random_market_meets_every_answer(queue: str) -> None:
    """The scenario above is worth something only if it reaches all kinds of reports, made and taken fills."""
    street = play(11, queue, 1500)
    assert {line[0] for line in street.said()} == {
        "accepted",
        "refused",
        "executed",
        "canceled",
        "cancel_refused",
        "expired",
    }
    assert {line[5] for line in street.said() if line[0] == "executed"} == {True, False}


@pytest.mark.slow
@pytest.mark.skipif(bool(why_interpreted()), reason=f"nothing compiled to compare with: {why_interpreted()}")
def test_compiled_and_interpreted_say_the_same() -> None:
    script = str(Path(__file__).with_name("scenario.py"))
    outputs = []
    for pure in ("0", "1"):
        done = subprocess.run(
            [sys.executable, script],
            env={**os.environ, "TICKWRIGHT_PURE": pure},
            capture_output=True,
            text=True,
            check=True,
        )
        form, _, reports = done.stdout.partition("\n")
        outputs.append((form, reports))
    assert [form for form, _ in outputs] == ["compiled", "TICKWRIGHT_PURE=1 is set"]
    assert outputs[0][1] == outputs[1][1]
    assert outputs[0][1].count("executed") > 400


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_rows_where_the_venue_has_nothing_at_stake_change_nothing(queue: str, seed: int) -> None:
    told = play(seed, queue, 500, tells_all=True)
    asked = play(seed, queue, 500)
    assert asked.said() == told.said()
    assert any(line[0] == "executed" for line in asked.said())
