"""What a person at the terminal sees of a run in paper or live, and how words reach it.

A terminal may stand still (Ctrl+S), a pipe may be full, and drawing takes milliseconds. So nothing is ever written by
the loop: `say` puts a line on a bounded pile, and `show` hands pile and picture to a thread, one at a time, the newest
picture only. Where stderr is no terminal, one plain line every few seconds takes the picture's place.
"""

import sys
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TextIO

import trio

from tickwright.shown import clean, one_line, panel
from tickwright.snapshot import Snapshot

PICTURE_S: Final = 0.5
"""Two pictures a second: one takes some 5 ms of the interpreter, which the loop then has to wait for at worst."""

LINE_S: Final = 10.0
LINES_MAX: Final = 1000
"""Lines that wait to be written; the oldest go first, and it is told how many."""

LAST_S: Final = 1.0
"""How long the last words may take when the run is over."""


class View:
    """The talk of one run on a stream, stderr by default."""

    def __init__(self, stream: TextIO | None = None, line_s: float = LINE_S) -> None:
        self.stream = stream or sys.stderr
        self.line_s = line_s
        self.waiting: deque[str] = deque(maxlen=LINES_MAX)
        self.dropped = 0

    def say(self, line: str) -> None:
        """Have a line written, soon; returns at once."""
        if len(self.waiting) == LINES_MAX:
            self.dropped += 1
        self.waiting.append(clean(line, 2000))

    async def show(self, snapshot: Callable[[], Snapshot | None]) -> None:
        """Keep the terminal up to date until cancelled; then write what still waits, for a second at most.

        While there is no snapshot yet, what is said is written all the same.
        """
        screen = _Picture(self.stream) if self.stream.isatty() else None
        pause = PICTURE_S if screen is not None else min(PICTURE_S, self.line_s)
        due = trio.current_time() + (0 if screen is not None else self.line_s)
        try:
            while True:
                shown = None
                if trio.current_time() >= due:
                    shown = snapshot()
                    due = trio.current_time() + (0 if screen is not None else self.line_s)
                await self._write(screen, self._take(), shown)
                await trio.sleep(pause)
        finally:
            with trio.move_on_after(LAST_S, shield=True):
                await self._write(screen, self._take(), None)
                if screen is not None:
                    await trio.to_thread.run_sync(screen.close, abandon_on_cancel=True)

    def _take(self) -> list[str]:
        lines = list(self.waiting)
        self.waiting.clear()
        if self.dropped:
            lines.insert(0, f"({self.dropped} lines were dropped: the terminal did not keep up)")
            self.dropped = 0
        return lines

    async def _write(self, screen: "_Picture | None", lines: list[str], shown: Snapshot | None) -> None:
        if not lines and shown is None:
            return
        # Abandoned when cancelled: a thread that waits for a terminal must not keep the run from ending.
        if screen is not None:
            await trio.to_thread.run_sync(screen.draw, lines, shown, abandon_on_cancel=True)
        else:
            lines += [one_line(shown)] if shown is not None else []
            await trio.to_thread.run_sync(_print, self.stream, lines, abandon_on_cancel=True)


def _print(stream: TextIO, lines: list[str]) -> None:
    try:
        stream.write("".join(f"{line}\n" for line in lines))
        stream.flush()
    except OSError:
        # Nobody reads any more; the run goes on, and its log has everything.
        return


class _Picture:
    """The part of the terminal that is drawn over and over."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        # What strategies print is not caught: they would then wait for this thread.
        console = Console(file=stream)
        self.live: Any = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self.begun = False

    def draw(self, lines: list[str], shown: Snapshot | None) -> None:
        try:
            if not self.begun:
                self.begun = True
                self.live.start()
            for line in lines:
                self.live.console.print(line, markup=False, highlight=False)
            if shown is not None:
                self.live.update(panel(shown), refresh=True)
        except OSError:
            return

    def close(self) -> None:
        if self.begun:
            self.live.stop()
