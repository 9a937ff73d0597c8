"""Packages of legs before the gate: an order in one counts in every leg of it, at its worst.

The sums of working orders hold that already: the order manager carries each order's worst case into the sums of its
legs. What is left is the order that is being judged. Its reference is the net price of its legs, which may be below
zero; distances are measured against what the legs are worth without their signs.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tickwright.engine.market import Leg
from tickwright.risk.state import Line, Rules

if TYPE_CHECKING:
    from tickwright.risk.floor import Floor
    from tickwright.risk.scales import Scales

Extras = Mapping[int, tuple[int, int]]
"""What an order adds to each market at worst: lots bought and lots sold, by the market's index."""


def extras_of(rules: Rules, side: int, added: int) -> dict[int, tuple[int, int]]:
    """What an order adds to its market, or to the legs of its package."""
    line = rules.line
    if not line.market.legs:
        return {line.index: _sided(side, added)}
    return {leg.market.index: _sided(side * leg.lots, added * abs(leg.lots)) for leg in line.market.legs}


def _sided(side: int, lots: int) -> tuple[int, int]:
    return (lots, 0) if side > 0 else (0, lots)


def rules_of(floor: "Floor", rules: Rules, leg: Leg) -> Rules:
    """What binds the owner of `rules` in a leg."""
    found = floor.rules.get((rules.owner, leg.market.index))
    return floor.accounts[leg.market.index] if found is None else found


def needs(floor: "Floor", rules: Rules) -> dict[int, int]:
    """What a lot takes of the purse in each market that an order adds to."""
    if not rules.line.market.legs:
        return {rules.line.index: int(rules.need)}
    return {leg.market.index: int(rules_of(floor, rules, leg).need) for leg in rules.line.market.legs}


def worth(floor: "Floor", line: Line, lots: int) -> int:
    """What so many lots of a package are worth in account currency, every leg without its sign, in grains."""
    total = 0
    for leg in line.market.legs:
        part = floor.lines[leg.market.index]
        if part.weight > 0:
            total += int(part.weight) * max(int(part.price()), 0) * lots * abs(leg.lots)
    return total


def net_prices(scales: "Scales") -> None:
    """D1, D3, D8 and D10 of a package: its net price against that of its legs, measured by what they are worth.

    Age, health, spread and depth of its own book say nothing: hardly anybody is in it.
    """
    facts = scales.facts
    gross = facts["gross_reference2"]
    text = scales.name("a leg has no live book and no trade to take a price from")
    scales.add("D3", "REFERENCE_MISSING", gross > 0, text)
    scales.market_order()
    if gross > 0 and facts["flags"] & 4:
        beyond = (2 * facts["ticks"] - facts["reference2"]) * facts["side"]
        where, times = ("beyond", 1) if beyond >= 0 else ("behind", 10)
        text = f"net price {where} its legs' (bps of their worth)"
        scales.ratio("D1", "PRICE_COLLAR", "collar_bps", abs(beyond), gross, text, times)
    if scales.new or scales.grows:
        meets = facts["self_match"]
        scales.add("D10", "SELF_MATCH", not meets, scales.name(f"would meet {meets} own working order(s)"))
