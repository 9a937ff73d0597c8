"""HTTP requests under faults: late, lost before or after they are carried out, twice, damaged, or answered wrongly."""

import math
from typing import Final

import trio
from attrs import evolve

from tickwright.adapters.fault_rules import HTTP, IN, OUT, Cut, Deed, Disconnect, HttpError, Passing, Stall, Swallow
from tickwright.adapters.local.house import House, HttpAnswer, HttpRequest
from tickwright.engine.times import SECOND

UPGRADE_ALLOWED: Final = 101


async def under_faults(venue: House, request: HttpRequest, kind: str = "") -> HttpAnswer | None:
    """The answer to a request; None where the connection ends without one. `kind` is told for upgrades only."""
    kind = kind or venue.tongue.request_kind(request)
    faults = venue.faults
    if faults.idle:
        return _carried_out(venue, request, kind)
    told = Passing(direction=IN, kind=kind, via=HTTP, text=request.body.decode("latin-1"), key=request.target)
    verdict = faults.passing(told, venue.mono())
    lost = not verdict.copies
    for deed in verdict.deeds:
        if isinstance(deed, HttpError):
            return _error(venue, deed)
        if isinstance(deed, Disconnect | Cut) and not (isinstance(deed, Disconnect) and deed.performed):
            return None
        lost = lost or isinstance(deed, Disconnect | Swallow)
        await _do(venue, deed)
    answer = None
    for delay, body in verdict.copies:
        await trio.sleep(delay / SECOND)
        answer = _carried_out(venue, evolve(request, body=body.encode("latin-1", "replace")), kind)
    return None if lost or answer is None else await _answered(venue, answer, kind, request.target)


async def _answered(venue: House, answer: HttpAnswer, kind: str, target: str) -> HttpAnswer | None:
    """An answer on its way out."""
    told = Passing(direction=OUT, kind=kind, via=HTTP, text=answer.body.decode(), key=target)
    verdict = venue.faults.passing(told, venue.mono())
    for deed in verdict.deeds:
        if isinstance(deed, HttpError):
            return _error(venue, deed)
        if isinstance(deed, Disconnect | Cut | Swallow):
            return None
        await _do(venue, deed)
    if not verdict.copies:
        return None
    delay, body = verdict.copies[0]
    await trio.sleep(delay / SECOND)
    return evolve(answer, body=body.encode("utf-8", "replace"))


async def _do(venue: House, deed: Deed) -> None:
    if isinstance(deed, Stall):
        await trio.sleep(deed.length / SECOND if deed.length else math.inf)
    elif not isinstance(deed, Disconnect | Cut | Swallow):
        venue.do(deed)


def _carried_out(venue: House, request: HttpRequest, kind: str) -> HttpAnswer:
    return HttpAnswer(status=UPGRADE_ALLOWED, body=b"") if kind == "upgrade" else venue.answer(request)


def _error(venue: House, deed: HttpError) -> HttpAnswer:
    headers = (("Retry-After", str(deed.retry_after)),) if deed.retry_after else ()
    return evolve(venue.tongue.refusal(deed.status, f"asked to answer {deed.status}"), headers=headers)
