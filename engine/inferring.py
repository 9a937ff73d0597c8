"""Executions that the venue confirms in sum but cannot name, and the real trades that later take their place."""

from tickwright.engine.tracking import Tracker


class Inferring:
    __slots__ = ("tracker",)

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
