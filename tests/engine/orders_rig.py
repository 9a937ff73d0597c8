"""A manager with a plain wallet and a plain log around it, and every context and event of the order tables."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

from tickwright.engine import marks as m
from tickwright.engine.instrument import Instrument
from tickwright.engine.market import Market
from tickwright.engine.order import Denial, Fill, Order, Working, approval, priced_order
from tickwright.engine.orders import OrderManager
from tickwright.engine.ports import Ledger
from tickwright.engine.reconcile import Reconciler, VenueTrade, VenueView
from tickwright.engine.records import Recorder
from tickwright.engine.strangers import Strangers
from tickwright.engine.terms import CANCELED, FILLED, Cause, OrderEvent, OrderState, Refusal

SECOND = 1_000_000_000
QTY = 10
PRICE = 100
INSTRUMENT = Instrument(id="ABC.XYZ", tick_size=Decimal("0.5"), lot_size=Decimal("0.1"), quote="USD", base="ABC")
MARKET = Market(INSTRUMENT, 0, SimpleNamespace())
SHORT = {
    "PS": OrderState.PENDING_SEND,
    "PN": OrderState.PENDING_NEW,
    "OP": OrderState.OPEN,
    "PF": OrderState.PARTIALLY_FILLED,
    "PC": OrderState.PENDING_CANCEL,
    "PR": OrderState.PENDING_REPLACE,
    "UN": OrderState.UNKNOWN,
    "FI": OrderState.FILLED,
    "CA": OrderState.CANCELED,
    "RJ": OrderState.REJECTED,
    "EX": OrderState.EXPIRED,
    "DN": OrderState.DENIED,
    "FA": OrderState.FAILED,
}
LETTERS = {
    "!": m.CRIT,
    "!!": m.CRIT | m.HALT,
    "q": m.QUERY,
    "c": m.SEND_CANCEL,
    "r": m.SEND_REPLACE,
    "t": m.RETRY_CANCEL,
    "d": m.REFUSED,
}
TABLE_MARKS = m.CRIT | m.HALT | m.QUERY | m.SEND_CANCEL | m.SEND_REPLACE | m.RETRY_CANCEL | m.REFUSED


class Wallet(Ledger):
    """Position and money as the ledger's calls move them."""

    def __init__(self) -> None:
        self.position = 0
        self.cash = 0

    def book(self, order: Order, fill: Fill) -> None:
        self.position += order.side_code * fill.lots
        self.cash -= order.side_code * fill.lots * fill.ticks

    def take_back(self, order: Order, fill: Fill) -> None:
        self.position -= order.side_code * fill.lots
        self.cash += order.side_code * fill.lots * fill.ticks

    def correct(self, order: Order, lots: int, old_ticks: int, new_ticks: int) -> None:
        self.cash -= order.side_code * lots * (new_ticks - old_ticks)


