"""A captured run is replayed: equal where nothing was changed, stopped at the first difference where something was."""

import importlib.util
from pathlib import Path
from typing import Any

import trio
from trio.testing import MockClock

from tickwright.engine.terms import Side
from tickwright.replaying import open_replay

spec = importlib.util.spec_from_file_location("trading_rig", Path(__file__).with_name("test_trading.py"))
assert spec is not None
assert spec.loader is not None
rig: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rig)


async def test_a_paper_run_is_replayed_equal(autojump_clock: MockClock, tmp_path: Path) -> None:
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

    async with rig.trading(rig.config_in(tmp_path, capture=True), script) as (_, result):
        pass
    replay = open_replay(result.run)
    assert replay.difference is None
    assert replay.go(), replay.difference
    assert replay.finished
    assert replay.run_hash() == result.run_hash
    assert replay.comparison.equal > 15
    assert replay.changed == []
