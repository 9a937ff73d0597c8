"""A captured run is replayed: equal where nothing was changed, stopped at the first difference where something was."""

import gzip
import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tickwright.adapters.tape.capture import CaptureError, CaptureWriter, read_capture
from tickwright.backtesting import backtest
from tickwright.capture import CAPTURE
from tickwright.engine.terms import Side
from tickwright.replayed import replay_in, replayed
from tickwright.replaying import ReplayError, open_replay
from tickwright.reports.run_folder import RunFolder
from tickwright.slow import SlowHandler
from tickwright.stopping import Stop, StopError

spec = importlib.util.spec_from_file_location("trading_rig", Path(__file__).with_name("test_trading.py"))
assert spec is not None
assert spec.loader is not None
rig: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rig)

DEMO = Path(__file__).parents[2] / "configs" / "demo.yaml"


async def script(run: Any, market: Any) -> None:
    market.book(100_000, 100_010)
    await trio.sleep(0.1)
    market.trade(Side.SELL, 100_000, 300)
    await trio.sleep(2.1)
    market.link(False)
    market.link(True)
    market.book(100_001, 100_010)
    await trio.sleep(0.1)
    run.live.kill("global", "", "cancel", "enough", "test")


async def captured(folder: Path, **more: Any) -> RunFolder:
    async with rig.trading(rig.config_in(folder, capture=True, **more), script) as (_, result):
        found: RunFolder = result.run
    return found


def change(run: RunFolder, edit: Callable[[list[str]], None]) -> None:
    """Tamper with a capture."""
    path = run.path / CAPTURE
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    edit(lines)
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


async def test_a_paper_run_is_replayed_equal(autojump_clock: MockClock, tmp_path: Path) -> None:
    run = await captured(tmp_path)
    replay = open_replay(run)
    assert replay.same()
    assert replay.go(), replay.difference
    assert replay.finished
    assert replay.run_hash() == run.summary["run_hash"]
    assert replay.comparison.equal > 15
    assert replay.changed == []
    assert (run.path / CAPTURE).stat().st_mode & 0o777 == 0o600


