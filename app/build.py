"""Joins the rooms into one run: instruments, books, gate, order manager, core, simulated venues, strategies."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
from attrs import define, fields_dict, frozen

from tickwright.adapters.sim.latency import Fixed, LogNormal
from tickwright.adapters.sim.venue import CAPABILITY, SimVenue
from tickwright.adapters.tape import FixedLatency, LognormalLatency, Tape, TapeError, open_tape
from tickwright.adapters.tape.delay import Latency
from tickwright.checks import IN_MEMORY
from tickwright.config import Config
from tickwright.document import ConfigError, Fault
from tickwright.engine.backtest import Channel, TapeLoop
from tickwright.engine.book import Book
from tickwright.engine.books import Books
from tickwright.engine.capability import Capability
from tickwright.engine.core import Core
from tickwright.engine.desk import Desk, OnError
from tickwright.engine.door import Door, Names
from tickwright.engine.instrument import Instrument
from tickwright.engine.ledger import RATE_DIGITS
from tickwright.engine.market import Market, Seat, join_packages
from tickwright.engine.money import from_atoms, half_even
from tickwright.engine.orders import OrderManager
from tickwright.engine.portfolio import Portfolio
from tickwright.engine.records import Recorder
from tickwright.latency import Delay
from tickwright.logs import strategy_log
from tickwright.plugins import Loaded
from tickwright.risk.check import Check
from tickwright.risk.floor import Floor
from tickwright.risk.gate import RiskGate
from tickwright.risk.kill import KillSwitch
from tickwright.risk.limits import LimitBook, RiskConfigError
from tickwright.strategies.base import handlers

ORDERS, REPORTS, REJECTS, FEED = 1, 2, 3, 4
"""The streams of random numbers that a run draws from, each its own."""

PREFIX = "bt"
"""What the order ids of a backtest begin with; other runs make theirs once, with their state folder."""


@frozen
class Tapes:
    """What a run plays: one tape for each instrument, in the order of the instruments' indices."""

    tapes: tuple[Tape, ...]
    instruments: tuple[Instrument, ...]

    @property
    def rows(self) -> int:
        return sum(tape.rows for tape in self.tapes)


@define
class Parts:
    """The joined parts of one run, whatever drives it."""

    core: Core
    gate: RiskGate
    portfolio: Portfolio
    recorder: Recorder
    floor: Floor
    instruments: tuple[Instrument, ...]
    strategies: tuple[str, ...]


@define
class TapeParts(Parts):
    """The joined parts of a run on tape."""

    loop: TapeLoop
    feed_delay: Latency | None


def open_tapes(config: Config, given: Mapping[str, Any]) -> Tapes:
    """Open every tape of the config; `given` holds tapes in memory, which take the place of paths.

    Raises:
        ConfigError: a tape cannot be opened; or config and tape say different things about one instrument, or
            neither says anything.
    """
    tapes = []
    instruments = []
    faults: list[Fault] = []
    for id, source in (config.data.tapes if config.data else {}).items():
        place = config.place(("data", "tapes", id))
        if source == IN_MEMORY and id not in given:
            faults.append(Fault(place, f"expected a tape of {id} in memory, as `tapes` of tickwright.backtest"))
            continue
        where = given.get(id, source if source.startswith("package:") else config.path(source))
        try:
            tape = open_tape(where)
        except TapeError as error:
            faults.append(Fault(place, str(error)))
            continue
        stated = config.instrument(id) if id in config.instruments else None
        if stated is None and tape.instrument is None:
            faults.append(Fault(place, f"expected {id} under instruments:, since the tape does not describe it"))
            continue
        tapes.append(tape)
        instruments.append(stated or tape.instrument)
        if stated is not None and tape.instrument is not None:
            faults.extend(Fault(place, text) for text in differences(id, stated, tape.instrument))
    if faults:
        raise ConfigError(faults)
    return Tapes(tuple(tapes), tuple(each for each in instruments if each is not None))


def differences(id: str, stated: Instrument, told: Instrument) -> Iterable[str]:
    """What config and tape say differently about one instrument: an error, not a choice."""
    if told.id != id:
        yield f"expected a tape of {id}, received one of {told.id}"
        return
    for name in ("tick_size", "lot_size", "kind", "base", "quote", "multiplier"):
        ours, theirs = getattr(stated, name), getattr(told, name)
        if ours != theirs:
            yield f"{id}: the config says {name} {ours}, the tape {theirs}; one of them is wrong"


