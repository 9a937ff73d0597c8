"""Whether a config could be run from here and now: every check that can be made without trading.

The same checks stand before a live run, which does not start where one fails.
"""

import importlib.util
import os
import stat
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import trio
from attrs import frozen

from tickwright.config import Config
from tickwright.document import ConfigError
from tickwright.engine.errors import TickwrightError
from tickwright.engine.wire import QueryFailed, Wire
from tickwright.kill_file import read_kills
from tickwright.reach import Reached, Unreachable, reach
from tickwright.risk_keys import REQUIRED, RISK_KEYS
from tickwright.secrets import SecretError
from tickwright.state import StateError, StateFolder

OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "fail"
SKIP: Final = "skip"

INSTRUMENTS_S: Final = 20.0
"""Login and two pages of reference data, with the venue's own deadlines inside."""

Asked = Callable[[Config, str], Awaitable[Mapping[str, Any]]]
"""Gives what a venue says of the run's instruments; raises a `TickwrightError` if it cannot be asked."""


@frozen
class Finding:
    """What one check found. `status` is ok, warn, fail, or skip (nothing to check)."""

    check: str
    status: str
    text: str


async def examine(
    config: Config, *, asked: Asked | None = None, wall: Callable[[], float] = time.time, context: Any = None
) -> list[Finding]:
    """Every check of a config that has loaded, in order. None of them raises, waits for long, or changes anything.

    `asked` asks a venue for its instruments (`ask_wire`); without it that is left to the run, which begins with it: a
    one-time password is good for one login. `wall` tells the time and `context` whom TLS trusts, for tests.
    """
    found = [Finding("config", OK, f"{config.mode} {config.name}, {config.hash8}")]
    found += _strategies(config)
    found += _adapters(config)
    found += _limits(config)
    found += _secrets(config)
    found += _state(config)
    found += _disk(config)
    for name in dict.fromkeys(config.venue_of(id) for one in config.strategies.values() for id in one.instruments):
        found += [finding async for finding in _venue(config, name, asked, wall, context)]
    return found


def healthy(found: list[Finding]) -> bool:
    """Whether nothing failed."""
    return all(finding.status != FAIL for finding in found)


def _strategies(config: Config) -> Iterator[Finding]:
    from tickwright.plugins import load_strategies

    try:
        loaded = load_strategies(config)
        for one in loaded.values():
            one.create()
    except ConfigError as error:
        for fault in error.faults:
            yield Finding("strategies", FAIL, str(fault))
        return
    yield Finding("strategies", OK, ", ".join(f"{name}: {one.form.__name__}" for name, one in loaded.items()))
    for name, one in loaded.items():
        yield from _open_to_all(
            config, f"strategy {name}", getattr(sys.modules.get(one.form.__module__), "__file__", None)
        )


def _adapters(config: Config) -> Iterator[Finding]:
    """Adapters that are no installed ones are code of the user's, as strategies are."""
    for name, venue in config.venues.items():
        if ":" in venue.adapter and venue.declaration is not None:
            found = importlib.util.find_spec(venue.declaration.wire.partition(":")[0])
            yield Finding(f"adapter {name}", OK, f"{venue.adapter}: {venue.declaration.name}")
            yield from _open_to_all(config, f"adapter {name}", found.origin if found is not None else None)


def _open_to_all(config: Config, what: str, source: str | None) -> Iterator[Finding]:
    """Code that others may change."""
    for path in (Path(source), Path(source).parent) if source else ():
        mode = path.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            status = FAIL if config.mode == "live" else WARN
            yield Finding(what, status, f"{path}: everybody may write there, and it runs as us")


def _limits(config: Config) -> Iterator[Finding]:
    required = [name for name, known in RISK_KEYS.items() if known.live is REQUIRED]
    if config.mode == "live":
        # A live config without one of them has not loaded.
        yield Finding("limits", OK, f"all {len(required)} that live requires are stated")
        return
    scopes = [config.risk, *(one.risk for one in config.strategies.values())]
    missing = [name for name in required if not any(scope.get(name) is not None for scope in scopes)]
    text = f"live would also require {', '.join(missing)}" if missing else "all that live requires are stated"
    yield Finding("limits", OK, f"{config.mode} requires none; {text}")


def _secrets(config: Config) -> Iterator[Finding]:
    """Everything that is named is looked at, whether or not this mode needs it; only what it needs can fail."""
    told = False
    for name, venue in config.venues.items():
        adapter = venue.declaration
        needed = config.mode == "live" or (adapter is not None and adapter.login_for_data)
        for key in ("credentials", "local_credentials"):
            for held, reference in getattr(venue, key).items():
                told = True
                where = f"secret {name}.{held}"
                try:
                    reference.read(config.base)
                except SecretError as error:
                    yield Finding(where, FAIL if needed else WARN, str(error))
                else:
                    yield Finding(where, OK, f"{reference.written} is readable, by us alone")
    if not told:
        yield Finding("secrets", SKIP, "none are named")


