"""The other end of the control socket, for verbs: one connection, lines of JSON, and a deadline for everything."""

import json
from collections.abc import Iterator
from typing import Any, Final

from tickwright.engine.errors import TickwrightError
from tickwright.state import StateFolder

CONNECT_S: Final = 2.0
ANSWER_S: Final = 5.0
"""A run answers within milliseconds; one that does not for so long is stuck."""

LINE_BYTES: Final = 1 << 20


class NotRunning(TickwrightError):
    """No process answers in this state folder."""


class NoAnswer(TickwrightError):
    """A process runs there, and does not answer."""


class ControlClient:
    """A connection to the process of a state folder; to be used in a ``with``."""

    def __init__(self, folder: StateFolder) -> None:
        """Connect.

        Raises:
            NotRunning: nobody listens.
            NoAnswer: somebody holds the folder and takes no connection.
        """
        try:
            self._socket = folder.connect(CONNECT_S)
        except OSError as error:
            holder = folder.holder()
            if holder:
                missing = isinstance(error, FileNotFoundError)
                why = "takes no commands yet, or no more" if missing else "does not answer"
                raise NoAnswer(f"process {holder} runs with {folder.path} and {why}") from None
            raise NotRunning(f"{folder.path}: not running") from None
        self._socket.settimeout(ANSWER_S)
        self._held = b""

    def __enter__(self) -> "ControlClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """Send one command and give its answer.

        Raises:
            NoAnswer: none in time, or the connection broke.
            TickwrightError: the command was refused; the text says why.
        """
        self._send({"do": do, **given})
        return self._answer()

    def follow(self, per_s: int) -> Iterator[dict[str, Any]]:
        """Snapshots, until the process ends."""
        self._send({"do": "follow", "per_s": per_s})
        while True:
            try:
                yield self._answer()["snapshot"]
            except NoAnswer:
                return

    def wait_for_end(self, timeout: float) -> bool:
        """Whether the process let go of the connection in time."""
        self._socket.settimeout(timeout)
        try:
            return not self._socket.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self._socket.settimeout(ANSWER_S)

    def _send(self, command: dict[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps(command).encode() + b"\n")
        except OSError as error:
            raise NoAnswer(f"the process does not answer: {error.strerror or error}") from None

    def _answer(self) -> dict[str, Any]:
        try:
            while b"\n" not in self._held:
                chunk = self._socket.recv(65_536)
                if not chunk or len(self._held) > LINE_BYTES:
                    raise NoAnswer("the process ended the connection without an answer")
                self._held += chunk
        except TimeoutError:
            raise NoAnswer(f"the process did not answer within {ANSWER_S:g} s") from None
        except OSError as error:
            raise NoAnswer(f"the process does not answer: {error.strerror or error}") from None
        line, _, self._held = self._held.partition(b"\n")
        answer = json.loads(line)
        if not answer.get("ok"):
            raise TickwrightError(str(answer.get("error", "refused")))
        return dict(answer)
