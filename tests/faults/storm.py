"""Random faults, as many seeds as are asked for: each seed makes one script, one market and one strategy's dice.

    make faults SEEDS=40          seeds 1 to 40; the exit code is 1 where one fails
    make faults SEED=123          that one again, with what happened

A swarm: of all the places where a fault can strike a quarter is active in a run, and there it strikes one time in four.
So runs differ in kind, and not only in luck.
"""

import argparse
import logging
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

import trio
from stack import Stack, check_invariants, settle, stacked
from trio.testing import MockClock

ACTIVE: Final = 0.25
FIRING: Final = 0.25
SAFETY_S: Final = 25.0
AGAIN: Final = "make faults SEED={seed}"

MESSAGES: Final = ("ack", "order", "fill", "book", "snapshot", "trade", "control", "balance")
REQUESTS: Final = ("new", "cancel", "subscribe", "cod")
QUESTIONS: Final = ("login", "refresh", "query", "upgrade", "new", "cancel")


def places() -> dict[str, tuple[str, ...]]:
    """Every place where a fault can strike, and the rules for what can happen there."""
    often = f"probability: {FIRING}"
    found: dict[str, tuple[str, ...]] = {}
    for kind in MESSAGES:
        here = f"kinds: [{kind}], direction: out, via: ws"
        # Damage to what is told of our orders can make another true statement of it, which nobody can tell from a real
        # one; so it is made unreadable instead.
        damage = "fault: replace, text: '{'" if kind in ("order", "fill") else "fault: corrupt"
        found[f"told: {kind}"] = (
            f"fault: drop, {here}, {often}",
            f"fault: duplicate, copies: 3, {here}, {often}",
            f"fault: delay, delay: 0, jitter: 8s, {here}, {often}",
            f"fault: reorder, window: 6, {here}, {often}",
            f"{damage}, {here}, {often}",
            f"fault: cut_after_bytes, bytes: 30, {here}, every: 20",
        )
    for kind in REQUESTS:
        here = f"kinds: [{kind}], direction: in, via: ws"
        found[f"asked: {kind}"] = (
            f"fault: drop, {here}, {often}",
            f"fault: delay, delay: 0, jitter: 4s, {here}, {often}",
            f"fault: cut_after_bytes, bytes: 40, {here}, every: 8",
            f"fault: disconnect, performed: true, {here}, every: 8",
        )
    for kind in QUESTIONS:
        here = f"kinds: [{kind}], via: http, {often}"
        found[f"over HTTP: {kind}"] = (
            f"fault: http_error, status: 429, retry_after: 1, {here}",
            f"fault: http_error, status: 503, {here}",
            f"fault: drop, direction: out, {here}",
            f"fault: drop, direction: in, {here}",
            f"fault: replace, text: '[', direction: out, {here}",
            f"fault: delay, delay: 0, jitter: 5s, {here}",
        )
    return found | {
        "lost acks": (f"fault: lost_ack, {often}", f"fault: lost_ack, then: stay, {often}"),
        "the link": (
            "fault: disconnect, within: 8s",
            "fault: disconnect, code: 1012, within: 12s",
            # Not longer: a stream in memory knows no reset, so what was written would arrive after it was given up.
            "fault: half_open, after: 5s, for: 8s",
            "fault: half_open, after: 5s, for: 6s, each: 15s, direction: out",
            "fault: half_open, after: 5s, for: 6s, each: 15s, direction: in",
        ),
        "the venue": ("fault: restart, after: 9s, down: 4s", "fault: token_expiry, within: 10s"),
        "books": (f"fault: gap, {often}", "fault: act, action: overlap_update, within: 4s"),
        "snapshots": (f"fault: stale_snapshot, {often}",),
        "strangers": ("fault: act, action: unsolicited_cancel, within: 4s",),
        "the market": (
            "fault: act, action: cross_book, within: 6s",
            "fault: act, action: empty_book, within: 9s",
            "fault: act, action: quiet, for: 5s, within: 15s",
        ),
        "noise": ("fault: inject, text: '[]', within: 5s", "fault: inject, hex: 'c1 00', after: 11s"),
    }


def script(seed: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The faults of a seed, and how venue and adapter are set."""
    dice = Random(seed)
    chosen = [dice.choice(rules) for rules in places().values() if dice.random() < ACTIVE]
    options: dict[str, Any] = {
        "execution_order": dice.choice(("fill_before_order", "order_before_fill")),
        "open_before_fills": dice.random() < 0.5,
        "cod_delay_ns": dice.choice((0, 0, 1_500_000_000)),
        "list_lag_ns": dice.choice((0, 0, 2_000_000_000)),
        "orders_on_subscribe": dice.random() < 0.3,
        "shared_trade_ids": dice.random() < 0.3,
    }
    settings = {"order_entry": dice.choice(("websocket", "websocket", "rest"))}
    return ", ".join(f"{{{rule}}}" for rule in chosen), options, settings


async def storm(seed: int, folder: Path) -> Stack:
    """One run: faults for a while, then none, then the invariants. Raises AssertionError where one is broken."""
    faults, options, settings = script(seed)
    async with stacked(folder, faults, seed=seed, options=options, settings=settings) as stack:
        await stack.ready()
        await trio.sleep(SAFETY_S)
        await settle(stack)
        check_invariants(stack)
    return stack


def once(seed: int) -> str:
    """What went wrong with a seed; empty where nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            trio.run(storm, seed, Path(folder), clock=MockClock(autojump_threshold=0))
        except Exception as error:  # whatever it was, the seed is told and the others go on
            return "".join(traceback.format_exception(error)) or repr(error)
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, help="one alone, with its script")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    if chosen.seed is not None:
        print(script(chosen.seed)[0].replace("}, ", "}\n"))
    seeds = [chosen.seed] if chosen.seed is not None else range(chosen.first, chosen.first + chosen.seeds)
    failed = 0
    for seed in seeds:
        wrong = once(seed)
        if wrong:
            failed += 1
            last = wrong if chosen.seed is not None else wrong.strip().splitlines()[-1][:400]
            print(f"seed {seed} failed: {last}\n    {AGAIN.format(seed=seed)}", flush=True)
    print(f"{len(seeds) - failed} of {len(seeds)} seeds held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
