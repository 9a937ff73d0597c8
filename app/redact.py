"""Keeps secrets out of everything that is written for people: logs, notes, messages of errors.

Two nets. What a run's secrets are is known, so their very texts are replaced wherever they turn up. What a venue makes
(tokens), or what looks like a secret by its form or its name, is replaced by its form. The second net may catch
something harmless; it is wide on purpose.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tickwright.engine.secret import Secret

HIDDEN: Final = "***"
SHORTEST: Final = 4
"""A secret shorter than that is not looked for: its text would be in half of all words."""
DEPTH_MAX: Final = 8
TEXT_MAX: Final = 1 << 14
"""More of one text is cut off: a log line of 16 kB is nobody's."""

_NAMES: Final = (
    r"authorization|password|passwd|passphrase|passcode|secret|credential|api[_-]?key|apikey|private[_-]?key"
    r"|access[_-]?token|refresh[_-]?token|id[_-]?token|token|totp|challenge|signature|jwt|cookie"
)
_HINTS: Final = (
    *("authoriz", "passw", "passphrase", "passcode", "secret", "credential", "api", "private", "token", "totp"),
    *("challenge", "signature", "jwt", "cookie"),
)
_FORMS: Final = (
    # What the text has in any case (small letters), the form, and what takes its place.
    # Key files, whole or cut off.
    (("-----begin",), r"-----BEGIN [A-Z0-9 ]{1,40}-----(?s:.*?)(-----END [A-Z0-9 ]{1,40}-----|\Z)", HIDDEN),
    # JSON web tokens.
    (("eyj",), r"\beyJ[A-Za-z0-9_-]{4,}(\.[A-Za-z0-9_-]*){0,4}", HIDDEN),
    # Schemes of the Authorization header, and what follows them.
    (("bearer", "basic", "-hmac-sha"), r"\b(Bearer|Basic|[A-Z0-9]{2,12}-HMAC-SHA\d+)\s+[^\r\n\"']+", rf"\1 {HIDDEN}"),
    # Users, then queries and fragments, of addresses.
    (("://",), r"\b((?:https?|wss?)://)[^\s/\"'@]{1,200}@", rf"\1{HIDDEN}@"),
    (("://",), r"\b((?:https?|wss?)://[^\s?#\"'<>]{1,500})[?#][^\s\"'<>]*", rf"\1?{HIDDEN}"),
    # name=value and "name": "value", by the name.
    (
        _HINTS,
        rf"(?i)((?:{_NAMES})[\w-]{{0,40}}\\?[\"']?\s*[:=]\s*)"
        r"(\\?\"(?:[^\"\\]|\\.)*\\?\"|'(?:[^'\\]|\\.)*'|(?:Bearer |Basic )?[^\s,;&)}\]\"']+)",
        rf"\g<1>{HIDDEN}",
    ),
)
_COMPILED: Final = tuple((hints, re.compile(form), instead) for hints, form, instead in _FORMS)
_TOKEN: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{4,}(\.[A-Za-z0-9_-]*){1,4}")
_NAME: Final = re.compile(rf"(?i)({_NAMES})")


class Redactor:
    """Knows the secrets of one run. It holds their texts, and shows none of them."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._texts: list[str] = []
        self.learn(secrets)

    def __repr__(self) -> str:
        return "Redactor()"

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Look for these from now on, also in the forms that JSON and Python write them in."""
        for secret in secrets:
            plain = secret.reveal()
            for form in {plain, repr(plain)[1:-1], plain.encode("unicode_escape").decode("ascii")}:
                if len(form) >= SHORTEST and form not in self._texts:
                    self._texts.append(form)
        # A secret may begin with another: the longest first.
        self._texts.sort(key=len, reverse=True)

    def exact(self, text: str) -> str:
        """The text without what is known to be secret, and without web tokens: for what must else stay as it is."""
        for known in self._texts:
            if known in text:
                text = text.replace(known, HIDDEN)
        return _TOKEN.sub(HIDDEN, text) if "eyJ" in text else text

    def text(self, text: str) -> str:
        """The text without secrets."""
        for known in self._texts:
            if known in text:
                text = text.replace(known, HIDDEN)
        text = text[:TEXT_MAX]
        small = text.lower()
        for hints, form, instead in _COMPILED:
            if any(hint in small for hint in hints):
                text = form.sub(instead, text)
        return text

    def value(self, value: Any, depth: int = 0) -> Any:
        """Any value of a log line: what is no number becomes text, secrets are taken out."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth < DEPTH_MAX and isinstance(value, Mapping):
            return {self.text(str(name)): self.named(str(name), held, depth + 1) for name, held in value.items()}
        if depth < DEPTH_MAX and isinstance(value, list | tuple | set | frozenset):
            return [self.value(held, depth + 1) for held in value]
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        return self.text(str(value))

    def named(self, name: str, value: Any, depth: int = 0) -> Any:
        """A value under a name: one that sounds secret hides whatever it holds."""
        return HIDDEN if value is not None and _NAME.search(name) else self.value(value, depth)

    def event(self, _logger: Any, _method: str, event: Any) -> Any:
        """A processor of structlog's: the whole line, cleaned."""
        return {name: self.named(name, value) for name, value in event.items()}

    def scrub(self, error: BaseException) -> None:
        """Clean the words of an error in place, with its causes, its notes and what it groups."""
        found: list[BaseException] = [error]
        done: set[int] = set()
        while found:
            one = found.pop()
            if id(one) in done:
                continue
            done.add(id(one))
            one.args = tuple(self.text(part) if isinstance(part, str) else part for part in one.args)
            if isinstance(one, OSError) and isinstance(one.strerror, str):
                one.strerror = self.text(one.strerror)
            notes = getattr(one, "__notes__", None)
            if notes:
                notes[:] = [self.text(str(note)) for note in notes]
            found += [inner for inner in (one.__cause__, one.__context__) if inner is not None]
            found += getattr(one, "exceptions", ())

    @contextmanager
    def crash_reports(self) -> Iterator[None]:
        """An error that leaves this is clean, whoever shows it afterwards."""
        try:
            yield
        except BaseException as error:  # raised again, without its secrets, whatever it is
            self.scrub(error)
            raise


class Cleaned:
    """A sink for records that hands on their texts without secrets: what a venue wrote may repeat what we sent."""

    def __init__(self, sink: Any, redactor: Redactor) -> None:
        self._sink = sink
        self._redactor = redactor

    def block(self, table: str, columns: tuple[str, ...], rows: Any, texts: list[str]) -> None:
        if table in ("orders", "notes"):
            texts = [self._redactor.text(text) if text else text for text in texts]
        self._sink.block(table, columns, rows, texts)
