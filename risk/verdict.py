"""The slow way to a verdict: gather every figure with unbounded integers, weigh all controls, put it in words.

`gather` reads the world into facts named like the evidence columns; `weigh` (in `risk/scales.py`) compares facts with
limits and knows nothing else, so that a row of the records weighs the same as the moment it was taken from.
"""

import json
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tickwright.engine.order import Denial, Order
from tickwright.engine.parent import Parent
from tickwright.engine.terms import LIVE, NO_TIME, OrderType
from tickwright.engine.times import as_text
from tickwright.risk import packages
from tickwright.risk.check import CHECK_ERROR, ask
from tickwright.risk.controls import CODE_CONTROL, NUMBER
from tickwright.risk.evidence import split
from tickwright.risk.finding import Finding
from tickwright.risk.hours import window
from tickwright.risk.kill import KILLED, KillMode
from tickwright.risk.limits import HUGE, Limits
from tickwright.risk.scales import weigh, weigh_leg
from tickwright.risk.state import Line, Rules

if TYPE_CHECKING:
    from tickwright.risk.floor import Floor
    from tickwright.risk.gate import RiskGate

ALLOW: Final = 2
CANCEL_OLD: Final = 1
CRITICAL: Final = 2
PLUGIN: Final = 100
"""The number of the first user check in the decisions."""

PICO: Final = 10**12


def judge(
    floor: "Floor",
    gate: "RiskGate",
    rules: Rules | None,
    order: Order,
    lots: int,
    added: int,
    ticks: int,
    now: int,
    action: int,
) -> Denial | None:
    """Weigh an order against everything; record and return the denial, or None where nothing stands against it."""
    gate.to_cancel.clear()
    if rules is None:
        text = f"market {order.market} is not known"
        found = [Finding("A5", "INSTRUMENT_UNKNOWN", False, None, None, "global", text)]
        return _deny(gate, order, found, {}, floor.columns, now, action)
    limits = floor.limits[rules.owner, rules.line.index]
    _reopen(rules, limits, now)
    facts = gather(floor, gate, rules, order, lots, added, ticks, now, action)
    found = [item for item in weigh(facts, limits) if not item.ok]
    if rules.line.market.legs and not any(item.control.startswith("A") for item in found):
        found += _legs(floor, rules, facts)
        found.sort(key=lambda item: NUMBER.get(item.control, PLUGIN))
    found = _unusual(floor, gate, rules, order, facts, found)
    if found and found[0].control.startswith("A"):
        return _deny(gate, order, found[:1], facts, floor.columns, now, action)
    lifted = floor.overrides.lifted(order.client_order_id, now)
    kept = [item for item in found if item.control not in lifted]
    if len(kept) < len(found):
        text = ", ".join(item.code for item in found if item.control in lifted)
        floor.recorder.note(1, f"order {order.client_order_id}: overridden: {text}", now)
    kept += _ask(floor, gate, order, facts, now)
    if kept:
        if any(item.control == "E4" for item in kept):
            floor.disable(order.strategy_index, next(item.text for item in kept if item.control == "E4"), now)
        return _deny(gate, order, kept, facts, floor.columns, now, action)
    row = split(facts, floor.columns)
    for i, value in enumerate(row):
        gate.evidence[i] = value
    return None


def _reopen(rules: Rules, limits: Limits, now: int) -> None:
    """Work out the session that the time lies in, so that the fast way has two numbers to compare."""
    if limits.sessions:
        rules.open_from, rules.open_until = window(limits.sessions, now)


def _deny(
    gate: "RiskGate",
    order: Order,
    found: list[Finding],
    facts: dict[str, int],
    columns: tuple[str, ...],
    now: int,
    action: int,
) -> Denial:
    gate.to_cancel.clear()
    first = found[0]
    codes = tuple(dict.fromkeys(item.code for item in found))
    denial = Denial(
        code=first.code, codes=codes, limit=first.limit, value=first.value, scope=first.scope, text=first.text
    )
    for i, value in enumerate(split(facts, columns)):
        gate.evidence[i] = value
    plain = {
        "code": denial.code,
        "codes": list(codes),
        "limit": _text(denial.limit),
        "value": _text(denial.value),
        "scope": denial.scope,
        "text": denial.text,
    }
    number = NUMBER.get(first.control, PLUGIN)
    gate.recorder.decision(order, number, action, gate.evidence, json.dumps(plain, separators=(",", ":")), now)
    return denial


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


# --- facts ----------------------------------------------------------------------------------------------------------


