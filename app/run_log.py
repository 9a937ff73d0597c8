"""The log of one run in paper or live: JSON, a line each, for programs and for afterwards.

Every line has ``at`` (UTC), ``severity``, ``run_id`` and ``event``; where they are known also ``strategy_id``,
``client_order_id`` and ``instrument``. Strategies write through ``self.log``, the driver through `told`, the core's
records through `block`, and libraries through Python's ``logging`` from warnings on. Everything passes the redactor
first. The file is ours alone (0600) and begins anew, keeping one predecessor, when it has grown to 64 MiB.
"""

import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from tickwright.engine.terms import OrderEvent, OrderState
from tickwright.engine.times import as_text
from tickwright.redact import Redactor
from tickwright.state import private_file

SIZE_MAX: Final = 64 << 20
WAITING_MAX: Final = 1000
"""Lines kept until the file is open: what is told before the run has a folder."""

_NOT_SHOWN: Final = ("at", "severity", "run_id", "strategy_id", "event", "exception")

EVENTS: Final = {int(event): event.name.lower() for event in OrderEvent}
STATES: Final = {int(state): state.name for state in OrderState}
SEVERITIES: Final = ("info", "warning", "error", "critical")
CRITICAL: Final = 2
"""From this severity on a note of the core is shown to a person, too."""

ALARMS_KEPT: Final = 256
"""So many of the last things said are remembered, so as not to be said again as alarms."""

ALARM_AGAIN_NS: Final = 60_000_000_000
"""Until the same alarm is shown again."""


