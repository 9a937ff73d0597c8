"""``status``, ``stop``, ``kill`` and ``rearm`` as they are typed, against a run that answers on a real socket."""

import importlib.util
import io
import json
import sys
from pathlib import Path

import pytest
import trio

from tickwright.cli import run as tickwright
from tickwright.control import serve_control
from tickwright.kill_file import read_kills
from tickwright.state import StateFolder

spec = importlib.util.spec_from_file_location("control_rig", Path(__file__).parent / "control_rig.py")
control_rig = importlib.util.module_from_spec(spec)
spec.loader.exec_module(control_rig)

LATCH = {
    "level": "strategy",
    "name": "maker",
    "mode": "CANCEL",
    "reason": "odd fills",
    "by": "kim",
    "ts": "2026-11-22T04:00:00Z",
}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "quotes.yaml"
    path.write_text("name: quotes\nmode: paper\n")
    return str(path)


@pytest.fixture
def folder(tmp_path):
    return StateFolder.make(tmp_path / "state" / "quotes")


@pytest.fixture
async def run(folder, nursery):
    made = control_rig.Run()
    await nursery.start(serve_control, folder, made)
    return made


async def typed(*arguments):
    return await trio.to_thread.run_sync(tickwright, arguments)


class Terminal(io.StringIO):
    """Somebody types this."""

    def isatty(self):
        return True


async def test_status_shows_it_in_words_and_as_json(config, folder, run, capsys):
    assert await typed("status", config) == 0
    out = capsys.readouterr().out
    for word in ("quotes  paper  trading  up 1h02m", "BTC/CHF.TDX", "LIVE", "k7tw-12", "PRICE_COLLAR", "p99 1.5 ms"):
        assert word in out
    assert await typed("status", str(folder.path), "--json") == 0
    assert json.loads(capsys.readouterr().out) == run.answer