def gather(
    floor: "Floor",
    gate: "RiskGate",
    rules: Rules,
    order: Order,
    lots: int,
    added: int,
    ticks: int,
    now: int,
    action: int,
) -> dict[str, int]:
    """Every figure that a control looks at, by the name of its column; sums also as they were before the order."""
    floor.refresh(floor.lines)
    line = rules.line
    grows = action == 0 or added > 0 or (ticks - order.ticks) * order.side_code > 0
    facts = {
        "now": now,
        "action": action,
        "side": order.side_code,
        "type": order.type_code,
        "time_in_force": order.tif_code,
        "flags": order.post_only + 2 * order.reduce_only + 4 * order.has_price + 8 * grows,
        "lots": int(lots),
        "added": int(added),
        "ticks": int(ticks),
        "expire_ts": order.expire_ts,
        "executed": int(order.cum),
        "state": rules.state,
    }
    facts |= _holdings(rules, line)
    facts |= _system(gate, rules, order, now)
    facts |= _market(gate, rules, order, facts, now)
    extras = packages.extras_of(rules, order.side_code, int(added))
    facts |= _purse(floor, rules, extras, int(ticks))
    facts |= _sums(floor, rules, extras, now)
    facts |= _pace(rules, now)
    facts |= _kin(gate, rules, order, int(lots), int(ticks), now, action)
    facts |= _losses(floor, order)
    return facts


def _holdings(rules: Rules, line: Line) -> dict[str, int]:
    account, own = line.working, rules.working
    return {
        "position": int(line.position.lots),
        "buys": int(account.buy_lots),
        "sells": int(account.sell_lots),
        "own_position": int(rules.position.lots),
        "own_buys": int(own.buy_lots),
        "own_sells": int(own.sell_lots),
        "open_orders": account.open_orders,
        "own_open_orders": own.open_orders,
        "venue_open_orders": sum(item.working.open_orders for item in line.venue.lines),
        "venue_own_open_orders": sum(item.working.open_orders for item in rules.crew),
        "venue_unknown_orders": sum(item.working.unknown_orders for item in line.venue.lines),
        "holding": int(line.holding),
    }


def _system(gate: "RiskGate", rules: Rules, order: Order, now: int) -> dict[str, int]:
    venue = rules.line.venue
    return {
        "venue_flags": int(venue.up) + 2 * int(venue.reconciled) + 4 * int(gate.journal_ok),
        "link_age": 0 if venue.heard_ts == NO_TIME else now - venue.heard_ts,
        "clock_offset": venue.clock_offset_ns,
        "intent_age": now - order.created_ts,
        "loop_lag": gate.loop_lag_ns,
        "queue": gate.queue_depth,
        "journal_lag": gate.journal_lag_ns,
        "journal_free_mb": gate.journal_free_mb,
        "backoff_until": venue.backoff_until,
    }


def _market(gate: "RiskGate", rules: Rules, order: Order, facts: dict[str, int], now: int) -> dict[str, int]:
    """The book, the reference, and what an order that takes would find."""
    market = rules.line.market
    book = market.book
    live = book.health_code == LIVE
    found = {
        "health": book.health_code,
        "bid": int(book.bid_ticks()) if book.bids.n else 0,
        "ask": int(book.ask_ticks()) if book.asks.n else 0,
        "reference2": int(market.double_reference()),
        "median2": int(rules.window.median),
        "data_age": 0 if rules.line.venue.quiet_books else now - book.ts,
        "paused_until": rules.calm.paused_until,
        "moved": int(rules.calm.value),
        "taken": 0,
        "paid": 0,
        "untaken": 0,
        "gross_reference2": 0,
    }
    if market.legs:
        found["gross_reference2"] = int(market.gross_reference())
    elif live and not order.post_only:
        found |= _walk(gate, rules, order, facts)
    return found


def _walk(gate: "RiskGate", rules: Rules, order: Order, facts: dict[str, int]) -> dict[str, int]:
    """Take the visible book level by level, up to the order's price (no price: all of it)."""
    side = order.side_code
    rest = facts["lots"] - facts["executed"]
    ticks = facts["ticks"]
    open_ended = order.type_code == OrderType.MARKET and ticks <= 0
    taken = paid = 0
    for price, size in gate.opposite(rules, side, rest):
        if not open_ended and (price - ticks) * side > 0:
            break
        part = min(rest, size)
        taken += part
        paid += part * price
        rest -= part
    return {"taken": taken, "paid": paid, "untaken": max(rest, 0) if open_ended else 0}