class Log(Recorder):
    """Keeps rows as tuples, without the blocks of the real recorder."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, OrderEvent, OrderState]] = []
        self.fill_rows: list[tuple[str, int, int, int]] = []
        self.note_rows: list[tuple[int, str]] = []

    def order(self, order: Order, event: int, ts: int) -> None:
        self.rows.append((order.client_order_id, order.reason, OrderEvent(event), order.state))

    def fill(self, fill: Fill, side: int, ts: int) -> None:
        self.fill_rows.append((fill.trade_id, side, fill.lots, fill.ticks))

    def note(self, severity: int, text: str, ts: int) -> None:
        self.note_rows.append((severity, text))


class Rig:
    """One manager and one order of 10 lots at 100 ticks, and a clock that moves by seconds."""

    def __init__(self, side: int = 1, trade_query: bool = True) -> None:
        self.log = Log()
        self.wallet = Wallet()
        self.manager = OrderManager(self.log, self.wallet)
        self.reconciler = Reconciler(self.manager, trade_query=trade_query)
        self.strangers = Strangers(self.manager, "bt")
        self.seat = Working()
        self.account = Working()
        self.ts = SECOND
        self.trades = 0
        self.sends = 0
        self.again: Callable[[], int] = lambda: 0
        self.order = self.new_order("bt-1", 1, side)

    def new_order(self, name: str, number: int, side: int = 1) -> Order:
        return priced_order(MARKET.book, name, number, side, QTY, PRICE, self.seat, self.account)

    def tick(self, seconds: int = 1) -> int:
        self.ts += seconds * SECOND
        return self.ts

    # --- what the tests say in one word -----------------------------------------------------------------------------

    def fill(self, lots: int, trade_id: str | None = None, ticks: int = PRICE) -> int:
        self.trades += 1
        name = f"x{self.trades}" if trade_id is None else trade_id
        order = self.order
        return self.told(lambda: self.manager.fill(order, name, lots, ticks, order.side_code, 0, 7, 0, self.tick()))

    def told(self, message: Callable[[], int]) -> int:
        """Something comes from outside; `again` tells the very same a second time."""
        self.again = message
        return message()

    def cancel_rej(self, kind: int, stated: int = -1) -> int:
        request = self.order.cancel_id
        return self.told(lambda: self.manager.cancel_rej(self.order, kind, stated, request, self.tick()))

    def replace_rej(self, kind: int, stated: int = -1) -> int:
        request = self.order.request_id
        return self.told(lambda: self.manager.replace_rej(self.order, kind, stated, request, self.tick()))

    def replaced(self, lots: int) -> int:
        request = self.order.request_id
        return self.told(lambda: self.manager.replaced(self.order, lots, PRICE, request, self.tick()))

    def view(self, cum: int | None = None, lots: int | None = None, **more: object) -> VenueView:
        """A venue's answer that was asked for long after the order's last event."""
        order = self.order
        self.tick(10)
        return VenueView(
            cum=order.cum if cum is None else cum,
            lots=order.lots if lots is None else lots,
            asked_ts=self.ts - SECOND,
            **more,  # type: ignore[arg-type]
        )

    def recon_live(self) -> int:
        view = self.view()
        return self.told(lambda: self.reconciler.recon_live(self.order, view, self.tick()))

    def recon_done(self) -> int:
        view = self.view()
        return self.told(lambda: self.reconciler.recon_done(self.order, CANCELED, view, self.tick()))

    def recon_filled(self) -> int:
        order = self.order
        missing = order.lots - order.cum
        self.trades += 1
        trades = (VenueTrade(trade_id=f"r{self.trades}", lots=missing, ticks=PRICE),) if missing > 0 else ()
        view = self.view(max(order.lots, order.cum), trades=trades)
        return self.told(lambda: self.reconciler.recon_done(order, FILLED, view, self.tick()))

    def not_found(self) -> int:
        asked = self.tick(10) - SECOND
        return self.told(lambda: self.reconciler.recon_not_found(self.order, asked, self.tick()))

    def register(self) -> int:
        return self.manager.register(approval(self.order, self.ts), self.tick())

    def send(self) -> int:
        before = self.order.sent
        marks = self.manager.send_start(self.order, self.tick())
        self.sends += self.order.sent and not before and not marks & m.CRIT
        return marks

    def deny(self) -> int:
        denial = Denial(code="MAX_POSITION", codes=("MAX_POSITION",), limit=None, value=None, scope="global", text="no")
        return self.manager.deny(self.order, denial, self.tick())

    def bust(self) -> int:
        return self.told(lambda: self.manager.bust(self.order, "t1", self.tick()))

    def facts(self) -> tuple[object, ...]:
        """All that an event may change."""
        order = self.order
        return (
            (order.state_code, order.cause_code, order.cum, order.lots, order.ticks, order.value, order.trades),
            (order.acked, order.sent, order.cancel_outstanding, order.cancel_wanted, order.cancel_id),
            (order.replace_lots, order.expected_cum, order.expected_stated, order.ending_code, order.settled_cum),
            (self.wallet.position, self.wallet.cash, self.account.buy_lots, self.account.sell_lots),
        )

    def check(self, told: object = "") -> None:
        """What must hold after every event, whatever it was; `told` says what had happened."""
        order = self.order
        side = order.side_code
        booked = order.trades.values()
        assert order.cum == sum(lots for lots, _, _ in booked) == side * self.wallet.position
        assert order.value == sum(lots * ticks for lots, ticks, _ in booked) == -side * self.wallet.cash
        assert self.sends <= 1
        assert order.terminal == order.state.terminal
        if order.terminal:
            assert order.leaves_lots == order.worst_lots() == 0
        if order.cum > 0 and order.cause is not Cause.CONTRADICTION:
            complete = order.cum >= max(order.lots, order.replace_lots)
            assert not complete or order.state is OrderState.FILLED, told
        assert order.state is not OrderState.FILLED or order.cum >= order.lots
        worst = order.worst_lots()
        for working in (self.seat, self.account):
            assert (working.buy_lots, working.sell_lots) == ((worst, 0) if side > 0 else (0, worst))
            assert working.open_orders == len(working.orders) == order.is_open
            assert working.unknown_orders == (order.state is OrderState.UNKNOWN)


def on(name: str, *args: object) -> Callable[[Rig], int]:
    """The manager's method of that name as an event."""
    return lambda rig: rig.told(lambda: getattr(rig.manager, name)(rig.order, *args, rig.tick()))


def part(rig: Rig) -> int:
    return rig.fill(1)


def full(rig: Rig) -> int:
    return rig.fill(max(1, rig.order.lots - rig.order.cum))


def over(rig: Rig) -> int:
    most = max(rig.order.lots, rig.order.replace_lots)
    return rig.fill(max(most - rig.order.cum, 0) + 3)


