"""The logger that a strategy gets: one line a message on stderr, in the run's own time.

Lines are logfmt (``at=2024-08-09T00:00:01Z severity=info strategy_id=maker event=quoting``): a person reads them, and
so does a program. Stdout is for results alone.
"""

import sys
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import EventDict

from tickwright.engine.times import as_text


class Stderr:
    """Writes where stderr is at that moment: a progress bar takes its place while it is shown."""

    def msg(self, line: str) -> None:
        print(line, file=sys.stderr)

    debug = info = warning = warn = error = critical = fatal = exception = log = msg


def strategy_log(name: str, now: Callable[[], int]) -> Any:
    """A structured logger for a strategy; `now` tells the run's time in nanoseconds."""

    def stamp(_logger: Any, method: str, event: EventDict) -> EventDict:
        event["at"] = as_text(now())
        event["severity"] = method
        return event

    return structlog.wrap_logger(
        Stderr(),
        processors=[
            stamp,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["at", "severity", "strategy_id", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    ).bind(strategy_id=name)