def _purse(floor: "Floor", rules: Rules, extras: packages.Extras, ticks: int) -> dict[str, int]:
    """What the purse needs with the order and without it."""
    own = rules.line
    need = before = 0
    takes = packages.needs(floor, rules)
    for line in own.purse.lines:
        held = int(line.position.lots)
        buys, sells = int(line.working.buy_lots), int(line.working.sell_lots)
        bought, sold = extras.get(line.index, (0, 0))
        if not (held or buys or sells or bought or sold):
            continue
        reference = int(line.market.double_reference()) or int(line.seen)
        price = int(reference)
        dear = max(price, 2 * ticks) if line is own else price
        coefficient = takes[line.index] if bought or sold else int(line.need)
        if line.spot:
            plain = int(line.need) * price * buys
            before += plain
            need += plain + coefficient * dear * bought
            continue
        worst = max(held + buys, sells - held)
        with_order = max(held + buys + bought, sells - held + sold)
        if line.inverse:
            before += -(-worst * int(line.need) // price) if price > 0 else 0
            need += -(-with_order * coefficient // price) if price > 0 else 0
        else:
            before += int(line.need) * price * worst
            need += coefficient * price * with_order
    return {"need": need, "need_before": before, "cash": int(own.purse.cash), "purse_grain": int(own.purse.grain)}


def _sums(floor: "Floor", rules: Rules, extras: packages.Extras, now: int) -> dict[str, int]:
    """Every aggregate over each scope that limits it, with the order and before it."""
    found: dict[str, int] = {}
    for tally in rules.tallies:
        tally.drop(now)
        totals = [[0, 0, 0, 0], [0, 0, 0, 0]]
        unknown = fresh = 0
        for member in tally.members:
            line = member.line
            held = int(member.position.lots)
            buys, sells = int(member.working.buy_lots), int(member.working.sell_lots)
            own = line.index in extras
            if not (held or buys or sells or own):
                continue
            price = int(line.price())
            if price <= 0 or line.weight < 0:
                unknown += 1
                continue
            unit = int(line.weight) * price
            fresh_lots = extras.get(line.index, (0, 0))
            for total, (bought, sold) in zip(totals, ((0, 0), fresh_lots), strict=True):
                high = held + buys + bought
                low = held - sells - sold
                total[0] += unit * max(high, -low)
                total[1] += unit * high
                total[2] += unit * low
                total[3] += unit * (buys + sells + bought + sold)
            fresh += unit * sum(fresh_lots)
        before, after = totals
        found |= {
            f"{tally.kind}_gross": after[0],
            f"{tally.kind}_net": max(after[1], -after[2]),
            f"{tally.kind}_open": after[3],
            f"{tally.kind}_traded": int(tally.traded) + fresh,
            f"{tally.kind}_gross_before": before[0],
            f"{tally.kind}_net_before": max(before[1], -before[2]),
            f"{tally.kind}_open_before": before[3],
            f"{tally.kind}_traded_before": int(tally.traded),
            f"{tally.kind}_unvalued": unknown,
        }
    return found


def _pace(rules: Rules, now: int) -> dict[str, int]:
    desk = rules.desk
    limits = rules.pace_windows
    while desk.repeats and desk.repeats[0] <= now - limits[0]:
        desk.repeats.popleft()
    while desk.rejects and desk.rejects[0] <= now - limits[1]:
        desk.rejects.popleft()
    return {
        "order_tokens": min((bucket.refill(now) for bucket in rules.buckets), default=HUGE - 1),
        "message_tokens": min((item.refill(now) - item.reserve for item in rules.message_buckets), default=HUGE - 1),
        "repeats": len(desk.repeats),
        "took": int(desk.took),
        "rejects": len(desk.rejects),
        "messages": desk.messages,
        "fills": desk.fills,
        "enabled": int(desk.enabled),
    }


def _kin(gate: "RiskGate", rules: Rules, order: Order, lots: int, ticks: int, now: int, action: int) -> dict[str, int]:
    """Own working orders that this one repeats or would meet, and the parent it belongs to."""
    side = order.side_code
    age, meets = -1, 0
    for other in gate.peers(rules):
        if other is order:
            continue
        if other.side_code == side:
            same = (other.lots, other.ticks, other.type_code) == (lots, ticks, order.type_code)
            young = now - other.created_ts < rules.duplicate_ns
            if same and young and action == 0 and other.strategy_index == order.strategy_index and _stays(other):
                age = now - other.created_ts if age < 0 else min(age, now - other.created_ts)
        elif rules.self_match != ALLOW and _meets(other, order, ticks):
            meets += 1
    used = limit = 0
    parent = order.parent
    if isinstance(parent, Parent):
        limit = int(parent.lots)
        used = sum(int(item.cum) + int(item.worst_lots()) for item in parent.children if item is not order) + lots
    return {"duplicate_age": age, "self_match": meets, "parent_used": used, "parent_lots": limit}


def _stays(other: Order) -> bool:
    """Live, and nobody has asked for its end."""
    return not (other.terminal or other.cancel_outstanding or other.cancel_wanted)


def _meets(other: Order, order: Order, ticks: int) -> bool:
    if other.terminal:
        return False
    if (ticks <= 0 and not order.has_price) or (other.ticks <= 0 and not other.has_price):
        return True
    nearest = int(other.ticks)
    if other.replace_lots >= 0 and (nearest - other.replace_ticks) * order.side_code > 0:
        nearest = int(other.replace_ticks)
    return (ticks - nearest) * order.side_code >= 0


def _losses(floor: "Floor", order: Order) -> dict[str, int]:
    found: dict[str, int] = {}
    for loss in floor.losses:
        if loss.index in (-1, order.strategy_index):
            name = {"F1": "loss", "F2": "own_loss", "F3": "drawdown"}[loss.control]
            value = int(loss.value * PICO)
            found[name] = max(found.get(name, value), value)
    return found


def _legs(floor: "Floor", rules: Rules, facts: dict[str, int]) -> list[Finding]:
    """What stands against an order in a package because of its legs: C3, C4 and C12 in each."""
    found = []
    for leg in rules.line.market.legs:
        own = packages.rules_of(floor, rules, leg)
        lots = facts["added"] * abs(leg.lots)
        side = facts["side"] if leg.lots > 0 else -facts["side"]
        told = {**facts, **_holdings(own, own.line), "side": side, "added": lots, "lots": lots}
        found += [item for item in weigh_leg(told, floor.limits[own.owner, own.line.index]) if not item.ok]
    return found


# --- what facts do not say -------------------------------------------------------------------------------------------


def _unusual(
    floor: "Floor", gate: "RiskGate", rules: Rules, order: Order, facts: dict[str, int], found: list[Finding]
) -> list[Finding]:
    """What is known beside the figures: a malformed intent, a used id, a latch's reason, old orders to cancel."""
    if order.malformed:
        control = CODE_CONTROL.get(order.malformed, "A1")
        return [Finding(control, order.malformed, False, None, None, "global", order.reason or order.malformed)]
    if found and found[0].control.startswith("A"):
        return found
    kept = []
    for item in found:
        if item.control == "B4":
            if _exit(floor, rules, order):
                continue
            latch = floor.kill.covering(rules.desk.name, rules.line.market.instrument.id, rules.line.venue.name)[0]
            text = f"a kill is latched for {latch.label} since {as_text(latch.ts)}: {latch.reason}"
            item = Finding("B4", item.code, False, None, None, latch.label, text)
        elif item.control == "B13":
            text = f"strategy {rules.desk.name} is disabled: {rules.desk.reason}"
            item = Finding("B13", item.code, False, None, None, f"strategy {rules.desk.name}", text)
        elif item.control == "D10" and rules.self_match == CANCEL_OLD:
            old = (other for other in gate.peers(rules) if other.side_code != order.side_code)
            gate.to_cancel.extend(other for other in old if other is not order and _meets(other, order, facts["ticks"]))
            continue
        kept.append(item)
    return kept


def _exit(floor: "Floor", rules: Rules, order: Order) -> bool:
    """Whether this is the core's own way out under a FLATTEN."""
    if rules.state != KILLED or not order.reduce_only or order.client_order_id not in floor.kill.exits:
        return False
    latches = floor.kill.covering(rules.desk.name, rules.line.market.instrument.id, rules.line.venue.name)
    return any(latch.mode is KillMode.FLATTEN for latch in latches)


def _ask(floor: "Floor", gate: "RiskGate", order: Order, facts: dict[str, int], now: int) -> list[Finding]:
    """The user's own checks, after all of ours; they see the figures and cannot change them."""
    found = []
    view = MappingProxyType(facts)
    for check in gate.checks:
        said = ask(check, order, view)
        if said is not None:
            found.append(said)
            if said.code == CHECK_ERROR:
                floor.recorder.note(CRITICAL, f"order {order.client_order_id}: {said.text}", now)
    return found
