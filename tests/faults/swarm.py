"""What a seed throws at a run: of all the places where a fault can strike a quarter is active, and strikes one time in
four. So runs differ in kind, and not only in luck."""

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, Final

from attrs import evolve, field, frozen

from tickwright.adapters.fault_rules import FaultScript, Rule
from tickwright.adapters.fault_script import parse_script

ACTIVE: Final = 0.25
FIRING: Final = 0.25
SAFETY_S: Final = (5.0, 8.0, 13.0)
"""How long the faults last: short runs of many kinds find more than long ones of few."""

MESSAGES: Final = ("ack", "order", "fill", "book", "snapshot", "trade", "control", "balance")
REQUESTS: Final = ("new", "cancel", "subscribe", "cod")
QUESTIONS: Final = ("login", "refresh", "query", "upgrade", "new", "cancel")


@cache
def parsed(text: str) -> tuple[Rule, ...]:
    """The rules of one entry of a script; reading YAML takes longer than anything else in a short run."""
    return parse_script(f"faults: [{{{text}}}]").rules


@frozen
class Chosen:
    """One fault of a plan: where it strikes, and the rule as a script has it."""

    place: str
    text: str

    @property
    def rules(self) -> tuple[Rule, ...]:
        return parsed(self.text)


@frozen(kw_only=True)
class Plan:
    """What a seed decides: the faults, how venue and adapter are set, and for how many seconds faults last."""

    seed: int
    chosen: tuple[Chosen, ...]
    safety: float
    options: dict[str, Any] = field(factory=dict)
    settings: dict[str, Any] = field(factory=dict)

    @property
    def script(self) -> FaultScript:
        return FaultScript(rules=tuple(rule for each in self.chosen for rule in each.rules), seed=self.seed)

    def with_only(self, numbers: Sequence[int]) -> "Plan":
        """The plan with these of its faults alone, counted from 1 as it was drawn."""
        return evolve(self, chosen=tuple(self.chosen[number - 1] for number in numbers))


def places() -> dict[str, tuple[str, ...]]:
    """Every place where a fault can strike, and the rules for what can happen there."""
    often = f"probability: {FIRING}"
    found: dict[str, tuple[str, ...]] = {}
    for kind in MESSAGES:
        here = f"kinds: [{kind}], direction: out, via: ws"
        # Damage to what is told of our orders can make another true statement of it, which nobody can tell from a real
        # one; so it is made unreadable instead.
        damage = "fault: replace, text: '{'" if kind in ("order", "fill") else "fault: corrupt"
        found[f"told: {kind}"] = (
            f"fault: drop, {here}, {often}",
            f"fault: duplicate, copies: 3, {here}, {often}",
            f"fault: delay, delay: 0, jitter: 5s, {here}, {often}",
            f"fault: reorder, window: 6, {here}, {often}",
            f"{damage}, {here}, {often}",
            f"fault: cut_after_bytes, bytes: 30, {here}, every: 12",
        )
    for kind in REQUESTS:
        here = f"kinds: [{kind}], direction: in, via: ws"
        found[f"asked: {kind}"] = (
            f"fault: drop, {here}, {often}",
            f"fault: delay, delay: 0, jitter: 4s, {here}, {often}",
            f"fault: cut_after_bytes, bytes: 40, {here}, every: 6",
            f"fault: disconnect, performed: true, {here}, every: 6",
        )
    for kind in QUESTIONS:
        here = f"kinds: [{kind}], via: http, {often}"
        found[f"over HTTP: {kind}"] = (
            f"fault: http_error, status: 429, retry_after: 1, {here}",
            f"fault: http_error, status: 503, {here}",
            f"fault: drop, direction: out, {here}",
            f"fault: drop, direction: in, {here}",
            f"fault: replace, text: '[', direction: out, {here}",
            f"fault: delay, delay: 0, jitter: 5s, {here}",
        )
    return found | {
        "lost acks": (f"fault: lost_ack, {often}", f"fault: lost_ack, then: stay, {often}"),
        "the link": (
            "fault: disconnect, within: 4s",
            "fault: disconnect, code: 1012, within: 6s",
            # Not longer: a stream in memory knows no reset, so what was written would arrive after it was given up.
            "fault: half_open, after: 2s, for: 8s",
            "fault: half_open, after: 2s, for: 6s, each: 15s, direction: out",
            "fault: half_open, after: 2s, for: 6s, each: 15s, direction: in",
        ),
        "the venue": ("fault: restart, after: 3s, down: 2s", "fault: token_expiry, within: 5s"),
        "books": (f"fault: gap, {often}", "fault: act, action: overlap_update, within: 2s"),
        "snapshots": (f"fault: stale_snapshot, {often}",),
        "strangers": ("fault: act, action: unsolicited_cancel, within: 2s",),
        "the market": (
            "fault: act, action: cross_book, within: 3s",
            "fault: act, action: empty_book, within: 4s",
            "fault: act, action: quiet, for: 3s, within: 6s",
        ),
        "noise": ("fault: inject, text: '[]', within: 3s", "fault: inject, hex: 'c1 00', after: 4s"),
    }


def plan(seed: int) -> Plan:
    """What this seed throws."""
    dice = Random(seed)
    chosen = tuple(Chosen(place, dice.choice(rules)) for place, rules in places().items() if dice.random() < ACTIVE)
    options: dict[str, Any] = {
        "execution_order": dice.choice(("fill_before_order", "order_before_fill")),
        "open_before_fills": dice.random() < 0.5,
        "cod_delay_ns": dice.choice((0, 0, 1_500_000_000)),
        "list_lag_ns": dice.choice((0, 0, 2_000_000_000)),
        "orders_on_subscribe": dice.random() < 0.3,
        "shared_trade_ids": dice.random() < 0.3,
    }
    settings = {"order_entry": dice.choice(("websocket", "websocket", "rest"))}
    return Plan(seed=seed, chosen=chosen, safety=dice.choice(SAFETY_S), options=options, settings=settings)
