"""The life of one order in plain words: what was meant, what the gate saw, what happened, how it ended."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Protocol

from attrs import frozen

from tickwright.engine.money import from_atoms, plain
from tickwright.engine.terms import OrderState
from tickwright.reports.columns import PASS
from tickwright.reports.decimals import total_of
from tickwright.reports.run_folder import RunError

Row = dict[str, Any]
Explain = Callable[[Mapping[str, Any], Mapping[str, Any]], list[dict[str, Any]]]
"""The gate's own explanation of a decision: from the row and the limits of the run to one mapping per control, with
the keys control, code, value, limit, headroom and scope."""

AVERAGE_DIGITS: Final = 12

HAPPENED: Final = {
    "INTENT": "the strategy asked, the gate agreed",
    "DENIED": "the gate refused it; nothing was sent",
    "SEND_START": "sent to the venue",
    "SEND_ABORT": "dropped before anything was sent",
    "SEND_ERROR": "sending failed; the venue may have it",
    "ACK": "the venue took it",
    "REJECT": "the venue refused it",
    "REJECT_DUP": "the venue has an order of this id already",
    "FILL": "executed",
    "BUST": "an execution was taken back",
    "CANCEL_REQ": "cancel asked for",
    "CANCEL_ACK": "canceled by the venue",
    "CANCEL_REJ": "the venue refused the cancel",
    "EXPIRE": "expired at the venue",
    "REPLACE_REQ": "replace asked for",
    "REPLACED": "replaced by the venue",
    "REPLACE_REJ": "the venue refused the replace",
    "ACK_TIMEOUT": "no answer in time",
    "CANCEL_TIMEOUT": "no answer to the cancel in time",
    "REPLACE_TIMEOUT": "no answer to the replace in time",
    "DISCONNECT": "the link was lost",
    "RESTART": "the process was restarted",
    "FILL_TIMEOUT": "an expected execution did not come",
    "RECON_LIVE": "reconciled: it is working at the venue",
    "RECON_DONE": "reconciled: it is finished at the venue",
    "RECON_NOT_FOUND": "reconciled: the venue does not know it",
    "RECON_INCONCLUSIVE": "the venue's answer settles nothing yet",
    "ADOPT": "found at the venue; not ours, adopted",
    "REFUSED": "a change of it was refused by the gate",
}


@frozen
class Story:
    """One order's life, as text for people and as plain data for programs."""

    text: str
    data: dict[str, Any]


class Source(Protocol):
    """Where the rows of orders are: a `RunFolder`, or the journal (`JournalOrders`)."""

    @property
    def run_id(self) -> str:
        """How it is called in messages."""

    def rows(self, table: str, client_order_id: str) -> list[Row]:
        """One order's rows of orders, decisions or fills, in the order in which they happened."""

    def order_ids(self) -> list[str]:
        """The ids of all orders; one may come more than once."""

    def currency(self, instrument: str) -> str:
        """What fees of an instrument are paid in; empty where that is not known."""


def why(
    source: Source,
    client_order_id: str,
    explain: Explain | None = None,
    limits: Mapping[str, Any] | None = None,
) -> Story:
    """Tell the life of one order.

    `explain` turns a decision's row into the value, limit and headroom of every control, given the run's `limits`.

    Raises:
        RunError: there is no such order; the message names ids near it and how many orders there are.
    """
    events = source.rows("orders", client_order_id)
    decisions = source.rows("decisions", client_order_id)
    if not events and not decisions:
        raise RunError(_unknown(source, client_order_id))
    start = (events or decisions)[0]
    data: dict[str, Any] = {
        "client_order_id": client_order_id,
        "instrument": start["instrument"],
        "strategy": start["strategy"],
        "intent": _intent(start) if events else None,
        "decisions": [_decision(row, explain, limits or {}) for row in decisions],
        "events": [_event(row, start["ts"]) for row in events],
        "fills": [_fill(row, start["ts"]) for row in source.rows("fills", client_order_id)],
    }
    data["outcome"] = _outcome(source, data)
    return Story(_text(data), data)


