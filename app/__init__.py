"""Tickwright: algorithmic trading strategies, one Python file and one YAML file, the same on tape, paper and live."""

from tickwright.engine.compiled import choose as _choose

_choose()
