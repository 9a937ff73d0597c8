"""Our venue and the local exchange, through session, link, codec and HTTP, over streams in memory on a virtual clock.

Both sides are ours and share our reading of the documents: this shows that they agree with each other in every
spelling that the documents allow, and that nothing is lost between them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import trio
from attrs import define
from mirror_rig import local_venue
from wire_peers import Box

from tickwright.adapters.fault_script import parse_script
from tickwright.adapters.session import Timing
from tickwright.adapters.tdx.mirror import Venue
from tickwright.adapters.tdx.venue import TdxVenue, make
from tickwright.engine.adapter import Site
from tickwright.engine.book import Book
from tickwright.engine.events import (
    BookChanged,
    LinkChanged,
    MessageRefused,
    OrderAccepted,
    OrderCanceled,
    OrderExecuted,
    OrderRejected,
    QueryWanted,
    SendFailed,
    Traded,
)
from tickwright.engine.instrument import Instrument
from tickwright.engine.keeping import take_facts, take_terms
from tickwright.engine.order import Order, Working, priced_order
from tickwright.engine.secret import Secret
from tickwright.engine.terms import BUY, GTC, IOC, SELL, Side, TimeInForce
from tickwright.engine.times import SECOND
from tickwright.engine.wire import Standing

BTC = "BTC/CHF.TDX"


class LocalClock:
    """The local venue's own clock, so that both sides agree on the time."""

    def __init__(self, venue: Venue) -> None:
        self._now = venue.now

    def now(self) -> int:
        return self._now()

    wall = now


@define
class Desk:
    """One of our venues, logged in as one account of the local exchange."""

    venue: TdxVenue
    box: Box
    instrument: Instrument
    clock: LocalClock

    def order(self, name: str, side: int, price: str, size: str, tif: int = GTC, post_only: bool = False) -> Order:
        ticks, lots = self.instrument.ticks(price or "1"), self.instrument.lots(size)
        made = priced_order(Book(self.instrument), name, 1, side, lots, ticks, None, None)
        now = self.clock.now()
        terms = {
            "strategy": "", "side": Side(side).name, "type": "LIMIT" if price else "MARKET", "has_price": bool(price),
            "time_in_force": TimeInForce(tif).name, "post_only": post_only, "created_ts": now,
        }  # fmt: skip
        take_terms(made, terms, -1, None, Working())
        take_facts(made, {"state": "PENDING_NEW", "lots": lots, "ticks": ticks, "sent": True, "sent_ts": now}, now)
        return made

    def told(self, name: str) -> list[str]:
        """What was told of one order, in order."""
        known = {event.venue_order_id for event in self.box.of(OrderAccepted) if event.client_order_id == name}
        found = []
        for event in self.box.events:
            # A fill may come before the venue has said which order of ours its id means.
            early = not getattr(event, "client_order_id", "?") and event.venue_order_id in known
            if early or getattr(event, "client_order_id", "") == name:
                found.append(type(event).__name__)
        return found


