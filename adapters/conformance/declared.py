"""What an adapter says of itself can be believed: addresses, credentials, settings, and the modules that it names."""

import importlib
import inspect
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tickwright.adapters.conformance.trial import UNSAID, adapter_of, config_of, serving, wires_to
from tickwright.adapters.conformance.under_test import VenueUnderTest
from tickwright.adapters.local.house import virtual_wall
from tickwright.engine.adapter import Adapter
from tickwright.engine.capability import Capability
from tickwright.engine.run_clock import RunClock
from tickwright.engine.wire import Wire
from tickwright.sites import site_of
from tickwright.venues import Venue

KINDS: Final = ("text", "choice", "truth", "count", "duration", "decimal")
HOW: Final = ("random", "dial", "tls", "timing")
"""What `make` takes after site and clock, by keyword."""


def faults(adapter: Adapter) -> list[str]:
    """What is wrong with a declaration, as far as it can be told without making anything."""
    found = []
    for name, schemes in (("url", ("wss",)), ("http_url", ("https",))):
        parts = urlsplit(getattr(adapter, name))
        if parts.scheme not in schemes:
            found.append(f"{name}: expected {schemes[0]}://HOST..., received {getattr(adapter, name)!r}")
        if parts.hostname not in adapter.hosts:
            found.append(f"hosts: expected the host of {name}, {parts.hostname}, received {adapter.hosts}")
    extra = set(adapter.needed) - set(adapter.credentials)
    if extra:
        found.append(f"needed: expected credentials of the adapter, received {', '.join(sorted(extra))}")
    names = [setting.name for setting in adapter.settings]
    common = {each for each in names if each in Venue.__annotations__ or names.count(each) > 1}
    if common:
        found.append(f"settings: expected names of their own, each once, received {', '.join(sorted(common))}")
    for setting in adapter.settings:
        if setting.kind not in KINDS or (setting.kind == "choice") != bool(setting.words):
            found.append(f"settings.{setting.name}: expected one of {', '.join(KINDS)}, words for a choice alone")
        if not setting.about:
            found.append(f"settings.{setting.name}: expected words about it, received none")
    module, _, name = adapter.wire.partition(":")
    parameters = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    missing = [each for each in HOW if each not in parameters]
    if missing:
        found.append(f"wire: expected {name}(site, clock, *, {', '.join(HOW)}), received none of {', '.join(missing)}")
    mirror = importlib.import_module(adapter.mirror)
    found += [f"mirror: expected {each}, received none" for each in ("Options", "serve") if not hasattr(mirror, each)]
    return found


async def check_declaration(venue: VenueUnderTest, folder: Path) -> None:
    """The declaration holds, and the wire that it leads to is one.

    Raises:
        AssertionError: all that is wrong.
    """
    adapter = adapter_of(venue.adapter)
    found = faults(adapter)
    config = config_of(venue, folder, "live", UNSAID, UNSAID)
    async with serving(venue) as peer:
        told = peer.announcement()
        site = site_of(config, adapter.name, "ask", told)
        wire = wires_to(peer)(config, site, RunClock(virtual_wall()))
        members = [each for each in dir(Wire) if not each.startswith("_")]
        found += [f"wire: expected {each}, received none" for each in members if not hasattr(wire, each)]
        if wire.venue != adapter.name.upper():
            found.append(f"wire.venue: expected {adapter.name.upper()}, received {wire.venue!r}")
        if not isinstance(wire.capability, Capability):
            found.append(f"wire.capability: expected a Capability, received {wire.capability!r}")
        missing = [name for name in adapter.needed if name not in site.credentials]
        if missing:
            found.append(
                f"mirror: expected its line to hold {', '.join(missing)} (or NAME_file), it holds {sorted(told)}"
            )
    assert not found, "\n".join(found)
