"""What the README says is done here, command by command, so that it cannot drift from what there is."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tickwright.cli import run

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True) for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line
]
BRIEFLY = ["--set", "data.end=2024-08-08T23:54:40Z"]
"""Keeps the repeated runs short; the first run of each config is whole."""


def block(kind: str) -> str:
    (text,) = [text for found, text in BLOCKS if found == kind]
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where a reader would stand: the two files he was shown, and the configs."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "maker.py").write_text(block("python"))
    (folder / "maker.yaml").write_text(block("yaml"))
    shutil.copytree(ROOT / "configs", folder / "configs", ignore=shutil.ignore_patterns("runs", "state"))
    return folder


def test_it_stays_short():
    assert len(README.splitlines()) < 150


def test_make_has_what_it_names():
    makefile = (ROOT / "Makefile").read_text()
    targets = [words[1] for words in COMMANDS if words[0] == "make"]
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert re.search(r"^demo:.*\n\t\S*tickwright run configs/demo\.yaml$", makefile, re.MULTILINE)


def test_nothing_but_make_and_tickwright_is_asked_for():
    assert {words[0] for words in COMMANDS} == {"make", "tickwright"}


@pytest.mark.slow
def test_every_command_works_as_printed(folder, monkeypatch, capsys):
    """In their order; RUN stands for the run that was made before."""
    monkeypatch.chdir(folder)
    done, last, going = set(), "", None
    for words in COMMANDS:
        if words[0] == "make":
            continue
        if words[1] == "paper":
            going = begin(words[1:], capsys)
            continue
        arguments = [last if word == "RUN" else word for word in words[1:]]
        again = arguments[0] == "run" and tuple(arguments[:2]) in done
        done.add(tuple(arguments[:2]))
        assert run(arguments + (BRIEFLY if again else [])) == 0, (words, capsys.readouterr().err)
        out, err = capsys.readouterr()
        if arguments[0] == "stop":
            assert going.wait(20) == 0
        if arguments[0] == "run":
            last = re.search(r"results in (?:\S*/)?(\S+)", err)[1]
            summary = json.loads((folder / "runs" / last / "summary.json").read_text())
            assert summary["orders"] > 0, words
            assert (folder / "runs" / last / "report.html").is_file()
        if arguments[:2] == ["run", "maker.yaml"] and not again:
            assert labels(block("text")) == labels(out)
    shown = {"check", "data", "doctor", "new", "paper", "run", "status", "stop", "why"}
    assert {words[1] for words in COMMANDS if words[0] == "tickwright"} == shown


def begin(arguments, capsys):
    """Start what goes on until it is told to stop, and wait until it trades."""
    started = [sys.executable, "-c", "from tickwright.cli import main; main()", *arguments]
    process = subprocess.Popen(started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        answered = run(["status", arguments[1], "--json"]) == 0
        shown = capsys.readouterr().out
        if answered and json.loads(shown)["status"] == "trading":
            return process
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"{arguments} did not come to trade: exit code {process.wait()}")


def labels(summary: str) -> list[str]:
    """The left column; the names of what was denied come and go with the numbers."""
    found = [re.split(r"\s{2,}", line.strip())[0] for line in summary.splitlines()]
    return [label for label in found if not label.isupper()]


def test_every_link_leads_somewhere():
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
            assert "://" in target or (path.parent / target).exists(), f"{path.name} links to {target}"