def join(
    config: Config,
    tapes: Tapes,
    loaded: Mapping[str, Loaded],
    checks: tuple[Check, ...] = (),
    watched: Callable[[str, str, Any], Any] = lambda strategy, name, handler: handler,
) -> TapeParts:
    """Build the run of a checked config on tape; `checks` are asked about every order after all of ours, `watched` is
    as in `join_core`."""
    parts = join_core(config, tapes.instruments, loaded, checks, watched=watched)
    channels = add_venues(config, parts.core, parts.core.markets)
    return TapeParts(
        **{name: getattr(parts, name) for name in fields_dict(Parts)},
        loop=TapeLoop(parts.core, channels),
        feed_delay=feed_delay(config),
    )


def join_core(
    config: Config,
    instruments: tuple[Instrument, ...],
    loaded: Mapping[str, Loaded],
    checks: tuple[Check, ...] = (),
    *,
    ids: Names | None = None,
    balances: Mapping[str, Decimal] | None = None,
    capabilities: Mapping[str, Capability] | None = None,
    kill: KillSwitch | None = None,
    recorder: Recorder | None = None,
    books_of: type[Portfolio] = Portfolio,
    watched: Callable[[str, str, Any], Any] = lambda strategy, name, handler: handler,
    log_of: Callable[[str], Any] | None = None,
) -> Parts:
    """Everything of a run but its venues.

    `ids` make the orders' names, `balances` take the place of the config's, `capabilities` tell what each venue's
    adapter can carry (else what the simulator can), `kill` is a kill switch with what it kept, `recorder` and
    `books_of` are the recorder and the kind of portfolio, where they are others than a backtest's. Each strategy's
    handlers pass through `watched` with the strategy's and the handler's names; `log_of` makes its logger.
    """
    names = tuple(loaded)
    recorder = recorder or Recorder()
    portfolio = books_of(
        instruments,
        names,
        currency=config.account.currency,
        balances=config.account.balances if balances is None else balances,
        rates=fixed_rates(config),
        awaited=tuple(followed_rates(config)),
    )
    markets = [Market(each, i, portfolio.position(i)) for i, each in enumerate(instruments)]
    seats = make_seats(config, names, markets, portfolio)
    join_packages(markets, [seat for row in seats.values() for seat in row])
    carried = capabilities or {market.venue_name: CAPABILITY for market in markets}
    floor = make_floor(config, instruments, markets, seats, portfolio, recorder, carried, kill)
    gate = RiskGate(floor, recorder, checks)
    books = Books(portfolio, markets, len(names), gate, recorder)
    by_id = {market.instrument.id: market for market in markets}
    for currency, id in followed_rates(config).items():
        books.follow(currency, by_id[id])
    core = Core(markets, OrderManager(recorder, books), gate, recorder, books)
    core.leaves_invalid = config.on_book_invalid == "leave"
    ids = ids or Names(f"{PREFIX}-")
    for index, (name, one) in enumerate(loaded.items()):
        add_strategy(core, name, index, one, OnError(config.strategies[name].on_error), ids, seats, watched, log_of)
    return Parts(
        core=core,
        gate=gate,
        portfolio=portfolio,
        recorder=recorder,
        floor=floor,
        instruments=instruments,
        strategies=names,
    )


def fixed_rates(config: Config) -> dict[str, Decimal]:
    """The rates that are plain numbers, by the currency they turn into the account's.

    One that is stated the other way round is turned, and rounded to the decimals that rates have.
    """
    rates = {}
    for pair, rate in config.account.rates.items():
        left, _, right = pair.partition("/")
        if isinstance(rate, Decimal) and right == config.account.currency:
            rates[left] = rate
        elif isinstance(rate, Decimal) and left == config.account.currency:
            turned = Fraction(10**RATE_DIGITS) / Fraction(rate)
            rates[right] = from_atoms(half_even(turned.numerator, turned.denominator), RATE_DIGITS)
    return rates


