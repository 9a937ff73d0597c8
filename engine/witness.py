"""How a run's inputs can be written down in the order in which they took effect, so that it can be run again.

Whatever changes the state of a live run enters it through a few plain calls: a step of the loop, an answer of a venue,
a word of a person, the end. `applied` marks them. A witness, where there is one, hears of each before it begins and
once it is over, and so knows what was done, in which order; together with what was read meanwhile from outside (the
clock, the journal's health) and what the adapters put into the inbox, this repeats the run. Calls within a marked call
follow from it, and are not told.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar


class Witness(Protocol):
    """Hears what a run is given."""

    def begin(self, place: str, what: str, arguments: tuple[Any, ...]) -> bool:
        """A marked call begins; whether it is to be told: one within another is not."""
        ...

    def end(self, raised: str) -> None:
        """It is over; `raised` says by which error, empty for none."""
        ...


class Witnessed(Protocol):
    """Has marked calls: `place` names it among others of the run, `witness` hears of them."""

    @property
    def place(self) -> str: ...

    @property
    def witness(self) -> Witness | None: ...


Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
Self = TypeVar("Self", bound=Witnessed)


def applied(
    method: Callable[Concatenate[Self, Arguments], Answer],
) -> Callable[Concatenate[Self, Arguments], Answer]:
    """Mark a method by which a run is given something. It must not wait, and its arguments must be plain values."""
    name = method.__name__

    @wraps(method)
    def told(self: Self, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        witness = self.witness
        if witness is None:
            return method(self, *args, **kwargs)
        given = args if not kwargs else inspect.signature(method).bind(self, *args, **kwargs).args[1:]
        if not witness.begin(self.place, name, given):
            return method(self, *args, **kwargs)
        raised = ""
        try:
            return method(self, *args, **kwargs)
        except BaseException as error:  # told and raised again
            raised = f"{type(error).__name__}: {error}"
            raise
        finally:
            witness.end(raised)

    return told
