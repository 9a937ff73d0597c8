"""The first difference between two runs, and what sort it is."""

from typing import Any

import pytest

from tickwright.reports.diff import differing, sort_of

DECISION = {"table": "decisions", "seq": 1, "ts": 5, "instrument": "X.V", "strategy": "a", "verdict": "PASS",
            "side": 1, "ticks": 100, "lots": 3, "bid": 99, "ask": 101, "position": 0, "loop_lag": 4, "need_lo": 7,
            "client_order_id": "bt-1"}  # fmt: skip
ORDER = {"table": "orders", "seq": 2, "ts": 5, "instrument": "X.V", "strategy": "a", "event": "ACK", "price": 1,
         "qty": 2, "filled_qty": 0, "state": "OPEN"}  # fmt: skip
FILL = {"table": "fills", "seq": 3, "ts": 6, "instrument": "X.V", "strategy": "a", "price": 1, "qty": 2, "fee": 1,
        "side": "BUY", "trade_id": "1"}  # fmt: skip
MARK = {"table": "equity", "seq": 4, "ts": 6, "instrument": "X.V", "strategy": None, "mark": 1, "position": 0}

CASES: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
    ("data", DECISION, {**DECISION, "bid": 98}),
    ("data", MARK, {**MARK, "mark": 2}),
    ("timing", DECISION, {**DECISION, "ts": 6, "loop_lag": 5}),
    ("timing", ORDER, {**ORDER, "event": "FILL", "ts": 9}),
    ("decision", DECISION, {**DECISION, "ticks": 101}),
    ("decision", DECISION, None),
    ("rejection", DECISION, {**DECISION, "verdict": "PRICE_COLLAR"}),
    ("rejection", ORDER, {**ORDER, "event": "REJECT"}),
    ("fill", FILL, {**FILL, "qty": 1}),
    ("fill", FILL, {**ORDER, "ts": 8}),
    ("fill", ORDER, {**ORDER, "filled_qty": 1}),
    ("fee", FILL, {**FILL, "fee": 2}),
    ("fee", DECISION, {**DECISION, "need_lo": 8}),
]


@pytest.mark.parametrize(("kind", "one", "other"), CASES)
def test_a_difference_is_of_a_sort(kind: str, one: dict[str, Any], other: dict[str, Any] | None) -> None:
    for left, right in ((one, other), (other, one)):
        columns = differing(left, right)
        assert columns or left is None or right is None
        assert sort_of(left, right, columns) == kind


def test_names_alone_are_no_difference() -> None:
    assert differing(DECISION, {**DECISION, "seq": 9, "client_order_id": "abc-1"}) == ()
