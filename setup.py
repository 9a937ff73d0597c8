"""Compiles the hot modules where a C compiler is there; metadata lives in pyproject.toml.

A hot module is a plain typed Python file with a ``.pxd`` header beside it. Cython must see it under its import
name, while our rooms lie at the top level: so the sources are staged under ``build/cython/tickwright`` first.
Every extension is optional, because the same files run interpreted (see ``engine/compiled.py``).
"""

import importlib.util
import multiprocessing
import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
STAGE = Path("build/cython")

spec = importlib.util.spec_from_file_location("compiled", ROOT / "engine" / "compiled.py")
compiled = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compiled)


def refresh(copy: Path, text: bytes) -> None:
    """Write only what changed, so that Cython and the compiler skip what did not."""
    if not copy.exists() or copy.read_bytes() != text:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(text)


def stage() -> dict[str, Path]:
    """Copy the hot sources under their import names; drop what has gone."""
    hot = compiled.hot_sources(ROOT)
    wanted = {STAGE / "tickwright" / "__init__.py": b""}
    for room in compiled.ROOMS:
        wanted[STAGE / "tickwright" / room / "__init__.py"] = b""
    for name, source in hot.items():
        for path in (source, source.with_suffix(".pxd")):
            wanted[(STAGE / name.replace(".", "/")).with_suffix(path.suffix)] = path.read_bytes()
    for path in STAGE.rglob("*.p*"):
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        refresh(path, text)
    return hot


def extensions() -> list[Extension]:
    if os.environ.get("TICKWRIGHT_PURE") == "1":
        return []
    from Cython.Build import cythonize

    # No fused multiply-add: a float must round the same in every build and in the interpreted form.
    flags = [] if os.name == "nt" else ["-O2", "-g0", "-ffp-contract=off"]
    # Worker processes may only be copies of this one: where they start anew, they would run this file again.
    forks = multiprocessing.get_start_method() == "fork"
    listed = [
        Extension(name, [str((STAGE / name.replace(".", "/")).with_suffix(".py"))], extra_compile_args=flags)
        for name in stage()
    ]
    made = cythonize(
        listed,
        include_path=[str(STAGE)],
        build_dir="build/c",
        quiet=True,
        nthreads=(os.cpu_count() or 1) if forks else 0,
        compiler_directives={
            "language_level": 3,
            "annotation_typing": False,
            "boundscheck": True,
            "initializedcheck": False,  # every view is set by `__init__` or by who makes the object
            "wraparound": False,
            "cdivision": False,
        },
    )
    for extension in made:
        extension.optional = True  # cythonize drops it; without a compiler the same files run interpreted
    return made


class build_hot(build_ext):
    """Builds all or nothing: the stamp is written only when every binary was made from these sources."""

    failed = False

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except BaseException:
            self.failed = True
            Path(self.get_ext_fullpath(ext.name)).unlink(missing_ok=True)
            raise

    def run(self) -> None:
        text = compiled.stamp_text(ROOT)
        room = Path("engine") if self.inplace else Path(self.build_lib, "tickwright", "engine")
        (room / compiled.STAMP).unlink(missing_ok=True)
        super().run()
        if self.extensions and not self.failed:
            room.mkdir(parents=True, exist_ok=True)
            (room / compiled.STAMP).write_text(text)
        else:
            print("tickwright: not compiled; it runs interpreted, slower, with the same results", file=sys.stderr)


os.chdir(ROOT)
setup(
    ext_modules=extensions(),
    cmdclass={"build_ext": build_hot},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
