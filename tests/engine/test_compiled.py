"""Compiled or interpreted: chosen as a whole, by a stamp that any edit of a hot source outdates."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tickwright.engine import compiled

ROOT = Path(__file__).resolve().parent.parent.parent
WHERE = """
import sys, tickwright, importlib
from tickwright.engine.compiled import hot_sources, why_interpreted
for name in sorted(hot_sources()):
    print(importlib.import_module(name).__file__)
print(why_interpreted())
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The hot sources alone, laid out as in the repository."""
    for source in compiled.hot_sources(ROOT).values():
        for path in (source, source.with_suffix(".pxd")):
            target = tmp_path / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return tmp_path


def loaded(**environment: str) -> tuple[list[str], str]:
    """The files that a fresh process takes the hot modules from, and its reason for running interpreted."""
    given = {name: value for name, value in os.environ.items() if name != "TICKWRIGHT_PURE"} | environment
    done = subprocess.run([sys.executable, "-c", WHERE], env=given, capture_output=True, text=True, check=True)
    *files, reason = done.stdout.removesuffix("\n").split("\n")
    return files, reason


def test_the_digest_sees_every_hot_file(copy: Path) -> None:
    """One byte more in any source or header, a renamed module or a new one: another digest."""
    before = compiled.digest(copy)
    assert before == compiled.digest(ROOT)
    for source in compiled.hot_sources(copy).values():
        for path in (source, source.with_suffix(".pxd")):
            text = path.read_bytes()
            path.write_bytes(text + b"\n")
            assert compiled.digest(copy) != before, path
            path.write_bytes(text)
    assert compiled.digest(copy) == before
    for suffix in (".py", ".pxd"):
        (copy / "risk").mkdir(exist_ok=True)
        (copy / "risk" / f"quick{suffix}").touch()
    assert "tickwright.risk.quick" in compiled.hot_sources(copy)
    assert compiled.digest(copy) != before


def test_a_stale_stamp_means_interpreted(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_ROOT", copy)
    monkeypatch.delenv("TICKWRIGHT_PURE", raising=False)
    # Defaults were bound when the module was read.
    monkeypatch.setattr(compiled, "stamp_text", lambda: f"{compiled.SUFFIX} {compiled.digest(copy)}\n")
    stamp = copy / "engine" / compiled.STAMP
    assert "not compiled" in compiled._reason()
    stamp.write_text(compiled.stamp_text())
    assert compiled._reason() == ""
    source = copy / "engine" / "book.py"
    source.write_text(source.read_text() + "# edited\n")
    assert "changed since they were compiled" in compiled._reason()
    stamp.write_text(f".other-python.so {compiled.digest(copy)}\n")
    assert "changed since they were compiled" in compiled._reason()
    stamp.write_text(compiled.stamp_text())
    monkeypatch.setenv("TICKWRIGHT_PURE", "1")
    assert compiled._reason() == "TICKWRIGHT_PURE=1 is set"


@pytest.mark.slow
def test_pure_is_pure() -> None:
    """Where it is asked for, every hot module runs from its source, whatever binaries lie beside it."""
    files, reason = loaded(TICKWRIGHT_PURE="1")
    assert files
    assert [name for name in files if not name.endswith(".py")] == []
    assert reason == "TICKWRIGHT_PURE=1 is set"


@pytest.mark.slow
def test_never_a_mixture() -> None:
    files, reason = loaded()
    suffix = ".py" if reason else compiled.SUFFIX
    assert [name for name in files if not name.endswith(suffix)] == [], reason


def test_the_binaries_are_those_of_these_sources() -> None:
    """Without a stamp there was no compiler, and that is fine; a stamp of other sources is not."""
    if os.environ.get("TICKWRIGHT_PURE") == "1":
        pytest.skip("the binaries were set aside on purpose")
    stamp = ROOT / "engine" / compiled.STAMP
    if stamp.exists():
        fits = stamp.read_text() == compiled.stamp_text(ROOT)
        assert fits, "the hot modules changed since they were compiled: run `make build`"
    else:
        assert list((ROOT / "engine").glob(f"*{compiled.SUFFIX}")) == [], "binaries without a stamp: run `make build`"
