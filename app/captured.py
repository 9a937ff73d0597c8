"""Reads a capture back: the lines of `capture.py` as values."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from attrs import define, field, frozen

from tickwright.adapters.tape.capture import CaptureError, read_capture
from tickwright.capture import CAPTURE, VERSION, Beginning
from tickwright.engine.chain import Record
from tickwright.engine.events import Event

EVENTS: Final[dict[str, Any]] = {form.__name__: form for form in get_args(Event)}


@frozen
class Put:
    """An event that an adapter put into the inbox."""

    event: Event


@frozen
class Heard:
    """What an adapter was given by its connection, and the events that it made of it then."""

    venue: str
    what: str
    at: int
    content: str | bytes
    events: tuple[Event, ...]


@frozen
class Said:
    """One record of the run: its kind, the run's time, its body as JSON."""

    kind: str
    ts: int
    body: bytes


@frozen
class Done:
    """A call that changed the state of the run, what was read meanwhile, and what the run recorded because of it.

    `slow` has the calls of handlers that took too long, by their number within this call, with the words of the error.
    """

    place: str
    what: str
    arguments: bytes
    times: tuple[int, ...]
    health: tuple[tuple[str, bool | int | str], ...]
    records: tuple[Said, ...]
    slow: dict[int, str]
    raised: str


Entry = Put | Heard | Done

_line = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode
_whole = msgspec.json.Decoder(int).decode


def other(form: type, value: Any) -> Any:
    """What JSON has no form for."""
    if form is Fraction:
        return Fraction(value)
    raise NotImplementedError(form)  # what the decoder expects of a hook that does not know the form


@define
class Captured:
    """An open capture: what the run began with, the records that it read then, and everything after."""

    path: Path
    beginning: Beginning
    past: list[Record]
    entries: Iterator[Entry]
    lines: int = field(default=0)


def open_captured(folder: Path) -> Captured:
    """Open the capture of a run folder.

    Raises:
        CaptureError: there is none, it is of a newer program, or it is not what was written; while it is read, too.
    """
    path = folder / CAPTURE
    lines = enumerate(read_capture(path), 1)
    first = next(lines, None)
    if first is None:
        raise CaptureError(f"{path}: expected what the run began with, found nothing")
    kind, parts = _parts(path, *first)
    if kind != "begin":
        raise CaptureError(f"{path}: line 1: expected the beginning of a run, found {kind}")
    version = msgspec.json.decode(parts[0])["version"]
    if version > VERSION:
        raise CaptureError(f"{path}: expected version {VERSION} or older, found {version}: a newer program wrote it")
    beginning = _understood(path, 1, parts[0], Beginning)
    past: list[Record] = []
    ahead: Entry | None = None
    for number, line in lines:
        kind, parts = _parts(path, number, line)
        if kind != "past":
            ahead = _entry(path, number, kind, parts)
            break
        past.append(Record(_whole(parts[0]), _whole(parts[1]), _text(parts[2]), bytes(parts[3])))

    def rest() -> Iterator[Entry]:
        if ahead is not None:
            yield ahead
        for number, line in lines:
            yield _entry(path, number, *_parts(path, number, line))

    return Captured(path, beginning, past, rest())


def _understood(path: Path, number: int, raw: Any, form: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=form, dec_hook=other)
    except (msgspec.DecodeError, ValueError) as error:
        raise CaptureError(f"{path}: line {number}: it is not what was written: {error}") from None


def _parts(path: Path, number: int, line: bytes) -> tuple[str, list[msgspec.Raw]]:
    try:
        kind, *parts = _line(line)
        return _text(kind), parts
    except (msgspec.DecodeError, ValueError) as error:
        raise CaptureError(f"{path}: line {number}: it is not what was written: {error}") from None


def _entry(path: Path, number: int, kind: str, parts: list[msgspec.Raw]) -> Entry:
    try:
        match kind:
            case "put":
                return Put(_event(_text(parts[0]), parts[1]))
            case "wire":
                venue, what, at, form, content, events = parts
                text = _text(content)
                return Heard(
                    _text(venue),
                    _text(what),
                    _whole(at),
                    text if _text(form) == "text" else text.encode("latin-1"),
                    tuple(_event(_text(name), raw) for name, raw in map(_line, _line(events))),
                )
            case "do":
                place, what, arguments, times, health, records, slow, raised = parts
                return Done(
                    _text(place),
                    _text(what),
                    bytes(arguments),
                    msgspec.json.decode(times, type=tuple[int, ...]),
                    msgspec.json.decode(health, type=tuple[tuple[str, bool | int | str], ...]),
                    tuple(Said(_text(k), _whole(ts), bytes(body)) for k, ts, body in map(_line, _line(records))),
                    dict(msgspec.json.decode(slow, type=list[tuple[int, str]])),
                    _text(raised),
                )
    except (msgspec.DecodeError, ValueError, KeyError, IndexError) as error:
        raise CaptureError(f"{path}: line {number}: it is not what was written: {error!r}") from None
    raise CaptureError(f"{path}: line {number}: expected put, wire or do, found {kind!r}")


def _event(name: str, raw: msgspec.Raw) -> Event:
    event: Event = msgspec.json.decode(raw, type=EVENTS[name], dec_hook=other)
    return event
