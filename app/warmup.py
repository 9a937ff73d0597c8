"""Plays recorded data through the strategies before the first live event, so that their indicators are warm."""

from tickwright.adapters.tape import TapeError, open_tape, play
from tickwright.adapters.tape.blocks import FIELDS
from tickwright.build import Parts, differences
from tickwright.config import Config
from tickwright.document import ConfigError, Fault
from tickwright.engine.backtest import Channel, TapeLoop


def warm_up(config: Config, parts: Parts) -> bool:
    """Play the tapes of `data.warmup`, merged in time; whether there were any.

    Strategies begin (`load`, `on_start`) with the first row, see books, trades and timers, and are told so by
    `warming_up`. Nothing that they ask for is done, and nothing of it is recorded.

    Raises:
        ConfigError: a tape cannot be opened, or is of another instrument.
    """
    if config.data is None or not config.data.warmup:
        return False
    core = parts.core
    by_id = {market.instrument.id: market for market in core.markets}
    tapes = []
    channels = []
    faults = []
    for id, source in config.data.warmup.items():
        place = config.place(("data", "warmup", id))
        market = by_id.get(id)
        if market is None:
            faults.append(Fault(place, f"expected an instrument of a strategy, got {id}"))
            continue
        try:
            tape = open_tape(source if source.startswith("package:") else config.path(source))
        except TapeError as error:
            faults.append(Fault(place, str(error)))
            continue
        if tape.instrument is not None:
            faults += [Fault(place, text) for text in differences(id, market.instrument, tape.instrument)]
        channels.append(Channel(market.book, market.index, market, None))
        tapes.append((tape, market.instrument))
    if faults:
        raise ConfigError(faults)
    loop = TapeLoop(core, channels)
    begun = False
    for block in play(tapes):
        if block.n == 0:
            continue
        if not begun:
            core.warm_up(int(block.ts[0]))
            begun = True
        ts, market_of, kind, side, px, qty, last = (memoryview(getattr(block, name)) for name in FIELDS)
        loop.play(ts, market_of, kind, side, px, qty, last, 0, block.n)
    return begun
