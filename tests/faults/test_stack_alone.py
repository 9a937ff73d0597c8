"""Without any fault the invariants hold; and each of these breaches of them is found."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import storm
import swarm
import trio
from attrs import evolve
from grounds import Ground
from stack import Stack, Tap, check_invariants, settle, stacked
from trio.testing import MockClock
from trio_websocket import wrap_client_stream

from tickwright.engine.events import Event, OrderCanceled, OrderExecuted
from tickwright.engine.terms import Health
from tickwright.risk.kill import ACTIVE, KillSwitch
from tickwright.run_log import RunLog


async def test_a_run_without_faults_breaks_nothing(ground: Ground, autojump_clock: MockClock, tmp_path: Path) -> None:
    async with stacked(tmp_path, ground=ground) as stack:
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


def trades_while_killed(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    """A latch that holds nothing back."""
    patch.setattr(KillSwitch, "state", lambda *asked: ACTIVE)
    stack.run.parts.floor.kill.kill("global", reason="enough", by="test", now=stack.run.live.clock.now())


def trades_unreconciled(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    """What the driver knows of the link is not what the gate is told."""
    port = stack.run.live.ports[0]
    port.link = evolve_link(port.link, reconciled=False)


def evolve_link(link: Any, **changes: Any) -> Any:
    copied = copy.copy(link)
    for name, value in changes.items():
        setattr(copied, name, value)
    return copied


def shows_a_crossed_book(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    stack.trader.on_book(SimpleNamespace(bid=52_000.5, ask=52_000.0, health=stack.book.health))


def shows_a_stale_book(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    stack.trader.on_book(SimpleNamespace(bid=52_000.0, ask=52_000.5, health=Health.STALE))


def shows_no_number(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    stack.trader.on_trade(SimpleNamespace(price=float("nan"), size=1.0))


def leaks_tasks(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        stack.run.live.nursery.start_soon(trio.sleep_forever)


def leaks_a_socket(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    """A connection that is given up and not closed."""

    async def stay() -> None:
        async with trio.open_nursery() as nursery:
            stream: Any = stack.venue.open_stream()
            path = stack.wire._session.address.path
            await wrap_client_stream(nursery, stream, "localhost", path, subprotocols=["ws.t-dx.com"])
            await trio.sleep_forever()

    stack.run.live.nursery.start_soon(stay)


def leaks_files(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(40)]

    async def hold() -> None:
        try:
            await trio.sleep_forever()
        finally:
            for number in held:
                os.close(number)

    stack.run.live.nursery.start_soon(hold)


def keeps_an_alarm_to_itself(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RunLog, "_alarm", lambda log, text: None)
    core = stack.run.parts.core
    core.recorder.note(2, "something critical", core.now)


def rings_again_and_again(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    async def ring() -> None:
        while True:
            core = stack.run.parts.core
            core.recorder.note(2, "something critical", core.now)
            await trio.sleep(5)

    stack.run.live.nursery.start_soon(ring)


def tells_a_secret(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    stack.said.append((trio.current_time(), f"logged in with {stack.ground.secrets(stack.venue, stack.wire)[0]}"))


BREACHES = [
    (sends_twice, "V1"),
    (sends_before_it_is_durable, "V2"),
    (altered(books_twice), "V[34]"),
    (altered(believes_a_cancel), "V[35]"),
    (drops_executions, "V7"),
    (trades_while_killed, "V8"),
    (trades_unreconciled, "V8"),
    (shows_a_crossed_book, "V9"),
    (shows_a_stale_book, "V9"),
    (shows_no_number, "V9"),
    (leaks_tasks, "V10"),
    (leaks_a_socket, "V10"),
    (leaks_files, "V10"),
    (tells_a_secret, "V12"),
    (keeps_an_alarm_to_itself, "V13"),
    (rings_again_and_again, "V13"),
]

AT_ONCE = frozenset(("V8", "V9", "V10", "V12", "V13"))
"""What needs no luck to show."""


NAMES = [f"{which}-{breach.__name__}" for breach, which in BREACHES]


@pytest.mark.parametrize(("breach", "which"), BREACHES, ids=NAMES)
async def test_a_breach_is_found(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breach: Any, which: str
) -> None:
    with pytest.raises(AssertionError, match=rf"(?m)^{which}:"):
        await broken_run(tmp_path, breach, monkeypatch, 6 if which in AT_ONCE else 25)


async def broken_run(folder: Path, breach: Any, patch: pytest.MonkeyPatch, seconds: float) -> None:
    """Trade with a breach; what the invariants say of it is raised, and not how the run ended."""
    said = ""
    try:
        async with stacked(folder, options={"unique_client_order_ids": False}) as stack:
            await stack.ready()
            breach(stack, patch)
            await trio.sleep(seconds)
            stack.trader.trades = False
            try:
                check_invariants(stack)
            except AssertionError as error:
                said = str(error)
    except AssertionError:
        assert said, "expected a breach to be found"
    raise AssertionError(said)


@pytest.mark.parametrize("never", ["settles", "trades"])
async def test_doubt_or_silence_that_does_not_end_is_found(
    autojump_clock: MockClock, tmp_path: Path, never: str
) -> None:
    """V11: whoever does not ask never settles what is in doubt; whoever is never told that all is well never trades."""
    said = ""
    try:
        async with stacked(tmp_path, "{fault: drop, kinds: [ack, order, fill], probability: 0.3}") as stack:
            await stack.ready()
            asker = stack.run.live.ports[0].asker
            assert asker is not None
            if never == "settles":
                asker.sweep.order = lambda *answer: None  # type: ignore[method-assign]
            else:
                asker.conclude = lambda now: None  # type: ignore[method-assign]
                stack.wire._session.drop("to reconcile anew")
            await trio.sleep(15)
            try:
                await settle(stack)
            except AssertionError as error:
                said = str(error)
    except AssertionError:
        assert said, "expected a breach to be found"
    assert "V11: nothing in doubt, and trading" in said


@pytest.mark.parametrize("seed", range(1, 7))
def test_a_storm_breaks_nothing(seed: int) -> None:
    assert storm.once(swarm.plan(seed)).wrong == ""


def failing(drawn: swarm.Plan) -> storm.Outcome:
    """A stack in which two faults together, and nothing else, book an execution twice."""
    guilty = {each.place for each in swarm.plan(2).chosen[1:3]}
    broken = drawn.seed == 2 and guilty <= {each.place for each in drawn.chosen} and drawn.safety > 2
    return storm.Outcome(drawn.seed, "AssertionError: V4: booked twice" if broken else "")


def test_a_seed_that_fails_is_told_with_the_command_that_replays_it_and_made_small(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(storm, "once", failing)
    monkeypatch.setattr(storm, "quiet", lambda: None)
    assert len(swarm.plan(2).chosen) > 3, "there is something to leave out"
    assert storm.sweep(range(1, 4), workers=1) == 1
    told = capsys.readouterr().out
    assert "seed 2 failed: AssertionError: V4: booked twice\n    make storm SEED=2\n" in told
    assert "seed 2 needs only:\n    make storm SEED=2 ONLY=2,3 SAFETY=" in told
    assert "2 of 3 seeds held" in told


@pytest.mark.slow
def test_a_seed_is_the_same_run_in_any_process_whatever_its_hashes_are() -> None:
    """V15: the journal, what reached the venue and when, what was said and which faults struck."""
    program = str(Path(storm.__file__))
    prints = []
    for hashes in ("1", "2"):
        asked = [sys.executable, program, "--seeds", "2", "--first", "11", "--workers", "1", "--prints"]
        done = subprocess.run(asked, env={**os.environ, "PYTHONHASHSEED": hashes}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        prints.append([line for line in done.stdout.splitlines() if line.split()[0] in ("11", "12")])
    assert len(prints[0]) == 2
    assert prints[0] == prints[1]
    assert storm.once(swarm.plan(11)).print == prints[0][0].split()[1]
