"""One run's config: the sections as frozen values, read from a YAML file or a Python mapping.

`load` gives a `Config` or raises `ConfigError` with every fault found, one line each. Everything money-like is an
exact Decimal, every time and duration an integer number of nanoseconds. ``Config.resolved()`` is the whole config
with its defaults in one canonical form, and ``hash8`` names it.
"""

# ruff: noqa: RUF009 - `key` makes an attrs field, which is made anew for each class

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from attrs import evolve, field, frozen

from tickwright.document import ConfigError, Fault, Node, Place, Scalar, Table, read_file, read_mapping
from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument
from tickwright.engine.instrument import Kind as InstrumentKind
from tickwright.kinds import (
    COUNT,
    CURRENCY,
    DECIMAL,
    FRACTION,
    INSTRUMENT_ID,
    NOT_NEGATIVE,
    POSITIVE,
    POSITIVE_COUNT,
    SLUG,
    VENUE_KEY,
    Choice,
    ListOf,
    MapOf,
    Reading,
    Schema,
    Section,
    Text,
    Truth,
    UtcTime,
    key,
)
from tickwright.latency import LATENCY, Latency
from tickwright.risk_keys import TOP_LIMITS, Limits, RiskValue, with_defaults
from tickwright.secrets import Secret
from tickwright.venues import VENUE, Endpoint, Fees, Venue, endpoint

MODES: Final = ("backtest", "paper", "live")
PAIR: Final = Text("a pair such as USD/USDT", r"[A-Z][A-Z0-9]{0,15}/[A-Z][A-Z0-9]{0,15}")
TAPES: Final = MapOf(INSTRUMENT_ID, Text("a path or package:NAME"))
USE: Final = Text("an entry point name, package.module:Class or ./file.py:Class")


@frozen
class Rate:
    """A number, or the instrument whose mid is the rate."""

    expected: str = "a positive decimal or an instrument id"

    def read(self, node: Node, reading: Reading) -> Any:
        named = isinstance(node, Scalar) and node.text[:1].isalpha() and "." in node.text
        kind: Any = INSTRUMENT_ID if named else evolve(POSITIVE, expected=self.expected)
        return kind.read(node, reading)

    def show(self, value: Any) -> Any:
        return value if isinstance(value, str) else POSITIVE.show(value)

    def schema(self) -> Schema:
        return {"anyOf": [POSITIVE.schema(), INSTRUMENT_ID.schema()]}


@frozen(kw_only=True)
class Account:
    currency: str = key(CURRENCY, "The currency that profit and account limits are counted in.")
    balances: dict[str, Decimal] | None = key(
        MapOf(CURRENCY, NOT_NEGATIVE), "What the account holds at the start (backtest, paper).", None
    )
    positions: dict[str, Decimal] = key(
        MapOf(INSTRUMENT_ID, DECIMAL), "Positions at the start (paper), valued at the first mark.", dict
    )
    rates: dict[str, Decimal | str] = key(
        MapOf(PAIR, Rate()), "FROM/TO: how many TO one FROM is worth; a number or an instrument.", dict
    )


@frozen(kw_only=True)
class InstrumentSpec:
    """What the YAML says about one instrument; `Config.instrument` makes the engine's value of it."""

    tick: Decimal = key(POSITIVE, "The price step.")
    lot: Decimal = key(POSITIVE, "The quantity step.")
    kind: str = key(Choice(("spot", "linear", "inverse")), "What is traded.", "spot")
    base: str = key(CURRENCY, "What a quantity counts.")
    quote: str = key(CURRENCY, "What a price counts.")
    min_qty: Decimal | None = key(NOT_NEGATIVE, "Smallest quantity of an order.", None)
    max_qty: Decimal | None = key(POSITIVE, "Largest quantity of an order.", None)
    max_price: Decimal | None = key(POSITIVE, "Largest price of an order.", None)
    min_notional: Decimal | None = key(NOT_NEGATIVE, "Smallest value of an order.", None)
    max_notional: Decimal | None = key(POSITIVE, "Largest value of an order.", None)
    multiplier: Decimal = key(POSITIVE, "Units of base (or of quote, if inverse) in a quantity of one.", Decimal(1))
    expiry: int | None = key(UtcTime(), "When it ends; nothing can be traded from then on.", None)
    fees: Fees | None = key(Section(Fees), "Fees of this instrument, instead of the venue's.", None)


@frozen(kw_only=True)
class Data:
    tapes: dict[str, str] = key(
        TAPES, "Recorded data (required in a backtest): a path beside this file, or package:NAME.", dict
    )
    warmup: dict[str, str] = key(
        TAPES, "Recorded data that strategies see before the first live event, without orders (paper, live).", dict
    )
    start: int | None = key(UtcTime(), "Leave out what happened before.", None)
    end: int | None = key(UtcTime(), "Leave out what happened at or after this.", None)


