"""Charts as static pictures: for paper, and for readers whose browser runs no scripts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from math import floor, isfinite, log10
from typing import Any, Final

WIDTH: Final = 960
HEIGHT: Final = 220
LEFT: Final = 84
BOTTOM: Final = 24
TOP: Final = 8
POINTS_MAX: Final = 1000

Numbers = Sequence[float | None]


def draw(chart: dict[str, Any]) -> str:
    """One chart of the report's data as an SVG element."""
    xs: list[float] = chart["x"]
    lines = [series["y"] for series in chart["series"]]
    marks = [mark for mark in chart.get("marks", ()) if mark["x"]]
    known = [y for ys in [*lines, *(mark["y"] for mark in marks)] for y in ys if y is not None and isfinite(y)]
    if not xs or not known:
        return '<p class="empty">nothing was recorded</p>'
    low, high = min(known), max(known)
    if chart.get("fill"):
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - (abs(low) * 1e-3 or 1), high + (abs(high) * 1e-3 or 1)
    plane = _Plane(xs[0], xs[-1], low, high)
    parts = [plane.grid(), *(plane.dots(mark) for mark in marks)]
    for index, (series, ys) in enumerate(zip(chart["series"], lines, strict=True)):
        parts.append(plane.path(xs, ys, series.get("color", f"s{index % 6}"), stepped=series.get("stepped", False)))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart["title"], quote=True)}">'
        f"{''.join(parts)}</svg>"
    )


class _Plane:
    """Maps times and values to the picture."""

    def __init__(self, start: float, end: float, low: float, high: float) -> None:
        self.start, self.end, self.low, self.high = start, end, low, high
        self.step_x = (WIDTH - LEFT - 8) / ((end - start) or 1)
        self.step_y = (HEIGHT - TOP - BOTTOM) / (high - low)

    def x(self, value: float) -> str:
        return f"{LEFT + (value - self.start) * self.step_x:.1f}"

    def y(self, value: float) -> str:
        return f"{HEIGHT - BOTTOM - (value - self.low) * self.step_y:.1f}"

    def grid(self) -> str:
        parts = []
        for value, text in ticks(self.low, self.high):
            y = self.y(value)
            parts.append(f'<path class="g" d="M{LEFT} {y}H{WIDTH - 8}"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{y}" dy="4" text-anchor="end">{text}</text>')
        day = self.end - self.start > 86_400
        for i in range(5):
            at = self.start + (self.end - self.start) * i / 4
            anchor = "start" if i == 0 else "end" if i == 4 else "middle"
            label = datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M" if day else "%H:%M:%S")
            parts.append(f'<text x="{self.x(at)}" y="{HEIGHT - 6}" text-anchor="{anchor}">{label}</text>')
        return "".join(parts)

    def path(self, xs: list[float], ys: Numbers, name: str, stepped: bool) -> str:
        stride = max(1, len(xs) // POINTS_MAX)
        steps, pen = [], "M"
        for x, y in zip(xs[::stride], ys[::stride], strict=True):
            if y is None:
                continue
            if stepped and pen == "L":
                steps.append(f"H{self.x(x)}")
            steps.append(f"{pen}{self.x(x)} {self.y(y)}")
            pen = "L"
        return f'<path class="{name}" d="{"".join(steps)}"/>'

    def dots(self, mark: dict[str, Any]) -> str:
        stride = max(1, len(mark["x"]) // POINTS_MAX)
        up = mark["side"] == "BUY"
        size = 2 if len(mark["x"]) > POINTS_MAX // 4 else 3.5
        shape = f"l{-size} {1.7 * size if up else -1.7 * size}h{2 * size}z"
        path = "".join(
            f"M{self.x(x)} {self.y(y)}{shape}" for x, y in zip(mark["x"][::stride], mark["y"][::stride], strict=True)
        )
        return f'<path class="{"buy" if up else "sell"}" d="{path}"/>'


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """About five round values between two, with their texts."""
    rough = (high - low) / 4
    power = 10.0 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    digits = max(0, -floor(log10(step)) + (1 if step / power == 2.5 else 0))
    first = floor(low / step) + (0 if low % step == 0 else 1)
    found = []
    while first * step <= high + step * 1e-9:
        value = first * step
        found.append((value, f"{value + 0.0:,.{digits}f}"))
        first += 1
    return found
