"""Every key of the risk section, once: its kind, its unit, its control and its default in each mode.

A scope of limits (everywhere, a venue, an instrument, a strategy) is read into a plain mapping from key to value.
``none`` turns a limit off, except where live trading requires it. Values are Decimal, int, bool, text, a tuple, or
None for "no limit".
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import frozen

from tickwright.document import Fault, Node, Scalar, Table
from tickwright.kinds import (
    BAD,
    COUNT,
    FRACTION,
    INSTRUMENT_ID,
    NOT_NEGATIVE,
    POSITIVE,
    POSITIVE_COUNT,
    VENUE_KEY,
    Choice,
    Kind,
    ListOf,
    MapOf,
    Reading,
    Schema,
    Text,
    Truth,
    nearest,
)

RiskValue = Decimal | int | bool | str | tuple[Any, ...] | None
Scope = Mapping[str, RiskValue]

REQUIRED: Final = "required"
"""As a default: live trading refuses to start without it."""


@frozen
class RiskKey:
    """One key. A default that names another key (``=max_gross_notional``) takes that key's value.

    ``live`` and ``paper`` differ only where live requires a statement; ``backtest`` differs from paper only for the
    checks of a running process (data age, loop lag, queue).
    """

    kind: Kind
    control: str
    about: str
    live: Any
    paper: Any
    backtest: Any
    per: str = "account"

    def default(self, mode: str) -> Any:
        return getattr(self, mode)


def _key(
    kind: Kind, control: str, about: str, live: Any, paper: Any = ..., backtest: Any = ..., per: str = "account"
) -> RiskKey:
    def exact(value: Any) -> Any:
        return Decimal(value) if isinstance(value, str) and re.fullmatch(r"[0-9.]+(e[0-9]+)?", value) else value

    paper = live if paper is ... else paper
    backtest = paper if backtest is ... else backtest
    return RiskKey(kind, control, about, exact(live), exact(paper), exact(backtest), per)


@frozen
class Interval:
    """Hours of the UTC day, ``08:00-16:30``, as two counts of seconds after midnight."""

    expected: str = "hours of the UTC day such as 08:00-16:30"

    _FORM = r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])"

    def read(self, node: Node, reading: Reading) -> Any:
        value = Text(self.expected).read(node, reading)
        found = None if value is BAD else re.fullmatch(self._FORM, value)
        if found is None:
            return BAD if value is BAD else reading.expected(node, self.expected)
        hours = [int(part) for part in found.groups()]
        start, end = hours[0] * 3600 + hours[1] * 60, hours[2] * 3600 + hours[3] * 60
        if not start < end <= 86_400:
            return reading.expected(node, f"{self.expected}, the start before the end, at most 24:00")
        return start, end

    def show(self, value: Any) -> Any:
        return "-".join(f"{at // 3600:02d}:{at % 3600 // 60:02d}" for at in value)

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{self._FORM}$"}


BARRED: Final = Text("an instrument id or a venue name", rf"({INSTRUMENT_ID.pattern}|{VENUE_KEY.pattern})")

# Where paper has no default of its own it is live's, and backtest's is paper's.
# fmt: off
RISK_KEYS: Final[dict[str, RiskKey]] = {
    "restricted": _key(ListOf(BARRED), "B2", "Barred instruments and venues.", ()),
    "sessions": _key(ListOf(Interval()), "B3", "UTC hours for orders; empty: always.", ()),
    "trading_state": _key(Choice(("active", "paused", "reduce_only")), "B5", "Whether orders may be sent.", "active"),
    "heartbeat_dead_s": _key(POSITIVE, "B7", "Silence after which an order channel counts as down (s).", "15"),
    "journal_max_lag_ms": _key(POSITIVE, "B8", "Longest delay of a journal write (ms).", "250"),
    "journal_min_free_mb": _key(NOT_NEGATIVE, "B8", "Free disk space that must remain (MB).", "200"),
    "clock_warn_ms": _key(POSITIVE, "B9", "Clock offset to the venue that is reported (ms).", "250", None),
    "clock_max_ms": _key(POSITIVE, "B9", "Clock offset to the venue that stops orders (ms).", "1000", None),
    "max_intent_age_ms": _key(POSITIVE, "B11", "Oldest market event an order may answer (ms).", "1000", None),
    "max_unknown_orders": _key(COUNT, "B12", "Orders in state UNKNOWN, per venue.", 3),
    "max_loop_lag_ms": _key(POSITIVE, "B14", "Lag of the event loop that stops orders (ms).", "500", "500", None),
    "max_queue": _key(POSITIVE_COUNT, "B14", "Events waiting that stop orders.", 10_000, 10_000, None),
    "max_order_qty": _key(POSITIVE, "C1", "Largest quantity of an order (base).", REQUIRED, "1e9", per="instrument"),
    "max_order_notional": _key(POSITIVE, "C2", "Largest value of an order (quote).", REQUIRED, "1e6", per="instrument"),
    "max_position": _key(POSITIVE, "C3", "Position and open orders (base).", REQUIRED, "1e9", per="instrument"),
    "max_strategy_position": _key(POSITIVE, "C4", "The same, of one strategy (base).", REQUIRED, None, per="strategy"),
    "max_gross_notional": _key(POSITIVE, "C5", "Sum of all exposures (account currency).", REQUIRED, "1e7"),
    "max_net_notional": _key(POSITIVE, "C6", "Net exposure (account currency).", "=max_gross_notional"),
    "max_open_orders": _key(COUNT, "C7", "Open orders of one instrument.", 20),
    "max_open_orders_venue": _key(COUNT, "C7", "Open orders of one venue.", 200),
    "max_open_notional": _key(POSITIVE, "C8", "Value of open orders (account currency).", "=max_gross_notional"),
    "max_traded_notional": _key(POSITIVE, "C9", "Value traded within the window (account currency).", REQUIRED, None),
    "traded_window_s": _key(POSITIVE, "C9", "The window of max_traded_notional (s).", "3600"),
    "balance_buffer_pct": _key(NOT_NEGATIVE, "C10", "Share of the balance kept back (%).", "2"),
    "margin_pct": _key(POSITIVE, "C10", "Margin asked for derivatives (% of value).", "100"),
    "allow_short": _key(Truth(), "C12", "Sell beyond holdings; unset: not on spot, yes on derivatives.", None, None),
    "collar_bps": _key(POSITIVE, "D1", "Distance of a price beyond the reference (bps).", "100"),
    "collar_window_bps": _key(POSITIVE, "D2", "Distance of the reference from its median (bps).", "500"),
    "collar_window_s": _key(POSITIVE, "D2", "The window of that median (s).", "300"),
    "max_data_age_ms": _key(POSITIVE, "D4", "Oldest book an order may rely on (ms).", "2000", "2000", None),
    "max_spread_bps": _key(POSITIVE, "D6", "Widest spread over mid (bps).", "300"),
    "vol_pause_bps": _key(POSITIVE, "D7", "Move within the window that pauses entries (bps).", "300", None),
    "vol_window_s": _key(POSITIVE, "D7", "The window of vol_pause_bps (s).", "10"),
    "vol_cooldown_s": _key(NOT_NEGATIVE, "D7", "The pause after it (s).", "60"),
    "market_orders": _key(Choice(("protect", "deny", "allow")), "D8", "What becomes of market orders.", "protect"),
    "max_impact_bps": _key(POSITIVE, "D9", "Average fill over the visible book, from mid (bps).", "100"),
    "self_match": _key(Choice(("deny_new", "cancel_old", "allow")), "D10", "Orders that meet our own.", "deny_new"),
    "max_orders_per_s": _key(POSITIVE, "E1", "New orders and replaces of one strategy (per s).", "5"),
    "orders_burst": _key(POSITIVE_COUNT, "E1", "How many of them at once.", 10),
    "max_messages_per_s": _key(POSITIVE, "E2", "All messages to one venue (per s).", "20"),
    "cancel_reserve": _key(FRACTION, "E2", "Share of them kept for cancels.", "0.30"),
    "duplicate_window_ms": _key(POSITIVE, "E3", "Window for equal orders (ms).", "500"),
    "max_repeats": _key(POSITIVE_COUNT, "E4", "Taking fills each followed by a taking order, in the window.", 100),
    "repeat_window_s": _key(POSITIVE, "E4", "The window of max_repeats (s).", "60"),
    "max_rejects": _key(POSITIVE_COUNT, "E5", "Rejects by a venue in the window.", 5),
    "reject_window_s": _key(POSITIVE, "E5", "The window of max_rejects (s).", "10"),
    "otr_alert": _key(POSITIVE, "E6", "Messages per fill over the day that raise an alert.", "500", None),
    "otr_max": _key(POSITIVE, "E6", "Messages per fill over the day.", "1000", None),
    "max_daily_loss": _key(POSITIVE, "F1", "Loss since UTC midnight (account currency).", REQUIRED, None),
    "max_strategy_loss": _key(POSITIVE, "F2", "A strategy's loss (account currency).", REQUIRED, None, per="strategy"),
    "max_drawdown": _key(POSITIVE, "F3", "Fall from the day's peak of equity (account currency).", "=max_daily_loss"),
}
# fmt: on

ACCOUNT_CURRENCY: Final = tuple(name for name, known in RISK_KEYS.items() if "(account currency)" in known.about)
"""Limits that need a rate for every instrument quoted in another currency."""

NO_LIMIT: Final = "none"


@frozen
class Limits:
    """The kind of one scope: a mapping of keys of `RISK_KEYS`; ``also`` are keys that only the top scope has."""

    also: tuple[tuple[str, Kind], ...] = ()
    expected: str = "a mapping of limits"

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Table):
            return reading.expected(node, self.expected)
        values: dict[str, Any] = {}
        also = dict(self.also)
        for name, item in node.items.items():
            if name in also:
                values[name] = also[name].read(item, reading)
            elif name not in RISK_KEYS:
                near = nearest(name, (*RISK_KEYS, *also))
                reading.refuse(node.places[name], f"expected a known key, got {name!r}{near}")
            else:
                values[name] = self._limit(RISK_KEYS[name], item, reading)
        return values

    def _limit(self, known: RiskKey, node: Node, reading: Reading) -> Any:
        if isinstance(node, Scalar) and node.text == NO_LIMIT and known.kind not in _WITHOUT_NONE:
            reading.note(node)
            return None
        faults = len(reading.faults)
        value = known.kind.read(node, reading)
        if value is BAD and len(reading.faults) > faults and isinstance(node, Scalar) and node.text in ("off", ""):
            fault = reading.faults[faults]
            message = f"{fault.message.partition(' (')[0]} (write none for no limit)"
            reading.faults[faults] = Fault(fault.place, message)
        return value

    def show(self, value: Any) -> Any:
        also = dict(self.also)
        shown = {}
        for name in sorted(value):
            kind = also.get(name) or RISK_KEYS[name].kind
            shown[name] = NO_LIMIT if value[name] is None else kind.show(value[name])
        return shown

    def schema(self) -> Schema:
        properties: Schema = {}
        for name, known in RISK_KEYS.items():
            shape = known.kind.schema()
            if known.kind not in _WITHOUT_NONE:
                shape = {"anyOf": [shape, {"const": NO_LIMIT}]}
            properties[name] = {**shape, "description": f"{known.control}: {known.about}"}
        properties.update({name: kind.schema() for name, kind in self.also})
        return {"type": "object", "properties": properties, "additionalProperties": False}


_WITHOUT_NONE: Final = tuple(
    known.kind for known in RISK_KEYS.values() if isinstance(known.kind, Choice | ListOf | Truth)
)

TOP_LIMITS: Final = Limits(
    (("venues", MapOf(VENUE_KEY, Limits())), ("instruments", MapOf(INSTRUMENT_ID, Limits()))),
    "a mapping of limits",
)


def with_defaults(stated: Mapping[str, Any], mode: str) -> dict[str, RiskValue]:
    """The scope of everything, complete: what was stated, then the mode's defaults. Required keys stay absent."""
    values = {
        name: stated[name] if name in stated else known.default(mode)
        for name, known in RISK_KEYS.items()
        if name in stated or known.default(mode) is not REQUIRED
    }
    for name, value in values.items():
        if name not in stated and isinstance(value, str) and value.startswith("="):
            values[name] = values.get(value[1:])
    return values
