"""The house rules: who may import whom, what a room may not touch, how large things may grow.

Each rule is a function from one source to the lines that break it, and is first shown a planted offence: a rule that
finds nothing because it sees nothing would be no rule.
"""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("engine", "risk", "strategies", "adapters", "reports", "app")
KIT = "strategies/testing.py"
"""The kit for authors of strategies joins rooms, as `app` does, to run one strategy alone."""
TRIALS = "adapters/conformance/"
"""The kit for authors of adapters plays whole runs, as the command line does; so it stands above `app`, as users do."""

MODULE_LINES = 500
FUNCTION_LINES = 70
LONGER: dict[str, int] = {}
"""Modules that had outgrown the bound when the rule came; the figure may only shrink."""

# Why a module of the engine may touch what the deterministic core may not.
GUARDS = {
    "engine/live.py": "a task that fails must end the run in order, orders cancelled, whatever it failed with",
    "adapters/conformance/fuzz.py": "whatever a codec raises beside BadMessage is what is looked for",
}

CLOCKED = {
    "engine/compiled.py": "chooses between binaries and sources before anything runs",
    "engine/live.py": "the live driver awaits",
    "engine/run_clock.py": "tells the live driver the time",
    "engine/doorbell.py": "the inbox of the live driver, which waits",
    "engine/asker.py": "the part of the live driver that awaits a venue's answers",
    "engine/journal.py": "writes the run's records to disk",
    "engine/journal_folder.py": "holds the folder and the files beside the records",
    "engine/journal_layout.py": "makes the tables of the journal's files",
    "engine/accepting.py": "goes on without a part of the journal that is lost",
    "engine/rotation.py": "begins the journal's next file",
    "engine/journal_reading.py": "reads the records back, from other processes too",
    "engine/times.py": "turns a person's dates into nanoseconds; never asks what time it is",
}
WORLDLY = frozenset(
    (
        "asyncio", "logging", "os", "pathlib", "random", "requests", "secrets", "select", "shutil", "signal", "socket",
        "sqlite3", "ssl", "structlog", "subprocess", "sys", "tempfile", "threading", "time", "trio", "trio_websocket",
        "urllib", "uuid",
    )
)  # fmt: skip
BANNED_NAMES = frozenset(("utils", "util", "helpers", "helper", "common", "misc", "manager", "shared", "stuff", "lib"))
BANNED_MODULES = frozenset(("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"))


class Source(NamedTuple):
    """One file of ours: its path from the root, its text."""

    path: str
    text: str

    @property
    def room(self) -> str:
        return self.path.split("/", 1)[0]

    @property
    def tree(self) -> ast.Module:
        return parsed(self.text)

    @property
    def template(self) -> bool:
        """A file that becomes a user's own; users import from `tickwright` itself."""
        return "/templates/" in self.path


@cache
def parsed(text: str) -> ast.Module:
    return ast.parse(text)


def sources(pattern: str) -> list[Source]:
    return [
        Source(path.relative_to(ROOT).as_posix(), path.read_text())
        for room in ROOMS
        for path in sorted((ROOT / room).rglob(pattern))
    ]


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Every module a file imports, with its line; what it takes from a package counts as a module of its own."""
    package = "tickwright" if source.room == "app" else f"tickwright.{Path(source.path).parent.as_posix()}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import is read from the file's own package.
            parts = package.replace("/", ".").split(".")
            above = ".".join(parts[: len(parts) + 1 - node.level]) if node.level else ""
            name = ".".join(part for part in (above, node.module) if part)
            if name in ("tickwright", "tickwright.adapters"):
                yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, name


def called(node: ast.AST) -> str:
    """`a.b.c` of a call `a.b.c(...)`, else nothing."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


# --- the rules: each yields `line: what is wrong` -----------------------------------------------------------------


def may_import(source: Source, name: str) -> bool:
    if not re.match(r"tickwright(\.|$)", name) or source.room == "app":
        return True
    parts = name.split(".")
    room = parts[1] if len(parts) > 1 else ""
    if source.template:
        return True
    if room == source.room or (room == "engine" and source.room != "engine"):
        return True
    if source.path.startswith(TRIALS):
        return room not in ("strategies", "reports")
    return source.path == KIT and (room == "risk" or parts[1:3] == ["adapters", "sim"])


