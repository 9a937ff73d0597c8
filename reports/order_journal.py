"""The life of an order out of the journal: of a run that goes on, or was cut short, and across runs.

A run folder's tables can be read only once the run has closed them, and have an order that was taken over from an
earlier run only from then on. The journal has every order from its beginning, as it happened. Its records are turned
into the rows that a run folder would give, so that both are told alike. What a journal of an older program does not
say, rates of fees and limits, comes from the folders that its runs left at their start.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from attrs import evolve

from tickwright.engine.chain import CHECKPOINT, Record, encode
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.journal_reading import read_journal
from tickwright.engine.money import decimal_of
from tickwright.reports.columns import ACTIONS, INVERSE_DIGITS, PASS
from tickwright.reports.parquet import RUN
from tickwright.reports.run_folder import RunFolder

Row = dict[str, Any]
Tables = dict[str, list[Row]]

TABLES = {"order": "orders", "decision": "decisions", "fill": "fills"}
"""Kinds of records, and the tables that their rows would be in."""


class JournalOrders:
    """The orders of a journal, also while another process writes it.

    Args:
        folder: the state folder.
        codes: the gate's denial code of each verdict number; number 0 is a pass.
        roots: folders to look for run folders in that are no longer where the journal says.

    All methods raise `JournalError` where the journal is missing or is not what was written.
    """

    def __init__(self, folder: Path, codes: Sequence[str], roots: Sequence[Path] = ()) -> None:
        self.folder = folder
        self.codes = codes
        self.roots = tuple(roots)
        self.runs: list[tuple[int, Row]] = []
        self.instruments: dict[str, Instrument] = {}
        self.rated: set[str] = set()
        self._told: tuple[str, Tables] | None = None

    @property
    def run_id(self) -> str:
        return str(self.folder)

    def rows(self, table: str, client_order_id: str) -> list[Row]:
        """One order's rows of orders, decisions or fills, in the order in which they happened."""
        if self._told is None or self._told[0] != client_order_id:
            self._told = client_order_id, self._read(client_order_id)
        return self._told[1][table]

    def order_ids(self) -> list[str]:
        """The ids of all orders, in the order in which they came up."""
        return [
            record.plain()["id"]
            for record in read_journal(self.folder)
            if record.kind == "order" and b'"terms"' in record.body
        ]

    def currency(self, instrument: str) -> str:
        """What fees of an instrument are paid in; empty where no run knew the instrument."""
        known = self.instruments.get(instrument)
        return known.settle_currency if known else ""

    def folder_at(self, seq: int) -> Path | None:
        """The folder of the run that wrote a record, if it is still there."""
        said = [said for first, said in self.runs if first <= seq]
        return self._folder(said[-1]) if said else None

    def limits_at(self, seq: int) -> str:
        """The limits of the run that wrote a record, as the gate described them; empty where the journal has none."""
        said = [said for first, said in self.runs if first <= seq]
        return str(said[-1].get("limits", "")) if said else ""

    def _read(self, wanted: str) -> Tables:
        tables: Tables = {name: [] for name in TABLES.values()}
        terms: Row | None = None
        self.runs.clear()
        for record, said, stated in self._records(wanted):
            terms = said.get("terms", terms)
            head = {"seq": record.seq, "ts": record.ts, "client_order_id": wanted}
            if record.kind == "decision":
                tables["decisions"].append({**head, **self._decision(said)})
            elif terms is not None:
                head |= {"order": terms["number"], "instrument": terms["instrument"]}
                head["strategy"] = terms["strategy"] or None
                instrument = self.instruments[terms["instrument"]]
                row = (
                    _order(said, terms, instrument) if record.kind == "order" else self._fill(said, instrument, stated)
                )
                tables[TABLES[record.kind]].append({**head, **row})
        return tables

    def _records(self, wanted: str) -> Iterator[tuple[Record, Row, str]]:
        """The records of one order, and what the venue stated as the fee of an execution."""
        mark = encode(wanted)
        money: Record | None = None
        for record in read_journal(self.folder):
            if record.kind == "run":
                self._learn(record.seq, record.plain())
            elif record.kind == CHECKPOINT and not self.runs:
                self._learn(record.seq, record.plain()["known"]["run"])  # earlier files are there no more
            elif record.kind == "money":
                money = record  # that of an execution comes right before it
            elif record.kind in TABLES and mark in record.body:
                said = record.plain()
                if said["id"] == wanted:
                    stated = money.plain().get("fee", "") if money is not None and record.kind == "fill" else ""
                    yield record, said, stated

    def _learn(self, seq: int, said: Row) -> None:
        """Take in the beginning of a run."""
        self.runs.append((seq, said))
        folder = self._folder(said)
        known = RunFolder(folder).instruments if folder else {}
        for id, grid in said["instruments"].items():
            self.rated.discard(id)
            if id in known:
                self.rated.add(id)
                self.instruments[id] = known[id]
            elif id in said.get("fees", {}):
                self.rated.add(id)
                maker, taker = map(Decimal, said["fees"][id])
                self.instruments[id] = evolve(_of_grid(id, grid), maker_fee=maker, taker_fee=taker)
            else:
                self.instruments[id] = _of_grid(id, grid)

    def _folder(self, said: Row) -> Path | None:
        name = said.get("run_id", "")
        places = [Path(said["folder"])] if "folder" in said else []
        places += [root / name for root in self.roots if name]
        return next((place for place in places if (place / RUN).is_file()), None)

    def _decision(self, said: Row) -> Row:
        number = said["verdict"]
        return {
            "instrument": said["instrument"],
            "strategy": said["strategy"] or None,
            "verdict": self.codes[number] if number else PASS,
            "action": ACTIONS[said["action"] == "replace"],
            "denial": said.get("denial"),
            **dict(zip(self.runs[-1][1]["evidence"], said["figures"], strict=False)),
        }

    def _fill(self, said: Row, instrument: Instrument, stated: str) -> Row:
        taken_back = said.get("taken_back", False)
        fee = None
        if stated:
            fee = Fraction(stated)
        elif instrument.id in self.rated:
            worth = instrument.notional(said["lots"], said["ticks"])
            if instrument.kind is Kind.INVERSE:
                worth = round(worth, INVERSE_DIGITS)
            fee = worth * Fraction(instrument.maker_fee if said["liquidity"] == "MAKER" else instrument.taker_fee)
        return {
            "trade_id": said["trade_id"],
            "side": said["side"],
            "liquidity": said["liquidity"],
            "price": instrument.price(said["ticks"]),
            "qty": instrument.qty(said["lots"]),
            "fee": None if fee is None else decimal_of(-fee if taken_back else fee),
            "cause": said.get("cause", 0),
            "taken_back": taken_back,
        }


def _order(said: Row, terms: Row, instrument: Instrument) -> Row:
    unpriced = terms["type"] == "MARKET" and not said["ticks"]
    return {
        "event": said["event"],
        "state": said["state"],
        "side": terms["side"],
        "order_type": terms["type"],
        "time_in_force": terms["time_in_force"],
        "post_only": terms.get("post_only", False),
        "reduce_only": terms.get("reduce_only", False),
        "price": None if unpriced else instrument.price(said["ticks"]),
        "qty": instrument.qty(said["lots"]),
        "filled_qty": instrument.qty(said.get("cum", 0)),
        "cause": said.get("cause", "NONE"),
        "reason": said.get("reason"),
    }


def _of_grid(id: str, grid: Row) -> Instrument:
    """An instrument as the journal has it, without its fees."""
    return Instrument(
        id=id,
        tick_size=Decimal(grid["tick_size"]),
        lot_size=Decimal(grid["lot_size"]),
        multiplier=Decimal(grid["multiplier"]),
        kind=Kind(grid["kind"]),
        base=grid["base"],
        quote=grid["quote"],
    )
