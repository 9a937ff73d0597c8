"""What is pushed to clients: who hears which topic, and books in batches.

A book topic sends the whole book first and then, every SPEED ms and only when something changed, the levels that
did, with their whole quantity. Each subscriber has a sequence of its own: an update covers ``u`` = the last one it
was sent plus one to ``U`` = the book's sequence now. Every 30 s the whole book comes again. `pulse` is called every
100 ms and serves every speed, so that all books, and then balances and prices, go out in one order.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Protocol

from attrs import Factory, define

from tickwright.adapters.tdx.mirror import assumed, shapes
from tickwright.adapters.tdx.mirror.accounts import Account
from tickwright.adapters.tdx.mirror.exchange import Exchange
from tickwright.adapters.tdx.mirror.market import Market, Place
from tickwright.adapters.tdx.mirror.options import Options
from tickwright.adapters.tdx.mirror.orders import Execution, Order, PublicTrade
from tickwright.adapters.tdx.topics import Channel, Topic, balances_topic, orders_topic, trades_topic
from tickwright.engine.money import EXACT, plain
from tickwright.engine.times import SECOND

PULSE_NS: Final = SECOND // 10
_PULSE_MS: Final = 100
OVERLAP: Final = 3
"""How far an update that overlaps reaches back."""


class Hearer(Protocol):
    """One client's connection, as far as feeds are concerned. `kind` names the message for fault scripts."""

    def send(self, text: str, kind: str) -> None: ...


def depth_parts(topic: Topic) -> tuple[int, int]:
    """How many levels a book topic has (0: all), and its speed in ms."""
    cut, _, pace = topic.category.partition("@")
    levels = cut.removeprefix("depth")
    return int(levels or 0), int(pace.removesuffix("ms") or assumed.BARE_DEPTH_SPEED_MS)


@define(eq=False)
class Reader:
    """One subscriber of one book: the last sequence it was sent, when it got a whole book, and its window of it."""

    hearer: Hearer
    last: int = 0
    whole_at: int = 0
    window: dict[Place, int] = Factory(dict)


class DepthFeed:
    """One book topic, for everybody who subscribed to it."""

    def __init__(self, topic: Topic, market: Market, shaping: shapes.Shapes) -> None:
        self.topic = topic.name
        self.most, self.speed_ms = depth_parts(topic)
        self.readers: dict[int, Reader] = {}
        self._market = market
        self._shapes = shaping
        self._spoil = ""
        self._changed: set[Place] = set()
        self._changed = self._watched(set())

    def close(self) -> None:
        """Watch the book no more."""
        self._market.watchers[:] = [each for each in self._market.watchers if each is not self._changed]

    def join(self, hearer: Hearer, at: int) -> None:
        """A whole book for somebody who begins, or begins again."""
        reader = Reader(hearer)
        self.readers[id(hearer)] = reader
        self._whole(reader, at)

    def flush(self, at: int) -> None:
        """Send what has changed since the last time, to each reader from where it stands."""
        spoiled = self._spoil
        fake = self._cross() if spoiled == "cross_book" else {}
        places = self._now(self._changed) | fake if self.most == 0 else {}
        self._changed = self._watched(set(fake))
        for reader in self.readers.values():
            if at - reader.whole_at >= assumed.FULL_BOOK_EVERY_NS:
                self._whole(reader, at)
            elif self._market.sequence > reader.last:
                changes = places if self.most == 0 else self._moved(reader) | fake
                if changes:
                    reader.window |= fake
                    back = OVERLAP if spoiled == "overlap_update" else 0
                    self._send(reader, changes, max(reader.last + 1 - back, 1), "book")
                    self._spoil = ""
        if fake:
            self._market.sequence += 1  # the next update puts it right

    def spoil(self, how: str) -> None:
        """Let the next update overlap the last one, or cross the book until the one after."""
        self._spoil = how

    def _cross(self) -> dict[Place, int]:
        """A bid at the best ask."""
        ticks = self._market.best(-1)
        self._market.sequence += 1
        return {(1, ticks): 1} if ticks else {}

    def _watched(self, places: set[Place]) -> set[Place]:
        """Watch the book with a new set, which begins with `places`."""
        self.close()
        self._market.watchers.append(places)
        return places

    def _whole(self, reader: Reader, at: int) -> None:
        reader.whole_at = at
        reader.window = self._window()
        self._send(reader, reader.window, None, "snapshot")

    def _moved(self, reader: Reader) -> dict[Place, int]:
        """How a window of some levels differs from the one last sent: what slid out is zero."""
        window = self._window()
        changes = {place: 0 for place in reader.window if place not in window}
        changes |= {place: lots for place, lots in window.items() if reader.window.get(place) != lots}
        reader.window = window
        return changes

    def _window(self) -> dict[Place, int]:
        market = self._market
        return {(side, ticks): lots for side in (1, -1) for ticks, lots in market.levels(side, self.most)}

    def _now(self, places: Iterable[Place]) -> dict[Place, int]:
        return {place: self._market.book.size_at(*place) for place in places}

    def _send(self, reader: Reader, levels: dict[Place, int], first: int | None, kind: str) -> None:
        sequence = self._market.sequence
        data: dict[str, object] = {"u": sequence} if first is None else {"u": first, "U": sequence}
        for name, wanted in (("b", 1), ("a", -1)):
            rows = ((ticks, lots) for (side, ticks), lots in levels.items() if side == wanted)
            data[name] = self._shapes.levels(self._market.pair, rows)
        reader.last = sequence
        if self.most == 0:
            reader.window = {}
        reader.hearer.send(shapes.frame("orderbook", self.topic, data), kind)


