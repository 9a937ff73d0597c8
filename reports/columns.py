"""What the tables of a run look like to people: names for numbers, decimals for ticks and lots, times as times."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, Final

import numpy as np

from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.money import to_atoms
from tickwright.engine.terms import (
    FILLED,
    MARKET,
    Cause,
    Liquidity,
    OrderEvent,
    OrderState,
    OrderType,
    TimeInForce,
)
from tickwright.reports.decimals import (
    Flags,
    Grid,
    Ints,
    Words,
    column,
    multiply,
    pack,
    scaled,
    split,
    split_big,
    to_ints,
)

INVERSE_DIGITS: Final = 18
"""A fill of an inverse contract is worth size x multiplier / price, declared to this many decimals of base."""

STATED_DIGITS: Final = 30
"""Decimals of a fee that a venue stated."""

SEVERITIES: Final = ("INFO", "WARNING", "CRIT", "HALT")
SIDES: Final = ("SELL", "BUY")
ACTIONS: Final = ("NEW", "REPLACE")
PASS: Final = "PASS"


class Frame:
    """One block of rows by column name; `texts` one per row."""

    def __init__(self, columns: Sequence[str], rows: Ints, texts: list[str]) -> None:
        table = np.frombuffer(rows, np.int64).reshape(-1, len(columns)).T.copy()
        self.by_name: dict[str, Ints] = dict(zip(columns, table, strict=True))
        self.texts = texts
        self.columns = tuple(columns)

    def __getitem__(self, name: str) -> Ints:
        return self.by_name[name]

    def __len__(self) -> int:
        return len(self.texts)


class Names:
    """A fixed list of names as a dictionary column: the same in every block, so the file is the same every time.

    Codes may share a name. The dictionary holds it once: the Parquet writer counts a name that comes twice into the
    dictionary's length without writing it, so that stray memory would end up in the file and later codes at the
    wrong name.
    """

    def __init__(self, names: Sequence[str]) -> None:
        import pyarrow as pa

        self.type = pa.dictionary(pa.int32(), pa.string())
        unique = list(dict.fromkeys(names))
        self.names = pa.array(unique, pa.string())
        self.places = np.array([unique.index(name) for name in names] or [0], np.int32)

    def column(self, codes: Ints) -> Any:
        """Names of the codes; a code outside the list (-1: nobody) is null."""
        import pyarrow as pa

        known = (codes >= 0) & (codes < (len(self.places) if len(self.names) else 0))
        indices = pa.array(self.places[np.where(known, codes, 0)], mask=~known)
        return pa.DictionaryArray.from_arrays(indices, self.names)


def enum_names(kind: type[IntEnum]) -> Names:
    """The names of an enum whose values count from zero."""
    return Names([member.name for member in kind])


def times(values: Ints) -> Any:
    import pyarrow as pa

    return pa.array(values).cast(pa.timestamp("ns", tz="UTC"))


def texts(values: list[str]) -> Any:
    """Texts, null where empty."""
    import pyarrow as pa

    if not any(values):
        return pa.nulls(len(values), pa.string())
    return pa.array([value or None for value in values], pa.string())


Built = list[tuple[str, Any]]
"""Columns by name, in the order in which they stand in the file."""


class Layout:
    """Turns blocks of one run into columns.

    Args:
        instruments: the markets, by their index in the rows.
        strategies: the names, by their index; -1 is the account, or nobody's.
        prefix: what our order ids begin with.
        codes: the gate's words by verdict number; the first is replaced by ``PASS``.
        stated: fees that venues stated, by order number and trade id, as they come in; None where rates say all.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        strategies: Sequence[str],
        prefix: str,
        codes: Sequence[str],
        stated: Mapping[tuple[int, str], Decimal] | None = None,
    ) -> None:
        self.prefix = prefix
        self.stated = stated
        self.kinds = [each.kind for each in instruments]
        self.multipliers = [Fraction(each.multiplier) for each in instruments]
        self.per_tick = [
            Fraction(each.multiplier) * Fraction(each.lot_size) / Fraction(each.tick_size) for each in instruments
        ]
        self.price = Grid.of([Fraction(each.tick_size) for each in instruments])
        self.half_price = Grid.of([Fraction(each.tick_size) / 2 for each in instruments])
        self.qty = Grid.of([Fraction(each.lot_size) for each in instruments])
        units = [value_step(each) for each in instruments]
        rates = [(Fraction(each.maker_fee), Fraction(each.taker_fee)) for each in instruments]
        self.value = Grid.of(units, worst=1 << 124)
        self.fee = Grid.of(
            [unit * rate for unit, pair in zip(units, rates, strict=True) for rate in pair], worst=1 << 124
        )
        if stated is not None:
            self.fee = self.fee.widened(STATED_DIGITS)
        self.market_names = [each.id for each in instruments]
        self.strategy_names = list(strategies)
        self.markets = Names(self.market_names)
        self.strategies = Names(strategies)
        self.codes = Names([PASS, *codes[1:]])
        self.sides = Names(SIDES)
        self.events = enum_names(OrderEvent)
        self.states = enum_names(OrderState)
        self.order_types = enum_names(OrderType)
        self.tifs = enum_names(TimeInForce)
        self.causes = enum_names(Cause)
        self.liquidity = enum_names(Liquidity)
        self.severities = Names(SEVERITIES)
        self.actions = Names(ACTIONS)
        self.external: dict[int, str] = {}

    @property
    def builders(self) -> dict[str, Callable[[Frame], Built]]:
        """How each table of the recorder is turned into columns."""
        return {
            "orders": self.orders,
            "fills": self.fills,
            "decisions": self.decisions,
            "notes": self.notes,
            "equity": self.samples,
        }

    def _ids(self, numbers: Ints) -> Any:
        """``<prefix>-<n>``; an order of the venue's own (a negative number) keeps the name it came with."""
        import pyarrow as pa
        import pyarrow.compute as pc

        ours = pc.binary_join_element_wise(self.prefix, pa.array(numbers).cast(pa.string()), "-")
        if not (numbers < 0).any():
            return ours
        named = ours.to_pylist()
        for i in np.flatnonzero(numbers < 0).tolist():
            number = int(numbers[i])
            named[i] = self.external.get(number, f"external{number}")
        return pa.array(named, pa.string())

    def _head(self, frame: Frame) -> Built:
        return [
            ("seq", frame["seq"]),
            ("ts", times(frame["ts"])),
            ("client_order_id", self._ids(frame["order"])),
            ("order", frame["order"]),
            ("instrument", self.markets.column(frame["market"])),
            ("strategy", self.strategies.column(frame["strategy"])),
        ]

    def _reasons(self, frame: Frame) -> list[str]:
        """The texts of the order log; the first one of an external order is its name, not a reason."""
        reasons = frame.texts
        for i in np.flatnonzero(frame["order"] < 0).tolist():
            number = int(frame["order"][i])
            if number not in self.external and reasons[i]:
                self.external[number] = reasons[i]
                reasons = [*reasons[:i], "", *reasons[i + 1 :]]
        return reasons

    def orders(self, frame: Frame) -> Built:
        """The order log: one row per event, with the order as it was after it."""
        reasons = self._reasons(frame)
        market, lots, cum, ticks = frame["market"], frame["lots"], frame["cum"], frame["ticks"]
        leaves = np.where((frame["state"] >= FILLED) | (cum >= lots), 0, lots - cum)
        unpriced = (frame["type"] == MARKET) & (ticks == 0)
        return [
            *self._head(frame),
            ("event", self.events.column(frame["event"])),
            ("state", self.states.column(frame["state"])),
            ("side", self._side(frame["side"])),
            ("order_type", self.order_types.column(frame["type"])),
            ("time_in_force", self.tifs.column(frame["time_in_force"])),
            ("post_only", frame["post_only"] != 0),
            ("reduce_only", frame["reduce_only"] != 0),
            ("price", column(ticks, market, self.price, unpriced)),
            ("qty", column(lots, market, self.qty)),
            ("filled_qty", column(cum, market, self.qty)),
            ("leaves_qty", column(leaves, market, self.qty)),
            ("cause", self.causes.column(frame["cause"])),
            ("reason", texts(reasons)),
        ]

    def fills(self, frame: Frame) -> Built:
        """Executions; `value` is what was traded in settle currency, `fee` what it cost (negative: a rebate).

        One that the venue took back is a row of its own, its side turned round and its fee returned.
        """
        market, ticks, lots = frame["market"], frame["ticks"], frame["lots"]
        worth = self._worth(market, ticks, lots)
        positive = np.zeros(len(frame), np.bool_)
        fee = scaled(worth, frame["taken_back"] != 0, 2 * market + frame["liquidity"], self.fee)
        if self.stated:
            fee = self._as_stated(fee, frame, self.stated)
        return [
            *self._head(frame),
            ("trade_id", texts(frame.texts)),
            ("side", self._side(frame["side"])),
            ("liquidity", self.liquidity.column(frame["liquidity"])),
            ("price", column(ticks, market, self.price)),
            ("qty", column(lots, market, self.qty)),
            ("value", scaled(worth, positive, market, self.value)),
            ("fee", fee),
            ("cause", frame["cause"]),
            ("recovered", frame["recovered"] != 0),
            ("inferred", frame["inferred"] != 0),
            ("taken_back", frame["taken_back"] != 0),
        ]

    def _as_stated(self, fee: Any, frame: Frame, stated: Mapping[tuple[int, str], Decimal]) -> Any:
        """The column of fees, with the venue's word in the place of the rate's wherever it gave one."""
        amounts = to_ints(fee).tolist()
        rows = zip(frame["order"].tolist(), frame.texts, frame["taken_back"].tolist(), strict=True)
        for row, (number, trade_id, taken_back) in enumerate(rows):
            told = stated.get((number, trade_id))
            if told is not None:
                atoms = to_atoms(told, self.fee.scale)
                amounts[row] = -atoms if taken_back else atoms
        limbs = split_big([abs(amount) for amount in amounts])
        return pack(limbs, np.array([amount < 0 for amount in amounts], np.bool_), self.fee)

    def _worth(self, market: Ints, ticks: Ints, lots: Ints) -> list[Words]:
        """Magnitudes of traded value, in each market's value step."""
        worth = multiply(split(lots)[0], split(ticks)[0])
        for index, kind in enumerate(self.kinds):
            rows = np.flatnonzero(market == index) if kind is Kind.INVERSE else np.empty(0, np.int64)
            if len(rows):
                unit = self.per_tick[index] * 10**INVERSE_DIGITS
                sizes = [
                    round(int(size) * unit / int(price)) for size, price in zip(lots[rows], ticks[rows], strict=True)
                ]
                for k, words in enumerate(split_big([*sizes, 1 << 127])):
                    worth[k][rows] = words[:-1]
        return worth

    def decisions(self, frame: Frame) -> Built:
        """The gate's words, passes included, each with every figure it used."""
        return [
            *self._head(frame),
            ("verdict", self.codes.column(frame["verdict"])),
            ("action", self.actions.column(frame["action"])),
            *((name, frame[name]) for name in frame.columns[7:]),
            ("denial", texts(frame.texts)),
        ]

    def notes(self, frame: Frame) -> Built:
        return [
            ("seq", frame["seq"]),
            ("ts", times(frame["ts"])),
            ("severity", self.severities.column(frame["severity"])),
            ("text", texts(frame.texts)),
        ]

    def samples(self, frame: Frame) -> Built:
        """Positions and marks; a null strategy is the account."""
        return [
            ("seq", frame["seq"]),
            ("ts", times(frame["ts"])),
            ("instrument", self.markets.column(frame["market"])),
            ("strategy", self.strategies.column(frame["strategy"])),
            ("position", column(frame["position_lots"], frame["market"], self.qty)),
            ("mark", column(frame["double_mark"], frame["market"], self.half_price)),
        ]

    def _side(self, sides: Ints) -> Any:
        known: Flags = sides != 0
        return self.sides.column(np.where(known, (sides > 0).astype(np.int64), -1))


def value_step(instrument: Instrument) -> Fraction:
    """What traded value is counted in: tick x lot x multiplier, or for inverse contracts 1e-18 of base."""
    if instrument.kind is Kind.INVERSE:
        return Fraction(1, 10**INVERSE_DIGITS)
    return Fraction(instrument.tick_size) * Fraction(instrument.lot_size) * Fraction(instrument.multiplier)
