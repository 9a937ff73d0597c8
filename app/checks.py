"""What must fit together across the sections of one config. Each check adds its own faults; none stops the others.

The sections may hold `BAD` where a value could not be read, so checks of names come first and arithmetic only
runs on a config that has no fault so far.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from tickwright.document import Node, Place, Table
from tickwright.engine.errors import UnitError
from tickwright.kinds import Reading, nearest
from tickwright.overrides import NAMING, instrument_ids
from tickwright.risk_keys import ACCOUNT_CURRENCY, REQUIRED, RISK_KEYS
from tickwright.secrets import refuse_literals

if TYPE_CHECKING:
    from tickwright.config import Config


def check(config: "Config", table: Table, reading: Reading) -> None:
    """Note every disagreement between sections."""
    from tickwright.venue_checks import CHECKS, markets

    for one in (_secret_literals, markets, _venues, _instruments, _restricted):
        one(config, table, reading)
    if reading.faults:
        return
    for one in (_grids, _mode, _times, _tape_files, _positions, _named_rates, _rates, _required_limits, *CHECKS):
        one(config, table, reading)


def at(table: Table, *path: str) -> Place:
    """Where a path stands, or the nearest thing above it."""
    place, node = table.place, table
    for depth, word in enumerate(path):
        if word not in node.items:
            return Place(place.source, place.line, path)
        place = node.places[word]
        inner: Node = node.items[word]
        if not isinstance(inner, Table):
            return Place(inner.place.source, inner.place.line, path)
        if depth + 1 < len(path):
            node = inner
    return Place(place.source, place.line, path)


def _secret_literals(config: "Config", table: Table, reading: Reading) -> None:
    refuse_literals(table, reading)


def _named(table: Table) -> Iterator[tuple[str, Place]]:
    """Every place that names an instrument."""
    for path in NAMING:
        node: Node | None = table
        for word in path:
            node = node.items.get(word) if isinstance(node, Table) else None
        if isinstance(node, Table):
            yield from ((name, node.places[name]) for name in node.items)
    strategies = table.items.get("strategies")
    for strategy in strategies.items.values() if isinstance(strategies, Table) else ():
        for word in ("instruments", "allow"):
            listed = strategy.items.get(word) if isinstance(strategy, Table) else None
            for item in getattr(listed, "items", ()) if not isinstance(listed, Table) else ():
                yield getattr(item, "text", ""), item.place


def _venues(config: "Config", table: Table, reading: Reading) -> None:
    venues = table.items.get("venues")
    if not isinstance(venues, Table):
        return
    known = {name.upper() for name in venues.items}
    for name, place in _named(table):
        symbol, _, venue = name.rpartition(".")
        if symbol and venue not in known:
            near = nearest(venue, known)
            reading.refuse(place, f"expected a venue of the venues section in capitals, got {venue!r}{near}")
    risk = table.items.get("risk")
    scoped = risk.items.get("venues") if isinstance(risk, Table) else None
    if not isinstance(scoped, Table):
        return
    for name in scoped.items:
        if name not in venues.items:
            near = nearest(name, venues.items)
            reading.refuse(scoped.places[name], f"expected a venue of the venues section, got {name!r}{near}")


def _defined(table: Table) -> set[str]:
    known: set[str] = set()
    for path in (("instruments",), ("data", "tapes")):
        node: Node | None = table
        for word in path:
            node = node.items.get(word) if isinstance(node, Table) else None
        known |= node.items.keys() if isinstance(node, Table) else set()
    return known


def _instruments(config: "Config", table: Table, reading: Reading) -> None:
    """Ids must be known: from the instruments or the tapes; a live venue may know more."""
    known = _defined(table)
    if config.mode != "backtest":
        known |= {name for name in instrument_ids(table) if _from_venue(config, name)}
    for name, place in _named(table):
        if name and name not in known:
            reading.refuse(place, f"expected a known instrument, got {name!r}{nearest(name, known)}")


def _from_venue(config: "Config", name: str) -> bool:
    venues: object = config.venues
    venue = venues.get(config.venue_of(name)) if isinstance(venues, dict) else None
    return getattr(venue, "adapter", "sim") != "sim"


def _restricted(config: "Config", table: Table, reading: Reading) -> None:
    risk = table.items.get("risk")
    listed = risk.items.get("restricted") if isinstance(risk, Table) else None
    venues = table.items.get("venues")
    known = {*instrument_ids(table), *(venues.items if isinstance(venues, Table) else ())}
    for item in getattr(listed, "items", ()) if not isinstance(listed, Table) else ():
        name = getattr(item, "text", "")
        # An id at a known venue may be barred without being used.
        if name not in known and name.rpartition(".")[2].lower() not in known:
            reading.refuse(item.place, f"expected a known instrument or venue, got {name!r}{nearest(name, known)}")


def _grids(config: "Config", table: Table, reading: Reading) -> None:
    for name in config.instruments:
        try:
            config.instrument(name)
        except UnitError as error:
            message = str(error).removeprefix(f"{name}: ")
            reading.refuse(at(table, "instruments", name), message)


def _mode(config: "Config", table: Table, reading: Reading) -> None:
    if config.mode in ("backtest", "paper") and config.account.balances is None:
        reading.refuse(at(table, "account", "balances"), f"expected what a {config.mode} starts with, got nothing")
    if config.mode != "backtest":
        return
    tapes = config.data.tapes if config.data is not None else {}
    if not tapes:
        reading.refuse(at(table, "data", "tapes"), "expected the recorded data of a backtest, got nothing")
        return
    for name, spec in config.strategies.items():
        for instrument in spec.instruments:
            if instrument not in tapes:
                place = at(table, "strategies", name, "instruments")
                reading.refuse(place, f"expected a tape for each instrument, got none for {instrument!r}")


def _times(config: "Config", table: Table, reading: Reading) -> None:
    data = config.data
    if data is not None and data.start is not None and data.end is not None and data.start >= data.end:
        reading.refuse(at(table, "data", "end"), "expected a time after data.start, got one at or before it")


IN_MEMORY: Final = "memory"
"""What stands in the place of a tape's path where the caller hands over the columns themselves."""


