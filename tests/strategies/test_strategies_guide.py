"""The guide's code runs as it stands there, block after block; what `new strategy` writes passes its own test."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tickwright.cli import run

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "strategies.md"


def blocks(text):
    """Each block of Python with the line it begins at."""
    for found in re.finditer(r"^```python\n(.*?)^```", text, re.S | re.M):
        yield text.count("\n", 0, found.start(1)), found[1]


def test_every_block_of_the_guide_runs():
    space = {"__name__": "guide"}
    found = list(blocks(GUIDE.read_text()))
    assert len(found) >= 8
    for line, code in found:
        # Empty lines in front, so that a traceback names the line of the guide.
        exec(compile("\n" * line + code, str(GUIDE), "exec", dont_inherit=True), space)


@pytest.mark.slow
def test_what_new_strategy_writes_passes_its_own_test(tmp_path):
    assert run(["new", "strategy", "my_maker", "--dir", str(tmp_path)]) == 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_maker.py"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
