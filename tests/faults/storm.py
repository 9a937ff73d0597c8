"""Random faults through the whole stack: each seed makes one script, one market, one strategy's dice, one interleaving.

    make storm SEEDS=500              seeds 1 to 500, on all processors; the exit code is 1 where one fails
    make storm SEED=123               that one again, with its faults and what happened
    make storm SEED=123 ONLY=2,5      with its second and fifth fault alone (a failure is shrunk to these)

Strategy, gate, orders, journal, codec, link, session and venue (each of the local venues in turn) run in one process on
a virtual clock, over streams in memory. `swarm.py` says what is thrown, `determined.py` why a seed repeats. A run has
two phases: with faults, in which nothing unsafe may happen, and without, in which doubt must end and trading resume.

When the invariants are looked at (see `stack.py`): V1, V4, V5, V7, V8 and V14 after every event that enters the core;
V2 whenever the venue receives an order, V5 also whenever it executes; V9 at every call of the strategy; V3 and V10 to
V13 at the end, V6 too, by reading the journal into a fresh run. V15 is a test: the same seed, the same print.
"""

import argparse
import gc
import logging
import multiprocessing
import os
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

import trio
from attrs import evolve, field, frozen
from covered import Covered
from determined import determined, print_of
from grounds import GROUNDS
from recalled import check_recall
from stack import Stack, check_invariants, settle, stacked
from swarm import Plan, plan
from trio.testing import MockClock

TRIES_MOST: Final = 40
"""Runs that are spent on making one failure small."""

CHUNK: Final = 5


@frozen
class Outcome:
    """One run: what went wrong (empty where nothing did), and its print."""

    seed: int
    wrong: str
    print: str = ""
    covered: Covered = field(factory=Covered)

    @property
    def kind(self) -> str:
        """Which invariants were broken, or which error it was: two runs fail alike where these are equal."""
        names = sorted(set(re.findall(r"\bV\d+(?=:)", self.wrong)))
        return " ".join(names) or self.wrong.strip().rpartition("\n")[2].partition(":")[0]

    @property
    def brief(self) -> str:
        """The first of what is broken, in one line."""
        lines = self.wrong.strip().splitlines()
        return next((line for line in lines if re.search(r"\bV\d+:", line)), lines[-1] if lines else "")[:400]


async def storm(drawn: Plan, folder: Path) -> Stack:
    """One run: faults for a while, then none, then the invariants. Raises AssertionError where one is broken."""
    how = {"seed": drawn.seed, "cod": drawn.cod, "options": drawn.options, "settings": drawn.settings}
    async with stacked(folder, drawn.script, ground=GROUNDS[drawn.venue], **how) as stack:
        await stack.ready()
        await trio.sleep(drawn.safety)
        await settle(stack)
        check_invariants(stack)
    check_recall(stack)
    return stack


def once(drawn: Plan) -> Outcome:
    """Run one plan."""
    covered = Covered()
    with tempfile.TemporaryDirectory(dir=memory()) as name, determined(drawn.seed):
        folder = Path(name)
        try:
            stack = trio.run(storm, drawn, folder, clock=MockClock(autojump_threshold=0))
        except Exception as error:  # whatever it was, the seed is told and the others go on
            return Outcome(drawn.seed, "".join(traceback.format_exception(error)) or repr(error))
        covered.take(drawn, stack)
        return Outcome(drawn.seed, "", print_of(stack, folder), covered)


