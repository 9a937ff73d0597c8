"""What is thrown at a client on purpose: rules that say which message, connection or moment suffers what.

A venue that tests clients asks here about everything that passes: each message, in or out, over a socket or by HTTP,
comes with a `kind` that the venue names (``book``, ``fill``, ``new``, ``login``...). A rule that matches may change the
message and may want something done: to the connection (`Cut`, `Stall`, `Disconnect`, `Swallow`, `Inject`), or to the
venue (`Restart`, `ExpireTokens`, `Act`). Rules without a message to wait for come due by time.

Nothing here knows a venue, a socket or a clock. Times are nanoseconds of a monotonic clock, and each rule draws from a
random source of its own, so that one rule more leaves the others as they were.
"""

from collections.abc import Iterable
from random import Random
from typing import Final

from attrs import Factory, define, field, frozen

from tickwright.adapters.fault_rules import OPENED, Deed, FaultScript, Passing, Rule, deed
from tickwright.engine.terms import NO_TIME


@frozen(kw_only=True)
class Verdict:
    """What becomes of a message: its copies as (delay in ns, text), none if it is lost; what else is to be done.

    `window` is how many messages are shuffled together, 0 none.
    """

    copies: tuple[tuple[int, str], ...]
    deeds: tuple[Deed, ...] = ()
    window: int = 0


@frozen(kw_only=True)
class Fired:
    """A rule struck: `number` counts rules from 1."""

    at: int
    number: int
    fault: str
    kind: str = ""


@define
class _State:
    """What one rule has seen and done."""

    rule: Rule
    number: int
    rng: Random
    seen: int = 0
    fired: int = 0
    origin: int = 0
    due: int = NO_TIME
    kept: dict[str, str] = Factory(dict)


@define(eq=False)
class Faults:
    """The rules of one script at work. `start` says when time begins; `fired` is what struck so far."""

    script: FaultScript = field(factory=FaultScript)
    fired: list[Fired] = field(factory=list)
    _states: list[_State] = field(init=False, factory=list)
    _start: int = field(init=False, default=0)
    _on: bool = field(init=False, default=True)

    def __attrs_post_init__(self) -> None:
        for rule in self.script.rules:
            self.add(rule)

    @property
    def idle(self) -> bool:
        """Whether nothing can happen, so that nobody needs to ask."""
        return not self._states or not self._on

    def add(self, rule: Rule, at: int | None = None) -> None:
        """One rule more. `at` is now, where the rules run already: its times count from then on."""
        number = len(self._states) + 1
        state = _State(rule, number, Random(f"{self.script.seed}:{number}"))
        self._states.append(state)
        if at is not None:
            state.origin = at - self._start
            state.due = state.origin + rule.after if rule.timed else NO_TIME

    def start(self, at: int) -> None:
        """Time begins."""
        self._start = at
        for state in self._states:
            if state.rule.timed:
                state.due = state.rule.after

    def stop(self) -> None:
        """Nothing strikes any more: the faults are over, and what comes is what heals."""
        self._on = False

    # --- by time --------------------------------------------------------------------------------------------------

    def due(self) -> int:
        """When the next rule strikes by time; NO_TIME where none will."""
        soonest = min((state.due for state in self._states), default=NO_TIME)
        return soonest + self._start if self._on and soonest < NO_TIME else NO_TIME

    def timed(self, at: int) -> list[Deed]:
        """What is due by now."""
        deeds: list[Deed] = []
        for state in self._states:
            while self._on and state.due <= at - self._start:
                deeds.append(deed(state.rule))
                self._note(state, state.due + self._start, "")
                state.due = _following(state)
        return deeds

    # --- by message -----------------------------------------------------------------------------------------------

    def passing(self, message: Passing, at: int) -> Verdict:
        """What becomes of a message, by every rule that matches it, in the script's order."""
        copies: tuple[tuple[int, str], ...] = ((0, message.text),)
        deeds: list[Deed] = []
        window = 0
        for state in self._states if self._on else ():
            rule = state.rule
            if rule.timed or not _matches(rule, message):
                continue
            if rule.fault == "stale_snapshot":
                earlier = state.kept.setdefault(message.key, message.text)
            if not self._strikes(state, at):
                continue
            self._note(state, at, message.kind)
            if rule.fault == "stale_snapshot":
                copies = tuple((delay, earlier) for delay, _ in copies)
            elif rule.fault == "reorder":
                window = max(window, rule.window)
            elif rule.fault in _CHANGES:
                copies = tuple(changed for copy in copies for changed in _changed(state, *copy))
            else:
                deeds.append(deed(rule))
        return Verdict(copies=copies, deeds=tuple(deeds), window=window)

    def _strikes(self, state: _State, at: int) -> bool:
        """Whether a rule strikes at a message that it matches; each such message counts."""
        rule = state.rule
        if not rule.after <= at - self._start - state.origin < rule.until:
            return False
        state.seen += 1
        if rule.times and state.fired >= rule.times:
            return False
        if rule.nth and state.seen not in rule.nth:
            return False
        if rule.every and state.seen % rule.every:
            return False
        return rule.probability >= 1.0 or state.rng.random() < rule.probability

    def _note(self, state: _State, at: int, kind: str) -> None:
        state.fired += 1
        self.fired.append(Fired(at=at, number=state.number, fault=state.rule.fault, kind=kind))


_CHANGES: Final = frozenset(("drop", "gap", "delay", "duplicate", "corrupt", "replace"))
"""Faults that change a message itself; the others do something beside it."""


def _matches(rule: Rule, message: Passing) -> bool:
    if message.kind == OPENED and OPENED not in rule.kinds:
        return False
    return (
        rule.direction in ("", message.direction)
        and rule.via in ("", message.via)
        and (not rule.kinds or message.kind in rule.kinds)
        and (rule.contains in message.text or rule.contains in message.key)
    )


def _following(state: _State) -> int:
    """When a rule strikes by time again; it was due at `state.due`."""
    rule = state.rule
    if rule.times and state.fired >= rule.times:
        return NO_TIME
    pause = state.rng.randint(1, rule.within) if rule.within else rule.each
    due = state.due + pause
    return due if pause and due - state.origin < rule.until else NO_TIME


def _changed(state: _State, delay: int, text: str) -> Iterable[tuple[int, str]]:
    """One copy of a message as the rule leaves it: none, one or several."""
    rule = state.rule
    match rule.fault:
        case "delay":
            yield delay + rule.delay + (state.rng.randint(0, rule.jitter) if rule.jitter else 0), text
        case "duplicate":
            for _ in range(1 + rule.copies):
                yield delay, text
        case "corrupt":
            yield delay, _corrupted(text, state.rng)
        case "replace":
            yield delay, rule.text


def _corrupted(text: str, rng: Random) -> str:
    """A text that was damaged on its way: cut short, or with a few characters exchanged."""
    if not text or rng.random() < 0.3:
        return text[: rng.randint(0, max(len(text) - 1, 0))]
    letters = list(text)
    for _ in range(rng.randint(1, 3)):
        letters[rng.randrange(len(letters))] = rng.choice('{}[]",:0\x00x')
    return "".join(letters)
