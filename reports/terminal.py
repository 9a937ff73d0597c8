"""The summary as a person at a terminal wants it; plain aligned lines where nobody watches."""

from collections.abc import Mapping
from typing import IO, Any

LABELS = {
    "denied": "denied by us",
    "rejected": "rejected by venue",
    "realized_pnl": "realised PnL",
    "unrealized_pnl": "unrealised PnL",
    "events_per_second": "events/s",
    "wall_s": "wall time",
}

Lines = list[tuple[str, str]]
Section = tuple[str, Lines]


def sections(summary: Mapping[str, Any]) -> list[Section]:
    """The summary in groups of label and text: what was traded, what it earned, how the run went."""
    trading = [
        ("orders", f"{summary['orders']:,}"),
        ("fills", f"{summary['fills']:,}"),
        ("fill ratio", f"{summary['fill_ratio']:.2%}"),
        ("canceled", f"{summary['canceled']:,}"),
        (LABELS["denied"], f"{summary['denied']:,}"),
        *((f"  {code}", f"{count:,}") for code, count in summary["denials"].items()),
        (LABELS["rejected"], f"{summary['rejected']:,}"),
    ]
    result = [("position", f"{qty} {name}") for name, qty in summary["position"].items()]
    for key in ("realized_pnl", "unrealized_pnl", "fees", "max_drawdown", "turnover"):
        label = LABELS.get(key, key.replace("_", " "))
        result += [(label, f"{grouped(text)} {currency}") for currency, text in summary[key].items()] or [(label, "0")]
    shares = summary["maker_share"]
    result += [
        ("maker share" + (f" {name}" if len(shares) > 1 else ""), f"{part:.2%}") for name, part in shares.items()
    ]
    run = [
        ("run", str(summary["run_id"])),
        ("status", str(summary["status"])),
        ("data", span(summary)),
        ("events", f"{summary['events']:,}"),
        ("wakes", f"{summary['wakes']:,}"),
        (LABELS["wall_s"], f"{summary['wall_s']:.3f} s"),
        (LABELS["events_per_second"], f"{summary['events_per_second']:,.0f}"),
        ("engine", "compiled" if summary["compiled"] else "interpreted"),
        ("run hash", str(summary["run_hash"])),
    ]
    return [("Trading", trading), ("Result", result), ("Run", run)]


def grouped(text: str) -> str:
    """Decimal text with its thousands apart, every digit kept."""
    whole, dot, part = text.lstrip("-").partition(".")
    return ("-" if text.startswith("-") else "") + f"{int(whole):,}" + dot + part


def span(summary: Mapping[str, Any]) -> str:
    """From when to when the data went, to the second."""
    start, end = summary["data_start"], summary["data_end"]
    return f"{start[:19]}Z to {end[:19]}Z" if start and end else "none"


def print_summary(summary: Mapping[str, Any], file: IO[str], *, width: int | None = None) -> None:
    """Write the summary to `file`: in colour on a terminal (unless NO_COLOR is set), plain text elsewhere."""
    from rich.console import Console

    console = Console(file=file, highlight=False, width=width)
    if not console.is_terminal:
        for title, lines in sections(summary):
            file.write(f"{title}\n")
            wide = max(19, *(len(label) for label, _ in lines)) + 1
            file.writelines(f"  {label:<{wide}}{text}\n" for label, text in lines)
        return
    _print_rich(summary, console)


def _print_rich(summary: Mapping[str, Any], console: Any) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for title, lines in sections(summary):
        table.add_row(Text(title, style="bold not dim"), "")
        for label, text in lines:
            table.add_row(Text(f"  {label}"), Text(text, style=_style(label, text)))
    console.print(table)


def _style(label: str, text: str) -> str:
    if label.endswith("PnL"):
        return "red" if text.startswith("-") else "" if text.startswith("0 ") or text == "0" else "green"
    if label == "status" and text != "done":
        return "yellow"
    return ""
