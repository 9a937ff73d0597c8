"""The example configs with local venues, run over real sockets for some seconds: what they promise is what happens."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio

import tickwright
from tickwright.adapters.local import crowd
from tickwright.adapters.powertrade.mirror import asker
from tickwright.config import Config, load
from tickwright.engine.live import DONE, Ending
from tickwright.result import Result
from tickwright.trading import TradingRun, opened, served_venues

CONFIGS = Path(tickwright.__file__).resolve().parent.parent / "configs"
MAKE, TAKE = "BTC/CHF.TDX", "BTC-USD-PERPETUAL.POWERTRADE"
WITHIN_S = 60


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others in the local markets trade and ask ten times as often, so that a second shows what ten would."""
    monkeypatch.setattr(crowd, "TRADE_WITHIN_NS", tuple(bound // 10 for bound in crowd.TRADE_WITHIN_NS))
    monkeypatch.setattr(asker, "ASKS_WITHIN_NS", tuple(bound // 10 for bound in asker.ASKS_WITHIN_NS))
    monkeypatch.setattr(asker, "TAKES_AFTER_NS", asker.TAKES_AFTER_NS // 10)


def config_of(name: str, folder: Path, mode: str | None = None, *more: str) -> Config:
    return load(CONFIGS / name, [f"state={folder / 'state'}", f"runs={folder / 'runs'}", *more], mode=mode)


Script = Callable[[TradingRun], Any]


@asynccontextmanager
async def ran(config: Config, script: Script) -> AsyncIterator[tuple[Ending, Result, list[str]]]:
    """Run on venues that are served for it until the script is through."""
    said: list[str] = []
    found: list[tuple[Ending, Result]] = []
    async with (
        served_venues(config, said.append) as served,
        opened(config, served, said.append) as run,
        trio.open_nursery() as nursery,
    ):

        async def go() -> None:
            found.append(await run.go())

        nursery.start_soon(go)
        with trio.fail_after(WITHIN_S):
            await script(run)
        run.live.stop("the test is over")
    notes = [str(text) for text in found[0][1].run.table("notes").column("text").to_pylist()]
    yield *found[0], said + notes


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        await trio.sleep(0.05)


def lots(run: TradingRun, id: str) -> Decimal:
    """What is held of an instrument, exactly."""
    market = run.live.intake.markets[id]
    return market.instrument.qty(market.position.lots)


def hedges(seen: list[Decimal], apart: list[Decimal]) -> Script:
    """Watch what is held until it has changed twice in the second market and both positions are equal and opposite."""

    async def watch(run: TradingRun) -> None:
        seen.append(lots(run, TAKE))
        known = {seen[-1]}
        while len(known) < 3 or lots(run, MAKE) != -lots(run, TAKE):
            await trio.sleep(0.05)
            known.add(lots(run, TAKE))
            apart.append(abs(lots(run, MAKE) + lots(run, TAKE)))

    return watch


@pytest.mark.slow
async def test_what_is_executed_at_one_venue_is_hedged_at_the_other(tmp_path: Path) -> None:
    config = config_of("two_venues_local.yaml", tmp_path)
    first: list[Decimal] = []
    apart: list[Decimal] = []
    for _ in range(2):  # the venues of the second run know of no earlier one, and neither does the run
        async with ran(config, hedges(first, apart)) as (ending, result, said):
            assert (ending.code, ending.left, result.summary["status"]) == (DONE, (), "done")
            assert not any("POSITION_MISMATCH" in line for line in said)
            assert set(result.summary["denials"]) <= {"NOT_RECONCILED"}
            held = {id: Decimal(size) for id, size in result.summary["position"].items()}
            assert abs(held[MAKE] + held[TAKE]) <= Decimal("0.04")
            assert abs(held[MAKE]) <= Decimal("0.2")
    assert first == [0, 0]
    assert max(apart) <= Decimal("0.06"), "the bound for quoting, and one quote more"


@pytest.mark.slow
async def test_a_position_to_begin_with_is_hedged_once_over_a_restart(tmp_path: Path) -> None:
    config = config_of("two_venues_local.yaml", tmp_path, "paper", f"account.positions={{{MAKE}: 0.1}}")
    first: list[Decimal] = []
    for _ in range(2):
        async with ran(config, hedges(first, [])) as (ending, result, _):
            assert (ending.code, result.summary["status"]) == (DONE, "done")
            held = {id: Decimal(size) for id, size in result.summary["position"].items()}
            assert abs(held[MAKE] + held[TAKE]) <= Decimal("0.04")
    assert first[0] == 0
    assert first[1] != 0, "the second run begins with what the first one held"


@pytest.mark.slow
async def test_requests_for_quotes_are_answered_and_the_answers_taken(tmp_path: Path) -> None:
    config = config_of("rfq_local.yaml", tmp_path)

    async def trades(run: TradingRun) -> None:
        await until(lambda: run.tally.fills >= 5)

    async with ran(config, trades) as (ending, result, said):
        assert (ending.code, ending.left, result.summary["status"]) == (DONE, (), "done")
        assert not any("POSITION_MISMATCH" in line for line in said)
        assert set(result.summary["denials"]) <= {"NOT_RECONCILED"}
        assert all(abs(Decimal(size)) <= 20 for size in result.summary["position"].values())
        assert any("@" in id for id in result.orders.column("instrument").to_pylist())
