"""What runs have been through: faults that struck, states of orders, and which event met which state."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from attrs import define, field
from swarm import VENUES, Plan, places

from tickwright.engine import marks
from tickwright.engine.journal_reading import open_reading, picked
from tickwright.engine.terms import OrderState

EVENTS: Final = tuple(name.removeprefix("E_") for name in dir(marks) if name.startswith("E_"))


@define
class Covered:
    """Counts over runs. A context is an order's state, and while it is UNKNOWN the cause of it."""

    runs: int = 0
    rules: Counter[tuple[str, str, str]] = field(factory=Counter)
    struck: Counter[tuple[str, str, str]] = field(factory=Counter)
    states: Counter[str] = field(factory=Counter)
    cells: Counter[tuple[str, str]] = field(factory=Counter)
    denials: Counter[str] = field(factory=Counter)
    orders: int = 0
    executions: int = 0
    events: int = 0

    def take(self, plan: Plan, stack: Any) -> None:
        """One run more."""
        self.runs += 1
        whose = {rule: (plan.venue, each.place, each.text) for each in plan.chosen for rule in each.rules}
        self.rules.update(whose.values())
        for fired in stack.venue.faults.fired:
            rule = stack.venue.faults._states[fired.number - 1].rule
            if rule in whose:  # not one that only says how the venue is
                self.struck[whose[rule]] += 1
        self.executions += len(stack.venue.executed)
        self.events += stack.run.live.intake.counts.events
        with open_reading(stack.run.config.state_folder) as reader:
            self.follow(record.plain() for record in picked(reader, 0, ("order",)))
        reader.close()

    def follow(self, records: Iterable[dict[str, Any]]) -> None:
        """The life of each order, one step after the other."""
        stood: dict[str, str] = {}
        for said in records:
            before = stood.get(said["id"], "")
            now = said["state"] + (f" {said['cause']}" if said["state"] == "UNKNOWN" else "")
            stood[said["id"]] = now
            self.states[now] += 1
            self.cells[before, said["event"]] += 1
            if said["event"] == "DENIED":
                self.denials[said["code"]] += 1
        self.orders += len(stood)

    def add(self, other: "Covered") -> None:
        """What others have been through counts too."""
        self.runs += other.runs
        self.orders += other.orders
        self.executions += other.executions
        self.events += other.events
        for name in ("rules", "struck", "states", "cells", "denials"):
            getattr(self, name).update(getattr(other, name))

    def told(self) -> str:
        """All of it for a person, and what was never met."""
        known = {(venue, place, text) for venue in VENUES for place, rules in places(venue).items() for text in rules}
        idle = sorted({each[:2] for each in known} - {each[:2] for each in self.struck})
        never = [state.name for state in OrderState if not any(each.split()[0] == state.name for each in self.states)]
        unmet = [event for event in EVENTS if not any(event == each for _, each in self.cells)]
        return "\n".join(
            [
                f"{self.runs} runs, {self.events} events, {self.orders} orders, {self.executions} executions",
                f"faults: {len(self.struck)} of {len(known)} struck, {sum(self.struck.values())} times"
                + (f"; never at: {', '.join(f'{venue} {place}' for venue, place in idle)}" if idle else ""),
                f"states of orders: {len(OrderState) - len(never)} of {len(OrderState)}"
                + (f"; never: {', '.join(never)}" if never else ""),
                f"contexts {len(self.states)}, cells of context and event {len(self.cells)}; "
                f"events never met: {', '.join(unmet) or 'none'}",
                f"denials: {', '.join(f'{code} {count}' for code, count in sorted(self.denials.items())) or 'none'}",
            ]
        )
