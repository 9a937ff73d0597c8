"""A random market with random orders in it, from a seed; run as a script it prints every report."""

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from street import SECOND, Street

import tickwright.engine.compiled as compiled
from tickwright.adapters.sim.latency import LogNormal

STEP = 1_000_000
TIFS = ("GTC", "GTC", "GTC", "IOC", "FOK", "GTD", "DAY")


def play(
    seed: int, queue: str, rows: int, poison_after: int = 0, jitter: bool = True, tells_all: bool = False
) -> Street:
    """Play a market; rows after `poison_after` (if not zero) are other ones, drawn from another seed."""
    street = Street(
        queue,
        to_venue=LogNormal(3 * STEP, 0.7, random.Random(seed + 1)) if jitter else None,
        to_client=LogNormal(2 * STEP, 0.7, random.Random(seed + 2)) if jitter else None,
        reject_probability=0.05,
        random=random.Random(seed + 3),
        tells_all=tells_all,
    )
    market = random.Random(seed)
    orders = random.Random(seed + 4)
    for row in range(1, rows + 1):
        if row == poison_after + 1 and poison_after:
            market = random.Random(seed + 999)
        now = SECOND + row * STEP
        ticks = market.randint(95, 105)
        side = market.choice((1, -1))
        if market.random() < 0.3:
            street.trade(side, ticks, market.randint(1, 12), now)
        else:
            # Mostly an orderly book around 100, and now and then one that runs through our prices.
            if (ticks - 100) * side > 0 and market.random() < 0.8:
                ticks = 200 - ticks
            street.level(side, ticks, market.choice((0, 3, 8, 20)), now)
        if orders.random() < 0.4:
            street.order(
                f"o{row}",
                orders.choice((1, -1)),
                orders.randint(1, 9),
                orders.randint(96, 104) if orders.random() < 0.9 else None,
                tif=orders.choice(TIFS),
                post_only=orders.random() < 0.3,
                reduce_only=orders.random() < 0.2,
                expire_ts=now + 20 * STEP,
            )
        if orders.random() < 0.2:
            street.cancel(f"o{orders.randint(1, row)}", row)
    street.tick(street.now + 10 * SECOND)
    return street


if __name__ == "__main__":
    print(compiled.why_interpreted() or "compiled")
    for name in ("back", "probabilistic", "optimistic", "pessimistic"):
        for line in play(11, name, 1500).said():
            print(line)
