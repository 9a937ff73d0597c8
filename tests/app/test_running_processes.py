"""Runs as processes of their own, on a local venue, operated as a person does: verbs, signals, files, secrets.

Each process takes seconds to start, so every test tells a whole story.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tickwright.cli import run as tickwright

ID = "BTC/CHF.TDX"
LIMITS = """
  max_order_qty: 1
  max_order_notional: 100000
  max_position: 5
  max_gross_notional: 1000000
  max_traded_notional: 1000000
  max_daily_loss: 100000
  max_strategy_position: 5
  max_strategy_loss: 100000
"""
CONFIG = """name: quotes
mode: {mode}
account: {{currency: CHF, balances: {{CHF: 100000, BTC: 1}}}}
venues:
  tdx:
    adapter: tdx
{venue}
strategies:
  maker:
    use: market_maker
    instruments: [BTC/CHF.TDX]
    allow: [BTC/CHF.TDX]
    params: {{behind_ticks: 4}}
risk:{limits}
"""
NOBODY = "00000000-0000-0000-0000-000000000000"
LOCAL = "    local: {seed: 3}"
CANARIES = ("canary-user-5b1f", "canary-word-77aa31", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")


def start(*arguments, **environment):
    command = [sys.executable, "-c", "from tickwright.cli import main; main()", *arguments]
    env = {**os.environ, "TICKWRIGHT_PURE": "1", **environment}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def end(process, within=30):
    """Its exit code and what it said."""
    try:
        out, err = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"it did not end:\n{out}\n{err}")
    return process.returncode, out, err


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The name of a config in a folder of its own, where runs/ and state/ are made."""
    monkeypatch.chdir(tmp_path)

    def write(mode="paper", venue=LOCAL):
        Path("quotes.yaml").write_text(CONFIG.format(mode=mode, venue=venue, limits=LIMITS))
        return "quotes.yaml"

    return write


@pytest.fixture
def status(capsys):
    """Ask until the run is as it should be; gives the snapshot."""

    def ask(process, wanted=lambda shown: shown["status"] == "trading"):
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline and process.poll() is None:
            answered = tickwright(["status", "quotes.yaml", "--json"]) == 0
            shown = capsys.readouterr().out
            if answered and wanted(json.loads(shown)):
                return json.loads(shown)
            time.sleep(0.1)
        process.kill()
        pytest.fail("it did not come so far:\n" + "\n".join(process.communicate()))

    return ask


def latches(shown):
    return [(one["level"], one["name"], one["mode"]) for one in shown["latches"]]


@pytest.mark.slow
def test_a_kill_holds_over_a_restart_until_it_is_rearmed(config, status, capsys):
    path = config()
    process = start("paper", path)
    shown = status(process, lambda shown: shown["status"] == "trading" and shown["open_orders"] > 0)
    assert (shown["mode"], shown["venues"][0]["link"], shown["books"][0]["instrument"]) == ("paper", "up", ID)
    second = start("paper", path)
    assert tickwright(["kill", path, "--level", "strategy", "--name", "makr", "--reason", "odd"]) == 1
    assert "expected one of maker; nothing was killed" in capsys.readouterr().err
    assert tickwright(["kill", path, "--level", "strategy", "--name", "maker", "--reason", "odd fills"]) == 0
    status(process, lambda shown: latches(shown) == [("strategy", "maker", "cancel")] and shown["open_orders"] == 0)
    code, _, err = end(second)
    assert code == 5, err
    assert "expected to be alone" in err
    process.send_signal(signal.SIGUSR1)
    status(process, lambda shown: ("global", "", "cancel") in latches(shown))
    assert tickwright(["stop", path]) == 8
    code, out, err = end(process)
    assert code == 8, err
    assert "halted: odd fills" in err
    assert "engine" in out

    assert tickwright(["status", path]) == 1
    assert tickwright(["kill", path, "--level", "venue", "--name", "tdx", "--reason", "not today"]) == 0
    process = start("paper", path)
    shown = status(process)
    every = [("global", "", "cancel"), ("strategy", "maker", "cancel"), ("venue", "TDX", "cancel")]
    assert sorted(latches(shown)) == every
    assert shown["open_orders"] == 0
    for level, name in (("strategy", "maker"), ("venue", "tdx")):
        assert tickwright(["rearm", path, "--level", level, "--name", name, "--reason", "fine", "--yes"]) == 0
    assert tickwright(["rearm", path, "--reason", "fine", "--yes"]) == 0
    assert not Path("state/quotes/KILL").exists()
    status(process, lambda shown: not shown["latches"] and shown["open_orders"] > 0)
    Path("state/quotes/KILL").touch()
    status(process, lambda shown: latches(shown) == [("global", "", "cancel")] and shown["open_orders"] == 0)
    process.send_signal(signal.SIGTERM)
    code, _, err = end(process)
    assert code == 8, err
    lines = [json.loads(line) for line in Path("state/quotes/log.jsonl").read_text().splitlines()]
    assert len({line["run_id"] for line in lines}) == 2
    events = {line["event"] for line in lines}
    assert "rearm strategy maker: fine" in events
    assert any(re.fullmatch("kill strategy maker cancel by .+: odd fills", event) for event in events)
    placed = [line for line in lines if line["event"] == "send_start"]
    assert placed
    assert all(line["strategy_id"] == "maker" and line["client_order_id"] for line in placed)
    assert Path("state/quotes").stat().st_mode & 0o777 == 0o700
    ours = [each for each in Path("state/quotes").iterdir() if each.name != "KILL"]
    assert all(each.stat().st_mode & 0o077 == 0 for each in ours)


