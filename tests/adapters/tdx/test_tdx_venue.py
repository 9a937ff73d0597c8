"""The T-DX venue against a scripted far side: its socket and its REST pages, over streams in memory."""

import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import trio
from trio_websocket import WebSocketConnection
from wire_peers import START, Asked, Box, MemoryNet, TrioClock, http, say, websocket

from tickwright.adapters.tdx.signing import totp, totp_secret
from tickwright.adapters.tdx.venue import make
from tickwright.engine.adapter import Site
from tickwright.engine.book import Book
from tickwright.engine.events import (
    BookChanged,
    CancelRejected,
    LinkChanged,
    MessageRefused,
    OrderAccepted,
    OrderCanceled,
    OrderExecuted,
    Traded,
)
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import priced_order
from tickwright.engine.secret import Secret
from tickwright.engine.terms import BUY, Liquidity, Refusal, Side
from tickwright.engine.times import SECOND
from tickwright.engine.wire import QueryFailed, Standing

SUB = "8cc80065-6679-4426-9f96-d7023220226c"
PAIR = "9e8d7c6b-5a49-4382-9170-6f5e4d3c2b1a"
ORDERS = f"{SUB}@subaccount-orders"
ETH = Instrument(id="ETH/CHF.TDX", tick_size=Decimal("0.5"), lot_size=Decimal("0.01"), base="ETH", quote="CHF")
TOTP = "JBSWY3DPEHPK3PXP"
SECRETS = {"username": "desk", "password": "canary-word", "totp_secret": TOTP}


def rfc3339(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / SECOND, UTC).isoformat().replace("+00:00", "Z")


class Far:
    """The venue's side: answers REST from tables, and keeps every frame that came over the socket."""

    def __init__(self, clock: TrioClock) -> None:
        self.clock = clock
        self.asked: list[Asked] = []
        self.frames: list[dict[str, Any]] = []
        self.sockets: list[WebSocketConnection] = []
        self.life_s = 3600.0
        self.orders: list[dict[str, Any]] = []
        self.trades: list[dict[str, Any]] = []
        self.answers: dict[tuple[str, str], Any] = {}
        self.tokens = 0
        self.armed = True

    def rest(self, asked: Asked) -> Any:
        self.asked.append(asked)
        path = asked.path.removeprefix("/rest")
        if (found := self.answers.get((asked.method, path))) is not None:
            return found(asked) if callable(found) else found
        match asked.method, path:
            case "POST", "/users/authentication/login":
                told = asked.json()
                good = told["password"] == SECRETS["password"]
                if not good or told["challenge"] != totp(totp_secret(TOTP), self.clock.wall()):
                    return 401, {"code": 401, "message": "wrong", "status": "UNAUTHENTICATED", "details": []}
                return 200, {"result": self.session()}
            case "POST", "/auth/refresh":
                return 200, {"result": self.session()}
            case "GET", "/pairs":
                pair = {"id": PAIR, "symbol": "ETH/CHF", "quantityTicks": "0.01", "priceTicks": "0.5"}
                return 200, self.page([pair])
            case "GET", "/instruments":
                return 200, self.page([{"id": "i-eth", "symbol": "ETH"}, {"id": "i-chf", "symbol": "CHF"}])
            case "GET", "/sub-accounts/mine":
                return 200, self.page([{"id": SUB, "name": "desk", "venue": "VENUE_MARKETPLACE", "pairs": []}])
            case "GET", "/balances":
                held = {"available": "10", "ordersReserved": "2.5", "withdrawalReserved": "1", "credit": "0.5"}
                return 200, self.page([{"instrumentId": "i-chf", **held}])
            case "GET", "/trades":
                return 200, self.page(self.trades)
            case "GET", listed if listed == f"/orders/by-sub-account/{SUB}":
                return 200, self.page(self.orders)
        return 404, {"code": 404, "message": "no such page", "status": "NOT_FOUND", "details": []}

    def session(self) -> dict[str, str]:
        self.tokens += 1
        ends = self.clock.wall() + int(self.life_s * SECOND)
        return {
            "accessToken": f"canary-token-{self.tokens}",
            "refreshToken": f"canary-refresh-{self.tokens}",
            "accessExpiresAt": rfc3339(ends),
            "sessionExpiresAt": rfc3339(ends + 7 * 86_400 * SECOND),
        }

    def page(self, entries: list[Any], cursor: str = "") -> dict[str, Any]:
        return {"result": entries, "pagination": {"cursors": {"next": cursor}}}

    async def socket(self, socket: WebSocketConnection) -> None:
        self.sockets.append(socket)
        while True:
            frame = json.loads(await socket.get_message())
            self.frames.append(frame)
            if frame["e"] == "tdx:subscribe":
                await say(socket, "tdx:subscription_received", frame["t"])
                if "@depth" in frame["t"]:
                    data = {"u": 900, "b": [["3100", "4"]], "a": [["3101", "0.8"]]}
                    await say(socket, "orderbook", frame["t"], data)
            elif frame["e"] == "tdx:cancel_on_disconnect" and self.armed:
                await say(socket, "tdx:cancel_on_disconnect_received")

    def sent(self, event: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["e"] == event]

    async def tell(self, event: str, data: Any, topic: str = ORDERS) -> None:
        await say(self.sockets[-1], event, topic, data)