def rooms_import_only_what_they_may(source: Source) -> Iterator[str]:
    for line, name in imports(source):
        if not may_import(source, name):
            yield f"{line}: {source.room} imports {name}"


def headers_obey_the_rooms(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        found = re.match(r"\s*from\s+(tickwright\S*)\s+cimport\b|\s*cimport\s+(tickwright\S*)", line)
        if found and not may_import(source, found[1] or found[2]):
            yield f"{number}: {source.room} cimports {found[1] or found[2]}"


def the_core_touches_no_world(source: Source) -> Iterator[str]:
    if source.room != "engine" or source.path in CLOCKED:
        return
    for line, name in imports(source):
        if name.split(".")[0] in WORLDLY:
            yield f"{line}: imports {name}"
    for node in ast.walk(source.tree):
        if re.search(r"\bdate(time)?\.(now|utcnow|today)$|^open$|^input$", called(node)):
            yield f"{node.lineno}: calls {called(node)}"  # type: ignore[attr-defined]
        if isinstance(node, ast.Await) or (isinstance(node, ast.AsyncFunctionDef) and not is_shape(node)):
            yield f"{node.lineno}: is asynchronous"


def is_shape(function: ast.AsyncFunctionDef) -> bool:
    """Whether a function only says what others are to do: nothing in it but words and `...`."""
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in function.body)


def only_the_gate_approves(source: Source) -> Iterator[str]:
    """`approval` signs for the gate and lies beside its type; nobody else calls it, or makes one around it."""
    if source.path == "risk/gate.py":
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        words = called(node)
        made = words.endswith("__new__") and "Approved" in ast.unparse(node)
        if re.search(r"(^|\.)(Approved|approval)$", words) or (made and source.path != "engine/order.py"):
            yield f"{node.lineno}: makes an Approved"


def sizes_hold(source: Source) -> Iterator[str]:
    lines = len(source.text.splitlines())
    most = LONGER.get(source.path, MODULE_LINES)
    if lines > most:
        yield f"{lines}: a module has at most {most} lines"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES}"


def names_say_something(source: Source) -> Iterator[str]:
    for part in source.path.removesuffix(".py").split("/"):
        if part.strip("_") in BANNED_NAMES:
            yield f"1: {part} is no name for a place"


def nothing_dangerous(source: Source) -> Iterator[str]:
    for line, name in imports(source):
        if name.split(".")[0] in BANNED_MODULES:
            yield f"{line}: imports {name}"
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        words = called(node)
        if words in ("eval", "exec", "__import__", "os.system", "os.popen") or words.endswith("yaml.load"):
            yield f"{node.lineno}: calls {words}"
        for keyword in node.keywords:
            given = ast.unparse(keyword.value)
            if (keyword.arg, given) in (("shell", "True"), ("verify", "False"), ("check_hostname", "False")):
                yield f"{node.lineno}: {keyword.arg}={given}"


def nothing_is_swallowed(source: Source) -> Iterator[str]:
    if source.path in GUARDS:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = [] if node.type is None else [ast.unparse(kind) for kind in getattr(node.type, "elts", [node.type])]
            if not kinds or "Exception" in kinds:
                yield f"{node.lineno}: catches everything"
        elif called(node).endswith("suppress") and "Exception" in [ast.unparse(arg) for arg in node.args]:  # type: ignore[attr-defined]
            yield f"{node.lineno}: suppresses everything"  # type: ignore[attr-defined]


