"""Secrets: never in a config, only named there as ``${env:NAME}`` or ``${file:PATH}``; never shown."""

import os
import re
import stat
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from tickwright.document import Listing, Node, Scalar, Table
from tickwright.engine.errors import TickwrightError
from tickwright.engine.secret import Secret as Secret
from tickwright.kinds import MapOf, Reading, Schema, Text

REFERENCE: Final = r"\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^}\x00-\x1f]+)\}"
EXPECTED: Final = "${env:NAME} or ${file:PATH}"

_SECRET_KEY: Final = re.compile(r"(secret|passw|passphrase|token|api_?key|private_?key|credential)", re.IGNORECASE)
_LONG: Final = 16
"""Literal values this long under such a key are taken for secrets."""


class SecretError(TickwrightError):
    """A secret that cannot be read, or that others can read."""


@frozen
class SecretRef:
    """Where a secret is: the reference as written, which is not secret itself."""

    written: str = field()

    def read(self, base: Path) -> Secret:
        """The secret now.

        Raises:
            SecretError: not set, not readable, not ours, or readable by group or others.
        """
        where, _, name = self.written[2:-1].partition(":")
        if where == "env":
            text = os.environ.get(name)
            if not text:
                raise SecretError(f"expected the environment variable {name} to be set, got nothing")
            return Secret(text)
        return Secret(_read_private(base / Path(name).expanduser()))


def no_core_dumps() -> None:
    """For a process that holds secrets: no core dump of it is written."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _read_private(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # Asked of the open file, so that it is the one that is read.
            status = os.fstat(file.fileno())
            mode = stat.S_IMODE(status.st_mode)
            if os.name == "posix" and mode & 0o077:
                raise SecretError(f"{path}: expected a file that only its owner can read (0600), got {mode:04o}")
            if os.name == "posix" and status.st_uid != os.geteuid():
                raise SecretError(f"{path}: expected a file of this user, got one of user {status.st_uid}")
            text = file.read(1 << 16).decode()
    except OSError as error:
        raise SecretError(f"{path}: expected a readable file, got: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path}: expected UTF-8 text, got something else") from None
    if not text.strip():
        raise SecretError(f"{path}: expected a secret, got an empty file")
    return text.strip()


@frozen
class ReferenceKind:
    expected: str = EXPECTED

    def read(self, node: Node, reading: Reading) -> Any:
        if isinstance(node, Scalar) and re.fullmatch(REFERENCE, node.text):
            reading.note(node)
            return SecretRef(node.text)
        # What was found is not shown: it may be the secret.
        return reading.refuse(node.place, f"expected {self.expected}, got something else (not shown)")

    def show(self, value: Any) -> Any:
        return value.written

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{REFERENCE}$"}


CREDENTIALS: Final = MapOf(Text("a name such as api_key", r"[a-z][a-z0-9_]{0,63}"), ReferenceKind())


def refuse_literals(node: Node, reading: Reading, name: str = "") -> None:
    """Refuse key material, and long literals under keys that sound secret, wherever they stand."""
    match node:
        case Table():
            for inner, item in node.items.items():
                refuse_literals(item, reading, inner)
        case Listing():
            for item in node.items:
                refuse_literals(item, reading, name)
        case Scalar(text=text):
            long = len(text) >= _LONG and not re.fullmatch(REFERENCE, text)
            if "-----BEGIN" in text or (long and _SECRET_KEY.search(name)):
                reading.refuse(node.place, f"expected no secret in a config, got one (not shown); use {EXPECTED}")