@pytest.mark.parametrize("verb", [["status"], ["stop"], ["rearm", "--reason", "x"]])
def test_what_does_not_run_is_told_in_one_line(config, folder, capsys, verb):
    assert tickwright([verb[0], config, *verb[1:]]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"tickwright: {folder.path}: not running\n"


def test_what_never_ran_is_told_in_one_line(config, capsys):
    assert tickwright(["status", config]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert tickwright(["status", "gone.yaml"]) == 2
    assert "gone.yaml: expected a readable file" in capsys.readouterr().err


async def test_watching_a_pipe_gives_a_line_each_time_until_the_end(config, folder, capsys):
    async with trio.open_nursery() as nursery:
        made = control_rig.Run()
        await nursery.start(serve_control, folder, made)

        async def watch():
            assert await typed("status", config, "--watch") == 0

        async with trio.open_nursery() as watching:
            watching.start_soon(watch)
            await control_rig.until(lambda: made.shown)
            nursery.cancel_scope.cancel()
    assert capsys.readouterr().out.startswith("quotes  paper  trading")


async def stopped(config, folder, run_folder, *more):
    """The exit code of `stop`, and what was asked of a run that ends at once with its results in `run_folder`."""
    codes = []
    async with trio.open_nursery() as nursery:
        made = control_rig.Run()
        made.answer["run_folder"] = str(run_folder)
        await nursery.start(serve_control, folder, made)
        made.stop = lambda reason: (made.asked.append(reason), nursery.cancel_scope.cancel())
        async with trio.open_nursery() as other:

            async def stop():
                codes.append(await typed("stop", config, "--reason", "lunch", *more))

            other.start_soon(stop)
    return codes, made.asked


@pytest.mark.parametrize(
    ("summary", "code", "said"),
    [
        ({"status": "done", "exit_code": 0, "left": []}, 0, ["stopped"]),
        (
            {"status": "failed", "exit_code": 3, "left": ["k7tw-12", "k7tw-13"]},
            3,
            ["stopped, exit code 3", "may be left at the venue: k7tw-12", "may be left at the venue: k7tw-13"],
        ),
        ({"status": "done", "exit_code": 0, "left": ["k7tw-12"]}, 0, ["stopped", "may be left at the venue: k7tw-12"]),
        ({"status": "halted", "exit_code": 0, "left": []}, 8, ["stopped, exit code 8"]),
    ],
)
async def test_stop_waits_for_the_end_and_says_how_it_was(config, folder, tmp_path, capsys, summary, code, said):
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    codes, asked = await stopped(config, folder, tmp_path, "--json")
    assert codes == [code]
    assert asked[0].startswith("lunch (")
    out, err = capsys.readouterr()
    assert json.loads(out) == {"ok": True, "ended": True, "exit_code": code, "left": summary["left"]}
    lines = [line.removeprefix(f"tickwright: {config}: ").removeprefix("tickwright: ") for line in err.splitlines()]
    assert lines == said


async def test_a_run_that_ended_without_a_summary_is_not_called_stopped(config, folder, tmp_path, capsys):
    codes, _ = await stopped(config, folder, tmp_path)
    assert codes == [1]
    assert f"ended without a summary in {tmp_path}; orders may be left" in capsys.readouterr().err


async def test_stop_without_waiting_says_that_it_goes_on(config, run, capsys):
    assert await typed("stop", config, "--no-wait", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "ended": False, "exit_code": None, "left": []}


async def test_a_stop_that_does_not_end_is_exit_code_1(config, run, capsys, monkeypatch):
    monkeypatch.setattr("tickwright.commands.running.STOP_WAIT_S", 0.05)
    assert await typed("stop", config) == 1
    assert capsys.readouterr().err == f"tickwright: {config}: stopping\n"


async def test_kill_reaches_the_run(config, run, capsys):
    arguments = ("--level", "strategy", "--name", "maker", "--mode", "pause", "--reason", "odd fills")
    assert await typed("kill", config, *arguments) == 0
    ((verb, *asked),) = run.asked
    assert (verb, asked[:4]) == ("kill", ["strategy", "maker", "pause", "odd fills"])
    assert asked[4].endswith("(command line)")
    assert "killed strategy maker (pause): odd fills; it holds until it is rearmed" in capsys.readouterr().err


async def test_what_the_run_refuses_to_kill_is_told(config, run, capsys):
    assert await typed("kill", config, "--level", "strategy", "--name", "nobody", "--reason", "x", "--json") == 1
    out, err = capsys.readouterr()
    assert "expected a strategy of this run" in err
    assert json.loads(out)["ok"] is False


def test_a_kill_of_what_does_not_run_holds_from_the_next_start(config, folder, capsys):
    assert tickwright(["kill", config, "--reason", "not today"]) == 0
    (order,) = read_kills(folder.kill_file)
    assert (order.level, order.mode, order.reason) == ("global", "cancel", "not today")
    assert "not running; global is killed from the next start on" in capsys.readouterr().err
    assert tickwright(["kill", config, "--level", "venue", "--name", "tdx", "--reason", "x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["latched"] is False
    assert len(read_kills(folder.kill_file)) == 2


def test_a_kill_of_what_never_ran_holds_from_its_first_start(config, tmp_path):
    assert tickwright(["kill", config, "--reason", "not today"]) == 0
    assert read_kills(tmp_path / "state" / "quotes" / "KILL")
    assert tickwright(["kill", str(tmp_path / "nowhere"), "--reason", "not today"]) == 2


def test_a_kill_that_nobody_answers_is_written_and_not_called_done(config, folder, capsys, monkeypatch):
    import fcntl

    monkeypatch.setattr("tickwright.control_client.ANSWER_S", 0.05)
    with (folder.path / "journal.lock").open("w") as lock, folder.listen():
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert tickwright(["kill", config, "--reason", "stuck"]) == 1
    assert "NOT KNOWN to hold yet" in capsys.readouterr().err
    assert read_kills(folder.kill_file)[0].reason == "stuck"


@pytest.mark.parametrize(
    "arguments",
    [
        ["kill", "x"],
        ["kill", "x", "--reason", "  "],
        ["kill", "x", "--reason", "y", "--name", "maker"],
        ["kill", "x", "--reason", "y", "--level", "strategy"],
        ["kill", "x", "--reason", "y", "--level", "planet"],
        ["rearm", "x"],
        ["rearm", "x", "--reason", ""],
        ["rearm", "x", "--reason", "y", "--level", "venue"],
    ],
)
def test_a_verb_without_what_it_needs_is_exit_code_2(arguments, capsys):
    assert tickwright(arguments) == 2
    assert "Error" in capsys.readouterr().err


async def test_adopting_a_position_reaches_the_run(config, run, capsys):
    assert await typed("adopt-position", config, "tdx", "BTC", "--reason", "a deposit") == 0
    assert run.asked[0][:4] == ("adopt", "TDX", "BTC", "a deposit")
    assert "adopted what TDX holds of BTC: a deposit" in capsys.readouterr().err
    assert await typed("adopt-position", config, "tdx", "BTC", "--reason", " ") == 2


async def test_rearm_asks_for_the_name(config, run, capsys, monkeypatch):
    run.answer["latches"] = [LATCH]
    arguments = ("rearm", config, "--level", "strategy", "--name", "maker", "--reason", "the feed is fine again")
    monkeypatch.setattr(sys, "stdin", Terminal("make\n"))
    assert await typed(*arguments) == 1
    assert "killed by kim at 2026-11-22T04:00:00Z: odd fills" in capsys.readouterr().err
    assert run.asked == []
    monkeypatch.setattr(sys, "stdin", Terminal("maker\n"))
    assert await typed(*arguments) == 0
    assert run.asked[0][:4] == ("rearm", "strategy", "maker", "the feed is fine again")


async def test_rearm_does_not_ask_where_nobody_can_answer(config, run, capsys, monkeypatch):
    run.answer["latches"] = [{**LATCH, "level": "global", "name": ""}]
    monkeypatch.setattr(sys, "stdin", io.StringIO("global\n"))
    assert await typed("rearm", config, "--reason", "fine") == 2
    assert "expected --yes where there is no terminal" in capsys.readouterr().err
    assert await typed("rearm", config, "--reason", "fine", "--yes") == 0
    assert run.asked[0][:3] == ("rearm", "global", "")
