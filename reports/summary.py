"""What a run came to: counts, money and risk figures, as one plain mapping with exact decimal text.

Words used here: `orders` are those sent to the venue; `denied` never left, our own gate refused them; `rejected`
reached the venue, which refused them. `fill_ratio` is the share of sent orders that filled at least in part.
`turnover` is the value traded, `maker_share` the part of it that made the market. `max_drawdown` is the largest fall
of the account's profit from its peak, as sampled each second.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from attrs import field, frozen

from tickwright.engine.money import plain
from tickwright.engine.terms import Liquidity, OrderEvent, OrderState
from tickwright.reports.columns import PASS
from tickwright.reports.curve import curves
from tickwright.reports.decimals import plain_units, to_ints
from tickwright.reports.equity import codes_of
from tickwright.reports.positions import PositionLine, by_currency
from tickwright.reports.run_folder import RunFolder


@frozen(kw_only=True)
class RunFacts:
    """What the driver knows of a run and its tables do not say. Times in nanoseconds UTC, None without data.

    `rounded` says by instrument how many levels had sizes off the lot, and the first such row of the tape.
    """

    run_hash: str
    compiled: bool
    events: int
    wakes: int
    wall_s: float
    name: str = ""
    mode: str = "backtest"
    status: str = "done"
    data_start_ns: int | None = None
    data_end_ns: int | None = None
    rounded: Mapping[str, Mapping[str, int]] = field(factory=dict)


def summarise(run: RunFolder, facts: RunFacts, lines: Sequence[PositionLine]) -> dict[str, Any]:
    """The summary of a run whose tables are written; `lines` are the final portfolio."""
    sent, outcomes = _orders(run)
    traded = _traded(run)
    return {
        "run_id": run.run_id,
        "run_hash": facts.run_hash,
        "name": facts.name,
        "mode": facts.mode,
        "status": facts.status,
        "compiled": facts.compiled,
        "data_start": _iso(facts.data_start_ns),
        "data_end": _iso(facts.data_end_ns),
        "events": facts.events,
        "wakes": facts.wakes,
        "rounded": {name: dict(told) for name, told in facts.rounded.items()},
        "orders": sent,
        "fills": traded.fills,
        "denied": outcomes[OrderState.DENIED.name],
        "rejected": outcomes[OrderState.REJECTED.name],
        "canceled": outcomes[OrderState.CANCELED.name],
        "outcomes": {state.name: outcomes[state.name] for state in OrderState if outcomes[state.name]},
        "denials": _denials(run),
        "fill_ratio": round(traded.orders / sent, 6) if sent else 0.0,
        "position": {line.instrument: plain(line.position) for line in lines if line.strategy is None},
        "realized_pnl": by_currency(lines, "realized_pnl"),
        "unrealized_pnl": by_currency(lines, "unrealized_pnl"),
        "fees": by_currency(lines, "fees"),
        "max_drawdown": {currency: curve.max_drawdown for currency, curve in curves(run).items()},
        "turnover": traded.turnover,
        "maker_share": traded.maker_share,
        "events_per_second": round(facts.events / facts.wall_s, 1) if facts.wall_s > 0 else 0.0,
        "wall_s": round(facts.wall_s, 6),
    }


def _iso(ns: int | None) -> str | None:
    if ns is None:
        return None
    seconds, rest = divmod(ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _orders(run: RunFolder) -> tuple[int, Counter[str]]:
    """How many orders were sent, and the last state of every order that was ever meant."""
    numbers, states, sent = [], [], 0
    with run.parquet("orders") as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["order", "event", "state"])
            sent += int(np.count_nonzero(codes_of(table["event"], [OrderEvent.SEND_START.name]) == 0))
            numbers.append(np.asarray(table["order"]))
            states.append(codes_of(table["state"], [state.name for state in OrderState]).astype(np.int8))
    if not numbers:
        return 0, Counter()
    latest_first = np.concatenate(numbers)[::-1]
    _, at = np.unique(latest_first, return_index=True)
    final = np.bincount(np.concatenate(states)[::-1][at])
    return sent, Counter({OrderState(code).name: count for code, count in enumerate(final.tolist()) if count})


def _denials(run: RunFolder) -> dict[str, int]:
    """Denied intents, replaces included, by the first code that each was denied with; the most frequent first."""
    counts: Counter[str] = Counter()
    with run.parquet("decisions") as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["verdict", "denial"])
            for each in table["verdict"].value_counts().to_pylist():
                counts[each["values"] or "UNNAMED"] += each["counts"]
            # A control may have several codes, and users' checks have their own: the denial says which it was.
            told = table.filter(table["denial"].is_valid())
            for verdict, denial in zip(told["verdict"].to_pylist(), told["denial"].to_pylist(), strict=True):
                counts[verdict or "UNNAMED"] -= 1
                counts[json.loads(denial)["code"]] += 1
    counts = +counts
    del counts[PASS]
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


@frozen
class _Traded:
    fills: int
    orders: int
    turnover: dict[str, str]
    maker_share: dict[str, float]


def _traded(run: RunFolder) -> _Traded:
    """Sums over the fills: how many, of how many orders, worth how much; less what was taken back."""
    ids = list(run.instruments.values())
    made = [0] * len(ids)
    whole = [0] * len(ids)
    numbers: list[Any] = []
    count = 0
    with run.parquet("fills") as file:
        scale = file.schema_arrow.field("value").type.scale
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["order", "instrument", "liquidity", "value", "taken_back"])
            back = np.asarray(table["taken_back"])
            count += len(back) - 2 * int(np.count_nonzero(back))
            numbers.append(np.asarray(table["order"]))
            market = codes_of(table["instrument"], list(run.instruments))
            maker = codes_of(table["liquidity"], [Liquidity.MAKER.name]) == 0
            value = to_ints(table["value"].combine_chunks()) * np.where(back, -1, 1).astype(object)
            for index in range(len(ids)):
                whole[index] += sum(value[market == index].tolist())
                made[index] += sum(value[(market == index) & maker].tolist())
    turnover: Counter[str] = Counter()
    maker_value: Counter[str] = Counter()
    for index, instrument in enumerate(ids):
        turnover[instrument.settle_currency] += whole[index]
        maker_value[instrument.settle_currency] += made[index]
    every = np.concatenate(numbers) if numbers else np.empty(0, np.int64)
    return _Traded(
        count,
        len(np.unique(every[every >= 0])),
        {currency: plain_units(units, scale) for currency, units in sorted(turnover.items())},
        {currency: round(maker_value[currency] / units, 6) for currency, units in sorted(turnover.items()) if units},
    )
