"""Begins the journal's next file when the present one has grown, while the run goes on."""

from typing import TYPE_CHECKING, Final

import trio

from tickwright.engine.carrying import carried
from tickwright.engine.scribe import KeptPortfolio

if TYPE_CHECKING:
    from tickwright.trading import TradingRun

LOOK_S: Final = 1.0


async def keep_short(run: "TradingRun") -> None:
    """Look now and then whether the next file is due, for ever."""
    journal = run.journal
    journal.bound(run.config.journal.file_mb << 20, run.config.journal.keep_mb * 1_000_000)
    while True:
        if journal.full:
            rotate(run)
        await trio.sleep(LOOK_S)


def rotate(run: "TradingRun") -> bool:
    """Begin the journal's next file now; whether it was begun.

    Strategies save their states first: what they were told of before lies in the file that is left.
    """
    live, portfolio = run.live, run.parts.portfolio
    assert isinstance(portfolio, KeptPortfolio)
    live.save_states()
    adopted = max((stranger.adopted for stranger in live.intake.strangers.values()), default=0)
    since = run.journal.known.since
    begun = run.journal.rotate(carried(run.parts.core.orders, portfolio, since=since, adopted=adopted))
    live.bell.ring.set()  # where that failed, the next step says so
    return begun
