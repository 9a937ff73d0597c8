"""What goes wrong on the way to a venue, in a whole run: a link that breaks, a book that has lost something, an
acknowledgement that never comes, frames that nobody can read. Afterwards the run knows what the venue knows.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

import trio
from attrs import define

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.conformance.mutants import by_structure
from tickwright.adapters.conformance.samples import chosen, read_by
from tickwright.adapters.conformance.script import MIDDLE, Cancel, Levels, Place
from tickwright.adapters.conformance.trial import (
    Known,
    Street,
    Trial,
    adapter_of,
    asked,
    config_of,
    serving,
    trial,
    wires_to,
)
from tickwright.adapters.conformance.under_test import Peer, VenueUnderTest
from tickwright.adapters.fault_rules import Restart, Rule
from tickwright.adapters.fault_script import parse_script
from tickwright.engine.events import BookLost, MessageRefused, Traded
from tickwright.engine.order import Order
from tickwright.engine.terms import OrderState
from tickwright.engine.times import SECOND

READY_S: Final = 30.0
AWAY_S: Final = 5.0
SETTLE_S: Final = 90.0
"""Longer than a sweep, and than every pause between two tries to connect."""
NOTICE_S: Final = 40.0
QUIET_S: Final = 60.0
WATCHED_S: Final = 20.0
FRAMES: Final = 60
KINDS: Final = 6
TRIES: Final = 15
TRY_S: Final = 4.0
DEEP: Final = 5
"""Ticks between two levels of the street."""


@define(eq=False)
class Trouble:
    """A run across the wire, with the street and the local venue at hand."""

    one: Trial
    peer: Peer
    street: Street
    lots: int

    def place(self, side: int, ticks: int) -> Order:
        """Ask for an order that can rest."""
        self.one.command(Place(side=side, ticks=ticks, lots=self.lots))
        return self.one.strategy.asked[-1]

    def stir(self, count: int) -> None:
        """Change `count` levels of the street far from the touch, each a message of the book's feed."""
        for number in range(count):
            ticks = MIDDLE - 40 * DEEP - number
            self.street.level(1, ticks, self.lots + number)

    def inject(self, text: str) -> None:
        """Add a rule of faults, its times counted from now."""
        for rule in parse_script(f"faults: [{{{text}}}]").rules:
            self.peer.inject(rule)

    def frames(self, order: Order) -> int:
        """How often the venue received a new order of this id."""
        return sum(each.kind == "new" and each.client_order_id == order.client_order_id for each in self.peer.received)

    async def until(self, true: Callable[[], bool], within: float, what: str) -> float:
        return await self.one.until(true, within, what)

    async def rests(self, what: str) -> None:
        """Have an order rest. A venue that has forgotten who we are refuses until we have proved it again, for which
        a one-time code may have to run out."""
        for _ in range(TRIES):
            order = self.place(-1, MIDDLE + 1)
            await trio.sleep(TRY_S)
            if order.state is OrderState.OPEN:
                return
        raise AssertionError(f"expected within {TRIES * TRY_S:g} s: {what}; {self.one.state()}")

    async def agreed(self, within: float = SETTLE_S) -> None:
        """Wait until the run and the venue say the same of everything; no order was sent twice."""
        try:
            await self.until(lambda: not self.differences(), within, "that the run knows what the venue knows")
        except AssertionError as error:
            raise AssertionError(f"{error}; they differ: {'; '.join(self.differences())}") from None
        counts = Counter(each.client_order_id for each in self.peer.received if each.kind == "new")
        twice = {name: count for name, count in counts.items() if count > 1}
        assert not twice, f"expected each order to be sent once, the venue received {twice}"

    def differences(self) -> list[str]:
        """In what the run differs from the venue just now, in words."""
        run = self.one.run
        link = run.parts.floor.venues[run.wires[0].venue]
        found = [] if link.up and link.reconciled else ["the link is not up and reconciled"]
        orders = run.parts.core.orders
        ours = {order.client_order_id: order.leaves_lots for order in orders.open_orders()}
        theirs = {order.client_order_id: order.leaves for order in self.peer.exchange.open_orders()}
        if ours != theirs:
            found.append(f"open orders: {ours} here, {theirs} at the venue")
        executed: Counter[str] = Counter()
        for each in self.peer.executed:
            executed[each.order.client_order_id] += each.lots
        for name, lots in executed.items():
            order = orders.by_client_order_id(name)
            if order is None or order.cum != lots:
                found.append(f"{name}: executed {None if order is None else order.cum} here, {lots} at the venue")
        if not self.books_agree():
            found.append(f"the book here is {run.parts.core.markets[0].book!r}")
        return found

    def books_agree(self) -> bool:
        """Whether our book is live and has the venue's levels."""
        book = self.one.run.parts.core.markets[0].book
        levels: Counter[tuple[int, int]] = Counter()
        for order in self.peer.exchange.resting(self.street.symbol):
            levels[order.side, order.ticks] += order.leaves
        same = all(book.size_at(side, ticks) == lots for (side, ticks), lots in levels.items())
        return book.health.name == "LIVE" and same and book.bids.n + book.asks.n == len(levels)


