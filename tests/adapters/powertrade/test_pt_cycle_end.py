"""The end of a cycle of ten minutes with a cancel and a fill in the same instant: one end, the right sum, no more."""

import itertools
from types import SimpleNamespace

import pytest
from pt_frames import ETH, T0, accepted, cancelled, execution
from test_pt_orders import logged_in, placed

from tickwright.engine.events import CancelRejected, OrderAccepted, OrderCanceled, OrderExecuted, OrderExpired
from tickwright.engine.market import Market
from tickwright.engine.order import approval, priced_order
from tickwright.engine.orders import OrderManager
from tickwright.engine.ports import Ledger
from tickwright.engine.records import Recorder
from tickwright.engine.terms import EXPIRED, FILLED
from tickwright.engine.times import SECOND

END = T0 + 600 * SECOND
ENDED = "order is no longer open and cannot be cancelled"
EXECUTED = "order has been fully executed and cannot be cancelled"
UNKNOWN = "exchange order_id or client_order_id not found in order cache"


class Wallet(Ledger):
    """Counts what is booked."""

    def __init__(self):
        self.lots = 0

    def book(self, order, fill):
        self.lots += order.side_code * fill.lots


def life(texts):
    """An order of 250 lots of which 100 are executed, a cancel on its way, and then what the venue says, twice over."""
    link = logged_in()
    placed(link)
    wallet = Wallet()
    manager = OrderManager(Recorder(), wallet)
    order = priced_order(Market(ETH, 0, SimpleNamespace()).book, "x-1", 1, 1, 250, 50000, None, None)
    manager.register(approval(order, T0), T0)
    manager.send_start(order, T0)
    ends = []
    for at, text in [(T0, accepted("x-1")), (T0, execution("x-1", "t1", "0.1"))]:
        apply(manager, order, link.receive(text, at), at)
    manager.cancel_req(order, END - 1)
    link.cancel("x-1", "9300001", order.cancel_id, END - 1)
    for text in [*texts, *texts]:
        was = order.state_code
        apply(manager, order, link.receive(text, END), END)
        if order.state_code >= FILLED and order.state_code != was:
            ends.append(order.state_code)
    sent = [text for text in link.outgoing(END + 30 * SECOND) if "new_order" in text]
    return order, wallet, ends, sent


def apply(manager, order, events, at):
    """What the core does with these reports."""
    for event in events:
        match event:
            case OrderAccepted():
                manager.ack(order, event.venue_order_id, at)
            case OrderExecuted():
                manager.fill(order, event.trade_id, event.lots, event.ticks, 1, int(event.liquidity), 0, at, at)
            case OrderExpired():
                manager.expire(order, event.stated_cum, at)
            case OrderCanceled():
                manager.cancel_ack(order, event.stated_cum, event.reason, at)
            case CancelRejected():
                number = event.request_id or order.cancel_id
                manager.cancel_rej(order, int(event.refusal), event.stated_cum, number, at)


@pytest.mark.parametrize(
    "answer", [cancelled("x-1", ENDED, "0.15"), cancelled("x-1", UNKNOWN)], ids=["ended", "unknown"]
)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_it_ends_once_as_expired_with_what_was_executed(answer, order):
    said = [execution("x-1", "t2", "0.05"), cancelled("x-1", "timeout", "0.15"), answer]
    found, wallet, ends, sent = life([said[place] for place in order])
    assert (found.state_code, found.cum, wallet.lots) == (EXPIRED, 150, 150)
    assert ends == [EXPIRED]
    assert sent == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
def test_a_fill_that_completes_it_in_that_instant_wins(order):
    said = [execution("x-1", "t2", "0.15", "filled"), cancelled("x-1", EXECUTED, "0.25")]
    found, wallet, ends, sent = life([said[place] for place in order])
    assert (found.state_code, found.cum, wallet.lots) == (FILLED, 250, 250)
    assert ends == [FILLED]
    assert sent == []
