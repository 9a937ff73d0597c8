"""``tickwright new adapter``: the folder passes the kit as it is written, and a config can name it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trio

from tickwright.cli import run
from tickwright.config import load
from tickwright.doctor import OK, WARN, examine
from tickwright.document import ConfigError

TICKWRIGHT = [sys.executable, "-c", "from tickwright.cli import main; main()"]


@pytest.fixture
def acme(tmp_path, capsys):
    """The folder of a new venue."""
    assert run(["new", "adapter", "acme", "--dir", str(tmp_path), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)["files"]
    assert sorted(Path(each).name for each in written) == sorted(each.name for each in (tmp_path / "acme").iterdir())
    return tmp_path / "acme"


@pytest.mark.slow
def test_it_passes_the_conformance_kit_at_once(acme):
    """As its author runs it: `pytest` in the folder, with no configuration of ours about."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=acme, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.slow
def test_its_config_is_a_paper_run_on_its_own_local_venue(acme):
    command = [*TICKWRIGHT, "run", "paper.yaml"]
    with subprocess.Popen(command, cwd=acme, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        orders = []
        begun = time.monotonic()
        while not orders and time.monotonic() - begun < 60 and process.poll() is None:
            time.sleep(0.5)
            orders = list(acme.glob("state/**/journal*"))
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    summary = json.loads(next(acme.glob("runs/*/summary.json")).read_text())
    assert summary["mode"] == "paper"
    assert summary["status"] == "done"
    assert "a local venue serves at ws://127.0.0.1" in err
    assert summary["orders"] > 0, out
    assert not summary["denials"]


def test_its_local_venue_is_served_by_its_name(acme):
    command = [*TICKWRIGHT, "venue", "serve", "./settings.py:ACME", "--json", "--market", "none"]
    with subprocess.Popen(command, cwd=acme, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert set(told) == {"ws_url", "http_url", "key"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--accounts", "2"], "--accounts: acme/settings.py:ACME has none"),
        (["--tape", "x.parquet"], "--tape: acme/settings.py:ACME has none"),
        (["--switch", "legacy=true"], "--switch: acme/settings.py:ACME has none"),
        (["--pair", "XRP-EUR"], "--pair: expected symbols that are listed, received XRP-EUR"),
    ],
)
def test_what_its_local_venue_does_not_have_is_bad_usage(acme, monkeypatch, capsys, options, words):
    monkeypatch.chdir(acme.parent)
    assert run(["venue", "serve", "acme/settings.py:ACME", *options]) == 2
    assert words.rpartition(": ")[2] in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Acme", "9lives", "json", "class", "a" * 33, "../acme", ""])
def test_names_that_no_folder_may_have_are_refused(tmp_path, capsys, name):
    assert run(["new", "adapter", name, "--dir", str(tmp_path)]) == 2
    assert "such as my_venue" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_is_there_stays_as_it_is(acme, capsys):
    (acme / "codec.py").write_text("mine")
    assert run(["new", "adapter", "acme", "--dir", str(acme.parent)]) == 2
    assert "it stays as it is" in capsys.readouterr().err
    assert (acme / "codec.py").read_text() == "mine"


def config(adapter, **more):
    return {
        "name": "small",
        "mode": "paper",
        "account": {"currency": "EUR", "balances": {"EUR": "1000"}},
        "venues": {"acme": {"adapter": adapter, "local": True, **more}},
        "strategies": {"one": {"use": "market_maker", "instruments": ["BTC-EUR.ACME"], "params": {"size": "0.01"}}},
    }


def test_an_adapter_is_named_by_file_or_by_module(acme, monkeypatch):
    named = load(config(f"{acme}/settings.py:ACME", messages_per_s=7)).venues["acme"]
    assert named.declaration.name == "acme"
    assert named.settings == {"messages_per_s": 7, "requests_per_s": 5}
    monkeypatch.syspath_prepend(acme.parent)
    by_module = load(config("acme.settings:ACME")).venues["acme"].declaration
    assert by_module.wire == "acme.venue:make"
    assert by_module.hosts == named.declaration.hosts


def test_the_doctor_looks_at_its_code(acme):
    def told():
        findings = trio.run(examine, load(config(f"{acme}/settings.py:ACME")))
        return [(each.status, each.text) for each in findings if each.check == "adapter acme"]

    assert told() == [(OK, f"{acme}/settings.py:ACME: acme")]
    (acme / "venue.py").chmod(0o666)
    assert told()[1] == (WARN, f"{acme}/venue.py: everybody may write there, and it runs as us")


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        ("acme", "expected an installed adapter (sim, powertrade, tdx), package.module:NAME or ./file.py:NAME, got"),
        ("./gone.py:ACME", "expected a file at ./gone.py, got none"),
        ("no_such_package_here:ACME", "no_such_package_here does not import: ModuleNotFoundError"),
        ("{}/settings.py:NOPE", "expected an Adapter at"),
        ("{}/settings.py:Final", "got _SpecialForm"),
    ],
)
def test_what_is_no_adapter_is_told_with_its_place(acme, adapter, words):
    with pytest.raises(ConfigError) as caught:
        load(config(adapter.format(acme)))
    (fault,) = caught.value.faults
    assert fault.place.path == ("venues", "acme", "adapter")
    assert words in str(fault)