def only_the_app_prints(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if source.room != "app" and called(node) == "print":
            yield f"{node.lineno}: prints"  # type: ignore[attr-defined]


def no_machine_in_the_text(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if re.search(r"/(home|root|Users|tmp|work|mnt)/\w|[A-Z]:\\\\?\w", line):
            yield f"{number}: names a path of one machine"
        if re.search(
            r"(pypi|files\.pythonhosted|test\.pypi)\.(org|io)|proxy\.golang|registry\.\w+\.\w+|/simple/", line
        ):
            yield f"{number}: names a package registry"


RULES: dict[Callable[[Source], Iterator[str]], list[tuple[str, str]]] = {
    # the rule: offences it must catch, as (path, text)
    rooms_import_only_what_they_may: [
        ("engine/x.py", "from tickwright.risk.gate import Gate"),
        ("engine/x.py", "import tickwright"),
        ("engine/x.py", "from tickwright import Book"),
        ("risk/x.py", "def f():\n    import tickwright.adapters.sim"),
        ("strategies/x.py", "from tickwright.risk import limits"),
        ("strategies/x.py", "from tickwright import Strategy"),
        ("adapters/sim/x.py", "from ...strategies import base"),
        ("adapters/tape/x.py", "import tickwright.config"),
        ("reports/x.py", "from tickwright.adapters.tape import reader"),
        ("strategies/testing.py", "from tickwright.adapters.tape import reader"),
        ("strategies/testing.py", "from tickwright import cli"),
        ("adapters/conformance/x.py", "from tickwright.reports import html"),
        ("adapters/local/x.py", "from tickwright.trading import opened"),
    ],
    the_core_touches_no_world: [
        ("engine/x.py", "import time"),
        ("engine/x.py", "from random import Random"),
        ("engine/x.py", "import uuid, trio"),
        ("engine/x.py", "import datetime\nx = datetime.datetime.now()"),
        ("engine/x.py", "from datetime import date\nx = date.today()"),
        ("engine/x.py", "x = open('y')"),
        ("engine/x.py", "async def f(): return 1"),
        ("engine/sub/x.py", "import structlog"),
    ],
    only_the_gate_approves: [
        ("strategies/x.py", "x = Approved()"),
        ("engine/x.py", "x = Approved.__new__(Approved)"),
        ("app/x.py", "x = order.Approved(1)"),
        ("app/x.py", "from tickwright.engine.order import approval\nx = approval(order, 1)"),
        ("app/x.py", "x = object.__new__(order.Approved)"),
    ],
    sizes_hold: [
        ("app/x.py", "\n" * (MODULE_LINES + 1)),
        ("app/x.py", "def f():\n" + "    x = 1\n" * FUNCTION_LINES),
    ],
    names_say_something: [
        ("app/utils.py", ""),
        ("engine/helpers/x.py", ""),
        ("risk/_common.py", ""),
        ("risk/misc.py", ""),
        ("app/manager.py", ""),
    ],
    nothing_dangerous: [
        ("app/x.py", "eval('1')"),
        ("app/x.py", "exec('1')"),
        ("app/x.py", "import pickle"),
        ("app/x.py", "from marshal import loads"),
        ("app/x.py", "import yaml\nyaml.load(x)"),
        ("app/x.py", "run(x, shell=True)"),
        ("app/x.py", "get(x, verify=False)"),
    ],
    nothing_is_swallowed: [
        ("app/x.py", "try: ...\nexcept Exception: ..."),
        ("app/x.py", "try: ...\nexcept: ..."),
        ("app/x.py", "try: ...\nexcept (ValueError, Exception): ..."),
        ("app/x.py", "import contextlib\nwith contextlib.suppress(Exception): ..."),
    ],
    only_the_app_prints: [("engine/x.py", "print(1)"), ("strategies/x.py", "def f(): print(1)")],
    no_machine_in_the_text: [
        ("app/x.py", "x = '/" + "home/me/x'"),
        ("app/x.py", "# see /" + "tmp/x"),
        ("app/x.py", "x = 'https://py" + "pi.org/simple'"),
    ],
}
HEADER_OFFENCES = [
    ("engine/x.pxd", "from tickwright.risk.gate cimport Gate"),
    ("adapters/sim/x.pxd", "cimport cython\nfrom tickwright.strategies.base cimport Strategy"),
    ("risk/x.pxd", "cimport tickwright.adapters.sim.venue"),
]


def rule_name(rule: object) -> str:
    return getattr(rule, "__name__", str(rule))


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_house_rule(rule: Callable[[Source], Iterator[str]]) -> None:
    for path, text in RULES[rule]:
        assert list(rule(Source(path, text))), f"the rule does not see the offence planted in {path}: {text!r}"
    broken = [f"{source.path}:{what}" for source in sources("*.py") for what in rule(source)]
    assert not broken, "\n".join(broken)


def test_headers_obey_the_rooms() -> None:
    for path, text in HEADER_OFFENCES:
        assert list(headers_obey_the_rooms(Source(path, text)))
    headers = sources("*.pxd")
    assert headers
    assert not [f"{source.path}:{what}" for source in headers for what in headers_obey_the_rooms(source)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("engine/x.py", "from tickwright.engine.book import Book\nfrom .terms import BUY\nimport datetime"),
        ("risk/x.py", "from tickwright.engine.order import Approved\nfrom . import limits"),
        ("risk/gate.py", "x = Approved.__new__(Approved)"),
        ("app/x.py", "from tickwright.risk.gate import Gate\nfrom tickwright import config\nprint(1)"),
        ("app/templates/x.py", "from tickwright import Strategy"),
        ("strategies/testing.py", "from tickwright.adapters.sim.venue import Sim\nfrom tickwright.risk.gate import G"),
        ("adapters/conformance/x.py", "from tickwright.trading import opened\nfrom tickwright import Strategy"),
        ("engine/live.py", "import trio, time"),
        ("adapters/session.py", "import trio\ntry: ...\nexcept OSError: ..."),
    ],
)
def test_what_is_allowed_passes_every_rule(path: str, text: str) -> None:
    assert [what for rule in RULES for what in rule(Source(path, text))] == []


def unlisted(config: dict[str, object], root: Path) -> set[str]:
    """Rooms and their subfolders with modules that an installation would leave out, and listed ones that are not."""
    setuptools = config["tool"]["setuptools"]  # type: ignore[index]
    listed = dict(setuptools["package-dir"])
    wrong = {f"packages and package-dir differ in {name}" for name in set(setuptools["packages"]) ^ set(listed)}
    wrong |= {
        f"{folder} is listed but has no __init__.py" for folder in listed.values() if not is_package(root / folder)
    }
    for room in ROOMS:
        for folder in (root / room, *(path for path in (root / room).rglob("*") if path.is_dir())):
            place = folder.relative_to(root).as_posix()
            holds_modules = any(folder.glob("*.py")) and "templates" not in folder.parts
            if holds_modules and place not in listed.values():
                wrong.add(f"{place} has modules and is not listed")
    return wrong


def is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


def test_every_room_is_packaged(tmp_path: Path) -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (tmp_path / "engine" / "inner").mkdir(parents=True)
    (tmp_path / "engine" / "inner" / "x.py").touch()
    assert unlisted(config, tmp_path) >= {
        "engine/inner has modules and is not listed",
        "app is listed but has no __init__.py",
    }
    assert unlisted(config, ROOT) == set()


def c_names(header: Source) -> set[str]:
    """The module's own variables that a header makes C variables; compiled, nobody else can import those."""
    found = re.findall(
        r"^cdef (?:int|bint|double|long long|wide) ([A-Z_0-9]+(?:, *[A-Z_0-9]+)*)$", header.text, re.MULTILINE
    )
    return {name for names in found for name in re.split(r", *", names)}


def names_that_vanish(headers: dict[str, set[str]], source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            gone = headers.get(node.module or "", set()) & {alias.name for alias in node.names}
            yield from (f"{node.lineno}: imports {name}, a C variable of {node.module}" for name in sorted(gone))


def test_nobody_imports_what_compiling_hides() -> None:
    headers = {
        "tickwright." + source.path.removesuffix(".pxd").replace("/", "."): c_names(source)
        for source in sources("*.pxd")
    }
    assert {"NO_TIME", "MARK_NS"} <= headers["tickwright.engine.core"]
    planted = Source("app/x.py", "from tickwright.engine.core import MARK_NS, Core")
    assert list(names_that_vanish(headers, planted)) == ["1: imports MARK_NS, a C variable of tickwright.engine.core"]
    tests = [Source(path.relative_to(ROOT).as_posix(), path.read_text()) for path in (ROOT / "tests").rglob("*.py")]
    for source in [*sources("*.py"), *tests]:
        assert not list(names_that_vanish(headers, source)), source.path
