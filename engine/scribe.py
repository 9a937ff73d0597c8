"""The recorder of a live or paper run: what the core emits becomes records of the journal, with names in them.

Each record stands for itself: instruments, strategies and orders by their names, states and events in words, prices in
ticks and sizes in lots of the grids that the run's first record states. An order's record is the whole order as it is
after the event. What moves money is recorded where money moves, in the portfolio: played again in the same order, these
records give the same positions, cash, profit and fees to the last digit.
"""

from array import array
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

from tickwright.engine.instrument import Instrument
from tickwright.engine.keeping import day_of, execution, facts
from tickwright.engine.marks import E_DENIED, E_FILL, E_INTENT
from tickwright.engine.order import Fill, Order
from tickwright.engine.portfolio import Portfolio
from tickwright.engine.records import Later, Recorder, Sink

SEVERITIES: Final = ("info", "warning", "crit", "halt")
ACTIONS: Final = ("new", "replace")
DAY_RECORD_NS: Final = 10_000_000_000
"""So often, at most, marks and the day's peak are recorded: what a crash may take from a drawdown's peak."""


class Keeper(Protocol):
    """Where records go: the journal."""

    def append(self, kind: str, body: Mapping[str, Any], ts: int) -> None: ...

    def number_used(self, number: int) -> None: ...


def grid(instrument: Instrument) -> dict[str, str]:
    """What gives an instrument's ticks and lots their meaning."""
    return {
        "tick_size": str(instrument.tick_size),
        "lot_size": str(instrument.lot_size),
        "multiplier": str(instrument.multiplier),
        "kind": instrument.kind.value,
        "base": instrument.base,
        "quote": instrument.quote,
    }


class Scribe(Recorder):
    """A recorder that also writes into the journal; `sink` takes the rows as in a backtest, or is None.

    `ts` is the time of what was recorded last.
    """

    __slots__ = ("evidence", "filled", "keeper", "ts")

    def __init__(self, keeper: Keeper, sink: Sink | None = None, evidence: tuple[str, ...] = ()) -> None:
        self.keeper = keeper
        self.filled: Order | None = None
        self.evidence: tuple[str, ...] = ()
        self.ts = 0
        super().__init__(sink, evidence)

    def open(self, sink: Sink | None, evidence: tuple[str, ...], later: Later | None = None) -> None:
        super().open(sink, evidence, later)
        self.evidence = evidence

    def begin(self, instruments: Sequence[Instrument], strategies: Sequence[str], ts: int, **about: Any) -> None:
        """The first record of a run: the grids and names that all others use, the names of a decision's figures, and
        whatever else there is to say `about` it (its id, the hashes of config and code)."""
        self.ts = ts
        body = {
            **about,
            "strategies": list(strategies),
            "instruments": {each.id: grid(each) for each in instruments},
            "evidence": list(self.evidence),
        }
        self.keeper.append("run", body, ts)

    def order(self, order: Order, event: int, ts: int) -> None:
        super().order(order, event, ts)
        self.ts = ts
        if event in (E_INTENT, E_DENIED):
            self.keeper.number_used(order.number)
        # Said to be filled, but nothing was booked: a price was corrected, or a trade waits for the venue's sum.
        whole = event == E_FILL and self.filled is not order
        self.filled = None
        self.keeper.append("order", facts(order, event, whole), ts)

    def fill(self, fill: Fill, side: int, ts: int) -> None:
        super().fill(fill, side, ts)
        self.ts = ts
        order = fill.order
        self.filled = order
        said = execution(fill)
        said["id"] = order.client_order_id
        said["side"] = "BUY" if side > 0 else "SELL"
        if side != order.side_code:
            said["taken_back"] = True
        self.keeper.append("fill", said, ts)

    def decision(self, order: Order, verdict: int, action: int, evidence: "array[int]", text: str, ts: int) -> None:
        super().decision(order, verdict, action, evidence, text, ts)
        self.ts = ts
        said = {
            "id": order.client_order_id,
            "instrument": order.instrument.id,
            "strategy": order.strategy,
            "action": ACTIONS[action],
            "verdict": verdict,
            "figures": memoryview(evidence).tolist(),
        }
        if text:
            said["denial"] = text
        self.keeper.append("decision", said, ts)

    def note(self, severity: int, text: str, ts: int) -> None:
        super().note(severity, text, ts)
        self.ts = ts
        self.keeper.append("note", {"severity": SEVERITIES[severity], "text": text}, ts)


