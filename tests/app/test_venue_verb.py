"""``tickwright venue serve tdx`` as a process: its one line, its port, its end."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
import trio
from trio_websocket import open_websocket_url

from tickwright.cli import run


@contextmanager
def serving(*options):
    command = [sys.executable, "-c", "from tickwright.cli import main; main()", "venue", "serve", "tdx", *options]
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


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--faults", "none.yaml"], 2, "expected a readable file"),
        (["--switch", "nope=1"], 1, "expected a switch"),
        (["--switch", "nope"], 2, "expected NAME=VALUE"),
        (["--market", "tape"], 1, "expected one exactly with market tape"),
        (["--tape", "none.parquet"], 1, "no such file"),
        (["--accounts", "0"], 2, "not in the range"),
    ],
)
def test_what_cannot_be_served_is_said(capsys, options, code, words):
    assert run(["venue", "serve", "tdx", *options]) == code
    assert words in capsys.readouterr().err


def test_another_name_is_refused(capsys):
    assert run(["venue", "serve", "nasdaq"]) == 2
    assert "'tdx'" in capsys.readouterr().err
