"""Rules of a fault script, and what a rule may want done; plain values.

Times are nanoseconds. Who reads the rules from a file is `fault_script`, who applies them `faults`.
"""

from typing import Final

from attrs import frozen

from tickwright.engine.terms import NO_TIME

IN: Final = "in"
OUT: Final = "out"
WS: Final = "ws"
HTTP: Final = "http"

OPENED: Final = "open"
"""The kind of the first thing that happens on a connection: nothing was said on it yet."""


@frozen(kw_only=True)
class Rule:
    """One fault: its name, when it strikes, what it strikes and how. What is empty or zero restricts nothing.

    When: from `after` to `until` (since the start); the `nth` of the messages that match; every so many; with a
    probability; at most `times`. By time: first at `after`, then each `each`, or after a random time `within`.

    What: messages of a `direction`, `via` a socket or HTTP, of some `kinds`, that `contain` a text.
    """

    fault: str
    after: int = 0
    until: int = NO_TIME
    nth: frozenset[int] = frozenset()
    every: int = 0
    probability: float = 1.0
    times: int = 0
    each: int = 0
    within: int = 0
    timed: bool = False

    direction: str = ""
    via: str = ""
    kinds: frozenset[str] = frozenset()
    contains: str = ""

    delay: int = 0
    jitter: int = 0
    copies: int = 1
    window: int = 2
    size: int = 0
    stalls: str = ""
    length: int = 0
    code: int = 0
    performed: bool = False
    then: str = "disconnect"
    status: int = 503
    retry_after: int = 0
    memory: bool = True
    down: int = 0
    text: str = ""
    raw: bytes = b""
    action: str = ""
    rate: float = 0.0


@frozen(kw_only=True)
class FaultScript:
    """Rules in order, and what their random sources begin with."""

    rules: tuple[Rule, ...] = ()
    seed: int = 1


@frozen(kw_only=True)
class Passing:
    """One message on its way: `key` is what it belongs to (a topic), where it belongs to anything."""

    direction: str
    kind: str
    via: str = WS
    text: str = ""
    key: str = ""


# --- what is to be done ---------------------------------------------------------------------------------------------


@frozen
class Cut:
    """Reset the connection after so many bytes of this message, or of a connection that opens."""

    size: int


@frozen
class Stall:
    """Let nothing through in a direction ("" both) for a time in ns (0: for good); the socket stays."""

    direction: str
    length: int


@frozen
class Disconnect:
    """End the connection: `code` 0 without a word; `performed` whether a request that came is still carried out."""

    code: int
    performed: bool


@frozen
class Swallow:
    """Carry the request out and lose what it causes to be said; `then` ``disconnect`` or ``stay``."""

    then: str


@frozen
class Inject:
    """Send something that belongs to nothing: a text message, or raw bytes, so many times."""

    text: str
    raw: bytes
    copies: int


@frozen
class HttpError:
    """Answer with this status instead; `retry_after` in seconds, 0 unsaid."""

    status: int
    retry_after: int


@frozen
class Restart:
    """The venue goes away for `down` ns and comes back, with or without its memory."""

    memory: bool
    down: int


@frozen
class ExpireTokens:
    """Every token that was given is worth nothing from now on."""


@frozen
class Act:
    """Something that only this venue knows how to do."""

    action: str
    rate: float
    length: int


Deed = Cut | Stall | Disconnect | Swallow | Inject | HttpError | Restart | ExpireTokens | Act


def deed(rule: Rule) -> Deed:
    """What a rule wants done."""
    match rule.fault:
        case "cut_after_bytes":
            return Cut(rule.size)
        case "half_open":
            return Stall(rule.stalls, rule.length)
        case "disconnect":
            return Disconnect(rule.code, rule.performed)
        case "lost_ack":
            return Swallow(rule.then)
        case "inject":
            return Inject(rule.text, rule.raw, rule.copies)
        case "http_error":
            return HttpError(rule.status, rule.retry_after)
        case "restart":
            return Restart(rule.memory, rule.down)
        case "token_expiry":
            return ExpireTokens()
        case _:
            return Act(rule.action, rule.rate, rule.length)
