"""The simulator's delays as a config says them: one duration, three, or drawn from a lognormal distribution."""

# ruff: noqa: RUF009 - `key` makes an attrs field, which is made anew for each class

from decimal import Decimal
from typing import Any, Final

from attrs import Factory, field, frozen

from tickwright.document import Node, Table
from tickwright.kinds import BAD, NOT_NEGATIVE, Duration, Reading, Schema, Section, key, note_defaults

FIVE_MS: Final = 5_000_000
DURATION: Final = Duration()


@frozen(kw_only=True)
class Delay:
    """A delay: always ``median`` nanoseconds where ``sigma`` is 0, else lognormal around that median."""

    median: int = key(DURATION, "The middle value.")
    sigma: Decimal = key(NOT_NEGATIVE, "Spread: the standard deviation of the logarithm.", Decimal(0))


@frozen
class DelayKind:
    expected: str = "a duration such as 5ms, or {median: 5ms, sigma: 0.5}"

    def read(self, node: Node, reading: Reading) -> Any:
        if isinstance(node, Table):
            return Section(Delay).read(node, reading)
        median = Duration(self.expected).read(node, reading)
        return BAD if median is BAD else Delay(median=median)

    def show(self, value: Any) -> Any:
        median = DURATION.show(value.median)
        return {"median": median, "sigma": NOT_NEGATIVE.show(value.sigma)} if value.sigma else median

    def schema(self) -> Schema:
        return {"anyOf": [DURATION.schema(), Section(Delay).schema()]}


DELAY: Final = DelayKind()


def _same_as_order() -> Any:
    return Factory(lambda self: self.order, takes_self=True)


@frozen(kw_only=True)
class Latency:
    """Delays of an order to the venue, of a report back, and of market data behind the recording's own time."""

    order: Delay = field(factory=lambda: Delay(median=FIVE_MS))
    report: Delay = field(default=_same_as_order())
    feed: Delay = field(factory=lambda: Delay(median=0))


@frozen
class LatencyKind:
    """One delay for both ways, or a mapping with ``order``, ``report`` (as order by default), ``feed`` (0)."""

    expected: str = "a duration such as 5ms, {median: 5ms, sigma: 0.5} or {order: 5ms, report: 5ms, feed: 0}"

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Table) or "median" in node.items:
            both = DelayKind(self.expected).read(node, reading)
            return BAD if both is BAD else Latency(order=both)
        three = Section(Three).read(node, reading)
        ways = {name: getattr(three, name) for name in ("order", "report", "feed")}
        if BAD in ways.values():
            return BAD
        if three.report is None:
            note_defaults(DELAY, ways["order"], (*node.place.path, "report"), reading)
        return Latency(**{name: way for name, way in ways.items() if way is not None})

    def show(self, value: Any) -> Any:
        if value.report == value.order and value.feed == Delay(median=0):
            return DELAY.show(value.order)
        return {name: DELAY.show(getattr(value, name)) for name in ("order", "report", "feed")}

    def schema(self) -> Schema:
        return {"anyOf": [DELAY.schema(), Section(Three).schema()]}


@frozen(kw_only=True)
class Three:
    """The written form of `Latency` where the ways differ."""

    order: Delay = key(DELAY, "To the venue.")
    report: Delay | None = key(DELAY, "Back from it; by default as long as order.", None)
    feed: Delay | None = key(DELAY, "Market data, behind the recording's own time; by default none.", None)


LATENCY: Final = LatencyKind()
