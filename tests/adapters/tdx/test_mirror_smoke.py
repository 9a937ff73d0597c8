"""The local venue as a first client meets it: log in, subscribe, trade, ask."""

import trio
from mirror_rig import connected, local_venue


async def test_a_book_is_confirmed_then_whole_then_in_batches(autojump_clock, nursery):
    async with local_venue(market="random") as venue:
        client = await connected(nursery, venue)
        topic = "BTC/CHF@depth@100ms"
        assert await client.ask("tdx:subscribe", topic) == {"e": "tdx:subscription_received", "t": topic}
        whole = await client.next()
        assert whole["e"] == "orderbook"
        assert "U" not in whole["d"]
        last = whole["d"]["u"]
        for _ in range(20):
            update = (await client.next())["d"]
            assert update["u"] == last + 1
            assert update["U"] >= update["u"]
            last = update["U"]


async def test_trades_come_within_three_seconds_of_each_other(autojump_clock, nursery):
    async with local_venue(market="random") as venue:
        client = await connected(nursery, venue)
        for pair in venue.exchange.pairs.values():
            assert (await client.ask("tdx:subscribe", f"{pair.symbol}@trades"))["e"] == "tdx:subscription_received"
        seen = {pair.symbol: trio.current_time() for pair in venue.exchange.pairs.values()}
        end = trio.current_time() + 60
        while trio.current_time() < end:
            trade = await client.next()
            symbol = trade["t"].partition("@")[0]
            assert trio.current_time() - seen[symbol] <= 3
            seen[symbol] = trio.current_time()
        assert all(end - at <= 3 for at in seen.values())


async def test_an_order_is_received_open_then_cancelled(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="mm-1")
        assert (await client.next())["e"] == "tdx:order_create_received"
        opened = await client.next()
        assert (opened["e"], opened["d"]["status"], opened["d"]["clientOrderId"]) == ("order", "STATUS_OPEN", "mm-1")
        await client.send("tdx:order_cancel", client.orders, {"clientOrderId": "mm-1"})
        assert (await client.next())["e"] == "tdx:order_cancel_received"
        assert (await client.next())["d"]["status"] == "STATUS_CANCELLED"
        assert venue.record.frames("mm-1") == 1


async def test_two_clients_trade_with_each_other(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        maker = await connected(nursery, venue, 0, private=True)
        taker = await connected(nursery, venue, 1, private=True)
        await maker.place(clientOrderId="m", quantity="0.3")
        await maker.until("order")
        await taker.place(clientOrderId="t", side="SIDE_SELL", quantity="0.1", price="49000")
        fill, state = await maker.next(), await maker.next()
        assert (fill["e"], fill["d"]["quantity"], fill["d"]["price"]) == ("trade", "0.1", "50000")
        assert (fill["d"]["isTaker"], fill["d"]["transactionFee"]) == (False, "5")
        assert (state["d"]["status"], state["d"]["executedQuantity"]) == ("STATUS_PARTIALLY_FILLED", "0.1")
        assert [each.order.client_order_id for each in venue.executed] == ["m", "t"]
        status, trades = taker.rest("GET", f"/trades?subAccountId={taker.account.sub_account_id}")
        assert status == 200
        assert [row["isTaker"] for row in trades["result"]] == [True]
