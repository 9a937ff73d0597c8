"""An order as plain values that can be written down, and an order made of such values again.

What is at its default is left out, so that most events of most orders are a few words. States, causes and events are
said by name. Three things are said only where they are needed: an order's terms, at its first event; its executions,
where they are not simply those booked one by one; and both again where an order that was over comes back in doubt, so
that whoever reads need not remember everything that is over.
"""

from typing import Any

from tickwright.engine.inferring import Interval
from tickwright.engine.ledger import Ledger
from tickwright.engine.marks import CONTRADICTION, E_ADOPT, E_DENIED, E_INTENT
from tickwright.engine.order import Fill, Order, Working
from tickwright.engine.orders import OrderManager
from tickwright.engine.terms import FILLED, Cause, Liquidity, OrderEvent, OrderState, OrderType, Side, TimeInForce

EVENTS = tuple(each.name for each in OrderEvent)
STATES = tuple(each.name for each in OrderState)
CAUSES = tuple(each.name for each in Cause)
TYPES = tuple(each.name for each in OrderType)
LIFETIMES = tuple(each.name for each in TimeInForce)
LIQUIDITIES = tuple(each.name for each in Liquidity)

Said = dict[str, Any]


def facts(order: Order, event: int, whole: bool) -> Said:
    """The order after an event; `whole` lists its executions."""
    said: Said = {"id": order.client_order_id, "event": EVENTS[event], "state": STATES[order.state_code]}
    contradicted = order.cause_code == CONTRADICTION
    if order.cause_code:
        said["cause"] = CAUSES[order.cause_code]
    said["lots"] = order.lots
    said["ticks"] = order.ticks
    if order.cum:
        said["cum"] = order.cum
        said["value"] = str(order.value)
    if order.venue_order_id:
        said["venue_order_id"] = order.venue_order_id
    say_flags(order, said)
    say_requests(order, said)
    if order.sent_ts:
        said["sent_ts"] = order.sent_ts
    if order.heard_ts != order.updated_ts:
        said["heard_ts"] = order.heard_ts
    if order.code:
        said["code"] = order.code
    if order.reason:
        said["reason"] = order.reason
    if event in (E_INTENT, E_DENIED, E_ADOPT) or contradicted:
        said["terms"] = terms(order)
    if order.busted is not None:
        said["busted"] = sorted(order.busted)
    if order.held is not None:
        said["held"] = order.held
    if order.inferred is not None:
        said["inferred"] = [
            (each.trade_id, each.cum_from, each.cum_to, each.as_of, each.open_lots) for each in order.inferred
        ]
    if whole or contradicted or order.inferred is not None:
        said["fills"] = [execution(fill) for fill in (order.fills or {}).values()]
    return said


def say_flags(order: Order, said: Said) -> None:
    if order.acked:
        said["acked"] = True
    if order.sent:
        said["sent"] = True
    if order.local:
        said["local"] = True
    if order.cancel_outstanding:
        said["cancel_outstanding"] = True
    if order.cancel_wanted:
        said["cancel_wanted"] = True
    if order.settled_cum:
        said["settled_cum"] = True
    if order.expected_cum >= 0:
        said["expected_cum"] = order.expected_cum
        said["expected_stated"] = order.expected_stated
        said["expected_ts"] = order.expected_ts
    if order.ending_code:
        said["ending"] = STATES[order.ending_code]


def say_requests(order: Order, said: Said) -> None:
    if order.requests:
        said["requests"] = order.requests
        said["cancel_id"] = order.cancel_id
        said["cancel_ts"] = order.cancel_ts
        said["request_id"] = order.request_id
        said["replaced_id"] = order.replaced_id
        said["replace_lots"] = order.replace_lots
        said["replace_ticks"] = order.replace_ticks
        said["replace_ts"] = order.replace_ts


def terms(order: Order) -> Said:
    """What an order was asked to be, and by whom."""
    said: Said = {
        "number": order.number,
        "instrument": order.instrument.id,
        "strategy": order.strategy,
        "side": "BUY" if order.side_code > 0 else "SELL",
        "type": TYPES[order.type_code],
        "time_in_force": LIFETIMES[order.tif_code],
        "has_price": order.has_price,
        "created_ts": order.created_ts,
    }
    if order.post_only:
        said["post_only"] = True
    if order.reduce_only:
        said["reduce_only"] = True
    if order.expire_ts:
        said["expire_ts"] = order.expire_ts
    if order.parent is not None:
        said["parent"] = order.parent.name
        said["parent_lots"] = order.parent.lots
    if order.tag:
        said["tag"] = order.tag
    if order.replaces:
        said["replaces"] = order.replaces
    if order.external:
        said["external"] = True
    return said


def execution(fill: Fill) -> Said:
    """One execution."""
    said: Said = {
        "trade_id": fill.trade_id,
        "lots": fill.lots,
        "ticks": fill.ticks,
        "liquidity": LIQUIDITIES[fill.liquidity_code],
        "ts": fill.ts,
    }
    if fill.cause:
        said["cause"] = fill.cause
    if fill.recovered:
        said["recovered"] = True
    if fill.inferred:
        said["inferred"] = True
    return said