@pytest.fixture
def clock():
    return TrioClock()


@pytest.fixture
async def far(nursery):
    found = Far(TrioClock())
    found.net = MemoryNet(nursery)
    found.net.ports = {7000: websocket(found.socket), 7001: http(found.rest)}
    return found


def site(**said: Any) -> Site:
    settings = {"sub_account_id": SUB} | said.pop("settings", {})
    secrets = {name: Secret(text) for name, text in said.pop("secrets", SECRETS).items()}
    terms = {
        "venue": "TDX", "url": "ws://127.0.0.1:7000/ws", "http_url": "http://127.0.0.1:7001/rest", "loopback": True,
        "insecure": True, "trading": True, "instruments": ("ETH/CHF.TDX",),
    }  # fmt: skip
    return Site(settings=settings, credentials=secrets, **(terms | said))


def build(far, **said: Any):
    return make(site(**said), far.clock, random=Random(1), dial=far.net.dial)


async def running(far, nursery, **said: Any):
    venue = build(far, **said)
    await venue.instruments(["ETH/CHF.TDX"])
    box = Box()
    nursery.start_soon(venue.run, box)
    await box.wait_for(BookChanged)
    return venue, box


def order(name: str, *, lots: int = 200, ticks: int = 6200, venue_order_id: str = ""):
    made = priced_order(Book(ETH), name, 1, BUY, lots, ticks, None, None)
    made.sent_ts = START
    made.venue_order_id = venue_order_id
    return made


def state(name: str, **said: Any) -> dict[str, Any]:
    told = {
        "id": f"v-{name}", "clientOrderId": name, "pairId": PAIR, "side": "SIDE_BUY", "quantity": "2", "price": "3100",
        "executedQuantity": "0", "status": "STATUS_OPEN", "type": "TYPE_LIMIT", "symbol": "ETH/CHF",
        "timeInForce": "TIME_IN_FORCE_GTC", "createdAt": rfc3339(START), "updatedAt": rfc3339(START),
    }  # fmt: skip
    return told | said


def fill(name: str, trade_id: str, **said: Any) -> dict[str, Any]:
    told = {
        "id": trade_id, "orderId": f"v-{name}", "pairId": PAIR, "side": "SIDE_BUY", "quantity": "0.75",
        "originalQuantity": "2", "cumulativeQuantity": "0.75", "price": "3100", "grossAmount": "2325",
        "transactionFee": "2.325", "swissStampTax": "0.1", "executedAt": rfc3339(START + SECOND), "isTaker": False,
    }  # fmt: skip
    return told | said


async def test_market_data_reaches_the_inbox_without_credentials(autojump_clock, far, nursery):
    venue = build(far, secrets={}, trading=False)
    venue.watch([ETH])
    box = Box()
    nursery.start_soon(venue.run, box)
    (book,) = await box.wait_for(BookChanged)
    assert (book.snapshot, book.changes) == (True, ((1, 6200, 400), (-1, 6202, 80)))
    await far.tell("trade", {"d": 1735689605123, "p": "3100", "q": "1", "i": "t1", "a": "SELL"}, "ETH/CHF@trades")
    await far.tell("trade", {"d": 1735689605123, "p": "3100", "q": "1", "i": "t2"}, "ETH/CHF@trades")
    trades = await box.wait_for(Traded, 2)
    assert [trade.taker for trade in trades] == [Side.SELL, None]
    assert box.of(LinkChanged)[0].up
    assert far.asked == []
    assert [frame["t"] for frame in far.sent("tdx:subscribe")] == ["ETH/CHF@depth@100ms", "ETH/CHF@trades"]
    assert all("a" not in frame for frame in far.frames)


