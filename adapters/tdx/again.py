"""The wire that takes a captured run in once more: without secrets, and never connected."""

from attrs import evolve

from tickwright.adapters.tdx.venue import TdxVenue, make
from tickwright.engine.adapter import Site
from tickwright.engine.wire import Clock


def replayed(site: Site, clock: Clock) -> TdxVenue:
    """The wire of a site whose credentials are stand-ins; one that must be a real code is left out."""
    held = {name: secret for name, secret in site.credentials.items() if name != "totp_secret"}
    return make(evolve(site, credentials=held), clock)
