"""What a run chose for this venue, checked: its addresses, its settings and the credentials that go there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from tickwright.adapters.address import Address, UnsafeAddress, checked_address
from tickwright.adapters.powertrade.settings import POWERTRADE
from tickwright.adapters.powertrade.wire import SIZE_MAX
from tickwright.engine.adapter import Site
from tickwright.engine.errors import TickwrightError
from tickwright.engine.times import SECOND

_AUDIT_MAX_S: Final = 86_400
_RATE_MAX: Final = 100_000
_INTERVAL_MAX_MS: Final = 60_000
_LIFE_MAX_MINUTES: Final = 655_340
_BOOKS: Final = ("orders", "deltas", "snapshots")


@frozen(kw_only=True)
class Choices:
    """Checked choices; the private key and the API key are in no `repr`."""

    address: Address
    http_address: Address
    trading: bool
    book: str
    interval_ms: int
    order_life_ns: int
    rfqs: bool
    audit_s: int
    messages_per_s: int
    requests_per_s: int
    max_message_bytes: int
    token_uri: str
    nonce_file: Path | None
    api_key: str = field(repr=False)
    private_key: str = field(repr=False)


def chosen(site: Site) -> Choices:
    """What a site says, as this adapter understands it.

    Raises:
        TickwrightError: a setting out of its bounds, an address that must not be connected to, or credentials that are
            too few to trade with. No secret is shown.
    """
    address = checked_address(site.url, ("wss", "ws"), POWERTRADE.hosts, insecure_loopback=site.insecure)
    base = checked_address(site.http_url, ("https", "http"), POWERTRADE.hosts, insecure_loopback=site.insecure)
    for found in (address, base):
        if found.loopback != site.loopback:
            expected = "this machine" if site.loopback else "the venue's own host"
            raise UnsafeAddress(f"{found.host}: expected {expected}; credentials of one never go to the other")
    said = {setting.name: setting.default for setting in POWERTRADE.settings} | dict(site.settings)
    if said["book"] not in _BOOKS:
        raise TickwrightError(f"PowerTrade: book: expected one of {', '.join(_BOOKS)}, received {said['book']!r}")
    interval = _count(said, "interval_ms", _INTERVAL_MAX_MS)
    if interval % 100:
        raise TickwrightError(f"PowerTrade: interval_ms: expected a multiple of 100, received {interval}")
    secrets = {name: secret.reveal() for name, secret in site.credentials.items()}
    if site.trading and not (secrets.get("api_key") and secrets.get("private_key")):
        raise TickwrightError(
            f"{site.venue}: expected the credentials api_key and private_key to trade with, received fewer"
        )
    return Choices(
        address=address,
        http_address=base,
        trading=site.trading,
        book=str(said["book"]),
        interval_ms=interval,
        order_life_ns=_count(said, "order_life_minutes", _LIFE_MAX_MINUTES) * 60 * SECOND,
        rfqs=bool(said["rfqs"]),
        audit_s=_count(said, "audit_s", _AUDIT_MAX_S) if said["audit_s"] else 0,
        messages_per_s=_count(said, "messages_per_s", _RATE_MAX),
        requests_per_s=_count(said, "requests_per_s", _RATE_MAX),
        max_message_bytes=_count(said, "max_message_bytes", SIZE_MAX),
        token_uri=str(said["token_uri"] or ""),
        nonce_file=Path(site.state) / f"{site.venue.lower()}.nonce" if site.state else None,
        api_key=secrets.get("api_key", ""),
        private_key=secrets.get("private_key", ""),
    )


def _count(said: Mapping[str, Any], name: str, most: int) -> int:
    number = said[name]
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= most:
        raise TickwrightError(f"PowerTrade: {name}: expected a whole number from 1 to {most}, received {number!r}")
    return number