async def test_an_order_goes_out_and_its_life_comes_back(autojump_clock, far, nursery):
    venue, box = await running(far, nursery)
    venue.submit(order("mm-1"))
    await trio.sleep(0.1)
    (frame,) = far.sent("tdx:order_create")
    assert (frame["t"], frame["a"]) == (ORDERS, "canary-token-1")
    assert frame["d"] == {
        "clientOrderId": "mm-1", "pairId": PAIR, "side": "SIDE_BUY", "type": "TYPE_LIMIT",
        "timeInForce": "TIME_IN_FORCE_GTC", "quantity": "2.00", "price": "3100.0",
    }  # fmt: skip
    await far.tell("order", state("mm-1"))
    await far.tell("trade", fill("mm-1", "f1"))
    (executed,) = await box.wait_for(OrderExecuted)
    assert (executed.instrument, executed.lots, executed.fee, executed.fee_currency) == (
        "ETH/CHF.TDX", 75, Decimal("2.425"), "CHF",
    )  # fmt: skip
    venue.cancel(order("mm-1"), 7)
    await trio.sleep(0.1)
    assert far.sent("tdx:order_cancel")[0]["d"] == {"id": "v-mm-1", "clientOrderId": "mm-1"}
    await far.tell(
        "tdx:order_cancel_failed",
        {"clientOrderId": "mm-1", "code": 429, "status": "RESOURCE_EXHAUSTED"},
    )
    (refused,) = await box.wait_for(CancelRejected)
    assert (refused.refusal, refused.request_id) == (Refusal.TRANSIENT, 7)
    later = rfc3339(START + 2 * SECOND)
    await far.tell("order", state("mm-1", status="CANCELED", executedQuantity="0.75", updatedAt=later))
    (ended,) = await box.wait_for(OrderCanceled)
    assert ended.stated_cum == 75
    assert len(box.of(OrderAccepted)) == 1


async def test_cancel_on_disconnect_is_asked_for_at_each_connection_and_its_absence_is_told(
    autojump_clock, far, nursery
):
    far.armed = False
    venue, box = await running(far, nursery)
    await trio.sleep(6)
    assert [told for told in box.of(MessageRefused) if "COD_OFF" in told.reason]
    far.armed = True
    await trio.aclose_forcefully(far.sockets[-1]._stream)
    await trio.sleep(20)
    assert len(far.sent("tdx:cancel_on_disconnect")) == 2
    assert len([told for told in box.of(MessageRefused) if "COD_OFF" in told.reason]) == 1
    assert [change.up for change in box.of(LinkChanged)] == [True, False, True]
    assert venue.statistics()[0].cancel_on_disconnect


async def test_queries_give_facts_in_our_units(autojump_clock, far, nursery):
    venue, _ = await running(far, nursery)
    far.orders = [
        state("mm-2", createdAt=rfc3339(START + SECOND)),
        state("mm-1", status="FILLED", executedQuantity="2"),
    ]
    far.trades = [fill("mm-1", "f2", executedAt=rfc3339(START + 2 * SECOND), isTaker=True), fill("mm-1", "f1")]
    (live,) = await venue.open_orders()
    assert (live.client_order_id, live.standing, live.lots, live.ticks, live.cum) == (
        "mm-2", Standing.LIVE, 200, 6200, 0,
    )  # fmt: skip
    found = await venue.order(order("mm-1"))
    assert found is not None
    assert (found.standing, found.venue_order_id, found.cum) == (Standing.FILLED, "v-mm-1", 200)
    trades = await venue.trades(START)
    assert [(trade.trade_id, trade.client_order_id, trade.fee, trade.liquidity) for trade in trades] == [
        ("f1", "mm-1", Decimal("2.425"), Liquidity.MAKER),
        ("f2", "mm-1", Decimal("2.425"), Liquidity.TAKER),
    ]
    assert await venue.holdings() == {"CHF": Decimal("13.0")}
    assert await venue.order(order("mm-9")) is None
    far.answers["GET", f"/orders/by-sub-account/{SUB}"] = (503, b"<html>")
    with pytest.raises(QueryFailed, match="503"):
        await venue.open_orders()
