"""Level W: faults that need a real socket, on the loopback interface, in real time with short deadlines."""

from pathlib import Path

import pytest
import trio
from grounds import Ground
from stack import Stack, check_invariants, settle, stacked

from tickwright.adapters.fault_rules import Rule, Stall
from tickwright.adapters.session import Timing
from tickwright.engine.times import SECOND

SHORT = Timing(write=0.6, ping_every=0.4, quiet=0.2, pong_within=0.5, pause_least=0.05, pause_most=0.2)


async def fallen(stack: Stack) -> None:
    """Wait until the link is given up, then until everything is settled."""
    downs = sum("link down" in text for _, text in stack.said)
    await stack.until(lambda: sum("link down" in text for _, text in stack.said) > downs, 4, "the link is dead")
    await settle(stack)
    await stack.until(lambda: len(stack.venue.sockets) <= 1, 8, "the venue has noticed, too")
    check_invariants(stack, tasks=10)


@pytest.mark.parametrize("direction", ["", "in", "out"], ids=["F07-half-open", "F08-deaf", "F08-mute"])
async def test_f07_f08_a_link_that_passes_nothing_is_given_up(ground: Ground, tmp_path: Path, direction: str) -> None:
    async with stacked(tmp_path, ground=ground, port=0, timing=SHORT) as stack:
        await stack.ready()
        await trio.sleep(1)
        stack.venue.do(Stall(direction, 2 * SECOND))
        await fallen(stack)


OVERSIZE = bytes.fromhex("817f") + (1 << 20 | 1).to_bytes(8, "big") + b"x" * ((1 << 20) + 1)
FRAGMENTS = bytes.fromhex("010161") + bytes.fromhex("000161") * 30_000


@pytest.mark.parametrize(
    "raw",
    [OVERSIZE, FRAGMENTS, bytes.fromhex("c103616263"), bytes.fromhex("880203f4"), bytes.fromhex("88021389")],
    ids=["F20-oversize", "F20-fragments", "F21-compressed", "F22-goodbye-1012", "F22-goodbye-5001"],
)
async def test_f20_f21_f22_bytes_of_a_bad_peer(ground: Ground, tmp_path: Path, raw: bytes) -> None:
    async with stacked(tmp_path, ground=ground, port=0, timing=SHORT) as stack:
        await stack.ready()
        await trio.sleep(0.5)
        stack.venue.inject(Rule(fault="inject", raw=raw, timed=True, times=1))
        await fallen(stack)
