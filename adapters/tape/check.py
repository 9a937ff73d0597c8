"""What makes a row fit to be played, judged batch by batch."""

from decimal import Decimal

import numpy as np
from attrs import define
from numpy.typing import NDArray

from tickwright.adapters.tape.batch import LEVEL, TRADE, Array, Batch, Ints, TapeError
from tickwright.adapters.tape.grid import FITS, OFF_GRID, PRICE_SLACK, TOO_LARGE, to_steps
from tickwright.engine.instrument import GRID_BITS, Instrument

Mask = NDArray[np.bool_]
LATEST = 2**62


@define
class Rounded:
    """Counts the levels whose size was rounded to whole lots, for runs that allow it.

    Books show orders that are older than the venue's present lot: a few sizes then have more decimals than an order
    of today may have. Whoever passes this in lets those levels be rounded to the nearest lot, at least one, and reads
    here how many there were and where the first one was. Sizes of trades are never rounded.
    """

    rows: int = 0
    first_row: int = -1


def faults(batch: Batch) -> dict[str, tuple[Mask, Array, str]]:
    """For each rule about single rows: the rows that break it, the column at fault, and what was expected."""
    ts, kind, side, price, qty, last = batch.ts, batch.kind, batch.side, batch.price, batch.qty, batch.last
    return {
        "ts": ((ts < 0) | (ts >= LATEST), ts, "nanoseconds from 1970 to 2116"),
        "kind": ((kind != LEVEL) & (kind != TRADE), kind, "0 (level) or 1 (trade)"),
        "side": ((side != 1) & (side != -1), side, "1 or -1"),
        "last": ((last != 0) & (last != 1), last, "0 or 1"),
        "price": (~((price > 0) & (price < np.inf)), price, "a positive number"),
        "qty": (~((qty >= 0) & (qty < np.inf)), qty, "a number that is not negative"),
        "trade qty": ((kind == TRADE) & (qty == 0), qty, "a trade of more than 0"),
    }


def time_steps(batch: Batch, before: int | None) -> Ints:
    """By how much each row is later than the one before it; `before` is the time ahead of the batch."""
    ts = batch.ts.astype(np.int64)
    return np.diff(ts, prepend=ts[0] if before is None else before)


class Checker:
    """Refuses what cannot be played, with the row, what was expected and what was received.

    One for each pass over a tape: it remembers the time of the row before and whether a message is open.
    """

    __slots__ = ("before", "open_row", "rounded", "tape")

    def __init__(self, tape: str, rounded: Rounded | None = None) -> None:
        self.tape = tape
        self.rounded = rounded
        self.before: int | None = None
        self.open_row: int | None = None

    def check(self, batch: Batch) -> None:
        """Look at the next rows.

        Raises:
            TapeError: the first rule broken, at its first row.
        """
        if not batch.n:
            return
        for column, (wrong, values, expected) in faults(batch).items():
            if wrong.any():
                row = int(np.argmax(wrong))
                self.refuse(batch.first + row, column, expected, values[row])
        back = time_steps(batch, self.before) < 0
        if back.any():
            row = int(np.argmax(back))
            earlier = self.before if row == 0 else batch.ts[row - 1]
            self.refuse(batch.first + row, "ts", f"a time not before {earlier}", batch.ts[row])
        self.before = int(batch.ts[-1])
        self.open_row = None if batch.last[-1] == 1 else batch.first + batch.n - 1

    def finish(self) -> None:
        """Look at the end of the tape.

        Raises:
            TapeError: no rows at all, or the last message is not whole.
        """
        if self.before is None:
            raise TapeError(f"{self.tape}: expected at least one row, received none")
        if self.open_row is not None:
            raise TapeError(
                f"{self.tape}: row {self.open_row}: last: expected 1 at the end of the tape, received 0; "
                "the last message is not whole: cut the tape there, or set data.end before it"
            )

    def steps(self, batch: Batch, instrument: Instrument) -> tuple[Ints, Ints]:
        """Prices in ticks and sizes in lots.

        Raises:
            TapeError: a value off the instrument's grid, or one that does not fit 62 bits on it.
        """
        px, px_verdict = to_steps(batch.price, instrument.tick_num, instrument.tick_den, PRICE_SLACK)
        qty, qty_verdict = to_steps(batch.qty, instrument.lot_num, instrument.lot_den)
        if self.rounded is not None and qty_verdict.any():
            settle(batch, qty, qty_verdict, self.rounded)
        for column, verdict, values, step, word in (
            ("price", px_verdict, batch.price, instrument.tick_size, "tick"),
            ("qty", qty_verdict, batch.qty, instrument.lot_size, "lot"),
        ):
            if verdict.any():
                row = int(np.argmax(verdict != 0))
                expected = f"a multiple of the {word} {plain(step)} of {instrument.id}"
                if verdict[row] == TOO_LARGE:
                    expected = f"less than 2**{GRID_BITS} {word}s of {plain(step)} of {instrument.id}"
                self.refuse(batch.first + row, column, expected, values[row])
        return px, qty

    def refuse(self, row: int, column: str, expected: str, received: object) -> None:
        raise TapeError(f"{self.tape}: row {row}: {column}: expected {expected}, received {received}")


def settle(batch: Batch, qty: Ints, verdict: NDArray[np.int8], rounded: Rounded) -> None:
    """Let off-lot sizes of levels stand at their nearest lot, and count them."""
    dust = (verdict == OFF_GRID) & (batch.kind == LEVEL)
    if dust.any():
        if not rounded.rows:
            rounded.first_row = batch.first + int(np.argmax(dust))
        rounded.rows += int(np.count_nonzero(dust))
        qty[dust] = np.maximum(qty[dust], 1)
        verdict[dust] = FITS


def off_grid(batch: Batch, instrument: Instrument) -> tuple[Mask, Mask]:
    """The rows whose price, and those whose size, are off the grid or too large for it; values must be sound."""
    _, px = to_steps(batch.price, instrument.tick_num, instrument.tick_den, PRICE_SLACK)
    _, qty = to_steps(batch.qty, instrument.lot_num, instrument.lot_den)
    return px >= OFF_GRID, qty >= OFF_GRID


def plain(number: Decimal) -> str:
    """A decimal without an exponent: 0.00000001, not 1E-8."""
    return f"{number:f}"
