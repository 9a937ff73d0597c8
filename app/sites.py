"""The venues of a paper or live run: where each is reached, its wire, and what it says of the instruments."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from tickwright.adapters.sim.venue import CAPABILITY
from tickwright.build import differences
from tickwright.config import Config
from tickwright.document import ConfigError, Fault
from tickwright.engine.adapter import Site, nobody
from tickwright.engine.capability import Capability
from tickwright.engine.instrument import Instrument
from tickwright.engine.secret import Secret
from tickwright.engine.wire import Clock, QueryFailed, UnknownInstrument, Wire


def site_of(
    config: Config,
    venue: str,
    prefix: str,
    served: Mapping[str, Any] | None,
    told: Callable[[str], None] = nobody,
    *,
    patient: bool = True,
) -> Site:
    """One venue of a run; `served` is what a venue started for the run says of itself, None for others."""
    spec = config.venues[venue]
    where = config.endpoint(venue)
    trading = config.mode == "live"
    adapter = spec.declaration
    settings = dict(spec.settings)
    if served is not None:
        url, http_url, loopback, insecure = served["ws_url"], served["http_url"], True, True
        known = adapter.credentials if adapter is not None else ()
        credentials = {name: Secret(served[name]) for name in known if name in served}
        files = {name: served[f"{name}_file"] for name in known if f"{name}_file" in served}
        credentials |= {name: Secret(Path(file).read_text(encoding="utf-8")) for name, file in files.items()}
        settings |= {name: served[name] for name in settings if name in served}
    else:
        assert where is not None, f"checked with the config: {venue} has a live market"
        url, http_url, loopback, insecure = where.url, where.http_url, where.loopback, where.insecure
        wanted = trading or (adapter is not None and adapter.login_for_data)
        credentials = config.secrets(venue) if wanted else {}
    ids = dict.fromkeys(
        id for one in config.strategies.values() for id in one.instruments if config.venue_of(id) == venue
    )
    return Site(
        venue=venue.upper(),
        url=url,
        http_url=http_url,
        loopback=loopback,
        insecure=insecure,
        trading=trading,
        instruments=tuple(ids),
        settings=settings,
        credentials=credentials,
        prefix=prefix,
        told=told,
        patient=patient,
        state=str(config.state_folder) if trading and config.state_folder.is_dir() else "",
    )


def make_wire(config: Config, site: Site, clock: Clock, **how: Any) -> Wire:
    """The wire of a site, made by its adapter; `how` is for venues in this process: `dial`, `random`, `timing`."""
    adapter = config.venues[site.venue.lower()].declaration
    assert adapter is not None, f"checked with the config: {site.venue} has an adapter"
    module, _, name = adapter.wire.partition(":")
    make: Callable[..., Wire] = getattr(importlib.import_module(module), name)
    return make(site, clock, **how)


def carried(config: Config, wires: Sequence[Wire]) -> dict[str, Capability]:
    """What can be ordered at each venue: what its adapter has words for and, on paper, the simulator carries out."""
    found = {}
    for wire in wires:
        ours = found[wire.venue] = wire.capability
        if config.mode == "paper":
            found[wire.venue] = Capability(
                types=ours.types & CAPABILITY.types,
                times_in_force=ours.times_in_force & CAPABILITY.times_in_force,
                post_only=ours.post_only and CAPABILITY.post_only,
                reduce_only=ours.reduce_only and CAPABILITY.reduce_only,
                quiet_books=ours.quiet_books,
            )
    return found


async def instruments_of(config: Config, wires: Sequence[Wire], ids: Mapping[str, tuple[str, ...]]) -> list[Instrument]:
    """Every instrument of the run: as its venue says, or as the config does, where the venue cannot be asked.

    Fees are the config's in any case: venues do not state them with their reference data.

    Raises:
        ConfigError: venue and config say different things, or neither says anything.
        QueryFailed: live, and the venue cannot be asked.
    """
    found: list[Instrument] = []
    faults: list[Fault] = []
    for wire in wires:
        wanted = ids[wire.venue]
        told: Mapping[str, Instrument] = {}
        try:
            told = await wire.instruments(wanted)
        except UnknownInstrument as error:
            places = [("strategies", name, "instruments") for name, one in config.strategies.items()]
            asking = next(place for place in places if error.instrument in config.strategies[place[1]].instruments)
            faults.append(Fault(config.place(asking), str(error)))
            continue
        except QueryFailed:
            if config.mode == "live" or any(id not in config.instruments for id in wanted):
                raise
        for id in wanted:
            stated = config.instrument(id) if id in config.instruments else None
            theirs = told.get(id)
            if stated is not None and theirs is not None:
                place = config.place(("instruments", id))
                faults += [
                    Fault(place, text.replace("the tape", "the venue")) for text in differences(id, stated, theirs)
                ]
            fees = config.venues[config.venue_of(id)].fees
            if stated is not None:
                found.append(stated if theirs is None else completed(stated, theirs))
            elif theirs is not None:
                found.append(evolve(theirs, maker_fee=fees.maker, taker_fee=fees.taker))
            else:
                faults.append(Fault(config.place(("strategies",)), f"expected an instrument of {wire.venue}, got {id}"))
    for one in [each for each in found if each.legs]:
        for name, spec in config.strategies.items():
            missing = [id for id, _ in one.legs if id not in spec.instruments]
            if one.id in spec.instruments and missing:
                place = config.place(("strategies", name, "instruments"))
                faults.append(
                    Fault(place, f"expected the legs of {one.id} beside it, got none of {', '.join(missing)}")
                )
    if faults:
        raise ConfigError(faults)
    for wire in wires:
        wire.watch([instrument for instrument in found if instrument.venue == wire.venue])
    return found


def completed(stated: Instrument, theirs: Instrument) -> Instrument:
    """An instrument as the config says, with what only its venue knows: legs, strike, end, and whether it trades."""
    return evolve(
        stated,
        expiry_ns=theirs.expiry_ns if stated.expiry_ns is None else stated.expiry_ns,
        strike=theirs.strike,
        right=theirs.right,
        legs=theirs.legs,
        tradable=theirs.tradable,
    )
