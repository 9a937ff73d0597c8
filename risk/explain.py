"""What every control measured in a decision long past, from its row in the records."""

from collections.abc import Mapping
from decimal import Decimal

from tickwright.risk.evidence import whole
from tickwright.risk.limits import Limits
from tickwright.risk.scales import weigh


def explain(
    row: Mapping[str, int], limits: Limits
) -> list[tuple[str, str, Decimal | None, Decimal | None, Decimal | None]]:
    """A recorded decision's checks: (control, code, value, limit, headroom); `row` is column to value."""
    facts = {**whole(row), "now": int(row.get("ts", 0)), "enabled": 1}
    return [(item.control, item.code, item.value, item.limit, item.headroom) for item in weigh(facts, limits)]
