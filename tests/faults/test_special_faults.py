"""Faults that no script makes: floods, plugins, frames, clocks, credentials, people who stop a run at a bad moment."""

import json
import resource
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import trio
from grounds import GROUNDS, OFF, TDX, Ground
from stack import Stack, check_invariants, settle, stacked, venue_orders
from test_scripted_faults import evidence
from trio.testing import MockClock

from tickwright import slow
from tickwright.adapters.fault_rules import Disconnect, Restart, Rule
from tickwright.adapters.local.sockets import Socket
from tickwright.engine.events import BookChanged, Traded
from tickwright.engine.live import JOURNAL_REFUSED, NOT_RECONCILED, ORDERS_LEFT
from tickwright.engine.terms import BUY, SELL, OrderState
from tickwright.engine.times import SECOND
from tickwright.engine.wire import QueryFailed

MIB = 1 << 20
ID = TDX.instrument
"""Where a fault is none of a venue's doing, one venue is enough."""


async def trade_a_while(stack: Stack, seconds: float = 12.0) -> None:
    await stack.ready()
    await trio.sleep(seconds)


async def test_f01_the_link_goes_as_an_order_leaves(ground: Ground, autojump_clock: MockClock, tmp_path: Path) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
        await trade_a_while(stack, 5)
        session = stack.wire._session
        session.send = lambda owner, frame: owner.failed(frame, "the link went")  # type: ignore[method-assign]
        sent = Counter(stack.watcher.submitted)
        while stack.watcher.submitted == sent:
            await trio.sleep(0.05)
        del session.send
        (name,) = stack.watcher.submitted - sent
        await settle(stack)
        check_invariants(stack)
        order = stack.orders.by_client_order_id(name)
        assert order.state is OrderState.FAILED
        assert (name, "FAILED") in stack.trader.heard
        assert stack.venue.record.frames(name) == 0


async def test_f09_a_flood_merges_levels_and_loses_no_order_event(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, "{fault: act, action: flood, rate: 1000, for: 3s, after: 2s}", ground=ground) as stack:
        await trade_a_while(stack, 6)
        inbox = stack.run.live.bell
        now = stack.run.live.clock.now()
        below, above = stack.book.bid_ticks() * 9 // 10, stack.book.ask_ticks() * 11 // 10
        for number in range(20_000):
            change = ((BUY, below - number % 50, 1 + number), (SELL, above + number % 50, 1 + number))
            inbox.put(BookChanged(instrument=stack.id, changes=change, ts=now))
            if number % 100 == 0:
                inbox.put(Traded(instrument=stack.id, taker=None, ticks=below, lots=number + 1, ts=now))
        assert len(inbox.mailbox) < 1000
        assert inbox.mailbox.merged > 19_000
        trades = stack.run.live.intake.counts.trades
        await trio.sleep(0.1)
        assert stack.run.live.intake.counts.trades >= trades + 200
        stack.wire.resync(stack.id, "the flood was not the venue's")
        await trio.sleep(2)
        await settle(stack)
        check_invariants(stack)


PLUGINS = {
    "raises": "raise ValueError('a plugin of no good')",
    "raises more than an exception": "raise SystemExit(3)",
    "returns rubbish": "self.buy(ID, float('nan'), price=float('inf')); self.buy(ID, 'many'); return object()",
    "blocks": "import time; time.sleep(0.08)",
}