class KeptPortfolio(Portfolio):
    """A portfolio that writes down whatever moves money, and every few seconds what it is worth.

    Nothing is written until `keep`: what is read back from the journal is in it already.
    """

    __slots__ = ("day_due", "day_said", "scribe")

    def __init__(
        self,
        instruments: Sequence[Instrument],
        strategies: Sequence[str],
        *,
        currency: str,
        balances: Mapping[str, Decimal] | None = None,
        rates: Mapping[str, Decimal] | None = None,
        awaited: Sequence[str] = (),
    ) -> None:
        super().__init__(instruments, strategies, currency=currency, balances=balances, rates=rates, awaited=awaited)
        self.scribe: Scribe | None = None
        self.day_due = 0
        self.day_said: dict[str, Any] = {}

    def keep(self, scribe: Scribe) -> None:
        """From now on write down."""
        self.scribe = scribe

    def _say(self, move: str, market: int, strategy: int, **said: Any) -> None:
        if self.scribe is not None:
            owner = self.ledgers[strategy].name if strategy >= 0 else ""
            body = {"move": move, "instrument": self.instruments[market].id, "strategy": owner, **said}
            self.scribe.keeper.append("money", body, self.scribe.ts)

    def fill(
        self, market: int, strategy: int, side: int, lots: int, ticks: int, maker: int, fee: Decimal | None = None
    ) -> int:
        self._say("fill", market, strategy, side=side, lots=lots, ticks=ticks, maker=maker, **stated(fee))
        return super().fill(market, strategy, side, lots, ticks, maker, fee)

    def reverse(
        self, market: int, strategy: int, side: int, lots: int, ticks: int, maker: int, fee: Decimal | None = None
    ) -> None:
        self._say("reverse", market, strategy, side=side, lots=lots, ticks=ticks, maker=maker, **stated(fee))
        super().reverse(market, strategy, side, lots, ticks, maker, fee)

    def reprice(
        self, market: int, strategy: int, side: int, lots: int, old_ticks: int, new_ticks: int, maker: int
    ) -> None:
        said = {"side": side, "lots": lots, "old_ticks": old_ticks, "new_ticks": new_ticks, "maker": maker}
        self._say("reprice", market, strategy, **said)
        super().reprice(market, strategy, side, lots, old_ticks, new_ticks, maker)

    def cash_adjust(self, amount: Decimal, reason: str, market: int, strategy: int = -1) -> None:
        self._say("adjust", market, strategy, amount=str(amount), reason=reason)
        super().cash_adjust(amount, reason, market, strategy)

    def settle(self, market: int, price: Decimal, name: str) -> bool:
        if not super().settle(market, price, name):
            return False
        self._say("settle", market, -1, price=str(price), name=name)
        return True

    def fund(self, market: int, amount: Decimal, name: str) -> bool:
        if not super().fund(market, amount, name):
            return False
        self._say("fund", market, -1, amount=str(amount), name=name)
        return True

    def adopt(self, market: int, lots: int, ticks: int) -> None:
        self._say("adopt", market, -1, lots=lots, ticks=ticks)
        super().adopt(market, lots, ticks)

    def transfer(self, currency: str, amount: Decimal, reason: str, venue: str = "") -> None:
        if self.scribe is not None:
            body = {"move": "transfer", "currency": currency, "amount": str(amount), "reason": reason, "venue": venue}
            self.scribe.keeper.append("money", body, self.scribe.ts)
        super().transfer(currency, amount, reason, venue)

    def mark(self, now_ns: int, marks: list[int | None]) -> int:
        super().mark(now_ns, marks)
        if self.scribe is not None:
            self.say_day(now_ns)
        return 0

    def say_day(self, now_ns: int) -> None:
        """Record marks, and where the day's profit began and peaked: at once on a new day, else now and then."""
        day = self.day
        if now_ns < self.day_due and self.day_said.get("day") == day:
            return
        said = {
            "day": day,
            "digits": self.account.digits,
            "marks": {each.id: mark for each, mark in zip(self.instruments, self.marks, strict=True)},
            "lines": {
                ledger.name: [str(atoms) for atoms in day_of(ledger)] for ledger in (self.account, *self.ledgers)
            },
        }
        self.day_due = now_ns + DAY_RECORD_NS
        if said != self.day_said and self.scribe is not None:
            self.day_said = said
            self.scribe.keeper.append("day", said, now_ns)


def stated(fee: Decimal | None) -> dict[str, str]:
    """A fee that the venue stated, as a word of a record."""
    return {} if fee is None else {"fee": str(fee)}
