"""`why` tells one order's life from the run folder alone."""

import json
from decimal import Decimal

import pytest

from tickwright.reports.run_folder import RunError, RunFolder
from tickwright.reports.why import after, clock, why

START = 1_723_161_600_000_000_000
MS = 1_000_000


@pytest.fixture
def run(open_run) -> RunFolder:
    writer, rows = open_run(evidence=("bid_ticks", "ask_ticks"))
    terms = {"order": 1, "side": 1, "ticks": 6_000_000, "lots": 1000, "post_only": 1}
    rows.add("decisions", ts=START, order=1, bid_ticks=5_999_999, ask_ticks=6_000_001)
    rows.add("orders", ts=START, event=0, state=0, **terms)
    rows.add("orders", ts=START, event=2, state=1, **terms)
    rows.add("orders", ts=START + 5 * MS, event=5, state=2, **terms)
    rows.add("fills", "t1", ts=START + 40 * MS, order=1, side=1, ticks=6_000_000, lots=400, cause=77)
    rows.add("orders", ts=START + 40 * MS, event=8, state=3, cum=400, **terms)
    rows.add("fills", "t2", ts=START + 2000 * MS, order=1, side=1, ticks=5_999_900, lots=600, liquidity=1)
    rows.add("orders", ts=START + 2000 * MS, event=8, state=7, cum=1000, **terms)
    denial = {"code": "MAX_ORDER_QTY", "value": "5", "limit": "1", "scope": "global", "text": "5 BTC is more than 1"}
    rows.add("decisions", json.dumps(denial), ts=START + 1, order=2, verdict=2)
    rows.add("orders", "MAX_ORDER_QTY", ts=START + 1, order=2, side=-1, type=1, lots=500_000, event=1, state=11)
    for number in range(3, 30):
        rows.add("orders", ts=START + 2, order=number, side=1, ticks=1, lots=1)
    rows.flush()
    writer.close()
    return RunFolder(writer.folder)


def test_a_filled_order_is_told_from_intent_to_average_price(run: RunFolder) -> None:
    story = why(run, "bt-1")
    outcome = story.data["outcome"]
    assert outcome == {
        "state": "FILLED", "filled_qty": "0.01", "average_price": "59999.4", "fees": "0.227997",
        "fee_currency": "USDT", "lasted_ns": 2000 * MS,
    }  # fmt: skip
    text = story.text
    assert "2024-08-09 00:00:00.000000000 UTC: BUY 0.01 at 60000, LIMIT GTC post-only" in text
    assert "The gate let the order pass.\n  it saw bid_ticks 5999999, ask_ticks 6000001" in text
    assert "BUY 0.004 at 60000 as maker, fee 0.048 USDT, caused by market event 77" in text
    assert text.index("+5.000 ms") < text.index("+40.000 ms") < text.index("+2.000 s")
    assert text.endswith("with 0.01 filled at 59999.4 on average, fees 0.227997 USDT.\n")
    json.dumps(story.data)


def test_a_denied_order_names_code_value_limit_and_scope(run: RunFolder) -> None:
    story = why(run, "bt-2")
    assert (
        "The gate denied the order: MAX_ORDER_QTY. 5 BTC is more than 1\n  value 5, limit 1, scope global" in story.text
    )
    assert "SELL 5 at the market" in story.text
    assert story.text.endswith("It ended DENIED +0 ns after the intent, with 0 filled.\n")
    assert story.data["decisions"][0]["denial"]["code"] == "MAX_ORDER_QTY"


def test_the_gates_own_explanation_is_laid_out(run: RunFolder) -> None:
    """The explanation gets the row and the limits; every control's figures are shown, missing ones as a dash."""

    def explain(row, limits):
        assert row["ask_ticks"] == 6_000_001
        assert limits == {"max_order_qty": 1}
        keys = ("control", "code", "value", "limit", "headroom", "scope")
        size = ("C1", "MAX_ORDER_QTY", Decimal("0.010"), 1, Decimal("0.99"), "global")
        return [
            dict(zip(keys, size, strict=True)),
            dict(zip(keys, ("B4", "KILL_SWITCH_ACTIVE", None, None, None, "x"), strict=True)),
        ]

    story = why(run, "bt-1", explain, {"max_order_qty": 1})
    lines = story.text.splitlines()
    at = lines.index("The gate let the order pass.")
    assert lines[at + 1].split() == ["control", "code", "value", "limit", "headroom", "scope"]
    assert lines[at + 2].split() == ["C1", "MAX_ORDER_QTY", "0.01", "1", "0.99", "global"]
    assert lines[at + 3].split() == ["B4", "KILL_SWITCH_ACTIVE", "-", "-", "-", "x"]


def test_an_unknown_id_names_the_nearest_and_how_many_there_are(run: RunFolder) -> None:
    with pytest.raises(RunError, match=r"one of its 29 orders, received bt-31; near it: bt-29, bt-28, bt-27$"):
        why(run, "bt-31")
    with pytest.raises(RunError, match=r"received nonsense; near it: bt-"):
        why(run, "nonsense")


def test_an_unfinished_order_says_so(run: RunFolder) -> None:
    assert "It was still PENDING_SEND" in why(run, "bt-3").text


def test_a_run_without_orders_says_so(open_run) -> None:
    writer, _ = open_run("empty")
    writer.close()
    with pytest.raises(RunError, match="received bt-1; it has none"):
        why(RunFolder(writer.folder), "bt-1")


def test_an_execution_taken_back_counts_against_the_average(open_run) -> None:
    writer, rows = open_run("bust")
    terms = {"order": 1, "side": 1, "ticks": 100, "lots": 10}
    rows.add("orders", event=0, **terms)
    rows.add("fills", "a", order=1, side=1, ticks=100, lots=10)
    rows.add("fills", "b", order=1, side=1, ticks=200, lots=10)
    rows.add("fills", "b", order=1, side=-1, ticks=200, lots=10, taken_back=1)
    rows.flush()
    writer.close()
    story = why(RunFolder(writer.folder), "bt-1")
    assert story.data["outcome"]["average_price"] == "1"
    assert story.data["outcome"]["fees"] == "0.00000002"
    assert "taken back: SELL 0.0001 at 2" in story.text


def test_spans_and_times_are_written_for_people() -> None:
    assert [after(ns) for ns in (0, 999, 1_500, 2_500_000, 61_000_000_000)] == [
        "+0 ns", "+999 ns", "+1.500 us", "+2.500 ms", "+61.000 s",
    ]  # fmt: skip
    assert clock(START + 1) == "2024-08-09 00:00:00.000000001 UTC"
