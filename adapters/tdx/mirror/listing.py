"""What the local venue lists: assets, pairs and their grids, under ids that are the same in every run."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from attrs import frozen

from tickwright.adapters.local.house import OptionError
from tickwright.adapters.tdx.topics import parse_topic
from tickwright.engine.instrument import Instrument

VENUE: Final = "TDX"
_NAMES: Final = uuid.UUID("6f0c8a52-2d5b-4c7e-9a41-5b0f3d9e7c10")


@frozen(kw_only=True)
class Asset:
    """Something that is held. `decimals` is what the venue shows of it."""

    id: str
    symbol: str
    kind: str
    decimals: int


@frozen(kw_only=True)
class Pair:
    """Something that is traded. `start_ticks` is where a random market begins; `security` bears stamp tax."""

    id: str
    instrument: Instrument
    base: Asset
    quote: Asset
    security: bool = False
    start_ticks: int = 1000

    @property
    def symbol(self) -> str:
        return self.instrument.symbol


def stable_id(kind: str, name: str) -> str:
    """The id of something that is listed: the same in every run."""
    return str(uuid.uuid5(_NAMES, f"{kind}:{name}"))


def asset(symbol: str) -> Asset:
    kind, decimals = _ASSETS.get(symbol, ("TYPE_CRYPTO_CURRENCY", 18))
    return Asset(id=stable_id("asset", symbol), symbol=symbol, kind=kind, decimals=decimals)


def pair(instrument: Instrument, *, security: bool = False, start_ticks: int = 1000) -> Pair:
    """A pair out of an instrument ``BASE/QUOTE.VENUE``."""
    base, quote = instrument.symbol.split("/", 1)
    return Pair(
        id=stable_id("pair", instrument.symbol),
        instrument=instrument,
        base=asset(base),
        quote=asset(quote),
        security=security,
        start_ticks=start_ticks,
    )


def listed_pairs(symbols: Sequence[str] = ()) -> tuple[Pair, ...]:
    """The pairs of these symbols, or those that are listed where nobody says any.

    Symbols beyond the venue's own get a plain grid. ACETO is a security, so that stamp tax occurs.

    Raises:
        OptionError: no symbol ``BASE/QUOTE`` as topics have it.
    """
    own = {row[0]: row for row in _PAIRS}
    found = []
    for name in dict.fromkeys(symbols or own):
        topic = parse_topic(f"{name}@trades")
        base, _, quote = name.partition("/")
        if topic is None or topic.target != name or base == quote:
            raise OptionError(f"pairs: expected symbols of two assets such as BTC/CHF, received {name!r}")
        symbol, tick, lot, least, most, start, security = own.get(name, (name, *_PLAIN))
        instrument = _instrument(symbol, tick, lot, least, most)
        found.append(pair(instrument, security=security, start_ticks=int(Decimal(start) / tick)))
    return tuple(found)


def _instrument(symbol: str, tick: Decimal, lot: Decimal, least: str, most: str) -> Instrument:
    base, quote = symbol.split("/", 1)
    return Instrument(
        id=f"{symbol}.{VENUE}",
        tick_size=tick,
        lot_size=lot,
        base=base,
        quote=quote,
        min_qty=Decimal(least),
        max_qty=Decimal(most),
    )


_ASSETS: Final = {
    "BTC": ("TYPE_CRYPTO_CURRENCY", 8),
    "ETH": ("TYPE_CRYPTO_CURRENCY", 18),
    "ACETO": ("TYPE_TOKEN", 0),
    "CHF": ("TYPE_CURRENCY", 2),
    "USD": ("TYPE_CURRENCY", 2),
    "EUR": ("TYPE_CURRENCY", 2),
}

_PAIRS: Final = (
    ("BTC/CHF", Decimal("0.5"), Decimal("0.0001"), "0.0001", "100", "52000", False),
    ("BTC/USD", Decimal("0.5"), Decimal("0.0001"), "0.0001", "100", "59000", False),
    ("ETH/CHF", Decimal("0.05"), Decimal("0.001"), "0.001", "1000", "3100", False),
    ("ACETO/USD", Decimal("0.1"), Decimal("1"), "1", "100000", "125", True),
)

_PLAIN: Final = (Decimal("0.01"), Decimal("0.001"), "0.001", "100000", "100", False)
"""What every other pair has: a tick of a hundredth around 100."""
