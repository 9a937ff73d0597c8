"""Fault scripts: what they say is what is read, and what is wrong is told by line."""

import time

import pytest

from tickwright.adapters.fault_rules import FaultScript, Rule
from tickwright.adapters.fault_script import FAULTS, ScriptError, parse_script, read_script
from tickwright.engine.times import SECOND


def test_a_script_becomes_rules_in_order():
    script = parse_script(
        """
seed: 7
faults:
  - fault: drop
    kinds: [fill, order]
    direction: out
    probability: 0.25
    after: 5s
    until: 1m
  - fault: delay
    kinds: ack
    nth: [1, 3]
    delay: 4s
    jitter: 500ms
  - fault: half_open
    direction: in
    after: 2s
    for: 20s
"""
    )
    drop, delay, half = script.rules
    assert script.seed == 7
    assert drop == Rule(
        fault="drop",
        kinds=frozenset(("fill", "order")),
        direction="out",
        probability=0.25,
        after=5 * SECOND,
        until=60 * SECOND,
    )
    assert (delay.nth, delay.delay, delay.jitter) == (frozenset((1, 3)), 4 * SECOND, SECOND // 2)
    assert (half.timed, half.stalls, half.direction, half.length, half.times) == (True, "in", "", 20 * SECOND, 1)


@pytest.mark.parametrize(
    ("fault", "timed"),
    [
        ("{fault: restart, after: 1s}", True),
        ("{fault: restart, kinds: [new], nth: 2}", False),
        ("{fault: disconnect, each: 2s}", True),
        ("{fault: disconnect, kinds: [book], every: 5}", False),
        ("{fault: token_expiry, within: 10s}", True),
        ("{fault: drop, after: 1s}", False),
    ],
)
def test_a_fault_waits_for_a_message_or_for_its_time(fault, timed):
    assert parse_script(f"faults: [{fault}]").rules[0].timed is timed


def test_what_nobody_says_has_a_meaning():
    gap, ack, cut = parse_script("faults: [{fault: gap}, {fault: lost_ack}, {fault: cut_after_bytes, bytes: 3}]").rules
    assert (gap.kinds, gap.times) == (frozenset(("book",)), 1)
    assert (ack.kinds, ack.then) == (frozenset(("new",)), "disconnect")
    assert (cut.kinds, cut.size) == (frozenset(("open",)), 3)


def test_an_empty_list_is_a_script_without_faults():
    assert parse_script("faults: []") == FaultScript()


@pytest.mark.parametrize(
    ("text", "line", "path", "words"),
    [
        ("faults:\n  - fault: dorp\n", 2, "faults[0].fault", "expected one of drop"),
        ("faults:\n  - fault: drop\n    kind: [fill]\n", 3, "faults[0].kind", "drop has no such key"),
        ("faults:\n  - fault: drop\n    after: 5\n", 3, "faults[0].after", "a length of time such as 500ms"),
        ("faults:\n  - fault: drop\n    probability: 1.5\n", 3, "faults[0].probability", "a number from 0 to 1"),
        ("faults:\n  - fault: drop\n    nth: [0]\n", 3, "faults[0].nth", "a whole number from 1"),
        ("faults:\n  - fault: drop\n    nth: true\n", 3, "faults[0].nth", "a whole number from 1"),
        ("faults:\n  - fault: drop\n    direction: up\n", 3, "faults[0].direction", "expected in or out"),
        ("faults:\n  - fault: reorder\n    window: 1\n", 3, "faults[0].window", "a whole number from 2 to 50"),
        ("faults:\n  - fault: restart\n    memory: maybe\n", 3, "faults[0].memory", "expected true or false"),
        ("faults:\n  - fault: inject\n    hex: 0x\n", 3, "faults[0].hex", "expected bytes in hex"),
        ("faults:\n  - fault: delay\n", 2, "faults[0]", "delay needs delay"),
        ("faults:\n  - fault: inject\n", 2, "faults[0]", "inject needs text or hex"),
        ("faults:\n  - fault: drop\n    each: 1s\n", 3, "faults[0].each", "without a message"),
        ("faults:\n  - drop\n", 2, "faults[0]", "expected a mapping"),
        ("faults: 5\n", 1, "faults", "expected a list"),
        ("seeds: 5\n", 1, "seeds", "expected seed or faults"),
        ("- fault: drop\n", 1, "", "expected a mapping with faults"),
        ("", 1, "", "expected a mapping with faults"),
        ("seed: 1\nseed: 2\n", 2, "", "expected YAML"),
        ("a: [\n", 2, "", "expected YAML"),
        ("[" * 3_000, 1, "", "expected"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, line, path, words):
    with pytest.raises(ScriptError) as caught:
        parse_script(text, "f.yaml")
    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (line, path)
    assert words in str(fault)
    assert str(fault).startswith("f.yaml")


def test_every_fault_at_once_is_told():
    with pytest.raises(ScriptError) as caught:
        parse_script("faults:\n  - fault: drop\n    nth: x\n    every: 0\n  - fault: nope\n")
    assert [fault.line for fault in caught.value.faults] == [3, 4, 5]


def test_every_fault_can_be_written(tmp_path):
    own = {"delay": "delay: 1s", "replace": "text: x", "cut_after_bytes": "bytes: 1", "act": "action: quiet"}
    lines = [
        f"  - {{fault: {name}, {own.get(name, 'text: x' if name == 'inject' else 'times: 1')}}}" for name in FAULTS
    ]
    path = tmp_path / "all.yaml"
    path.write_text("faults:\n" + "\n".join(lines))
    assert [rule.fault for rule in read_script(path).rules] == list(FAULTS)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ScriptError, match="expected a readable file"):
        read_script(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(b"seed: 1\nfaults: [\xff]\n")
    with pytest.raises(ScriptError, match=r"bad.yaml:2: expected UTF-8"):
        read_script(bad)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "faults:\n  - {fault: " + "{a: " * 5_000,
        "faults: \n" + "".join(f"{'  ' * n}- a:\n" for n in range(3_000)),
    ],
    ids=["brackets", "mappings", "lines"],
)
def test_nesting_without_end_is_refused_before_it_costs(text):
    begun = time.process_time()
    with pytest.raises(ScriptError, match="expected at most 16 levels, got more"):
        parse_script(text, "f.yaml")
    assert time.process_time() - begun < 2


def test_a_text_of_brackets_is_no_nesting():
    assert parse_script(f"faults: [{{fault: replace, text: '{'[' * 500}'}}]").rules[0].text == "[" * 500
