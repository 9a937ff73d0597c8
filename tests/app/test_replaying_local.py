"""Paper at local venues over real sockets, captured for a moment, is replayed equal: frames through codec and link."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio

from tickwright.capture import CAPTURE
from tickwright.config import load
from tickwright.replayed import replay_in
from tickwright.trading import opened, served_venues

STRATEGY = '''
from tickwright import Book, Strategy

class Bidder(Strategy):
    """Bids at the best bid, again each second."""

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.watch(instrument, book="touch")
        self.bids = 0

    def on_book(self, book: Book) -> None:
        if self.bids < 3:
            self.bids += 1
            self.buy(book.instrument, book.instrument.lot_size * 1000, price=book.bid)
'''

VENUES = {
    "tdx": ("BTC/CHF.TDX", {"CHF": "1000000", "BTC": "1"}),
    "powertrade": ("BTC-USD.POWERTRADE", {"USD": "1000000", "BTC": "1"}),
}


def config_in(folder: Path, venue: str) -> Any:
    instrument, balances = VENUES[venue]
    (folder / "bidder.py").write_text(STRATEGY)
    raw = {
        "name": "local",
        "mode": "paper",
        "account": {"currency": next(iter(balances)), "balances": balances},
        "venues": {venue: {"adapter": venue, "local": {"seed": 3}}},
        "strategies": {"bidder": {"use": "./bidder.py:Bidder", "instruments": [instrument]}},
        "risk": {"max_order_qty": "100", "max_position": "100"},
        "capture": {"max_mb": 16},
        "runs": str(folder / "runs"),
        "state": str(folder / "state"),
    }
    (folder / "run.yaml").write_text(json.dumps(raw))
    return load(folder / "run.yaml")


@pytest.mark.parametrize("venue", VENUES)
async def test_a_moment_of_paper_at_a_local_venue_is_replayed_equal(tmp_path: Path, venue: str) -> None:
    config = config_in(tmp_path, venue)
    said: list[str] = []
    (tmp_path / "state").mkdir(mode=0o700)
    async with served_venues(config, said.append) as served, opened(config, served, said.append) as run:
        folder, core = run.folder, run.parts.core
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.go)
            with trio.fail_after(60):
                while core.wakes < 8:
                    await trio.sleep(0.1)
            run.live.stop("the test is over")
    told = await replay_in(str(folder), tmp_path)
    assert told.equal, told.text
    assert told.data["whole"]
    assert told.data["frames"] > 10
    assert told.data["run_hash"]["recorded"] == told.data["run_hash"]["replayed"]
    text = (folder / CAPTURE).read_bytes()
    assert len(text) < 1 << 20
