"""The control socket, on real sockets: commands, bounds, and clients that do not behave."""

import importlib.util
import json
import socket
import stat
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tickwright.control import CLIENTS_MAX, LINE_BYTES, WRITE_S, serve_control
from tickwright.control_client import ControlClient, NoAnswer, NotRunning
from tickwright.engine.errors import TickwrightError
from tickwright.kill_file import KillOrder, read_kills, write_kill
from tickwright.state import StateError, StateFolder

spec = importlib.util.spec_from_file_location("control_rig", Path(__file__).parent / "control_rig.py")
control_rig = importlib.util.module_from_spec(spec)
spec.loader.exec_module(control_rig)


@pytest.fixture
def folder(tmp_path):
    return StateFolder.make(tmp_path / "state")


@pytest.fixture
async def run(folder, nursery):
    made = control_rig.Run()
    await nursery.start(serve_control, folder, made)
    return made


async def connect(folder):
    stream = trio.SocketStream(trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM))
    await stream.socket.connect(str(folder.socket_path))
    return stream


async def line(stream):
    held = b""
    while not held.endswith(b"\n"):
        chunk = await stream.receive_some(1 << 20)
        if not chunk:
            return None
        held += chunk
    return json.loads(held)


async def ask(folder, command):
    stream = await connect(folder)
    async with stream:
        await stream.send_all((command if isinstance(command, bytes) else json.dumps(command).encode()) + b"\n")
        return await line(stream)


async def test_the_socket_is_ours_alone_and_goes_with_the_process(folder, run):
    assert stat.S_IMODE(folder.socket_path.stat().st_mode) == 0o600
    with pytest.raises(StateError, match="found a process that answers"):
        folder.listen()


async def test_it_goes_with_the_process(folder):
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, folder, control_rig.Run())
        assert folder.socket_path.is_socket()
        nursery.cancel_scope.cancel()
    assert not folder.socket_path.exists()


async def test_status_is_the_snapshot(folder, run):
    answer = await ask(folder, {"do": "status"})
    assert answer == {"ok": True, "snapshot": run.answer}


async def test_commands_reach_the_run(folder, run):
    for command in (
        {"do": "stop", "reason": "lunch", "by": "kim"},
        {"do": "stop", "reason": "lunch"},
        {"do": "kill", "level": "strategy", "name": "maker", "mode": "pause", "reason": "odd", "by": "kim"},
        {"do": "kill", "reason": "odd"},
        {"do": "rearm", "level": "global", "reason": "fine again", "by": "kim"},
        {"do": "adopt", "venue": "TDX", "asset": "BTC", "reason": "a deposit", "by": "kim"},
    ):
        assert await ask(folder, command) == {"ok": True}
    assert run.asked == [
        ("stop", "lunch (kim)"),
        ("stop", "lunch"),
        ("kill", "strategy", "maker", "pause", "odd", "kim"),
        ("kill", "global", "", "cancel", "odd", ""),
        ("rearm", "global", "", "fine again", "kim"),
        ("adopt", "TDX", "BTC", "a deposit", "kim"),
    ]


async def test_what_the_run_refuses_is_told(folder, run):
    answer = await ask(folder, {"do": "kill", "level": "strategy", "name": "nobody", "reason": "x"})
    assert answer == {"ok": False, "error": "kill strategy 'nobody': expected a strategy of this run"}


async def test_rearming_takes_the_kill_out_of_the_file(folder, run):
    write_kill(folder, KillOrder(reason="all"))
    write_kill(folder, KillOrder(level="strategy", name="maker", reason="one"))
    await ask(folder, {"do": "rearm", "reason": "fine again"})
    assert [order.name for order in read_kills(folder.kill_file)] == ["maker"]


@pytest.mark.parametrize(
    "command",
    [
        b"",
        b"status",
        b"[]",
        b"{}",
        b'{"do": "format_disk"}',
        b'{"do": "kill"}',
        b'{"do": "kill", "reason": ""}',
        b'{"do": "kill", "reason": "   "}',
        b'{"do": "kill", "reason": 7}',
        b'{"do": "kill", "reason": "x", "level": "planet"}',
        b'{"do": "kill", "reason": "x", "mode": "maybe"}',
        b'{"do": "kill", "reason": "x", "extra": 1}',
        b'{"do": "rearm", "level": "global"}',
        b'{"do": "follow", "per_s": 1000}',
        b'{"do": "stop", "reason": "\xff"}',
        b'{"do": "stop", "reason": "' + b"x" * 501 + b'"}',
        b"[" * 4000,
    ],
)
async def test_anything_else_is_refused_and_does_nothing(folder, run, command):
    stream = await connect(folder)
    async with stream:
        await stream.send_all(command + b"\n")
        answer = await line(stream)
        assert answer["ok"] is False
        assert answer["error"].startswith("expected a command: ")
        await stream.send_all(b'{"do": "status"}\n')
        assert (await line(stream))["ok"] is True
    assert run.asked == []


async def test_a_line_without_end_ends_the_connection(folder, run):
    stream = await connect(folder)
    async with stream:
        await stream.send_all(b"x" * (LINE_BYTES + 1))
        assert (await line(stream))["error"] == f"expected a line of at most {LINE_BYTES} bytes, got more"
        assert await stream.receive_some(1) == b""
    assert (await ask(folder, {"do": "status"}))["ok"]


