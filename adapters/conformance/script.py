"""A seeded script of orders and market events that the simulator and a venue across the wire must play alike.

The market of a script is the *street*: everybody but us. A script knows the street's book exactly, because it states
whole levels, and puts right each level that an order of ours has taken from before anything else happens there. What
became of our own orders it does not know; it keeps the most that may still rest (`resting`), and where an outcome
would hang on that it is big enough to make the outcome certain.

Left out, because the two differ there by their nature (`docs/simulator.md` states each rule):

- A print through the price of an own order that is smaller than that order. The simulator fills all of it (whoever
  took there would have met us first); at a venue a taker has no more than it has.
- Own orders that meet own orders at the venue. The gate denies them (or cancels the older) in both.
- How many executions a level comes to: one in the simulator; at a venue one for each order there. The rig keeps the
  street's orders of a level in one unless an own order stands among them, and the script takes from no such level.
- A level from which an own order took stays reduced at a venue, and is whole again with its next row in the simulator:
  the script says after each taking order what the level is now.
- `DAY` at midnight, `reduce_only` and `GTD`: venues differ in what they do there, where they have such a thing.

What a venue's `Capability` does not list is not asked for: post-only orders, FOK, market orders.
"""

from random import Random

from attrs import Factory, define, frozen

from tickwright.engine.capability import Capability
from tickwright.engine.terms import FOK, GTC, IOC, OrderType, TimeInForce

MIDDLE = 104_000
"""Where the market begins, in ticks."""
LEVELS = 6
FEWEST = 4


@frozen(kw_only=True)
class Place:
    """An order of ours; `ticks` None takes at any price."""

    side: int
    ticks: int | None
    lots: int
    time_in_force: int = GTC
    post_only: bool = False


@frozen(kw_only=True)
class Cancel:
    """A cancel of the youngest order that the n-th one asked for has become."""

    which: int


@frozen(kw_only=True)
class Replace:
    """The same order at another price, or larger."""

    which: int
    ticks: int | None = None
    lots: int | None = None


Command = Place | Cancel | Replace


@frozen(kw_only=True)
class Levels:
    """The street's quantity at some prices, whole: (side, ticks, lots). `late` was sent before, and arrives after."""

    changes: tuple[tuple[int, int, int], ...]
    late: Cancel | Replace | None = None


@frozen(kw_only=True)
class Print:
    """Somebody takes at the best price, where the street then has `after` lots."""

    taker: int
    ticks: int
    lots: int
    after: int
    late: Cancel | Replace | None = None


Event = Command | Levels | Print


@define
class Mine:
    """An order of ours that may rest, at most so large."""

    which: int
    side: int
    ticks: int
    lots: int


