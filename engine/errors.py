"""Errors by what follows from them; each message names the culprit, what was expected and what was received."""


class TickwrightError(Exception):
    """The root of every error this framework raises on purpose."""


class SequenceGap(TickwrightError):
    """A feed skipped or repeated a message: that book goes stale until a new snapshot."""


class UnitError(TickwrightError, ValueError):
    """A price, size or rate that its instrument cannot express: that instrument, or that order, is refused."""

    def __init__(self, message: str, code: str = "NUMBER_INVALID") -> None:
        super().__init__(message)
        self.code = code


class RemoteError(TickwrightError):
    """The venue broke its protocol: the link is dropped and its orders are reconciled."""


class LocalError(TickwrightError):
    """A bug of ours: trading halts and the records are kept."""
