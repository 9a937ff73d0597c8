"""The fault engine: which messages a rule strikes, what becomes of them, what comes due by time."""

from hypothesis import given
from hypothesis import strategies as st

from tickwright.adapters.fault_lane import HOLD_NS, Lane
from tickwright.adapters.fault_rules import (
    IN,
    OPENED,
    OUT,
    Cut,
    Disconnect,
    ExpireTokens,
    FaultScript,
    HttpError,
    Inject,
    Passing,
    Restart,
    Rule,
    Stall,
    Swallow,
)
from tickwright.adapters.fault_script import parse_script
from tickwright.adapters.faults import Faults
from tickwright.engine.terms import NO_TIME
from tickwright.engine.times import SECOND


def faults(*rules: str, seed: int = 1) -> Faults:
    found = Faults(parse_script(f"seed: {seed}\nfaults:\n" + "\n".join(f"  - {{{rule}}}" for rule in rules)))
    found.start(0)
    return found


def passed(engine: Faults, count: int, kind: str = "book", at: int = 0, direction: str = OUT) -> list[int]:
    """The numbers of those of `count` messages that get through, each as often as it does."""
    found = []
    for number in range(1, count + 1):
        verdict = engine.passing(Passing(direction=direction, kind=kind, text=str(number)), at)
        found += [int(text) for _, text in verdict.copies]
    return found


def test_without_rules_nothing_happens():
    engine = Faults()
    assert engine.idle
    assert passed(engine, 3) == [1, 2, 3]
    assert engine.due() == NO_TIME


def test_messages_are_counted_from_one_as_they_match():
    assert passed(faults("fault: drop, nth: [2, 4]"), 5) == [1, 3, 5]
    assert passed(faults("fault: drop, every: 2"), 5) == [1, 3, 5]
    assert passed(faults("fault: drop, every: 2, times: 1"), 5) == [1, 3, 4, 5]
    assert passed(faults("fault: gap"), 3) == [2, 3]


def test_what_does_not_match_passes_and_is_not_counted():
    engine = faults("fault: drop, kinds: [fill], direction: out, nth: 1")
    assert passed(engine, 2, "book") == [1, 2]
    assert passed(engine, 2, "fill", direction=IN) == [1, 2]
    assert passed(engine, 2, "fill") == [2]
    engine = faults("fault: drop, contains: '3'")
    assert passed(engine, 4) == [1, 2, 4]


def test_rules_hold_between_their_times_since_the_start():
    engine = faults("fault: drop, after: 2s, until: 3s")
    engine.start(10 * SECOND)
    assert [passed(engine, 1, at=at * SECOND) for at in (11, 12, 13)] == [[1], [], [1]]


def test_a_probability_strikes_about_so_often_and_the_same_with_the_same_seed():
    rule = "fault: drop, probability: 0.3"
    left = passed(faults(rule), 1000)
    assert 620 <= len(left) <= 780
    assert left == passed(faults(rule), 1000)
    assert left != passed(faults(rule, seed=2), 1000)


def test_a_rule_more_leaves_the_draws_of_the_others():
    rule = "fault: drop, probability: 0.5, kinds: [book]"
    assert passed(faults(rule), 100) == passed(faults(rule, "fault: drop, kinds: [fill], probability: 0.5"), 100)


def test_duplicates_and_delays_work_together():
    engine = faults("fault: duplicate, copies: 2", "fault: delay, delay: 2s")
    verdict = engine.passing(Passing(direction=OUT, kind="book", text="x"), 0)
    assert verdict.copies == ((2 * SECOND, "x"),) * 3


def test_replaced_and_corrupted_texts_differ():
    engine = faults("fault: replace, text: 'null'")
    assert engine.passing(Passing(direction=OUT, kind="book", text="x"), 0).copies == ((0, "null"),)
    engine = faults("fault: corrupt")
    text = '{"e": "orderbook", "d": {"u": 1}}'
    damaged = [engine.passing(Passing(direction=OUT, kind="book", text=text), 0).copies[0][1] for _ in range(50)]
    assert sum(each != text for each in damaged) > 40


def test_a_stale_snapshot_is_the_first_one_of_its_topic():
    engine = faults("fault: stale_snapshot, nth: 3")
    seen = [
        engine.passing(Passing(direction=OUT, kind="snapshot", text=text, key=text[0]), 0).copies[0][1]
        for text in ("a1", "b1", "b2", "a2")
    ]
    assert seen == ["a1", "b1", "b1", "a2"]


