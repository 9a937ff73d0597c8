"""The catalogue of faults that a script can make: each is thrown at the whole stack, then the invariants are checked.

On every venue, except where a case says `only`: there the venue knows the fault under another name, or not at all.
Level S: one process, streams in memory, virtual time. The numbers are those of `docs/faults.md`.
"""

from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import field, frozen
from grounds import GROUNDS, LATE, OFF, ON
from stack import Stack, check_invariants, settle, stacked
from trio.testing import MockClock


@frozen
class Case:
    """A fault: its number, the script, the venue's and the adapter's settings, and what must have been seen of it."""

    name: str
    script: str
    seen: str = ""
    options: dict[str, Any] = field(factory=dict)
    settings: dict[str, Any] = field(factory=dict)
    length: float = 20.0
    cod: str = ON
    only: str = ""


ORDERS = "kinds: [order, fill, ack], direction: out"
REST = {"order_entry": "rest"}
T = "tdx"
P = "powertrade"

CASES = [
    Case("F02-nothing-arrives", "{fault: cut_after_bytes, kinds: [new], bytes: 0, every: 5}", "UNKNOWN"),
    Case("F02-a-part-arrives", "{fault: cut_after_bytes, kinds: [new], bytes: 40, every: 5}", "UNKNOWN"),
    Case("F02-all-of-it-arrives", "{fault: cut_after_bytes, kinds: [new], bytes: 100000, every: 5}", "UNKNOWN"),
    Case("F02-an-answer-is-cut", "{fault: cut_after_bytes, kinds: [ack], bytes: 20, every: 5}", "UNKNOWN", only=T),
    Case("F02-an-answer-is-cut", "{fault: cut_after_bytes, kinds: [order], bytes: 20, every: 5}", "UNKNOWN", only=P),
    Case("F03-ack-lost-and-cut-off", "{fault: lost_ack, every: 4}", "UNKNOWN"),
    Case("F03-ack-lost", "{fault: lost_ack, every: 4, then: stay}", "UNKNOWN", cod=OFF),
    Case("F04-fills-while-away", "{fault: restart, after: 8s, down: 6s}", "UNKNOWN", cod=OFF),
    Case("F05-cancelled-on-disconnect", "{fault: disconnect, after: 6s, each: 5s}", "UNKNOWN"),
    Case("F05-not-cancelled", "{fault: disconnect, after: 6s, each: 5s}", "UNKNOWN", cod=OFF),
    Case("F05-cancelled-late", "{fault: disconnect, after: 6s, each: 5s}", "UNKNOWN", cod=LATE),
    Case("F06-reconnect-storm", "{fault: disconnect, within: 5s, times: 100}", "link down", length=60.0),
    Case("F11-duplicates", f"{{fault: duplicate, {ORDERS}, copies: 4, probability: 0.7}}"),
    Case("F11-everything-twice", "{fault: duplicate, direction: out}"),
    Case("F12-dropped", f"{{fault: drop, {ORDERS}, probability: 0.3}}", "UNKNOWN"),
    Case("F12-only-fills-dropped", "{fault: drop, kinds: [fill], probability: 0.5}"),
    Case("F13-reordered", f"{{fault: reorder, {ORDERS}, window: 5}}"),
    Case("F13-all-reordered", "{fault: reorder, direction: out, window: 20}"),
    Case("F14-gaps", "{fault: gap, every: 7}", "expected", only=T),
    Case("F14-gaps", "{fault: gap, every: 60}", "expected", only=P),
    Case("F14-overlaps", "{fault: act, action: overlap_update, after: 5s, each: 3s}", only=T),
    Case("F14-an-order-nobody-knows", "{fault: act, action: unknown_order, after: 5s, each: 6s}", "expected", only=P),
    Case("F15-stale-snapshots", "{fault: stale_snapshot, every: 2}, {fault: gap, every: 10}", only=T),
    Case("F15-stale-snapshots", "{fault: stale_snapshot, every: 2}, {fault: gap, every: 60}", only=P),
    Case("F15-snapshots-out-of-turn", "{fault: act, action: snapshot, after: 5s, each: 1s}", only=P),
    Case("F16-crossed", "{fault: act, action: cross_book, after: 5s, each: 4s}", "CROSSED"),
    Case("F16-empty", "{fault: act, action: empty_book, after: 5s, each: 7s}"),
    Case("F18-damaged", "{fault: corrupt, direction: out, kinds: [book, snapshot, trade, ack], probability: 0.1}, "
         "{fault: replace, direction: out, kinds: [order, fill], probability: 0.2, text: '{'}", "BAD_MESSAGE", only=T),
    Case("F18-damaged", "{fault: corrupt, direction: out, kinds: [book, snapshot, trade], probability: 0.02}, "
         "{fault: replace, direction: out, kinds: [order, fill], probability: 0.2, text: '{'}", "BAD_MESSAGE", only=P),
    Case("F18-requests-damaged", "{fault: corrupt, direction: in, via: ws, kinds: [new, cancel], probability: 0.2}"),
    Case("F22-refused-at-the-door", "{fault: http_error, kinds: [upgrade], status: 503, retry_after: 2, times: 3}, "
         "{fault: disconnect, after: 5s, each: 6s}", "told to wait"),
    Case("F22-too-many-requests", "{fault: http_error, kinds: [upgrade], status: 429, times: 3}, "
         "{fault: disconnect, after: 5s, each: 6s}", "told to wait"),
    Case("F22-goodbyes", "{fault: disconnect, after: 5s, times: 1, code: 1012}, "
         "{fault: disconnect, after: 12s, times: 1, code: 1013}, {fault: disconnect, after: 18s, times: 1, code: 4999}",
         "link down"),
    Case("F24-a-quiet-market", "{fault: act, action: quiet, after: 5s, for: 15s}"),
    Case("F25-tokens-expire", "{fault: token_expiry, after: 5s, each: 6s}"),
    Case("F25-short-tokens", "", "", {"token_life_ns": 5_000_000_000, "expired_token_ends_stream": True}, only=T),
    Case("F25-short-tokens", "{fault: disconnect, after: 6s, each: 9s}", "", {"strict_tokens": True}, only=P),
    Case("F26-queries-refused", "{fault: http_error, kinds: [query], status: 429, retry_after: 2, probability: 0.5}, "
         "{fault: drop, kinds: [ack, order], probability: 0.3}", "UNKNOWN"),
    Case("F26-orders-refused", "{fault: http_error, kinds: [new], status: 429, retry_after: 1, probability: 0.3}",
         "REJECTED", settings=REST, only=T),
    Case("F26-cancels-refused", "{fault: http_error, kinds: [cancel], status: 429, retry_after: 1, probability: 0.5}",
         settings=REST, only=T),
    Case("F26-unavailable", "{fault: http_error, kinds: [new, cancel, query], status: 503, probability: 0.3}",
         "UNKNOWN", settings=REST, only=T),
    Case("F27-late-answers", f"{{fault: delay, {ORDERS}, delay: 0, jitter: 10s, probability: 0.4}}", "UNKNOWN"),
    Case("F28-restart", "{fault: restart, after: 8s, down: 3s}", "link down"),
    Case("F29-lists-lag", "{fault: disconnect, after: 6s, each: 8s}", "", {"list_lag_ns": 2_000_000_000}),
    Case("F30-queries-damaged", "{fault: replace, direction: out, kinds: [query], text: '{result: [', "
         "probability: 0.5}, {fault: drop, kinds: [ack, order], probability: 0.3}", "UNKNOWN"),
    Case("F30-queries-lost", "{fault: drop, kinds: [query], probability: 0.4}, "
         "{fault: disconnect, after: 6s, each: 8s}", "UNKNOWN"),
    Case("rest-answers-lost", "{fault: drop, direction: out, kinds: [new, cancel], probability: 0.3}", "UNKNOWN",
         settings=REST, only=T),
]  # fmt: skip


RUNS = [(name, case) for name in GROUNDS for case in CASES if case.only in ("", name)]


@pytest.mark.parametrize(("venue", "case"), RUNS, ids=[f"{name}-{case.name}" for name, case in RUNS])
async def test_a_scripted_fault_breaks_nothing(
    autojump_clock: MockClock, tmp_path: Path, venue: str, case: Case
) -> None:
    how = {"options": case.options, "settings": case.settings, "cod": case.cod}
    async with stacked(tmp_path, case.script, ground=GROUNDS[venue], **how) as stack:
        await stack.ready()
        await trio.sleep(case.length)
        await settle(stack)
        check_invariants(stack)
        assert case.seen in evidence(stack), f"expected a trace of {case.seen!r}"


def evidence(stack: Stack) -> str:
    """Everything that was told or that the strategy heard, as one text."""
    heard = [state for _, state in stack.trader.heard]
    return "\n".join([*(text for _, text in stack.said), *(text for _, _, text in stack.notes()), *heard])