class RunLog:
    """The log; lines wait until `open` says where it is."""

    def __init__(
        self, now: Callable[[], int], redactor: Redactor | None = None, echo: Callable[[str], None] = lambda line: None
    ) -> None:
        """`now` tells the run's time in nanoseconds; `echo` shows a person what the run tells of itself."""
        self.now = now
        self.redactor = redactor or Redactor()
        self.echo = echo
        self.lost = 0
        self._alarms: dict[str, int] = {}
        self._file = -1
        self._size = 0
        self._path = Path()
        self._waiting: deque[str] = deque(maxlen=WAITING_MAX)
        self._common: dict[str, str] = {}
        self._names: tuple[str, tuple[str, ...], tuple[str, ...]] = ("", (), ())
        self._logger = self._made()
        self._strategies = self._made(self._echo)

    def _made(self, *also: Any) -> Any:
        steps = [self._stamp, structlog.processors.format_exc_info, self.redactor.event, *also]
        steps.append(structlog.processors.JSONRenderer(ensure_ascii=False))
        return structlog.wrap_logger(self, processors=steps, wrapper_class=structlog.make_filtering_bound_logger(0))

    def open(
        self, path: Path, run_id: str, prefix: str, instruments: tuple[str, ...], strategies: tuple[str, ...]
    ) -> None:
        """Write to this file from now on; the names are those that the core's records count.

        Raises:
            StateError: the file cannot be written.
        """
        self._path = path
        self._file = private_file(path)
        self._size = os.fstat(self._file).st_size
        self._common = {"run_id": run_id}
        self._names = (prefix, instruments, strategies)
        for line in self._waiting:
            self._write(line.replace("{", f'{{"run_id": {json.dumps(run_id)}, ', 1))
        self._waiting.clear()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    # --- who writes ---------------------------------------------------------------------------------------------------

    def told(self, text: str, severity: str = "info", **about: Any) -> None:
        """What the run has to say of itself, for the file and for a person."""
        getattr(self._logger, severity)(text, **about)
        self._said(text)
        for line in self.redactor.text(text).splitlines():
            self.echo(line)

    def _said(self, text: str) -> bool:
        """Remember that a person was told; whether that was so already within the last minute."""
        now = self.now()
        lately = now - self._alarms.get(text, now - ALARM_AGAIN_NS) < ALARM_AGAIN_NS
        if not lately:
            self._alarms.pop(text, None)
            self._alarms[text] = now
            if len(self._alarms) > ALARMS_KEPT:
                del self._alarms[next(iter(self._alarms))]
        return lately

    def _alarm(self, text: str) -> None:
        """Show a person what is critical, where they were not told of it already."""
        if not self._said(text):
            for line in self.redactor.text(text).splitlines():
                self.echo(line)

    def strategy(self, name: str) -> Any:
        """The logger of a strategy. What it says is shown to a person, too."""
        return self._strategies.bind(strategy_id=name)

    def _echo(self, _logger: Any, _method: str, event: Any) -> Any:
        about = " ".join(f"{name}={held}" for name, held in event.items() if name not in _NOT_SHOWN)
        self.echo(f"{event['strategy_id']}: {event['event']} {about}".rstrip())
        return event

    def block(self, table: str, columns: tuple[str, ...], rows: Any, texts: list[str]) -> None:
        """Records of the core: every event of an order, and notes."""
        width = len(columns)
        if table == "notes":
            for at, text in enumerate(texts):
                _, ts, severity = rows[at * width : at * width + 3].tolist()
                getattr(self._logger, SEVERITIES[min(severity, 3)])(text, at=as_text(ts))
                if severity >= CRITICAL:
                    self._alarm(text)
        elif table == "orders":
            for at, text in enumerate(texts):
                self._order(dict(zip(columns, rows[at * width : (at + 1) * width].tolist(), strict=True)), text)

    def _order(self, row: dict[str, int], reason: str) -> None:
        """One event of one order. Written without structlog, in a tenth of the time: orders come in numbers."""
        prefix, instruments, strategies = self._names
        number, owner = row["order"], row["strategy"]
        event = {
            "at": as_text(row["ts"]),
            "severity": "info",
            **self._common,
            "client_order_id": f"{prefix}-{number}" if number >= 0 else f"external{number}",
            "strategy_id": strategies[owner] if 0 <= owner < len(strategies) else "",
            "instrument": instruments[row["market"]] if row["market"] < len(instruments) else "",
            "state": STATES[row["state"]],
        }
        if reason:
            event["reason"] = self.redactor.text(reason)
        event["event"] = EVENTS[row["event"]]
        self.msg(msgspec.json.encode(event).decode())

    @contextmanager
    def libraries(self) -> Iterator[None]:
        """For as long as this lasts, what libraries log from warnings on is written here, and nowhere else."""
        root = logging.getLogger()
        handler = _Handler(self._logger)
        before = root.handlers[:], root.level
        root.handlers[:] = [handler]
        root.setLevel(logging.WARNING)
        try:
            yield
        finally:
            root.handlers[:], level = before
            root.setLevel(level)

    # --- how it is written --------------------------------------------------------------------------------------------

    def msg(self, line: str) -> None:
        """One finished line, from structlog."""
        if self._file < 0:
            self._waiting.append(line)
        else:
            self._write(line)

    debug = info = warning = warn = error = critical = fatal = exception = log = msg

    def _stamp(self, _logger: Any, method: str, event: Any) -> Any:
        at = event.pop("at", None) or as_text(self.now())
        return {"at": at, "severity": method, **self._common, **event}

    def _write(self, line: str) -> None:
        raw = f"{line}\n".encode("utf-8", "backslashreplace")
        try:
            if self._size + len(raw) > SIZE_MAX:
                self._begin_anew()
            os.write(self._file, raw)
            self._size += len(raw)
        except OSError:
            # A full disk stops trading by the journal's word, not by the log's.
            self.lost += 1

    def _begin_anew(self) -> None:
        os.close(self._file)
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._file = private_file(self._path)
        self._size = 0


class _Handler(logging.Handler):
    def __init__(self, logger: Any) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        severity = "warning" if record.levelno < logging.ERROR else "error"
        # A library's own arguments may not fit its format.
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        getattr(self._logger, severity)(text, logger=record.name, exc_info=record.exc_info or None)