def test_deeds_are_what_the_rules_say():
    told = {
        "fault: cut_after_bytes, bytes: 7, kinds: [new]": Cut(7),
        "fault: half_open, kinds: [new], direction: out, for: 3s": Stall("out", 3 * SECOND),
        "fault: disconnect, kinds: [new], code: 1012": Disconnect(1012, False),
        "fault: disconnect, kinds: [new], performed: true": Disconnect(0, True),
        "fault: lost_ack, then: stay": Swallow("stay"),
        "fault: inject, kinds: [new], text: x, copies: 3": Inject("x", b"", 3),
        "fault: inject, kinds: [new], hex: 'c1 00'": Inject("", b"\xc1\x00", 1),
        "fault: http_error, status: 429, retry_after: 2": HttpError(429, 2),
        "fault: restart, kinds: [new], memory: false, down: 1s": Restart(False, SECOND),
        "fault: token_expiry, kinds: [new]": ExpireTokens(),
    }
    for rule, deed in told.items():
        verdict = faults(rule).passing(Passing(direction=IN, kind="new", text="x"), 0)
        assert verdict.deeds == (deed,), rule
        assert verdict.copies == ((0, "x"),), rule


def test_only_a_rule_for_openings_sees_one():
    assert not faults("fault: disconnect, every: 1").passing(Passing(direction=IN, kind=OPENED), 0).deeds
    assert faults("fault: cut_after_bytes, bytes: 1").passing(Passing(direction=IN, kind=OPENED), 0).deeds == (Cut(1),)


def test_timed_rules_come_due_once_or_again_and_again():
    engine = faults("fault: token_expiry, after: 2s", "fault: disconnect, after: 1s, each: 2s, times: 3")
    engine.start(100 * SECOND)
    struck = []
    while (due := engine.due()) < NO_TIME:
        assert engine.timed(due - 1) == []
        struck += [(due // SECOND - 100, type(deed).__name__) for deed in engine.timed(due)]
    assert struck == [(1, "Disconnect"), (2, "ExpireTokens"), (3, "Disconnect"), (5, "Disconnect")]
    assert [(fired.number, fired.at // SECOND) for fired in engine.fired] == [(2, 101), (1, 102), (2, 103), (2, 105)]


def test_random_pauses_stay_within_their_bound():
    engine = faults("fault: disconnect, within: 5s, times: 100")
    last = due = engine.due()
    for _ in range(99):
        engine.timed(due)
        due = engine.due()
        assert 0 < due - last <= 5 * SECOND
        last = due


def test_what_is_added_counts_from_then_and_stopping_ends_all():
    engine = faults("fault: drop")
    engine.add(Rule(fault="token_expiry", timed=True, after=SECOND, times=1), at=50 * SECOND)
    engine.add(Rule(fault="duplicate", after=SECOND), at=50 * SECOND)
    assert engine.due() == 51 * SECOND
    engine.stop()
    assert engine.due() == NO_TIME
    assert engine.timed(60 * SECOND) == []
    assert passed(engine, 3) == [1, 2, 3]


def lane(*rules: str) -> Lane:
    return Lane(faults(*rules), OUT)


def arrived(on: Lane, at: int) -> list[str]:
    return [text for _, text in on.take(at)]


def test_a_delayed_message_lets_others_pass():
    on = lane("fault: delay, kinds: [ack], delay: 2s")
    on.put("ack", "a", 0)
    on.put("book", "b", 0)
    assert arrived(on, 0) == ["b"]
    assert on.due() == 2 * SECOND
    assert arrived(on, 2 * SECOND) == ["a"]
    assert on.due() == NO_TIME


def test_equal_delays_keep_the_order():
    on = lane("fault: delay, delay: 1s")
    for text in "abc":
        on.put("book", text, 0)
    assert arrived(on, SECOND) == ["a", "b", "c"]


@given(st.integers(2, 50), st.integers(0, 120), st.integers(0, 1000))
def test_shuffling_loses_and_adds_nothing_and_stays_within_its_window(window, count, seed):
    on = Lane(faults(f"fault: reorder, window: {window}", seed=seed), OUT)
    found: list[str] = []
    for number in range(count):
        on.put("book", str(number), number)
        found += arrived(on, number)
    found += arrived(on, count + HOLD_NS)
    assert sorted(found, key=int) == [str(number) for number in range(count)]
    assert all(int(text) // window == place // window for place, text in enumerate(found))
    assert on.due() == NO_TIME


def test_an_incomplete_window_goes_on_after_a_while():
    on = lane("fault: reorder, window: 10")
    on.put("book", "a", 5)
    assert arrived(on, HOLD_NS) == []
    assert on.due() == 5 + HOLD_NS
    assert arrived(on, 5 + HOLD_NS) == ["a"]


def test_a_script_of_values_needs_no_file():
    engine = Faults(FaultScript(rules=(Rule(fault="drop", nth=frozenset((1,))),)))
    assert passed(engine, 2) == [2]
