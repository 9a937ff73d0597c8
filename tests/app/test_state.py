"""The state folder: who may see it, how it is found, what lies in it; and the KILL file."""

import fcntl
import os
import stat
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tickwright.document import ConfigError
from tickwright.engine.errors import TickwrightError
from tickwright.kill_file import KillOrder, clear_kill, read_kills, watch_kill_file, write_kill
from tickwright.state import StateError, StateFolder, find_state, private_file, short, state_of_config


@pytest.fixture
def folder(tmp_path):
    return StateFolder.make(tmp_path / "state")


# --- the folder -------------------------------------------------------------------------------------------------------


def test_it_is_made_with_its_parents_for_us_alone(tmp_path):
    made = StateFolder.make(tmp_path / "a" / "b" / "c")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    assert StateFolder.make(made.path) == made


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_one_that_others_may_enter_is_refused(tmp_path, mode):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(mode)
    with pytest.raises(StateError, match=rf"\(0700\), found {mode:04o} \(chmod 700 makes it right\)"):
        StateFolder.make(tmp_path / "state")


def test_a_link_or_a_file_is_refused(tmp_path, folder):
    (tmp_path / "link").symlink_to(folder.path)
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StateError, match="found a symbolic link; name the folder itself"):
        StateFolder.make(tmp_path / "link")
    with pytest.raises(StateError, match="found a symbolic link"):
        StateFolder.make(tmp_path / "dangling")
    with pytest.raises(StateError, match="expected a folder, found a file"):
        StateFolder.make(tmp_path / "file")
    with pytest.raises(StateError, match="expected a state folder: No such file"):
        StateFolder.open(tmp_path / "nowhere")
    with pytest.raises(StateError, match="expected a state folder that can be made"):
        StateFolder.make(tmp_path / "file" / "under")


def test_one_of_another_user_is_refused(folder, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 4_000_000)
    with pytest.raises(StateError, match="expected a folder of user 4000000, found one of user"):
        StateFolder.open(folder.path)


def test_who_holds_the_journal_is_told(folder):
    assert folder.holder() == ""
    lock = folder.path / "journal.lock"
    lock.write_text("4711\n")
    assert folder.holder() == ""
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert folder.holder() == "4711"
    assert folder.free_mb() > 0


def test_a_private_file_is_made_for_us_and_never_through_a_link(folder, tmp_path):
    os.close(private_file(folder.log))
    assert stat.S_IMODE(folder.log.stat().st_mode) == 0o600
    (folder.path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match="found a symbolic link"):
        private_file(folder.path / "link")
    with pytest.raises(StateError, match="found is a directory"):
        private_file(folder.path)


# --- the socket -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 12])
def test_the_socket_works_however_long_its_path_is(tmp_path, depth):
    folder = StateFolder.make(tmp_path.joinpath(*["a-folder-with-a-long-name"] * depth))
    before = set(Path("/tmp").glob("tw-*"))
    with folder.listen() as server, folder.connect(1) as client:
        assert stat.S_IMODE(folder.socket_path.stat().st_mode) == 0o600
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"x")
            assert accepted.recv(1) == b"x"
    assert set(Path("/tmp").glob("tw-*")) == before


def test_a_dead_process_s_socket_is_replaced_and_a_living_one_s_is_not(folder):
    folder.listen().close()
    assert folder.socket_path.is_socket()
    with pytest.raises(ConnectionRefusedError):
        folder.connect(1)
    with folder.listen(), pytest.raises(StateError, match="found a process that answers on its control socket"):
        folder.listen()


def test_nothing_but_a_socket_is_taken_away(folder):
    folder.socket_path.write_text("mine")
    with pytest.raises(StateError, match="expected a socket or nothing, found something else"):
        folder.listen()
    assert folder.socket_path.read_text() == "mine"
    folder.socket_path.unlink()
    folder.socket_path.symlink_to(folder.path / "elsewhere")
    with pytest.raises(StateError, match="expected a socket or nothing, found something else"):
        folder.listen()


def test_a_short_path_is_used_as_it_is():
    with short(Path("/tmp/x/control.sock")) as address:
        assert address == "/tmp/x/control.sock"


# --- finding it -------------------------------------------------------------------------------------------------------