async def test_there_are_not_more_clients_than_places(folder, run):
    held = []
    for _ in range(CLIENTS_MAX):
        held.append(await connect(folder))
        await held[-1].send_all(b'{"do": "status"}\n')
        assert await line(held[-1])
    late = await connect(folder)
    try:
        await late.send_all(b'{"do": "status"}\n')
        assert await line(late) is None
    except trio.BrokenResourceError:
        pass
    await late.aclose()
    # Several may wait to be noticed as gone, so one free place is enough to get through.
    await held.pop().aclose()
    answer = None
    with trio.fail_after(5):
        while answer is None:
            try:
                answer = await ask(folder, {"do": "status"})
            except trio.BrokenResourceError:
                await trio.lowlevel.checkpoint()
    assert answer["ok"]
    for stream in held:
        await stream.aclose()


async def test_who_does_not_read_is_dropped_and_holds_nothing_up(folder, nursery, autojump_clock):
    made = control_rig.Run()
    made.answer["orders"] = [dict(made.answer["orders"][0]) for _ in range(5000)]
    await nursery.start(serve_control, folder, made)
    slow = await connect(folder)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    await slow.send_all(b'{"do": "follow", "per_s": 10}\n')
    before = trio.current_time()
    await trio.sleep(WRITE_S * 2)
    assert made.shown <= WRITE_S * 2 / 0.1
    assert await ask(folder, {"do": "kill", "reason": "now"}) == {"ok": True}
    assert made.asked
    assert trio.current_time() - before < WRITE_S * 2 + 1
    await slow.aclose()


async def test_followers_share_snapshots_and_get_the_newest(folder, nursery, autojump_clock):
    made = control_rig.Run()
    await nursery.start(serve_control, folder, made)
    streams = [await connect(folder) for _ in range(5)]
    for stream in streams:
        await stream.send_all(b'{"do": "follow", "per_s": 10}\n')
    for stream in streams:
        assert (await line(stream))["snapshot"]["status"] == "trading"
    await trio.sleep(2.05)
    assert made.shown <= 22
    for stream in streams:
        await stream.aclose()


async def test_a_flood_of_commands_is_taken_one_at_a_time(folder, nursery, autojump_clock):
    made = control_rig.Run()
    await nursery.start(serve_control, folder, made)
    stream = await connect(folder)
    async with stream:
        await stream.send_all(b'{"do":"kill","reason":"x"}\n' * 100)
        await trio.sleep(1.01)
        assert len(made.asked) <= 22


async def test_who_says_nothing_for_a_minute_is_sent_away(folder, nursery, autojump_clock):
    await nursery.start(serve_control, folder, control_rig.Run())
    stream = await connect(folder)
    async with stream:
        assert await stream.receive_some(1) == b""
        assert trio.current_time() >= 60


async def test_who_hangs_up_early_does_no_harm(folder, run):
    for command in (b'{"do": "status"}\n', b'{"do": "follow"}\n', b'{"do"', b""):
        stream = await connect(folder)
        await stream.send_all(command or b"\n")
        await stream.aclose()
    assert (await ask(folder, {"do": "status"}))["ok"]


# --- the client of the verbs ------------------------------------------------------------------------------------------


async def test_the_client_asks_and_is_answered(folder, run):
    def talk():
        with ControlClient(folder) as client:
            shown = client.ask("status")["snapshot"]
            client.ask("kill", reason="odd", by="kim")
            with pytest.raises(TickwrightError, match="expected a strategy of this run"):
                client.ask("kill", level="strategy", name="nobody", reason="x")
        with ControlClient(folder) as client:
            seen = [next(shown) for shown in [client.follow(10)] for _ in range(3)]
        return shown, seen

    shown, seen = await trio.to_thread.run_sync(talk)
    assert shown == run.answer
    assert seen == [run.answer] * 3
    assert run.asked == [("kill", "global", "", "cancel", "odd", "kim")]


async def test_the_client_sees_the_end(folder):
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_control, folder, control_rig.Run())
            client = await trio.to_thread.run_sync(ControlClient, folder)
            assert (await trio.to_thread.run_sync(client.ask, "status"))["ok"]
            assert not await trio.to_thread.run_sync(client.wait_for_end, 0.01)
            following = client.follow(10)
            assert await trio.to_thread.run_sync(next, following)
            nursery.cancel_scope.cancel()
    with client:
        # Some snapshots may still lie in the socket; after them comes the end, and no error.
        assert len(list(following)) <= 10
        assert client.wait_for_end(5)


def test_nobody_there_is_not_running(folder):
    with pytest.raises(NotRunning, match="not running"):
        ControlClient(folder)
    folder.listen().close()
    with pytest.raises(NotRunning, match="not running"):
        ControlClient(folder)


def test_a_process_that_is_stuck_is_told_from_none(folder, monkeypatch):
    import fcntl

    monkeypatch.setattr("tickwright.control_client.ANSWER_S", 0.01)
    with (folder.path / "journal.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711\n")
        lock.flush()
        with pytest.raises(NoAnswer, match=r"process 4711 runs with .* and takes no commands yet, or no more"):
            ControlClient(folder)
        folder.listen().close()
        with pytest.raises(NoAnswer, match=r"process 4711 runs with .* and does not answer"):
            ControlClient(folder)
        with folder.listen(), ControlClient(folder) as client, pytest.raises(NoAnswer, match=r"within 0\.01 s"):
            client.ask("status")


@given(st.binary(max_size=300))
def test_no_bytes_are_taken_for_a_command_by_chance(raw):
    """What is accepted is one of the five words, with a reason wherever something would change."""
    import msgspec

    from tickwright.control import _READ, Follow, Status

    try:
        command = _READ.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    assert isinstance(command, Status | Follow) or command.reason.strip()
