"""Requests for quotes of our own over the link: entered, refreshed in time, looked up after a reconnect, taken back."""

import json
from typing import Any

import pytest
from pt_frames import ETH, LISTED, T0, accepted, cancelled, event, frame, reply

from tickwright.adapters.powertrade.link import Link
from tickwright.engine.events import LinkChanged, QuotesAsked, RequestForQuote
from tickwright.engine.terms import Side
from tickwright.engine.times import SECOND

MINUTE = 60 * SECOND
NAME = "tw01q-1"
NOT_FOUND = "exchange order id or client order id not found in order cache"


def linked(at: int = T0, link: Link | None = None) -> Link:
    link = link or Link(venue="POWERTRADE", listed=LISTED, trading=True, rfqs=True)
    link.opened(at)
    login = json.loads(link.login("jwt", at))["authenticate"]["user_tag"]
    assert link.receive(reply(login), at)[-1] == LinkChanged(venue="POWERTRADE", up=True, ts=at)
    return link


def said(link: Link, at: int) -> list[tuple[str, dict[str, Any]]]:
    """What the link writes about requests and orders."""
    frames = [next(iter(json.loads(text).items())) for text in link.outgoing(at)]
    return [(name, body) for name, body in frames if name in ("new_order", "refresh_interest", "cancel_order")]


