"""Books without sequence numbers: kept order by order, lost by contradiction, read anew over a new connection."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pt_frames import ETH, LISTED, T0, event, frame, reply, row, snapshot

from tickwright.adapters.powertrade.link import Link
from tickwright.adapters.powertrade.notices import Reconnect
from tickwright.engine.events import BookChanged, BookLost, LinkChanged, RequestForQuote, Traded
from tickwright.engine.terms import BUY, SELL, Health, Side
from tickwright.engine.times import SECOND

BOOK = ([row("1", "2500.10", "1.5"), row("2", "2500.10", "0.5")], [row("3", "2500.90", "0.7")])


def opened(**said) -> Link:
    link = Link(venue="POWERTRADE", listed=LISTED, **said)
    assert link.opened(T0) == [LinkChanged(venue="POWERTRADE", up=True, ts=T0)]
    for text in link.outgoing(T0):
        ((name, body),) = json.loads(text).items()
        assert name in ("subscribe", "register_for_rfqs")
        link.receive(reply(body["user_tag"]), T0)
    return link


def live(**said) -> Link:
    link = opened(**said)
    (book,) = link.receive(snapshot(*BOOK), T0)
    assert book.snapshot
    assert set(book.changes) == {(BUY, 50002, 2000), (SELL, 50018, 700)}
    return link


def changes(link: Link, text: str, at: int = T0) -> tuple:
    (changed,) = [told for told in link.receive(text, at) if isinstance(told, BookChanged)]
    return changed.changes


def test_orders_are_told_on_as_levels():
    link = live()
    assert changes(link, event("order_added", side="buy", order_id="4", price="2500.10", quantity="1")) == (
        (BUY, 50002, 3000),
    )
    assert changes(link, event("order_deleted", side="buy", order_id="1")) == ((BUY, 50002, 1500),)
    moved = event("order_updated", side="buy", old_order_id="4", new_order_id="5", price="2500.05", quantity="0.25")
    assert set(changes(link, moved)) == {(BUY, 50002, 500), (BUY, 50001, 250)}
    same = event("order_updated", side="buy", old_order_id="5", new_order_id="5", price="2500.05", quantity="0.2")
    assert changes(link, same) == ((BUY, 50001, 200),)
    traded, changed = link.receive(
        event("order_executed", side="sell", order_id="3", price="2500.90", quantity="0.2"), T0
    )
    assert isinstance(traded, Traded)
    assert (traded.taker, traded.ticks, traded.lots) == (Side.BUY, 50018, 200)
    assert changed.changes == ((SELL, 50018, 500),)
    rest = event("order_executed", side="sell", order_id="3", price="2500.90", quantity="0.5")
    assert changes(link, rest) == ((SELL, 50018, 0),)
    (anew,) = link.receive(snapshot([], [row("9", "2501", "1")]), T0)
    assert (anew.snapshot, anew.changes) == (True, ((SELL, 50020, 1000),))


CONTRADICTIONS = [
    event("order_added", side="buy", order_id="1", price="2500.00", quantity="1"),
    event("order_deleted", side="buy", order_id="7"),
    event("order_updated", side="buy", old_order_id="7", new_order_id="8", price="2500.00", quantity="1"),
    event("order_updated", side="buy", old_order_id="1", new_order_id="2", price="2500.00", quantity="1"),
    event("order_executed", side="buy", order_id="7", price="2500.10", quantity="1"),
    event("order_executed", side="buy", order_id="1", price="2500.10", quantity="1.501"),
    event("order_added", side="buy", order_id="8", price="2500.01", quantity="1"),
    event("order_added", side="buy", order_id="8", price="x", quantity="1"),
]


@pytest.mark.parametrize("text", CONTRADICTIONS)
def test_a_contradiction_loses_the_book_until_a_new_connection(text):
    link = live()
    (lost,) = [told for told in link.receive(text, T0) if isinstance(told, BookLost)]
    assert lost.health is Health.GAPPED
    assert link.statistics().books_live == 0
    assert link.receive(event("order_deleted", side="buy", order_id="2"), T0) == []
    link.take_notices()
    assert link.due() == T0 + SECOND
    link.outgoing(T0 + SECOND)
    (notice,) = link.take_notices()
    assert isinstance(notice, Reconnect)


def test_a_whole_book_that_comes_by_itself_spares_the_new_connection():
    link = live()
    link.receive(CONTRADICTIONS[1], T0)
    (anew,) = link.receive(snapshot(*BOOK), T0 + SECOND // 2)
    assert anew.snapshot
    link.outgoing(T0 + SECOND)
    assert [notice for notice in link.take_notices() if isinstance(notice, Reconnect)] == []


def test_a_book_that_is_lost_again_and_again_must_wait():
    link, at, waits = live(), T0, []
    for _ in range(6):
        link.receive(CONTRADICTIONS[1], at)
        link.take_notices()
        waits.append(next(iter(link.books.feeds.values())).renew_at - at)
        at += waits[-1]
        link.outgoing(at)
        assert any(isinstance(notice, Reconnect) for notice in link.take_notices())
        link.closed(at, "lost")
        link.opened(at)
        link.receive(snapshot(*BOOK), at)
    assert waits == [seconds * SECOND for seconds in (1, 2, 5, 10, 15, 15)]
    link.receive(CONTRADICTIONS[1], at + 300 * SECOND)
    assert next(iter(link.books.feeds.values())).renew_at == at + 301 * SECOND


def test_a_crossed_book_is_lost_after_a_second_and_not_before():
    link = live()
    crossing = event("order_added", side="buy", order_id="8", price="2500.90", quantity="1")
    link.receive(crossing, T0)
    link.outgoing(T0 + SECOND - 1)
    assert link.take_events() == []
    link.receive(event("order_deleted", side="buy", order_id="8"), T0 + SECOND - 1)
    link.outgoing(T0 + 2 * SECOND)
    assert link.take_events() == []
    link.receive(crossing, T0 + 3 * SECOND)
    link.outgoing(T0 + 4 * SECOND)
    (lost,) = link.take_events()
    assert (lost.instrument, lost.health) == (ETH.id, Health.GAPPED)


def test_before_its_snapshot_a_book_takes_nothing_and_a_missing_one_ends_the_connection():
    link = opened()
    assert link.receive(event("order_added", side="buy", order_id="1", price="2500", quantity="1"), T0) == []
    assert link.statistics().stale == 1
    for second in range(1, 11):
        link.receive(frame("heartbeat", server_utc_timestamp="1760000001100000"), T0 + second * SECOND)
        link.outgoing(T0 + second * SECOND)
    assert [type(notice) for notice in link.take_notices()] == [Reconnect]


def test_rfqs_never_reach_the_firm_book():
    link = live(rfqs=True)
    for market in ("none", "255"):
        texts = [
            event("order_added", side="sell", order_id="70", price="none", quantity="10", market_id=market),
            event("order_added", side="sell", order_id="1", price="2000", quantity="10", market_id=market),
            event("order_deleted", side="sell", order_id="1", market_id=market),
            event("order_updated", side="sell", old_order_id="70", new_order_id="71", price="1", quantity="1",
                  market_id=market),
            snapshot([row("80", "2600", "1")], [], market_id=market),
        ]  # fmt: skip
        told = [one for text in texts for one in link.receive(text, T0)]
        assert {type(one) for one in told} == {RequestForQuote}
    assert (
        link.receive(event("order_added", side="sell", order_id="1", price="1", quantity="1", market_id="2"), T0) == []
    )
    assert link.statistics().books_live == 1
    assert list(link.rfqs.open) == ["80"]
    assert changes(link, event("order_deleted", side="buy", order_id="1")) == ((BUY, 50002, 500),)


PACKAGE = "BTC-20270326-80000P@1/BTC-20270326-90000C@-2"


def rfq(name: str, order_id: str, **said: str) -> str:
    where = {"market_id": "none", "tradeable_entity_id": "88001", "symbol": PACKAGE}
    return event(name, side="buy", order_id=order_id, **{**where, **said})


def test_an_rfq_is_told_with_its_legs_and_its_end():
    link = opened(rfqs=True)
    (told,) = link.receive(rfq("order_added", "70", price="none", quantity="10.0"), T0)
    assert told.instrument == f"{PACKAGE}.POWERTRADE"
    assert told.legs == (("BTC-20270326-80000P.POWERTRADE", 1), ("BTC-20270326-90000C.POWERTRADE", -2))
    assert (told.side, told.qty, told.price, told.withdrawn) == (Side.BUY, 10, None, False)
    assert told.expires == told.venue_ts + 1800 * SECOND
    (gone,) = link.receive(rfq("order_deleted", "70"), T0)
    assert (gone.request_id, gone.withdrawn) == ("70", True)
    assert link.receive(rfq("order_deleted", "70"), T0) == []
    link.receive(rfq("order_added", "71", price="none", quantity="1"), T0)
    moved = link.receive(rfq("order_updated", "", old_order_id="71", new_order_id="72", price="-5", quantity="2"), T0)
    assert [(one.request_id, one.withdrawn) for one in moved] == [("71", True), ("72", False)]
    where = {"market_id": "none", "tradeable_entity_id": "88001", "symbol": PACKAGE}
    anew = link.receive(snapshot([row("73", "1", "1")], [], **where), T0)
    assert [(one.request_id, one.withdrawn) for one in anew] == [("72", True), ("73", False)]
    assert link.receive(snapshot([row("73", "1", "1")], [], **where), T0) == []
    (left, down) = link.closed(T0, "cut")
    assert (left.request_id, left.withdrawn, down.up) == ("73", True, False)


def test_who_did_not_register_hears_of_no_rfq():
    assert opened().receive(rfq("order_added", "70", price="none", quantity="1"), T0) == []


def test_deltas_and_plain_snapshots():
    link = opened(book="deltas")
    link.receive(snapshot([{"price": "2500.10", "quantity": "1"}, {"price": "2500.10", "quantity": "2"}], []), T0)
    delta = {"buy": {"add_price_level": [{"price": "2499.5", "quantity": "3.0"}], "delete_price_level": "2500.10"},
             "sell": {}}  # fmt: skip
    text = frame("deltas", symbol="ETH-USD", market_id="0", **delta)
    assert set(changes(link, text)) == {(BUY, 49990, 3000), (BUY, 50002, 0)}
    trade = event("trade", trade_id="1", price="2500.90", quantity="0.2")
    (traded,) = link.receive(trade, T0)
    assert (traded.taker, traded.trade_id) == (None, "1")
    assert link.receive(trade, T0) == []
    odd = frame("deltas", symbol="ETH-USD", market_id="0", buy={"add_order": []}, sell={})
    (lost,) = link.receive(odd, T0)
    assert isinstance(lost, BookLost)


def test_subscriptions_say_what_the_mode_wants():
    said = {}
    for mode in ("orders", "deltas", "snapshots"):
        link = Link(venue="POWERTRADE", listed=LISTED, book=mode, interval_ms=500)
        link.opened(T0)
        asked = [json.loads(text)["subscribe"] for text in link.outgoing(T0)]
        said[mode] = [(one["type"], one.get("interval")) for one in asked]
        assert len({one["user_tag"] for one in asked}) == len(asked)
    assert said == {
        "orders": [("snap_full_updates", "0")],
        "deltas": [("snap_with_deltas", "500"), ("trades", None)],
        "snapshots": [("snap_only", "500"), ("trades", None)],
    }


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(0, 5), st.integers(1, 5)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_levels_are_always_the_sums_of_the_orders_or_the_book_is_lost(steps):
    """What is told on, applied level by level, is the book of a reference that keeps orders in a dict."""
    link = live()
    orders = {"1": (BUY, 50002, 1500), "2": (BUY, 50002, 500), "3": (SELL, 50018, 700)}
    levels = {(BUY, 50002): 2000, (SELL, 50018): 700}
    for kind, number, tick, size in steps:
        name, price, quantity = str(number), f"{2500 - tick}.00", f"{size}"
        fits = name in orders
        match kind:
            case 0:
                text = event("order_added", side="buy", order_id=name, price=price, quantity=quantity)
                fits = name not in orders
            case 1:
                text = event("order_deleted", side="buy", order_id=name)
            case 2:
                text = event("order_updated", side="buy", old_order_id=name, new_order_id=name, price=price,
                             quantity=quantity)  # fmt: skip
            case _:
                text = event("order_executed", side="buy", order_id=name, price=price, quantity=quantity)
                fits = fits and orders[name][2] >= size * 1000
        told = link.receive(text, T0)
        if not fits:
            assert any(isinstance(one, BookLost) for one in told)
            return
        if kind == 1:
            del orders[name]
        elif kind in (0, 2):
            orders[name] = (BUY, (2500 - tick) * 20, size * 1000)
        else:
            side, ticks, lots = orders.pop(name)
            if lots > size * 1000:
                orders[name] = (side, ticks, lots - size * 1000)
        for one in told:
            if isinstance(one, BookChanged):
                levels |= {(side, ticks): lots for side, ticks, lots in one.changes}
        sums: dict = {}
        for side, ticks, lots in orders.values():
            sums[side, ticks] = sums.get((side, ticks), 0) + lots
        assert {key: lots for key, lots in levels.items() if lots} == sums
