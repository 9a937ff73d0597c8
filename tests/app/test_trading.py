"""A paper run joined from a config, its market in memory: it trades, records, and closes its books."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tickwright.config import load
from tickwright.document import ConfigError
from tickwright.engine.capability import Capability
from tickwright.engine.events import BookChanged, LinkChanged, Traded
from tickwright.engine.instrument import Instrument
from tickwright.engine.journal_folder import older_files
from tickwright.engine.live import DONE, Ending
from tickwright.engine.order import Order
from tickwright.engine.terms import BUY, SELL, Side
from tickwright.engine.wire import Clock, Inbox, OrderFacts, PositionFacts, TradeFacts, UnknownInstrument
from tickwright.result import Result
from tickwright.rolling import keep_short
from tickwright.trading import TradingRun, opened, trade

ID = "BTC/CHF.TDX"
STRATEGY = '''
from tickwright import Book, Fill, Order, Strategy

class Quoter(Strategy):
    """Bids once at the best bid, and remembers what it saw."""

    def on_start(self) -> None:
        self.watch("BTC/CHF.TDX", book="every", trades=True)
        self.seen: list[str] = []
        self.bids = 0

    def on_book(self, book: Book) -> None:
        self.seen.append("warm" if self.warming_up else "live")
        if self.bids == 0:
            self.bids += 0 if self.warming_up else 1
            self.buy(book.instrument, "0.5", price=book.bid)

    def on_trade(self, trade: object) -> None: ...

    def save(self) -> dict[str, object]:
        return {"seen": len(self.seen)}

    def load(self, state: dict[str, object]) -> None:
        self.loaded = state
'''


class Market:
    """A wire with market data alone, which the test speaks."""

    venue = "TDX"
    capability = Capability(quiet_books=True)
    lacks = ""

    def __init__(self) -> None:
        self.inbox: Inbox | None = None
        self.clock: Clock

    def at(self, clock: Clock) -> "Market":
        self.clock = clock
        return self

    async def instruments(self, ids: Iterable[str]) -> Mapping[str, Instrument]:
        if self.lacks:
            raise UnknownInstrument(self.lacks, f"{self.lacks}: expected it among 4 pairs, received none such")
        return {
            id: Instrument(id=id, tick_size=Decimal("0.5"), lot_size=Decimal("0.001"), base="BTC", quote="CHF")
            for id in ids
        }

    def watch(self, instruments: Iterable[Instrument]) -> None: ...

    async def run(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.link(True)
        await trio.sleep_forever()

    def link(self, up: bool) -> None:
        assert self.inbox is not None
        self.inbox.put(LinkChanged(venue="TDX", up=up, reason="test", ts=self.clock.now()))

    def book(self, bid: int, ask: int) -> None:
        assert self.inbox is not None
        self.inbox.put(
            BookChanged(instrument=ID, changes=((BUY, bid, 100), (SELL, ask, 100)), snapshot=True, ts=self.clock.now())
        )

    def trade(self, taker: Side, ticks: int, lots: int) -> None:
        assert self.inbox is not None
        self.inbox.put(Traded(instrument=ID, taker=taker, ticks=ticks, lots=lots, ts=self.clock.now()))

    def submit(self, order: Order) -> None:
        raise AssertionError("paper sends no order")

    def cancel(self, order: Order, request_id: int) -> None:
        raise AssertionError("paper sends no cancel")

    def resync(self, instrument: str, reason: str) -> None: ...

    async def open_orders(self) -> tuple[OrderFacts, ...]:
        raise AssertionError("paper asks for nothing")

    async def order(self, order: Order) -> OrderFacts | None:
        raise AssertionError("paper asks for nothing")

    async def trades(self, since: int) -> tuple[TradeFacts, ...]:
        raise AssertionError("paper asks for nothing")

    async def holdings(self) -> Mapping[str, Decimal] | None:
        raise AssertionError("paper asks for nothing")

    async def positions(self) -> Mapping[str, PositionFacts] | None:
        raise AssertionError("paper asks for nothing")


def config_in(folder: Path, **more: Any) -> Any:
    (folder / "quoter.py").write_text(STRATEGY)
    raw: dict[str, Any] = {
        "name": "paper-test",
        "mode": "paper",
        "account": {"currency": "CHF", "balances": {"CHF": "1000000", "BTC": "2"}},
        "venues": {"tdx": {"adapter": "tdx"}},
        "strategies": {"quoter": {"use": "./quoter.py:Quoter", "instruments": [ID]}},
        "risk": {"max_order_qty": "5", "max_position": "5"},
        "runs": str(folder / "runs"),
        "state": str(folder / "state"),
    }
    for name, value in more.items():
        raw[name] = raw.get(name, {}) | value if isinstance(value, dict) else value
    path = folder / "run.yaml"
    path.write_text(json.dumps(raw))
    return load(path)


@asynccontextmanager
async def trading(
    config: Any, script: Callable[[TradingRun, Market], Any], market: Market | None = None
) -> AsyncIterator[tuple[Ending, Result]]:
    """Run while the script plays, then stop; gives how it ended."""
    market = market or Market()
    said: list[str] = []
    found: list[tuple[Ending, Result]] = []
    making = opened(config, {}, said.append, make=lambda config, site, clock: market.at(clock))
    async with making as run, trio.open_nursery() as nursery:

        async def go() -> None:
            found.append(await run.go())

        nursery.start_soon(go)
        await trio.sleep(0.1)
        await script(run, market)
        run.live.stop("the test is over")
    yield found[0]


async def test_a_paper_order_rests_and_fills_against_the_live_market(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def script(run: TradingRun, market: Market) -> None:
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        order = next(iter(run.parts.core.orders.open_orders()))
        assert order.state.name == "OPEN"
        market.trade(Side.SELL, 100_000, 300)
        await trio.sleep(0.1)
        assert order.filled_qty == 0.2, "0.1 was ahead in the queue"

    async with trading(config_in(tmp_path), script) as (ending, result):
        assert ending.code == DONE
        assert result.summary["mode"] == "paper"
        assert result.summary["status"] == "done"
        assert result.summary["fills"] == 1
        assert result.summary["canceled"] == 1
        assert result.summary["position"] == {ID: "0.2"}
        assert result.orders.num_rows > 3
        assert (result.folder / "report.html").exists()


async def test_paper_has_no_order_that_the_venue_has_not(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def script(run: TradingRun, market: Market) -> None:
        market.book(100_000, 100_010)
        await trio.sleep(0.1)

    maker = {"use": "market_maker", "instruments": [ID], "params": {"size": "0.1"}}
    market = Market()
    market.capability = Capability(post_only=False, quiet_books=True)
    async with trading(config_in(tmp_path, strategies={"quoter": maker}), script, market) as (_, result):
        assert result.summary["denials"] == {"FLAG_UNSUPPORTED": 2}


async def test_a_quiet_book_is_judged_by_its_link_on_paper_too(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def script(run: TradingRun, market: Market) -> None:
        quoter = run.parts.core.desks[0].strategy
        market.book(100_000, 100_010)
        await trio.sleep(10)
        quoter.bids = 0
        run.live.core.wake_again(run.live.core.markets[0], run.live.clock.now())
        await trio.sleep(0.1)

    async with trading(config_in(tmp_path), script) as (_, result):
        assert result.summary["denials"] == {}
        assert result.summary["orders"] == 2


async def test_nothing_is_sent_while_the_link_is_down(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def script(run: TradingRun, market: Market) -> None:
        market.link(False)
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        assert run.parts.core.orders.open_orders() == []

    async with trading(config_in(tmp_path), script) as (_, result):
        assert result.summary["denials"] == {"NOT_RECONCILED": 1}


async def test_a_position_to_begin_with_costs_nothing_and_counts(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def script(run: TradingRun, market: Market) -> None:
        market.book(100_000, 100_010)
        market.book(100_000, 100_010)
        await trio.sleep(1.5)
        portfolio = run.parts.portfolio
        assert portfolio.position(0).lots == 1_500
        assert portfolio.balance("BTC") == Decimal("2")
        assert portfolio.balance("CHF") == Decimal("1000000")
        assert portfolio.account.total == 0

    config = config_in(tmp_path, account={"positions": {ID: "1.5"}})
    async with trading(config, script) as (_, result):
        assert result.summary["position"] == {ID: "1.5"}


async def test_a_warm_up_is_seen_told_and_trades_nothing(autojump_clock: MockClock, tmp_path: Path) -> None:
    rows = np.zeros(4, [("ts", "i8"), ("price", "f8"), ("qty", "f8")] + [(n, "i1") for n in ("kind", "side", "last")])
    rows["ts"] = [1, 1, 2, 3]
    rows["price"] = [45_000, 45_005, 45_000.5, 45_001]
    rows["qty"] = 5
    rows["side"] = [1, -1, 1, 1]
    rows["last"] = [0, 1, 1, 1]
    np.savez(tmp_path / "warm.npz", **{name: rows[name] for name in rows.dtype.names or ()})

    async def script(run: TradingRun, market: Market) -> None:
        strategy = run.parts.core.desks[0].strategy
        assert strategy.seen == ["warm"] * 3
        assert run.parts.core.orders.open_orders() == []
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        assert strategy.seen[-1] == "live"
        assert len(run.parts.core.orders.open_orders()) == 1

    config = config_in(tmp_path, data={"warmup": {ID: "warm.npz"}})
    async with trading(config, script) as (_, result):
        assert result.summary["orders"] == 1


async def test_paper_orders_and_positions_outlive_the_run(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def once(run: TradingRun, market: Market) -> None:
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        market.trade(Side.SELL, 100_000, 300)
        await trio.sleep(0.1)

    async with trading(config_in(tmp_path, on_stop="leave"), once) as (ending, first):
        assert ending.code == DONE
        assert [order.client_order_id for order in ending.left] == first.summary["left"]
        assert first.summary["position"] == {ID: "0.2"}

    async def again(run: TradingRun, market: Market) -> None:
        core = run.parts.core
        order = core.orders.open_orders()[0]
        assert order.state.name == "UNKNOWN"
        assert core.markets[0].position.lots == 200
        run.parts.core.desks[0].strategy.bids = 1
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        assert order.state.name == "PARTIALLY_FILLED"
        assert order.filled_qty == 0.2
        market.trade(Side.SELL, 100_000, 100)
        await trio.sleep(0.1)
        assert order.filled_qty == 0.2, "it stands behind the 0.1 that were displayed"
        market.trade(Side.SELL, 100_000, 1_000)
        await trio.sleep(0.1)
        assert order.state.name == "FILLED"

    async with trading(config_in(tmp_path, on_stop="leave"), again) as (_, second):
        assert second.summary["position"] == {ID: "0.5"}
        assert any("resumed at the back of the queue" in text for text in notes(second))


async def test_a_run_goes_on_in_the_journal_s_next_file_and_the_next_run_from_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async def once(run: TradingRun, market: Market) -> None:
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        market.trade(Side.SELL, 100_000, 300)
        await trio.sleep(0.1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_short, run)
            await trio.sleep(3)
            assert older_files(tmp_path / "state") == [], "it is small"
            run.journal.size = 1 << 20
            await trio.sleep(3)
            nursery.cancel_scope.cancel()
        assert len(older_files(tmp_path / "state")) == 1
        market.trade(Side.SELL, 100_000, 100)
        await trio.sleep(0.1)

    config = config_in(tmp_path, on_stop="leave", journal={"file_mb": 1})
    async with trading(config, once) as (ending, first):
        assert ending.code == DONE
        assert first.summary["position"] == {ID: "0.3"}

    async def again(run: TradingRun, market: Market) -> None:
        core = run.parts.core
        assert next(iter(run.journal.records())).kind == "checkpoint"
        assert core.markets[0].position.lots == 300
        (order,) = core.orders.open_orders()
        assert order.cum == 300
        assert run.parts.portfolio.balance("BTC") == Decimal("2.3")
        assert core.desks[0].strategy.loaded == {"seen": 1}

    async with trading(config_in(tmp_path, on_stop="leave"), again):
        pass


async def test_executions_since_the_last_save_are_told_again_once(autojump_clock: MockClock, tmp_path: Path) -> None:
    strategy = """
