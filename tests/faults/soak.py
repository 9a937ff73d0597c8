"""A day of trading on the virtual clock: memory, open files and tasks must stay where they were.

    make soak                 24 hours at each local venue; the exit code is 1 where something grows
    make soak HOURS=2         fewer

The whole stack of `stack.py` runs on, with an order every other second and a link that is cut every ten minutes. Each
hour what the checks themselves keep is dropped, everything unreachable is collected, and the process is measured. The
first third warms up (orders that are over are kept up to a number); over the rest a line through the measurements may
rise by little, and files and tasks by nothing.
"""

import argparse
import gc
import logging
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

import trio
from attrs import frozen
from determined import determined
from grounds import GROUNDS, Ground
from stack import Stack, Watcher, signed, stacked
from trio.testing import MockClock

HOUR_S: Final = 3600.0
SLOPE_KIB: Final = 256.0
"""By so much may the process grow each hour: 6 MiB in a day, of some 150."""

KEPT: Final = 2_000
"""Orders and executions that the venue goes on knowing."""

FAULTS: Final = (
    "{fault: disconnect, after: 60s, each: 600s}, {fault: drop, kinds: [order, fill], probability: 0.002}, "
    "{fault: duplicate, kinds: [order, fill], probability: 0.01}"
)


@frozen
class Measured:
    """The process at the end of an hour."""

    hour: int
    kib: float
    files: int
    tasks: int
    orders: int


def measure(hour: int, orders: int) -> Measured:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    tasks = trio.lowlevel.current_statistics().tasks_living
    return Measured(hour, pages * os.sysconf("SC_PAGE_SIZE") / 1024, len(os.listdir("/proc/self/fd")), tasks, orders)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How much a line through points, by least squares, rises with each step."""
    count = len(points)
    middle, level = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - level) for x, y in points) / spread if spread else 0.0


def grown(found: Sequence[Measured]) -> list[str]:
    """What does not stay where it was."""
    steady = found[len(found) // 3 :]
    wrong = []
    rise = slope([(each.hour, each.kib) for each in steady])
    if rise > SLOPE_KIB:
        wrong.append(f"memory grows by {rise:.0f} KiB an hour, at most {SLOPE_KIB:g} are allowed")
    for what in ("files", "tasks"):
        first, last = getattr(steady[0], what), getattr(steady[-1], what)
        if last > first:
            wrong.append(f"{last} {what} at the end, {first} after the first third")
    return wrong


class Day:
    """One run; what the checks would keep for ever is taken away each hour, and only the position is carried on."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.position = 0
        self.orders = 0

    def forget(self) -> None:
        """Drop what the tests keep of the last hour."""
        stack = self.stack
        executed = stack.venue.record.executed
        mine = [each for each in executed if each.order.account is stack.venue.accounts[0]]
        self.position += sum(signed(each.lots, each.order.side) for each in mine)
        executed.clear()
        self.orders += sum(each.kind == "new" for each in stack.venue.record.received)
        stack.venue.record.received.clear()
        stack.venue.faults.fired.clear()
        # The venue remembers everything, for whoever may ask; nobody asks for what ended hours ago.
        venue = stack.venue.exchange
        over = {id(order) for order in [*venue.orders.values()][:-KEPT]} - {id(order) for order in venue.live.values()}
        for table in (venue.orders, venue._by_client):
            for key in [key for key, order in table.items() if id(order) in over]:
                del table[key]
        del venue.executions[:-KEPT]
        watcher, trader = stack.watcher, stack.trader
        for kept in (watcher.put_in, watcher.taken, watcher.kept, watcher.cancels, watcher.submitted, watcher.names):
            kept.clear()
        for kept in (watcher.intents, watcher.starts, watcher.passed, watcher.booked, stack.said):
            kept.clear()
        for kept in (trader.heard, trader.fills, trader.links):
            kept.clear()

    def check(self) -> None:
        """The position is the venue's, and nothing was broken while nobody looked."""
        mine = self.stack.run.parts.core.markets[0].position.lots
        assert mine == self.position, f"position: {mine} here, {self.position} at the venue"
        broken = list(dict.fromkeys(self.stack.watcher.broken))
        assert not broken, "\n".join(broken)


async def day(ground: Ground, hours: int, folder: Path) -> list[Measured]:
    """Trade for so many hours of virtual time."""
    one = {
        "use": "./trader.py:Trader",
        "instruments": [ground.instrument],
        "allow": [ground.instrument],
        "params": {"seed": 1, "pace": "2s"},
        "risk": {"max_strategy_position": "2", "max_strategy_loss": "1000000"},
    }
    found = []
    async with stacked(folder, FAULTS, ground=ground, options={"rate": 0.5}, strategies={"one": one}) as stack:
        await stack.ready()
        run = Day(stack)
        for hour in range(1, hours + 1):
            await trio.sleep(HOUR_S)
            run.forget()
            found.append(measure(hour, run.orders))
            print(f"{ground.name} {found[-1]}", flush=True)
        stack.trader.trades = False
        await trio.sleep(60)
        run.forget()
        run.check()
    return found


def light(watcher: Any) -> None:
    """In the place of what needs the whole past; see `Day`."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--venue", choices=list(GROUNDS), action="append", help="one alone; else each")
    chosen = parser.parse_args()
    names = chosen.venue or list(GROUNDS)
    with multiprocessing.Pool(min(len(names), os.cpu_count() or 1)) as pool:
        failed = pool.starmap(once, [(name, chosen.hours) for name in names], chunksize=1)
    return 1 if any(failed) else 0


def once(name: str, hours: int) -> bool:
    """A day at one venue, in a process of its own; whether something grew."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    Watcher.compare = Watcher.applied = light  # type: ignore[method-assign]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, determined(1):
        found = trio.run(day, GROUNDS[name], hours, Path(folder), clock=MockClock(autojump_threshold=0))
    wrong = grown(found)
    told = "; ".join(wrong) or "flat"
    print(f"{name}: {hours} h in {time.monotonic() - begun:.0f} s, {found[-1].orders} orders: {told}", flush=True)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
