"""Without any fault the invariants hold; and each of these breaches of them is found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import storm
import trio
from attrs import evolve
from stack import Stack, Tap, check_invariants, settle, stacked
from trio.testing import MockClock

from tickwright.engine.events import Event, OrderCanceled, OrderExecuted


async def test_a_run_without_faults_breaks_nothing(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with stacked(tmp_path) as stack:
        await stack.ready()
        await trio.sleep(40)
        await settle(stack)
        check_invariants(stack)
        assert len(stack.venue.executed) > 3
        assert len(stack.venue.received) > 30


def sends_twice(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    session = stack.wire._session
    send = session.send

    def twice(owner: Any, frame: Any) -> None:
        for _ in range(2 if frame.client_order_id and not frame.cancel else 1):
            send(owner, frame)

    session.send = twice  # type: ignore[method-assign]


def sends_before_it_is_durable(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stack.run.journal, "commit", lambda: True)


def altered(change: Callable[[Event], list[Event]]) -> Callable[[Stack, pytest.MonkeyPatch], None]:
    """What comes in is not what was told."""

    def broken(stack: Stack, patch: pytest.MonkeyPatch) -> None:
        put = Tap.put

        def changed(self: Tap, event: Event) -> None:
            for each in change(event):
                put(self, each)

        patch.setattr(Tap, "put", changed)

    return broken


def books_twice(event: Event) -> list[Event]:
    if isinstance(event, OrderExecuted):
        return [event, evolve(event, trade_id=f"{event.trade_id}-again", stated_cum=-1)]
    return [event]


def believes_a_cancel(event: Event) -> list[Event]:
    if type(event).__name__ == "OrderAccepted":
        named = OrderCanceled(client_order_id=event.client_order_id, reason="made up", stated_cum=0, ts=event.ts)  # type: ignore[union-attr]
        return [event, named]
    return [event]


def drops_executions(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    """The inbox loses what the wire has told it."""
    put = Tap.put

    def losing(self: Tap, event: Event) -> None:
        if isinstance(event, OrderExecuted):
            self.watcher.put_in.append(event)
        else:
            put(self, event)

    patch.setattr(Tap, "put", losing)


def tells_a_secret(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    stack.said.append((trio.current_time(), f"logged in with {stack.venue.announcement()['password']}"))


BREACHES = [
    (sends_twice, "V1"),
    (sends_before_it_is_durable, "V2"),
    (altered(books_twice), "V[34]"),
    (altered(believes_a_cancel), "V[35]"),
    (drops_executions, "V7"),
    (tells_a_secret, "V12"),
]


@pytest.mark.parametrize(("breach", "which"), BREACHES, ids=[which for _, which in BREACHES])
async def test_a_breach_is_found(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breach: Any, which: str
) -> None:
    with pytest.raises(AssertionError, match=rf"(?m)^{which}:"):
        await broken_run(tmp_path, breach, monkeypatch)


async def broken_run(folder: Path, breach: Any, patch: pytest.MonkeyPatch) -> None:
    """Trade with a breach; what the invariants say of it is raised, and not how the run ended."""
    said = ""
    try:
        async with stacked(folder, options={"unique_client_order_ids": False}) as stack:
            await stack.ready()
            breach(stack, patch)
            await trio.sleep(25)
            stack.trader.trades = False
            try:
                check_invariants(stack)
            except AssertionError as error:
                said = str(error)
    except AssertionError:
        assert said, "expected a breach to be found"
    raise AssertionError(said)


@pytest.mark.parametrize("seed", range(1, 7))
async def test_a_storm_breaks_nothing(autojump_clock: MockClock, tmp_path: Path, seed: int) -> None:
    await storm.storm(seed, tmp_path)


def test_a_seed_that_fails_is_told_with_the_command_that_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(storm, "once", lambda seed: "AssertionError: V4: booked twice" if seed == 2 else "")
    monkeypatch.setattr("sys.argv", ["storm", "--seeds", "3"])
    assert storm.main() == 1
    told = capsys.readouterr().out
    assert "seed 2 failed: AssertionError: V4: booked twice\n    make faults SEED=2\n" in told
    assert "2 of 3 seeds held" in told
