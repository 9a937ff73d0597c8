"""From a frame that comes in to the order's frame that goes out, on loopback, beside a bare echo; one JSON line.

``python benchmarks/latency.py [--rounds N] [--durability process|power]``

A live run trades with the local venue in another process: real sockets, codec, session, risk gate, order manager and
journal. The venue moves its best bid; the strategy answers each move with one order. Times in microseconds:

``share``  the framework's own: from the moment the socket library hands over the frame to the moment it is given the
           order's, with the order's records committed in between
``share_cpu``  what of that the processor worked for us: the rest others had it
``trip``   the venue's view: from moving its book to having the order's frame
``echo``   a bare round trip over trio-websocket at both ends, frames of the same size, in the same minutes
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import trio
from peer import Peer, live_config, ready
from trio_websocket import open_websocket_url

from tickwright import Book, Strategy, TimeInForce
from tickwright.adapters.outbox import Frame
from tickwright.adapters.tdx.venue import TdxVenue, make
from tickwright.engine.compiled import why_interpreted
from tickwright.trading import opened

WARM = 300
DEPTH_SIZE = 110
"""About as long as a frame with one level."""
ANSWER = "y" * 620
"""About as long as an order's frame, most of which is the token."""


class Answers(Strategy):
    """One order for each move of the touch, far from it, which the venue ends at once."""

    def on_start(self) -> None:
        self.watch(self.instruments[0], book="touch")

    def on_book(self, book: Book) -> None:
        bid = book.bid
        if bid is not None:
            self.buy(book.instrument, "0.0001", bid - 50 * book.tick, time_in_force=TimeInForce.IOC)


class Stamps:
    """When frames came in and when orders left, of one wire."""

    def __init__(self, wire: TdxVenue) -> None:
        self.shares: list[int] = []
        self.cpu: list[int] = []
        self.came = self.came_cpu = 0
        self.receive = wire.receive
        self.take = wire._session._outbox.take
        wire.receive = self.received  # type: ignore[method-assign] # measured in place
        wire._session._outbox.take = self.taken  # type: ignore[method-assign] # measured in place

    def received(self, message: str | bytes, at: int) -> None:
        self.came_cpu = time.thread_time_ns()  # first, so that the call itself is not measured
        self.came = time.perf_counter_ns()
        self.receive(message, at)

    def taken(self, at: float) -> Frame | None:
        frame = self.take(at)
        if frame is not None and frame.client_order_id:
            self.shares.append(time.perf_counter_ns() - self.came)
            self.cpu.append(time.thread_time_ns() - self.came_cpu)
        return frame


async def echo(port: int) -> None:
    """Send back a frame of an order's size for each one that comes."""
    async with open_websocket_url(f"ws://127.0.0.1:{port}/") as socket:
        while True:
            await socket.get_message()
            await socket.send_message(ANSWER)


async def measure(rounds: int, durability: str) -> dict[str, Any]:
    stamps: list[Stamps] = []

    def wire(config: Any, site: Any, clock: Any) -> TdxVenue:
        made = make(site, clock)
        stamps.append(Stamps(made))
        return made

    with tempfile.TemporaryDirectory() as name, Peer(levels=50) as peer:
        config = live_config(Path(name), f"{__file__}:Answers", durability)
        opening = opened(config, {"tdx": peer.served}, lambda text: None, make=wire)
        async with opening as run, trio.open_nursery() as nursery:
            nursery.start_soon(run.go)
            nursery.start_soon(echo, peer.served["echo_port"])
            await ready(run)
            told = await peer.ask({"do": "latency", "rounds": rounds + WARM, "size": DEPTH_SIZE})
            nursery.cancel_scope.cancel()
    taken = {
        "share": stamps[0].shares,
        "share_cpu": stamps[0].cpu,
        "trip": told["trips"],
        "echo": told["echoes"],
    }
    return report({name: figures[WARM:] for name, figures in taken.items()}, durability)


def report(taken: dict[str, list[int]], durability: str) -> dict[str, Any]:
    row: dict[str, Any] = {"compiled": not why_interpreted(), "durability": durability, "rounds": len(taken["trip"])}
    for name, figures in taken.items():
        row[name] = {f"p{part}": round(quantile(figures, part / 100) / 1e3, 1) for part in (50, 99)}
    row["share_of_echo"] = round(row["share"]["p50"] / row["echo"]["p50"], 3)
    return row


def quantile(figures: list[int], part: float) -> int:
    return sorted(figures)[min(int(len(figures) * part), len(figures) - 1)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the way from a frame to the order that answers it.")
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--durability", choices=("process", "power"), default="process")
    options = parser.parse_args()
    print(json.dumps(trio.run(measure, options.rounds, options.durability)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