@define
class Script:
    """Makes the events of one seed."""

    random: Random
    capability: Capability = Factory(Capability)
    events: list[Event] = Factory(list)
    books: dict[int, dict[int, int]] = Factory(lambda: {1: {}, -1: {}})
    resting: list[Mine] = Factory(list)
    asked: int = 0

    # --- what the script knows ------------------------------------------------------------------------------------

    def best(self, side: int) -> int:
        return max(self.books[side]) if side > 0 else min(self.books[side])

    def reach(self, side: int, ticks: int | None) -> list[int]:
        """The street's prices that an order of a side would take at, best first."""
        prices = sorted(self.books[-side], reverse=side < 0)
        return prices if ticks is None else [each for each in prices if side * (ticks - each) >= 0]

    def most(self, side: int, ticks: int, *, at: bool) -> int:
        """What may rest of ours on a side at better prices than this one, and at it where asked."""
        better = [each for each in self.resting if each.side == side and side * (each.ticks - ticks) > 0 - at]
        return sum(each.lots for each in better)

    def say(self, *changes: tuple[int, int, int], late: Cancel | Replace | None = None) -> None:
        """State levels of the street."""
        for side, ticks, lots in changes:
            if lots:
                self.books[side][ticks] = lots
            else:
                self.books[side].pop(ticks, None)
        self.events.append(Levels(changes=changes, late=late))

    def gone(self, side: int, ticks: int, *, at: bool) -> None:
        """No order of ours rests any more on a side at better prices than this one."""
        self.resting = [each for each in self.resting if each.side != side or side * (each.ticks - ticks) <= 0 - at]

    # --- the market -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """The first book."""
        rng = self.random
        self.say(*((side, MIDDLE - side * (3 + 2 * i), rng.randint(2, 40)) for side in (1, -1) for i in range(LEVELS)))

    def refill(self) -> None:
        """No side ever runs dry."""
        for side in (1, -1):
            while len(self.books[side]) < FEWEST:
                last = min(self.books[side]) if side > 0 else max(self.books[side])
                self.say((side, last - side * self.random.randint(1, 3), self.random.randint(5, 40)))

    def level(self) -> None:
        """One level more, less, or gone; it may appear in front, where it does not reach us."""
        rng = self.random
        side = rng.choice((1, -1))
        ticks = rng.choice([*self.books[side], self.best(side) + side * rng.randint(1, 3)])
        if side * (self.best(-side) - ticks) <= 0 or self.most(-side, ticks, at=True):
            return
        drop = ticks in self.books[side] and len(self.books[side]) > FEWEST and rng.random() < 0.3
        self.say((side, ticks, 0 if drop else rng.randint(1, 60)), late=self.late())

    def sell_out(self) -> None:
        """Somebody takes at the best price."""
        rng = self.random
        taker = rng.choice((1, -1))
        ticks = self.best(-taker)
        shown = self.books[-taker][ticks]
        lots = self.most(-taker, ticks, at=False) + rng.randint(1, 2 * shown)
        after = max(shown - lots, 0)
        self.events.append(Print(taker=taker, ticks=ticks, lots=lots, after=after, late=self.late()))
        self.gone(-taker, ticks, at=False)
        if after:
            self.books[-taker][ticks] = after
        else:
            del self.books[-taker][ticks]

    def meet(self) -> None:
        """Somebody wants to trade at our price: with all of us, and stays; or with some of us, and goes."""
        rng = self.random
        reachable = [each for each in self.resting if each.side * (each.ticks - self.best(each.side)) > 0]
        if not reachable:
            return
        ours = rng.choice(reachable)
        ticks = rng.choice((ours.ticks, max(ours.ticks - 1, self.best(1) + 1)))
        if ours.side < 0:
            ticks = rng.choice((ours.ticks, min(ours.ticks + 1, self.best(-1) - 1)))
        most = self.most(ours.side, ticks, at=True)
        if rng.random() < 0.5:
            lots = most + rng.randint(1, 20)
            self.say((-ours.side, ticks, lots), late=self.late())
            self.gone(ours.side, ticks, at=True)
            self.say((-ours.side, ticks, lots))
        else:
            self.say((-ours.side, ticks, rng.randint(1, most)), late=self.late())
            self.say((-ours.side, ticks, 0))

    # --- our orders -----------------------------------------------------------------------------------------------

    def place(self) -> None:
        """An order that rests, perhaps in front of everybody."""
        rng = self.random
        side = rng.choice((1, -1))
        best = self.best(side)
        inside = side * (self.best(-side) - best) - 1
        ticks = best + side * (rng.randint(1, inside) if inside > 0 and rng.random() < 0.4 else -rng.randint(0, 4))
        self.ask(Place(side=side, ticks=ticks, lots=rng.randint(1, 25), post_only=self.quietly()))

    def quietly(self) -> bool:
        """Whether an order shall never take, where the venue knows such orders."""
        return self.random.random() < 0.3 and self.capability.post_only

    def takers(self) -> tuple[str, ...]:
        """The kinds of orders that may take, of those that the venue knows."""
        able = self.capability
        known = {
            "post_only": able.post_only,
            "ioc": TimeInForce.IOC in able.times_in_force,
            "fok": TimeInForce.FOK in able.times_in_force,
            "market": OrderType.MARKET in able.types,
            "two": TimeInForce.IOC in able.times_in_force,
        }
        return ("gtc", *(kind for kind, has in known.items() if has))

    def take(self) -> None:
        """One or two orders that take, and what is left of the levels they reached."""
        rng = self.random
        side = rng.choice((1, -1))
        ticks = self.best(-side) + side * rng.randint(0, 5)
        ours = {each.ticks for each in self.resting if each.side == -side}
        if ours & self.books[-side].keys():
            return
        kind = rng.choice(self.takers())
        # Never all that there is: a book with one side is no book to trade on.
        lots = rng.randint(1, min(90, (sum(self.books[-side].values()) - 1) // (2 if kind == "two" else 1)))
        if kind == "gtc":
            prices = self.reach(side, ticks)
            emptied = lots >= sum(self.books[-side][each] for each in prices)
            if emptied and len(prices) + FEWEST > len(self.books[-side]):
                return
            self.ask(Place(side=side, ticks=ticks, lots=lots), rests=emptied)
            self.say(*((-side, each, 0 if emptied else self.books[-side][each]) for each in prices))
            return
        for _ in range(2 if kind == "two" else 1):
            tif = FOK if kind == "fok" else IOC
            limit = None if kind == "market" else ticks
            order = Place(side=side, ticks=limit, lots=lots, time_in_force=tif)
            if kind == "post_only":
                order = Place(side=side, ticks=ticks, lots=lots, post_only=True)
            self.ask(order, rests=False)
        self.say(*((-side, each, shown) for each, shown in self.books[-side].items()))

    def ask(self, order: Place, *, rests: bool = True) -> None:
        self.events.append(order)
        if rests and order.ticks is not None:
            self.resting.append(Mine(self.asked, order.side, order.ticks, order.lots))
        self.asked += 1

    def late(self) -> Cancel | Replace | None:
        """Now and then one of our commands is under way while the market moves, and may come too late."""
        rng = self.random
        if not self.resting or rng.random() < 0.6:
            return None
        mine = rng.choice(self.resting)
        if rng.random() < 0.7:
            self.resting.remove(mine)
            return Cancel(which=mine.which)
        mine.ticks = self.best(mine.side) - mine.side * rng.randint(3, 6)
        mine.lots += rng.randint(0, 5)
        return Replace(which=mine.which, ticks=mine.ticks, lots=mine.lots)

    def cancel(self) -> None:
        """A cancel, mostly of what may rest, at times of what cannot any more."""
        rng = self.random
        if not self.asked:
            return
        if not self.resting or rng.random() < 0.2:
            self.events.append(Cancel(which=rng.randrange(self.asked)))
            return
        which = rng.choice(self.resting).which
        self.events.append(Cancel(which=which))
        self.resting = [each for each in self.resting if each.which != which]

    def replace(self) -> None:
        """Another price that does not take, or a larger quantity at the same one."""
        rng = self.random
        if not self.resting:
            return
        mine = rng.choice(self.resting)
        lots = mine.lots + rng.randint(0, 5)
        ticks = mine.ticks
        if rng.random() < 0.6:
            ticks = self.best(mine.side) - mine.side * rng.randint(0, 3)
        self.events.append(Replace(which=mine.which, ticks=ticks, lots=lots))
        mine.ticks, mine.lots = ticks, lots


def script(seed: int, length: int = 120, capability: Capability | None = None) -> list[Event]:
    """The events of a seed, `length` or a few more, with orders of the kinds that a venue knows (default: of all)."""
    made = Script(Random(seed), capability or Capability())
    made.open()
    doings = (
        (made.level, 25),
        (made.sell_out, 20),
        (made.meet, 12),
        (made.place, 25),
        (made.take, 15),
        (made.cancel, 8),
        (made.replace, 8),
    )
    while len(made.events) < length:
        do = made.random.choices([each for each, _ in doings], [weight for _, weight in doings])[0]
        do()
        made.refill()
    return made.events
