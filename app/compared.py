"""What `tickwright diff` tells of two runs, for people and for programs."""

from pathlib import Path
from typing import Any, Final

from attrs import asdict

from tickwright.engine.money import plain
from tickwright.replayed import Told, parting_lines
from tickwright.reports.diff import first_difference
from tickwright.reports.pnl_split import PARTS, Split, split_profit
from tickwright.reports.run_folder import RunFolder

WORDS: Final = {
    "matched": "the same fills at another last mark",
    "price": "the same fills at other prices",
    "fee": "the same fills for other fees",
    "missing": "fills that the second lacks",
    "extra": "fills that the first lacks",
    "other": "no fills: funding, opening positions, rounding",
}


def compared(left: str, right: str, runs: Path) -> Told:
    """Compare two runs, by their folders or their names under `runs`.

    Raises:
        RunError: no such run, or one that is not whole.
    """
    first, second = RunFolder.open(left, runs), RunFolder.open(right, runs)
    parting, equal = first_difference(first, second)
    splits = split_profit(first, second)
    same = parting is None and not any(split.difference for split in splits.values())
    data: dict[str, Any] = {
        "left": first.run_id,
        "right": second.run_id,
        "equal": same,
        "rows": equal,
        "difference": None if parting is None else asdict(parting),
        "pnl": {currency: split.plain() for currency, split in splits.items()},
    }
    lines = [f"equal: {equal:,} rows"] if parting is None else parting_lines(parting, first.run_id, second.run_id)
    for currency, split in splits.items():
        lines += split_lines(currency, split)
    return Told(same, "\n".join(lines), data)


def split_lines(currency: str, split: Split) -> list[str]:
    """The parts of a difference, those of nothing left out."""
    shown = [(name, split.parts[name]) for name in PARTS if split.parts[name]]
    lines = [f"profit after fees: {signed(plain(split.difference))} {currency}"]
    for name, amount in shown:
        count = f"{split.fills[name]:,} " if name in split.fills else ""
        lines.append(f"  {signed(plain(amount)):>20}  {name}: {count}{WORDS[name]}")
    return lines


def signed(text: str) -> str:
    return text if text.startswith("-") or text == "0" else f"+{text}"
