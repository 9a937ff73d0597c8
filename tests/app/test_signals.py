"""Signals of the operating system, sent for real to this process."""

import os
import signal

import pytest
import trio
import trio.testing

from tickwright.signals import ALL, Ends, signals


@pytest.fixture
async def heard(nursery):
    """What the run was told, in order."""
    told = []
    await nursery.start(
        signals,
        lambda name: told.append(("stop", name)),
        lambda name: told.append(("force", name)),
        lambda name: told.append(("kill", name)),
    )
    return told


def send(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_the_first_stops_in_the_loop(heard, number):
    send(number)
    assert heard == []
    await trio.testing.wait_all_tasks_blocked()
    assert heard == [("stop", number.name)]


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)])
async def test_the_second_forces_at_once_even_while_the_loop_is_busy(heard, numbers):
    send(*numbers)
    assert heard == [("force", numbers[1].name)]
    await trio.testing.wait_all_tasks_blocked()
    assert heard[1:] == [("stop", numbers[0].name)]


@pytest.mark.parametrize("numbers", [(signal.SIGHUP, signal.SIGHUP), (signal.SIGTERM, signal.SIGHUP)])
async def test_a_closing_terminal_never_forces(heard, numbers):
    send(*numbers)
    await trio.testing.wait_all_tasks_blocked()
    assert heard == [("stop", number.name) for number in numbers]


async def test_usr1_kills_and_does_not_count_as_a_stop(heard):
    send(signal.SIGUSR1, signal.SIGUSR1, signal.SIGTERM)
    await trio.testing.wait_all_tasks_blocked()
    assert heard == [("kill", "SIGUSR1"), ("kill", "SIGUSR1"), ("stop", "SIGTERM")]


class Run:
    def __init__(self):
        self.heard = []

    def stop_by(self, name):
        self.heard.append(f"stop {name}")

    def kill_by(self, name):
        self.heard.append(f"kill {name}")

    def leave_by(self, name):
        self.heard.append(f"leave {name}")


def test_what_comes_before_the_run_gives_its_beginning_up_and_a_kill_waits_for_it():
    given_up = []
    ends = Ends(lambda: given_up.append(1))
    assert ends.snapshot() is None
    ends.kill("SIGUSR1")
    run = Run()
    ends.begun(run, lambda: "picture")
    assert (run.heard, ends.snapshot()) == (["kill SIGUSR1"], "picture")
    ends.stop("SIGINT")
    ends.kill("SIGUSR1")
    assert run.heard == ["kill SIGUSR1", "stop SIGINT", "kill SIGUSR1"]
    assert (given_up, ends.early) == ([], "")
    ends = Ends(lambda: given_up.append(1))
    ends.stop("SIGTERM")
    assert (given_up, ends.early) == ([1], "SIGTERM")


async def test_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in ALL]
    async with trio.open_nursery() as nursery:
        await nursery.start(signals, print, print, print)
        assert [signal.getsignal(number) for number in ALL] != before
        nursery.cancel_scope.cancel()
    assert [signal.getsignal(number) for number in ALL] == before
