"""What must hold of venues before anything connects: addresses, which secrets may go where, what live needs.

Secrets stand under the key that says where they may go: ``credentials`` go to the adapter's listed hosts over TLS,
``local_credentials`` to this machine. An address of the one sort with secrets of the other is refused, and so is one
secret under both keys: what a local venue has seen is no secret of the real one.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tickwright.checks import at
from tickwright.document import Table
from tickwright.engine.adapter import Adapter
from tickwright.kinds import Reading, nearest
from tickwright.secrets import SecretError
from tickwright.venues import Venue, endpoint, host_of, is_loopback

if TYPE_CHECKING:
    from tickwright.config import Config

_SCHEMES: Final = {"url": ("wss", "ws"), "http_url": ("https", "http")}


def _known(config: "Config") -> Iterator[tuple[str, Venue, Adapter]]:
    venues: object = config.venues
    for name, venue in venues.items() if isinstance(venues, dict) else ():
        adapter = venue.declaration if isinstance(venue, Venue) else None
        if adapter is not None:
            yield name, venue, adapter


def markets(config: "Config", table: Table, reading: Reading) -> None:
    """Paper and live follow a market, so its adapter must have one; not asked of a mode that is refused itself."""
    if reading.faults:
        return
    for name, venue, adapter in _known(config):
        place = at(table, "venues", name, "adapter")
        if config.mode in ("paper", "live") and not adapter.url:
            reading.refuse(place, f"expected an adapter with a live market in {config.mode}, got {venue.adapter}")


def _addresses(config: "Config", table: Table, reading: Reading) -> None:
    for name, venue, adapter in _known(config):
        for key in _SCHEMES:
            url = getattr(venue, key)
            if url is not None:
                message = _address_fault(key, url, venue, adapter)
                if message:
                    reading.refuse(at(table, "venues", name, key), message)
        if (venue.url is None and venue.http_url is None) or not adapter.url:
            continue
        hosts = [host_of(venue.url or adapter.url), host_of(venue.http_url or adapter.http_url)]
        if is_loopback(hosts[0]) != is_loopback(hosts[1]):
            stated = "url" if venue.url is not None else "http_url"
            message = f"expected url and http_url both of this machine or both of the venue, got {' and '.join(hosts)}"
            reading.refuse(at(table, "venues", name, stated), message)


def _address_fault(key: str, url: str, venue: Venue, adapter: Adapter) -> str:
    secure, plain = _SCHEMES[key]
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        return f"expected {secure}://HOST/PATH, got {url!r}"
    host = parts.hostname or ""
    if not adapter.url:
        return f"expected none, since {adapter.name} connects to nothing, got {url!r}"
    if venue.local is not None:
        return f"expected none beside local, which makes its own, got {url!r}"
    if parts.scheme not in (secure, plain) or not host or not port_is_sound:
        return f"expected {secure}://HOST/PATH, got {url!r}"
    if parts.username or parts.password or parts.query or parts.fragment:
        return f"expected {secure}://HOST/PATH without user, query or fragment, got more (not shown)"
    if not is_loopback(host) and host not in adapter.hosts:
        return f"expected a host of {adapter.name} ({', '.join(adapter.hosts)}) or this machine, got {host!r}"
    if parts.scheme == plain and not is_loopback(host):
        return f"expected {secure}:// to {host}, got {plain}://"
    if parts.scheme == plain and not venue.allow_insecure_loopback:
        return f"expected {secure}://, got {plain}:// (allow_insecure_loopback: true allows it to this machine)"
    return ""


def _local_venues(config: "Config", table: Table, reading: Reading) -> None:
    for name, venue, adapter in _known(config):
        local = venue.local
        if local is None:
            continue
        if not adapter.mirror:
            message = f"expected none, since {adapter.name} has no local venue, got one"
            reading.refuse(at(table, "venues", name, "local"), message)
        if local.faults is not None and not config.path(local.faults).is_file():
            place = at(table, "venues", name, "local", "faults")
            reading.refuse(place, f"expected a file, got none at {local.faults!r}")
        for strategy, spec in config.strategies.items():
            for id in spec.instruments:
                # A package is listed with its legs.
                legs = [part.partition("@")[0] for part in id.rpartition(".")[0].split("/")] if "@" in id else []
                for symbol in legs or [id.rpartition(".")[0]]:
                    if local.pairs and config.venue_of(id) == name and symbol not in local.pairs:
                        place = at(table, "venues", name, "local", "pairs")
                        reading.refuse(place, f"expected {symbol} among them, since {strategy} trades it, got none")


def _all_or_none_served(config: "Config", table: Table, reading: Reading) -> None:
    """A venue that is served for the run has forgotten everything at the next one; a real one has not."""
    if config.mode != "live":
        return
    used = dict.fromkeys(config.venue_of(id) for one in config.strategies.values() for id in one.instruments)
    served = [name for name in used if config.venues[name].local is not None]
    real = [name for name in used if config.venues[name].local is None]
    if served and real:
        place = at(table, "venues", served[0], "local")
        reading.refuse(place, f"expected no venue served for a live run beside the real {', '.join(real)}, got one")


def _credential_names(config: "Config", table: Table, reading: Reading) -> None:
    for name, venue, adapter in _known(config):
        if not adapter.credentials:
            continue
        for key in ("credentials", "local_credentials"):
            for held in getattr(venue, key):
                if held not in adapter.credentials:
                    wanted = f"a credential of {adapter.name} ({', '.join(adapter.credentials)})"
                    near = nearest(held, adapter.credentials)
                    reading.refuse(at(table, "venues", name, key, held), f"expected {wanted}, got {held!r}{near}")


def _credential_places(config: "Config", table: Table, reading: Reading) -> None:
    """Secrets of a listed host never go to this machine, nor the reverse."""
    real: dict[str, str] = {}
    for name, venue in config.venues.items():
        real |= {reference.written: f"venues.{name}.credentials.{key}" for key, reference in venue.credentials.items()}
    for name, venue in config.venues.items():
        for key, reference in venue.local_credentials.items():
            if reference.written in real:
                place = at(table, "venues", name, "local_credentials", key)
                also = real[reference.written]
                reading.refuse(place, f"expected a secret of its own, got the one of {also} ({reference.written})")
    for name, venue, adapter in _known(config):
        where = endpoint(venue)
        if venue.local is not None:
            wrong = [key for key in ("credentials", "local_credentials") if getattr(venue, key)]
            told = "none beside local, which makes its own"
        elif where is None or not adapter.url:
            continue
        elif where.loopback:
            wrong, told = ["credentials"] * bool(venue.credentials), "local_credentials for an address of this machine"
        else:
            wrong = ["local_credentials"] * bool(venue.local_credentials)
            told = f"credentials for {host_of(where.url)}"
        for key in wrong:
            reading.refuse(at(table, "venues", name, key), f"expected {told}, got {key}")


def _needed(config: "Config", table: Table, reading: Reading) -> None:
    """What live trading does not start without: login and account."""
    if config.mode != "live":
        return
    for name, venue, adapter in _known(config):
        where = endpoint(venue)
        if where is None:
            continue
        key = "local_credentials" if where.loopback else "credentials"
        for needed in adapter.needed:
            if needed not in getattr(venue, key):
                place = at(table, "venues", name, key, needed)
                reading.refuse(place, "expected ${env:NAME} or ${file:PATH} (required in live), got nothing")
        for setting in adapter.settings:
            if setting.needed and venue.settings.get(setting.name) is None:
                place = at(table, "venues", name, setting.name)
                reading.refuse(place, f"expected {setting.expected or 'a value'} (required in live), got nothing")


def _readable(config: "Config", table: Table, reading: Reading) -> None:
    """Secrets are read where they will be used, so that no run fails at its login; elsewhere they stay unread."""
    for name, venue, adapter in _known(config):
        where = endpoint(venue)
        if config.mode != "live" and not (config.mode == "paper" and adapter.login_for_data):
            continue
        if where is None:
            continue
        key = "local_credentials" if where.loopback else "credentials"
        for held, reference in getattr(venue, key).items():
            try:
                reference.read(config.base)
            except SecretError as error:
                reading.refuse(at(table, "venues", name, key, held), str(error))


CHECKS: Final = (
    _addresses,
    _local_venues,
    _all_or_none_served,
    _credential_names,
    _credential_places,
    _needed,
    _readable,
)
