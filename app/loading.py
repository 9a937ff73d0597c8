"""Imports what a config names: ``package.module:NAME`` from the import path, ``./file.py:NAME`` beside the config.

A file's folder is never put on ``sys.path``: a ``random.py`` beside a strategy would then replace the standard
library's for the whole process. Instead the file is loaded under a private name, as a module of a private package
whose folder is the file's own, so that ``from .signals import x`` finds a sibling and nothing else changes.
"""

import hashlib
import importlib
import importlib.util
import sys
import traceback
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Final

from tickwright.engine.errors import TickwrightError

_OURS: Final = ("loading.py", "plugins.py", "venues.py")


class PluginError(TickwrightError):
    """A strategy, a check or an adapter that cannot be loaded or made; the text is one line that says why."""


def module_of(target: str, base: Path) -> ModuleType:
    """The module before the colon: a file relative to `base`, else an import path.

    Raises:
        PluginError: no such file or module, or it does not import.
    """
    if target.endswith(".py") or "/" in target or "\\" in target:
        return _from_file(base / Path(target).expanduser(), target)
    with user_code(f"{target} does not import"):
        return importlib.import_module(target)


def _from_file(path: Path, shown: str) -> ModuleType:
    if not path.is_file():
        raise PluginError(f"expected a file at {shown}, got none (looked for {path})")
    path = path.resolve()
    package = "tickwright_plugin_" + hashlib.sha256(str(path.parent).encode()).hexdigest()[:12]
    if package not in sys.modules:
        spec = ModuleSpec(package, None, is_package=True)
        spec.submodule_search_locations = [str(path.parent)]
        sys.modules[package] = importlib.util.module_from_spec(spec)
    name = f"{package}.{path.stem}"
    made = importlib.util.spec_from_file_location(name, path)
    assert made is not None
    assert made.loader is not None
    module = importlib.util.module_from_spec(made)
    sys.modules[name] = module
    with user_code(f"{shown} does not import"):
        try:
            made.loader.exec_module(module)
        except BaseException:  # raised again: nothing half loaded may stay known, whatever the reason
            del sys.modules[name]
            raise
    return module


class user_code:
    """Turns whatever a user's code raises into a `PluginError` with the user's own file and line.

    ``sys.exit`` in a strategy's file counts as a failure of that file; Ctrl+C stays what it is.
    """

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PluginError) or not isinstance(error, Exception | SystemExit):
            return
        raise PluginError(f"{self.what}: {_where(error, trace)}{_what(error)}") from error


def _where(error: BaseException, trace: TracebackType | None) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: "
    frames = [frame for frame in traceback.extract_tb(trace) if not _is_ours(frame.filename)]
    return f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""


def _is_ours(filename: str) -> bool:
    """Frames that say nothing to a plugin's author: who loads it, the import system, generated initialisers."""
    if filename.startswith("<") or Path(filename).parent.name in ("importlib", "attr"):
        return True
    return Path(filename).parent == Path(__file__).parent and Path(filename).name in _OURS


def _what(error: BaseException) -> str:
    text = str(error.msg if isinstance(error, SyntaxError) else error)
    first = text.strip().splitlines()[0] if text.strip() else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
