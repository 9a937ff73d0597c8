"""Recorded market data: reading, checking, merging and writing tapes.

A tape is columns in replay order, one row per level change or trade (see `batch.py`). What a run plays goes through
five small streams, each a generator that holds a few batches at most:

    open_tape -> read_blocks -> window -> merge -> delay
    columns      ticks, lots    start/end  by time   what strategies hear, later
"""

from tickwright.adapters.tape.batch import BATCH, Batch, TapeError
from tickwright.adapters.tape.blocks import Block, read_blocks
from tickwright.adapters.tape.catalog import head, write_tape
from tickwright.adapters.tape.check import Rounded
from tickwright.adapters.tape.delay import FixedLatency, LognormalLatency, delay
from tickwright.adapters.tape.inspect import Inspection, inspect_tape
from tickwright.adapters.tape.merge import merge
from tickwright.adapters.tape.play import play
from tickwright.adapters.tape.reader import Tape, open_tape
from tickwright.adapters.tape.window import window

__all__ = [
    "BATCH",
    "Batch",
    "Block",
    "FixedLatency",
    "Inspection",
    "LognormalLatency",
    "Rounded",
    "Tape",
    "TapeError",
    "delay",
    "head",
    "inspect_tape",
    "merge",
    "open_tape",
    "play",
    "read_blocks",
    "window",
    "write_tape",
]
