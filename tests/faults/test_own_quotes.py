"""A strategy asks for quotes at the local PowerTrade, somebody answers with an order, and the strategy takes it."""

import sys
from pathlib import Path
from typing import Any

import trio
from grounds import OFF, POWERTRADE
from stack import stacked
from trio.testing import MockClock

from tickwright.engine.terms import OrderState
from tickwright.replaying import open_replay
from tickwright.reports.run_folder import RunFolder

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "adapters" / "powertrade"))

from pt_rig import connected  # noqa: E402 - it lies in a folder of its own

HOW: dict[str, Any] = {
    "ground": POWERTRADE,
    "strategy": HERE / "quote_asker.py",
    "options": {"market": "none", "accounts": 2},
    "cod": OFF,
    "capture": True,
}


async def test_a_quote_that_was_asked_for_is_taken_and_the_run_replayed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with trio.open_nursery() as nursery, stacked(tmp_path, **HOW) as stack:
        venue, trader = stack.venue, stack.trader
        maker = await connected(nursery, venue, 1)
        await maker.send("register_for_rfqs")
        for name, side, price in (("m-1", "buy", "10000"), ("m-2", "sell", "10500")):
            await maker.place(client_order_id=name, side=side, price=price, recv_window="12")
        await stack.ready()
        asked = await maker.until("order_added")
        assert (asked["market_id"], asked["symbol"], asked["side"]) == ("none", "BTC-USD", "buy")
        assert asked["quantity"] == "0.05"
        await stack.until(lambda: trader.inquiry is not None and trader.inquiry.open, 5, "the request stands")
        assert trader.taken == []
        await maker.place(client_order_id="m-3", side="sell", price="10200", quantity="0.05", recv_window="12")
        taken = await maker.until("execution")
        assert (taken["client_order_id"], taken["executed_price"]) == ("m-3", "10200.0")
        await stack.until(lambda: trader.taken[0].state is OrderState.FILLED, 5, "our order is filled")
        (request,) = venue.exchange.interests()
        assert len([one for one in venue.received if one.kind == "new" and one.client_order_id[:2] != "m-"]) == 2
        assert not stack.notes("UNKNOWN")
        assert not stack.notes("order of others")
        folder = stack.run.folder
        stack.run.live.stop("the test is over")
        await stack.until(lambda: bool(stack.endings), 30, "the end of the run")
        assert (venue.exchange.interests(), request.cancelled) == ([], "user_cancelled")
        assert trader.inquiry.reason == "the run ends"
        nursery.cancel_scope.cancel()
    replay = open_replay(RunFolder(folder))
    assert replay.go(), replay.difference
    assert replay.finished
    assert replay.run_hash() == replay.run.summary["run_hash"]


async def test_a_request_is_looked_up_after_a_reconnect_and_taken_back_by_a_kill(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with trio.open_nursery() as nursery, stacked(tmp_path, **HOW) as stack:
        venue, trader = stack.venue, stack.trader
        maker = await connected(nursery, venue, 1)
        for name, side, price in (("m-1", "buy", "10000"), ("m-2", "sell", "10500")):
            await maker.place(client_order_id=name, side=side, price=price)
        await stack.ready()
        await stack.until(lambda: trader.inquiry is not None and trader.inquiry.open, 5, "the request stands")
        assert set(trader.refused) <= {"NOT_RECONCILED", "VENUE_DISCONNECTED"}
        (request,) = venue.exchange.interests()
        first = request.expires
        stack.wire._session.drop("the test says so")
        await stack.until(lambda: not stack.link.up, 5, "the link is down")
        await stack.until(lambda: request.expires > first, 30, "the request is refreshed")
        assert trader.inquiry.open
        stack.run.live.kill("global", "", "cancel", "test", "somebody")
        await stack.until(lambda: venue.exchange.interests() == [], 5, "the request is taken back")
        assert trader.inquiry.reason == "killed"
        assert stack.orders.open_orders() == []
        stack.run.live.stop("the test is over")
        await stack.until(lambda: bool(stack.endings), 30, "the end of the run")
        nursery.cancel_scope.cancel()
