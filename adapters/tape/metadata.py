"""What a tape says about itself in its Parquet metadata: its instrument and where it was recorded.

Two keys, each a JSON object of text:

- `tickwright.instrument`: `id`, `tick`, `lot`, `kind`, `base`, `quote`, and where they are not the default
  `min_qty`, `max_qty`, `max_price`, `min_notional`, `max_notional`, `multiplier`, `expiry_ns`. Fees are not here: they
  belong to an account, not to the market.
- `tickwright.origin`: whatever names the source, as `source`, `licence`, `cut`.
"""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from tickwright.adapters.tape.batch import TapeError
from tickwright.engine.errors import UnitError
from tickwright.engine.instrument import Instrument, Kind

INSTRUMENT = b"tickwright.instrument"
ORIGIN = b"tickwright.origin"
RENAMED = {"tick": "tick_size", "lot": "lot_size"}
DECIMALS = ("tick", "lot", "min_qty", "max_qty", "max_price", "min_notional", "max_notional", "multiplier")
TEXTS = ("id", "base", "quote")
ALWAYS = ("id", "tick", "lot", "base", "quote")


def instrument_text(instrument: Instrument) -> str:
    """The instrument as the JSON object that `parse_instrument` reads."""
    plain = Instrument(id="X.X", tick_size=Decimal(1), lot_size=Decimal(1))
    said = {"kind": instrument.kind.value}
    for key in (*TEXTS, *DECIMALS, "expiry_ns"):
        name = RENAMED.get(key, key)
        value = getattr(instrument, name)
        if key not in ALWAYS and value == getattr(plain, name):
            continue
        said[key] = (
            value.value if isinstance(value, Kind) else f"{value:f}" if isinstance(value, Decimal) else str(value)
        )
    return json.dumps(said, sort_keys=True)


def parse_instrument(tape: str, text: bytes) -> Instrument:
    """Read it back.

    Raises:
        TapeError: metadata that is not such an object, or an instrument that cannot be.
    """
    said = text_object(tape, INSTRUMENT, text)
    unknown = sorted(set(said) - {*TEXTS, *DECIMALS, "kind", "expiry_ns"})
    missing = [key for key in ("id", "tick", "lot") if key not in said]
    if unknown or missing:
        raise TapeError(
            f"{tape}: {INSTRUMENT.decode()}: expected id, tick, lot and known keys, "
            f"received unknown {unknown or 'none'}, missing {missing or 'none'}"
        )
    values: dict[str, Any] = {key: said[key] for key in TEXTS if key in said}
    try:
        values |= {RENAMED.get(key, key): Decimal(said[key]) for key in DECIMALS if key in said}
        if "expiry_ns" in said:
            values["expiry_ns"] = int(said["expiry_ns"])
        return Instrument(kind=Kind(said.get("kind", "spot")), **values)
    except (InvalidOperation, UnitError, ValueError, OverflowError) as error:
        raise TapeError(f"{tape}: {INSTRUMENT.decode()}: expected an instrument, received {said}: {error}") from error


def origin_text(origin: Mapping[str, str]) -> str:
    return json.dumps(dict(origin), sort_keys=True, ensure_ascii=False)


def parse_origin(tape: str, metadata: Mapping[bytes, bytes]) -> dict[str, str]:
    """Where the tape comes from: our own key, or else what other writers left as plain text."""
    if ORIGIN in metadata:
        return text_object(tape, ORIGIN, metadata[ORIGIN])
    return {
        key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
        for key, value in metadata.items()
        if key not in (INSTRUMENT, b"ARROW:schema", b"pandas")
    }


def text_object(tape: str, key: bytes, text: bytes) -> dict[str, str]:
    try:
        said = json.loads(text)
    except ValueError as error:
        raise TapeError(f"{tape}: {key.decode()}: expected a JSON object, received {text[:80]!r}: {error}") from error
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise TapeError(f"{tape}: {key.decode()}: expected a JSON object of text, received {text[:80]!r}")
    return said
