"""Without any fault: the stack trades, and the invariants hold; each of them can be broken and is then found."""

from pathlib import Path

import trio
from stack import check_invariants, settle, stacked
from trio.testing import MockClock


async def test_a_run_without_faults_breaks_nothing(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with stacked(tmp_path) as stack:
        await stack.ready()
        await trio.sleep(40)
        await settle(stack)
        check_invariants(stack)
        assert len(stack.venue.executed) > 10
        assert len(stack.venue.received) > 30