@frozen(kw_only=True)
class Simulator:
    """``queue``: ``back`` and ``probabilistic`` estimate; ``optimistic`` and ``pessimistic`` bracket the truth."""

    latency: Latency = key(LATENCY, "Time to the venue, back from it, and of market data.", Latency)
    queue: str = key(
        Choice(("back", "probabilistic", "optimistic", "pessimistic")), "Where a resting order stands in line.", "back"
    )
    seed: int = key(COUNT, "Seed of everything random in the simulator.", 0)
    reject_probability: Decimal = key(FRACTION, "Share of orders that the venue rejects.", Decimal(0))


@frozen(kw_only=True)
class StrategySpec:
    """One strategy of the run. ``params`` keeps the located nodes: the strategy's class decides their types."""

    use: str = key(USE, "Entry point name, package.module:Class, or ./file.py:Class.")
    instruments: tuple[str, ...] = key(ListOf(INSTRUMENT_ID, least=1), "What it trades.")
    params: Table | None = None
    on_error: str = key(
        Choice(("halt_strategy", "cancel_and_halt", "stop_run")), "What an exception in it does.", "cancel_and_halt"
    )
    allow: tuple[str, ...] | None = key(ListOf(INSTRUMENT_ID), "What it may trade; by default its instruments.", None)
    risk: dict[str, RiskValue] = key(Limits(), "Limits of this strategy alone.", dict)


@frozen
class _StrategyKind:
    """A `StrategySpec`: a section whose ``params`` are kept as written."""

    section: Section = Section(StrategySpec, "a mapping with use and instruments")
    expected: str = "a mapping with use and instruments"

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Table):
            return reading.expected(node, self.expected)
        params = node.items.get("params")
        rest = Table(node.place, {k: v for k, v in node.items.items() if k != "params"}, node.places)
        if params is not None and not isinstance(params, Table):
            reading.expected(params, "a mapping of parameters")
            params = None
        spec = self.section.read(rest, reading)
        return evolve(spec, params=params)

    def show(self, value: Any) -> Any:
        shown = self.section.show(value)
        if value.params is not None and value.params.items:
            shown["params"] = written(value.params)
        return shown

    def schema(self) -> Schema:
        schema = self.section.schema()
        about = "The strategy's own parameters: the fields of its class."
        schema["properties"]["params"] = {"type": "object", "description": about}
        return schema


def written(node: Node) -> Any:
    """A node as plain data, scalars by their text."""
    match node:
        case Table():
            return {name: written(node.items[name]) for name in sorted(node.items)}
        case Scalar():
            return node.text
    return [written(item) for item in node.items]


@frozen(kw_only=True)
class Journal:
    durability: str = key(
        Choice(("process", "power")), "What it survives; power is synced to disk before each send.", "process"
    )
    file_mb: int = key(COUNT, "Megabytes of a file of the journal before the next is begun; 0: one without end.", 32)
    keep_mb: int = key(
        COUNT, "Megabytes of earlier files that are kept; the oldest are taken away beyond that. 0: keep all.", 20000
    )


@frozen(kw_only=True)
class Captured:
    max_mb: int = key(POSITIVE_COUNT, "Largest size of the file; what comes after is not captured.", 1024)


@frozen
class _CapturedKind:
    """A `Captured`, or `true` for one as it is by default."""

    section: Section = Section(Captured)
    expected: str = "true, false or a mapping with max_mb"

    def read(self, node: Node, reading: Reading) -> Any:
        if isinstance(node, Table):
            return self.section.read(node, reading)
        wanted = Truth(self.expected).read(node, reading)
        return wanted if wanted not in (True, False) else Captured() if wanted else None

    def show(self, value: Any) -> Any:
        return self.section.show(value)

    def schema(self) -> Schema:
        return {"anyOf": [Truth().schema(), self.section.schema()]}


