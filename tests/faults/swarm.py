"""What a seed throws at a run: of all the places where a fault can strike a quarter is active, and strikes one time in
four. So runs differ in kind, and not only in luck."""

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, Final

from attrs import evolve, field, frozen
from grounds import GROUNDS, LATE, OFF, ON

from tickwright.adapters.fault_rules import FaultScript, Rule
from tickwright.adapters.fault_script import parse_script

VENUES: Final = tuple(GROUNDS)
ACTIVE: Final = 0.25
FIRING: Final = 0.25
SAFETY_S: Final = (5.0, 8.0, 13.0)
"""How long the faults last: short runs of many kinds find more than long ones of few."""

MESSAGES: Final = {
    "tdx": ("ack", "order", "fill", "book", "snapshot", "trade", "control", "balance"),
    "powertrade": ("order", "fill", "book", "snapshot", "trade", "control", "query", "heartbeat"),
}
REQUESTS: Final = {"tdx": ("new", "cancel", "subscribe", "cod"), "powertrade": ("new", "cancel", "subscribe", "query")}
QUESTIONS: Final = {
    "tdx": ("login", "refresh", "query", "upgrade", "new", "cancel"),
    "powertrade": ("query", "upgrade"),
}
DEAR: Final = frozenset((("powertrade", "book"), ("powertrade", "snapshot"), ("powertrade", "control")))
"""What costs the link where it is lost, and a pause that grows each time: once in a run is enough."""


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
    venue: str
    cod: str
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


def places(venue: str) -> dict[str, tuple[str, ...]]:
    """Every place where a fault can strike at a venue, and the rules for what can happen there."""
    found: dict[str, tuple[str, ...]] = {}
    for kind in MESSAGES[venue]:
        found[f"told: {kind}"] = told(kind, dear=(venue, kind) in DEAR)
    for kind in REQUESTS[venue]:
        found[f"asked: {kind}"] = asked(kind)
    for kind in QUESTIONS[venue]:
        found[f"over HTTP: {kind}"] = questions(kind)
    own = POWERTRADES if venue == "powertrade" else TDXS
    return found | EVERYWHERE | own


def told(kind: str, *, dear: bool) -> tuple[str, ...]:
    """What can happen to a message of the venue."""
    here = f"kinds: [{kind}], direction: out, via: ws"
    often = "probability: 0.1, times: 1" if dear else OFTEN
    # Damage to what is told of our orders can make another true statement of it, which nobody can tell from a real
    # one; so it is made unreadable instead.
    damage = "fault: replace, text: '{'" if kind in ("order", "fill", "query") else "fault: corrupt"
    return (
        f"fault: drop, {here}, {often}",
        f"fault: duplicate, copies: 3, {here}, {often}",
        f"fault: delay, delay: 0, jitter: 5s, {here}, {often}",
        f"fault: reorder, window: 6, {here}, {often}",
        f"{damage}, {here}, {often}",
        f"fault: cut_after_bytes, bytes: 30, {here}, every: 12{', times: 1' if dear else ''}",
    )


def asked(kind: str) -> tuple[str, ...]:
    """What can happen to a request of ours over the socket."""
    here = f"kinds: [{kind}], direction: in, via: ws"
    return (
        f"fault: drop, {here}, {OFTEN}",
        f"fault: delay, delay: 0, jitter: 4s, {here}, {OFTEN}",
        f"fault: cut_after_bytes, bytes: 40, {here}, every: 6",
        f"fault: disconnect, performed: true, {here}, every: 6",
    )


def questions(kind: str) -> tuple[str, ...]:
    """What can happen to a request over HTTP and its answer."""
    here = f"kinds: [{kind}], via: http, {OFTEN}"
    return (
        f"fault: http_error, status: 429, retry_after: 1, {here}",
        f"fault: http_error, status: 503, {here}",
        f"fault: drop, direction: out, {here}",
        f"fault: drop, direction: in, {here}",
        f"fault: replace, text: '[', direction: out, {here}",
        f"fault: delay, delay: 0, jitter: 5s, {here}",
    )


OFTEN: Final = f"probability: {FIRING}"
EVERYWHERE: Final = {
    "lost acks": (f"fault: lost_ack, {OFTEN}", f"fault: lost_ack, then: stay, {OFTEN}"),
    "the link": (
        "fault: disconnect, within: 4s",
        "fault: disconnect, code: 1012, within: 6s",
        # Not longer: a stream in memory knows no reset, so what was written would arrive after it was given up.
        "fault: half_open, after: 2s, for: 8s",
        "fault: half_open, after: 2s, for: 6s, each: 15s, direction: out",
        "fault: half_open, after: 2s, for: 6s, each: 15s, direction: in",
    ),
    "the venue": ("fault: restart, after: 3s, down: 2s", "fault: token_expiry, within: 5s"),
    "strangers": ("fault: act, action: unsolicited_cancel, within: 2s",),
    "noise": ("fault: inject, text: '[]', within: 3s", "fault: inject, hex: 'c1 00', after: 4s"),
}
TDXS: Final = {
    "books": (f"fault: gap, {OFTEN}", "fault: act, action: overlap_update, within: 2s"),
    "snapshots": (f"fault: stale_snapshot, {OFTEN}",),
    "the market": (
        "fault: act, action: cross_book, within: 3s",
        "fault: act, action: empty_book, within: 4s",
        "fault: act, action: quiet, for: 3s, within: 6s",
    ),
}
POWERTRADES: Final = {
    "books": (
        "fault: gap, every: 20, times: 1",
        "fault: act, action: unknown_order, after: 2s, times: 1",
        "fault: act, action: snapshot, within: 2s",
    ),
    "the market": (
        "fault: act, action: cross_book, after: 3s, times: 1",
        "fault: act, action: empty_book, within: 4s",
        "fault: act, action: quiet, for: 3s, within: 6s",
    ),
}


def plan(seed: int) -> Plan:
    """What this seed throws. Seeds take the venues in turn, so that each has its share of any range."""
    dice = Random(seed)
    venue = VENUES[seed % len(VENUES)]
    chosen = tuple(
        Chosen(place, dice.choice(rules)) for place, rules in places(venue).items() if dice.random() < ACTIVE
    )
    options: dict[str, Any] = {"list_lag_ns": dice.choice((0, 0, 2_000_000_000))}
    settings: dict[str, Any] = {}
    if venue == "tdx":
        options |= {
            "execution_order": dice.choice(("fill_before_order", "order_before_fill")),
            "open_before_fills": dice.random() < 0.5,
            "orders_on_subscribe": dice.random() < 0.3,
            "shared_trade_ids": dice.random() < 0.3,
        }
        settings["order_entry"] = dice.choice(("websocket", "websocket", "rest"))
    else:
        options["strict_tokens"] = dice.random() < 0.3
    return Plan(
        seed=seed,
        venue=venue,
        cod=dice.choice((ON, ON, OFF, LATE)),
        chosen=chosen,
        safety=dice.choice(SAFETY_S),
        options=options,
        settings=settings,
    )