def memory() -> str | None:
    """A place in memory for files that nobody keeps, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


# --- making a failure small ---------------------------------------------------------------------------------------


def shrunk(drawn: Plan, kind: str) -> tuple[list[int], float]:
    """The fewest faults, and the shortest time, with which a plan still fails alike; faults by their numbers in it."""
    left = TRIES_MOST

    def fails(numbers: Sequence[int], safety: float) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and once(evolve(drawn.with_only(numbers), safety=safety)).kind == kind

    kept = list(range(1, len(drawn.chosen) + 1))
    size = max(len(kept) // 2, 1)
    while kept and left > 0:
        for first in range(0, len(kept), size):
            fewer = kept[:first] + kept[first + size :]
            if len(fewer) < len(kept) and fails(fewer, drawn.safety):
                kept = fewer
                break
        else:
            if size == 1:
                break
            size = max(size // 2, 1)
    safety = drawn.safety
    while left > 0 and safety > 1 and fails(kept, round(safety / 2, 1)):
        safety = round(safety / 2, 1)
    return kept, safety


def command(drawn: Plan, numbers: Sequence[int], safety: float) -> str:
    """What runs just this again."""
    text = f"make storm SEED={drawn.seed}"
    if len(numbers) < len(drawn.chosen):
        text += f" ONLY={','.join(str(number) for number in numbers) or 'none'}"
    return text + (f" SAFETY={safety:g}" if safety != drawn.safety else "")


# --- many ---------------------------------------------------------------------------------------------------------


def quiet() -> None:
    """A process that runs storms."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # every run leaves a whole stack behind; what goes with it goes together


def several(seeds: Sequence[int]) -> list[Outcome]:
    return [once(plan(seed)) for seed in seeds]


def all_of(seeds: range, workers: int) -> Iterable[Outcome]:
    """Run seeds on so many processors, in their order."""
    parts = [seeds[first : first + CHUNK] for first in range(0, len(seeds), CHUNK)]
    if workers <= 1 or len(parts) == 1:
        quiet()
        for part in parts:
            yield from several(part)
        return
    with multiprocessing.Pool(workers, initializer=quiet) as pool:
        for outcomes in pool.imap(several, parts):
            yield from outcomes


def one(drawn: Plan, numbers: Sequence[int], shows_print: bool) -> int:
    """One seed, with everything there is to say of it."""
    quiet()
    for number in numbers:
        each = drawn.chosen[number - 1]
        print(f"{number:3} {each.place}: {each.text}")
    print(
        f"    {drawn.venue}, {drawn.safety:g} s, orders at the end of a link: cancelled {drawn.cod}, "
        f"{drawn.options | drawn.settings}"
    )
    outcome = once(drawn.with_only(numbers))
    print(outcome.wrong or f"held, print {outcome.print}")
    if not outcome.wrong and not shows_print:
        print(outcome.covered.told())
    return 1 if outcome.wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, help="one alone, with all that happened")
    parser.add_argument("--only", default="", help="of its faults only these, by number; `none` for no fault at all")
    parser.add_argument("--safety", type=float, default=0.0, help="seconds that faults last")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--prints", action="store_true", help="the print of each seed")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        drawn = plan(chosen.seed)
        if chosen.safety:
            drawn = evolve(drawn, safety=chosen.safety)
        every = ",".join(str(number + 1) for number in range(len(drawn.chosen)))
        only = "" if chosen.only == "none" else chosen.only or every
        return one(drawn, [int(number) for number in only.split(",") if number], chosen.prints)
    return sweep(range(chosen.first, chosen.first + chosen.seeds), chosen.workers, chosen.prints)


def sweep(seeds: range, workers: int, prints: bool = False) -> int:
    """Run many seeds; what fails is made small and told with the command that runs it again."""
    begun = time.monotonic()
    total, failed = Covered(), []
    for outcome in all_of(seeds, workers):
        if outcome.wrong:
            failed.append(outcome)
            print(f"seed {outcome.seed} failed: {outcome.brief}\n    make storm SEED={outcome.seed}", flush=True)
        elif prints:
            print(f"{outcome.seed} {outcome.print}")
        total.add(outcome.covered)
    for outcome in failed[:3]:
        drawn = plan(outcome.seed)
        numbers, safety = shrunk(drawn, outcome.kind)
        print(f"seed {outcome.seed} needs only:\n    {command(drawn, numbers, safety)}", flush=True)
    print(total.told())
    held = len(seeds) - len(failed)
    print(f"{held} of {len(seeds)} seeds held, {time.monotonic() - begun:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
