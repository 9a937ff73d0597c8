"""Lists in pages: `limit`, `sort` and `cursor` of a query. A cursor is the number of the last row that was sent."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tickwright.adapters.tdx.mirror.orders import invalid
from tickwright.adapters.tdx.rest import PAGE_MAX

PAGE: Final = 20
FIRST: Final = "c2VsZg=="
_SORTS: Final = ("created_at-asc", "created_at-desc")

Query = Mapping[str, list[str]]


def one_page(query: Query, rows: Iterable[tuple[int, Any]]) -> tuple[list[Any], dict[str, str]]:
    """Some of the rows, which come with their numbers, in the order asked for; and the cursors around them.

    Raises:
        Refused: a limit, an order or a cursor that is none.
    """
    descending = _choice(query, "sort", _SORTS) == _SORTS[1]
    limit, after = _limit(query), _cursor(query)
    ordered = sorted(rows, key=lambda row: row[0], reverse=descending)
    if after is not None:
        ordered = [row for row in ordered if (row[0] < after if descending else row[0] > after)]
    page = ordered[:limit]
    more = len(ordered) > limit
    cursors = {
        "self": (query.get("cursor") or [""])[0] or FIRST,
        "first": FIRST,
        "last": "",
        "next": base64.b64encode(f"after:{page[-1][0]}".encode()).decode() if more else "",
        "previous": "",
    }
    return [row for _, row in page], cursors


def _choice(query: Query, name: str, allowed: tuple[str, ...]) -> str:
    value = (query.get(name) or [allowed[0]])[0]
    if value not in allowed:
        raise invalid(f"{name}: expected {' or '.join(allowed)}", "INCORRECT_PARAMETER_VALUE")
    return value


def _limit(query: Query) -> int:
    text = (query.get("limit") or [str(PAGE)])[0]
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or not 1 <= int(text) <= PAGE_MAX:
        raise invalid(f"limit: expected 1 to {PAGE_MAX}", "INCORRECT_PARAMETER_VALUE")
    return int(text)


def _cursor(query: Query) -> int | None:
    text = (query.get("cursor") or [""])[0]
    if text in ("", FIRST):
        return None
    try:
        word, _, number = base64.b64decode(text, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        word = number = ""
    if word != "after" or not re.fullmatch(r"[0-9]{1,18}", number, re.ASCII):
        raise invalid("cursor: expected one from an earlier page", "INCORRECT_PARAMETER_VALUE")
    return int(number)
