"""The other side of the live benchmarks, in a process of its own: the local venue, and a bare echo beside it.

It is told what to do by one JSON line on its standard input, after it has said who it is, and answers with one.

``latency``: moves the book of a pair one message at a time and waits for the order that answers it; between blocks of
these, one frame of the same size at a time over a bare socket of trio-websocket at both ends.
``bursts``: changes so many levels a second, batched as the protocol batches, while orders come and go.
"""

import json
import sys
import time
from random import Random
from typing import Any

import trio
from trio_websocket import WebSocketRequest, serve_websocket

from tickwright.adapters.tdx.codec import ORDER_CREATE
from tickwright.adapters.tdx.mirror import Options, Venue, serve_tdx
from tickwright.adapters.tdx.mirror.client import Client

SYMBOL = "BTC/CHF"
MIDDLE = 104_000
BLOCK = 100
NEAREST = 10
"""So many ticks from the middle the market stands; what comes nearer is ours, or meets us."""
PLACES = 2500
"""Prices on each side that bursts change."""


class Arrivals:
    """When a new order's frame arrived, in nanoseconds; the venue's clients tell."""

    def __init__(self) -> None:
        self.at = 0
        self.came = trio.Event()
        receive = Client.receive

        def timed(client: Client, frame: str | bytes) -> None:
            if isinstance(frame, str) and ORDER_CREATE in frame[:40]:
                self.at = time.perf_counter_ns()
                self.came.set()
            receive(client, frame)

        Client.receive = timed  # type: ignore[method-assign] # measured in place


def street(venue: Venue, side: int, ticks: int, lots: int) -> Any:
    return venue.exchange.street(SYMBOL, side, lots, ticks, venue.now(), venue.feeds, rests=True)


def fill_book(venue: Venue, levels: int) -> None:
    for i in range(levels):
        for side in (1, -1):
            street(venue, side, MIDDLE - side * (NEAREST + i), 1000)


async def one_by_one(venue: Venue, arrivals: Arrivals, rounds: int) -> list[int]:
    """Round trips: the best bid comes or goes, and an order answers."""
    found = []
    better = None
    feed = next(iter(venue.feeds._depth.values()))
    market = venue.exchange.markets[SYMBOL]
    for _ in range(rounds):
        arrivals.came = trio.Event()
        if better is None:
            better = street(venue, 1, MIDDLE - 4, 7)
        else:
            market.remove(better)
            better = None
        begun = time.perf_counter_ns()
        feed.flush(venue.now())
        with trio.fail_after(5):
            await arrivals.came.wait()
        found.append(arrivals.at - begun)
        await trio.sleep(0.004)
    return found


async def latency(venue: Venue, request: WebSocketRequest, rounds: int, size: int) -> dict[str, Any]:
    arrivals = Arrivals()
    socket = await request.accept()
    frame = "x" * size
    trips: list[int] = []
    echoes: list[int] = []
    while len(trips) < rounds:
        trips += await one_by_one(venue, arrivals, BLOCK)
        for _ in range(BLOCK):
            begun = time.perf_counter_ns()
            await socket.send_message(frame)
            await socket.get_message()
            echoes.append(time.perf_counter_ns() - begun)
            await trio.sleep(0.004)
    return {"trips": trips, "echoes": echoes}


class Burst:
    """Level changes that nobody ordered, written into the venue's own book channel in its own sequence.

    Made by hand, as one process could hardly trade so much; the venue's own changes stand between them. Its next whole
    book knows nothing of these levels, and takes them back.
    """

    def __init__(self, venue: Venue, seed: int) -> None:
        self.random = Random(seed)
        self.venue = venue
        self.market = venue.exchange.markets[SYMBOL]
        instrument = self.market.pair.instrument
        self.prices = {
            side: [f"{instrument.price(MIDDLE - side * (100 + i)):f}" for i in range(PLACES)] for side in (1, -1)
        }

    def send(self, changes: int) -> None:
        """One message of so many changes, a tenth of them levels that go."""
        rng, market = self.random, self.market
        sides = []
        for side in (1, -1):
            prices = rng.sample(self.prices[side], changes // 2)
            rows = (f'["{price}","0.{rng.randint(1, 9999):04d}"]' for price in prices[changes // 20 :])
            gone = (f'["{price}","0"]' for price in prices[: changes // 20])
            sides.append(",".join((*rows, *gone)))
        channels = self.venue.feeds._depth.values()
        for feed, reader in [(each, reader) for each in channels for reader in each.readers.values()]:
            first = reader.last + 1
            market.sequence = max(market.sequence, reader.last) + changes
            reader.last = market.sequence
            said = f'"u":{first},"U":{market.sequence},"b":[{sides[0]}],"a":[{sides[1]}]'
            reader.hearer.send(f'{{"e":"orderbook","t":"{feed.topic}","d":{{{said}}}}}', "book")


async def bursts(venue: Venue, rate: int, seconds: float, seed: int, printed: bool) -> dict[str, Any]:
    """Level changes in ten batches a second; twice a second somebody trades, with a client's order if there is one."""
    burst = Burst(venue, seed)
    rng = Random(seed)
    begun = due = trio.current_time()
    changes = batches = 0
    behind = 0.0
    while trio.current_time() - begun < seconds:
        for feed in venue.feeds._depth.values():
            feed.flush(venue.now())
        burst.send(rate // 10)
        changes += rate // 10
        batches += 1
        if batches % 5 == 0:
            # Nobody but clients quotes so near to the middle.
            taker, lots = rng.choice((1, -1)), rng.randint(1, 3)
            ticks = MIDDLE + taker * 8
            venue.exchange.street(SYMBOL, taker, lots, ticks, venue.now(), venue.feeds, rests=False)
            if printed:
                venue.exchange.print_trade(SYMBOL, taker, lots, ticks, venue.now(), venue.feeds)
        due += 0.1
        behind = max(behind, trio.current_time() - due)
        await trio.sleep_until(due)
    await trio.sleep(1)
    record = venue.record
    return {
        "changes": changes,
        "seconds": round(trio.current_time() - begun - 1, 2),
        "behind_ms": round(behind * 1e3, 1),
        "received": len(record.received),
        "executed": len(record.executed),
        "refused": sum(1 for each in record.received if each.outcome and each.kind == "new"),
        "lots": sum(each.lots for each in record.executed),
    }


async def main() -> None:
    options = json.loads(sys.argv[1])
    wanted = trio.Event()
    requests: list[WebSocketRequest] = []

    async def echo(request: WebSocketRequest) -> None:
        requests.append(request)
        wanted.set()
        await trio.sleep_forever()

    async with serve_tdx(Options(market="none", seed=1), port=0) as venue, trio.open_nursery() as nursery:
        fill_book(venue, options["levels"])
        server = await nursery.start(serve_websocket, echo, "127.0.0.1", 0, None)
        print(json.dumps(venue.announcement() | {"echo_port": server.port}), flush=True)
        line = await trio.to_thread.run_sync(sys.stdin.readline)
        asked = json.loads(line)
        if asked["do"] == "latency":
            await wanted.wait()
            told = await latency(venue, requests[0], asked["rounds"], asked["size"])
        else:
            told = await bursts(venue, asked["rate"], asked["seconds"], asked["seed"], asked["printed"])
        print(json.dumps(told), flush=True)
        await trio.to_thread.run_sync(sys.stdin.readline)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
