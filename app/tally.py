"""Counts what a run records, and keeps its last denials: for whoever looks at a run that goes on."""

import json
from collections import deque
from typing import Any

from attrs import define, field, frozen

from tickwright.engine.marks import E_DENIED, E_REJECT, E_SEND_START
from tickwright.snapshot import DENIALS_MAX


@frozen
class Denied:
    """One order that the gate refused."""

    ts: int
    strategy: int
    code: str
    text: str


@define
class Tally:
    """A sink for records that keeps sums alone."""

    orders: int = 0
    fills: int = 0
    denied: int = 0
    rejected: int = 0
    denials: deque[Denied] = field(factory=lambda: deque(maxlen=DENIALS_MAX))

    def block(self, table: str, columns: tuple[str, ...], rows: Any, texts: list[str]) -> None:
        width = len(columns)
        if table == "fills":
            self.fills += len(rows) // width
        elif table == "orders":
            events = rows[columns.index("event") :: width].tolist()
            self.orders += events.count(E_SEND_START)
            self.denied += events.count(E_DENIED)
            self.rejected += events.count(E_REJECT)
        elif table == "decisions":
            for row, text in enumerate(texts):
                if text:
                    self.remember(rows[row * width : row * width + 5].tolist(), text)

    def remember(self, row: list[int], text: str) -> None:
        told = json.loads(text)
        self.denials.append(Denied(row[1], row[4], told["code"], told["text"]))