def passes(link: Link, since: int, until: int) -> list[tuple[int, str, dict[str, Any]]]:
    """What is written while time goes by on a link that hears something every ten seconds, in seconds after T0."""
    found = []
    for at in range(since, until, 10 * SECOND):
        link.receive(frame("heartbeat", timestamp="1"), at)
        found += [((at - T0) // SECOND, name, body) for name, body in said(link, at)]
    return found


def refreshed(reason: str = "success", tag: str = "none", order_id: str = "") -> str:
    return frame(
        "refresh_response", server_utc_timestamp="1", order_id=order_id, client_order_id="" if order_id else NAME,
        user_tag=tag, reason=reason,
    )  # fmt: skip


def asked(link: Link, minutes: int = 90) -> None:
    said(link, T0)
    assert link.asks.enter(NAME, ETH, Side.BUY, 250, T0 + minutes * MINUTE, T0, 0) == []
    ((name, body),) = said(link, T0)
    assert name == "new_order"
    assert body["market_id"] == "none"
    assert (body["symbol"], body["side"], body["quantity"], body["client_order_id"]) == ("ETH-USD", "buy", "0.25", NAME)
    assert (body["type"], body["time_in_force"], body["recv_window"]) == ("LIMIT", "GTC", str(minutes // 10))
    assert "price" not in body


def told(is_open: bool, reason: str = "", at: int = T0) -> list[QuotesAsked]:
    return [QuotesAsked(venue="POWERTRADE", client_order_id=NAME, open=is_open, reason=reason, ts=at)]


def stands(minutes: int = 90) -> Link:
    link = linked()
    asked(link, minutes)
    assert link.receive(accepted(NAME, market_id="none", price="none"), T0) == told(True)
    return link


def test_a_request_is_refreshed_after_twenty_minutes_and_taken_back_at_its_end():
    link = stands(minutes=50)
    at = T0 + 20 * MINUTE
    first = passes(link, T0, at + SECOND)
    assert [(at, name, body["order_id"]) for at, name, body in first] == [(1200, "refresh_interest", "9300001")]
    assert link.receive(refreshed(tag=first[0][2]["user_tag"], order_id="9300001"), at) == []
    second = passes(link, at, at + 20 * MINUTE + SECOND)
    assert [(at, name) for at, name, _ in second] == [(2400, "refresh_interest")]
    link.receive(refreshed(order_id="9300001"), T0 + 40 * MINUTE)
    end = passes(link, T0 + 40 * MINUTE, T0 + 50 * MINUTE + 5 * SECOND)
    assert [(at, name, body["order_id"]) for at, name, body in end] == [(3000, "cancel_order", "9300001")]
    at = T0 + 3001 * SECOND
    assert link.receive(cancelled(NAME, "user_cancelled", market_id="none"), at) == told(False, "user_cancelled", at)
    assert passes(link, at, at + 60 * MINUTE) == []


def test_nothing_of_a_request_reaches_the_orders():
    link = stands()
    link.receive(refreshed(), T0)
    link.receive(cancelled(NAME, "timeout"), T0)
    link.receive(cancelled(NAME, "timeout"), T0)  # and once more, when it is over
    link.receive(refreshed(NOT_FOUND), T0)
    assert link.take_notices() == []
    assert link.asks.due() > T0 + 1000 * MINUTE


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda tag: event("order_rejected", client_order_id=NAME, reason="invalid_legs"), "invalid_legs"),
        (lambda tag: reply(tag, "16", "invalid parameters"), "invalid parameters (code 16)"),
    ],
)
def test_a_refusal_ends_it_and_it_is_not_entered_again(answer, reason):
    link = linked()
    said(link, T0)
    link.asks.enter(NAME, ETH, Side.BUY, 250, T0 + 90 * MINUTE, T0, 0)
    ((_, body),) = said(link, T0)
    assert link.receive(answer(body["user_tag"]), T0) == told(False, reason)
    assert link.take_notices() == []
    assert passes(link, T0, T0 + 90 * MINUTE) == []


def test_without_a_link_nothing_is_sent():
    link = Link(venue="POWERTRADE", listed=LISTED, trading=True)
    (event,) = link.asks.enter(NAME, ETH, Side.BUY, 250, T0 + MINUTE, T0, 0)
    assert not event.open
    assert said(linked(link=link), T0) == []


def test_after_a_reconnect_it_is_looked_up_and_forgotten_where_it_is_not_found():
    link = stands()
    at = T0 + MINUTE
    link.closed(at, "test")
    assert link.outgoing(at) == []
    linked(at, link)
    ((name, body),) = said(link, at)
    assert (name, body["order_id"]) == ("refresh_interest", "9300001")
    gone = frame(
        "refresh_response", order_id="9300001", client_order_id="", user_tag=body["user_tag"], reason=NOT_FOUND
    )
    assert link.receive(gone, at) == told(False, NOT_FOUND, at)
    assert passes(link, at, at + 60 * MINUTE) == []


def test_what_was_withdrawn_while_the_link_was_down_is_cancelled_when_it_is_up():
    link = stands()
    link.closed(T0 + MINUTE, "test")
    link.asks.withdraw(NAME, T0 + MINUTE)
    assert link.outgoing(T0 + MINUTE) == []
    linked(T0 + 2 * MINUTE, link)
    ((name, body),) = said(link, T0 + 2 * MINUTE)
    assert (name, body["order_id"]) == ("cancel_order", "9300001")


def test_an_entry_without_an_answer_is_asked_for_by_our_name():
    link = linked()
    asked(link)
    ((at, name, body),) = passes(link, T0, T0 + 11 * SECOND)
    assert (at, name, body["client_order_id"]) == (10, "refresh_interest", NAME)
    late = T0 + 12 * SECOND
    assert link.receive(refreshed(), late) == told(True, "", late)


def test_a_venue_that_answers_no_more_has_let_it_go_after_half_an_hour():
    link = stands()
    events: list[object] = []
    for at in range(T0, T0 + 32 * MINUTE, 10 * SECOND):
        link.receive(frame("heartbeat", timestamp="1"), at)
        link.outgoing(at)
        events += link.take_events()
    assert [(one.open, one.reason) for one in events if isinstance(one, QuotesAsked)] == [(False, "it has run out")]


def test_our_own_request_is_not_told_as_somebody_elses():
    link = linked()
    asked(link)
    shown = {"market_id": "none", "side": "buy", "price": "none"}
    assert link.receive(event("order_added", order_id="9300001", quantity="0.25", **shown), T0) == []
    link.receive(accepted(NAME, market_id="none"), T0)
    (other,) = link.receive(event("order_added", order_id="9300002", quantity="0.25", **shown), T0)
    assert isinstance(other, RequestForQuote)
    assert link.receive(event("order_added", order_id="9300001", quantity="0.25", **shown), T0) == []
