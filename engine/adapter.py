"""What an adapter says of itself before it is built: which keys its venue has in a config, and where it may connect.

A declaration is plain data, so that a config can be checked without a socket. Hosts are constants of the adapter, never
of a config: a file that was copied from elsewhere cannot send credentials to another machine.
"""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from tickwright.engine.secret import Secret


@frozen(kw_only=True)
class Setting:
    """One key of a venue that only this adapter knows.

    `kind` is ``text`` (fitting `pattern`), ``choice`` (one of `words`), ``truth``, ``count``, ``duration``
    (nanoseconds) or ``decimal``. `expected` says in an error what was expected, where the kind alone does not. A
    default of None means "not there"; a `needed` one must be stated for live trading, except with a local venue.
    """

    name: str
    about: str
    kind: str = "text"
    words: tuple[str, ...] = ()
    pattern: str = r"[^\x00-\x1f\x7f]+"
    expected: str = ""
    default: str | int | bool | None = None
    needed: bool = False


@frozen(kw_only=True)
class Adapter:
    """One adapter: its name in a config, its hosts and addresses, its credentials and settings.

    `credentials` are all that it knows, `needed` those that live trading does not start without. `login_for_data`
    says whether paper needs them, too. An adapter without a `url` has no live market. `wire` (``module:function``)
    makes its wire of a `Site` and a clock, and is imported when a run begins. `mirror` is a module that serves a venue
    of its kind on this machine, where there is one: `serve(options, port=..., faults=...)`, an async context manager
    whose value has `announcement()`, and `Options`, what that takes. `again` (``module:function``) makes a wire that is
    never connected and takes in once more what a run was given (`again` of the wire), for replays; the credentials of
    its `Site` are stand-ins. Without it a replay trusts the events that were made of the frames then.
    """

    name: str
    hosts: tuple[str, ...] = ()
    url: str = ""
    http_url: str = ""
    credentials: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    login_for_data: bool = False
    settings: tuple[Setting, ...] = ()
    wire: str = ""
    mirror: str = ""
    again: str = ""


def nobody(text: str) -> None:
    """Nobody listens."""


@frozen(kw_only=True)
class Site:
    """One venue of one run, as its adapter is told of it.

    `trading` is false where market data alone are wanted (paper). `insecure` says that addresses without TLS are
    allowed, which are then this machine's. `prefix` begins the ids of our orders. `state` is the folder in which the
    run keeps what must outlive it, empty where there is none (yet). `told` hears, in words for a person, what the
    adapter waits for or tries again, also before the run begins. Without `patient` nothing that the venue refused is
    tried again: somebody wants to know what it says.
    """

    venue: str
    url: str
    http_url: str
    loopback: bool
    insecure: bool
    trading: bool
    instruments: tuple[str, ...]
    settings: Mapping[str, Any]
    credentials: Mapping[str, Secret] = field(repr=False)
    prefix: str = ""
    state: str = ""
    told: Callable[[str], None] = field(default=nobody, repr=False, eq=False)
    patient: bool = True
