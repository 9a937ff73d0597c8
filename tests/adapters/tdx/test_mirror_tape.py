"""A recorded market at the local venue: every level and every trade, and clients in between."""

from collections import Counter

import numpy as np
import pytest
from mirror_rig import connected, local_venue, order

from tickwright.adapters.tape import open_tape
from tickwright.adapters.tdx.mirror import OptionError
from tickwright.adapters.tdx.mirror.replay import tape_pair
from tickwright.engine.times import SECOND

DEMO = "package:demo"


async def test_a_tape_makes_its_own_book_and_all_its_trades(autojump_clock, nursery):
    tape = open_tape(DEMO)
    rows = next(iter(tape.batches(8_000)))
    with_speed = 10.0
    async with local_venue(market="tape", tape=DEMO, tape_speed=with_speed) as venue:
        client = await connected(nursery, venue)
        await client.ask("tdx:subscribe", "BTC/USDT@trades")
        told = await client.hush((rows.ts[-1] - rows.ts[0]) / SECOND / with_speed - 0.01)
        expected = [(rows.price[i], rows.qty[i]) for i in np.flatnonzero(rows.kind == 1)]
        # A trade may be told in parts: what stood at its price, and the rest.
        found = Counter()
        for each in told:
            found[float(each["d"]["p"])] += round(float(each["d"]["q"]) * 100_000)
        wanted = Counter()
        for price, qty in expected:
            wanted[price] += round(qty * 100_000)
        assert len(wanted) > 30
        assert sum((wanted - found).values()) < sum(wanted.values()) / 100, "but for the tape's last moments"
        assert not found - wanted
        market = venue.exchange.markets["BTC/USDT"]
        assert 0 < market.best(1) < market.best(-1)
        last = {}
        for i in np.flatnonzero((rows.kind == 0) & (rows.ts <= rows.ts[-1] - int(0.2 * SECOND))):
            last[int(rows.side[i]), round(rows.price[i] * 100)] = round(rows.qty[i] * 100_000)
        wrong = sum(market.book.size_at(side, ticks) != lots for (side, ticks), lots in last.items())
        assert wrong < len(last) / 50, "but for what the tape's last moments changed"


async def test_a_client_trades_in_a_tape(autojump_clock, nursery):
    async with local_venue(market="tape", tape=DEMO) as venue:
        client = await connected(nursery, venue, private=True)
        await client.hush(2)
        await client.send(
            "tdx:order_create",
            client.orders,
            order(venue, "BTC/USDT", type="TYPE_MARKET", price="", quantity="0.01", timeInForce="TIME_IN_FORCE_IOC"),
        )
        told = await client.hush(1)
        assert told[-1]["d"]["status"] == "STATUS_FILLED"
        market = venue.exchange.markets["BTC/USDT"]
        price = str(market.pair.instrument.price(market.best(1)))
        rests = order(venue, "BTC/USDT", clientOrderId="rests", price=price, quantity="0.01")
        await client.send("tdx:order_create", client.orders, rests)
        fill = await client.until("trade")  # the tape's sellers get that far
        assert not fill["d"]["isTaker"]


def test_a_tape_must_say_what_it_is_of(tmp_path):
    tape = open_tape(DEMO)
    batch = next(iter(tape.batches(10)))
    bare = open_tape({name: getattr(batch, name) for name in ("ts", "kind", "side", "price", "qty", "last")})
    with pytest.raises(OptionError, match="names its instrument"):
        tape_pair(bare)
