"""The journal's next file is begun in the middle of a captured run, and the run and its heir are replayed equal."""

import importlib.util
from pathlib import Path
from typing import Any

import trio
from trio.testing import MockClock

from tickwright.engine.journal_folder import older_files
from tickwright.engine.terms import Side
from tickwright.replaying import open_replay
from tickwright.rolling import rotate

spec = importlib.util.spec_from_file_location("trading_rig", Path(__file__).with_name("test_trading.py"))
assert spec is not None
assert spec.loader is not None
rig: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rig)


async def in_two_files(run: Any, market: Any) -> None:
    market.book(100_000, 100_010)
    await trio.sleep(0.1)
    market.trade(Side.SELL, 100_000, 300)
    await trio.sleep(1.1)
    assert rotate(run)
    market.trade(Side.SELL, 100_000, 100)
    await trio.sleep(1.1)


async def test_a_run_in_two_files_is_replayed_equal(autojump_clock: MockClock, tmp_path: Path) -> None:
    config = rig.config_in(tmp_path, capture=True, on_stop="leave")
    async with rig.trading(config, in_two_files) as (_, result):
        assert result.summary["fills"] == 2
    assert len(older_files(tmp_path / "state")) == 1
    replay = open_replay(result.run)
    assert replay.go(), replay.difference
    assert replay.run_hash() == result.run_hash


async def test_a_run_that_is_told_again_is_replayed_equal(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def dying(run: Any, market: Any) -> None:
        await in_two_files(run, market)
        run.parts.core.desks[0].enabled = False  # as if it had died: it saves no more

    async with rig.trading(rig.config_in(tmp_path, on_stop="leave"), dying):
        pass
    told: list[Any] = []

    async def again(run: Any, market: Any) -> None:
        told.extend(run.live.untold["quoter"])
        market.book(100_000, 100_010)
        await trio.sleep(1.5)

    async with rig.trading(rig.config_in(tmp_path, capture=True, on_stop="leave"), again) as (_, second):
        pass
    assert len(told) == 1, "the execution before the next file was saved with it"
    replay = open_replay(second.run)
    assert replay.go(), replay.difference
    assert replay.run_hash() == second.run_hash
