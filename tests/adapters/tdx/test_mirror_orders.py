"""Orders at the local venue: what is refused and why, who trades first, what remains and what it costs."""

from decimal import Decimal

import pytest
import trio
from mirror_rig import connected, local_venue, order

from tickwright.adapters.tdx.mirror.orders import Order
from tickwright.engine.times import DAY, SECOND


def states(messages):
    """(status, executed) of the order states among messages."""
    return [(each["d"]["status"], each["d"]["executedQuantity"]) for each in messages if each["e"] == "order"]


def events(messages):
    return [each["e"] for each in messages]


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"pairId": "9e8d7c6b-5a49-4382-9170-6f5e4d3c2b1a"}, 404, "RESOURCE_NOT_FOUND"),
        ({"pairId": ""}, 400, "INVALID_ARGUMENTS"),
        ({"side": "BUY"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"side": ""}, 400, "INVALID_ARGUMENTS"),
        ({"type": "TYPE_STOP"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"timeInForce": "TIME_IN_FORCE_GOOD_TILL_CANCELED"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"quantity": ""}, 400, "INVALID_ARGUMENTS"),
        ({"quantity": "0"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"quantity": "-1"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"quantity": "1e3"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"quantity": "NaN"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"quantity": "0.00015"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"quantity": "0.00005"}, 422, "CLIP_SIZE_TOO_SMALL"),
        ({"quantity": "100.0001"}, 422, "CLIP_SIZE_TOO_LARGE"),
        ({"price": ""}, 400, "INVALID_ARGUMENTS"),
        ({"price": "50000.3"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"price": "0"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"price": "9" * 31}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"price": "9" * 30}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"quantity": "100", "price": "100000"}, 422, "NOT_ENOUGH_FUNDS"),
        ({"type": "TYPE_POST_ONLY", "timeInForce": "TIME_IN_FORCE_IOC"}, 400, "INCORRECT_PARAMETER_VALUE"),
        ({"clientOrderId": "x" * 129}, 400, "INVALID_ARGUMENTS"),
    ],
)
async def test_a_bad_order_is_refused_with_its_reason(autojump_clock, nursery, fields, code, reason):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(**fields)
        failed = await client.next()
        assert (failed["e"], failed["t"]) == ("tdx:order_create_failed", client.orders)
        assert (failed["d"]["code"], failed["d"]["reason"]) == (code, reason)
        assert failed["d"]["clientOrderId"] == fields.get("clientOrderId", "one")
        assert not venue.exchange.orders
        status, answer = client.rest(
            "POST", "/orders", {"subAccountId": client.account.sub_account_id, **order(venue, **fields)}
        )
        assert (status, answer["details"]) == (code, [{"reason": reason}])
        holding = client.account.holding("CHF")
        assert (holding.total, holding.reserved) == (Decimal(10_000_000), 0)


@pytest.mark.parametrize("value", [1, True, None, [], {}, 0.1])
@pytest.mark.parametrize("field", ["quantity", "price", "side", "pairId", "clientOrderId"])
async def test_a_field_of_a_wrong_type_is_not_coerced(autojump_clock, nursery, field, value):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        await client.send("tdx:order_create", client.orders, {**order(venue), field: value})
        answer = await client.next()
        if field == "clientOrderId" and value is None:
            assert answer["e"] == "tdx:order_create_received"
        else:
            assert answer["e"] == "tdx:order_create_failed"


