"""The wire that takes a captured run in once more: without secrets, and never connected."""

from attrs import evolve

from tickwright.adapters.powertrade.signing import Nonces
from tickwright.adapters.powertrade.venue import PowerTradeVenue, make
from tickwright.engine.adapter import Site
from tickwright.engine.wire import Clock


def replayed(site: Site, clock: Clock) -> PowerTradeVenue:
    """The wire of a site whose credentials are stand-ins. Where orders are traded it takes nothing in."""
    venue = make(evolve(site, trading=False, credentials={}), clock, nonces=Nonces())
    venue.repeatable = not site.trading
    return venue