class Feeds:
    """Every topic and who hears it; the exchange's outlet."""

    def __init__(self, exchange: Exchange, options: Options) -> None:
        self._exchange = exchange
        self._options = options
        self._shapes = shapes.Shapes(options)
        self._hearers: dict[str, dict[int, Hearer]] = {}
        self._depth: dict[str, DepthFeed] = {}
        self._balances: dict[tuple[str, str], Account] = {}
        self._prices: dict[str, str] = {}
        self._pulses = 0

    # --- subscribing ----------------------------------------------------------------------------------------------

    def join(self, topic: Topic, hearer: Hearer, at: int) -> None:
        """Somebody hears a topic from now on; what it begins with is sent."""
        if topic.channel is Channel.DEPTH:
            feed = self._depth.get(topic.name)
            if feed is None:
                feed = DepthFeed(topic, self._exchange.markets[topic.target], self._shapes)
                self._depth[topic.name] = feed
            feed.join(hearer, at)
            return
        self._hearers.setdefault(topic.name, {})[id(hearer)] = hearer
        if topic.channel is Channel.PRICES:
            for pair_topic, text in self._price_frames(topic).items():
                self._prices.setdefault(pair_topic + topic.name, text)
                hearer.send(text, "price")

    def leave(self, topic: Topic, hearer: Hearer) -> None:
        """Somebody hears a topic no more."""
        feed = self._depth.get(topic.name)
        if feed is not None:
            feed.readers.pop(id(hearer), None)
            if not feed.readers:
                feed.close()
                del self._depth[topic.name]
        hearers = self._hearers.get(topic.name)
        if hearers is not None:
            hearers.pop(id(hearer), None)
            if not hearers:
                del self._hearers[topic.name]

    # --- what the exchange tells ----------------------------------------------------------------------------------

    def own_order(self, order: Order) -> None:
        if order.account is not None:
            topic = orders_topic(order.account.sub_account_id)
            if topic in self._hearers:
                self._tell(topic, assumed.ORDER, self._own(self._shapes.order(order)), "order")

    def own_trade(self, execution: Execution) -> None:
        account = execution.order.account
        if account is not None:
            topic = orders_topic(account.sub_account_id)
            if topic in self._hearers:
                self._tell(topic, assumed.OWN_TRADE, self._own(self._shapes.execution(execution)), "fill")

    def public_trade(self, trade: PublicTrade) -> None:
        topic = trades_topic(trade.pair.symbol)
        if topic in self._hearers:
            self._tell(topic, "trade", self._shapes.public_trade(trade), "trade")

    def balance(self, account: Account, symbol: str) -> None:
        self._balances[account.sub_account_id, symbol] = account

    def pulse(self, at: int) -> None:
        """100 ms have passed: books whose speed it is, then balances, then once a second prices."""
        self._pulses += 1
        for feed in list(self._depth.values()):
            if self._pulses * _PULSE_MS % feed.speed_ms == 0:
                feed.flush(at)
        balances, self._balances = self._balances, {}
        for (sub_account_id, symbol), account in balances.items():
            asset = self._exchange.assets[symbol]
            self._tell(
                balances_topic(sub_account_id), "balance", shapes.balance(asset, account.holding(symbol)), "balance"
            )
        if self._pulses % 10 == 0:
            self._tell_prices()

    def misbehave(self, how: str) -> None:
        """Spoil the next update of every book."""
        for feed in self._depth.values():
            feed.spoil(how)

    def open_orders(self, account: Account, hearer: Hearer) -> None:
        """The open orders of an account, for somebody who begins to hear them."""
        for order in self._exchange.open_orders(account):
            data = self._own(self._shapes.order(order))
            hearer.send(shapes.frame(assumed.ORDER, orders_topic(account.sub_account_id), data), "order")

    def _own(self, told: dict[str, object]) -> object:
        return [told] if self._options.order_events_as_array else told

    def _tell(self, topic: str, event: str, data: object, kind: str) -> None:
        hearers = self._hearers.get(topic)
        if hearers:
            text = shapes.frame(event, topic, data)
            for hearer in list(hearers.values()):
                hearer.send(text, kind)

    # --- prices ---------------------------------------------------------------------------------------------------

    def _tell_prices(self) -> None:
        for name, hearers in list(self._hearers.items()):
            if "@prices@" not in name:
                continue
            target, _, _rest = name.partition("@")
            for topic, text in self._price_frames(Topic(name, Channel.PRICES, target)).items():
                if self._prices.get(topic + name) != text:
                    self._prices[topic + name] = text
                    for hearer in list(hearers.values()):
                        hearer.send(text, "price")

    def _price_frames(self, topic: Topic) -> dict[str, str]:
        """The price of each pair that a topic means, as a frame under the pair's own topic."""
        wanted = [topic.target] if topic.target != "*" else list(self._exchange.markets)
        category = topic.category
        frames = {}
        for symbol in wanted:
            value = self._price(self._exchange.markets[symbol], category.rpartition("@")[2])
            if value:
                name = f"{symbol}@{category}"
                frames[name] = shapes.frame("price", name, {"v": value})
        return frames

    def _price(self, market: Market, category: str) -> str:
        """`platform` is the last trade; every other category is the middle of the book, as nothing else is known."""
        instrument = market.pair.instrument
        bid, ask = market.best(1), market.best(-1)
        if category == "platform":
            return plain(instrument.price(market.last_ticks)) if market.last_ticks else ""
        if not (bid and ask):
            return ""
        return plain(EXACT.divide(instrument.price(bid + ask), Decimal(2)))