@asynccontextmanager
async def desk(local: Venue, account: int = 0, **settings: Any) -> AsyncIterator[Desk]:
    async def dial(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        if local.down:
            raise ConnectionRefusedError("the venue is away")
        return local.open_stream()

    person = local.accounts[account]
    secrets = {name: Secret(text) for name, text in person.credentials().items() if isinstance(text, str)}
    site = Site(
        venue="TDX",
        url="ws://127.0.0.1:1/api/ws/v1/streams",
        http_url="http://127.0.0.1:1/api/rest/v1",
        loopback=True,
        insecure=True,
        trading=True,
        instruments=(BTC,),
        settings={"sub_account_id": person.sub_account_id, "messages_per_s": 1000, "requests_per_s": 1000} | settings,
        credentials=secrets,
    )
    clock = LocalClock(local)
    venue = make(site, clock, random=Random(account), dial=dial, timing=Timing(pause_most=2.0))
    found = await venue.instruments([BTC])
    made = Desk(venue, Box(), found[BTC], clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(venue.run, made.box)
        await made.box.wait_for(BookChanged)
        yield made
        nursery.cancel_scope.cancel()


SPELLINGS = [
    {},
    {"legacy_ns": True, "omit_aggressor": True, "book_order": "ascending"},
    {"wrap": "items", "alt_unsubscribe_name": True, "order_events_as_array": True},
    {"status_style": "X", "execution_order": "order_before_fill", "orders_list": "open"},
    {"status_style": "CANCELED", "orders_on_subscribe": True, "open_before_fills": False},
]


@pytest.mark.parametrize("entry", ["websocket", "rest"])
@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda spelling: "+".join(spelling) or "current")
async def test_orders_live_and_end_alike_in_every_spelling(autojump_clock, spelling, entry):
    async with (
        local_venue(accounts=2, **spelling) as local,
        desk(local, 0, order_entry=entry) as ours,
        desk(local, 1) as theirs,
    ):
        resting = ours.order("a-1", BUY, "50000", "0.5")
        ours.venue.submit(resting)
        (accepted,) = await ours.box.wait_for(OrderAccepted)
        known = {"state": "OPEN", "lots": resting.lots, "ticks": resting.ticks, "sent": True, "acked": True}
        known |= {"sent_ts": resting.sent_ts, "venue_order_id": accepted.venue_order_id}
        take_facts(resting, known, resting.sent_ts)
        theirs.venue.submit(theirs.order("b-1", SELL, "50000", "0.2"))
        (part,) = await ours.box.wait_for(OrderExecuted)
        assert (part.client_order_id, part.lots, part.stated_cum) == ("a-1", resting.lots * 2 // 5, part.lots)
        assert part.fee is not None
        assert part.fee > 0
        (live,) = await ours.venue.open_orders()
        assert (live.client_order_id, live.standing, live.cum) == ("a-1", Standing.LIVE, part.lots)
        ours.venue.cancel(resting, 1)
        (ended,) = await ours.box.wait_for(OrderCanceled)
        assert (ended.client_order_id, ended.stated_cum) == ("a-1", part.lots)

        ours.venue.submit(ours.order("a-2", BUY, "50001", "0.1"))
        await ours.box.wait_for(OrderAccepted, 2)
        theirs.venue.submit(theirs.order("b-2", SELL, "50002", "0.1", post_only=True))
        await theirs.box.wait_for(OrderAccepted, 1)
        theirs.venue.submit(theirs.order("b-3", SELL, "50001", "0.1", post_only=True))  # would take: refused
        theirs.venue.submit(theirs.order("b-4", SELL, "50001", "0.3", tif=IOC))
        theirs.venue.submit(theirs.order("b-5", BUY, "", "0.05"))
        await trio.sleep(1)
        assert ours.told("a-2") == ["OrderAccepted", "OrderExecuted"]
        assert sorted(set(theirs.told("b-4"))) == ["OrderAccepted", "OrderCanceled", "OrderExecuted"]
        assert theirs.told("b-3")[-1] in ("OrderRejected", "OrderCanceled")
        assert "OrderExecuted" in theirs.told("b-5")

        await same_in_the_end(local, ours, theirs)


async def same_in_the_end(local: Venue, *desks: Desk) -> None:
    """What each desk heard is what it is told when it asks, and what the exchange's own record says."""
    sent = [received.client_order_id for received in local.received if received.kind == "new"]
    assert len(sent) == len(set(sent))
    for one in desks:
        heard = {(event.venue_order_id, event.trade_id): event.lots for event in one.box.of(OrderExecuted)}
        assert len(heard) == len(one.box.of(OrderExecuted))
        asked = {(facts.venue_order_id, facts.trade_id): facts for facts in await one.venue.trades(0)}
        assert heard == {key: facts.lots for key, facts in asked.items()}
        assert {facts.client_order_id for facts in asked.values()} <= set(sent)
        costs = [event.fee for event in one.box.of(OrderExecuted)]
        assert sum(costs) == sum(facts.fee for facts in asked.values())
        assert all(event.fee_currency == "CHF" for event in one.box.of(OrderExecuted))
        assert one.box.of(MessageRefused) == one.box.of(QueryWanted) == one.box.of(SendFailed) == []
        held = await one.venue.holdings()
        money = (
            sum(((event.side * event.lots * event.ticks) for event in one.box.of(OrderExecuted)), start=0)
            * one.instrument.value_unit
        )
        begun = Decimal(10_000_000)
        assert held["CHF"] == begun - sum(costs) - Decimal(money.numerator) / Decimal(money.denominator)


async def test_the_market_data_are_the_venues_own_book(autojump_clock):
    async with local_venue(market="random", seed=5) as local, desk(local) as ours:
        book = Book(ours.instrument)
        await trio.sleep(30)
        for event in ours.box.of(BookChanged):
            if event.snapshot:
                book.clear()
            for side, ticks, lots in event.changes:
                book.apply(side, ticks, lots)
            book.settle(event.ts)
        statistics = ours.venue.statistics()[0]
        assert (statistics.gaps, statistics.bad) == (0, 0)
        assert len(ours.box.of(Traded)) > 5
        assert book.bid < book.ask


async def test_a_short_lived_token_never_keeps_an_order_waiting(autojump_clock):
    life = {"token_life_ns": 20 * SECOND, "session_life_ns": 100 * SECOND, "expired_token_ends_stream": True}
    async with local_venue(accounts=2, **life) as local, desk(local, 0) as ours, desk(local, 1) as theirs:
        for number in range(20):
            ours.venue.submit(ours.order(f"a-{number}", BUY, "50000", "0.1"))
            await ours.box.wait_for(OrderAccepted, number + 1)
            theirs.venue.submit(theirs.order(f"b-{number}", SELL, "50000", "0.1"))
            await ours.box.wait_for(OrderExecuted, number + 1)
            await trio.sleep(17)
        await same_in_the_end(local, ours, theirs)
        assert [change.up for change in ours.box.of(LinkChanged)] == [True]


async def test_what_happened_while_the_link_was_down_is_found_by_asking(autojump_clock):
    async with local_venue(accounts=2) as local, desk(local, 0) as ours, desk(local, 1) as theirs:
        local.exchange  # noqa: B018 the record below is the exchange's own
        resting = ours.order("a-1", BUY, "50000", "0.5")
        ours.venue.submit(resting)
        await ours.box.wait_for(OrderAccepted)
        ours.venue._session.drop("a test wants it so")
        await trio.sleep(0.1)
        theirs.venue.submit(theirs.order("b-1", SELL, "50000", "0.2"))
        await trio.sleep(5)
        assert [change.up for change in ours.box.of(LinkChanged)] == [True, False, True]
        facts = await ours.venue.order(resting)
        assert facts is not None
        # The order had asked to end with its connection, and the local venue does as asked.
        assert facts.standing is Standing.CANCELED
        assert ours.box.of(OrderRejected) == []


STORMS = [
    "fault: drop, kinds: [fill, order, ack], probability: 0.3",
    "fault: duplicate, direction: out, probability: 0.5, copies: 3",
    "fault: reorder, direction: out, window: 5, probability: 0.5, kinds: [fill, order, ack]",
    "fault: delay, delay: 4s, jitter: 2s, kinds: [ack, order], probability: 0.5",
    "fault: corrupt, direction: out, probability: 0.05",
    "fault: gap, probability: 0.2",
    "fault: lost_ack, probability: 0.3",
    "fault: disconnect, probability: 0.05",
    "fault: cut_after_bytes, bytes: 90, kinds: [new], probability: 0.3",
    "fault: half_open, after: 10s, for: 25s",
    "fault: token_expiry, after: 7s",
    "fault: restart, after: 12s, down: 5s, memory: false",
    "fault: restart, after: 12s, down: 5s, memory: true",
    "fault: http_error, status: 503, probability: 0.4",
    "fault: http_error, kinds: [new], status: 429, retry_after: 2, probability: 0.5",
    "fault: act, action: unsolicited_cancel, after: 8s",
    "fault: inject, after: 5s, hex: 'c1 01 78'",
]


@pytest.mark.parametrize(
    ("storm", "entry"),
    [*((storm, "websocket") for storm in STORMS), *((storm, "rest") for storm in STORMS if "http_error" in storm)],
)
async def test_after_any_storm_asking_tells_what_the_venue_did(autojump_clock, storm, entry):
    """No order is sent twice, none that did not leave arrives, and the questions tell the venue's own record."""
    async with (
        local_venue(accounts=2, seed=3) as local,
        desk(local, 0, order_entry=entry) as ours,
        desk(local, 1) as theirs,
    ):
        for rule in parse_script("faults:\n  - {" + storm + "}").rules:
            local.inject(rule)
        for number in range(15):
            ours.venue.submit(ours.order(f"a-{number}", BUY, "50000", "0.3"))
            await trio.sleep(0.5)
            theirs.venue.submit(theirs.order(f"b-{number}", SELL, "50000", "0.2"))
            await trio.sleep(0.5)
            if number % 3 == 0:
                ours.venue.cancel(ours.order(f"a-{number}", BUY, "50000", "0.3"), number + 1)
        local.faults.stop()
        await trio.sleep(60)
        assert ours.venue.statistics()[1].connections >= 1
        assert [change.up for change in ours.box.of(LinkChanged)][-1]
        sent = [received.client_order_id for received in local.received if received.kind == "new"]
        assert len(sent) == len(set(sent))
        never = {
            told.client_order_id for told in ours.box.of(SendFailed) if "nothing was" in told.reason and not told.cancel
        }
        assert never.isdisjoint(sent)
        account = local.accounts[0]
        live = {order.client_order_id for order in local.exchange.open_orders(account)}
        assert {facts.client_order_id for facts in await ours.venue.open_orders()} == live
        trades = await ours.venue.trades(0)
        listed = {facts.trade_id: facts.lots for facts in trades}
        for name in set(sent) & {f"a-{number}" for number in range(15)}:
            facts = await ours.venue.order(ours.order(name, BUY, "50000", "0.3"))
            assert facts is not None or "restart" in storm
            if facts is not None:
                done = sum(each.lots for each in trades if each.venue_order_id == facts.venue_order_id)
                assert facts.cum == done
        if "memory: false" in storm:
            return  # the venue itself forgets what it did
        heard = {event.trade_id: event.lots for event in ours.box.of(OrderExecuted)}
        assert heard.items() <= listed.items()