def _tape_files(config: "Config", table: Table, reading: Reading) -> None:
    if config.data is None:
        return
    for key, tapes in (("tapes", config.data.tapes), ("warmup", config.data.warmup)):
        for name, text in tapes.items():
            if text != IN_MEMORY and not text.startswith("package:") and not config.path(text).exists():
                reading.refuse(at(table, "data", key, name), f"expected a file or folder, got none at {text!r}")


def _positions(config: "Config", table: Table, reading: Reading) -> None:
    """A position at the start is one that orders could have made."""
    for name, qty in config.account.positions.items():
        place = at(table, "account", "positions", name)
        spec = config.instruments.get(name)
        if config.mode == "backtest":
            reading.refuse(place, "expected no positions in a backtest, got one: it starts with balances alone")
        elif spec is not None and qty % spec.lot:
            reading.refuse(place, f"expected a multiple of the lot {spec.lot}, got {qty}")


def _traded(config: "Config") -> Iterable[str]:
    return dict.fromkeys(name for spec in config.strategies.values() for name in spec.instruments)


def _named_rates(config: "Config", table: Table, reading: Reading) -> None:
    """A rate that names an instrument needs one that is played, and that is quoted just so."""
    home = config.account.currency
    for pair, id in config.account.rates.items():
        if not isinstance(id, str):
            continue
        place = at(table, "account", "rates", pair)
        left, _, right = pair.partition("/")
        spec = config.instruments.get(id)
        if right != home:
            reading.refuse(place, f"expected a rate into {home} where it names an instrument, got {pair}")
        elif spec is None:
            reading.refuse(place, f"expected an instrument of this config, got {id!r}{nearest(id, config.instruments)}")
        elif (spec.base, spec.quote) != (left, home):
            got = f"{id} of {spec.base} in {spec.quote}"
            reading.refuse(place, f"expected an instrument of {left} in {home}, got {got}")
        elif config.mode == "backtest" and config.data is not None and id not in config.data.tapes:
            reading.refuse(place, f"expected a tape of {id} under data.tapes, got none: its price is the rate")


def _rates(config: "Config", table: Table, reading: Reading) -> None:
    """A limit in account currency needs a rate from every other currency that is traded in."""
    home, rates = config.account.currency, config.account.rates
    scopes: list[tuple[tuple[str, ...], dict[str, object]]] = [(("risk",), config.risk)]
    scopes += [(("strategies", name, "risk"), dict(spec.risk)) for name, spec in config.strategies.items()]
    stated = [(*path, limit) for path, scope in scopes for limit in ACCOUNT_CURRENCY if scope.get(limit) is not None]
    if not stated:
        return
    for name in _traded(config):
        spec = config.instruments.get(name)
        if spec is None:
            continue
        other = spec.base if spec.kind == "inverse" else spec.quote
        if other != home and f"{other}/{home}" not in rates and f"{home}/{other}" not in rates:
            message = f"expected a rate {other}/{home} in account.rates for {name}, got none"
            reading.refuse(at(table, *stated[0]), message)


def _required_limits(config: "Config", table: Table, reading: Reading) -> None:
    """Live trading starts only with every required limit stated, everywhere or where it applies."""
    if config.mode != "live":
        return
    for limit, known in RISK_KEYS.items():
        if known.live is REQUIRED and not _stated(config, limit, known.per):
            reading.refuse(at(table, "risk", limit), f"expected {known.kind.expected} (required in live), got nothing")
    for name, spec in config.strategies.items():
        if spec.allow is None:
            place = at(table, "strategies", name, "allow")
            reading.refuse(place, "expected the list of what it may trade (required in live), got nothing")


def _stated(config: "Config", limit: str, per: str) -> bool:
    if config.risk.get(limit) is not None:
        return True
    if per == "account":
        return False
    venues, instruments = config.risk.get("venues", {}), config.risk.get("instruments", {})

    def covered(strategy: str, instrument: str) -> bool:
        scopes = (
            config.strategies[strategy].risk,
            instruments.get(instrument, {}) if per == "instrument" else {},
            venues.get(config.venue_of(instrument), {}) if per == "instrument" else {},
        )
        return any(scope.get(limit) is not None for scope in scopes)

    return all(covered(name, id) for name, spec in config.strategies.items() for id in spec.instruments)