@asynccontextmanager
async def troubled(venue: VenueUnderTest, folder: Path) -> AsyncIterator[Trouble]:
    """A run that is ready to trade: link up, reconciled, book live."""
    known = await asked(venue, folder / "ask")
    pair = known.instrument
    config = config_of(venue, folder / "run", "live", pair.base, pair.quote)
    key = adapter_of(venue.adapter).name
    async with serving(venue) as peer:
        street = Street(peer, venue.symbol)
        lots = least_lots(known)
        street.play(
            Levels(
                changes=tuple((side, MIDDLE - side * (3 + DEEP * i), 9 * lots) for side in (1, -1) for i in range(5))
            )
        )
        async with trial(config, {key: peer.announcement()}, wires_to(peer)) as one:
            trouble = Trouble(one, peer, street, lots)
            await trouble.agreed(READY_S)
            yield trouble
            assert not one.strategy.shown, (
                f"expected live books alone to be shown, the strategy saw {one.strategy.shown}"
            )


def least_lots(known: Known) -> int:
    """A quantity that the venue takes, and of which a part can be executed."""
    pair = known.instrument
    least = pair.min_notional / (pair.price(MIDDLE) * pair.lot_size * pair.multiplier)
    return max(int(least) + 1, pair.lots(pair.min_qty), 1) * 10