def followed_rates(config: Config) -> dict[str, str]:
    """The rates that follow an instrument's price, by the currency they turn into the account's.

    Until that instrument has a price the currency counts as nothing, and the gate denies what it cannot value.
    """
    home = config.account.currency
    rates = config.account.rates.items()
    return {pair.partition("/")[0]: id for pair, id in rates if isinstance(id, str) and pair.endswith(f"/{home}")}


def make_seats(
    config: Config, names: tuple[str, ...], markets: list[Market], portfolio: Portfolio
) -> dict[str, list[Seat]]:
    """A seat for each strategy in each of its instruments, in the order of the config."""
    by_id = {market.instrument.id: market for market in markets}
    return {
        name: [
            Seat(name, index, by_id[id], portfolio.position(by_id[id].index, index))
            for id in config.strategies[name].instruments
        ]
        for index, name in enumerate(names)
    }


def make_floor(
    config: Config,
    instruments: tuple[Instrument, ...],
    markets: list[Market],
    seats: dict[str, list[Seat]],
    portfolio: Portfolio,
    recorder: Recorder,
    capabilities: Mapping[str, Capability],
    kill: KillSwitch | None,
) -> Floor:
    """Everything the gate stands on.

    Raises:
        ConfigError: limits that cannot be.
    """
    try:
        limits = LimitBook(
            config.mode,
            config.risk_scopes(),
            instruments,
            currency=config.account.currency,
            rates=config.account.rates,
            authority=config.authority(),
        )
        every = [seat for row in seats.values() for seat in row]
        return Floor(limits, markets, every, portfolio, recorder, capabilities=capabilities, kill=kill)
    except RiskConfigError as error:
        place = config.place(("risk",))
        raise ConfigError([Fault(place, line) for line in str(error).splitlines()]) from None


def feed_delay(config: Config) -> Latency | None:
    """How much later than the venue the strategies see the market; None for not at all."""
    delay = config.simulator.latency.feed
    if delay.median == 0:
        return None
    if not delay.sigma:
        return FixedLatency(delay.median)
    return LognormalLatency(delay.median, float(delay.sigma), np.random.default_rng([config.simulator.seed, FEED]))


def travel(config: Config, delay: Delay, stream: int) -> Fixed | LogNormal:
    """The time a message takes; each way has random numbers of its own, so that none disturbs another."""
    if not delay.sigma:
        return Fixed(delay.median)
    return LogNormal(delay.median, float(delay.sigma), Random(f"{config.simulator.seed} {stream}"))


def add_venues(config: Config, core: Core, markets: list[Market]) -> list[Channel]:
    """One simulated venue for each of the config's; the tape's channels lead to their books and to the core's.

    While strategies see the market as it happens, venue and core share their books; else the venue has its own, and
    the rows come twice.
    """
    simulator = config.simulator
    delayed = simulator.latency.feed.median > 0
    books = [Book(market.instrument, market.index) if delayed else market.book for market in markets]
    venues = {}
    for name in dict.fromkeys(market.venue_name for market in markets):
        own = [market for market in markets if market.venue_name == name]
        venues[name] = SimVenue(
            core,
            [books[market.index] if market in own else None for market in markets],
            queue=simulator.queue,
            to_venue=travel(config, simulator.latency.order, ORDERS),
            to_client=travel(config, simulator.latency.report, REPORTS),
            reject_probability=float(simulator.reject_probability),
            random=Random(f"{simulator.seed} {REJECTS} {name}"),
        )
        core.add_venue(venues[name], own)
    channels = [
        Channel(books[i], i, None if delayed else market, venues[market.venue_name]) for i, market in enumerate(markets)
    ]
    return channels + [Channel(market.book, i, market, None) for i, market in enumerate(markets) if delayed]


def add_strategy(
    core: Core,
    name: str,
    index: int,
    loaded: Loaded,
    on_error: OnError,
    ids: Names,
    seats: dict[str, list[Seat]],
    watched: Callable[[str, str, Any], Any],
    log_of: Callable[[str], Any] | None,
) -> None:
    strategy = loaded.create()
    door = Door(name, index, ids)
    log = strategy_log(name, lambda: core.now) if log_of is None else log_of(name)
    own = {called: watched(name, called, handler) for called, handler in handlers(strategy).items()}
    desk = Desk(strategy, door, own, on_error, core, log)
    for seat in seats[name]:
        desk.add_seat(seat)
    core.add_desk(desk)
    strategy._tickwright_attach(door, desk)
