"""Limits: what the config says, in the integers of each instrument, the tightest of all scopes that apply.

A limit of one order or of a position is one number: the tightest over `global`, the venue, the instrument and the
strategy, with the scope that gave it. A limit of an aggregate (exposure, open value, traded value) holds once for each
scope that states it, measured over what that scope covers.

Numbers are turned once into the units in which they are compared: lots; *cells* (half a tick times a lot, so that a
mid is a whole number); *grains* of account currency, a common divisor of every instrument's cell; nanoseconds; a
millionth of a basis point; a thousandth of an event per second. Each is the floor of an exact rational, so that
`value > limit` between integers says the same as between the exact values.
"""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any, Final

from attrs import asdict, define, field, frozen

from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument, Kind
from tickwright.risk.controls import KEY, KEYS, OFF, REQUIRED, Default, Key, Unit
from tickwright.risk.rates import Rates

Value = Decimal | int | str | bool | tuple[Any, ...] | Default | None

HUGE: Final = 1 << 62
"""No number of lots, nanoseconds or events reaches this: it stands for a limit that is off."""

KINDS: Final = ("global", "venue", "instrument", "strategy")
AGGREGATES: Final = ("max_gross_notional", "max_net_notional", "max_open_notional", "max_traded_notional")
LOSSES: Final = ("max_daily_loss", "max_strategy_loss", "max_drawdown")
E6: Final = 1_000_000

# What counts as tighter where it is not the smaller number.
_LARGER: Final = ("journal_min_free_mb", "balance_buffer_pct", "margin_pct", "duplicate_window_ms")
_STRICTEST_FIRST: Final = {
    "trading_state": ("paused", "reduce_only", "active"),
    "market_orders": ("deny", "protect", "allow"),
    "self_match": ("deny_new", "cancel_old", "allow"),
    "allow_short": (False, True),
}
_FACTOR: Final = {
    Unit.MILLIS: 1_000_000,
    Unit.SECONDS: 1_000_000_000,
    Unit.BPS: E6,
    Unit.PER_SECOND: 1000,
    Unit.COUNT: 1,
    Unit.MEGABYTES: 1,
}


class RiskConfigError(TickwrightError):
    """Limits that cannot be: each line names key, scope, what was expected and what was received."""


@frozen
class Scope:
    """One set of stated limits: its kind, its name (empty for `global`)."""

    kind: str
    name: str
    stated: Mapping[str, Value]

    @property
    def label(self) -> str:
        """How a denial names it: `global`, `venue binance`, `instrument BTC/CHF.TDX`, `strategy maker`."""
        return f"{self.kind} {self.name}" if self.name else self.kind


@define
class Slot:
    """The aggregate limits of one scope, in grains; None is off."""

    kind: str
    label: str
    values: dict[str, int | None] = field(factory=dict)
    stated: dict[str, str] = field(factory=dict)
    window_ns: int = 0


@define
class Limits:
    """Everything that binds one strategy in one instrument. `strategy` is empty for the account itself.

    `values` holds integers by key (a key that is absent is off), `scopes` which scope gave each; `words` the choices.
    """

    instrument: str
    strategy: str
    values: dict[str, int] = field(factory=dict)
    scopes: dict[str, str] = field(factory=dict)
    stated: dict[str, str] = field(factory=dict)
    words: dict[str, str] = field(factory=dict)
    slots: list[Slot] = field(factory=list)
    buckets: list[tuple[str, str, int, int]] = field(factory=list)
    message_buckets: list[tuple[str, str, int, int]] = field(factory=list)
    sessions: list[list[tuple[int, int]]] = field(factory=list)
    restricted: str = ""
    authorised: bool = True
    missing: list[str] = field(factory=list)
    units: dict[str, str] = field(factory=dict)

    def get(self, key: str) -> int:
        """A limit's integer, `HUGE` where it is off."""
        return self.values.get(key, HUGE)

    def as_plain(self) -> dict[str, Any]:
        """As JSON can hold it; `from_plain` reads it back."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Limits":
        """What `as_plain` gave."""
        return cls(**{**plain, "slots": [Slot(**slot) for slot in plain["slots"]]})


def dumps(limits: Iterable[Limits]) -> str:
    """All limits of a run as one line of JSON, for the records."""
    return json.dumps([item.as_plain() for item in limits], sort_keys=True, separators=(",", ":"))


def loads(text: str) -> list[Limits]:
    """The limits in a line that `dumps` made."""
    return [Limits.from_plain(item) for item in json.loads(text)]


def exact(value: Value, key: str, label: str) -> Fraction:
    """A stated number as a fraction.

    Raises:
        RiskConfigError: a float, a word, NaN, an infinity or a negative number.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise RiskConfigError(f"{label}: {key}: expected a Decimal, an integer or text, received {value!r}")
    try:
        number = Fraction(value)
    except (ValueError, OverflowError):
        raise RiskConfigError(f"{label}: {key}: expected a finite number, received {value!r}") from None
    if number < 0:
        raise RiskConfigError(f"{label}: {key}: expected a number that is not negative, received {value!r}")
    return number


