"""Plants one bug at a time in a copy of the project, and shows that the tests named for it fail.

    make mutants                  every bug; the exit code is 1 where one was not found, or could not be planted
    make mutants NAME=dedupe      those whose name contains the word
    make mutants SHARE=4          every fourth, another fourth with each commit

Tests prove something only if they fail where the program is wrong. Each bug of `planted.py` is a mistake that somebody
could make in good faith, in one place; the named tests must pass without it and fail with it, quickly. The copy runs
from source: a compiled module would hide what was changed.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Final

from attrs import frozen

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from planted import PLANTED, Planted
from typed_tree import build

ROOT: Final = Path(__file__).resolve().parent.parent.parent
ROOMS: Final = ("adapters", "app", "engine", "reports", "risk", "strategies")
BESIDE: Final = ("configs", "docs", "tests", "README.md", "pyproject.toml")
LIMIT_S: Final = 20.0
"""Of processor time, so that a busy machine does not find a test slow."""

WAIT_S: Final = 180.0
FAILED: Final = 1
"""What pytest ends with where tests ran and some failed; anything above means that they did not run."""


class Unplantable(Exception):
    """The list and the project do not fit any more."""


@frozen
class Found:
    """What became of one bug: `wrong` is empty where its tests found it."""

    name: str
    wrong: str
    seconds: float
    by: str = ""


def mutated(planted: Planted, text: str) -> str:
    """The file's text with the bug in it.

    Raises:
        Unplantable: the place is not there, or there more than once, or what comes out is no Python.
    """
    count = text.count(planted.old)
    if count != 1:
        raise Unplantable(
            f"{planted.name}: expected its old text once in {planted.file}, found it {count} times; plant it anew"
        )
    changed = text.replace(planted.old, planted.new)
    try:
        compile(changed, planted.file, "exec")
    except SyntaxError as error:
        raise Unplantable(f"{planted.name}: {planted.file} is no Python any more: {error}") from None
    return changed


def copied(place: Path) -> Path:
    """A copy of the project whose packages import as usual from `place / "site"`."""
    skip = shutil.ignore_patterns("__pycache__", "*.so", "*.stamp", "node_modules")
    for name in (*ROOMS, *BESIDE):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=skip)
        else:
            shutil.copy2(ROOT / name, place / name)
    build(place / "site", place)
    return place


@contextmanager
def with_bug(planted: Planted, place: Path) -> Iterator[None]:
    """The copy with one bug in it, and as it was afterwards.

    The file gets a time of long ago: bytecode that was kept of it then does not fit, and none is kept of the bug.
    """
    path = place / planted.file
    before = path.stat()
    right = path.read_text()
    path.write_text(mutated(planted, right))
    os.utime(path, (1, 1))
    try:
        yield
    finally:
        path.write_text(right)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def examined(place: Path, tests: Sequence[str], *, keep: bool = False, every: bool = False) -> tuple[int, str, float]:
    """Run tests in a copy: pytest's exit code, what it said, and the seconds of processor time that it took."""
    known = dict(os.environ, PYTHONPATH=str(place / "site"), TICKWRIGHT_PURE="1")
    known["PYTHONDONTWRITEBYTECODE"] = "" if keep else "1"
    asked = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *([] if every else ["-x"]), *tests]
    with tempfile.TemporaryFile("w+") as said:
        begun = subprocess.Popen(asked, cwd=place, env=known, stdout=said, stderr=subprocess.STDOUT)
        code, used = waited(begun)
        said.seek(0)
        return code, said.read(), used.ru_utime + used.ru_stime


def waited(process: "subprocess.Popen[bytes]") -> tuple[int, resource.struct_rusage]:
    """Wait for a process, not for ever; its exit code and what it used."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(os.wait4, process.pid, 0)
        try:
            _, status, used = waiting.result(WAIT_S)
        except TimeoutError:
            process.kill()
            _, status, used = waiting.result()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used


def sought(planted: Planted, place: Path) -> Found:
    """Plant a bug and run its tests."""
    with with_bug(planted, place):
        code, said, seconds = examined(place, planted.tests)
    if code == 0:
        return Found(planted.name, "NOT FOUND: its tests pass with the bug in place", seconds)
    if code != FAILED:
        return Found(planted.name, f"its tests did not run (pytest ended with {code}): {tail(said)}", seconds)
    if seconds > LIMIT_S:
        return Found(planted.name, f"expected at most {LIMIT_S:g} s of processor time", seconds)
    failed = [line.split()[1] for line in said.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return Found(planted.name, "", seconds, failed[0].rpartition("/")[2] if failed else "")


def tail(said: str) -> str:
    return " | ".join(said.strip().splitlines()[-3:])[:400]


def share_of(chosen: Sequence[Planted], share: int) -> list[Planted]:
    """Every `share`-th bug, beginning elsewhere with each commit."""
    told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    first = int(told.stdout.strip() or "0", 16) % share
    return list(chosen[first::share])


def hunt(chosen: Sequence[Planted], workers: int) -> list[Found]:
    """Look for every bug, each worker in a copy of its own; without a bug all the named tests must pass."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        places = [copied(Path(folder) / str(number)) for number in range(workers)]
        named = sorted({test for planted in chosen for test in planted.tests})
        parts = [named[number::workers] for number in range(workers)]
        for code, said, _ in pool.map(lambda place, part: examined(place, part, keep=True), places, parts):
            if code != 0:
                raise Unplantable(f"expected the named tests to pass without a bug (pytest: {code}):\n{said[-3000:]}")
        free: Queue[Path] = Queue()
        for place in places:
            free.put(place)

        def one(planted: Planted) -> Found:
            place = free.get()
            try:
                found = sought(planted, place)
            finally:
                free.put(place)
            print(
                f"{'ok ' if not found.wrong else '!! '} {found.seconds:5.1f} s  {found.name}: "
                f"{found.wrong or found.by}",
                flush=True,
            )
            return found

        return list(pool.map(one, chosen))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="", help="only bugs whose name contains this")
    parser.add_argument("--share", type=int, default=1, help="only every n-th bug, others with each commit")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    bugs = share_of([planted for planted in PLANTED if chosen.name in planted.name], chosen.share)
    if not bugs:
        parser.error(f"expected a part of the name of a planted bug, received {chosen.name!r}")
    try:
        found = hunt(bugs, min(chosen.workers, len(bugs)))
    except Unplantable as error:
        print(error, file=sys.stderr)
        return 2
    wrong = [each for each in found if each.wrong]
    print(
        f"{len(found) - len(wrong)} of {len(found)} planted bugs were found"
        f"{'' if len(bugs) == len(PLANTED) else f', of {len(PLANTED)} that are known'}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