def test_it_is_found_from_the_config_the_run_folder_or_itself(tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text("name: quotes\nstate: kept/here\naccount: nonsense\n")
    made = StateFolder.make(tmp_path / "kept" / "here")
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    made.point(run)
    assert find_state(str(config)) == find_state(str(run)) == find_state(str(made.path)) == made
    assert state_of_config(config) == made.path
    config.write_text("name: quotes\n")
    assert state_of_config(config) == tmp_path / "state" / "quotes"
    with pytest.raises(StateError, match=r"run.yaml: not running \(there is no state folder"):
        find_state(str(config))


@pytest.mark.parametrize("text", ["name: no\n", "state: [x]\nname: a\n", "mode: live\n", "- a\n"])
def test_a_config_that_says_neither_is_refused_with_its_line(tmp_path, text):
    config = tmp_path / "run.yaml"
    config.write_text(text)
    with pytest.raises(ConfigError, match=r"run.yaml:1: .*expected"):
        find_state(str(config))


# --- the KILL file ----------------------------------------------------------------------------------------------------


def test_what_was_written_is_read(folder):
    one = KillOrder(level="strategy", name="maker", mode="pause", reason="odd fills", by="kim")
    other = KillOrder(reason="enough", by="kim")
    assert read_kills(folder.kill_file) == []
    write_kill(folder, one)
    write_kill(folder, other)
    assert read_kills(folder.kill_file) == [one, other]
    assert stat.S_IMODE(folder.kill_file.stat().st_mode) == 0o600
    clear_kill(folder.kill_file, "global", "")
    assert read_kills(folder.kill_file) == [one]
    write_kill(folder, KillOrder(level="venue", name="tdx"))
    clear_kill(folder.kill_file, "strategy", "maker")
    clear_kill(folder.kill_file, "venue", "TDX")
    assert not folder.kill_file.exists()
    clear_kill(folder.kill_file, "strategy", "maker")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", KillOrder().reason),
        ("\n\n", KillOrder().reason),
        ("smoke in the office\n", "smoke in the office"),
        ("\x1b[31mred\x07\n", "[31mred"),
        ("[1]\n", "[1]"),
        ('{"level": "planet", "mode": "cancel", "reason": "x"}', "x"),
        ('{"level": "strategy", "name": "", "mode": "cancel", "reason": "x"}', "x"),
        ('{"level": "global", "name": "maker", "mode": "cancel", "reason": "x"}', "x"),
        ('{"level": "global", "name": "", "mode": "maybe", "reason": "x"}', "x"),
        ('{"level": "strategy", "name": 7, "mode": "cancel", "reason": 7}', KillOrder().reason),
        ("[" * 40_000, "[" * 200),
    ],
)
def test_what_is_not_understood_stops_everything(folder, text, reason):
    folder.kill_file.write_text(text)
    (order,) = read_kills(folder.kill_file)
    assert (order.level, order.name, order.mode, order.reason) == ("global", "", "cancel", reason)


@given(st.binary(max_size=400))
def test_no_kill_file_is_ever_harmless(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "KILL"
    path.write_bytes(raw)
    orders = read_kills(path)
    assert orders
    assert all(order.reason.strip() and order.mode in ("pause", "cancel", "flatten") for order in orders)


def test_a_kill_file_that_cannot_be_read_stops_everything(folder):
    folder.kill_file.mkdir()
    assert read_kills(folder.kill_file) == [KillOrder()]
    folder.kill_file.rmdir()
    folder.kill_file.symlink_to(folder.path / "gone")
    assert read_kills(folder.kill_file) == [KillOrder()]
    folder.kill_file.unlink()
    os.mkfifo(folder.kill_file)
    assert read_kills(folder.kill_file) == [KillOrder()]


async def test_the_watcher_raises_what_is_there_and_what_comes(folder, autojump_clock):
    seen = []
    folder.kill_file.write_text("before the start")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_kill_file, folder.kill_file, seen.append)
        await trio.sleep(10)
        assert [order.reason for order in seen] == ["before the start"]
        write_kill(folder, KillOrder(level="venue", name="tdx", reason="second", by="kim"))
        await trio.sleep(0.6)
        assert [order.reason for order in seen[1:]] == ["before the start", "second"]
        folder.kill_file.unlink()
        await trio.sleep(5)
        folder.kill_file.touch()
        await trio.sleep(0.6)
        assert seen[3:] == [KillOrder()]
        nursery.cancel_scope.cancel()


def test_errors_of_the_folder_are_ours():
    assert issubclass(StateError, TickwrightError)
