"""The page: one file, nothing from outside, harmless whatever a run calls its things."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.reports.html import short, write_report
from tickwright.reports.run_folder import RunFolder, write_summary
from tickwright.reports.summary import RunFacts, summarise
from tickwright.reports.svg import draw, ticks
from tickwright.reports.thin import thin

START = 1_723_161_600_000_000_000
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """Collects what a browser would run or load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.kinds: list[str | None] = []
        self.tags: set[str] = set()
        self.outside: list[str] = []
        self.policy = ""
        self.title = ""
        self.within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.within = tag
        self.outside += [
            f"{tag} {name}" for name in values if name in ("src", "href", "srcset") or name.startswith("on")
        ]
        if tag == "script":
            self.kinds.append(values.get("type"))
            self.scripts.append("")
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self.within = ""

    def handle_data(self, data: str) -> None:
        if self.within == "script":
            self.scripts[-1] += data
        if self.within == "title":
            self.title += data


def report(open_run, fills: int = 3, strategies: tuple[str, ...] = ("maker",), samples: int = 10) -> str:
    writer, rows = open_run(strategies=strategies)
    for n in range(samples):
        for each in range(fills * n // samples, fills * (n + 1) // samples):
            rows.add(
                "fills", "t", ts=START + n * 10**9, order=each, side=1 if each % 2 else -1, ticks=100 + each % 7, lots=1
            )
        for owner in range(-1, len(strategies)):
            rows.add("equity", ts=START + n * 10**9, strategy=owner, position_lots=n % 3, double_mark=200 + n)
    rows.flush()
    writer.close()
    run = RunFolder(writer.folder)
    facts = RunFacts(
        run_hash="x", compiled=True, events=1, wakes=1, wall_s=1.0, name=strategies[0], status="interrupted"
    )
    write_summary(run.path, summarise(run, facts, []))
    return write_report(run).read_text(encoding="utf-8")


def data_of(page: Page) -> list[dict]:
    return json.loads(page.scripts[page.kinds.index("application/json")])


def test_the_page_needs_nothing_from_outside(open_run) -> None:
    page = Page(report(open_run))
    assert page.outside == []
    assert not page.tags & {"link", "iframe", "object", "img", "base", "form"}
    assert "default-src 'none'" in page.policy


def test_only_the_two_scripts_named_by_hash_may_run(open_run) -> None:
    page = Page(report(open_run))
    assert page.kinds == ["application/json", None, None]
    for script in page.scripts[1:]:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy
    assert "unsafe" not in page.policy


def test_a_strategy_called_script_is_harmless(open_run) -> None:
    """It shows as text in title, legend and pictures, and opens no element anywhere."""
    text = report(open_run, strategies=(EVIL, "other"))
    page = Page(text)
    assert EVIL not in text
    assert page.kinds == ["application/json", None, None]
    assert "img" not in page.tags
    assert page.title == EVIL
    assert [series["label"] for series in data_of(page)[0]["series"]] == ["account", EVIL, "other"]


def test_every_chart_has_a_still_picture_for_paper(open_run) -> None:
    text = report(open_run)
    assert [chart["title"] for chart in data_of(Page(text))] == ["Equity", "Drawdown", "BTCUSDT.BINANCE", "Position"]
    assert text.count("<svg ") == 4
    assert text.count('class="live"') == 4
    assert "prefers-color-scheme:dark" in text


def test_fills_are_marked_at_their_price_and_side(open_run) -> None:
    price = data_of(Page(report(open_run, fills=3)))[2]
    assert price["note"] == "mid, and own fills: 3 fills"
    assert [(mark["side"], mark["y"]) for mark in price["marks"]] == [("BUY", [1.01]), ("SELL", [1.0, 1.02])]


@pytest.mark.slow
def test_a_long_run_is_thinned_and_says_so(open_run) -> None:
    text = report(open_run, fills=12_000, samples=9_000)
    charts = data_of(Page(text))
    assert all(len(chart["x"]) <= 4000 for chart in charts)
    drawn = sum(len(mark["x"]) for mark in charts[2]["marks"])
    assert charts[2]["note"] == f"mid, and own fills: 12,000 fills, {drawn:,} of them drawn"
    assert len(text) < 1_500_000


def test_a_run_without_samples_still_has_a_page(open_run) -> None:
    page = Page(report(open_run, fills=0, samples=0))
    assert data_of(page) == []


def test_an_interrupted_run_says_so(open_run) -> None:
    assert '<span class="flag">interrupted</span>' in report(open_run)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), st.integers(8, 64))
def test_thinning_keeps_ends_and_extremes(values: list[float], limit: int) -> None:
    series = np.array(values)
    keep = thin([series], limit)
    assert len(keep) <= max(limit, 1)
    assert (keep[0], keep[-1]) == (0, len(values) - 1)
    assert series[keep].min() == series.min()
    assert series[keep].max() == series.max()
    assert (np.diff(keep) > 0).all()


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e9))
def test_axis_ticks_are_few_and_inside(low: float, size: float) -> None:
    high = low + size
    if high - low < abs(low) * 1e-12:
        return
    found = ticks(low, high)
    assert 1 <= len(found) <= 7
    assert all(low - size * 1e-3 <= value <= high + size * 1e-3 for value, _ in found)


def test_pictures_of_nothing_one_point_and_a_flat_line() -> None:
    chart = {"title": "t", "x": [], "series": [{"y": []}]}
    assert "nothing was recorded" in draw(chart)
    for ys in ([5.0], [0.0, 0.0], [None, 3.0]):
        picture = draw({"title": "t", "x": [float(i) for i in range(len(ys))], "series": [{"y": ys}]})
        assert "nan" not in picture
        assert "<svg" in picture


def test_headline_figures_are_short() -> None:
    assert [short(text) for text in ("0", "3740.44370492941", "-0.000012345678", "12", "-4.24988")] == [
        "0", "3,740.44", "-1.235e-05", "12.00", "-4.25",
    ]  # fmt: skip


def test_the_vendored_library_is_whole() -> None:
    """Size and licence of uPlot 1.6.32 as published."""
    from importlib.resources import files

    assets = files("tickwright.reports") / "assets"
    script = (assets / "uPlot.iife.min.js").read_bytes()
    assert re.match(rb"/\*! https://github.com/leeoniya/uPlot \(v1\.6\.32\) \*/", script)
    assert len(script) == 51_081
    assert b"MIT License" in (assets / "uPlot.LICENSE").read_bytes()
