"""What the journal says of a run, read into a fresh one, against what the run itself knew at its end (V6)."""

from typing import Any

from tickwright.build import join_core
from tickwright.engine.journal_reading import open_reading, picked
from tickwright.engine.order import Order
from tickwright.engine.recall import recall
from tickwright.engine.scribe import KeptPortfolio
from tickwright.engine.terms import FILLED
from tickwright.plugins import load_strategies
from tickwright.taking_over import held


def check_recall(stack: Any) -> None:
    """Raises AssertionError where the journal gives back something else. The run must have ended."""
    broken = list(recalled(stack))
    assert not broken, "\n".join(broken)


def recalled(stack: Any) -> list[str]:
    """In what they differ."""
    run = stack.run
    with open_reading(run.config.state_folder) as reader:
        records = list(picked(reader, 0, None))
    reader.close()
    baseline = [record for record in records if record.kind == "baseline"][-1]
    fresh = join_core(
        run.config,
        run.parts.instruments,
        load_strategies(run.config),
        balances=held(baseline.plain()["balances"]),
        capabilities={wire.venue: wire.capability for wire in run.wires},
        books_of=KeptPortfolio,
    )
    past = recall(
        (record for record in records if record.seq > baseline.seq),
        orders=fresh.core.orders,
        portfolio=fresh.portfolio,
        markets=fresh.core.markets,
        seats=fresh.floor.seats,
        now=records[-1].ts,
    )
    mine = {name: run.parts.core.orders.by_client_order_id(name) for name in stack.watcher.names}
    found = []
    if set(past.orders) != set(mine):
        found.append(f"V6: other orders: {set(past.orders) ^ set(mine)}")
    for name in past.orders.keys() & mine.keys():
        then, now = facts(mine[name]), facts(past.orders[name])
        if then != now:
            found.append(f"V6: {name} was {then}, the journal has {now}")
    for then, now in zip(run.parts.core.markets, fresh.core.markets, strict=True):
        if then.position.lots != now.position.lots:
            found.append(f"V6: {then.instrument.id}: position {then.position.lots}, by the journal {now.position.lots}")
        for asset in {then.instrument.base, then.instrument.settle_currency}:
            one, other = run.parts.portfolio.balance(asset), fresh.portfolio.balance(asset)
            if one != other:
                found.append(f"V6: {one} {asset}, by the journal {other}")
    return found


def facts(order: Order) -> tuple[object, ...]:
    """What must not differ; an order that may still execute is in doubt after a restart, whatever it was before."""
    state = order.state.name if order.state_code >= FILLED else "live"
    return state, int(order.cum), int(order.lots), int(order.value), order.venue_order_id, order.trades
