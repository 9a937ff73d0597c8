"""``report.html``: one run in one file that opens anywhere, without a network.

Data, chart library, style and script lie in the page. Every text that comes from a run (a strategy may be called
``<script>``) is escaped where it enters the page, and the page's own policy lets nothing run but the two scripts
whose hashes it names. Paper, and browsers without scripts, get the same charts as static pictures.
"""

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tickwright.reports.columns import SIDES
from tickwright.reports.curve import Curve, curves
from tickwright.reports.decimals import Ints
from tickwright.reports.equity import codes_of
from tickwright.reports.run_folder import RunFolder
from tickwright.reports.svg import draw
from tickwright.reports.terminal import grouped, sections, span
from tickwright.reports.thin import POINTS_MAX, thin

Floats = NDArray[np.float64]
Chart = dict[str, Any]

_IN_SCRIPT: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}
"""What could end the element that holds the data, as JSON escapes."""


def write_report(run: RunFolder) -> Path:
    """Draw a finished run (its tables and summary are written) into ``report.html`` and return its path.

    Raises:
        RunError: a table or the summary is missing.
    """
    path = run.path / "report.html"
    path.write_text(page(run.summary, charts(run)), encoding="utf-8")
    return path


# Data ---------------------------------------------------------------------------------------------------------------


def charts(run: RunFolder) -> list[Chart]:
    """Equity and drawdown per currency, then price with fills and position per instrument."""
    found = []
    strategies = run.about["strategies"]
    parts = {name: curves(run, name) for name in strategies} if len(strategies) > 1 else {}
    for currency, curve in curves(run).items():
        shares = {name: own[currency] for name, own in parts.items() if currency in own}
        found += [_equity(currency, curve, shares), _drawdown(currency, curve)]
    for name, (ts, mark, position) in _samples(run).items():
        found += [_price(name, ts, mark, _fills(run, name)), _position(name, ts, position)]
    return found


def _seconds(ts: Ints) -> list[float]:
    return [round(each / 1e9, 3) for each in ts.tolist()]


def _numbers(values: Floats) -> list[float | None]:
    """JSON knows no not-a-number; twelve digits are more than a picture shows."""
    return [None if each != each else float(f"{each:.12g}") for each in values.tolist()]


def _equity(currency: str, curve: Curve, shares: dict[str, Curve]) -> Chart:
    columns = {"account": curve.values}
    for name, own in shares.items():
        at = np.searchsorted(own.ts, curve.ts, side="right") - 1
        columns[name] = np.where(at >= 0, own.values[np.maximum(at, 0)], 0.0)
    keep = thin(list(columns.values()))
    return {
        "title": "Equity",
        "note": f"profit after fees, {currency}",
        "x": _seconds(curve.ts[keep]),
        "series": [{"label": name, "y": _numbers(values[keep])} for name, values in columns.items()],
        "fill": len(columns) == 1,
    }


def _drawdown(currency: str, curve: Curve) -> Chart:
    fallen = -(curve.fallen / 10**curve.scale).astype(np.float64) if len(curve.ts) else np.empty(0)
    keep = thin([fallen])
    return {
        "title": "Drawdown",
        "note": f"below the peak, {currency}; at most {grouped(curve.max_drawdown)}",
        "x": _seconds(curve.ts[keep]),
        "series": [{"label": "drawdown", "y": _numbers(fallen[keep] + 0.0), "color": "down"}],
        "fill": True,
        "low": True,
        "below": True,
    }


def _samples(run: RunFolder) -> dict[str, tuple[Ints, Floats, Floats]]:
    """Times, marks and positions of the account, by instrument."""
    gathered: dict[str, list[tuple[Ints, Floats, Floats]]] = {}
    with run.parquet("equity") as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["ts", "instrument", "strategy", "position", "mark"])
            mine = np.asarray(table["strategy"].is_null())
            market = codes_of(table["instrument"], list(run.instruments))
            for index, name in enumerate(run.instruments):
                rows = np.flatnonzero(mine & (market == index))
                columns = (
                    np.asarray(table["ts"].cast("int64"))[rows],
                    np.asarray(table["mark"].cast("float64"))[rows],
                    np.asarray(table["position"].cast("float64"))[rows],
                )
                gathered.setdefault(name, []).append(columns)
    found = {}
    for name, parts in gathered.items():
        ts, mark, held = (np.concatenate(column) for column in zip(*parts, strict=True))
        if len(ts):
            found[name] = (ts, mark, held)
    return found


