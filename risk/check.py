"""Users' own checks: asked after all of ours, and able only to refuse."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from tickwright.engine.order import Order


class Refusal(Protocol):
    """What a check has against an order; a `Denial` will do."""

    @property
    def code(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def value(self) -> Decimal | None: ...

    @property
    def limit(self) -> Decimal | None: ...


class Check(Protocol):
    """One rule of a user's. `view` are the facts that our controls looked at, named like the evidence columns."""

    def check(self, order: Order, view: Mapping[str, int]) -> Refusal | None: ...