EVENTS: dict[str, Callable[[Rig], int]] = {
    "SEND_START": Rig.send,
    "SEND_ABORT": on("send_abort"),
    "SEND_ERROR": on("send_error"),
    "CANCEL_REQ": on("cancel_req"),
    "REPLACE_REQ/12": on("replace_req", 12, PRICE),
    "ACK_TIMEOUT": on("ack_timeout"),
    "CANCEL_TIMEOUT": on("cancel_timeout"),
    "REPLACE_TIMEOUT": on("replace_timeout"),
    "DISCONNECT": on("disconnect"),
    "RESTART": on("restart"),
    "ACK": on("ack", "v1"),
    "REJECT": on("reject", "no"),
    "REJECT_DUP": on("reject_dup"),
    "FILLp": part,
    "FILLf": full,
    "FILLo": over,
    "CANCEL_ACK": on("cancel_ack", -1, ""),
    "EXPIRE": on("expire", -1),
    "BUSTa": Rig.bust,
    "CANCEL_REJ/TOO_LATE": lambda rig: rig.cancel_rej(Refusal.TOO_LATE),
    "CANCEL_REJ/UNKNOWN_ORDER": lambda rig: rig.cancel_rej(Refusal.UNKNOWN_ORDER),
    "CANCEL_REJ/TRANSIENT": lambda rig: rig.cancel_rej(Refusal.TRANSIENT),
    "CANCEL_REJ/OTHER": lambda rig: rig.cancel_rej(Refusal.OTHER),
    "REPLACED/15": lambda rig: rig.replaced(15),
    "REPLACED/6": lambda rig: rig.replaced(6),
    "REPLACE_REJ/TOO_LATE": lambda rig: rig.replace_rej(Refusal.TOO_LATE),
    "REPLACE_REJ/UNKNOWN_ORDER": lambda rig: rig.replace_rej(Refusal.UNKNOWN_ORDER),
    "REPLACE_REJ/OTHER": lambda rig: rig.replace_rej(Refusal.OTHER),
    "RECON_LIVE": Rig.recon_live,
    "RECON_DONEc": Rig.recon_done,
    "RECON_DONEf": Rig.recon_filled,
    "RECON_NOT_FOUND": Rig.not_found,
    "RECON_INCONCLUSIVE": lambda rig: rig.reconciler.recon_inconclusive(rig.order, rig.tick()),
}


def sent(rig: Rig) -> None:
    rig.register()
    rig.send()


def opened(rig: Rig) -> None:
    sent(rig)
    rig.manager.ack(rig.order, "v1", rig.tick())


def part_filled(rig: Rig) -> None:
    opened(rig)
    rig.fill(4, "t1")


def then(build: Callable[[Rig], object], *events: Callable[[Rig], int]) -> Callable[[Rig], None]:
    """A context: another one, and more events after it."""

    def run(rig: Rig) -> None:
        build(rig)
        for event in events:
            event(rig)

    return run


CANCEL = on("cancel_req")
MORE = on("replace_req", 15, PRICE)
LESS = on("replace_req", 6, PRICE)

CONTEXTS: dict[str, tuple[Callable[[Rig], object], ...]] = {
    "PS": (Rig.register,),
    "PN": (sent,),
    "OP": (opened,),
    "PF": (part_filled,),
    "PC0": (then(sent, CANCEL),),
    "PC": (then(part_filled, CANCEL),),
    "PR+": (then(part_filled, MORE),),
    "PR-": (then(part_filled, LESS),),
    "UNa": (then(sent, on("ack_timeout")), then(sent, on("send_error"))),
    "UNd": (then(sent, on("reject_dup")),),
    "UNc": (then(part_filled, CANCEL, on("cancel_timeout")),),
    "UNr": (then(part_filled, MORE, on("replace_timeout")),),
    "UNs": (then(part_filled, on("disconnect")), then(part_filled, on("restart"))),
    "UNf": (then(part_filled, CANCEL, EVENTS["CANCEL_REJ/TOO_LATE"]),),
    "UNx": (then(part_filled, on("reject", "no")),),
    "FI": (then(opened, lambda rig: rig.fill(10, "t1")),),
    "CA": (then(part_filled, CANCEL, on("cancel_ack", -1, "")), then(part_filled, on("cancel_ack", 4, "sweep"))),
    "CAl": (then(Rig.register, CANCEL),),
    "RJ": (then(sent, on("reject", "no")),),
    "EX": (then(part_filled, on("expire", -1)),),
    "DN": (Rig.deny,),
    "FA": (then(Rig.register, on("send_abort")), then(Rig.register, on("disconnect"))),
    "FAn": (then(sent, on("ack_timeout"), Rig.not_found),),
}


def build(context: str, variant: int = 0) -> Rig:
    """A fresh rig whose order stands in a context of the tables."""
    rig = Rig()
    CONTEXTS[context][variant](rig)
    return rig


def cells() -> list[tuple[str, str, str]]:
    """Every cell of the tables: context, event, outcome."""
    out: list[tuple[str, str, str]] = []
    head: list[str] = []
    for line in (Path(__file__).parent / "data" / "order_transitions.txt").read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        words = line.split()
        if words[0] == "from":
            head = words[1:]
            continue
        out += [(words[0], event, cell) for event, cell in zip(head, words[1:], strict=True)]
    return out