class LimitBook:
    """The limits of one run, resolved on request for each strategy in each instrument.

    `scopes` is keyed `global`, `venue:<name>`, `instrument:<id>`, `strategy:<name>`; a value of None turns a limit
    off. `authority` lists per strategy what it may trade (an absent strategy may trade everything, except live).

    Raises:
        RiskConfigError: unknown keys, impossible numbers, account limits without a rate, required limits missing.
    """

    def __init__(
        self,
        mode: str,
        scopes: Mapping[str, Mapping[str, Value]],
        instruments: Iterable[Instrument],
        *,
        currency: str = "",
        rates: Mapping[str, Decimal | str] | None = None,
        authority: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.mode = mode
        self.instruments = {item.id: item for item in instruments}
        self.authority = authority
        self.scopes = [_scope(name, stated) for name, stated in scopes.items()]
        if not any(scope.kind == "global" for scope in self.scopes):
            self.scopes.append(Scope("global", "", {}))
        self.currency = currency or next(iter(self.instruments.values())).quote
        self.rates = Rates(self.currency, rates or {}, self.instruments)
        self._check_rates()
        self.grain = self._grain()

    # --- scopes ---------------------------------------------------------------------------------------------------

    def applying(self, instrument: Instrument, strategy: str) -> list[Scope]:
        """The scopes that cover an order, from the widest to the narrowest, `global` with the mode's defaults."""
        names = {"global": "", "venue": instrument.venue.upper(), "instrument": instrument.id, "strategy": strategy}
        found = []
        for kind in KINDS:
            for scope in self.scopes:
                name = scope.name.upper() if kind == "venue" else scope.name
                if scope.kind == kind and name == names[kind] and (strategy or kind != "strategy"):
                    found.append(self._completed(scope) if kind == "global" else scope)
        return found

    def _completed(self, scope: Scope) -> Scope:
        stated = {key.name: scope.stated.get(key.name, _plain(key.default(self.mode))) for key in KEYS}
        for name, value in stated.items():
            if isinstance(value, str) and value.startswith("="):
                stated[name] = stated[value[1:]]
        return Scope("global", "", stated)

    # --- rates ----------------------------------------------------------------------------------------------------

    def _check_rates(self) -> None:
        faults = []
        for item in self.instruments.values():
            if self.rates.find(item.quote) is not None:
                continue
            for scope in self.applying(item, ""):
                faults += [
                    f"{scope.label}: {key}: expected a rate {item.quote}/{self.currency} for {item.id}, received none"
                    for key in AGGREGATES
                    if scope.stated.get(key) is not None and scope.stated[key] is not REQUIRED
                ]
        if faults:
            raise RiskConfigError("\n".join(sorted(set(faults))))

    def cell_value(self, item: Instrument) -> Fraction:
        """The value in quote currency of one cell: a lot at half a tick; of one lot, for an inverse contract."""
        size = Fraction(item.lot_size) * Fraction(item.multiplier)
        return size / 2 if item.kind is Kind.INVERSE else size * Fraction(item.tick_size) / 2

    def _grain(self) -> int:
        """How many grains make one unit of account currency."""
        known = [(item, self.rates.find(item.quote)) for item in self.instruments.values()]
        return lcm(*((self.cell_value(item) * rate.fixed).denominator for item, rate in known if rate is not None))

    def weight(self, item: Instrument) -> tuple[int, str]:
        """Grains in one cell, and the instrument whose doubled reference multiplies it (empty: none).

        The weight is -1 where the currency has no rate.
        """
        rate = self.rates.find(item.quote)
        if rate is None:
            return -1, ""
        return int(self.cell_value(item) * rate.fixed * self.grain), rate.instrument

    def grains(self, value: Fraction) -> int:
        return int(value * self.grain)

    # --- resolving ------------------------------------------------------------------------------------------------

    def resolve(self, instrument: Instrument, strategy: str) -> Limits:
        """What binds one strategy in one instrument; an empty strategy is the account itself."""
        limits = Limits(instrument.id, strategy)
        scopes = self.applying(instrument, strategy)
        self._units(limits, instrument)
        wide = [scope for scope in scopes if scope.kind != "strategy"]
        narrow = [scope for scope in scopes if scope.kind == "strategy"]
        for key in KEYS:
            if key.control == "C7":
                self._tightest(limits, key, wide, instrument)
                self._own_count(limits, key.name, narrow)
                continue
            if key.name in AGGREGATES or key.name in ("sessions", "restricted") or key.control in ("E1", "E2"):
                continue
            self._tightest(limits, key, scopes, instrument)
        self._slots(limits, scopes)
        self._buckets(limits, scopes)
        self._lists(limits, scopes, instrument)
        self._missing(limits, scopes)
        return limits

    def _units(self, limits: Limits, item: Instrument) -> None:
        weight, by = self.weight(item)
        cell = self.cell_value(item)
        limits.units = {
            "tick": str(item.tick_size),
            "lot": str(item.lot_size),
            "cell": f"{cell.numerator}/{cell.denominator}",
            "grain": str(self.grain),
            "weight": str(weight),
            "rate": by,
            "kind": item.kind.value,
            "quote": item.quote,
            "currency": self.currency,
        }
        if item.legs:
            limits.units["legs"] = str(len(item.legs))
        put = limits.values
        lot = Fraction(item.lot_size)
        put["venue_min_qty"] = -int(-Fraction(item.min_qty) // lot)
        put["venue_max_qty"] = HUGE if item.max_qty is None else _floor(Fraction(item.max_qty) / lot)
        put["venue_min_notional"] = -int(-Fraction(item.min_notional) // cell)
        put["venue_max_notional"] = 1 << 126 if item.max_notional is None else int(Fraction(item.max_notional) / cell)

    def _tightest(self, limits: Limits, key: Key, scopes: list[Scope], item: Instrument) -> None:
        """Keep the tightest value of one key, and who gave it; of a parameter, the narrowest scope's."""
        best: Any = None
        for scope in scopes:
            value = scope.stated.get(key.name)
            if value is None or value is REQUIRED:
                continue
            number = self._convert(key, value, scope, item)
            if best is None or key.parameter or self._tighter(key.name, number, best):
                best = number
                limits.scopes[key.name] = scope.label
                limits.stated[key.name] = str(value)
        if best is None:
            return
        if isinstance(best, str):
            limits.words[key.name] = best
        else:
            limits.values[key.name] = int(best)

    def _own_count(self, limits: Limits, name: str, scopes: list[Scope]) -> None:
        """A strategy's scope counts that strategy's own orders."""
        for scope in scopes:
            value = scope.stated.get(name)
            if value is not None:
                limits.values[f"{name}_own"] = _floor(exact(value, name, scope.label))
                limits.scopes[f"{name}_own"] = scope.label
                limits.stated[f"{name}_own"] = str(value)

    def _tighter(self, name: str, value: Any, best: Any) -> bool:
        order = _STRICTEST_FIRST.get(name)
        if order is not None:
            return order.index(value) < order.index(best)
        return bool(value > best if name in _LARGER else value < best)

    def _convert(self, key: Key, value: Value, scope: Scope, item: Instrument) -> Any:
        if key.unit is Unit.TRUTH or key.unit is Unit.WORD:
            if value not in _STRICTEST_FIRST[key.name]:
                allowed = ", ".join(str(word).lower() for word in _STRICTEST_FIRST[key.name])
                raise RiskConfigError(f"{scope.label}: {key.name}: expected one of {allowed}, received {value!r}")
            return value
        number = exact(value, key.name, scope.label)
        match key.unit:
            case Unit.QTY:
                return _floor(number / Fraction(item.lot_size))
            case Unit.NOTIONAL:
                return min(int(number / self.cell_value(item)), 1 << 126)
            case Unit.MONEY:
                self._loss_scope(key, scope)
                return int(number * self.grain)
            case Unit.PERCENT | Unit.SHARE:
                return int(number * E6)
        return _floor(number * _FACTOR[key.unit])

    def _loss_scope(self, key: Key, scope: Scope) -> None:
        measured = ("global", "strategy") if key.name != "max_drawdown" else ("global",)
        if scope.kind not in measured:
            raise RiskConfigError(f"{scope.label}: {key.name}: expected in {' or '.join(measured)}, received it here")

    def _slots(self, limits: Limits, scopes: list[Scope]) -> None:
        for scope in scopes:
            stated = dict(scope.stated)
            for name in ("max_net_notional", "max_open_notional"):
                stated.setdefault(name, stated.get("max_gross_notional"))
            slot = Slot(scope.kind, scope.label)
            for name in AGGREGATES:
                value = stated.get(name)
                slot.values[name] = None
                if value is not None and value is not REQUIRED:
                    slot.values[name] = self.grains(exact(value, name, scope.label))
                    slot.stated[name] = str(value)
            window = stated.get("traded_window_s")
            if window is None:
                window = scopes[0].stated["traded_window_s"]
            slot.window_ns = _floor(exact(window, "traded_window_s", scope.label) * 1_000_000_000)
            if any(value is not None for value in slot.values.values()):
                limits.slots.append(slot)

    def _buckets(self, limits: Limits, scopes: list[Scope]) -> None:
        """Rates: `global` means each strategy (each venue), as if every one of them had stated it."""
        for rate, burst, found, own in (
            ("max_orders_per_s", "orders_burst", limits.buckets, "strategy"),
            ("max_messages_per_s", "", limits.message_buckets, "venue"),
        ):
            best: dict[str, tuple[str, str, int, int]] = {}
            for scope in scopes:
                stated = scope.stated.get(rate)
                if stated is None:
                    continue
                pace = _floor(exact(stated, rate, scope.label) * 1000)
                size = self._burst(scopes, burst, pace)
                over = "" if scope.kind in ("global", own) else scope.label
                if over not in best or (pace, size) < best[over][2:]:
                    best[over] = (over, scope.label, pace, size)
            found.extend(best.values())
        limits.values["cancel_reserve"] = limits.values.get("cancel_reserve", 0)
        for scope in scopes:
            share = scope.stated.get("cancel_reserve")
            if share is not None:
                limits.values["cancel_reserve"] = int(exact(share, "cancel_reserve", scope.label) * E6)

    def _burst(self, scopes: list[Scope], key: str, pace: int) -> int:
        """The tightest burst, in thousandths; without a key, one second's worth, and at least one."""
        if not key:
            return max(pace, 1000)
        stated = [scope.stated[key] for scope in scopes if scope.stated.get(key) is not None]
        return min((_floor(exact(value, key, "risk") * 1000) for value in stated), default=HUGE)

    def _lists(self, limits: Limits, scopes: list[Scope], item: Instrument) -> None:
        for scope in scopes:
            sessions = scope.stated.get("sessions") or ()
            if sessions:
                assert isinstance(sessions, tuple | list)
                limits.sessions.append([(int(start), int(end)) for start, end in sessions])
            barred = scope.stated.get("restricted") or ()
            assert isinstance(barred, tuple | list)
            if any(name == item.id or str(name).upper() == item.venue.upper() for name in barred):
                limits.restricted = scope.label
        if limits.strategy:
            allowed = None if self.authority is None else self.authority.get(limits.strategy)
            limits.authorised = item.id in allowed if allowed is not None else self.mode != "live"

    def _missing(self, limits: Limits, scopes: list[Scope]) -> None:
        """Live: every required key must be stated by some scope that applies."""
        for key in KEYS:
            if key.default(self.mode) is not REQUIRED:
                continue
            if not limits.strategy and key.name in ("max_strategy_position", "max_strategy_loss"):
                continue
            if not any(scope.stated.get(key.name) not in (None, REQUIRED) for scope in scopes):
                limits.missing.append(key.name)

    def require_complete(self, strategies: Iterable[str]) -> None:
        """Refuse to start where a required limit is missing.

        Raises:
            RiskConfigError: one line for each key, instrument and strategy.
        """
        faults = [
            f"{key}: expected a limit for {item.id}" + (f" and strategy {name}" if name else "") + ", received none"
            for item in self.instruments.values()
            for name in strategies
            for key in self.resolve(item, name).missing
        ]
        if faults:
            raise RiskConfigError("\n".join(dict.fromkeys(faults)))


def _floor(number: Fraction) -> int:
    return min(int(number), HUGE)


def _plain(default: Any) -> Any:
    return None if default is OFF else default


def _scope(name: str, stated: Mapping[str, Value]) -> Scope:
    kind, _, rest = name.partition(":")
    if kind not in KINDS or (kind != "global") != bool(rest):
        raise RiskConfigError(f"{name}: expected global or one of venue:, instrument:, strategy:, received {name!r}")
    unknown = sorted(set(stated) - set(KEY))
    if unknown:
        raise RiskConfigError(f"{name}: expected known keys, received {', '.join(unknown)}")
    return Scope(kind, rest, stated)
