"""``tickwright venue serve tdx`` as a process: its one line, its port, its end."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from trio_websocket import open_websocket_url

from tickwright.cli import run


@contextmanager
def serving(*options, name="tdx"):
    command = [sys.executable, "-c", "from tickwright.cli import main; main()", "venue", "serve", name, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def answered(url):
    """Status and headers of an answer that is an error."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, timeout=5)
    caught.value.close()
    return caught.value.code, caught.value.headers


@pytest.mark.slow
def test_it_says_one_line_serves_and_ends_on_a_signal():
    with serving("--json", "--accounts", "2") as (process, line):
        told = json.loads(line)
        first = {key: told[key] for key in ("username", "password", "totp_secret", "sub_account_id")}
        first |= {key: told[key] for key in ("api_key", "api_secret")}
        assert set(told) == {"ws_url", "http_url", "accounts", *first}
        assert told["accounts"][0] == first
        assert told["accounts"][1]["sub_account_id"] != first["sub_account_id"]

        async def watch():
            seen = []
            async with open_websocket_url(told["ws_url"], subprotocols=["ws.t-dx.com"]) as ws:
                assert ws.subprotocol == "ws.t-dx.com"
                for topic in ("BTC/CHF@trades", "ACETO/USD@depth@100ms"):
                    await ws.send_message(json.dumps({"e": "tdx:subscribe", "t": topic}))
                with trio.fail_after(10):
                    while len({message["t"] for message in seen if not message["e"].startswith("tdx:")}) < 2:
                        seen.append(json.loads(await ws.get_message()))

        begun = time.monotonic()
        trio.run(watch)
        assert time.monotonic() - begun < 6
        assert answered(told["http_url"] + "/pairs")[0] == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""
        assert process.stderr.read() == ""


@pytest.mark.slow
def test_a_script_of_faults_is_obeyed(tmp_path):
    script = tmp_path / "faults.yaml"
    script.write_text("faults:\n  - {fault: http_error, kinds: [query], status: 503, retry_after: 7}\n")
    with serving("--json", "--faults", str(script), "--market", "none") as (process, line):
        status, headers = answered(json.loads(line)["http_url"] + "/pairs")
        assert (status, headers["Retry-After"]) == (503, "7")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


@pytest.mark.slow
def test_powertrade_says_where_its_key_is_and_serves_both_ways():
    with serving("--json", "--port", "0", name="powertrade") as (process, line):
        told = json.loads(line)
        assert set(told) == {"ws_url", "http_url", "api_key", "private_key_file"}
        assert Path(told["private_key_file"]).stat().st_mode & 0o777 == 0o600
        with urllib.request.urlopen(told["http_url"] + "/v1/api/orderbook?symbol=ETH-USD&depth=1", timeout=5) as answer:
            assert len(json.load(answer)["orderbook_response"]["buy"]) == 1
        assert answered(told["http_url"] + "/v1/api/openOrders")[0] == 401

        async def watch():
            body = {
                "market_id": "0",
                "symbol": "BTC-USD",
                "type": "snap_full_updates",
                "interval": "0",
                "user_tag": "1",
            }
            names = []
            async with open_websocket_url(told["ws_url"]) as ws:
                await ws.send_message(json.dumps({"subscribe": body}))
                with trio.fail_after(10):
                    while len(names) < 10:
                        names += json.loads(await ws.get_message())
            return names

        assert trio.run(watch)[:2] == ["command_response", "snapshot"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
        assert not Path(told["private_key_file"]).exists()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("tdx", ["--credentials", "x"], "tdx has none"),
        ("powertrade", ["--credentials", "none.json"], "expected api_key and private_key_file"),
        ("powertrade", ["--instruments", "none.json"], "expected a JSON file"),
        ("powertrade", ["--pair", "BTC/USD"], "expected symbols that are listed"),
        ("powertrade", ["--tape", "x.parquet"], "expected random or none"),
    ],
)
def test_files_of_a_venue_are_its_own(capsys, name, options, words):
    assert run(["venue", "serve", name, *options]) in (1, 2)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--faults", "none.yaml"], 2, "expected a readable file"),
        (["--switch", "nope=1"], 2, "--switch nope: expected a switch"),
        (["--switch", "legacy_ns=maybe"], 2, "--switch legacy_ns: expected true or false, received 'maybe'"),
        (["--switch", "nope"], 2, "expected NAME=VALUE"),
        (["--switch", "tape_speed=0"], 2, "--switch tape_speed: expected more than 0"),
        (["--pair", "BTC"], 2, "--pair: expected symbols of two assets such as BTC/CHF, received 'BTC'"),
        (["--rate", "nan"], 2, "--rate: expected more than 0"),
        (["--market", "tape"], 2, "--tape: expected the recording that --market tape plays, received none"),
        (["--market", "none", "--tape", "a.parquet"], 2, "--tape: expected one exactly with market tape"),
        (["--tape", "none.parquet"], 2, "--tape: none.parquet: expected a tape, received no such file"),
        (["--tape", __file__], 2, "expected a name that ends in .parquet"),
        (["--accounts", "0"], 2, "not in the range"),
    ],
)
def test_what_cannot_be_served_is_said(capsys, options, code, words):
    assert run(["venue", "serve", "tdx", *options]) == code
    assert words in capsys.readouterr().err


def test_another_name_is_refused(capsys):
    assert run(["venue", "serve", "nasdaq"]) == 2
    assert "'tdx'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pair", "NOPE"], "--pair: expected symbols that are listed, received NOPE"),
        (["--market", "tape"], "--tape: expected the recording"),
        (["--tape", "a.parquet"], "--market: expected random or none, received a tape"),
        (["--rate", "0"], "--rate: expected more than 0"),
        (["--instruments", "none.json"], "none.json: expected a JSON file of instruments"),
    ],
)
def test_powertrades_options_are_refused_alike(capsys, options, words):
    assert run(["venue", "serve", "powertrade", *options]) == 2
    assert words in capsys.readouterr().err
