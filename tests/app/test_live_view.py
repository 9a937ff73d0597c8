"""What is shown of a run: in words, as one line, at a terminal; and that showing holds nothing up."""

import importlib.util
import io
import os
import threading
from pathlib import Path

import pytest
import trio
import trio.testing

from tickwright.live_view import LINES_MAX, View
from tickwright.shown import Block, blocks, clean, duration, millis, one_line, panel, text

spec = importlib.util.spec_from_file_location("control_rig", Path(__file__).parent / "control_rig.py")
control_rig = importlib.util.module_from_spec(spec)
spec.loader.exec_module(control_rig)
snapshot = control_rig.snapshot

LATCH = {"level": "global", "name": "", "mode": "CANCEL", "reason": "odd", "by": "kim", "ts": "2026-11-22T04:00:00Z"}
DEAD = {"healthy": False, "reason": "disk full", "lag_ms": 1.0, "records": 7}


def rendered(shown):
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=140).print(panel(shown))
    return out.getvalue()


@pytest.mark.parametrize("show", [text, rendered])
def test_everything_a_person_asks_for_is_there(show):
    shown = show(snapshot())
    for word in (
        *("quotes", "paper", "trading", "1h02m", "TDX", "up", "12,345", "12.5 ms"),
        *("BTC/CHF.TDX", "LIVE", "61250.5", "61251", "80.0 ms", "maker", "0.25 BTC/CHF.TDX"),
        *("k7tw-12", "BUY", "61240", "OPEN", "PRICE_COLLAR", "61900 beyond 61863.0"),
        *("PnL 12.5 CHF", "fees 1", "p50 0.1 ms", "max 12.0 ms", "5,000 records", "merged 11", "process 4711"),
    ):
        assert word in shown, word
    assert "KILLED" not in shown


@pytest.mark.parametrize("show", [text, rendered, one_line])
def test_a_kill_and_a_dead_journal_are_not_overlooked(show):
    shown = show(snapshot(latches=[LATCH], journal=DEAD))
    assert "KILLED" in shown
    assert "JOURNAL" in shown
    assert "disk full" in shown


def test_one_line_of_many_books_still_shows_what_matters():
    books = [{**snapshot()["books"][0], "instrument": f"BTC-20301227-{strike}000C.POWERTRADE"} for strike in range(40)]
    books[3]["health"] = "SYNCING"
    held = {one["instrument"]: "0.0" for one in books} | {"X.TDX": "-2"}
    strategy = {**snapshot()["strategies"][0], "positions": held}
    shown = one_line(snapshot(books=books, strategies=[strategy], latches=[LATCH]))
    assert "books 39 LIVE, 1 SYNCING" in shown
    assert "position X.TDX=-2  |" in shown
    assert "KILLED global" in shown


def test_alarms_come_first_and_empty_sections_not_at_all():
    titles = [block.title for block in blocks(snapshot(latches=[LATCH], journal=DEAD, orders=[], denials=[]))]
    assert titles == [
        *("KILLED, until it is rearmed", "JOURNAL NOT HEALTHY: no new orders"),
        *("venues", "books", "strategies", ""),
    ]


def test_orders_beyond_the_list_are_counted():
    (block,) = [one for one in blocks(snapshot(open_orders=7)) if one.title.startswith("open")]
    assert block.title == "open orders (6 more)"


def test_what_is_missing_is_a_dash_and_a_market_order_has_no_price():
    book = {"instrument": "X.TDX", "health": "SYNCING", "reason": "new", "bid": None, "ask": None, "age_ms": None}
    order = {**snapshot()["orders"][0], "price": None}
    shown = text(snapshot(books=[book], orders=[order]))
    assert any(line.split() == ["X.TDX", "SYNCING", "-", "-", "-", "new"] for line in shown.splitlines())
    assert "market" in shown


def test_a_venue_s_words_cannot_drive_the_terminal():
    evil = "\x1b[2J\x07<script>\u202e"
    shown = snapshot()
    shown["venues"][0]["reason"] = shown["denials"][0]["text"] = shown["strategies"][0]["reason"] = evil
    for made in (text(shown), rendered(shown), one_line(shown)):
        assert "\x1b[2J" not in made
        assert "\x07" not in made
        assert "\u202e" not in made
    assert clean(evil) == "\\x1b[2J\\x07<script>\\u202e"
    assert clean("x" * 200) == "x" * 97 + "..."


def test_rich_takes_no_markup_from_texts():
    shown = snapshot()
    shown["venues"][0]["reason"] = "[bold]loud[/bold]"
    assert "[bold]loud[/bold]" in rendered(shown)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0m00s"), (187, "3m07s"), (3725, "1h02m"), (90_000, "1d01h"), (350_000, "4d01h")]
)
def test_durations_are_short(seconds, words):
    assert duration(seconds) == words


def test_ages_are_milliseconds_until_they_are_long():
    assert [millis(None), millis(0.04), millis(9999.0), millis(65_000.0)] == ["-", "0.0 ms", "9999.0 ms", "1m05s"]


def test_every_row_is_as_long_as_its_headings():
    for block in blocks(snapshot(latches=[LATCH], journal=DEAD)):
        assert isinstance(block, Block)
        assert {len(row) for row in block.rows} <= {len(block.heads)}


# --- the view ---------------------------------------------------------------------------------------------------------


async def test_a_pipe_gets_lines_and_one_picture_line_now_and_then():
    out = io.StringIO()
    view = View(out, line_s=0.02)
    view.say("tdx: link up")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(view.show, snapshot)
        await control_rig.until(lambda: "quotes  paper" in out.getvalue())
        view.say("the last\x1b[2J word")
        nursery.cancel_scope.cancel()
    lines = out.getvalue().splitlines()
    assert lines[0] == "tdx: link up"
    assert lines[-1] == "the last\\x1b[2J word"


class Terminal(io.StringIO):
    def isatty(self):
        return True


async def test_a_terminal_gets_the_picture(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    view = View(out)
    view.say("tdx: [bold]link[/bold] up")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(view.show, snapshot)
        await control_rig.until(lambda: "k7tw-12" in out.getvalue())
        nursery.cancel_scope.cancel()
    assert "tdx: [bold]link[/bold] up" in out.getvalue()


async def test_a_terminal_that_stands_still_holds_nothing_up():
    """The other end of this pipe is never read: writing to it blocks its thread, and nothing else."""
    read, write = os.pipe()
    stream = os.fdopen(write, "w")
    view = View(stream, line_s=0.001)
    for number in range(LINES_MAX):
        view.say(f"{number} " + "x" * 1000)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(view.show, snapshot)
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(LINES_MAX + 5):
                view.say("more")
            nursery.cancel_scope.cancel()
    assert len(view.waiting) <= LINES_MAX
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(read, 1 << 16), b"")], daemon=True)
    drain.start()
    stream.close()
    drain.join(5)
    os.close(read)


async def test_lines_that_had_to_go_are_counted(nursery):
    out = io.StringIO()
    view = View(out)
    for number in range(LINES_MAX + 3):
        view.say(str(number))
    nursery.start_soon(view.show, snapshot)
    await control_rig.until(lambda: out.getvalue())
    assert out.getvalue().splitlines()[:2] == ["(3 lines were dropped: the terminal did not keep up)", "3"]


async def test_a_stream_that_is_gone_ends_nothing():
    tried = []

    class Gone(io.StringIO):
        def write(self, text):
            tried.append(text)
            raise BrokenPipeError

    view = View(Gone(), line_s=0.01)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(view.show, snapshot)
        await control_rig.until(lambda: len(tried) >= 3)
        nursery.cancel_scope.cancel()