BUSY = """import time
from pathlib import Path
from tickwright import Book, Strategy

class Busy(Strategy):
    def on_start(self) -> None:
        self.watch("BTC/CHF.TDX", book="touch")

    def on_book(self, book: Book) -> None:
        if self.orders:
            Path("busy").touch()
            time.sleep(600)
        self.buy(book.instrument, "0.01", price=book.bid - 100 * book.tick)
"""


@pytest.mark.slow
def test_the_second_signal_ends_it_at_once_while_a_strategy_holds_everything_up(config):
    path = config()
    Path("busy.py").write_text(BUSY)
    text = Path(path).read_text().replace("    params: {behind_ticks: 4}\n", "")
    Path(path).write_text(text.replace("use: market_maker", "use: ./busy.py:Busy"))
    process = start("paper", path)
    deadline = time.monotonic() + 40
    while not Path("busy").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    # Again and again, as people do: a signal that comes while another is pending may wake another thread.
    while process.poll() is None and time.monotonic() < deadline + 10:
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    code, _, err = end(process, 10)
    assert code == 4, err
    assert re.search(r"SIG(INT|TERM) again: out at once; orders that may be left: \w+-1$", err, re.MULTILINE), err


@pytest.fixture
def served():
    """A local venue that stays, as `venue serve` gives it."""
    process = start("venue", "serve", "tdx", "--json")
    told = json.loads(process.stdout.readline())
    yield told
    process.send_signal(signal.SIGTERM)
    assert end(process)[0] == 0


def reached(told, **credentials):
    named = "\n".join(f"      {name}: ${{env:{variable}}}" for name, variable in credentials.items())
    return f"""    url: {told["ws_url"]}
    http_url: {told["http_url"]}
    allow_insecure_loopback: true
    sub_account_id: {told["sub_account_id"]}
    local_credentials:
{named}"""


LOGIN = {"username": "TW_USER", "password": "TW_PASSWORD", "totp_secret": "TW_TOTP"}


@pytest.mark.slow
def test_live_on_a_local_venue_passes_the_doctor_and_asks_for_its_name(config, status, served, monkeypatch, capsys):
    path = config("live", reached(served, **LOGIN))
    assert tickwright(["live", path, "--confirm", "quotes"]) == 2
    assert "expected the environment variable TW_USER to be set" in capsys.readouterr().err
    for variable, name in (("TW_USER", "username"), ("TW_PASSWORD", "password"), ("TW_TOTP", "totp_secret")):
        monkeypatch.setenv(variable, served[name])
    assert tickwright(["live", path]) == 2
    assert "expected --confirm quotes, got nothing" in capsys.readouterr().err
    assert tickwright(["doctor", path]) == 0, capsys.readouterr().out
    out = capsys.readouterr().out
    assert f"{ID} (tick 0.5, lot 0.0001)" in out
    assert "FAIL" not in out
    process = start("live", path, "--confirm", "quotes")
    status(process, lambda shown: shown["status"] == "trading" and shown["open_orders"] > 0)
    assert tickwright(["stop", path]) == 0
    code, _, err = end(process)
    assert code == 0, err
    assert "all orders cancelled, verified with the venue" in err
    for text in (err, *(each.read_text("utf-8", "replace") for each in written())):
        assert served["password"] not in text
        assert served["totp_secret"] not in text


def written():
    """Every file that runs and states left."""
    return [each for each in Path().rglob("*") if each.is_file() and each.name != "quotes.yaml"]


@pytest.mark.slow
def test_a_refused_login_ends_with_6_and_shows_no_secret(config, served):
    """Everything that was said and written is searched for the canaries that were sent.

    Without a one-time password, which would have each try wait for the next one.
    """
    path = config("live", reached(served, username="TW_USER", password="TW_PASSWORD"))
    sent = dict(zip(LOGIN.values(), CANARIES, strict=True))
    asked = start("doctor", path, **sent)
    code, out, err = end(start("live", path, "--confirm", "quotes", **sent), 60)
    assert code == 6, err
    assert "wrong username or password; try 2 of 3 follows" in err
    examined = end(asked, 60)
    assert examined[0] == 1
    assert re.search("FAIL .*does not accept the credentials: 401 UNAUTHENTICATED wrong username", examined[1])
    texts = {"stdout": out, "stderr": err, "doctor": "".join(examined[1:])}
    texts |= {str(each): each.read_bytes().decode("utf-8", "replace") for each in written()}
    for where, text in texts.items():
        for canary in CANARIES:
            assert canary not in text, where


@pytest.mark.slow
def test_a_beginning_that_waits_for_the_venue_is_given_up_by_a_signal(config, served):
    path = config("live", reached(served, **LOGIN))
    process = start("live", path, "--confirm", "quotes", **dict(zip(LOGIN.values(), CANARIES, strict=True)))
    lines = []
    while not lines or "try 2 of 3 follows" not in lines[-1]:
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    process.send_signal(signal.SIGTERM)
    code, _, err = end(process)
    assert code == 1, err
    assert "SIGTERM: given up before the run had begun; nothing was sent" in err
    assert not Path("runs").exists()


@pytest.mark.slow
def test_a_live_run_does_not_start_where_the_doctor_finds_something(config):
    nowhere = {"ws_url": "ws://127.0.0.1:9/", "http_url": "http://127.0.0.1:9/", "sub_account_id": NOBODY}
    venue = reached(nowhere, **LOGIN)
    path = config("live", venue)
    code, _, err = end(start("live", path, "--confirm", "quotes", **dict.fromkeys(LOGIN.values(), CANARIES[2])))
    assert code == 1
    assert "127.0.0.1:9: expected a connection" in err
    assert "nothing was started, since a check failed" in err
    assert not Path("state").exists()
