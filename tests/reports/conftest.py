"""Runs made for the tests: blocks as the recorder hands them over."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.records import BLOCK_ROWS, DECISIONS, EQUITY, FILLS, NOTES, ORDERS
from tickwright.reports.parquet import BULK, Gathering, RunWriter

COLUMNS = {"orders": ORDERS, "fills": FILLS, "decisions": DECISIONS, "notes": NOTES, "equity": EQUITY}
START = 1_723_161_600_000_000_000
BTC = Instrument(
    id="BTCUSDT.BINANCE",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    base="BTC",
    quote="USDT",
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.0005"),
)
XBT = Instrument(
    id="XBTUSD.BITMEX",
    tick_size=Decimal("0.5"),
    lot_size=Decimal("1"),
    kind=Kind.INVERSE,
    base="BTC",
    quote="USD",
    maker_fee=Decimal("-0.0001"),
    taker_fee=Decimal("0.00075"),
)


class Rows:
    """Collects rows by column name and feeds them to a sink in blocks, like the recorder does."""

    def __init__(self, sink: RunWriter, evidence: Sequence[str] = ()) -> None:
        self.sink = sink
        self.columns = dict(COLUMNS)
        self.columns["decisions"] = (*DECISIONS, *evidence)
        self.seq = 0
        self.rows = {name: array("q") for name in COLUMNS}
        self.texts: dict[str, list[str]] = {name: [] for name in COLUMNS}

    def add(self, table: str, text: str = "", **values: int) -> None:
        self.seq += 1
        values["seq"] = self.seq
        self.rows[table].extend([values.get(name, 0) for name in self.columns[table]])
        self.texts[table].append(text)
        if len(self.texts[table]) == BLOCK_ROWS:
            self.flush(table)

    def flush(self, *tables: str) -> None:
        for table in tables or tuple(COLUMNS):
            if self.texts[table]:
                self.sink.block(table, self.columns[table], self.rows[table], self.texts[table])
            self.rows[table] = array("q")
            self.texts[table] = []


@pytest.fixture
def btc() -> Instrument:
    return BTC


@pytest.fixture
def xbt() -> Instrument:
    return XBT


Open = Callable[..., tuple[RunWriter, Rows]]


@pytest.fixture
def open_run(tmp_path: Path) -> Open:
    """Opens a writer in a fresh folder, with rows to feed it."""

    def opened(
        name: str = "run",
        instruments: Sequence[Instrument] = (BTC,),
        strategies: Sequence[str] = ("maker",),
        codes: Sequence[str] = ("PASS", "NUMBER_INVALID", "MAX_ORDER_QTY"),
        evidence: Sequence[str] = (),
        stated: Mapping[tuple[int, str], Decimal] | None = None,
        gathering: Gathering = BULK,
    ) -> tuple[RunWriter, Rows]:
        folder = tmp_path / name
        folder.mkdir()
        writer = RunWriter(folder, instruments, strategies, "bt", codes, evidence, stated, gathering)
        return writer, Rows(writer, evidence)

    return opened
