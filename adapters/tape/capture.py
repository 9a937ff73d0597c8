"""The file of what a run was given: one JSON line after the other, compressed, readable as far as it was written.

The run hands over lines and goes on; a thread compresses and writes them. Each time it has nothing more to do it lets
the compressor put out all it holds, so that a process that dies leaves a file that reads to its last moments. Any tool
for gzip opens it. The file has a largest size, and lines that wait have one too: where either is reached, or a write
fails, nothing more is kept, and `ended` says why. A run never waits for it.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from tickwright.engine.errors import TickwrightError

GZIP: Final = 31
"""Tells the compressor to write a gzip file, with the largest window."""

LEVEL: Final = 3
WAITING_MAX: Final = 64 << 20
"""Bytes that may wait for the thread: what a slow disk may cost in memory."""

AT_ONCE: Final = 1 << 20
"""Bytes compressed together at most."""

READ: Final = 1 << 16
LINE_MAX: Final = 256 << 20
"""A line longer than that is no line of ours: it would fill the memory of whoever reads it."""


class CaptureError(TickwrightError):
    """A capture cannot be made, or is not what was written."""


class CaptureWriter:
    """Writes one file. `cleaned` takes out of a text what must not be in it; `ended` is empty while lines are kept."""

    def __init__(self, path: Path, most: int, cleaned: Callable[[str], str] = lambda text: text) -> None:
        self.path = path
        self.most = most
        self.cleaned = cleaned
        self.ended = ""
        self.written = 0
        self.waiting = 0
        self.lines: list[bytes] = []
        self.size = 0
        self.queue: SimpleQueue[bytes | None] = SimpleQueue()
        try:
            self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CaptureError(f"{path}: cannot be made: {error.strerror or error}") from None
        self.packer = zlib.compressobj(LEVEL, wbits=GZIP)
        self.thread = Thread(target=self._work, name="capture", daemon=True)
        self.thread.start()

    def line(self, text: bytes) -> None:
        """Put one line on the list."""
        self.lines.append(text)
        self.size += len(text)

    def hand_over(self) -> None:
        """Let the thread have the lines that were put on the list."""
        if not self.lines:
            return
        self.lines.append(b"")
        batch = b"\n".join(self.lines)
        self.lines.clear()
        self.size = 0
        if self.ended:
            return
        if self.waiting > WAITING_MAX:
            self.ended = f"more than {WAITING_MAX >> 20} MiB waited for the disk"
            return
        self.waiting += len(batch)
        self.queue.put(batch)

    def close(self) -> None:
        """Write what waits and end the file; may be called twice."""
        if self.file < 0:
            return
        self.hand_over()
        self.queue.put(None)
        self.thread.join()
        if not self.ended:
            self._put(self.packer.flush(zlib.Z_FINISH))
        os.close(self.file)
        self.file = -1

    def _work(self) -> None:
        """The thread: batches until told to end."""
        going = True
        while going:
            batch = self.queue.get()
            parts: list[bytes] = []
            size = 0
            while batch is not None:
                parts.append(batch)
                size += len(batch)
                if size >= AT_ONCE:
                    break
                try:
                    batch = self.queue.get_nowait()
                except Empty:
                    break
            going = batch is not None
            if parts and not self.ended:
                self._keep(b"".join(parts))
            self.waiting -= size

    def _keep(self, batch: bytes) -> None:
        text = self.cleaned(batch.decode("utf-8")).encode("utf-8")
        self._put(self.packer.compress(text) + self.packer.flush(zlib.Z_SYNC_FLUSH))
        if self.written > self.most and not self.ended:
            self._put(self.packer.flush(zlib.Z_FINISH))
            self.ended = f"it has reached {self.most >> 20} MiB"

    def _put(self, data: bytes) -> None:
        try:
            while data:
                count = os.write(self.file, data)
                self.written += count
                data = data[count:]
        except OSError as error:
            self.ended = f"it cannot be written: {error.strerror or error}"


def read_capture(path: Path) -> Iterator[bytes]:
    """The lines of a capture, as far as they are whole: a process that was killed leaves its last one cut off.

    Raises:
        CaptureError: there is no such file, or it is not what was written.
    """
    unpacker = zlib.decompressobj(wbits=GZIP)
    rest = b""
    number = 1
    try:
        with path.open("rb") as file:
            while (packed := file.read(READ)) and not unpacker.eof:
                *lines, rest = (rest + unpacker.decompress(packed)).split(b"\n")
                for line in lines:
                    number += 1
                    yield line
                if len(rest) > LINE_MAX:
                    raise CaptureError(f"{path}: line {number}: expected an end of it, found none in {len(rest)} bytes")
    except FileNotFoundError:
        raise CaptureError(f"{path.parent}: expected a run that was captured, found no {path.name}") from None
    except (OSError, zlib.error) as error:
        raise CaptureError(f"{path}: line {number}: it is not what was written: {error}") from None
