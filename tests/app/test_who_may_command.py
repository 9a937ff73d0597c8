"""Whose word counts: the control socket's peers, and a KILL file whatever is wrong with it."""

import os
import socket
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from tickwright.control import _is_ours
from tickwright.kill_file import KillOrder, read_kills


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="this system does not tell who a peer is")
@pytest.mark.parametrize(("user", "may"), [(os.geteuid(), True), (0, True), (os.geteuid() + 1, False)])
def test_only_the_owner_and_root_may_command(user: int, may: bool) -> None:
    peer = SimpleNamespace(getsockopt=lambda level, name, size: struct.pack("3i", 4711, user, 100))
    assert _is_ours(peer) is may  # type: ignore[arg-type]


def test_a_kill_file_that_cannot_be_read_asks_for_everything_to_stop(tmp_path: Path) -> None:
    file = tmp_path / "KILL"
    assert read_kills(file) == []
    file.symlink_to(tmp_path / "elsewhere")
    assert read_kills(file) == [KillOrder()]
    file.unlink()
    file.mkdir()
    assert read_kills(file) == [KillOrder()]