def _fills(run: RunFolder, instrument: str) -> list[dict[str, Any]]:
    """Own fills of one instrument, each side thinned to half of what a chart shows."""
    times: dict[str, list[Ints]] = {"BUY": [], "SELL": []}
    prices: dict[str, list[Floats]] = {"BUY": [], "SELL": []}
    with run.parquet("fills") as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["ts", "instrument", "side", "price"])
            mine = codes_of(table["instrument"], [instrument]) == 0
            for code, side in enumerate(SIDES):
                rows = np.flatnonzero(mine & (codes_of(table["side"], SIDES) == code))
                times[side].append(np.asarray(table["ts"].cast("int64"))[rows])
                prices[side].append(np.asarray(table["price"].cast("float64"))[rows])
    marks = []
    for side in ("BUY", "SELL"):
        ts = np.concatenate(times[side]) if times[side] else np.empty(0, np.int64)
        price = np.concatenate(prices[side]) if prices[side] else np.empty(0)
        keep = thin([price], POINTS_MAX // 2)
        marks.append({"side": side, "x": _seconds(ts[keep]), "y": _numbers(price[keep]), "count": len(ts)})
    return marks


def _price(name: str, ts: Ints, mark: Floats, marks: list[dict[str, Any]]) -> Chart:
    keep = thin([mark])
    shown = sum(len(each["x"]) for each in marks)
    count = sum(each["count"] for each in marks)
    noted = (
        f"{count:,} {'fill' if count == 1 else 'fills'}"
        if shown == count
        else f"{count:,} fills, {shown:,} of them drawn"
    )
    return {
        "title": name,
        "note": f"mid, and own fills: {noted}",
        "x": _seconds(ts[keep]),
        "series": [{"label": "mid", "y": _numbers(mark[keep]), "color": "mid"}],
        "marks": marks,
    }


def _position(name: str, ts: Ints, position: Floats) -> Chart:
    keep = thin([position])
    return {
        "title": "Position",
        "note": name,
        "x": _seconds(ts[keep]),
        "series": [{"label": "position", "y": _numbers(position[keep]), "stepped": True}],
        "fill": True,
        "low": True,
    }


# Page ---------------------------------------------------------------------------------------------------------------


def page(summary: dict[str, Any], drawn: list[Chart]) -> str:
    """The whole page as text."""
    style = _asset("uPlot.min.css") + _asset("report.css")
    scripts = (_asset("uPlot.iife.min.js"), _asset("report.js"))
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {' '.join(map(_hash, scripts))}; "
        "base-uri 'none'; form-action 'none'"
    )
    title = escape(str(summary.get("name") or summary["run_id"]))
    data = json.dumps(drawn, separators=(",", ":")).translate(_IN_SCRIPT)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        f"{_head(summary, title)}{_figures(summary)}{''.join(map(_figure, enumerate(drawn)))}{_tables(summary)}"
        f'</main>\n<script type="application/json" id="data">{data}</script>\n'
        f"{''.join(f'<script>{script}</script>' for script in scripts)}\n</body>\n</html>\n"
    )


def _asset(name: str) -> str:
    text = (files("tickwright.reports") / "assets" / name).read_text(encoding="utf-8")
    assert "</s" not in text, f"{name} would end its own element"
    return text


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _head(summary: dict[str, Any], title: str) -> str:
    status = str(summary["status"])
    flag = "" if status == "done" else f' <span class="flag">{escape(status)}</span>'
    subtitle = escape(f"{summary['mode']} \u00b7 {span(summary)}")
    return f"<header><h1>{title}{flag}</h1><p>{subtitle}</p></header>\n"


def _figures(summary: dict[str, Any]) -> str:
    """The few figures that are looked at first."""
    money = []
    for key, label in (("realized_pnl", "Realised PnL"), ("unrealized_pnl", "Unrealised PnL"), ("fees", "Fees")):
        money += [(label, text, currency, key != "fees") for currency, text in summary[key].items()]
    money += [("Max drawdown", text, currency, False) for currency, text in summary["max_drawdown"].items()]
    tiles = [(label, short(text), currency, _tone(text) if signed else "") for label, text, currency, signed in money]
    tiles += [("Orders", f"{summary['orders']:,}", "", ""), ("Fills", f"{summary['fills']:,}", "", "")]
    cells = "".join(
        f'<div class="tile"><dt>{label}</dt><dd class="{tone}">{escape(text)}'
        f"<small>{escape(currency)}</small></dd></div>"
        for label, text, currency, tone in tiles
    )
    return f'<dl class="tiles">{cells}</dl>\n'


def _tone(text: str) -> str:
    return "neg" if text.startswith("-") else "pos" if text.strip("0.") else ""


def short(text: str) -> str:
    """Decimal text cut for a headline: two decimals, or four digits that count where it is small."""
    value = float(text)
    if value == 0:
        return "0"
    return f"{value:,.2f}" if abs(value) >= 10 or (value == int(value) and abs(value) < 1e6) else f"{value:,.4g}"


def _figure(numbered: tuple[int, Chart]) -> str:
    index, chart = numbered
    return (
        f"<figure><figcaption><b>{escape(chart['title'])}</b> {escape(chart['note'])}</figcaption>"
        f'<div class="live" data-chart="{index}"></div><div class="still">{draw(chart)}</div></figure>\n'
    )


def _tables(summary: dict[str, Any]) -> str:
    blocks = []
    for title, lines in sections(summary):
        rows = "".join(f"<tr><th>{escape(label.strip())}</th><td>{escape(text)}</td></tr>" for label, text in lines)
        blocks.append(f"<section><h2>{title}</h2><table>{rows}</table></section>")
    return f'<div class="tables">{"".join(blocks)}</div>\n'
