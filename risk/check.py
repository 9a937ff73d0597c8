"""Users' own checks: asked after all of ours, and able only to refuse.

A check that does not answer properly (it raises, or returns something else than None or a refusal) has not let the
order pass: the order is denied with `USER_CHECK_ERROR`, and the run goes on.
"""

import traceback
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from attrs import frozen

from tickwright.engine.order import Order
from tickwright.risk.finding import Finding

CHECK_ERROR: Final = "USER_CHECK_ERROR"


class Refusal(Protocol):
    """What a check has against an order: an `Objection`; a `Denial` will do."""

    @property
    def code(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def value(self) -> Decimal | None: ...

    @property
    def limit(self) -> Decimal | None: ...


@frozen
class Objection:
    """A refusal: a code of your own in capitals, what a person reads, and what was measured against what."""

    code: str
    text: str
    value: Decimal | None = None
    limit: Decimal | None = None


@runtime_checkable
class Check(Protocol):
    """One rule of a user's. `view` are the facts that our controls looked at, named like the evidence columns."""

    def check(self, order: Order, view: Mapping[str, int]) -> Refusal | None: ...


def ask(check: Check, order: Order, view: Mapping[str, int]) -> Finding | None:
    """What one check has against an order; whatever it raises is held against the order too."""
    name = type(check).__name__
    try:
        said = check.check(order, view)
        return None if said is None else _finding(name, said)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | MemoryError):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        return _failed(f"{name} raised {type(error).__name__}: {error} ({where})")


def _finding(name: str, said: Any) -> Finding:
    """An answer as ours are; it comes from outside, so it is looked at first."""
    numbers = (said.value, said.limit)
    if not (isinstance(said.code, str) and said.code and isinstance(said.text, str)):
        return _failed(f"{name}: expected None or an Objection with code and text, received {said!r}")
    if not all(number is None or (isinstance(number, Decimal) and number.is_finite()) for number in numbers):
        return _failed(f"{name}: expected finite Decimals or None as value and limit, received {numbers!r}")
    return Finding("USER", said.code, False, said.value, said.limit, f"check {name}", said.text)


def _failed(text: str) -> Finding:
    return Finding("USER", CHECK_ERROR, False, None, None, "user check", f"{text}; the order is denied")
