"""A parent order: a quantity that its children together may never exceed."""

from tickwright.engine.order import Order


class Parent:
    """What a slicing strategy has been asked to do: children name it, the gate holds their sum within `lots`."""

    __slots__ = ("children", "lots", "name")

    def __init__(self, name: str, lots: int) -> None:
        self.name = name
        self.lots = lots
        self.children: list[Order] = []

    @property
    def executed_lots(self) -> int:
        return sum(int(child.cum) for child in self.children)

    @property
    def worst_lots(self) -> int:
        """Executed plus all that may still execute."""
        return sum(int(child.cum) + int(child.worst_lots()) for child in self.children)