@frozen(kw_only=True)
class Config:
    """A whole config, checked. ``base`` is the folder that its relative paths start from."""

    name: str = key(SLUG, "The run's name.")
    mode: str = key(Choice(MODES), "On recorded data, on a live market with simulated orders, or with real ones.")
    account: Account = key(Section(Account), "Money.")
    venues: dict[str, Venue] = key(MapOf(VENUE_KEY, VENUE, 1), "Venues; an id ends in one in capitals.")
    instruments: dict[str, InstrumentSpec] = key(
        MapOf(INSTRUMENT_ID, Section(InstrumentSpec)), "Instruments, where neither the tape nor the venue tells.", dict
    )
    data: Data | None = key(Section(Data), "Recorded data.", None)
    simulator: Simulator = key(Section(Simulator), "The simulated venue (backtest, paper).", Simulator)
    strategies: dict[str, StrategySpec] = key(MapOf(SLUG, _StrategyKind(), 1), "Strategies by name.")
    risk: dict[str, Any] = key(TOP_LIMITS, "Limits that hold everywhere, and those of venues and instruments.", dict)
    on_book_invalid: str = key(
        Choice(("cancel", "leave")),
        "What becomes of resting orders when a book turns crossed, one-sided, gapped or stale.",
        "cancel",
    )
    on_stop: str = key(
        Choice(("cancel", "leave")), "What becomes of resting orders when the run is stopped (paper, live).", "cancel"
    )
    external_orders: str = key(
        Choice(("adopt", "cancel", "halt")),
        "What an order of the account does that is not ours (live): counted with ours, cancelled, or a kill.",
        "adopt",
    )
    checks: tuple[str, ...] = key(ListOf(USE), "Your own checks of orders, asked after all of ours.", ())
    journal: Journal = key(Section(Journal), "The journal (paper, live).", Journal)
    capture: Captured | None = key(
        _CapturedKind(), "Write down what the run is given, so that it can be replayed (paper, live).", None
    )
    state: str | None = key(Text("a path"), "State folder; by default state/NAME beside this file.", None)
    runs: str | None = key(Text("a path"), "Folder for run folders; by default runs/ where it is started.", None)

    base: Path = field(factory=Path)
    origins: Mapping[tuple[str, ...], Place] = field(factory=dict, repr=False)

    def path(self, text: str) -> Path:
        """A path of the config, made from where the YAML file lies."""
        return self.base / Path(text).expanduser()

    @property
    def runs_folder(self) -> Path:
        return self.path(self.runs) if self.runs is not None else Path("runs")

    @property
    def state_folder(self) -> Path:
        return self.path(self.state if self.state is not None else f"state/{self.name}")

    def venue_of(self, instrument: str) -> str:
        """The ``venues:`` key of an instrument id."""
        return instrument.rpartition(".")[2].lower()

    def instrument(self, id: str) -> Instrument:
        """The engine's instrument for an id of the ``instruments:`` section.

        Raises:
            UnitError: its grid does not fit 64-bit integers.
        """
        spec = self.instruments[id]
        fees = spec.fees or self.venues[self.venue_of(id)].fees
        return Instrument(
            id=id,
            tick_size=spec.tick,
            lot_size=spec.lot,
            kind=InstrumentKind(spec.kind),
            base=spec.base,
            quote=spec.quote,
            min_qty=spec.min_qty or Decimal(0),
            max_qty=spec.max_qty,
            max_price=spec.max_price,
            min_notional=spec.min_notional or Decimal(0),
            max_notional=spec.max_notional,
            multiplier=spec.multiplier,
            expiry_ns=spec.expiry,
            maker_fee=fees.maker,
            taker_fee=fees.taker,
        )

    def risk_scopes(self) -> dict[str, dict[str, RiskValue]]:
        """Limits by scope: ``global`` with its defaults, ``venue:<key>``, ``instrument:<id>``, ``strategy:<name>``."""
        stated = {name: value for name, value in self.risk.items() if name not in ("venues", "instruments")}
        scopes = {"global": with_defaults(stated, self.mode)}
        scopes |= {f"venue:{name}": scope for name, scope in self.risk.get("venues", {}).items()}
        scopes |= {f"instrument:{name}": scope for name, scope in self.risk.get("instruments", {}).items()}
        scopes |= {f"strategy:{name}": spec.risk for name, spec in self.strategies.items() if spec.risk}
        if self.mode == "live":
            self._hold_to_wires(scopes)
        return scopes

    def _hold_to_wires(self, scopes: dict[str, dict[str, RiskValue]]) -> None:
        """No venue gets more messages from the gate than its wire lets through: what waits at the wire is in doubt."""
        for name, venue in self.venues.items():
            settings = venue.settings
            rate = settings.get("requests_per_s" if settings.get("order_entry") == "rest" else "messages_per_s")
            scope = scopes.get(f"venue:{name}", {})
            stated = scope.get("max_messages_per_s", scopes["global"].get("max_messages_per_s"))
            if rate is not None and (stated is None or Decimal(str(stated)) > rate):
                scopes[f"venue:{name}"] = {**scope, "max_messages_per_s": Decimal(rate)}

    def authority(self) -> dict[str, tuple[str, ...]]:
        """Which instruments each strategy may trade."""
        return {name: spec.instruments if spec.allow is None else spec.allow for name, spec in self.strategies.items()}

    def endpoint(self, venue: str) -> Endpoint | None:
        """Where a venue is reached; None for one that is simulated, or served for the run."""
        return endpoint(self.venues[venue])

    def secrets(self, venue: str) -> dict[str, Secret]:
        """The credentials that belong to where a venue is reached, read now; none for one served for the run."""
        where = self.endpoint(venue)
        spec = self.venues[venue]
        held = {} if where is None else spec.local_credentials if where.loopback else spec.credentials
        return {name: ref.read(self.base) for name, ref in held.items()}

    def resolved(self) -> dict[str, Any]:
        """The config with its defaults as plain data: numbers as canonical text, keys that people chose sorted."""
        shown = CONFIG.show(self)
        stated = {name: value for name, value in self.risk.items() if name in ("venues", "instruments")}
        limits = {**with_defaults(self.risk, self.mode), **stated}
        shown["risk"] = TOP_LIMITS.show({name: value for name, value in limits.items() if value is not None})
        shown["risk"] |= TOP_LIMITS.show({name: None for name in self.risk if self.risk[name] is None})
        return {name: shown[name] for name in sorted(shown)}

    def canonical(self) -> str:
        """`resolved` as one line of JSON, the same for equal configs."""
        return json.dumps(self.resolved(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def hash8(self) -> str:
        """The first 8 hexadecimal digits of the SHA-256 of `canonical`."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:8]

    @contextmanager
    def blamed(self, name: str, refusal: type[TickwrightError]) -> Iterator[None]:
        """Make a refusal of what the config itself states under a key a fault of the config, with its place."""
        try:
            yield
        except refusal as error:
            if getattr(self, name) is None:
                raise
            raise ConfigError([Fault(self.place((name,)), str(error))]) from None

    def place(self, path: tuple[str, ...]) -> Place:
        """Where a value was said, for messages."""
        return self.origins.get(path, Place("config", path=path))

    def origin(self, path: Iterable[str]) -> str:
        """Where a resolved value came from: ``file:line``, ``--set``, ``config`` (a mapping) or ``default``."""
        wanted = tuple(path)
        # What is shown as one value may have been written as several: the first of them says where.
        parts = (place for inner, place in self.origins.items() if inner[: len(wanted)] == wanted)
        return str(self.origins.get(wanted) or next(parts, "default"))


CONFIG: Final = Section(Config)


def load(
    source: str | Path | Mapping[str, Any],
    overrides: Iterable[str] = (),
    mode: str | None = None,
    in_memory: Iterable[str] = (),
    base: Path | None = None,
) -> Config:
    """The config in a YAML file or a mapping, with ``key.path=value`` overrides applied, checked as a whole.

    ``mode`` replaces the config's own. Neither it nor an override may be riskier than what the file says.
    ``in_memory`` names the instruments whose tape the caller holds, whatever the file says of it, if anything.
    ``base`` is the folder that relative paths start from, by default the file's own.

    Raises:
        ConfigError: one line for each fault.
    """
    from tickwright.checks import check
    from tickwright.overrides import apply

    if isinstance(source, Mapping):
        table, home = read_mapping(source), Path()
    else:
        path = Path(source)
        table, home = read_file(path), path.parent
    reading = Reading(home if base is None else base)
    stated = table.items.get("mode")
    apply(table, overrides, reading)
    _hold_tapes(table, in_memory)
    if mode is not None:
        place = Place(f"the verb {mode}", path=("mode",))
        table.put("mode", place, Scalar(place, mode))
    _never_riskier(stated, table, reading)
    config: Config = CONFIG.read(table, reading)
    config = evolve(config, base=home if base is None else base, origins=reading.origins)
    check(config, table, reading)
    if reading.faults:
        raise ConfigError(reading.ordered())
    return config


def _hold_tapes(table: Table, instruments: Iterable[str]) -> None:
    """Say of these tapes that they are in memory; what is no mapping is left for the reading to refuse."""
    from tickwright.checks import IN_MEMORY

    for name in instruments:
        inside: Node = table
        for word in ("data", "tapes"):
            if isinstance(inside, Table):
                inside = inside.items.get(word) or _new_table(inside, word)
        if isinstance(inside, Table):
            place = Place("tapes=", path=("data", "tapes", name))
            inside.put(name, place, Scalar(place, IN_MEMORY))


def _new_table(table: Table, word: str) -> Table:
    made = Table(table.place.under(word))
    table.put(word, made.place, made)
    return made


def _never_riskier(stated: Node | None, table: Table, reading: Reading) -> None:
    wanted = table.items.get("mode")
    if stated is wanted or not isinstance(wanted, Scalar) or wanted.text not in MODES:
        return
    said = stated.text if isinstance(stated, Scalar) else MODES[0]
    if isinstance(stated, Scalar) and said not in MODES:
        reading.refuse(stated.place, f"expected {', '.join(MODES[:-1])} or {MODES[-1]}, got {said!r}")
    elif said not in MODES[MODES.index(wanted.text) :]:
        reading.refuse(wanted.place, f"expected a mode no riskier than the file's ({said}), got {wanted.text!r}")


def json_schema() -> Schema:
    """JSON Schema (draft 2020-12) of a config, made from the same fields that read it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tickwright config", **CONFIG.schema()}