from tickwright import Book, Fill, Order, Strategy

class Teller(Strategy):
    def on_start(self) -> None:
        self.watch("BTC/CHF.TDX", book="every")
        self.told: list[tuple[str, bool]] = []
        self.orders_made = 0

    def on_book(self, book: Book) -> None:
        if not self.orders:
            self.buy(book.instrument, "0.1", price=book.ask)

    def on_fill(self, order: Order, fill: Fill) -> None:
        self.told.append((fill.trade_id, self.replaying))
        self.orders_made += 1
        self.sell(order.instrument, "0.1", price=order.price + 1000)
"""
    config = config_in(tmp_path, on_stop="leave")
    (tmp_path / "quoter.py").write_text(strategy.replace("Teller", "Quoter"))
    before: list[tuple[str, bool]] = []

    async def once(run: TradingRun, market: Market) -> None:
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        before.extend(run.parts.core.desks[0].strategy.told)
        run.parts.core.desks[0].enabled = False  # as if it had died: nothing is saved

    async with trading(config, once) as (_, first):
        assert first.summary["orders"] == 2
    assert [flag for _, flag in before] == [False]

    async def again(run: TradingRun, market: Market) -> None:
        teller = run.parts.core.desks[0].strategy
        assert teller.told == [(before[0][0], True)]
        assert len(run.parts.core.orders.open_orders()) == 1, "what it asked for meanwhile lapsed"
        assert not teller.replaying

    async with trading(config, again):
        pass

    async def third(run: TradingRun, market: Market) -> None:
        assert run.parts.core.desks[0].strategy.told == [], "it saved its state at the end of the second run"

    async with trading(config, third):
        pass


async def test_a_market_maker_goes_on_with_the_quotes_that_outlived_its_run(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    maker = {"use": "market_maker", "instruments": [ID], "params": {"size": "0.1", "behind_ticks": 4}}
    quoted: list[list[str]] = []

    async def script(run: TradingRun, market: Market) -> None:
        for bid in (100_000, 100_001):
            market.book(bid, bid + 10)
            await trio.sleep(0.1)
        quoted.append([order.client_order_id for order in run.parts.core.orders.open_orders()])

    for _ in range(2):
        async with trading(config_in(tmp_path, on_stop="leave", strategies={"quoter": maker}), script):
            pass
    assert len(quoted[0]) == 2
    assert quoted[1] == quoted[0]


async def test_a_kill_holds_over_a_restart_until_it_is_taken_away(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def once(run: TradingRun, market: Market) -> None:
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        run.live.kill("global", "", "cancel", "enough", "test")

    async with trading(config_in(tmp_path), once) as (_, first):
        assert first.summary["status"] == "halted"

    async def again(run: TradingRun, market: Market) -> None:
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        assert run.parts.core.orders.open_orders() == []
        run.live.rearm("global", "", "looked at it", "test")
        run.parts.core.desks[0].strategy.bids = 0
        market.book(100_000, 100_012)
        await trio.sleep(0.1)
        assert len(run.parts.core.orders.open_orders()) == 1

    async with trading(config_in(tmp_path), again) as (_, second):
        assert second.summary["denials"] == {"KILL_SWITCH_ACTIVE": 1}


def notes(result: Result) -> list[str]:
    return [str(text) for text in result.run.table("notes").column("text").to_pylist()]


async def test_what_a_strategy_saved_is_there_after_a_restart(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def once(run: TradingRun, market: Market) -> None:
        market.book(100_000, 100_010)
        await trio.sleep(0.1)

    async with trading(config_in(tmp_path), once) as (_, first):
        assert first.summary["orders"] == 1

    async def again(run: TradingRun, market: Market) -> None:
        assert run.parts.core.desks[0].strategy.loaded == {"seen": 1}
        market.book(100_000, 100_010)
        await trio.sleep(0.1)
        assert run.parts.core.orders.open_orders()[0].client_order_id.endswith("-2")

    async with trading(config_in(tmp_path), again) as (_, second):
        assert second.run_id != first.run_id


async def test_an_instrument_that_the_venue_lacks_is_a_fault_of_the_config(tmp_path: Path) -> None:
    market = Market()
    market.lacks = ID
    with pytest.raises(ConfigError, match=r"run\.yaml:1: strategies\.quoter\.instruments: BTC/CHF\.TDX: expected it"):
        async with opened(config_in(tmp_path), {}, print, make=lambda config, site, clock: market.at(clock)):
            pass


async def test_a_stated_folder_that_cannot_be_made_is_a_fault_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    inside = str(tmp_path / "file" / "inner")
    with pytest.raises(ConfigError, match=r"run\.yaml:1: state: .*/file/inner: expected a state folder"):
        await trade(config_in(tmp_path, state=inside))
    market = Market()
    making = opened(config_in(tmp_path, runs=inside), {}, print, make=lambda config, site, clock: market.at(clock))
    with pytest.raises(ConfigError, match=r"run\.yaml:1: runs: run folder .* cannot be made"):
        async with making:
            pass