async def test_a_client_order_id_is_used_once(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        client, other = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        for each in (client, other):
            await each.place(clientOrderId="same")
            assert (await each.next())["e"] == "tdx:order_create_received"
        await client.hush(1)
        await client.place(clientOrderId="same")
        assert (await client.next())["d"]["status"] == "ALREADY_EXISTS"
        assert [each.outcome for each in venue.received] == ["", "", "ALREADY_EXISTS"]


async def test_price_comes_before_time_and_time_before_size(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        maker, taker = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        for name, price, quantity in (("late", "50000", "0.1"), ("big", "50000", "5"), ("best", "50001", "0.2")):
            await maker.place(clientOrderId=name, price=price, quantity=quantity)
        await maker.hush(1)
        await taker.place(side="SIDE_SELL", price="50000", quantity="0.5")
        await taker.hush(1)
        made = [(each.order.client_order_id, each.lots) for each in venue.executed if not each.taker]
        assert made == [("best", 2000), ("late", 1000), ("big", 2000)]
        taken = [(each["d"]["price"], each["d"]["cumulativeQuantity"]) for each in await replay(taker)]
        assert taken == [("50001", "0.2"), ("50000", "0.3"), ("50000", "0.5")]


async def replay(client):
    _, answer = client.rest("GET", f"/trades?subAccountId={client.account.sub_account_id}")
    return [{"d": row} for row in answer["result"]]


async def test_an_execution_is_told_in_the_promised_order(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        maker, taker = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        for topic in ("BTC/CHF@trades", "BTC/CHF@depth@100ms", f"{maker.account.sub_account_id}@balances"):
            await maker.send("tdx:subscribe", topic)
        await maker.place(quantity="0.3")
        await maker.hush(1)
        await taker.place(side="SIDE_SELL", quantity="0.3")
        told = await maker.hush(1)
        assert events(told) == ["trade", "order", "trade", "orderbook", "balance", "balance"]
        assert [each["t"] for each in told[:3]] == [maker.orders, maker.orders, "BTC/CHF@trades"]
        assert states(told) == [("STATUS_FILLED", "0.3")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"timeInForce": "TIME_IN_FORCE_IOC", "quantity": "0.5"}, ("STATUS_CANCELLED", "0.3")),
        ({"timeInForce": "TIME_IN_FORCE_FOK", "quantity": "0.5"}, ("STATUS_CANCELLED", "0")),
        ({"timeInForce": "TIME_IN_FORCE_FOK", "quantity": "0.3"}, ("STATUS_FILLED", "0.3")),
        ({"type": "TYPE_MARKET", "price": "", "quantity": "0.5"}, ("STATUS_CANCELLED", "0.3")),
        ({"type": "TYPE_MARKET", "price": "", "quantity": "0.2", "timeInForce": ""}, ("STATUS_FILLED", "0.2")),
        ({"quantity": "0.5"}, ("STATUS_PARTIALLY_FILLED", "0.3")),
        ({"price": "50001"}, ("STATUS_OPEN", "0")),
    ],
)
async def test_what_remains_rests_or_goes_by_time_in_force(autojump_clock, nursery, fields, expected):
    async with local_venue(accounts=2) as venue:
        maker, taker = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        await maker.place(quantity="0.3")
        await maker.hush(1)
        await taker.place(side="SIDE_SELL", **fields)
        assert states(await taker.hush(1))[-1] == expected
        assert bool(venue.exchange.open_orders(taker.account)) is (
            expected[0] in ("STATUS_OPEN", "STATUS_PARTIALLY_FILLED")
        )
        assert taker.account.holding("BTC").reserved == sum(
            each.pair.instrument.qty(each.leaves) for each in venue.exchange.open_orders(taker.account)
        )


