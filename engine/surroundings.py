"""What the live driver stands between: the journal it records in, and the gate it tells and obeys."""

from collections.abc import Mapping
from typing import Protocol


class Records(Protocol):
    """The journal as the driver uses it."""

    @property
    def healthy(self) -> bool:
        """Whether the last commit reached the disk in time."""
        ...

    @property
    def dead(self) -> str:
        """Why nothing is written any more; empty while it is."""
        ...

    @property
    def lag_ns(self) -> int:
        """How long the last commit took."""
        ...

    @property
    def free_mb(self) -> int:
        """What is left on its disk, in megabytes."""
        ...

    def commit(self) -> object:
        """Make everything handed over so far durable; a failure shows in `dead`, it does not raise."""
        ...


class Health(Protocol):
    """What the driver tells the gate."""

    journal_ok: bool
    journal_lag_ns: int
    journal_free_mb: int
    loop_lag_ns: int
    queue_depth: int


class Authority(Protocol):
    """What a driver may do to the gate's rules."""

    def kill(self, level: str, name: str, mode: str, reason: str, by: str, now: int) -> None:
        """Latch: from this call on nothing that is covered passes. Raises TickwrightError on a wrong demand."""
        ...

    def rearm(self, level: str, name: str, reason: str, by: str, now: int) -> None: ...

    def reduce_only(self, instrument: str, reason: str, now: int) -> None:
        """Only what reduces a position may pass in this instrument, until `active`."""
        ...

    def active(self, instrument: str, reason: str, now: int) -> None:
        """What closed it is settled, or an operator says so."""
        ...

    def closed(self) -> Mapping[str, tuple[int, str]]:
        """The instruments that faults have made reduce-only: since when, and why."""
        ...
