"""A snapshot in words: sections of aligned columns, and one line for where there is no terminal.

Texts that came from a venue may hold anything; what is not printable is shown as its escape.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import frozen

from tickwright.snapshot import Snapshot

NOTHING: Final = "-"
TEXT_MAX: Final = 100
COUNTS_IN_ROW: Final = 6
BOOKS_NAMED: Final = 4
"""Books that are named in one line; of more, it is told how many stand how."""


@frozen
class Block:
    """One section: its title, its headings, and rows as long as those. `alarm` draws the eye to it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    alarm: bool = False


def clean(text: object, most: int = TEXT_MAX) -> str:
    """A text that a terminal shows and does not obey."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(text))
    return shown if len(shown) <= most else shown[: most - 3] + "..."


def duration(seconds: float) -> str:
    """``3m07s``, ``1h02m``, ``4d01h``."""
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02d}h"


def millis(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.1f} ms" if value < 10_000 else duration(value / 1000)


def headline(shown: Snapshot) -> str:
    """Which run this is and how it stands."""
    return clean(f"{shown['name']}  {shown['mode']}  {shown['status']}  up {duration(shown['uptime_s'])}")


def one_line(shown: Snapshot) -> str:
    """Everything that matters in one line, for logs and pipes."""
    links = " ".join(f"{one['name']}:{one['link']}" for one in shown["venues"])
    positions = " ".join(
        f"{instrument}={qty}"
        for one in shown["strategies"]
        for instrument, qty in one["positions"].items()
        if Decimal(qty)
    )
    money, counts = shown["money"], shown["counters"]
    parts = [
        headline(shown),
        links,
        _books(shown),
        f"position {positions or '0'}",
        f"pnl {money['pnl']} {money['currency']}",
        f"orders {shown['open_orders']} open, {counts.get('fills', 0)} fills, {counts.get('denied', 0)} denied",
        f"lag p99 {millis(shown['loop_lag_ms']['p99'])}",
    ]
    parts += [f"KILLED {one['level']} {one['name']}".rstrip() for one in shown["latches"]]
    parts += [] if shown["journal"]["healthy"] else [f"JOURNAL {shown['journal']['reason']}"]
    return clean("  |  ".join(parts), 1000)


def _books(shown: Snapshot) -> str:
    """How the books stand: each where they are few, else how many stand how, so that what follows is still seen."""
    if len(shown["books"]) <= BOOKS_NAMED:
        return " ".join(f"{one['instrument']}:{one['health']}" for one in shown["books"])
    health = Counter(one["health"] for one in shown["books"])
    return "books " + ", ".join(f"{count} {name}" for name, count in health.most_common())


def blocks(shown: Snapshot) -> Iterator[Block]:
    """The sections in their order; those about nothing are left out, alarms come first."""
    yield from _alarms(shown)
    yield Block(
        "venues",
        ("venue", "link", "reconciled", "frames", "bad", "clock", "why"),
        tuple(
            (
                clean(one["name"]),
                one["link"],
                "yes" if one["reconciled"] else "no",
                f"{one['frames']:,}",
                f"{one['bad_messages']:,}",
                millis(one["clock_offset_ms"]),
                clean(one["reason"]),
            )
            for one in shown["venues"]
        ),
    )
    yield Block(
        "books",
        ("instrument", "health", "bid", "ask", "age", "why"),
        tuple(
            (
                clean(one["instrument"]),
                one["health"],
                one["bid"] or NOTHING,
                one["ask"] or NOTHING,
                millis(one["age_ms"]),
                clean(one["reason"]),
            )
            for one in shown["books"]
        ),
    )
    yield Block("strategies", ("strategy", "", "position", "PnL", "open orders", "why"), tuple(_strategies(shown)))
    yield from _orders(shown)
    yield _figures(shown)


def _alarms(shown: Snapshot) -> Iterator[Block]:
    if shown["latches"]:
        rows = tuple(
            (f"{one['level']} {clean(one['name'])}".rstrip(), one["mode"], clean(one["reason"]), clean(one["by"]))
            for one in shown["latches"]
        )
        yield Block("KILLED, until it is rearmed", ("what", "mode", "why", "by"), rows, alarm=True)
    if not shown["journal"]["healthy"]:
        why = clean(shown["journal"]["reason"])
        yield Block("JOURNAL NOT HEALTHY: no new orders", ("why",), ((why,),), alarm=True)


def _strategies(shown: Snapshot) -> Iterator[tuple[str, ...]]:
    for one in shown["strategies"]:
        held = ", ".join(f"{qty} {instrument}" for instrument, qty in one["positions"].items()) or NOTHING
        state = "on" if one["enabled"] else "OFF"
        open_orders = str(one["open_orders"])
        yield clean(one["name"]), state, clean(held), clean(one["pnl"]), open_orders, clean(one["reason"])


def _orders(shown: Snapshot) -> Iterator[Block]:
    if shown["orders"]:
        more = shown["open_orders"] - len(shown["orders"])
        rows = tuple(
            (
                clean(one["client_order_id"]),
                clean(one["instrument"]),
                one["side"],
                one["qty"],
                one["price"] or "market",
                one["state"],
                one["filled_qty"],
            )
            for one in shown["orders"]
        )
        title = f"open orders ({more} more)" if more > 0 else "open orders"
        yield Block(title, ("order", "instrument", "side", "qty", "price", "state", "filled"), rows)
    if shown["denials"]:
        told = tuple(
            (clean(one["ts"]), clean(one["strategy"]), clean(one["code"]), clean(one["text"]))
            for one in shown["denials"]
        )
        yield Block("last denials", ("at", "strategy", "code", "what"), told)


def _figures(shown: Snapshot) -> Block:
    money, lag, journal = shown["money"], shown["loop_lag_ms"], shown["journal"]
    rows = [
        (
            "money",
            f"PnL {money['pnl']} {money['currency']}  (realised {money['realised']}, unrealised {money['unrealised']}, "
            f"fees {money['fees']})  equity {money['equity']}",
        ),
        ("loop lag", f"p50 {millis(lag['p50'])}  p99 {millis(lag['p99'])}  max {millis(lag['max'])}"),
        ("journal", f"{journal['records']:,} records, last commit {millis(journal['lag_ms'])}"),
    ]
    counts = [f"{name} {count:,}" for name, count in shown["counters"].items()]
    rows += [
        ("counts" if at == 0 else "", "  ".join(counts[at : at + COUNTS_IN_ROW]))
        for at in range(0, len(counts), COUNTS_IN_ROW)
    ]
    rows.append(("run", f"{shown['run_id']}  process {shown['pid']}"))
    return Block("", ("", ""), tuple((name, clean(text, 300)) for name, text in rows))


Spans = list[tuple[str, str]]
"""One line in pieces, each with the style it has at a terminal."""


def lines(shown: Snapshot) -> Iterator[Spans]:
    """All of it, line by line, in columns."""
    yield [(headline(shown), "bold")]
    for block in blocks(shown):
        table = [block.heads, *block.rows] if any(block.heads) else list(block.rows)
        widths = [max(len(row[at]) for row in table) for at in range(len(block.heads))]
        yield []
        if block.title:
            yield [(block.title, "bold red" if block.alarm else "dim")]
        for row in table:
            style = "dim" if row is block.heads else "red" if block.alarm else ""
            padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
            yield [
                (f"  {piece}", style or _COLOURS.get(cell, ""))
                for piece, cell in zip((*padded, row[-1]), row, strict=True)
            ]


def text(shown: Snapshot) -> str:
    """All of it as plain lines."""
    return "\n".join("".join(piece for piece, _ in line).rstrip() for line in lines(shown))


def panel(shown: Snapshot) -> Any:
    """All of it for a terminal, as something that rich renders.

    One text, not tables: those take ten times as long, and the loop shares the interpreter with whoever draws.
    """
    from rich.text import Text

    whole = Text(no_wrap=True, overflow="ellipsis", end="")
    for line in lines(shown):
        for piece, style in line:
            whole.append(piece, style or None)
        whole.append("\n")
    return whole


_COLOURS: Final[Mapping[str, str]] = {
    "up": "green",
    "LIVE": "green",
    "on": "green",
    "down": "red",
    "OFF": "red",
    "GAPPED": "red",
    "STALE": "red",
    "CROSSED": "red",
    "SYNCING": "yellow",
    "ONE_SIDED": "yellow",
    "UNKNOWN": "red",
}