async def test_a_market_order_on_an_empty_book_is_cancelled_unfilled(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(type="TYPE_MARKET", price="")
        assert states(await client.hush(1)) == [("STATUS_OPEN", "0"), ("STATUS_CANCELLED", "0")]
        assert "price" not in (await lists(client))[0]


async def lists(client):
    _, answer = client.rest("GET", f"/orders/by-sub-account/{client.account.sub_account_id}")
    return answer["result"]


async def test_post_only_never_takes(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        maker, taker = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        await maker.place()
        await maker.hush(1)
        await taker.place(side="SIDE_SELL", type="TYPE_POST_ONLY", clientOrderId="takes")
        assert (await taker.next())["d"]["reason"] == "CONSTRAINT_IN_PLACE"
        await taker.place(side="SIDE_SELL", type="TYPE_POST_ONLY", clientOrderId="rests", price="50000.5")
        assert states(await taker.hush(1)) == [("STATUS_OPEN", "0")]
        assert not venue.executed


async def test_a_cancel_takes_what_is_left_and_only_once(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        maker, taker = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        await maker.place(quantity="0.3")
        await taker.place(side="SIDE_SELL", quantity="0.1")
        told = await maker.hush(1)
        order_id = next(each["d"]["id"] for each in told if each["e"] == "order")
        await maker.send("tdx:order_cancel", maker.orders, {"id": order_id})
        assert states(await maker.hush(1)) == [("STATUS_CANCELLED", "0.1")]
        for ids in ({"id": order_id}, {"clientOrderId": "one"}, {"clientOrderId": "nobody's"}, {}):
            failed = await maker.ask("tdx:order_cancel", maker.orders, ids or {"x": 1})
            assert (failed["e"], failed["d"]["code"]) == ("tdx:order_cancel_failed", 404)
        await taker.hush(1)
        failed = await taker.ask("tdx:order_cancel", taker.orders, {"id": order_id})
        assert failed["d"]["code"] == 404
        assert maker.account.holding("CHF").reserved == 0


async def test_money_moves_exactly_and_nothing_is_made_or_lost(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        maker, taker = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        await maker.place(price="50000.5", quantity="0.3333")
        await taker.place(side="SIDE_SELL", price="50000", quantity="0.1111")
        await maker.hush(1)
        gross = Decimal("50000.5") * Decimal("0.1111")
        buys, sells = maker.account, taker.account
        assert buys.holding("BTC").total == 100 + Decimal("0.1111")
        assert buys.holding("CHF").total == 10_000_000 - gross - gross / 1000
        assert buys.holding("CHF").reserved == Decimal("50000.5") * Decimal("0.2222") * Decimal("1.001")
        assert sells.holding("BTC").total == 100 - Decimal("0.1111")
        assert sells.holding("CHF").total == 10_000_000 + gross - gross / 1000


async def test_stamp_tax_is_on_securities_only(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        maker, taker = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        for client, side in ((maker, "SIDE_BUY"), (taker, "SIDE_SELL")):
            fields = {"side": side, "price": "125.5", "quantity": "40"}
            await client.send("tdx:order_create", client.orders, order(venue, "ACETO/USD", **fields))
        fill = next(each["d"] for each in await taker.hush(1) if each["e"] == "trade")
        assert fill["grossAmount"] == "5020"
        assert (fill["transactionFee"], fill["swissStampTax"]) == ("5.02", "3.765")
        assert taker.account.holding("USD").total == 10_000_000 + Decimal("5020") - Decimal("5.02") - Decimal("3.765")


@pytest.mark.parametrize(
    ("policy", "mine", "theirs"),
    [
        ("allow", ("STATUS_FILLED", "0.1"), ("STATUS_PARTIALLY_FILLED", "0.1")),
        ("cancel_taker", ("STATUS_CANCELLED", "0"), ("STATUS_OPEN", "0")),
        ("cancel_resting", ("STATUS_OPEN", "0"), ("STATUS_CANCELLED", "0")),
    ],
)
async def test_an_account_that_meets_itself(autojump_clock, nursery, policy, mine, theirs):
    async with local_venue(self_trade=policy) as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="rests", quantity="0.3")
        await client.place(clientOrderId="takes", side="SIDE_SELL", price="49000")
        await client.hush(1)
        found = {row["clientOrderId"]: (row["status"], row["executedQuantity"]) for row in await lists(client)}
        assert found == {"rests": theirs, "takes": mine}
        assert len(venue.executed) == (2 if policy == "allow" else 0)


async def test_a_day_order_ends_with_its_day_and_others_do_not(autojump_clock, nursery):
    async with local_venue() as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="day", timeInForce="TIME_IN_FORCE_DAY")
        await client.place(clientOrderId="unsaid", timeInForce="")
        await client.place(clientOrderId="gtc")
        await client.hush(1)
        autojump_clock.jump((DAY - venue.now() % DAY) / SECOND)
        await trio.sleep(0.2)
        assert [each.client_order_id for each in venue.exchange.open_orders()] == ["gtc"]


async def test_the_market_beside_the_clients_takes_their_orders_by_price_and_time(autojump_clock, nursery):
    async with local_venue(market="random") as venue:
        client = await connected(nursery, venue, private=True)
        market = venue.exchange.markets["BTC/CHF"]
        price = str(market.pair.instrument.price(market.best(1)) + 1)
        await client.place(clientOrderId="best", price=price, quantity="0.01")
        told = await client.hush(60)
        fill = next(each["d"] for each in told if each["e"] == "trade")
        assert (fill["price"], fill["isTaker"]) == (price.rstrip("0").rstrip("."), False)
        assert isinstance(venue.exchange.orders[fill["orderId"]], Order)


async def test_the_record_tells_what_came_and_what_was_done(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        maker, taker = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        await maker.place(clientOrderId="m")
        await taker.place(clientOrderId="t", side="SIDE_SELL")
        await taker.place(clientOrderId="bad", price="0.1")
        await taker.send("tdx:order_cancel", taker.orders, {"clientOrderId": "t"})
        await taker.hush(1)
        told = [(each.kind, each.via, each.username, each.client_order_id, each.outcome) for each in venue.received]
        assert sorted(told) == [
            ("cancel", "ws", "desk2@local.example", "t", "RESOURCE_NOT_FOUND"),
            ("new", "ws", "desk1@local.example", "m", ""),
            ("new", "ws", "desk2@local.example", "bad", "INCORRECT_PARAMETER_VALUE"),
            ("new", "ws", "desk2@local.example", "t", ""),
        ]
        assert {(each.order.client_order_id, each.lots, each.taker) for each in venue.executed} == {
            ("m", 1000, False),
            ("t", 1000, True),
        }