def _unknown(source: Source, wanted: str) -> str:
    """What to say of an id that nothing is known of."""
    import difflib

    ids = list(dict.fromkeys(source.order_ids()))
    if not ids:
        return f"{source.run_id}: expected an order of this run, received {wanted}; it has none"
    prefix, _, number = wanted.rpartition("-")
    ours = [each for each in ids if each.rpartition("-")[0] == prefix and each.rpartition("-")[2].isdigit()]
    if number.isdigit() and ours:
        near = sorted(ours, key=lambda each: abs(int(each.rpartition("-")[2]) - int(number)))[:3]
    else:
        near = difflib.get_close_matches(wanted, ids[:100_000], 3, 0) or ids[:3]
    count = f"{len(ids):,} order{'' if len(ids) == 1 else 's'}"
    return f"{source.run_id}: expected one of its {count}, received {wanted}; near it: {', '.join(near)}"


# Data ---------------------------------------------------------------------------------------------------------------


def _exact(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _intent(row: Row) -> dict[str, Any]:
    return {
        "ts": row["ts"],
        "side": row["side"],
        "order_type": row["order_type"],
        "qty": _exact(row["qty"]),
        "price": _exact(row["price"]),
        "time_in_force": row["time_in_force"],
        "post_only": row["post_only"],
        "reduce_only": row["reduce_only"],
    }


def _decision(row: Row, explain: Explain | None, limits: Mapping[str, Any]) -> dict[str, Any]:
    known = ("seq", "ts", "client_order_id", "order", "instrument", "strategy", "verdict", "action", "denial")
    return {
        "ts": row["ts"],
        "action": row["action"],
        "verdict": row["verdict"],
        "denial": json.loads(row["denial"]) if row["denial"] else None,
        "evidence": {name: value for name, value in row.items() if name not in known},
        "controls": explain(row, limits) if explain else [],
    }


def _event(row: Row, start: int) -> dict[str, Any]:
    return {
        "seq": row["seq"],
        "ts": row["ts"],
        "after_ns": row["ts"] - start,
        "event": row["event"],
        "state": row["state"],
        "price": _exact(row["price"]),
        "qty": _exact(row["qty"]),
        "filled_qty": _exact(row["filled_qty"]),
        "cause": row["cause"],
        "reason": row["reason"],
    }


def _fill(row: Row, start: int) -> dict[str, Any]:
    return {
        "seq": row["seq"],
        "ts": row["ts"],
        "after_ns": row["ts"] - start,
        "trade_id": row["trade_id"],
        "side": row["side"],
        "liquidity": row["liquidity"],
        "price": _exact(row["price"]),
        "qty": _exact(row["qty"]),
        "fee": _exact(row["fee"]),
        "cause_event": row["cause"] or None,
        "taken_back": row["taken_back"],
    }


def _outcome(source: Source, data: dict[str, Any]) -> dict[str, Any]:
    """Last state, what was filled, at which average, for which fees (None: a rate is not known). Executions
    taken back count against."""
    events, fills = data["events"], data["fills"]
    size = value = Fraction(0)
    for fill in fills:
        sign = -1 if fill["taken_back"] else 1
        size += sign * Fraction(fill["qty"])
        value += sign * Fraction(fill["qty"]) * Fraction(fill["price"])
    average = round(value / size, AVERAGE_DIGITS) if size else None
    fees = [fill["fee"] for fill in fills]
    return {
        "state": events[-1]["state"] if events else "DENIED",
        "filled_qty": events[-1]["filled_qty"] if events else "0",
        "average_price": None if average is None else _decimal_text(average),
        "fees": None if None in fees else plain(total_of(Decimal(fee) for fee in fees)),
        "fee_currency": source.currency(data["instrument"]),
        "lasted_ns": events[-1]["after_ns"] if events else 0,
    }


def _decimal_text(value: Fraction) -> str:
    return plain(from_atoms(value.numerator * 10**AVERAGE_DIGITS // value.denominator, AVERAGE_DIGITS))


# Words --------------------------------------------------------------------------------------------------------------


def clock(ns: int) -> str:
    """A time as people write it, to the nanosecond."""
    from datetime import UTC, datetime

    seconds, rest = divmod(ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest:09d} UTC"


def after(ns: int) -> str:
    """A span since the intent, in a unit that suits it."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if abs(ns) >= size:
            return f"+{ns / size:.3f} {unit}"
    return f"+{ns} ns"


def _text(data: dict[str, Any]) -> str:
    blocks = [_opening(data)]
    blocks += [_verdict(decision) for decision in data["decisions"]]
    blocks.append(_life(data))
    blocks.append(_ending(data))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _opening(data: dict[str, Any]) -> str:
    owner = f"strategy {data['strategy']}" if data["strategy"] else "no strategy of ours"
    lines = [f"{data['client_order_id']}  {data['instrument']}, {owner}"]
    intent = data["intent"]
    if intent:
        price = f"at {intent['price']}" if intent["price"] is not None else "at the market"
        flags = [flag.replace("_", "-") for flag in ("post_only", "reduce_only") if intent[flag]]
        terms = " ".join([intent["time_in_force"], *flags])
        lines.append(f"{clock(intent['ts'])}: {intent['side']} {intent['qty']} {price}, {intent['order_type']} {terms}")
    return "\n".join(lines)


def _verdict(decision: dict[str, Any]) -> str:
    what = "the replace" if decision["action"] == "REPLACE" else "the order"
    if decision["verdict"] == PASS:
        lines = [f"The gate let {what} pass."]
    else:
        denial = decision["denial"] or {}
        lines = [
            f"The gate denied {what}: {denial.get('code', decision['verdict'])}. {denial.get('text', '')}".rstrip()
        ]
        told = [f"{key} {denial[key]}" for key in ("value", "limit", "scope") if denial.get(key) is not None]
        lines += [f"  {', '.join(told)}"] if told else []
    if decision["controls"]:
        lines += _columns(
            ["control", "code", "value", "limit", "headroom", "scope"],
            [[_cell(row.get(key)) for key in ("control", "code", "value", "limit", "headroom", "scope")]
             for row in decision["controls"]],
        )  # fmt: skip
    elif decision["evidence"]:
        lines.append("  it saw " + ", ".join(f"{name} {value}" for name, value in decision["evidence"].items()))
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return plain(value) if isinstance(value, Decimal) else str(value)


def _life(data: dict[str, Any]) -> str:
    """Events and fills in one list, as they happened."""
    told: list[tuple[int, list[str]]] = []
    for event in data["events"]:
        doubt = f" ({event['cause']})" if event["cause"] not in (None, "NONE") else ""
        reason = f": {event['reason']}" if event["reason"] else ""
        words = HAPPENED.get(event["event"], event["event"])
        told.append(
            (event["seq"], [after(event["after_ns"]), event["event"], f"{event['state']}{doubt}", words + reason])
        )
    for fill in data["fills"]:
        cause = f", caused by market event {fill['cause_event']}" if fill["cause_event"] else ""
        fee = _paid("fee", fill["fee"], data["outcome"]["fee_currency"])
        what = "taken back: " if fill["taken_back"] else ""
        role = (fill["liquidity"] or "?").lower()
        words = f"{what}{fill['side']} {fill['qty']} at {fill['price']} as {role}, {fee}{cause}"
        told.append((fill["seq"], [after(fill["after_ns"]), "", "", words]))
    rows = [row for _, row in sorted(told, key=lambda pair: pair[0])]
    return "\n".join(["What happened since:", *_columns(None, rows)]) if rows else ""


def _ending(data: dict[str, Any]) -> str:
    end = data["outcome"]
    over = "ended" if OrderState[end["state"]].terminal else "was still"
    text = f"It {over} {end['state']} {after(end['lasted_ns'])} after the intent, with {end['filled_qty']} filled"
    if end["average_price"] is not None:
        text += f" at {end['average_price']} on average, {_paid('fees', end['fees'], end['fee_currency'])}"
    return f"{text}."


def _paid(word: str, amount: str | None, currency: str) -> str:
    return f"{word} not known" if amount is None else f"{word} {amount} {currency}".rstrip()


def _columns(head: list[str] | None, rows: list[list[str]]) -> list[str]:
    """Rows as aligned lines."""
    every = [head, *rows] if head else rows
    widths = [max(len(row[i]) for row in every) for i in range(len(every[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in every
    ]