async def check_reconnect(venue: VenueUnderTest, folder: Path) -> None:
    """The venue goes away and comes back: we log in and subscribe again, ask what has happened, and trade on."""
    async with troubled(venue, folder) as it:
        resting = it.place(1, MIDDLE - 1)
        await it.until(lambda: resting.state is OrderState.OPEN, READY_S, "that an order rests")
        it.peer.do(Restart(memory=True, down=int(AWAY_S * SECOND)))
        await trio.sleep(1)
        link = it.one.run.parts.floor.venues[it.one.run.wires[0].venue]
        assert not link.up, "expected the run to hear that the link is down, it was not told so within 1 s"
        it.street.order(-1, it.lots // 2, MIDDLE - 1, rests=False)  # where it still stands there, it is met meanwhile
        it.stir(3)
        await it.agreed()
        await it.rests("that an order rests after the link came back")
        await it.agreed()


async def check_gap(venue: VenueUnderTest, folder: Path) -> None:
    """The feed of a book loses a message: the book is told as lost, read anew, and right again."""
    async with troubled(venue, folder) as it:
        it.inject(venue.gap)
        for _ in range(int(NOTICE_S)):
            it.stir(10)
            await trio.sleep(0.5)
            it.street.level(1, MIDDLE - 40 * DEEP, 0)
            await trio.sleep(0.5)
            if it.one.of(BookLost):
                break
        lost = it.one.of(BookLost)
        assert lost, (
            f"expected BookLost within {NOTICE_S:g} s of a book that lost a message ({venue.gap}), received none"
        )
        assert lost[0].reason, "expected BookLost to say why, received no reason"
        await it.agreed()


LOST: Final = {
    "disconnect": "fault: lost_ack, then: disconnect, times: 1",
    "silence": "fault: lost_ack, then: stay, times: 1",
    "never arrived": "fault: drop, kinds: [new], direction: in, times: 1",
}
"""What becomes of an order whose acknowledgement does not come: the venue has it and the link breaks, or the link
stays; or the venue never got it."""


async def check_lost_ack(venue: VenueUnderTest, folder: Path, how: str) -> None:
    """An acknowledgement does not come: what became of the order is found by asking, and it is never sent again."""
    async with troubled(venue, folder) as it:
        it.inject(LOST[how])
        order = it.place(1, MIDDLE - 1)
        arrived = how != "never arrived"
        await trio.sleep(1)
        assert it.frames(order) == arrived, f"expected {int(arrived)} frames at the venue, it has {it.frames(order)}"
        assert not order.acked, "expected the acknowledgement to be lost, the order has it"
        if how == "silence":
            await it.until(lambda: order.acked, NOTICE_S, "the order to be found by asking")
        it.stir(1)  # what else was swallowed shows with the next message
        await it.agreed()
        await trio.sleep(QUIET_S)
        await it.agreed()
        assert it.frames(order) == arrived, f"expected no second frame of the order, the venue has {it.frames(order)}"
        if not arrived:
            assert order.terminal, f"expected an order that never arrived to end, it is {order.state.name}"
        elif order.state is OrderState.OPEN:
            it.one.command(Cancel(which=0))
            await it.until(lambda: order.state is OrderState.CANCELED, READY_S, "that it can be cancelled")
        await it.agreed()


def unreadable(venue: VenueUnderTest, random: Random) -> list[str]:
    """Mutants of some samples that their reader refuses: what is understood is no fault, and might be believed."""
    samples = [one for one in chosen(venue) if one.direction == "in"]
    found = []
    for one in random.sample(samples, min(len(samples), KINDS)):
        read, _ = read_by(venue, one)
        for text in random.sample(list(by_structure(one.message)), FRAMES // KINDS):
            try:
                read(text.encode("utf-8", "surrogatepass"))
            except BadMessage:
                found.append(text)
    return found


async def check_market_data(venue: VenueUnderTest, folder: Path) -> None:
    """On paper nobody logs in: the book and the trades of a lively market come, and are the venue's own."""
    known = await asked(venue, folder / "ask")
    pair = known.instrument
    config = config_of(venue, folder / "run", "paper", pair.base, pair.quote)
    key = adapter_of(venue.adapter).name
    async with (
        serving(venue, market="random", rate=20.0) as peer,
        trial(config, {key: peer.announcement()}, wires_to(peer)) as one,
    ):
        it = Trouble(one, peer, Street(peer, venue.symbol), 0)
        await it.until(it.books_agree, READY_S, "that the book is the venue's")
        await trio.sleep(WATCHED_S)
        assert one.run.live.intake.counts.book_changes > WATCHED_S, "expected changes of the book, received few"
        assert one.of(Traded), f"expected trades within {WATCHED_S:g} s, received none"
        assert not one.of(BookLost), f"expected no loss without a fault, received {one.of(BookLost)[:1]}"
        await it.until(it.books_agree, READY_S, "that the book is still the venue's")
        assert not peer.received, f"expected no order at the venue on paper, it received {peer.received[:1]}"


async def check_bad_frames(venue: VenueUnderTest, folder: Path) -> None:
    """Frames that cannot be read come over the link: each is counted and told with its field, and the run goes on."""
    texts = ["{", "[]", "", "[" * 100_000, *unreadable(venue, Random(11))]
    async with troubled(venue, folder) as it:
        order = it.place(1, MIDDLE - 1)
        await it.until(lambda: order.state is OrderState.OPEN, READY_S, "that an order rests")
        for text in texts:
            it.peer.inject(Rule(fault="inject", text=text, timed=True, times=1))
            await trio.sleep(0.25)
        told = it.one.of(MessageRefused)
        assert len(told) >= 3, f"expected frames that cannot be read to be told as refused, {len(told)} were"
        nameless = [each for each in told if not each.field]
        assert not nameless, f"expected each refusal to name a field, received {nameless[:3]}"
        await it.agreed()
        await it.rests("that an order rests after bad frames")