async def test_a_second_run_of_a_journal_is_replayed_with_what_it_took_over(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    await captured(tmp_path, on_stop="leave")

    async def again(run: Any, market: Any) -> None:
        run.live.rearm("global", "", "looked at it", "test")
        market.book(100_000, 100_010)
        await trio.sleep(1.5)

    async with rig.trading(rig.config_in(tmp_path, capture=True, on_stop="leave"), again) as (_, result):
        pass
    replay = open_replay(result.run)
    assert replay.captured.past, "the journal had records"
    assert replay.go(), replay.difference
    assert replay.run_hash() == result.run_hash


async def test_a_changed_strategy_is_named_and_its_first_other_decision_shown(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    run = await captured(tmp_path)
    source = (tmp_path / "quoter.py").read_text()
    (tmp_path / "quoter.py").write_text(source.replace('"0.5"', '"0.6"'))
    told = await replay_in(str(run.path), tmp_path)
    assert not told.equal
    assert told.data["changed"] == ["strategy quoter"]
    difference = told.data["difference"]
    assert difference["kind"] == "decision"
    assert difference["recorded"]["figures"] != difference["replayed"]["figures"]
    assert "strategy quoter: not what it was" in told.text
    assert "recorded: " in told.text


async def test_tampering_is_found_at_its_place(autojump_clock: MockClock, tmp_path: Path) -> None:
    run = await captured(tmp_path)

    def cheaper(lines: list[str]) -> None:
        at = next(i for i, line in enumerate(lines) if '"event":"ACK"' in line)
        lines[at] = lines[at].replace('"lots":500', '"lots":501')

    change(run, cheaper)
    told = await replay_in(str(run.path), tmp_path)
    assert told.data["difference"]["recorded"]["lots"] == 501
    assert told.data["difference"]["replayed"]["lots"] == 500


async def test_a_record_too_few_and_one_too_many_are_differences(autojump_clock: MockClock, tmp_path: Path) -> None:
    run = await captured(tmp_path)

    def lose(lines: list[str]) -> None:
        at = next(i for i, line in enumerate(lines) if '"event":"ACK"' in line)
        entry = json.loads(lines[at])
        entry[6] = []
        lines[at] = json.dumps(entry)

    change(run, lose)
    told = await replay_in(str(run.path), tmp_path)
    assert told.data["difference"]["recorded"] is None
    assert told.data["difference"]["replayed"]["event"] == "ACK"

    def add(lines: list[str]) -> None:
        at = next(i for i, line in enumerate(lines) if line.startswith('["do","live","step"'))
        entry = json.loads(lines[at])
        entry[6].append(["note", 1, {"severity": "info", "text": "never"}])
        lines[at] = json.dumps(entry)

    change(run, add)
    told = await replay_in(str(run.path), tmp_path)
    assert told.data["difference"]["recorded"]["text"] == "never"
    assert told.data["difference"]["replayed"] is None


async def test_a_capture_that_was_cut_off_is_replayed_as_far_as_it_goes(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    run = await captured(tmp_path)
    path = run.path / CAPTURE
    path.write_bytes(path.read_bytes()[:-60])
    told = await replay_in(str(run.path), tmp_path)
    assert told.equal
    assert not told.data["whole"]
    assert "ends before the run's end" in told.text
    path.write_bytes(path.read_bytes()[:400] + b"\x00" * 40 + path.read_bytes()[440:])
    with pytest.raises(CaptureError, match="not what was written"):
        await replay_in(str(run.path), tmp_path)


async def test_a_run_that_was_not_captured_says_so(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with rig.trading(rig.config_in(tmp_path), script) as (_, result):
        pass
    with pytest.raises(CaptureError, match="expected a run that was captured"):
        open_replay(result.run)


async def test_work_beside_the_trading_cannot_be_repeated(autojump_clock: MockClock, tmp_path: Path) -> None:
    source = rig.STRATEGY + "\n    async def background(self) -> None: ...\n"
    run = None
    try:
        before, rig.STRATEGY = rig.STRATEGY, source
        run = await captured(tmp_path)
    finally:
        rig.STRATEGY = before
    with pytest.raises(ReplayError, match="quoter: has work of its own beside the trading"):
        open_replay(run)


async def test_a_handler_that_took_too_long_does_so_again(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_at_third(strategy: str, name: str, handler: Any) -> Any:
        calls = []

        def called(*arguments: Any) -> None:
            calls.append(name)
            handler(*arguments)
            if name == "on_book" and len(calls) == 2:
                raise SlowHandler("on_book took 2.0 s, expected at most 1 s: everything waited for it")

        return called

    monkeypatch.setattr("tickwright.capture.timed", slow_at_third)
    run = await captured(tmp_path)
    assert run.summary["status"] in ("failed", "halted")
    replay = open_replay(run)
    assert replay.go(), replay.difference
    assert "on_book raised SlowHandler" in replay.live.core.failures[0].error.args[0] or replay.live.core.failures


async def test_it_stops_where_it_is_told_and_shows_how_the_run_stands(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    run = await captured(tmp_path)
    name = run.order_ids()[0]
    for stop, seen in (
        (Stop.of("state=OPEN"), f"{name}: PENDING_NEW, BUY 0 of 0.5 at 50000"),
        (Stop.of(f"order={name}"), '"verdict":0'),
        (Stop.of("event=3"), "stopped before input 3"),
        (Stop.until("3"), "stopped before input 3"),
    ):
        told = await replay_in(str(run.path), tmp_path, stop)
        assert told.equal
        assert seen in told.text
    with pytest.raises(StopError, match="code NEVER, found none"):
        await replay_in(str(run.path), tmp_path, Stop.of("code=NEVER"))


@pytest.mark.parametrize("text", ["order", "state=SHUT", "event=x", "when=3"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(StopError, match="--break: expected"):
        Stop.of(text)


def demo(folder: Path, *more: str) -> Any:
    return backtest(DEMO, overrides=(f"runs={folder}", "data.end=2024-08-08T23:54:40Z", *more))


def test_a_backtest_is_replayed_and_stopped(tmp_path: Path) -> None:
    result = demo(tmp_path, "strategies.maker.params.behind_ticks=1")
    told = replayed(result.run_id, tmp_path)
    assert told.equal
    assert told.data["run_hash"]["replayed"] == result.run_hash
    told = replayed(result.run_id, tmp_path, Stop.of("order=bt-3"))
    assert "stopped at" in told.text
    assert "bt-3" not in told.text
    config = result.folder / "config.yaml"
    config.write_text(re.sub(r"behind_ticks: \S+", "behind_ticks: '2'", config.read_text()))
    told = replayed(result.run_id, tmp_path)
    assert not told.equal
    assert told.data["difference"]["kind"] == "decision"
    assert told.data["difference"]["columns"] == ("ticks",)


def test_a_file_of_bounded_size_ends_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    writer = CaptureWriter(path, 100, lambda text: text.replace("secret", "***"))
    noise = bytes(range(32, 127)).decode().replace("\n", "")
    for i in range(3):
        writer.line(f"secret {i} {noise}".encode())
        writer.hand_over()
        while writer.waiting:
            pass
    writer.close()
    writer.close()
    assert writer.ended == "it has reached 0 MiB"
    lines = list(read_capture(path))
    assert 1 <= len(lines) <= 2
    assert all(line.startswith(b"*** ") for line in lines)
    with pytest.raises(CaptureError, match="cannot be made"):
        CaptureWriter(path, 100)
