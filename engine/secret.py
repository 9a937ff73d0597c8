"""A secret's text, which does not show itself."""

from typing import NoReturn


class Secret:
    """A secret's text. It shows itself as ``***`` and cannot be pickled; only `reveal` gives it away.

    Two secrets are equal only if they are the same object, so that comparing them tells nothing.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")
