"""Every switch of the local venue does what it says, and our codec reads each of them.

Names and shapes that the switches choose between are conventions of this venue, except where the documents show them.
"""

import base64
import json

import pytest
import trio
from mirror_rig import connected, local_venue

from tickwright.adapters.tdx.codec import Codec
from tickwright.adapters.tdx.messages import OrderStated, Pair, PublicTrade, Status, TradeStated, Unsubscribed
from tickwright.adapters.tdx.mirror import OptionError, Options, switched
from tickwright.engine.terms import Side


def codec(venue, client):
    pairs = [Pair(pair.instrument, pair.id) for pair in venue.exchange.pairs.values()]
    return Codec(pairs, client.account.sub_account_id)


async def first_trade(nursery, **options):
    async with local_venue(market="random", **options) as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", "BTC/CHF@trades")
        message = await client.next()
        (read,) = codec(venue, client).decode(json.dumps(message))
        assert isinstance(read, PublicTrade)
        assert abs(read.venue_ts - venue.now()) < 10**9
        return message["d"], read


async def test_legacy_ns_is_the_older_documents_trade(autojump_clock, nursery):
    trade, read = await first_trade(nursery, legacy_ns=True)
    assert set(trade) == {"d", "p", "q", "i"}
    assert trade["d"] > 10**18
    assert trade["d"] % 10**6 == 0
    assert len(base64.b64decode(trade["i"], validate=True)) == 32
    assert read.taker is None


async def test_omit_aggressor_leaves_it_out(autojump_clock, nursery):
    trade, read = await first_trade(nursery, omit_aggressor=True)
    assert set(trade) == {"d", "p", "q", "i"}
    assert read.taker is None
    _, read = await first_trade(nursery)
    assert read.taker in (Side.BUY, Side.SELL)


@pytest.mark.parametrize("chosen", ["descending", "ascending"])
async def test_book_order_sorts_both_sides(autojump_clock, nursery, chosen):
    async with local_venue(market="random", book_order=chosen) as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", "BTC/CHF@depth@100ms")
        book = (await client.next())["d"]
        for side in ("b", "a"):
            prices = [float(price) for price, _ in book[side]]
            assert prices == sorted(prices, reverse=chosen == "descending")
            assert len(prices) > 5


@pytest.mark.parametrize("topic", ["BTC/CHF@trades", "*@prices@mid"])
async def test_alt_unsubscribe_name_swaps_the_spellings(autojump_clock, nursery, topic):
    names = []
    for alt in (False, True):
        async with local_venue(alt_unsubscribe_name=alt) as venue:
            client = await connected(nursery, venue)
            await client.ask("tdx:subscribe", topic)
            answer = await client.ask("tdx:unsubscribe", topic)
            assert codec(venue, client).decode(json.dumps(answer)) == (Unsubscribed(topic=topic),)
            names.append(answer["e"])
    assert sorted(names) == ["tdx:unsubscribe_succeeded", "tdx:unsubscription_succeeded"]


@pytest.mark.parametrize("wrap", ["result", "items"])
async def test_wrap_names_the_list(autojump_clock, nursery, wrap):
    async with local_venue(wrap=wrap) as venue:
        client = await connected(nursery, venue, private=True)
        assert set(client.rest("GET", "/pairs")[1]) == {wrap, "pagination"}


@pytest.mark.parametrize(
    ("style", "spelt"), [("STATUS_X", "STATUS_CANCELLED"), ("X", "CANCELLED"), ("CANCELED", "CANCELED")]
)
@pytest.mark.parametrize("array", [False, True])
async def test_states_are_read_however_they_are_spelt_and_wrapped(autojump_clock, nursery, style, spelt, array):
    async with local_venue(status_style=style, order_events_as_array=array) as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(type="TYPE_MARKET", price="")
        messages = [message for message in await client.hush(1) if message["e"] == "order"]
        assert all(isinstance(message["d"], list) is array for message in messages)
        last = messages[-1]["d"]
        assert (last[0] if array else last)["status"] == spelt
        read = [codec(venue, client).decode(json.dumps(message))[0] for message in messages]
        assert [each.status for each in read if isinstance(each, OrderStated)] == [Status.OPEN, Status.CANCELED]


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({}, [OrderStated, TradeStated, OrderStated]),
        ({"execution_order": "order_before_fill"}, [OrderStated, OrderStated, TradeStated]),
        ({"open_before_fills": False}, [TradeStated, OrderStated]),
    ],
)
async def test_fills_and_states_come_in_the_order_that_is_chosen(autojump_clock, nursery, options, kinds):
    async with local_venue(accounts=2, **options) as venue:
        maker, taker = await connected(nursery, venue, 0, True), await connected(nursery, venue, 1, True)
        await maker.place()
        await maker.hush(1)
        await taker.place(side="SIDE_SELL")
        read = [codec(venue, taker).decode(json.dumps(each))[0] for each in (await taker.hush(1))[1:]]
        assert [type(each) for each in read] == kinds


