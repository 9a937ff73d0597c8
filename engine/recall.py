"""From the journal back into a fresh run: orders, executions, positions, money.

The idea
--------
Everything that moved money is played again through the new portfolio, in order, so that it stands where the old one
stood. An order is taken as its last record says it, with the executions booked since; every one that may still
execute, and the youngest of those that are over, since something may still come for them. Then each is told that the
process that knew it is gone: what was never sent has failed, what was sent is in doubt until the venue has been asked.
Nothing is sent, and no strategy is told.

What was read is not written again. Reading the same journal twice gives the same, also where the first try died half
way: the only new records are those of orders that became doubtful, and they change nothing the second time.

Not restored: the gate's rate buckets and windows (messages, rejects, repeats, traded value), references over time, the
wish to replace an order whose cancel was under way (the cancel is wanted still), and further names of one order at
its venue. The peak of a day's profit may be that of ten seconds before the end.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from attrs import define, field

from tickwright.engine.books import Books
from tickwright.engine.carrying import OVER_KEPT
from tickwright.engine.chain import Record
from tickwright.engine.errors import TickwrightError, UnitError
from tickwright.engine.keeping import fill_of, set_day, sit, take_facts, take_fills, take_in, take_terms
from tickwright.engine.market import Market, Seat
from tickwright.engine.order import Fill, Order, new_order
from tickwright.engine.orders import OrderManager
from tickwright.engine.parent import Parent
from tickwright.engine.portfolio import EXTERNAL, Portfolio
from tickwright.engine.scribe import DAY_RECORD_NS, KeptPortfolio, grid

OVER: Final = frozenset(("FILLED", "CANCELED", "REJECTED", "EXPIRED", "DENIED", "FAILED"))

KINDS: Final = frozenset(
    (
        *("journal", "run", "decision", "order", "fill", "money", "day", "baseline", "note", "state", "latches"),
        *("counter", "loss", "retired", "checkpoint"),
    )
)
"""Every kind of record that there is; of most there is nothing to recall."""

Said = dict[str, Any]


class RecallError(TickwrightError):
    """The journal speaks of what the present config does not have, or has otherwise; nothing may be traded."""


@define
class Recalled:
    """What was read.

    `orders` by id, in the order of their making; `open_orders` those that may still execute. `adopted` is the highest
    number of an order that was not ours, `since` a time from which on every known execution belongs to one of
    `orders`: earlier ones may be of orders that are no longer known. `parents` by name; `runs` is how many runs wrote
    the journal, `last_ts` the time of its last record. `untold` are each strategy's executions since it last saved its
    state, `unknown` counts records of kinds that this program does not know.
    """

    orders: dict[str, Order] = field(factory=dict)
    parents: dict[str, Parent] = field(factory=dict)
    adopted: int = 0
    since: int = 0
    runs: int = 0
    last_ts: int = 0
    records: int = 0
    untold: dict[str, list[tuple[Order, Fill]]] = field(factory=dict)
    unknown: dict[str, int] = field(factory=dict)

    @property
    def open_orders(self) -> list[Order]:
        return [order for order in self.orders.values() if order.is_open]


class Past:
    """One order while its records are read."""

    __slots__ = ("fills", "said", "seq", "terms", "ts")

    def __init__(self, terms: Said) -> None:
        self.terms = terms
        self.said: Said = {}
        self.fills: dict[str, Said] = {}
        self.ts = 0
        self.seq = 0

    @property
    def over(self) -> bool:
        return self.said["state"] in OVER


class Memory:
    """Reads records one after the other; `settle` then puts the orders into a manager's books."""

    def __init__(self, portfolio: Portfolio, markets: Sequence[Market], seats: Iterable[Seat]) -> None:
        self.portfolio = portfolio
        self.markets = {market.instrument.id: market for market in markets}
        self.seats = {(seat.strategy, seat.market.instrument.id): seat for seat in seats}
        self.strategies = {ledger.name: index for index, ledger in enumerate(portfolio.ledgers)}
        self.past: dict[str, Past] = {}
        self.over = 0
        self.day: tuple[int, Said] | None = None
        self.missing: set[str] = set()
        self.fee = ""
        self.untold: dict[str, dict[tuple[str, str], None]] = {}
        self.found = Recalled()

    def read(self, record: Record) -> None:
        """Take in the next record."""
        self.found.last_ts = record.ts
        self.found.records += 1
        if record.kind not in KINDS:
            self.found.unknown[record.kind] = self.found.unknown.get(record.kind, 0) + 1
        match record.kind:
            case "order":
                self.read_order(record)
            case "fill":
                self.read_fill(record.plain())
            case "money":
                self.move(record.plain())
            case "day":
                self.day = record.ts, record.plain()
            case "state":
                self.untold.pop(record.plain()["strategy"], None)
            case "checkpoint":
                if self.found.records == 1:
                    self.take_along(record.plain())
            case "run":
                self.found.runs += 1
                self.compare_grids(record.plain()["instruments"])

    def take_along(self, said: Said) -> None:
        """What earlier files say, which are not read.

        Raises:
            RecallError: the config has other instruments, so that the money cannot be carried over.
        """
        found = self.found
        found.runs, found.since, found.adopted = said["known"]["runs"], said["since"], said["adopted"]
        for place, one in enumerate(said["orders"]):
            past = self.past[one["id"]] = Past(one["terms"])
            past.said, past.ts, past.seq = one, one["ts"], place - len(said["orders"])
            past.fills = {fill["trade_id"]: fill for fill in one["fills"]}
            self.over += past.over
        if said["day"] is not None:
            self.day = said["day"][0], said["day"][1]
        self.compare_grids(said["known"]["run"].get("instruments", {}))
        for owner, lines in said["money"]["lines"].items():
            for instrument in lines:
                self.need(instrument, owner)
        try:
            self.portfolio.recover(said["money"])
        except UnitError as error:
            raise RecallError(f"the journal: {error}; begin with another state folder") from None

    # --- orders -------------------------------------------------------------------------------------------------------

    def read_order(self, record: Record) -> None:
        said = record.plain()
        past = self.past.get(said["id"])
        if past is None:
            if "terms" not in said:
                return  # one that was over, and let go of, and still is: it would say its terms otherwise
            past = self.past[said["id"]] = Past(said["terms"])
        elif past.said and past.over:
            self.over -= 1
        if "fills" in said:
            fees = {name: fill["fee"] for name, fill in past.fills.items() if "fee" in fill}
            past.fills = {each["trade_id"]: each for each in said["fills"]}
            for name in fees.keys() & past.fills.keys():
                past.fills[name]["fee"] = fees[name]
        past.said = said
        past.ts = record.ts
        past.seq = record.seq
        if past.over:
            self.over += 1
            if self.over > 2 * OVER_KEPT:
                self.let_go()

    def read_fill(self, said: Said) -> None:
        past = self.past.get(said["id"])
        if past is None:
            return
        untold = self.untold.setdefault(past.terms["strategy"], {})
        if said.get("taken_back"):
            past.fills.pop(said["trade_id"], None)
            untold.pop((said["id"], said["trade_id"]), None)
        else:
            past.fills[said["trade_id"]] = said
            untold[said["id"], said["trade_id"]] = None
            if self.fee:  # the money was booked a moment before
                said["fee"] = self.fee

    def let_go(self) -> None:
        """Keep the youngest of the orders that are over."""
        done = sorted((past.seq, name) for name, past in self.past.items() if past.over)
        for _, name in done[: len(done) - OVER_KEPT]:
            self.found.since = max(self.found.since, self.past.pop(name).ts)
        self.over = OVER_KEPT

    def settle(self, manager: OrderManager, now: int) -> Recalled:
        """Put what was read into the books, and tell the orders of the restart.

        Raises:
            RecallError: the config lacks what the journal speaks of, or has it otherwise.
        """
        if self.over > OVER_KEPT:
            self.let_go()
        for past in self.past.values():
            self.need(past.terms["instrument"], past.terms["strategy"])
            if past.terms["strategy"] and (past.terms["strategy"], past.terms["instrument"]) not in self.seats:
                self.missing.add(f"strategy {past.terms['strategy']} in {past.terms['instrument']}")
        if self.missing:
            raise RecallError(
                f"the journal speaks of {', '.join(sorted(self.missing))}, which the config does not have; give them "
                "back, or begin with another state folder"
            )
        self.restore_day()
        for name, past in self.past.items():
            order = self.revive(name, past)
            self.found.orders[name] = order
            take_in(manager, order)
            self.state_fees(manager, order, past)
        for order in self.found.orders.values():
            if order.is_open:
                manager.restart(order, now)
        self.gather_untold()
        return self.found

    def gather_untold(self) -> None:
        """The executions that strategies may not remember, of orders that are still known."""
        for strategy, names in self.untold.items():
            told = self.found.untold[strategy] = []
            for name, trade_id in names:
                order = self.found.orders.get(name)
                fill = fill_of(order, trade_id) if order is not None else None
                if order is not None and fill is not None:
                    told.append((order, fill))

    def revive(self, name: str, past: Past) -> Order:
        terms = past.terms
        market = self.markets[terms["instrument"]]
        seat = self.seats.get((terms["strategy"], terms["instrument"]))
        order = new_order(market.book, name, terms["number"])
        index = seat.strategy_index if seat is not None else EXTERNAL
        working = seat.working if seat is not None else None
        take_terms(order, terms, index, working, market.working)
        take_facts(order, past.said, past.ts)
        take_fills(order, past.said, list(past.fills.values()))
        sit(order, seat, self.parent(order, terms) if "parent" in terms else None)
        if order.external:
            self.found.adopted = max(self.found.adopted, -order.number)
        return order

    def state_fees(self, manager: OrderManager, order: Order, past: Past) -> None:
        """What the venue charged for executions, in case it takes one back."""
        ledger = manager.ledger
        if isinstance(ledger, Books):
            for name, fill in past.fills.items():
                if "fee" in fill:
                    ledger.state_fee(order, name, Decimal(fill["fee"]))

    def parent(self, order: Order, terms: Said) -> Parent:
        """The parent of a child, made at its first; children that were let go of are not in it."""
        name = terms["parent"]
        parent = self.found.parents.get(name)
        if parent is None:
            parent = self.found.parents[name] = Parent(name, terms["parent_lots"])
        parent.children.append(order)
        return parent

    # --- money --------------------------------------------------------------------------------------------------------

    def need(self, instrument: str, strategy: str) -> bool:
        """Whether the config has both; what it lacks is remembered."""
        if instrument not in self.markets:
            self.missing.add(f"instrument {instrument}")
        if strategy and strategy not in self.strategies:
            self.missing.add(f"strategy {strategy}")
        return not self.missing

    def move(self, said: Said) -> None:
        """Play what moved money again."""
        portfolio = self.portfolio
        if said["move"] == "transfer":
            portfolio.transfer(said["currency"], Decimal(said["amount"]), said["reason"], said.get("venue", ""))
            return
        if not self.need(said["instrument"], said["strategy"]):
            return
        market = self.markets[said["instrument"]].index
        owner = self.strategies[said["strategy"]] if said["strategy"] else EXTERNAL
        self.fee = said.get("fee", "")
        fee = Decimal(self.fee) if self.fee else None
        match said["move"]:
            case "fill":
                portfolio.fill(market, owner, said["side"], said["lots"], said["ticks"], said["maker"], fee)
            case "reverse":
                portfolio.reverse(market, owner, said["side"], said["lots"], said["ticks"], said["maker"], fee)
            case "reprice":
                old, new = said["old_ticks"], said["new_ticks"]
                portfolio.reprice(market, owner, said["side"], said["lots"], old, new, said["maker"])
            case "settle":
                portfolio.settle(market, Decimal(said["price"]), said["name"])
            case "fund":
                portfolio.fund(market, Decimal(said["amount"]), said["name"])
            case "adopt":
                portfolio.adopt(market, said["lots"], said["ticks"])
            case "adjust":
                portfolio.cash_adjust(Decimal(said["amount"]), said["reason"], market, owner)

    def restore_day(self) -> None:
        """Value what is held at the last marks, and let the day of the last record go on, if it is not over."""
        if self.day is None:
            return
        ts, said = self.day
        if isinstance(self.portfolio, KeptPortfolio):
            self.portfolio.day_said, self.portfolio.day_due = said, ts + DAY_RECORD_NS
        marks = [said["marks"].get(each.id) for each in self.portfolio.instruments]
        self.portfolio.mark(ts, marks)
        for ledger in (self.portfolio.account, *self.portfolio.ledgers):
            if ledger.name in said["lines"]:
                opened, peak = (
                    rescaled(int(text), said["digits"], ledger.digits) for text in said["lines"][ledger.name]
                )
                set_day(ledger, opened, max(peak, opened))

    def compare_grids(self, stated: dict[str, dict[str, str]]) -> None:
        """Ticks and lots must mean what they meant.

        Raises:
            RecallError: an instrument's grid is another one than when the journal was written.
        """
        for name, then in stated.items():
            market = self.markets.get(name)
            if market is None:
                continue
            now = grid(market.instrument)
            for key, value in then.items():
                if now[key] != value and not same_number(now[key], value):
                    raise RecallError(
                        f"{name}: the journal was written with {key} {value}, now it is {now[key]}; positions and "
                        "orders cannot be carried over: begin with another state folder"
                    )


def same_number(one: str, other: str) -> bool:
    """Whether two texts are one number, written in two ways."""
    try:
        return Decimal(one) == Decimal(other)
    except ArithmeticError:
        return False


def rescaled(atoms: int, before: int, now: int) -> int:
    """A sum counted with other digits than it was written with."""
    return int(atoms * 10**now // 10**before)


def recall(
    records: Iterable[Record],
    *,
    orders: OrderManager,
    portfolio: Portfolio,
    markets: Sequence[Market],
    seats: Iterable[Seat],
    now: int,
) -> Recalled:
    """Read a journal's records into a fresh order manager and portfolio; see the module's text.

    The portfolio must not write to the journal yet; the manager's recorder should, so that what the restart did to
    each order is in it with the next commit.

    Raises:
        RecallError: the config lacks an instrument or a strategy that the journal speaks of, or an instrument's grid
            is another one now.
    """
    memory = Memory(portfolio, markets, seats)
    for record in records:
        memory.read(record)
    return memory.settle(orders, now)
