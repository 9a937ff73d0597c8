"""What a run chose for this venue, checked: its addresses, its settings and the credentials that go there."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import fields_dict, frozen

from tickwright.adapters.address import Address, UnsafeAddress, checked_address
from tickwright.adapters.tdx import assumed, rest
from tickwright.adapters.tdx.login import Credentials
from tickwright.adapters.tdx.sequence import Bare, Gaps
from tickwright.adapters.tdx.settings import TDX
from tickwright.adapters.tdx.signing import Variant
from tickwright.adapters.tdx.topics import LEVELS, SPEEDS_MS
from tickwright.adapters.tdx.wire import SIZE_MAX
from tickwright.engine.adapter import Site
from tickwright.engine.capability import Capability
from tickwright.engine.errors import TickwrightError
from tickwright.engine.terms import OrderType, TimeInForce

CAPABILITY: Final = Capability(
    types=frozenset((OrderType.LIMIT, OrderType.MARKET)),
    times_in_force=frozenset((TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.DAY)),
    post_only=True,
    reduce_only=False,
    quiet_books=True,
)

_DEPTHS: Final = {"full": None} | {str(levels): levels for levels in LEVELS}
_SPEEDS: Final = {"default": None} | {f"{speed}ms": speed for speed in SPEEDS_MS}
_RATE_MAX: Final = 100_000


@frozen(kw_only=True)
class Choices:
    """Checked choices. Without a depth or a speed the venue's own is taken."""

    address: Address
    http_address: Address
    trading: bool
    rest_entry: bool
    depth_levels: int | None
    depth_speed_ms: int | None
    gaps: Gaps
    bare: Bare
    messages_per_s: int
    requests_per_s: int
    max_message_bytes: int
    signature: Variant
    login_path: str
    refresh_paths: tuple[str, ...]
    device_id: str
    credentials: Credentials
    told: Callable[[str], None]
    patient: bool


def chosen(site: Site) -> Choices:
    """What a site says, as this adapter understands it.

    Raises:
        TickwrightError: a setting out of its list, an address that must not be connected to, or credentials that are
            too few to trade with. No secret is shown.
    """
    address = checked_address(site.url, ("wss", "ws"), TDX.hosts, insecure_loopback=site.insecure)
    base = checked_address(site.http_url, ("https", "http"), TDX.hosts, insecure_loopback=site.insecure)
    for found in (address, base):
        if found.loopback != site.loopback:
            expected = "this machine" if site.loopback else "the venue's own host"
            raise UnsafeAddress(f"{found.host}: expected {expected}; credentials of one never go to the other")
    said = {setting.name: setting.default for setting in TDX.settings} | dict(site.settings)
    refresh = said["refresh_path"]
    return Choices(
        address=address,
        http_address=base,
        trading=site.trading,
        rest_entry=_one_of(said, "order_entry", {"websocket": False, "rest": True}),
        depth_levels=_one_of(said, "depth", _DEPTHS),
        depth_speed_ms=_one_of(said, "speed", _SPEEDS),
        gaps=_one_of(said, "gaps", {kind.value: kind for kind in Gaps}),
        bare=_one_of(said, "depth_without_U", {kind.value: kind for kind in Bare}),
        messages_per_s=_count(said, "messages_per_s", _RATE_MAX),
        requests_per_s=_count(said, "requests_per_s", _RATE_MAX),
        max_message_bytes=_count(said, "max_message_bytes", SIZE_MAX),
        signature=_one_of(said, "signature", {kind.value: kind for kind in Variant}),
        login_path=str(said["login_path"] or rest.LOGIN_PATH),
        refresh_paths=(str(refresh),) if refresh else assumed.REFRESH_PATHS,
        device_id=str(said["device_id"] or ""),
        credentials=_credentials(site, str(said["sub_account_id"] or "")),
        told=site.told,
        patient=site.patient,
    )


def _credentials(site: Site, sub_account_id: str) -> Credentials:
    known = fields_dict(Credentials)
    revealed = {name: secret.reveal() for name, secret in site.credentials.items() if name in known}
    found = Credentials(**{"sub_account_id": sub_account_id} | revealed)
    if site.trading and not (found.can_log_in and found.sub_account_id):
        raise TickwrightError(
            f"{site.venue}: expected the credentials username and password, and sub_account_id, to trade with, "
            "received fewer; an API key alone opens no private channel"
        )
    return found


def _one_of(said: Mapping[str, Any], name: str, words: Mapping[str, Any]) -> Any:
    if said[name] not in words:
        raise TickwrightError(f"T-DX: {name}: expected one of {', '.join(words)}, received {said[name]!r}")
    return words[said[name]]


def _count(said: Mapping[str, Any], name: str, most: int) -> int:
    number = said[name]
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= most:
        raise TickwrightError(f"T-DX: {name}: expected a whole number from 1 to {most}, received {number!r}")
    return number
