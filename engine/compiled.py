"""Which form of the hot modules runs: compiled or interpreted; never a mixture, never a stale binary.

Hot modules are plain Python with a ``.pxd`` header beside them. Compiled, they refer to each other's C layout, so
they may run compiled only together, and only when the build that made them saw the sources as they are now. The
build leaves a stamp: the digest of all hot sources and the suffix of the binaries. Where the stamp does not fit,
every hot module runs from source, with the same results, and `why_interpreted` says why.
"""

import hashlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

STAMP: Final = "compiled.stamp"
ROOMS: Final = ("engine", "risk", "strategies", "adapters", "adapters/sim", "adapters/tape")
SUFFIX: Final = str(sysconfig.get_config_var("EXT_SUFFIX"))

_ROOT: Final = Path(__file__).resolve().parent.parent
_state: dict[str, str] = {}


def hot_sources(root: Path = _ROOT) -> dict[str, Path]:
    """Every module that has a header, by import name."""
    return {
        f"tickwright.{room.replace('/', '.')}.{header.stem}": header.with_suffix(".py")
        for room in ROOMS
        for header in sorted((root / room).glob("*.pxd"))
    }


def digest(root: Path = _ROOT) -> str:
    """One SHA-256 over all hot sources and headers: a change in any of them outdates every binary."""
    total = hashlib.sha256()
    for name, source in hot_sources(root).items():
        for path in (source, source.with_suffix(".pxd")):
            total.update(f"{name} {path.suffix} ".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def stamp_text(root: Path = _ROOT) -> str:
    """What the build writes into the stamp once every binary is made."""
    return f"{SUFFIX} {digest(root)}\n"


def _reason() -> str:
    if os.environ.get("TICKWRIGHT_PURE") == "1":
        return "TICKWRIGHT_PURE=1 is set"
    stamp = _ROOT / "engine" / STAMP
    if not stamp.exists():
        return "the hot modules were not compiled (no C compiler when it was installed?)"
    if stamp.read_text() != stamp_text():
        return "the hot modules changed since they were compiled; run `make build`"
    return ""


class _FromSource(MetaPathFinder):
    """Finds the hot modules as source files, although a binary may lie beside them."""

    def __init__(self, sources: dict[str, Path]) -> None:
        self.sources = sources

    def find_spec(
        self, fullname: str, path: Sequence[str | bytes] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        source = self.sources.get(fullname)
        return None if source is None else importlib.util.spec_from_file_location(fullname, source)


def choose() -> None:
    """Decide once for this process, before any hot module is imported."""
    if _state:
        return
    _state["reason"] = _reason()
    if _state["reason"]:
        sys.meta_path.insert(0, _FromSource(hot_sources()))


def why_interpreted() -> str:
    """Why the hot modules run from source, or an empty string when they run compiled."""
    return _state.get("reason", "")