@pytest.mark.parametrize("kind", PLUGINS)
async def test_f10_a_bad_plugin_harms_nobody_else(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(slow, "SLOW_S", 0.05)
    (tmp_path / "bad.py").write_text(
        "from attrs import define\nfrom tickwright import Strategy\n"
        f"ID = {ground.instrument!r}\n\n@define(kw_only=True, slots=False)\nclass Bad(Strategy):\n"
        "    def on_start(self):\n        self.times = 0\n        self.every('1s', 'act')\n"
        "    def on_timer(self, name):\n        self.times += 1\n"
        f"        if self.times == 4:\n            {PLUGINS[kind]}\n"
    )
    limits = {"max_strategy_position": "1", "max_strategy_loss": "1000"}
    bad = {"use": "./bad.py:Bad", "on_error": "halt_strategy", "risk": limits}
    bad |= {"instruments": [ground.instrument], "allow": [ground.instrument]}
    async with stacked(tmp_path, ground=ground, strategies={"zbad": bad}) as stack:
        await trade_a_while(stack, 8)
        await settle(stack)
        check_invariants(stack)
        told = stack.run.parts.core.failures
        assert bool(told) == ("rubbish" not in kind)
        assert not told or told[0].strategy == "zbad"
        lines = [text for _, text in stack.said if "zbad" in text or "Traceback" in text or "bad.py" in text]
        if told:
            word = type(told[0].error).__name__
            assert [
                text
                for text in lines
                if f"strategy zbad: on_timer raised {word}" in text and ("bad.py:" in text) == (kind != "blocks")
            ]
            assert len(lines) == 2, "what was raised, and that it is disabled"
            logged = [json.loads(line) for line in (tmp_path / "state" / "log.jsonl").read_text().splitlines()]
            assert [line for line in logged if word in line.get("trace", "")]


BACKGROUNDS = {
    "awaits for ever": "await trio.sleep_forever()",
    "blocks": "await trio.sleep(4); time.sleep(0.08); await trio.sleep_forever()",
    "blocks to its end": "await trio.sleep(4); time.sleep(0.08)",
    "leaves": "await trio.sleep(4); raise SystemExit(3)",
    "has tasks that raise": "async with trio.open_nursery() as tasks: tasks.start_soon(self.fails)",
}


@pytest.mark.parametrize("kind", BACKGROUNDS)
async def test_f10_bad_work_in_the_background_harms_nobody_else(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(slow, "SLOW_S", 0.05)
    (tmp_path / "bad.py").write_text(
        "import time\nimport trio\nfrom attrs import define\nfrom tickwright import Strategy\n\n"
        "@define(kw_only=True, slots=False)\nclass Bad(Strategy):\n"
        f"    async def background(self):\n        {BACKGROUNDS[kind]}\n"
        "    async def fails(self):\n        raise ValueError('no model')\n"
    )
    bad = {"use": "./bad.py:Bad", "instruments": [ID], "allow": [ID], "on_error": "halt_strategy"}
    bad["risk"] = {"max_strategy_position": "1", "max_strategy_loss": "1000"}
    async with stacked(tmp_path, strategies={"zbad": bad}) as stack:
        await trade_a_while(stack, 8)
        entered = len(stack.venue.received)
        await settle(stack)
        check_invariants(stack, tasks=10)
        assert len(stack.venue.received) > entered, "the other strategy trades on"
        told = [(failure.strategy, failure.handler) for failure in stack.run.parts.core.failures]
        assert told == ([] if "for ever" in kind else [("zbad", "background")])
        assert not told or stack.heard("strategy zbad: background")
    assert len(stack.endings) == 1, "a stop ends it, whatever is under way in the background"


def resident() -> int:
    """Bytes of memory that this process has in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("keeps_up", [True, False], ids=["keeps-up", "stands-still"])
async def test_f09_half_a_minute_of_flood_takes_no_memory(
    autojump_clock: MockClock, tmp_path: Path, keeps_up: bool
) -> None:
    """20,000 level changes a second, ten times what is meant to be; taken as they come, or all at once after it."""
    async with stacked(tmp_path) as stack:
        await trade_a_while(stack, 3)
        inbox, clock, counts = stack.run.live.bell, stack.run.live.clock, stack.run.live.intake.counts
        before, trades = resident(), counts.trades
        begun = clock.now()
        deepest = 0
        for tenth in range(300):
            at = clock.now() if keeps_up else begun - (300 - tenth) * SECOND // 10
            for message in range(10):
                sizes = range(1, 101)
                bids = ((BUY, 90_000 - size, 1 + (size * tenth + message) % 997) for size in sizes)
                asks = ((SELL, 120_000 + size, 1 + (size * message + tenth) % 997) for size in sizes)
                inbox.put(BookChanged(instrument=ID, changes=(*bids, *asks), ts=at))
            inbox.put(Traded(instrument=ID, taker=None, ticks=104_000, lots=1 + tenth, ts=at))
            deepest = max(deepest, len(inbox.mailbox))
            if keeps_up:
                await trio.sleep(0.1)
        grown = resident() - before
        assert grown < 64 * MIB, f"{grown / MIB:.0f} MiB for a flood"
        assert deepest < 1000
        await trio.sleep(1)
        assert counts.trades >= trades + 300, "trades are never merged"
        assert keeps_up or stack.heard("ms behind")
        stack.wire.resync(ID, "the flood was not the venue's")
        await trio.sleep(2)
        await settle(stack)
        check_invariants(stack)


BYTES = {
    "F18 binary frame": "82 03 01 02 03",
    "F18 truncated UTF-8": "81 02 c3 28",
    "F20 endless fragments": "01 01 61" + " 00 01 61" * 10_000,
    "F21 a compressed frame": "c1 03 61 62 63",
    "F21 a reserved opcode": "83 00",
    "F22 a close code of nobody": "88 02 00 07",
}


async def test_f17_f18_f19_bad_frames_are_refused_and_counted(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
        await trade_a_while(stack, 2)
        refused = stack.run.live.intake.counts
        for name, text in ground.frames().items():
            before = refused.bad_messages
            await stack.until(lambda: bool(stack.link.up), 20, "a link to be told something by")
            stack.venue.inject(Rule(fault="inject", text=text, timed=True, times=1))
            await trio.sleep(1.5)
            assert refused.bad_messages > before, name
        assert ground.books_by_link or not stack.heard("link down"), "bad text costs no connection"
        await settle(stack)
        check_invariants(stack)


@pytest.mark.parametrize("name", BYTES)
async def test_f18_f20_f21_bad_bytes_cost_the_connection_at_most(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path, name: str
) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
        await trade_a_while(stack, 3)
        stack.venue.inject(Rule(fault="inject", raw=bytes.fromhex(BYTES[name]), timed=True, times=1))
        await trio.sleep(4)
        assert stack.heard("link down") or stack.run.live.intake.counts.bad_messages
        await settle(stack)
        check_invariants(stack)


async def test_f20_an_oversize_message_costs_the_connection(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
        await trade_a_while(stack, 3)
        stack.venue.inject(Rule(fault="inject", text="x" * (MIB + 1), timed=True, times=1))
        await trio.sleep(4)
        assert stack.heard("link down")
        await settle(stack)
        check_invariants(stack)


async def test_f22_a_flood_of_pings_is_not_answered_in_full(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
        await trade_a_while(stack, 3)
        stack.venue.inject(Rule(fault="inject", raw=bytes.fromhex("8900") * 20_000, timed=True, times=1))
        await trio.sleep(5)
        assert stack.wire.statistics()[1].pings_dropped > 1000
        await settle(stack)
        check_invariants(stack)


async def test_f22_a_redirect_is_refused(ground: Ground, autojump_clock: MockClock, tmp_path: Path) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
        await trade_a_while(stack, 3)
        stack.venue.inject(Rule(fault="http_error", kinds=frozenset(("upgrade",)), status=302, times=3))
        stack.venue.do(Disconnect(0, False))
        await trio.sleep(10)
        assert stack.wire.statistics()[1].failures >= 3
        await settle(stack)
        check_invariants(stack)


async def test_f24_no_pong_although_data_flow_is_a_dead_link(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
        await trade_a_while(stack, 20)
        assert not stack.heard("link down")
        handle = Socket._handle

        def deaf(self: Socket, event: Any) -> bool:
            return True if type(event).__name__ == "Ping" else handle(self, event)

        monkeypatch.setattr(Socket, "_handle", deaf)
        await stack.until(lambda: stack.heard("link down"), 26, "the link is dead")
        monkeypatch.setattr(Socket, "_handle", handle)
        await settle(stack)
        check_invariants(stack)


async def test_f25_credentials_that_hold_no_more_end_the_run_with_6(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground, code=NOT_RECONCILED) as stack:
        await trade_a_while(stack, 3)
        stack.trader.trades = False
        await trio.sleep(2)
        refused = ground.revoke(stack.venue)
        stack.venue.do(Restart(memory=True, down=0))
        await stack.until(lambda: bool(stack.endings), 120, "the run ends")
        assert refused() <= 8, "no storm of logins"


async def test_f25_wrong_credentials_are_refused_at_the_start(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    # Where every question bears the proof, the first of them ends it; the exit code is the same.
    asked = pytest.raises(QueryFailed, match="Unauthorized") if ground.asks_with_proof else nullcontext()
    with asked:
        async with stacked(tmp_path, ground=ground, forged=True, code=NOT_RECONCILED) as stack:
            await stack.until(lambda: bool(stack.endings), 120, "the run ends")
            assert not stack.venue.received


async def test_f26_cancels_leave_within_a_second_when_the_budget_is_spent(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    settings = {"messages_per_s": 5}
    async with stacked(tmp_path, ground=ground, settings=settings) as stack:
        await trade_a_while(stack, 4)
        resting = [order for order in stack.orders.open_orders() if order.acked and not order.cancel_outstanding]
        assert resting
        stack.trader.trades = False
        book = stack.book
        for away in range(8):
            stack.trader.buy(stack.id, "0.01", price=book.bid - (away + 20) * book.tick)
        stack.run.parts.core.flush(stack.run.parts.core.desks[0])
        asked = stack.venue.now()
        stack.run.parts.core.cancel(resting[0])
        stack.run.live.applied()
        await trio.sleep(5)
        (left,) = [
            each.at
            for each in stack.venue.received
            if each.kind == "cancel" and each.client_order_id == resting[0].client_order_id and each.at >= asked
        ]
        assert left - asked <= SECOND
        await settle(stack)
        check_invariants(stack)


async def test_f28_a_venue_without_memory_loses_orders_only_by_proof(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground, cod=OFF) as stack:
        await trade_a_while(stack, 6)
        stack.trader.trades = False
        stack.trader.buy(stack.id, "0.01", price=stack.book.bid - 2000 * stack.book.tick)
        stack.run.parts.core.flush(stack.run.parts.core.desks[0])
        stack.run.live.applied()
        await trio.sleep(100)
        lost = {order.client_order_id: order for order in stack.orders.open_orders()}
        assert lost, "an order older than the window of the sweep"
        stack.venue.faults.stop()
        stack.venue.do(Restart(memory=False, down=2 * SECOND))
        await stack.until(lambda: not stack.orders.open_orders(), 60, "what is lost is known to be")
        assert {order.state for order in lost.values()} == {OrderState.CANCELED}
        assert venue_orders(stack) == {}
        assert stack.watcher.broken == []
        assert stack.venue.executed
        await stack.until(lambda: stack.heard("POSITION_MISMATCH"), 70, "what the account lacks is told")


@pytest.mark.parametrize("executes", [False, True], ids=["rests", "executes"])
async def test_f28_an_order_that_arrives_after_it_was_given_up(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path, executes: bool
) -> None:
    """Held up on its way for longer than three answers that know nothing of it: failed by proof, then there."""
    held = "{fault: delay, kinds: [new], direction: in, via: ws, delay: 25s, times: 1}"
    async with stacked(tmp_path, trades=False, ground=ground) as stack:
        await stack.ready()
        stack.inject(held)
        book = stack.book
        price = book.ask + 40 * book.tick if executes else book.bid - 200 * book.tick
        order = stack.trader.buy(ground.instrument, "0.02", price=price)
        stack.run.parts.core.flush(stack.run.parts.core.desks[0])
        stack.run.live.applied()
        await stack.until(lambda: order.state is OrderState.FAILED, 20, "given up")
        assert stack.venue.record.frames(order.client_order_id) == 0
        await stack.until(lambda: stack.heard("AFTER_END") or stack.heard("AFTER_FAILED"), 20, "an alarm")
        assert stack.venue.record.frames(order.client_order_id) == 1
        states = stack.run.parts.floor.states
        assert states["instrument", ground.instrument] > 0, "only what reduces may pass"
        end = OrderState.FILLED if executes else OrderState.OPEN
        await stack.until(lambda: order.state is end, 20, "as the venue has it")
        assert (order.client_order_id, end.name) == stack.trader.heard[-1], stack.trader.heard
        await stack.until(lambda: states["instrument", ground.instrument] == 0, 20, "settled")
        await settle(stack)
        check_invariants(stack)


@pytest.mark.parametrize("jump", [-3600, 3600, 86_400], ids=["hour-back", "hour-ahead", "day-ahead"])
async def test_f31_the_machine_s_clock_jumps(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path, jump: int
) -> None:
    async with stacked(tmp_path, "{fault: drop, kinds: [ack, order], probability: 0.2}", ground=ground) as stack:
        await trade_a_while(stack, 5)
        stack.skew[0] = jump * SECOND
        await trio.sleep(10)
        sequence = [ts for ts, _, _ in stack.notes()]
        assert sequence == sorted(sequence)
        stack.venue.faults.stop()
        await stack.until(lambda: not stack.unknown(), 30, "nothing in doubt, although the clock is off")
        stack.skew[0] = 0
        await settle(stack, within=60)  # the clock is measured with each sweep
        check_invariants(stack)


WRONG_TIMES = [("tdx", 3600), ("tdx", -3600), ("tdx", -1_700_000_000), ("powertrade", 3600), ("powertrade", -3600)]


@pytest.mark.parametrize(("venue", "jump"), WRONG_TIMES)
async def test_f32_the_venue_s_clock_is_wrong(autojump_clock: MockClock, tmp_path: Path, venue: str, jump: int) -> None:
    async with stacked(tmp_path, ground=GROUNDS[venue]) as stack:
        await trade_a_while(stack, 5)
        stack.venue_skew[0] = max(jump * SECOND, -stack.venue.now() + SECOND)
        await trio.sleep(40)
        assert "CLOCK_SKEW" in evidence(stack)
        entered = len(stack.venue.received)
        await trio.sleep(5)
        assert not [each for each in stack.venue.received[entered:] if each.kind == "new"]
        stack.venue_skew[0] = 0
        await settle(stack, within=60)


async def test_a_stop_while_the_link_is_down_says_what_may_be_left(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground, cod=OFF, code=ORDERS_LEFT) as stack:
        await trade_a_while(stack, 8)
        mine = set(venue_orders(stack))
        assert mine
        stack.venue.do(Restart(memory=True, down=60 * SECOND))
        await trio.sleep(1)
        stack.run.live.stop("while nobody answers")
        await stack.until(lambda: bool(stack.endings), 20, "the end")
        assert {order.client_order_id for order in stack.endings[0].left} >= mine


async def test_a_kill_while_the_link_is_down_cancels_once_it_is_up(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground, cod=OFF) as stack:
        await trade_a_while(stack, 8)
        stack.venue.faults.stop()
        assert venue_orders(stack)
        stack.venue.do(Restart(memory=True, down=5 * SECOND))
        await trio.sleep(1)
        stack.run.live.kill("global", "", "cancel", "enough", "test")
        entered = len([each for each in stack.venue.received if each.kind == "new"])
        await stack.until(lambda: not venue_orders(stack) and not stack.orders.open_orders(), 30, "all is cancelled")
        await trio.sleep(5)
        assert len([each for each in stack.venue.received if each.kind == "new"]) == entered
        await settle(stack)
        check_invariants(stack)


async def test_a_journal_that_fails_lets_cancels_out_and_nothing_else(
    ground: Ground, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with stacked(tmp_path, ground=ground, code=JOURNAL_REFUSED) as stack:
        await trade_a_while(stack, 8)
        assert venue_orders(stack)
        entered = Counter(each.kind for each in stack.venue.received)

        stack.run.journal._die("disk full")
        await stack.until(lambda: bool(stack.endings), 20, "the end")
        received = Counter(each.kind for each in stack.venue.received)
        assert received["new"] == entered["new"]
        assert venue_orders(stack) == {}
        assert stack.watcher.broken == []
        assert stack.heard("the journal failed")


async def test_f16_an_empty_book_is_not_traded_on(ground: Ground, autojump_clock: MockClock, tmp_path: Path) -> None:
    async with stacked(tmp_path, ground=ground, trades=False) as stack:
        await stack.ready()
        for crowd in stack.venue.crowds:
            crowd.rest(stack.venue.now() + 5 * SECOND)
        stack.venue.exchange.clear_street()
        await stack.until(lambda: stack.book.health.name != "LIVE", 3, "the book is known to be empty")
        for crowd in stack.venue.crowds:
            crowd.forget()
        await settle(stack)
        check_invariants(stack)