# --- and back ---------------------------------------------------------------------------------------------------------


def take_terms(order: Order, said: Said, strategy_index: int, working: Working | None, account: Working) -> None:
    """Give a bare order its terms, its owner and the sums it counts in; its seat and parent are `sit`'s."""
    order.strategy = said["strategy"]
    order.strategy_index = strategy_index
    order.working = working
    order.account_working = account
    order.side_code = Side[said["side"]]
    order.type_code = OrderType[said["type"]]
    order.tif_code = TimeInForce[said["time_in_force"]]
    order.has_price = said["has_price"]
    order.created_ts = said["created_ts"]
    order.post_only = said.get("post_only", False)
    order.reduce_only = said.get("reduce_only", False)
    order.expire_ts = said.get("expire_ts", 0)
    order.tag = said.get("tag", "")
    order.replaces = said.get("replaces", "")
    order.external = said.get("external", False)


def sit(order: Order, seat: Any, parent: Any) -> None:
    """The strategy's seat, and the parent order that this one is a child of."""
    order.seat = seat
    order.parent = parent


def take_facts(order: Order, said: Said, ts: int) -> None:
    """Let an order be as it was after an event at `ts`."""
    order.state_code = OrderState[said["state"]]
    order.cause_code = Cause[said.get("cause", "NONE")]
    order.lots = said["lots"]
    order.ticks = said["ticks"]
    order.cum = said.get("cum", 0)
    order.value = int(said.get("value", "0"))
    order.venue_order_id = said.get("venue_order_id", "")
    order.acked = said.get("acked", False)
    order.sent = said.get("sent", False)
    order.local = said.get("local", False)
    order.cancel_outstanding = said.get("cancel_outstanding", False)
    order.cancel_wanted = said.get("cancel_wanted", False)
    order.settled_cum = said.get("settled_cum", False)
    order.expected_cum = said.get("expected_cum", -1)
    order.expected_stated = said.get("expected_stated", False)
    order.expected_ts = said.get("expected_ts", 0)
    order.ending_code = OrderState[said["ending"]] if "ending" in said else 0
    order.requests = said.get("requests", 0)
    order.cancel_id = said.get("cancel_id", 0)
    order.cancel_ts = said.get("cancel_ts", 0)
    order.request_id = said.get("request_id", 0)
    order.replaced_id = said.get("replaced_id", 0)
    order.replace_lots = said.get("replace_lots", -1)
    order.replace_ticks = said.get("replace_ticks", 0)
    order.replace_ts = said.get("replace_ts", 0)
    order.sent_ts = said.get("sent_ts", 0)
    order.heard_ts = said.get("heard_ts", ts)
    order.updated_ts = ts
    order.code = said.get("code", "")
    order.reason = said.get("reason", "")


def take_fills(order: Order, said: Said, fills: list[Said]) -> None:
    """The executions of an order: those booked, taken back, inferred, and held until the venue's sum is known."""
    order.fills = {}
    for each in fills:
        order.fills[each["trade_id"]] = revived(order, each)
    if not fills and "fills" not in said:
        order.fills = None
    order.busted = set(said["busted"]) if "busted" in said else None
    order.held = [tuple(each) for each in said["held"]] if "held" in said else None
    if "inferred" in said:
        order.inferred = []
        for trade_id, cum_from, cum_to, as_of, open_lots in said["inferred"]:
            interval = Interval(trade_id, cum_from, cum_to, as_of)
            interval.open_lots = open_lots
            order.inferred.append(interval)


def revived(order: Order, said: Said) -> Fill:
    fill = Fill.__new__(Fill)
    fill.order = order
    fill.trade_id = said["trade_id"]
    fill.lots = said["lots"]
    fill.ticks = said["ticks"]
    fill.liquidity_code = Liquidity[said["liquidity"]]
    fill.ts = said["ts"]
    fill.cause = said.get("cause", 0)
    fill.recovered = said.get("recovered", False)
    fill.inferred = said.get("inferred", False)
    return fill


def fill_of(order: Order, trade_id: str) -> Fill | None:
    """One of an order's executions, if it has it."""
    return order.fills.get(trade_id) if order.fills is not None else None


def take_in(manager: OrderManager, order: Order) -> None:
    """Put an order into a manager's books as it is, and count it; nothing is written."""
    manager.by_id[order.client_order_id] = order
    if order.venue_order_id:
        manager.fresh_ids.append(order)
    if order.state_code < FILLED:
        manager.count(order)


def day_of(ledger: Ledger) -> tuple[int, int]:
    """Total at which the UTC day began, and the day's peak."""
    return ledger.opened, ledger.peak


def set_day(ledger: Ledger, opened: int, peak: int) -> None:
    """Let a day go on that an earlier process began."""
    ledger.opened = opened
    ledger.peak = peak
