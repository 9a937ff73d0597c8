"""A message that breaks the protocol, told so that a person can find the field."""

from typing import Final

from tickwright.engine.errors import RemoteError

_SHOWN_MAX: Final = 60


class BadMessage(RemoteError):
    """One message that is malformed, oversized or of wrong types. It is dropped and counted, never half read.

    `field` is the path inside the message (`d.p`), `topic` the channel where it is known, `expected` and `received`
    are words for people; `received` is already bounded and escaped.
    """

    def __init__(self, field: str, expected: str, received: str, topic: str = "") -> None:
        where = f"{topic}: " if topic else ""
        super().__init__(f"{where}{field}: expected {expected}, received {received}; the message is dropped")
        self.field = field
        self.expected = expected
        self.received = received
        self.topic = topic


class OffGrid(BadMessage):
    """A price or size that its instrument cannot express: the venue and our reference data disagree."""

    def __init__(self, field: str, expected: str, received: str, topic: str, code: str) -> None:
        super().__init__(field, expected, received, topic)
        self.code = code


def shown(value: object) -> str:
    """A value from the wire for a message: escaped, and no longer than a line."""
    if isinstance(value, str):
        text = ascii(value[:_SHOWN_MAX])
        return text if len(value) <= _SHOWN_MAX else f"{text}... of {len(value)} characters"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and value.bit_length() <= 128:
        return str(value)
    return {dict: "an object", list: "an array", int: "a huge integer"}.get(type(value), type(value).__name__)