async def test_a_trade_may_have_one_id_on_both_orders(autojump_clock, nursery):
    for shared in (True, False):
        async with local_venue(shared_trade_ids=shared) as venue:
            client = await connected(nursery, venue, private=True)
            await client.place(clientOrderId="a")
            await client.place(clientOrderId="b", side="SIDE_SELL")
            await client.hush(1)
            assert (len({each.id for each in venue.executed}) == 1) is shared


async def test_a_wildcard_may_be_confirmed_as_it_was_asked(autojump_clock, nursery):
    async with local_venue(concrete_wildcards=False) as venue:
        client = await connected(nursery, venue)
        assert (await client.ask("tdx:subscribe", "*@prices@market"))["t"] == "*@prices@market"


async def test_open_orders_may_follow_the_confirmation(autojump_clock, nursery):
    async with local_venue(orders_on_subscribe=True) as venue:
        client = await connected(nursery, venue, private=True)
        await client.place(clientOrderId="mine")
        await client.hush(1)
        await client.ask("tdx:subscribe", client.orders)
        assert (await client.next())["d"]["clientOrderId"] == "mine"


async def test_the_list_of_orders_may_hold_open_ones_only(autojump_clock, nursery):
    for held, count in (("all", 2), ("open", 1)):
        async with local_venue(orders_list=held) as venue:
            client = await connected(nursery, venue, private=True)
            await client.place(clientOrderId="open")
            await client.place(clientOrderId="gone", price="1", timeInForce="TIME_IN_FORCE_IOC")
            await client.hush(1)
            _, answer = client.rest("GET", f"/orders/by-sub-account/{client.account.sub_account_id}")
            assert len(answer["result"]) == count


async def test_client_order_ids_may_be_used_again(autojump_clock, nursery):
    async with local_venue(unique_client_order_ids=False) as venue:
        client = await connected(nursery, venue, private=True)
        await client.place()
        await client.place()
        await client.hush(1)
        assert len(venue.exchange.live) == 2


async def test_the_same_seed_makes_the_same_market(autojump_clock, nursery):
    async def told(seed):
        async with local_venue(market="random", seed=seed) as venue:
            await trio.sleep(29.95)
            market = venue.exchange.markets["ETH/CHF"]
            return market.sequence, market.levels(1), [each.id for each in venue.exchange.trades["ETH/CHF"]]

    first = await told(5)
    assert first == await told(5)
    assert first != await told(6)


async def test_the_listed_pairs_may_be_chosen(autojump_clock, nursery):
    async with local_venue(market="random", pairs=("ETH/CHF", "DOGE/EUR")) as venue:
        client = await connected(nursery, venue, private=True)
        assert [row["symbol"] for row in client.rest("GET", "/pairs")[1]["result"]] == ["ETH/CHF", "DOGE/EUR"]
        await client.ask("tdx:subscribe", "DOGE/EUR@depth@100ms")
        book = (await client.next())["d"]
        assert 90 < float(book["b"][0][0]) < float(book["a"][-1][0]) < 110
    for symbol in ("DOGE", "DOGE/EUR@x", "ELEVENCHARS/EUR", "EUR/EUR", ""):
        with pytest.raises(OptionError, match="symbols of two assets such as BTC/CHF"):
            async with local_venue(pairs=(symbol,)):
                pass


def test_switches_are_read_from_text():
    read = switched({"legacy_ns": "true", "wrap": "items", "cod_delay_ns": "5", "tape_speed": "2.5"})
    assert read == {"legacy_ns": True, "wrap": "items", "cod_delay_ns": 5, "tape_speed": 2.5}
    for texts, words in (
        ({"nope": "1"}, "unknown name"),
        ({"legacy_ns": "yes"}, "expected true or false"),
        ({"cod_delay_ns": "1.5"}, "expected a whole number"),
    ):
        with pytest.raises(OptionError, match=words):
            switched(texts)


@pytest.mark.parametrize(
    "options",
    [
        {"market": "wild"},
        {"wrap": "bag"},
        {"accounts": 0},
        {"accounts": 101},
        {"rate": 0},
        {"market": "tape"},
        {"tape": "x.npz"},
    ],
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(OptionError, match="expected"):
        Options(**options)
