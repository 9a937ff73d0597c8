"""The venue's own record of what reached it and what it did, for whoever checks a client against it.

It is not part of the venue's memory: a restart forgets orders where it is told to, and never this.
"""

from typing import Generic, TypeVar

from attrs import define, field, frozen

Done = TypeVar("Done")
"""What a venue keeps of an execution."""


@frozen(kw_only=True)
class Received:
    """One request about an order, as it arrived: `kind` is ``new`` or ``cancel``, `via` ``ws`` or ``rest``."""

    at: int
    kind: str
    via: str
    username: str
    client_order_id: str
    order_id: str = ""
    outcome: str = ""


@define
class Record(Generic[Done]):
    """Everything that was asked and executed for clients, in order. Times in nanoseconds UTC by the venue's clock."""

    received: list[Received] = field(factory=list)
    executed: list[Done] = field(factory=list)

    def frames(self, client_order_id: str) -> int:
        """How many new-order requests bore that id."""
        return sum(1 for each in self.received if each.kind == "new" and each.client_order_id == client_order_id)