def _state(config: Config) -> Iterator[Finding]:
    path = config.state_folder
    if not os.path.lexists(path):
        above = nearest_existing(path)
        if os.access(above, os.W_OK | os.X_OK):
            yield Finding("state folder", OK, f"{path} will be made")
        else:
            yield Finding("state folder", FAIL, f"{path}: expected a folder that can be made, got no leave in {above}")
        return
    try:
        folder = StateFolder.open(path)
    except StateError as error:
        yield Finding("state folder", FAIL, str(error))
        return
    holder = folder.holder()
    if holder:
        yield Finding("state folder", FAIL, f"{path}: expected to be alone, found process {holder} running with it")
    elif not os.access(path, os.W_OK):
        yield Finding("state folder", FAIL, f"{path}: expected a folder that we may write to, got one that we may not")
    else:
        yield Finding("state folder", OK, str(path))
    for order in read_kills(folder.kill_file):
        what = f"{order.level} {order.name}".rstrip()
        yield Finding("KILL file", WARN, f"{folder.kill_file}: the run will start with {what} killed: {order.reason}")


def nearest_existing(path: Path) -> Path:
    """The folder that a path would be made in."""
    return next(above for above in (path.absolute(), *path.absolute().parents) if above.is_dir())


def _disk(config: Config) -> Iterator[Finding]:
    floor = config.risk_scopes()["global"].get("journal_min_free_mb")
    for name, path in (("state", config.state_folder), ("runs", config.runs_folder)):
        told = os.statvfs(nearest_existing(path))
        free = told.f_bavail * told.f_frsize >> 20
        short = floor is not None and free < floor  # type: ignore[operator] # the key holds a decimal
        text = f"{free:,} MB free for {path}, {floor} needed"
        yield Finding(f"disk {name}", FAIL if short else OK, text)


async def _venue(
    config: Config, name: str, asked: Asked | None, wall: Callable[[], float], context: Any
) -> AsyncIterator[Finding]:
    where = config.endpoint(name)
    if where is None:
        yield Finding(f"venue {name}", SKIP, "served on this machine for the run")
        return
    reached: Reached | None = None
    missing = False
    for url in (where.url, where.http_url):
        try:
            reached = await reach(url, wall=wall, context=context)
        except Unreachable as error:
            missing = True
            yield Finding(f"reach {name}", FAIL, str(error))
        else:
            how = reached.tls or "without TLS"
            yield Finding(f"reach {name}", OK, f"{url}: {how}, connected in {reached.connect_ms:g} ms")
    yield _clock(config, name, None if missing else reached)
    if missing:
        yield Finding(f"instruments {name}", SKIP, "the venue is not reached")
    elif asked is None:
        yield Finding(f"instruments {name}", SKIP, "asked when the run begins")
    else:
        yield await _instruments(config, name, asked)


def _clock(config: Config, name: str, reached: Reached | None) -> Finding:
    check = f"clock {name}"
    if reached is None or reached.ahead_ms is None:
        return Finding(check, SKIP, "the venue does not tell its time")
    low, high = reached.ahead_ms
    limits = config.risk_scopes()["global"]
    least = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    text = f"ours is {low:+.0f} to {high:+.0f} ms ahead of the venue's"
    for key, status in (("clock_max_ms", FAIL), ("clock_warn_ms", WARN)):
        limit = limits.get(key)
        if limit is not None and least > limit:  # type: ignore[operator] # the keys hold decimals
            return Finding(check, status, f"{text}, expected at most {limit} ({key})")
    return Finding(check, OK, text)


async def _instruments(config: Config, name: str, asked: Asked) -> Finding:
    check = f"instruments {name}"
    ids = sorted({id for one in config.strategies.values() for id in one.instruments if config.venue_of(id) == name})
    written = [id for id in ids if id in config.instruments]
    try:
        with trio.fail_after(INSTRUMENTS_S):
            told = await asked(config, name)
    except (TickwrightError, trio.TooSlowError) as error:
        why = str(error) or f"expected an answer within {INSTRUMENTS_S:g} s, got none"
        if config.mode == "paper" and len(written) == len(ids):
            return Finding(check, OK, f"{', '.join(ids)}: as the config says (the venue was not asked with success)")
        if isinstance(error, ConfigError):
            why = "; ".join(str(fault) for fault in error.faults)
        return Finding(check, FAIL, why)
    missing = [id for id in ids if id not in told and id not in config.instruments]
    if missing:
        return Finding(check, FAIL, f"expected {', '.join(missing)} at the venue, got none")
    grids = ", ".join(f"{id} (tick {each.tick_size}, lot {each.lot_size})" for id, each in told.items())
    return Finding(check, OK, grids or ", ".join(ids))


async def _account(wire: Wire) -> None:
    """Ask for the account: what is public a venue tells whoever asks, whatever the credentials are worth."""
    try:
        await wire.holdings()
    except QueryFailed as error:
        raise TickwrightError(f"the venue does not tell of the account: {error}") from None


async def ask_wire(config: Config, name: str) -> Mapping[str, Any]:
    """What a venue says of the run's instruments, asked as a run would ask it."""
    adapter = config.venues[name].declaration
    if adapter is None or not adapter.wire:
        raise TickwrightError(f"{name}: expected an adapter that can connect, got none")
    from tickwright.engine.doorbell import Doorbell
    from tickwright.engine.run_clock import RunClock
    from tickwright.sites import instruments_of, make_wire, site_of

    site = site_of(config, name, "doctor", None, patient=False)
    wire = make_wire(config, site, RunClock())
    try:
        found = await instruments_of(config, [wire], {site.venue: site.instruments})
        if config.mode == "live":
            await _account(wire)
    finally:
        # A wire lets go of what its questions left open when its run ends; this one ends before it begins.
        with trio.CancelScope() as ended:
            ended.cancel()
            await wire.run(Doorbell())
    return {each.id: each for each in found}
